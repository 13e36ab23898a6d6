"""The pages that belong to no app: the landing page, the choice of theme, the style page."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from config import samples
from config.context import THEMES

THEME_AGE_S = 400 * 86400


@login_not_required
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Say what Plumbline is; who is signed in goes on to their readiness."""
    if request.user.is_authenticated:
        return redirect("feedback:readiness")
    is_open = settings.SIGNUP == "open" or "invitation_token" in request.session
    context = {"is_open": is_open, "sample_marks": samples.LANDING_LEVELS}
    return render(request, "config/landing.html", context)


@login_not_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme in a cookie and go back; else the system's theme holds."""
    back = request.POST.get("next", "")
    is_ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    response = HttpResponseRedirect(back if is_ours else reverse("landing"))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(
            "theme",
            chosen,
            max_age=THEME_AGE_S,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


@login_not_required
@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Show every part in every state; there only while DEBUG is on."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "config/style.html", samples.context(request))
