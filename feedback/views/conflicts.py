"""Whom a member cannot fairly grade: declared here or from a review, taken back here."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from feedback import access
from feedback.actions import conflicts as declared
from feedback.queries.conflicts import conflicts_page
from feedback.queue_forms import DeclareForm, OfReviewForm
from feedback.views.grading import keep_typed
from loops.models import User
from loops.views.people import signed_in
from loops.views.posting import posts_from


@require_http_methods(["GET", "HEAD", "POST"])
def conflicts(request: HttpRequest) -> HttpResponse:
    """List whom the member has declared, and declare one more; from a review, its candidate."""
    user = signed_in(request)
    if request.method == "POST" and "review" in request.POST:
        return _declare_of_review(request, user)
    page = conflicts_page(user)
    form = DeclareForm(request.POST if request.method == "POST" else None, others=page.others)
    if form.is_valid():
        other = access.person_to_declare(user, form.cleaned_data["person"])
        declared.declare(other=other, by=user, at=timezone.now())
        name = dict(page.others).get(str(other.public_id), "")
        messages.success(
            request,
            _("You and %(name)s are not offered each other's answers any more. Nobody is told.")
            % {"name": name},
        )
        return redirect("feedback:conflicts")
    return render(
        request,
        "feedback/conflicts/conflicts.html",
        {"page": page, "form": form},
        status=422 if form.is_bound else 200,
    )


@posts_from("feedback:conflicts")
def conflict_remove(request: HttpRequest, conflict_id: UUID) -> HttpResponse:
    """Take a declaration back; one that is gone is left alone without a word."""
    user = signed_in(request)
    conflict = access.conflict_to_remove(user, conflict_id)
    if conflict and declared.remove(conflict=conflict, by=user, at=timezone.now()):
        messages.success(request, _("Taken back. From now on you may grade each other again."))
    return redirect("feedback:conflicts")


def _declare_of_review(request: HttpRequest, user: User) -> HttpResponse:
    form = OfReviewForm(request.POST)
    if not form.is_valid():
        return redirect("feedback:conflicts")
    review = access.review_to_write(user, form.cleaned_data["review"])
    unkept = keep_typed(request, review.public_id)
    if unkept is not None:
        return unkept
    candidate = review.attempt.round.loop.member
    declared.declare(other=candidate, by=user, at=timezone.now())
    messages.success(
        request,
        _(
            "Thank you, it is back in the queue for somebody else. You and its candidate are not "
            "offered each other's answers any more, and nobody is told."
        ),
    )
    return redirect("feedback:queue")
