"""The page on which a candidate takes an answer back, or deletes it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from feedback import access
from feedback.actions import withdrawal
from feedback.queries.withdrawal import at_stake
from loops.views.people import signed_in


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Say what taking the answer back does, and do it; deleting is chosen by a tick of its own."""
    user = signed_in(request)
    attempt = access.answer_to_take_back(user, attempt_id)
    stake = at_stake(attempt, timezone.now())
    if request.method != "POST":
        return _ask(request, attempt, stake)
    what = request.POST.get("what", "")
    if what == "delete" and request.POST.get("sure") != "on":
        return _ask(request, attempt, stake, is_unsure=True, status=422)
    if what not in {"withdraw", "delete"}:
        return _ask(request, attempt, stake, is_open=True, status=422)
    round_ = attempt.round
    if what == "delete":
        withdrawal.delete(attempt=attempt, by=user, at=timezone.now())
        messages.success(request, _("The answer is deleted. Its grades stay as nobody’s."))
    else:
        withdrawal.withdraw(attempt=attempt, by=user, at=timezone.now())
        messages.success(request, _("The answer is taken back and its recording erased."))
    return redirect("loops:round", round_.public_id)


def _ask(request: HttpRequest, attempt: object, stake: object, **more: object) -> HttpResponse:
    status = int(str(more.pop("status", 200)))
    context = {"attempt": attempt, "stake": stake, **more}
    return render(request, "feedback/withdrawal/withdraw.html", context, status=status)
