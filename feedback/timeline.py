"""The timeline's geometry [pure]: phases, marks and gaps of a recording as shares of its length."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LETTER_PERCENT = 1.05
MARK_PERCENT = 1.9
"""So much of a usual bar a mark takes; one that begins nearer to the last goes a row up."""
ROWS_MOST = 3


@dataclass(frozen=True)
class Phase:
    """A span of the time guide or of the recording; times in ms. `kind` is short, long or none."""

    name: str
    start_ms: int
    end_ms: int
    kind: str = ""


@dataclass(frozen=True)
class Mark:
    """A moment or a range that somebody pointed at; `kind` is evidence or signal."""

    start_ms: int
    end_ms: int | None = None
    kind: str = "evidence"
    text: str = ""
    href: str = ""


@dataclass(frozen=True)
class LaidPhase:
    """A phase with its place in percent; the name is left out where it has no room."""

    name: str
    shown_name: str
    start: float
    width: float
    kind: str


@dataclass(frozen=True)
class LaidMark:
    """A mark with its place in percent; `width` is zero for a moment.

    `row` counts from the bar up.
    """

    start: float
    width: float
    kind: str
    text: str
    href: str
    start_ms: int
    row: int = 0


@dataclass(frozen=True)
class LaidGap:
    """A part of the recording that did not arrive, with its place in percent."""

    start: float
    width: float


@dataclass(frozen=True)
class Timeline:
    """Everything to draw, x in percent of the width. `rows` are those that marks take."""

    phases: tuple[LaidPhase, ...]
    marks: tuple[LaidMark, ...]
    gaps: tuple[LaidGap, ...] = ()

    @property
    def rows(self) -> int:
        """Count the rows of marks; one even where there is none, so that none moves the page."""
        return 1 + max((mark.row for mark in self.marks), default=0)


def lay_out(
    duration_ms: int,
    phases: Iterable[Phase] = (),
    marks: Iterable[Mark] = (),
    gaps: Iterable[Sequence[int]] = (),
) -> Timeline:
    """Place what is given on a recording of that length; what lies beyond its end is cut."""
    length = max(duration_ms, 1)

    def percent(at_ms: int) -> float:
        return round(100 * min(max(at_ms, 0), length) / length, 2)

    laid_phases = [
        LaidPhase(
            phase.name,
            _fitting(phase.name, percent(phase.end_ms) - percent(phase.start_ms)),
            percent(phase.start_ms),
            round(percent(phase.end_ms) - percent(phase.start_ms), 2),
            phase.kind,
        )
        for phase in phases
        if phase.start_ms < length
    ]
    in_order = list(marks)
    rows = _rows([percent(mark.start_ms) for mark in in_order])
    laid_marks = [
        LaidMark(
            percent(mark.start_ms),
            round(percent(mark.end_ms) - percent(mark.start_ms), 2) if mark.end_ms else 0.0,
            mark.kind,
            mark.text,
            mark.href,
            mark.start_ms,
            row,
        )
        for mark, row in zip(in_order, rows, strict=True)
    ]
    laid_gaps = [
        LaidGap(percent(start_ms), round(percent(end_ms) - percent(start_ms), 2))
        for start_ms, end_ms in gaps
        if start_ms < length
    ]
    return Timeline(tuple(laid_phases), tuple(laid_marks), tuple(laid_gaps))


def _rows(starts: Sequence[float]) -> list[int]:
    """Give each mark the lowest row in which nothing is in its way, else the roomiest."""
    taken: list[list[float]] = [[] for _row in range(ROWS_MOST)]
    rows = []
    for start in starts:
        room = [min((abs(start - other) for other in others), default=100.0) for others in taken]
        row = max(range(ROWS_MOST), key=lambda row: min(room[row], MARK_PERCENT))
        taken[row].append(start)
        rows.append(row)
    return rows


def _fitting(name: str, width_percent: float) -> str:
    first = name.split(":", maxsplit=1)[0].split(",", maxsplit=1)[0]
    for text in (name, first):
        if len(text) * LETTER_PERCENT <= width_percent:
            return text
    return ""
