"""The page of a debrief over HTTP, and what its candidate reads of it: never the thread."""

from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions import withdrawal
from feedback.models import DebriefMessage, GradingRules, Revision, Usefulness
from loops.models import Attempt, Cohort, User
from tests import factories
from tests.factories import DIMENSIONS, NOW

LATER = NOW + timedelta(hours=1)
REVISED = {f"dimension-{key}": "2" for key in DIMENSIONS} | {"verdict": "yes", "level_given": "2"}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: LATER)


@pytest.fixture
def attempt(
    candidate: User, cohort: Cohort, peer: User, second_peer: User, organiser: User
) -> Attempt:
    """An answer that was split, with its third review in."""
    made = factories.answer(candidate, cohort)
    for grader, rank in ((peer, 3), (second_peer, 1), (organiser, 2)):
        factories.submitted_review(made, grader, rank=rank, summary=f"By {grader.handle}.")
    return made


def page(user: User, name: str, public_id: Any, status: Any = 200, **fields: str) -> str:
    """Open a page, or send a form where fields are given; return what it says."""
    client = Client()
    client.force_login(user)
    url = reverse(f"feedback:{name}", args=[public_id])
    answer = client.post(url, fields, follow=True) if fields else client.get(url)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return " ".join(unescape(answer.content.decode()).split())


def test_graders_read_each_other(attempt: Attempt, peer: User) -> None:
    shown = page(peer, "debrief", attempt.public_id)
    for words in ("peer-102", "second-103", "organiser-104", "By second-103.", "2 levels apart"):
        assert words in shown
    assert "Nobody has said anything yet" in shown
    review = attempt.reviews.get(grader=peer)
    assert "To the debrief" in page(peer, "review", review.public_id)


def test_the_page_costs_as_much_however_many_talk(
    attempt: Attempt, peer: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        DebriefMessage.objects.create(attempt=attempt, author=peer, text="So.", at=NOW)
    client = Client()
    client.force_login(peer)
    with django_assert_max_num_queries(8):
        client.get(reverse("feedback:debrief", args=[attempt.public_id]))


def test_what_is_said_is_read_by_the_graders_and_never_by_the_candidate(
    attempt: Attempt, peer: User, second_peer: User, candidate: User, outsider: User
) -> None:
    key = str(uuid4())
    said = "At 3:00 I heard a bound. <b>Really.</b>"
    for _ in range(2):
        assert said in page(peer, "debrief_say", attempt.public_id, key=key, text=said)
    assert DebriefMessage.objects.count() == 1
    assert said in page(second_peer, "debrief", attempt.public_id)
    factories.open_reviews(attempt)
    assert "heard a bound" not in page(candidate, "results", attempt.public_id)
    for person in (candidate, outsider):
        page(person, "debrief", attempt.public_id, 404)
        page(person, "debrief_say", attempt.public_id, 404, key=key, text=said)
        page(person, "debrief_revise", attempt.public_id, 404, **REVISED)


@pytest.mark.parametrize(
    ("text", "words"), [("", "Write something first"), ("x" * 2001, "2000"), ("  ", "Write some")]
)
def test_an_empty_or_endless_message_is_not_sent(
    attempt: Attempt, peer: User, text: str, words: str
) -> None:
    shown = page(peer, "debrief_say", attempt.public_id, 422, key=str(uuid4()), text=text)
    assert words in shown
    assert text.strip() in shown
    assert not DebriefMessage.objects.exists()


def test_what_i_would_say_now_begins_with_what_i_said(attempt: Attempt, peer: User) -> None:
    shown = page(peer, "debrief", attempt.public_id)
    for key in DIMENSIONS:
        assert f'name="dimension-{key}" value="3" checked' in shown
    kept = page(peer, "debrief_revise", attempt.public_id, **REVISED)
    assert "Kept beside your review" in kept
    assert kept.count("now: L6") == len(DIMENSIONS)
    for key in DIMENSIONS:
        assert f'name="dimension-{key}" value="2" checked' in kept
    assert attempt.reviews.get(grader=peer).level_given_rank == 3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dimension-adoption": ""}, "Choose a level, or “not observed”"),
        ({"verdict": ""}, "Give your verdict"),
        ({"level_given": ""}, "Choose a level"),
        ({"level_given": "1"}, "The level does not fit your verdict"),
        ({"level_given": "7"}, "7 is not one of the available choices"),
    ],
)
def test_a_revision_is_whole_or_not_kept(
    attempt: Attempt, peer: User, fields: dict[str, str], words: str
) -> None:
    shown = page(peer, "debrief_revise", attempt.public_id, 422, **(REVISED | fields))
    assert words in shown
    assert not Revision.objects.exists()


def test_not_observed_is_a_word_to_revise_to(attempt: Attempt, peer: User) -> None:
    fields = REVISED | {"dimension-adoption": "none"}
    assert "now: not observed" in page(peer, "debrief_revise", attempt.public_id, **fields)


def test_the_candidate_reads_where_they_differ_and_what_they_would_say_now(
    attempt: Attempt, candidate: User, peer: User
) -> None:
    factories.open_reviews(attempt)
    shown = page(candidate, "results", attempt.public_id)
    assert "Your graders differ" in shown
    assert "from L5 to L7" in shown
    assert "yes by peer-102, organiser-104; no by second-103" in shown
    page(peer, "debrief_revise", attempt.public_id, **REVISED)
    after = page(candidate, "results", attempt.public_id)
    assert "2 levels apart, now 1" in after
    assert "now: L6" in after
    assert "your level is computed from the first" in after


def test_the_candidate_reads_nothing_of_a_review_that_is_not_open(
    attempt: Attempt, candidate: User
) -> None:
    first, second, _third = attempt.reviews.order_by("pk")
    shut = page(candidate, "results", attempt.public_id)
    assert "Your graders differ" not in shut
    for review in (first, second):
        Usefulness.objects.create(review=review, mark=None, at=NOW)
    half = page(candidate, "results", attempt.public_id)
    assert "yes by peer-102; no by second-103" in half


def test_a_debrief_of_an_answer_taken_back_is_gone(
    attempt: Attempt, peer: User, candidate: User
) -> None:
    withdrawal.withdraw(attempt=attempt, by=candidate, at=LATER)
    page(peer, "debrief", attempt.public_id, 404)


SAID = "At 3:00 I heard a bound."


def test_words_typed_as_the_answer_was_taken_back_are_still_on_the_page(
    attempt: Attempt, peer: User, candidate: User
) -> None:
    withdrawal.withdraw(attempt=attempt, by=candidate, at=LATER)

    shown = page(peer, "debrief_say", attempt.public_id, 409, key=str(uuid4()), text=SAID)
    assert "The answer was taken back meanwhile" in shown
    assert SAID in shown
    assert "Say it" not in shown
    revised = page(peer, "debrief_revise", attempt.public_id, 409, **REVISED)
    assert "The answer was taken back meanwhile" in revised
    assert 'name="dimension-adoption" value="2" checked' in revised
    for words in ("By second-103.", "second-103", candidate.handle):
        assert words not in shown + revised
    assert not DebriefMessage.objects.exists()
    assert not Revision.objects.exists()

    withdrawal.delete(attempt=attempt, by=candidate, at=LATER)
    assert SAID in page(peer, "debrief_say", attempt.public_id, 409, key=str(uuid4()), text=SAID)


def test_words_typed_as_more_reviews_came_to_be_wanted_wait_on_the_page(
    attempt: Attempt, cohort: Cohort, peer: User, second_peer: User
) -> None:
    GradingRules.objects.create(cohort=cohort, reviews_wanted=4)
    factories.in_queue(attempt)
    page(peer, "debrief", attempt.public_id, 404)

    shown = page(peer, "debrief_say", attempt.public_id, 409, key=str(uuid4()), text=SAID)
    assert "opens once they are in" in shown
    assert SAID in shown
    assert "Say it" in shown
    assert "By second-103." not in shown
    empty = page(peer, "debrief_say", attempt.public_id, 422, key=str(uuid4()), text=" ")
    assert "By second-103." not in empty
    revised = page(peer, "debrief_revise", attempt.public_id, 409, **REVISED)
    assert 'name="dimension-adoption" value="2" checked' in revised
    assert not DebriefMessage.objects.exists()


def test_who_graded_what_nobody_differs_on_finds_no_debrief_to_write_in(
    candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    agreed = factories.answer(candidate, cohort)
    for grader in (peer, second_peer):
        factories.submitted_review(agreed, grader, rank=2)
    page(peer, "debrief_say", agreed.public_id, 404, key=str(uuid4()), text=SAID)
