"""The queue's pages: what one holds, what waits, and taking the next."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from feedback.actions import queue as claims
from feedback.forms import ClaimForm
from feedback.queries.appeals import appeals_to_handle
from feedback.queries.queue_page import queue_page
from loops.queries.notices import unread_of
from loops.views.people import signed_in
from loops.views.posting import posts_from


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Show what the member holds, what waits for them and what they have given."""
    user, now = signed_in(request), timezone.now()
    page = queue_page(user, now)
    unread = page.view.unread  # what the frame shows is out of the look that was taken anyway
    return render(
        request,
        "feedback/queue/queue.html",
        {
            "page": page,
            "appeals": appeals_to_handle(user, now),
            "interviewing": page.interviewing if page.interviewing[0].all else [],
            "waiting_reviews": page.waiting_total,
            "cohort": page.view.cohort,
            "unread_notices": unread_of(user, now).count() if unread is None else unread,
            "lease_minutes": int(claims.LEASE.total_seconds() // 60),
        },
    )


@posts_from("feedback:queue")
def claim(request: HttpRequest) -> HttpResponse:
    """Take the next answer in the queue's order, of one round kind if the form names one."""
    form = ClaimForm(request.POST)
    kind = form.cleaned_data["kind"] if form.is_valid() else ""
    try:
        review = claims.claim(by=signed_in(request), at=timezone.now(), kind=kind)
    except claims.NothingToGrade as refusal:
        messages.info(request, str(refusal.shown))
        return redirect("feedback:queue")
    return redirect("feedback:review", review.public_id)
