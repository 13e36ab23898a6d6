"""Reads of what a candidate and a grader ask each other: on results, on a review, in a chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.urls import reverse

from feedback.access import AFTERWARDS
from feedback.media_time import media_time_words
from feedback.models import FollowUp, Question, Review, Usefulness
from feedback.queries.reveal import revealed_at
from loops.models import Attempt, Cohort, Membership, User
from loops.queries.practice import AttemptPage, take_page
from loops.queries.takes import Asked
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
    def takes_another(self) -> bool:
        """Say whether the grader may ask the next link now."""
        return not (self.is_full or self.is_open or self.is_declined)

    @property
    def next_number(self) -> int:
        """Return the number of the link that would come next."""
        return len(self.links) + 1

    @property
    def links_left(self) -> int:
        """Return how many more it may have."""
        return FollowUp.LINKS_MOST - len(self.links)


@dataclass(frozen=True)
class Reader:
    """A grader whose review the candidate has opened, as one to be asked."""

    review_id: UUID
    who: str
    is_here: bool
    may_play: bool
    waiting: int

    @property
    def is_busy(self) -> bool:
        """Say whether as many questions wait for them as may."""
        return self.waiting >= Question.OPEN_MOST

    @property
    def may_be_asked(self) -> bool:
        """Say whether a question would reach them."""
        return self.is_here and not self.is_busy


@dataclass(frozen=True)
class Questions:
    """What stands between a candidate and their graders, as the results show it."""

    attempt: Attempt
    threads: list[Thread]
    chains: list[Chain]
    readers: list[Reader]

    @property
    def is_there(self) -> bool:
        """Say whether the answer still stands, so that somebody reads what is asked of it."""
        return self.attempt.is_submitted

    @property
    def open_to(self) -> list[Reader]:
        """Return whom the candidate may ask now."""
        return [reader for reader in self.readers if self.is_there and reader.may_be_asked]

    @property
    def busy(self) -> list[str]:
        """Name those for whom ten questions wait."""
        return [reader.who for reader in self.readers if reader.is_here and reader.is_busy]

    @property
    def gone(self) -> list[str]:
        """Name those who have left the cohort."""
        return [reader.who for reader in self.readers if not reader.is_here]

    @property
    def without_player(self) -> list[str]:
        """Name those who can be asked and may play the recording no more."""
        return [reader.who for reader in self.open_to if not reader.may_play]

    @property
    def open_links(self) -> list[tuple[str, Link]]:
        """Return the follow-ups that wait for the candidate, each with who asks."""
        return [
            (chain.who, chain.last)
            for chain in self.chains
            if self.is_there and chain.last is not None and chain.last.is_open
        ]


@dataclass(frozen=True)
class Asking:
    """What the grader of a review was asked, and what they ask, as their kept review shows it."""

    review: Review
    candidate: str
    threads: list[Thread]
    chain: Chain

    @property
    def is_there(self) -> bool:
        """Say whether the answer still stands, so that words of it reach somebody."""
        return self.review.attempt.is_submitted

    @property
    def waiting(self) -> list[Thread]:
        """Return the questions that wait for an answer."""
        return [thread for thread in self.threads if thread.is_open]

    @property
    def answered(self) -> list[Thread]:
        """Return those that were answered."""
        return [thread for thread in self.threads if not thread.is_open]


@dataclass(frozen=True)
class FollowUpPage:
    """A why-chain with one of its links in view, as its grader or its candidate reads it.

    `take` is None where none was begun, or where it is not this reader's to see.
    """

    follow_up: FollowUp
    chain: Chain
    link: Link
    is_candidate: bool
    grader: str
    candidate: str
    take: AttemptPage | None
    may_play: bool

    @property
    def answer(self) -> Attempt:
        """Return the answer that the chain follows."""
        return self.follow_up.review.attempt

    @property
    def is_there(self) -> bool:
        """Say whether that answer still stands."""
        return self.answer.is_submitted


def questions_for_results(attempt: Attempt, at: datetime) -> Questions:
    """Return what candidate and graders have asked of an answer, in one query.

    Of reviews that the candidate has not opened there is nothing.
    """
    cohort = attempt.round.loop.cohort
    rows = list(_asked(Review.objects.in_results().filter(attempt=attempt), cohort))
    opened = [row for row in rows if row.is_opened]
    reviewed_at = [row.submitted_at for row in rows if row.submitted_at]
    revealed = revealed_at(attempt.submitted_at, reviewed_at) if attempt.submitted_at else None
    is_over = revealed is not None and at >= revealed + AFTERWARDS
    threads = [thread for row in opened for thread in _threads(row, cohort)]
    return Questions(
        attempt=attempt,
        threads=sorted(threads, key=lambda one: (one.at_ms is None, one.at_ms or 0, one.asked_at)),
        chains=[chain for row in opened if (chain := _chain(row, cohort)).links],
        readers=[
            Reader(
                review_id=row.public_id,
                who=cohort.called(row.grader),
                is_here=row.is_here,
                may_play=row.is_live or not is_over,
                waiting=sum(thread.is_open for thread in _threads(row, cohort)),
            )
            for row in opened
        ],
    )


def asked_for_review(review: Review) -> Asking:
    """Return what its grader was asked of a review that is in, and what they ask, in one query."""
    cohort = review.attempt.round.loop.cohort
    row = _asked(Review.objects.filter(pk=review.pk), cohort).get()
    return Asking(
        review=review,
        candidate=cohort.called(review.attempt.round.loop.member),
        threads=_threads(row, cohort),
        chain=_chain(row, cohort),
    )


def follow_up_page(follow_up: FollowUp, reader: User, at: datetime) -> FollowUpPage:
    """Return a chain at one of its links, which the door let its grader or candidate see.

    The grader sees of a take what was sent: nothing while it is being made.
    """
    review = follow_up.review
    loop = review.attempt.round.loop
    row = _asked(Review.objects.filter(pk=review.pk), loop.cohort).get()
    chain = _chain(row, loop.cohort)
    is_candidate = loop.member_id == reader.pk
    take = follow_up.take
    is_shown = take is not None and (
        take.is_submitted or (is_candidate and take.is_draft and follow_up.is_open)
    )
    return FollowUpPage(
        follow_up=follow_up,
        chain=chain,
        link=next(link for link in chain.links if link.public_id == follow_up.public_id),
        is_candidate=is_candidate,
        grader=chain.who,
        candidate=loop.cohort.called(loop.member),
        take=take_page(take) if take is not None and is_shown else None,
        may_play=is_candidate or plays_take(follow_up, at),
    )


def plays_take(follow_up: FollowUp, at: datetime) -> bool:
    """Say whether the time in which its grader may play a take still runs."""
    return follow_up.answered_at is not None and at < follow_up.answered_at + AFTERWARDS


def asked_by(take: Attempt) -> Asked | None:
    """Return the question that a take answers, as loops shows it beside the recorder."""
    follow_up = (
        FollowUp.objects.select_related("review__grader", "review__attempt__round__loop__cohort")
        .filter(take=take)
        .first()
    )
    if follow_up is None:
        return None
    return Asked(
        text=follow_up.text,
        who=follow_up.review.attempt.round.loop.cohort.called(follow_up.review.grader),
        path=reverse("feedback:follow_up", args=[follow_up.public_id]),
        seconds=FollowUp.TAKE_SECONDS,
    )


def _asked(reviews: QuerySet[Review], cohort: Cohort) -> QuerySet[Any]:
    """Return reviews with all that was asked of each, in one query."""
    questions = Question.objects.filter(review=OuterRef("pk")).order_by("asked_at", "pk")
    links = FollowUp.objects.filter(review=OuterRef("pk")).order_by("number")
    said = ("public_id", "at_ms", "text", "asked_at", "answer", "answered_at")
    asked = ("public_id", "number", "text", "asked_at", "answered_at", "declined_at")
    return (
        reviews.select_related("grader")
        .annotate(
            is_here=Exists(Membership.objects.filter(cohort=cohort, user=OuterRef("grader"))),
            is_opened=Exists(Usefulness.objects.filter(review=OuterRef("pk"))),
            question_rows=ArraySubquery(
                questions.values(row=JSONObject(**{name: name for name in said}))
            ),
            link_rows=ArraySubquery(
                links.values(
                    row=JSONObject(take_state="take__state", **{name: name for name in asked})
                )
            ),
        )
        .order_by("submitted_at", "pk")
    )


def _threads(row: Any, cohort: Cohort) -> list[Thread]:
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


def _chain(row: Any, cohort: Cohort) -> Chain:
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
