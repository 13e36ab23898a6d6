"""[pure] The phase ribbon: what an answer's time went to, against what the time guide plans for it.

A grader presses as a phase begins, as a rung of the depth ladder is reached, and as a *why* is
answered. A phase lasts until the next one begins, and a rung until the next rung or the next
phase. Where the last phase begun is not the guide's last, nobody has said when it ended: it stays
open, and is called neither short nor long for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

MINUTE_MS = 60_000
RUNGS = 4
SHORT_SHARE, LONG_SHARE = 0.5, 1.5
"""Under half of what was planned is short, over one and a half times of it is long …"""
WORTH_MS = 2 * MINUTE_MS
"""… where it is off by so much at least: a minute more or less is no finding."""


@dataclass(frozen=True)
class Planned:
    """A phase of the time guide."""

    name: str
    minutes: int


@dataclass(frozen=True)
class Pressed:
    """A moment that a grader marked: "phase", "rung" or "why", and which, in media time.

    The key is a phase's place in the guide from 1, a rung from 1 to 4, or a line of questioning.
    """

    kind: str
    key: int
    at_ms: int


@dataclass(frozen=True)
class Stretch:
    """A span of one phase, or on one rung; one that `is_open` has no marked end."""

    key: int
    start_ms: int
    end_ms: int
    is_open: bool = False

    @property
    def length_ms(self) -> int:
        """Return how long it is."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True)
class PhaseTime:
    """What one phase of the guide got. `spent_ms` counts what has a marked end.

    `open_from_ms` is where its last stretch begins that has none.
    """

    name: str
    planned_ms: int
    spent_ms: int
    is_marked: bool
    open_from_ms: int | None = None

    @property
    def kind(self) -> str:
        """Say "short" or "long" where it is far off the plan, else nothing."""
        off_ms = self.spent_ms - self.planned_ms
        if not self.is_marked or abs(off_ms) < WORTH_MS:
            return ""
        if self.spent_ms > LONG_SHARE * self.planned_ms:
            return "long"
        is_ended = self.open_from_ms is None
        return "short" if is_ended and self.spent_ms < SHORT_SHARE * self.planned_ms else ""


@dataclass(frozen=True)
class Chain:
    """The answered whys of one line of questioning, in order."""

    line: int
    times_ms: tuple[int, ...]

    @property
    def length(self) -> int:
        """Count its links."""
        return len(self.times_ms)


@dataclass(frozen=True)
class Ribbon:
    """All that one grader's moments say."""

    stretches: tuple[Stretch, ...]
    phases: tuple[PhaseTime, ...]
    rungs: tuple[Stretch, ...]
    chains: tuple[Chain, ...]

    @property
    def is_empty(self) -> bool:
        """Say whether nothing was marked."""
        return not (self.stretches or self.rungs or self.chains)

    @property
    def deepest(self) -> int:
        """Return the highest rung reached, 0 without any."""
        return max((rung.key for rung in self.rungs), default=0)

    @property
    def longest_chain(self) -> Chain | None:
        """Return the line of questioning with most whys answered, the first of several."""
        return max(self.chains, key=lambda chain: chain.length, default=None)


def ribbon_of(pressed: Iterable[Pressed], planned: Sequence[Planned], duration_ms: int) -> Ribbon:
    """Compute the ribbon of one grader's moments; of two at one time the later given stands.

    What lies beyond the end of the recording counts at its end, what the guide does not have is
    left out.
    """
    end_ms = max(duration_ms, 0)
    inside = [Pressed(one.kind, one.key, min(max(one.at_ms, 0), end_ms)) for one in pressed]
    begun = [one for one in inside if one.kind == "phase" and 1 <= one.key <= len(planned)]
    stretches = _stretches(_in_order(begun), end_ms, last=len(planned))
    breaks = {one.start_ms for one in stretches}
    rungs = [one for one in inside if one.kind == "rung" and 1 <= one.key <= RUNGS]
    return Ribbon(
        stretches=stretches,
        phases=tuple(
            _time_of(place, phase, stretches) for place, phase in enumerate(planned, start=1)
        ),
        rungs=_on_rungs(_in_order(rungs), sorted(breaks), end_ms),
        chains=_chains(one for one in inside if one.kind == "why"),
    )


def key_after(pressed: Iterable[Pressed], at_ms: int) -> int:
    """Return which phase follows the one that lies before a time: the first where none does."""
    before = [one for one in pressed if one.kind == "phase" and one.at_ms < at_ms]
    return _in_order(before)[-1].key + 1 if before else 1


def line_of(pressed: Iterable[Pressed], at_ms: int, *, is_new: bool = False) -> int:
    """Return the line of questioning that a why answered at a time belongs to."""
    whys = sorted(
        (one for one in pressed if one.kind == "why"), key=lambda one: (one.at_ms, one.key)
    )
    if not whys:
        return 1
    if is_new:
        return max(one.key for one in whys) + 1
    before = [one for one in whys if one.at_ms <= at_ms]
    return before[-1].key if before else whys[0].key


def _in_order(pressed: Iterable[Pressed]) -> list[Pressed]:
    """Sort by time, with one at each time: the last given."""
    return sorted({one.at_ms: one for one in pressed}.values(), key=lambda one: one.at_ms)


def _stretches(begun: Sequence[Pressed], end_ms: int, *, last: int) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    for one, following in zip_longest(begun, begun[1:]):
        until_ms = following.at_ms if following else end_ms
        is_open = following is None and one.key != last
        if found and found[-1].key == one.key:
            found[-1] = Stretch(one.key, found[-1].start_ms, until_ms, is_open)
        else:
            found.append(Stretch(one.key, one.at_ms, until_ms, is_open))
    return tuple(found)


def _time_of(place: int, phase: Planned, stretches: Iterable[Stretch]) -> PhaseTime:
    own = [one for one in stretches if one.key == place]
    return PhaseTime(
        name=phase.name,
        planned_ms=phase.minutes * MINUTE_MS,
        spent_ms=sum(one.length_ms for one in own if not one.is_open),
        is_marked=bool(own),
        open_from_ms=next((one.start_ms for one in own if one.is_open), None),
    )


def _on_rungs(
    reached: Sequence[Pressed], breaks: Sequence[int], end_ms: int
) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    for one, following in zip_longest(reached, reached[1:]):
        ends = [after for after in breaks if after > one.at_ms]
        ends += [following.at_ms] if following else []
        until_ms = min([*ends, end_ms])
        is_same = found and found[-1].key == one.key and found[-1].end_ms == one.at_ms
        if is_same:
            found[-1] = Stretch(one.key, found[-1].start_ms, until_ms)
        else:
            found.append(Stretch(one.key, one.at_ms, until_ms))
    return tuple(found)


def _chains(answered: Iterable[Pressed]) -> tuple[Chain, ...]:
    times: dict[int, set[int]] = {}
    for one in answered:
        times.setdefault(one.key, set()).add(one.at_ms)
    return tuple(Chain(line, tuple(sorted(times[line]))) for line in sorted(times))
