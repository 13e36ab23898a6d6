"""Until when the graders of an answer need its recording."""

from datetime import timedelta
from typing import Any

import pytest

from feedback.models import GoldExpert, GoldItem, GradeAppeal, Review
from feedback.queries.keeping import needed_until
from loops.models import Attempt, Cohort, Membership, User
from tests import factories
from tests.factories import NOW

DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


def test_a_recording_is_needed_until_a_week_after_the_reveal(
    candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    unseen, alone, both = (factories.answer(candidate, cohort).pk for _ in range(3))
    for attempt_id, graders in ((alone, [peer]), (both, [peer, second_peer])):
        for hour, grader in enumerate(graders, start=1):
            attempt = Attempt.objects.get(pk=attempt_id)
            at = NOW + timedelta(hours=hour)
            factories.submitted_review(attempt, grader, submitted_at=at)

    assert needed_until([unseen, alone, both], NOW) == {
        unseen: None,
        alone: NOW + timedelta(hours=48) + 7 * DAY,
        both: NOW + timedelta(hours=2) + 7 * DAY,
    }


@pytest.mark.parametrize(
    ("state", "is_needed"),
    [(Review.State.DRAFT, True), (Review.State.EXPIRED, False), (Review.State.VOID, False)],
)
def test_who_is_at_work_needs_it_as_long_as_the_lease_runs(
    candidate: User, cohort: Cohort, peer: User, second_peer: User, *, state: str, is_needed: bool
) -> None:
    attempt = factories.answer(candidate, cohort)
    factories.submitted_review(attempt, peer, submitted_at=NOW)
    lease_until = NOW + 20 * DAY
    factories.review(attempt, second_peer, state=state, lease_until=lease_until)

    until = lease_until if is_needed else NOW + 9 * DAY
    assert needed_until([attempt.pk], NOW) == {attempt.pk: until}


@pytest.fixture
def graded(candidate: User, cohort: Cohort, peer: User, second_peer: User) -> Attempt:
    """An answer whose graders need its recording until a week after."""
    made = factories.answer(candidate, cohort)
    for grader in (peer, second_peer):
        factories.submitted_review(made, grader, submitted_at=NOW)
    return made


def test_an_appeal_needs_it_until_it_is_answered(graded: Attempt, organiser: User) -> None:
    made = factories.grade_appeal(graded)

    assert needed_until([graded.pk], NOW + 20 * DAY) == {graded.pk: None}

    review = factories.submitted_review(
        graded, organiser, purpose=Review.Purpose.APPEAL, submitted_at=NOW + 20 * DAY
    )
    assert needed_until([graded.pk], NOW + 20 * DAY) == {graded.pk: None}, "the word is to come"
    GradeAppeal.objects.filter(pk=made.pk).update(
        review=review, outcome="same", answered_at=NOW + 20 * DAY
    )
    assert needed_until([graded.pk], NOW + 21 * DAY) == {graded.pk: NOW + 7 * DAY}


def test_an_expert_who_was_asked_needs_it_until_theirs_is_in(
    graded: Attempt, organiser: User
) -> None:
    item = GoldItem.objects.create(attempt=graded, offered_at=NOW, state=GoldItem.State.GRADING)
    asked = GoldExpert.objects.create(item=item, expert=organiser, asked_at=NOW)
    late = NOW + 20 * DAY
    over = {graded.pk: NOW + 7 * DAY}
    assert needed_until([graded.pk], late) == {graded.pk: None}

    Membership.objects.filter(user=organiser).delete()
    assert needed_until([graded.pk], late) == over, "who left the cohort grades nothing"
    factories.join(graded.round.loop.cohort, organiser)
    GoldItem.objects.update(state=GoldItem.State.RETIRED)
    assert needed_until([graded.pk], late) == over
    GoldItem.objects.update(state=GoldItem.State.GRADING)
    asked.review = factories.review(graded, organiser, purpose=Review.Purpose.EXPERT)
    asked.save()
    assert needed_until([graded.pk], late) == {graded.pk: None}, "begun, and let lapse"
    asked.delete()
    Review.objects.filter(purpose=Review.Purpose.EXPERT).delete()
    factories.submitted_review(graded, organiser, purpose=Review.Purpose.EXPERT)
    GoldExpert.objects.create(
        item=item, expert=organiser, asked_at=NOW, review=graded.reviews.get(grader=organiser)
    )
    assert needed_until([graded.pk], late) == over


def test_it_is_one_question_however_many_are_asked_about(
    graded: Attempt, candidate: User, cohort: Cohort, django_assert_num_queries: Any
) -> None:
    factories.grade_appeal(graded)
    others = [factories.answer(candidate, cohort).pk for _ in range(3)]

    with django_assert_num_queries(1):
        needed_until([graded.pk, *others], NOW)
