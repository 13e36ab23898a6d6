"""The legal moves of attempts and recordings."""

from enum import StrEnum

import pytest

from loops.models import Attempt, Recording
from loops.states import (
    ATTEMPT_MOVES,
    RECORDING_MOVES,
    AttemptState,
    IllegalMove,
    RecordingState,
    check_move,
)

ATTEMPT_TABLE = "draft>submitted draft>withdrawn submitted>withdrawn"
RECORDING_TABLE = """
    recording>uploaded recording>discarded recording>erased
    uploaded>processing uploaded>discarded uploaded>erased
    processing>ready processing>ready_partial processing>failed
    processing>discarded processing>erased
    ready>discarded ready>erased
    ready_partial>uploaded ready_partial>discarded ready_partial>erased
    failed>uploaded failed>discarded failed>erased
"""


@pytest.mark.parametrize(
    ("states", "moves", "table"),
    [
        (AttemptState, ATTEMPT_MOVES, ATTEMPT_TABLE),
        (RecordingState, RECORDING_MOVES, RECORDING_TABLE),
    ],
)
def test_the_table_lets_through_these_moves_and_no_other(
    states: type[StrEnum], moves: dict[StrEnum, frozenset[StrEnum]], table: str
) -> None:
    let_through = set()
    for state in states:
        for to in states:
            try:
                check_move(moves, state, to)
            except IllegalMove:
                continue
            let_through.add(f"{state}>{to}")

    assert let_through == set(table.split())


def test_rows_know_the_same_states() -> None:
    assert [str(value) for value in Attempt.State.values] == [str(state) for state in AttemptState]
    assert [str(value) for value in Recording.State.values] == [
        str(state) for state in RecordingState
    ]


def test_a_recording_counts_as_an_answer_once_its_bytes_are_safe() -> None:
    assert RecordingState.settled() == {"uploaded", "processing", "ready", "ready_partial"}
