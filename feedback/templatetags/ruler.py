"""The level ruler for templates: its words and its tag. Geometry lives in feedback/ruler.py."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from feedback.ruler import LEVELS, draw

register = template.Library()

LABELS = (gettext_lazy("below"), "L5", "L6", "L7")


def place_words(level: float, labels: Sequence[str] | None = None) -> str:
    """Say where a level (0..4) lies: “low L6”, “middle of L6”, “high L5”, “just below L5”."""
    names = [str(label) for label in labels or LABELS]
    inside = min(max(level, 0.0), LEVELS - 0.001)
    rank, third = int(inside), int((inside - int(inside)) * 3)
    if rank == 0:
        words = (_("well below %(level)s"), _("below %(level)s"), _("just below %(level)s"))
        return words[third] % {"level": names[1]}
    words = (_("low %(level)s"), _("middle of %(level)s"), _("high %(level)s"))
    return words[third] % {"level": names[rank]}


def band_words(low: float, high: float, labels: Sequence[str] | None = None) -> str:
    """Say what a band spans: “from high L5 to middle of L6”, or “within low L6”."""
    first, last = place_words(low, labels), place_words(high, labels)
    if first == last:
        return _("within %(place)s") % {"place": first}
    return _("from %(low)s to %(high)s") % {"low": first, "high": last}


@register.simple_tag
def level_words(level: float, labels: Sequence[str] | None = None) -> str:
    """Say where a level lies."""
    return place_words(level, labels)


@register.inclusion_tag("parts/_ruler.html")
def ruler(
    *,
    target_rank: int | None = None,
    level: float | None = None,
    low: float | None = None,
    high: float | None = None,
    marks: Iterable[float | tuple[float, str]] | None = None,
    labels: Sequence[str] | None = None,
    name: str = "",
    noun: str = "answer",
    size: str = "normal",
    interval: int = 80,
) -> dict[str, Any]:
    """Draw the level ruler. Levels are floats 0..4; marks are levels, or (level, who) pairs.

    `noun` is what a mark stands for: answer, review or rating. `interval` is said in percent.
    """
    names = [str(label) for label in labels or LABELS]
    pairs = [mark if isinstance(mark, tuple) else (float(mark), "") for mark in marks or ()]
    return {
        "ruler": draw(
            labels=names,
            target_rank=target_rank,
            level=level,
            low=low,
            high=high,
            marks=pairs,
            size=size,
        ),
        "title": _title(name, _estimate(names, level, low, high, interval), bool(pairs)),
        "description": _description(names, target_rank, pairs, noun),
    }


def _estimate(
    names: list[str], level: float | None, low: float | None, high: float | None, interval: int
) -> list[str]:
    said = []
    if level is not None and math.isfinite(level):
        said.append(_("estimate %(place)s") % {"place": place_words(level, names)})
    if low is not None and high is not None:
        band = {"percent": interval, "span": band_words(low, high, names)}
        said.append(_("%(percent)s %% band %(span)s") % band)
    return said


def _title(name: str, said: list[str], has_marks: bool) -> str:
    nothing = _("no estimate yet") if has_marks else _("no evidence yet")
    sentence = "; ".join(said) or nothing
    return f"{name}: {sentence}" if name else sentence[0].upper() + sentence[1:]


def _description(
    names: list[str], target_rank: int | None, pairs: list[tuple[float, str]], noun: str
) -> str:
    said = []
    if target_rank is not None:
        said.append(_("Target: the bar of %(level)s.") % {"level": names[target_rank]})
    if pairs:
        counted = {
            "answer": ngettext("%(n)s answer", "%(n)s answers", len(pairs)),
            "review": ngettext("%(n)s review", "%(n)s reviews", len(pairs)),
            "rating": ngettext("%(n)s rating", "%(n)s ratings", len(pairs)),
        }[noun] % {"n": len(pairs)}
        places = ", ".join(
            f"{who} {place_words(level, names)}" if who else place_words(level, names)
            for level, who in sorted(pairs)
        )
        said.append(f"{counted}: {places}.")
    return " ".join(said)
