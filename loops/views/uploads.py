"""The door that bytes come in by: tus 1.0, one resource an upload. Words in loops.tus."""

from collections.abc import Callable
from functools import wraps
from typing import BinaryIO
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loops import access, blobs, media, tus
from loops.actions import recordings
from loops.errors import Refused
from loops.models import Attempt, Recording, Track, Upload, User
from loops.ranges import Span
from loops.sending import send_spans
from loops.views.people import signed_in

View = Callable[..., HttpResponseBase]
RETRY_AFTER_S = {423: 1, 429: 10, 507: 10}
AGREES = frozenset({"yes", "true", "1"})
SUFFIXES = {"matroska": "webm", "mov": "mp4", "ogg": "ogg", "wav": "wav", "mp3": "mp3"}


def speaks_tus(*methods: str) -> Callable[[View], View]:
    """Let a view take these methods of the protocol; it names its version in every answer.

    Answers what is refused with JSON, and who is not signed in with 403: no such client follows a
    redirect to a form. A refused body is read to its end, or its sender would see no answer.
    """

    def speaking(view: View) -> View:
        @wraps(view)
        def answering(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            request.method = tus.method(request.method or "", request.headers)
            try:
                response = _answer(request, methods, lambda: view(request, *args, **kwargs))
            except tus.Malformed as error:
                words = _("%(header)s is missing or malformed.") % {"header": error}
                response = _refused(request, 400, "malformed", words)
            except Http404:
                words = _("There is nothing at this address, or it is not for you.")
                response = _refused(request, 404, "not_found", words)
            except Refused as refusal:
                response = _refused(request, refusal.status, refusal.code, str(refusal))
                if isinstance(refusal, recordings.NotTaken) and refusal.offset is not None:
                    response["Upload-Offset"] = str(refusal.offset)
            response["Tus-Resumable"] = tus.VERSION
            return response

        return never_cache(login_not_required(answering))

    return speaking


@speaks_tus("POST")
def track_begin(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Open an upload: of a new recording, or a further track or part of an open one."""
    user = signed_in(request)
    attempt = access.attempt_to_edit(user, attempt_id)
    length, told = tus.length(request.headers), tus.metadata(request.headers)
    role, start_ms = told.get("role", Track.Role.UPLOAD), told.get("start_ms", "0")
    is_start = start_ms.isascii() and start_ms.isdigit() and len(start_ms) <= tus.MOST_DIGITS
    if role not in Track.Role.values or not is_start or int(start_ms) > recordings.LATEST_START_MS:
        raise tus.Malformed("Upload-Metadata")
    upload = recordings.begin(
        attempt=attempt,
        role=role,
        content_type=told.get("filetype", ""),
        by=user,
        at=timezone.now(),
        length_bytes=length,
        recording=_recording_of(user, attempt, told),
        start_ms=int(start_ms),
        has_consent=told.get("consent") in AGREES,
    )
    address = reverse("loops:upload_append", args=[upload.public_id])
    response = JsonResponse(_opened(upload, address), status=201)
    response["Location"] = address
    response["Upload-Offset"] = "0"
    return response


@speaks_tus("HEAD", "PATCH", "DELETE")
def upload_append(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Take bytes at an offset; HEAD tells where they go on, DELETE takes the upload away."""
    user = signed_in(request)
    upload = access.upload_to_append(user, upload_id)
    if request.method == "HEAD":
        return _standing(upload)
    if request.method == "DELETE":
        recordings.terminate(upload=upload, by=user, at=timezone.now())
        return HttpResponse(status=204)
    if request.content_type != tus.APPEND_TYPE:
        words = _("Bytes are taken as %(type)s alone.") % {"type": tus.APPEND_TYPE}
        return _refused(request, 415, "content_type", words)
    size, offset = tus.count(request.headers, "Content-Length"), _offset(request)
    if size is None:
        words = _("Bytes are taken with a Content-Length alone, so that none goes missing.")
        return _refused(request, 411, "no_length", words)
    reached = recordings.append(
        upload=upload,
        stream=request,
        offset=offset,
        size=size,
        by=user,
        at=timezone.now(),
        length_bytes=tus.count(request.headers, "Upload-Length"),
        checksum=tus.checksum(request.headers),
    )
    return HttpResponse(status=204, headers={"Upload-Offset": str(reached)})


@require_safe
@never_cache
def upload_raw(request: HttpRequest, upload_id: UUID) -> HttpResponseBase:
    """Give the candidate the bytes of one part as they came, to keep as a file."""
    upload = access.upload_to_download(signed_in(request), upload_id)
    path = blobs.staged_path(upload.staging_key)

    def open_span(span: Span) -> BinaryIO:
        file = path.open("rb")
        file.seek(span.start)
        return file

    try:
        with path.open("rb") as file:
            kind = media.sniff(file.read(media.HEAD_BYTES))
        response = send_spans(
            request,
            open_span,
            size=upload.received_bytes,
            content_type="application/octet-stream",
            etag=f"{upload.public_id.hex}-{upload.received_bytes}",
            filename_id=str(upload.public_id),
        )
    except FileNotFoundError as error:
        raise Http404("The bytes are gone.") from error
    name = f"{upload.public_id}.{SUFFIXES.get(kind or '', 'bin')}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _answer(
    request: HttpRequest, methods: tuple[str, ...], view: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """Answer a request as the protocol asks before it comes to what is wanted."""
    if request.method == "OPTIONS":
        response: HttpResponseBase = HttpResponse(status=204)
        _announce(response)
        return response
    if request.method not in methods:
        words = _("This address takes %(methods)s alone.") % {"methods": ", ".join(methods)}
        response = _refused(request, 405, "method", words)
        response["Allow"] = ", ".join(["OPTIONS", *methods])
        return response
    if not isinstance(request.user, User):
        words = _("You are signed out. What arrived is kept: sign in and go on.")
        return _refused(request, 403, "signed_out", words)
    if request.headers.get("Tus-Resumable") != tus.VERSION:
        words = _("Bytes are taken by tus %(version)s alone.") % {"version": tus.VERSION}
        response = _refused(request, 412, "tus_version", words)
        _announce(response)
        return response
    return view()


def _recording_of(user: User, attempt: Attempt, told: dict[str, str]) -> Recording | None:
    """Return the recording that the client wants to add to, if it names one."""
    if "recording" not in told:
        return None
    try:
        public_id = UUID(told["recording"])
    except ValueError as error:
        raise tus.Malformed("Upload-Metadata") from error
    recording = access.recording_to_put_away(user, public_id)  # one that is gone answers so
    if recording.attempt_id != attempt.pk:
        raise Http404("No such recording of this answer.")
    return recording


def _opened(upload: Upload, address: str) -> dict[str, object]:
    recording_id = upload.track.recording.public_id
    return {
        "recording": str(recording_id),
        "track": str(upload.track.public_id),
        "upload": str(upload.public_id),
        "part_no": upload.part_no,
        "most_bytes": upload.most_bytes,
        "append_url": address,
        "finish_url": reverse("loops:recording_finish", args=[recording_id]),
        "status_url": reverse("loops:recording_status", args=[recording_id]),
        "discard_url": reverse("loops:recording_discard", args=[recording_id]),
    }


def _standing(upload: Upload) -> HttpResponse:
    recordings.check_there(upload.track.recording)
    response = HttpResponse(headers={"Upload-Offset": str(upload.received_bytes)})
    if upload.length_bytes is None:
        response["Upload-Defer-Length"] = "1"
    else:
        response["Upload-Length"] = str(upload.length_bytes)
    return response


def _offset(request: HttpRequest) -> int:
    offset = tus.count(request.headers, "Upload-Offset")
    if offset is None:
        raise tus.Malformed("Upload-Offset")
    return offset


def _announce(response: HttpResponseBase) -> None:
    for name, value in tus.announcement(recordings.limits().file_bytes).items():
        response[name] = value


def _refused(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    blobs.drain(request)
    response = JsonResponse({"code": code, "message": message}, status=status)
    if status in RETRY_AFTER_S:
        response["Retry-After"] = str(RETRY_AFTER_S[status])
    return response
