"""How a cohort grades, for its organisers to settle."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from feedback.actions.rules import set_rules
from feedback.queries.rules import rules_page
from feedback.queue_forms import RulesForm
from loops.access import cohort_to_organise
from loops.views.people import signed_in


@require_http_methods(["GET", "HEAD", "POST"])
def grading_rules(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """Show a cohort's rules with what they come to, and keep others."""
    user = signed_in(request)
    cohort = cohort_to_organise(user, cohort_id)
    form = RulesForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        set_rules(cohort=cohort, by=user, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("Saved. From now on every answer waits by these rules."))
        return redirect("feedback:grading_rules", cohort_id)
    page = rules_page(cohort, user)
    is_typed = form.is_bound
    context = {
        "page": page,
        "cohort": cohort,
        "form": form,
        "chosen": page.rules.reviews_wanted,
        "is_unlock_chosen": "requires_unlock" in form.data
        if is_typed
        else page.rules.requires_unlock,
    }
    return render(request, "feedback/rules/rules.html", context, status=422 if is_typed else 200)
