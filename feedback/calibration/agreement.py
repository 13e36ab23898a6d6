"""How much graders agree before anything is corrected; no model and no severity."""

from collections.abc import Iterable
from dataclasses import dataclass

import krippendorff
import numpy as np
from numpy.typing import NDArray

from feedback.calibration.ratings import Observation, in_order
from feedback.calibration.scale import HIGHEST_RANK, LOWEST_RANK

RANKS = HIGHEST_RANK - LOWEST_RANK + 1


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of the graders of the same attempts on the same dimensions.

    `alpha` is Krippendorff's, ordinal, at most 1, and 0 at chance (Krippendorff 2011, Computing
    Krippendorff's Alpha-Reliability); `exact` and `adjacent` are the shares of pairs of graders
    with the same rank, and with ranks at most one apart. Each is None where it cannot be computed:
    without a pair, and alpha also where every paired rating has the same rank.
    """

    alpha: float | None
    exact: float | None
    adjacent: float | None
    pairs: int
    ratings: int


def measure(observations: Iterable[Observation]) -> Agreement:
    """Return the agreement over all the observations; a unit is one attempt on one dimension."""
    counts = _rank_counts(observations)
    graders = counts.sum(axis=1)
    pairs = int((graders * (graders - 1) // 2).sum())
    same = int((counts * (counts - 1) // 2).sum())
    next_to = int((counts[:, 1:] * counts[:, :-1]).sum())
    return Agreement(
        alpha=ordinal_alpha(counts[graders > 1]),
        exact=same / pairs if pairs else None,
        adjacent=(same + next_to) / pairs if pairs else None,
        pairs=pairs,
        ratings=int(graders.sum()),
    )


def ordinal_alpha(counts: NDArray[np.int_]) -> float | None:
    """Return Krippendorff's alpha for counts of shape (units, categories in order).

    Every unit has two ratings or more; None where all of them lie in one category.
    """
    if np.count_nonzero(counts.sum(axis=0)) < 2:
        return None
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="ordinal"))


def _rank_counts(observations: Iterable[Observation]) -> NDArray[np.int_]:
    """Count, for each unit, how many graders gave each rank: shape (units, ranks)."""
    rows: dict[tuple[int, str], list[int]] = {}
    for observation in in_order(observations):
        if observation.rank is not None:
            row = rows.setdefault((observation.attempt, observation.dimension), [0] * RANKS)
            row[observation.rank - LOWEST_RANK] += 1
    return np.array(list(rows.values()), dtype=np.int_).reshape(-1, RANKS)
