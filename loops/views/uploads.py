"""The door that bytes come in by: tus 1.0, one resource an upload. Words in loops.tus."""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from loops import access, blobs, tus
from loops.actions import recordings
from loops.errors import Refused
from loops.models import Recording, Track, Upload
from loops.views.people import signed_in

View = Callable[..., HttpResponseBase]
RETRY_AFTER_S = 10


def speaks_tus(view: View) -> View:
    """Ask for the protocol's version, answer refusals its way and name the version in answers.

    A refused body is read to its end: without that, the client would see no answer.
    """

    @wraps(view)
    def speaking(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method == "OPTIONS":
            response: HttpResponseBase = HttpResponse(status=204)
            _announce(response)
        elif request.headers.get("Tus-Resumable") != tus.VERSION:
            words = _("This door speaks tus %(version)s.") % {"version": tus.VERSION}
            response = _refused(request, 412, "tus_version", words)
            _announce(response)
        else:
            try:
                response = view(request, *args, **kwargs)
            except tus.Malformed as error:
                words = _("%(header)s is missing or malformed.") % {"header": error}
                response = _refused(request, 400, "malformed", words)
            except Refused as refusal:
                response = _refused(request, refusal.status, refusal.code, str(refusal))
                if isinstance(refusal, recordings.GoesOnAt):
                    response["Upload-Offset"] = str(refusal.offset)
                if refusal.status in {429, 507}:
                    response["Retry-After"] = str(RETRY_AFTER_S)
        response["Tus-Resumable"] = tus.VERSION
        return response

    return speaking


@require_http_methods(["OPTIONS", "POST"])
@never_cache
@speaks_tus
def track_begin(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Open an upload: of a new recording, or a further track or part of an open one."""
    user = signed_in(request)
    attempt = access.attempt_to_edit(user, attempt_id)
    length, told = tus.length(request.headers), tus.metadata(request.headers)
    role, start_ms = told.get("role", Track.Role.UPLOAD), told.get("start_ms", "0")
    if role not in Track.Role.values or not (start_ms.isdigit() and len(start_ms) < 9):
        raise tus.Malformed("Upload-Metadata")
    upload = recordings.begin(
        attempt=attempt,
        role=role,
        content_type=told.get("filetype", ""),
        by=user,
        at=timezone.now(),
        length_bytes=length,
        recording=_recording_of(request, told),
        start_ms=int(start_ms),
        has_consent=bool(told.get("consent")),
    )
    address = reverse("loops:upload_append", args=[upload.public_id])
    response = JsonResponse(_opened(upload, address), status=201)
    response["Location"] = address
    response["Upload-Offset"] = "0"
    return response


@require_http_methods(["OPTIONS", "HEAD", "PATCH", "DELETE"])
@never_cache
@speaks_tus
def upload_append(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Take bytes at an offset; HEAD tells where they go on, DELETE takes the upload away."""
    user = signed_in(request)
    upload = access.upload_to_append(user, upload_id)
    if request.method == "DELETE":
        recordings.terminate(upload=upload, by=user, at=timezone.now())
        return HttpResponse(status=204)
    if request.method == "HEAD":
        return _standing(upload)
    if request.content_type != tus.APPEND_TYPE:
        words = _("Bytes come as %(type)s.") % {"type": tus.APPEND_TYPE}
        return _refused(request, 415, "content_type", words)
    size, offset = tus.count(request.headers, "Content-Length"), _offset(request)
    if size is None:
        return _refused(request, 411, "no_length", _("Content-Length is needed."))
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
    """Give the candidate the bytes of one part as they came."""
    upload = access.upload_to_download(signed_in(request), upload_id)
    path = blobs.staged_path(upload.staging_key)
    suffix = upload.content_type.partition(";")[0].rpartition("/")[2] or "bin"
    safe = suffix if suffix.isalnum() else "bin"
    return FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=f"{upload.public_id}.{safe}",
        content_type="application/octet-stream",
    )


def _recording_of(request: HttpRequest, told: dict[str, str]) -> Recording | None:
    """Return the open recording that the client wants to add to, if it names one."""
    if "recording" not in told:
        return None
    try:
        public_id = UUID(told["recording"])
    except ValueError as error:
        raise tus.Malformed("Upload-Metadata") from error
    return access.recording_to_edit(signed_in(request), public_id)


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
    return JsonResponse({"code": code, "message": message}, status=status)
