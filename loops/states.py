"""States of attempts and recordings and their legal moves, in one place. [pure]"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class AttemptState(StrEnum):
    """Where one answer to one prompt stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"


class RecordingState(StrEnum):
    """Where a recording stands between the microphone and the player."""

    RECORDING = "recording"
    UPLOADED = "uploaded"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    DISCARDED = "discarded"

    @classmethod
    def settled(cls) -> frozenset["RecordingState"]:
        """Return the states in which a recording counts as an answer: its bytes are safe here."""
        return frozenset({cls.UPLOADED, cls.PROCESSING, cls.READY})


ATTEMPT_MOVES: Mapping[AttemptState, frozenset[AttemptState]] = {
    AttemptState.DRAFT: frozenset({AttemptState.SUBMITTED, AttemptState.WITHDRAWN}),
    AttemptState.SUBMITTED: frozenset(),
    AttemptState.WITHDRAWN: frozenset(),
}

RECORDING_MOVES: Mapping[RecordingState, frozenset[RecordingState]] = {
    RecordingState.RECORDING: frozenset({RecordingState.UPLOADED, RecordingState.DISCARDED}),
    RecordingState.UPLOADED: frozenset(
        {
            RecordingState.PROCESSING,
            RecordingState.FAILED,  # given up: no try was left
            RecordingState.DISCARDED,
        }
    ),
    RecordingState.PROCESSING: frozenset(
        {
            RecordingState.UPLOADED,  # the worker died, or another try may go better
            RecordingState.READY,
            RecordingState.FAILED,
            RecordingState.DISCARDED,
        }
    ),
    RecordingState.READY: frozenset({RecordingState.DISCARDED}),
    RecordingState.FAILED: frozenset({RecordingState.DISCARDED}),
    RecordingState.DISCARDED: frozenset(),
}

State = TypeVar("State", bound=StrEnum)


class IllegalMove(Exception):
    """Code asked for a move that the table does not know: a defect, not a refusal."""


def check_move(moves: Mapping[State, frozenset[State]], state: State, to: State) -> None:
    """Raise IllegalMove unless a row in `state` may go to `to`."""
    if to not in moves[state]:
        raise IllegalMove(f"{state} to {to}")
