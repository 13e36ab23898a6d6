"""Instants as people read them: on whose clock, on which day, in which city. No rows, no forms.

A time on a page is told with the name of a place, and where two people are concerned on the
clocks of both. Nothing here is computed with: local times are for reading alone.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from loops.hours import (
    MINUTES_A_DAY,
    NIGHT_ENDS,
    NIGHT_STARTS,
    Period,
    clock_change,
    is_bad_hour,
    load_zone,
    local_span,
    overlap,
)

RESPELT = {
    "Calcutta": "Kolkata",
    "Katmandu": "Kathmandu",
    "Dacca": "Dhaka",
    "Kiev": "Kyiv",
    "Rangoon": "Yangon",
    "Saigon": "Ho Chi Minh",
    "Thimbu": "Thimphu",
    "Ulan Bator": "Ulaanbaatar",
    "Godthab": "Nuuk",
    "Asmera": "Asmara",
}
"""What browsers still send for cities that are spelt otherwise today."""


def city_of(zone: str) -> str:
    """Return what people call a zone: its city, as in "New York" for America/New_York."""
    area, _slash, place = zone.rpartition("/")
    if area == "Etc":  # the signs of Etc/GMT+5 are the other way round
        return place.replace("GMT", "UTC").translate(str.maketrans("+-", "−+"))
    city = place.replace("_", " ")
    return RESPELT.get(city, city)


NIGHT_MINUTES = (22 * 60, 31 * 60)
"""A night by the minutes of the day on which it starts."""


_NIGHTS_IN_SHORT = {
    "early": _("before 07:00"),
    "late": _("after 22:00"),
    "past": _("past 22:00"),
}
_NIGHTS = {
    "early": _("For you it starts before 07:00."),
    "late": _("For you it starts after 22:00."),
    "past": _("For you it runs past 22:00."),
}
_NIGHTS_OF = {
    "early": _("For %(name)s it starts before 07:00."),
    "late": _("For %(name)s it starts after 22:00."),
    "past": _("For %(name)s it runs past 22:00."),
}


@dataclass(frozen=True)
class Reading:
    """A period as the clocks of one zone show it."""

    period: Period
    zone: str

    @cached_property
    def starts(self) -> datetime:
        """Return the start by these clocks; for reading, not for sums."""
        return self.period.starts_at.astimezone(load_zone(self.zone))

    @cached_property
    def ends(self) -> datetime:
        """Return the end by these clocks; for reading, not for sums."""
        return self.period.ends_at.astimezone(load_zone(self.zone))

    @property
    def iso(self) -> str:
        """Return the start as machines read it, in UTC."""
        return f"{self.period.starts_at:%Y-%m-%dT%H:%MZ}"

    @property
    def city(self) -> str:
        """Return the place whose clocks these are."""
        return city_of(self.zone)

    @cached_property
    def day(self) -> str:
        """Return the day in full: "Tuesday 9 March"."""
        return date_format(self.starts, gettext("l j F"))

    @cached_property
    def short_day(self) -> str:
        """Return the day in short: "Tue 9 Mar"."""
        return date_format(self.starts, gettext("D j M"))

    @property
    def weekday(self) -> str:
        """Return the day of the week: "Tue"."""
        return date_format(self.starts, "D")

    @property
    def full_weekday(self) -> str:
        """Return the day of the week in full: "Tuesday"."""
        return date_format(self.starts, "l")

    @property
    def date(self) -> str:
        """Return the day without its weekday: "9 March"."""
        return date_format(self.starts, gettext("j F"))

    @property
    def month(self) -> str:
        """Return the month in short: "Mar"."""
        return date_format(self.starts, "M")

    @property
    def dated(self) -> str:
        """Return the day with its year: "9 Mar 2026"."""
        return date_format(self.starts, gettext("j M Y"))

    @property
    def time(self) -> str:
        """Return the start: "18:00"."""
        return f"{self.starts:%H:%M}"

    @property
    def end_time(self) -> str:
        """Return the end: "19:50"."""
        return f"{self.ends:%H:%M}"

    @property
    def span(self) -> str:
        """Return both ends: "18:00–19:50", with the day of the end where it is another one."""
        if self.ends.date() == self.starts.date():
            return f"{self.time}–{self.end_time}"
        return f"{self.time}–{date_format(self.ends, 'D H:i')}"

    @property
    def is_bad(self) -> bool:
        """Say whether any of it lies between 22:00 and 07:00."""
        return is_bad_hour(self.period, self.zone)

    @property
    def night(self) -> str:
        """Say how it lies in the night: early, late (from its start) or past. Empty by day."""
        if not self.is_bad:
            return ""
        if self.starts.time() < NIGHT_ENDS:
            return "early"
        return "late" if self.starts.time() >= NIGHT_STARTS else "past"

    @property
    def bad_words(self) -> str:
        """Say in a few words how it lies in the night: "before 07:00". Empty by day."""
        return str(_NIGHTS_IN_SHORT.get(self.night, ""))


@dataclass(frozen=True)
class Bar:
    """A stretch of a strip, in per cent of its width."""

    x: float
    width: float


@dataclass(frozen=True)
class Ribbon:
    """The reader's day as two strips, one a person: where each has night, and where the mock is."""

    own_nights: list[Bar]
    their_nights: list[Bar]
    mock: Bar


@dataclass(frozen=True)
class ForTwo:
    """A period on the reader's clock and on their partner's, whom the cohort calls `name`.

    The dates are those on which either's clocks change between now and then.
    """

    own: Reading
    theirs: Reading
    name: str
    own_change_on: date | None = None
    their_change_on: date | None = None

    @property
    def is_same_clock(self) -> bool:
        """Say whether both read the same."""
        return self.own.starts.utcoffset() == self.theirs.starts.utcoffset()

    @property
    def is_same_day(self) -> bool:
        """Say whether it begins on the same date for both."""
        return self.own.starts.date() == self.theirs.starts.date()

    @property
    def ribbon(self) -> Ribbon:
        """Draw the period into the reader's day, with the nights of both."""
        window = _days_of(self.own)
        return Ribbon(
            own_nights=_nights(self.own.zone, window),
            their_nights=_nights(self.theirs.zone, window),
            mock=_bar(self.own.period, window),
        )

    @property
    def warnings(self) -> list[str]:
        """Say for whom it lies in the night, and whose clocks change before it."""
        own, theirs = _NIGHTS.get(self.own.night), _NIGHTS_OF.get(self.theirs.night)
        said = [str(own)] if own else []
        if theirs:
            said.append(str(theirs) % {"name": self.name})
        return said + changes_told(self.own_change_on, self.their_change_on, self.name)


def changes_told(own_on: date | None, their_on: date | None, name: str) -> list[str]:
    """Say whose clocks change on which day; a correct time may look an hour off otherwise."""
    if own_on and own_on == their_on:
        return [gettext("Clocks change for both of you on %(day)s.") % {"day": _on(own_on)}]
    said = []
    if own_on:
        said.append(gettext("Clocks change for you on %(day)s.") % {"day": _on(own_on)})
    if their_on:
        said.append(
            gettext("Clocks change for %(name)s on %(day)s.") % {"name": name, "day": _on(their_on)}
        )
    return said


def for_two(period: Period, own_zone: str, their_zone: str, name: str, at: datetime) -> ForTwo:
    """Read a period on both clocks, seen at an instant. Raises UnknownZone."""
    return ForTwo(
        own=Reading(period, own_zone),
        theirs=Reading(period, their_zone),
        name=name,
        own_change_on=clock_change(own_zone, at, period.starts_at),
        their_change_on=clock_change(their_zone, at, period.starts_at),
    )


def _on(day: date) -> str:
    return date_format(day, gettext("j F"))


def _days_of(reading: Reading) -> Period:
    """Return the whole local days that a period touches."""
    last = reading.period.ends_at - timedelta.resolution
    days = reading.starts.date(), last.astimezone(load_zone(reading.zone)).date()
    first, final = (local_span(0, MINUTES_A_DAY, day, reading.zone) for day in days)
    if first is None or final is None:  # a day that was left out has no period in it
        return reading.period
    return Period(first.starts_at, final.ends_at)


def _nights(zone: str, window: Period) -> list[Bar]:
    first = window.starts_at.date() - timedelta(days=2)
    days = [first + timedelta(days=number) for number in range(7)]
    spans = [local_span(*NIGHT_MINUTES, day, zone) for day in days]
    return [_bar(night, window) for night in overlap([one for one in spans if one], [window])]


def _bar(period: Period, window: Period) -> Bar:
    whole = window.ends_at - window.starts_at
    return Bar(
        x=round(100 * ((period.starts_at - window.starts_at) / whole), 2),
        width=round(100 * ((period.ends_at - period.starts_at) / whole), 2),
    )
