"""The tasks do one action by id, and the worker knows them by the names that are rung for."""

import io
from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone

from loops import tasks
from loops.actions import recordings
from loops.models import Attempt, Recording, User


@pytest.fixture
def uploaded(draft: Attempt, candidate: User, film: bytes) -> Recording:
    """A recording that waits to be made playable since an hour ago."""
    then = timezone.now() - timedelta(hours=1)
    track = recordings.begin(
        attempt=draft, role="camera", content_type="video/webm", by=candidate, at=then
    )
    recordings.append(
        track=track, stream=io.BytesIO(film), offset=0, size=len(film), by=candidate, at=then
    )
    return recordings.finish(recording=track.recording, by=candidate, at=then)


def test_a_recording_is_made_playable_once(uploaded: Recording) -> None:
    for _delivery in range(2):
        tasks.process_recording(recording_id=uploaded.pk)

    uploaded.refresh_from_db()
    assert (uploaded.state, uploaded.tries) == (Recording.State.READY, 1)


def test_a_recording_that_is_gone_is_no_error(db: None) -> None:
    tasks.process_recording(recording_id=0)


@pytest.mark.django_db(transaction=True)
def test_the_sweep_rings_for_what_waits(
    uploaded: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(
        current_app, "send_task", lambda task, *, kwargs: heard.append((task, kwargs))
    )

    tasks.sweep()

    assert heard == [("loops.tasks.process_recording", {"recording_id": uploaded.pk})]


def test_every_task_is_known_by_its_name_and_has_a_queue() -> None:
    names = {task.name for task in (tasks.process_recording, tasks.sweep)}

    assert names == {"loops.tasks.process_recording", "loops.tasks.sweep"}
    assert settings.CELERY_BEAT_SCHEDULE["loops-sweep"]["task"] in names
    routes = current_app.amqp.router
    assert routes.route({}, "loops.tasks.process_recording")["queue"].name == "media"
