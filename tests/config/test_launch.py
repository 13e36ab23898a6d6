"""`make run` and `make stop` as a person meets them: one clear line, one Ctrl-C, nothing left."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from config.embedded import Embedded
from tests.waiting import wait_until

LAUNCH = [sys.executable, "-m", "config.launch"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A local folder of its own, which as root the servers' user can pass."""
    base = Path(tempfile.mkdtemp(prefix="plumb line "))
    base.chmod(0o755)
    yield base / ".local"
    launch("--stop", env=environment(base / ".local", 1, DEBUG="on"))
    shutil.rmtree(base)
    shutil.rmtree(Embedded(base / ".local").sockets, ignore_errors=True)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, port: int, **more: str) -> dict[str, str]:
    """Return the variables of a run that shares nothing with this test's own servers."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "ENV_FILE": "none", "LOCAL_DIR": str(folder), "PORT": str(port), **more}


def launch(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LAUNCH, *arguments],
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def processes_of(folder: Path) -> list[str]:
    """Return the command lines that hold something of the folder open or are marked with it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environ = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            working = str((process / "cwd").resolve())
        except OSError:
            continue
        if f"PLUMBLINE_RUN={folder}".encode() in environ or working.startswith(str(folder)):
            found.append(command)
    return found


def start(folder: Path, port: int, output: Path) -> subprocess.Popen[bytes]:
    """Start a run like production's but for TLS and embedded servers; return when it answers."""
    env = environment(
        folder,
        port,
        DEBUG="off",
        ALLOW_EMBEDDED="on",
        HAS_TLS="off",
        SECRET_KEY="x" * 50,
        SITE_URL=f"http://127.0.0.1:{port}",
        WEB_WORKERS="1",
        WORKER_PROCESSES="1",
    )
    with output.open("wb") as log:
        process = subprocess.Popen(
            LAUNCH,
            cwd=settings.BASE_DIR,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_until(
        lambda: "Plumbline runs at" in output.read_text() or process.poll() is not None, seconds=60
    )
    assert process.poll() is None, output.read_text()
    return process


def test_a_taken_port_gets_one_line(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = launch(env=environment(folder, port))

    assert done.returncode == 1
    said = f"plumbline: Port {port} cannot be used (Address already in use): try PORT={port + 1}.\n"
    assert done.stderr == said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"DEBUG": "on", "HOST": "0.0.0.0"},  # noqa: S104
            "DEBUG=on shows the app's insides to whoever reaches it: HOST=127.0.0.1, or DEBUG=off.",
        ),
        ({"DEBUG": "off"}, "SITE_URL is not set. .env.example says what it is for."),
        ({"PORT": "http"}, "PORT is 'http': it must be a whole number from 1 to 65535."),
        (
            {
                "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
                "REDIS_URL": "redis://127.0.0.1:9",
            },
            "The database does not answer: connection failed: connection to server at "
            '"127.0.0.1", port 9 failed: Connection refused',
        ),
    ],
)
def test_a_wrong_setting_gets_one_line(
    folder: Path, port: int, more: dict[str, str], said: str
) -> None:
    done = launch(env={**environment(folder, port), **more})

    assert (done.stderr, done.returncode) == (f"plumbline: {said}\n", 1)


def test_a_management_command_says_one_line_too(folder: Path, port: int) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env=environment(folder, port, SITE_URL="https://a.example", SECRET_KEY="x"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == (
        "manage.py: DATABASE_URL and REDIS_URL must be set when DEBUG is off "
        "(or ALLOW_EMBEDDED=on: embedded servers).\n"
    )


def test_stop_without_a_run_says_so(folder: Path, port: int) -> None:
    done = launch("--stop", env=environment(folder, port))

    assert (done.stdout, done.stderr, done.returncode) == ("Nothing runs.\n", "", 0)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc, as Linux has it")
def test_one_signal_leaves_nothing_and_a_killed_run_is_cleared_away(
    folder: Path, port: int, tmp_path: Path
) -> None:
    first = start(folder, port, tmp_path / "first.log")
    url = f"http://127.0.0.1:{port}/readyz"
    with urllib.request.urlopen(url, timeout=10) as response:
        assert response.status == 200
    again = launch(env=environment(folder, port, DEBUG="on"))
    said = "The app runs already from this checkout: `make stop` ends it."
    assert (again.stderr, again.returncode) == (f"plumbline: {said}\n", 1)
    os.killpg(first.pid, signal.SIGINT)
    assert first.wait(timeout=30) == 0
    assert processes_of(folder) == []

    second = start(folder, port, tmp_path / "second.log")
    second.kill()
    second.wait()
    assert processes_of(folder) != []
    third = start(folder, port, tmp_path / "third.log")
    third.kill()
    third.wait()
    stopped = launch("--stop", env=environment(folder, port, DEBUG="on"))
    assert (stopped.stdout, stopped.stderr) == ("Nothing runs any more.\n", "")
    assert processes_of(folder) == []
