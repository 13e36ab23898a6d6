"""What every test may lean on: the embedded servers, a real worker, a real browser."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from django.db.backends.postgresql.operations import DatabaseOperations
from psycopg import sql

from tests.processes import addresses
from tests.waiting import PATIENCE_S, RequestsUnderWay, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer
    from pytest_django.plugin import DjangoDbBlocker

pytest_plugins = ["tests.cast"]

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
WINDOWLESS = "chromium-headless-shell"
"""The same browser without windows to draw: a page costs it a third of the work."""
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-fake-ui-for-media-stream "
    "--use-fake-device-for-media-stream --autoplay-policy=no-user-gesture-required"
).split()
NO_CHROMIUM = "no Chromium was found: install the package chromium, or set CHROMIUM to its path"
_without_browser: list[str] = []


def pytest_collection_finish() -> None:
    """Keep what was imported out of every search for garbage: a twentieth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


# The servers


@pytest.fixture(scope="session")
def embedded_servers(django_db_blocker: DjangoDbBlocker) -> None:
    """Start PostgreSQL and Redis unless addresses were given; drop what killed runs left."""
    if settings.EMBEDDED is None:
        return
    settings.EMBEDDED.ensure(needs_redis=True)
    with django_db_blocker.unblock():
        _drop_databases_of_killed_runs()
    redis.Redis.from_url(settings.REDIS_URL).flushdb()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    embedded_servers: None, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Have the servers up before pytest-django makes the test database."""


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> None:
    """Forget rate limits and sessions of the test before."""
    if {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("embedded_servers")
        cache.clear()


def pytest_unconfigure() -> None:
    """Stop what this run was the last to use, and remove its media."""
    shutil.rmtree(settings.MEDIA_DIR, ignore_errors=True)
    if settings.EMBEDDED is not None:
        settings.EMBEDDED.release()


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """Empty only what has rows after a test that commits: most of a hundred tables have none.

    TRUNCATE would have to take along every table that refers to one of them.
    """
    with pytest.MonkeyPatch.context() as patch:
        if settings.EMBEDDED is not None:  # its user may do this, another's perhaps not
            patch.setattr(DatabaseOperations, "sql_flush", _deletions)
        yield


def _deletions(
    _operations: DatabaseOperations, _style: Any, tables: Sequence[str], **_more: Any
) -> list[str]:
    emptied = "".join(
        f'IF EXISTS (SELECT 1 FROM "{table}") THEN DELETE FROM "{table}"; END IF;\n'  # noqa: S608 - Django's own names
        for table in sorted(tables)
    )
    return [
        "SET LOCAL session_replication_role = replica",  # no foreign key is looked at
        f"DO $$ BEGIN\n{emptied}END $$",
    ]


def _drop_databases_of_killed_runs() -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(r"SELECT datname FROM pg_database WHERE datname ~ '^test_plumbline_\d+'")
        for (name,) in cursor.fetchall():
            if not Path("/proc", name.split("_")[2]).exists():
                cursor.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
                )


# The worker


@pytest.fixture
def worker(transactional_db: None, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a real Celery worker process on the test database until the test ends."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    log = tmp_path / "worker.log"
    command = "celery -A config worker -c 1 -Q default,media,calibration --without-mingle"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command.split(), "-n", f"test-{os.getpid()}@localhost"],
            cwd=settings.BASE_DIR,
            env={**os.environ, **addresses(), "LOG_LEVEL": "INFO", "OPENBLAS_NUM_THREADS": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: " ready" in log.read_text() or process.poll() is not None, seconds=30)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()
        process.wait()
        sys.stdout.write(log.read_text())  # pytest shows it when the test fails


# The browser


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return Chromium's path; without one skip the test, or fail it under REQUIRE_BROWSER."""
    named = os.environ.get("CHROMIUM", "")
    found = named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found:
        return found
    if os.environ.get("REQUIRE_BROWSER", "") in {"1", "on"}:
        pytest.fail(NO_CHROMIUM)
    pytest.skip(NO_CHROMIUM)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Run one headless Chromium with a fake camera and microphone."""
    # Most tests need no browser.
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415

    expect.set_options(timeout=1000 * PATIENCE_S)

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's own loop runs in this thread
    with sync_playwright() as playwright:
        windowless = None if "CHROMIUM" in os.environ else shutil.which(WINDOWLESS)
        browser = playwright.chromium.launch(
            executable_path=windowless or chromium, args=CHROMIUM_FLAGS
        )
        yield browser
        browser.close()
        connections.close_all()  # beside a running loop Django keeps others than without one


@pytest.fixture
def new_page(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page of the running app for one more person.

    Each person has a browser context of their own. At the end the test fails if any page
    broke the content security policy or had an error in its scripts, but for `tolerated` ones:
    what the browser itself writes when an answer that a test provokes is a refusal.
    """
    contexts = []
    problems: list[str] = []

    def open_page(
        *,
        width: int = 1280,
        height: int = 900,
        theme: Literal["light", "dark"] = "light",
        tolerated: str = "no error at all",
        **more: Any,
    ) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            permissions=["camera", "microphone"],
            **more,
        )
        context.set_default_timeout(1000 * PATIENCE_S)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda message: (
                problems.append(message.text)
                if message.type == "error" and tolerated not in message.text
                else None
            ),
        )
        return page

    with RequestsUnderWay() as requests:
        yield open_page
        for context in contexts:
            context.close()
        requests.wait_until_none()
    assert problems == []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember which tests were left out for want of a browser."""
    if report.skipped and NO_CHROMIUM in str(report.longrepr):
        _without_browser.append(report.nodeid)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly that the browser tests did not run."""
    if _without_browser:
        line = f"{len(_without_browser)} browser tests DID NOT RUN: {NO_CHROMIUM}"
        terminalreporter.write_line(line, red=True, bold=True)
