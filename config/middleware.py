"""What wraps every request: its id, headers no package sets, compression, the time zone."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from zoneinfo import ZoneInfo

import structlog
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import timezone

GetResponse = Callable[[HttpRequest], HttpResponseBase]
FEATURES_OFF = "camera=(), microphone=(), display-capture=(), geolocation=()"
SELDOM_TOLD = ("/static/", "/healthz", "/readyz")  # asked all the time, and rarely of interest
log = structlog.get_logger("plumbline.requests")


def request_id(get_response: GetResponse) -> GetResponse:
    """Give each request an id, bind it to its log records, answer with it and log the request.

    An id that a proxy sent is kept when it looks like one.
    """

    def handle(request: HttpRequest) -> HttpResponseBase:
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if re.fullmatch(r"[\w-]{8,64}", sent) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = get_response(request)
        response.headers["X-Request-ID"] = request_id
        tell = log.debug if request.path.startswith(SELDOM_TOLD) else log.info
        tell(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            took_ms=round((time.perf_counter() - started) * 1000),
        )
        return response

    return handle


def readable_addresses(get_response: GetResponse) -> GetResponse:
    """Answer 400 where an address holds a NUL, which PostgreSQL takes in no text."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        if "\x00" in request.path:
            raise SuspiciousOperation("An address with a NUL.")
        return get_response(request)

    return handle


def security_headers(get_response: GetResponse) -> GetResponse:
    """Switch off camera, microphone and screen for every page that does not ask for them itself."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", FEATURES_OFF)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return handle


class CompressPages(GZipMiddleware):
    """Compresses pages and JSON; a recording that is streamed in ranges goes out as it is."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Compress what is text and known in whole."""
        kind = response.headers.get("Content-Type", "").split(";")[0]
        if response.streaming or not (kind.startswith("text/") or kind == "application/json"):
            return response
        return super().process_response(request, response)


def time_zone(get_response: GetResponse) -> GetResponse:
    """Show times in the zone of the person who asks."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        zone = getattr(request.user, "time_zone", "") if request.user.is_authenticated else ""
        with timezone.override(ZoneInfo(zone) if zone else None):
            return get_response(request)

    return handle
