"""Agreement: published figures, counted by hand, and nothing where there is nothing."""

from collections.abc import Sequence

import numpy as np
import pytest

from feedback.calibration.agreement import Agreement, measure, ordinal_alpha
from feedback.calibration.ratings import Observation

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section D: units by categories
# one to five, without the unit that only one observer saw. Printed: ordinal alpha .815.
PUBLISHED = [
    [3, 0, 0, 0, 0],
    [0, 3, 1, 0, 0],
    [0, 0, 4, 0, 0],
    [0, 0, 4, 0, 0],
    [0, 4, 0, 0, 0],
    [1, 1, 1, 1, 0],
    [0, 0, 0, 4, 0],
    [3, 1, 0, 0, 0],
    [0, 4, 0, 0, 0],
    [0, 0, 0, 0, 3],
    [2, 0, 0, 0, 0],
]


def observations(table: Sequence[Sequence[int | None]], lowest: int = 0) -> list[Observation]:
    """Read a table with a row for each grader and a column for each attempt."""
    return [
        Observation(attempt, grader, "depth", None if rank is None else rank - lowest)
        for grader, row in enumerate(table)
        for attempt, rank in enumerate(row)
    ]


def test_alpha_reproduces_the_published_figure() -> None:
    found = ordinal_alpha(np.array(PUBLISHED))

    assert found is not None
    assert round(found, 3) == 0.815


def test_alpha_is_of_the_attempts_that_several_graded() -> None:
    found = measure(observations([[0, 1, 3, 2], [0, 2, 1, None], [1, 2, None, None]]))

    # By its definition, 1 - observed / expected squared distance. Paired are 0 0 1, 1 2 2 and 3 1:
    # 0 twice, 1 three times, 2 twice, 3 once; so 0-1 is 6.25 apart, 1-2 6.25 and 1-3 16. A pair
    # counts both ways, over the graders of its attempt less one.
    observed = 2 * 6.25 + 2 * 6.25 + 2 * 16
    # The same over all 8 ratings less one; 0-2 is 25 apart, 0-3 42.25 and 2-3 2.25.
    expected = 2 * (6 * 6.25 + 4 * 25 + 2 * 42.25 + 6 * 6.25 + 3 * 16 + 2 * 2.25) / 7
    assert found.alpha == pytest.approx(1 - observed / expected)


def test_pairs_of_graders_are_counted_within_each_attempt() -> None:
    found = measure(observations([[0, 1, 3, 2], [0, 2, 1, None], [1, 2, None, None]]))

    # 0-0 same, 0-1 and 0-1 next to; 1-2 and 1-2 next to, 2-2 same; 3-1 apart; 2 alone.
    assert found.pairs == 7
    assert found.exact == pytest.approx(2 / 7)
    assert found.adjacent == pytest.approx(6 / 7)
    assert found.ratings == 9


def test_dimensions_are_not_compared_with_each_other() -> None:
    same_grader = [Observation(1, 1, "depth", 0), Observation(1, 2, "trade-off", 3)]

    assert measure(same_grader) == Agreement(
        alpha=None, exact=None, adjacent=None, pairs=0, ratings=2
    )


@pytest.mark.parametrize("table", [[], [[None, None]], [[None], [None]]])
def test_nothing_observed_has_no_agreement(table: list[list[int | None]]) -> None:
    assert measure(observations(table)) == Agreement(
        alpha=None, exact=None, adjacent=None, pairs=0, ratings=0
    )


def test_equal_ranks_everywhere_agree_but_have_no_alpha() -> None:
    assert measure(observations([[2, 2], [2, 2]])) == Agreement(
        alpha=None, exact=1.0, adjacent=1.0, pairs=2, ratings=4
    )


def test_perfect_agreement_on_different_ranks_has_alpha_one() -> None:
    assert measure(observations([[0, 3], [0, 3]])).alpha == 1.0
