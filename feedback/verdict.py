"""The mechanical verdict: whether an answer meets its target by rule; words and rows are elsewhere.

Combining ratings by rule is more reliable than combining them by judgement (Conway, Jako & Goodman
1995), so every answer gets this verdict beside the graders' own. It is met when all of these hold:

1. enough dimensions were observed;
2. no downcode in force caps the round below the target;
3. every key dimension was observed and is at the target or higher;
4. at least two thirds of the observed dimensions are at the target or higher.

A dimension's rank is the median of its graders' ranks, lowered by the downcodes in force that cap
this dimension. A cap never makes a rating out of *not observed*.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

DIMENSIONS_NEEDED = 4
DIMENSIONS_NEEDED_IN = {"em_technical": 3}


def dimensions_needed_in(round_kind: str) -> int:
    """Return how many dimensions of this round kind must be observed for a verdict to be met."""
    return DIMENSIONS_NEEDED_IN.get(round_kind, DIMENSIONS_NEEDED)


@dataclass(frozen=True, slots=True)
class Cap:
    """What a downcode does: nothing above `rank` on `dimension`, or in the round where None."""

    downcode: str
    rank: int
    dimension: str | None = None


def in_force(*, ticks: int, reviews: int) -> bool:
    """Tell whether a downcode ticked in `ticks` of `reviews` reviews caps anything.

    It needs half of the reviews, and two of them where two or more are in. Raises ValueError
    unless 0 <= ticks <= reviews.
    """
    if not 0 <= ticks <= reviews:
        raise ValueError(f"{ticks} ticks in {reviews} reviews.")
    return ticks >= min(reviews, 2) and 2 * ticks >= reviews and ticks > 0


def capped(rank: float | None, *, dimension: str, caps: Iterable[Cap]) -> float | None:
    """Return the rank lowered by the caps on this dimension; None stays None."""
    if rank is None:
        return None
    return min([rank, *(cap.rank for cap in caps if cap.dimension == dimension)])


@dataclass(frozen=True, slots=True)
class DimensionRanks:
    """What the graders of one answer gave on one dimension; None is *not observed*."""

    dimension: str
    ranks: tuple[int | None, ...]
    is_key: bool = False

    @property
    def middle_rank(self) -> float | None:
        """The median of the observed ranks; halves occur with an even number of graders."""
        observed = [rank for rank in self.ranks if rank is not None]
        return float(median(observed)) if observed else None


class ReasonCode(StrEnum):
    """Why a verdict is not met; a page has a sentence for each."""

    TOO_FEW_OBSERVED = "too_few_observed"
    ROUND_CAPPED = "round_capped"
    KEY_NOT_OBSERVED = "key_not_observed"
    KEY_BELOW_TARGET = "key_below_target"
    TOO_FEW_AT_TARGET = "too_few_at_target"


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause: `subjects` are keys of downcodes or dimensions, `count` of `needed` where counted.

    `needed` is 0 for causes that name their subjects instead.
    """

    code: ReasonCode
    subjects: tuple[str, ...] = ()
    count: int = 0
    needed: int = 0


@dataclass(frozen=True, slots=True)
class MechanicalVerdict:
    """The verdict by rule; without reasons it is met."""

    reasons: tuple[Reason, ...]
    observed: int
    at_target: int

    @property
    def is_met(self) -> bool:
        return not self.reasons


def mechanical_verdict(
    dimensions: Sequence[DimensionRanks],
    *,
    target_rank: int,
    caps: Collection[Cap] = (),
    dimensions_needed: int = DIMENSIONS_NEEDED,
) -> MechanicalVerdict:
    """Judge one answer by rule, for one review or for all of its reviews together.

    `caps` are those of downcodes in force. Reasons come in the order of the codes, subjects in
    the order given.
    """
    ranks = {
        one.dimension: capped(one.middle_rank, dimension=one.dimension, caps=caps)
        for one in dimensions
    }
    keys = [one.dimension for one in dimensions if one.is_key]
    reached = {
        dimension: rank >= target_rank for dimension, rank in ranks.items() if rank is not None
    }
    observed, at_target = len(reached), sum(reached.values())
    thirds_needed = -(-2 * observed // 3)

    reasons = []
    if observed < dimensions_needed:
        reasons.append(
            Reason(ReasonCode.TOO_FEW_OBSERVED, count=observed, needed=dimensions_needed)
        )
    round_caps = tuple(
        cap.downcode for cap in caps if cap.dimension is None and cap.rank < target_rank
    )
    if round_caps:
        reasons.append(Reason(ReasonCode.ROUND_CAPPED, subjects=round_caps))
    unseen = tuple(key for key in keys if key not in reached)
    if unseen:
        reasons.append(Reason(ReasonCode.KEY_NOT_OBSERVED, subjects=unseen))
    below = tuple(key for key in keys if key in reached and not reached[key])
    if below:
        reasons.append(Reason(ReasonCode.KEY_BELOW_TARGET, subjects=below))
    if at_target < thirds_needed:
        reasons.append(Reason(ReasonCode.TOO_FEW_AT_TARGET, count=at_target, needed=thirds_needed))
    return MechanicalVerdict(reasons=tuple(reasons), observed=observed, at_target=at_target)
