"""What every answer carries: its headers, its request's id, the person's own time."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from io import StringIO

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory
from django.utils import timezone

from config import logs, middleware
from loops.models import User

SELF = ["'self'"]
NONE = ["'none'"]


@pytest.mark.django_db
def test_a_page_allows_itself_and_nothing_else(client: Client) -> None:
    response = client.get("/accounts/login/")

    policy = {
        directive.split(" ")[0]: directive.split(" ")[1:]
        for directive in response.headers["Content-Security-Policy"].split("; ")
    }
    assert policy == {
        "default-src": NONE,
        "script-src": SELF,
        "style-src": SELF,
        "img-src": [*SELF, "data:"],
        "media-src": [*SELF, "blob:"],
        "connect-src": SELF,
        "font-src": SELF,
        "manifest-src": SELF,
        "worker-src": SELF,
        "form-action": SELF,
        "base-uri": NONE,
        "frame-ancestors": NONE,
    }


@pytest.mark.django_db
def test_a_page_carries_the_security_headers(client: Client) -> None:
    headers = client.get("/accounts/login/").headers

    names = [
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
        "Permissions-Policy",
        "Referrer-Policy",
        "X-Content-Type-Options",
        "X-Frame-Options",
    ]
    assert [headers.get(name) for name in names] == [
        "same-origin",
        "same-origin",
        "camera=(), microphone=(), display-capture=(), geolocation=()",
        "same-origin",
        "nosniff",
        "DENY",
    ]


def test_a_view_may_ask_for_the_camera() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Permissions-Policy": "camera=(self)"})

    response = middleware.security_headers(view)(RequestFactory().get("/"))

    assert response.headers["Permissions-Policy"] == "camera=(self)"


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [("abcdef12-3456", True), ("short", False), ("has blanks in it", False), ("x" * 65, False)],
)
def test_an_id_that_a_proxy_sent_is_kept(client: Client, sent: str, is_kept: bool) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": sent})

    assert (response.headers["X-Request-ID"] == sent) is is_kept
    assert len(response.headers["X-Request-ID"]) >= 8


def test_a_record_is_one_json_line_with_the_requests_id() -> None:
    output = StringIO()
    handler = logging.StreamHandler(output)
    lines = logs.configuration(is_readable=False, level="INFO")["formatters"]["line"]
    handler.setFormatter(lines.pop("()")(**lines))
    logger = logging.getLogger("tests.one_line")
    logger.addHandler(handler)

    def view(request: HttpRequest) -> HttpResponse:
        try:
            raise ValueError("two\nlines")
        except ValueError:
            logger.exception("broke in %s", "here")
        return HttpResponse()

    request = RequestFactory().get("/", headers={"X-Request-ID": "0123456789"})
    middleware.request_id(view)(request)

    logger.removeHandler(handler)
    [line] = output.getvalue().splitlines()
    record = json.loads(line)
    assert (record["event"], record["level"], record["request_id"]) == (
        "broke in here",
        "error",
        "0123456789",
    )
    assert "ValueError: two" in record["exception"]


@pytest.mark.parametrize(
    ("level", "message", "is_kept"),
    [
        (logging.INFO, "Task loops.tasks.sweep[1] succeeded in 0.1s", False),
        (logging.ERROR, "Task loops.tasks.sweep[1] raised unexpected", True),
        (logging.INFO, "Task loops.tasks.process_recording[1] succeeded", True),
    ],
)
def test_sweeps_that_went_well_are_not_told(level: int, message: str, is_kept: bool) -> None:
    record = logging.LogRecord("celery", level, "", 0, message, None, None)

    assert logs.NoSweeps().filter(record) is is_kept


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        "/calendar/{}.ics",
        "/calendar/{}",  # somebody left the ending out
        "/join/{}/",
        "/answers/{}/",
        "/accounts/password/reset/key/1-{}/",
        "/accounts/confirm-email/{}/",
    ],
)
def test_no_record_tells_the_secret_part_of_an_address(client: Client, address: str) -> None:
    secret = "sEcrEt-0_abc.defghijklmnop-set-by-nobody"
    written = _written(lambda: client.get(address.format(secret)))

    kept = address.partition("{")[0].removesuffix("1-")
    assert secret not in written
    assert f"{kept}[secret]" in written


def _written(act: Callable[[], object]) -> str:
    """Return what the app's own formatter makes of the records of an act."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    configured = logs.configuration(is_readable=False, level="DEBUG")["formatters"]["line"]
    handler.setFormatter(configured.pop("()")(**configured))
    loggers = [logging.getLogger(name) for name in ("django.request", "plumbline.requests")]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel("DEBUG")
    try:
        act()
    finally:
        for logger, level in before:
            logger.removeHandler(handler)
            logger.setLevel(level)
    return stream.getvalue()


@pytest.mark.django_db
def test_an_address_with_a_nul_is_a_bad_request(client: Client) -> None:
    assert client.get("/join/token/").status_code == 410
    assert client.get("/join/tok%00en/").status_code == 400


@pytest.mark.django_db
def test_times_are_shown_in_the_persons_zone(rf: RequestFactory) -> None:
    shown = []

    def view(request: HttpRequest) -> HttpResponseBase:
        shown.append(timezone.get_current_timezone_name())
        return HttpResponse()

    request = rf.get("/")
    request.user = User(email="a@example.org", time_zone="Asia/Kolkata")
    middleware.time_zone(view)(request)
    request.user.time_zone = ""
    middleware.time_zone(view)(request)

    assert shown == ["Asia/Kolkata", "UTC"]
    assert timezone.get_current_timezone_name() == "UTC"


def test_text_is_compressed_and_a_recording_is_not(rf: RequestFactory) -> None:
    request = rf.get("/", headers={"Accept-Encoding": "gzip"})
    page = HttpResponse("word " * 100)
    film = StreamingHttpResponse([b"0" * 500], content_type="video/webm")
    part = HttpResponse(b"0" * 500, content_type="video/webm")

    answers: list[HttpResponseBase] = [page, film, part]
    for answer in answers:
        middleware.CompressPages(lambda request, answer=answer: answer)(request)

    assert [answer.headers.get("Content-Encoding") for answer in answers] == ["gzip", None, None]
    assert gzip.decompress(page.content) == b"word " * 100
