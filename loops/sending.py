"""Sends a private file over HTTP: whole or one range, in blocks. Who may have it, others decide."""

from collections.abc import Callable, Iterator
from typing import Protocol, cast
from urllib.parse import quote

import structlog
from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac
from django.utils.http import parse_etags, quote_etag
from django.utils.translation import gettext as _

from loops import blobs
from loops.models import Rendition
from loops.ranges import Span, Unsatisfiable, may_use_range, parse

BLOCK_BYTES = 64 * 1024
KEPT_SECONDS = 900
COME_AGAIN_S = 10
TAG_CHARACTERS = 32
PROXY_FOLDER = "/private/recordings/"  # config/nginx: nobody may ask for it, our answers name it

log = structlog.get_logger("plumbline.sending")


class Readable(Protocol):
    """Open bytes that are read once, from their beginning."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end. Raises OSError."""

    def close(self) -> None:
        """Give them back."""


class SendsSpans(Protocol):
    """What a storage of recordings is able to do beside Django's own."""

    def open_span(self, name: str, start: int, stop: int) -> Readable:
        """Open the bytes from `start` up to `stop`, which is beyond them.

        Raises FileNotFoundError, or OSError where the storage does not answer.
        """


class _Blocks:
    """The bytes of one span, read as they are sent; closes the file at the end."""

    def __init__(self, file: Readable, span: Span) -> None:
        self.file = file
        self.left = span.length

    def __iter__(self) -> Iterator[bytes]:
        while self.left > 0:
            block = self.file.read(min(BLOCK_BYTES, self.left))
            if not block:
                # The server drops the connection at an OSError, so that nobody waits for the rest.
                raise OSError(f"A file ended {self.left} bytes too early.")
            self.left -= len(block)
            yield block

    def close(self) -> None:
        """Close the file; Django calls this when the response ends, however it ends."""
        self.file.close()


def send_rendition(request: HttpRequest, rendition: Rendition) -> HttpResponseBase:
    """Answer a GET or HEAD with a file made of a recording, as MEDIA_SENDER says.

    Behind nginx the answer is empty and names the file for it to send; a bucket's files are
    passed on block by block all the same, so no browser ever gets a link that opens by itself.
    Raises Http404 where the file is gone; answers 503 where the storage does not answer.
    """
    storage = blobs.stored()
    etag = quote_etag(_tag_of(rendition))
    if settings.MEDIA_SENDER == "nginx" and isinstance(storage, FileSystemStorage):
        return _leave_to_nginx(request, rendition, etag)
    storage_of_spans = cast("SendsSpans", storage)
    try:
        return send_spans(
            request,
            lambda span: storage_of_spans.open_span(rendition.name, span.start, span.stop),
            size=rendition.size_bytes,
            content_type=rendition.content_type,
            etag=etag,
            filename_id=str(rendition.public_id),
        )
    except FileNotFoundError as error:
        raise Http404("The file is gone from the storage.") from error
    except OSError as error:
        log.warning("storage_down", error=str(error))
        message = _(
            "Recordings cannot be reached just now. Nothing is lost: try again in a minute."
        )
        down = JsonResponse({"code": "storage_down", "message": message}, status=503)
        down["Retry-After"] = str(COME_AGAIN_S)
        down["Cache-Control"] = "no-store"
        return down


def _tag_of(rendition: Rendition) -> str:
    """Return what changes with the file and tells nothing: its grader is not told how old it is.

    It is keyed, since whoever knows the id could else try all the instants of the last months.
    """
    made = f"{rendition.public_id}{rendition.made_at:%Y%m%d%H%M%S%f}"
    return salted_hmac("loops.sending", made, algorithm="sha256").hexdigest()[:TAG_CHARACTERS]


def send_spans(
    request: HttpRequest,
    open_span: Callable[[Span], Readable],
    *,
    size: int,
    content_type: str,
    etag: str,
    filename_id: str,
) -> HttpResponseBase:
    """Answer a GET or HEAD with bytes that `open_span` opens, of which there are `size`.

    `etag` is a strong entity tag of the bytes, with or without its quotes; `filename_id` names
    the file where a browser saves it, and holds an id, never a person's words. Answers 200,
    206, 304 or 416; only the first two open anything.
    """
    etag = quote_etag(etag)
    response = _answer(request, open_span, size, etag)
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    _describe(response, content_type, filename_id)
    return response


def _leave_to_nginx(request: HttpRequest, rendition: Rendition, etag: str) -> HttpResponse:
    """Name the file for nginx, which keeps type, disposition, caching and tag of this answer only.

    Whether the browser has it already is said here: nginx adds the tag when it is done with that.
    """
    if _is_known(request.headers.get("If-None-Match"), etag):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(headers={"X-Accel-Redirect": PROXY_FOLDER + quote(rendition.name)})
    response["ETag"] = etag
    _describe(response, rendition.content_type, str(rendition.public_id))
    return response


def _answer(
    request: HttpRequest, open_span: Callable[[Span], Readable], size: int, etag: str
) -> HttpResponseBase:
    if _is_known(request.headers.get("If-None-Match"), etag):
        return HttpResponse(status=304)
    if request.method == "HEAD":
        return HttpResponse(headers={"Content-Length": str(size)})
    span = None
    if may_use_range(request.headers.get("If-Range"), etag):
        try:
            span = parse(request.headers.get("Range"), size)
        except Unsatisfiable:
            return HttpResponse(
                status=416, headers={"Content-Range": f"bytes */{size}", "Content-Length": "0"}
            )
    is_whole = span is None
    span = span or Span(0, size)
    if span.length == 0:
        return HttpResponse(headers={"Content-Length": "0"})
    response = StreamingHttpResponse(
        _Blocks(open_span(span), span), headers={"Content-Length": str(span.length)}
    )
    if not is_whole:
        response.status_code = 206
        response["Content-Range"] = span.content_range(size)
    return response


def _is_known(if_none_match: str | None, etag: str) -> bool:
    known = parse_etags(if_none_match or "")
    return "*" in known or etag in (tag.removeprefix("W/") for tag in known)


def _describe(response: HttpResponseBase, content_type: str, filename_id: str) -> None:
    extension = content_type.partition(";")[0].rpartition("/")[2]
    response["Content-Type"] = content_type
    response["Content-Disposition"] = f'inline; filename="{filename_id}.{extension}"'
    response["Cache-Control"] = f"private, max-age={KEPT_SECONDS}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Referrer-Policy"] = "no-referrer"
