"""Appeals of results: a candidate asks for another reader; a member takes it, and answers."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from feedback import access
from feedback.actions import appeals
from feedback.disputes_forms import ANSWER_LEAST, AnswerForm, AppealForm
from feedback.models import GradeAppeal
from feedback.queries.appeals import Handling, appeal_for_results, handling_page
from loops.errors import Refused
from loops.models import Attempt, Recording
from loops.views.people import signed_in
from loops.views.playing import playback_of
from loops.views.posting import posts_from


@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Ask for another reader; once made, the appeal is read on the results."""
    user = signed_in(request)
    attempt = access.results_to_read(user, attempt_id)
    now = timezone.now()
    if request.method != "POST":
        if not appeal_for_results(attempt, now).may_appeal:
            return _to_the_appeal(attempt)
        return _form(request, attempt, AppealForm())
    form = AppealForm(request.POST)
    if not form.is_valid():
        return _form(request, attempt, form, status=422)
    given = form.cleaned_data
    try:
        appeals.appeal(
            attempt=attempt,
            text=given["text"],
            start_ms=given["start"],
            end_ms=given["end"],
            by=user,
            at=now,
        )
    except Refused as refusal:
        return _form(request, attempt, form, refusal=refusal, status=refusal.status)
    messages.success(
        request,
        _(
            "Your appeal is sent. Members who have not seen this answer are asked; one of them "
            "reads it blindly first, then what you wrote."
        ),
    )
    return _to_the_appeal(attempt)


def _to_the_appeal(attempt: Attempt) -> HttpResponse:
    return redirect(f"{reverse('feedback:results', args=[attempt.public_id])}#appeal")


def _form(
    request: HttpRequest,
    attempt: Attempt,
    form: AppealForm,
    *,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    recording = Recording.objects.ready().filter(attempt=attempt).first()
    context = {
        "attempt": attempt,
        "cohort": attempt.round.loop.cohort,
        "form": form,
        "refusal": refusal,
        "playback": playback_of(request, recording),
        "least": GradeAppeal.CHARACTERS_LEAST,
        "section": "loop",
    }
    return render(request, "feedback/disputes/appeal.html", context, status=status)


@require_safe
def handle(request: HttpRequest, appeal_id: UUID) -> HttpResponse:
    """Show an appeal to one who may handle it: blind until their own review is in."""
    handling = access.appeal_to_handle(signed_in(request), appeal_id, timezone.now())
    return _handling(request, handling, AnswerForm())


@posts_from("feedback:appeal_handle", "appeal_id")
def take(request: HttpRequest, appeal_id: UUID) -> HttpResponse:
    """Take an appeal in hand, and go on to grade the answer."""
    user = signed_in(request)
    handling = access.appeal_to_handle(user, appeal_id, timezone.now())
    try:
        review = appeals.take(appeal=handling.appeal, by=user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal.shown))
        return redirect("feedback:appeal_handle", appeal_id)
    return redirect("feedback:review", review.public_id)


@posts_from("feedback:appeal_handle", "appeal_id")
def answer(request: HttpRequest, appeal_id: UUID) -> HttpResponse:
    """Answer an appeal, once one's own review is in."""
    user = signed_in(request)
    handling = access.appeal_to_handle(user, appeal_id, timezone.now())
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _handling(request, handling, form, status=422)
    given = form.cleaned_data
    try:
        appeals.answer(
            appeal=handling.appeal,
            outcome=given["outcome"],
            text=given["text"],
            by=user,
            at=timezone.now(),
        )
    except Refused as refusal:
        return _handling(request, handling, form, refusal=refusal, status=refusal.status)
    messages.success(request, _("Your answer is sent. The candidate reads it on their results."))
    return redirect("feedback:appeal_handle", appeal_id)


def _handling(
    request: HttpRequest,
    handling: Handling,
    form: AnswerForm,
    *,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": handling_page(handling),
        "handling": handling,
        "cohort": handling.appeal.attempt.round.loop.cohort,
        "form": form,
        "least": ANSWER_LEAST,
        "refusal": refusal,
        "section": "grade",
    }
    return render(request, "feedback/disputes/handle.html", context, status=status)
