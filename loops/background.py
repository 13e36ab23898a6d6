"""The doorbell: rings for a task after commit. A bell that cannot ring never harms the request."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)
_is_silent = ContextVar("_is_silent", default=False)


def enqueue(task: str, **ids: int) -> None:
    """Ask a worker for the task named by its dotted path once this transaction is committed.

    The row that the task moves on is the truth: where the bell is not heard, the sweep
    rings again.
    """
    if not _is_silent.get():
        transaction.on_commit(partial(_ring, task, ids))


def _ring(task: str, ids: dict[str, int]) -> None:
    try:
        current_app.send_task(task, kwargs=ids)
    except Exception as error:
        log.warning("No worker could be rung for %s %s: %s", task, ids, error)


@contextmanager
def without_bells() -> Iterator[None]:
    """Ring for nothing inside: for bulk writes that do at once what the tasks would do later."""
    token = _is_silent.set(True)
    try:
        yield
    finally:
        _is_silent.reset(token)
