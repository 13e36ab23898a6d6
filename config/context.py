"""What every page's frame shows: theme, place in the bar, cohort, waiting reviews."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from feedback.queries.queue import waiting_count
from loops.models import Cohort

THEMES = ("light", "dark")
SECTIONS = {
    "readiness": "readiness",
    "loops": "loop",
    "rounds": "loop",
    "attempts": "loop",
    "recordings": "loop",
    "results": "loop",
    "queue": "grade",
    "reviews": "grade",
    "rubrics": "rubrics",
}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the frame's context. What costs a query is asked only when a template shows it.

    A view that has a `cohort` or a `section` of its own passes it, and that one is shown.
    """
    chosen = request.COOKIES.get("theme", "")
    context: dict[str, Any] = {
        "theme": chosen if chosen in THEMES else "",
        "section": SECTIONS.get(request.path.split("/")[1], ""),
    }
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        newest = Cohort.objects.filter(memberships__user=user).order_by(
            "-memberships__joined_at", "-memberships__id"
        )
        context["cohort"] = SimpleLazyObject(newest.first)
        context["waiting_reviews"] = SimpleLazyObject(lambda: waiting_count(user, timezone.now()))
    return context
