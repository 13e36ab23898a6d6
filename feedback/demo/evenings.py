"""The mocks of the demo: hours, what was held and what was not, what is agreed, the pool. [pure]"""

from dataclasses import dataclass


@dataclass(frozen=True)
class HoursPlan:
    """Weekly hours of a member in their own zone; day 0 is Monday, minutes of the local day."""

    member: str
    weekdays: tuple[int, ...]
    start_minute: int
    end_minute: int


@dataclass(frozen=True)
class MockPlan:
    """A mock to come: `member` asks, at the first time that both have after `in_hours`.

    `answers` is the partner's own round where roles are swapped; `state` is how far it has come.
    """

    member: str
    partner: str
    kind: str
    in_hours: int
    state: str
    answers: str = ""
    note: str = ""
    video_url: str = ""


@dataclass(frozen=True)
class BrokenPlan:
    """A past mock that was not held: whose promise was broken, how, and how long ago."""

    member: str
    partner: str
    kind: str
    days_ago: int
    outcome: str
    appeal: str = ""


@dataclass(frozen=True)
class RequestPlan:
    """A member's place in the pool."""

    member: str
    kinds: tuple[str, ...]
    days_ago: int
    weeks_waited: int = 0


WORKDAYS = (0, 1, 2, 3, 4)
HOURS = (
    HoursPlan("mara", (0, 1, 2, 3), 18 * 60 + 30, 22 * 60),
    HoursPlan("mara", (5,), 10 * 60, 13 * 60),
    HoursPlan("tomas", WORKDAYS, 12 * 60, 15 * 60),
    HoursPlan("adaeze", (0, 2, 4), 18 * 60, 21 * 60),
    HoursPlan("adaeze", (5,), 9 * 60, 14 * 60),
    HoursPlan("kenji", (1, 3), 6 * 60, 8 * 60),
    HoursPlan("kenji", (5, 6), 17 * 60, 21 * 60),
    HoursPlan("priya", (5, 6), 13 * 60, 18 * 60),
    HoursPlan("yusuf", (1, 2, 3), 19 * 60, 23 * 60),
    HoursPlan("eilidh", (0, 1, 2, 3), 17 * 60 + 30, 21 * 60 + 30),
    HoursPlan("eilidh", (6,), 15 * 60, 19 * 60),
    HoursPlan("caleb", WORKDAYS, 11 * 60 + 30, 13 * 60 + 30),
)
COMING = (
    MockPlan(
        "mara",
        "eilidh",
        "sd_ambiguous",
        in_hours=20,
        state="agreed",
        answers="coding",
        note="Stop me when I draw before I have asked who is hurt.",
        video_url="https://meet.example/mara-eilidh",
    ),
    MockPlan("yusuf", "mara", "xfn", in_hours=64, state="agreed"),
    MockPlan(
        "adaeze",
        "mara",
        "em_design",
        in_hours=90,
        state="proposed",
        note="An hour of the ticket sale, with every follow-up you have.",
    ),
    MockPlan("mara", "tomas", "ic_leadership", in_hours=120, state="proposed"),
    MockPlan("eilidh", "caleb", "coding", in_hours=70, state="agreed", answers="coding"),
)
BROKEN = (
    BrokenPlan("caleb", "yusuf", "xfn", days_ago=18, outcome="late_change"),
    BrokenPlan(
        "eilidh",
        "yusuf",
        "coding",
        days_ago=5,
        outcome="no_show",
        appeal="The power went out in our whole street; I wrote in the cohort's chat as soon as it "
        "was back.",
    ),
)
POOL = (
    RequestPlan("caleb", ("sd_classic", "coding"), days_ago=9, weeks_waited=1),
    RequestPlan("priya", ("coding",), days_ago=2),
    RequestPlan("kenji", ("deep_dive", "sd_ambiguous"), days_ago=16, weeks_waited=2),
)
STANDBY = "tomas"
"""Who is ready right now, for two hours, as an interviewer."""
