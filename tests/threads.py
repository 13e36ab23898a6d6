"""Running things at the same instant, each on a thread and a database connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection


def together(works: Sequence[Callable[[], Any]], *, seconds: float = 30) -> list[Any]:
    """Start all at once; return in order what each returned, or the exception it raised."""
    start = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            start.wait(timeout=seconds)
            return work()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(timeout=seconds) for future in [pool.submit(run, w) for w in works]]
