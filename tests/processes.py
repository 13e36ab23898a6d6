"""Processes of the app that a test starts: where they find this run's rows, and a web server."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from config.servers.nginx import free_port

STARTS_WITHIN_S = 30


def addresses() -> dict[str, str]:
    """Return the environment by which a process of the app works on the test's rows."""
    at = connection.settings_dict
    login = quote(at["USER"]) + (f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else "")
    port = f"&port={at['PORT']}" if at["PORT"] else ""
    return {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"postgresql://{login}@/{at['NAME']}?host={quote(at['HOST'])}{port}",
        "REDIS_URL": settings.REDIS_URL,
        "MEDIA_DIR": str(settings.MEDIA_DIR),
    }


class Server:
    """gunicorn as in production, on this run's rows and files; made by `serving`."""

    def __init__(self, log: Path, **environment: str) -> None:
        self.log = log
        self.port = free_port()
        self.environment = {"HOST": "127.0.0.1", "PORT": str(self.port), **environment}
        self.start()

    def start(self) -> None:
        """Start it, again on the same port where it was killed, and wait until it answers."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py"],
                cwd=settings.BASE_DIR,
                env={**os.environ, **addresses(), **self.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self.log.read_text())
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """Return the id of the process above the workers."""
        return self._process.pid

    def kill(self) -> None:
        """End it and its workers at once, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as told:
                return bool(told.status == 200)
        except OSError:
            return False


@contextmanager
def serving(log: Path, **environment: str) -> Iterator[Server]:
    """Serve the app from a process of its own; what it logs goes to that file."""
    server = Server(log, **environment)
    try:
        yield server
    finally:
        server.kill()
