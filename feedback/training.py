"""How training on vignettes is scored and what it unlocks [pure].

Ratings and references are ranks 0 to 3 by dimension; None is *not observed*.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

Ranks = Mapping[str, int | None]

ITEMS_NEEDED = 4
FAR = 2
"""So many levels away from the reference, one rating keeps a round shut."""
REPEAT_AFTER = timedelta(days=14)


class Gap(StrEnum):
    """How a rating lies to its reference."""

    EXACT = "exact"
    ONE = "one"
    FAR = "far"
    UNLIKE = "unlike"
    """One of the two is *not observed*: not the same, and no distance either."""


@dataclass(frozen=True)
class Score:
    """What a sitting came to: `exact` of `rated` ratings agree, `farthest` is in levels."""

    exact: int
    rated: int
    farthest: int

    @property
    def has_far(self) -> bool:
        """Say whether a rating is off by two or more."""
        return self.farthest >= FAR


@dataclass(frozen=True)
class Standing:
    """What the last items come to, as the rule reads them."""

    items: int
    exact: int
    rated: int
    far_items: int

    @property
    def is_unlocked(self) -> bool:
        """Say whether the rule is met: exact on half of the ratings, none off by two."""
        has_all = self.items == ITEMS_NEEDED
        return has_all and 2 * self.exact >= self.rated > 0 and not self.far_items


@dataclass(frozen=True)
class Sat:
    """A sitting that was handed in: at which item, for the how-manieth time, and when."""

    item: str
    number: int
    at: datetime


@dataclass(frozen=True)
class Next:
    """The item that comes next. `number` above 1 is a repeat, which opens at `opens_at`."""

    item: str
    number: int
    opens_at: datetime | None = None

    def is_open(self, at: datetime) -> bool:
        """Say whether it may be begun."""
        return self.opens_at is None or at >= self.opens_at


def gap_of(rating: int | None, reference: int | None) -> Gap:
    """Compare one rating with its reference."""
    if rating == reference:
        return Gap.EXACT
    if rating is None or reference is None:
        return Gap.UNLIKE
    return Gap.FAR if abs(rating - reference) >= FAR else Gap.ONE


def score(ratings: Ranks, references: Ranks) -> Score:
    """Score ratings of the same dimensions as the references. Raise ValueError for others."""
    if ratings.keys() != references.keys():
        raise ValueError("Ratings and references are of the same dimensions.")
    pairs = [(ratings[key], references[key]) for key in references]
    distances = [
        abs(rating - reference)
        for rating, reference in pairs
        if rating is not None and reference is not None
    ]
    return Score(
        exact=sum(rating == reference for rating, reference in pairs),
        rated=len(pairs),
        farthest=max(distances, default=0),
    )


def standing(scores: Sequence[Score]) -> Standing:
    """Read the last four items, given the scores of all in the order of handing in."""
    last = scores[-ITEMS_NEEDED:]
    return Standing(
        items=len(last),
        exact=sum(one.exact for one in last),
        rated=sum(one.rated for one in last),
        far_items=sum(one.has_far for one in last),
    )


def next_item(items: Sequence[str], sat: Iterable[Sat]) -> Next | None:
    """Return what comes next of a kind's items in their order; None where it has none.

    First comes what was never handed in. Once all were, they are repeated in the same order, 14
    days after the last sitting of the round before.
    """
    sat = [one for one in sat if one.item in items]
    times = Counter(one.item for one in sat)
    if not items:
        return None
    fewest = min(times[item] for item in items)
    item = next(item for item in items if times[item] == fewest)
    if not fewest:
        return Next(item, 1)
    ended_at = max(one.at for one in sat if one.number <= fewest)
    return Next(item, fewest + 1, ended_at + REPEAT_AFTER)
