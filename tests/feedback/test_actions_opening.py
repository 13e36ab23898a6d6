"""Opening reviews: a word on each, all at once and for good, whatever comes in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from feedback.actions.opening import (
    NothingOpened,
    NotRevealed,
    OneMoreCameIn,
    Word,
    open_reviews,
    reflect,
)
from feedback.models import Reflection, Review, Usefulness
from feedback.queries.opening import is_opened, opened_attempts
from loops.models import Attempt, Cohort, Event, User
from loops.queries.news import with_reviews_to_open
from tests import factories
from tests.factories import NOW
from tests.threads import together

LATER = NOW + timedelta(hours=1)
VERY, SKIPPED = Word(Usefulness.Mark.VERY, "The time in minute four."), Word(None)


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer nobody has graded yet."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def revealed(answer: Attempt, peer: User, second_peer: User) -> Attempt:
    """The answer with both its reviews in."""
    factories.submitted_review(answer, peer, rank=1)
    factories.submitted_review(
        answer, second_peer, rank=2, submitted_at=NOW + timedelta(minutes=45)
    )
    return answer


def words_on(attempt: Attempt, *words: Word) -> dict[Any, Word]:
    reviews = attempt.reviews.in_results().order_by("submitted_at", "pk")
    return {review.public_id: word for review, word in zip(reviews, words, strict=False)}


def open_all(attempt: Attempt, *words: Word) -> list[Review]:
    given = words or (VERY, SKIPPED, VERY)
    return open_reviews(
        attempt=attempt,
        words=words_on(attempt, *given),
        by=attempt.round.loop.member,
        at=LATER,
    )


def waiting(attempt: Attempt, at: datetime) -> int:
    """Return how many reviews of an answer its candidate's pages say wait to be opened."""
    count: int = with_reviews_to_open(Attempt.objects.filter(pk=attempt.pk), at).get().to_open
    return count


# Opening


def test_every_review_is_kept_with_its_word_at_once(
    revealed: Attempt, peer: User, second_peer: User
) -> None:
    opened = open_all(revealed, VERY, SKIPPED)

    kept = {one.review.grader: (one.mark, one.note, one.at) for one in Usefulness.objects.all()}
    assert kept == {peer: (2, VERY.note, LATER), second_peer: (None, "", LATER)}
    assert [review.grader for review in opened] == [peer, second_peer]
    assert is_opened(revealed, LATER)
    assert Event.objects.filter(verb="opened", subject_id=revealed.pk).count() == 1


def test_it_is_final(revealed: Attempt) -> None:
    open_all(revealed, VERY, SKIPPED)
    again = open_all(revealed, Word(Usefulness.Mark.NOT, "On second thoughts."), VERY)

    assert again == []
    assert sorted(Usefulness.objects.values_list("note", flat=True)) == ["", VERY.note]
    assert Event.objects.filter(verb="opened").count() == 1


def test_all_open_together_or_none(revealed: Attempt) -> None:
    with pytest.raises(OneMoreCameIn):
        open_all(revealed, VERY)

    assert not Usefulness.objects.exists()


def test_a_review_that_came_in_since_is_read_first(revealed: Attempt, organiser: User) -> None:
    words = words_on(revealed, VERY, SKIPPED)
    factories.submitted_review(revealed, organiser, submitted_at=NOW + timedelta(minutes=50))

    with pytest.raises(OneMoreCameIn):
        open_reviews(attempt=revealed, words=words, by=revealed.round.loop.member, at=LATER)

    assert not Usefulness.objects.exists()


def test_nothing_opens_before_the_reveal(answer: Attempt, peer: User) -> None:
    factories.submitted_review(answer, peer)

    with pytest.raises(NotRevealed):
        open_all(answer, VERY)

    assert not Usefulness.objects.exists()


def test_a_lone_review_opens_after_48_hours(answer: Attempt, peer: User) -> None:
    factories.submitted_review(answer, peer)

    open_reviews(
        attempt=answer,
        words=words_on(answer, SKIPPED),
        by=answer.round.loop.member,
        at=NOW + timedelta(hours=48),
    )

    assert Usefulness.objects.get().mark is None


@pytest.mark.parametrize("purpose", [Review.Purpose.GOLD, Review.Purpose.EXPERT])
def test_calibration_reviews_are_not_asked_about(
    revealed: Attempt, organiser: User, purpose: str
) -> None:
    factories.submitted_review(revealed, organiser, purpose=purpose)

    open_all(revealed, VERY, SKIPPED)

    assert Usefulness.objects.count() == 2
    assert is_opened(revealed, LATER)


def test_an_appeals_review_is_asked_about_as_the_others(revealed: Attempt, organiser: User) -> None:
    open_all(revealed, VERY, SKIPPED)
    factories.submitted_review(revealed, organiser, purpose=Review.Purpose.APPEAL)

    assert not is_opened(revealed, LATER)
    assert waiting(revealed, LATER) == 1


def test_what_waits_is_counted_by_answer(
    revealed: Attempt, candidate: User, cohort: Cohort, peer: User
) -> None:
    two_days_on = NOW + timedelta(hours=48)
    other = factories.answer(candidate, cohort)
    factories.submitted_review(other, peer)

    before = [waiting(other, at) for at in (LATER, two_days_on)]
    both = waiting(revealed, LATER)
    open_all(revealed)

    assert (before, both) == ([0, 1], 2)
    assert [waiting(revealed, at) for at in (LATER, two_days_on)] == [0, 0]
    assert list(opened_attempts(LATER)) == [revealed]


# Reflecting


def test_a_line_is_kept_changed_and_taken_away(revealed: Attempt, candidate: User) -> None:
    open_all(revealed)

    for text in ("I drew first.", " I drew too early. "):
        reflect(attempt=revealed, text=text, by=candidate, at=LATER)
        assert Reflection.objects.get().text == text.strip()

    assert reflect(attempt=revealed, text="  ", by=candidate, at=LATER) is None
    assert not Reflection.objects.exists()


def test_there_is_nothing_to_reflect_on_before(revealed: Attempt, candidate: User) -> None:
    with pytest.raises(NothingOpened):
        reflect(attempt=revealed, text="I knew it.", by=candidate, at=LATER)

    assert not Reflection.objects.exists()


# Two tabs, and a review in the same instant


@pytest.mark.django_db(transaction=True)
def test_two_tabs_open_once(revealed: Attempt) -> None:
    marks = (Usefulness.Mark.VERY, Usefulness.Mark.NOT)
    outcomes = together([partial(open_all, revealed, Word(mark), Word(mark)) for mark in marks])

    assert sorted(len(opened) for opened in outcomes) == [0, 2]
    kept = Usefulness.objects.values_list("mark", flat=True)
    assert len(kept) == 2
    assert len(set(kept)) == 1
    assert Event.objects.filter(verb="opened").count() == 1
