"""How a grader of the demo sees an answer: ratings, marks, signals and a verdict. [pure]"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from statistics import fmean

from feedback.demo.bank import Bank, Picker, Quote
from feedback.demo.cast import BY_KEY
from feedback.demo.chance import fraction, normal, whole
from feedback.demo.story import AnswerPlan

DAY_SPREAD = 0.25  # what a person happens to show of a dimension in one answer
HALO_SPREAD = 0.2  # what a grader sees in one answer as a whole
UNSEEN = 0.04  # the share of dimensions that a grader did not get to see
TAIL_MS = 1_500
HIGHEST_RANK = 3
NEEDS_ASSISTANT = "tool_judgement"

Ratings = Mapping[str, int | None]


@dataclass(frozen=True)
class Dimension:
    """A row of the rubric."""

    key: str
    is_key: bool


@dataclass(frozen=True)
class Signal:
    """A downcode of the rubric; it caps one dimension, or the round where that is None."""

    key: str
    dimension: str | None
    cap_rank: int


@dataclass(frozen=True)
class Sheet:
    """What is graded by: the rubric's rows in their order, and the loop's target."""

    dimensions: Sequence[Dimension]
    signals: Mapping[str, Signal]
    target_rank: int


@dataclass(frozen=True)
class Mark:
    """Evidence for a dimension or a downcode: a span in ms of media time, or a quote."""

    note: str
    dimension: str = ""
    downcode: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    quote: str = ""


@dataclass(frozen=True)
class Graded:
    """A whole review. The words for verdict and confidence are those of the model."""

    ratings: Ratings
    downcodes: frozenset[str]
    marks: Sequence[Mark]
    verdict: str
    confidence: str
    level_given_rank: int
    summary: str


@dataclass(frozen=True)
class Sitting:
    """One grader before one answer, whose recording lasts `duration_ms`."""

    answer: AnswerPlan
    grader: str
    sheet: Sheet
    bank: Bank
    picker: Picker
    duration_ms: int

    def graded(self) -> Graded:
        """Grade the answer as this grader would, with evidence inside its recording."""
        signals = self.sheet.signals
        ticked = [signals[key] for key in sorted(self.answer.ticked_by(self.grader))]
        ratings = {one.key: self._rating(one, ticked) for one in self.sheet.dimensions}
        given = _level_given(self.sheet, ratings, ticked)
        verdict = _verdict(ratings, given, self.sheet.target_rank)
        return Graded(
            ratings=ratings,
            downcodes=frozenset(signal.key for signal in ticked),
            marks=[*self._marks(ratings), *self._signal_marks(ticked)],
            verdict=verdict,
            confidence=self._confidence(ratings),
            level_given_rank=given,
            summary=self._summary(ratings, is_yes="yes" in verdict),
        )

    def _rating(self, dimension: Dimension, ticked: Sequence[Signal]) -> int | None:
        answer, eye = self.answer, BY_KEY[self.grader]
        if dimension.key == NEEDS_ASSISTANT and not answer.prompt.endswith("_assist"):
            return None
        caps = [signal.cap_rank for signal in ticked if signal.dimension == dimension.key]
        is_seen = fraction("seen", answer.key, eye.key, dimension.key) > UNSEEN
        if not (is_seen or dimension.is_key or caps):
            return None
        shown = (
            answer.level
            + BY_KEY[answer.member].tilts.get(f"{answer.kind}.{dimension.key}", 0.0)
            + normal(DAY_SPREAD, "day", answer.key, dimension.key)
        )
        seen = (
            shown
            - eye.severity
            + normal(HALO_SPREAD, "halo", answer.key, eye.key)
            + normal(eye.spread, "eye", answer.key, eye.key, dimension.key)
        )
        return min([max(0, min(3, floor(seen))), *caps])

    def _confidence(self, ratings: Ratings) -> str:
        if list(ratings.values()).count(None) > 2:
            return "low"
        luck = fraction("sure", self.answer.key, self.grader)
        return "low" if luck < 0.1 else "fair" if luck < 0.6 else "high"

    def _marks(self, ratings: Ratings) -> Iterator[Mark]:
        """Give each observed dimension a mark, in the order of the rubric, and some a second."""
        slot_ms = self.duration_ms // len(self.sheet.dimensions)
        for place, dimension in enumerate(self.sheet.dimensions):
            rank = ratings[dimension.key]
            if rank is None:
                continue
            quotes = self._quotes(dimension.key, rank)
            for quote in quotes:
                yield Mark(note=quote.note, dimension=dimension.key, quote=quote.quote)
            is_far = abs(rank - self.sheet.target_rank) > 1
            luck = fraction("more", self.answer.key, self.grader, dimension.key)
            spans = (2 if is_far or luck < 0.25 else 1) - min(len(quotes), 1)
            for number in range(spans):
                start_ms, end_ms = self._span(place * slot_ms, slot_ms, dimension.key, number)
                yield Mark(
                    note=self._note(dimension.key, rank),
                    dimension=dimension.key,
                    start_ms=start_ms,
                    end_ms=end_ms,
                )

    def _quotes(self, dimension: str, rank: int) -> list[Quote]:
        paper = self.bank.paper_for(self.answer.prompt)
        return [
            quote
            for quote in (paper.quotes if paper else ())
            if (quote.dimension, quote.side) == (dimension, _side(rank))
        ]

    def _note(self, dimension: str, rank: int) -> str:
        prompt = self.answer.prompt
        choices = self.bank.notes_for(prompt, dimension, _side(rank))
        if rank == HIGHEST_RANK:
            choices += [(text, True) for text, _ in self.bank.notes_for(prompt, dimension, "top")]
        return self.picker.pick(self.answer.member, choices)

    def _signal_marks(self, ticked: Sequence[Signal]) -> Iterator[Mark]:
        for signal in ticked:
            start_ms, end_ms = self._span(self.duration_ms // 8, self.duration_ms // 3, signal.key)
            choices = [(text, False) for text in self.bank.signals[signal.key]]
            note = self.picker.pick(self.answer.member, choices)
            yield Mark(note=note, downcode=signal.key, start_ms=start_ms, end_ms=end_ms)

    def _span(self, from_ms: int, width_ms: int, *about: object) -> tuple[int, int]:
        """Return a span that begins somewhere in the width and ends before the recording does."""
        names = (self.answer.key, self.grader, *about)
        last_ms = self.duration_ms - TAIL_MS
        start_ms = min(from_ms + whole(0, width_ms, "start", *names), last_ms - TAIL_MS)
        return start_ms, min(start_ms + whole(5_000, 22_000, "length", *names), last_ms)

    def _summary(self, ratings: Ratings, *, is_yes: bool) -> str:
        """Say the verdict, and what to repair: one of the weakest dimensions, a key one first."""
        choices = self.bank.verdicts["above" if is_yes else "below"]
        opening = self.picker.pick(self.answer.member, [(text, False) for text in choices])
        if is_yes and fraction("repair", self.answer.key, self.grader) < 0.35:
            return opening
        lowest = min(rank for rank in ratings.values() if rank is not None)
        repairs = [
            (self.bank.repairs[one.key], one.is_key)
            for one in self.sheet.dimensions
            if ratings[one.key] == lowest
        ]
        return f"{opening} {self.picker.pick(self.answer.member, repairs)}"


def _side(rank: int) -> str:
    return "weak" if rank < 2 else "good"


def _level_given(sheet: Sheet, ratings: Ratings, ticked: Sequence[Signal]) -> int:
    """Return the highest rank that two thirds of the dimensions and all key ones reach."""
    observed = [rank for rank in ratings.values() if rank is not None]
    keys = [ratings[one.key] or 0 for one in sheet.dimensions if one.is_key]
    reached = max(
        rank
        for rank in range(HIGHEST_RANK + 1)
        if 3 * sum(one >= rank for one in observed) >= 2 * len(observed)
        and min(keys, default=HIGHEST_RANK) >= rank
    )
    return min([reached, *(signal.cap_rank for signal in ticked if signal.dimension is None)])


def _verdict(ratings: Ratings, given: int, target: int) -> str:
    observed = [rank for rank in ratings.values() if rank is not None]
    if given >= target:
        is_strong = given > target or 2 * sum(rank > target for rank in observed) >= len(observed)
        return "strong_yes" if is_strong else "yes"
    is_strong = given < target - 1 or fmean(observed) < target - 1.2
    return "strong_no" if is_strong else "no"
