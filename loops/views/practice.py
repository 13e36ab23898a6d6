"""Pages of practice: loops, rounds, an answer from its prompt to the queue."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from loops import access
from loops.actions import practice, recordings
from loops.errors import Refused
from loops.forms.practice import ArtifactForm, LoopForm, PredictForm, SubmitForm, UploadForm
from loops.models import Artifact, Attempt
from loops.queries.keeping import lost_to_rule, plan_of
from loops.queries.people import cohorts_of
from loops.queries.practice import (
    AttemptPage,
    attempt_page,
    loop_lines,
    loop_page,
    mock_under_way,
    preset_lines,
    round_page,
    take_page,
)
from loops.queries.progress import standing_to_show
from loops.queries.recording_list import room_to_record
from loops.queries.takes import Asked, asked_of
from loops.views.people import signed_in
from loops.views.playing import playback_of
from loops.views.posting import posts_from

RECORDER_FEATURES = "camera=(self), microphone=(self), display-capture=(self), geolocation=()"


@require_safe
def loop_list(request: HttpRequest) -> HttpResponse:
    """List the member's loops."""
    user = signed_in(request)
    return render(
        request,
        "loops/practice/loop_list.html",
        {"lines": loop_lines(user), "has_cohort": cohorts_of(user).exists()},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def loop_new(request: HttpRequest) -> HttpResponse:
    """Start a loop from a preset."""
    user = signed_in(request)
    cohorts = list(cohorts_of(user))
    if not cohorts:
        return render(request, "loops/practice/loop_new_alone.html")
    form = LoopForm(
        request.POST if request.method == "POST" else None,
        cohorts=cohorts,
        initial={"preset": request.GET.get("preset", "staff")},
    )
    if form.is_valid():
        loop = practice.start_loop(**form.cleaned_data, by=user, at=timezone.now())
        messages.success(request, _("Your loop is ready. Open a round to begin."))
        return redirect("loops:loop", loop.public_id)
    context: dict[str, object] = {"form": form, "presets": preset_lines()}
    if len(cohorts) == 1:
        context["cohort"] = context["only_cohort"] = cohorts[0]
    status = 422 if form.is_bound else 200
    return render(request, "loops/practice/loop_new.html", context, status=status)


@require_safe
def loop(request: HttpRequest, loop_id: UUID) -> HttpResponse:
    """Show a loop and its rounds."""
    found = access.loop_to_see(signed_in(request), loop_id)
    context = {"page": loop_page(found, timezone.now()), "cohort": found.cohort}
    return render(request, "loops/practice/loop.html", context)


@require_safe
def round_(request: HttpRequest, round_id: UUID) -> HttpResponse:
    """Show a round: checklist, time guide, answers so far."""
    found = access.round_to_see(signed_in(request), round_id)
    context = {"page": round_page(found, timezone.now()), "cohort": found.loop.cohort}
    return render(request, "loops/practice/round.html", context)


@posts_from("loops:round", "round_id")
def attempt_start(request: HttpRequest, round_id: UUID) -> HttpResponse:
    """Draw a prompt and open an answer to it."""
    user = signed_in(request)
    found = access.round_to_see(user, round_id)
    try:
        attempt = practice.start_attempt(round_=found, by=user, at=timezone.now())
    except practice.NoPrompt as refusal:
        messages.error(request, str(refusal))
        return redirect("loops:round", round_id)
    return redirect("loops:attempt", attempt.public_id)


@never_cache
@require_safe
def attempt(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Show what is still to do for an answer; once handed in, its results.

    htmx asks while a recording is made ready. A follow-up take stands on its question's page.
    """
    found = access.attempt_to_read(signed_in(request), attempt_id)
    if request.headers.get("HX-Request"):
        return _what_changed(request, found)
    if found.is_follow_up:
        return redirect(_question_of(found).path)
    if found.is_submitted or found.is_taken_back:
        return redirect("feedback:results", attempt_id)
    return _attempt(request, found)


@posts_from("loops:attempt", "attempt_id")
def attempt_predict(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Keep the level the candidate expects."""
    user = signed_in(request)
    found = access.answer_to_edit(user, attempt_id)
    form = PredictForm(request.POST)
    if not form.is_valid():
        return _attempt(request, found, status=422, predict_form=form)
    try:
        practice.predict(attempt=found, rank=form.cleaned_data["rank"], by=user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
    return to_answer(found)


@require_safe
def record(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Show the recorder."""
    found = access.attempt_to_edit(signed_in(request), attempt_id)
    asked = _question_of(found) if found.is_follow_up else None
    page = take_page(found) if asked else attempt_page(found)
    if not found.is_draft or page.is_recorded:
        return redirect("loops:attempt", attempt_id)
    if not (asked or page.is_predicted):
        messages.info(request, str(practice.PredictFirst.message))
        return redirect("loops:attempt", attempt_id)
    response = render(
        request,
        "loops/practice/record.html",
        {
            "page": page,
            "attempt": found,
            "asked": asked,
            "answer_url": asked.path if asked else reverse("loops:attempt", args=[attempt_id]),
            "phases": page.steps,
            "limits": recordings.limits(),
            "unfinished": page.recording,
            "room_bytes": room_to_record(signed_in(request)),
            "predicted_label": page.predicted_label,
            "cohort": found.round.loop.cohort,
        },
    )
    response["Permissions-Policy"] = RECORDER_FEATURES
    return response


@posts_from("loops:attempt", "attempt_id")
def upload(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Take a recording made elsewhere."""
    user = signed_in(request)
    found = access.attempt_to_edit(user, attempt_id)
    sent = request.headers.get("Content-Length") or ""
    sent_bytes = int(sent) if sent.isdecimal() and sent.isascii() else 0
    form = UploadForm(request.POST, request.FILES, sent_bytes=sent_bytes)
    if not form.is_valid():
        status = 413 if sent_bytes > settings.UPLOAD_MAX_BYTES else 422
        return _attempt(request, found, status=status, upload_form=form)
    try:
        recordings.take_file(
            attempt=found, file=form.cleaned_data["file"], by=user, at=timezone.now()
        )
    except (practice.NotADraft, practice.PredictFirst, recordings.AlreadyRecorded) as refusal:
        messages.error(request, str(refusal))  # the page has no such form any more
        return redirect("loops:attempt", attempt_id)
    except Refused as refusal:
        form.add_error("file", str(refusal))
        return _attempt(request, found, status=refusal.status, upload_form=form)
    messages.success(request, _("Your file is safe on the server. It is being made ready to play."))
    return to_answer(found)


@posts_from("loops:attempt", "attempt_id")
def artifact(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Keep code or notes with the answer."""
    user = signed_in(request)
    found = access.answer_to_edit(user, attempt_id)
    form = ArtifactForm(request.POST, kind=_artifact_kind(request))
    if not form.is_valid():
        return _attempt(request, found, status=422, artifact_form=form)
    try:
        practice.save_artifact(attempt=found, **form.cleaned_data, by=user, at=timezone.now())
    except practice.NotADraft as refusal:
        return render(
            request,
            "loops/practice/text_not_kept.html",
            {"attempt": found, "message": str(refusal), "text": form.cleaned_data["text"]},
            status=refusal.status,
        )
    messages.success(request, _("Saved with your answer."))
    return redirect("loops:attempt", attempt_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def attempt_submit(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Ask for the energy, then hand the answer to the queue."""
    user = signed_in(request)
    found = access.answer_to_edit(user, attempt_id)
    page = attempt_page(found)
    if found.is_draft and not page.is_recorded:
        messages.error(request, str(practice.NothingRecorded.message))
    if not found.is_draft or not page.is_recorded:
        return redirect("loops:attempt", attempt_id)
    form = SubmitForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            practice.submit(
                attempt=found, energy=form.cleaned_data["energy"], by=user, at=timezone.now()
            )
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("loops:attempt", attempt_id)
        messages.success(
            request,
            _("Handed in. Your interviewer and one more peer grade it; you read both together.")
            if found.is_live
            else _("Handed in. Two peers grade it; you read both reviews together."),
        )
        return redirect("feedback:results", attempt_id)
    return render(
        request,
        "loops/practice/submit.html",
        {"form": form, "page": page, "attempt": found, "cohort": found.round.loop.cohort},
        status=422 if form.is_bound else 200,
    )


@posts_from("loops:attempt", "attempt_id")
def attempt_withdraw(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Put a draft away, with its recording."""
    user = signed_in(request)
    found = access.answer_to_edit(user, attempt_id)
    try:
        recordings.withdraw_draft(attempt=found, by=user, at=timezone.now())
    except practice.NotADraft as refusal:
        messages.error(request, str(refusal))
        return redirect("loops:attempt", attempt_id)
    if found.is_live:
        messages.success(
            request, _("Kept as practice: what your interviewer writes is a note to you alone.")
        )
        return redirect("feedback:practice_note", found.turn.public_id)
    messages.success(request, _("The answer is put away and its recording erased."))
    return redirect("loops:round", found.round.public_id)


def to_answer(found: Attempt) -> HttpResponse:
    """Lead to where an answer is being given: its page, or the session of its mock."""
    mock_id = mock_under_way(found)
    if mock_id is not None:
        return redirect("feedback:session", mock_id)
    return redirect("loops:attempt", found.public_id)


def _attempt(
    request: HttpRequest,
    found: Attempt,
    *,
    status: int = 200,
    predict_form: PredictForm | None = None,
    upload_form: UploadForm | None = None,
    artifact_form: ArtifactForm | None = None,
) -> HttpResponse:
    """Show an answer's page; of the forms on it, those that were sent come back as they were."""
    if request.method == "POST" and not found.is_draft:
        messages.error(request, str(practice.NotADraft.message))
        return redirect("loops:attempt", found.public_id)
    if found.is_follow_up:  # its form stands on the page of its question
        for error in upload_form.errors.values() if upload_form else []:
            messages.error(request, " ".join(map(str, error)))
        return redirect("loops:attempt", found.public_id)
    page = attempt_page(found)
    context = _attempt_context(request, page)
    if predict_form:
        context["predict_form"] = predict_form
    if upload_form:
        context["upload_form"] = upload_form
    context["artifact_forms"] = [
        artifact_form
        if artifact_form and artifact_form.initial["kind"] == kind
        else ArtifactForm(kind=kind, kept=_text_of(page, kind))
        for kind in Artifact.Kind.values
    ]
    return render(request, "loops/practice/attempt.html", context, status=status)


def _what_changed(request: HttpRequest, found: Attempt) -> HttpResponse:
    """Answer htmx: how far it is, then the parts that change; or to load the page anew."""
    page = take_page(found) if found.is_follow_up else attempt_page(found)
    is_settled = found.is_follow_up and not page.is_being_made_ready
    if is_settled or not found.is_draft or page.recording is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    if page.is_being_made_ready:
        context = {"page": page, "attempt": found, "standing": standing_to_show(page.recording)}
        return render(request, "loops/practice/_recorded.html", context)
    return render(request, "loops/practice/_settled.html", _attempt_context(request, page))


def _attempt_context(request: HttpRequest, page: AttemptPage) -> dict[str, object]:
    return {
        "page": page,
        "attempt": page.attempt,
        "cohort": page.attempt.round.loop.cohort,
        "predict_form": PredictForm(initial={"rank": page.attempt.predicted_rank}),
        "mock_id": mock_under_way(page.attempt),
        "plan": plan_of(page.recording, timezone.now()) if page.recording else None,
        "is_arriving": page.is_arriving(timezone.now()),
        **take_context(request, page),
    }


def take_context(request: HttpRequest, page: AttemptPage) -> dict[str, object]:
    """Return what a page needs that takes a recording in and plays it back to its candidate."""
    return {
        "upload_form": UploadForm(),
        "limits": recordings.limits(),
        "playback": playback_of(request, page.recording),
        "standing": standing_to_show(page.recording),
        "lost": None if page.recording else lost_to_rule(page.attempt),
    }


def _question_of(take: Attempt) -> Asked:
    asked = asked_of(take)
    if asked is None:
        raise Http404("No such question.")
    return asked


def _text_of(page: AttemptPage, kind: str) -> str:
    kept = page.artifacts.get(kind)
    return kept.text if kept else ""


def _artifact_kind(request: HttpRequest) -> str:
    kind = request.POST.get("kind", "")
    return kind if kind in Artifact.Kind.values else Artifact.Kind.NOTES.value
