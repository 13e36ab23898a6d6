"""Until when the graders of an answer need its recording."""

from datetime import timedelta

import pytest

from feedback.models import Review
from feedback.queries.keeping import needed_until
from loops.models import Attempt, Cohort, User
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
