"""The variances found: against analysis of variance, which is exact where every cell is filled."""

import numpy as np
import pytest
from numpy.typing import NDArray

from feedback.calibration import priors
from feedback.calibration.difficulties import fit_difficulties
from feedback.calibration.ratings import Table
from feedback.calibration.severities import fit_severities
from feedback.calibration.variances import with_prior


def crossed(levels: NDArray[np.float64]) -> Table:
    """Lay out levels of shape (attempts, graders, dimensions), nothing missing."""
    attempts, graders, dimensions = levels.shape
    reviews = np.arange(attempts * graders)
    return Table(
        attempts=tuple(range(attempts)),
        graders=tuple(range(graders)),
        dimensions=tuple(f"d{row}" for row in range(dimensions)),
        levels=levels.ravel(),
        review=np.repeat(reviews, dimensions),
        dimension=np.tile(np.arange(dimensions), len(reviews)),
        review_attempt=reviews // graders,
        review_grader=reviews % graders,
    )


@pytest.fixture
def levels() -> NDArray[np.float64]:
    draw = np.random.default_rng(20)
    return np.asarray(
        draw.normal(2, 0.6, (15, 1, 1))
        - draw.normal(0, 0.4, (1, 6, 1))
        - np.array([-0.3, -0.1, 0.0, 0.4])
        + draw.normal(0, 0.5, (15, 6, 1))
        + draw.normal(0, 0.7, (15, 6, 4))
    )


@pytest.fixture
def _no_priors(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRADERS_WORTH", "REVIEWS_WORTH", "RATINGS_WORTH"):
        monkeypatch.setattr(priors, name, 0)
    monkeypatch.setattr(priors, "DIFFICULTY_VARIANCE", 1e9)


@pytest.mark.usefixtures("_no_priors")
def test_without_priors_variances_are_those_of_analysis_of_variance(
    levels: NDArray[np.float64],
) -> None:
    table = crossed(levels)

    difficulties = fit_difficulties(table)
    severities = fit_severities(table, difficulties)

    within = levels - levels.mean(axis=2, keepdims=True)
    within -= within.mean(axis=(0, 1))
    residual = (within**2).sum() / (15 * 6 * 3 - 3)
    reviews = levels.mean(axis=2)
    between = reviews - reviews.mean(axis=1, keepdims=True)
    of_graders = between.mean(axis=0)
    review = ((between - of_graders) ** 2).sum() / (14 * 5)
    severity = (of_graders**2).sum() / 5 - review / 15
    assert difficulties.residual_variance == pytest.approx(residual, rel=1e-4)
    assert severities.halo_variance == pytest.approx(review - residual / 4, rel=1e-3)
    assert severities.variance == pytest.approx(severity, rel=1e-3)


@pytest.mark.usefixtures("_no_priors")
def test_difficulties_are_the_dimensions_means_where_nothing_is_missing(
    levels: NDArray[np.float64],
) -> None:
    found = fit_difficulties(crossed(levels))

    assert found.values == pytest.approx(levels.mean() - levels.mean(axis=(0, 1)), abs=1e-6)


def test_severities_are_the_graders_means_drawn_to_nought(levels: NDArray[np.float64]) -> None:
    table = crossed(levels)

    found = fit_severities(table, fit_difficulties(table))

    plain = levels.mean() - levels.mean(axis=(0, 2))
    noise = (1 / found.totals[0]) * 6  # of one review
    kept = found.variance / (found.variance + noise / 15)
    assert found.values == pytest.approx(kept * plain, rel=1e-4)


def test_prior_rules_without_data_and_fades_with_them() -> None:
    assert with_prior(total=0.0, count=0, prior=0.5, worth=4) == 0.5
    assert with_prior(total=4.0, count=4, prior=0.5, worth=4) == 0.75
    assert with_prior(total=4000.0, count=4000, prior=0.5, worth=4) == pytest.approx(1, abs=0.001)
