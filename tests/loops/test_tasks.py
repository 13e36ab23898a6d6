"""The tasks do one action by id, and the worker knows them by the names that are rung for."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.core import mail
from django.utils import timezone

from loops import media, tasks
from loops.actions import bookings, processing
from loops.models import Attempt, Cohort, Mock, Notice, Recording, Round, Step, User
from tests import factories

Meet = Callable[..., Mock]


@pytest.fixture
def uploaded(draft: Attempt, film: bytes) -> Recording:
    """A recording that waits to be made playable since an hour ago."""
    then = timezone.now() - timedelta(hours=1)
    made = factories.recording(draft, state="uploaded", state_at=then, duration_ms=None)
    factories.upload(made, film, touched_at=timezone.now())
    return made


def test_a_recording_is_made_playable_once(uploaded: Recording) -> None:
    for _delivery in range(2):
        tasks.process_recording(recording_id=uploaded.pk)

    uploaded.refresh_from_db()
    assert uploaded.state == Recording.State.READY
    assert {step.tries for step in Step.objects.all()} == {1}


def test_a_recording_that_is_gone_is_no_error(db: None) -> None:
    tasks.process_recording(recording_id=0)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the broker is handed: no broker is asked here."""
    bells: list[Any] = []
    monkeypatch.setattr(
        current_app, "send_task", lambda task, *, kwargs: bells.append((task, kwargs))
    )
    return bells


@pytest.fixture
def meet(transactional_db: None, candidate: User, peer: User, cohort: Cohort) -> Meet:
    """Make a mock of the two that starts so many hours from now."""

    def meet(hours: float, **facts: Any) -> Mock:
        starts_at = timezone.now() + timedelta(hours=hours)
        return factories.mock(candidate, peer, cohort, starts_at=starts_at, **facts)

    return meet


@pytest.mark.django_db(transaction=True)
def test_the_sweep_rings_for_what_waits(uploaded: Recording, heard: list[Any]) -> None:
    heard.clear()

    tasks.sweep()

    assert heard == [("loops.tasks.process_recording", {"recording_id": uploaded.pk})]


@pytest.mark.django_db(transaction=True)
def test_the_sweep_closes_what_was_left_and_goes_on_with_what_lacks_something(
    draft: Attempt, round_: Round, film: bytes, heard: list[Any]
) -> None:
    then = timezone.now() - timedelta(hours=73)
    left = factories.recording(draft, state="recording", state_at=then, duration_ms=None)
    factories.upload(left, film, touched_at=then)
    old = factories.recording(factories.attempt(round_), film, state_at=then)

    tasks.sweep()
    left.refresh_from_db()
    assert (left.state, left.is_interrupted) == ("uploaded", True)
    assert heard == [
        ("loops.tasks.process_recording", {"recording_id": old.pk}),
        ("loops.tasks.process_recording", {"recording_id": left.pk}),
    ]

    assert set(Step.objects.values_list("name", flat=True)) == {"sound", "picture"}


def test_the_sweep_does_what_the_clock_asks_and_rings_for_mail(
    meet: Meet, peer: User, heard: list[Any]
) -> None:
    now = timezone.now()
    silent = meet(3, state="accepted")
    mocks = [silent, meet(-5, state="proposed"), meet(-9, state="running"), meet(24)]
    reminder = bookings.tell_of_mock(
        peer, "reminder", mocks[-1], now - timedelta(days=1), due_at=now - timedelta(minutes=1)
    )

    tasks.sweep()

    states = [Mock.objects.get(pk=mock.pk).state for mock in mocks]
    assert states == ["expired", "expired", "done", "confirmed"]
    assert ("loops.tasks.send_notice", {"notice_id": reminder.pk}) in heard
    assert set(Notice.objects.filter(mock=silent).values_list("kind", flat=True)) == {"released"}


def test_what_fails_in_the_sweep_stops_nothing_else(
    meet: Meet,
    peer: User,
    heard: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, *others = [meet(hours, state="accepted") for hours in (-3, 1, 3)]
    notice = bookings.tell_of_mock(peer, "cancelled", broken, timezone.now())
    heard.clear()
    release = bookings.release_silent

    def failing(*, mock_id: int, at: datetime) -> bool:
        if mock_id == broken.pk:
            raise ZeroDivisionError("this one alone")
        return release(mock_id=mock_id, at=at)

    def failing_too(**_given: object) -> int:
        raise ZeroDivisionError("and a whole part")

    monkeypatch.setattr(bookings, "release_silent", failing)
    monkeypatch.setattr(processing, "ring_due", failing_too)

    tasks.sweep()

    assert set(Mock.objects.filter(state="expired")) == set(others)
    assert ("loops.tasks.send_notice", {"notice_id": notice.pk}) in heard
    assert "this one alone" in caplog.text
    assert "and a whole part" in caplog.text


def test_a_notice_is_mailed_by_its_task(candidate: User, peer: User, cohort: Cohort) -> None:
    mock = factories.mock(candidate, peer, cohort)
    notice = bookings.tell_of_mock(peer, "agreed", mock, timezone.now())

    for _delivery in range(2):
        tasks.send_notice(notice_id=notice.pk)

    assert [message.to for message in mail.outbox] == [[peer.email]]


def test_every_task_is_known_by_its_name_and_has_a_queue() -> None:
    names = {
        task.name
        for task in (
            tasks.process_recording,
            tasks.send_notice,
            tasks.match_cohort,
            tasks.match_at_once,
            tasks.sweep,
        )
    }

    assert names == {
        "loops.tasks.process_recording",
        "loops.tasks.send_notice",
        "loops.tasks.match_cohort",
        "loops.tasks.match_at_once",
        "loops.tasks.sweep",
    }
    assert settings.CELERY_BEAT_SCHEDULE["loops-sweep"]["task"] in names
    routes = current_app.amqp.router
    assert routes.route({}, "loops.tasks.process_recording")["queue"].name == "media"


def test_a_task_of_the_worker_may_last_for_one_step_on_the_longest_recording() -> None:
    """And ends before its bell, taken for lost, is rung at another worker."""
    limits = settings.CELERY_TASK_ANNOTATIONS[tasks.process_recording.name]
    slowest = timedelta(seconds=media.WALL_MOST_SECONDS) + processing.TASK_LASTS
    moved = timedelta(seconds=2 * settings.UPLOAD_MAX_BYTES / processing.SLOWEST_BYTES_A_SECOND)

    assert (slowest + moved).total_seconds() < limits["soft_time_limit"] < limits["time_limit"]
    visible_after: Any = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    assert limits["time_limit"] < visible_after
