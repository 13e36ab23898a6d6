"""How one private server is started, found alive and stopped.

A server inherits a locked file from whoever starts it and keeps it open: while the lock is held
the server or one of its children lives, whatever a pid file says; once it is free, all of them
are gone and what they left behind (a socket, a pid file) may be swept away.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import pwd
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

START_WITHIN_S = 60
STOP_WITHIN_S = 15
OUT_OF_REACH_S = 3
POLL_S = 0.02
_children: list[subprocess.Popen[bytes]] = []


class EmbeddedError(Exception):
    """An embedded server cannot be used; the message is one line that says what to do."""


@dataclass(frozen=True)
class Account:
    """The account that a server runs as when the app runs as root, which PostgreSQL refuses."""

    uid: int
    gid: int
    name: str

    def can_pass(self, path: Path) -> bool:
        """Say whether this account may enter the folder or run the program."""
        outcome = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return outcome.returncode == 0


@dataclass
class Server(ABC):
    """One private server: its folders, its lock, its log, the account it runs as (None: ours)."""

    data: Path
    sockets: Path
    lock: Path
    log: Path
    account: Account | None
    copies: Path  # where programs are copied to that the account cannot reach

    title = ""

    @property
    @abstractmethod
    def socket(self) -> Path:
        """Return the path of the socket that the server listens on."""

    @abstractmethod
    def is_alive(self) -> bool:
        """Say whether a connection succeeds now."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command line that starts the server in the foreground."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the data where there is none; refuse data that this server cannot use."""

    @abstractmethod
    def finish_start(self) -> None:
        """Do what has to be done as soon as the server answers."""

    @abstractmethod
    def ask_to_stop(self, *, is_urgent: bool) -> None:
        """Ask the running server to end; `is_urgent` when it was asked before and did not."""

    @abstractmethod
    def end_stranger(self) -> None:
        """Ask the server that answers on our socket, and is not ours, to end at once."""

    def start(self) -> None:
        """Start the server and return when it answers. The caller holds the lock of starting."""
        descriptor = self._lock_when_gone()
        if descriptor is None:
            return
        try:
            self._clear_socket()
            self.prepare()
            self._launch(descriptor)
            self.finish_start()
        finally:
            os.close(descriptor)

    def stop(self) -> None:
        """Stop the server and return when all of its processes are gone."""
        descriptor = open_lock(self.lock)
        try:
            for is_urgent in (False, True):
                if try_lock(descriptor):
                    return
                self.ask_to_stop(is_urgent=is_urgent)
                if self._wait_until_free(descriptor, STOP_WITHIN_S):
                    return
            say(f"{self.title} does not stop; its data are in {self.data}.")
        finally:
            os.close(descriptor)

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a program to its end as the server's account, in the folder of its sockets."""
        return subprocess.run(  # noqa: S603
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=self.sockets,
            env=_environment(),
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
        )

    def _lock_when_gone(self) -> int | None:
        """Return the server's lock once no process of it is left, or None when one answers."""
        descriptor = open_lock(self.lock)
        for is_urgent in (False, True):
            if self._wait_until_free(descriptor, OUT_OF_REACH_S, or_alive=True):
                return descriptor
            if self.is_alive():
                os.close(descriptor)
                return None
            # It lives and cannot be reached: its socket was swept out of the temporary folder.
            self.ask_to_stop(is_urgent=is_urgent)
        if self._wait_until_free(descriptor, OUT_OF_REACH_S):
            return descriptor
        os.close(descriptor)
        raise EmbeddedError(
            f"{self.title} holds {self.data} and does not answer: end it, then try again."
        )

    def _clear_socket(self) -> None:
        """End a server whose folder was removed under it: it listens, yet nobody has its lock."""
        if not self._is_heard():
            return
        say(f"{self.title} of a folder that was removed still runs, and is ended.")
        self.end_stranger()
        deadline = time.monotonic() + STOP_WITHIN_S
        while self._is_heard():
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{self.title} of a folder that was removed does not end: "
                    f"end the process that listens in {self.sockets}, then try again."
                )
            time.sleep(POLL_S)

    def _is_heard(self) -> bool:
        """Say whether somebody listens on the socket, whatever they would answer."""
        with socket.socket(socket.AF_UNIX) as caller:
            try:
                caller.connect(str(self.socket))
            except OSError:
                return False
        return True

    def _wait_until_free(self, descriptor: int, seconds: float, *, or_alive: bool = False) -> bool:
        deadline = time.monotonic() + seconds
        while not try_lock(descriptor):
            _reap()
            if time.monotonic() > deadline or (or_alive and self.is_alive()):
                return False
            time.sleep(POLL_S)
        _reap()
        return True

    def _launch(self, descriptor: int) -> None:
        with self.log.open("ab") as log:
            began_at = log.tell()
            process = self._spawn(log.fileno(), descriptor)
        deadline = time.monotonic() + START_WITHIN_S
        while process.poll() is None:
            if self.is_alive():
                _children.append(process)
                return
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                said = f"did not answer within {START_WITHIN_S} s: see {self.log}."
                raise EmbeddedError(f"{self.title} {said}")
            time.sleep(POLL_S)
        raise EmbeddedError(f"{self.title} did not start: {self._reason(began_at)}")

    def _spawn(self, log: int, descriptor: int) -> subprocess.Popen[bytes]:
        command = self.command()
        try:
            return subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                env=_environment(),
                pass_fds=(descriptor,),
                start_new_session=True,  # Ctrl-C is for the launcher, which stops the servers last
                umask=0o077,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            )
        except OSError as error:
            said = f"{command[0]} cannot be run ({error.strerror})"
            raise EmbeddedError(f"{self.title} did not start: {said}.") from error

    def _reason(self, began_at: int) -> str:
        """Return the last telling line that the server wrote since it was started."""
        with self.log.open("rb") as log:
            log.seek(began_at)
            lines = log.read().decode(errors="replace").splitlines()
        telling = [line for line in lines if "FATAL" in line or "rror" in line] or lines
        said = telling[-1].strip() if telling else "it said nothing"
        return f"{said} (log: {self.log})"


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _reap() -> None:
    """Take note of servers of ours that ended, lest they stay as zombies."""
    _children[:] = [child for child in _children if child.poll() is None]


@atexit.register
def _leave_to_others() -> None:
    """Say nothing of servers that run on: who started one need not be the last to use it."""
    for child in _children:
        child.returncode = 0


def say(line: str) -> None:
    """Tell the person at the terminal one thing, apart from what a command prints."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's lock alone; wait for whoever holds it."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def open_lock(path: Path) -> int:
    """Open a lock file, made where it is missing, and return its descriptor."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        said = f"{path} cannot be opened ({error.strerror})"
        raise EmbeddedError(f"{said}: {remedy(path)}") from error


def try_lock(descriptor: int) -> bool:
    """Take the lock alone, unless somebody else has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_folder(path: Path, account: Account | None, mode: int = 0o700) -> None:
    """Make a folder where it is missing, owned by the account; refuse what is no folder."""
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        if not path.is_dir():
            raise EmbeddedError(f"{path} is not a folder: {remedy(path)}") from None
        return
    except OSError as error:
        raise EmbeddedError(f"{path} cannot be made ({error.strerror}).") from error
    path.chmod(mode)
    if account is not None:
        os.chown(path, account.uid, account.gid)


def remedy(path: Path) -> str:
    """Say what to do about a file or folder left by another user or another version."""
    with contextlib.suppress(OSError, KeyError):
        owner = path.lstat().st_uid
        if owner != os.geteuid():
            name = pwd.getpwuid(owner).pw_name
            return f"it belongs to {name}. Run as the user who made it, or remove it."
    return "remove it to start afresh; what it holds is lost then."
