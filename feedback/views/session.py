"""The session page of a mock, one address for both people, and what they do on its evening.

A page asks every few seconds what has moved. Where only parts of it change they are swapped, so
that a recorder at work or a scorecard half typed stays as it is; else the page loads itself anew.
"""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from feedback import access
from feedback.actions import session as evening
from feedback.forms import AbsentForm, CardForm, StampForm
from feedback.models import Review
from feedback.queries.grading import grading_page
from feedback.queries.session import (
    SessionPage,
    TurnLine,
    card_page,
    guide_of_turn,
    session_page,
)
from feedback.views.grading import scorecard_context
from loops import blobs
from loops.access import mock_to_see
from loops.actions import recordings, sessions
from loops.actions.bookings import NoUnseenPrompt, SlotGone
from loops.errors import Refused
from loops.forms.practice import PredictForm
from loops.models import User
from loops.queries.practice import attempt_page
from loops.queries.turns import ready_to_replace, rounds_to_answer
from loops.views.people import signed_in
from loops.views.posting import posts_from
from loops.views.practice import RECORDER_FEATURES


@never_cache
@require_safe
def session(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Show where the evening stands; htmx asks what has moved since an edition of the page."""
    user = signed_in(request)
    page = _page(user, mock_id)
    if request.headers.get("HX-Request"):
        return _moved(request, page)
    return _session(request, page)


@posts_from("feedback:session", "mock_id")
def mock_arrive(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Say that one is here."""
    user = signed_in(request)
    mock = mock_to_see(user, mock_id)
    try:
        sessions.arrive(mock=mock, by=user, at=timezone.now())
    except Refused as refusal:
        return _refused(request, user, mock_id, refusal)
    return redirect("feedback:session", mock_id)


@posts_from("loops:turn_kit", "turn_id")
def turn_begin(request: HttpRequest, turn_id: UUID) -> HttpResponse:
    """Show the candidate their prompt, and open the interviewer's review."""
    user = signed_in(request)
    turn = access.turn_to_begin(user, turn_id)
    try:
        evening.begin_turn(turn=turn, by=user, at=timezone.now())
    except NoUnseenPrompt:
        refusal = Refused(
            _(
                "%(name)s has met every prompt of this round by now, so the turn would prove "
                "nothing and was not begun. Use the time to talk, or end the mock here."
            )
            % {"name": turn.mock.cohort.called(turn.candidate)}
        )
        return _refused(request, user, turn.mock.public_id, refusal)
    except Refused as refusal:
        return _refused(request, user, turn.mock.public_id, refusal)
    return redirect("feedback:session", turn.mock.public_id)


@posts_from("loops:mock_list")
def turn_end(request: HttpRequest, turn_id: UUID) -> HttpResponse:
    """End a turn, so that the next may begin."""
    user = signed_in(request)
    turn = access.turn_to_speak_of(user, turn_id)
    sessions.end_turn(turn=turn, by=user, at=timezone.now())
    return redirect("feedback:session", turn.mock.public_id)


@posts_from("feedback:session", "mock_id")
def session_finish(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """End the mock."""
    user = signed_in(request)
    mock = mock_to_see(user, mock_id)
    try:
        sessions.finish(mock=mock, by=user, at=timezone.now())
    except Refused as refusal:
        return _refused(request, user, mock_id, refusal)
    return redirect("feedback:session", mock_id)


@posts_from("feedback:session", "mock_id")
def mock_absent(request: HttpRequest, mock_id: UUID) -> HttpResponse:
    """Go on without the other: with somebody on standby, or alone and first in the queue."""
    user, now = signed_in(request), timezone.now()
    mock = mock_to_see(user, mock_id)
    form = AbsentForm(request.POST)
    if not form.is_valid():
        refusal = Refused(_("Choose how to go on. Nothing was changed."))
        refusal.status = 422
        return _refused(request, user, mock_id, refusal)
    chosen = form.cleaned_data["round"]
    own = next((one for one in rounds_to_answer(mock, user) if one.public_id == chosen), None)
    try:
        if form.cleaned_data["way"] == AbsentForm.STANDBY:
            instead = sessions.absent_then_standby(mock=mock, by=user, at=now)
            name = mock.cohort.called(instead.seats.exclude(member=user).get().member)
            messages.success(
                request,
                _("%(name)s is called, and meets you here. Say that you are here, too.")
                % {"name": name},
            )
            return redirect("feedback:session", instead.public_id)
        attempt = sessions.absent_then_alone(mock=mock, by=user, at=now, round_=own)
    except SlotGone:
        refusal = Refused(
            _(
                "One of you two has another mock too soon after this one, so nobody was called. "
                "Record your answer alone: it comes first in the queue."
            )
        )
        return _refused(request, user, mock_id, refusal)
    except Refused as refusal:
        return _refused(request, user, mock_id, refusal)
    messages.success(
        request, _("The evening is yours: record this answer, and it comes first in the queue.")
    )
    return redirect("loops:attempt", attempt.public_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def card(request: HttpRequest, turn_id: UUID) -> HttpResponse:
    """Let the candidate grade their interviewer, and the interviewer read it once both have."""
    user, now = signed_in(request), timezone.now()
    turn = access.turn_to_speak_of(user, turn_id)
    form = CardForm(request.POST or None)
    status, refusal = 200, None
    if request.method == "POST" and turn.candidate_id == user.pk:
        status = 422
        if form.is_valid():
            try:
                evening.give_card(
                    turn=turn, marks=form.marks, note=form.cleaned_data["note"], by=user, at=now
                )
            except Refused as refused:
                refusal, status = refused, refused.status
            else:
                messages.success(request, _("Your card is in, thank you."))
                return redirect("feedback:session", turn.mock.public_id)
    context = {
        "page": card_page(turn, user, now),
        "form": form,
        "refusal": refusal,
        "cohort": turn.mock.cohort,
        "section": "mocks",
    }
    return render(request, "feedback/session/card.html", context, status=status)


@never_cache
@require_safe
def practice_note(request: HttpRequest, turn_id: UUID) -> HttpResponse:
    """Show the candidate what their interviewer wrote of an answer that was not recorded."""
    user, now = signed_in(request), timezone.now()
    turn = access.turn_to_read_of(user, turn_id)
    found = card_page(turn, user, now)
    context: dict[str, object] = {
        "turn": turn,
        "card": found,
        "cohort": turn.mock.cohort,
        "section": "mocks",
    }
    if found.review is None or not found.is_note_open:
        return render(request, "feedback/session/note_waiting.html", context)
    context["page"] = grading_page(found.review, recording=None)
    return render(request, "feedback/session/note.html", context)


# What the session page shows


def _page(user: User, mock_id: UUID) -> SessionPage:
    return session_page(access.session_to_join(user, mock_id), user, timezone.now())


def _session(
    request: HttpRequest,
    page: SessionPage,
    *,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {**_context(page), "refusal": refusal}
    response = render(request, "feedback/session/session.html", context, status=status)
    response["Permissions-Policy"] = RECORDER_FEATURES
    return response


def _refused(request: HttpRequest, user: User, mock_id: UUID, refusal: Refused) -> HttpResponse:
    """Say why something was not done, on the page as it is now."""
    return _session(request, _page(user, mock_id), refusal=refusal, status=refusal.status)


def _moved(request: HttpRequest, page: SessionPage) -> HttpResponse:
    """Answer htmx: nothing, the parts that have changed, or that the page loads itself anew."""
    if request.GET.get("edition") == page.edition:
        return HttpResponse(status=204)
    shown = request.GET.get("shown", page.shown)
    # Work on a page is not taken away: whose it is loads the page themselves.
    is_at_work = shown.startswith("interviewing") or (
        shown.startswith("answering") and any(line.is_recording for line in page.mine)
    )
    has_parts = shown.startswith(("answering", "interviewing"))
    if not is_at_work and (shown != page.shown or not has_parts):
        return HttpResponse(headers={"HX-Refresh": "true"})
    has_moved_on = shown != page.shown
    context: dict[str, object] = {"session": page, "shown": shown, "has_moved_on": has_moved_on}
    if shown.startswith("answering") and not has_moved_on:
        context |= _answering(page)
    return render(request, "feedback/session/_moved.html", context)


def _context(page: SessionPage) -> dict[str, object]:
    """Return what the page shows in the phase that it is in."""
    context: dict[str, object] = {
        "session": page,
        "shown": page.shown,
        "cohort": page.mock.cohort,
        "section": "mocks",
    }
    if page.shown.startswith("answering"):
        return context | _answering(page)
    if page.shown.startswith("interviewing"):
        return context | _interviewing(page)
    if page.phase == "absent":
        return context | _absent(page)
    return context


def _answering(page: SessionPage) -> dict[str, object]:
    line = _current(page)
    facts: dict[str, object] = {
        "line": line,
        "limits": recordings.limits(),
        "room_bytes": max(0, blobs.room_bytes()),
    }
    if not line.is_begun:
        return facts | {"guide": guide_of_turn(line.turn)}
    answer = attempt_page(line.attempt)
    return facts | {
        "page": answer,
        "attempt": line.attempt,
        "guide": answer.steps,
        "predict_form": PredictForm(initial={"rank": line.attempt.predicted_rank}),
    }


def _interviewing(page: SessionPage) -> dict[str, object]:
    line = _current(page)
    review = access.live_review_to_write(page.user, line.turn)
    graded = grading_page(review, recording=None)
    return {
        **scorecard_context(graded, page.at),
        "line": line,
        "guide": graded.guide,
        "stamp": StampForm(rubric=graded.rubric),
        "is_open": review.is_open or review.state == Review.State.EXPIRED,
    }


def _absent(page: SessionPage) -> dict[str, object]:
    has_own_turn = any(line.is_mine for line in page.lines)
    return {
        "ready": ready_to_replace(page.mock, page.user, page.at).count(),
        "has_own_turn": has_own_turn,
        "rounds": [] if has_own_turn else rounds_to_answer(page.mock, page.user),
    }


def _current(page: SessionPage) -> TurnLine:
    line: Any = page.current
    if not isinstance(line, TurnLine):
        raise TypeError("A page of a turn has no turn.")
    return line
