"""Queue, reviews and readiness in the API: who reads what, and what gives nothing away."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feedback.actions.calibration import calibrate_round_kind
from feedback.models import AttemptMeasure, Review
from loops.models import Attempt, Cohort, User
from tests import factories


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Callable[..., Attempt]:
    """Return a function that hands in a recorded answer an hour ago."""

    def make(**facts: Any) -> Attempt:
        facts.setdefault("submitted_at", timezone.now() - timedelta(hours=1))
        return factories.answer(candidate, cohort, **facts)

    return make


Answer = Callable[..., Attempt]


def read(client: Client, user: User, path: str, status: int = 200) -> Any:
    client.force_login(user)
    response = client.get(f"/api/v1/{path}")
    assert response.status_code == status, response.content
    return response.json()


def calibrated(attempt: Attempt) -> None:
    calibrate_round_kind(round_kind=attempt.rubric_version.round_kind, at=timezone.now())


# The queue


def test_the_queue_holds_what_may_be_graded_and_names_nobody(
    client: Client, answer: Answer, peer: User, candidate: User, cohort: Cohort
) -> None:
    attempt = answer()

    found = read(client, peer, "queue/")["results"]

    assert found == [
        {
            "cohort": {"id": str(cohort.public_id), "name": cohort.name},
            "round_kind": "sd_ambiguous",
            "title": "System design, ambiguous",
            "kind": "recorded",
            "edition": 1,
            "minutes": attempt.rubric_version.minutes,
        }
    ]
    told = json.dumps(found)
    for secret in (candidate.handle, candidate.name, attempt.public_id, attempt.prompt.text):
        assert str(secret) not in told


@pytest.mark.parametrize("role", ["candidate", "outsider"])
def test_one_may_not_grade_oneself_nor_another_cohort(
    request: pytest.FixtureRequest, client: Client, answer: Answer, role: str
) -> None:
    answer()

    assert read(client, request.getfixturevalue(role), "queue/")["results"] == []


def test_what_has_its_graders_leaves_the_queue(
    client: Client, answer: Answer, peer: User, second_peer: User, organiser: User
) -> None:
    attempt = answer()
    before = read(client, organiser, "queue/")["count"]
    factories.submitted_review(attempt, peer)
    now = timezone.now()
    factories.review(attempt, second_peer, claimed_at=now)

    assert (before, read(client, organiser, "queue/")["count"]) == (1, 0)


def test_the_queue_is_filtered_by_round_kind(client: Client, answer: Answer, peer: User) -> None:
    answer(kind="coding")
    answer(kind="xfn")

    found = read(client, peer, "queue/?round_kind=xfn")["results"]

    assert [one["round_kind"] for one in found] == ["xfn"]


def test_the_queue_tells_a_third_reader_nothing_of_the_first_two(
    client: Client, answer: Answer, peer: User, second_peer: User, organiser: User
) -> None:
    attempt = answer()
    before = read(client, organiser, "queue/")
    factories.submitted_review(attempt, peer, rank=0)
    factories.submitted_review(attempt, second_peer, rank=3)

    assert read(client, organiser, "queue/") == before


# Reviews


@pytest.mark.parametrize("purpose", ["peer", "gold"])
def test_a_review_does_not_say_what_it_is_for(
    client: Client, answer: Answer, peer: User, purpose: str
) -> None:
    review = factories.review(answer(), peer, purpose=purpose, is_untrained=True)

    for found in (
        read(client, peer, f"reviews/{review.public_id}/"),
        read(client, peer, "reviews/")["results"][0],
    ):
        assert not {"purpose", "is_extra", "stands_for", "report"} & set(found)
        assert purpose not in json.dumps(found)


def test_a_review_of_what_was_taken_back_names_nobody(
    client: Client, answer: Answer, peer: User, candidate: User
) -> None:
    attempt = answer()
    review = factories.submitted_review(attempt, peer)
    Attempt.objects.filter(pk=attempt.pk).update(state=Attempt.State.WITHDRAWN)

    found = read(client, peer, f"reviews/{review.public_id}/")

    assert found["candidate"] == ""
    assert candidate.handle not in json.dumps(found)


def test_a_review_reads_to_its_grader_alone(
    client: Client, answer: Answer, candidate: User, peer: User, second_peer: User
) -> None:
    attempt = answer()
    mine = factories.submitted_review(attempt, peer, rank=1, downcodes=["unbounded"])
    factories.submitted_review(attempt, second_peer, rank=3)

    found = read(client, peer, f"reviews/{mine.public_id}/")

    assert [one["id"] for one in read(client, peer, "reviews/")["results"]] == [str(mine.public_id)]
    assert found["candidate"] == candidate.handle
    assert found["ratings"] == [{"dimension": name, "rank": 1} for name in factories.DIMENSIONS]
    assert found["downcodes"] == [{"downcode": "unbounded", "at_ms": None}]
    assert [one["start_ms"] for one in found["evidence"]] == [60_000, 120_000, 180_000, 240_000]
    for other in (candidate, second_peer):
        read(client, other, f"reviews/{mine.public_id}/", status=404)
    assert read(client, candidate, "reviews/")["results"] == []


def test_who_left_the_cohort_reads_no_review(client: Client, answer: Answer, peer: User) -> None:
    review = factories.submitted_review(answer(), peer)

    peer.memberships.all().delete()

    read(client, peer, f"reviews/{review.public_id}/", status=404)
    assert read(client, peer, "reviews/")["results"] == []


def test_reviews_are_filtered_by_state(client: Client, answer: Answer, peer: User) -> None:
    factories.submitted_review(answer(), peer)
    held = factories.review(answer(), peer)

    found = read(client, peer, "reviews/?state=claimed")["results"]

    assert [one["id"] for one in found] == [str(held.public_id)]


# Readiness


def test_a_board_reads_as_its_page_does(
    client: Client, answer: Answer, candidate: User, peer: User, second_peer: User
) -> None:
    attempt = answer()
    for grader in (peer, second_peer):
        factories.submitted_review(attempt, grader, rank=1, downcodes=["unbounded"])
    factories.open_reviews(attempt)
    calibrated(attempt)

    found = read(client, candidate, f"readiness/{attempt.round.loop.public_id}/")

    measure = AttemptMeasure.objects.get()
    round_ = found["rounds"][0]
    assert (round_["reading"]["state"], round_["reading"]["answers"]) == ("too_little_evidence", 1)
    assert round_["levels"] == [measure.level]
    assert round_["reading"]["low"] < round_["reading"]["level"] < round_["reading"]["high"]
    assert round_["reading"]["next_step"] == {"code": "new_prompt", "count": 2, "downcode": ""}
    assert [one["downcode"] for one in found["repairs"]] == ["unbounded"]
    assert found["labels"] == ["below", "L5", "L6", "L7"]


@pytest.mark.parametrize("role", ["peer", "organiser", "outsider"])
def test_a_board_is_its_members_alone(
    request: pytest.FixtureRequest, client: Client, answer: Answer, candidate: User, role: str
) -> None:
    path = f"readiness/{answer().round.loop.public_id}/"

    read(client, request.getfixturevalue(role), path, status=404)
    read(client, candidate, path)


# What gives nothing away


def test_before_the_reveal_the_api_tells_a_candidate_a_count_and_nothing_else(
    client: Client, answer: Answer, candidate: User, peer: User
) -> None:
    """All that the candidate can ask, before and after a review that has all a review can have."""
    attempt = answer()
    loop, round_ = attempt.round.loop, attempt.round
    paths = (
        "loops/",
        f"loops/{loop.public_id}/",
        "rounds/",
        f"rounds/{round_.public_id}/",
        "attempts/",
        f"attempts/{attempt.public_id}/",
        "queue/",
        "reviews/",
        f"readiness/{loop.public_id}/",
    )
    before = {path: read(client, candidate, path) for path in paths}

    review = factories.submitted_review(
        attempt, peer, rank=0, downcodes=["unbounded"], summary="Nothing in it."
    )
    factories.evidence(review, downcode=review.ticks.get().downcode, note="Draws at once.")
    calibrated(attempt)
    after = {path: read(client, candidate, path) for path in paths}

    readiness = f"readiness/{loop.public_id}/"
    waiting = after[readiness]["rounds"][0]["waiting"]
    assert waiting == {"answers": 1, "reviews_in": 1, "reviews_wanted": 2}
    waiting["reviews_in"] = 0
    assert after == before
    told = json.dumps(after)
    for fact in ("Nothing in it", "Draws at once", "unbounded", peer.handle, str(review.public_id)):
        assert fact not in told


def test_a_grader_is_told_nothing_of_the_other_review(
    client: Client, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    other = factories.submitted_review(attempt, second_peer, rank=0, summary="Nothing in it.")
    mine = factories.review(attempt, peer, state=Review.State.DRAFT)

    told = json.dumps(
        [read(client, peer, path) for path in ("queue/", "reviews/", f"reviews/{mine.public_id}/")]
    )

    for fact in ("Nothing in it", second_peer.handle, str(other.public_id)):
        assert fact not in told


# The price


@pytest.mark.parametrize("name", ["queue", "reviews"])
def test_a_list_costs_the_same_for_one_and_three(
    client: Client, answer: Answer, peer: User, name: str
) -> None:
    client.force_login(peer)
    counts = []
    for more in (1, 2):
        for _answer in range(more):
            answer()
            factories.submitted_review(answer(), peer)
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/api/v1/{name}/")
        counts.append(len(captured))

    assert counts[0] == counts[1]
