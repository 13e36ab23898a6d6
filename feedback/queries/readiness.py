"""The readiness board of one loop: each round, read from the member's opened answers in it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, Min, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject

from feedback.models import (
    AttemptMeasure,
    DowncodeTick,
    Evidence,
    FollowUp,
    Rating,
    Review,
    Snapshot,
)
from feedback.queries.opening import opened_reviews
from feedback.queries.reveal import REVIEWS_WANTED, revealed_at
from feedback.readiness import Answer, Kind, Reading, State, Step, Waiting, read_round
from feedback.verdict import (
    Cap,
    DimensionRanks,
    dimensions_needed_in,
    in_force,
    mechanical_verdict,
)
from loops.models import Attempt, Loop, Recording, Round, User
from loops.queries.practice import loops_of
from loops.states import AttemptState, RecordingState
from rubrics.queries import level_labels

STEPS_BY_GAIN = (
    Step.OPEN_REVIEWS,
    Step.REPAIR_CAP,
    Step.RECORD_FIRST,
    Step.NEW_PROMPT,
    Step.LIVE_MOCK,
    Step.NEWER_ANSWER,
    Step.ANOTHER_GRADER,
    Step.AWAIT_REVIEWS,
    Step.KEEP_WARM,
)
"""Which round's step is the loop's one next thing: the round with the most to gain comes first."""

SAYABLE = frozenset({State.BELOW_BAR, State.CANNOT_TELL})
"""States with answers enough to be called the weakest round."""


@dataclass(frozen=True)
class Repair:
    """A downcode that caps a round below the target, where it was last in force.

    `round` is the first of its kind in the loop. `at_ms` is the first moment a grader tied to
    it, in media time; None where none was tied.
    """

    round: Round
    downcode: str
    text: str
    cap_label: str
    dimension: str
    ticks: int
    reviews: int
    at_ms: int | None
    attempt_id: UUID

    @property
    def fragment(self) -> str:
        """Return the part of an address that leads a player to the moment; "" without one."""
        return "" if self.at_ms is None else f"#t={self.at_ms / 1000:g}"


@dataclass(frozen=True)
class RoundLine:
    """One round on the board.

    `levels` are those of the answers that count, one tick each. `waiting` counts the answers
    not yet revealed, `waiting_id` is the newest of them; `to_open` the revealed reviews that wait
    for their candidate's word, `to_open_id` the newest answer with one. `calibrating` answers are
    open and not in a snapshot yet; `unplayable` ones have a recording that failed: nobody can
    grade them; `reported` ones are no evidence, `reported_id` is the newest of them.
    """

    round: Round
    reading: Reading
    levels: tuple[float, ...]
    weakest_dimension: str
    draft_id: UUID | None
    waiting: Waiting
    waiting_id: UUID | None
    to_open: int
    to_open_id: UUID | None
    calibrating: int
    unplayable: int
    reported: int
    reported_id: UUID | None

    @property
    def was_at_bar(self) -> bool:
        """Say whether the round was at the bar on the day of its newest answer, and no more."""
        reading = self.reading
        return reading.state != State.AT_BAR and reading.state_then == State.AT_BAR

    @property
    def is_empty(self) -> bool:
        """Say whether nothing at all was handed in for it."""
        counted = self.reading.answers + self.reading.retakes + self.waiting.answers
        return not (counted or self.to_open or self.calibrating or self.unplayable or self.reported)


@dataclass(frozen=True)
class ReadinessPage:
    """A loop as its member reads it. `repairs` come in the order of the rounds."""

    loop: Loop
    loops: list[Loop]
    labels: tuple[str, ...]
    lines: list[RoundLine]
    repairs: list[Repair]

    @property
    def target_label(self) -> str:
        """Say the target level as the cohort says it."""
        return self.labels[self.loop.target_rank]

    @property
    def first_line(self) -> RoundLine | None:
        """Return the round of the one next thing: reviews to open, a draft, or the most to gain."""
        to_open = [line for line in self.lines if line.to_open]
        drafts = [line for line in self.lines if line.draft_id]
        by_gain = sorted(
            self.lines,
            key=lambda line: (
                STEPS_BY_GAIN.index(line.reading.next_step.code),
                line.reading.level or 0.0,
                line.round.position,
            ),
        )
        return next(iter([*to_open, *drafts, *by_gain]), None)

    @property
    def weakest_line(self) -> RoundLine | None:
        """Return the round with the lowest level among those with answers enough to say so.

        None where the others have no level to compare with.
        """
        with_level = [line for line in self.lines if line.reading.level is not None]
        sayable = [line for line in with_level if line.reading.state in SAYABLE]
        if len(with_level) < 2 or not sayable:
            return None
        return min(sayable, key=lambda line: (line.reading.level or 0.0, line.round.position))

    def repair_of(self, line: RoundLine) -> Repair | None:
        """Return what the round's next step repairs, if that is its next step."""
        wanted = line.reading.next_step.downcode
        return next(
            (
                repair
                for repair in self.repairs
                if repair.downcode == wanted
                and repair.round.round_kind_id == line.round.round_kind_id
            ),
            None,
        )


def newest_loop(user: User) -> Loop | None:
    """Return the loop the member started last."""
    return loops_of(user).first()


def readiness_page(loop: Loop, at: datetime) -> ReadinessPage:
    """Return the board of a loop that its member may see; four queries, however much there is.

    A round is read from the answers given in this loop only. Where a loop has a round kind
    twice, as a Principal loop has, the answers of either count for both rows: they are
    evidence of the same thing, and the rows then read alike.
    """
    rounds = _rounds(loop)
    given = _given(loop, at)
    of_kind = {kind: [one for one in given if one.kind_id == kind] for kind in _kinds(rounds)}
    readings = {
        kind: read_round(
            _answers(given_in_it, loop.target_rank),
            loop.target_rank,
            at,
            _waiting([one for one in given_in_it if one.is_to_come], given_in_it),
        )
        for kind, given_in_it in of_kind.items()
    }
    labels = level_labels(loop.ladder, loop.cohort.label_company)
    return ReadinessPage(
        loop=loop,
        loops=list(Loop.objects.filter(member=loop.member_id).order_by("-started_at", "-pk")),
        labels=labels,
        lines=[
            _line(round_, readings[round_.round_kind_id], of_kind[round_.round_kind_id])
            for round_ in rounds
        ],
        repairs=_repairs(rounds, readings, of_kind, labels),
    )


# Rows


@dataclass(frozen=True)
class _Tick:
    review_id: int
    downcode: str
    text: str
    cap_rank: int
    dimension: str | None
    dimension_label: str
    at_ms: int | None


@dataclass(frozen=True)
class _Given:
    """A submitted answer. What is made of its reviews is made of those that are opened."""

    pk: int
    public_id: UUID
    kind_id: int
    kind_key: str
    kind: str
    prompt_key: str
    submitted_at: datetime
    reviews_in: int
    is_revealed: bool
    is_unplayable: bool
    is_reported: bool
    is_followed_up: bool
    opened: int = 0
    level: float | None = None
    standard_error: float = 0.0
    graders: tuple[int, ...] = ()
    dimensions: tuple[DimensionRanks, ...] = ()
    dimension_labels: tuple[str, ...] = ()
    ticks: tuple[_Tick, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Say whether it waits for reviews."""
        return not (self.is_revealed or self.is_unplayable or self.is_reported)

    @property
    def to_open(self) -> int:
        """Count the reviews that wait for the candidate's word."""
        return self.reviews_in - self.opened if self.is_revealed else 0

    @property
    def is_calibrating(self) -> bool:
        """Say whether something of it is open, and it is in no snapshot yet."""
        return bool(self.opened) and self.level is None and not self.is_reported

    @property
    def is_shut(self) -> bool:
        """Say whether its reviews are in, and not one is open."""
        return bool(self.to_open) and not self.opened and not self.is_reported

    @property
    def is_to_come(self) -> bool:
        """Say whether it will count, and does not yet."""
        return self.is_waiting or self.is_shut or self.is_calibrating

    @property
    def in_force(self) -> dict[str, list[_Tick]]:
        """The downcodes in force, each with its ticks; a review ticks one at most once."""
        ticks_of: dict[str, list[_Tick]] = defaultdict(list)
        for tick in self.ticks:
            ticks_of[tick.downcode].append(tick)
        return {
            downcode: ticks
            for downcode, ticks in ticks_of.items()
            if in_force(ticks=len(ticks), reviews=self.opened)
        }

    @property
    def caps(self) -> tuple[Cap, ...]:
        """What the downcodes in force do."""
        return tuple(
            Cap(downcode=key, rank=ticks[0].cap_rank, dimension=ticks[0].dimension)
            for key, ticks in self.in_force.items()
        )


def _rounds(loop: Loop) -> list[Any]:
    answers = Attempt.objects.answers()
    drafts = answers.filter(round=OuterRef("pk"), state=AttemptState.DRAFT)
    draft = drafts.order_by("-started_at", "-pk")
    return list(
        loop.rounds.select_related("round_kind")
        .annotate(draft_id=Subquery(draft.values("public_id")[:1]))
        .order_by("position", "pk")
    )


def _kinds(rounds: Iterable[Round]) -> list[int]:
    return list(dict.fromkeys(round_.round_kind_id for round_ in rounds))


def _given(loop: Loop, at: datetime) -> list[_Given]:
    """Return the loop's submitted answers, oldest first, with all that hangs on them.

    One row an answer: ratings and ticks come as JSON, so the number of queries and of
    objects does not grow with the reviews.
    """
    reviews = Review.objects.in_results().filter(attempt=OuterRef("pk"))
    opened = opened_reviews().filter(attempt=OuterRef("pk"))
    theirs = opened_reviews().filter(attempt=OuterRef(OuterRef("pk"))).order_by().values("pk")
    newest = Snapshot.objects.filter(round_kind=OuterRef(OuterRef("round__round_kind")))
    measure = AttemptMeasure.objects.filter(
        attempt=OuterRef("pk"), snapshot=Subquery(newest.newest_first().values("pk")[:1])
    )
    ratings = Rating.objects.filter(review__in=theirs).order_by("dimension__position", "review_id")
    moments = (
        Evidence.objects.filter(review=OuterRef("review"), downcode=OuterRef("downcode"))
        .order_by()
        .values("downcode")
        .annotate(first=Min("start_ms"))
        .values("first")
    )
    ticks = DowncodeTick.objects.filter(review__in=theirs).order_by(
        "downcode__position", "review_id"
    )
    recordings = Recording.objects.kept().filter(attempt=OuterRef("pk")).order_by("pk")
    takes = FollowUp.objects.filter(
        review__attempt=OuterRef("pk"), take__state=AttemptState.SUBMITTED
    )
    rows = (
        Attempt.objects.answers()
        .submitted()
        .filter(round__loop=loop)
        .order_by("submitted_at", "pk")
        .values(
            "pk",
            "public_id",
            "kind",
            "submitted_at",
            kind_id=F("round__round_kind_id"),
            kind_key=F("round__round_kind__key"),
            prompt_key=F("prompt__key"),
            recording=Subquery(recordings.values("state")[:1]),
            exclusion=F("queue_entry__exclusion"),
            is_followed_up=Exists(takes),
            reviewed_at=ArraySubquery(reviews.order_by().values("submitted_at")),
            graders=ArraySubquery(opened.order_by("submitted_at", "pk").values("grader_id")),
            measure=Subquery(
                measure.values(json=JSONObject(level="level", standard_error="standard_error"))
            ),
            ratings=ArraySubquery(
                ratings.values(
                    json=JSONObject(
                        dimension="dimension__key",
                        label="dimension__label",
                        is_key="dimension__is_key",
                        rank="rank",
                    )
                )
            ),
            ticks=ArraySubquery(
                ticks.values(
                    json=JSONObject(
                        review_id="review_id",
                        downcode="downcode__key",
                        text="downcode__text",
                        cap_rank="downcode__cap_rank",
                        dimension="downcode__dimension__key",
                        dimension_label=Coalesce("downcode__dimension__label", Value("")),
                        at_ms=Coalesce("at_ms", Subquery(moments)),
                    )
                )
            ),
        )
    )
    return [_given_from(row, at) for row in rows]


def _given_from(row: Mapping[str, Any], at: datetime) -> _Given:
    reveals_at = revealed_at(row["submitted_at"], row["reviewed_at"])
    is_revealed = reveals_at is not None and reveals_at <= at
    plain = {
        "pk": row["pk"],
        "public_id": row["public_id"],
        "kind_id": row["kind_id"],
        "kind_key": row["kind_key"],
        "kind": row["kind"],
        "prompt_key": row["prompt_key"],
        "submitted_at": row["submitted_at"],
        "reviews_in": len(row["reviewed_at"]),
        "is_revealed": is_revealed,
        "is_unplayable": row["recording"] == RecordingState.FAILED,
        "is_reported": bool(row["exclusion"]),
        "is_followed_up": row["is_followed_up"],
        "opened": len(row["graders"]) if is_revealed else 0,
    }
    if not plain["opened"] or plain["is_reported"]:
        return _Given(**plain)
    measure = row["measure"] or {"level": None, "standard_error": 0.0}
    of_dimension: dict[tuple[str, str, bool], list[int | None]] = defaultdict(list)
    for rating in row["ratings"]:
        key = (rating["dimension"], rating["label"], rating["is_key"])
        of_dimension[key].append(rating["rank"])
    return _Given(
        **plain,
        **measure,
        graders=tuple(row["graders"]),
        dimensions=tuple(
            DimensionRanks(dimension=key, ranks=tuple(ranks), is_key=is_key)
            for (key, _label, is_key), ranks in of_dimension.items()
        ),
        dimension_labels=tuple(label for _key, label, _is_key in of_dimension),
        ticks=tuple(_Tick(**tick) for tick in row["ticks"]),
    )


# What they come to


def _answers(given: Iterable[_Given], target_rank: int) -> list[Answer]:
    """Return the opened answers that the newest snapshot holds."""
    return [
        Answer(
            attempt_id=one.pk,
            prompt_key=one.prompt_key,
            kind=one.kind,
            answered_at=one.submitted_at,
            level=one.level,
            standard_error=one.standard_error,
            graders=frozenset(one.graders),
            is_met=mechanical_verdict(
                one.dimensions,
                target_rank=target_rank,
                caps=one.caps,
                dimensions_needed=dimensions_needed_in(one.kind_key),
            ).is_met,
            caps=one.caps,
            is_followed_up=one.is_followed_up,
        )
        for one in given
        if one.level is not None
    ]


def _waiting(to_come: Sequence[_Given], given: Sequence[_Given] = ()) -> Waiting:
    return Waiting(
        answers=len(to_come),
        reviews_in=sum(one.reviews_in for one in to_come),
        reviews_wanted=REVIEWS_WANTED * len(to_come),
        to_open=sum(one.to_open for one in given),
    )


def _line(round_: Any, reading: Reading, given: Sequence[_Given]) -> RoundLine:
    waiting = [one for one in given if one.is_waiting]
    shut = [one for one in given if one.to_open]
    reported = [one for one in given if one.is_reported]
    return RoundLine(
        round=round_,
        reading=reading,
        levels=tuple(
            one.level for one in given if one.level is not None and one.kind != Kind.RETAKE
        ),
        weakest_dimension=_weakest_dimension(given),
        draft_id=round_.draft_id,
        waiting=_waiting(waiting),
        waiting_id=waiting[-1].public_id if waiting else None,
        to_open=sum(one.to_open for one in shut),
        to_open_id=shut[-1].public_id if shut else None,
        calibrating=sum(one.is_calibrating for one in given),
        unplayable=sum(one.is_unplayable for one in given),
        reported=len(reported),
        reported_id=reported[-1].public_id if reported else None,
    )


def _weakest_dimension(given: Iterable[_Given]) -> str:
    """Name the dimension with the lowest mean over the answers; "" where none was observed."""
    ranks: dict[str, list[float]] = defaultdict(list)
    for one in given:
        for label, dimension in zip(one.dimension_labels, one.dimensions, strict=True):
            if dimension.middle_rank is not None:
                ranks[label].append(dimension.middle_rank)
    return min(ranks, key=lambda label: fmean(ranks[label]), default="")


def _repairs(
    rounds: Iterable[Round],
    readings: Mapping[int, Reading],
    of_kind: Mapping[int, Sequence[_Given]],
    labels: Sequence[str],
) -> list[Repair]:
    """Return the active caps, each where it was last in force; once for a repeated round kind."""
    first_of_kind = {round_.round_kind_id: round_ for round_ in reversed(list(rounds))}
    return [
        _repair(round_, downcode, of_kind[round_.round_kind_id], labels)
        for round_ in sorted(first_of_kind.values(), key=lambda round_: round_.position)
        for downcode in readings[round_.round_kind_id].active_caps
    ]


def _repair(round_: Round, downcode: str, given: Sequence[_Given], labels: Sequence[str]) -> Repair:
    last = next(one for one in reversed(given) if downcode in one.in_force)
    ticks = last.in_force[downcode]
    return Repair(
        round=round_,
        downcode=downcode,
        text=ticks[0].text,
        cap_label=labels[ticks[0].cap_rank],
        dimension=ticks[0].dimension_label,
        ticks=len(ticks),
        reviews=last.opened,
        at_ms=min((tick.at_ms for tick in ticks if tick.at_ms is not None), default=None),
        attempt_id=last.public_id,
    )
