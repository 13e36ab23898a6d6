"""The words of a recording: their candidate's page, and the captions that a player shows."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from loops import access
from loops.actions import transcripts
from loops.cues import write_srt, write_vtt
from loops.errors import Refused
from loops.forms.transcripts import CaptionsFileForm, TypedForm
from loops.models import Recording, User
from loops.queries.transcripts import Words, words_of
from loops.views.people import signed_in
from loops.views.playing import playback_of

VTT_TYPE = "text/vtt; charset=utf-8"
SRT_TYPE = "application/x-subrip; charset=utf-8"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def transcript(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """Show the words of a recording to its candidate; take them typed, as a file, or away."""
    user = signed_in(request)
    recording = access.recording_to_edit(user, recording_id)
    kept = words_of(recording)
    if request.method != "POST":
        return _page(request, recording, kept)
    do = request.POST.get("do")
    if do == "remove":
        return _remove(request, recording, kept, user)
    kind = CaptionsFileForm if do == "file" else TypedForm
    form = kind(request.POST, request.FILES, most_ms=transcripts.longest_ms(recording), kept=kept)
    if not form.is_valid():
        return _page(request, recording, kept, form=form, status=422)
    try:
        transcripts.replace(
            recording=recording,
            cues=form.cues,
            language=form.cleaned_data["language"],
            source=form.source,
            version=form.cleaned_data["version"],
            by=user,
            at=timezone.now(),
        )
    except Refused as refusal:
        return _page(request, recording, kept, form=form, refusal=refusal, status=refusal.status)
    messages.success(request, _("Kept. Whoever plays the recording can read along now."))
    return redirect("loops:transcript", recording_id)


def _remove(request: HttpRequest, recording: Recording, kept: Words, user: User) -> HttpResponse:
    version = request.POST.get("version", "")
    try:
        transcripts.remove(recording=recording, version=version, by=user, at=timezone.now())
    except Refused as refusal:
        return _page(request, recording, kept, refusal=refusal, status=refusal.status)
    messages.success(request, _("The words are gone. The recording stays as it was."))
    return redirect("loops:transcript", recording.public_id)


@require_safe
@never_cache
def transcript_download(request: HttpRequest, recording_id: UUID, kind: str) -> HttpResponse:
    """Give the candidate the words as a file, `kind` of "vtt" or "srt"."""
    recording = access.recording_to_edit(signed_in(request), recording_id)
    cues = words_of(recording).cues
    written = {"vtt": (VTT_TYPE, write_vtt), "srt": (SRT_TYPE, write_srt)}.get(kind)
    if written is None or not cues:
        raise Http404("No such file.")
    content_type, write = written
    attempt = recording.attempt
    which = slugify(attempt.name) if attempt.is_follow_up else attempt.number
    name = f"{slugify(attempt.round.title) or 'answer'}-{which}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(write(cues), content_type=content_type, headers=headers)


@require_safe
@never_cache
def captions(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """Send the captions to the player of whoever may play the recording."""
    recording = access.recording_to_play(signed_in(request), recording_id, timezone.now())
    cues = words_of(recording).cues
    if not cues:
        raise Http404("It has no words.")
    return HttpResponse(write_vtt(cues, with_names=True), content_type=VTT_TYPE)


def _page(
    request: HttpRequest,
    recording: Recording,
    kept: Words,
    *,
    form: CaptionsFileForm | TypedForm | None = None,
    refusal: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the page; `form` is what was not kept, and stays as it was given."""
    most_ms = transcripts.longest_ms(recording)
    file = form if isinstance(form, CaptionsFileForm) else None
    typed = form if isinstance(form, TypedForm) else None
    context = {
        "recording": recording,
        "attempt": recording.attempt,
        "cohort": recording.attempt.round.loop.cohort,
        "kept": kept,
        "file_form": file or CaptionsFileForm(most_ms=most_ms, kept=kept),
        "typed_form": typed or TypedForm(most_ms=most_ms, kept=kept),
        "refusal": refusal,
        "playback": playback_of(request, recording),
    }
    return render(request, "loops/transcripts/transcript.html", context, status=status)
