"""What happens in the demo world and when: loops, answers and who grades them. [pure]"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from feedback.demo.cast import BY_KEY
from feedback.demo.chance import whole

GRADING = timedelta(minutes=34)
BREATHER = timedelta(minutes=25)


@dataclass(frozen=True)
class LoopPlan:
    """A member's run at a preset; their key names the loop, as each has one."""

    member: str
    preset: str
    title: str
    target_rank: int
    days_ago: int
    interview_in_days: int | None = None


@dataclass(frozen=True)
class AnswerPlan:
    """One answer of the demo.

    `level` is the true one, on the scale from 0 to 4, that graders see through their own
    eyes. An answer is dated by `days_ago`, and then its graders come on the following
    evenings; or by `minutes_ago`, and then `graded_minutes_ago` says when each of them came.
    `signals` are the downcodes that somebody ticks, and who. `nth` is the round among the
    loop's rounds of this kind. `felt` is the energy, -2 to 2. Where it is not `is_opened` its
    candidate has not said yet how useful the reviews are.
    """

    member: str
    kind: str
    prompt: str
    level: float
    graders: tuple[str, ...] = ()
    days_ago: int = 0
    minutes_ago: int = 0
    graded_minutes_ago: tuple[int, ...] = ()
    nth: int = 1
    is_live: bool = False
    predicted_rank: int = 2
    felt: int = 0
    is_opened: bool = True
    signals: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def key(self) -> str:
        """Name the answer; nobody answers the same prompt twice."""
        return f"{self.member}/{self.kind}/{self.prompt}"

    def ticked_by(self, grader: str) -> frozenset[str]:
        """Return the downcodes that this grader sees in it."""
        return frozenset(downcode for downcode, graders in self.signals if grader in graders)


@dataclass(frozen=True)
class Turn:
    """Something that is done at an instant: an answer handed in, or graded by `grader`."""

    at: datetime
    answer: AnswerPlan
    grader: str = ""


LOOPS = (
    LoopPlan("mara", "staff", "Staff loop", 2, days_ago=58, interview_in_days=12),
    LoopPlan("tomas", "principal", "Principal loop", 3, days_ago=57, interview_in_days=40),
    LoopPlan("adaeze", "em", "Manager’s loop", 2, days_ago=55, interview_in_days=33),
    LoopPlan("kenji", "staff", "Staff rounds at L7", 3, days_ago=54),
    LoopPlan("priya", "staff", "Staff loop", 2, days_ago=52, interview_in_days=20),
    LoopPlan("eilidh", "staff_meta", "Meta-like loop", 2, days_ago=38, interview_in_days=8),
    LoopPlan("caleb", "staff", "Staff loop", 2, days_ago=33),
    LoopPlan("yusuf", "mini", "One evening, three rounds", 2, days_ago=29),
)

_CODING = (
    AnswerPlan("mara", "coding", "rolling_limiter", 2.2, ("adaeze", "priya"), 56, felt=1),
    AnswerPlan("priya", "coding", "byte_cache", 1.8, ("tomas", "kenji"), 49, felt=-1),
    AnswerPlan("mara", "coding", "config_diff", 2.6, ("adaeze", "priya"), 41, felt=1),
    AnswerPlan(
        "eilidh",
        "coding",
        "retry_review",
        2.3,
        ("mara", "priya"),
        34,
        signals=(("cannot_extend", ("priya",)),),
    ),
    AnswerPlan("mara", "coding", "flag_rules", 2.8, ("adaeze", "tomas"), 24, felt=2),
    AnswerPlan("kenji", "coding", "all_regions_up", 3.1, ("caleb", "adaeze"), 17, predicted_rank=3),
    AnswerPlan("mara", "coding", "late_events", 3.0, ("kenji", "adaeze"), 9, is_live=True, felt=1),
    AnswerPlan("eilidh", "coding", "log_format_assist", 2.1, minutes_ago=3 * 60, nth=2),
)
_SD_CLASSIC = (
    AnswerPlan("mara", "sd_classic", "webhook_delivery", 2.3, ("priya", "tomas"), 53),
    AnswerPlan(
        "kenji", "sd_classic", "flag_delivery", 2.9, ("adaeze", "caleb"), 46, predicted_rank=3
    ),
    AnswerPlan("mara", "sd_classic", "usage_metering", 2.6, ("priya", "tomas"), 37, felt=-1),
    AnswerPlan(
        "caleb",
        "sd_classic",
        "session_store",
        1.7,
        ("mara", "eilidh"),
        29,
        signals=(("one_level_everywhere", ("mara",)),),
    ),
    AnswerPlan("mara", "sd_classic", "job_scheduler", 2.9, ("adaeze", "kenji"), 19, felt=2),
    AnswerPlan(
        "priya",
        "sd_classic",
        "audit_log",
        1.9,
        ("kenji", "mara"),
        12,
        signals=(("boxes_first", ("kenji", "mara")),),
    ),
    AnswerPlan(
        "mara", "sd_classic", "typeahead", 2.8, ("tomas", "kenji"), 6, felt=1, is_opened=False
    ),
)
_SD_AMBIGUOUS = (
    AnswerPlan(
        "mara",
        "sd_ambiguous",
        "slow_builds",
        1.5,
        ("adaeze", "priya"),
        50,
        felt=-1,
        signals=(("unbounded", ("adaeze", "priya")),),
    ),
    AnswerPlan(
        "tomas", "sd_ambiguous", "cloud_bill", 2.6, ("yusuf", "eilidh"), 44, predicted_rank=3
    ),
    AnswerPlan(
        "mara",
        "sd_ambiguous",
        "fewer_incidents",
        2.0,
        ("priya", "kenji"),
        33,
        signals=(("no_stop_rule", ("kenji",)),),
    ),
    AnswerPlan(
        "yusuf",
        "sd_ambiguous",
        "support_answers",
        1.6,
        ("mara", "tomas"),
        27,
        felt=-1,
        signals=(("short_discovery", ("mara", "tomas")),),
    ),
    AnswerPlan(
        "mara",
        "sd_ambiguous",
        "data_location",
        2.3,
        ("kenji", "tomas"),
        15,
        is_live=True,
        felt=1,
    ),
    AnswerPlan(
        "tomas",
        "sd_ambiguous",
        "ml_pipelines",
        2.9,
        ("kenji", "caleb"),
        10,
        nth=2,
        is_live=True,
        predicted_rank=3,
        felt=1,
    ),
    AnswerPlan("mara", "sd_ambiguous", "finance_self_service", 2.4, minutes_ago=40, felt=1),
)
_XFN = (
    AnswerPlan(
        "mara",
        "xfn",
        "partner_disagreement",
        1.8,
        ("tomas", "adaeze"),
        39,
        felt=-1,
        signals=(("villain", ("adaeze",)),),
    ),
    AnswerPlan("eilidh", "xfn", "position_lost", 2.4, ("mara", "kenji"), 31, felt=1),
    AnswerPlan("mara", "xfn", "put_right", 2.3, ("adaeze", "tomas"), 13),
    AnswerPlan(
        "caleb",
        "xfn",
        "decision_taken_up",
        1.5,
        ("eilidh", "mara"),
        7,
        felt=-1,
        signals=(("we_only", ("eilidh", "mara")),),
    ),
    AnswerPlan("yusuf", "xfn", "worse_and_right", 2.0, minutes_ago=26 * 60),
)
_IC_LEADERSHIP = (
    AnswerPlan("mara", "ic_leadership", "quiet_quarter", 1.2, ("priya", "kenji"), 47),
    AnswerPlan(
        "kenji",
        "ic_leadership",
        "feedback_shrugged_off",
        2.6,
        ("adaeze", "caleb"),
        36,
        predicted_rank=3,
    ),
    AnswerPlan(
        "mara",
        "ic_leadership",
        "kept_or_handed_over",
        1.0,
        ("adaeze", "tomas"),
        28,
        is_live=True,
        felt=-1,
        signals=(("hero", ("adaeze", "tomas")),),
    ),
    AnswerPlan(
        "tomas", "ic_leadership", "hire_got_wrong", 2.7, ("caleb", "eilidh"), 20, predicted_rank=3
    ),
    AnswerPlan(
        "mara",
        "ic_leadership",
        "document_that_mattered",
        1.2,
        ("tomas", "adaeze"),
        11,
        felt=-1,
        signals=(("hero", ("tomas", "adaeze")), ("mentoring_is_answers", ("adaeze",))),
    ),
)
_DEEP_DIVE = (
    AnswerPlan("tomas", "deep_dive", "best_known", 2.8, ("eilidh", "caleb"), 43, predicted_rank=3),
    AnswerPlan(
        "kenji",
        "deep_dive",
        "nearly_sank",
        3.0,
        ("yusuf", "adaeze"),
        26,
        is_live=True,
        predicted_rank=3,
        felt=2,
    ),
    AnswerPlan(
        "eilidh",
        "deep_dive",
        "two_changes",
        2.3,
        ("adaeze", "mara", "yusuf"),
        14,
        signals=(("no_measure", ("adaeze",)),),
    ),
    AnswerPlan(
        "mara",
        "deep_dive",
        "shakiest_fork",
        2.5,
        ("tomas",),
        minutes_ago=9 * 60,
        graded_minutes_ago=(6 * 60,),
        felt=1,
    ),
    AnswerPlan(
        "caleb",
        "deep_dive",
        "still_unresolved",
        1.9,
        ("eilidh",),
        minutes_ago=5 * 60,
        graded_minutes_ago=(150,),
    ),
)
_EM = (
    AnswerPlan(
        "adaeze",
        "em_technical",
        "cache_wrapper",
        1.8,
        ("caleb", "eilidh"),
        52,
        felt=-1,
        signals=(("nitpick", ("eilidh",)),),
    ),
    AnswerPlan("adaeze", "em_design", "notification_platform", 2.3, ("priya", "caleb"), 45, felt=1),
    AnswerPlan(
        "adaeze",
        "em_org",
        "late_but_proud",
        2.0,
        ("yusuf", "caleb"),
        38,
        signals=(("reorg_reflex", ("caleb",)),),
    ),
    AnswerPlan("adaeze", "em_technical", "migration_script", 2.2, ("priya", "caleb"), 30),
    AnswerPlan("adaeze", "em_design", "ticket_sale", 2.6, ("yusuf", "tomas", "caleb"), 22, felt=2),
    AnswerPlan("adaeze", "em_org", "two_owners", 2.7, ("yusuf", "caleb"), 16, is_live=True, felt=1),
    AnswerPlan("adaeze", "em_org", "thankless_platform", 2.8, ("priya", "yusuf"), 8, felt=1),
)
HELD = AnswerPlan("priya", "sd_classic", "flag_delivery", 2.2, ("mara",), minutes_ago=20 * 60)
"""The answer that Mara is grading right now, and since when."""
HELD_SINCE = timedelta(minutes=6)

DRAFT = AnswerPlan("mara", "xfn", "broken_promise", 2.2, minutes_ago=25)
"""The answer that Mara has begun: predicted and noted, not yet recorded."""

ANSWERS = (
    *_CODING,
    *_SD_CLASSIC,
    *_SD_AMBIGUOUS,
    *_XFN,
    *_IC_LEADERSHIP,
    *_DEEP_DIVE,
    *_EM,
    HELD,
)
"""All that are handed in."""


def turns(now: datetime) -> list[Turn]:
    """Return who hands in and who grades what, in order of time, in a world in which it is now.

    What is dated by days falls on evenings of the person's own zone and depends on the day
    only; a grader with two answers on one evening takes them one after the other.
    """
    today = now.astimezone(UTC).date()
    found = [turn for answer in ANSWERS for turn in _turns_of(answer, now, today)]
    free_from: dict[str, datetime] = {}
    placed = []
    for turn in sorted(found, key=_place):
        at = max(turn.at, free_from.get(turn.grader, turn.at))
        if turn.grader:
            free_from[turn.grader] = at + GRADING + BREATHER
        placed.append(replace(turn, at=at))
    return sorted(placed, key=_place)


def interview_day(plan: LoopPlan, now: datetime) -> date | None:
    """Return the day of the loop's interview; one that would fall on a week-end is on Monday."""
    if plan.interview_in_days is None:
        return None
    day = now.date() + timedelta(days=plan.interview_in_days)
    return day + timedelta(days=7 - day.weekday() if day.weekday() > 4 else 0)


def prompts_of_round(member: str, kind: str, nth: int) -> list[str]:
    """Return the prompts that the story deals in a round, the first answered first."""
    plans = [
        plan
        for plan in (*ANSWERS, DRAFT)
        if (plan.member, plan.kind, plan.nth) == (member, kind, nth)
    ]
    return [plan.prompt for plan in sorted(plans, key=lambda p: (-p.days_ago, -p.minutes_ago))]


def _turns_of(answer: AnswerPlan, now: datetime, today: date) -> Iterator[Turn]:
    if not answer.days_ago:
        yield Turn(now - timedelta(minutes=answer.minutes_ago), answer)
        for grader, minutes_ago in zip(answer.graders, answer.graded_minutes_ago, strict=False):
            yield Turn(now - timedelta(minutes=minutes_ago), answer, grader)
        return
    day = today - timedelta(days=answer.days_ago)
    yield Turn(_evening(day, answer.member, answer.key), answer)
    for days, grader in enumerate(answer.graders, start=1):
        at = _evening(day + timedelta(days=days), grader, answer.key)
        yield Turn(at, answer, grader)


def _evening(day: date, person: str, about: str) -> datetime:
    zone = ZoneInfo(BY_KEY[person].time_zone)
    start = datetime.combine(day, time(18, 30), tzinfo=zone)
    return start.astimezone(UTC) + timedelta(minutes=whole(0, 150, person, about))


def _place(turn: Turn) -> tuple[datetime, str, str]:
    return turn.at, turn.answer.key, turn.grader
