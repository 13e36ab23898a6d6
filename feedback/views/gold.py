"""Blind calibration items: a candidate's word, the organiser's page, an expert's work."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from feedback import access
from feedback.actions import gold
from feedback.actions.queue import LEASE
from feedback.models import GoldItem
from feedback.queries.gold import expert_work, gold_lines
from loops.access import cohort_to_organise
from loops.errors import Refused
from loops.models import Cohort, User
from loops.views.people import signed_in
from loops.views.posting import posts_from


@posts_from("feedback:results", "attempt_id")
def gold_offer(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Keep whether an answer may serve as a blind calibration item."""
    user = signed_in(request)
    attempt = access.results_to_read(user, attempt_id)
    now = timezone.now()
    if request.POST.get("may") == "yes":
        gold.offer(attempt=attempt, by=user, at=now)
        messages.success(request, _("Thank you. An organiser may now ask experts to grade it."))
    else:
        item = GoldItem.objects.filter(attempt=attempt).first()
        if item is not None:
            gold.retire(item=item, by=user, at=now)
        messages.success(request, _("It serves nobody any more."))
    return redirect("feedback:results", attempt_id)


@require_safe
def gold_items(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """List what members offer as calibration items, for organisers."""
    cohort = cohort_to_organise(signed_in(request), cohort_id)
    return _list(request, cohort, None)


def _list(
    request: HttpRequest, cohort: Cohort, refusal: Refused | None, status: int = 200
) -> HttpResponse:
    context = {"cohort": cohort, "lines": gold_lines(cohort), "refusal": refusal}
    context["needed"] = GoldItem.EXPERTS_NEEDED
    return render(request, "feedback/gold/gold.html", context, status=status)


@posts_from("feedback:queue")
def gold_experts(request: HttpRequest, item_id: UUID) -> HttpResponse:
    """Ask the chosen members to grade an item as experts."""
    user = signed_in(request)
    item = access.gold_item_to_organise(user, item_id)
    cohort = item.attempt.round.loop.cohort
    chosen = [value for value in request.POST.getlist("expert") if access.is_uuid(value)]
    experts = list(User.objects.filter(public_id__in=chosen, memberships__cohort=cohort))
    try:
        gold.ask_experts(item=item, experts=experts, by=user, at=timezone.now())
    except Refused as refusal:
        return _list(request, cohort, refusal, refusal.status)
    messages.success(request, _("They are asked. It serves once three reviews are in."))
    return redirect("feedback:gold_items", cohort.public_id)


@require_safe
def experts(request: HttpRequest) -> HttpResponse:
    """List what the member was asked to grade as an expert."""
    return _work(request, signed_in(request), None)


def _work(
    request: HttpRequest, user: User, refusal: Refused | None, status: int = 200
) -> HttpResponse:
    context = {"expert_work": expert_work(user), "refusal": refusal}
    return render(request, "feedback/gold/experts.html", context, status=status)


@posts_from("feedback:experts")
def expert_take(request: HttpRequest, item_id: UUID) -> HttpResponse:
    """Open the review that an expert was asked for."""
    user = signed_in(request)
    asked = access.expert_work_to_take(user, item_id)
    now = timezone.now()
    try:
        review = gold.take_as_expert(asked=asked, by=user, at=now, lease_until=now + LEASE)
    except Refused as refusal:
        return _work(request, user, refusal, refusal.status)
    return redirect("feedback:review", review.public_id)
