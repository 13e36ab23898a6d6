"""The readiness dashboard of a loop, and the page that says how it is computed."""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from feedback import readiness as rule
from feedback.calibration.scale import INTERVAL
from feedback.queries.readiness import newest_loop, readiness_page
from feedback.sentences import board_sentence, countdown
from loops.access import loop_to_see
from loops.models import Loop
from loops.views.people import signed_in


@require_safe
def readiness(request: HttpRequest) -> HttpResponse:
    """Show the member's newest loop; without one, the way to start it."""
    loop = newest_loop(signed_in(request))
    if loop is None:
        return render(request, "feedback/readiness/empty.html")
    return _board(request, loop, timezone.now())


@require_safe
def readiness_loop(request: HttpRequest, loop_id: UUID) -> HttpResponse:
    """Show one loop of the member."""
    return _board(request, loop_to_see(signed_in(request), loop_id), timezone.now())


def _board(request: HttpRequest, loop: Loop, at: datetime) -> HttpResponse:
    page = readiness_page(loop, at)
    states = [line.reading.state for line in page.lines]
    return render(
        request,
        "feedback/readiness/readiness.html",
        {
            "page": page,
            "cohort": loop.cohort,
            "sentence": board_sentence(states, page.target_label) if states else "",
            "countdown": (
                countdown(loop.interview_on, timezone.localdate(at)) if loop.interview_on else ""
            ),
            "first_repair": page.repair_of(page.first_line) if page.first_line else None,
        },
    )


@require_safe
def how_computed(request: HttpRequest) -> HttpResponse:
    """Say in a candidate's words how a reading is made, with the figures the rule itself uses."""
    return render(
        request,
        "feedback/readiness/how.html",
        {
            "answers_needed": rule.ANSWERS_NEEDED,
            "prompts_needed": rule.PROMPTS_NEEDED,
            "graders_needed": rule.GRADERS_NEEDED,
            "fresh_days": rule.FRESH_FOR.days,
            "half_life_days": rule.HALF_LIFE.days,
            "recorded_weight": rule.WEIGHTS[rule.Kind.RECORDED],
            "followed_up_weight": rule.FOLLOWED_UP_WEIGHT,
            "retake_weight": rule.WEIGHTS[rule.Kind.RETAKE],
            "interval_percent": round(INTERVAL * 100),
            "sample": (1.9, 2.25, 2.4, 2.75),
        },
    )
