"""What both steps share in finding variances by EM (Dempster, Laird & Rubin 1977)."""

MOST_SWEEPS = 1000
TOLERANCE = 1e-6


def with_prior(*, total: float, count: int, prior: float, worth: int) -> float:
    """Return the mean of `count` expected squares that add up to `total`, drawn to the prior.

    The prior counts as `worth` squares more (the scaled inverse chi-square of Gelman et al.,
    Bayesian Data Analysis), so it rules where there are no data and is overruled by many.
    """
    return (worth * prior + total) / (worth + count)


def has_settled(before: float, after: float) -> bool:
    """Tell whether one more sweep moves the variance by less than a millionth of itself."""
    return abs(after - before) <= TOLERANCE * before
