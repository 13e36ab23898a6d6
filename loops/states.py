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
    READY_PARTIAL = "ready_partial"
    FAILED = "failed"
    DISCARDED = "discarded"
    ERASED = "erased"

    @classmethod
    def playable(cls) -> frozenset["RecordingState"]:
        """Return the states in which a recording can be played, whole or in part."""
        return frozenset({cls.READY, cls.READY_PARTIAL})

    @classmethod
    def settled(cls) -> frozenset["RecordingState"]:
        """Return the states in which a recording counts as an answer: its bytes are safe here."""
        return cls.playable() | {cls.UPLOADED, cls.PROCESSING}


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
    AttemptState.SUBMITTED: frozenset({AttemptState.WITHDRAWN}),
    AttemptState.WITHDRAWN: frozenset(),
}

_GONE = frozenset({RecordingState.DISCARDED, RecordingState.ERASED})

RECORDING_MOVES: Mapping[RecordingState, frozenset[RecordingState]] = {
    RecordingState.RECORDING: _GONE | {RecordingState.UPLOADED},
    RecordingState.UPLOADED: _GONE | {RecordingState.PROCESSING},
    RecordingState.PROCESSING: _GONE
    | {
        RecordingState.READY,
        RecordingState.READY_PARTIAL,
        RecordingState.FAILED,
    },
    RecordingState.READY: _GONE,
    RecordingState.READY_PARTIAL: _GONE | {RecordingState.UPLOADED},  # tried again
    RecordingState.FAILED: _GONE | {RecordingState.UPLOADED},
    RecordingState.DISCARDED: frozenset(),
    RecordingState.ERASED: frozenset(),
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
