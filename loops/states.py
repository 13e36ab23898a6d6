"""States of attempts, recordings and mocks and their legal moves, in one place. [pure]"""

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


class MockState(StrEnum):
    """Where a mock stands between a proposal and its end."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    RUNNING = "running"
    DONE = "done"
    NO_SHOW = "no_show"
    CONVERTED = "converted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @classmethod
    def agreed(cls) -> frozenset["MockState"]:
        """Return the states in which both seats are held."""
        return frozenset({cls.ACCEPTED, cls.CONFIRMED, cls.RUNNING})

    @classmethod
    def live(cls) -> frozenset["MockState"]:
        """Return the states from which a mock may still take place."""
        return cls.agreed() | {cls.PROPOSED}


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

MOCK_MOVES: Mapping[MockState, frozenset[MockState]] = {
    MockState.PROPOSED: frozenset(
        {
            MockState.ACCEPTED,
            MockState.CONFIRMED,  # agreed so late that agreeing confirms
            MockState.CANCELLED,  # declined, or taken back
            MockState.EXPIRED,  # nobody answered in time
        }
    ),
    MockState.ACCEPTED: frozenset(
        {
            MockState.CONFIRMED,
            MockState.CANCELLED,
            MockState.EXPIRED,  # silence: the seats were given back
        }
    ),
    MockState.CONFIRMED: frozenset(
        {
            MockState.ACCEPTED,  # moved to a time so far off that it is asked about again
            MockState.RUNNING,
            MockState.NO_SHOW,
            MockState.CANCELLED,
            MockState.EXPIRED,  # neither said that they came
        }
    ),
    MockState.RUNNING: frozenset({MockState.DONE}),
    MockState.NO_SHOW: frozenset({MockState.CONVERTED}),
    MockState.DONE: frozenset(),
    MockState.CONVERTED: frozenset(),
    MockState.CANCELLED: frozenset(),
    MockState.EXPIRED: frozenset(),
}

State = TypeVar("State", bound=StrEnum)


class IllegalMove(Exception):
    """Code asked for a move that the table does not know: a defect, not a refusal."""


def check_move(moves: Mapping[State, frozenset[State]], state: State, to: State) -> None:
    """Raise IllegalMove unless a row in `state` may go to `to`."""
    if to not in moves[state]:
        raise IllegalMove(f"{state} to {to}")
