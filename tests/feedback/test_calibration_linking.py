"""Connected subsets of who graded what."""

import numpy as np

from feedback.calibration.linking import components


def subsets(*reviews: tuple[int, int]) -> list[int]:
    attempts, graders = np.array(reviews, dtype=np.intp).reshape(-1, 2).T
    return components(attempts, graders)


def test_nothing_has_no_subset() -> None:
    assert subsets() == []


def test_attempts_of_one_grader_are_connected() -> None:
    assert subsets((0, 5), (1, 5), (2, 5)) == [0, 0, 0]


def test_attempts_are_connected_through_a_chain_of_graders() -> None:
    assert subsets((0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3)) == [0, 0, 0, 0]


def test_largest_subset_is_number_nought() -> None:
    assert subsets((0, 1), (1, 2), (2, 2), (3, 3)) == [1, 0, 0, 2]


def test_one_bridging_grader_makes_two_subsets_one() -> None:
    apart = [(0, 1), (1, 1), (2, 2), (3, 2)]

    assert subsets(*apart) == [0, 0, 1, 1]
    assert subsets(*sorted([*apart, (0, 2)])) == [0, 0, 0, 0]
