"""Reports of answers that cannot be graded: made, taken back, contested."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback import access
from feedback.actions import reports
from feedback.queue_forms import ContestForm, ReportForm
from feedback.views.grading import keep_typed
from loops.errors import Refused
from loops.views.people import signed_in
from loops.views.posting import posts_from


@posts_from("feedback:review", "review_id")
def report(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Report an answer from one's review of it; what was typed in that is kept first."""
    user = signed_in(request)
    review = access.review_to_write(user, review_id)
    unkept = keep_typed(request, review_id)
    if unkept is not None:
        return unkept
    form = ReportForm(request.POST)
    if not form.is_valid():
        messages.error(
            request,
            _(
                "Nothing was reported: say what is wrong in at most 500 characters. Your review "
                "is kept."
            ),
        )
        return redirect("feedback:review", review_id)
    try:
        reports.report(review=review, by=user, at=timezone.now(), **form.cleaned_data)
    except Refused as refusal:
        messages.error(request, str(refusal.shown))
        return redirect("feedback:review", review_id)
    messages.success(
        request,
        _("Reported, thank you. It costs nobody a credit, and what you wrote is kept."),
    )
    return redirect("feedback:queue")


@posts_from("feedback:review", "review_id")
def report_undo(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Take a report back and go on with the review."""
    user = signed_in(request)
    review = access.review_to_write(user, review_id)
    try:
        reports.take_back(review=review, by=user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal.shown))
    else:
        messages.success(request, _("Your report is taken back. Your review is open again."))
    return redirect("feedback:review", review_id)


@posts_from("feedback:results", "attempt_id")
def report_contest(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Send a reported answer of one's own back into the queue."""
    user = signed_in(request)
    attempt = access.results_to_read(user, attempt_id)
    form = ContestForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was sent: say it in at most 500 characters."))
        return redirect("feedback:results", attempt_id)
    try:
        reports.contest(attempt=attempt, by=user, at=timezone.now(), **form.cleaned_data)
    except Refused as refusal:
        messages.error(request, str(refusal.shown))
    else:
        messages.success(
            request, _("Your answer is back in the queue, for others than the one who reported it.")
        )
    return redirect("feedback:results", attempt_id)
