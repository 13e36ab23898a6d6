"""The way in: one fit over the ratings of a round kind, and what it found; no storage, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feedback.calibration.agreement import Agreement, measure
from feedback.calibration.difficulties import Difficulties, fit_difficulties
from feedback.calibration.linking import components
from feedback.calibration.priors import LARGEST_SHIFT
from feedback.calibration.ratings import Floats, Observation, Table, in_order, sums
from feedback.calibration.scale import band, clipped
from feedback.calibration.severities import Severities, fit_severities
from feedback.calibration.variances import MOST_SWEEPS

CODE_VERSION = "mean-shift-1"


@dataclass(frozen=True, slots=True)
class AttemptEstimate:
    """What a typical grader would have given, in levels; `low` to `high` is the 80 % band.

    `level` is unclipped, for computing on; `shown_level` and the band lie within 0 to 4.
    `raw_level` is the plain mean of the ratings. Severities are comparable within one `component`
    (0 is the largest); across components they are taken to be 0 on average.
    """

    attempt: int
    level: float
    standard_error: float
    low: float
    high: float
    raw_level: float
    graders: int
    component: int

    @property
    def shown_level(self) -> float:
        return clipped(self.level)


@dataclass(frozen=True, slots=True)
class GraderEstimate:
    """How much lower than others a grader rates, in levels, shrunk towards 0.

    `shift` is what is added to the grader's ratings: the severity, at most half a level either
    way. `attempts`, those that others graded too, are what the severity rests on; `graded` are all.
    """

    grader: int
    severity_levels: float
    standard_error: float
    shift: float
    attempts: int
    graded: int


@dataclass(frozen=True, slots=True)
class DimensionEstimate:
    """How much lower a dimension is rated than the average one, in levels, and how alike.

    Difficulties sum to 0 over dimensions that were rated in the same reviews.
    """

    dimension: str
    difficulty_levels: float
    agreed: Agreement

    @property
    def agreement(self) -> float | None:
        """Krippendorff's alpha, or None where it cannot be computed."""
        return self.agreed.alpha

    @property
    def ratings(self) -> int:
        return self.agreed.ratings


@dataclass(frozen=True, slots=True)
class Variances:
    """The variances found, in levels squared: tau2, s2_u and s2_e of the model."""

    severity: float
    halo: float
    residual: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """One fit over the ratings of a round kind; every tuple ascends by id.

    Attempts with no observed rating are not in it; graders and dimensions without one are, at 0.
    """

    attempts: tuple[AttemptEstimate, ...]
    graders: tuple[GraderEstimate, ...]
    dimensions: tuple[DimensionEstimate, ...]
    agreed: Agreement
    variances: Variances
    components: int
    sweeps: int
    is_converged: bool
    code_version: str = CODE_VERSION

    @property
    def agreement(self) -> float | None:
        """Krippendorff's alpha over all dimensions, or None where it cannot be computed."""
        return self.agreed.alpha


def calibrate(observations: Sequence[Observation]) -> Calibration:
    """Estimate every attempt, grader and dimension of one round kind.

    The result depends on the observations alone and not on their order, to the last bit. Raises
    ValueError for a rank off the scale and for a cell rated twice.
    """
    ordered = in_order(observations)
    table = Table.of(ordered)
    difficulties = fit_difficulties(table)
    severities = fit_severities(table, difficulties)
    attempts = _attempts(table, difficulties, severities)
    sweeps = max(difficulties.sweeps, severities.sweeps)
    return Calibration(
        attempts=attempts,
        graders=_graders(table, severities),
        dimensions=_dimensions(table, difficulties, ordered),
        agreed=measure(ordered),
        variances=Variances(
            severity=severities.variance,
            halo=severities.halo_variance,
            residual=difficulties.residual_variance,
        ),
        components=len({attempt.component for attempt in attempts}),
        sweeps=sweeps,
        is_converged=sweeps < MOST_SWEEPS,
    )


def _attempts(
    table: Table, difficulties: Difficulties, severities: Severities
) -> tuple[AttemptEstimate, ...]:
    """Estimate x_a = sum over its reviews of (w / W) (r + shift), and its standard error.

    The error's square adds the noise of the reviews, 1 / W; the uncertainty of their graders'
    severities; what the cap on the shift leaves out; and the uncertainty of the difficulties,
    which is nothing where every dimension was rated.
    """
    rows = len(table.attempts)
    attempt, grader = table.review_attempt, table.review_grader
    part = severities.part
    shifts = _shifts(severities)
    corrected = severities.review_levels + shifts[grader]
    levels = sums(attempt, part[attempt, grader] * corrected, rows)

    shares = np.zeros((rows, len(table.dimensions)))
    np.add.at(shares, attempt, part[attempt, grader][:, None] * difficulties.shares)
    squares = (
        1 / severities.totals
        + ((part @ severities.covariance) * part).sum(axis=1)
        + (part @ (severities.values - shifts)) ** 2
        + ((shares @ difficulties.covariance) * shares).sum(axis=1)
    )
    errors = np.sqrt(squares)

    attempt_of_rating = attempt[table.review]
    raw = sums(attempt_of_rating, table.levels, rows) / np.bincount(
        attempt_of_rating, minlength=rows
    )
    graders = np.bincount(attempt, minlength=rows)
    subsets = components(attempt, grader)
    return tuple(
        AttemptEstimate(
            attempt=table.attempts[row],
            level=float(levels[row]),
            standard_error=float(errors[row]),
            low=band(float(levels[row]), float(errors[row]))[0],
            high=band(float(levels[row]), float(errors[row]))[1],
            raw_level=float(raw[row]),
            graders=int(graders[row]),
            component=subsets[row],
        )
        for row in range(rows)
    )


def _graders(table: Table, severities: Severities) -> tuple[GraderEstimate, ...]:
    errors = np.sqrt(np.diag(severities.covariance))
    shifts = _shifts(severities)
    graded = np.bincount(table.review_grader, minlength=len(table.graders))
    return tuple(
        GraderEstimate(
            grader=grader,
            severity_levels=float(severities.values[row]),
            standard_error=float(errors[row]),
            shift=float(shifts[row]),
            attempts=int(severities.shared_attempts[row]),
            graded=int(graded[row]),
        )
        for row, grader in enumerate(table.graders)
    )


def _shifts(severities: Severities) -> Floats:
    return np.clip(severities.values, -LARGEST_SHIFT, LARGEST_SHIFT)


def _dimensions(
    table: Table, difficulties: Difficulties, observations: Sequence[Observation]
) -> tuple[DimensionEstimate, ...]:
    of_dimension: dict[str, list[Observation]] = {key: [] for key in table.dimensions}
    for observation in observations:
        of_dimension[observation.dimension].append(observation)
    return tuple(
        DimensionEstimate(
            dimension=key,
            difficulty_levels=float(difficulties.values[row]),
            agreed=measure(of_dimension[key]),
        )
        for row, key in enumerate(table.dimensions)
    )
