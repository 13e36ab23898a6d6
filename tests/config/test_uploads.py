"""Large request bodies: how many are read at once, and which are not taken in."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.uploads import SILENCE_S, leave_room

SIGNED_IN = {SESSION_KEY: "1"}
AS_A_POST = {"X-HTTP-Method-Override": "PATCH"}


def upload(rf: RequestFactory, content: bytes, session: dict[str, str]) -> HttpRequest:
    """Ask with a form that holds a file. Whoever reads its files closes it."""
    request = rf.post("/", {"kind": "camera", "file": SimpleUploadedFile("film.webm", content)})
    request.session = session  # type: ignore[assignment]
    return request


class Slow:
    """A view that answers only when it is let go."""

    def __init__(self) -> None:
        self.go = Event()
        self.inside: list[str] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.inside.append(str(request.method))
        assert self.go.wait(timeout=10)
        return HttpResponse("taken")


def test_uploads_hold_half_of_the_threads_and_the_rest_come_again(
    rf: RequestFactory, settings: Any
) -> None:
    settings.WEB_THREADS = 4
    slow = Slow()
    handle = leave_room(slow)

    with ThreadPoolExecutor(3) as pool:
        held = [pool.submit(handle, rf.patch("/uploads/1/", b"bytes")) for _ in range(2)]
        while len(slow.inside) < 2:
            pass
        refused = handle(rf.patch("/uploads/1/", b"bytes"))
        disguised = handle(rf.generic("POST", "/uploads/1/", b"bytes", headers=AS_A_POST))
        form = handle(upload(rf, b"film", SIGNED_IN))
        small = [
            rf.get("/loops/"),
            rf.generic("POST", "/attempts/1/tracks/"),
            rf.head("/uploads/1/"),
        ]
        others = [pool.submit(handle, request) for request in small]
        slow.go.set()
        answers = [future.result(timeout=10).status_code for future in [*held, *others]]

    assert answers == [200] * 5
    for response in (refused, disguised):
        assert (response.status_code, response["Retry-After"]) == (503, "3")
        assert response["Tus-Resumable"] == "1.0.0"
        assert json.loads(response.content)["code"] == "no_room"  # type: ignore[attr-defined]
    assert (form.status_code, form["Retry-After"]) == (503, "3")
    assert "Many are sending at once" in form.content.decode()  # type: ignore[attr-defined]
    assert handle(rf.patch("/uploads/1/", b"bytes")).status_code == 200


def test_behind_a_proxy_that_takes_the_slowness_uploads_use_every_thread(
    rf: RequestFactory, settings: Any
) -> None:
    settings.WEB_THREADS, settings.HAS_BUFFERED_BODIES = 2, True
    slow = Slow()
    handle = leave_room(slow)

    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(handle, rf.patch("/uploads/1/", b"bytes")) for _ in range(2)]
        while len(slow.inside) < 2:
            pass
        slow.go.set()

    assert [future.result(timeout=10).status_code for future in held] == [200, 200]


def test_a_view_that_breaks_gives_its_place_back(rf: RequestFactory, settings: Any) -> None:
    settings.WEB_THREADS = 2

    def breaks(request: HttpRequest) -> HttpResponse:
        raise RuntimeError

    handle = leave_room(breaks)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            handle(rf.patch("/uploads/1/", b"bytes"))


def test_a_sender_that_falls_silent_is_given_up(rf: RequestFactory) -> None:
    """Its thread and its upload would be held for as long as its network keeps the line."""
    here, there = socket.socketpair()
    with here, there:
        append, page = rf.patch("/uploads/1/", b"bytes"), rf.get("/loops/")
        append.META["gunicorn.socket"], page.META["gunicorn.socket"] = here, there

        for request in (append, page):
            leave_room(lambda _request: HttpResponse())(request)

        assert (here.gettimeout(), there.gettimeout()) == (SILENCE_S, None)


@pytest.mark.parametrize(
    ("session", "limit", "is_taken"),
    [(SIGNED_IN, 10_000, True), (SIGNED_IN, 3_000, False), ({}, 10_000, False)],
)
def test_a_file_is_taken_in_within_the_limit_and_from_members_alone(
    rf: RequestFactory, settings: Any, *, session: dict[str, str], limit: int, is_taken: bool
) -> None:
    settings.UPLOAD_MAX_BYTES = limit
    request = upload(rf, b"x" * 4_000, session)

    assert request.POST["kind"] == "camera"
    assert ("file" in request.FILES) is is_taken
    assert not is_taken or request.FILES["file"].size == 4_000  # type: ignore[union-attr]
    request.close()


def test_a_large_file_lies_on_the_disk(rf: RequestFactory) -> None:
    request = upload(rf, b"x" * 3_000_000, SIGNED_IN)

    assert isinstance(request.FILES["file"], TemporaryUploadedFile)
    request.close()
