"""Background work of feedback: thin tasks, each an action by id."""

from collections.abc import Callable
from datetime import datetime

from celery import shared_task
from django.utils import timezone

from feedback.actions.appeals import tell_handlers
from feedback.actions.calibration import calibrate_round_kind
from feedback.actions.debriefs import ask_all_in
from feedback.actions.places import settle_missing
from feedback.actions.queue import expire_lapsed
from feedback.actions.revealing import tell_of_waiting
from feedback.actions.session import put_unrecorded_away
from feedback.actions.stamps import place_all_stamps
from feedback.actions.starving import ask_everybody
from feedback.queries.ratings import round_kinds_to_calibrate
from loops.background import enqueue
from loops.tasks import each_by_itself
from rubrics.models import RoundKind


@shared_task
def calibrate(round_kind_id: int) -> None:
    """Compute the snapshot of one round kind."""
    calibrate_round_kind(round_kind=RoundKind.objects.get(pk=round_kind_id), at=timezone.now())


@shared_task
def sweep() -> None:
    """Do what the clock asks of reviews and mocks, and ring for round kinds that have changed.

    Each part by itself: what fails in one stops no other.
    """
    now = timezone.now()
    parts: list[Callable[[], object]] = [
        lambda: expire_lapsed(at=now),
        lambda: settle_missing(at=now),
        lambda: tell_of_waiting(at=now),
        lambda: ask_everybody(at=now),
        lambda: tell_handlers(at=now),
        lambda: ask_all_in(at=now),
        lambda: put_unrecorded_away(at=now),
        place_all_stamps,
        lambda: _ring_for_calibration(now),
    ]
    each_by_itself(parts, lambda part: part())


def _ring_for_calibration(at: datetime) -> None:
    for round_kind_id in round_kinds_to_calibrate(at):
        enqueue("feedback.tasks.calibrate", round_kind_id=round_kind_id)
