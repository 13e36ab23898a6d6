"""A follow-up take stands in a round and is no answer of it: whatever lists or counts those."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from feedback.actions.places import settle_missing
from feedback.models import QueueEntry
from feedback.queries.keeping import needed_until
from feedback.queries.readiness import readiness_page
from feedback.queries.reveal import revealed_attempts
from loops.actions.practice import start_attempt
from loops.models import Attempt, Cohort, Recording, User
from loops.queries.keeping import plan_of
from loops.queries.practice import loop_lines, loop_page, round_page
from loops.queries.recording_list import file_name
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(days=3)
WEEK = timedelta(days=7)


@pytest.fixture
def answer(candidate: User, peer: User, cohort: Cohort) -> Attempt:
    """An answer graded by one peer and opened."""
    made = factories.answer(candidate, cohort)
    factories.submitted_review(made, peer)
    factories.open_reviews(made)
    return made


@pytest.fixture
def sent(answer: Attempt) -> Attempt:
    """A take handed in."""
    return factories.take(factories.follow_up(answer.reviews.get()))


@pytest.fixture
def begun(sent: Attempt, answer: Attempt) -> Attempt:
    """A second one that is being made."""
    return factories.take(factories.follow_up(answer.reviews.get()), state=Attempt.State.DRAFT)


@pytest.fixture
def mine(client: Client, candidate: User) -> Client:
    """The candidate's browser."""
    client.force_login(candidate)
    return client


@pytest.fixture(autouse=True)
def _both(sent: Attempt, begun: Attempt) -> None:
    """Have both in every test."""


def test_pages_of_practice_leave_them_out(answer: Attempt) -> None:
    (line,) = loop_page(answer.round.loop, LATER).rounds
    assert (line.submitted, line.draft, line.newest) == (1, None, answer)
    page = round_page(answer.round, LATER)
    assert (page.attempts, page.draft) == ([answer], None)


def test_a_round_whose_answer_was_taken_back_is_not_answered_by_a_take(
    answer: Attempt, candidate: User
) -> None:
    assert [line.rounds_answered for line in loop_lines(candidate)] == [1]
    Attempt.objects.filter(pk=answer.pk).update(state=Attempt.State.WITHDRAWN)

    assert [line.rounds_answered for line in loop_lines(candidate)] == [0]


def test_the_next_answer_is_number_two_and_no_take(answer: Attempt, candidate: User) -> None:
    fresh = start_attempt(round_=answer.round, by=candidate, at=LATER)

    assert (fresh.kind, fresh.number) == (Attempt.Kind.RECORDED, 2)


def test_readiness_reads_answers(answer: Attempt) -> None:
    (line,) = readiness_page(answer.round.loop, LATER).lines

    assert line.draft_id is None
    assert (line.waiting.answers, line.calibrating, line.unplayable) == (0, 1, 0)


def test_nothing_of_them_is_queued_or_revealed(answer: Attempt) -> None:
    settle_missing(at=LATER)

    assert [entry.attempt for entry in QueueEntry.objects.all()] == [answer]
    assert list(revealed_attempts(LATER)) == [answer]


def test_the_api_lists_answers(mine: Client, answer: Attempt, sent: Attempt) -> None:
    found = mine.get("/api/v1/attempts/").json()["results"]

    assert [one["id"] for one in found] == [str(answer.public_id)]
    assert mine.get(f"/api/v1/attempts/{sent.public_id}/").status_code == 404


@pytest.mark.parametrize(
    ("address", "method"),
    [
        ("feedback:results", "get"),
        ("feedback:withdraw", "get"),
        ("feedback:appeal", "get"),
        ("loops:attempt_submit", "get"),
        ("loops:attempt_submit", "post"),
        ("loops:attempt_predict", "post"),
        ("loops:attempt_withdraw", "post"),
        ("loops:artifact", "post"),
        ("feedback:results_open", "post"),
        ("feedback:gold_offer", "post"),
        ("feedback:question_ask", "post"),
    ],
)
def test_what_is_done_with_an_answer_is_not_done_with_a_take(
    mine: Client, sent: Attempt, begun: Attempt, address: str, method: str
) -> None:
    for take in (sent, begun):
        response = getattr(mine, method)(reverse(address, args=[take.public_id]))
        assert response.status_code == 404


def test_the_page_of_a_take_is_that_of_its_question(
    mine: Client, sent: Attempt, begun: Attempt
) -> None:
    for take in (sent, begun):
        response = mine.get(reverse("loops:attempt", args=[take.public_id]))
        page = reverse("feedback:follow_up", args=[take.follow_up.public_id])
        assert response["Location"] == page


def test_the_list_of_recordings_calls_them_takes(mine: Client, sent: Attempt) -> None:
    text = mine.get(reverse("loops:recording_list")).text

    assert "follow-up take 1" in text
    assert "answer 1001" not in text
    assert "1001" not in text


def test_a_downloaded_take_is_named_for_what_it_is(sent: Attempt) -> None:
    rendition = sent.recordings.get().tracks.get().renditions.get()
    assert file_name(rendition).startswith("system-design-ambiguous-follow-up-take-1-2026")


def test_a_cohorts_rule_leaves_a_take_to_its_grader_for_a_week(
    sent: Attempt, begun: Attempt, cohort: Cohort
) -> None:
    Cohort.objects.update(keep_recordings_days=7)
    recording = Recording.objects.select_related("attempt__round__loop__cohort").get(attempt=sent)
    assert sent.submitted_at
    assert needed_until([sent.pk], LATER) == {sent.pk: sent.submitted_at + WEEK}

    plan = plan_of(recording, LATER)

    assert plan is not None
    assert plan.due_at == sent.submitted_at + WEEK
    of_begun: Any = Recording.objects.select_related("attempt__round__loop__cohort")
    kept = plan_of(of_begun.get(attempt=begun), LATER)
    assert kept is not None
    assert kept.due_at == begun.recordings.get().started_at + WEEK
