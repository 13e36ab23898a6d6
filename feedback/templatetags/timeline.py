"""The timeline of a recording for templates. Geometry lives in feedback/timeline.py."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import template

from feedback.media_time import media_span_words
from feedback.timeline import Mark, Phase, lay_out

register = template.Library()

ROW_PIXELS = 13
BARE_PIXELS = 5
Spans = Iterable[Sequence[int]]


@register.inclusion_tag("parts/_timeline.html")
def timeline(
    *,
    duration_ms: int | None,
    phases: Iterable[Any] = (),
    marks: Iterable[Any] = (),
    gaps: Spans = (),
    silences: Spans = (),
    peaks_src: str = "",
    peaks_start_ms: int = 0,
    marks_id: str = "",
    ribbon: Any = None,
    ribbon_id: str = "",
    name: str = "bar",
) -> dict[str, Any]:
    """Draw the bar of a player: what was said when, who pointed at what, what is missing.

    Phases have name, start_ms, end_ms, perhaps kind; marks as for `timeline_marks`. Gaps and
    silences are pairs of ms. `peaks_start_ms` is where the waveform begins, `ribbon` a grader's
    phase ribbon. Marks and a ribbon that come and go with a fragment of the page need an id, and
    a second bar of a page a name.
    """
    length_ms = duration_ms or 0
    laid = lay_out(
        length_ms,
        [Phase(p.name, p.start_ms, p.end_ms, getattr(p, "kind", "")) for p in phases or ()],
        gaps=gaps or (),
    )
    return {
        "duration_ms": length_ms,
        "phases": laid.phases,
        "gaps": laid.gaps,
        "silences": lay_out(length_ms, gaps=silences or ()).gaps,
        "marks": list(marks or ()),
        "peaks_src": peaks_src,
        "peaks_start_ms": peaks_start_ms,
        "marks_id": marks_id,
        "ribbon": ribbon or None,
        "ribbon_id": ribbon_id,
        "name": name,
    }


@register.inclusion_tag("parts/_timeline_marks.html")
def timeline_marks(
    *, duration_ms: int | None, marks: Iterable[Any] = (), id: str = ""
) -> dict[str, Any]:
    """Draw marks: any objects with start_ms and perhaps end_ms, kind, text and href."""
    laid = lay_out(
        duration_ms or 0,
        marks=[
            Mark(
                mark.start_ms,
                getattr(mark, "end_ms", None),
                getattr(mark, "kind", "evidence"),
                getattr(mark, "text", ""),
                getattr(mark, "href", ""),
            )
            for mark in marks or ()
        ],
    )
    height = laid.rows * ROW_PIXELS + 3 if laid.marks or id else BARE_PIXELS
    return {
        "marks": [(mark, height - ROW_PIXELS * mark.row - 9) for mark in laid.marks],
        "height": height,
        "id": id,
    }


@register.filter
def as_fragment(ms: int) -> str:
    """Write the address of a time in the recording: #t=95.25."""
    return f"#t={ms / 1000:g}"


@register.filter
def spans_in_words(spans: Spans) -> str:
    """Write pairs of ms as 2:10–2:14, 3:01–3:20."""
    return ", ".join(media_span_words(start_ms, end_ms) for start_ms, end_ms in spans)
