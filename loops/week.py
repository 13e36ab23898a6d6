"""A week of hours as its form holds it: spans by weekday, one where they overlap. [pure]

A span starts on a weekday and may end in the next day, Sunday's on Monday: the week is a circle.
Spans that touch stay two, as they were written. What instants they make is in loops/hours.py.
"""

import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

DAY = 1440
WEEK = 7 * DAY


@dataclass(frozen=True, order=True)
class Span:
    """Hours on a weekday, 0 for Monday; an end over 1440 lies in the next day."""

    weekday: int
    start_minute: int
    end_minute: int

    def __str__(self) -> str:
        return f"{clock(self.start_minute)}–{clock(self.end_minute)}"

    @property
    def begins(self) -> int:
        """Return the minute of the week at which it starts."""
        return self.weekday * DAY + self.start_minute

    @property
    def ends(self) -> int:
        """Return the minute of the week at which it ends; Sunday's may lie in the next week."""
        return self.weekday * DAY + self.end_minute


@dataclass(frozen=True)
class Joined:
    """Spans that overlapped, and what was made of them."""

    before: tuple[Span, ...]
    after: tuple[Span, ...]


@dataclass(frozen=True)
class Tidied:
    """A week without overlaps, and where there were some."""

    spans: tuple[Span, ...]
    joined: tuple[Joined, ...]


def tidied(spans: Iterable[Span]) -> Tidied:
    """Make one of spans that overlap; what would be longer than a day is cut at its midnights."""
    groups: list[list[Span]] = []
    reaches: list[int] = []
    for span in sorted(spans):
        if groups and span.begins < reaches[-1]:
            groups[-1].append(span)
            reaches[-1] = max(reaches[-1], span.ends)
        else:
            groups.append([span])
            reaches.append(span.ends)
    while len(groups) > 1 and groups[0][0].begins + WEEK < reaches[-1]:
        groups[-1] += groups.pop(0)
        reaches[-1] = max(reaches[-1], reaches.pop(0) + WEEK)
    told: list[Span] = []
    joined: list[Joined] = []
    for group, reach in zip(groups, reaches, strict=True):
        if len(group) == 1:
            told += group
            continue
        begins = group[0].begins
        pieces = _pieces(begins, min(reach, begins + WEEK))
        joined.append(Joined(tuple(group), tuple(pieces)))
        told += pieces
    return Tidied(tuple(sorted(told)), tuple(joined))


def digest(
    rules: Iterable[tuple[int, int, int, str, date | None, date | None]],
) -> str:
    """Return what tells one saved week from another, whatever the order of its rows."""
    return hashlib.sha256(repr(sorted(map(str, rules))).encode()).hexdigest()[:16]


def clock(minute: int) -> str:
    """Return "18:10" for a minute of the day or the next; the end of the day is "24:00"."""
    if minute == DAY:
        return "24:00"
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def _pieces(begins: int, ends: int) -> list[Span]:
    """Return one stretch of the week's minutes as spans of a day at most."""
    if ends - begins <= DAY:
        cuts = [begins, ends]
    else:
        midnights = range(begins - begins % DAY + DAY, ends, DAY)
        cuts = [begins, *midnights, ends]
    pieces = []
    for start, end in itertools.pairwise(cuts):
        weekday, minute = divmod(start % WEEK, DAY)
        pieces.append(Span(weekday, minute, minute + end - start))
    return pieces
