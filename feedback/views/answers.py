"""Asking and answering after the reviews: *why?* in words, follow-up questions by short takes."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from feedback import access
from feedback.actions import answers
from feedback.answers_forms import AnswerForm, AskForm, FollowUpForm
from feedback.models import FollowUp, Review
from feedback.queries.answers import follow_up_page, questions_for_results
from loops.errors import Refused
from loops.queries.keeping import erasure_of
from loops.views.people import signed_in
from loops.views.playing import playback_of
from loops.views.posting import posts_from
from loops.views.practice import take_context

QUESTIONS = "#questions"
"""Where questions stand on the results, and on a kept review."""


@posts_from("feedback:results", "attempt_id")
def question_ask(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Ask a grader *why?*, at a time in the recording."""
    user = signed_in(request)
    attempt = access.results_to_read(user, attempt_id)
    now = timezone.now()
    found = questions_for_results(attempt, now)
    form = AskForm(request.POST, readers=[(str(one.review_id), one.who) for one in found.open_to])

    def act() -> object:
        review = access.review_to_ask(attempt, form.cleaned_data.pop("review"))
        return answers.ask(review=review, **form.cleaned_data, by=user, at=now)

    return _done_or_again(
        request,
        form,
        act,
        said=_("Asked. You are told when it is answered, and read it here."),
        back=reverse("feedback:results", args=[attempt_id]) + QUESTIONS,
        back_label=_("Results"),
        title=_("Ask why"),
        button=_("Ask"),
        section="loop",
        cohort=attempt.round.loop.cohort,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def question_answer(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Answer a candidate's *why?*; a GET leads to the review that it asks about."""
    user = signed_in(request)
    question = access.question_to_answer(user, question_id)
    if request.method != "POST":
        return redirect(_review_path(question.review))
    form = AnswerForm(request.POST)

    def act() -> object:
        return answers.answer(
            question=question, text=form.cleaned_data["text"], by=user, at=timezone.now()
        )

    return _done_or_again(
        request,
        form,
        act,
        said=_("Sent. The candidate reads it beside their recording."),
        title=_("Answer the candidate"),
        quoted=question.text,
        button=_("Send the answer"),
        **_on_review(question.review),
    )


@posts_from("feedback:review", "review_id")
def follow_up_ask(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Ask the candidate the next link of a why-chain."""
    user = signed_in(request)
    review = access.review_to_write(user, review_id)
    form = FollowUpForm(request.POST)

    def act() -> object:
        return answers.ask_follow_up(
            review=review, text=form.cleaned_data["text"], by=user, at=timezone.now()
        )

    return _done_or_again(
        request,
        form,
        act,
        said=_("Asked. You are told when the candidate’s take is in."),
        title=_("Ask a follow-up question"),
        button=_("Ask"),
        **_on_review(review),
    )


@never_cache
@require_safe
def follow_up(request: HttpRequest, follow_up_id: UUID) -> HttpResponse:
    """Show a why-chain to its grader and its candidate, with one of its links in view."""
    user = signed_in(request)
    found = access.follow_up_to_see(user, follow_up_id)
    page = follow_up_page(found, user, timezone.now())
    take = page.take
    context: dict[str, object] = {
        "page": page,
        "cohort": page.answer.round.loop.cohort,
        "section": "loop" if page.is_candidate else "grade",
    }
    if take is not None and take.attempt.is_draft:
        context |= take_context(request, take)
        context["too_long"] = _is_too_long(take.recording.duration_ms if take.recording else None)
    elif take is not None:
        plays = take.recording if page.may_play else None
        context |= {
            "playback": playback_of(request, plays),
            "erasure": erasure_of(take.recording),
        }
    return render(request, "feedback/answers/follow_up.html", context)


@posts_from("feedback:follow_up", "follow_up_id")
def take_begin(request: HttpRequest, follow_up_id: UUID) -> HttpResponse:
    """Open the take that answers a follow-up, and lead to the recorder."""
    user = signed_in(request)
    found = access.follow_up_to_answer(user, follow_up_id)
    try:
        take = answers.begin_take(follow_up=found, by=user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("feedback:follow_up", follow_up_id)
    return redirect("loops:record", take.public_id)


@posts_from("feedback:follow_up", "follow_up_id")
def take_send(request: HttpRequest, follow_up_id: UUID) -> HttpResponse:
    """Hand the take to who asked."""
    user = signed_in(request)
    found = access.follow_up_to_answer(user, follow_up_id)
    try:
        answers.send_take(follow_up=found, by=user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Sent. Who asked can play it for seven days."))
    return redirect("feedback:follow_up", follow_up_id)


@posts_from("feedback:follow_up", "follow_up_id")
def follow_up_decline(request: HttpRequest, follow_up_id: UUID) -> HttpResponse:
    """Decline a follow-up."""
    user = signed_in(request)
    found = access.follow_up_to_answer(user, follow_up_id)
    try:
        answers.decline(follow_up=found, by=user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Declined. It changes nothing of your review."))
    return redirect("feedback:follow_up", follow_up_id)


def _done_or_again(
    request: HttpRequest,
    form: forms.Form,
    act: Callable[[], object],
    *,
    said: str,
    back: str,
    **words: object,
) -> HttpResponse:
    """Act and lead back; what is refused comes again with all that was typed."""
    context: dict[str, object] = {"form": form, "back": back, **words}
    status = 422
    if form.is_valid():
        try:
            act()
        except Refused as refusal:
            context["refusal"], status = refusal, refusal.status
        else:
            messages.success(request, said)
            return redirect(back)
    return render(request, "feedback/answers/again.html", context, status=status)


def _on_review(review: Review) -> dict[str, Any]:
    return {
        "back": _review_path(review),
        "back_label": _("Your review"),
        "section": "grade",
        "cohort": review.attempt.round.loop.cohort,
    }


def _review_path(review: Review) -> str:
    return reverse("feedback:review", args=[review.public_id]) + QUESTIONS


def _is_too_long(duration_ms: int | None) -> bool:
    return duration_ms is not None and duration_ms > FollowUp.TAKE_SECONDS_MOST * 1000
