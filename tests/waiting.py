"""Waiting for what another process does."""

import time
from collections.abc import Callable

import pytest


def wait_until(is_true: Callable[[], object], *, seconds: float = 10) -> None:
    """Return as soon as the question is answered with yes; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"nothing came within {seconds} s")
        time.sleep(0.05)
