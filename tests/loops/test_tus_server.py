"""The upload protocol against a real gunicorn: what a client is told, and what is on the disk.

The rows are written by other connections, so the server sees them, and emptied once at the end.
Each case has a member of its own.
"""

import base64
import hashlib
import http.client
import json
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client

from loops import blobs
from loops.models import Attempt, Recording, Upload, User
from tests import factories
from tests.processes import Server, serving
from tests.threads import together
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db

EBML = b"\x1a\x45\xdf\xa3"
KIB, MIB = 1024, 1024 * 1024
TOKEN = "k" * 32


def film(size: int) -> bytes:
    """Return bytes that begin as a recording does."""
    return EBML + os.urandom(size - len(EBML))


@dataclass
class Answer:
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["code"]) if self.body else ""

    @property
    def offset(self) -> int:
        return int(self.headers["Upload-Offset"])


@dataclass
class Member:
    """Somebody who is signed in, speaks tus and has a draft."""

    port: int
    person: User
    attempt: Attempt
    cookies: str
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: Any) -> Answer:
        """Ask in one go. A header's name has _ for -; one that is None is left out."""
        with closing(self.begin(method, path, len(body), **headers)) as line:
            line.sendall(body)
            return self.hear(line, method)

    def begin(self, method: str, path: str, size: int | None, **headers: Any) -> socket.socket:
        """Send the head of a request, to go on with its body by hand."""
        told: dict[str, Any] = {
            "Host": "127.0.0.1",
            "Cookie": self.cookies,
            "X-CSRFToken": TOKEN,
            "Tus-Resumable": "1.0.0",
            "Content-Length": size,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = [f"{name}: {value}" for name, value in told.items() if value is not None]
        line = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        line.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode())
        return line

    @staticmethod
    def hear(line: socket.socket, method: str = "PATCH") -> Answer:
        """Read the answer."""
        response = http.client.HTTPResponse(line, method=method)
        response.begin()
        return Answer(response.status, dict(response.headers), response.read())

    def open(self, length: int | None = None, attempt: Attempt | None = None) -> Answer:
        """Open an upload, which the others go on with."""
        lengths = {"Upload_Length": length} if length else {"Upload_Defer_Length": "1"}
        path = f"/attempts/{(attempt or self.attempt).public_id}/tracks/"
        told = "role dXBsb2Fk,filetype dmlkZW8vd2VibQ=="
        answer = self.ask("POST", path, Upload_Metadata=told, **lengths)
        self.path = answer.headers.get("Location", "")
        return answer

    def append(self, body: bytes, offset: int = 0, **headers: Any) -> Answer:
        return self.ask("PATCH", self.path, body, **self._of_an_append(offset, headers))

    def begin_append(self, size: int | None, offset: int = 0, **headers: Any) -> socket.socket:
        return self.begin("PATCH", self.path, size, **self._of_an_append(offset, headers))

    def head(self) -> Answer:
        return self.ask("HEAD", self.path)

    @property
    def upload(self) -> Upload:
        return Upload.objects.get(public_id=self.path.strip("/").split("/")[1])

    @property
    def staged(self) -> Path:
        return blobs.staged_path(self.upload.staging_key)

    @staticmethod
    def _of_an_append(offset: int, headers: dict[str, Any]) -> dict[str, Any]:
        kind = "application/offset+octet-stream"
        return {"Content_Type": kind, "Upload_Offset": offset, **headers}


def checksum(body: bytes) -> str:
    return f"sha256 {base64.b64encode(hashlib.sha256(body).digest()).decode()}"


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The app on this run's test database, whose rows are committed while it runs."""
    log = tmp_path_factory.mktemp("server") / "log"
    with django_db_blocker.unblock():
        try:
            with serving(log, WEB_WORKERS="2", WEB_THREADS="8") as server:
                yield server
        finally:
            call_command("flush", verbosity=0, interactive=False)
            connections.close_all()


@pytest.fixture
def join(server: Server) -> Callable[[], Member]:
    """Let one more person join, with a draft to record."""

    def make() -> Member:
        person = factories.person()
        round_ = factories.loop(person, factories.cohort(person)).rounds.get()
        attempt = factories.attempt(round_, state="draft", predicted_rank=2)
        client = Client()
        client.force_login(person)
        session = client.cookies[settings.SESSION_COOKIE_NAME]
        cookies = f"{session.key}={session.value}; {settings.CSRF_COOKIE_NAME}={TOKEN}"
        return Member(server.port, person, attempt, cookies)

    return lambda: committed(make)


def committed(work: Callable[[], Any]) -> Any:
    """Write rows for good, by a connection of its own: this test's are never seen by others."""
    (made,) = together([work])
    if isinstance(made, Exception):
        raise made
    return made


@pytest.fixture
def member(join: Callable[[], Member]) -> Member:
    """Somebody with an open upload of which the first 1,000 bytes have arrived."""
    made = join()
    made.open()
    assert made.append(film(1000)).status == 204
    return made


BODY = film(3 * MIB)
"""Enough that an answer before its end would break the connection."""

REFUSALS: dict[str, tuple[dict[str, Any], int, str]] = {
    "a duplicate": ({"Upload_Offset": 0}, 409, "wrong_offset"),
    "out of order": ({"Upload_Offset": 5000}, 409, "wrong_offset"),
    "damaged": ({"Upload_Checksum": checksum(b"others")}, 460, "checksum_mismatch"),
    "an unknown checksum": ({"Upload_Checksum": "crc32 eA=="}, 400, "malformed"),
    "no offset": ({"Upload_Offset": None}, 400, "malformed"),
    "no version": ({"Tus_Resumable": None}, 412, "tus_version"),
    "a newer version": ({"Tus_Resumable": "2.0.0"}, 412, "tus_version"),
    "another type": ({"Content_Type": "application/octet-stream"}, 415, "content_type"),
    "no type": ({"Content_Type": None}, 415, "content_type"),
    "longer than told": ({"Upload_Length": 2000}, 400, "wrong_length"),
    "no key": ({"X_CSRFToken": None}, 403, "stale_key"),
    "signed out": ({"Cookie": f"{settings.CSRF_COOKIE_NAME}={TOKEN}"}, 403, "signed_out"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refused_append_is_heard_to_its_end_and_changes_nothing(
    member: Member, case: str
) -> None:
    headers, status, code = REFUSALS[case]
    before = member.staged.read_bytes()

    answer = member.append(BODY, 1000, **headers)

    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    if status in {409, 460}:
        assert answer.offset == 1000
    assert member.staged.read_bytes() == before
    assert member.head().offset == 1000


def test_limits_are_told_apart(join: Callable[[], Member], member: Member) -> None:
    too_large = member.append(bytes(8 * MIB + 1), 1000)
    mine = User.objects.filter(pk=member.person.pk)
    committed(lambda: mine.update(quota_bytes=2000))
    over_quota = member.append(bytes(MIB), 1000)
    upload = Upload.objects.filter(pk=member.upload.pk)
    committed(lambda: upload.update(most_bytes=2000))
    over_limit = member.append(bytes(1001), 1000)
    other = join()
    other.open()
    no_media = other.append(b"<!doctype html>" + bytes(MIB))

    told = [(one.status, one.code, one.offset) for one in (too_large, over_quota, over_limit)]
    assert told == [
        (413, "chunk_too_large", 1000),
        (413, "quota", 1000),
        (413, "too_large", 1000),
    ]
    assert (no_media.status, no_media.code, other.head().offset) == (415, "no_media", 0)
    assert member.head().offset == 1000


def test_a_body_of_unknown_length_is_refused(member: Member) -> None:
    with closing(member.begin_append(None, 1000, Transfer_Encoding="chunked")) as line:
        line.sendall(b"5\r\nabcde\r\n0\r\n\r\n")
        answer = member.hear(line)

    assert (answer.status, answer.code) == (411, "no_length")
    assert member.head().offset == 1000


@pytest.mark.parametrize("is_checked", [False, True])
def test_a_cut_connection_keeps_what_came_unless_it_cannot_be_checked(
    member: Member, *, is_checked: bool
) -> None:
    before, body = member.staged.read_bytes(), os.urandom(100_000)
    headers = {"Upload_Checksum": checksum(body)} if is_checked else {}

    with closing(member.begin_append(len(body), 1000, **headers)) as line:
        line.sendall(body[:70_000])
        wait_until(lambda: member.staged.stat().st_size > len(before))  # the server is at it
    wait_until(lambda: member.append(b"", 10**9).status != 423)  # and has seen it end

    kept = b"" if is_checked else body[:70_000]
    assert member.head().offset == len(before) + len(kept)
    assert member.staged.read_bytes() == before + kept
    assert member.append(body[len(kept) :], 1000 + len(kept)).status == 204
    assert member.staged.read_bytes() == before + body


def test_a_second_window_is_told_that_the_first_one_writes(member: Member) -> None:
    with closing(member.begin_append(200_000, 1000)) as line:
        line.sendall(bytes(100_000))
        wait_until(lambda: member.staged.stat().st_size > 1000)  # the server is at it
        busy = member.append(bytes(MIB), 1000)
        line.sendall(bytes(100_000))
        taken = member.hear(line)

    assert (busy.status, busy.code, busy.headers["Retry-After"]) == (423, "busy", "1")
    assert (taken.status, taken.offset) == (204, 201_000)


def test_of_racing_appends_one_is_taken(member: Member) -> None:
    before, start = member.staged.read_bytes(), Barrier(8)
    bodies = [bytes([65 + n]) * 300_000 for n in range(8)]

    def send(body: bytes) -> int:
        start.wait(timeout=10)
        return member.append(body, 1000).status

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(send, bodies))

    assert told.count(204) == 1
    assert {*told} <= {204, 409, 423, 503}  # half of a process's threads take bytes
    assert member.staged.read_bytes() == before + bodies[told.index(204)]
    assert member.head().offset == 301_000


def test_a_file_is_sent_in_pieces_and_finishes_itself(join: Callable[[], Member]) -> None:
    member, body = join(), film(5 * MIB + 7)
    opened = member.open(len(body))

    offset = 0
    while offset < len(body):
        piece = body[offset : offset + 2 * MIB]
        offset = member.append(piece, offset, Upload_Checksum=checksum(piece)).offset
    late, standing = member.append(b"more", len(body)), member.head()

    assert opened.status == 201
    assert member.staged.read_bytes() == body
    assert Recording.objects.get(attempt=member.attempt).state == "uploaded"
    assert (late.status, late.code, late.offset) == (409, "not_recording", len(body))
    assert (standing.offset, standing.headers["Upload-Length"]) == (len(body), str(len(body)))


def test_a_method_may_come_in_a_header(member: Member) -> None:
    taken = member.ask(
        "POST",
        member.path,
        b"more",
        Content_Type="application/offset+octet-stream",
        Upload_Offset=1000,
        X_HTTP_Method_Override="PATCH",
    )
    gone = member.ask("POST", member.path, X_HTTP_Method_Override="DELETE")

    assert (taken.status, taken.offset, gone.status) == (204, 1004, 204)


def test_what_was_discarded_is_gone_and_nothing_of_it_is_left(
    join: Callable[[], Member], member: Member
) -> None:
    path, stranger = member.staged, join()
    stranger.path = member.path

    foreign = [stranger.append(BODY, 1000), stranger.head(), stranger.ask("DELETE", member.path)]
    deleted = member.ask("DELETE", member.path)
    after = [member.append(BODY, 1000), member.head()]

    assert [one.status for one in foreign] == [404, 404, 404]
    assert (deleted.status, deleted.headers["Tus-Resumable"]) == (204, "1.0.0")
    assert [one.status for one in after] == [410, 410]
    assert not path.exists()


def test_a_fifth_open_recording_is_refused(member: Member) -> None:
    cohort = member.attempt.round.loop.cohort

    def another() -> Attempt:
        round_ = factories.loop(member.person, cohort).rounds.get()
        return factories.attempt(round_, state="draft", predicted_rank=2)

    for number in range(4):
        answer = member.open(attempt=committed(another))
        if number < 3:
            assert (answer.status, member.append(film(9)).status) == (201, 204)

    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (
        429,
        "too_many_open",
        "10",
    )


def test_a_server_that_is_killed_goes_on_where_it_had_acknowledged(
    server: Server, member: Member
) -> None:
    first, body = member.staged.read_bytes(), os.urandom(6 * MIB)

    with closing(member.begin_append(len(body), 1000)) as line:
        line.sendall(body[: 4 * MIB])
        wait_until(lambda: member.staged.stat().st_size > 2 * MIB)
        server.kill()
    left = member.staged.stat().st_size
    server.start()
    standing = member.head().offset
    resumed = member.append(body, standing)

    assert left > 2 * MIB
    assert standing == 1000
    assert (resumed.status, resumed.offset) == (204, 1000 + len(body))
    assert member.staged.read_bytes() == first + body


def test_memory_stays_flat_while_bytes_come_in(server: Server, member: Member) -> None:
    """A body that is held would show: each is larger than what both workers may grow by."""

    def peaks_kib() -> dict[int, int]:
        return {pid: _peak_kib(pid) for pid in _children(server.pid)}

    sizes, offset = [*[64 * KIB] * 12, 8 * MIB], 1000  # each worker has had its first request
    for size in sizes:
        offset = member.append(os.urandom(size), offset).offset
    before = peaks_kib()
    for _piece in range(8):
        offset = member.append(os.urandom(8 * MIB), offset).offset
    after = peaks_kib()

    assert offset == 1000 + sum(sizes) + 64 * MIB
    assert {pid: after[pid] - before[pid] for pid in after if after[pid] - before[pid] > 6000} == {}


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def _peak_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
