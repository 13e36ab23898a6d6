"""Waiting for what another process does."""

import threading
import time
from collections.abc import Callable
from typing import Self

import pytest
from django.core.signals import request_finished, request_started

PATIENCE_S = 30  # two runs and their browsers may share two cores


def wait_until(is_true: Callable[[], object], *, seconds: float = PATIENCE_S) -> None:
    """Return as soon as the question is answered with yes; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"nothing came within {seconds} s")
        time.sleep(0.05)


class RequestsUnderWay:
    """Counts the requests that a server in this process has begun to answer and not finished."""

    QUIET_S = 0.25

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()
        self._quiet_since = time.monotonic()

    def __enter__(self) -> Self:
        """Count from here on."""
        request_started.connect(self._began)
        request_finished.connect(self._ended)
        return self

    def __exit__(self, *_error: object) -> None:
        """Count no longer."""
        request_started.disconnect(self._began)
        request_finished.disconnect(self._ended)

    def wait_until_none(self) -> None:
        """Return when none has been under way for a moment: the last may still be on its way in.

        Emptying the tables while one runs would wait for it, or lose to it.
        """
        self._quiet_since = time.monotonic()
        wait_until(self._is_quiet)

    def _is_quiet(self) -> bool:
        with self._lock:
            return not self._count and time.monotonic() - self._quiet_since > self.QUIET_S

    def _began(self, **_given: object) -> None:
        with self._lock:
            self._count += 1

    def _ended(self, **_given: object) -> None:
        with self._lock:
            self._count -= 1
            self._quiet_since = time.monotonic()
