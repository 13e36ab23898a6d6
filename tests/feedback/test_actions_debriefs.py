"""Debriefs of split answers: who is asked in and when, what is kept, what never moves."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.http import Http404

from feedback.access import debrief_to_join
from feedback.actions import debriefs, queue, reviews, withdrawal
from feedback.actions.debriefs import DebriefOver, NotOfOnePiece, Now
from feedback.actions.reviews import Draft
from feedback.models import (
    DebriefMessage,
    GradingRules,
    Rating,
    Review,
    RevisedRating,
    Revision,
)
from feedback.queries.appeals import disputes_for_results
from feedback.queries.debriefs import (
    Difference,
    debrief_for_review,
    debrief_page,
    is_debrief_open,
)
from feedback.queries.ratings import ratings_of
from feedback.queries.side_by_side import side_by_side
from loops.models import Attempt, Cohort, Membership, Notice, User
from tests import factories
from tests.factories import DIMENSIONS, NOW
from tests.threads import together

SOON = NOW + timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def attempt(candidate: User, cohort: Cohort, peer: User, second_peer: User) -> Attempt:
    """An answer that one grader finds L7 and the other L5."""
    made = factories.answer(candidate, cohort)
    factories.submitted_review(made, peer, rank=3)
    factories.submitted_review(made, second_peer, rank=1)
    return made


@pytest.fixture
def third(attempt: Attempt, organiser: User) -> Review:
    """The third reader's review, handed in: L6."""
    return factories.submitted_review(attempt, organiser, rank=2, submitted_at=SOON)


def now(rank: int = 2, **ranks: int | None) -> Now:
    return Now(
        verdict="yes" if rank > 1 else "no",
        level_given_rank=rank,
        ratings=dict.fromkeys(DIMENSIONS, rank) | ranks,
    )


def difference(attempt: Attempt) -> Difference | None:
    """Return what the candidate's results say of graders who differ."""
    return disputes_for_results(attempt, (), SOON).debrief


def told(kind: Notice.Kind) -> list[str]:
    people = Notice.objects.filter(kind=kind).order_by("person__handle")
    return list(people.values_list("person__handle", flat=True))


def say(attempt: Attempt, by: User, text: str = "At 3:00 I heard a bound.", **facts: Any) -> Any:
    facts = {"key": uuid4(), "at": SOON, **facts}
    return debriefs.say(attempt=attempt, text=text, by=by, **facts)


# When it opens, and for whom


def test_it_opens_with_the_third_review(attempt: Attempt, organiser: User) -> None:
    assert not is_debrief_open(attempt)
    assert debriefs.ask_all_in(at=SOON) == 0

    review = queue.claim(by=organiser, at=SOON)
    assert review.attempt == attempt
    for dimension in attempt.rubric_version.dimensions.all():
        factories.evidence(review, dimension)
    draft = Draft(dict.fromkeys(DIMENSIONS, 2), frozenset(), "yes", "fair", 2)
    reviews.submit(review=review, draft=draft, version=0, by=organiser, at=SOON)

    assert is_debrief_open(attempt)
    assert told(Notice.Kind.DEBRIEF) == ["organiser-104", "peer-102", "second-103"]
    data = Notice.objects.filter(kind=Notice.Kind.DEBRIEF).values_list("data", flat=True)[0]
    assert data == {
        "attempt": str(attempt.public_id),
        "round": attempt.round.title,
        "reviews": 3,
    }


def test_where_three_are_wanted_anyway_it_opens_as_the_third_comes(
    attempt: Attempt, cohort: Cohort, organiser: User
) -> None:
    GradingRules.objects.create(cohort=cohort, reviews_wanted=4)
    factories.submitted_review(attempt, organiser, rank=2)
    assert not is_debrief_open(attempt)


def test_beside_an_extra_review_it_waits_for_who_is_still_at_work(
    candidate: User, cohort: Cohort, peer: User, second_peer: User, organiser: User
) -> None:
    answer = factories.answer(candidate, cohort)
    factories.submitted_review(answer, peer, rank=3, is_extra=True)
    second = factories.submitted_review(answer, second_peer, rank=1)
    assert not is_debrief_open(answer), "a place is free"
    factories.review(answer, organiser, claimed_at=SOON)
    entry = answer.queue_entry
    entry.refresh_from_db()
    assert (entry.is_split, entry.wanted, entry.granted, entry.handed_in) == (True, 2, 2, 2)
    factories.open_reviews(answer)

    assert not is_debrief_open(answer)
    assert not debrief_for_review(second)
    assert debriefs.ask_all_in(at=SOON) == 0
    differs = difference(answer)
    assert differs
    assert not differs.is_debriefed

    Review.objects.filter(grader=organiser).delete()
    factories.submitted_review(answer, organiser, rank=2)
    assert is_debrief_open(answer)
    differs = difference(answer)
    assert differs
    assert differs.is_debriefed


def test_graders_who_agree_have_nothing_to_debrief(
    candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    answer = factories.answer(candidate, cohort)
    for grader in (peer, second_peer):
        factories.submitted_review(answer, grader, rank=2)
    assert not is_debrief_open(answer)
    assert difference(answer) is None


def test_the_sweep_asks_in_whom_nobody_has_asked_yet_once(third: Review, cohort: Cohort) -> None:
    assert debriefs.ask_all_in(at=SOON) == 3
    assert debriefs.ask_all_in(at=SOON + DAY) == 0
    late = factories.person("late-110")
    factories.join(cohort, late)
    factories.submitted_review(third.attempt, late, rank=2, is_extra=True)
    assert debriefs.ask_all_in(at=SOON + DAY) == 1


def test_what_was_begun_goes_on_where_more_reviews_are_wanted_later(
    third: Review, cohort: Cohort, peer: User
) -> None:
    say(third.attempt, peer)
    GradingRules.objects.create(cohort=cohort, reviews_wanted=4)
    factories.in_queue(third.attempt)
    assert is_debrief_open(third.attempt)


@pytest.mark.parametrize("who", ["candidate", "outsider", "late"])
def test_the_door_is_for_who_has_graded_it(
    third: Review, cohort: Cohort, who: str, request: pytest.FixtureRequest
) -> None:
    late = factories.person("late-110")
    factories.join(cohort, late)
    factories.review(third.attempt, late, claimed_at=SOON)
    factories.submitted_review(
        third.attempt, factories.person("gold-111"), purpose=Review.Purpose.GOLD
    )
    person = late if who == "late" else request.getfixturevalue(who)
    with pytest.raises(Http404):
        debrief_to_join(person, third.attempt.public_id)


def test_the_door_opens_to_every_grader_in_the_cohort(third: Review, peer: User) -> None:
    assert debrief_to_join(peer, third.attempt.public_id).grader == peer
    assert debrief_for_review(third)
    Membership.objects.filter(user=peer).delete()
    with pytest.raises(Http404):
        debrief_to_join(peer, third.attempt.public_id)


def test_calibration_reviews_are_in_no_debrief(third: Review, cohort: Cohort) -> None:
    blind = factories.person("gold-111")
    factories.join(cohort, blind)
    gold = factories.submitted_review(third.attempt, blind, purpose=Review.Purpose.GOLD)
    assert not debrief_for_review(gold)
    with pytest.raises(Http404):
        debrief_to_join(blind, third.attempt.public_id)
    assert debriefs.ask_all_in(at=SOON) == 3
    assert len(side_by_side(third.attempt).columns) == 3


def test_a_live_interviewer_takes_part(
    candidate: User, cohort: Cohort, peer: User, second_peer: User, organiser: User
) -> None:
    answer = factories.answer(candidate, cohort, kind="sd_ambiguous")
    factories.submitted_review(answer, peer, rank=3, is_live=True)
    factories.submitted_review(answer, second_peer, rank=1)
    factories.submitted_review(answer, organiser, rank=2)
    assert debrief_to_join(peer, answer.public_id).is_live


# What is said


def test_the_others_are_told_once_a_day(third: Review, peer: User) -> None:
    for minutes in (0, 5):
        say(third.attempt, peer, at=SOON + timedelta(minutes=minutes))
    assert told(Notice.Kind.DEBRIEF_SAID) == ["organiser-104", "second-103"]
    say(third.attempt, peer, at=SOON + DAY)
    assert len(told(Notice.Kind.DEBRIEF_SAID)) == 4
    assert DebriefMessage.objects.count() == 3


def test_one_key_is_one_message(third: Review, peer: User, second_peer: User) -> None:
    key = uuid4()
    first = say(third.attempt, peer, key=key)
    assert say(third.attempt, peer, key=key) == first
    assert say(third.attempt, second_peer, key=key) != first
    page = debrief_page(third.attempt, peer)
    assert [(one.who, one.is_mine) for one in page.said] == [
        ("peer-102", True),
        ("second-103", False),
    ]


@pytest.mark.django_db(transaction=True)
def test_the_same_message_ten_times_at_once(third: Review, peer: User) -> None:
    key = uuid4()
    results = together([partial(say, third.attempt, peer, key=key)] * 10)
    assert {one.pk for one in results} == {DebriefMessage.objects.get().pk}


def test_nothing_is_said_of_an_answer_that_was_taken_back(
    third: Review, peer: User, candidate: User
) -> None:
    withdrawal.withdraw(attempt=third.attempt, by=candidate, at=SOON)
    with pytest.raises(DebriefOver):
        say(third.attempt, peer)
    with pytest.raises(DebriefOver):
        debriefs.revise(review=third, now=now(), at=SOON)
    with pytest.raises(Http404):
        debrief_to_join(peer, third.attempt.public_id)


# What each would say now


def test_a_revision_stands_beside_the_review(third: Review, peer: User) -> None:
    review = third.attempt.reviews.get(grader=peer)
    before = list(Rating.objects.order_by("pk").values_list("review_id", "dimension_id", "rank"))
    debriefs.revise(review=review, now=now(2, adoption=None), at=SOON)
    debriefs.revise(review=review, now=now(2, adoption=1), at=SOON + DAY)

    review.refresh_from_db()
    assert (review.verdict, review.level_given_rank) == ("yes", 3)
    after = Rating.objects.order_by("pk").values_list("review_id", "dimension_id", "rank")
    assert list(after) == before
    revision = Revision.objects.get()
    assert (revision.review, revision.level_given_rank, revision.at) == (review, 2, SOON + DAY)
    ranks = dict(revision.ratings.values_list("dimension__key", "rank"))
    assert ranks == {"discovery": 2, "bounding": 2, "options": 2, "adoption": 1}


def test_statistics_use_the_first_ratings(third: Review, peer: User) -> None:
    factories.open_reviews(third.attempt)
    kind = third.attempt.round.round_kind
    before = ratings_of(kind, SOON)
    for review in third.attempt.reviews.all():
        debriefs.revise(review=review, now=now(2), at=SOON)
    after = ratings_of(kind, SOON)
    assert before.observations
    assert (after.digest, after) == (before.digest, before)


@pytest.mark.parametrize("said", [("yes", 1), ("no", 2), ("strong_no", 3)])
def test_verdict_and_level_are_of_one_piece(third: Review, said: tuple[str, int]) -> None:
    verdict, rank = said
    with pytest.raises(NotOfOnePiece):
        debriefs.revise(review=third, now=Now(verdict, rank, now().ratings), at=SOON)
    assert not Revision.objects.exists()


# What the pages show


def test_reviews_side_by_side(third: Review, peer: User) -> None:
    review = third.attempt.reviews.get(grader=peer)
    debriefs.revise(review=review, now=now(2), at=SOON)
    beside = side_by_side(third.attempt, reader_id=peer.pk)

    assert [column.who for column in beside.columns] == ["peer-102", "second-103", "organiser-104"]
    assert beside.mine is beside.columns[0]
    assert beside.are_verdicts_apart
    assert beside.are_split
    row = beside.rows[0]
    assert [cell.label for cell in row.cells] == ["L7", "L5", "L6"]
    assert [cell.revised_label for cell in row.cells] == ["L6", "", ""]
    assert (row.apart, row.apart_now, len(row.moved)) == (2, 1, 1)
    assert (beside.yeses, beside.noes) == (["peer-102", "organiser-104"], ["second-103"])


def test_what_nobody_observed_lies_nowhere(
    candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    answer = factories.answer(candidate, cohort)
    for grader in (peer, second_peer):
        factories.submitted_review(answer, grader, ranks={"adoption": None})
    row = side_by_side(answer).rows[-1]
    assert (row.apart, row.apart_now, row.low_label) == (0, 0, "")


def test_the_candidate_is_told_of_reviews_they_have_opened_alone(
    attempt: Attempt, organiser: User
) -> None:
    assert difference(attempt) is None
    factories.open_reviews(attempt)
    found = difference(attempt)
    assert found is not None
    assert not found.is_debriefed
    assert [row.dimension.key for row in found.beside.differing] == list(DIMENSIONS)

    third = factories.submitted_review(attempt, organiser, rank=0, submitted_at=SOON)
    debriefs.revise(review=third, now=now(1), at=SOON)
    shut = difference(attempt)
    assert shut is not None
    assert shut.is_debriefed
    assert "organiser-104" not in [column.who for column in shut.beside.columns]
    assert not shut.beside.revised
    factories.open_reviews(attempt)
    read = difference(attempt)
    assert read is not None
    assert read.moved == len(DIMENSIONS)


def test_a_split_by_an_unopened_review_is_no_news_yet(
    candidate: User, cohort: Cohort, peer: User, second_peer: User, organiser: User
) -> None:
    answer = factories.answer(candidate, cohort)
    for grader in (peer, second_peer):
        factories.submitted_review(answer, grader, rank=3)
    factories.open_reviews(answer)
    factories.submitted_review(answer, organiser, rank=0, is_extra=True)
    assert answer.queue_entry.is_split
    assert difference(answer) is None


# Invariants


@pytest.mark.parametrize("rank", [4, 9])
def test_a_revised_level_is_a_level(third: Review, rank: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Revision.objects.create(review=third, verdict="yes", level_given_rank=rank, at=NOW)
    made = Revision.objects.create(review=third, verdict="yes", level_given_rank=2, at=NOW)
    dimension = third.attempt.rubric_version.dimensions.first()
    assert dimension
    with pytest.raises(IntegrityError), transaction.atomic():
        RevisedRating.objects.create(revision=made, dimension=dimension, rank=rank)
