"""Reads of practice: the lists of loops and presets, a loop's page, a round's, an answer's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Count,
    FilteredRelation,
    Max,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.functions import JSONObject

from loops.models import (
    Artifact,
    Attempt,
    Loop,
    PromptExposure,
    Recording,
    Round,
    Turn,
    User,
)
from loops.queries.news import with_reviews_to_open
from loops.states import AttemptState, MockState, RecordingState
from rubrics.models import Phase, Preset, PresetRound, RoundKind, RubricVersion
from rubrics.queries import ladder_labels, level_labels, levels_as_said, version_in_force

MS_A_MINUTE = 60_000
MOMENT = timedelta(minutes=1)


@dataclass(frozen=True)
class PresetLine:
    """A loop one can start; `minutes` is the length of all its rounds together."""

    preset: Preset
    round_titles: list[str]
    minutes: int
    target_label: str

    @property
    def hours(self) -> int:
        """Return the full hours of its length."""
        return self.minutes // 60

    @property
    def odd_minutes(self) -> int:
        """Return what is left of its length beside the full hours."""
        return self.minutes % 60


@dataclass(frozen=True)
class LoopLine:
    """A loop as the member's list shows it."""

    loop: Loop
    target_label: str
    rounds: int
    rounds_answered: int

    @property
    def places(self) -> list[bool]:
        """Return one entry a round, the answered ones first: how far the loop has come."""
        return [place < self.rounds_answered for place in range(self.rounds)]


class Span(Protocol):
    """A phase of a rubric, however it was read."""

    @property
    def name(self) -> str:
        """Return what it is for."""

    @property
    def minutes(self) -> int:
        """Return how long it is."""


@dataclass(frozen=True)
class Step:
    """One phase of the time guide, placed on the clock; minutes from the start."""

    name: str
    minutes: int
    start_minutes: int

    @property
    def end_minutes(self) -> int:
        """Return the minute at which the next phase begins."""
        return self.start_minutes + self.minutes

    @property
    def start_ms(self) -> int:
        """Return where it begins in a recording."""
        return self.start_minutes * MS_A_MINUTE

    @property
    def end_ms(self) -> int:
        """Return where it ends in a recording."""
        return self.end_minutes * MS_A_MINUTE


@dataclass(frozen=True)
class ToOpen:
    """An answer of which reviews wait to be opened, and how many."""

    round: Round
    attempt: Attempt
    reviews: int


@dataclass(frozen=True)
class RoundLine:
    """One round of a loop as its page lists it; `minutes` is null where no rubric is in force.

    `live_draft` is an answer given in a mock that is not handed in yet. It stands beside the
    `draft` of one recorded alone, and hinders no other.
    """

    round: Round
    minutes: int | None
    submitted: int
    draft: Attempt | None
    live_draft: Attempt | None
    newest: Attempt | None
    to_open: list[ToOpen]

    @property
    def unfinished(self) -> Attempt | None:
        """Return the draft to finish first: that of a mock, while it is fresh."""
        return self.live_draft or self.draft


@dataclass(frozen=True)
class LoopPage:
    """A loop and its rounds."""

    loop: Loop
    target_label: str
    rounds: list[RoundLine]

    @property
    def next(self) -> RoundLine | None:
        """Return the round to go on with: one with a draft, else the first without an answer."""
        drafts = (line for line in self.rounds if line.unfinished)
        unanswered = (line for line in self.rounds if not line.submitted)
        return next(drafts, None) or next(unanswered, None)

    @property
    def to_open(self) -> list[ToOpen]:
        """Return the answers of which reviews wait to be opened."""
        return [one for line in self.rounds for one in line.to_open]


@dataclass(frozen=True)
class RoundPage:
    """A round: what it grades, how its time goes, and the answers given so far."""

    round: Round
    version: RubricVersion | None
    steps: list[Step]
    attempts: list[Attempt]
    draft: Attempt | None
    live_draft: Attempt | None
    to_open: list[ToOpen]


@dataclass(frozen=True)
class LevelLine:
    """A level as a candidate may choose it."""

    rank: int
    label: str
    scope: str
    is_target: bool


@dataclass(frozen=True)
class Beside:
    """What is read beside an answer: its recording, its texts, the phases of its rubric."""

    recording: Recording | None
    received_bytes: int
    received_at: datetime | None
    artifacts: list[Artifact]
    phases: list[Phase]


@dataclass(frozen=True)
class AttemptPage:
    """An answer in the making, or as it was put away."""

    attempt: Attempt
    levels: list[LevelLine]
    steps: list[Step]
    recording: Recording | None
    artifacts: dict[str, Artifact]
    received_bytes: int
    received_at: datetime | None
    """When the last of these bytes came."""

    def is_arriving(self, at: datetime) -> bool:
        """Say whether somebody records or sends it this very minute."""
        return self.received_at is not None and at - self.received_at < MOMENT

    @property
    def minutes(self) -> int:
        """Return how long the answer may take, by its guide."""
        return self.steps[-1].end_minutes if self.steps else self.attempt.rubric_version.minutes

    @property
    def is_predicted(self) -> bool:
        """Say whether the candidate has said which level they expect."""
        return self.attempt.predicted_rank is not None

    @property
    def is_recorded(self) -> bool:
        """Say whether there is a recording that counts as an answer."""
        return self.recording is not None and self.recording.state in RecordingState.settled()

    @property
    def is_being_made_ready(self) -> bool:
        """Say whether the recording is safe, and not yet there to play."""
        return self.is_recorded and not (self.recording and self.recording.is_ready)

    @property
    def labels(self) -> list[str]:
        """Return the level labels by rank."""
        return [level.label for level in self.levels]

    @property
    def predicted_label(self) -> str:
        """Return the predicted level as the cohort says it."""
        rank = self.attempt.predicted_rank
        return "" if rank is None else self.labels[rank]


def loops_of(user: User) -> QuerySet[Loop]:
    """Return the member's loops, the newest first."""
    return Loop.objects.filter(member=user).select_related("cohort").order_by("-started_at", "-pk")


def loop_lines(user: User) -> list[LoopLine]:
    """Return the member's loops, the newest first, with how far each has come."""
    label = cache(level_labels)
    is_take = Q(rounds__attempts__kind=Attempt.Kind.FOLLOW_UP)
    answered = Q(rounds__attempts__state=AttemptState.SUBMITTED) & ~is_take
    loops = loops_of(user).annotate(
        round_count=Count("rounds", distinct=True),
        answered_count=Count("rounds", filter=answered, distinct=True),
    )
    return [
        LoopLine(
            loop=loop,
            target_label=label(loop.ladder, loop.cohort.label_company)[loop.target_rank],
            rounds=loop.round_count,
            rounds_answered=loop.answered_count,
        )
        for loop in loops
    ]


def preset_lines() -> list[PresetLine]:
    """Return the loops one can start, each with its rounds and their length."""
    labels = ladder_labels()
    minutes = minutes_in_force()
    places = PresetRound.objects.select_related("round_kind").order_by("position")
    presets = Preset.objects.prefetch_related(Prefetch("rounds", queryset=places)).order_by(
        "-ladder",
        "position",
        "pk",  # engineers' first: "ic" sorts after "em"
    )
    return [
        PresetLine(
            preset=preset,
            round_titles=[
                place.title or place.round_kind.short_title for place in preset.rounds.all()
            ],
            minutes=sum(
                place.minutes or minutes.get(place.round_kind_id, 0)
                for place in preset.rounds.all()
            ),
            target_label=labels[preset.ladder][preset.target_rank],
        )
        for preset in presets
    ]


def loop_page(loop: Loop, at: datetime) -> LoopPage:
    """Return the loop's rounds with what was answered in each."""
    answers = Attempt.objects.answers().exclude(state=AttemptState.WITHDRAWN)
    kept = with_reviews_to_open(answers.order_by("number"), at)
    rounds = (
        loop.rounds.select_related("round_kind")
        .prefetch_related(Prefetch("attempts", queryset=kept, to_attr="kept_attempts"))
        .order_by("position")
    )
    minutes = minutes_in_force()
    return LoopPage(
        loop=loop,
        target_label=level_labels(loop.ladder, loop.cohort.label_company)[loop.target_rank],
        rounds=[
            _round_line(
                round_,
                round_.kept_attempts,
                minutes=round_.minutes or minutes.get(round_.round_kind_id),
            )
            for round_ in rounds
        ],
    )


def _round_line(round_: Round, attempts: list[Attempt], *, minutes: int | None) -> RoundLine:
    submitted = [attempt for attempt in attempts if attempt.is_submitted]
    return RoundLine(
        round=round_,
        minutes=minutes,
        submitted=len(submitted),
        draft=_draft_in(attempts, is_live=False),
        live_draft=_draft_in(attempts, is_live=True),
        newest=submitted[-1] if submitted else None,
        to_open=_to_open(round_, submitted),
    )


def _to_open(round_: Round, attempts: Iterable[Any]) -> list[ToOpen]:
    return [ToOpen(round_, one, one.to_open) for one in attempts if one.to_open]


def round_page(round_: Round, at: datetime) -> RoundPage:
    """Return what a member reads before answering, and their answers so far.

    One that was taken back after it was handed in is among them; a draft put away is not.
    """
    version = version_in_force(round_.round_kind)
    put_away = Q(state=AttemptState.WITHDRAWN, submitted_at=None)
    answers = round_.attempts.answers().exclude(put_away)
    newest_first = answers.select_related("prompt").order_by("-number")
    attempts = list(with_reviews_to_open(newest_first, at))
    return RoundPage(
        round=round_,
        version=version,
        steps=guide_of(round_, version.phases.order_by("position")) if version else [],
        attempts=attempts,
        draft=_draft_in(attempts, is_live=False),
        live_draft=_draft_in(attempts, is_live=True),
        to_open=_to_open(round_, attempts),
    )


def _draft_in(attempts: Iterable[Attempt], *, is_live: bool) -> Attempt | None:
    drafts = (attempt for attempt in attempts if attempt.is_draft and attempt.is_live is is_live)
    return next(drafts, None)


def mock_under_way(attempt: Attempt) -> UUID | None:
    """Return the id of the mock in which a live answer is being given, None once it is over."""
    turn: Turn | None = getattr(attempt, "turn", None) if attempt.is_live else None
    is_running = turn is not None and turn.mock.state == MockState.RUNNING
    return turn.mock.public_id if turn and is_running else None


def attempt_page(attempt: Attempt) -> AttemptPage:
    """Return an answer with its guide, its recording and its texts."""
    loop = attempt.round.loop
    found = beside(attempt)
    return AttemptPage(
        attempt=attempt,
        levels=[
            LevelLine(
                rank=level.rank,
                label=label,
                scope=level.scope,
                is_target=level.rank == loop.target_rank,
            )
            for level, label in levels_as_said(loop.ladder, loop.cohort.label_company)
        ],
        steps=guide_of(attempt.round, found.phases),
        recording=found.recording,
        artifacts={artifact.kind: artifact for artifact in found.artifacts},
        received_bytes=found.received_bytes,
        received_at=found.received_at,
    )


def take_page(take: Attempt) -> AttemptPage:
    """Return a follow-up take with its recording; it has no levels, no guide and no texts."""
    found = beside(take)
    return AttemptPage(
        attempt=take,
        levels=[],
        steps=[],
        recording=found.recording,
        artifacts={},
        received_bytes=found.received_bytes,
        received_at=found.received_at,
    )


def beside(attempt: Attempt) -> Beside:
    """Return what is read beside an answer, in one query."""
    phases = Phase.objects.filter(version=OuterRef("rubric_version")).order_by("position")
    texts = Artifact.objects.filter(attempt=OuterRef("pk")).order_by("kind")
    kept = Q(recordings__state__in=set(RecordingState) - {RecordingState.DISCARDED})
    joined: tuple[str, ...] = ("kept",)
    attempts: QuerySet[Any] = Attempt.objects.annotate(
        kept=FilteredRelation("recordings", condition=kept),
        phase_rows=ArraySubquery(phases.values(row=JSONObject(name="name", minutes="minutes"))),
        text_rows=ArraySubquery(texts.values(row=JSONObject(kind="kind", text="text"))),
        received_bytes=Sum("kept__tracks__uploads__received_bytes", default=0),
        received_at=Max("kept__tracks__uploads__touched_at"),
    ).select_related(*joined)
    found = attempts.get(pk=attempt.pk)
    recording: Recording | None = getattr(found, "kept", None)
    if recording:
        recording.attempt = attempt
    return Beside(
        recording=recording,
        received_bytes=found.received_bytes,
        received_at=found.received_at,
        artifacts=[Artifact(attempt=attempt, **row) for row in found.text_rows],
        phases=[Phase(**row) for row in found.phase_rows],
    )


def guide_of(round_: Round, phases: Iterable[Span]) -> list[Step]:
    """Return the time guide; a round that its loop cuts short is one step, named by its focus."""
    steps = steps_of(phases)
    if steps and round_.minutes and round_.minutes < steps[-1].end_minutes:
        name = round_.focus or round_.title
        return [Step(name=name, minutes=round_.minutes, start_minutes=0)]
    return steps


def steps_of(phases: Iterable[Span]) -> list[Step]:
    """Place phases one after the other on the clock."""
    steps: list[Step] = []
    for phase in phases:
        start = steps[-1].end_minutes if steps else 0
        steps.append(Step(name=phase.name, minutes=phase.minutes, start_minutes=start))
    return steps


def minutes_in_force() -> dict[int, int]:
    """Return the length of each round kind, by its id, as its rubric in force has it."""
    return dict(RubricVersion.objects.in_force().values_list("round_kind_id", "minutes"))


def prompts_met(user: User, round_kind: RoundKind) -> dict[str, datetime]:
    """Return the prompts a person has met in any chair, by key, each with the latest time."""
    exposures = PromptExposure.objects.filter(user=user, round_kind=round_kind)
    return dict(exposures.values_list("prompt_key").annotate(Max("at")))


def prompts_in_mocks(user: User, round_kind: RoundKind) -> set[str]:
    """Return the keys of prompts that wait for a person as candidate of an agreed mock."""
    turns = turns_ahead(user).filter(round__round_kind=round_kind)
    return set(turns.values_list("prompt__key", flat=True))


def turns_ahead(user: User) -> QuerySet[Turn]:
    """Return the turns of agreed mocks in which a person will answer a prompt already drawn."""
    return Turn.objects.filter(
        candidate=user,
        prompt__isnull=False,
        begun_at=None,
        mock__state__in=MockState.agreed(),
    )


def round_minutes(rounds: Iterable[Round]) -> dict[int, int]:
    """Return by round id how long each takes: as its loop cuts it, else as its rubric has it.

    A round without a rubric in force is left out: it cannot be practised.
    """
    in_force = minutes_in_force()
    lengths = {one.pk: one.minutes or in_force.get(one.round_kind_id, 0) for one in rounds}
    return {pk: minutes for pk, minutes in lengths.items() if minutes}
