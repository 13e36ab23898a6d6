"""[pure] How two texts, two lists of lines or two sets of parts differ, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

WORD = re.compile(r"\s+|\w+|[^\s\w]")
ALIKE = 0.4


@dataclass(frozen=True)
class Segment:
    """A run of text that both have, or that only the newer ("added") or the older has."""

    change: Literal["same", "added", "removed"]
    text: str


@dataclass(frozen=True)
class Part:
    """Something with a key that two sides may both have: a title, and texts under labels."""

    key: str
    title: str
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Line:
    """A text under its label, in both."""

    label: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class PartChange:
    """A part that differs; of its lines only those that differ."""

    key: str
    change: Literal["added", "removed", "changed"]
    title: tuple[Segment, ...]
    lines: tuple[Line, ...] = ()


def words_changed(older: str, newer: str) -> tuple[Segment, ...]:
    """Split two texts into runs that stayed, went and came, in reading order.

    Two texts with little in common are not mixed: the older goes and the newer comes.
    """
    before, after = WORD.findall(older), WORD.findall(newer)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < ALIKE:
        return tuple(_change(older, newer))
    return tuple(_joined(matcher, before, after))


def parts_changed(older: Sequence[Part], newer: Sequence[Part]) -> tuple[PartChange, ...]:
    """Return what differs, by key: in the newer's order, and at the end what only the older has."""
    before = {part.key: part for part in older}
    after = {part.key: part for part in newer}
    changes = [_part_change(before.get(key), part) for key, part in after.items()]
    changes += [_part_change(part, None) for key, part in before.items() if key not in after]
    return tuple(change for change in changes if change is not None)


def lines_changed(older: Sequence[str], newer: Sequence[str]) -> tuple[PartChange, ...]:
    """Return what differs between two lists of lines without keys, in reading order."""
    changes: list[PartChange | None] = []
    matcher = SequenceMatcher(None, older, newer, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag != "equal":
            for before, after in zip_longest(older[start:end], newer[new_start:new_end]):
                changes.append(
                    _part_change(
                        None if before is None else Part("", before),
                        None if after is None else Part("", after),
                    )
                )
    return tuple(change for change in changes if change is not None)


def _part_change(older: Part | None, newer: Part | None) -> PartChange | None:
    if older == newer:
        return None
    if older is None or newer is None:
        part = newer or older or Part("", "")
        change: Literal["added", "removed"] = "added" if newer else "removed"
        lines = tuple(Line(label, (Segment(change, text),)) for label, text in part.lines)
        return PartChange(part.key, change, (Segment(change, part.title),), lines)
    before, after = dict(older.lines), dict(newer.lines)
    labels = list(dict.fromkeys([*after, *before]))
    return PartChange(
        newer.key,
        "changed",
        words_changed(older.title, newer.title),
        tuple(
            Line(label, words_changed(before.get(label, ""), after.get(label, "")))
            for label in labels
            if before.get(label) != after.get(label)
        ),
    )


def _joined(
    matcher: SequenceMatcher[str], before: Sequence[str], after: Sequence[str]
) -> Iterator[Segment]:
    """Yield runs; changes that only a space parts are one, so that a phrase reads as a phrase."""
    removed = added = ""
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        gone, come = "".join(before[start:end]), "".join(after[new_start:new_end])
        is_gap = gone.isspace() and end < len(before)
        if tag != "equal" or (is_gap and (removed or added)):
            removed, added = removed + gone, added + come
            continue
        yield from _change(removed, added)
        yield Segment("same", gone)
        removed = added = ""
    yield from _change(removed, added)


def _change(removed: str, added: str) -> Iterable[Segment]:
    if removed:
        yield Segment("removed", removed)
    if added:
        yield Segment("added", added)
