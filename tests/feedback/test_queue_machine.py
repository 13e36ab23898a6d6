"""The queue under any order of what people do: places, editions, texts and credits stay right."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from feedback.actions import queue, reports, reviews, rules, withdrawal
from feedback.actions.places import settle
from feedback.actions.reviews import Draft
from feedback.disagreement import Opinion, is_split
from feedback.models import LedgerEntry, QueueEntry, Rating, Review, Standing
from loops.errors import Refused
from loops.models import Attempt, Event
from tests import factories
from tests.factories import NOW

KINDS = ("sd_ambiguous", "coding")
EDITIONS = (
    ("discovery", "bounding", "options", "adoption"),
    ("discovery", "bounding", "judgement"),
    ("judgement", "options", "adoption"),
)
"""A new edition drops dimensions, adds one, and another one is key."""
picks = st.integers(0, 10_000)


class Queue(RuleBasedStateMachine):
    """Some people of one cohort, and what they do to each other's answers."""

    def __init__(self) -> None:
        """Begin what is taken back at the end."""
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.texts: dict[int, str] = {}
        self.handed_in: dict[int, tuple[Any, ...]] = {}
        self.now = NOW

    def teardown(self) -> None:
        """Leave the database as it was."""
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    @initialize(people=st.integers(3, 7))
    def gather(self, people: int) -> None:
        self.people = [factories.person() for _n in range(people)]
        self.cohort = factories.cohort(*self.people)
        for kind in KINDS:
            factories.edition(kind, dimensions=EDITIONS[0])

    # What people do

    @rule(who=picks, kind=st.sampled_from(KINDS))
    def answer(self, who: int, kind: str) -> None:
        attempts = Attempt.objects.count()
        if attempts < 5:
            factories.answer(self._one_of(self.people, who), self.cohort, kind=kind)

    @rule(who=picks)
    def claim(self, who: int) -> None:
        by = self._one_of(self.people, who)
        with suppress(queue.NothingToGrade):
            review = queue.claim(by=by, at=self.now)
            assert review.grader == by != review.attempt.round.loop.member
            assert review.summary == self.texts.setdefault(review.pk, "")

    @precondition(lambda self: self.texts)
    @rule(which=picks, text=st.text(alphabet="abc", max_size=3), is_old=st.booleans())
    def write(self, which: int, text: str, is_old: bool) -> None:
        """Keep a text, now and then from a window that another has overtaken."""
        review = self._review(which)
        is_old = is_old and review.draft_version > 0
        version = review.draft_version - is_old
        draft = Draft(ratings=self._ratings(review, 2), summary=text)
        is_kept = reviews.draft_of(review) == draft or not is_old
        with suppress(queue.ReviewClosed, reviews.DraftConflict, queue.AttemptGone):
            if is_kept and review.state not in {"submitted", "released"}:
                self.texts[review.pk] = text
            reviews.save_draft(
                review=review, draft=draft, version=version, by=review.grader, at=self.now
            )

    @precondition(lambda self: self.texts)
    @rule(which=picks, rank=st.integers(0, 3), text=st.text(alphabet="xyz", max_size=3))
    def submit(self, which: int, rank: int, text: str) -> None:
        review = self._review(which)
        for dimension in review.attempt.rubric_version.dimensions.all():
            factories.evidence(review, dimension)
        draft = Draft(
            ratings=self._ratings(review, rank),
            verdict="yes" if rank >= 2 else "no",
            confidence="fair",
            level_given_rank=rank,
            summary=text,
        )
        with suppress(queue.ReviewClosed, queue.AttemptGone):
            if review.state not in {"submitted", "released"}:
                self.texts[review.pk] = text
            given = reviews.submit(
                review=review,
                draft=draft,
                version=review.draft_version,
                by=review.grader,
                at=self.now,
            )
            self.handed_in.setdefault(given.pk, self._facts(given))

    @precondition(lambda self: self.texts)
    @rule(which=picks)
    def release(self, which: int) -> None:
        review = self._review(which)
        with suppress(queue.ReviewClosed):
            queue.release(review=review, by=review.grader, at=self.now)

    @precondition(lambda self: self.texts)
    @rule(which=picks, is_taken_back=st.booleans())
    def report(self, which: int, is_taken_back: bool) -> None:
        review = self._review(which)
        with suppress(Refused):
            reports.report(review=review, kind="unusable", by=review.grader, at=self.now)
        if is_taken_back:
            with suppress(Refused):
                reports.take_back(review=review, by=review.grader, at=self.now)

    @rule(which=picks)
    def withdraw(self, which: int) -> None:
        attempts = list(Attempt.objects.submitted().order_by("pk"))
        if len(attempts) > 1:
            attempt = self._one_of(attempts, which)
            withdrawal.withdraw(attempt=attempt, by=attempt.round.loop.member, at=self.now)

    @rule(kind=st.sampled_from(KINDS), dimensions=st.sampled_from(EDITIONS))
    def publish_an_edition(self, kind: str, dimensions: tuple[str, ...]) -> None:
        factories.edition(kind, dimensions=dimensions)

    @rule(number=st.integers(2, 4))
    def change_the_number(self, number: int) -> None:
        rules.set_rules(
            cohort=self.cohort,
            reviews_wanted=number,
            requires_unlock=False,
            by=self.people[0],
            at=self.now,
        )

    @rule(minutes=st.sampled_from([1, 20, 46, 24 * 60, 49 * 60]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def sweep(self) -> None:
        queue.expire_lapsed(at=self.now)

    # What holds all the while

    @invariant()
    def no_place_is_granted_twice(self) -> None:
        for entry in QueueEntry.objects.all():
            of_it = Review.objects.filter(attempt=entry.attempt_id, purpose="peer")
            open_or_in = of_it.filter(state__in=["claimed", "draft", "submitted"])
            assert entry.granted == open_or_in.filter(is_extra=False).count()
            assert entry.granted <= entry.wanted == self._wanted(entry)
            assert entry.handed_in == of_it.filter(state="submitted").count()

    @invariant()
    def counting_again_changes_nothing(self) -> None:
        before = list(QueueEntry.objects.order_by("pk").values())
        for attempt in Attempt.objects.exclude(state="draft"):
            settle(attempt=attempt, at=self.now)
        assert list(QueueEntry.objects.order_by("pk").values()) == before

    @invariant()
    def no_review_mixes_editions(self) -> None:
        mixed = Rating.objects.exclude(dimension__version=F("review__attempt__rubric_version"))
        assert not mixed.exists()
        for review in Review.objects.in_results():
            of_the_answer = review.attempt.rubric_version.dimensions.values_list("pk", flat=True)
            rated = review.ratings.values_list("dimension", flat=True)
            assert Counter(rated) == Counter(of_the_answer)

    @invariant()
    def no_text_is_lost(self) -> None:
        assert dict(Review.objects.values_list("pk", "summary")) == self.texts

    @invariant()
    def what_was_handed_in_stays(self) -> None:
        submitted = {review.pk: self._facts(review) for review in Review.objects.submitted()}
        assert submitted == self.handed_in
        events = Event.objects.filter(verb="submitted", subject="feedback.review")
        assert Counter(events.values_list("subject_id", flat=True)) == dict.fromkeys(submitted, 1)

    @invariant()
    def credits_sum_up_to_nothing(self) -> None:
        balances: Counter[int] = Counter()
        for entry in LedgerEntry.objects.all():
            balances[entry.earner_id] += 1
            balances[entry.giver_id or 0] -= 1
        standings = {one.member_id: one.credit for one in Standing.objects.all()}
        assert sum(standings.values()) == 0
        assert all(standings[member] == balance for member, balance in balances.items())
        assert LedgerEntry.objects.filter(review__in=self.handed_in).count() == len(self.handed_in)

    # Ways

    def _one_of(self, rows: list[Any], number: int) -> Any:
        return rows[number % len(rows)]

    def _review(self, number: int) -> Review:
        reviews_ = Review.objects.select_related("grader", "attempt__rubric_version")
        return reviews_.get(pk=self._one_of(sorted(self.texts), number))

    def _ratings(self, review: Review, rank: int) -> dict[str, int | None]:
        keys = review.attempt.rubric_version.dimensions.values_list("key", flat=True)
        return dict.fromkeys(keys, rank)

    def _wanted(self, entry: QueueEntry) -> int:
        """Say in other words what an answer wants: a third reader where two are split."""
        quota = Attempt.objects.values_list(
            "round__loop__cohort__grading_rules__reviews_wanted", flat=True
        ).get(pk=entry.attempt_id)
        given = Review.objects.in_results().filter(attempt=entry.attempt_id)
        opinions = [
            Opinion(
                dict(
                    review.ratings.filter(dimension__is_key=True).values_list(
                        "dimension__key", "rank"
                    )
                ),
                is_yes="yes" in review.verdict,
            )
            for review in given
        ]
        readers = 3 if is_split(opinions) else 0
        extras = given.filter(is_extra=True).count() if readers else 0
        return max(quota or 2, entry.granted, readers - extras)

    def _facts(self, review: Review) -> tuple[Any, ...]:
        ratings = tuple(review.ratings.values_list("dimension_id", "rank"))
        return review.submitted_at, review.verdict, review.summary, review.is_extra, ratings


@pytest.mark.django_db
def test_nothing_that_people_do_breaks_the_queue() -> None:
    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],  # to shrink a failure takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
