"""What every page's frame shows: theme, place in the bar, cohort, what waits and is unread."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import IntegerField, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from feedback.queries.queue import claimable
from loops.models import Cohort, User
from loops.queries.notices import unread_of

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
        counts = SimpleLazyObject(lambda: counts_of(user, timezone.now()))
        context["waiting_reviews"] = SimpleLazyObject(lambda: counts["waiting_reviews"])
        context["unread_notices"] = SimpleLazyObject(lambda: counts["unread_notices"])
    return context


def counts_of(user: User, at: datetime) -> dict[str, int]:
    """Return what waits for the person, counted in one query for the whole bar."""
    waiting, unread = User.objects.filter(pk=user.pk).values_list(
        _Count(claimable(user, at)), _Count(unread_of(user, at))
    )[0]
    return {"waiting_reviews": waiting, "unread_notices": unread}


class _Count(Subquery):
    """How many rows a query has, as a value inside another."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet[Any]) -> None:
        super().__init__(rows.order_by().values("pk"))
