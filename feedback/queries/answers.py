"""Reads of what a candidate and a grader ask each other: on results, on a review, in a chain."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.urls import reverse

from feedback.access import AFTERWARDS
from feedback.models import FollowUp, Question, Review
from feedback.queries.asked import Chain, Link, Thread, chain_of, threads_of, with_asked
from feedback.queries.candidates import candidate_of
from feedback.queries.reveal import revealed_at
from loops.models import Attempt, Membership, User
from loops.queries.practice import AttemptPage, take_page
from loops.queries.takes import Asked


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
    """What the grader of a review was asked, and what they ask, as their kept review shows it.

    `candidate` is empty once the answer was taken back: its grades stay without a person.
    """

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

    `take` is None where none was begun, or where it is not this reader's to see. `candidate` is
    empty once the answer was taken back.
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
    in_cohort = Membership.objects.filter(cohort=cohort, user=OuterRef("grader"))
    rows = list(
        with_asked(Review.objects.in_results().filter(attempt=attempt))
        .select_related("grader", "usefulness")
        .annotate(is_here=Exists(in_cohort))
        .order_by("submitted_at", "pk")
    )
    opened = [row for row in rows if hasattr(row, "usefulness")]
    reviewed_at = [row.submitted_at for row in rows if row.submitted_at]
    revealed = revealed_at(attempt.submitted_at, reviewed_at) if attempt.submitted_at else None
    is_over = revealed is not None and at >= revealed + AFTERWARDS
    threads = [thread for row in opened for thread in threads_of(row, cohort)]
    return Questions(
        attempt=attempt,
        threads=sorted(threads, key=lambda one: (one.at_ms is None, one.at_ms or 0, one.asked_at)),
        chains=[chain for row in opened if (chain := chain_of(row, cohort)).links],
        readers=[
            Reader(
                review_id=row.public_id,
                who=cohort.called(row.grader),
                is_here=row.is_here,
                may_play=row.is_live or not is_over,
                waiting=sum(thread.is_open for thread in threads_of(row, cohort)),
            )
            for row in opened
        ],
    )


def asked_for_review(review: Review) -> Asking:
    """Return what its grader was asked of a review that was fetched with it, and what they ask."""
    cohort = review.attempt.round.loop.cohort
    return Asking(
        review=review,
        candidate=candidate_of(review),
        threads=threads_of(review, cohort),
        chain=chain_of(review, cohort),
    )


def follow_up_page(follow_up: FollowUp, reader: User, at: datetime) -> FollowUpPage:
    """Return a chain at one of its links, which the door let its grader or candidate see.

    The grader sees of a take what was sent: nothing while it is being made.
    """
    review = follow_up.review
    loop = review.attempt.round.loop
    row = with_asked(Review.objects.select_related("grader").filter(pk=review.pk)).get()
    chain = chain_of(row, loop.cohort)
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
        candidate=candidate_of(review),
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
