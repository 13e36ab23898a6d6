"""What was asked of a review, and what it asked back: annotated on its row, and read from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from feedback.media_time import media_time_words
from feedback.models import FollowUp, Question, Review
from loops.models import Cohort
from loops.states import AttemptState


@dataclass(frozen=True)
class Thread:
    """A *why?* and its answer, if it has one. `who` is the grader whom it asks."""

    public_id: UUID
    who: str
    at_ms: int | None
    text: str
    asked_at: datetime
    answer: str
    answered_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Say whether it waits for its grader."""
        return self.answered_at is None

    @property
    def place(self) -> str:
        """Say the time in the recording that it asks about; "" for the whole answer."""
        return "" if self.at_ms is None else media_time_words(self.at_ms)

    @property
    def href(self) -> str:
        """Return the part of an address that leads the player there."""
        return "" if self.at_ms is None else f"#t={self.at_ms / 1000:g}"


@dataclass(frozen=True)
class Link:
    """A follow-up question and what became of it. `take_state` is None where no take was begun."""

    public_id: UUID
    number: int
    text: str
    asked_at: datetime
    answered_at: datetime | None
    declined_at: datetime | None
    take_state: str | None

    @property
    def is_open(self) -> bool:
        """Say whether it waits for its candidate."""
        return self.answered_at is None and self.declined_at is None

    @property
    def is_begun(self) -> bool:
        """Say whether its candidate is at work on a take."""
        return self.is_open and self.take_state == AttemptState.DRAFT

    @property
    def is_taken_back(self) -> bool:
        """Say whether it was answered by a take that its candidate has withdrawn since."""
        return self.answered_at is not None and self.take_state == AttemptState.WITHDRAWN


@dataclass(frozen=True)
class Chain:
    """One grader's follow-ups of one answer, in order."""

    who: str
    links: Sequence[Link]

    @property
    def last(self) -> Link | None:
        """Return its last link."""
        return self.links[-1] if self.links else None

    @property
    def is_full(self) -> bool:
        """Say whether it has all the links that it may have."""
        return len(self.links) >= FollowUp.LINKS_MOST

    @property
    def is_open(self) -> bool:
        """Say whether its last link waits for an answer."""
        return self.last is not None and self.last.is_open

    @property
    def is_declined(self) -> bool:
        """Say whether its last link was declined, which ends it."""
        return self.last is not None and self.last.declined_at is not None

    @property
    def is_new(self) -> bool:
        """Say whether all of it is one question that waits."""
        return self.is_open and len(self.links) == 1

    @property
    def takes_another(self) -> bool:
        """Say whether the grader may ask the next link now."""
        return not (self.is_full or self.is_open or self.is_declined)

    @property
    def next_number(self) -> int:
        """Return the number of the link that would come next."""
        return len(self.links) + 1


def with_asked(reviews: QuerySet[Review]) -> QuerySet[Any]:
    """Annotate reviews with all that was asked of each, which costs no query of its own."""
    questions = Question.objects.filter(review=OuterRef("pk")).order_by("asked_at", "pk")
    links = FollowUp.objects.filter(review=OuterRef("pk")).order_by("number")
    said = ("public_id", "at_ms", "text", "asked_at", "answer", "answered_at")
    asked = ("public_id", "number", "text", "asked_at", "answered_at", "declined_at")
    annotated: QuerySet[Any] = reviews.annotate(
        question_rows=ArraySubquery(
            questions.values(row=JSONObject(**{name: name for name in said}))
        ),
        link_rows=ArraySubquery(
            links.values(row=JSONObject(take_state="take__state", **{name: name for name in asked}))
        ),
    )
    return annotated


def threads_of(row: Any, cohort: Cohort) -> list[Thread]:
    """Return the questions of a review that was fetched with them, the first asked first."""
    return [
        Thread(
            public_id=UUID(one["public_id"]),
            who=cohort.called(row.grader),
            at_ms=one["at_ms"],
            text=one["text"],
            asked_at=datetime.fromisoformat(one["asked_at"]),
            answer=one["answer"],
            answered_at=_instant(one["answered_at"]),
        )
        for one in row.question_rows
    ]


def chain_of(row: Any, cohort: Cohort) -> Chain:
    """Return the follow-ups of a review that was fetched with them."""
    return Chain(
        who=cohort.called(row.grader),
        links=[
            Link(
                public_id=UUID(one["public_id"]),
                number=one["number"],
                text=one["text"],
                asked_at=datetime.fromisoformat(one["asked_at"]),
                answered_at=_instant(one["answered_at"]),
                declined_at=_instant(one["declined_at"]),
                take_state=one["take_state"],
            )
            for one in row.link_rows
        ],
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
