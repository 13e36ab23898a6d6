"""Availability: one expansion from local hours to instants, in every zone and at every change."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loops import hours as hours_module
from loops.hours import (
    Away,
    DayRule,
    Hours,
    Limits,
    Period,
    Slot,
    UnknownZone,
    WeeklyRule,
    clock_change,
    common_slots,
    expand,
    free_time,
    is_bad_hour,
    is_open,
    load_zone,
    local_span,
    merged,
    open_starts,
    overlap,
    without,
)

NEW_YORK, LONDON, KATHMANDU = "America/New_York", "Europe/London", "Asia/Kathmandu"
DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
ANY_TIME = Limits(notice_minutes=0, horizon_days=4000, most_a_day=99, most_a_week=99)
quick = settings(max_examples=60, deadline=None)


def utc(text: str) -> datetime:
    """Read an instant: "2026-03-08 07:00"."""
    return datetime.fromisoformat(f"{text}+00:00")


def period(text: str) -> Period:
    """Read a period of one or two dates: "2026-03-08 07:00/09:00"."""
    start, end = text.split("/")
    return Period(utc(start), utc(end if " " in end else f"{start[:10]} {end}"))


def at(clock: str) -> int:
    """Read minutes of the local day: "22:00", and of the next day too: "26:30"."""
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def rule(day: str, span: str, zone: str) -> WeeklyRule:
    """Write the rule of a date's weekday: rule("2026-03-08", "01:00-04:00", zone)."""
    start, end = span.split("-")
    return WeeklyRule(date.fromisoformat(day).weekday(), at(start), at(end), zone)


def on_day(day: str, span: str, zone: str) -> Period | None:
    start, end = span.split("-")
    return local_span(at(start), at(end), date.fromisoformat(day), zone)


def every_day(span: str, zone: str, limits: Limits = ANY_TIME) -> Hours:
    start, end = span.split("-")
    weekly = tuple(WeeklyRule(weekday, at(start), at(end), zone) for weekday in range(7))
    return Hours(weekly=weekly, limits=replace(limits, zone=zone))


def whole(day: str, days: int = 1) -> Period:
    """Return the window of some dates of UTC."""
    return Period(utc(f"{day} 00:00"), utc(f"{day} 00:00") + days * DAY)


def quarters(some: Period) -> Iterator[datetime]:
    instant = some.starts_at
    while instant < some.ends_at:
        yield instant
        instant += QUARTER


ALWAYS = every_day("00:00-24:00", "UTC")
LONG_AGO = utc("2025-06-01 00:00")
YEARS = utc("2026-01-01 00:00"), utc("2029-01-01 00:00")


# A clock to check against: it only ever reads instants off, it never converts the other way


@dataclass(frozen=True)
class Reading:
    """What a wall clock shows: a date and the minute of its day."""

    day: date
    minute: int

    def plus(self, minutes: int) -> Reading:
        days, minute = divmod(self.minute + minutes, 1440)
        return Reading(self.day + days * DAY, minute)

    def is_in(self, some: WeeklyRule) -> bool:
        """Tell whether the rule holds it, as this day's hours or as the tail of yesterday's."""
        yesterday = self.day - DAY
        return (
            self.day.weekday() == some.weekday
            and some.start_minute <= self.minute < some.end_minute
        ) or (
            yesterday.weekday() == some.weekday
            and some.start_minute <= self.minute + 1440 < some.end_minute
        )


class WallClock:
    """Every quarter of an hour that a clock shows in a window, and when it shows it."""

    def __init__(self, zone: str, window: Period) -> None:
        place = zoneinfo.ZoneInfo(zone)
        self.shown: dict[datetime, Reading] = {}
        self.times: dict[Reading, list[datetime]] = {}
        for instant in quarters(window):
            local = instant.astimezone(place)
            reading = Reading(local.date(), local.hour * 60 + local.minute)
            self.shown[instant] = reading
            self.times.setdefault(reading, []).append(instant)

    def comes_twice(self, reading: Reading) -> bool:
        return len(self.times.get(reading, ())) > 1

    def span(self, day: date, start_minute: int, end_minute: int) -> Period | None:
        """Return what the rule of conversion says: the first showing of the start, and the end of
        the last showing of the last quarter; where there is none, the first instant after."""
        midnight = Reading(day, 0)
        start, last = midnight.plus(start_minute), midnight.plus(end_minute - 15)
        starts_at = self.times[start][0] if start in self.times else self._after(start)
        ends_at = self.times[last][-1] + QUARTER if last in self.times else self._after(last)
        return Period(starts_at, ends_at) if starts_at < ends_at else None

    def _after(self, missing: Reading) -> datetime:
        return next(
            instant
            for instant, shown in self.shown.items()
            if (shown.day, shown.minute) > (missing.day, missing.minute)
        )


def changes(zone: str, first: datetime, last: datetime) -> Iterator[tuple[datetime, int, int]]:
    """Give each instant at which clocks change, with the minutes of offset before and after."""
    place = zoneinfo.ZoneInfo(zone)

    def offset(instant: datetime) -> int:
        found = instant.astimezone(place).utcoffset()
        assert found is not None
        return round(found.total_seconds() / 60)

    known = first
    while known < last:
        if offset(known) != offset(known + DAY):
            change = next(
                instant
                for instant in quarters(Period(known, known + DAY + QUARTER))
                if offset(instant) != offset(known)
            )
            yield change, offset(known), offset(change)
        known += DAY


def zones() -> list[str]:
    return sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})


# Local spans


@pytest.mark.parametrize(
    ("zone", "day", "span", "expected"),
    [
        # An ordinary day, and the next day's minutes.
        (NEW_YORK, "2026-03-04", "14:00-17:00", "2026-03-04 19:00/22:00"),
        (NEW_YORK, "2026-03-04", "22:00-26:30", "2026-03-05 03:00/07:30"),
        (NEW_YORK, "2026-03-04", "00:00-24:00", "2026-03-04 05:00/2026-03-05 05:00"),
        # 8 March 2026: 02:00 to 03:00 is missing in New York. The first instant after is 07:00Z.
        (NEW_YORK, "2026-03-08", "01:00-04:00", "2026-03-08 06:00/08:00"),
        (NEW_YORK, "2026-03-08", "02:30-04:00", "2026-03-08 07:00/08:00"),
        (NEW_YORK, "2026-03-08", "02:00-04:00", "2026-03-08 07:00/08:00"),
        (NEW_YORK, "2026-03-08", "01:00-02:30", "2026-03-08 06:00/07:00"),
        (NEW_YORK, "2026-03-08", "01:00-02:00", "2026-03-08 06:00/07:00"),
        (NEW_YORK, "2026-03-08", "00:00-24:00", "2026-03-08 05:00/2026-03-09 04:00"),
        (NEW_YORK, "2026-03-08", "02:00-03:00", None),
        (NEW_YORK, "2026-03-08", "02:10-02:50", None),
        # The evening that crosses midnight and ends where the hour is missing.
        (NEW_YORK, "2026-03-07", "22:00-26:30", "2026-03-08 03:00/07:00"),
        # 1 November 2026: 01:00 to 02:00 comes twice, at 05:00Z and at 06:00Z.
        (NEW_YORK, "2026-11-01", "01:30-04:00", "2026-11-01 05:30/09:00"),
        (NEW_YORK, "2026-11-01", "00:00-01:30", "2026-11-01 04:00/06:30"),
        (NEW_YORK, "2026-11-01", "01:15-01:45", "2026-11-01 05:15/06:45"),
        (NEW_YORK, "2026-11-01", "00:00-02:00", "2026-11-01 04:00/07:00"),
        (NEW_YORK, "2026-11-01", "00:00-24:00", "2026-11-01 04:00/2026-11-02 05:00"),
        (NEW_YORK, "2026-10-31", "22:00-26:30", "2026-11-01 02:00/07:30"),
        # A span that ends as the repeated hour begins holds none of it, nor does midnight's.
        (NEW_YORK, "2026-11-01", "00:00-01:00", "2026-11-01 04:00/05:00"),
        ("Atlantic/Azores", "2026-10-24", "20:00-24:00", "2026-10-24 20:00/2026-10-25 00:00"),
        ("Atlantic/Azores", "2026-10-25", "00:00-01:00", "2026-10-25 00:00/02:00"),
        # Zones whose midnight is missing on some days: their day begins at 01:00.
        ("America/Santiago", "2026-09-06", "00:00-02:00", "2026-09-06 04:00/05:00"),
        ("America/Santiago", "2026-09-05", "22:00-24:00", "2026-09-06 02:00/04:00"),
        ("America/Santiago", "2026-09-05", "22:00-24:30", "2026-09-06 02:00/04:00"),
        ("Africa/Cairo", "2026-04-24", "00:30-02:00", "2026-04-23 22:00/23:00"),
        ("Asia/Beirut", "2026-03-29", "00:30-02:00", "2026-03-28 22:00/23:00"),
        # Half an hour in Lord Howe, two hours in Troll.
        ("Australia/Lord_Howe", "2026-10-04", "01:00-04:00", "2026-10-03 14:30/17:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15-04:00", "2026-10-03 15:30/17:00"),
        ("Australia/Lord_Howe", "2026-04-05", "01:00-01:45", "2026-04-04 14:00/15:15"),
        ("Antarctica/Troll", "2026-03-29", "00:00-02:30", "2026-03-29 00:00/01:00"),
        ("Antarctica/Troll", "2026-03-29", "01:30-04:00", "2026-03-29 01:00/02:00"),
        ("Antarctica/Troll", "2026-10-25", "01:30-02:30", "2026-10-24 23:30/2026-10-25 02:30"),
        # Apia went from 29 to 31 December 2011.
        ("Pacific/Apia", "2011-12-29", "22:00-26:00", "2011-12-30 08:00/10:00"),
        ("Pacific/Apia", "2011-12-30", "09:00-17:00", None),
        ("Pacific/Apia", "2011-12-30", "00:00-24:00", None),
        ("Pacific/Apia", "2011-12-30", "22:00-26:00", "2011-12-30 10:00/12:00"),
        ("Pacific/Apia", "2011-12-31", "00:00-02:00", "2011-12-30 10:00/12:00"),
        # Offsets of a half and of three quarters of an hour.
        ("Asia/Kolkata", "2026-03-04", "18:00-21:00", "2026-03-04 12:30/15:30"),
        (KATHMANDU, "2026-03-04", "18:00-21:00", "2026-03-04 12:15/15:15"),
        ("Pacific/Chatham", "2026-03-04", "00:00-01:00", "2026-03-03 10:15/11:15"),
    ],
)
def test_a_local_span_is_read_by_the_clock_of_its_day(
    zone: str, day: str, span: str, expected: str | None
) -> None:
    assert on_day(day, span, zone) == (None if expected is None else period(expected))


def test_clocks_that_went_back_over_midnight_give_the_date_to_both_its_parts() -> None:
    """St John's put 00:01 back to 23:01 until 2011: the day's last hour came after its end."""
    zone = "America/St_Johns"
    evening = on_day("2010-11-06", "22:00-24:00", zone)
    hours = Hours(weekly=(rule("2010-11-06", "22:00-24:00", zone),))

    assert evening == period("2010-11-07 00:30/03:30")
    assert expand(hours, whole("2010-11-07")) == [evening]
    late = period("2010-11-07 03:15/04:00")
    assert expand(hours, late) == [period("2010-11-07 03:15/03:30")]
    away = Hours(weekly=hours.weekly, away=(Away(date(2010, 11, 6), date(2010, 11, 6), zone),))
    assert expand(away, whole("2010-11-07")) == []


# Every zone


def test_every_zone_offers_only_what_its_own_clock_shows_at_every_change_of_2026_to_2028() -> None:
    """Rules laid about each change; a clock that only reads instants says what each must give."""
    seen = 0
    for zone in zones():
        for change, before, after in changes(zone, *YEARS):
            seen += 1
            window = Period(change - 2 * DAY, change + 2 * DAY)
            clock = WallClock(zone, window)
            for some in _rules_about(change, before, after, zone):
                _check_against_the_clock(some, window, clock)
            _check_slots(zone, change, window)

    assert seen > 600  # about 110 zones with two changes a year, and their older names


def test_every_zone_offers_only_what_its_own_clock_shows_in_an_ordinary_week() -> None:
    window = whole("2027-01-19", days=3)
    for zone in zones():
        clock = WallClock(zone, Period(window.starts_at - DAY, window.ends_at + DAY))
        for some in (
            rule("2027-01-20", "09:00-12:15", zone),
            rule("2027-01-20", "22:00-26:30", zone),
            rule("2027-01-20", "00:00-24:00", zone),
        ):
            _check_against_the_clock(some, window, clock)


def _rules_about(change: datetime, before: int, after: int, zone: str) -> Iterator[WeeklyRule]:
    """Give rules that start and end before, at, within and after the time that a change leaves
    out or repeats, and two that cross it from afar."""
    low, high = sorted((before, after))
    edges = [low - 90, low, low + 15, high - 15, high, high + 90]
    midnight = change.replace(hour=0, minute=0)
    base = (change - midnight) // timedelta(minutes=1)

    def weekly(start: int, end: int) -> WeeklyRule:
        days, minute = divmod(start, 1440)
        return WeeklyRule((midnight + days * DAY).weekday(), minute, minute + end - start, zone)

    for number, start in enumerate(edges):
        for end in edges[number + 1 :]:
            if start < end:
                yield weekly(base + start, base + end)
    today = (base + low) // 1440 * 1440
    yield weekly(today - 120, today + 150)  # 22:00 to 02:30
    yield weekly(today, today + 1440)
    yield weekly(today - 1440, today)


def _check_against_the_clock(some: WeeklyRule, window: Period, clock: WallClock) -> None:
    offered = expand(Hours(weekly=(some,)), window)
    days = {reading.day for reading in clock.times if reading.day.weekday() == some.weekday}
    spans = [clock.span(day, some.start_minute, some.end_minute) for day in sorted(days)]

    assert offered == overlap([span for span in spans if span], [window]), some
    for span in offered:
        for instant in quarters(span):
            reading = clock.shown[instant]
            # Only a rule that starts or ends inside repeated time is offered more of that time.
            assert reading.is_in(some) or clock.comes_twice(reading), (some, instant)


def _check_slots(zone: str, change: datetime, window: Period) -> None:
    """Ask the page about a morning and a night at the change, and the booking about each slot."""
    place = zoneinfo.ZoneInfo(zone)
    day = change.astimezone(place).date()
    weekly = (
        WeeklyRule((day - DAY).weekday(), at("21:00"), at("27:00"), zone),
        WeeklyRule(day.weekday(), at("00:15"), at("04:45"), zone),
    )
    ann = Hours(weekly=weekly, limits=replace(ANY_TIME, zone=zone))
    slots = common_slots(ann, ALWAYS, minutes=75, window=window, now=LONG_AGO, step_minutes=75)

    assert slots == sorted(slots, key=lambda slot: slot.period)
    for slot in slots:
        assert is_open(ann, slot.period, LONG_AGO)
        assert is_open(ALWAYS, slot.period, LONG_AGO)
    for one, other in pairwise(slots):
        assert one.period.ends_at <= other.period.starts_at


# Any hours


EVES = [date(2026, 3, 5), date(2026, 3, 26), date(2026, 10, 22), date(2026, 10, 29)]
spans = st.tuples(st.integers(0, 95), st.one_of(st.integers(1, 96), st.integers(32, 96))).map(
    lambda drawn: (drawn[0] * 15, (drawn[0] + drawn[1]) * 15)
)
dates = st.dates(date(2026, 1, 1), date(2028, 12, 31))
changing = st.sampled_from(
    "UTC Europe/London America/New_York America/Santiago Africa/Cairo Asia/Beirut Asia/Kathmandu "
    "Australia/Lord_Howe Antarctica/Troll Africa/Casablanca Pacific/Chatham Atlantic/Azores".split()
)


@st.composite
def windows(draw: st.DrawFn) -> Period:
    """Draw three days to seven, often about a change of clocks somewhere."""
    day = draw(st.one_of(st.sampled_from(EVES), st.sampled_from(EVES), dates))
    starts_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    starts_at += draw(st.integers(0, 95)) * QUARTER
    return Period(starts_at, starts_at + draw(st.integers(3 * 96, 7 * 96)) * QUARTER)


@st.composite
def hours_about(draw: st.DrawFn, window: Period) -> Hours:
    """Draw a person: rules of any zones, exceptions, days away, limits and agreed mocks.

    They are drawn generous: two people without a common hour would prove nothing.
    """
    near = st.dates(window.starts_at.date() - 3 * DAY, window.ends_at.date() + 2 * DAY)
    minutes = st.integers(0, (window.ends_at - window.starts_at) // timedelta(minutes=1))
    zone = draw(st.one_of(changing, st.sampled_from(zones())))
    weekly = [
        WeeklyRule(weekday, start, end, where, None, until)
        for _ in range(draw(st.integers(2, 4)))
        for (start, end) in [draw(spans)]
        for where in [draw(st.one_of(st.just(zone), changing))]
        for until in [draw(st.one_of(st.none(), st.none(), near))]
        for weekday in draw(st.sets(st.integers(0, 6), min_size=4))
    ]
    days = [
        DayRule(draw(near), zone, *(draw(st.one_of(st.none(), spans)) or (None, None)))
        for _ in range(draw(st.integers(0, 3)))
    ]
    away = [
        Away(on, on + draw(st.integers(0, 1)) * DAY, draw(changing))
        for on in draw(st.lists(near, max_size=1))
    ]
    limits = Limits(
        notice_minutes=draw(st.integers(0, 1000)),
        horizon_days=draw(st.integers(6, 20)),
        most_a_day=draw(st.integers(1, 2)),
        most_a_week=draw(st.integers(1, 4)),
        gap_minutes=draw(st.integers(0, 60)),
        zone=zone,
    )
    taken = [
        Period(starts_at, starts_at + timedelta(minutes=draw(st.integers(15, 90))))
        for minute in draw(st.lists(minutes, max_size=3))
        for starts_at in [window.starts_at + timedelta(minutes=minute)]
    ]
    return Hours(tuple(weekly), tuple(days), tuple(away), limits, tuple(taken))


@quick
@given(st.data())
def test_any_hours_give_sorted_time_that_a_rule_of_that_day_holds(data: st.DataObject) -> None:
    window = data.draw(windows())
    hours = data.draw(hours_about(window))

    offered = expand(hours, window)

    held = {instant for span in _held_by_the_clocks(hours, window) for instant in quarters(span)}
    for away in hours.away:
        place = zoneinfo.ZoneInfo(away.zone)
        held = {
            instant
            for instant in held
            if not away.from_on <= instant.astimezone(place).date() <= away.to_on
        }
    assert {instant for span in offered for instant in quarters(span)} == held & {*quarters(window)}
    assert merged(offered) == offered


def _held_by_the_clocks(hours: Hours, window: Period) -> Iterator[Period]:
    """Give what each rule holds near a window, read off the clocks of the rules' zones."""
    wide = Period(window.starts_at - 4 * DAY, window.ends_at + 4 * DAY)
    zones = {rule.zone for rule in hours.weekly} | {rule.zone for rule in hours.days}
    clocks = {zone: WallClock(zone, wide) for zone in zones}
    day = window.starts_at.date() - 2 * DAY
    while day <= window.ends_at.date() + DAY:
        own = [rule for rule in hours.days if rule.on == day]
        weekly = [
            rule
            for rule in hours.weekly
            if rule.weekday == day.weekday() and (rule.valid_to is None or day <= rule.valid_to)
        ]
        for rule in own or weekly:
            if rule.start_minute is not None and rule.end_minute is not None:
                span = clocks[rule.zone].span(day, rule.start_minute, rule.end_minute)
                if span is not None:
                    yield span
        day += DAY


@quick
@given(st.data())
def test_a_smaller_window_gives_the_same_time_cut_smaller(data: st.DataObject) -> None:
    window = data.draw(windows())
    hours = data.draw(hours_about(window))
    length = (window.ends_at - window.starts_at) // timedelta(minutes=1)
    start = data.draw(st.integers(0, length - 1))
    end = data.draw(st.integers(start + 1, length))
    smaller = Period(
        window.starts_at + timedelta(minutes=start), window.starts_at + timedelta(minutes=end)
    )

    assert expand(hours, smaller) == overlap(expand(hours, window), [smaller])


@quick
@given(st.data())
def test_what_the_page_offers_the_booking_takes_from_both(data: st.DataObject) -> None:
    window = data.draw(windows())
    ann, bo = data.draw(hours_about(window)), data.draw(hours_about(window))
    now = window.starts_at - timedelta(minutes=data.draw(st.integers(0, 2000)))
    minutes = data.draw(st.sampled_from([30, 45, 60, 75]))
    step = data.draw(st.sampled_from([15, 30, 60]))

    slots = common_slots(ann, bo, minutes=minutes, window=window, now=now, step_minutes=step)

    assert slots == sorted(slots, key=lambda slot: slot.period)
    assert len({slot.period for slot in slots}) == len(slots)
    for slot in slots:
        assert is_open(ann, slot.period, now)
        assert is_open(bo, slot.period, now)
        assert slot.period.ends_at - slot.period.starts_at == timedelta(minutes=minutes)
        assert overlap([slot.period], [window]) == [slot.period]
        assert slot.period.starts_at.minute % 15 == 0
        for person in (ann, bo):
            gap = timedelta(minutes=person.limits.gap_minutes)
            for mock in person.taken:
                assert (
                    slot.period.ends_at + gap <= mock.starts_at
                    or mock.ends_at + gap <= slot.period.starts_at
                )
    turned = common_slots(bo, ann, minutes=minutes, window=window, now=now, step_minutes=step)
    assert turned == [Slot(slot.period, slot.bad_for_b, slot.bad_for_a) for slot in slots]


@settings(max_examples=30, deadline=None)  # each asks the booking about a week of quarters
@given(st.data())
def test_with_the_smallest_steps_every_open_quarter_is_on_the_page(data: st.DataObject) -> None:
    window = data.draw(windows())
    ann, bo = data.draw(hours_about(window)), data.draw(hours_about(window))
    now = window.starts_at - timedelta(minutes=data.draw(st.integers(0, 2000)))

    slots = common_slots(ann, bo, minutes=30, window=window, now=now, step_minutes=15)

    open_to_both = [
        asked
        for instant in quarters(window)
        for asked in [Period(instant, instant + 2 * QUARTER)]
        if asked.ends_at <= window.ends_at and is_open(ann, asked, now) and is_open(bo, asked, now)
    ]
    assert [slot.period for slot in slots] == open_to_both


# Rules, exceptions, days away


def test_rules_that_overlap_or_touch_are_one_stretch() -> None:
    """An evening up to midnight and a morning from midnight hold one mock across it."""
    hours = Hours(
        weekly=(
            rule("2026-05-04", "20:00-24:00", LONDON),
            rule("2026-05-05", "00:00-02:00", LONDON),
            rule("2026-05-04", "21:00-23:00", LONDON),
        ),
        limits=ANY_TIME,
    )

    assert expand(hours, whole("2026-05-04", days=2)) == [
        period("2026-05-04 19:00/2026-05-05 01:00")
    ]
    assert is_open(hours, period("2026-05-04 22:30/23:30"), LONG_AGO)


def test_seven_whole_days_are_one_stretch_through_any_change_of_clocks() -> None:
    for zone in (NEW_YORK, "America/Santiago", "Atlantic/Azores", "Australia/Lord_Howe"):
        window = Period(utc("2026-01-01 00:00"), utc("2027-01-01 00:00"))

        assert expand(every_day("00:00-24:00", zone), window) == [window]


def test_a_rule_that_began_on_the_day_before_yesterday_is_not_forgotten() -> None:
    """24 hours from Saturday, 22:00 in New York; on Sunday evening there it is Monday in UTC."""
    hours = Hours(weekly=(rule("2026-05-02", "22:00-46:00", NEW_YORK),))
    window = period("2026-05-04 00:30/01:30")

    assert expand(hours, window) == [window]


def test_a_rule_holds_on_its_days_of_validity_alone() -> None:
    daily = [
        replace(some, valid_from=date(2026, 5, 5), valid_to=date(2026, 5, 6))
        for some in every_day("22:00-25:00", LONDON).weekly
    ]

    assert expand(Hours(weekly=tuple(daily)), whole("2026-05-01", days=14)) == [
        period("2026-05-05 21:00/2026-05-06 00:00"),
        period("2026-05-06 21:00/2026-05-07 00:00"),
    ]


def test_a_days_own_rules_replace_what_starts_on_it_and_leave_the_evening_before() -> None:
    evenings = every_day("22:00-26:00", NEW_YORK)
    own = (
        DayRule(date(2026, 3, 8), NEW_YORK, at("09:00"), at("10:00")),
        DayRule(date(2026, 3, 8), NEW_YORK, at("12:00"), at("13:00")),
        DayRule(date(2026, 3, 9), NEW_YORK),
    )

    assert expand(replace(evenings, days=own), whole("2026-03-08", days=4)) == [
        period("2026-03-08 03:00/07:00"),  # Saturday's evening ends at 02:00, which is missing
        period("2026-03-08 13:00/14:00"),
        period("2026-03-08 16:00/17:00"),
        period("2026-03-11 02:00/06:00"),  # Tuesday's; Sunday has its own hours, Monday has none
    ]


def test_days_away_cut_the_tail_of_an_evening_and_a_days_own_rules() -> None:
    evenings = every_day("22:00-26:00", NEW_YORK)
    away = Away(date(2026, 3, 8), date(2026, 3, 9), NEW_YORK)
    own = DayRule(date(2026, 3, 8), NEW_YORK, at("09:00"), at("10:00"))

    assert expand(replace(evenings, days=(own,), away=(away,)), whole("2026-03-08", days=4)) == [
        period("2026-03-08 03:00/05:00"),  # Saturday, 22:00 to midnight
        period("2026-03-10 04:00/06:00"),  # Monday's evening, from the midnight after
        period("2026-03-11 02:00/06:00"),
    ]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        (NEW_YORK, "2026-03-08", "2026-03-08 05:00/2026-03-09 04:00"),  # 23 hours
        (NEW_YORK, "2026-11-01", "2026-11-01 04:00/2026-11-02 05:00"),  # 25 hours
        ("America/Santiago", "2026-09-06", "2026-09-06 04:00/2026-09-07 03:00"),
        ("Atlantic/Azores", "2026-10-25", "2026-10-25 00:00/2026-10-26 01:00"),
        ("Atlantic/Azores", "2026-10-24", "2026-10-24 00:00/2026-10-25 00:00"),
    ],
)
def test_a_day_away_is_the_local_day_however_long_it_is(zone: str, day: str, expected: str) -> None:
    on = date.fromisoformat(day)
    window = whole(str(on - DAY), days=4)
    gone = period(expected)

    offered = expand(replace(ALWAYS, away=(Away(on, on, zone),)), window)

    assert offered == [
        Period(window.starts_at, gone.starts_at),
        Period(gone.ends_at, window.ends_at),
    ]


def test_away_on_the_day_that_a_zone_skipped_cuts_nothing() -> None:
    skipped = Away(date(2011, 12, 30), date(2011, 12, 30), "Pacific/Apia")
    window = whole("2011-12-28", days=5)

    assert expand(replace(ALWAYS, away=(skipped,)), window) == [window]


def test_away_until_further_notice_needs_no_end_within_reach() -> None:
    away = Away(date.min, date.max, "Pacific/Kiritimati")

    assert expand(replace(ALWAYS, away=(away,)), whole("2026-05-04", days=28)) == []


def test_nobody_offers_what_they_have_no_rule_for() -> None:
    assert expand(Hours(), whole("2026-05-04", days=28)) == []
    assert not is_open(Hours(limits=ANY_TIME), period("2026-05-04 10:00/11:00"), LONG_AGO)


# The days on which clocks change


def test_on_the_day_of_the_change_both_sides_meet_at_their_own_evening() -> None:
    """29 March 2026: London and Berlin change together, and 18:00 stays 18:00 for both."""
    ann, bo = every_day("18:00-21:00", LONDON), every_day("18:00-21:00", "Europe/Berlin")
    before, after = (
        common_slots(ann, bo, minutes=60, window=whole(day), now=LONG_AGO, step_minutes=60)
        for day in ("2026-03-28", "2026-03-29")
    )

    assert [slot.period for slot in before] == [
        period("2026-03-28 18:00/19:00"),
        period("2026-03-28 19:00/20:00"),
    ]
    assert [slot.period for slot in after] == [
        period("2026-03-29 17:00/18:00"),
        period("2026-03-29 18:00/19:00"),
    ]


def test_a_night_on_which_both_lose_the_hour_is_as_short_for_both() -> None:
    """01:00 in London and 02:00 in Berlin go to 02:00 and 03:00 at the same instant."""
    ann, bo = every_day("00:00-04:00", LONDON), every_day("01:00-05:00", "Europe/Berlin")
    window = period("2026-03-29 00:00/12:00")

    assert expand(ann, window) == expand(bo, window) == [period("2026-03-29 00:00/03:00")]
    slots = common_slots(ann, bo, minutes=60, window=window, now=LONG_AGO, step_minutes=60)
    assert len(slots) == 3


@pytest.mark.parametrize(
    ("day", "common"),
    [
        ("2026-03-04", "2026-03-04 19:00/21:00"),
        ("2026-03-11", "2026-03-11 18:00/21:00"),  # New York has changed, London has not
        ("2026-04-01", "2026-04-01 18:00/20:00"),
        ("2026-10-21", "2026-10-21 18:00/20:00"),
        ("2026-10-28", "2026-10-28 18:00/21:00"),  # London has changed, New York has not
        ("2026-11-04", "2026-11-04 19:00/21:00"),
    ],
)
def test_when_one_side_alone_has_changed_the_common_time_is_longer(day: str, common: str) -> None:
    ann, bo = every_day("14:00-17:00", NEW_YORK), every_day("18:00-21:00", LONDON)
    shared = period(common)

    assert overlap(expand(ann, whole(day)), expand(bo, whole(day))) == [shared]
    slots = common_slots(ann, bo, minutes=60, window=whole(day), now=LONG_AGO)
    length = shared.ends_at - shared.starts_at
    assert len(slots) == (length - timedelta(hours=1)) // timedelta(minutes=30) + 1


def test_an_evening_into_the_missing_hour_ends_where_it_begins() -> None:
    """22:00 to 02:30 is four hours and a half, and four in the night without a 02:30."""
    hours = every_day("22:00-26:30", NEW_YORK)

    assert expand(hours, whole("2026-03-07", days=2)) == [
        period("2026-03-07 03:00/07:30"),
        period("2026-03-08 03:00/07:00"),
    ]
    assert not is_open(hours, period("2026-03-08 06:30/07:30"), LONG_AGO)


def test_a_rule_that_ends_in_the_repeated_hour_runs_into_its_second_turn() -> None:
    hours = Hours(weekly=(rule("2026-11-01", "00:00-01:30", NEW_YORK),), limits=ANY_TIME)

    assert expand(hours, whole("2026-11-01")) == [period("2026-11-01 04:00/06:30")]
    assert is_open(hours, period("2026-11-01 05:30/06:30"), LONG_AGO)
    assert not is_open(hours, period("2026-11-01 05:30/06:45"), LONG_AGO)


def test_what_was_agreed_stays_when_its_member_moves_to_another_zone() -> None:
    """The mock keeps its instants: it blocks the same time, and counts on the new local day."""
    agreed = period("2026-05-05 03:00/04:00")  # Monday evening in New York
    in_new_york = replace(
        every_day("18:00-24:00", NEW_YORK, replace(ANY_TIME, most_a_day=1)), taken=(agreed,)
    )
    moved = replace(
        every_day("06:00-12:00", KATHMANDU, replace(ANY_TIME, most_a_day=1)), taken=(agreed,)
    )

    assert not is_open(in_new_york, period("2026-05-04 23:00/2026-05-05 00:00"), LONG_AGO)
    assert is_open(in_new_york, period("2026-05-05 22:00/23:00"), LONG_AGO)
    assert not is_open(moved, agreed, LONG_AGO)
    assert not is_open(moved, period("2026-05-05 05:00/06:00"), LONG_AGO)  # Tuesday there
    assert is_open(moved, period("2026-05-06 01:00/02:00"), LONG_AGO)  # Wednesday, 06:45


def test_a_traveller_keeps_the_hours_of_home_and_counts_days_where_they_are() -> None:
    home = every_day("18:00-21:00", NEW_YORK)
    abroad = replace(home, limits=replace(home.limits, zone="Asia/Tokyo"))
    window = whole("2026-05-04", days=7)

    assert expand(abroad, window) == expand(home, window)
    slots = common_slots(home, abroad, minutes=60, window=window, now=LONG_AGO)
    assert {(slot.bad_for_a, slot.bad_for_b) for slot in slots} == {(False, False)}
    assert is_bad_hour(slots[0].period, LONDON)


@pytest.mark.parametrize(
    "zone",
    [
        *("US/Pacific-New", "Nowhere/City", "localtime", "Factory"),
        *(
            "",
            "America",
            "America/",
            "../UTC",
            "/etc/localtime",
            "zone.tab",
            "a\0b",
            "é",
            "x" * 300,
        ),
    ],
)
def test_a_zone_that_is_gone_or_never_was_is_refused_by_name(zone: str) -> None:
    window = whole("2026-05-04", days=7)
    ghost = every_day("18:00-21:00", zone)
    asked = period("2026-05-04 10:00/11:00")

    for ask in (
        lambda: load_zone(zone),
        lambda: expand(ghost, window),
        lambda: free_time(ghost, window, LONG_AGO),
        lambda: is_open(replace(ALWAYS, limits=Limits(zone=zone)), asked, utc("2026-05-01 00:00")),
        lambda: common_slots(ALWAYS, ghost, minutes=60, window=window, now=LONG_AGO),
        lambda: expand(Hours(away=(Away(date(2026, 5, 4), date(2026, 5, 4), zone),)), window),
        lambda: expand(Hours(days=(DayRule(date(2026, 5, 4), zone, 60, 120),)), window),
        lambda: is_bad_hour(asked, zone),
        lambda: clock_change(zone, window.starts_at, window.ends_at),
    ):
        with pytest.raises(UnknownZone) as refused:
            ask()
        assert str(refused.value) == zone


def test_a_zone_that_was_renamed_still_answers_to_its_old_name() -> None:
    window = whole("2026-05-04", days=7)
    for old, new in (("Asia/Calcutta", "Asia/Kolkata"), ("Europe/Kiev", "Europe/Kyiv")):
        assert expand(every_day("18:00-21:00", old), window) == expand(
            every_day("18:00-21:00", new), window
        )


def test_the_pinned_zone_data_knows_that_vancouver_changes_no_more() -> None:
    """Debian's files of 2025 say 08:00 behind; the pinned package says 07:00 for good."""
    assert zoneinfo.TZPATH == ()
    assert on_day("2026-11-15", "18:00-21:00", "America/Vancouver") == period(
        "2026-11-16 01:00/04:00"
    )


def test_new_zone_data_moves_the_hours_and_leaves_what_is_agreed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Vancouver's evening as the old data read it; then the new data come."""
    ann = every_day("18:00-19:00", "America/Vancouver")
    window = whole("2026-11-16")
    with monkeypatch.context() as old_data:
        old_data.setattr(hours_module, "load_zone", lambda name: load_zone("America/Los_Angeles"))
        proposed = common_slots(ann, ann, minutes=60, window=window, now=LONG_AGO)[0].period
        assert proposed == period("2026-11-16 02:00/03:00")

    assert not is_open(ann, proposed, LONG_AGO)
    assert is_open(ann, period("2026-11-16 01:00/02:00"), LONG_AGO)
    agreed = replace(ann, taken=(period("2026-11-16 01:30/02:30"),))
    assert free_time(agreed, window, LONG_AGO) == [period("2026-11-16 01:00/01:15")]


def test_a_mock_late_on_the_last_of_the_month_counts_on_the_local_day() -> None:
    """23:30 UTC on 31 December is next year in Kathmandu, and still the 31st in New York."""
    late = period("2026-12-31 23:30/2027-01-01 00:30")
    for zone, others in (
        (KATHMANDU, {"2026-12-31 10:00/11:00": True, "2027-01-01 10:00/11:00": False}),
        (NEW_YORK, {"2026-12-31 16:00/17:00": False, "2027-01-01 16:00/17:00": True}),
    ):
        limits = replace(ANY_TIME, most_a_day=1)
        hours = every_day("00:00-24:00", zone, limits)
        assert is_open(hours, late, LONG_AGO)
        for asked, expected in others.items():
            assert is_open(replace(hours, taken=(late,)), period(asked), LONG_AGO) is expected


def test_half_hours_and_three_quarters_meet_on_the_quarters_of_utc() -> None:
    ann, bo = every_day("18:00-21:00", KATHMANDU), every_day("17:00-20:00", "Asia/Kolkata")

    slots = common_slots(ann, bo, minutes=60, window=whole("2026-05-04"), now=LONG_AGO)

    # From 18:00 in Kathmandu (12:15Z) until 20:00 in Kolkata (14:30Z).
    assert [slot.period for slot in slots] == [
        period("2026-05-04 12:15/13:15"),
        period("2026-05-04 12:45/13:45"),
        period("2026-05-04 13:15/14:15"),
    ]


# Limits


def test_notice_and_horizon_hold_to_the_second() -> None:
    limits = replace(ANY_TIME, notice_minutes=720, horizon_days=28)
    hours = replace(ALWAYS, limits=limits)
    asked = period("2026-03-08 12:00/13:00")
    second = timedelta(seconds=1)
    notice_ends = asked.starts_at - timedelta(minutes=720)
    horizon_begins = asked.ends_at - timedelta(days=28)

    assert is_open(hours, asked, notice_ends)
    assert not is_open(hours, asked, notice_ends + second)
    assert is_open(hours, asked, horizon_begins)
    assert not is_open(hours, asked, horizon_begins - second)


def test_the_page_shows_the_slot_at_the_edge_of_notice_and_not_a_second_later() -> None:
    hours = every_day("18:00-21:00", NEW_YORK, replace(ANY_TIME, notice_minutes=720))
    window = whole("2026-05-04")
    first = period("2026-05-04 22:00/23:00")
    edge = first.starts_at - timedelta(minutes=720)

    def starts(now: datetime) -> list[Period]:
        slots = common_slots(hours, ALWAYS, minutes=60, window=window, now=now)
        return [slot.period for slot in slots]

    assert starts(edge)[0] == first
    assert starts(edge + timedelta(seconds=1)) == starts(edge)[1:]


def test_notice_spans_the_change_of_clocks_in_hours_that_pass() -> None:
    """Twelve hours before 10:00 on 8 March in New York it is 21:00, as an hour goes missing."""
    hours = every_day("10:00-11:00", NEW_YORK, replace(ANY_TIME, notice_minutes=720))
    asked = period("2026-03-08 14:00/15:00")

    assert is_open(hours, asked, utc("2026-03-08 02:00"))  # 21:00 on Saturday
    assert not is_open(hours, asked, utc("2026-03-08 02:01"))


def test_a_notice_longer_than_the_horizon_leaves_nothing() -> None:
    hours = replace(ALWAYS, limits=Limits(notice_minutes=3000, horizon_days=2))

    assert free_time(hours, whole("2026-05-04", days=7), utc("2026-05-04 00:00")) == []


def test_agreed_mocks_keep_their_gap_on_both_sides() -> None:
    hours = replace(
        every_day("09:00-17:00", "UTC", replace(ANY_TIME, gap_minutes=15)),
        taken=(period("2026-05-04 12:00/13:00"),),
    )

    assert free_time(hours, whole("2026-05-04"), LONG_AGO) == [
        period("2026-05-04 09:00/11:45"),
        period("2026-05-04 13:15/17:00"),
    ]
    assert is_open(hours, period("2026-05-04 13:15/14:15"), LONG_AGO)
    assert not is_open(hours, period("2026-05-04 13:14/14:14"), LONG_AGO)
    assert not is_open(hours, period("2026-05-04 10:46/11:46"), LONG_AGO)


def test_agreed_mocks_may_stand_outside_the_window_and_on_one_another() -> None:
    hours = replace(
        every_day("09:00-17:00", "UTC"),
        taken=(
            period("2026-05-04 12:00/13:00"),
            period("2026-05-04 12:30/13:30"),
            period("2025-01-01 09:00/10:00"),
        ),
    )

    assert free_time(hours, period("2026-05-04 13:40/15:00"), LONG_AGO) == [
        period("2026-05-04 13:45/15:00")
    ]


def test_a_full_day_and_a_full_week_take_no_more() -> None:
    """Monday 4 May 2026 begins the week; the Sunday before belongs to the last one."""
    limits = replace(ANY_TIME, most_a_day=1, most_a_week=3)
    agreed = tuple(period(f"2026-05-0{day} 18:00/19:00") for day in (4, 6, 8))
    hours = replace(every_day("09:00-21:00", LONDON, limits), taken=agreed[:2])
    full = replace(hours, taken=agreed)

    assert not is_open(hours, period("2026-05-04 10:00/11:00"), LONG_AGO)  # Monday is full
    assert is_open(hours, period("2026-05-05 10:00/11:00"), LONG_AGO)
    assert not is_open(full, period("2026-05-05 10:00/11:00"), LONG_AGO)  # the week is
    assert not is_open(full, period("2026-05-10 10:00/11:00"), LONG_AGO)  # up to Sunday
    assert is_open(full, period("2026-05-11 10:00/11:00"), LONG_AGO)
    assert is_open(full, period("2026-05-03 10:00/11:00"), LONG_AGO)
    days = {
        slot.period.starts_at.date()
        for slot in common_slots(
            full, ALWAYS, minutes=60, window=whole("2026-05-03", days=9), now=LONG_AGO
        )
    }
    assert days == {date(2026, 5, 3), date(2026, 5, 11)}


def test_days_are_counted_where_the_person_lives() -> None:
    """Sunday 23:00 in New York is Monday in UTC: another day, and another week."""
    sunday = period("2026-05-04 03:00/04:00")
    limits = replace(ANY_TIME, most_a_day=1, most_a_week=1)
    hours = replace(every_day("00:00-24:00", NEW_YORK, limits), taken=(sunday,))

    assert not is_open(hours, period("2026-05-03 14:00/15:00"), LONG_AGO)
    assert is_open(hours, period("2026-05-04 14:00/15:00"), LONG_AGO)
    in_utc = replace(hours, limits=replace(limits, zone="UTC"))
    assert is_open(in_utc, period("2026-05-03 14:00/15:00"), LONG_AGO)
    assert not is_open(in_utc, period("2026-05-04 14:00/15:00"), LONG_AGO)


def test_the_defaults_are_half_a_day_four_weeks_one_a_day_three_a_week_a_quarter() -> None:
    assert Limits() == Limits(
        notice_minutes=720,
        horizon_days=28,
        most_a_day=1,
        most_a_week=3,
        gap_minutes=15,
        zone="UTC",
    )


# Slots


@quick
@given(st.data())
def test_the_starts_of_one_person_are_open_and_on_steps_that_all_people_share(
    data: st.DataObject,
) -> None:
    window = data.draw(windows())
    ann = data.draw(hours_about(window))
    now = window.starts_at - timedelta(minutes=data.draw(st.integers(0, 2000)))
    half_hour = timedelta(minutes=30)

    starts = open_starts(ann, minutes=60, window=window, now=now)

    assert starts == [
        instant
        for instant in quarters(window)
        if not (instant - LONG_AGO) % half_hour
        and instant + 2 * half_hour <= window.ends_at
        and is_open(ann, Period(instant, instant + 2 * half_hour), now)
    ]


def test_starts_stay_where_they_are_while_time_passes_and_mocks_are_agreed() -> None:
    ann = every_day("09:10-17:00", KATHMANDU, replace(ANY_TIME, notice_minutes=60))
    weekend = Hours(
        weekly=(
            rule("2026-05-08", "18:00-42:00", KATHMANDU),
            rule("2026-05-09", "18:00-42:00", KATHMANDU),
        ),
        limits=replace(ANY_TIME, notice_minutes=60),
    )
    for hours in (ann, weekend, ALWAYS):
        until = utc("2026-05-11 00:00")
        known: set[Period] | None = None
        for minutes in range(0, 5 * 1440, 97):
            now = utc("2026-05-06 00:00") + timedelta(minutes=minutes)
            found = common_slots(
                hours, ALWAYS, minutes=60, window=Period(now, until), now=now, step_minutes=30
            )
            slots = {slot.period for slot in found}
            assert known is None or slots <= known
            known = slots

        now = utc("2026-05-06 00:00")
        window = Period(now, until)
        before = common_slots(hours, ALWAYS, minutes=60, window=window, now=now)
        agreed = before[len(before) // 2].period
        after = common_slots(
            replace(hours, taken=(agreed,)), ALWAYS, minutes=60, window=window, now=now
        )
        assert after
        assert set(after) < set(before)


def test_a_stretch_that_begins_off_the_quarters_starts_at_the_next_one() -> None:
    ann = every_day("09:10-11:00", "UTC")

    slots = common_slots(ann, ALWAYS, minutes=30, window=whole("2026-05-04"), now=LONG_AGO)

    assert [slot.period.starts_at for slot in slots] == [
        utc("2026-05-04 09:15"),
        utc("2026-05-04 09:45"),
        utc("2026-05-04 10:15"),
    ]


def test_a_slot_fits_its_stretch_to_the_minute() -> None:
    ann = every_day("09:00-10:00", "UTC")
    ask = {"window": whole("2026-05-04"), "now": LONG_AGO}

    assert len(common_slots(ann, ALWAYS, minutes=60, **ask)) == 1  # type: ignore[arg-type]
    assert common_slots(ann, ALWAYS, minutes=61, **ask) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("minutes", "step"), [(0, 30), (-60, 30), (60, 0), (60, -15), (60, 20)])
def test_a_slot_without_length_or_off_the_quarters_is_refused(minutes: int, step: int) -> None:
    with pytest.raises(ValueError, match="a slot has a length"):
        common_slots(
            ALWAYS,
            ALWAYS,
            minutes=minutes,
            window=whole("2026-05-04"),
            now=LONG_AGO,
            step_minutes=step,
        )
    with pytest.raises(ValueError, match="a slot has a length"):
        open_starts(
            ALWAYS, minutes=minutes, window=whole("2026-05-04"), now=LONG_AGO, step_minutes=step
        )


@pytest.mark.parametrize(
    ("zone", "asked", "expected"),
    [
        ("UTC", "2026-05-04 07:00/22:00", False),
        ("UTC", "2026-05-04 06:59/08:00", True),
        ("UTC", "2026-05-04 21:30/22:01", True),
        ("UTC", "2026-05-04 22:00/23:00", True),
        ("UTC", "2026-05-04 21:00/2026-05-05 08:00", True),
        ("UTC", "2026-05-04 08:00/2026-05-05 08:00", True),
        (KATHMANDU, "2026-05-04 01:15/02:15", False),
        (KATHMANDU, "2026-05-04 01:00/02:00", True),
        (NEW_YORK, "2026-03-07 12:00/13:00", False),  # 07:00
        (NEW_YORK, "2026-03-08 11:00/12:00", False),  # 07:00, the clocks went forward
        (NEW_YORK, "2026-03-07 11:00/12:00", True),
        ("Pacific/Apia", "2011-12-30 07:00/11:00", True),  # 21:00, and 01:00 two dates later
    ],
)
def test_a_bad_hour_is_any_part_of_the_local_night(zone: str, asked: str, expected: bool) -> None:
    assert is_bad_hour(period(asked), zone) is expected


def test_a_slot_says_for_whom_it_is_a_bad_hour() -> None:
    slots = common_slots(
        every_day("19:00-24:00", LONDON),
        every_day("14:00-19:00", NEW_YORK),
        minutes=60,
        window=whole("2026-05-04"),
        now=LONG_AGO,
        step_minutes=60,
    )

    assert [(slot.bad_for_a, slot.bad_for_b) for slot in slots] == [
        (False, False),
        (False, False),
        (False, False),
        (True, False),
        (True, False),
    ]


# The date on which clocks change


@pytest.mark.parametrize(
    ("zone", "after", "until", "expected"),
    [
        (NEW_YORK, "2026-03-01 12:00", "2026-03-20 12:00", "2026-03-08"),
        (NEW_YORK, "2026-03-01 12:00", "2026-03-08 07:00", "2026-03-08"),  # up to the instant
        (NEW_YORK, "2026-03-01 12:00", "2026-03-08 06:59", None),
        (NEW_YORK, "2026-03-08 06:59", "2026-03-08 07:00", "2026-03-08"),
        (NEW_YORK, "2026-03-08 07:00", "2026-10-31 12:00", None),
        (NEW_YORK, "2026-03-08 07:00", "2028-01-01 12:00", "2026-11-01"),  # the first of several
        (LONDON, "2026-03-01 12:00", "2026-03-28 12:00", None),
        (LONDON, "2026-03-28 12:00", "2026-03-29 12:00", "2026-03-29"),
        ("America/Santiago", "2026-09-01 00:00", "2026-09-10 00:00", "2026-09-06"),
        ("Africa/Cairo", "2026-04-20 00:00", "2026-04-30 00:00", "2026-04-24"),
        ("Australia/Lord_Howe", "2026-10-01 00:00", "2026-10-30 00:00", "2026-10-04"),
        ("America/Vancouver", "2026-10-01 00:00", "2028-01-01 00:00", None),
        (KATHMANDU, "2026-01-01 00:00", "2028-01-01 00:00", None),
        (NEW_YORK, "2026-03-20 12:00", "2026-03-01 12:00", None),  # the wrong way round
    ],
)
def test_the_date_of_the_first_change_of_clocks(
    zone: str, after: str, until: str, expected: str | None
) -> None:
    found = clock_change(zone, utc(after), utc(until))

    assert found == (None if expected is None else date.fromisoformat(expected))


def test_fractions_of_seconds_do_not_hide_a_change_of_clocks() -> None:
    fraction, part = timedelta(microseconds=1), timedelta(milliseconds=10)
    change = utc("2026-03-08 07:00")

    assert clock_change(NEW_YORK, change - fraction, change) == date(2026, 3, 8)
    assert clock_change(NEW_YORK, change - 75 * part, change + 75 * part) == date(2026, 3, 8)
    assert clock_change(NEW_YORK, change, change + fraction) is None


# What is no period, no rule


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [
        (utc("2026-05-04 10:00"), utc("2026-05-04 10:00")),
        (utc("2026-05-04 10:00"), utc("2026-05-04 09:00")),
        (datetime(2026, 5, 4, 10), datetime(2026, 5, 4, 11)),  # noqa: DTZ001
        (utc("2026-05-04 10:00").astimezone(load_zone(LONDON)), utc("2026-05-04 12:00")),
    ],
)
def test_a_period_has_two_instants_of_utc_in_order(starts_at: datetime, ends_at: datetime) -> None:
    with pytest.raises(ValueError, match="period"):
        Period(starts_at, ends_at)


@pytest.mark.parametrize(
    ("weekday", "start", "end"),
    [(-1, 0, 60), (7, 0, 60), (0, -1, 60), (0, 1440, 1500), (0, 60, 60), (0, 60, 1501)],
)
def test_a_weekly_rule_is_a_span_of_a_weekday(weekday: int, start: int, end: int) -> None:
    with pytest.raises(ValueError, match=r"a weekday|a span"):
        WeeklyRule(weekday, start, end, "UTC")


@pytest.mark.parametrize(("start", "end"), [(60, None), (None, 60), (60, 60), (1440, 1500)])
def test_a_days_own_rule_is_a_span_or_none(start: int | None, end: int | None) -> None:
    with pytest.raises(ValueError, match="a span"):
        DayRule(date(2026, 5, 4), "UTC", start, end)


def test_days_away_run_forward() -> None:
    with pytest.raises(ValueError, match="days away"):
        Away(date(2026, 5, 5), date(2026, 5, 4), "UTC")


# Sets of periods


def _set_of(numbers: list[tuple[int, int]]) -> list[Period]:
    origin = utc("2026-05-04 00:00")
    return [
        Period(origin + start * QUARTER, origin + (start + length) * QUARTER)
        for start, length in numbers
    ]


some_periods = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=8).map(_set_of)


def _instants(periods: list[Period]) -> set[datetime]:
    return {instant for some in periods for instant in quarters(some)}


@given(some_periods, some_periods)
def test_lists_of_periods_are_sets_of_time(some: list[Period], others: list[Period]) -> None:
    left, right = merged(some), merged(others)

    assert _instants(left) == _instants(some)
    assert _instants(overlap(left, right)) == _instants(some) & _instants(others)
    assert _instants(without(left, right)) == _instants(some) - _instants(others)
    for result in (left, overlap(left, right), without(left, right)):
        assert merged(result) == result
