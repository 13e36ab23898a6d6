"""What every page's frame shows: theme, place in the bar, cohort, what waits and is unread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from feedback.queries.queue import count_offered, look
from loops.queries.notices import unread_of

if TYPE_CHECKING:
    from feedback.queries.queue import View

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
    "training": "grade",
    "sittings": "grade",
    "experts": "grade",
    "debriefs": "grade",
    "appeals-of-grades": "grade",
    "follow-ups": "loop",
    "conflicts": "grade",
    "rubrics": "rubrics",
    "mocks": "mocks",
    "answers": "mocks",
    "availability": "mocks",
    "pool": "mocks",
    "standby": "mocks",
    "turns": "mocks",
    "appeals": "mocks",
    "calendar": "mocks",
    "notices": "notices",
}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the frame's context. What costs a query is asked only when a template shows it.

    A view that has a `cohort` or a `section` of its own passes it, and that one is shown. What
    waits to be graded is counted up to fifty in each cohort.
    """
    chosen = request.COOKIES.get("theme", "")
    context: dict[str, Any] = {
        "theme": chosen if chosen in THEMES else "",
        "section": SECTIONS.get(request.path.split("/")[1], ""),
    }
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        at = timezone.now()
        seen = cast("View", SimpleLazyObject(lambda: look(user, at)))
        context["cohort"] = SimpleLazyObject(lambda: seen.cohort)
        context["waiting_reviews"] = SimpleLazyObject(lambda: count_offered(seen, at))
        context["unread_notices"] = SimpleLazyObject(
            lambda: unread_of(user, at).count() if seen.unread is None else seen.unread
        )
    return context
