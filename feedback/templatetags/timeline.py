"""The timeline of a recording for templates. Geometry lives in feedback/timeline.py."""

from collections.abc import Iterable
from typing import Any

from django import template

from feedback.timeline import Mark, Phase, lay_out

register = template.Library()


@register.inclusion_tag("parts/_timeline.html")
def timeline(
    *, duration_ms: int | None, phases: Iterable[Any] = (), marks: Iterable[Any] = ()
) -> dict[str, Any]:
    """Draw phases (name, start_ms, end_ms, kind) and marks (start_ms, end_ms, kind, text, href).

    Any objects with these attributes will do; kind, text, href and a mark's end may be missing.
    """
    return {
        "timeline": lay_out(
            duration_ms or 0,
            [Phase(p.name, p.start_ms, p.end_ms, getattr(p, "kind", "")) for p in phases],
            [
                Mark(
                    mark.start_ms,
                    getattr(mark, "end_ms", None),
                    getattr(mark, "kind", "evidence"),
                    getattr(mark, "text", ""),
                    getattr(mark, "href", ""),
                )
                for mark in marks
            ],
        ),
        "is_known": bool(duration_ms),
    }
