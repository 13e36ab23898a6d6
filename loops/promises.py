"""What two people promise each other by agreeing on a mock, and what keeping it is worth. [pure]

**The clock of a mock.** Asked to confirm 24 hours before; silence until 4 hours before gives the
seats back; a reminder 2 hours before; 10 minutes' grace after the start. A mock agreed less than
24 hours before counts as confirmed. A change less than 12 hours before is a late one.

**Reliability** is what was kept of the last ten promises. A promise weighs less as it ages, half
after 60 days; one changed late counts half; excused ones do not count; the first miss of all is
forgiven. The estimate starts from nine kept of ten (a Beta(9, 1) prior), so that somebody new is
trusted and one evening decides nothing. It orders partners in the pool and shuts nobody out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

CONFIRM_BEFORE = timedelta(hours=24)
LATE_BEFORE = timedelta(hours=12)
RELEASE_BEFORE = timedelta(hours=4)
REMIND_BEFORE = timedelta(hours=2)
ARRIVE_BEFORE = timedelta(minutes=15)
GRACE = timedelta(minutes=10)
CLOSE_AFTER = timedelta(hours=1)
APPEAL_WITHIN = timedelta(days=14)

COUNTED_MOST = 10
HALF_LIFE = timedelta(days=60)
PRIOR_KEPT, PRIOR_ALL = 9.0, 10.0
WORTH = {"kept": 1.0, "late_change": 0.5, "no_show": 0.0}


@dataclass(frozen=True)
class Promise:
    """One promise whose end is known; `outcome` is a key of WORTH."""

    outcome: str
    at: datetime


@dataclass(frozen=True)
class Reliability:
    """What a person's last promises say.

    `kept` of `counted` were kept in full; `is_forgiven` says that a miss among them was left
    out. `permille` is the estimate in thousandths, 900 for somebody new.
    """

    kept: int
    counted: int
    late: int
    missed: int
    is_forgiven: bool
    permille: int

    @property
    def marks(self) -> list[str]:
        """Return a mark for each promise that counted, the best first: no order of time."""
        return ["kept"] * self.kept + ["late"] * self.late + ["missed"] * self.missed


def reliability(promises: Sequence[Promise], now: datetime) -> Reliability:
    """Weigh all the promises of one person, in any order."""
    in_order = sorted(promises, key=lambda promise: promise.at)
    first_miss = next((one for one in in_order if one.outcome != "kept"), None)
    last = in_order[-COUNTED_MOST:]
    counted = [one for one in last if one is not first_miss]
    weights = [0.5 ** ((now - one.at) / HALF_LIFE) for one in counted]
    worth = sum(weight * WORTH[one.outcome] for weight, one in zip(weights, counted, strict=True))
    estimate = (PRIOR_KEPT + worth) / (PRIOR_ALL + sum(weights))
    return Reliability(
        kept=sum(one.outcome == "kept" for one in counted),
        counted=len(counted),
        late=sum(one.outcome == "late_change" for one in counted),
        missed=sum(one.outcome == "no_show" for one in counted),
        is_forgiven=len(counted) < len(last),
        permille=round(1000 * estimate),
    )


def is_confirmed_by_agreeing(starts_at: datetime, agreed_at: datetime) -> bool:
    """Say whether a mock is agreed too late to be asked about again."""
    return agreed_at > starts_at - CONFIRM_BEFORE


def is_late(starts_at: datetime, at: datetime) -> bool:
    """Say whether a change at that instant comes late for the other."""
    return at > starts_at - LATE_BEFORE
