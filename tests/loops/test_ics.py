"""Calendar files: golden ones to the byte, what a calendar reads in them, and hostile names."""

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar, Event

from loops import ics
from loops.ics import MockEvent

GOLDEN = Path(__file__).parent / "golden"
PUBLIC_ID = UUID("6f1c1f4e-3c0a-4d8e-9a55-2f8f3f0f7c11")
URL = f"https://plumbline.example/mocks/{PUBLIC_ID}/"
REQUEST = MockEvent(
    uid=ics.uid(PUBLIC_ID, "plumbline.example"),
    sequence=0,
    starts_at=datetime(2026, 3, 8, 14, 0, tzinfo=UTC),
    ends_at=datetime(2026, 3, 8, 15, 15, tzinfo=UTC),
    stamped_at=datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC),
    modified_at=datetime(2026, 3, 1, 9, 29, 58, tzinfo=UTC),
    summary="Mock with Dörte “Dot” O'Neil, SRE: System design, ambiguous",
    description=(
        "For you: Sunday 8 March 2026, 10:00–11:15 (America/New_York)\n"
        "For Dörte “Dot” O'Neil, SRE: Sunday 8 March 2026, 19:45–21:00 (Asia/Kathmandu)"
    ),
    url=URL,
    location="https://video.example/room/owls;quiet?a=1,2",
    organizer_email="mocks@plumbline.example",
    organizer_name="Plumbline",
    attendee_email="mara+mocks@example.org",
    attendee_name='Mara "M" Okafor; 🦉',
)
UPDATE = replace(
    REQUEST,
    sequence=1,
    starts_at=REQUEST.starts_at + timedelta(days=1),
    ends_at=REQUEST.ends_at + timedelta(days=1),
    stamped_at=datetime(2026, 3, 2, 18, 0, tzinfo=UTC),
    modified_at=datetime(2026, 3, 2, 18, 0, tzinfo=UTC),
    description=REQUEST.description.replace("Sunday 8", "Monday 9"),
)
CANCEL = replace(
    UPDATE,
    sequence=2,
    stamped_at=datetime(2026, 3, 4, 7, 5, tzinfo=UTC),
    modified_at=datetime(2026, 3, 4, 7, 5, tzinfo=UTC),
    is_cancelled=True,
)
LATER_ID = UUID("0d9d3c0c-6f53-4b4a-8a53-5a0e3d1e2b70")
LATER = replace(
    REQUEST,
    uid=ics.uid(LATER_ID, "plumbline.example"),
    url=f"https://plumbline.example/mocks/{LATER_ID}/",
    starts_at=datetime(2026, 3, 12, 18, 30, tzinfo=UTC),
    ends_at=datetime(2026, 3, 12, 19, 15, tzinfo=UTC),
    summary="Mock with heron-417: Coding",
    description="For you: Thursday 12 March 2026, 14:30–15:15 (America/New_York)",
    location="",
)
BREAKS_LINES = {"Cc", "Cs", "Zl", "Zp"}


# Golden files


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("request", ics.invitation(REQUEST)),
        ("update", ics.invitation(UPDATE)),
        ("cancel", ics.invitation(CANCEL)),
        ("feed", ics.feed([LATER, UPDATE], name="Plumbline: mocks of Mara")),
    ],
)
def test_the_golden_files_are_written_to_the_byte(name: str, written: bytes) -> None:
    assert written == (GOLDEN / f"{name}.ics").read_bytes()


@pytest.mark.parametrize("name", ["request", "update", "cancel", "feed"])
def test_the_golden_files_end_their_lines_as_the_standard_says(name: str) -> None:
    """Git must hand them out as they are: `.gitattributes` says so."""
    written = (GOLDEN / f"{name}.ics").read_bytes()

    assert_is_well_formed(written)
    assert written.count(b"\r\n") > 15


@pytest.mark.parametrize(("name", "event"), [("request", REQUEST), ("update", UPDATE)])
def test_a_calendar_reads_the_invitation(name: str, event: MockEvent) -> None:
    calendar, entry = read((GOLDEN / f"{name}.ics").read_bytes())

    assert (calendar.method, calendar.version, calendar.prodid) == ("REQUEST", "2.0", ics.PRODID)
    assert entry.uid == f"mock-{PUBLIC_ID}@plumbline.example"
    assert entry.sequence == event.sequence
    assert (entry.start, entry.end) == (event.starts_at, event.ends_at)
    assert entry.stamp == event.stamped_at.replace(microsecond=0)
    assert entry.last_modified == event.modified_at
    assert entry.summary == event.summary
    assert entry.description == f"{event.description}\n\n{URL}"
    assert (entry.url, entry.location) == (URL, event.location)
    assert (entry.status, entry.transparency) == ("CONFIRMED", "OPAQUE")
    assert entry.organizer.email == "mocks@plumbline.example"
    assert entry.organizer.params == {"CN": "Plumbline"}
    assert [attendee.email for attendee in entry.attendees] == ["mara+mocks@example.org"]
    assert entry.attendees[0].params == {
        "CN": 'Mara "M" Okafor; 🦉',
        "PARTSTAT": "ACCEPTED",
        "RSVP": "FALSE",
    }


def test_a_calendar_reads_the_cancelling() -> None:
    """It repeats the time and the attendee, and stands above the last invitation."""
    calendar, entry = read((GOLDEN / "cancel.ics").read_bytes())
    _, before = read((GOLDEN / "update.ics").read_bytes())

    assert calendar.method == "CANCEL"
    assert (entry.status, entry.transparency) == ("CANCELLED", "TRANSPARENT")
    assert (entry.uid, entry.organizer) == (before.uid, before.organizer)
    assert (entry.start, entry.end) == (before.start, before.end)
    assert entry.attendees == before.attendees
    assert entry.sequence > before.sequence


def test_a_calendar_reads_the_feed() -> None:
    calendar = Calendar.from_ical((GOLDEN / "feed.ics").read_bytes())

    assert calendar.method == "PUBLISH"
    assert calendar["X-WR-CALNAME"] == calendar["NAME"] == "Plumbline: mocks of Mara"
    assert calendar.refresh_interval == timedelta(hours=1)
    assert calendar["REFRESH-INTERVAL"].params == {"VALUE": "DURATION"}
    assert calendar["X-PUBLISHED-TTL"] == "PT1H"
    assert [(entry.uid, entry.sequence, entry.start) for entry in calendar.events] == [
        (UPDATE.uid, 1, UPDATE.starts_at),
        (LATER.uid, 0, LATER.starts_at),
    ]
    assert [entry.attendees for entry in calendar.events] == [[], []]
    assert calendar.events[0].organizer.email == "mocks@plumbline.example"
    assert [entry.get("LOCATION") for entry in calendar.events] == [UPDATE.location, None]


# Times


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York", "Pacific/Chatham"])
def test_an_instant_is_written_in_utc_whatever_zone_it_comes_in(zone: str) -> None:
    there = ZoneInfo(zone)
    moved = {
        field: getattr(REQUEST, field).astimezone(there)
        for field in ("starts_at", "ends_at", "stamped_at", "modified_at")
    }

    written = ics.invitation(replace(REQUEST, **moved))

    assert written == ics.invitation(REQUEST)
    assert b"DTSTART:20260308T140000Z\r\n" in written
    assert b"DTEND:20260308T151500Z\r\n" in written
    assert b"TZID" not in written
    assert b"VTIMEZONE" not in written


@pytest.mark.parametrize("field", ["starts_at", "ends_at", "stamped_at", "modified_at"])
def test_a_time_without_a_zone_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="no zone"):
        replace(REQUEST, **{field: getattr(REQUEST, field).replace(tzinfo=None)})


def test_a_mock_that_ends_when_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="ends after"):
        replace(REQUEST, ends_at=REQUEST.starts_at)


def test_a_sequence_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0"):
        replace(REQUEST, sequence=-1)


# Names of the mock and of its mail


def test_the_uid_is_the_same_in_every_file_of_a_mock() -> None:
    files = [ics.invitation(event) for event in (REQUEST, UPDATE, CANCEL)]
    files.append(ics.feed([UPDATE], name="Mocks"))

    assert {read(file)[1].uid for file in files} == {f"mock-{PUBLIC_ID}@plumbline.example"}


def test_the_uid_minds_no_capitals_of_the_host() -> None:
    assert ics.uid(PUBLIC_ID, "Plumbline.Example") == REQUEST.uid


@pytest.mark.parametrize("host", ["", "a b", "mocks@plumbline.example", "plumbline.example\r\n"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="not the name of a host"):
        ics.uid(PUBLIC_ID, host)


@pytest.mark.parametrize(("event", "method"), [(UPDATE, "REQUEST"), (CANCEL, "CANCEL")])
def test_the_method_of_the_mime_type_is_the_one_of_the_body(event: MockEvent, method: str) -> None:
    header = EmailMessage()
    header["Content-Type"] = ics.content_type(event)

    assert header.get_content_type() == "text/calendar"
    assert header.get_param("method") == method
    assert header.get_content_charset() == "utf-8"
    assert read(ics.invitation(event))[0].method == method


def test_a_link_that_is_there_is_not_repeated() -> None:
    event = replace(REQUEST, description=f"The mock’s page:\n{URL}")

    assert read(ics.invitation(event))[1].description == f"The mock’s page:\n{URL}"


def test_a_link_alone_is_a_description() -> None:
    assert read(ics.invitation(replace(REQUEST, description=" \r\n")))[1].description == URL


# The feed


def test_equal_events_make_equal_bytes() -> None:
    """An entity tag holds whatever order the rows come in and whenever they are stamped."""
    now = datetime(2026, 3, 5, tzinfo=UTC)
    twin = replace(UPDATE, uid=ics.uid(LATER_ID, "other.example"))
    again = [replace(event, stamped_at=now) for event in (UPDATE, LATER, twin)]

    assert ics.feed(again, name="Mocks") == ics.feed([twin, LATER, UPDATE], name="Mocks")


def test_a_change_changes_the_feed() -> None:
    assert ics.feed([UPDATE], name="Mocks") != ics.feed([CANCEL], name="Mocks")


def test_a_cancelled_mock_leaves_the_time_of_the_feed_free() -> None:
    _, entry = read(ics.feed([CANCEL], name="Mocks"))

    assert (entry.status, entry.transparency) == ("CANCELLED", "TRANSPARENT")


def test_a_feed_of_nothing_is_a_calendar() -> None:
    written = ics.feed([], name="Mocks")

    assert Calendar.from_ical(written).events == []
    assert_is_well_formed(written)


# Who can be read in it


@pytest.mark.parametrize("event", [REQUEST, UPDATE, CANCEL])
def test_an_invitation_has_no_address_but_its_readers_and_ours(event: MockEvent) -> None:
    unfolded = ics.invitation(event).decode().replace("\r\n ", "")

    assert set(re.findall(r"[\w.+-]+@[\w.-]+", unfolded)) == {
        event.uid,
        "mocks@plumbline.example",
        "mara+mocks@example.org",
    }


def test_the_feed_has_no_address_but_ours() -> None:
    unfolded = ics.feed([REQUEST], name="Mocks").decode().replace("\r\n ", "")

    assert set(re.findall(r"[\w.+-]+@[\w.-]+", unfolded)) == {
        REQUEST.uid,
        "mocks@plumbline.example",
    }


# Hostile names

HOSTILE = [
    "Eve\r\nATTENDEE:mailto:eve@evil.example",
    "Eve\nEND:VEVENT\nBEGIN:VEVENT",
    "Eve\rMETHOD:CANCEL",
    "Eve\u2028DTSTART:20300101T000000Z\u2029\x85\x0b\x0c\x1c",
    "\x00\x07\x1b[31mEve\x7f",
    'Eve";PARTSTAT=DECLINED:mailto:eve@evil.example',
    "Eve;CN=Ann:,x",
    "Eve^nBEGIN:VALARM^'^^",
    "Eve\\nBEGIN:VALARM\\NEND\\;\\,\\\\",
    "Eve\\",
    "%0D%0ABEGIN:VALARM%2C",
    "\u202eevE\u2066\u2069",
    "Ёва 🧗🏽‍♀️ 伊娃 إيفا",
    "’‘“”",
    "\t Eve \u00a0 \u3000 ",
    "x" * 300,
    "🦉" * 300,
    "\\" * 300,
    "Eve \ud800",
    "\r\n",
    "",
]
PIECES = st.one_of(st.sampled_from([*HOSTILE, "\r\n", "\\", "N", '"', " ", "^"]), st.text())
NAMES = st.lists(PIECES, max_size=5).map("".join)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_nothing_but_a_name(name: str) -> None:
    check_names(name, name, name, name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Eve\r\nATTENDEE:mailto:x", "Eve ATTENDEE:mailto:x"),
        ("\x1b[31mEve\x00\x7f", "[31mEve"),
        ("\u202eevE\u2066", "evE"),
        (" Eve\t \u00a0Ng ", "Eve Ng"),
        ("🧗🏽‍♀️", "🧗🏽‍♀️"),
        ("\\New", "\\new"),
    ],
)
def test_what_is_left_of_a_name(name: str, shown: str) -> None:
    assert read(ics.invitation(replace(REQUEST, summary=name)))[1].summary == shown


@given(NAMES, NAMES, NAMES, NAMES)
@example("\\\x00N", "\\\u202eN", "\\\rN", "\\\nN")
def test_any_name_survives_as_far_as_it_can_be_seen(
    summary: str, location: str, name: str, description: str
) -> None:
    check_names(summary, location, name, description)


def check_names(summary: str, location: str, name: str, description: str) -> None:
    event = replace(
        REQUEST,
        summary=summary,
        location=location,
        description=description,
        attendee_name=name,
        organizer_name=name,
    )

    written = ics.invitation(event)
    calendar, entry = read(written)

    assert_is_well_formed(written)
    assert set(calendar) == {"VERSION", "PRODID", "METHOD"}
    assert set(entry) | {"LOCATION"} == {*read(ics.invitation(REQUEST))[1]}
    assert (entry.start, entry.end) == (REQUEST.starts_at, REQUEST.ends_at)
    assert entry.subcomponents == []
    assert [attendee.email for attendee in entry.attendees] == [REQUEST.attendee_email]
    assert entry.attendees[0].params.keys() - {"CN"} == {"PARTSTAT", "RSVP"}
    assert entry.organizer.params.keys() - {"CN"} == set()
    cleaned = entry.attendees[0].params.get("CN", "")
    assert seen(cleaned) == seen(name).replace("\\", "/")
    assert seen(entry.summary) == seen(summary)
    assert seen(entry.get("LOCATION", "")) == seen(location)
    assert seen(entry.description) in {seen(description + URL), seen(description)}
    for line in (cleaned, entry.summary, entry.get("LOCATION", ""), *entry.description.split("\n")):
        assert line == " ".join(line.split())


@given(NAMES)
def test_the_name_of_a_feed_is_nothing_but_a_name(name: str) -> None:
    written = ics.feed([REQUEST], name=name)
    calendar = Calendar.from_ical(written)

    assert_is_well_formed(written)
    assert seen(calendar.get("X-WR-CALNAME", "")) == seen(name)
    assert len(calendar.events) == 1
    assert set(calendar) <= {
        *("VERSION", "PRODID", "METHOD", "NAME", "X-WR-CALNAME"),
        *("REFRESH-INTERVAL", "X-PUBLISHED-TTL"),
    }


@pytest.mark.parametrize(
    "hostile",
    ["eve\r\nATTENDEE:mailto:x@evil.example", "a?b&c%d@example.org", "dö rte@example.org"],
)
def test_an_address_and_a_link_stay_addresses(hostile: str) -> None:
    event = replace(REQUEST, attendee_email=hostile, organizer_email=hostile, url=hostile)

    written = ics.invitation(event)
    _, entry = read(written)

    assert_is_well_formed(written)
    assert len(entry.attendees) == 1
    for address in (entry.attendees[0], entry.organizer):
        assert re.fullmatch(r"mailto:[A-Za-z0-9@.%+:-]+", address)
        assert "?" not in address
    assert re.fullmatch(r"[!-~]+", entry.url)


def read(written: bytes) -> tuple[Calendar, Event]:
    """Read a file of one event; whatever the library had to leave out fails the test."""
    calendar = Calendar.from_ical(written)
    [entry] = calendar.events
    assert calendar.errors == entry.errors == []
    assert [component.name for component in calendar.walk()] == ["VCALENDAR", "VEVENT"]
    return calendar, entry


def assert_is_well_formed(written: bytes) -> None:
    lines = written.split(b"\r\n")
    assert lines[-1] == b""
    assert all(len(line) <= 75 for line in lines)
    assert not re.search(rb"[\x00-\x1f\x7f]", b"".join(lines))
    assert all(re.match(rb"[A-Z-]+[:;]| ", line) for line in lines[:-1])
    assert written.decode().count("\r\nATTENDEE") <= 1


def seen(text: str) -> str:
    """Return what a reader sees of a text, which no cleaning may lose.

    A capital N counts as a small one: after a backslash it is written so.
    """
    return "".join(
        sign
        for sign in text.replace("N", "n")
        if not sign.isspace()
        and unicodedata.category(sign) not in BREAKS_LINES
        and sign not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
