"""A mock as an entry of one person's calendar: its rows in the shape that loops/ics.py writes.

A mail tells what its notice was written of; a download and the feed tell how the mock stands.
"""

from datetime import datetime
from email.utils import parseaddr

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from loops import ics
from loops.clocks import for_two
from loops.hours import Period
from loops.ics import MockEvent
from loops.models import Mock, Notice, User
from loops.states import MockState
from loops.telling import partner_name, period_told, rounds_title, times_told

REQUESTS = frozenset(
    {Notice.Kind.AGREED, Notice.Kind.STANDBY, Notice.Kind.MOVED, Notice.Kind.CHANGED}
)
CANCELS = frozenset({Notice.Kind.CANCELLED, Notice.Kind.RELEASED})
OFF = frozenset({MockState.CANCELLED, MockState.EXPIRED})
"""An agreed mock in one of these is no more: calendars drop it."""


def event_told(notice: Notice) -> MockEvent | None:
    """Return what a notice's mail puts into its reader's calendar; None where it leaves it alone.

    Sent again, it is the same to the second, whatever has happened to the mock since.
    """
    period = period_told(notice)
    if notice.mock is None or period is None or notice.kind not in REQUESTS | CANCELS:
        return None
    return _event(
        notice.mock,
        notice.person,
        period,
        sequence=int(notice.data["sequence"]),
        video_url=str(notice.data.get("video_url", "")),
        modified_at=notice.made_at,
        is_cancelled=notice.kind in CANCELS,
    )


def event_now(mock: Mock, reader: User) -> MockEvent:
    """Return an agreed mock as it stands now, for one of its two people."""
    return _event(
        mock,
        reader,
        Period(mock.starts_at, mock.ends_at),
        sequence=mock.sequence,
        video_url=mock.video_url,
        modified_at=mock.changed_at,
        is_cancelled=mock.state in OFF,
    )


def _event(
    mock: Mock,
    reader: User,
    period: Period,
    *,
    sequence: int,
    video_url: str,
    modified_at: datetime,
    is_cancelled: bool,
) -> MockEvent:
    partner = partner_name(mock, reader)
    partner_zone = mock.partner_seat(reader).member.time_zone
    when = for_two(period, reader.time_zone, partner_zone, partner, modified_at)
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return MockEvent(
        uid=ics.uid(mock.public_id, settings.CALENDAR_HOST),
        sequence=sequence,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        stamped_at=modified_at,
        modified_at=modified_at,
        summary=_("Mock with %(partner)s: %(rounds)s")
        % {"partner": partner, "rounds": rounds_title(mock)},
        description="\n".join(times_told(when)),
        url=f"{settings.SITE_URL}{reverse('loops:mock', args=[mock.public_id])}",
        location=video_url,
        organizer_email=address,
        organizer_name=name,
        attendee_email=reader.email,
        attendee_name=reader.shown_name,
        is_cancelled=is_cancelled,
    )
