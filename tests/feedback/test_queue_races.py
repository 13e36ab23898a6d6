"""Claims, submits, expiry and withdrawal at the same instants, on a real PostgreSQL."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions import places, queue, reviews, rules, withdrawal
from feedback.actions.reviews import Draft
from feedback.models import GradingRules, LedgerEntry, Pair, QueueEntry, Review, Standing
from loops.models import Attempt, Cohort, Event, Notice, PromptExposure, User
from tests import factories
from tests.factories import DIMENSIONS, LEASE, NOW
from tests.threads import Crowd, together

pytestmark = pytest.mark.django_db(transaction=True)

LAPSED = NOW + LEASE
SOON = NOW + timedelta(minutes=10)
WHOLE = Draft(
    ratings=dict.fromkeys(DIMENSIONS, 2),
    verdict="yes",
    confidence="fair",
    level_given_rank=2,
    summary="Asked who is hurt, then drew.",
)


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer that waits for both its graders."""
    return factories.answer(candidate, cohort)


def members(cohort: Cohort, count: int) -> list[User]:
    people = [factories.person() for _n in range(count)]
    for person in people:
        factories.join(cohort, person)
    return people


def mark_all(review: Review) -> None:
    for dimension in review.attempt.rubric_version.dimensions.order_by("position"):
        factories.evidence(review, dimension, start_ms=dimension.position * 1000)


def check_counts() -> None:
    """Check that every entry says what its reviews say, and that credits sum up to nothing."""
    for entry in QueueEntry.objects.all():
        filled = Review.objects.granted().filter(attempt=entry.attempt_id).count()
        assert entry.granted == filled <= entry.wanted
    standings = list(Standing.objects.all())
    assert sum(standing.credit for standing in standings) == 0


# The last place


def test_fifty_graders_for_one_place_a_hundred_times(
    answer: Attempt, cohort: Cohort, second_peer: User
) -> None:
    """One grant each time, for the others the words that nothing waits, and nothing else."""
    factories.submitted_review(answer, second_peer)
    graders = members(cohort, 50)
    claims = [partial(queue.claim, by=grader, at=NOW) for grader in graders]
    winners = set()

    with Crowd(50) as crowd:
        for _trial in range(100):
            outcomes = crowd.together(claims)

            assert Counter(map(type, outcomes)) == {Review: 1, queue.NothingToGrade: 49}
            given = Review.objects.filter(attempt=answer, state="claimed").get()
            assert given in outcomes
            assert Event.objects.filter(verb="claimed").count() == 1
            assert QueueEntry.objects.get().granted == 2
            winners.add(given.grader_id)
            _put_all_back(given)

    assert len(winners) > 1


def _put_all_back(review: Review) -> None:
    Event.objects.all().delete()
    PromptExposure.objects.filter(user=review.grader).delete()
    review.delete()
    QueueEntry.objects.update(granted=1)


def test_graders_race_through_the_page_without_an_error(
    answer: Attempt, cohort: Cohort, second_peer: User
) -> None:
    factories.submitted_review(answer, second_peer)
    clients = []
    for grader in members(cohort, 12):
        client = Client()
        client.force_login(grader)
        clients.append(client)
    claim, page = reverse("feedback:claim"), reverse("feedback:queue")

    responses = together([partial(client.post, claim) for client in clients])

    review = Review.objects.get(state="claimed")
    assert Counter((response.status_code, response["Location"]) for response in responses) == {
        (302, reverse("feedback:review", args=[review.public_id])): 1,
        (302, page): 11,
    }


def test_many_graders_for_many_places_get_one_each(candidate: User, cohort: Cohort) -> None:
    answers = [factories.answer(candidate, cohort) for _n in range(10)]
    claims = [partial(queue.claim, by=grader, at=NOW) for grader in members(cohort, 24)]

    outcomes = together(claims)

    assert Counter(map(type, outcomes)) == {Review: 20, queue.NothingToGrade: 4}
    assert [answer.reviews.count() for answer in answers] == [2] * 10
    check_counts()


# One review, one event, one notice


def test_ten_submits_at_once_are_one(
    answer: Attempt, candidate: User, peer: User, second_peer: User
) -> None:
    factories.submitted_review(answer, second_peer)
    review = queue.claim(by=peer, at=NOW)
    mark_all(review)
    submit = partial(reviews.submit, review=review, draft=WHOLE, version=0, by=peer, at=SOON)

    answers = together([submit] * 10)

    assert {(type(one), one.pk, one.state, one.submitted_at) for one in answers} == {
        (Review, review.pk, "submitted", SOON)
    }
    assert Review.objects.filter(grader=peer).count() == 1
    assert Event.objects.filter(verb="submitted").count() == 1
    assert Notice.objects.filter(person=candidate, kind=Notice.Kind.REVEALED).count() == 1
    assert LedgerEntry.objects.filter(review=review).count() == 1
    assert Pair.objects.get(grader=peer).reviews == 1
    check_counts()


def test_ten_submits_through_the_page_answer_alike(answer: Attempt, peer: User) -> None:
    review = factories.review(answer, peer, claimed_at=timezone.now())
    mark_all(review)
    clients = []
    for _n in range(10):
        client = Client()
        client.force_login(peer)
        clients.append(client)
    address = reverse("feedback:review_submit", args=[review.public_id])
    fields = {
        **{f"dimension-{name}": "2" for name in DIMENSIONS},
        "verdict": "yes",
        "confidence": "fair",
        "level_given": "2",
        "summary": "Asked.",
        "version": "0",
    }

    responses = together([partial(client.post, address, fields) for client in clients])

    (answered,) = {(one.status_code, one.get("Location"), one.content) for one in responses}
    assert answered[0] == 302
    assert Event.objects.filter(verb="submitted").count() == 1


# Expiry, late writing and claims


def write(review: Review, at: datetime) -> Review:
    draft = Draft(summary="Mine.")
    return reviews.save_draft(review=review, draft=draft, version=0, by=review.grader, at=at)


def test_claim_expiry_and_late_writing_fill_one_place(
    answer: Attempt, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.submitted_review(answer, second_peer)
    late = factories.review(answer, peer)
    others = members(cohort, 4)

    for _trial in range(20):
        outcomes = together(
            [
                partial(write, late, LAPSED),
                partial(queue.expire_lapsed, at=LAPSED),
                *(partial(queue.claim, by=other, at=LAPSED) for other in others),
            ]
        )

        assert not isinstance(outcomes[0], Exception)
        assert isinstance(outcomes[1], int)
        claimed = [one for one in outcomes[2:] if isinstance(one, Review)]
        late.refresh_from_db()
        assert late.summary == "Mine."
        assert len(claimed) + (late.state == "draft") == 1
        assert {type(one) for one in outcomes[2:]} <= {Review, queue.NothingToGrade}
        check_counts()
        Review.objects.filter(grader__in=others).delete()
        Review.objects.filter(pk=late.pk).update(
            state="claimed", lease_until=LAPSED, summary="", draft_version=0, drafted_at=None
        )
        places.settle(attempt=answer, at=NOW)


def test_handing_in_late_beside_a_claim_of_the_same_place_loses_neither(
    answer: Attempt, peer: User, second_peer: User, cohort: Cohort
) -> None:
    """Whoever comes second: the late review is extra, or the claim finds nothing."""
    factories.submitted_review(answer, second_peer)
    late = factories.review(answer, peer)
    mark_all(late)
    (other,) = members(cohort, 1)
    submit = partial(reviews.submit, review=late, draft=WHOLE, version=0, by=peer, at=LAPSED)

    handed_in, claimed = together([submit, partial(queue.claim, by=other, at=LAPSED)])

    assert handed_in.is_submitted
    assert handed_in.is_extra == isinstance(claimed, Review)
    check_counts()


def test_a_claim_beside_the_same_graders_late_hand_in_reopens_nothing(
    answer: Attempt, candidate: User, peer: User
) -> None:
    """In one window they hand in what had lapsed, in another they ask for the next."""
    late = factories.review(answer, peer)
    mark_all(late)
    queue.expire_lapsed(at=LAPSED)
    submit = partial(reviews.submit, review=late, draft=WHOLE, version=0, by=peer, at=LAPSED)

    handed_in, claimed = together([submit, partial(queue.claim, by=peer, at=LAPSED)])

    late.refresh_from_db()
    assert handed_in.is_submitted
    assert late.is_submitted
    assert isinstance(claimed, (Review, queue.NothingToGrade))
    check_counts()


# The answer goes away


def test_withdrawal_beside_claims_and_writing_ends_without_a_deadlock(
    candidate: User, cohort: Cohort, peer: User
) -> None:
    graders = members(cohort, 4)
    for _trial in range(10):
        answer = factories.answer(candidate, cohort)
        held = queue.claim(by=peer, at=NOW)

        outcomes = together(
            [
                partial(withdrawal.withdraw, attempt=answer, by=candidate, at=SOON),
                partial(write, held, SOON),
                *(partial(queue.claim, by=grader, at=SOON) for grader in graders),
            ]
        )

        assert not isinstance(outcomes[0], Exception)
        assert isinstance(outcomes[1], (Review, queue.AttemptGone))
        assert {type(one) for one in outcomes[2:]} <= {Review, queue.NothingToGrade}
        assert Review.objects.get(pk=held.pk).summary == "Mine."
        assert set(answer.reviews.values_list("state", flat=True)) == {"void"}
        check_counts()


def test_a_new_number_beside_claims_and_submits_ends_without_a_deadlock(
    candidate: User, cohort: Cohort, organiser: User
) -> None:
    held = []
    for grader in members(cohort, 4):
        review = factories.review(factories.answer(candidate, cohort), grader)
        mark_all(review)
        held.append(review)

    def change(number: int) -> Callable[[], Any]:
        return lambda: rules.set_rules(
            cohort=cohort, reviews_wanted=number, requires_unlock=False, by=organiser, at=SOON
        )

    outcomes = together(
        [
            change(4),
            change(3),
            *(
                partial(reviews.submit, review=one, draft=WHOLE, version=0, by=one.grader, at=SOON)
                for one in held
            ),
            *(partial(queue.claim, by=one, at=SOON) for one in members(cohort, 4)),
        ]
    )

    assert [one for one in outcomes if isinstance(one, Exception)] == []
    # A number that goes down takes no claim away: all four may have taken the same answer before.
    number = GradingRules.objects.get().reviews_wanted
    entries = QueueEntry.objects.order_by("pk")
    wanted = [entry.wanted for entry in entries]
    assert wanted == [max(number, entry.granted) for entry in entries]
    for entry in entries:
        places.settle(attempt=entry.attempt, at=SOON)
    assert [entry.wanted for entry in entries.all()] == wanted
    check_counts()


def test_the_database_grants_no_place_too_many(answer: Attempt) -> None:
    with pytest.raises(Exception, match="queue_entry_granted"), connection.cursor() as cursor:
        cursor.execute("UPDATE feedback_queueentry SET granted = 3")
