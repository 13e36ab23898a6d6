"""A candidate's results: calm until the reveal, then words, and after a word on each all of it."""

from typing import Any
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

from feedback.access import results_to_read
from feedback.actions import opening
from feedback.opening_forms import OpeningForm, ReflectionForm
from feedback.queries.answers import questions_for_results
from feedback.queries.appeals import disputes_for_results
from feedback.queries.gold import gold_for_results
from feedback.queries.reports import report_for_results
from feedback.queries.results import GraderReview, Results, ResultsPage, results_page
from feedback.queries.session import turn_without_card
from feedback.sentences import (
    opinion_words,
    prediction_sentence,
    severity_sentence,
    verdict_sentences,
)
from feedback.templatetags.ruler import band_words, place_words
from loops.errors import Refused
from loops.forms.practice import ENERGY_WORDS
from loops.models import Attempt
from loops.queries.keeping import erasure_of, plan_of
from loops.queries.progress import standing_to_show
from loops.views.people import signed_in
from loops.views.playing import playback_of
from loops.views.posting import posts_from


@never_cache
@require_safe
def results(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Show an answer's results. htmx, asking while they are calibrated, gets the level alone.

    While a recording is made ready it takes how far that is out of the page, then loads it anew.
    """
    attempt = results_to_read(signed_in(request), attempt_id)
    page = results_page(attempt, timezone.now())
    is_on_its_way = not page.is_revealed and page.is_being_made_ready
    if request.headers.get("HX-Target") == "recorded" and not is_on_its_way:
        return HttpResponse(headers={"HX-Refresh": "true"})
    if request.headers.get("HX-Request") and page.results is not None:
        context = {"page": page, "attempt": attempt, **_words(page, page.results)}
        return render(request, "feedback/results/_measure.html", context)
    return _shown(request, attempt, page)


@posts_from("feedback:results", "attempt_id")
def results_open(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Keep how useful the candidate finds each review, and open them all together."""
    user, now = signed_in(request), timezone.now()
    attempt = results_to_read(user, attempt_id)
    page = results_page(attempt, now)
    form = OpeningForm(page.to_open, request.POST)
    if not form.is_valid():
        return _shown(request, attempt, page, status=422, opening=form)
    try:
        opened = opening.open_reviews(attempt=attempt, words=form.words, by=user, at=now)
    except opening.NotRevealed as refusal:
        messages.error(request, str(refusal))
        return redirect("feedback:results", attempt_id)
    except Refused as refusal:
        page = results_page(attempt, now)
        form = OpeningForm(page.to_open, request.POST)
        form.is_valid()
        return _shown(request, attempt, page, status=refusal.status, opening=form, refusal=refusal)
    if opened:
        said = ngettext(
            "The review is open, with its levels.",
            "The reviews are open, with their levels.",
            len(opened),
        )
        messages.success(request, said)
    else:
        messages.info(
            request, _("Your reviews were open by then. What you said of them first stays.")
        )
    return redirect("feedback:results", attempt_id)


@posts_from("feedback:results", "attempt_id")
def results_reflection(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Keep the candidate's one line on what they predicted and what they received."""
    user, now = signed_in(request), timezone.now()
    attempt = results_to_read(user, attempt_id)
    form = ReflectionForm(request.POST)
    if not form.is_valid():
        page = results_page(attempt, now)
        return _shown(request, attempt, page, status=422, reflection=form)
    try:
        kept = opening.reflect(attempt=attempt, text=form.cleaned_data["text"], by=user, at=now)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("feedback:results", attempt_id)
    messages.success(request, _("Kept.") if kept else _("Your line is gone."))
    return redirect(reverse("feedback:results", args=[attempt_id]) + "#predicted")


def _shown(
    request: HttpRequest, attempt: Attempt, page: ResultsPage, *, status: int = 200, **forms: Any
) -> HttpResponse:
    """Show the page as far as it is open, with what was typed on it."""
    now = timezone.now()
    context: dict[str, Any] = {
        "page": page,
        "attempt": attempt,
        "cohort": attempt.round.loop.cohort,
        "energy": ENERGY_WORDS.get(attempt.energy or 0, ""),
        "playback": playback_of(request, page.recording),
        "standing": standing_to_show(page.recording),
        "plan": plan_of(page.recording, now) if page.recording else None,
        "erasure": erasure_of(page.recording),
        "report": report_for_results(attempt) if page.exclusion else None,
        "opening": OpeningForm(page.to_open),
        "reflection": ReflectionForm(initial={"text": page.reflection}),
        **forms,
    }
    if not page.is_revealed:
        context |= _card_to_give(page)
        context["places"] = [n < page.reviews_in for n in range(page.reviews_wanted)]
        return render(request, "feedback/results/waiting.html", context, status=status)
    if page.results is None:
        return render(request, "feedback/results/opening.html", context, status=status)
    context |= _words(page, page.results)
    context |= {
        "questions": questions_for_results(attempt, now),
        "disputes": disputes_for_results(attempt, page.labels, now),
        "gold": gold_for_results(attempt),
    }
    return render(request, "feedback/results/results.html", context, status=status)


def _card_to_give(page: ResultsPage) -> dict[str, object]:
    """Name the turn whose interviewer's card is still to be given, if there is one."""
    turn = turn_without_card(page.attempt) if page.attempt.is_live else None
    if turn is None:
        return {}
    return {"card_turn": turn, "card_name": turn.mock.cohort.called(turn.interviewer)}


def _words(page: ResultsPage, found: Results) -> dict[str, Any]:
    measure, predicted_rank = found.measure, page.attempt.predicted_rank
    words: dict[str, Any] = {
        "results": found,
        "opinions": [(one, _opinion(one, page)) for one in found.reviews],
        "given": [one.mark for one in found.reviews],
        "received": [
            (one.who, page.labels[one.review.level_given_rank or 0]) for one in found.reviews
        ],
        "by_rule": verdict_sentences(found.by_rule, found.names, page.target_label),
    }
    if measure is not None:
        words["place"] = place_words(measure.level, page.labels)
        words["span"] = band_words(measure.low, measure.high, page.labels)
        words["severity"] = severity_sentence(found.severity_levels, len(found.reviews))
        if predicted_rank is not None:
            words["prediction"] = prediction_sentence(predicted_rank, measure.level, page.labels)
    return words


def _opinion(one: GraderReview, page: ResultsPage) -> str:
    return opinion_words(
        one.review.get_verdict_display(),
        one.review.level_given_rank or 0,
        page.target_rank,
        page.labels,
    )
