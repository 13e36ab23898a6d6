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


class Crowd:
    """People who act at the same instants, again and again, each on a connection that stays open.

    Opening fifty connections takes longer than what they race for.
    """

    def __init__(self, people: int) -> None:
        """Say how many there are."""
        self._start = Barrier(people)
        self._pool = ThreadPoolExecutor(people)
        self._people = people

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_error: object) -> None:
        # Looked up by each on its own thread: the name alone would be this thread's connection.
        closed = self.together([lambda: connection.close()] * self._people)  # noqa: PLW0108
        self._pool.shutdown()
        assert closed == [None] * self._people

    def together(self, works: Sequence[Callable[[], Any]], *, seconds: float = 120) -> list[Any]:
        """Start all at once; return in order what each returned, or the exception it raised."""

        def run(work: Callable[[], Any]) -> Any:
            self._start.wait(timeout=seconds)
            try:
                return work()
            except Exception as error:
                return error

        return [
            future.result(timeout=seconds) for future in [self._pool.submit(run, w) for w in works]
        ]
