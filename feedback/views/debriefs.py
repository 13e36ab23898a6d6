"""The debrief of a split answer: its graders read each other, talk, and say what they say now."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from feedback import access
from feedback.actions import debriefs
from feedback.disputes_forms import MessageForm, RevisionForm
from feedback.models import Review
from feedback.queries.debriefs import DebriefPage, debrief_page
from loops.errors import Refused
from loops.views.people import signed_in
from loops.views.posting import posts_from


@require_safe
def debrief(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Show the thread to a grader whose own review is in."""
    review = access.debrief_to_join(signed_in(request), attempt_id)
    return _page(request, review)


@posts_from("feedback:debrief", "attempt_id")
def say(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Say something to the other graders."""
    user = signed_in(request)
    review = access.debrief_to_write(user, attempt_id)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _page(request, review, message=form, status=422)
    try:
        debriefs.say(
            attempt=review.attempt,
            key=form.cleaned_data["key"],
            text=form.cleaned_data["text"],
            by=user,
            at=timezone.now(),
        )
    except Refused as refusal:
        return _page(request, review, message=form, refusal=refusal, status=refusal.status)
    return redirect(f"{reverse('feedback:debrief', args=[attempt_id])}#said")


@posts_from("feedback:debrief", "attempt_id")
def revise(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Keep what a grader would say now, beside what they handed in."""
    review = access.debrief_to_write(signed_in(request), attempt_id)
    page = debrief_page(review.attempt, review.grader)
    form = RevisionForm(request.POST, beside=page.beside)
    if not form.is_valid():
        return _page(request, review, page=page, revision=form, status=422)
    try:
        debriefs.revise(review=review, now=form.now, at=timezone.now())
    except Refused as refusal:
        return _page(request, review, revision=form, refusal=refusal, status=refusal.status)
    messages.success(
        request, _("Kept beside your review, which stays as it is. You can change it again.")
    )
    return redirect("feedback:debrief", attempt_id)


def _page(
    request: HttpRequest,
    review: Review,
    *,
    page: DebriefPage | None = None,
    message: MessageForm | None = None,
    revision: RevisionForm | None = None,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    page = page or debrief_page(review.attempt, review.grader)
    context = {
        "page": page,
        "review": review,
        "cohort": review.attempt.round.loop.cohort,
        "message": message or MessageForm(),
        "revision": revision or RevisionForm(beside=page.beside),
        "refusal": refusal,
        "section": "grade",
    }
    return render(request, "feedback/disputes/debrief.html", context, status=status)
