"""Loops, rounds, answers, hours and mocks in the API: one's own, and no more than that."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loops.models import (
    Attempt,
    Cohort,
    DayHours,
    DaysAway,
    Loop,
    Mock,
    MockLimits,
    Recording,
    User,
    WeeklyHours,
)
from tests import factories


@pytest.fixture
def loop(candidate: User, cohort: Cohort) -> Loop:
    """A loop of two rounds."""
    return factories.loop(candidate, cohort, kinds=["sd_ambiguous", "coding"])


@pytest.fixture
def attempt(loop: Loop) -> Attempt:
    """An answer in the first round, with a recording and notes."""
    made = factories.attempt(loop.rounds.get(position=1))
    factories.recording(made)
    factories.artifact(made, "who is paged")
    return made


def read(client: Client, user: User, path: str, status: int = 200) -> Any:
    client.force_login(user)
    response = client.get(f"/api/v1/{path}")
    assert response.status_code == status, response.content
    return response.json()


# Whose


@pytest.mark.parametrize("role", ["peer", "organiser", "outsider"])
def test_nobody_elses_rows_are_there(
    request: pytest.FixtureRequest, client: Client, attempt: Attempt, role: str
) -> None:
    other: User = request.getfixturevalue(role)
    round_ = attempt.round

    for name, row in (("loops", round_.loop), ("rounds", round_), ("attempts", attempt)):
        assert read(client, other, f"{name}/")["results"] == []
        read(client, other, f"{name}/{row.public_id}/", status=404)
        assert read(client, round_.loop.member, f"{name}/{row.public_id}/")["id"] == str(
            row.public_id
        )


# What they say


def test_a_loop_reads_with_its_rounds_in_order(client: Client, loop: Loop) -> None:
    found = read(client, loop.member, f"loops/{loop.public_id}/")

    rounds = list(loop.rounds.order_by("position"))
    assert found == {
        "id": str(loop.public_id),
        "title": "Staff loop",
        "preset": "staff",
        "ladder": "ic",
        "target_rank": 2,
        "interview_on": None,
        "started_at": "2026-02-23T09:30:00Z",
        "cohort": {"id": str(loop.cohort.public_id), "name": "Thursday cohort"},
        "rounds": [
            {
                "id": str(round_.public_id),
                "loop": str(loop.public_id),
                "position": round_.position,
                "round_kind": kind,
                "title": round_.title,
                "minutes": None,
                "focus": "",
            }
            for round_, kind in zip(rounds, ["sd_ambiguous", "coding"], strict=True)
        ],
    }


def test_an_answer_reads_with_recording_and_texts(client: Client, attempt: Attempt) -> None:
    found = read(client, attempt.round.loop.member, f"attempts/{attempt.public_id}/")

    recording = attempt.recordings.get()
    assert found["prompt"] == {"key": attempt.prompt.key, "text": attempt.prompt.text}
    assert found["recording"] == {
        "id": str(recording.public_id),
        "state": "ready",
        "duration_ms": 600_000,
        "links_url": f"/recordings/{recording.public_id}/links/",
    }
    assert [one["text"] for one in found["artifacts"]] == ["who is paged"]
    assert (found["predicted_rank"], found["edition"], found["state"]) == (2, 1, "submitted")


def test_a_recording_that_is_not_ready_has_no_address(client: Client, attempt: Attempt) -> None:
    attempt.recordings.update(state=Recording.State.PROCESSING)

    found = read(client, attempt.round.loop.member, f"attempts/{attempt.public_id}/")

    assert found["recording"]["links_url"] is None


def test_prompts_not_drawn_are_not_told(client: Client, attempt: Attempt) -> None:
    """The candidate met the first prompt of two; neither the second nor any kit is there."""
    undrawn = attempt.rubric_version.prompts.exclude(pk=attempt.prompt_id).get()
    member = attempt.round.loop.member

    told = str(
        [
            read(client, member, path)
            for path in (
                "loops/",
                f"loops/{attempt.round.loop.public_id}/",
                "rounds/",
                f"rounds/{attempt.round.public_id}/",
                "attempts/",
                f"attempts/{attempt.public_id}/",
            )
        ]
    )

    assert attempt.prompt.text in told
    assert undrawn.text not in told
    assert attempt.prompt.intent
    assert attempt.prompt.intent not in told


# Hours and mocks


def test_hours_read_as_rules(client: Client, candidate: User, peer: User) -> None:
    on = timezone.localdate() + timedelta(days=3)
    zone = "Asia/Kathmandu"
    factories.week(peer)
    WeeklyHours.objects.create(
        user=candidate,
        weekday=4,
        start_minute=1320,
        end_minute=1590,
        time_zone=zone,
        valid_from=date(2026, 3, 2),
    )
    for start, end in ((None, None), (600, 720)):
        DayHours.objects.create(
            user=candidate, on=on, start_minute=start, end_minute=end, time_zone=zone
        )
    DaysAway.objects.create(user=candidate, from_on=on, to_on=on, time_zone=zone, note="secret")
    MockLimits.objects.create(user=candidate, notice_minutes=60)

    found = read(client, candidate, "availability/")

    day = on.isoformat()
    assert found == {
        "weekly": [
            {
                "weekday": 4,
                "start_minute": 1320,
                "end_minute": 1590,
                "zone": zone,
                "valid_from": "2026-03-02",
                "valid_to": None,
            }
        ],
        "days": [
            {"on": day, "start_minute": None, "end_minute": None, "zone": zone},
            {"on": day, "start_minute": 600, "end_minute": 720, "zone": zone},
        ],
        "away": [{"from_on": day, "to_on": day, "zone": zone}],
        "limits": {
            "notice_minutes": 60,
            "horizon_days": 28,
            "most_a_day": 1,
            "most_a_week": 3,
            "gap_minutes": 15,
            "zone": "UTC",
        },
    }


def test_a_mock_reads_in_utc_and_tells_no_prompt(
    client: Client, candidate: User, peer: User, cohort: Cohort
) -> None:
    User.objects.update(time_zone="Asia/Kathmandu")
    mock = factories.mock(candidate, peer, cohort, swap_kind="coding")

    found = read(client, candidate, f"mocks/{mock.public_id}/")
    (listed,) = read(client, candidate, "mocks/")["results"]

    turn = {"minutes": 45, "begun_at": None, "ended_at": None}
    assert found == listed
    assert found == {
        "id": str(mock.public_id),
        "cohort": {"id": str(cohort.public_id), "name": "Thursday cohort"},
        "state": "confirmed",
        "origin": "asked",
        "starts_at": "2026-03-04T09:30:00Z",
        "ends_at": "2026-03-04T11:30:00Z",
        "agreed_at": "2026-03-02T09:30:00Z",
        "partner": "peer-102",
        "turns": [
            {"position": 1, "candidate": "candidate-101", "round_kind": "sd_ambiguous", **turn},
            {"position": 2, "candidate": "peer-102", "round_kind": "coding", **turn},
        ],
    }
    for one in mock.turns.select_related("prompt"):
        assert one.prompt is not None
        assert one.prompt.text not in str(found)
        assert one.prompt.key not in str(found)


@pytest.mark.parametrize("role", ["second_peer", "organiser", "outsider"])
def test_a_mock_is_read_by_its_two_alone(  # noqa: PLR0917 - both of them, and who is not
    request: pytest.FixtureRequest,
    client: Client,
    candidate: User,
    peer: User,
    cohort: Cohort,
    role: str,
) -> None:
    mock = factories.mock(candidate, peer, cohort)
    other: User = request.getfixturevalue(role)

    assert read(client, other, "mocks/")["results"] == []
    read(client, other, f"mocks/{mock.public_id}/", status=404)
    assert read(client, peer, f"mocks/{mock.public_id}/")["partner"] == candidate.handle


def test_mocks_are_filtered_by_state_and_cohort(
    client: Client, candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.mock(candidate, peer, cohort)
    proposed = factories.mock(candidate, peer, cohort, state=Mock.State.PROPOSED, kind="coding")

    found = read(client, candidate, "mocks/?state=proposed")["results"]

    assert [one["id"] for one in found] == [str(proposed.public_id)]
    assert len(read(client, candidate, f"mocks/?cohort={cohort.public_id}")["results"]) == 2


def test_mocks_cost_the_same_for_one_and_three(
    client: Client, candidate: User, peer: User, cohort: Cohort
) -> None:
    client.force_login(candidate)
    counts = []
    for kinds in (["coding"], ["xfn", "deep_dive"]):
        for number, kind in enumerate(kinds):
            starts_at = timezone.now() + timedelta(days=len(kinds) + 3 * number)
            factories.mock(candidate, peer, cohort, kind=kind, starts_at=starts_at)
        with CaptureQueriesContext(connection) as captured:
            client.get("/api/v1/mocks/")
        counts.append(len(captured))

    assert counts[0] == counts[1] <= 8


# Filters


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [2, 1]),
        ("state=draft", [2]),
        ("state=submitted", [1]),
        ("kind=live", []),
        ("round_kind=sd_ambiguous", [1]),
        ("round_kind=coding", [2]),
        ("loop={loop}", [2, 1]),
        ("round={round}", [1]),
    ],
)
def test_answers_are_filtered(
    client: Client, attempt: Attempt, query: str, numbers: list[int]
) -> None:
    loop = attempt.round.loop
    factories.attempt(
        loop.rounds.get(position=2), number=2, state=Attempt.State.DRAFT, started_at=factories.NOW
    )
    query = query.format(loop=loop.public_id, round=attempt.round.public_id)

    found = read(client, loop.member, f"attempts/?{query}")["results"]

    assert [one["number"] for one in found] == numbers


def test_rounds_are_filtered_by_loop(client: Client, loop: Loop, cohort: Cohort) -> None:
    other = factories.loop(loop.member, cohort, kinds=["xfn"])

    found = read(client, loop.member, f"rounds/?loop={other.public_id}")["results"]

    assert [one["round_kind"] for one in found] == ["xfn"]


# The price


@pytest.mark.parametrize("name", ["loops", "rounds", "attempts"])
def test_a_list_costs_the_same_for_one_and_three(
    client: Client, candidate: User, cohort: Cohort, name: str
) -> None:
    client.force_login(candidate)
    counts = []
    for more in (1, 2):
        for _loop in range(more):
            factories.attempt(factories.loop(candidate, cohort).rounds.get())
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/api/v1/{name}/")
        counts.append(len(captured))

    assert counts[0] == counts[1]
