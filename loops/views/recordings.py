"""Addresses of the recorder and the player: begin, append, finish, status, play, discard."""

import json
import re
from functools import wraps
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loops import access, blobs
from loops.actions import practice, recordings
from loops.errors import Refused
from loops.models import Recording, Track, User
from loops.sending import send_file
from loops.views.people import signed_in
from loops.views.posting import View, posts_from
from loops.views.practice import to_answer

APPEND_TYPE = "application/offset+octet-stream"
CONTENT_TYPE = re.compile(r'[\w.+/;:=," -]{0,200}', re.ASCII)
JSON_TYPE = "application/json"


def answers_json(view: View) -> View:
    """Answer a refusal as JSON: its status, its code, its words and where the bytes go on."""

    @wraps(view)
    def answering(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Refused as refusal:
            return _refused(refusal)

    return answering


@require_POST
@never_cache
@answers_json
def begin(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Open a recording; the answer names the addresses to go on with."""
    user = signed_in(request)
    attempt = access.attempt_to_edit(user, attempt_id)
    given = _json(request)
    role, content_type = given.get("role"), given.get("content_type")
    is_type = isinstance(content_type, str) and CONTENT_TYPE.fullmatch(content_type)
    if role not in Track.Role.values or not is_type:
        return _malformed(_("A recording begins with its role and content type."))
    track = recordings.begin(
        attempt=attempt, role=str(role), content_type=str(content_type), by=user, at=timezone.now()
    )
    recording_id = track.recording.public_id
    return JsonResponse(
        {
            "recording": str(recording_id),
            "track": str(track.public_id),
            "append_url": reverse("loops:track_append", args=[track.public_id]),
            "finish_url": reverse("loops:recording_finish", args=[recording_id]),
            "status_url": reverse("loops:recording_status", args=[recording_id]),
            "discard_url": reverse("loops:recording_discard", args=[recording_id]),
        },
        status=201,
    )


@require_http_methods(["PATCH", "HEAD"])
@never_cache
def track_append(request: HttpRequest, track_id: UUID) -> HttpResponse:
    """Take bytes at an offset; HEAD tells where they go on."""
    user = signed_in(request)
    track = access.track_to_append(user, track_id)
    if request.method == "HEAD":
        return HttpResponse(headers={"Upload-Offset": str(track.received_bytes)})
    if request.content_type != APPEND_TYPE:
        return _drained(request, _malformed(_("Bytes come as %s.") % APPEND_TYPE, status=415))
    try:
        offset = int(request.headers.get("Upload-Offset", ""))
        size = int(request.headers.get("Content-Length", ""))
    except ValueError:
        return _drained(
            request, _malformed(_("Upload-Offset and Content-Length are needed."), status=411)
        )
    if offset < 0 or size < 0:
        return _drained(request, _malformed(_("Offsets and lengths are not negative.")))
    try:
        new_offset = recordings.append(
            track=track, stream=request, offset=offset, size=size, by=user, at=timezone.now()
        )
    except Refused as refusal:
        return _drained(request, _refused(refusal))
    return HttpResponse(status=204, headers={"Upload-Offset": str(new_offset)})


@posts_from("loops:loop_list")
@never_cache
def finish(request: HttpRequest, recording_id: UUID) -> HttpResponseBase:
    """Close a recording: by the recorder with its length, or by hand with what has arrived."""
    user = signed_in(request)
    recording = access.recording_to_edit(user, recording_id)
    if request.content_type == JSON_TYPE:
        return _finish_by_recorder(request, recording, user)
    try:
        recordings.finish(recording=recording, by=user, at=timezone.now())
    except recordings.NothingArrived as refusal:
        messages.error(request, str(refusal))
    return to_answer(recording.attempt)


@answers_json
def _finish_by_recorder(request: HttpRequest, recording: Recording, user: User) -> HttpResponse:
    given = _json(request)
    length, pauses = given.get("length"), _pauses(given.get("pauses", []))
    if not _is_count(length):
        return _malformed(_("A recording is finished with its length in bytes."))
    if pauses is None:
        return _malformed(_("Pauses are pairs of milliseconds, in order: where, and how long."))
    recording = recordings.finish(
        recording=recording,
        by=user,
        at=timezone.now(),
        length_bytes=cast("int", length),
        pauses=pauses,
    )
    return JsonResponse(_status(recording))


@require_safe
@never_cache
def status(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """Tell the recorder where the recording stands."""
    return JsonResponse(_status(access.recording_to_edit(signed_in(request), recording_id)))


@require_safe
def play(request: HttpRequest, recording_id: UUID) -> HttpResponseBase:
    """Send the recording, whole or a range, to those who may play it."""
    recording = access.recording_to_play(signed_in(request), recording_id, timezone.now())
    try:
        file = blobs.open_stored(recording.file_name)
    except FileNotFoundError as error:
        raise Http404("The file is gone from the storage.") from error
    return send_file(
        request,
        file,
        size=recording.size_bytes or 0,
        content_type=recording.content_type,
        etag=recording.file_name,
        filename_id=str(recording.public_id),
    )


@posts_from("loops:loop_list")
@never_cache
def discard(request: HttpRequest, recording_id: UUID) -> HttpResponseBase:
    """Erase a recording of a draft."""
    user = signed_in(request)
    recording = access.recording_to_edit(user, recording_id)
    if request.content_type == JSON_TYPE:
        return _discard_by_recorder(request, recording, user)
    try:
        recordings.discard(recording=recording, by=user, at=timezone.now())
    except practice.NotADraft as refusal:
        messages.error(request, str(refusal))
    return to_answer(recording.attempt)


@answers_json
def _discard_by_recorder(request: HttpRequest, recording: Recording, user: User) -> HttpResponse:
    recording = recordings.discard(recording=recording, by=user, at=timezone.now())
    return JsonResponse(_status(recording))


def _status(recording: Recording) -> dict[str, object]:
    return {
        "state": recording.state,
        "duration_ms": recording.duration_ms,
        "error": recording.error_code,
    }


def _pauses(given: object) -> list[tuple[int, int]] | None:
    """Read the recorder's pauses; None where they are not pairs in order, or far too many."""
    if not isinstance(given, list) or len(given) > recordings.PAUSES_MOST:
        return None
    pauses: list[tuple[int, int]] = []
    for pair in given:
        if not isinstance(pair, list) or len(pair) != 2 or not all(map(_is_count, pair)):
            return None
        if pauses and pair[0] < pauses[-1][0]:
            return None
        pauses.append((pair[0], pair[1]))
    return pauses


def _is_count(given: object) -> bool:
    """Say whether this is a whole number that a column takes, and not a truth value."""
    return isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 2**53


def _json(request: HttpRequest) -> dict[str, object]:
    try:
        given = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _refused(refusal: Refused) -> JsonResponse:
    response = JsonResponse({"code": refusal.code, "message": str(refusal)}, status=refusal.status)
    if isinstance(refusal, recordings.GoesOnAt):
        response["Upload-Offset"] = str(refusal.offset)
    return response


def _malformed(message: str, status: int = 400) -> JsonResponse:
    return JsonResponse({"code": "malformed", "message": message}, status=status)


def _drained(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Read the refused body to its end, so that the client sees the answer."""
    blobs.drain(request)
    return response
