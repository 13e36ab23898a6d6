"""Second step: how severe each grader is, from differences between graders of one attempt."""

from dataclasses import dataclass

import numpy as np

from feedback.calibration import priors
from feedback.calibration.difficulties import Difficulties
from feedback.calibration.ratings import Floats, Indices, Table, sums
from feedback.calibration.variances import MOST_SWEEPS, has_settled, with_prior


@dataclass(frozen=True, slots=True)
class Severities:
    """The graders' severities in levels, and what the levels of attempts are made of."""

    values: Floats  # (G,) alpha
    covariance: Floats  # (G, G)
    variance: float  # tau2
    halo_variance: float  # s2_u
    review_levels: Floats  # (P,) r: mean of each review, difficulties added back
    part: Floats  # (A, G) share w / W of each review in its attempt
    totals: Floats  # (A,) W
    shared_attempts: Indices  # (G,)
    sweeps: int


def fit_severities(table: Table, difficulties: Difficulties) -> Severities:
    """Estimate alpha, tau2 and s2_u; within one attempt x cancels.

    Both variances by EM over the attempts that several graded, and the graders of those.
    """
    reviews = _Reviews.of(table, difficulties)
    severity_variance, halo_variance = priors.SEVERITY_VARIANCE, priors.HALO_VARIANCE
    sweeps, is_moving = 0, True
    while is_moving and sweeps < MOST_SWEEPS:
        sweeps, before = sweeps + 1, (severity_variance, halo_variance)
        solution = _solve(reviews, severity_variance, halo_variance)
        severity_variance = _next_severity_variance(reviews, solution)
        halo_variance = _next_halo_variance(reviews, solution, halo_variance)
        is_moving = not (
            has_settled(before[0], severity_variance) and has_settled(before[1], halo_variance)
        )
    return Severities(
        values=solution.values,
        covariance=solution.covariance,
        variance=severity_variance,
        halo_variance=halo_variance,
        review_levels=reviews.levels,
        part=solution.part,
        totals=solution.totals,
        shared_attempts=reviews.shared_attempts,
        sweeps=sweeps,
    )


@dataclass(frozen=True, slots=True)
class _Reviews:
    """The ratings brought down to one row a review; P, A and G as in the table."""

    attempt: Indices  # (P,)
    grader: Indices  # (P,)
    levels: Floats  # (P,) r
    rest: Floats  # (P,) s2_e / m
    is_shared: Indices  # (P,) 1 where others graded the attempt too, else 0
    shared_attempts: Indices  # (G,)
    attempts: int

    @classmethod
    def of(cls, table: Table, difficulties: Difficulties) -> "_Reviews":
        corrected = table.levels + difficulties.values[table.dimension]
        sizes = np.bincount(table.review, minlength=table.reviews)
        graders = np.bincount(table.review_attempt, minlength=len(table.attempts))
        is_shared = (graders[table.review_attempt] > 1).astype(np.intp)
        shared = table.review_grader[is_shared == 1]
        return cls(
            attempt=table.review_attempt,
            grader=table.review_grader,
            levels=sums(table.review, corrected, table.reviews) / sizes,
            rest=difficulties.residual_variance / sizes,
            is_shared=is_shared,
            shared_attempts=np.bincount(shared, minlength=len(table.graders)),
            attempts=len(table.attempts),
        )


@dataclass(frozen=True, slots=True)
class _Solution:
    values: Floats  # (G,)
    covariance: Floats  # (G, G)
    noise: Floats  # (P,) v
    part: Floats  # (A, G)
    totals: Floats  # (A,)
    centre: Floats  # (A,) weighted mean of r in each attempt


def _solve(reviews: _Reviews, severity_variance: float, halo_variance: float) -> _Solution:
    """Solve the mixed-model equations (Henderson 1975) for alpha with x eliminated.

    With w = 1 / v, W their sum over an attempt and r. their weighted mean in it,

        (diag(sum of w) - sum over attempts of w w' / W + 1 / tau2) alpha = - sum of w (r - r.)

    and the inverse of that matrix is the covariance of alpha. Attempts with one grader drop out.
    """
    attempt, grader = reviews.attempt, reviews.grader
    graders = len(reviews.shared_attempts)
    noise = halo_variance + reviews.rest
    weights = np.zeros((reviews.attempts, graders))
    weights[attempt, grader] = 1 / noise
    totals = weights.sum(axis=1)
    part = weights / totals[:, None]
    centre = sums(attempt, part[attempt, grader] * reviews.levels, reviews.attempts)

    information = np.diag(weights.sum(axis=0) + 1 / severity_variance) - weights.T @ part
    covariance = np.linalg.inv((information + information.T) / 2)
    differences = (reviews.levels - centre[attempt]) / noise
    return _Solution(
        values=covariance @ sums(grader, -differences, graders),
        covariance=covariance,
        noise=noise,
        part=part,
        totals=totals,
        centre=centre,
    )


def _next_severity_variance(reviews: _Reviews, solution: _Solution) -> float:
    """Return tau2 as the mean of the expected alpha squared over graders who can be compared."""
    is_compared = reviews.shared_attempts > 0
    squares = solution.values**2 + np.diag(solution.covariance)
    return with_prior(
        total=float(squares[is_compared].sum()),
        count=int(is_compared.sum()),
        prior=priors.SEVERITY_VARIANCE,
        worth=priors.GRADERS_WORTH,
    )


def _next_halo_variance(reviews: _Reviews, solution: _Solution, halo_variance: float) -> float:
    """Return s2_u as the mean of the expected u squared over the reviews of shared attempts.

    u has the posterior mean k (r + alpha - x) and variance s2_u (1 - k) + k^2 var(x - alpha),
    where k = s2_u / v.
    """
    attempt, grader = reviews.attempt, reviews.grader
    part, covariance = solution.part, solution.covariance
    levels = solution.centre + part @ solution.values
    spread = part @ covariance
    of_attempt = 1 / solution.totals + (spread * part).sum(axis=1)
    of_difference = of_attempt[attempt] - 2 * spread[attempt, grader] + np.diag(covariance)[grader]
    kept = halo_variance / solution.noise
    mean = kept * (reviews.levels + solution.values[grader] - levels[attempt])
    squares = mean**2 + halo_variance * (1 - kept) + kept**2 * of_difference
    return with_prior(
        total=float(reviews.is_shared @ squares),
        count=int(reviews.is_shared.sum()),
        prior=priors.HALO_VARIANCE,
        worth=priors.REVIEWS_WORTH,
    )
