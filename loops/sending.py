"""Sends a private file over HTTP: whole or one range, in blocks. Who may have it, others decide."""

from collections.abc import Iterator
from typing import Protocol

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags, quote_etag

from loops.ranges import Span, Unsatisfiable, may_use_range, parse

BLOCK_BYTES = 64 * 1024
KEPT_SECONDS = 900


class Seekable(Protocol):
    """An open binary file: Python's own, or Django's from any storage."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes."""

    def seek(self, offset: int, /) -> object:
        """Go to a byte."""

    def close(self) -> None:
        """Give the file back."""


class _Blocks:
    """The bytes of one span, read as they are sent; closes the file at the end."""

    def __init__(self, file: Seekable, span: Span) -> None:
        self.file = file
        self.left = span.length
        file.seek(span.start)

    def __iter__(self) -> Iterator[bytes]:
        while self.left > 0:
            block = self.file.read(min(BLOCK_BYTES, self.left))
            if not block:
                return
            self.left -= len(block)
            yield block

    def close(self) -> None:
        """Close the file; Django calls this when the response ends, however it ends."""
        self.file.close()


def send_file(
    request: HttpRequest,
    file: Seekable,
    *,
    size: int,
    content_type: str,
    etag: str,
    filename_id: str,
) -> HttpResponseBase:
    """Answer a GET or HEAD with the open binary `file` of `size` bytes, and close it.

    `etag` is a strong entity tag of the bytes, with or without its quotes; `filename_id` names
    the file where a browser saves it, and holds an id, never a person's words. Answers 200,
    206, 304 or 416.
    """
    etag = quote_etag(etag)
    try:
        response = _answer(request, file, size, etag)
    except BaseException:
        file.close()
        raise
    if not response.streaming:
        file.close()
    _describe(response, content_type, etag, filename_id)
    return response


def _answer(request: HttpRequest, file: Seekable, size: int, etag: str) -> HttpResponseBase:
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
    if span is None:
        return _stream(file, Span(0, size), status=200)
    response = _stream(file, span, status=206)
    response["Content-Range"] = span.content_range(size)
    return response


def _stream(file: Seekable, span: Span, *, status: int) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        _Blocks(file, span), status=status, headers={"Content-Length": str(span.length)}
    )


def _is_known(if_none_match: str | None, etag: str) -> bool:
    known = parse_etags(if_none_match or "")
    return "*" in known or etag in (tag.removeprefix("W/") for tag in known)


def _describe(response: HttpResponseBase, content_type: str, etag: str, filename_id: str) -> None:
    extension = content_type.partition(";")[0].rpartition("/")[2]
    response["Content-Type"] = content_type
    response["Content-Disposition"] = f'inline; filename="{filename_id}.{extension}"'
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = f"private, max-age={KEPT_SECONDS}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Referrer-Policy"] = "no-referrer"
