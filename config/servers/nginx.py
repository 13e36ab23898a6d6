"""A private nginx with the repository's own configuration, for benchmarks and tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from string import Template
from typing import Self

from config.servers.server import EmbeddedError

TEMPLATE = Path(__file__).resolve().parent.parent / "nginx" / "nginx.conf.template"
START_WITHIN_S = 10
STOP_WITHIN_S = 10


def program() -> str | None:
    """Return nginx's path; it often lies where only root looks."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


class Nginx:
    """One nginx on a loopback port, in the foreground, with all that it writes in one folder."""

    def __init__(
        self,
        folder: Path,
        *,
        app_port: int,
        media_dir: Path,
        upload_max_bytes: int = 2 * 1024**3,
        trusted_proxy: str = "127.0.0.1/32",
    ) -> None:
        found = program()
        if found is None:
            raise EmbeddedError("No nginx was found: install the package nginx-light.")
        self.port = free_port()
        self.folder = folder
        self.log = folder / "error.log"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        filled = Template(TEMPLATE.read_text()).safe_substitute(
            LISTEN=f"127.0.0.1:{self.port}",
            UPSTREAM=f"127.0.0.1:{app_port}",
            MEDIA_DIR=media_dir,
            RUN_DIR=folder,
            UPLOAD_MAX_BYTES=upload_max_bytes,
            TRUSTED_PROXY=trusted_proxy,
        )
        (folder / "nginx.conf").write_text(filled)
        # Started as root, its workers would be others, and other users may read no recording.
        user = "user root;" if os.geteuid() == 0 else ""
        self.command = [found, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g"]
        self.options = f"daemon off; {user}"

    @property
    def url(self) -> str:
        """Return the address that it answers at."""
        return f"http://127.0.0.1:{self.port}"

    def check(self) -> subprocess.CompletedProcess[str]:
        """Let nginx read its configuration and say what is wrong with it."""
        return subprocess.run(  # noqa: S603
            [*self.command, self.options, "-t"], capture_output=True, text=True, check=False
        )

    def __enter__(self) -> Self:
        """Start it and return when it listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [*self.command, self.options], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + START_WITHIN_S
        while not _is_heard(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise EmbeddedError(f"nginx does not start:\n{self.log.read_text()}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_error: object) -> None:
        """End it and its workers."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_heard(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
