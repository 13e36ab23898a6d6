"""The level scale: where a rank sits, where a bar stands, what a band is; no estimation."""

LOWEST_LEVEL = 0.0
HIGHEST_LEVEL = 4.0
LOWEST_RANK = 0
HIGHEST_RANK = 3

INTERVAL = 0.80
Z_80 = 1.2815515655446004  # the normal quantile at (1 + INTERVAL) / 2


def level_of_rank(rank: int) -> float:
    """Return the level, 0.5 to 3.5, at which a rating of this rank sits: the middle of its zone."""
    return rank + 0.5


def bar_of_rank(rank: int) -> float:
    """Return the level at which the zone of this rank begins."""
    return float(rank)


def clipped(level: float) -> float:
    """Return the level moved onto the scale, for showing; computing uses the level unclipped."""
    return min(max(level, LOWEST_LEVEL), HIGHEST_LEVEL)


def band(level: float, standard_error: float) -> tuple[float, float]:
    """Return the ends, in levels, of the 80 % interval, clipped at the ends of the scale."""
    reach = Z_80 * standard_error
    return clipped(level - reach), clipped(level + reach)
