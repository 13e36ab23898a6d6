"""Who of the demo trained on which vignettes, how long ago and with what luck. [pure]"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from feedback.demo.chance import fraction

A_DAY = 2  # vignettes that one reads on a day
BREATHER = timedelta(minutes=25)
READING = timedelta(minutes=11)
HIGHEST_RANK = 3


@dataclass(frozen=True)
class LessonPlan:
    """How a member reads vignettes of a round kind: so many, two a day, from so many days ago.

    `care` is the share of ratings that agree with the reference; the others are one level off, and
    of who `slips` some by two. One more stays open where it is said so.
    """

    member: str
    kind: str
    days_ago: int
    items: int
    care: float = 0.8
    slips: bool = False
    leaves_one_open: bool = False


@dataclass(frozen=True)
class Lesson:
    """One vignette at an instant: the how-manieth of its plan, and whether it is handed in."""

    plan: LessonPlan
    place: int
    at: datetime
    is_open: bool

    @property
    def done_at(self) -> datetime:
        """When it is handed in."""
        return self.at + READING

    def rating(self, dimension: str, reference: int | None) -> int | None:
        """Return what this member rates, given the reference level."""
        names = ("lesson", self.plan.member, self.plan.kind, self.place, dimension)
        luck = fraction(*names)
        if luck < self.plan.care:
            return reference
        if reference is None:
            return 1
        if self.plan.slips and luck > (1 + self.plan.care) / 2:
            return reference - 2 if reference >= 2 else reference + 2
        is_up = fraction("up", *names) < 0.5
        if reference == 0 or (is_up and reference < HIGHEST_RANK):
            return reference + 1
        return reference - 1


LESSONS = (
    LessonPlan("mara", "coding", days_ago=50, items=4),
    LessonPlan("mara", "xfn", days_ago=12, items=6, care=0.45, slips=True),
    LessonPlan("mara", "sd_ambiguous", days_ago=2, items=3, leaves_one_open=True),
    LessonPlan("tomas", "xfn", days_ago=58, items=6, care=0.85),
    LessonPlan("tomas", "ic_leadership", days_ago=55, items=4),
    LessonPlan("tomas", "sd_ambiguous", days_ago=52, items=4, care=0.9),
    LessonPlan("tomas", "em_org", days_ago=20, items=4, care=0.9),
    LessonPlan("adaeze", "em_technical", days_ago=48, items=4, care=0.3, slips=True),
    LessonPlan("adaeze", "em_technical", days_ago=28, items=4, care=0.85),
    LessonPlan("adaeze", "em_design", days_ago=40, items=4, care=0.85),
    LessonPlan("kenji", "coding", days_ago=57, items=6, care=0.85),
    LessonPlan("kenji", "sd_classic", days_ago=56, items=4, care=0.85),
    LessonPlan("kenji", "sd_ambiguous", days_ago=54, items=4),
    LessonPlan("priya", "coding", days_ago=46, items=4),
    LessonPlan("priya", "sd_ambiguous", days_ago=3, items=3, care=0.7),
    LessonPlan("yusuf", "sd_ambiguous", days_ago=11, items=6, care=0.4, slips=True),
    LessonPlan("eilidh", "deep_dive", days_ago=30, items=4, care=0.85),
    LessonPlan("caleb", "xfn", days_ago=1, items=1),
)
"""Half of them have unlocked something, some are half-way, two have read all and missed it."""


def lessons(now: datetime) -> list[Lesson]:
    """Return what is read in order of time, in a world in which it is now."""
    found = []
    for plan in LESSONS:
        first_at = now - timedelta(days=plan.days_ago, hours=2)
        for place in range(plan.items + plan.leaves_one_open):
            at = first_at + timedelta(days=place // A_DAY) + place % A_DAY * BREATHER
            found.append(Lesson(plan, place, at, is_open=place == plan.items))
    return sorted(found, key=lambda one: (one.at, one.plan.member, one.plan.kind))
