"""What a person's calendar shows: their agreed mocks, around now."""

import hashlib
from datetime import datetime, timedelta

from django.db.models import Prefetch

from loops.calendars import event_now
from loops.ics import MockEvent
from loops.models import CalendarFeed, Mock, Seat, Turn, User
from loops.states import MockState

PAST = timedelta(days=30)
AHEAD = timedelta(days=180)
SHOWN = MockState.agreed() | {MockState.DONE, MockState.NO_SHOW, MockState.CONVERTED}


def events_of(user: User, at: datetime) -> list[MockEvent]:
    """Return the person's mocks of the last 30 and the next 180 days; three queries.

    What is only proposed holds no time, and what was called off is over: neither is shown.
    """
    mocks = (
        Mock.objects.of(user)
        .filter(state__in=SHOWN, ends_at__gt=at - PAST, starts_at__lt=at + AHEAD)
        .select_related("cohort")
        .prefetch_related(
            Prefetch("seats", queryset=Seat.objects.select_related("member")),
            Prefetch("turns", queryset=Turn.objects.select_related("round__round_kind")),
        )
        .order_by("starts_at", "pk")
    )
    return [event_now(mock, user) for mock in mocks]


def tag_of(events: list[MockEvent]) -> str:
    """Return the entity tag of a feed: another one as soon as anything in it reads otherwise.

    It is known before the feed is written, which is what takes the time.
    """
    return f'"{hashlib.sha256(repr(events).encode()).hexdigest()[:32]}"'


def open_feed(user: User) -> CalendarFeed | None:
    """Return the person's calendar address as far as it is known: when it was made."""
    return CalendarFeed.objects.filter(user=user, revoked_at=None).first()
