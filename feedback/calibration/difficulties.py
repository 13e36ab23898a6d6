"""First step: how hard each dimension is, from differences within reviews."""

from dataclasses import dataclass

import numpy as np

from feedback.calibration import priors
from feedback.calibration.ratings import Floats, Table, sums
from feedback.calibration.variances import MOST_SWEEPS, has_settled, with_prior


@dataclass(frozen=True, slots=True)
class Difficulties:
    """The dimensions' difficulties in levels, and the noise of one rating."""

    values: Floats  # (D,) delta
    covariance: Floats  # (D, D)
    shares: Floats  # (P, D) weight of each dimension in the mean of each review
    residual_variance: float  # s2_e
    sweeps: int


def fit_difficulties(table: Table) -> Difficulties:
    """Estimate delta and s2_e; within one review x, alpha and u cancel.

    Ridge regression (L + s2_e / 0.25) delta = b, where L adds up the centring matrices of the
    reviews' dimensions, solved in the eigenvectors of L. Its null vectors, one for each set of
    dimensions that share no review with others, hold no difference and so no difficulty: over
    such a set the difficulties sum to 0.
    """
    rated = np.zeros((table.reviews, len(table.dimensions)))
    rated[table.review, table.dimension] = 1
    sizes = rated.sum(axis=1)
    shares = rated / sizes[:, None]
    means = sums(table.review, table.levels, table.reviews) / sizes
    within = table.levels - means[table.review]

    roots, vectors = np.linalg.eigh(np.diag(rated.sum(axis=0)) - rated.T @ shares)
    is_compared = roots > 1e-9
    roots, vectors = roots[is_compared], vectors[:, is_compared]
    target = -(vectors.T @ sums(table.dimension, within, len(table.dimensions)))

    variance, sweeps, is_moving = priors.RESIDUAL_VARIANCE, 0, True
    while is_moving and sweeps < MOST_SWEEPS:
        sweeps, before = sweeps + 1, variance
        ridged = roots + variance / priors.DIFFICULTY_VARIANCE
        values = vectors @ (target / ridged)
        left = within + values[table.dimension] - (shares @ values)[table.review]
        variance = max(
            priors.ROUNDING_VARIANCE,
            with_prior(
                total=float(left @ left + variance * (roots / ridged).sum()),
                count=len(table.levels) - table.reviews,
                prior=priors.RESIDUAL_VARIANCE,
                worth=priors.RATINGS_WORTH,
            ),
        )
        is_moving = not has_settled(before, variance)
    return Difficulties(
        values=values,
        covariance=(vectors * (variance / ridged)) @ vectors.T,
        shares=shares,
        residual_variance=variance,
        sweeps=sweeps,
    )
