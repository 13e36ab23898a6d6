"""Pages of keeping recordings: the list of one's own, and a cohort's rule."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loops import access, links
from loops.actions import keeping
from loops.forms.keeping import KeepingForm
from loops.models import Rendition
from loops.queries.recording_list import FileLine, recording_list
from loops.views.people import show_cohort, signed_in
from loops.views.posting import posts_from


@never_cache
@require_safe
def recordings(request: HttpRequest) -> HttpResponse:
    """List the member's recordings, with links that are fresh for this session."""
    found = recording_list(signed_in(request), timezone.now(), number=request.GET.get("page", "1"))
    lines = [(line, [(file, _link(request, file)) for file in line.made]) for line in found.lines]
    context: dict[str, object] = {"list": found, "lines": lines}
    if found.lines:
        context["cohort"] = found.lines[0].recording.attempt.round.loop.cohort
    return render(request, "loops/keeping/recording_list.html", context)


@posts_from("loops:cohort", "cohort_id")
def set_keeping(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """Set for how many days a cohort keeps recordings."""
    user = signed_in(request)
    cohort = access.cohort_to_organise(user, cohort_id)
    form = KeepingForm(request.POST)
    if not form.is_valid():
        return show_cohort(request, cohort, keeping_form=form, status=422)
    days = form.cleaned_data["days"]
    due = keeping.set_rule(cohort=cohort, days=days, by=user, at=timezone.now())
    messages.success(request, _said(days, due))
    return redirect(reverse("loops:cohort", args=[cohort_id]) + "#keeping")


def _link(request: HttpRequest, file: FileLine) -> str:
    address = links.link_to(request, Rendition(public_id=file.public_id))
    return f"{address}&download=1"


def _said(days: int | None, due: int) -> str:
    if days is None:
        return _("Saved. Recordings stay until their candidates erase them; the members are told.")
    if not due:
        return _("Saved. No recording is that old yet; the members are told.")
    return ngettext(
        "Saved. %(n)d recording is that old already. Its candidate is told now, and has seven "
        "days to download it.",
        "Saved. %(n)d recordings are that old already. Their candidates are told now, and have "
        "seven days to download them.",
        due,
    ) % {"n": due}
