"""What a candidate reads of one answer: before the reveal a count, after it all of its reviews."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Avg, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from feedback.models import (
    AttemptMeasure,
    DowncodeTick,
    Evidence,
    GraderMeasure,
    Rating,
    Review,
    Snapshot,
)
from feedback.queries.grading import place_of
from feedback.queries.reveal import PATIENCE, REVIEWS_WANTED, revealed_at
from feedback.timeline import Mark
from feedback.verdict import (
    Cap,
    DimensionRanks,
    MechanicalVerdict,
    dimensions_needed_in,
    in_force,
    mechanical_verdict,
)
from loops.models import Artifact, Attempt, Recording
from loops.queries.practice import Beside, Step, beside, guide_of
from loops.states import RecordingState
from rubrics.models import Dimension, Downcode
from rubrics.queries import level_labels

QUOTED_MOST = 80
NAME_MOST = 16


@dataclass(frozen=True)
class Quote:
    """One piece of evidence, who saw it, and where.

    `place` is a span of media time, a line of an artifact or the time of a stamp; `href` leads
    there on the page, and `aside` says what is odd about it.
    """

    who: str
    evidence: Evidence
    place: str
    href: str
    aside: str

    @property
    def start_ms(self) -> int | None:
        """Return where in the recording it begins; None for a quote."""
        return self.evidence.start_ms

    @property
    def is_signal(self) -> bool:
        """Say whether it stands for a downcode."""
        return self.evidence.downcode_id is not None

    @property
    def about(self) -> str:
        """Name the dimension or downcode that it was tied to."""
        if self.evidence.dimension:
            return self.evidence.dimension.label
        return _shortened(self.evidence.downcode.text) if self.evidence.downcode else ""

    @property
    def text(self) -> str:
        """Say what the grader wrote, else what they quoted."""
        return self.evidence.note or self.evidence.quote


@dataclass(frozen=True)
class GraderReview:
    """One grader's review; `lane` is their evidence in the recording."""

    who: str
    review: Review
    lane: list[Mark]

    @property
    def mark(self) -> tuple[float, str]:
        """Return its tick of the ruler: the middle of the zone of the level given, and by whom."""
        return (self.review.level_given_rank or 0) + 0.5, _shortened(self.who, NAME_MOST)

    @property
    def is_yes(self) -> bool:
        """Say whether the verdict at the target is a yes."""
        return self.review.verdict in {Review.Verdict.YES, Review.Verdict.STRONG_YES}


@dataclass(frozen=True)
class Signal:
    """A downcode that at least one grader raised."""

    downcode: Downcode
    cap_label: str
    ticks: int
    reviews: int
    quotes: list[Quote]

    @property
    def first(self) -> Quote | None:
        """Return the first moment of the recording that was tied to it."""
        return next((quote for quote in self.quotes if quote.start_ms is not None), None)

    @property
    def is_in_force(self) -> bool:
        """Say whether enough graders raised it for it to cap anything."""
        return in_force(ticks=self.ticks, reviews=self.reviews)


@dataclass(frozen=True)
class DimensionRow:
    """One dimension: each grader's rank, what it rests on, and what caps it."""

    dimension: Dimension
    ranks: list[tuple[str, int | None]]
    quotes: list[Quote]
    signals: list[Signal]

    @property
    def marks(self) -> list[tuple[float, str]]:
        """Return a tick of the ruler for each rating: the middle of its zone, and by whom."""
        return [
            (rank + 0.5, _shortened(who, NAME_MOST)) for who, rank in self.ranks if rank is not None
        ]

    @property
    def unobserved_by(self) -> list[str]:
        """Return who did not observe it."""
        return [who for who, rank in self.ranks if rank is None]


@dataclass(frozen=True)
class Results:
    """All that a revealed answer's reviews say.

    `measure` is the newest snapshot's and None until one holds the answer; `severity_levels`
    is the mean severity of its graders in that snapshot.
    """

    reviews: list[GraderReview]
    measure: AttemptMeasure | None
    severity_levels: float
    by_rule: MechanicalVerdict
    signals: list[Signal]
    rows: list[DimensionRow]
    phases: list[Step]

    @property
    def is_provisional(self) -> bool:
        """Say whether it was revealed with fewer reviews than wanted."""
        return len(self.reviews) < REVIEWS_WANTED

    @property
    def is_calibrated(self) -> bool:
        """Say whether the measure has seen every review."""
        return self.measure is not None and self.measure.graders >= len(self.reviews)

    @property
    def names(self) -> dict[str, str]:
        """What the page calls dimensions and downcodes, by key."""
        downcodes = {signal.downcode.key: signal.downcode.text for signal in self.signals}
        return downcodes | {row.dimension.key: row.dimension.label for row in self.rows}


@dataclass(frozen=True)
class ResultsPage:
    """An answer as its candidate reads it; `results` is None until it is revealed.

    From `one_is_enough_at` on a single review reveals it.
    """

    attempt: Attempt
    labels: tuple[str, ...]
    recording: Recording | None
    artifacts: list[Artifact]
    reviews_in: int
    reviews_wanted: int
    one_is_enough_at: datetime
    is_one_enough: bool
    results: Results | None

    @property
    def is_unplayable(self) -> bool:
        """Say whether its recording failed, so that nobody can grade it."""
        return self.recording is not None and self.recording.state == RecordingState.FAILED

    @property
    def is_being_made_ready(self) -> bool:
        """Say whether its recording is safe, and not yet there to play."""
        safe = RecordingState.settled() - RecordingState.playable()
        return self.recording is not None and self.recording.state in safe

    @property
    def are_all_in(self) -> bool:
        """Say whether every review that is wanted is in."""
        return self.reviews_in >= self.reviews_wanted

    @property
    def target_rank(self) -> int:
        """Return the rank the loop aims at."""
        return self.attempt.round.loop.target_rank

    @property
    def target_label(self) -> str:
        """Say the target level as the cohort says it."""
        return self.labels[self.target_rank]

    @property
    def predicted_label(self) -> str:
        """Say the level the candidate expected."""
        rank = self.attempt.predicted_rank
        return "" if rank is None else self.labels[rank]


def results_page(attempt: Attempt, at: datetime) -> ResultsPage:
    """Return the page of an answer that `access.results_to_read` let its candidate have.

    Until the reveal nothing of any review is even read, but that it is in.
    """
    loop = attempt.round.loop
    submitted_at = attempt.submitted_at or at
    handed_in = attempt.reviews.in_results().values_list("submitted_at", flat=True)
    reviewed_at = [moment for moment in handed_in if moment]
    reveals_at = revealed_at(submitted_at, reviewed_at)
    is_revealed = reveals_at is not None and reveals_at <= at
    found = beside(attempt)
    labels = level_labels(loop.ladder, loop.cohort.label_company)
    return ResultsPage(
        attempt=attempt,
        labels=labels,
        recording=found.recording,
        artifacts=found.artifacts,
        reviews_in=len(reviewed_at),
        reviews_wanted=REVIEWS_WANTED,
        one_is_enough_at=submitted_at + PATIENCE,
        is_one_enough=submitted_at + PATIENCE <= at,
        results=_results(attempt, found, labels) if is_revealed else None,
    )


def _results(attempt: Attempt, found: Beside, labels: Sequence[str]) -> Results:
    recording = found.recording
    cohort = attempt.round.loop.cohort
    reviews = list(
        attempt.reviews.in_results().select_related("grader").order_by("submitted_at", "pk")
    )
    who = {review.pk: cohort.called(review.grader) for review in reviews}
    quotes = _quotes(who, attempt, recording, found.artifacts)
    signals = _signals(who, quotes, labels)
    rows = _rows(who, quotes, signals)
    measure = _newest_measure(attempt, reviews)
    return Results(
        reviews=[
            GraderReview(
                who=who[review.pk],
                review=review,
                lane=[
                    _mark(quote, recording)
                    for quote in quotes
                    if quote.evidence.review_id == review.pk and quote.start_ms is not None
                ],
            )
            for review in reviews
        ],
        measure=measure,
        severity_levels=measure.severity_levels if measure else 0.0,
        by_rule=_by_rule(attempt, rows, signals),
        signals=signals,
        rows=rows,
        phases=guide_of(attempt.round, found.phases),
    )


def _quotes(
    who: Mapping[int, str],
    attempt: Attempt,
    recording: Recording | None,
    artifacts: Sequence[Artifact],
) -> list[Quote]:
    """Return every piece of evidence of the reviews, in the order of the recording."""
    evidence = Evidence.objects.filter(review__in=who).select_related("dimension", "downcode")
    quotes = []
    for one in evidence.order_by(F("start_ms").asc(nulls_last=True), "pk"):
        place = place_of(one, attempt, recording, artifacts)
        quotes.append(Quote(who[one.review_id], one, place.words, place.href, place.aside))
    return quotes


def _signals(
    who: Mapping[int, str], quotes: Sequence[Quote], labels: Sequence[str]
) -> list[Signal]:
    """Return the downcodes raised: those in force first, then as the rubric orders them."""
    ticks_of: dict[Downcode, int] = defaultdict(int)
    ticks = DowncodeTick.objects.filter(review__in=who).select_related("downcode__dimension")
    for tick in ticks.order_by("downcode__position", "downcode_id", "review_id"):
        ticks_of[tick.downcode] += 1
    signals = [
        Signal(
            downcode=downcode,
            cap_label=labels[downcode.cap_rank],
            ticks=count,
            reviews=len(who),
            quotes=[quote for quote in quotes if quote.evidence.downcode_id == downcode.pk],
        )
        for downcode, count in ticks_of.items()
    ]
    return sorted(signals, key=lambda signal: not signal.is_in_force)


def _rows(
    who: Mapping[int, str], quotes: Sequence[Quote], signals: Sequence[Signal]
) -> list[DimensionRow]:
    """Return the dimensions in their order; every review that was handed in rates them all."""
    ranks_of: dict[Dimension, list[tuple[str, int | None]]] = defaultdict(list)
    ratings = Rating.objects.filter(review__in=who).select_related("dimension")
    for rating in ratings.order_by("dimension__position", "review__submitted_at", "review_id"):
        ranks_of[rating.dimension].append((who[rating.review_id], rating.rank))
    return [
        DimensionRow(
            dimension=dimension,
            ranks=ranks,
            quotes=[one for one in quotes if one.evidence.dimension_id == dimension.pk],
            signals=[one for one in signals if one.downcode.dimension_id == dimension.pk],
        )
        for dimension, ranks in ranks_of.items()
    ]


def _by_rule(
    attempt: Attempt, rows: Iterable[DimensionRow], signals: Iterable[Signal]
) -> MechanicalVerdict:
    return mechanical_verdict(
        [
            DimensionRanks(
                dimension=row.dimension.key,
                ranks=tuple(rank for _who, rank in row.ranks),
                is_key=row.dimension.is_key,
            )
            for row in rows
        ],
        target_rank=attempt.round.loop.target_rank,
        caps=[_cap(signal.downcode) for signal in signals if signal.is_in_force],
        dimensions_needed=dimensions_needed_in(attempt.round.round_kind.key),
    )


def _cap(downcode: Downcode) -> Cap:
    dimension = downcode.dimension
    return Cap(downcode.key, downcode.cap_rank, dimension.key if dimension else None)


def _newest_measure(attempt: Attempt, reviews: Iterable[Review]) -> Any:
    """Return the answer's measure in the newest snapshot, with its graders' mean severity."""
    newest = Snapshot.objects.filter(round_kind=attempt.rubric_version.round_kind_id)
    graders = GraderMeasure.objects.filter(
        snapshot=OuterRef("snapshot"), grader__in=[review.grader_id for review in reviews]
    )
    mean = graders.order_by().values("snapshot").annotate(mean=Avg("severity_levels"))
    return (
        AttemptMeasure.objects.filter(
            attempt=attempt, snapshot=Subquery(newest.newest_first().values("pk")[:1])
        )
        .annotate(severity_levels=Coalesce(Subquery(mean.values("mean")), 0.0))
        .first()
    )


def _mark(quote: Quote, recording: Recording | None) -> Mark:
    """Return evidence as its grader's lane shows it; it leads there where there is anything."""
    about = f"{quote.who} {quote.place}, {quote.about}"
    return Mark(
        start_ms=quote.start_ms or 0,
        end_ms=quote.evidence.end_ms,
        kind="signal" if quote.is_signal else "evidence",
        text=f"{about}: {_shortened(quote.text)}" if quote.text else about,
        href=quote.href if recording and recording.is_ready else "",
    )


def _shortened(text: str, most: int = QUOTED_MOST) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
