"""Reminders while worker and beat are killed: a real mail server counts what reaches it.

Each reminder comes, none is lost, and only one whose worker died between the server's word and our
commit comes again, under the same Message-ID.
"""

import email
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pytest
import redis
from aiosmtpd.controller import Controller
from django.conf import settings
from django.utils import timezone

from loops.actions import bookings
from loops.models import Mock, Notice
from tests import factories
from tests.processes import addresses
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MOCKS = 10
LEAD = timedelta(hours=2)
TICK = timedelta(seconds=1)


class Postbox:
    """What a mail server has taken, and at which mail its sender dies.

    `die_after` so many were taken, its sender dies between the server's word and its own commit;
    `die_before` another one is taken, it dies while it hands that over.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []
        self.die_before = -1
        self.die_after = -1
        self.victim: Process | None = None
        self.death = Event()
        self._lock = Lock()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail, unless its sender is to die while it hands it over."""
        with self._lock:
            if len(self.taken) == self.die_before:
                self.die_before = -1
                self._kill()
                return "451 Nobody listens"
            message = email.message_from_bytes(envelope.content)
            (recipient,) = envelope.rcpt_tos
            self.taken.append((message["Message-ID"], recipient, envelope.content))
        return "250 Taken"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Say goodbye: who says QUIT has read that the mail was taken, and commits next."""
        with self._lock:
            if len(self.taken) == self.die_after:
                self.die_after = -1
                self._kill()
        return "221 Bye"

    def _kill(self) -> None:
        assert self.victim is not None
        self.victim.kill()
        self.death.set()

    @property
    def counts(self) -> Counter[str]:
        """Count the mails by Message-ID."""
        return Counter(message_id for message_id, _recipient, _content in self.taken)


class Process:
    """A process of the app in a session of its own, so that it dies with its children."""

    def __init__(self, command: str, log: Path, port: int) -> None:
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "config", *command.split()],
                cwd=settings.BASE_DIR,
                env={
                    **os.environ,
                    **addresses(),
                    "DJANGO_SETTINGS_MODULE": "tests.journeys.mail_settings",
                    "EMAIL_URL": f"smtp://127.0.0.1:{port}",
                    "LOG_LEVEL": "INFO",
                    "OPENBLAS_NUM_THREADS": "1",
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()


class House:
    """The worker and the beat of this test, which die and come back."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.started: list[Process] = []

    def worker(self) -> Process:
        """Start a worker and wait until it takes tasks."""
        log = self.folder / f"worker-{len(self.started)}.log"
        name = f"mail-{os.getpid()}-{len(self.started)}@localhost"
        made = self._start(f"worker -c 1 -Q default --without-mingle -n {name}", log)
        wait_until(lambda: " ready" in log.read_text() or made.popen.poll() is not None)
        return made

    def beat(self) -> Process:
        """Start the beat; it goes on from where the one before it was."""
        log = self.folder / f"beat-{len(self.started)}.log"
        return self._start(f"beat -s {self.folder / 'schedule'} --pidfile=", log)

    def _start(self, command: str, log: Path) -> Process:
        made = Process(command, log, self.port)
        self.started.append(made)
        return made


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, int]]:
    """A mail server on a free port."""
    box = Postbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, port
    server.stop()


@pytest.fixture
def house(transactional_db: None, postbox: tuple[Postbox, int], tmp_path: Path) -> Iterator[House]:
    """What may be started and killed; the test's end ends all of it, and nothing else."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    house = House(tmp_path, postbox[1])
    yield house
    for process in house.started:
        process.kill()
        sys.stdout.write(process.log.read_text())  # pytest shows it when the test fails


def test_no_reminder_is_lost_and_none_comes_under_two_names(
    postbox: tuple[Postbox, int], house: House
) -> None:
    box, _port = postbox
    reminders = _reminders(timezone.now())
    names = {notice.message_id for notice in reminders}
    beat, worker = house.beat(), house.worker()

    # The worker dies after the server's word, before our commit.
    box.victim, box.die_after = worker, 3
    _come_due(reminders[:8])
    assert box.death.wait(timeout=20)
    box.death.clear()
    (doubtful,) = Notice.objects.filter(mail_state="sending")
    assert box.taken[-1][0] == doubtful.message_id
    assert doubtful.mail_held_until is not None

    # Another takes up the rest, and leaves alone what may still be in the dead one's hands. It
    # dies before the server has taken its next mail.
    box.victim, box.die_before = house.worker(), 6
    assert box.death.wait(timeout=20)
    box.death.clear()
    assert box.counts[doubtful.message_id] == 1
    assert Notice.objects.filter(mail_state="sending").count() == 2

    # Beat and worker are both gone while reminders come due.
    beat.kill()
    _come_due(reminders[8:14])
    beat, worker = house.beat(), house.worker()
    wait_until(lambda: Notice.objects.filter(mail_state="sent").count() == 12)

    # The worker is killed while nothing is under way, and the beat in the middle of the rest.
    worker.kill()
    house.worker()
    _come_due(reminders[14:])
    wait_until(lambda: len(box.taken) >= 16)
    beat.kill()
    house.beat()

    # Two minutes later what the dead held is free.
    _let_holds_lapse()
    wait_until(lambda: not Notice.objects.exclude(mail_state="sent").exists())

    assert set(box.counts) == names
    assert {name for name, count in box.counts.items() if count > 1} == {doubtful.message_id}
    assert box.counts[doubtful.message_id] == 2
    _is_one_mail_each(box, reminders)


def _reminders(at: datetime) -> list[Notice]:
    """Write the reminders of ten mocks with twenty people, all due in an hour."""
    cohort = factories.cohort()
    for _number in range(MOCKS):
        one, other = factories.person(), factories.person()
        for person in (one, other):
            factories.join(cohort, person)
        mock = factories.mock(one, other, cohort, starts_at=at + LEAD + timedelta(hours=1))
        bookings.remind(mock, bookings.seats_of(mock), at)
    assert Mock.objects.count() == MOCKS
    return list(Notice.objects.order_by("pk"))


def _come_due(notices: list[Notice]) -> None:
    """Let reminders come due, one every tenth of a second."""
    for number, notice in enumerate(notices):
        due_at = timezone.now() + number * TICK / 10
        Notice.objects.filter(pk=notice.pk).update(due_at=due_at)


def _let_holds_lapse() -> None:
    """Do what two minutes do."""
    held = Notice.objects.filter(mail_state="sending")
    held.update(mail_held_until=timezone.now())


def _is_one_mail_each(box: Postbox, reminders: list[Notice]) -> None:
    """Each name has one recipient, one text, and each person one name."""
    told = {notice.message_id: notice.person.email for notice in reminders}
    assert {(name, recipient) for name, recipient, _content in box.taken} == set(told.items())
    bodies = {(name, _body(content)) for name, _recipient, content in box.taken}
    assert len(bodies) == len(told)


def _body(content: bytes) -> str:
    (plain, *_others) = (
        part
        for part in email.message_from_bytes(content).walk()
        if part.get_content_type() == "text/plain"
    )
    text = plain.get_payload(decode=True)
    assert isinstance(text, bytes)
    return text.decode()
