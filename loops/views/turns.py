"""The interviewer's kit of a turn, and their word that they have prepared it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loops import access
from loops.actions import sessions
from loops.queries.turns import kit_page
from loops.views.people import signed_in
from loops.views.posting import posts_from


@never_cache
@require_safe
def turn_kit(request: HttpRequest, turn_id: UUID) -> HttpResponse:
    """Show the interviewer what they ask, and remember that they have met the prompt."""
    user, now = signed_in(request), timezone.now()
    turn = access.turn_to_prepare(user, turn_id)
    page = kit_page(turn, now)
    if not page.is_opened:
        sessions.open_kit(turn=turn, by=user, at=now)
    context = {"page": page, "cohort": turn.mock.cohort, "section": "mocks"}
    return render(request, "loops/turns/kit.html", context)


@posts_from("loops:turn_kit", "turn_id")
def turn_prepare(request: HttpRequest, turn_id: UUID) -> HttpResponse:
    """Keep the interviewer's word that they have read the kit."""
    user = signed_in(request)
    turn = access.turn_to_prepare(user, turn_id)
    sessions.prepare(turn=turn, by=user, at=timezone.now())
    messages.success(request, _("Prepared. The kit stays at hand here, and on the session page."))
    return redirect("loops:turn_kit", turn_id)
