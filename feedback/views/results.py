"""A candidate's results: a calm page until the reveal, all reviews side by side after it."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from feedback.access import results_to_read
from feedback.queries.results import GraderReview, Results, ResultsPage, results_page
from feedback.queries.session import turn_without_card
from feedback.sentences import (
    opinion_words,
    prediction_sentence,
    severity_sentence,
    verdict_sentences,
)
from feedback.templatetags.ruler import band_words, place_words
from loops.forms.practice import ENERGY_WORDS
from loops.queries.keeping import erasure_of, plan_of
from loops.queries.progress import standing_to_show
from loops.views.people import signed_in
from loops.views.playing import playback_of


@require_safe
def results(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Show an answer's results. htmx, asking while they are calibrated, gets the level alone.

    While a recording is made ready it takes how far that is out of the page, then loads it anew.
    """
    attempt = results_to_read(signed_in(request), attempt_id)
    now = timezone.now()
    page = results_page(attempt, now)
    context = {
        "page": page,
        "attempt": attempt,
        "cohort": attempt.round.loop.cohort,
        "energy": ENERGY_WORDS.get(attempt.energy or 0, ""),
        "playback": playback_of(request, page.recording),
        "standing": standing_to_show(page.recording),
        "plan": plan_of(page.recording, now) if page.recording else None,
        "erasure": erasure_of(page.recording),
    }
    is_on_its_way = page.results is None and page.is_being_made_ready
    if request.headers.get("HX-Target") == "recorded" and not is_on_its_way:
        return HttpResponse(headers={"HX-Refresh": "true"})
    if page.results is None:
        context |= _card_to_give(page)
        context["places"] = [n < page.reviews_in for n in range(page.reviews_wanted)]
        return render(request, "feedback/results/waiting.html", context)
    context |= _words(page, page.results)
    if request.headers.get("HX-Request"):
        return render(request, "feedback/results/_measure.html", context)
    return render(request, "feedback/results/results.html", context)


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
