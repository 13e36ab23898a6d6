"""The reviews of one answer side by side: what each grader gave, and what each would say now.

For graders whose own review is in, and for the answer's candidate once it is opened: who may read
it the doors have said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from feedback.disagreement import Opinion, is_split
from feedback.models import Rating, Review, RevisedRating
from feedback.sentences import opinion_words
from loops.models import Attempt
from rubrics.models import Dimension
from rubrics.queries import level_labels


@dataclass(frozen=True)
class Column:
    """One grader: their review, and their revision if they have one."""

    review: Review
    who: str
    is_mine: bool
    opinion: str
    revised_opinion: str
    ranks: Mapping[str, int | None]
    revised_ranks: Mapping[str, int | None]

    @property
    def is_yes(self) -> bool:
        """Say whether the verdict at the target is a yes."""
        return self.review.verdict in Review.YES

    @property
    def is_revised(self) -> bool:
        """Say whether the grader said anew what they think."""
        return bool(self.revised_opinion)


@dataclass(frozen=True)
class Cell:
    """One grader's rank on one dimension, as handed in and as revised; None is *not observed*."""

    column: Column
    rank: int | None
    label: str
    revised_rank: int | None
    revised_label: str

    @property
    def is_moved(self) -> bool:
        """Say whether the revision differs from what was handed in."""
        return self.column.is_revised and self.revised_rank != self.rank


@dataclass(frozen=True)
class Row:
    """One dimension, and what each grader gave."""

    dimension: Dimension
    cells: list[Cell]
    low_label: str
    high_label: str
    apart: int
    """How many levels lie between the lowest and the highest."""
    apart_now: int
    """The same of what they would say now; who has not revised counts as they were."""

    @property
    def moved(self) -> list[Cell]:
        """Return the cells that a debrief has moved."""
        return [cell for cell in self.cells if cell.is_moved]


@dataclass(frozen=True)
class SideBySide:
    """All reviews of an answer that are in, in the order of handing in."""

    labels: tuple[str, ...]
    target_rank: int
    columns: list[Column]
    rows: list[Row]

    @property
    def target_label(self) -> str:
        """Say the target level as the cohort says it."""
        return self.labels[self.target_rank]

    @cached_property
    def mine(self) -> Column | None:
        """Return the reader's own."""
        return next((column for column in self.columns if column.is_mine), None)

    @property
    def are_verdicts_apart(self) -> bool:
        """Say whether the verdicts lie on both sides of the bar."""
        return len({column.is_yes for column in self.columns}) > 1

    @cached_property
    def differing(self) -> list[Row]:
        """Return the dimensions on which graders differ, the widest apart first, then key ones."""
        rows = [row for row in self.rows if row.apart]
        return sorted(
            rows, key=lambda row: (-row.apart, not row.dimension.is_key, row.dimension.position)
        )

    @cached_property
    def touched(self) -> list[Row]:
        """Return the dimensions on which graders differ or differed, and those that moved."""
        moved = [row for row in self.rows if row.moved and not row.apart]
        return [*self.differing, *moved]

    @property
    def are_split(self) -> bool:
        """Say whether these reviews lie so far apart that a further reader is asked."""
        return is_split(
            [
                Opinion(
                    {row.dimension.key: column.ranks.get(row.dimension.key) for row in self.keys},
                    column.is_yes,
                )
                for column in self.columns
            ]
        )

    @property
    def keys(self) -> list[Row]:
        """Return the key dimensions."""
        return [row for row in self.rows if row.dimension.is_key]

    @property
    def yeses(self) -> list[str]:
        """Return who says yes at the target."""
        return [column.who for column in self.columns if column.is_yes]

    @property
    def noes(self) -> list[str]:
        """Return who says no at the target."""
        return [column.who for column in self.columns if not column.is_yes]

    @property
    def revised(self) -> list[Column]:
        """Return the graders who said anew what they think."""
        return [column for column in self.columns if column.is_revised]


def side_by_side(
    attempt: Attempt,
    *,
    reader_id: int | None = None,
    of: QuerySet[Review] | None = None,
    labels: tuple[str, ...] = (),
) -> SideBySide:
    """Return the reviews of an answer that are in, or those `of` them, side by side.

    Two queries; one where the cohort's `labels` are known. Dimensions are those that were rated,
    which are all: a review that is handed in is whole.
    """
    loop = attempt.round.loop
    labels = labels or level_labels(loop.ladder, loop.cohort.label_company)
    here = OuterRef("pk")
    reviews = (
        (Review.objects.in_results() if of is None else of)
        .filter(attempt=attempt)
        .select_related("grader", "revision")
        .annotate(
            given=_ranks(Rating.objects.filter(review=here), **_OF_DIMENSION),
            revised=_ranks(RevisedRating.objects.filter(revision__review=here)),
        )
        .order_by("submitted_at", "pk")
    )
    found: list[Any] = list(reviews)
    columns = [
        _column(review, attempt, labels, is_mine=review.grader_id == reader_id) for review in found
    ]
    dimensions = {
        row["key"]: Dimension(**{name: row[name] for name in _OF_DIMENSION})
        for review in found
        for row in review.given
    }
    return SideBySide(
        labels=labels,
        target_rank=loop.target_rank,
        columns=columns,
        rows=[
            _row(dimension, columns, labels)
            for dimension in sorted(dimensions.values(), key=lambda one: one.position)
        ],
    )


_OF_DIMENSION = {
    name: f"dimension__{name}" for name in ("id", "key", "label", "is_key", "position")
}


def _ranks(ratings: Any, **more: str) -> ArraySubquery:
    rows = ratings.order_by("dimension_id")
    return ArraySubquery(
        rows.values(row=JSONObject(**{"key": "dimension__key", "rank": "rank", **more}))
    )


def _column(review: Any, attempt: Attempt, labels: tuple[str, ...], *, is_mine: bool) -> Column:
    loop = attempt.round.loop
    revision = getattr(review, "revision", None)

    def opinion(said: Any) -> str:
        verdict = said.get_verdict_display()
        return opinion_words(verdict, said.level_given_rank or 0, loop.target_rank, labels)

    return Column(
        review=review,
        who=loop.cohort.called(review.grader),
        is_mine=is_mine,
        opinion=opinion(review),
        revised_opinion=opinion(revision) if revision else "",
        ranks={row["key"]: row["rank"] for row in review.given},
        revised_ranks={row["key"]: row["rank"] for row in review.revised},
    )


def _row(dimension: Dimension, columns: list[Column], labels: tuple[str, ...]) -> Row:
    cells = [_cell(dimension.key, column, labels) for column in columns]
    first = [cell.rank for cell in cells if cell.rank is not None]
    now = [
        rank
        for cell in cells
        if (rank := cell.revised_rank if cell.column.is_revised else cell.rank) is not None
    ]
    return Row(
        dimension=dimension,
        cells=cells,
        low_label=labels[min(first)] if first else "",
        high_label=labels[max(first)] if first else "",
        apart=max(first) - min(first) if first else 0,
        apart_now=max(now) - min(now) if now else 0,
    )


def _cell(key: str, column: Column, labels: tuple[str, ...]) -> Cell:
    rank, revised = column.ranks.get(key), column.revised_ranks.get(key)
    return Cell(
        column=column,
        rank=rank,
        label="" if rank is None else labels[rank],
        revised_rank=revised,
        revised_label="" if revised is None else labels[revised],
    )
