"""Pages of practice: loops, rounds, an answer from its prompt to the queue."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loops import access
from loops.actions import practice, recordings
from loops.errors import Refused
from loops.forms import ArtifactForm, LoopForm, PredictForm, SubmitForm, UploadForm
from loops.models import Artifact, Attempt
from loops.queries.people import cohorts_of
from loops.queries.practice import attempt_page, loop_page, loops_of, presets, round_page
from loops.views.people import signed_in


@require_safe
def loop_list(request: HttpRequest) -> HttpResponse:
    """List the member's loops."""
    user = signed_in(request)
    return render(
        request,
        "loops/practice/loop_list.html",
        {"loops": loops_of(user), "has_cohort": cohorts_of(user).exists()},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def loop_new(request: HttpRequest) -> HttpResponse:
    """Start a loop from a preset."""
    user = signed_in(request)
    if not cohorts_of(user).exists():
        return render(request, "loops/practice/loop_new_alone.html")
    form = LoopForm(
        request.POST if request.method == "POST" else None,
        user=user,
        initial={"preset": request.GET.get("preset", "staff"), "target_rank": 2},
    )
    if request.method == "POST" and form.is_valid():
        loop = practice.start_loop(**form.cleaned_data, by=user, at=timezone.now())
        messages.success(request, _("Your loop is ready. Open a round to begin."))
        return redirect("loops:loop", loop.public_id)
    return render(
        request,
        "loops/practice/loop_new.html",
        {"form": form, "presets": presets()},
        status=422 if form.is_bound else 200,
    )


@require_safe
def loop(request: HttpRequest, loop_id: UUID) -> HttpResponse:
    """Show a loop and its rounds."""
    found = access.loop_to_see(signed_in(request), loop_id)
    return render(request, "loops/practice/loop.html", {"page": loop_page(found)})


@require_safe
def round_(request: HttpRequest, round_id: UUID) -> HttpResponse:
    """Show a round: checklist, time guide, answers so far."""
    found = access.round_to_see(signed_in(request), round_id)
    return render(request, "loops/practice/round.html", {"page": round_page(found)})


@require_POST
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


@require_safe
def attempt(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Show what is still to do for an answer; once handed in, its results."""
    found = access.attempt_to_read(signed_in(request), attempt_id)
    if found.is_submitted:
        return redirect("feedback:results", attempt_id)
    return _attempt(request, found)


@require_POST
def attempt_predict(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Keep the level the candidate expects."""
    user = signed_in(request)
    found = access.attempt_to_edit(user, attempt_id)
    form = PredictForm(request.POST, labels=attempt_page(found).labels)
    if not form.is_valid():
        return _attempt(request, found, status=422, predict_form=form)
    try:
        practice.predict(attempt=found, rank=form.cleaned_data["rank"], by=user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("loops:attempt", attempt_id)


@require_safe
def record(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Show the recorder."""
    found = access.attempt_to_edit(signed_in(request), attempt_id)
    page = attempt_page(found)
    if not found.is_draft or page.is_recorded:
        return redirect("loops:attempt", attempt_id)
    if found.predicted_rank is None:
        messages.info(request, str(practice.PredictFirst.message))
        return redirect("loops:attempt", attempt_id)
    response = render(
        request,
        "loops/practice/record.html",
        {
            "page": page,
            "attempt": found,
            "phases": page.steps,
            "limits": recordings.LIMITS,
            "unfinished": page.recording,
            "predicted_label": page.predicted_label,
        },
    )
    response["Permissions-Policy"] = recordings.RECORDER_PERMISSIONS
    return response


@require_POST
def upload(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Take a recording made elsewhere."""
    user = signed_in(request)
    found = access.attempt_to_edit(user, attempt_id)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _attempt(request, found, status=422, upload_form=form)
    try:
        recordings.take_file(
            attempt=found, file=form.cleaned_data["file"], by=user, at=timezone.now()
        )
    except Refused as refusal:
        form.add_error("file", str(refusal))
        return _attempt(request, found, status=refusal.status, upload_form=form)
    messages.success(request, _("Your file is safe on the server. It is being made ready to play."))
    return redirect("loops:attempt", attempt_id)


@require_POST
def artifact(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Keep code or notes with the answer."""
    user = signed_in(request)
    found = access.attempt_to_edit(user, attempt_id)
    form = ArtifactForm(request.POST)
    if not form.is_valid():
        return _attempt(request, found, status=422, artifact_form=form)
    try:
        practice.save_artifact(attempt=found, **form.cleaned_data, by=user, at=timezone.now())
    except Refused as refusal:
        form.add_error("text", str(refusal))
        return _attempt(request, found, status=refusal.status, artifact_form=form)
    messages.success(request, _("Saved with your answer."))
    return redirect("loops:attempt", attempt_id)


@require_http_methods(["GET", "HEAD", "POST"])
def attempt_submit(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Ask for the energy, then hand the answer to the queue."""
    user = signed_in(request)
    found = access.attempt_to_edit(user, attempt_id)
    if found.is_submitted:
        return redirect("feedback:results", attempt_id)
    form = SubmitForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            practice.submit(
                attempt=found, energy=form.cleaned_data["energy"], by=user, at=timezone.now()
            )
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("loops:attempt", attempt_id)
        messages.success(
            request,
            _("Handed in. Two peers grade it; you read both reviews together."),
        )
        return redirect("feedback:results", attempt_id)
    return render(
        request,
        "loops/practice/submit.html",
        {"form": form, "page": attempt_page(found), "attempt": found},
        status=422 if form.is_bound else 200,
    )


@require_POST
def attempt_withdraw(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Put a draft away, with its recording."""
    user = signed_in(request)
    found = access.attempt_to_edit(user, attempt_id)
    try:
        recordings.withdraw_draft(attempt=found, by=user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("loops:attempt", attempt_id)
    messages.success(request, _("The answer is put away and its recording erased."))
    return redirect("loops:round", found.round.public_id)


def _attempt(
    request: HttpRequest,
    found: Attempt,
    *,
    status: int = 200,
    predict_form: PredictForm | None = None,
    upload_form: UploadForm | None = None,
    artifact_form: ArtifactForm | None = None,
) -> HttpResponse:
    page = attempt_page(found)
    given = {} if found.predicted_rank is None else {"rank": found.predicted_rank}
    artifact_forms = {
        kind: ArtifactForm(
            initial={
                "kind": kind,
                "text": page.artifacts[kind].text if kind in page.artifacts else "",
            },
            auto_id=f"id_{kind}_%s",
        )
        for kind in Artifact.Kind.values
    }
    if artifact_form is not None and artifact_form.data.get("kind") in artifact_forms:
        artifact_forms[artifact_form.data["kind"]] = artifact_form
    return render(
        request,
        "loops/practice/attempt.html",
        {
            "page": page,
            "attempt": found,
            "predict_form": predict_form or PredictForm(labels=page.labels, initial=given),
            "upload_form": upload_form or UploadForm(),
            "artifact_forms": artifact_forms,
            "limits": recordings.LIMITS,
        },
        status=status,
    )
