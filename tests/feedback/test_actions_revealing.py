"""When a candidate is told of reviews: once when the first can be read, and of each after that."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from feedback.actions import queue, reviews
from feedback.actions.revealing import tell_of_waiting
from feedback.actions.reviews import Draft
from feedback.models import Review
from loops.models import Attempt, Cohort, Notice, User
from tests import factories
from tests.factories import DIMENSIONS, NOW

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WHOLE = Draft(
    ratings=dict.fromkeys(DIMENSIONS, 2), verdict="yes", confidence="fair", level_given_rank=2
)


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer that was handed in at NOW."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def hand_in(answer: Attempt, cohort: Cohort) -> Callable[[datetime], Review]:
    """Return a function by which one more member grades the answer."""

    def run(at: datetime) -> Review:
        person = factories.person()
        factories.join(cohort, person)
        review = factories.review(answer, person, claimed_at=at)
        for dimension in answer.rubric_version.dimensions.order_by("position"):
            factories.evidence(review, dimension)
        return reviews.submit(review=review, draft=WHOLE, version=0, by=person, at=at + HOUR)

    return run


HandIn = Callable[[datetime], Review]


def told() -> list[tuple[str, int]]:
    notices = Notice.objects.order_by("pk")
    assert {notice.person.handle for notice in notices} <= {"candidate-101"}
    return [(notice.kind, notice.data["reviews"]) for notice in notices]


def test_two_reviews_are_told_together(answer: Attempt, hand_in: HandIn) -> None:
    hand_in(NOW)
    assert told() == []

    hand_in(NOW + HOUR)

    assert told() == [("revealed", 2)]
    assert tell_of_waiting(at=NOW + 3 * DAY) == 0


def test_one_review_is_told_when_48_hours_have_passed(answer: Attempt, hand_in: HandIn) -> None:
    hand_in(NOW)
    assert tell_of_waiting(at=NOW + 2 * DAY - HOUR) == 0

    assert tell_of_waiting(at=NOW + 2 * DAY) == 1
    assert tell_of_waiting(at=NOW + 2 * DAY) == 0
    assert told() == [("revealed", 1)]


def test_each_review_after_that_is_told_by_itself(answer: Attempt, hand_in: HandIn) -> None:
    hand_in(NOW + 2 * DAY)
    hand_in(NOW + 3 * DAY)
    hand_in(NOW + 4 * DAY)

    assert told() == [("revealed", 1), ("late_review", 2), ("late_review", 3)]


def test_the_notice_names_the_answer_and_no_grader(answer: Attempt, hand_in: HandIn) -> None:
    hand_in(NOW + 2 * DAY)

    assert Notice.objects.get().data == {
        "attempt": str(answer.public_id),
        "round": "System design, ambiguous",
        "reviews": 1,
    }


def test_a_late_review_beyond_all_places_is_told_too(
    answer: Attempt, hand_in: HandIn, peer: User
) -> None:
    late = queue.claim(by=peer, at=NOW)
    for dimension in answer.rubric_version.dimensions.order_by("position"):
        factories.evidence(late, dimension)
    queue.expire_lapsed(at=NOW + HOUR)
    hand_in(NOW + HOUR)
    hand_in(NOW + HOUR)

    extra = reviews.submit(review=late, draft=WHOLE, version=0, by=peer, at=NOW + DAY)

    assert extra.is_extra
    assert told() == [("revealed", 2), ("late_review", 3)]


@pytest.mark.parametrize("purpose", ["gold", "expert"])
def test_calibration_is_told_to_nobody(answer: Attempt, peer: User, purpose: str) -> None:
    review = factories.review(answer, peer, purpose=purpose)
    for dimension in answer.rubric_version.dimensions.order_by("position"):
        factories.evidence(review, dimension)

    reviews.submit(review=review, draft=WHOLE, version=0, by=peer, at=NOW + 3 * DAY)

    assert told() == []
    assert tell_of_waiting(at=NOW + 3 * DAY) == 0
