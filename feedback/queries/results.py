"""What a candidate reads of one answer: before the reveal a count, then words, then all of it.

Between the reveal and the levels stands the candidate's own word on each review. Whatever is
computed here is computed from opened reviews; of the others not even a rank is read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Avg, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, JSONObject
from django.utils.dateparse import parse_datetime

from feedback.models import (
    AttemptMeasure,
    DowncodeTick,
    Evidence,
    GraderMeasure,
    Moment,
    Rating,
    Review,
    Snapshot,
)
from feedback.queries.grading import place_of
from feedback.queries.opening import opened_reviews, unopened_reviews
from feedback.queries.phases import RibbonView, ribbon_view
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
from loops.models import Artifact, Attempt, Loop, Recording
from loops.queries.practice import Beside, Step, beside, guide_of
from loops.states import RecordingState
from rubrics.models import Dimension, Downcode
from rubrics.queries import label_rows, words_by_ladder

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
class WordsOfReview:
    """A review that waits to be opened: its words alone, and where in the answer each points.

    What the words are about is left out with the levels: who marks a signal has seen a cap.
    """

    who: str
    review: Review
    notes: list[Quote]


@dataclass(frozen=True)
class GraderReview:
    """One grader's opened review; `lane` is their evidence in the recording.

    `ribbon` is what they pressed as the talk went on: phases, depth rungs, answered whys.
    """

    who: str
    review: Review
    lane: list[Mark]
    ribbon: RibbonView

    @property
    def mark(self) -> tuple[float, str]:
        """Return its tick of the ruler: the middle of the zone of the level given, and by whom."""
        return (self.review.level_given_rank or 0) + 0.5, _shortened(self.who, NAME_MOST)

    @property
    def is_yes(self) -> bool:
        """Say whether the verdict at the target is a yes."""
        return self.review.verdict in Review.YES


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
class Measure:
    """The answer's level in the newest snapshot, on the scale 0..4, with its 80 % band.

    `severity_levels` is the mean severity of its graders in that snapshot.
    """

    level: float
    low: float
    high: float
    graders: int
    severity_levels: float


@dataclass(frozen=True)
class Results:
    """All that an answer's opened reviews say.

    `measure` is the newest snapshot's and None until one holds the answer.
    """

    reviews: list[GraderReview]
    measure: Measure | None
    by_rule: MechanicalVerdict
    signals: list[Signal]
    rows: list[DimensionRow]
    phases: list[Step]

    @property
    def severity_levels(self) -> float:
        """Return how strict its graders were on average."""
        return self.measure.severity_levels if self.measure else 0.0

    @property
    def is_provisional(self) -> bool:
        """Say whether it was revealed with fewer reviews than wanted."""
        return len(self.reviews) < REVIEWS_WANTED

    @property
    def is_calibrated(self) -> bool:
        """Say whether the measure has seen every review that is open."""
        return self.measure is not None and self.measure.graders >= len(self.reviews)

    @property
    def ribbons(self) -> list[GraderReview]:
        """Return whoever marked how the talk went on."""
        return [one for one in self.reviews if not one.ribbon.is_empty]

    @property
    def names(self) -> dict[str, str]:
        """What the page calls dimensions and downcodes, by key."""
        downcodes = {signal.downcode.key: signal.downcode.text for signal in self.signals}
        return downcodes | {row.dimension.key: row.dimension.label for row in self.rows}


@dataclass(frozen=True)
class ResultsPage:
    """An answer as its candidate reads it.

    `to_open` are the revealed reviews that wait for the candidate's word; `results` is what the
    opened ones say, None while none is. From `one_is_enough_at` on a single review reveals it.
    `exclusion` says why the answer is no evidence, where it is none.
    """

    attempt: Attempt
    labels: tuple[str, ...]
    recording: Recording | None
    artifacts: list[Artifact]
    reviews_in: int
    reviews_wanted: int
    one_is_enough_at: datetime
    is_one_enough: bool
    to_open: list[WordsOfReview]
    results: Results | None
    exclusion: str
    reflection: str

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
    def is_revealed(self) -> bool:
        """Say whether anything of its reviews is to be read."""
        return bool(self.to_open) or self.results is not None

    @property
    def is_being_calibrated(self) -> bool:
        """Say whether a level that takes in all that is open is still to come."""
        return self.results is not None and not (self.results.is_calibrated or self.exclusion)

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
    standing = _standing(attempt)
    reviewed_at = [parse_datetime(row["at"]) for row in standing["review_rows"]]
    reveals_at = revealed_at(submitted_at, [moment for moment in reviewed_at if moment])
    is_revealed = reveals_at is not None and reveals_at <= at
    opened = Counter(row["is_opened"] for row in standing["review_rows"])
    found = beside(attempt)
    labels = _labels(loop, standing["label_rows"])
    to_open = _to_open(attempt, found) if is_revealed and opened[False] else []
    is_any_open = is_revealed and opened[True] > 0
    exclusion = standing["exclusion"] or ""
    return ResultsPage(
        attempt=attempt,
        labels=labels,
        recording=found.recording,
        artifacts=found.artifacts,
        reviews_in=len(reviewed_at),
        reviews_wanted=REVIEWS_WANTED,
        one_is_enough_at=submitted_at + PATIENCE,
        is_one_enough=submitted_at + PATIENCE <= at,
        to_open=to_open,
        results=_results(attempt, found, labels, exclusion) if is_any_open else None,
        exclusion=exclusion,
        reflection=(standing["reflection_text"] or "") if is_any_open else "",
    )


def _standing(attempt: Attempt) -> dict[str, Any]:
    """Return how an answer stands: when its reviews came and whether each is open; one query.

    The words for levels come along.
    """
    company = attempt.round.loop.cohort.label_company
    reviews = Review.objects.in_results().filter(attempt=OuterRef("pk")).order_by("pk")
    is_opened = Coalesce(F("usefulness__pk"), 0)
    found: QuerySet[Any, Any] = Attempt.objects.filter(pk=attempt.pk).values(
        exclusion=F("queue_entry__exclusion"),
        reflection_text=F("reflection__text"),
        review_rows=ArraySubquery(
            reviews.values(row=JSONObject(at="submitted_at", is_opened=is_opened))
        ),
        label_rows=_rows(
            label_rows(company), "company", "text", ladder="level__ladder", rank="level__rank"
        ),
    )
    row: dict[str, Any] = found.get()
    for review in row["review_rows"]:
        review["is_opened"] = bool(review["is_opened"])
    return row


def _labels(loop: Loop, rows: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    columns = ([row["ladder"], row["rank"], row["company"], row["text"]] for row in rows)
    return words_by_ladder(columns, loop.cohort.label_company).get(loop.ladder, ())


def _to_open(attempt: Attempt, found: Beside) -> list[WordsOfReview]:
    """Return the words of the reviews that wait, without anything that tells a level; one query."""
    cohort = attempt.round.loop.cohort
    marks = Evidence.objects.filter(review=OuterRef("pk")).order_by(*_IN_ORDER)
    reviews: QuerySet[Any] = (
        unopened_reviews()
        .filter(attempt=attempt)
        .select_related("grader")
        .defer("verdict", "confidence", "level_given_rank")
        .annotate(evidence_rows=_rows(marks, *_PLACE, *_SAID))
    )
    return [
        WordsOfReview(
            who=cohort.called(review.grader),
            review=review,
            notes=_once(
                _quote(_evidence(row, review), cohort.called(review.grader), attempt, found)
                for row in review.evidence_rows
            ),
        )
        for review in reviews.order_by("submitted_at", "pk")
    ]


def _once(quotes: Iterable[Quote]) -> list[Quote]:
    """Leave out what is said twice of one place: of a dimension, and of its downcode too."""
    told: dict[tuple[str, str, str], Quote] = {}
    for quote in quotes:
        told.setdefault((quote.place, quote.evidence.quote, quote.evidence.note), quote)
    return list(told.values())


# What is open

_IN_ORDER = (F("start_ms").asc(nulls_last=True), F("pk").asc())
_PLACE = ("start_ms", "end_ms", "stamped_at")
_SAID = ("quote", "note")
_OF_DIMENSION = {
    name: f"dimension__{name}" for name in ("id", "key", "label", "is_key", "position")
}
_OF_DOWNCODE = {name: f"downcode__{name}" for name in ("id", "key", "text", "cap_rank", "position")}


def _results(attempt: Attempt, found: Beside, labels: Sequence[str], exclusion: str) -> Results:
    """Read what is open; an answer that is no evidence has no level, whatever a snapshot says."""
    recording = found.recording
    cohort = attempt.round.loop.cohort
    guide = guide_of(attempt.round, found.phases)
    reviews = list(_opened(attempt))
    who = {review.pk: cohort.called(review.grader) for review in reviews}
    quotes = sorted(
        (
            _quote(_evidence(row, review), who[review.pk], attempt, found)
            for review in reviews
            for row in review.evidence_rows
        ),
        key=_in_the_recording,
    )
    signals = _signals(reviews, quotes, labels)
    rows = _dimension_rows(reviews, who, quotes, signals)
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
                ribbon=ribbon_view(
                    [_moment(row) for row in review.moment_rows],
                    guide,
                    started_at=attempt.started_at,
                    duration_ms=recording.duration_ms if recording else None,
                ),
            )
            for review in reviews
        ],
        measure=None if exclusion else _measure(reviews),
        by_rule=_by_rule(attempt, rows, signals),
        signals=signals,
        rows=rows,
        phases=guide,
    )


def _opened(attempt: Attempt) -> QuerySet[Any]:
    """Return the opened reviews with all that hangs on them, and the answer's measure; one query.

    One row a review: what there are many of comes as JSON.
    """
    here = OuterRef("pk")
    ratings = Rating.objects.filter(review=here).order_by("dimension__position", "pk")
    ticks = DowncodeTick.objects.filter(review=here).order_by("downcode__position", "pk")
    marks = Evidence.objects.filter(review=here).order_by(*_IN_ORDER)
    moments = Moment.objects.filter(review=here)
    return (
        opened_reviews()
        .filter(attempt=attempt)
        .select_related("grader", "usefulness")
        .annotate(
            rating_rows=_rows(ratings, "rank", dimension=JSONObject(**_OF_DIMENSION)),
            tick_rows=_rows(
                ticks,
                downcode=JSONObject(**_OF_DOWNCODE, dimension_id="downcode__dimension_id"),
            ),
            evidence_rows=_rows(
                marks,
                "pk",
                *_PLACE,
                *_SAID,
                "dimension_id",
                "downcode_id",
                dimension=JSONObject(**_OF_DIMENSION),
                downcode=JSONObject(**_OF_DOWNCODE, dimension_id="downcode__dimension_id"),
            ),
            moment_rows=_rows(
                moments.order_by(F("at_ms").asc(nulls_last=True), F("pk").asc()),
                "kind",
                "key",
                "at_ms",
                "stamped_at",
            ),
            measure=Subquery(_newest_measure(attempt)),
        )
        .order_by("submitted_at", "pk")
    )


def _rows(rows: QuerySet[Any], *names: str, **paths: Any) -> ArraySubquery:
    """Bring the rows along as a list of dicts, each with the columns named."""
    columns: dict[str, Any] = {name: name for name in names} | paths
    return ArraySubquery(rows.values(row=JSONObject(**columns)))


def _newest_measure(attempt: Attempt) -> QuerySet[Any, Any]:
    """Return the answer's measure in the newest snapshot, with its graders' mean severity."""
    newest = Snapshot.objects.filter(round_kind=attempt.rubric_version.round_kind_id)
    theirs = opened_reviews().filter(attempt=attempt)
    severities = (
        GraderMeasure.objects.filter(
            snapshot=OuterRef("snapshot"), grader__in=theirs.order_by().values("grader")
        )
        .order_by()
        .values("snapshot")
        .annotate(mean=Avg("severity_levels"))
    )
    measures = AttemptMeasure.objects.filter(
        attempt=attempt, snapshot=Subquery(newest.newest_first().values("pk")[:1])
    ).annotate(mean_severity=Coalesce(Subquery(severities.values("mean")), 0.0))
    return measures.values(
        row=JSONObject(
            level="level",
            low="low",
            high="high",
            graders="graders",
            severity_levels="mean_severity",
        )
    )


def _measure(reviews: Sequence[Any]) -> Measure | None:
    found = reviews[0].measure if reviews else None
    return Measure(**found) if found else None


def _evidence(row: dict[str, Any], review: Review) -> Evidence:
    """Return a mark as far filled in as its row is."""
    stamped_at = row["stamped_at"]
    dimension, downcode = row.get("dimension"), row.get("downcode")
    evidence = Evidence(
        pk=row.get("pk"),
        review_id=review.pk,
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        stamped_at=stamped_at and parse_datetime(stamped_at),
        quote=row["quote"],
        note=row["note"],
    )
    if dimension and dimension["id"] is not None:
        evidence.dimension = Dimension(**dimension)
    if downcode and downcode["id"] is not None:
        evidence.downcode = Downcode(**downcode)
    return evidence


def _quote(evidence: Evidence, who: str, attempt: Attempt, found: Beside) -> Quote:
    place = place_of(evidence, attempt, found.recording, found.artifacts)
    return Quote(who, evidence, place.words, place.href, place.aside)


def _in_the_recording(quote: Quote) -> tuple[bool, int, int]:
    return quote.start_ms is None, quote.start_ms or 0, quote.evidence.pk


def _moment(row: dict[str, Any]) -> Moment:
    stamped_at = row["stamped_at"]
    return Moment(**{**row, "stamped_at": stamped_at and parse_datetime(stamped_at)})


def _signals(
    reviews: Sequence[Any], quotes: Sequence[Quote], labels: Sequence[str]
) -> list[Signal]:
    """Return the downcodes raised: those in force first, then as the rubric orders them."""
    rows = [row["downcode"] for review in reviews for row in review.tick_rows]
    ticks = Counter(row["id"] for row in rows)
    dimensions = {
        rating["dimension"]["id"]: rating["dimension"]
        for review in reviews
        for rating in review.rating_rows
    }
    signals = []
    for row in sorted(
        {row["id"]: row for row in rows}.values(), key=lambda row: (row["position"], row["id"])
    ):
        downcode = Downcode(**row)
        if downcode.dimension_id in dimensions:
            downcode.dimension = Dimension(**dimensions[downcode.dimension_id])
        signals.append(
            Signal(
                downcode=downcode,
                cap_label=labels[downcode.cap_rank],
                ticks=ticks[downcode.pk],
                reviews=len(reviews),
                quotes=[quote for quote in quotes if quote.evidence.downcode_id == downcode.pk],
            )
        )
    return sorted(signals, key=lambda signal: not signal.is_in_force)


def _dimension_rows(
    reviews: Sequence[Any],
    who: Mapping[int, str],
    quotes: Sequence[Quote],
    signals: Sequence[Signal],
) -> list[DimensionRow]:
    """Return the dimensions in their order; every review that was handed in rates them all."""
    ranks_of: dict[Dimension, list[tuple[str, int | None]]] = defaultdict(list)
    for review in reviews:
        for row in review.rating_rows:
            ranks_of[Dimension(**row["dimension"])].append((who[review.pk], row["rank"]))
    return [
        DimensionRow(
            dimension=dimension,
            ranks=ranks_of[dimension],
            quotes=[one for one in quotes if one.evidence.dimension_id == dimension.pk],
            signals=[one for one in signals if one.downcode.dimension_id == dimension.pk],
        )
        for dimension in sorted(ranks_of, key=lambda one: (one.position, one.pk))
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
