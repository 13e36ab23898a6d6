"""Background work of loops: thin tasks, each an action by id, and the sweep that asks the clock."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from celery import shared_task
from django.utils import timezone

from loops.actions import (
    bookings,
    digests,
    keeping,
    mailing,
    pool,
    processing,
    recordings,
    sessions,
)
from loops.queries.pool import week_paired

Row = TypeVar("Row")

log = logging.getLogger(__name__)


@shared_task
def process_recording(recording_id: int) -> None:
    """Make one uploaded recording playable."""
    processing.process(recording_id=recording_id, now=timezone.now)


@shared_task
def send_notice(notice_id: int) -> None:
    """Mail one notice that is due."""
    mailing.send(notice_id=notice_id, at=timezone.now())


@shared_task
def match_cohort(cohort_id: int) -> None:
    """Pair everybody who waits in a cohort, if the week's pairing is due and not done."""
    at = timezone.now()
    pool.match_cohort(cohort_id=cohort_id, week_on=week_paired(at), at=at)


@shared_task
def match_at_once(cohort_id: int) -> None:
    """Find partners for those of a cohort who cannot wait for the week's pairing."""
    pool.match_at_once(cohort_id=cohort_id, at=timezone.now())


@shared_task
def sweep() -> None:
    """Do what the clock asks of mocks, and ring again for what has waited too long.

    Each part, and each mock, is done by itself: what fails in one stops no other.
    """
    at = timezone.now()
    each_by_itself(_parts(at), lambda part: part())


def _parts(at: datetime) -> Iterable[Callable[[], object]]:
    yield lambda: processing.ring_due(at=at)
    yield lambda: processing.catch_up(at=at)
    yield lambda: each_by_itself(
        processing.left_open(at), lambda pk: processing.close_left(recording_id=pk, at=at)
    )
    yield lambda: processing.clear_raw(at=at)
    yield lambda: recordings.clear_left(at=at)
    yield lambda: each_by_itself(
        keeping.due_to_erase(at), lambda pk: keeping.erase_due(recording_id=pk, at=at)
    )
    yield lambda: each_by_itself(keeping.due_to_tell(at), lambda whom: _tell_of_erasing(*whom, at))
    yield lambda: keeping.tell_of_full_disk(at=at)
    yield lambda: each_by_itself(bookings.due_to_settle(at), lambda due: _settle(*due, at))
    yield lambda: each_by_itself(
        sessions.due_to_close(at), lambda pk: sessions.close_over(mock_id=pk, at=at)
    )
    yield lambda: each_by_itself(
        digests.due_people(at), lambda pk: digests.write_digest(person_id=pk, at=at)
    )
    yield lambda: mailing.ring_due(at=at)
    yield lambda: pool.ring_due(at=at)


def _settle(what: str, mock_id: int, at: datetime) -> bool:
    act = {
        "release": bookings.release_silent,
        "lapse": bookings.lapse,
        "desert": bookings.desert,
    }[what]
    return act(mock_id=mock_id, at=at)


def _tell_of_erasing(member_id: int, cohort_id: int, at: datetime) -> int:
    return keeping.tell_of(member_id=member_id, cohort_id=cohort_id, at=at)


def each_by_itself(rows: Iterable[Row], act: Callable[[Row], object]) -> None:
    """Act on each row in turn; log what fails, and go on."""
    for row in rows:
        try:
            act(row)
        except Exception:
            log.exception("The sweep failed at %s.", row)
