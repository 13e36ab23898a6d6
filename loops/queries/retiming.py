"""Agreed mocks whose local time has moved, because the rules of a zone have changed since."""

from dataclasses import dataclass
from datetime import datetime

from loops.hours import UnknownZone, load_zone
from loops.models import Seat
from loops.states import MockState


@dataclass(frozen=True)
class Retimed:
    """A seat whose start reads otherwise than its member saw it when they agreed.

    Both readings are local, as "2026-11-09 18:00"; `now` is empty where the zone is no more.
    """

    seat: Seat
    was: str
    now: str


def retimed_seats(at: datetime) -> list[Retimed]:
    """Return the seats of mocks to come that have moved for a member who still lives there.

    Mocks stay at their instant; it is the clocks that read otherwise.
    """
    held = (
        Seat.objects.filter(
            is_held=True, mock__state__in=MockState.agreed(), mock__starts_at__gt=at
        )
        .exclude(local_start="")
        .select_related("mock__cohort", "member")
        .order_by("mock__starts_at", "mock_id", "member_id")
    )
    found = []
    for seat in held:
        now = _reading(seat)
        lives_by = seat.time_zone if now else "UTC"  # as whoever's zone is no more
        if lives_by == seat.member.time_zone and now != seat.local_start:
            found.append(Retimed(seat, seat.local_start, now))
    return found


def _reading(seat: Seat) -> str:
    try:
        return f"{seat.mock.starts_at.astimezone(load_zone(seat.time_zone)):%Y-%m-%d %H:%M}"
    except UnknownZone:
        return ""
