"""Sending a private file: statuses, headers, blocks, and files that are closed again."""

import io
from collections.abc import Iterable
from typing import cast

import pytest
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.test import RequestFactory

from loops.ranges import Span
from loops.sending import BLOCK_BYTES, Readable, send_spans

CONTENT = bytes(range(256)) * 1024
ETAG = '"f00d"'


class Watched(io.BytesIO):
    """A file that remembers the largest read, and whether it was used at all."""

    largest = 0
    is_used = False

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self.largest = max(self.largest, len(block))
        return block


def send(
    rf: RequestFactory, file: io.BytesIO, method: str = "GET", **headers: str
) -> HttpResponseBase:
    request = rf.generic(method, "/", headers={k.replace("_", "-"): v for k, v in headers.items()})

    def open_span(span: Span) -> Readable:
        file.seek(span.start)
        if isinstance(file, Watched):
            file.is_used = True
        return file

    return send_spans(
        request,
        open_span,
        size=len(CONTENT),
        content_type="video/webm",
        etag=ETAG,
        filename_id="0b5c",
    )


def body(response: HttpResponseBase) -> bytes:
    assert isinstance(response, StreamingHttpResponse)
    return b"".join(cast("Iterable[bytes]", response.streaming_content))


def test_whole_file_is_sent_without_a_range(rf: RequestFactory) -> None:
    response = send(rf, io.BytesIO(CONTENT))

    assert response.status_code == 200
    assert body(response) == CONTENT
    assert response["Content-Length"] == str(len(CONTENT))
    assert "Content-Range" not in response.headers


def test_media_headers_are_fixed(rf: RequestFactory) -> None:
    response = send(rf, io.BytesIO(CONTENT), Range="bytes=0-0")

    assert dict(response.headers) == {
        "Content-Length": "1",
        "Content-Range": f"bytes 0-0/{len(CONTENT)}",
        "Content-Type": "video/webm",
        "Content-Disposition": 'inline; filename="0b5c.webm"',
        "ETag": ETAG,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=900",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=1000-", 1000, len(CONTENT)),
        ("bytes=-7", len(CONTENT) - 7, len(CONTENT)),
        ("bytes=65530-65545", 65530, 65546),
    ],
)
def test_one_range_is_sent(rf: RequestFactory, header: str, start: int, stop: int) -> None:
    response = send(rf, io.BytesIO(CONTENT), Range=header)

    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert response["Content-Length"] == str(stop - start)
    assert body(response) == CONTENT[start:stop]


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=9-1", "lines=1-2", "nonsense"])
def test_range_that_is_not_understood_is_ignored(rf: RequestFactory, header: str) -> None:
    response = send(rf, io.BytesIO(CONTENT), Range=header)

    assert response.status_code == 200
    assert body(response) == CONTENT


def test_range_outside_the_file_is_416(rf: RequestFactory) -> None:
    file = Watched(CONTENT)

    response = send(rf, file, Range=f"bytes={len(CONTENT)}-")

    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(CONTENT)}"
    assert response["Content-Length"] == "0"
    assert not file.is_used


@pytest.mark.parametrize(("tag", "status"), [(ETAG, 206), ('"old"', 200), (f"W/{ETAG}", 200)])
def test_if_range_sends_the_whole_of_a_changed_file(
    rf: RequestFactory, tag: str, status: int
) -> None:
    response = send(rf, io.BytesIO(CONTENT), Range="bytes=0-9", If_Range=tag)

    assert response.status_code == status


@pytest.mark.parametrize("tags", [ETAG, f"W/{ETAG}", f'"other", {ETAG}', "*"])
def test_known_file_is_304(rf: RequestFactory, tags: str) -> None:
    file = Watched(CONTENT)

    response = send(rf, file, If_None_Match=tags, Range="bytes=0-9")

    assert response.status_code == 304
    assert response["ETag"] == ETAG
    assert not file.is_used


def test_head_tells_the_length_and_ignores_a_range(rf: RequestFactory) -> None:
    file = Watched(CONTENT)

    response = send(rf, file, "HEAD", Range="bytes=0-9")

    assert response.status_code == 200
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["Accept-Ranges"] == "bytes"
    assert not response.streaming
    assert not file.is_used


@pytest.mark.django_db  # closing a response looks after old connections
def test_file_is_read_in_blocks_and_closed(rf: RequestFactory) -> None:
    file = Watched(CONTENT)

    response = send(rf, file)
    body(response)
    response.close()

    assert file.largest == BLOCK_BYTES
    assert file.closed


def test_file_that_is_shorter_than_told_ends_the_connection(rf: RequestFactory) -> None:
    """Ended quietly, the client would wait for the rest, or take the next answer for it."""
    response = send(rf, io.BytesIO(CONTENT[:100]), Range="bytes=90-199")

    with pytest.raises(OSError, match="100 bytes too early"):
        body(response)


@pytest.mark.django_db  # closing a response looks after old connections
def test_file_is_closed_when_the_client_leaves_early(rf: RequestFactory) -> None:
    file = io.BytesIO(CONTENT)
    response = send(rf, file)
    assert isinstance(response, StreamingHttpResponse)

    next(iter(cast("Iterable[bytes]", response.streaming_content)))
    response.close()

    assert file.closed
