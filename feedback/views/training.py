"""Training on vignettes: how far one is, a vignette to rate in one shot, and what it came to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from feedback import access
from feedback.actions import training as actions
from feedback.models import Sitting
from feedback.queries.gold import is_checked_blindly
from feedback.queries.training import DimensionCard, SittingPage, kind_line, overview, sitting_page
from feedback.training import ITEMS_NEEDED, REPEAT_AFTER
from feedback.training_forms import DIMENSION, RatingsForm
from loops.errors import Refused
from loops.views.people import signed_in
from loops.views.posting import posts_from


@dataclass(frozen=True)
class Step:
    """One dimension of the form: its card, and its field with what was chosen."""

    card: DimensionCard
    field: Any

    @property
    def is_rated(self) -> bool:
        """Say whether something was chosen."""
        return bool(self.field.value())


@require_safe
def training(request: HttpRequest) -> HttpResponse:
    """Show all round kinds, and how far the member is with each."""
    return render(
        request,
        "feedback/training/training.html",
        {
            "page": overview(signed_in(request), timezone.now()),
            "is_checked_blindly": is_checked_blindly(signed_in(request)),
            **_rule(),
        },
    )


@require_safe
def training_kind(request: HttpRequest, kind: str) -> HttpResponse:
    """Show what the member has done with the vignettes of one round kind."""
    found = access.kind_to_train(kind)
    line = kind_line(signed_in(request), found, timezone.now())
    return render(request, "feedback/training/kind.html", {"line": line, **_rule()})


@posts_from("feedback:training_kind", "kind")
def training_next(request: HttpRequest, kind: str) -> HttpResponse:
    """Open the next vignette of a round kind, or go on with the one that is open."""
    found = access.kind_to_train(kind)
    try:
        opened = actions.open_next(kind=found, by=signed_in(request), at=timezone.now())
    except Refused as refusal:
        messages.info(request, str(refusal.shown))
        return redirect("feedback:training_kind", found.key)
    return redirect("feedback:sitting", opened.public_id)


@never_cache
@require_safe
def sitting(request: HttpRequest, sitting_id: UUID) -> HttpResponse:
    """Show a vignette to rate, or beside the reference levels once it is handed in."""
    found = access.sitting_to_take(signed_in(request), sitting_id)
    page = sitting_page(found, timezone.now())
    if page.is_submitted:
        return render(request, "feedback/training/rated.html", {"page": page, **_rule()})
    return _to_rate(request, page, _form(page))


@posts_from("feedback:sitting", "sitting_id")
def sitting_submit(request: HttpRequest, sitting_id: UUID) -> HttpResponse:
    """Hand in the ratings of a vignette, once."""
    user, now = signed_in(request), timezone.now()
    found = access.sitting_to_take(user, sitting_id)
    if found.submitted_at is not None:
        messages.info(request, _("You have handed this in before; your ratings stand as they are."))
        return redirect("feedback:sitting", sitting_id)
    page = sitting_page(found, now)
    form = _form(page, request.POST)
    if not form.is_valid():
        return _to_rate(request, page, form, refusal=actions.RatingsMissing([]))
    try:
        done = actions.submit(sitting=found, ratings=form.ratings, by=user, at=now)
    except Refused as refusal:
        return _to_rate(request, page, form, refusal=refusal)
    messages.success(request, _said(done, page, now))
    return redirect("feedback:sitting", sitting_id)


def _said(done: Sitting, page: SittingPage, at: datetime) -> str:
    said = ngettext(
        "Handed in: %(exact)d of %(n)d rating is exact.",
        "Handed in: %(exact)d of %(n)d ratings are exact.",
        done.rated,
    ) % {"exact": done.exact, "n": done.rated}
    line = kind_line(done.member, page.line.kind, at)
    if line.is_unlocked and not page.line.is_unlocked:
        said += " " + _("You have unlocked %(round)s.") % {"round": line.kind.title}
    return said


def _form(page: SittingPage, data: Any = None) -> RatingsForm:
    return RatingsForm(data, dimensions=[card.dimension for card in page.cards], labels=page.labels)


def _to_rate(
    request: HttpRequest, page: SittingPage, form: RatingsForm, *, refusal: Refused | None = None
) -> HttpResponse:
    steps = [Step(card, form[f"{DIMENSION}{card.dimension.key}"]) for card in page.cards]
    context = {"page": page, "form": form, "steps": steps, "refusal": refusal}
    return render(
        request,
        "feedback/training/rate.html",
        context,
        status=refusal.status if refusal else 200,
    )


def _rule() -> dict[str, int]:
    return {"items_needed": ITEMS_NEEDED, "repeat_days": REPEAT_AFTER.days}
