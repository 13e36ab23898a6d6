"""The phase ribbon as pages show it: its geometry, its figures, and all of it in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from feedback.media_time import media_time_words
from feedback.models import Moment
from feedback.phases import (
    MINUTE_MS,
    Chain,
    PhaseTime,
    Planned,
    Pressed,
    Ribbon,
    Stretch,
    ribbon_of,
)
from feedback.sentences import number_words

MILLISECOND = timedelta(milliseconds=1)
LETTER_PERCENT = 1.05
"""So much of a usual bar a letter takes; words without room are left out of the drawing."""
RUNG_HEIGHT = 5
LADDER_HEIGHT = 30
"""Four rungs, and room for a figure above the highest."""


class GuidePhase(Protocol):
    """A phase of the time guide, from wherever it comes."""

    @property
    def name(self) -> str:
        """Return its name."""

    @property
    def minutes(self) -> int:
        """Return how long it should be."""


@dataclass(frozen=True)
class Bar:
    """A stretch of the drawing, in percent of the recording; `said` is the whole of it in words."""

    start: float
    width: float
    start_ms: int
    text: str
    said: str
    kind: str = ""
    is_open: bool = False
    height: int = 0

    @property
    def top(self) -> int:
        """Return how far from the top of the ladder a rung's bar begins."""
        return LADDER_HEIGHT - self.height


@dataclass(frozen=True)
class LaidChain:
    """A why-chain of the drawing: a dot for each answer, joined; the longest says how many."""

    dots: tuple[float, ...]
    text: str

    @property
    def last(self) -> float:
        """Return where it ends."""
        return self.dots[-1]


@dataclass(frozen=True)
class Figure:
    """What a phase of the guide got, for a list: "3 of 10 min"."""

    place: int
    name: str
    short_name: str
    time: str
    said: str
    kind: str
    is_marked: bool


@dataclass(frozen=True)
class RibbonView:
    """One grader's ribbon, drawn and told."""

    ribbon: Ribbon
    duration_ms: int

    @property
    def is_empty(self) -> bool:
        """Say whether nothing was marked."""
        return self.ribbon.is_empty

    @property
    def has_drawing(self) -> bool:
        """Say whether there is anything to draw, and a length to draw it on."""
        return not self.is_empty and self.duration_ms > 0

    @property
    def begins(self) -> str:
        """Return where each phase begins, for a script: "1:0 2:180000"."""
        return " ".join(f"{one.key}:{one.start_ms}" for one in self.ribbon.stretches)

    @property
    def next_place(self) -> int:
        """Return which phase follows the last one that was marked; for a page without a script."""
        return self.ribbon.stretches[-1].key + 1 if self.ribbon.stretches else 1

    @cached_property
    def figures(self) -> list[Figure]:
        """Return every phase of the guide with what it got."""
        return [
            Figure(
                place=place,
                name=phase.name,
                short_name=short_name(phase.name),
                time=_time_words(phase),
                said=phase_words(phase),
                kind=phase.kind,
                is_marked=phase.is_marked,
            )
            for place, phase in enumerate(self.ribbon.phases, start=1)
        ]

    @cached_property
    def bars(self) -> list[Bar]:
        """Return the phases as they were spent."""
        return [self._phase_bar(one) for one in self.ribbon.stretches]

    @cached_property
    def rungs(self) -> list[Bar]:
        """Return the steps of the depth trace."""
        return [self._rung_bar(one) for one in self.ribbon.rungs]

    @cached_property
    def chains(self) -> list[LaidChain]:
        """Return the why-chains."""
        return [self._chain(one) for one in self.ribbon.chains]

    @property
    def sentences(self) -> list[str]:
        """Say all of it."""
        phases = [one.said for one in self.figures if one.is_marked]
        return [*phases, *filter(None, [self.depth_words, self.chain_words])]

    @property
    def depth_words(self) -> str:
        """Say how deep it got; nothing where no rung was marked."""
        if not self.ribbon.rungs:
            return ""
        trace = ", ".join(str(one.key) for one in self.ribbon.rungs)
        return _("Depth: rung %(deepest)s of 4 reached (%(trace)s).") % {
            "deepest": self.ribbon.deepest,
            "trace": trace,
        }

    @property
    def chain_words(self) -> str:
        """Say the longest why-chain; nothing where none was marked."""
        chain = self.ribbon.longest_chain
        return chain_words(chain) if chain else ""

    def _percent(self, ms: int) -> float:
        length = max(self.duration_ms, 1)
        return round(100 * min(max(ms, 0), length) / length, 2)

    def _phase_bar(self, one: Stretch) -> Bar:
        phase = self.ribbon.phases[one.key - 1]
        start = self._percent(one.start_ms)
        width = round(self._percent(one.end_ms) - start, 2)
        name = short_name(phase.name)
        time = _time_words(phase)
        texts = [name] if one.is_open else [f"{name} {time}", name, time]
        return Bar(
            start=start,
            width=width,
            start_ms=one.start_ms,
            text=next((text for text in texts if _has_room(text, width)), ""),
            said=f"{media_time_words(one.start_ms)} {phase_words(phase)}",
            kind="" if one.is_open else phase.kind,
            is_open=one.is_open,
        )

    def _rung_bar(self, one: Stretch) -> Bar:
        start = self._percent(one.start_ms)
        return Bar(
            start=start,
            width=round(self._percent(one.end_ms) - start, 2),
            start_ms=one.start_ms,
            text=str(one.key),
            said=_("%(at)s depth rung %(rung)s")
            % {"at": media_time_words(one.start_ms), "rung": one.key},
            height=one.key * RUNG_HEIGHT,
        )

    def _chain(self, one: Chain) -> LaidChain:
        is_longest = one == self.ribbon.longest_chain
        return LaidChain(
            dots=tuple(self._percent(ms) for ms in one.times_ms),
            text=f"×{one.length}" if is_longest and one.length > 1 else "",
        )


def ribbon_view(
    moments: Iterable[Moment],
    guide: Iterable[GuidePhase],
    *,
    started_at: datetime,
    duration_ms: int | None,
) -> RibbonView:
    """Draw one review's moments on a recording of that length.

    A moment of a mock that has no place in a recording lies where it was in the answer, which
    began at `started_at`; without a recording the drawing ends with the guide or the last of them.
    """
    pressed = [
        Pressed(one.kind, one.key, at_ms)
        for one in moments
        if (at_ms := time_of(one, started_at)) is not None
    ]
    planned = [Planned(one.name, one.minutes) for one in guide]
    length_ms = duration_ms or _length_without_recording(pressed, planned)
    return RibbonView(ribbon_of(pressed, planned, length_ms), length_ms)


def time_of(moment: Moment, started_at: datetime) -> int | None:
    """Return when a moment was: in the recording, else from the beginning of the answer."""
    if moment.at_ms is not None:
        return moment.at_ms
    if moment.stamped_at is None:
        return None
    return max(0, (moment.stamped_at - started_at) // MILLISECOND)


def short_name(name: str) -> str:
    """Return what a phase is called where there is little room."""
    return name.split(":", maxsplit=1)[0].split(",", maxsplit=1)[0]


def moment_words(moment: Moment, guide: Sequence[GuidePhase]) -> str:
    """Say what began with a moment."""
    if moment.kind == Moment.Kind.PHASE:
        is_known = 1 <= moment.key <= len(guide)
        return short_name(guide[moment.key - 1].name) if is_known else _("a phase")
    if moment.kind == Moment.Kind.RUNG:
        return _("depth rung %(rung)s") % {"rung": moment.key}
    return _("why answered, line %(line)s") % {"line": moment.key}


def phase_words(phase: PhaseTime) -> str:
    """Say what a phase got: "3 of 10 minutes on discovery"."""
    name, planned = short_name(phase.name), phase.planned_ms // MINUTE_MS
    said = {"phase": name, "planned": planned}
    if not phase.is_marked:
        words = ngettext(
            "%(phase)s not marked, %(planned)s minute planned",
            "%(phase)s not marked, %(planned)s minutes planned",
            planned,
        )
    elif phase.open_from_ms is not None and not phase.spent_ms:
        said["from"] = media_time_words(phase.open_from_ms)
        words = ngettext(
            "%(phase)s from %(from)s on, %(planned)s minute planned",
            "%(phase)s from %(from)s on, %(planned)s minutes planned",
            planned,
        )
    else:
        said |= {"phase": _as_within(name), "spent": _minutes(phase.spent_ms)}
        words = ngettext(
            "%(spent)s of %(planned)s minute on %(phase)s",
            "%(spent)s of %(planned)s minutes on %(phase)s",
            planned,
        )
    return words % said


def chain_words(chain: Chain) -> str:
    """Say how long the longest why-chain is, and where."""
    words = ngettext(
        "Longest why-chain: %(n)s, at %(from)s.",
        "Longest why-chain: %(n)s, from %(from)s to %(to)s.",
        chain.length,
    )
    return words % {
        "n": number_words(chain.length),
        "from": media_time_words(chain.times_ms[0]),
        "to": media_time_words(chain.times_ms[-1]),
    }


def _time_words(phase: PhaseTime) -> str:
    """Say spent and planned as figures: 3/10; of what has no marked end, where it begins."""
    planned = phase.planned_ms // MINUTE_MS
    if phase.open_from_ms is not None and not phase.spent_ms:
        return _("from %(at)s") % {"at": media_time_words(phase.open_from_ms)}
    if not phase.is_marked:
        return f"–/{planned}"
    return f"{_minutes(phase.spent_ms)}/{planned}"


def _minutes(ms: int) -> str:
    """Round to minutes; what is less than half of one is said to be under one."""
    minutes = round(ms / MINUTE_MS)
    return str(minutes) if minutes or not ms else "<1"


def _as_within(name: str) -> str:
    """Begin a name as within a sentence, but for abbreviations."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def _has_room(text: str, width: float) -> bool:
    return len(text) * LETTER_PERCENT + 1 <= width


def _length_without_recording(pressed: Sequence[Pressed], planned: Sequence[Planned]) -> int:
    plan_ms = sum(one.minutes for one in planned) * MINUTE_MS
    return max([plan_ms, *(one.at_ms for one in pressed)])
