"""What the grading page shows of one review: the answer, its rubric, the marks made so far.

The page is made of many small lists, so each of two queries brings several of them along.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from feedback.media_time import media_time_words
from feedback.models import DowncodeTick, Evidence, Moment, QueueEntry, Rating, Review
from feedback.queries.candidates import candidate_of
from feedback.queries.phases import RibbonView, moment_words, ribbon_view, time_of
from feedback.queries.stamps import Place, place_of_span, place_of_stamp
from feedback.timeline import Mark
from feedback.verdict import (
    Cap,
    DimensionRanks,
    MechanicalVerdict,
    dimensions_needed_in,
    mechanical_verdict,
)
from loops.models import Artifact, Attempt, Recording
from loops.queries.practice import Step, guide_of
from loops.states import AttemptState, RecordingState
from rubrics.models import Anchor, Dimension, Downcode, RubricVersion
from rubrics.models import Phase as GuidePhase
from rubrics.queries import label_rows, words_by_ladder

FAR_RANKS = 2
"""So many ranks from the target, a rating asks for a second piece of evidence."""
QUOTED_MOST = 60


@dataclass(frozen=True)
class Rubric:
    """What may be said about an answer: the labels by rank, and the edition it is bound to.

    The rows are as far filled in as pages need; `anchors` are ranks 1 to 3 by dimension id.
    """

    labels: tuple[str, ...]
    dimensions: list[Dimension]
    anchors: Mapping[int, list[Anchor]]
    downcodes: list[Downcode]
    phases: list[GuidePhase]


@dataclass(frozen=True)
class Kept:
    """What the server holds of a review: ranks by dimension key, ticked downcodes, evidence …

    `length_ms` is the recording's, whether or not it may be played any more.
    """

    ranks: Mapping[str, int | None]
    ticked: frozenset[str]
    evidence: list[Evidence]
    moments: list[Moment]
    artifacts: list[Artifact]
    length_ms: int | None


@dataclass(frozen=True)
class LevelLine:
    """One level of a dimension: its label, and the anchor that describes it."""

    rank: int
    label: str
    anchor: str
    is_target: bool


@dataclass(frozen=True)
class Signal:
    """A downcode and the level it caps at."""

    downcode: Downcode
    cap_label: str


@dataclass(frozen=True)
class Note:
    """One piece of evidence as the list and the scorecard show it.

    `place` is a span of media time, a line of an artifact ("code 12") or the time of a stamp;
    `href` leads there, and `aside` says what is odd about it.
    """

    evidence: Evidence
    about: str
    place: str
    href: str
    aside: str
    is_signal: bool

    @property
    def text(self) -> str:
        """Say what the grader wrote, else what they quoted."""
        return self.evidence.note or self.evidence.quote


@dataclass(frozen=True)
class MomentLine:
    """A moment as its grader's list shows it; `again` is what would mark it anew."""

    moment: Moment
    what: str
    place: str
    href: str
    again: str


@dataclass(frozen=True)
class DimensionCard:
    """One dimension with its levels, the signals that cap it, and its evidence."""

    dimension: Dimension
    levels: list[LevelLine]
    signals: list[Signal]
    notes: list[Note]


@dataclass(frozen=True)
class SaidLine:
    """What a review says of one dimension; `rank` None is *not observed* where it is rated."""

    card: DimensionCard
    is_rated: bool
    rank: int | None
    label: str
    anchor: str


@dataclass(frozen=True)
class GradingPage:
    """One review with everything its grader works from.

    `recording` is None where there is none, or none to play any more.
    """

    review: Review
    rubric: Rubric
    kept: Kept
    recording: Recording | None
    guide: list[Step]
    notes: list[Note]
    cards: list[DimensionCard]
    round_signals: list[Signal]

    @property
    def candidate(self) -> str:
        """Call the candidate as the cohort does; empty once the answer was taken back."""
        return candidate_of(self.review)

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the four labels by rank, as the cohort says them."""
        return self.rubric.labels

    @property
    def artifacts(self) -> list[Artifact]:
        """Return code and notes."""
        return self.kept.artifacts

    @property
    def target_rank(self) -> int:
        """Return the rank that the candidate aims at."""
        return self.review.attempt.round.loop.target_rank

    @property
    def target_label(self) -> str:
        """Say the target level as the cohort says it."""
        return self.labels[self.target_rank]

    @property
    def is_note(self) -> bool:
        """Say whether it can only be a practice note: the answer of the mock was put away."""
        review = self.review
        return review.is_live and review.attempt.state == AttemptState.WITHDRAWN

    @property
    def level_given_label(self) -> str:
        """Say the level given as the cohort says it."""
        rank = self.review.level_given_rank
        return "" if rank is None else self.labels[rank]

    @property
    def duration_ms(self) -> int | None:
        """Return the recording's length."""
        return self.recording.duration_ms if self.recording else None

    @cached_property
    def marks(self) -> list[Mark]:
        """Return the evidence that has a time, for the timeline."""
        return [_mark(note) for note in self.notes if note.evidence.start_ms is not None]

    @cached_property
    def ribbon(self) -> RibbonView:
        """Return the phase ribbon of the moments marked so far."""
        return ribbon_view(
            self.kept.moments,
            self.guide,
            started_at=self.review.attempt.started_at,
            duration_ms=self.kept.length_ms,
        )

    @cached_property
    def moments(self) -> list[MomentLine]:
        """Return every moment, in order."""
        return [moment_line(one, self) for one in self.kept.moments]

    @property
    def rungs(self) -> list[tuple[int, str]]:
        """Return the depth ladder: what each rung asks for."""
        words = (_("what it is"), _("how it works"), _("why this one"), _("where it stops"))
        return [*enumerate(words, start=1)]

    @property
    def new_stamp(self) -> UUID:
        """Draw the id of a moment that is pressed without a script."""
        return uuid4()

    @property
    def has_moments(self) -> bool:
        """Say whether the rubric has anything to press as the talk goes on."""
        version = self.review.attempt.rubric_version
        return bool(self.guide or version.has_rungs or version.has_why_chain)

    @cached_property
    def by_rule(self) -> MechanicalVerdict:
        """Return the mechanical verdict of this review alone: each signal it ticks caps."""
        return mechanical_verdict(
            [
                DimensionRanks(
                    dimension=card.dimension.key,
                    ranks=(self.kept.ranks.get(card.dimension.key),),
                    is_key=card.dimension.is_key,
                )
                for card in self.cards
            ],
            target_rank=self.target_rank,
            caps=[_cap(signal.downcode, self.rubric) for signal in self.ticked_signals],
            dimensions_needed=dimensions_needed_in(self.review.attempt.round.round_kind.key),
        )

    @property
    def names(self) -> dict[str, str]:
        """Say what the page calls dimensions and downcodes, by key."""
        downcodes = {downcode.key: downcode.text for downcode in self.rubric.downcodes}
        return downcodes | {card.dimension.key: card.dimension.label for card in self.cards}

    @property
    def is_yes(self) -> bool:
        """Say whether the grader's verdict at the target is a yes."""
        return self.review.verdict in Review.YES

    @cached_property
    def said(self) -> list[SaidLine]:
        """Return what the review says of each dimension, in the rubric's order."""
        return [_said_line(card, self.kept.ranks, self.labels) for card in self.cards]

    @cached_property
    def ticked_signals(self) -> list[Signal]:
        """Return the downcodes that the review ticks, each dimension's first."""
        signals = [*(signal for card in self.cards for signal in card.signals)]
        return [
            signal
            for signal in [*signals, *self.round_signals]
            if signal.downcode.key in self.kept.ticked
        ]


def grading_page(review: Review, *, recording: Recording | None) -> GradingPage:
    """Return the page of a review that `access.review_to_write` let its grader have.

    `recording` is what `access.recording_to_grade` lets them play.
    """
    rubric = rubric_of(review)
    kept = kept_of(review)
    downcodes = {downcode.pk: downcode for downcode in rubric.downcodes}
    dimensions = {dimension.pk: dimension for dimension in rubric.dimensions}
    notes = [
        _note(
            mark, dimensions, downcodes, place_of(mark, review.attempt, recording, kept.artifacts)
        )
        for mark in kept.evidence
    ]
    target_rank = review.attempt.round.loop.target_rank
    return GradingPage(
        review=review,
        rubric=rubric,
        kept=kept,
        recording=recording,
        guide=guide_of(review.attempt.round, rubric.phases),
        notes=notes,
        cards=[
            DimensionCard(
                dimension=dimension,
                levels=_levels(rubric.anchors[dimension.pk], rubric.labels, target_rank),
                signals=_signals(rubric, dimension.pk),
                notes=[note for note in notes if note.evidence.dimension_id == dimension.pk],
            )
            for dimension in rubric.dimensions
        ],
        round_signals=_signals(rubric, None),
    )


def has_free_place(review: Review) -> bool:
    """Say whether who let their lease run out gets the place back by going on.

    What fills no place of the queue's always does; a blind calibration item as long as the answer
    has one that it stands for, or the grader could tell them apart.
    """
    if review.purpose not in {Review.Purpose.PEER, Review.Purpose.GOLD} or review.is_open:
        return True
    of_attempt = review.stands_for_id or review.attempt_id
    return QueueEntry.objects.waiting().filter(attempt=of_attempt).exists()


def rubric_of(review: Review) -> Rubric:
    """Return the rubric that a review is written by; one query."""
    loop = review.attempt.round.loop
    company = loop.cohort.label_company
    here = OuterRef("pk")
    version = RubricVersion.objects.annotate(
        dimension_rows=_rows(
            Dimension.objects.filter(version=here).order_by("position"),
            "id",
            "key",
            "label",
            "is_key",
        ),
        anchor_rows=_rows(
            Anchor.objects.filter(dimension__version=here).order_by("dimension_id", "rank"),
            "dimension_id",
            "rank",
            "text",
        ),
        downcode_rows=_rows(
            Downcode.objects.filter(version=here).order_by("position", "key"),
            "id",
            "key",
            "text",
            "dimension_id",
            "cap_rank",
        ),
        phase_rows=_rows(
            GuidePhase.objects.filter(version=here).order_by("position"), "name", "minutes"
        ),
        label_rows=_rows(
            label_rows(company), "company", "text", ladder="level__ladder", rank="level__rank"
        ),
    ).values("dimension_rows", "anchor_rows", "downcode_rows", "phase_rows", "label_rows")
    found = version.get(pk=review.attempt.rubric_version_id)
    dimensions = [Dimension(**row) for row in found["dimension_rows"]]
    anchors: dict[int, list[Anchor]] = {dimension.pk: [] for dimension in dimensions}
    for row in found["anchor_rows"]:
        anchors[row["dimension_id"]].append(Anchor(**row))
    return Rubric(
        labels=words_by_ladder(
            (
                [row["ladder"], row["rank"], row["company"], row["text"]]
                for row in found["label_rows"]
            ),
            company,
        ).get(loop.ladder, ()),
        dimensions=dimensions,
        anchors=anchors,
        downcodes=[Downcode(**row) for row in found["downcode_rows"]],
        phases=[GuidePhase(**row) for row in found["phase_rows"]],
    )


def kept_of(review: Review) -> Kept:
    """Return what the server holds of a review, and what else there is to quote; one query."""
    here = OuterRef("pk")
    in_order = F("start_ms").asc(nulls_last=True)
    found = (
        Review.objects.annotate(
            rating_rows=_rows(
                Rating.objects.filter(review=here).order_by("dimension_id"),
                "rank",
                key="dimension__key",
            ),
            ticked=ArraySubquery(DowncodeTick.objects.filter(review=here).values("downcode__key")),
            evidence_rows=_rows(
                Evidence.objects.filter(review=here).order_by(in_order, "pk"),
                "public_id",
                "dimension_id",
                "downcode_id",
                "start_ms",
                "end_ms",
                "stamped_at",
                "quote",
                "note",
            ),
            moment_rows=_rows(
                Moment.objects.filter(review=here).order_by(
                    F("at_ms").asc(nulls_last=True), "stamped_at", "pk"
                ),
                "public_id",
                "kind",
                "key",
                "at_ms",
                "stamped_at",
            ),
            length_ms=Subquery(
                Recording.objects.filter(attempt=OuterRef("attempt"))
                .exclude(state=RecordingState.DISCARDED)
                .order_by("pk")
                .values("duration_ms")[:1]
            ),
            artifact_rows=_rows(
                Artifact.objects.filter(attempt=OuterRef("attempt")).order_by("kind"),
                "kind",
                "text",
            ),
        )
        .values(
            "rating_rows", "ticked", "evidence_rows", "moment_rows", "artifact_rows", "length_ms"
        )
        .get(pk=review.pk)
    )
    return Kept(
        ranks={row["key"]: row["rank"] for row in found["rating_rows"]},
        ticked=frozenset(found["ticked"]),
        evidence=[Evidence(**_stamped(row)) for row in found["evidence_rows"]],
        moments=[Moment(**_stamped(row)) for row in found["moment_rows"]],
        artifacts=[Artifact(**row) for row in found["artifact_rows"]],
        length_ms=found["length_ms"],
    )


def moment_line(moment: Moment, page: GradingPage) -> MomentLine:
    """Say where a moment lies and what it is; a stamp without a place lies in the answer."""
    at_ms = time_of(moment, page.review.attempt.started_at)
    again = f"{moment.kind}:{moment.key}@{moment.at_ms}" if moment.at_ms is not None else ""
    return MomentLine(
        moment=moment,
        what=moment_words(moment, page.guide),
        place=media_time_words(at_ms or 0),
        href=f"#t={moment.at_ms / 1000:g}" if moment.at_ms is not None else "",
        again=again,
    )


def _stamped(row: dict[str, Any]) -> dict[str, Any]:
    """Read the instant that JSON has brought along as text."""
    stamped_at = row["stamped_at"]
    return {**row, "stamped_at": stamped_at and parse_datetime(stamped_at)}


def _cap(downcode: Downcode, rubric: Rubric) -> Cap:
    keys = {dimension.pk: dimension.key for dimension in rubric.dimensions}
    dimension = keys[downcode.dimension_id] if downcode.dimension_id else None
    return Cap(downcode.key, downcode.cap_rank, dimension)


def _rows(rows: QuerySet[Any], *names: str, **paths: str) -> ArraySubquery:
    """Bring the rows along as a list of dicts, each with the columns named."""
    columns = {name: name for name in names} | paths
    return ArraySubquery(rows.values(row=JSONObject(**columns)))


def _said_line(
    card: DimensionCard, ranks: Mapping[str, int | None], labels: Sequence[str]
) -> SaidLine:
    rank = ranks.get(card.dimension.key)
    return SaidLine(
        card=card,
        is_rated=card.dimension.key in ranks,
        rank=rank,
        label="" if rank is None else labels[rank],
        anchor=next((level.anchor for level in card.levels if level.rank == rank), ""),
    )


def _levels(anchors: Iterable[Anchor], labels: Sequence[str], target_rank: int) -> list[LevelLine]:
    return [
        LevelLine(
            rank=anchor.rank,
            label=labels[anchor.rank],
            anchor=anchor.text,
            is_target=anchor.rank == target_rank,
        )
        for anchor in anchors
    ]


def _signals(rubric: Rubric, dimension_id: int | None) -> list[Signal]:
    return [
        Signal(downcode=downcode, cap_label=rubric.labels[downcode.cap_rank])
        for downcode in rubric.downcodes
        if downcode.dimension_id == dimension_id
    ]


def _note(
    mark: Evidence,
    dimensions: Mapping[int, Dimension],
    downcodes: Mapping[int, Downcode],
    place: Place,
) -> Note:
    if mark.dimension_id is not None:
        about = dimensions[mark.dimension_id].label
    else:
        about = _shortened(downcodes[mark.downcode_id].text) if mark.downcode_id else ""
    return Note(
        evidence=mark,
        about=about,
        place=place.words,
        href=place.href,
        aside=place.aside,
        is_signal=mark.downcode_id is not None,
    )


def place_of(
    evidence: Evidence,
    attempt: Attempt,
    recording: Recording | None,
    artifacts: Iterable[Artifact],
) -> Place:
    """Say where a piece of evidence lies: in the recording, on the clock of a mock, in a text."""
    if evidence.start_ms is not None:
        return place_of_span(evidence, recording)
    if evidence.stamped_at is not None:
        return place_of_stamp(evidence, attempt)
    return Place(*place_of_quote(evidence.quote, artifacts))


def place_of_quote(quote: str, artifacts: Iterable[Artifact]) -> tuple[str, str]:
    """Find the line on which a quote begins: its words and its address, or nothing."""
    if not quote.strip():
        return "", ""
    for artifact in artifacts:
        text = artifact.text.replace("\r\n", "\n")
        before, found, _after = text.partition(quote.replace("\r\n", "\n").strip())
        if found:
            line = before.count("\n") + 1
            return f"{artifact.get_kind_display()} {line}", f"#{artifact.kind}-L{line}"
    return "", ""


def _mark(note: Note) -> Mark:
    mark = note.evidence
    return Mark(
        start_ms=mark.start_ms or 0,
        end_ms=mark.end_ms,
        kind="signal" if note.is_signal else "evidence",
        text=f"{note.place} {note.about}: {_shortened(note.text)}",
        href=note.href,
    )


def _shortened(text: str) -> str:
    return text if len(text) <= QUOTED_MOST else f"{text[: QUOTED_MOST - 1].rstrip()}…"
