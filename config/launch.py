"""What `make run` and `make stop` do: everything on this machine, under one Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from config.env import EnvError, load
from config.servers.server import EmbeddedError, make_folder, open_lock, try_lock

if TYPE_CHECKING:
    from config.embedded import Embedded

CHECKOUT = Path(__file__).resolve().parent.parent
MARK = "PLUMBLINE_RUN"  # in the environment of each process of a run: how a killed run is found
LOOPBACK = ("127.0.0.1", "localhost", "::1")
READY_WITHIN_S = 60
END_WITHIN_S = 10


class LaunchError(Exception):
    """The app cannot be started here; the message is one line that says what to do."""


def main() -> int:
    """Run or stop the app; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m config.launch", description=__doc__)
    parser.add_argument("--stop", action="store_true", help="end what an earlier run left behind")
    is_stopping = parser.parse_args().stop
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _leave)  # SIGINT too: a shell's background job would ignore it
    try:
        _choose_environment()
        return _stop() if is_stopping else _run()
    except (LaunchError, EnvError, EmbeddedError) as problem:
        sys.stderr.write(f"plumbline: {problem}\n")
        return 1
    except KeyboardInterrupt:
        return 0


def _leave(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _choose_environment() -> None:
    """Take development's settings on a loopback address unless the environment says otherwise."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    env = load(CHECKOUT)
    is_loopback = env.text("HOST", LOOPBACK[0]) in LOOPBACK
    if is_loopback and not env.has("DEBUG"):
        os.environ["DEBUG"] = "on"
    elif not is_loopback and env.flag("DEBUG", False):
        raise LaunchError(
            "DEBUG=on shows the app's insides to whoever reaches it: HOST=127.0.0.1, or DEBUG=off."
        )
    if not env.has("HAS_HASHED_STATIC"):
        os.environ["HAS_HASHED_STATIC"] = "on"  # the pages as they are served in production


def _run() -> int:
    from django.conf import settings  # noqa: PLC0415 - the environment is chosen first

    _make_local_dir(settings.LOCAL_DIR)
    with _only_run(settings.LOCAL_DIR):
        _end_leftovers(settings.LOCAL_DIR)
        _check_port(settings.HOST, settings.PORT)
        embedded: Embedded | None = settings.EMBEDDED
        try:
            if embedded is not None:
                _tell("Starting PostgreSQL and Redis …")
                embedded.ensure(needs_redis=True)
            sign_ins = _prepare()
            return _serve(sign_ins)
        finally:
            if embedded is not None:
                embedded.release()
            _tell("Stopped.")


def _stop() -> int:
    from django.conf import settings  # noqa: PLC0415

    lock = settings.LOCAL_DIR / "run.lock"
    if not lock.exists():
        _tell("Nothing runs.")
        return 0
    descriptor = open_lock(lock)
    launcher = _launcher(lock)
    if not try_lock(descriptor) and launcher:
        os.kill(launcher, signal.SIGTERM)
        if not _wait_for(descriptor, 3 * END_WITHIN_S):
            raise LaunchError(f"The run with process id {launcher} does not end.")
    _end_leftovers(settings.LOCAL_DIR)
    deadline = time.monotonic() + END_WITHIN_S  # what ended a moment ago counts as a user still
    while settings.EMBEDDED is not None and not settings.EMBEDDED.stop_unused():
        if time.monotonic() > deadline:
            raise LaunchError(
                "The embedded servers stay up: another command of this checkout uses them."
            )
        time.sleep(0.1)
    _tell("Nothing runs any more.")
    return 0


def _make_local_dir(local_dir: Path) -> None:
    from django.conf import settings  # noqa: PLC0415

    if settings.EMBEDDED is not None:
        settings.EMBEDDED.make_local_dir()
    else:
        make_folder(local_dir, None)


@contextlib.contextmanager
def _only_run(local_dir: Path) -> Iterator[None]:
    """Hold the checkout's run lock; its file holds the process id for `make stop`."""
    lock = local_dir / "run.lock"
    descriptor = open_lock(lock)
    try:
        if not try_lock(descriptor):
            if _launcher(lock) is None:  # it was killed, and what it started holds the lock on
                _end_leftovers(local_dir)
            if _launcher(lock) or not _wait_for(descriptor, END_WITHIN_S):
                raise LaunchError("The app runs already from this checkout: `make stop` ends it.")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        os.environ[MARK] = str(local_dir)
        yield
    finally:
        os.close(descriptor)


def _launcher(lock: Path) -> int | None:
    """Return the process id of the launcher that wrote the lock file, if that one lives."""
    with contextlib.suppress(ValueError, OSError):
        process_id = int(lock.read_text())
        os.kill(process_id, 0)
        command = Path("/proc", str(process_id), "cmdline")
        if not Path("/proc/self").exists() or b"config.launch" in command.read_bytes():
            return process_id
    return None


def _wait_for(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not try_lock(descriptor):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _end_leftovers(local_dir: Path) -> None:
    """End the processes of a run that was killed before it could end them itself (Linux only)."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        for process_id in _marked_processes(local_dir):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process_id, signum)
        deadline = time.monotonic() + END_WITHIN_S
        while _marked_processes(local_dir) and time.monotonic() < deadline:
            time.sleep(0.1)


def _marked_processes(local_dir: Path) -> list[int]:
    mark = f"{MARK}={local_dir}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise LaunchError(f"Port {port} is for root only: take another, PORT=8000.") from None
        except OSError as error:
            raise LaunchError(
                f"Port {port} cannot be used ({error.strerror}): try PORT={port + 1}."
            ) from None


def _prepare() -> list[str]:
    """Bring database, catalogue and static files up to date; return the demo's sign-ins."""
    import django  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import CommandError, call_command  # noqa: PLC0415
    from django.db import OperationalError, connections  # noqa: PLC0415

    django.setup()
    _tell("Bringing the database up to date …")
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as error:
        first_line = str(error).strip().splitlines()[0]
        raise LaunchError(f"The database does not answer: {first_line}") from error
    _tell("Collecting the static files …")
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    sign_ins: list[str] = []
    try:
        call_command("import_rubrics", stdout=io.StringIO())
        if settings.DEBUG:
            _tell("Making the demo cohort, unless it is there …")
            call_command("seed_demo", once=True, stdout=io.StringIO())
            sign_ins = _output_of("seed_demo", sign_ins=True).splitlines()
    except CommandError as error:
        raise LaunchError(str(error)) from error
    connections.close_all()
    return sign_ins


def _output_of(command: str, **options: bool) -> str:
    from django.core.management import call_command  # noqa: PLC0415

    output = io.StringIO()
    call_command(command, stdout=output, **options)
    return output.getvalue()


def _serve(sign_ins: list[str]) -> int:
    """Run the Procfile's processes until one ends or a signal comes; return the exit code."""
    from django.conf import settings  # noqa: PLC0415
    from honcho.environ import parse_procfile  # noqa: PLC0415
    from honcho.manager import Manager  # noqa: PLC0415

    class Processes(Manager):  # type: ignore[misc]
        """Honcho's manager, which otherwise trips over a signal while its processes start."""

        def terminate(self) -> None:
            if self._all_started():
                super().terminate()
            else:
                threading.Timer(0.1, self.terminate).start()

    environ = {
        **os.environ,
        "DATABASE_URL_FILE": "",
        "REDIS_URL_FILE": "",
        "DATABASE_URL": settings.DATABASE_URL,
        "REDIS_URL": settings.REDIS_URL,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }
    manager = Processes()
    procfile = parse_procfile((CHECKOUT / "Procfile").read_text())
    for name, command in procfile.processes.items():
        manager.add_process(name, command, env=environ, cwd=str(CHECKOUT))
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    threading.Thread(target=_announce, args=(sign_ins,), daemon=True).start()
    manager.loop()
    was_asked = manager.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    return 0 if was_asked else int(manager.returncode or 1)


def _announce(sign_ins: list[str]) -> None:
    from django.conf import settings  # noqa: PLC0415

    host = settings.HOST if settings.HOST in LOOPBACK else LOOPBACK[0]
    address = (
        f"http://[{host}]:{settings.PORT}" if ":" in host else f"http://{host}:{settings.PORT}"
    )
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if _answers(f"{address}/healthz"):
            mail = [f"Mail that it sends is at {address}/mail/"] if settings.DEBUG else []
            lines = ["", f"Plumbline runs at {address}/   (Ctrl-C stops it)", *mail, *sign_ins, ""]
            _tell("\n".join(lines))
            return
        time.sleep(0.1)


def _answers(url: str) -> bool:
    """Say whether our own web process answers there: it sends a request's id back."""
    sent = uuid.uuid4().hex
    request = urllib.request.Request(url, headers={"X-Request-ID": sent})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=2) as response:  # noqa: S310
            return bool(response.headers["X-Request-ID"] == sent)
    except urllib.error.HTTPError as error:
        return bool(error.headers["X-Request-ID"] == sent)
    except OSError:
        return False


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
