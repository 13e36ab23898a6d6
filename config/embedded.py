"""Private PostgreSQL and Redis when no address is given: where they live, who uses them.

Each process that uses them by itself holds a shared lock on `.local/users.lock`; the last one to
leave gets that lock alone and stops them. The launcher's children get addresses and hold nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import os
import pwd
import stat
import tempfile
import threading
from pathlib import Path
from urllib.parse import quote

from config.servers.postgres import DATABASE, SUPERUSER, Postgres
from config.servers.redis import Redis, RedisMissing
from config.servers.server import (
    Account,
    EmbeddedError,
    locked,
    make_folder,
    open_lock,
    remedy,
    say,
    try_lock,
)

__all__ = ["Embedded", "EmbeddedError"]

SHARED_STATE = Path("/var/lib/plumbline")


class Embedded:
    """The private servers of one checkout. Making this object touches nothing; `ensure` does."""

    def __init__(
        self,
        local_dir: Path,
        *,
        with_postgres: bool = True,
        with_redis: bool = True,
        is_durable: bool = True,
    ) -> None:
        self.local_dir = local_dir
        self.with_postgres = with_postgres
        self.with_redis = with_redis
        self.is_durable = is_durable
        digest = hashlib.sha256(os.fsencode(local_dir)).hexdigest()[:12]
        self.name = f"plumbline-{os.getuid()}-{digest}"
        temporary = Path("/tmp")  # noqa: S108 - the folder's owner and mode are checked
        if not os.access(temporary, os.W_OK):
            temporary = Path(tempfile.gettempdir())
        self.sockets = temporary / self.name
        self._mutex = threading.Lock()
        self._users: int | None = None
        self._owner_pid = 0

    @property
    def database_url(self) -> str:
        """Return the address of the database, known before the server runs."""
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(self.sockets))}"

    @property
    def redis_url(self) -> str:
        """Return the address of Redis, known before the server runs."""
        return f"unix://{self.sockets / 'redis.sock'}?db=0"

    def ensure(self, *, is_fresh: bool = False, needs_redis: bool = False) -> None:
        """Count this process among the users and start what does not run.

        Done once for each process; `is_fresh` looks again, for when a server died. Without a
        Redis program the database alone is started and a line says so, unless `needs_redis`.
        """
        with self._mutex:
            is_user = self._users is not None and self._owner_pid == os.getpid()
            if is_user and not is_fresh:
                return
            self.make_local_dir()
            if not is_user:
                self._enter()
            with locked(self.local_dir / "start.lock"):
                self._start(needs_redis=needs_redis)

    def release(self) -> None:
        """Stop counting this process among the users; the last one stops the servers."""
        with self._mutex:
            if self._users is None or self._owner_pid != os.getpid():
                return
            users, self._users = self._users, None
            try:
                if try_lock(users):
                    self._stop()
            finally:
                os.close(users)

    def stop_unused(self) -> bool:
        """Stop servers that a killed process left behind; return False when somebody uses them."""
        if not (self.local_dir / "users.lock").exists():
            return True
        users = open_lock(self.local_dir / "users.lock")
        try:
            if not try_lock(users):
                return False
            self._stop()
            return True
        finally:
            os.close(users)

    def _enter(self) -> None:
        users = open_lock(self.local_dir / "users.lock")
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while the last user before us stops the servers
        self._users, self._owner_pid = users, os.getpid()
        atexit.register(self.release)

    def _start(self, *, needs_redis: bool) -> None:
        postgres, redis = self._servers()
        self._make_sockets(postgres.account)
        if self.with_postgres:
            postgres.start()
        if self.with_redis:
            try:
                redis.start()
            except RedisMissing as missing:
                if needs_redis:
                    raise
                say(str(missing))

    def _stop(self) -> None:
        postgres, redis = self._servers()
        if self.with_redis:
            redis.stop()
        if self.with_postgres:
            postgres.stop()
        with contextlib.suppress(OSError):
            self.sockets.rmdir()

    def _servers(self) -> tuple[Postgres, Redis]:
        account = _server_account(self.local_dir)
        home = self._home(account)
        postgres = Postgres(
            data=home / "postgres",
            sockets=self.sockets,
            lock=self.local_dir / "postgres.lock",
            log=self.local_dir / "postgres.log",
            account=account,
            copies=home,
            is_durable=self.is_durable,
        )
        redis = Redis(
            data=home / "redis",
            sockets=self.sockets,
            lock=self.local_dir / "redis.lock",
            log=self.local_dir / "redis.log",
            account=account,
            copies=home,
        )
        return postgres, redis

    def _home(self, account: Account | None) -> Path:
        """Return the folder of the servers' data: the local one, if their account can reach it."""
        if account is None or account.can_pass(self.local_dir):
            return self.local_dir
        home = SHARED_STATE / self.name
        if not home.exists():
            say(f"{account.name} cannot reach {self.local_dir}: the data are kept in {home}.")
            make_folder(SHARED_STATE, None, 0o755)
            make_folder(home, account)
        return home

    def make_local_dir(self) -> None:
        """Make the folder for everything that the app keeps here, open to this user alone."""
        try:
            self.local_dir.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(
                f"{self.local_dir.parent} cannot be made ({error.strerror})."
            ) from error
        make_folder(self.local_dir, None, 0o711 if os.geteuid() == 0 else 0o700)
        if not os.access(self.local_dir, os.W_OK | os.X_OK):
            raise EmbeddedError(f"{self.local_dir} cannot be written: {remedy(self.local_dir)}")

    def _make_sockets(self, account: Account | None) -> None:
        make_folder(self.sockets, account)
        found = self.sockets.lstat()
        expected = account.uid if account else os.geteuid()
        is_private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
        if found.st_uid != expected or not is_private:
            raise EmbeddedError(
                f"{self.sockets} was not made by this app: remove it, it holds sockets only."
            )


def _server_account(local_dir: Path) -> Account | None:
    """Return whom the servers run as when the app runs as root: never root.

    The owner of the data made before, or of the local folder; else an account that systems have.
    """
    if os.geteuid() != 0:
        return None
    for folder in (local_dir / "postgres", local_dir):
        if folder.exists() and folder.stat().st_uid != 0:
            return _account_of(folder.stat().st_uid, str(folder))
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid, name)
    raise EmbeddedError(
        "PostgreSQL does not run as root and there is no account `nobody`: run as another user."
    )


def _account_of(uid: int, folder: str) -> Account:
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedError(f"{folder} belongs to user id {uid}, who is unknown here.") from None
    return Account(found.pw_uid, found.pw_gid, found.pw_name)
