"""Chance that depends on names alone: the same names give the same luck, in any order. [pure]"""

import hashlib
from statistics import NormalDist

_STEPS = 2**53


def fraction(*names: object) -> float:
    """Return a number that is spread evenly between 0 and 1, both excluded."""
    text = "/".join(str(name) for name in names)
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 11
    return (number + 0.5) / _STEPS


def whole(low: int, high: int, *names: object) -> int:
    """Return a whole number from `low` to `high`, both included."""
    return low + int(fraction(*names) * (high - low + 1))


def normal(spread: float, *names: object) -> float:
    """Return a number from the normal distribution around 0 with this standard deviation."""
    return spread * NormalDist().inv_cdf(fraction(*names))
