"""How uploads hold: bytes a second, many recorders, memory, other pages beside slow senders.

Runs the app as in production on loopback (gunicorn, private PostgreSQL and Redis), first by itself
and then behind nginx with the repository's own configuration. As machines differ and are shared,
each figure also stands beside a plain write in the same run: a bare socket server that writes the
same bytes to the same disk, with fdatasync. Rates are given as a part of its rate, times as a
multiple of its time. The best of a few rounds counts. Everything started here is ended here.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import multiprocessing
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from random import Random
from types import FrameType
from typing import TYPE_CHECKING, Any

from benchmarks.servers import own_servers
from config.servers.nginx import Nginx, free_port

if TYPE_CHECKING:
    from loops.models import Attempt, User

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / ".local" / "bench-upload"
HOST = "plumbline.example"
MOST_SECONDS = 1500  # whatever happens, the run ends by then
WAIT_S = 60

KIB, MIB = 2**10, 2**20
PATCH_BYTES = 4 * MIB
ONE_CLIENT_BYTES = 256 * MIB
RECORDERS = 100
RECORDER_BYTES_A_SECOND = 150_000  # 1.2 Mbit/s
SLOW_SENDERS = 10
SLOW_BYTES_A_SECOND = 10_000
BIG_BYTES = 1024 * MIB
COME_AGAIN_S = 0.5
EBML = bytes.fromhex("1a45dfa3")
METADATA = "role Y2FtZXJh,filetype dmlkZW8vd2VibQ==,consent MQ=="  # camera, video/webm, 1

HELD_RATE_MIB = 60
HELD_RECORDERS_MS = 150
HELD_GROWTH_MB = 15
HELD_PAGES_MS = 200
HELD_SEND_CPU_S = 0.5


def main() -> int:
    """Measure both ways and print one line for each figure; return 1 where one is not held."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.upload", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=20, help="of the recorders, each round")
    asked = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, _leave)
    signal.alarm(MOST_SECONDS)
    is_held = True
    try:
        with prepared() as cast, plain_server() as plain:
            for is_behind in (False, True):
                with served(is_behind=is_behind) as stack:
                    name = "behind nginx" if is_behind else "gunicorn alone"
                    print(f"\n{name:44}{'figure':>12}{'held':>10}{'':5}{'plain write':>14}")
                    bench = Bench(stack, cast, plain, asked.rounds, asked.seconds)
                    is_held = bench.run() and is_held
    except KeyboardInterrupt:
        print("Ended before its time.")
        return 1
    return 0 if is_held else 1


def _leave(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


# What it runs on


@dataclass(frozen=True)
class Member:
    """Somebody who is signed in, with a draft to record and a file to play."""

    attempt: Attempt
    headers: dict[str, str]
    media_link: str = ""


@contextmanager
def prepared(people: int = RECORDERS, **given: str) -> Iterator[list[Member]]:
    """Lend the people, with servers of their own that end with this run.

    `given` settings, as the environment names them, win over those of a deployment.
    """
    settings = {"SITE_URL": f"https://{HOST}", "PROXIES": "1"} | given
    print("Starting PostgreSQL and Redis …", flush=True)
    with own_servers(FOLDER, **settings):
        from django.core.management import call_command  # noqa: PLC0415 - Django is there now
        from django.db import connections  # noqa: PLC0415

        call_command("collectstatic", verbosity=0, interactive=False)
        cast = _people(people)
        connections.close_all()
        yield cast


def _people(count: int) -> list[Member]:
    from tests import factories  # noqa: PLC0415

    cohort = factories.cohort()
    return [_member(factories.person(), cohort, number) for number in range(count)]


def _member(person: User, cohort: Any, number: int) -> Member:
    from django.conf import settings  # noqa: PLC0415
    from django.test import Client, RequestFactory  # noqa: PLC0415

    from loops import blobs  # noqa: PLC0415
    from loops.links import link_to  # noqa: PLC0415
    from loops.models import Attempt  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    factories.join(cohort, person)
    round_ = factories.loop(person, cohort).rounds.get()
    draft = factories.attempt(round_, state=Attempt.State.DRAFT, predicted_rank=2)
    client = Client()
    client.force_login(person)
    session, token = client.session, secrets.token_hex(16)
    cookies = {settings.SESSION_COOKIE_NAME: session.session_key, settings.CSRF_COOKIE_NAME: token}
    headers = {
        "Host": HOST,
        "Origin": f"https://{HOST}",
        "X-Forwarded-Proto": "https",
        "X-CSRFToken": token,
        "Tus-Resumable": "1.0.0",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    if number:
        return Member(draft, headers)
    answer = factories.attempt(round_)
    rendition = factories.recording(answer).tracks.get().renditions.get()
    path = Path(blobs.stored().path(rendition.name))
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for block in range(BIG_BYTES // MIB):
            file.write(big_block(block))
    rendition.size_bytes = BIG_BYTES
    rendition.save()
    request = RequestFactory().get("/")
    request.session = session
    return Member(draft, headers, link_to(request, rendition))


def big_block(number: int) -> bytes:
    """Return one MiB of the file that is played, each another."""
    return hashlib.sha256(str(number).encode()).digest() * (MIB // 32)


@dataclass
class Stack:
    """The app that is measured: where it answers, and its processes."""

    port: int
    gunicorn: subprocess.Popen[bytes]
    is_behind: bool

    def workers(self) -> list[int]:
        """Return the process ids of gunicorn's workers."""
        path = Path(f"/proc/{self.gunicorn.pid}/task/{self.gunicorn.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def rss_mb(self) -> list[float]:
        """Return the memory of each worker now, in MB."""
        return [_status_kib(pid, "VmRSS") * KIB / 1e6 for pid in self.workers()]

    def cpu_s(self) -> float:
        """Return the CPU time that the app has used, all workers together."""
        ticks = 0
        for pid in (self.gunicorn.pid, *self.workers()):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def _status_kib(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


@contextmanager
def served(*, is_behind: bool) -> Iterator[Stack]:
    """Serve the app by gunicorn, behind nginx or by itself, and end both."""
    from django.conf import settings  # noqa: PLC0415

    port = free_port()
    environ = {
        **os.environ,
        "DATABASE_URL": settings.DATABASE_URL,
        "REDIS_URL": settings.REDIS_URL,
        "MEDIA_SENDER": "nginx" if is_behind else "django",
        "HAS_BUFFERED_BODIES": "on" if is_behind else "off",
        "PORT": str(port),
    }
    with (FOLDER / f"gunicorn-{port}.log").open("wb") as log:
        gunicorn = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "python:config.gunicorn"],
            cwd=CHECKOUT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for_answer(port)
        if not is_behind:
            yield Stack(port, gunicorn, is_behind)
            return
        with Nginx(FOLDER / "nginx", app_port=port, media_dir=settings.MEDIA_DIR) as nginx:
            yield Stack(nginx.port, gunicorn, is_behind)
    finally:
        gunicorn.terminate()
        try:
            gunicorn.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            gunicorn.kill()
            gunicorn.wait()


def _wait_for_answer(port: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            if Caller(port, {"Host": HOST}).ask("GET", "/healthz").status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The app does not answer: see the log in .local/bench-upload.")


# The plain write


@contextmanager
def plain_server() -> Iterator[Plain]:
    """Run the bare server in a process of its own, as the app does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = multiprocessing.get_context("fork").Process(
            target=_write_plainly, args=(listener, FOLDER / "plain"), daemon=True
        )
        process.start()
        try:
            yield Plain(listener.getsockname()[1])
        finally:
            process.kill()
            process.join()


def _write_plainly(listener: socket.socket, path: Path) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)
    while True:
        caller, _address = listener.accept()
        with caller, path.open("wb", buffering=0) as file:
            while head := caller.recv(8, socket.MSG_WAITALL):
                left = int.from_bytes(head, "big")
                while left:
                    block = caller.recv(min(64 * KIB, left))
                    file.write(block)
                    left -= len(block)
                os.fdatasync(file.fileno())
                caller.sendall(b"k")


@dataclass(frozen=True)
class Plain:
    """The bare server: what writing costs on this disk, and nothing else."""

    port: int

    def writes(self, size: int, count: int) -> list[float]:
        """Write so many times so many bytes; return the seconds that each took."""
        body, times = os.urandom(size), []
        with socket.create_connection(("127.0.0.1", self.port), WAIT_S) as caller:
            for _ in range(count):
                started = time.perf_counter()
                caller.sendall(size.to_bytes(8, "big"))
                caller.sendall(body)
                if caller.recv(1) != b"k":
                    raise OSError("The plain server went away.")
                times.append(time.perf_counter() - started)
        return times

    def rate_mib(self, size: int) -> float:
        """Return MiB/s of a single client in pieces as large as a PATCH."""
        return size / MIB / sum(self.writes(PATCH_BYTES, size // PATCH_BYTES))


# The clients


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Caller:
    """One connection that is kept, and opened anew where the server closed it."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
        self.headers = headers

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send one request and read its answer to the end."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body or None, {**self.headers, **given})
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def close(self) -> None:
        """Let the connection go."""
        self.connection.close()


class Sender:
    """A recorder's way of sending: one upload, PATCH after PATCH, each with its checksum."""

    def __init__(self, port: int, member: Member, size: int) -> None:
        self.caller = Caller(port, member.headers)
        self.offset = 0
        self.refused = 0
        rest = os.urandom(size)
        self._bodies = (EBML + rest[len(EBML) :], rest)
        opened = self.caller.ask(
            "POST",
            f"/attempts/{member.attempt.public_id}/tracks/",
            Upload_Defer_Length="1",
            Upload_Metadata=METADATA,
        )
        if opened.status != 201:
            raise SystemExit(f"No upload was opened: {opened.status} {opened.body[:400]!r}")
        self.path = json.loads(opened.body)["append_url"]

    @cached_property
    def _checksums(self) -> tuple[str, ...]:
        return tuple(f"sha256 {b64(hashlib.sha256(body).digest())}" for body in self._bodies)

    def send(self) -> float:
        """Send one PATCH until it is safe; return the seconds that this took."""
        which = int(self.offset > 0)
        body, checksum = self._bodies[which], self._checksums[which]
        goal = self.offset + len(body)
        started = time.perf_counter()
        while self.offset < goal:
            try:
                answer = self.caller.ask(
                    "PATCH",
                    self.path,
                    body,
                    Upload_Offset=str(self.offset),
                    Upload_Checksum=checksum,
                    Content_Type="application/offset+octet-stream",
                )
            except (OSError, http.client.HTTPException):
                self._come_again(COME_AGAIN_S)  # refused before the app had read it all
                continue
            if answer.status == 204:
                self.offset = goal
            elif answer.status in {429, 502, 503}:
                self._come_again(float(answer.headers.get("Retry-After", COME_AGAIN_S)))
            else:
                raise SystemExit(f"A PATCH was refused: {answer.status} {answer.body[:400]!r}")
        return time.perf_counter() - started

    def _come_again(self, wait_s: float) -> None:
        """Wait, then ask the server what it has, as the recorder does."""
        self.refused += 1
        self.caller.close()
        time.sleep(wait_s)
        self.offset = int(self.caller.ask("HEAD", self.path).headers["Upload-Offset"])

    def take_back(self) -> None:
        """Take the upload away again, with its bytes; a connection idle till then may be shut."""
        self.caller.close()
        self.caller.ask("DELETE", self.path)
        self.caller.close()


def b64(value: bytes) -> str:
    """Write bytes as tus does."""
    return b64encode(value).decode()


# The figures


@dataclass
class Bench:
    """One way of serving, measured."""

    stack: Stack
    cast: list[Member]
    plain: Plain
    rounds: int
    seconds: int
    is_held: bool = field(default=True, init=False)

    def run(self) -> bool:
        """Measure everything, print it, and say whether each figure was held."""
        self._warm()
        self.one_client()
        self.recorders(every_s=5)
        self.recorders(every_s=1)
        self.memory()
        self.pages()
        self.sending()
        return self.is_held

    def one_client(self) -> None:
        """Send several hundred MiB by a single client."""
        best, plain = 0.0, 0.0
        for _ in range(self.rounds):
            plain = max(plain, self.plain.rate_mib(ONE_CLIENT_BYTES))
            best = max(best, self._rate_mib(ONE_CLIENT_BYTES))
        words = "one client, 4 MiB a PATCH"
        self._tell(words, best, "MiB/s", HELD_RATE_MIB, best / plain, is_least=True)

    def recorders(self, *, every_s: int) -> None:
        """Let many recorders send what they record; each second is more than is asked for."""
        size = RECORDER_BYTES_A_SECOND * every_s
        found: list[tuple[float, float, float, int, float]] = []
        for _ in range(self.rounds):
            cpu_s = self.stack.cpu_s()
            times, refused, took_s = self._record_together(size, every_s)
            cores = (self.stack.cpu_s() - cpu_s) / took_s
            found.append((p(times, 95), p(times, 50), p(times, 99), refused, cores))
        p95, p50, p99, refused, cores = min(found)
        plain = p(self.plain.writes(size, 40), 95)
        self._tell(
            f"{RECORDERS} recorders, each {every_s} s: p95",
            p95 * 1000,
            "ms",
            HELD_RECORDERS_MS,
            p95 / plain,
            is_wanted=every_s == 5,
        )
        print(
            f"  p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms; "
            f"{refused} had to come again; the app used {cores:.2f} of a core"
        )

    def memory(self) -> None:
        """Send a small and a large recording; the workers must not grow with it."""
        small, _rate = self._peak_mb(64 * MIB)
        large, rate = self._peak_mb(BIG_BYTES)
        plain = self.plain.rate_mib(ONE_CLIENT_BYTES)
        growth = max(0.0, large - small)
        self._tell("memory, 64 MiB to 1 GiB: growth", growth, "MB", HELD_GROWTH_MB, rate / plain)
        print(f"  the largest worker: {small:.0f} MB, then {large:.0f} MB, at {rate:.0f} MiB/s")

    def pages(self) -> None:
        """Ask for other pages while slow senders send."""
        page = f"/attempts/{self.cast[-1].attempt.public_id}/"
        found: dict[str, list[float]] = {page: [], "/healthz": []}
        sent = []
        for _ in range(self.rounds):
            with self._slow_senders() as count:
                times = self._ask_in_turn([*found], seconds=8)
                sent.append(count())
            for path, each in times.items():
                found[path].append(p(each, 95))
        plain = p(self.plain.writes(4 * KIB, 100), 95)
        for path, name in ((page, "attempt page"), ("/healthz", "/healthz")):
            best = min(found[path])
            words = f"{name} beside {SLOW_SENDERS} slow senders: p95"
            self._tell(words, best * 1000, "ms", HELD_PAGES_MS, best / plain)
        print(f"  slow senders that were let in: {min(sent)} of {SLOW_SENDERS}")

    def sending(self) -> None:
        """Play from a large file: ranges are right, and what the app spends on it."""
        link, caller = self.cast[0].media_link, Caller(self.stack.port, self.cast[0].headers)
        random, wrong = Random(7), 0
        for _ in range(40):
            start = random.randrange(BIG_BYTES - 3 * MIB)
            stop = start + random.randrange(1, 2 * MIB)
            answer = caller.ask("GET", link, Range=f"bytes={start}-{stop - 1}")
            told = f"bytes {start}-{stop - 1}/{BIG_BYTES}"
            is_right = answer.status == 206 and answer.headers["Content-Range"] == told
            wrong += not (is_right and answer.body == _expected(start, stop))
        cpu_s, best, plain = [], 0.0, self.plain.rate_mib(ONE_CLIENT_BYTES)
        for _ in range(self.rounds):
            used, started = self.stack.cpu_s(), time.perf_counter()
            self._read_whole(link)
            best = max(best, BIG_BYTES / MIB / (time.perf_counter() - started))
            cpu_s.append(self.stack.cpu_s() - used)
        caller.close()
        held = HELD_SEND_CPU_S if self.stack.is_behind else 8
        self._tell("1 GiB sent: the app's CPU", min(cpu_s), "s", held, best / plain)
        verdict = "all right" if not wrong else f"{wrong} WRONG"
        self.is_held = self.is_held and not wrong
        print(f"  at {best:.0f} MiB/s; 40 ranges of it: {verdict}")

    def _warm(self) -> None:
        """Let each worker load what it loads at its first requests."""
        for member in self.cast[:24]:
            sender = Sender(self.stack.port, member, 64 * KIB)
            sender.send()
            sender.caller.ask("GET", f"/attempts/{member.attempt.public_id}/")
            sender.take_back()

    def _rate_mib(self, size: int) -> float:
        sender = Sender(self.stack.port, self.cast[0], PATCH_BYTES)
        took_s = sum(sender.send() for _ in range(size // PATCH_BYTES))
        sender.take_back()
        clear()
        return size / MIB / took_s

    def _record_together(self, size: int, every_s: int) -> tuple[list[float], int, float]:
        senders = [Sender(self.stack.port, member, size) for member in self.cast]
        times: list[float] = []
        random = Random(len(senders) + every_s)
        starts = [random.uniform(0, every_s) for _ in senders]
        began = time.monotonic() + 0.5

        def record(sender: Sender, due: float) -> None:
            while due < began + self.seconds:
                time.sleep(max(0.0, due - time.monotonic()))
                times.append(sender.send())
                due += every_s

        pairs = zip(senders, starts, strict=True)
        together([partial(record, sender, began + start) for sender, start in pairs])
        took_s = time.monotonic() - began
        for sender in senders:
            sender.take_back()
        clear()
        return times, sum(sender.refused for sender in senders), took_s

    def _peak_mb(self, size: int) -> tuple[float, float]:
        """Return the most memory of a worker while so much is sent, and the rate."""
        peak, is_over = [0.0], threading.Event()

        def watch() -> None:
            while not is_over.wait(0.05):
                peak[0] = max(peak[0], *self.stack.rss_mb())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            rate = self._rate_mib(size)
        finally:
            is_over.set()
            watcher.join()
        return peak[0], rate

    @contextmanager
    def _slow_senders(self) -> Iterator[Callable[[], int]]:
        """Keep slow senders busy; the function lent counts those that still send."""
        is_over, count = threading.Event(), [0]
        senders = [Sender(self.stack.port, member, KIB) for member in self.cast[:SLOW_SENDERS]]

        def send_slowly(sender: Sender) -> None:
            piece = SLOW_BYTES_A_SECOND // 10
            with socket.create_connection(("127.0.0.1", self.stack.port), WAIT_S) as line:
                told = {
                    **sender.caller.headers,
                    "Upload-Offset": "0",
                    "Content-Type": "application/offset+octet-stream",
                    "Content-Length": str(MIB),
                }
                lines = [f"{name}: {value}" for name, value in told.items()]
                line.sendall(
                    "\r\n".join([f"PATCH {sender.path} HTTP/1.1", *lines, "", ""]).encode()
                )
                line.sendall(EBML)
                count[0] += 1
                line.setblocking(False)
                while not is_over.wait(0.1):
                    try:
                        line.send(b"\0" * piece)
                        line.recv(1)
                    except BlockingIOError:
                        continue
                    except OSError:
                        pass
                    count[0] -= 1  # it was refused: there is an answer, or no line any more
                    return

        threads = [threading.Thread(target=send_slowly, args=(each,)) for each in senders]
        for thread in threads:
            thread.start()
        try:
            time.sleep(1)
            yield lambda: count[0]
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
            time.sleep(1)  # the app reads what is left of them, and finds that they are gone
            for sender in senders:
                sender.take_back()

    def _ask_in_turn(self, paths: list[str], seconds: float) -> dict[str, list[float]]:
        times: dict[str, list[float]] = {path: [] for path in paths}
        caller = Caller(self.stack.port, self.cast[-1].headers)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for path in paths:
                started = time.perf_counter()
                status = caller.ask("GET", path).status
                times[path].append(time.perf_counter() - started)
                if status != 200:
                    raise SystemExit(f"{path} answered {status}.")
                time.sleep(0.02)
        caller.close()
        return times

    def _read_whole(self, link: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=WAIT_S)
        connection.request("GET", link, headers=self.cast[0].headers)
        response = connection.getresponse()
        left = BIG_BYTES
        while block := response.read(MIB):
            left -= len(block)
        connection.close()
        if left:
            raise SystemExit(f"{left} bytes of the file did not come.")

    def _tell(
        self,
        words: str,
        figure: float,
        unit: str,
        held: float,
        ratio: float,
        *,
        is_least: bool = False,
        is_wanted: bool = True,
    ) -> None:
        """Print one line; what is wanted behind nginx and not held is remembered."""
        is_held = figure >= held if is_least else figure <= held
        if is_wanted and self.stack.is_behind:
            self.is_held = self.is_held and is_held
        shown = f"{figure:.1f} {unit}"
        limit = f"{'≥' if is_least else '≤'} {held:g}"
        verdict = "OK" if is_held else "NOT"
        print(f"{words:44}{shown:>12}{limit:>10} {verdict:>4}{ratio:>13.2f}×", flush=True)


def clear() -> None:
    """Remove the bytes of uploads that were taken back, as a worker would."""
    from django.utils import timezone  # noqa: PLC0415

    from loops.actions import recordings  # noqa: PLC0415

    while recordings.clear_left(at=timezone.now()):
        pass


def together(jobs: list[Callable[[], None]]) -> None:
    """Run jobs at once, each in a thread of its own; a failure of one is told."""
    failures: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def p(times: list[float], percent: int) -> float:
    """Return a percentile: the time that so many of a hundred do not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _expected(start: int, stop: int) -> bytes:
    first = start // MIB
    blocks = b"".join(map(big_block, range(first, (stop - 1) // MIB + 1)))
    return blocks[start - first * MIB : stop - first * MIB]


if __name__ == "__main__":
    sys.exit(main())
