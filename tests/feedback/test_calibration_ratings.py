"""Observations: what is refused, and how they are laid out."""

import pytest

from feedback.calibration.ratings import Observation, Table, in_order


def test_observations_come_in_order_of_attempt_grader_and_dimension() -> None:
    first = Observation(attempt=1, grader=2, dimension="b", rank=None)
    second = Observation(attempt=1, grader=10, dimension="a", rank=3)
    third = Observation(attempt=2, grader=1, dimension="a", rank=0)

    assert in_order([third, second, first]) == [first, second, third]


@pytest.mark.parametrize("rank", [-1, 4])
def test_rank_off_the_scale_is_refused(rank: int) -> None:
    wrong = Observation(attempt=7, grader=1, dimension="depth", rank=rank)

    with pytest.raises(ValueError, match=rf"^Rank {rank} is not on the scale: .*attempt=7"):
        in_order([wrong])


@pytest.mark.parametrize("rank", [None, 0, 3])
def test_rank_on_the_scale_is_taken(rank: int | None) -> None:
    right = Observation(attempt=7, grader=1, dimension="depth", rank=rank)

    assert in_order([right]) == [right]


def test_cell_rated_twice_is_refused() -> None:
    once = Observation(attempt=7, grader=1, dimension="depth", rank=1)
    again = Observation(attempt=7, grader=1, dimension="depth", rank=None)

    with pytest.raises(ValueError, match=r"^Rated twice: "):
        in_order([once, again])


def test_table_keeps_no_row_for_what_was_not_observed() -> None:
    table = Table.of(
        [
            Observation(attempt=5, grader=1, dimension="a", rank=0),
            Observation(attempt=5, grader=1, dimension="b", rank=None),
            Observation(attempt=5, grader=2, dimension="b", rank=3),
            Observation(attempt=6, grader=3, dimension="c", rank=None),
        ]
    )

    assert table.attempts == (5,)
    assert table.graders == (1, 2, 3)
    assert table.dimensions == ("a", "b", "c")
    assert table.levels.tolist() == [0.5, 3.5]
    assert table.review.tolist() == [0, 1]
    assert table.dimension.tolist() == [0, 1]
    assert table.review_attempt.tolist() == [0, 0]
    assert table.review_grader.tolist() == [0, 1]
