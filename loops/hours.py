"""Availability: local hours, exceptions and limits made into instants; no rows, no clock. [pure]

The page that offers times and the booking that takes one ask the same functions here, so that
what is offered is what is taken. `common_slots` is the page's question, `is_open` the booking's.

**Two kinds of time.** Hours are local: a weekday, minutes of the local day, an IANA zone. What is
agreed is a period of instants in UTC. Only `local_span` turns the one into the other, and sums are
done on instants alone: an hour added to a local time is not always an hour later.

**When the clocks change.** Where they go forward, local times are missing: a start or an end among
them is the first instant after. Where they go back, local times come twice: a start among them is
the first of the two, an end the second. An end at the very first repeated minute is the first of
the two as well, for a span does not hold its end: nothing of the repeated time is in it.

**Which rule holds.** A rule belongs to the local date on which it starts, though it may end on the
next. A day's own rules replace the weekly rules that start on that date. Days away cut out all
that lies in them, of an evening that reaches into them that part; the part of their last evening
that lies after midnight stays.

**The limits.** Notice, horizon and gap are lengths between instants. Mocks a day and a week are
counted by the local date on which a mock starts; weeks begin on Monday.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 1440
NIGHT_STARTS = time(22)
NIGHT_ENDS = time(7)
GRID = timedelta(minutes=15)  # every zone's offset of today is a multiple of it

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_PLACE = "Factory"  # the key of a machine that was never told where it is


# Facts


class UnknownZone(ValueError):
    """No zone of that name is in the IANA data: removed, renamed, misspelt, or never a zone."""


@dataclass(frozen=True, order=True)
class Period:
    """A half-open stretch of time between two instants in UTC: the start is in, the end is not."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        """Refuse local times, with which sums would be wrong, and what holds no time."""
        if self.starts_at.tzinfo is not UTC or self.ends_at.tzinfo is not UTC:
            raise ValueError("the ends of a period are in UTC")
        if self.starts_at >= self.ends_at:
            raise ValueError("a period ends after it starts")


@dataclass(frozen=True)
class WeeklyRule:
    """Hours that come back each week, on a weekday from 0 (Monday) to 6.

    Minutes count from midnight by the local clock: the start 0 to 1439, the end at most 1440 after
    the start, so 22:00 to 02:30 is 1320 to 1590. The days of validity are inclusive.
    """

    weekday: int
    start_minute: int
    end_minute: int
    zone: str
    valid_from: date | None = None
    valid_to: date | None = None

    def __post_init__(self) -> None:
        """Refuse what is no weekday or no span."""
        if not 0 <= self.weekday <= 6:
            raise ValueError("a weekday is 0 to 6")
        _check_span(self.start_minute, self.end_minute)

    def starts_on(self, day: date) -> bool:
        """Tell whether the rule, unless it is replaced, gives hours that start on a local date."""
        return (
            day.weekday() == self.weekday
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day <= self.valid_to)
        )


@dataclass(frozen=True)
class DayRule:
    """Hours of one date, in place of the weekly ones; without minutes there are none that day.

    Several rules of one date add up.
    """

    on: date
    zone: str
    start_minute: int | None = None
    end_minute: int | None = None

    def __post_init__(self) -> None:
        """Refuse half a span."""
        if self.start_minute is not None and self.end_minute is not None:
            _check_span(self.start_minute, self.end_minute)
        elif self.start_minute is not None or self.end_minute is not None:
            raise ValueError("a span has a start and an end, or neither")


@dataclass(frozen=True)
class Away:
    """Whole local days without any hours, both dates inclusive."""

    from_on: date
    to_on: date
    zone: str

    def __post_init__(self) -> None:
        """Refuse dates the wrong way round."""
        if self.to_on < self.from_on:
            raise ValueError("days away end after they start")


@dataclass(frozen=True)
class Limits:
    """What a person asks of any mock. `zone` is where they live: days and nights are read there."""

    notice_minutes: int = 720
    horizon_days: int = 28
    most_a_day: int = 1
    most_a_week: int = 3
    gap_minutes: int = 15
    zone: str = "UTC"


@dataclass(frozen=True)
class Hours:
    """All that says when one person can hold a mock.

    `taken` are the mocks already agreed, without the gap. For the weeks to be counted right it
    holds those of every week that is asked about, past ones of the same week too.
    """

    weekly: tuple[WeeklyRule, ...] = ()
    days: tuple[DayRule, ...] = ()
    away: tuple[Away, ...] = ()
    limits: Limits = Limits()
    taken: tuple[Period, ...] = ()


@dataclass(frozen=True)
class Slot:
    """A time two people could take, and for whom of them it lies in the night."""

    period: Period
    bad_for_a: bool
    bad_for_b: bool


# Questions


def expand(hours: Hours, window: Period) -> list[Period]:
    """Return the time that the rules offer inside a window, whatever is agreed and limited.

    The periods are sorted, and there is time between them: those that touch are one. A smaller
    window gives the same time, cut smaller. Raises UnknownZone.
    """
    days = _days_around(window)
    offered = merged([*_weekly_spans(hours, days), *_day_spans(hours, days)])
    return overlap(without(offered, merged(_away_spans(hours, days))), [window])


def free_time(hours: Hours, window: Period, now: datetime) -> list[Period]:
    """Return the offered time inside a window that no agreed mock, notice or horizon takes away.

    `now` is in UTC. A mock fits if it lies inside one of the periods and its day and week are not
    full; `is_open` tests both. Raises UnknownZone.
    """
    return overlap(without(expand(hours, window), _kept_clear(hours)), _bookable(hours.limits, now))


def is_open(hours: Hours, period: Period, now: datetime) -> bool:
    """Tell whether a person can hold one more mock in just this period, asked at `now` in UTC.

    To move a mock, ask without it in `taken`. Raises UnknownZone.
    """
    return free_time(hours, period, now) == [period] and _Tally(hours).has_room(period)


def common_slots(
    a: Hours,
    b: Hours,
    *,
    minutes: int,
    window: Period,
    now: datetime,
    step_minutes: int = 30,
) -> list[Slot]:
    """Return the times inside a window at which two people can hold a mock of so many minutes.

    Slots are sorted by their start and may overlap each other; each is open to both. In every
    stretch of time that both offer, starts are whole steps from the stretch's beginning, set to a
    quarter of an hour UTC: they stay where they are while time passes and mocks are agreed.
    Raises UnknownZone, and ValueError for a step that leaves the quarters.
    """
    length, step = _length_and_step(minutes, step_minutes)
    offered = _offered_by_both(a, b, window)
    free = overlap(without(without(offered, _kept_clear(a)), _kept_clear(b)), [window])
    free = overlap(overlap(free, _bookable(a.limits, now)), _bookable(b.limits, now))
    tally_a, tally_b = _Tally(a), _Tally(b)
    return [
        Slot(period, is_bad_hour(period, a.limits.zone), is_bad_hour(period, b.limits.zone))
        for period in _on_the_grid(offered, free, length, step)
        if tally_a.has_room(period) and tally_b.has_room(period)
    ]


def open_starts(
    hours: Hours, *, minutes: int, window: Period, now: datetime, step_minutes: int = 30
) -> list[datetime]:
    """Return the starts of the mocks of so many minutes that one person can hold in a window.

    Starts are whole steps from the epoch, so that those of several people can be compared. Each
    period that begins at one is open by `is_open`. Raises UnknownZone, and ValueError for a step
    that leaves the quarters of an hour.
    """
    length, step = _length_and_step(minutes, step_minutes)
    tally = _Tally(hours)
    found: list[datetime] = []
    for piece in free_time(hours, window, now):
        starts_at = _next(piece.starts_at, _EPOCH, step)
        while starts_at + length <= piece.ends_at:
            if tally.has_room(Period(starts_at, starts_at + length)):
                found.append(starts_at)
            starts_at += step
    return found


def is_bad_hour(period: Period, zone: str) -> bool:
    """Tell whether any part of a period lies between 22:00 and 07:00 by the clocks of a zone.

    Raises UnknownZone.
    """
    place = load_zone(zone)
    first = period.starts_at.astimezone(place)
    last = (period.ends_at - timedelta.resolution).astimezone(place)
    # A period that starts and ends by day, but not on the same one, has a night inside.
    return first.time() < NIGHT_ENDS or last.time() >= NIGHT_STARTS or first.date() != last.date()


# Local time and instants


@lru_cache(maxsize=1024)
def load_zone(name: str) -> ZoneInfo:
    """Return a zone by its IANA name. Raises UnknownZone.

    zoneinfo itself keeps only the last eight zones in memory for sure; a weekly matching meets
    more.
    """
    try:
        if name != _NO_PLACE:
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such name, not a name, the name of a folder
        pass
    raise UnknownZone(name)


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Say whether a name still is a zone's: an upgrade of the data may drop or rename one."""
    try:
        load_zone(name)
    except UnknownZone:
        return False
    return True


def local_span(start_minute: int, end_minute: int, day: date, zone: str) -> Period | None:
    """Return the instants of a local span that starts on a day, minutes counted from its midnight.

    None if nothing is left of it, as for a span within the hour that a change of clocks leaves
    out. The length may differ from the minutes' difference. Raises UnknownZone.
    """
    place = load_zone(zone)
    starts_at = _instant(day, start_minute, place, is_end=False)
    ends_at = _instant(day, end_minute, place, is_end=True)
    return Period(starts_at, ends_at) if starts_at < ends_at else None


def clock_change(zone: str, after: datetime, until: datetime) -> date | None:
    """Return the local date on which a zone's clocks first change after one instant.

    None if they do not change up to and including the second instant. Both are in UTC. The date
    is the one that the changed clocks show first. Raises UnknownZone.
    """
    place = load_zone(zone)
    # Clocks change on whole seconds, so the fractions say nothing.
    known, last = after.replace(microsecond=0), until.replace(microsecond=0)
    while known < last:
        later = min(known + _DAY, last)
        if _offset(place, later) != _offset(place, known):
            return _first_change(place, known, later).astimezone(place).date()
        known = later
    return None


def _instant(day: date, minute: int, zone: ZoneInfo, *, is_end: bool) -> datetime:
    """Return the instant at which a wall clock shows a minute of a day, as the module says."""
    # The reading is written down as if it were UTC: there, adding minutes moves the hands alone.
    reading = datetime.combine(day, time.min, UTC) + timedelta(minutes=minute)
    by_old_offset = reading.replace(tzinfo=zone, fold=0).astimezone(UTC)
    by_new_offset = reading.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if by_old_offset > by_new_offset:  # the reading is missing, and the change lies between them
        return _first_change(zone, by_new_offset, by_old_offset)
    comes_twice = by_old_offset < by_new_offset
    if comes_twice and is_end and not _is_change(zone, by_new_offset):
        return by_new_offset
    return by_old_offset


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta | None:
    return instant.astimezone(zone).utcoffset()


def _is_change(zone: ZoneInfo, instant: datetime) -> bool:
    """Tell whether the clocks change at this very second."""
    return _offset(zone, instant) != _offset(zone, instant - _SECOND)


def _first_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first instant of a new offset between two whole seconds whose offsets differ."""
    old = _offset(zone, before)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


# Rules made into periods


def _check_span(start_minute: int, end_minute: int) -> None:
    if not 0 <= start_minute < MINUTES_A_DAY:
        raise ValueError("a span starts within its day")
    if not start_minute < end_minute <= start_minute + MINUTES_A_DAY:
        raise ValueError("a span ends after it starts, and within a day")


def _days_around(window: Period) -> list[date]:
    """Return every date, of any zone, on which a rule that reaches into the window may start.

    A local date is within a day of UTC's, and a rule ends a day after it starts. The day more on
    either side is for clocks that go back over midnight, where a date comes twice.
    """
    first, last = window.starts_at.date() - 3 * _DAY, window.ends_at.date() + 2 * _DAY
    return [first + number * _DAY for number in range((last - first).days + 1)]


def _weekly_spans(hours: Hours, days: Sequence[date]) -> Iterator[Period]:
    replaced = {rule.on for rule in hours.days}
    for day in days:
        for rule in hours.weekly if day not in replaced else ():
            if rule.starts_on(day):
                span = local_span(rule.start_minute, rule.end_minute, day, rule.zone)
                if span is not None:
                    yield span


def _day_spans(hours: Hours, days: Sequence[date]) -> Iterator[Period]:
    for rule in hours.days:
        if rule.start_minute is None or rule.end_minute is None:
            continue
        if days[0] <= rule.on <= days[-1]:
            span = local_span(rule.start_minute, rule.end_minute, rule.on, rule.zone)
            if span is not None:
                yield span


def _away_spans(hours: Hours, days: Sequence[date]) -> Iterator[Period]:
    for away in hours.away:
        # Cut to the days in question: "until further notice" may end in the year 9999.
        first, last = max(away.from_on, days[0]), min(away.to_on, days[-1])
        if first <= last:
            place = load_zone(away.zone)
            starts_at = _instant(first, 0, place, is_end=False)
            ends_at = _instant(last, MINUTES_A_DAY, place, is_end=True)
            if starts_at < ends_at:  # a zone may skip a whole day, as Apia did
                yield Period(starts_at, ends_at)


# Sets of periods: every list is sorted, with time between its periods


def merged(periods: Iterable[Period]) -> list[Period]:
    """Return the time in any of the periods, which may come unsorted, overlap and touch."""
    joined: list[Period] = []
    for period in sorted(periods):
        if not joined or joined[-1].ends_at < period.starts_at:
            joined.append(period)
        elif joined[-1].ends_at < period.ends_at:
            joined[-1] = Period(joined[-1].starts_at, period.ends_at)
    return joined


def overlap(some: Sequence[Period], others: Sequence[Period]) -> list[Period]:
    """Return the time that is in both lists."""
    shared: list[Period] = []
    i = j = 0
    while i < len(some) and j < len(others):
        starts_at = max(some[i].starts_at, others[j].starts_at)
        ends_at = min(some[i].ends_at, others[j].ends_at)
        if starts_at < ends_at:
            shared.append(Period(starts_at, ends_at))
        if some[i].ends_at <= others[j].ends_at:
            i += 1
        else:
            j += 1
    return shared


def without(periods: Sequence[Period], cuts: Sequence[Period]) -> list[Period]:
    """Return the time of the periods that is in none of the cuts."""
    left: list[Period] = []
    for period in periods:
        starts_at = period.starts_at
        for cut in overlap([period], cuts):
            if starts_at < cut.starts_at:
                left.append(Period(starts_at, cut.starts_at))
            starts_at = cut.ends_at
        if starts_at < period.ends_at:
            left.append(Period(starts_at, period.ends_at))
    return left


# Limits


def _kept_clear(hours: Hours) -> list[Period]:
    """Return the time in which no part of another mock may lie: the agreed ones and their gaps."""
    gap = timedelta(minutes=hours.limits.gap_minutes)
    return merged(Period(mock.starts_at - gap, mock.ends_at + gap) for mock in hours.taken)


def _bookable(limits: Limits, now: datetime) -> list[Period]:
    """Return the time between notice and horizon, in a list as it may be none at all."""
    opens_at = now + timedelta(minutes=limits.notice_minutes)
    closes_at = now + timedelta(days=limits.horizon_days)
    return [Period(opens_at, closes_at)] if opens_at < closes_at else []


class _Tally:
    """The agreed mocks of one person, counted by local day and week."""

    def __init__(self, hours: Hours) -> None:
        self._limits = hours.limits
        self._zone = load_zone(hours.limits.zone)
        days = [self._day(mock) for mock in hours.taken]
        self._a_day = Counter(days)
        self._a_week = Counter(map(_monday, days))

    def has_room(self, period: Period) -> bool:
        """Tell whether the day and the week in which a period starts take one more mock."""
        if not self._a_day:  # nothing is agreed, so no clock need be read
            return self._limits.most_a_day > 0 and self._limits.most_a_week > 0
        day = self._day(period)
        return (
            self._a_day[day] < self._limits.most_a_day
            and self._a_week[_monday(day)] < self._limits.most_a_week
        )

    def _day(self, period: Period) -> date:
        return period.starts_at.astimezone(self._zone).date()


def _monday(day: date) -> date:
    return day - day.weekday() * _DAY


# Slots


def _length_and_step(minutes: int, step_minutes: int) -> tuple[timedelta, timedelta]:
    length, step = timedelta(minutes=minutes), timedelta(minutes=step_minutes)
    if minutes <= 0 or step_minutes <= 0 or step % GRID:
        raise ValueError("a slot has a length, and steps are quarters of an hour")
    return length, step


def _offered_by_both(a: Hours, b: Hours, window: Period) -> list[Period]:
    """Return the time that the rules of both offer in the window and the week before it.

    The week shows where a stretch that reaches into the window begins. One that is longer still
    counts as begun at a midnight, from which the steps that divide a day are the same every day.
    """
    midnight = window.starts_at.replace(hour=0, minute=0, second=0, microsecond=0)
    wide = Period(midnight - _WEEK, window.ends_at)
    return overlap(expand(a, wide), expand(b, wide))


def _on_the_grid(
    offered: Sequence[Period], free: Sequence[Period], length: timedelta, step: timedelta
) -> Iterator[Period]:
    """Give the periods of a length that fit into free time, each a part of what is offered."""
    beginnings = [stretch.starts_at for stretch in offered]
    for piece in free:
        beginning = beginnings[bisect_right(beginnings, piece.starts_at) - 1]
        first = _next(beginning, _EPOCH, GRID)
        starts_at = _next(piece.starts_at, first, step)
        while starts_at + length <= piece.ends_at:
            yield Period(starts_at, starts_at + length)
            starts_at += step


def _next(instant: datetime, origin: datetime, step: timedelta) -> datetime:
    """Return the first instant, from this one on, that is whole steps away from an origin."""
    return instant + (origin - instant) % step
