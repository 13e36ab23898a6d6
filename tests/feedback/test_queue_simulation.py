"""Cohorts in simulated time: who waits how long, whether anybody is stuck, and the database agrees.

Each person hands an answer in every third day and looks at the queue twice a day, for two weeks.
"""

from datetime import datetime, timedelta
from itertools import combinations
from statistics import mean

import pytest

from feedback.actions import queue, reviews
from feedback.actions.reviews import Draft
from feedback.eligibility import STEP, Waiting
from feedback.models import Conflict, QueueEntry, Review
from loops.models import Attempt, Cohort, User
from tests import factories
from tests.factories import NOW
from tests.feedback.simulated_queue import ENOUGH, Answer, Habits, Memory, luck, play

RUNS = 200
USUAL = Habits()
SOON_ENOUGH = timedelta(hours=72)
LATER = NOW + timedelta(days=60)


def simulated(seed: int, people: int, habits: Habits = USUAL) -> Memory:
    memory = Memory(list(range(1, people + 1)))
    for at, _person, _claimed in play(memory, memory.people, luck(seed), NOW, habits):
        check_order(memory.last.items, at)
    return memory


def check_order(offered: list[Waiting], at: datetime) -> None:
    """Check that nobody in credit waits while a debtor of the same age, or younger, is taken."""
    if not offered:
        return
    taken, *others = offered
    for other in others:
        is_alike = taken.is_escalated(at) == other.is_escalated(at)
        is_as_old = (at - other.since) // STEP >= (at - taken.since) // STEP
        assert not (is_alike and is_as_old and other.credit > 0 >= taken.credit)


def waited(answer: Answer) -> timedelta:
    """Say how long an answer waited for two reviews; for good where it has fewer."""
    given = answer.in_by(LATER)
    second = given[1].submitted_at if len(given) >= ENOUGH else None
    return second - answer.since if second else timedelta.max


def test_eight_people_of_whom_a_third_abandons_have_two_reviews_in_three_days() -> None:
    """200 runs: nearly all in 72 hours, all in the end, and who gives does not wait longer."""
    answers = [
        answer for seed in range(RUNS) for answer in simulated(seed, people=8).answers.values()
    ]

    assert len(answers) > 30 * RUNS
    in_time = sum(waited(answer) <= SOON_ENOUGH for answer in answers)
    assert in_time >= 0.95 * len(answers)
    assert max(map(waited, answers)) < timedelta.max
    credit = mean(waited(a).total_seconds() for a in answers if a.credit_at_first > 0)
    debt = mean(waited(a).total_seconds() for a in answers if a.credit_at_first <= 0)
    assert credit <= debt


@pytest.mark.parametrize("people", [4, 5, 6, 7])
def test_small_cohorts_are_never_stuck(people: int) -> None:
    for seed in range(30):
        answers = simulated(seed, people).answers.values()
        assert max(map(waited, answers)) < timedelta.max


def test_lazy_small_cohorts_are_not_stuck_either() -> None:
    """One visit a day and half of all claims abandoned: late, but no answer is left."""
    habits = Habits(visits_a_day=1.0, abandoned=0.5, drain_days=14)
    for seed, people in enumerate([4, 5, 6] * 5):
        answers = simulated(seed, people, habits).answers.values()
        assert max(map(waited, answers)) < timedelta.max


def test_four_people_with_a_conflict_between_each_two_pairs_are_not_stuck() -> None:
    """Two graders are left for everybody: the third reader of a split never comes."""
    people = [1, 2, 3, 4]
    for seed in range(10):
        memory = Memory(people, frozenset({frozenset({1, 2}), frozenset({3, 4})}))
        for _claim in play(memory, people, luck(seed), NOW, USUAL):
            pass
        assert max(map(waited, memory.answers.values())) < timedelta.max
        graders = {
            (review.grader, answer.candidate)
            for answer in memory.answers.values()
            for review in answer.reviews
        }
        assert graders.isdisjoint({(1, 2), (2, 1), (3, 4), (4, 3)})


# The same by the real rows and actions


class Database:
    """The queue itself, as simulated people use it."""

    def __init__(self, cohort: Cohort, people: list[User]) -> None:
        """Take the cohort and who is in it."""
        self.cohort = cohort
        self.people = {person.pk: person for person in people}

    def hand_in(self, person: int, at: datetime) -> int:
        return factories.answer(self.people[person], self.cohort, submitted_at=at).pk

    def claim(self, person: int, at: datetime) -> int | None:
        try:
            return queue.claim(by=self.people[person], at=at).attempt_id
        except queue.NothingToGrade:
            return None

    def submit(self, person: int, answer: int, rank: int, at: datetime) -> None:
        review = Review.objects.get(attempt=answer, grader=person)
        dimensions = list(review.attempt.rubric_version.dimensions.order_by("position"))
        for dimension in dimensions:
            factories.evidence(review, dimension)
        draft = Draft(
            ratings={dimension.key: rank for dimension in dimensions},
            verdict="yes" if rank >= 2 else "no",
            confidence="fair",
            level_given_rank=rank,
        )
        reviews.submit(review=review, draft=draft, version=0, by=review.grader, at=at)


class Both:
    """The queue beside its simulation; they have to agree at every step."""

    def __init__(self, database: Database, memory: Memory) -> None:
        """Take the two."""
        self.database = database
        self.memory = memory

    def hand_in(self, person: int, at: datetime) -> int:
        return self.memory.hand_in(person, at, number=self.database.hand_in(person, at))

    def claim(self, person: int, at: datetime) -> int | None:
        claimed = self.database.claim(person, at)
        assert self.memory.claim(person, at) == claimed
        return claimed

    def submit(self, person: int, answer: int, rank: int, at: datetime) -> None:
        self.database.submit(person, answer, rank, at)
        self.memory.submit(person, answer, rank, at)
        entry = QueueEntry.objects.get(attempt=answer)
        simulated_one = self.memory.answers[answer]
        assert entry.wanted == simulated_one.wanted(at)
        assert entry.granted == simulated_one.granted


@pytest.mark.django_db
@pytest.mark.parametrize(("seed", "people"), [(1, 8), (2, 6), (3, 4)])
def test_the_database_and_its_simulation_give_the_same_claims(seed: int, people: int) -> None:
    chance = luck(seed)
    members = [factories.person() for _n in range(people)]
    cohort = factories.cohort(*members)
    one, other = chance.choice(list(combinations(members, 2)))
    Conflict.objects.create(declared_by=one, other=other, declared_at=NOW)
    ids = [member.pk for member in members]
    memory = Memory(ids, frozenset({frozenset({one.pk, other.pk})}))
    both = Both(Database(cohort, members), memory)

    claims = list(play(both, ids, chance, NOW, Habits(days=5, drain_days=2)))

    granted = [answer for _at, _person, answer in claims if answer is not None]
    assert len(granted) > 10
    assert Attempt.objects.count() == len(memory.answers)
    assert Review.objects.submitted().count() == sum(
        len(answer.in_by(LATER)) for answer in memory.answers.values()
    )
