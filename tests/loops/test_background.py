"""The doorbell: rung after commit, by nothing else, and never a reason to fail."""

from typing import Any

import pytest
from celery import current_app
from django.db import transaction

from loops.background import enqueue, without_bells

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, int]]]:
    """What the broker is handed: no broker is asked here."""
    bells: list[tuple[str, dict[str, int]]] = []

    def send_task(task: str, *, kwargs: dict[str, int]) -> None:
        bells.append((task, kwargs))

    monkeypatch.setattr(current_app, "send_task", send_task)
    return bells


def test_a_bell_rings_when_the_row_is_there(heard: list[Any]) -> None:
    with transaction.atomic():
        enqueue("loops.tasks.process_recording", recording_id=7)
        before = list(heard)

    assert (before, heard) == ([], [("loops.tasks.process_recording", {"recording_id": 7})])


def test_a_bell_for_a_row_that_never_came_does_not_ring(heard: list[Any]) -> None:
    with transaction.atomic():
        enqueue("loops.tasks.process_recording", recording_id=7)
        transaction.set_rollback(True)

    assert heard == []


def test_a_broken_bell_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise ConnectionError("no Redis")

    monkeypatch.setattr(current_app, "send_task", broken)

    with transaction.atomic():
        enqueue("loops.tasks.process_recording", recording_id=7)

    assert "No worker could be rung for loops.tasks.process_recording" in caplog.text


def test_bells_are_silent_where_they_are_switched_off(heard: list[Any]) -> None:
    with without_bells(), transaction.atomic():
        enqueue("loops.tasks.process_recording", recording_id=7)
    enqueue("loops.tasks.sweep")

    assert heard == [("loops.tasks.sweep", {})]
