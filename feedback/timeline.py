"""The timeline's geometry [pure]: phases and marks of a recording as shares of its length."""

from collections.abc import Sequence
from dataclasses import dataclass

LETTER_PERCENT = 1.05


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
    """A mark with its place in percent; `width` is zero for a moment."""

    start: float
    width: float
    kind: str
    text: str
    href: str


@dataclass(frozen=True)
class Timeline:
    """Everything to draw, x in percent of the width."""

    phases: tuple[LaidPhase, ...]
    marks: tuple[LaidMark, ...]


def lay_out(duration_ms: int, phases: Sequence[Phase], marks: Sequence[Mark]) -> Timeline:
    """Place phases and marks on a recording of that length; what lies beyond its end is cut."""
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
    laid_marks = [
        LaidMark(
            percent(mark.start_ms),
            round(percent(mark.end_ms) - percent(mark.start_ms), 2) if mark.end_ms else 0.0,
            mark.kind,
            mark.text,
            mark.href,
        )
        for mark in marks
    ]
    return Timeline(tuple(laid_phases), tuple(laid_marks))


def _fitting(name: str, width_percent: float) -> str:
    first = name.split(":", maxsplit=1)[0].split(",", maxsplit=1)[0]
    for text in (name, first):
        if len(text) * LETTER_PERCENT <= width_percent:
            return text
    return ""
