"""What the sweep rings for, and what a bell does, rung once or often. Actions are tested beside."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone

from feedback.actions.calibration import calibrate_round_kind
from feedback.models import AttemptMeasure, Review, Snapshot
from feedback.queries import ratings
from feedback.tasks import calibrate, sweep
from loops.models import Attempt, Cohort, User
from tests import factories
from tests.waiting import wait_until

CALIBRATE = "feedback.tasks.calibrate"


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, int]]]:
    """The bells that would have gone to Redis, in order."""
    bells: list[tuple[str, dict[str, int]]] = []

    def send(task: str, kwargs: dict[str, int]) -> None:
        bells.append((task, kwargs))

    monkeypatch.setattr(current_app, "send_task", send)
    return bells


@pytest.fixture
def swept(
    rung: list[tuple[str, dict[str, int]]],
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[Any]],
) -> Callable[[], list[tuple[str, dict[str, int]]]]:
    """Sweep once and return what was rung for, but for the mail of notices."""

    def run() -> list[tuple[str, dict[str, int]]]:
        rung.clear()
        with django_capture_on_commit_callbacks(execute=True):
            sweep()
        return [bell for bell in rung if bell[0] != "loops.tasks.send_notice"]

    return run


@pytest.fixture
def graded(candidate: User, cohort: Cohort, peer: User) -> Callable[..., Attempt]:
    """Return a function that makes an answer of some hours ago with one review in and opened."""

    def make(*, hours_ago: float, kind: str = "sd_ambiguous") -> Attempt:
        at = timezone.now() - timedelta(hours=hours_ago)
        answer = factories.answer(candidate, cohort, kind=kind, submitted_at=at)
        factories.submitted_review(answer, peer, submitted_at=at + timedelta(minutes=30))
        factories.open_reviews(answer)
        return answer

    return make


Bells = Callable[[], list[tuple[str, dict[str, int]]]]


def bell_for(attempt: Attempt) -> tuple[str, dict[str, int]]:
    return CALIBRATE, {"round_kind_id": attempt.rubric_version.round_kind_id}


def test_sweep_is_silent_while_nothing_is_revealed(
    graded: Callable[..., Attempt], swept: Bells
) -> None:
    graded(hours_ago=47)

    assert swept() == []


def test_sweep_rings_for_a_second_review(
    graded: Callable[..., Attempt], second_peer: User, swept: Bells
) -> None:
    answer = graded(hours_ago=1)
    factories.submitted_review(answer, second_peer, submitted_at=timezone.now())
    factories.open_reviews(answer)

    assert swept() == [bell_for(answer)]


def test_sweep_rings_when_48_hours_have_passed_with_one(
    graded: Callable[..., Attempt], swept: Bells
) -> None:
    answer = graded(hours_ago=48.1)

    assert swept() == [bell_for(answer)]


def test_sweep_is_silent_again_once_the_snapshot_has_seen_it_all(
    graded: Callable[..., Attempt], swept: Bells
) -> None:
    answer = graded(hours_ago=49)

    calibrate(round_kind_id=answer.rubric_version.round_kind_id)

    assert AttemptMeasure.objects.get().attempt == answer
    assert swept() == []


def test_sweep_rings_again_for_a_snapshot_of_older_code(
    graded: Callable[..., Attempt], swept: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = graded(hours_ago=49)
    calibrate(round_kind_id=answer.rubric_version.round_kind_id)

    monkeypatch.setattr(ratings, "CODE_VERSION", "another")

    assert swept() == [bell_for(answer)]


def test_sweep_rings_for_the_round_kind_that_changed_and_no_other(
    graded: Callable[..., Attempt], second_peer: User, swept: Bells
) -> None:
    seen = graded(hours_ago=60)
    calibrate(round_kind_id=seen.rubric_version.round_kind_id)
    changed = graded(hours_ago=70, kind="coding")
    calibrate(round_kind_id=changed.rubric_version.round_kind_id)
    factories.submitted_review(changed, second_peer, submitted_at=timezone.now())
    factories.open_reviews(changed)

    assert swept() == [bell_for(changed)]


def test_sweep_marks_lapsed_claims(
    candidate: User, cohort: Cohort, peer: User, second_peer: User, swept: Bells
) -> None:
    now = timezone.now()
    answer = factories.answer(candidate, cohort)
    lapsed = factories.review(answer, peer, lease_until=now - timedelta(seconds=1))
    held = factories.review(answer, second_peer, lease_until=now + timedelta(minutes=1))

    swept()

    lapsed.refresh_from_db()
    held.refresh_from_db()
    assert (lapsed.state, held.state) == (Review.State.EXPIRED, Review.State.CLAIMED)


@pytest.fixture
def revealed(candidate: User, cohort: Cohort, peer: User, second_peer: User) -> Attempt:
    """An answer with both its reviews in."""
    answer = factories.answer(candidate, cohort)
    factories.submitted_review(answer, peer, rank=1)
    factories.submitted_review(answer, second_peer, rank=2)
    factories.open_reviews(answer)
    return answer


def test_a_bell_rung_twice_makes_one_snapshot(revealed: Attempt) -> None:
    kind = revealed.rubric_version.round_kind_id

    calibrate(round_kind_id=kind)
    calibrate(round_kind_id=kind)

    assert Snapshot.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_makes_of_many_bells_the_snapshot_a_cold_fit_makes(
    revealed: Attempt, worker: subprocess.Popen[bytes]
) -> None:
    kind = revealed.rubric_version.round_kind

    for _bell in range(4):
        current_app.send_task(CALIBRATE, kwargs={"round_kind_id": kind.pk})
    wait_until(Snapshot.objects.exists)

    made = Snapshot.objects.get()
    assert calibrate_round_kind(round_kind=kind, at=timezone.now()) == made


def test_a_part_of_the_sweep_that_fails_stops_no_other(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def fail(**_given: object) -> None:
        raise RuntimeError("this part fails")

    monkeypatch.setattr("feedback.tasks.put_unrecorded_away", fail)
    monkeypatch.setattr("feedback.tasks.place_all_stamps", lambda: done.append("stamps"))

    sweep()

    assert done == ["stamps"]
