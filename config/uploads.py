"""Keeps large request bodies from taking over: how many are read at once, and which not at all."""

from __future__ import annotations

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from loops import tus

GetResponse = Callable[[HttpRequest], HttpResponseBase]
COME_AGAIN_S = 3
SILENCE_S = 20


def leave_room(get_response: GetResponse) -> GetResponse:
    """Let uploads hold half of this process's threads; answer 503 to those beyond.

    A slow sender holds a thread for as long as it sends, and ten of them would stop the pages
    of everybody else. Stands before whatever reads a body, but not behind a proxy that takes
    the slowness: there a body is read in no time.
    """
    if settings.HAS_BUFFERED_BODIES:
        return get_response
    room = BoundedSemaphore(max(1, settings.WEB_THREADS // 2))

    def handle(request: HttpRequest) -> HttpResponseBase:
        if not _is_upload(request):
            return get_response(request)
        if not room.acquire(blocking=False):
            return _no_room(request)
        _give_up_on_silence(request)
        try:
            return get_response(request)
        finally:
            room.release()

    return handle


class SkipFiles(FileUploadHandler):
    """Takes in no file of a request over the limit, nor of anybody who is not signed in.

    Forms are parsed before a view is asked, so without this a file of any size would be
    written to the disk first. The rest of the form is read as ever.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        meta: dict[str, Any],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Decide by the request's length and session, before anything of it is read."""
        session = getattr(self.request, "session", {})
        self.is_skipping = content_length > settings.UPLOAD_MAX_BYTES or SESSION_KEY not in session

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Leave the file out."""
        if self.is_skipping:
            raise SkipFile
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Hand the bytes on to the handler that keeps them."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the finished file to the handler that kept it."""


def _is_upload(request: HttpRequest) -> bool:
    return _is_append(request) or request.content_type == "multipart/form-data"


def _is_append(request: HttpRequest) -> bool:
    return tus.method(request.method or "", request.headers) == "PATCH"


def _give_up_on_silence(request: HttpRequest) -> None:
    """End a connection over which nothing comes any more: it would hold its upload for hours.

    gunicorn itself waits for ever. Behind nginx a body comes in one piece, and never silent.
    """
    connection = request.META.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(SILENCE_S)


def _no_room(request: HttpRequest) -> HttpResponse:
    if _is_append(request):
        message = _("Many are sending at once. Nothing was lost: it is tried again.")
        response: HttpResponse = JsonResponse({"code": "no_room", "message": message}, status=503)
        response["Tus-Resumable"] = tus.VERSION
    else:
        response = render(request, "503.html", status=503)
    response["Retry-After"] = str(COME_AGAIN_S)
    return response
