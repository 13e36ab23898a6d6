"""When the reviews of one attempt are split, so that a third reader is asked. [pure]"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

APART = 2
"""So many ranks between two graders on a key dimension are a split."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one review says: its ranks on the key dimensions, and on which side of the bar it is."""

    key_ranks: Mapping[str, int | None]
    is_yes: bool


def is_split(opinions: Collection[Opinion]) -> bool:
    """Say whether two reviews lie two levels apart on a key dimension, or across the bar.

    What one of them did not observe says nothing.
    """
    if len({opinion.is_yes for opinion in opinions}) > 1:
        return True
    keys = {key for opinion in opinions for key in opinion.key_ranks}
    for key in keys:
        ranks = [opinion.key_ranks.get(key) for opinion in opinions]
        seen = [rank for rank in ranks if rank is not None]
        if seen and max(seen) - min(seen) >= APART:
            return True
    return False
