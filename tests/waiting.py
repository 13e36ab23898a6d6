"""Waiting for what another process does."""

import time
from collections.abc import Callable

import pytest
from django.db import connection


def wait_until(is_true: Callable[[], object], *, seconds: float = 10) -> None:
    """Return as soon as the question is answered with yes; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"nothing came within {seconds} s")
        time.sleep(0.05)


def wait_until_answered() -> None:
    """Return when no request is at the database any more: the browser has gone, its last one not.

    Emptying the tables meanwhile would wait for it, or lose to it.
    """
    wait_until(lambda: _busy_at_the_database() == 0)


def _busy_at_the_database() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        (count,) = cursor.fetchone()
    return int(count)
