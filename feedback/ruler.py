"""The level ruler's geometry [pure]: levels to places on a drawing. Words live elsewhere."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEVELS = 4
INSET_PERCENT = 3.0
NARROW_WIDTH_PX = 240
LETTER_PX = 6.2
LANE_PX = 14
SAME_PLACE = 0.04
LONGEST_LABEL = 9


@dataclass(frozen=True)
class Size:
    """The heights of a ruler in px; the width is the page's matter."""

    name: str
    axis: float
    bob: float
    band: float
    mark: float
    label: float
    letters: float


SIZES = {
    "normal": Size("normal", axis=30, bob=20, band=14, mark=7, label=22, letters=5),
    "small": Size("small", axis=20, bob=14, band=10, mark=5, label=0, letters=0),
    "large": Size("large", axis=52, bob=34, band=22, mark=10, label=31, letters=6),
}


@dataclass(frozen=True)
class Zone:
    """One level's stretch of the scale. `x` is its middle, `start` its bar, both in percent."""

    rank: int
    label: str
    start: float
    x: float
    is_target: bool


@dataclass(frozen=True)
class Band:
    """The interval, cut to the scale; an end that lies beyond it is said to be cut."""

    start: float
    width: float
    end: float
    is_cut_low: bool
    is_cut_high: bool


@dataclass(frozen=True)
class Mark:
    """One tick; marks of one place stand side by side. A label is centred on its own place."""

    x: float
    shift_px: float
    label: str
    label_x: float
    label_y: float


@dataclass(frozen=True)
class Ruler:
    """Everything to draw: x in percent of the width, y in px from the top."""

    size: Size
    zones: tuple[Zone, ...]
    minor: tuple[float, ...]
    start: float
    end: float
    bar: float | None
    bob: float | None
    band: Band | None
    marks: tuple[Mark, ...]
    label_y: float
    height: float

    @property
    def axis(self) -> float:
        """The y of the scale's line."""
        return self.size.axis

    @property
    def band_top(self) -> float:
        """The y of the band's upper edge."""
        return self.size.axis - self.size.band / 2

    @property
    def cord_end(self) -> float:
        """The y at which the cord meets the bob."""
        return self.size.axis - self.size.bob

    @property
    def bob_scale(self) -> float:
        """How much the bob is enlarged; it is drawn 22 px high."""
        return round(self.size.bob / 22, 3)

    @property
    def mark_end(self) -> float:
        """The y of the lower end of a tick."""
        return self.size.axis + self.size.mark + 1

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to show but the scale."""
        return self.bob is None and self.band is None and not self.marks


def place(level: float) -> float:
    """Return the place of a level (0..4, cut to that) in percent of the width."""
    inside = min(max(level, 0.0), float(LEVELS))
    return round(INSET_PERCENT + (100 - 2 * INSET_PERCENT) * inside / LEVELS, 2)


def draw(
    *,
    labels: Sequence[str],
    target_rank: int | None = None,
    level: float | None = None,
    low: float | None = None,
    high: float | None = None,
    marks: Sequence[tuple[float, str]] = (),
    size: str = "normal",
) -> Ruler:
    """Lay out a ruler: four labels by rank, the target's bar, an estimate, its band, ticks.

    Levels are floats on 0..4; the band's ends may be infinite. Raise ValueError for what
    cannot be drawn: not four labels, a level that is no number, a band upside down.
    """
    if len(labels) != LEVELS:
        raise ValueError("A ruler has four labels, one for each rank.")
    if target_rank is not None and not 0 <= target_rank < LEVELS:
        raise ValueError("A target is a rank from 0 to 3.")
    if any(not math.isfinite(at) for at in [*([] if level is None else [level])]):
        raise ValueError("An estimate is a finite number.")
    if any(math.isnan(at) for at, _ in marks):
        raise ValueError("A mark is a number.")
    chosen = SIZES[size]
    laid, lanes = _marks(marks, chosen)
    label_y = chosen.axis + chosen.label + lanes * LANE_PX
    return Ruler(
        size=chosen,
        zones=tuple(
            Zone(rank, _short(label), place(rank), place(rank + 0.5), rank == target_rank)
            for rank, label in enumerate(labels)
        ),
        minor=tuple(place(n / 4) for n in range(4 * LEVELS) if n % 4),
        start=place(0),
        end=place(LEVELS),
        bar=None if target_rank is None else place(target_rank),
        bob=None if level is None else place(level),
        band=_band(low, high),
        marks=laid,
        label_y=label_y,
        height=label_y + chosen.letters + (chosen.band / 2 + 1 if not chosen.label else 0),
    )


def _band(low: float | None, high: float | None) -> Band | None:
    if low is None or high is None:
        return None
    if math.isnan(low) or math.isnan(high) or low > high:
        raise ValueError("A band goes from its lower to its upper end.")
    start, end = place(low), place(high)
    return Band(start, round(end - start, 2), end, low < 0, high > LEVELS)


def _marks(marks: Sequence[tuple[float, str]], size: Size) -> tuple[tuple[Mark, ...], int]:
    ordered = sorted(marks)
    laid: list[Mark] = []
    lane_ends: list[float] = []
    for group in _groups(ordered):
        step = min(4.0, 24 / max(len(group) - 1, 1))
        for n, (level, label) in enumerate(group):
            shift = round((n - (len(group) - 1) / 2) * step, 1)
            x = label_x = place(level)
            label_y = 0.0
            if label and size.label:
                lane, label_x = _lane(x, label, lane_ends)
                label_y = size.axis + size.mark + LANE_PX * (lane + 1) - 1
            laid.append(Mark(x, shift, label if size.label else "", label_x, label_y))
    return tuple(laid), len(lane_ends)


def _groups(ordered: list[tuple[float, str]]) -> list[list[tuple[float, str]]]:
    groups: list[list[tuple[float, str]]] = []
    for mark in ordered:
        if groups and mark[0] - groups[-1][0][0] < SAME_PLACE:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups


def _lane(x: float, label: str, lane_ends: list[float]) -> tuple[int, float]:
    width = 100 * (len(label) * LETTER_PX + 6) / NARROW_WIDTH_PX
    middle = round(max(min(x, 100 - width / 2), width / 2), 2)
    left, right = middle - width / 2, middle + width / 2
    for lane, end in enumerate(lane_ends):
        if end <= left:
            lane_ends[lane] = right
            return lane, middle
    lane_ends.append(right)
    return len(lane_ends) - 1, middle


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
