"""iCalendar: a mock as one person's invitation, and as an entry of their feed. [pure]

Folding, escaping and encoding are the library's. Here stands what the mail rules ask for: an
instant is written in UTC, a mail names its reader alone, and nothing in a name ends a line.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import UUID

from icalendar import Calendar, Event, vCalAddress, vDuration

PRODID = "-//Plumbline//Peer mocks//EN"
REFRESH_EVERY = timedelta(hours=1)

_NOT_IN_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, half characters, line separators
_TURNS_TEXT_ROUND = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SAFE_IN_ADDRESS = "@!$'*+/="
_SAFE_IN_URL = "/#%[]=:;$&()+,!?*@'~"
_HOST = re.compile(r"[^\s@]+")


@dataclass(frozen=True, kw_only=True)
class MockEvent:
    """One mock as one of its two people has it in the calendar.

    `summary` names the partner as the cohort calls them, and the round; `description` has a
    line with each side's local time. The partner's address belongs nowhere in here. `url` is
    the mock's page, `location` the pair's video room or empty. `sequence` rises with each
    change of time and with the cancelling; `uid` and the organiser's address never change.
    Raises ValueError for instants without a zone, an end not after the start, and a negative
    sequence.
    """

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    stamped_at: datetime
    modified_at: datetime
    summary: str
    description: str
    url: str
    location: str
    organizer_email: str
    organizer_name: str
    attendee_email: str
    attendee_name: str
    is_cancelled: bool = False

    def __post_init__(self) -> None:
        """Refuse what no calendar can show."""
        for instant in (self.starts_at, self.ends_at, self.stamped_at, self.modified_at):
            if instant.utcoffset() is None:
                raise ValueError(f"{instant} names no instant: it has no zone.")
        if self.starts_at >= self.ends_at:
            raise ValueError("A mock ends after it starts.")
        if self.sequence < 0:
            raise ValueError("A sequence is counted from 0.")


def uid(public_id: UUID, host: str) -> str:
    """Return the name by which every calendar knows the mock for ever.

    `host` is the instance's, without a port. An instance that moves must go on with the old
    host for what it has sent, for a calendar takes another name for another mock. Raises
    ValueError for an empty host and for one with spaces or an at sign.
    """
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is not the name of a host.")
    return f"mock-{public_id}@{host.lower()}"


def invitation(event: MockEvent) -> bytes:
    """Write the message that puts the mock into its reader's calendar, moves it or removes it.

    There is no alarm in it: the app sends its own reminders, each reader's calendar adds the
    alarm they chose, and a CANCEL may not have one (RFC 5546, 3.2.5).
    """
    calendar = _calendar(_method(event))
    entry = _entry(event, stamped_at=event.stamped_at)
    attendee = _person(event.attendee_email, event.attendee_name)
    attendee.params["PARTSTAT"] = "ACCEPTED"  # both have agreed before there is an invitation
    attendee.params["RSVP"] = "FALSE"  # answers go by the mail's links
    entry.attendees = [attendee]
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


def feed(events: Iterable[MockEvent], *, name: str) -> bytes:
    """Write the calendar that a person's own calendar subscribes to.

    Equal events make equal bytes, in whatever order they come and whenever they are stamped,
    so that an entity tag holds until something changes. Attendees are left out, as RFC 5546
    (3.2.1) has it for what is published; the organiser is not, for the same reason.
    """
    calendar = _calendar("PUBLISH")
    calendar.calendar_name = _line(name)
    calendar.add("REFRESH-INTERVAL", REFRESH_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", vDuration(REFRESH_EVERY))
    for event in sorted(events, key=lambda event: (event.starts_at, event.uid)):
        calendar.add_component(_entry(event, stamped_at=event.modified_at))
    return bytes(calendar.to_ical())


def content_type(event: MockEvent) -> str:
    """Return the MIME type of the invitation, with the method that its body has too."""
    return f"text/calendar; method={_method(event)}; charset=utf-8"


def _method(event: MockEvent) -> str:
    return "CANCEL" if event.is_cancelled else "REQUEST"


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.prodid = PRODID
    calendar.version = "2.0"
    calendar.method = method
    return calendar


def _entry(event: MockEvent, *, stamped_at: datetime) -> Event:
    entry = Event()
    entry.uid = _line(event.uid)
    entry.sequence = event.sequence
    entry.DTSTAMP = stamped_at.astimezone(UTC)
    entry.LAST_MODIFIED = event.modified_at.astimezone(UTC)
    entry.start = event.starts_at.astimezone(UTC)
    entry.end = event.ends_at.astimezone(UTC)
    entry.organizer = _person(event.organizer_email, event.organizer_name)
    entry.summary = _line(event.summary)
    url = quote(event.url, safe=_SAFE_IN_URL)
    entry.url = url
    entry.description = _with_link(_lines(event.description), url)
    if location := _line(event.location):
        entry.location = location
    entry.status = "CANCELLED" if event.is_cancelled else "CONFIRMED"
    entry.transparency = "TRANSPARENT" if event.is_cancelled else "OPAQUE"
    return entry


def _with_link(description: str, url: str) -> str:
    """End the description with the link, which many calendars show nowhere else."""
    return description if url in description.split() else f"{description}\n\n{url}".lstrip()


def _person(address: str, name: str) -> vCalAddress:
    # Readers differ on whether a backslash escapes what follows it in a parameter.
    shown = _line(name).replace("\\", "/")
    return vCalAddress.new(f"mailto:{quote(address, safe=_SAFE_IN_ADDRESS)}", cn=shown or None)


def _lines(text: str) -> str:
    return "\n".join(_line(line) for line in text.strip().splitlines())


def _line(text: str) -> str:
    """Return the text as one line of what can be seen, with single spaces.

    Also a backslash before a capital N is defused: the library reads the two as a line break.
    """
    plain = _TURNS_TEXT_ROUND.sub("", text)
    kept = (
        " " if sign.isspace() else sign
        for sign in plain
        if sign.isspace() or unicodedata.category(sign) not in _NOT_IN_TEXT
    )
    return " ".join("".join(kept).split()).replace("\\N", "\\n")
