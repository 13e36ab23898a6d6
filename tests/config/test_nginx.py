"""A real nginx with the repository's own configuration, before a real gunicorn with two threads."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

import pytest
import yaml
from django.conf import settings
from django.test import Client

from config.servers import nginx
from loops import blobs
from loops.models import Attempt, Cohort, Rendition, Upload, User
from tests import factories
from tests.media_addresses import CONTENT, link, whole
from tests.processes import addresses
from tests.waiting import wait_until

MIB = 2**20
EBML = bytes.fromhex("1a45dfa3")
ROOT = Path(settings.BASE_DIR)
NO_NGINX = "no nginx was found: install the package nginx-light"
needs_nginx = pytest.mark.skipif(nginx.program() is None, reason=NO_NGINX)


@dataclass(frozen=True)
class Answer:
    """What came back, and whether the app or nginx said it."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def is_of_the_app(self) -> bool:
        """Say whether the app answered: it names the request."""
        return "X-Request-ID" in self.headers


@dataclass(frozen=True)
class Served:
    """The app behind nginx, and somebody who is signed in to it."""

    port: int
    app_port: int
    cookies: str
    token: str

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body or None, self.headers(**headers))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def headers(self, **more: str) -> dict[str, str]:
        return {
            "Cookie": self.cookies,
            "X-CSRFToken": self.token,
            "Tus-Resumable": "1.0.0",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }


@pytest.fixture
def client(candidate: User, client: Client) -> Client:
    """The candidate's browser."""
    client.force_login(candidate)
    return client


@pytest.fixture
def served(transactional_db: None, client: Client, tmp_path: Path) -> Iterator[Served]:
    """The app on the test's database, behind nginx."""
    if nginx.program() is None:
        pytest.skip(NO_NGINX)
    app_port, token = nginx.free_port(), secrets.token_hex(16)
    environ = {
        **os.environ,
        **addresses(),
        "PORT": str(app_port),
        "PROXIES": "1",
        "MEDIA_SENDER": "nginx",
        "HAS_BUFFERED_BODIES": "on",
        "WEB_WORKERS": "1",
        "WEB_THREADS": "2",
    }
    log = tmp_path / "gunicorn.log"
    with log.open("wb") as output:
        gunicorn = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "python:config.gunicorn"],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: answers(app_port) or gunicorn.poll() is not None, seconds=60)
        assert gunicorn.poll() is None, log.read_text()
        with nginx.Nginx(
            tmp_path / "nginx",
            app_port=app_port,
            media_dir=Path(settings.MEDIA_DIR),
            upload_max_bytes=64 * MIB,
        ) as proxy:
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            cookies = f"{settings.SESSION_COOKIE_NAME}={session}; csrf={token}"
            yield Served(proxy.port, app_port, cookies, token)
    finally:
        gunicorn.terminate()
        gunicorn.wait(timeout=20)
        sys.stdout.write(log.read_text())  # pytest shows it when the test fails


def answers(port: int) -> bool:
    """Say whether a worker of the app is up, which listens before it is."""
    try:
        return ask_plainly(port, timeout=60) == b"ok\n"
    except OSError:
        return False


# The files


@needs_nginx
def test_the_configuration_is_valid(tmp_path: Path) -> None:
    told = nginx.Nginx(tmp_path, app_port=1, media_dir=tmp_path).check()

    assert told.returncode == 0, told.stderr
    assert "warn" not in told.stderr


def test_image_and_compose_fill_in_all_that_the_configuration_asks_for() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)\}", nginx.TEMPLATE.read_text()))
    dockerfile = (ROOT / "Dockerfile").read_text()
    stage = dockerfile[dockerfile.index(" AS proxy") : dockerfile.index(" AS app")]
    filled = Template("$" + " $".join(sorted(asked)))

    preset = set(re.findall(r"\b([A-Z_]+)=", stage))
    substituted = set(re.findall(r"\$([A-Z_]+)", stage.partition("envsubst '")[2].split("'")[0]))
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    proxy, web = compose["services"]["proxy"], compose["services"]["web"]

    assert filled.is_valid()
    assert (preset, substituted) == (asked, asked)
    assert set(proxy["environment"]) <= asked
    assert "ports" not in web, "nobody reaches the app but through nginx"
    assert web["environment"]["MEDIA_SENDER"] == "nginx"


# The two together


def test_uploads_pass_whole_and_what_is_too_large_is_refused_in_words(
    served: Served, candidate: User, cohort: Cohort
) -> None:
    round_ = factories.loop(candidate, cohort).rounds.get()
    draft = factories.attempt(round_, state=Attempt.State.DRAFT, predicted_rank=2)
    opened = served.ask(
        "POST",
        f"/attempts/{draft.public_id}/tracks/",
        Upload_Defer_Length="1",
        Upload_Metadata="role dXBsb2Fk,filetype dmlkZW8vd2VibQ==",
    )
    assert opened.status == 201, opened.body
    path = json.loads(opened.body)["append_url"]
    sends = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"}
    body = EBML + os.urandom(3 * MIB)

    taken = served.ask("PATCH", path, body, **sends)
    too_large = served.ask("PATCH", path, EBML + bytes(9 * MIB), **sends)
    far_too_large = served.ask("PATCH", path, EBML + bytes(17 * MIB), **sends)
    form = served.ask(
        "POST",
        f"/attempts/{draft.public_id}/upload/",
        bytes(20 * MIB),
        Content_Type="multipart/form-data; boundary=x",
    )

    upload = Upload.objects.get()
    assert (taken.status, taken.headers["Upload-Offset"]) == (204, str(len(body)))
    assert blobs.staged_path(upload.staging_key).read_bytes() == body
    assert (too_large.status, json.loads(too_large.body)["code"]) == (413, "chunk_too_large")
    assert (far_too_large.status, far_too_large.is_of_the_app) == (413, False)
    assert form.is_of_the_app, "the form with a file has a limit of its own"


def test_recordings_are_sent_by_nginx_with_the_headers_of_private_files(
    served: Served, client: Client, candidate: User, cohort: Cohort
) -> None:
    recording = whole(factories.attempt(factories.loop(candidate, cohort).rounds.get()))
    rendition = Rendition.objects.get(track__recording=recording, kind="playable")
    address = link(client, rendition)

    sent = served.ask("GET", address)
    ranged = served.ask("GET", address, Range="bytes=5-9")
    again = served.ask("GET", address, If_None_Match=sent.headers["ETag"])
    several = served.ask("GET", address, Range="bytes=0-1,5-9")
    beyond = served.ask("GET", address, Range="bytes=99999-")
    changed = served.ask("GET", address, Range="bytes=5-9", If_Range='"of another file"')
    unchanged = served.ask("GET", address, Range="bytes=5-9", If_Range=sent.headers["ETag"])
    head = served.ask("HEAD", address)
    kept = served.ask("GET", f"{address}&download")

    assert (sent.status, sent.body) == (200, CONTENT)
    assert (ranged.status, ranged.body) == (206, CONTENT[5:10])
    assert ranged.headers["Content-Range"] == f"bytes 5-9/{len(CONTENT)}"
    assert [answer.status for answer in (again, several, beyond)] == [304, 200, 416]
    assert (changed.status, unchanged.status) == (200, 206)
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "1024", b"")
    assert kept.headers["Content-Disposition"].startswith("attachment")
    for answer in (sent, ranged, again, several, changed, head):
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "private, max-age=900"
        assert "X-Accel-Redirect" not in answer.headers
    assert sent.headers["Content-Type"] == "video/webm"
    assert sent.headers["Content-Disposition"] == f'inline; filename="{rendition.public_id}.webm"'

    # The folder itself is closed, and so is a link that is not the session's.
    for path in (
        f"/private/recordings/{rendition.name}",
        f"//private/recordings/{rendition.name}",
        f"/media/../private/recordings/{rendition.name}",
        f"/private/recordings/%2e%2e/recordings/{rendition.name}",
        f"/static/..%2fprivate/recordings/{rendition.name}",
    ):
        closed = served.ask("GET", path)
        assert (closed.status, CONTENT in closed.body) == (404, False), path
    assert served.ask("GET", address.partition("?")[0]).status == 403


def test_nginx_tells_nothing_of_how_old_a_recording_is(
    served: Served, client: Client, candidate: User, cohort: Cohort
) -> None:
    """By its age a grader would know a blind calibration item."""
    recording = whole(factories.attempt(factories.loop(candidate, cohort).rounds.get()))
    rendition = Rendition.objects.get(track__recording=recording, kind="playable")
    address = link(client, rendition)
    made_at = Path(blobs.stored().path(rendition.name)).stat().st_mtime
    guessed = formatdate(made_at, usegmt=True)

    sent = served.ask("GET", address)
    ranged = served.ask("GET", address, Range="bytes=5-9")
    known = served.ask("GET", address, If_None_Match=sent.headers["ETag"])
    beyond = served.ask("GET", address, Range="bytes=99999-")
    since = served.ask("GET", address, If_Modified_Since=guessed)
    ranged_since = served.ask("GET", address, Range="bytes=5-9", If_Range=guessed)

    assert [one.headers["ETag"] for one in (ranged, known)] == [sent.headers["ETag"]] * 2
    assert f"{int(made_at):x}" not in sent.headers["ETag"]
    for answer in (sent, ranged, known, beyond):
        assert "Last-Modified" not in answer.headers
    assert (since.status, ranged_since.status) == (200, 200), "no guess is confirmed"


def test_slow_senders_hold_no_thread_of_the_app(served: Served) -> None:
    """Six of them would hold its two threads; without nginx in between they do."""
    with slow_senders(served, served.port):
        found = [served.ask("GET", path).status for path in ("/healthz", "/loops/")]
    with slow_senders(served, served.app_port), pytest.raises(TimeoutError):
        ask_plainly(served.app_port, timeout=1)

    assert found == [200, 200]


def ask_plainly(port: int, *, timeout: float = 20, headers: dict[str, str] | None = None) -> bytes:
    """Ask without a session and return what came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/healthz", headers=headers or {})
        return connection.getresponse().read()
    finally:
        connection.close()


@contextmanager
def slow_senders(served: Served, port: int) -> Iterator[None]:
    told = served.headers(
        Host="127.0.0.1",
        Upload_Offset="0",
        Content_Type="application/offset+octet-stream",
        Content_Length=str(MIB),
    )
    lines = [f"{name}: {value}" for name, value in told.items()]
    path = "/uploads/00000000-0000-4000-8000-000000000000/"
    head = "\r\n".join([f"PATCH {path} HTTP/1.1", *lines, "", ""]).encode()
    with ExitStack() as stack:
        for _ in range(6):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            line.sendall(head + EBML)
        time.sleep(0.3)  # for the app to take them up, where it is asked at once
        yield


class Echo(BaseHTTPRequestHandler):
    """An app that tells the headers that it was asked with."""

    def do_GET(self) -> None:
        told = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@needs_nginx
@pytest.mark.parametrize(
    ("trusted", "address", "scheme"),
    [("127.0.0.1/32", "203.0.113.7", "https"), ("192.0.2.0/24", "127.0.0.1", "http")],
)
def test_the_app_is_told_what_the_trusted_proxy_says_of_a_caller_and_nobody_else(
    tmp_path: Path, trusted: str, address: str, scheme: str
) -> None:
    """A caller who writes such headers alone is known by the address that the call came from."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as app:
        threading.Thread(target=app.serve_forever).start()
        port = app.server_address[1]
        with nginx.Nginx(
            tmp_path, app_port=port, media_dir=tmp_path, trusted_proxy=trusted
        ) as proxy:
            sent = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
            told = json.loads(ask_plainly(proxy.port, headers=sent))
        app.shutdown()

    assert (told["X-Forwarded-For"], told["X-Forwarded-Proto"]) == (address, scheme)
    assert told["Host"] == f"127.0.0.1:{proxy.port}"
