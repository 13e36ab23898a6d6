"""A cohort in simulated time: when its people look at the queue, and a queue without a database.

`Memory` says of the queue what the database's rows and actions say, by the same pure rules; a test
plays both beside each other.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Protocol

from feedback.disagreement import Opinion, is_split
from feedback.eligibility import (
    BOTH_WAYS_WITHIN,
    Grader,
    Graph,
    Ordered,
    Pool,
    Waiting,
    in_order,
)
from feedback.queries.queue import PAGE, SEED
from tests.factories import LEASE

KIND = 1
ENOUGH, THIRD = 2, 3


class Queue(Protocol):
    """What a simulated person can do."""

    def hand_in(self, person: int, at: datetime) -> int:
        """Put an answer of theirs into the queue; return its number."""

    def claim(self, person: int, at: datetime) -> int | None:
        """Take the next answer; return its number, None where nothing waits for them."""

    def submit(self, person: int, answer: int, rank: int, at: datetime) -> None:
        """Hand the review in, with this rank on everything."""


@dataclass
class Review:
    """One review of a simulated answer; `rank` once it is in."""

    grader: int
    claimed_at: datetime
    rank: int | None = None
    submitted_at: datetime | None = None
    has_expired: bool = False

    @property
    def fills_a_place(self) -> bool:
        """Say whether it is in hand or in."""
        return not self.has_expired


@dataclass
class Answer:
    """An answer in the simulated queue."""

    number: int
    candidate: int
    since: datetime
    credit_at_first: int
    reviews: list[Review] = field(default_factory=list)

    @property
    def granted(self) -> int:
        """Count the places that are filled."""
        return sum(review.fills_a_place for review in self.reviews)

    def in_by(self, at: datetime) -> list[Review]:
        """Return the reviews that were in at that instant, in order."""
        given = [one for one in self.reviews if one.submitted_at and one.submitted_at <= at]
        return sorted(given, key=lambda one: one.submitted_at or at)

    def wanted(self, at: datetime) -> int:
        """Say how many places there are."""
        ranks = [one.rank for one in self.in_by(at)]
        opinions = [Opinion({"a": rank}, is_yes=(rank or 0) >= 2) for rank in ranks]
        return max(ENOUGH, self.granted, THIRD if is_split(opinions) else 0)


class Memory:
    """The queue of one cohort and round kind, without a database."""

    def __init__(
        self, people: list[int], conflicts: frozenset[frozenset[int]] = frozenset()
    ) -> None:
        """Take who is in the cohort, and which two are in conflict."""
        self.people = people
        self.pools = {1: Pool(cohort=1, size=len(people))}
        self.conflicts = conflicts
        self.answers: dict[int, Answer] = {}
        self.credit: Counter[int] = Counter()
        self.pairs: dict[tuple[int, int], datetime] = {}
        self.last: Ordered = Ordered([])
        self._numbers = count(1)

    def hand_in(self, person: int, at: datetime, number: int | None = None) -> int:
        """Put an answer of theirs into the queue; a number may be given."""
        number = next(self._numbers) if number is None else number
        self.answers[number] = Answer(number, person, at, self.credit[person])
        return number

    def claim(self, person: int, at: datetime) -> int | None:
        """Take the next answer by the rules; what was on offer is `last` then."""
        self._let_go(at)
        waiting = [self._waiting(one, person, at) for one in self._first_page(person, at)]
        edges = [(1, KIND, grader, candidate) for grader, candidate in self.pairs]
        grader = Grader(person, conflicts=self._conflicts_of(person))
        self.last = in_order(waiting, grader, self.pools, at, graph=Graph(edges), seed=SEED)
        if not self.last.items:
            return None
        answer = self.answers[self.last.items[0].attempt]
        answer.reviews = [one for one in answer.reviews if one.grader != person]
        answer.reviews.append(Review(person, at))
        assert answer.granted <= answer.wanted(at)
        return answer.number

    def submit(self, person: int, answer: int, rank: int, at: datetime) -> None:
        """Hand a review in under its lease."""
        found = self.answers[answer]
        review = next(one for one in found.reviews if one.grader == person)
        review.rank, review.submitted_at = rank, at
        self.credit[person] += 1
        self.credit[found.candidate] -= 1
        self.pairs[person, found.candidate] = at

    def _let_go(self, at: datetime) -> None:
        for answer in self.answers.values():
            for review in answer.reviews:
                if review.submitted_at is None and review.claimed_at + LEASE <= at:
                    review.has_expired = True

    def _first_page(self, person: int, at: datetime) -> list[Answer]:
        free = [
            one
            for one in self.answers.values()
            if one.granted < one.wanted(at)
            and one.candidate != person
            and not any(r.grader == person and r.fills_a_place for r in one.reviews)
        ]
        return sorted(free, key=lambda one: (one.since, one.number))[:PAGE]

    def _waiting(self, answer: Answer, person: int, at: datetime) -> Waiting:
        in_hand = [
            review.claimed_at
            for theirs in self.answers.values()
            if theirs.candidate == person
            for review in theirs.reviews
            if review.grader == answer.candidate
            and review.submitted_at is None
            and review.fills_a_place
        ]
        graded = self.pairs.get((answer.candidate, person))
        return Waiting(
            entry=answer.number,
            attempt=answer.number,
            cohort=1,
            candidate=answer.candidate,
            round_kind=KIND,
            prompt="",
            since=answer.since,
            reviews=answer.granted,
            in_results=len(answer.in_by(at)),
            credit=self.credit[answer.candidate],
            graded_them_at=max([*in_hand, *([graded] if graded else [])], default=None),
            one_way=self._one_way(answer, at) if in_hand or graded else None,
        )

    def _one_way(self, answer: Answer, at: datetime) -> int:
        graded = {
            candidate
            for (grader, candidate), last_at in self.pairs.items()
            if grader == answer.candidate and at - last_at < BOTH_WAYS_WITHIN
        }
        have_it = {review.grader for review in answer.reviews if review.fills_a_place}
        declared = self._conflicts_of(answer.candidate)
        return len(set(self.people) - {answer.candidate} - graded - have_it - declared)

    def _conflicts_of(self, person: int) -> frozenset[int]:
        return frozenset(
            one for pair in self.conflicts if person in pair for one in pair - {person}
        )


@dataclass(frozen=True)
class Habits:
    """How a simulated cohort lives; the rest of a day its people sleep and work."""

    days: int = 14
    answers_a_day: float = 1 / 3
    visits_a_day: float = 2.0
    abandoned: float = 0.3
    drain_days: int = 4
    """So long they only grade after that."""


def luck(seed: int) -> Random:
    """Return chance that can be played again."""
    return Random(seed)  # noqa: S311 - nobody has to be kept from foreseeing it


def play(
    queue: Queue, people: list[int], chance: Random, start: datetime, habits: Habits
) -> Iterator[tuple[datetime, int, int | None]]:
    """Live for some days; tell of each claim: when, by whom, and of which answer.

    Who claims either lets the lease run out, or hands in 20 to 44 minutes later.
    """
    submits: list[tuple[datetime, int, int, int]] = []
    busy: dict[int, datetime] = {}
    for at, person, is_answer in _events(people, chance, start, habits):
        while submits and submits[0][0] <= at:
            then, grader, answer, rank = heapq.heappop(submits)
            queue.submit(grader, answer, rank, then)
        if is_answer:
            queue.hand_in(person, at)
            continue
        if busy.get(person, at) > at:
            continue
        claimed = queue.claim(person, at)
        if claimed is not None and chance.random() >= habits.abandoned:
            done = at + timedelta(minutes=chance.randint(20, 44))
            heapq.heappush(submits, (done, person, claimed, chance.choice([1, 2, 2, 2, 3])))
        if claimed is not None:
            busy[person] = at + LEASE
        yield at, person, claimed
    for then, grader, answer, rank in sorted(submits):
        queue.submit(grader, answer, rank, then)


def _events(
    people: list[int], chance: Random, start: datetime, habits: Habits
) -> list[tuple[datetime, int, bool]]:
    events = []
    for person in people:
        for day in range(habits.days + habits.drain_days):
            midnight = start + timedelta(days=day)
            if day < habits.days and chance.random() < habits.answers_a_day:
                events.append((_waking(midnight, chance), person, True))
            visits = int(habits.visits_a_day) + (chance.random() < habits.visits_a_day % 1)
            events += [(_waking(midnight, chance), person, False) for _n in range(visits)]
    return sorted(events)


def _waking(midnight: datetime, chance: Random) -> datetime:
    return midnight + timedelta(minutes=chance.randint(8 * 60, 23 * 60))
