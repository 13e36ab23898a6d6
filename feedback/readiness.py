"""The reading of one round: what its graded answers say, and what they do not; no rows, no clock.

How a reading is made, in the words in which a candidate may read it:

**Which answers count.** Only answers whose reviews you have opened. Your first take of a prompt,
live or recorded, is an answer. A retake of a prompt you have answered before moves the level a
little, the newest one of each prompt only, but it is not counted and opens no gate.

**The level** is the mean of your answers' levels. An answer counts for more when its graders leave
less doubt, and for less when it was recorded (0.6 of a live mock; 0.8 where you also answered a
grader's question), when it is a retake (0.2), and when it is older than your newest: half as much
for every 60 days between them.

**The band** is made so that 8 of 10 such bands hold the level that the person would show over many
prompts and days. It takes in the doubt about each answer's grades, and that anybody does better on
some days and prompts than on others: so a new prompt narrows it more than another grader does.

**Time without a new answer** never lifts a reading. The lower end of the band sinks, as what is
not practised may fade; the upper end stays where your last answer left it. If you have become
better since, the next answer shows it.

**The bar** of a level is where its zone begins: there a typical grader gives that level or a
higher one half of the time. The state is the first of these that fits:

1. *No evidence*: there is no answer, and no retake.
2. *Below bar*: there are at least three answers and the whole band lies under the bar.
3. *At bar*: the whole band lies at the bar or above it, and every gate is open: three prompts,
   three graders, one live mock, the newest answer within 45 days, no cap active.
4. *Too little evidence*: there are fewer than three answers, so neither of these can be claimed.
5. *Cannot tell yet*: the band crosses the bar, or it lies above and a gate is shut.

A **cap is active** when a downcode that caps you below your target was in force on an answer or a
retake, and you have given no answer since that went without it. A retake cannot lift it.

No probability of an offer, no percentile and no sum over rounds is computed anywhere.

In symbols: answer i has level m_i with variance V_i = (o + s_i^2) / w_i * 2^(a_i / 60), where o is
the variance between occasions, s_i the standard error of its grading, w_i its weight and a_i the
days from it to the newest answer. The level is the mean of m_i weighted by 1 / V_i, its standard
error S = (sum of 1 / V_i)^(-1/2), and the band reaches z S above and z S 2^(a / 120) below it, a
being the days since the newest answer. As one factor ages all answers alike, waiting moves no
level. Errors of different answers are taken as independent, though one grader may stand behind
several; that is what the gate of three graders is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from feedback.calibration.priors import OCCASION_VARIANCE
from feedback.calibration.scale import HIGHEST_RANK, Z_80, bar_of_rank, clipped
from feedback.verdict import Cap

ANSWERS_NEEDED = 3
PROMPTS_NEEDED = 3
GRADERS_NEEDED = 3
FRESH_FOR = timedelta(days=45)
HALF_LIFE = timedelta(days=60)
MOST_HALVINGS = 100  # beyond which the band reaches the end of the scale anyhow

FOLLOWED_UP_WEIGHT = 0.8


class Kind(StrEnum):
    """How an answer was given."""

    LIVE = "live"
    RECORDED = "recorded"
    RETAKE = "retake"


WEIGHTS = {Kind.LIVE: 1.0, Kind.RECORDED: 0.6, Kind.RETAKE: 0.2}


class State(StrEnum):
    """What a reading says, from the least to the most."""

    NO_EVIDENCE = "no_evidence"
    TOO_LITTLE_EVIDENCE = "too_little_evidence"
    BELOW_BAR = "below_bar"
    CANNOT_TELL = "cannot_tell"
    AT_BAR = "at_bar"


class Gate(StrEnum):
    """What *at bar* asks for besides the band."""

    PROMPTS = "prompts"
    GRADERS = "graders"
    LIVE_MOCK = "live_mock"
    FRESH_ANSWER = "fresh_answer"
    NO_ACTIVE_CAP = "no_active_cap"


class Step(StrEnum):
    """What would move the reading most."""

    OPEN_REVIEWS = "open_reviews"
    RECORD_FIRST = "record_first"
    AWAIT_REVIEWS = "await_reviews"
    NEW_PROMPT = "new_prompt"
    REPAIR_CAP = "repair_cap"
    LIVE_MOCK = "live_mock"
    NEWER_ANSWER = "newer_answer"
    ANOTHER_GRADER = "another_grader"
    KEEP_WARM = "keep_warm"


@dataclass(frozen=True, slots=True)
class Answer:
    """An attempt with opened reviews, its level as the calibration found it.

    `kind` is a value of `Kind`; `caps` are those of the downcodes in force on it; `is_met` is its
    mechanical verdict at the target.
    """

    attempt_id: int
    prompt_key: str
    kind: str
    answered_at: datetime
    level: float
    standard_error: float
    graders: frozenset[int]
    is_met: bool
    caps: tuple[Cap, ...] = ()
    is_followed_up: bool = False

    @property
    def is_first_take(self) -> bool:
        return self.kind != Kind.RETAKE

    @property
    def variance(self) -> float:
        """The variance of its level as evidence of the person's, in levels squared, undated.

        Raises ValueError for a kind that is none.
        """
        weight = WEIGHTS[Kind(self.kind)]
        if self.is_followed_up and self.kind == Kind.RECORDED:
            weight = FOLLOWED_UP_WEIGHT
        return (OCCASION_VARIANCE + self.standard_error**2) / weight


@dataclass(frozen=True, slots=True)
class Waiting:
    """Answers not read yet: how many, and how many of the reviews they want are in.

    `to_open` counts the reviews that wait for their candidate's word, of any answer.
    """

    answers: int = 0
    reviews_in: int = 0
    reviews_wanted: int = 0
    to_open: int = 0


NOTHING_WAITING = Waiting()


@dataclass(frozen=True, slots=True)
class NextStep:
    """A step, how many times where it is counted, and the downcode that it repairs."""

    code: Step
    count: int = 1
    downcode: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the readiness page says of one round; levels are clipped to the scale for showing.

    `met` of `answers` have met the mechanical verdict, a count that enters no state.
    `state_then` is the state on the day of the newest answer: "was at bar in May".
    """

    state: State
    level: float | None
    low: float | None
    high: float | None
    bar: float
    answers: int
    retakes: int
    met: int
    prompts: int
    graders: int
    has_live: bool
    newest_at: datetime | None
    active_caps: tuple[str, ...]
    missing_gates: tuple[Gate, ...]
    next_step: NextStep
    state_then: State
    waiting: Waiting


def read_round(
    answers: Sequence[Answer],
    target_rank: int,
    at: datetime,
    waiting: Waiting = NOTHING_WAITING,
) -> Reading:
    """Read a round from its revealed answers, in any order, as of an instant.

    Answers later than `at` count as given at that instant. Raises ValueError for an attempt given
    twice, an unknown kind, or a target that is not 1 (L5) to 3 (L7).
    """
    if not 1 <= target_rank <= HIGHEST_RANK:
        raise ValueError(f"Rank {target_rank} is no target.")
    if len({answer.attempt_id for answer in answers}) < len(answers):
        raise ValueError("An attempt is given twice.")
    evidence = _Evidence.of(answers, target_rank)
    gates = evidence.missing_gates(at)
    state = evidence.state(at)
    level, low, high = evidence.shown(at)
    return Reading(
        state=state,
        level=level,
        low=low,
        high=high,
        bar=bar_of_rank(target_rank),
        answers=len(evidence.first_takes),
        retakes=len(answers) - len(evidence.first_takes),
        met=sum(answer.is_met for answer in evidence.first_takes),
        prompts=evidence.prompts,
        graders=evidence.graders,
        has_live=evidence.has_live,
        newest_at=evidence.newest_at,
        active_caps=evidence.active_caps,
        missing_gates=gates,
        next_step=_next_step(evidence, state, gates, waiting),
        state_then=evidence.state(evidence.newest_at or at),
        waiting=waiting,
    )


@dataclass(frozen=True, slots=True)
class _Evidence:
    """All that the answers say before they are asked as of when; ordered by time, then id."""

    first_takes: tuple[Answer, ...]
    retakes: tuple[Answer, ...]  # the newest of each prompt
    active_caps: tuple[str, ...]
    newest_at: datetime | None
    bar: float
    level: float
    standard_error: float  # on the day of the newest answer

    @classmethod
    def of(cls, answers: Sequence[Answer], target_rank: int) -> "_Evidence":
        ordered = sorted(answers, key=lambda answer: (answer.answered_at, answer.attempt_id))
        first_takes = tuple(answer for answer in ordered if answer.is_first_take)
        retakes = {answer.prompt_key: answer for answer in ordered if not answer.is_first_take}
        newest_at = (first_takes or ordered)[-1].answered_at if ordered else None
        level, standard_error = _combined((*first_takes, *retakes.values()), newest_at)
        return cls(
            first_takes=first_takes,
            retakes=tuple(retakes.values()),
            active_caps=_active_caps(ordered, target_rank),
            newest_at=newest_at,
            bar=bar_of_rank(target_rank),
            level=level,
            standard_error=standard_error,
        )

    @property
    def prompts(self) -> int:
        return len({answer.prompt_key for answer in self.first_takes})

    @property
    def graders(self) -> int:
        return len(frozenset[int]().union(*(answer.graders for answer in self.first_takes)))

    @property
    def has_live(self) -> bool:
        return any(answer.kind == Kind.LIVE for answer in self.first_takes)

    def missing_gates(self, at: datetime) -> tuple[Gate, ...]:
        is_fresh = bool(self.first_takes) and at - self.first_takes[-1].answered_at <= FRESH_FOR
        is_open = {
            Gate.PROMPTS: self.prompts >= PROMPTS_NEEDED,
            Gate.GRADERS: self.graders >= GRADERS_NEEDED,
            Gate.LIVE_MOCK: self.has_live,
            Gate.FRESH_ANSWER: is_fresh,
            Gate.NO_ACTIVE_CAP: not self.active_caps,
        }
        return tuple(gate for gate in Gate if not is_open[gate])

    def band(self, at: datetime) -> tuple[float, float]:
        """Return the ends of the 80 % band, unclipped; there is an answer or a retake."""
        waited = max(at - (self.newest_at or at), timedelta(0)) / HALF_LIFE
        reach = Z_80 * self.standard_error
        faded = reach * 2 ** min(waited / 2, MOST_HALVINGS)
        return self.level - faded, self.level + reach

    def shown(self, at: datetime) -> tuple[float | None, float | None, float | None]:
        """Return level, low and high on the scale, or None three times without evidence."""
        if self.newest_at is None:
            return None, None, None
        low, high = self.band(at)
        return clipped(self.level), clipped(low), clipped(high)

    def state(self, at: datetime) -> State:
        """Return the first state of the module's list that fits."""
        if self.newest_at is None:
            return State.NO_EVIDENCE
        low, high = self.band(at)
        if len(self.first_takes) >= ANSWERS_NEEDED and high < self.bar:
            return State.BELOW_BAR
        if low >= self.bar and not self.missing_gates(at):
            return State.AT_BAR
        if len(self.first_takes) < ANSWERS_NEEDED:
            return State.TOO_LITTLE_EVIDENCE
        return State.CANNOT_TELL


def _combined(answers: Sequence[Answer], newest_at: datetime | None) -> tuple[float, float]:
    """Return the weighted mean level and its standard error; (0, 0) without answers."""
    if newest_at is None:
        return 0.0, 0.0
    precisions = [
        0.5 ** (max(newest_at - answer.answered_at, timedelta(0)) / HALF_LIFE) / answer.variance
        for answer in answers
    ]
    total = sum(precisions)
    weighted = sum(
        precision * answer.level for precision, answer in zip(precisions, answers, strict=True)
    )
    return weighted / total, total**-0.5


def _active_caps(answers: Sequence[Answer], target_rank: int) -> tuple[str, ...]:
    """Return the downcodes still active, the one last raised first, then by key."""
    last_raised: dict[str, datetime] = {}
    last_without: dict[str, datetime] = {}
    raised_in = [
        {cap.downcode for cap in answer.caps if cap.rank < target_rank} for answer in answers
    ]
    for answer, downcodes in zip(answers, raised_in, strict=True):
        last_raised |= dict.fromkeys(downcodes, answer.answered_at)
    for answer, downcodes in zip(answers, raised_in, strict=True):
        if answer.is_first_take:
            last_without |= dict.fromkeys(last_raised.keys() - downcodes, answer.answered_at)
    active = [
        downcode
        for downcode, at in sorted(last_raised.items())
        if downcode not in last_without or last_without[downcode] <= at
    ]
    return tuple(sorted(active, key=last_raised.__getitem__, reverse=True))


def _next_step(
    evidence: _Evidence, state: State, gates: Sequence[Gate], waiting: Waiting
) -> NextStep:
    """Choose the step: what is in already, then answers, an active cap, shut gates, the band.

    Below the bar gates do not matter yet, and for a narrower band a new prompt beats another
    grader: so either is a new prompt.
    """
    if waiting.to_open:
        return NextStep(Step.OPEN_REVIEWS, count=waiting.to_open)
    if len(evidence.first_takes) < ANSWERS_NEEDED:
        return _step_to_enough_answers(len(evidence.first_takes), waiting.answers)
    if evidence.active_caps:
        return NextStep(Step.REPAIR_CAP, downcode=evidence.active_caps[0])
    if state is State.AT_BAR:
        return NextStep(Step.KEEP_WARM)
    if state is State.CANNOT_TELL:
        return _step_through_gates(evidence, gates)
    return NextStep(Step.NEW_PROMPT)


def _step_to_enough_answers(revealed: int, waiting: int) -> NextStep:
    missing = ANSWERS_NEEDED - revealed - waiting
    if waiting and (missing <= 0 or not revealed):
        return NextStep(Step.AWAIT_REVIEWS, count=waiting)
    if not revealed:
        return NextStep(Step.RECORD_FIRST)
    return NextStep(Step.NEW_PROMPT, count=missing)


def _step_through_gates(evidence: _Evidence, gates: Sequence[Gate]) -> NextStep:
    """Return the step that opens most: a live mock is a new prompt and a new answer as well."""
    steps = {
        Gate.LIVE_MOCK: NextStep(Step.LIVE_MOCK),
        Gate.PROMPTS: NextStep(Step.NEW_PROMPT, count=PROMPTS_NEEDED - evidence.prompts),
        Gate.FRESH_ANSWER: NextStep(Step.NEWER_ANSWER),
        Gate.GRADERS: NextStep(Step.ANOTHER_GRADER, count=GRADERS_NEEDED - evidence.graders),
    }
    return next((step for gate, step in steps.items() if gate in gates), NextStep(Step.NEW_PROMPT))
