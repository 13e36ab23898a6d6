"""The question that a follow-up take answers: a higher app has asked it, and says which it is."""

from collections.abc import Callable
from dataclasses import dataclass

from loops.models import Attempt


@dataclass(frozen=True)
class Asked:
    """A question that is answered by a short take: what it is, and where its page is."""

    text: str
    who: str
    path: str
    seconds: int
    """So long the take may be; a recorder stops by itself then."""

    @property
    def minutes(self) -> float:
        """Return the same in minutes."""
        return self.seconds / 60


Asker = Callable[[Attempt], Asked | None]

_askers: list[Asker] = []


def register_asker(asker: Asker) -> None:
    """Add a higher app's part of the answer to "which question does this take answer"."""
    if asker not in _askers:
        _askers.append(asker)


def asked_of(take: Attempt) -> Asked | None:
    """Return the question that a take answers; None for an answer, which has a prompt."""
    if not take.is_follow_up:
        return None
    return next((asked for asker in _askers if (asked := asker(take))), None)
