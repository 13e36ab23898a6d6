"""What the grading page shows of one review: the answer, its rubric, the marks made so far."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from feedback.media_time import media_span_words
from feedback.models import Evidence, Review
from feedback.timeline import Mark, Phase
from loops.access import may_play
from loops.models import Artifact, Recording
from rubrics.models import Anchor, Dimension, Downcode, RubricVersion
from rubrics.models import Phase as GuidePhase
from rubrics.queries import level_labels

FAR_RANKS = 2
"""So many ranks from the target, a rating asks for a second piece of evidence."""
QUOTED_MOST = 60


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

    `place` is a span of media time or a line of an artifact ("code 12"); `href` leads there.
    """

    evidence: Evidence
    about: str
    place: str
    href: str
    is_signal: bool

    @property
    def text(self) -> str:
        """Say what the grader wrote, else what they quoted."""
        return self.evidence.note or self.evidence.quote


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
class GuideStep:
    """One phase of the time guide; minutes from the start, half-open."""

    name: str
    start_minutes: int
    end_minutes: int


@dataclass(frozen=True)
class Rubric:
    """What may be said about an answer: the four labels, the dimensions and the downcodes."""

    labels: tuple[str, ...]
    dimensions: list[Dimension]
    downcodes: list[Downcode]


@dataclass(frozen=True)
class GradingPage:
    """One review with everything its grader works from.

    `phases` and `marks` are the timeline's: the guide's phases where they should lie, and
    the evidence. `recording` is None where there is none, or none to play any more.
    """

    review: Review
    candidate: str
    labels: tuple[str, ...]
    target_rank: int
    guide: list[GuideStep]
    recording: Recording | None
    artifacts: list[Artifact]
    cards: list[DimensionCard]
    round_signals: list[Signal]
    notes: list[Note]
    phases: list[Phase]
    marks: list[Mark]

    @property
    def target_label(self) -> str:
        """Say the target level as the cohort says it."""
        return self.labels[self.target_rank]

    @property
    def level_given_label(self) -> str:
        """Say the level given as the cohort says it."""
        rank = self.review.level_given_rank
        return "" if rank is None else self.labels[rank]

    @property
    def duration_ms(self) -> int | None:
        """Return the recording's length."""
        return self.recording.duration_ms if self.recording else None

    @property
    def signals(self) -> list[Signal]:
        """Return all downcodes: each dimension's, then the round's."""
        return [*(signal for card in self.cards for signal in card.signals), *self.round_signals]

    @property
    def rubric(self) -> Rubric:
        """Return what the page's forms let one say."""
        return Rubric(
            labels=self.labels,
            dimensions=[card.dimension for card in self.cards],
            downcodes=[signal.downcode for signal in self.signals],
        )


def rubric_of(review: Review) -> Rubric:
    """Return what the forms of a review let one say, without the rest of its page."""
    version, loop = review.attempt.rubric_version, review.attempt.round.loop
    return Rubric(
        labels=level_labels(loop.ladder, loop.cohort.label_company),
        dimensions=list(version.dimensions.order_by("position")),
        downcodes=list(version.downcodes.order_by("position", "key")),
    )


def grading_page(review: Review, at: datetime) -> GradingPage:
    """Return the page of a review that `access.review_to_write` let its grader have."""
    attempt = review.attempt
    loop = attempt.round.loop
    labels = level_labels(loop.ladder, loop.cohort.label_company)
    recording = attempt.recordings.ready().first()
    if recording:
        recording.attempt = attempt
        if not may_play(review.grader, recording, at):
            recording = None
    artifacts = list(attempt.artifacts.order_by("kind"))
    anchors = _anchors(attempt.rubric_version)
    downcodes = list(attempt.rubric_version.downcodes.order_by("position", "key"))
    guide = _guide(attempt.rubric_version)
    notes = _notes(review, artifacts)
    return GradingPage(
        review=review,
        candidate=loop.cohort.called(loop.member),
        labels=labels,
        target_rank=loop.target_rank,
        guide=guide,
        recording=recording,
        artifacts=artifacts,
        cards=[
            DimensionCard(
                dimension=dimension,
                levels=_levels(lines, labels, loop.target_rank),
                signals=_signals(downcodes, dimension.pk, labels),
                notes=[note for note in notes if note.evidence.dimension_id == dimension.pk],
            )
            for dimension, lines in anchors.items()
        ],
        round_signals=_signals(downcodes, None, labels),
        notes=notes,
        phases=_phases(guide, recording),
        marks=[_mark(note) for note in notes if note.evidence.start_ms is not None],
    )


def said_lines(page: GradingPage) -> list[SaidLine]:
    """Return what the review says of each dimension, in the rubric's order."""
    ranks = dict(page.review.ratings.values_list("dimension_id", "rank"))
    return [_said_line(card, ranks, page.labels) for card in page.cards]


def ticked_signals(page: GradingPage) -> list[Signal]:
    """Return the downcodes that the review ticks, each dimension's first."""
    ticked = set(page.review.ticks.values_list("downcode_id", flat=True))
    return [signal for signal in page.signals if signal.downcode.pk in ticked]


def _said_line(
    card: DimensionCard, ranks: Mapping[int, int | None], labels: Sequence[str]
) -> SaidLine:
    rank = ranks.get(card.dimension.pk)
    return SaidLine(
        card=card,
        is_rated=card.dimension.pk in ranks,
        rank=rank,
        label="" if rank is None else labels[rank],
        anchor=next((level.anchor for level in card.levels if level.rank == rank), ""),
    )


def _anchors(version: RubricVersion) -> dict[Dimension, list[Anchor]]:
    """Return the dimensions in order, each with its anchors by rank; every dimension has some."""
    found: dict[Dimension, list[Anchor]] = {}
    anchors = Anchor.objects.filter(dimension__version=version).select_related("dimension")
    for anchor in anchors.order_by("dimension__position", "rank"):
        found.setdefault(anchor.dimension, []).append(anchor)
    return found


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


def _signals(
    downcodes: Iterable[Downcode], dimension_id: int | None, labels: Sequence[str]
) -> list[Signal]:
    return [
        Signal(downcode=downcode, cap_label=labels[downcode.cap_rank])
        for downcode in downcodes
        if downcode.dimension_id == dimension_id
    ]


def _guide(version: RubricVersion) -> list[GuideStep]:
    steps: list[GuideStep] = []
    for phase in GuidePhase.objects.filter(version=version).order_by("position"):
        start = steps[-1].end_minutes if steps else 0
        steps.append(GuideStep(phase.name, start, start + phase.minutes))
    return steps


def _phases(guide: Iterable[GuideStep], recording: Recording | None) -> list[Phase]:
    """Place the guide on the recording's clock; a phase beyond its end is left out."""
    length = (recording.duration_ms or 0) if recording else 0
    return [
        Phase(step.name, step.start_minutes * 60_000, min(step.end_minutes * 60_000, length))
        for step in guide
        if step.start_minutes * 60_000 < length
    ]


def _notes(review: Review, artifacts: Sequence[Artifact]) -> list[Note]:
    marks = review.evidence.select_related("dimension", "downcode")
    in_order = marks.order_by(F("start_ms").asc(nulls_last=True), "pk")
    return [_note(mark, artifacts) for mark in in_order]


def _note(mark: Evidence, artifacts: Sequence[Artifact]) -> Note:
    if mark.start_ms is not None:
        end_ms = mark.start_ms if mark.end_ms is None else mark.end_ms
        place, href = media_span_words(mark.start_ms, end_ms), f"#t={mark.start_ms / 1000:g}"
    else:
        place, href = place_of_quote(mark.quote, artifacts)
    if mark.dimension:
        about = mark.dimension.label
    else:
        about = _shortened(mark.downcode.text) if mark.downcode else ""
    return Note(
        evidence=mark,
        about=about,
        place=place,
        href=href,
        is_signal=mark.downcode_id is not None,
    )


def place_of_quote(quote: str, artifacts: Iterable[Artifact]) -> tuple[str, str]:
    """Find the line on which a quote begins: its words and its address, or nothing."""
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
