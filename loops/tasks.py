"""Background work of loops: thin tasks, each an action by id."""

from celery import shared_task
from django.utils import timezone

from loops.actions import recordings


@shared_task
def process_recording(recording_id: int) -> None:
    """Make one uploaded recording playable."""
    recordings.process(recording_id=recording_id, at=timezone.now())


@shared_task
def sweep() -> None:
    """Ring again for recordings that have waited too long."""
    recordings.unstick(at=timezone.now())
