"""What the engine is given: observations, their checks and their order; no statistics."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from feedback.calibration.scale import HIGHEST_RANK, LOWEST_RANK, level_of_rank

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Observation:
    """One rating: rank 0 to 3, or None for *not observed*.

    `dimension` names the item: two editions share it where the dimension means the same in both.
    """

    attempt: int
    grader: int
    dimension: str
    rank: int | None

    @property
    def cell(self) -> tuple[int, int, str]:
        return self.attempt, self.grader, self.dimension


def in_order(observations: Iterable[Observation]) -> list[Observation]:
    """Return the observations sorted by attempt, grader and dimension.

    Raises ValueError for a rank off the scale and for a cell that is rated twice: which of two
    ratings is the last cannot be told here.
    """
    ordered = sorted(observations, key=lambda observation: observation.cell)
    for observation in ordered:
        if observation.rank not in (None, *range(LOWEST_RANK, HIGHEST_RANK + 1)):
            raise ValueError(f"Rank {observation.rank!r} is not on the scale: {observation}.")
    for before, after in pairwise(ordered):
        if before.cell == after.cell:
            raise ValueError(f"Rated twice: {before} and {after}.")
    return ordered


@dataclass(frozen=True, slots=True)
class Table:
    """Observed ratings as arrays: R ratings in P reviews of A attempts by G graders.

    A review without a single observed dimension is no row; its grader is kept, its attempt is
    kept only if somebody else observed something.
    """

    attempts: tuple[int, ...]  # A ids, ascending
    graders: tuple[int, ...]  # G ids, ascending
    dimensions: tuple[str, ...]  # D ids, ascending
    levels: Floats  # (R,)
    review: Indices  # (R,) row of the review that the rating belongs to
    dimension: Indices  # (R,)
    review_attempt: Indices  # (P,)
    review_grader: Indices  # (P,)

    @property
    def reviews(self) -> int:
        return len(self.review_attempt)

    @classmethod
    def of(cls, observations: Sequence[Observation]) -> Self:
        """Lay out observations that are checked and in order."""
        graders = tuple(sorted({observation.grader for observation in observations}))
        dimensions = tuple(sorted({observation.dimension for observation in observations}))
        rated = [
            (observation, level_of_rank(observation.rank))
            for observation in observations
            if observation.rank is not None
        ]
        attempts = tuple(sorted({observation.attempt for observation, _ in rated}))
        reviews = sorted({(observation.attempt, observation.grader) for observation, _ in rated})
        row_of_attempt = _rows(attempts)
        row_of_grader = _rows(graders)
        row_of_dimension = _rows(dimensions)
        row_of_review = _rows(reviews)
        return cls(
            attempts=attempts,
            graders=graders,
            dimensions=dimensions,
            levels=np.array([level for _, level in rated], dtype=np.float64),
            review=_indices(row_of_review[one.attempt, one.grader] for one, _ in rated),
            dimension=_indices(row_of_dimension[one.dimension] for one, _ in rated),
            review_attempt=_indices(row_of_attempt[attempt] for attempt, _ in reviews),
            review_grader=_indices(row_of_grader[grader] for _, grader in reviews),
        )


def sums(rows: Indices, values: Floats, length: int) -> Floats:
    """Add up the values that belong to each of `length` rows, always in the same order."""
    return np.bincount(rows, weights=values, minlength=length).astype(np.float64)


def _rows(keys: Iterable[Key]) -> dict[Key, int]:
    return {key: row for row, key in enumerate(keys)}


def _indices(rows: Iterable[int]) -> Indices:
    return np.array(list(rows), dtype=np.intp)
