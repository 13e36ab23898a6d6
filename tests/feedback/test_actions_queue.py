"""Claims: who gets which answer, how long, and what a lease that ran out costs (nothing)."""

from datetime import datetime, timedelta
from functools import partial

import pytest

from feedback.actions import conflicts, queue, reviews
from feedback.actions.reviews import Draft
from feedback.models import Pair, Review
from feedback.queries.queue import count_offered, look, offered
from loops.models import Attempt, Cohort, Event, PromptExposure, Recording, User
from tests import factories
from tests.factories import LEASE, NOW
from tests.threads import together

LAPSED = NOW + LEASE
SOON = NOW + timedelta(minutes=10)


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer that waits for both its graders."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def stranger_review(answer: Attempt, cohort: Cohort) -> Review:
    """A review of it that somebody else holds from SOON on."""
    return factories.review(answer, _member(cohort), claimed_at=SOON)


def _member(cohort: Cohort) -> User:
    person = factories.person()
    factories.join(cohort, person)
    return person


def offers(user: User, at: datetime) -> list[int]:
    return [item.attempt for item in offered(user, at).items]


def places(answer: Attempt) -> int:
    """Count the places that are filled; the entry must say the same."""
    filled = Review.objects.granted().filter(attempt=answer).count()
    assert answer.queue_entry.granted == filled <= answer.queue_entry.wanted
    return filled


# What may be claimed


def test_claim_gives_the_longest_waiting(candidate: User, cohort: Cohort, peer: User) -> None:
    factories.answer(candidate, cohort, submitted_at=NOW)
    oldest = factories.answer(candidate, cohort, submitted_at=NOW - timedelta(hours=13))

    review = queue.claim(by=peer, at=NOW)

    assert (review.attempt, review.grader, review.state) == (oldest, peer, "claimed")
    assert review.lease_until == NOW + timedelta(minutes=45)
    assert Event.objects.filter(verb="claimed", subject_id=review.pk, actor_id=peer.pk).count() == 1


def test_claim_tells_the_catalogue_that_the_grader_has_met_the_prompt(
    answer: Attempt, peer: User
) -> None:
    queue.claim(by=peer, at=NOW)

    met = PromptExposure.objects.get(user=peer)
    assert (met.prompt_key, met.role) == (answer.prompt.key, PromptExposure.Role.GRADER)


def test_claim_of_one_round_kind_passes_over_the_others(
    candidate: User, cohort: Cohort, peer: User
) -> None:
    factories.answer(candidate, cohort, submitted_at=NOW - timedelta(hours=3))
    coding = factories.answer(candidate, cohort, kind="coding")

    assert queue.claim(by=peer, at=NOW, kind="coding").attempt == coding


def test_claim_of_a_round_kind_that_nobody_answered_claims_nothing(
    answer: Attempt, peer: User
) -> None:
    with pytest.raises(queue.NothingToGrade):
        queue.claim(by=peer, at=NOW, kind="coding")

    assert not Review.objects.exists()


@pytest.mark.parametrize("bar", ["conflict", "account closed", "voided review"])
def test_who_can_never_take_it_keeps_nobody_from_grading_both_ways(
    candidate: User, cohort: Cohort, answer: Attempt, bar: str
) -> None:
    """The candidate graded four of six lately; the two left are no way round."""
    graded = [factories.person() for _n in range(4)]
    left = list(User.objects.filter(memberships__cohort=cohort).exclude(pk=candidate.pk))
    left += [_member(cohort) for _n in range(2 - len(left))]
    for member in graded:
        factories.join(cohort, member)
        Pair.objects.create(
            cohort=cohort,
            round_kind=answer.round.round_kind,
            grader=candidate,
            candidate=member,
            reviews=1,
            last_at=NOW - timedelta(days=1),
        )
    assert offers(graded[0], NOW) == []

    for member in left:
        if bar == "conflict":
            conflicts.declare(other=member, by=candidate, at=NOW)
        elif bar == "account closed":
            User.objects.filter(pk=member.pk).update(is_active=False)
        else:
            factories.review(answer, member, state="void")

    assert [offers(member, NOW) for member in graded] == [[answer.pk]] * 4


def test_queue_leaves_out_what_is_not_for_this_member(
    candidate: User, cohort: Cohort, peer: User, second_peer: User, outsider: User
) -> None:
    waiting = factories.answer(candidate, cohort)
    factories.answer(peer, cohort)  # one's own
    graded = factories.answer(candidate, cohort)
    factories.submitted_review(graded, peer)
    full = factories.answer(candidate, cohort)
    factories.submitted_review(full, second_peer)
    factories.review(full, _member(cohort))
    withdrawn = factories.answer(candidate, cohort)
    Attempt.objects.filter(pk=withdrawn.pk).update(state=Attempt.State.WITHDRAWN)
    factories.in_queue(withdrawn)
    unready = factories.answer(candidate, cohort)
    Recording.objects.filter(attempt=unready).update(state=Recording.State.PROCESSING)
    factories.in_queue(unready)
    void = factories.answer(candidate, cohort)
    factories.review(void, peer, state=Review.State.VOID)
    factories.answer(outsider, outsider.cohorts.get())  # of another cohort

    assert offers(peer, NOW) == [waiting.pk]
    assert count_offered(look(peer, NOW), NOW) == 1
    assert offers(outsider, NOW) == []


def test_claim_returns_what_the_grader_holds_already(
    candidate: User, cohort: Cohort, peer: User
) -> None:
    factories.answer(candidate, cohort)
    factories.answer(candidate, cohort)

    first, second = (queue.claim(by=peer, at=at) for at in (NOW, SOON))

    assert first == second
    assert Review.objects.count() == 1


# Leases: live, lapsed with a place free, lapsed and filled, expired by the sweep, put back


@pytest.mark.parametrize("is_swept", [False, True])
def test_lapsed_place_is_free_for_others_with_and_without_the_sweep(
    answer: Attempt, peer: User, second_peer: User, cohort: Cohort, is_swept: bool
) -> None:
    factories.submitted_review(answer, second_peer)
    lapsed = factories.review(answer, peer)
    other = _member(cohort)
    assert not offers(other, LAPSED - timedelta(seconds=1))
    if is_swept:
        queue.expire_lapsed(at=LAPSED)

    assert queue.claim(by=other, at=LAPSED).attempt == answer
    lapsed.refresh_from_db()
    assert lapsed.state == "expired"


@pytest.mark.parametrize("is_swept", [False, True])
def test_lapsed_review_opens_again_with_its_text(
    answer: Attempt, peer: User, is_swept: bool
) -> None:
    review = queue.claim(by=peer, at=NOW)
    reviews.save_draft(review=review, draft=Draft(summary="Kept."), version=0, by=peer, at=NOW)
    if is_swept:
        queue.expire_lapsed(at=LAPSED)

    again = queue.claim(by=peer, at=LAPSED)

    assert again == review
    assert (again.state, again.summary, again.lease_until) == ("draft", "Kept.", LAPSED + LEASE)


def test_writing_renews_a_live_lease(answer: Attempt, peer: User) -> None:
    review = queue.claim(by=peer, at=NOW)

    reviews.save_draft(review=review, draft=Draft(), version=0, by=peer, at=SOON)

    review.refresh_from_db()
    assert (review.state, review.lease_until) == ("draft", SOON + LEASE)


def test_writing_renews_a_lapsed_lease_where_a_place_is_free(answer: Attempt, peer: User) -> None:
    review = factories.review(answer, peer)
    queue.expire_lapsed(at=LAPSED)

    reviews.save_draft(review=review, draft=Draft(), version=0, by=peer, at=LAPSED)

    review.refresh_from_db()
    assert (review.state, review.lease_until) == ("draft", LAPSED + LEASE)


def test_writing_after_the_place_was_filled_keeps_the_text_and_no_lease(
    answer: Attempt, peer: User, second_peer: User, stranger_review: Review
) -> None:
    review = factories.review(answer, peer, state="expired")
    factories.submitted_review(answer, second_peer)

    reviews.save_draft(
        review=review, draft=Draft(summary="Too late?"), version=0, by=peer, at=LAPSED
    )

    review.refresh_from_db()
    assert (review.summary, review.lease_until) == ("Too late?", LAPSED)
    assert review.is_lapsed(LAPSED)


def test_a_lapsed_review_beside_a_full_house_is_no_grant(
    answer: Attempt, peer: User, second_peer: User, stranger_review: Review
) -> None:
    """Where both places are filled, going on with a lapsed review fills no third one."""
    factories.submitted_review(answer, second_peer)
    late = factories.review(answer, peer, state="expired")

    reviews.save_draft(review=late, draft=Draft(summary="On."), version=0, by=peer, at=LAPSED)

    assert places(answer) == 2


def test_release_keeps_the_text_and_frees_the_place(
    answer: Attempt, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.submitted_review(answer, second_peer)
    review = queue.claim(by=peer, at=NOW)
    reviews.save_draft(review=review, draft=Draft(summary="Half."), version=0, by=peer, at=NOW)

    queue.release(review=review, by=peer, at=SOON)
    queue.release(review=review, by=peer, at=SOON)

    review.refresh_from_db()
    assert (review.state, review.summary) == ("released", "Half.")
    assert Event.objects.filter(verb="released").count() == 1
    assert queue.claim(by=_member(cohort), at=SOON).attempt == answer


def test_released_review_opens_again_with_its_text(answer: Attempt, peer: User) -> None:
    review = queue.claim(by=peer, at=NOW)
    reviews.save_draft(review=review, draft=Draft(summary="Half."), version=0, by=peer, at=NOW)
    queue.release(review=review, by=peer, at=SOON)

    again = queue.claim(by=peer, at=SOON)

    assert (again.pk, again.state, again.summary) == (review.pk, "draft", "Half.")


@pytest.mark.parametrize("state", ["submitted", "void"])
def test_release_of_a_closed_review_is_refused(answer: Attempt, peer: User, state: str) -> None:
    review = factories.submitted_review(answer, peer, state=state)

    with pytest.raises(queue.ReviewClosed):
        queue.release(review=review, by=peer, at=SOON)

    assert Review.objects.get().state == state


def test_sweep_marks_what_lapsed_and_nothing_else(
    answer: Attempt, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    lapsed = factories.review(answer, peer)
    held = factories.review(answer, second_peer, claimed_at=SOON)
    given = factories.submitted_review(factories.answer(candidate, cohort), peer)

    swept = queue.expire_lapsed(at=LAPSED), queue.expire_lapsed(at=LAPSED)

    assert swept == (1, 0)
    assert [Review.objects.get(pk=r.pk).state for r in (lapsed, held, given)] == [
        "expired",
        "claimed",
        "submitted",
    ]


# Races


@pytest.mark.django_db(transaction=True)
def test_ten_graders_for_one_place_get_exactly_one_grant(
    answer: Attempt, second_peer: User, cohort: Cohort
) -> None:
    factories.submitted_review(answer, second_peer)
    graders = [_member(cohort) for _n in range(10)]

    results = together([partial(queue.claim, by=grader, at=NOW) for grader in graders])

    granted = [result for result in results if isinstance(result, Review)]
    assert len(granted) == 1
    assert {type(result) for result in results} == {Review, queue.NothingToGrade}
    assert Review.objects.count() == 2
    assert Event.objects.filter(verb="claimed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_graders_for_five_answers_get_both_places_of_each(
    candidate: User, cohort: Cohort
) -> None:
    answers = [factories.answer(candidate, cohort) for _n in range(5)]
    graders = [_member(cohort) for _n in range(10)]

    results = together([partial(queue.claim, by=grader, at=NOW) for grader in graders])

    assert {type(result) for result in results} == {Review}
    assert [answer.reviews.count() for answer in answers] == [2] * 5


@pytest.mark.django_db(transaction=True)
def test_ten_tabs_of_one_grader_claim_one_answer(
    candidate: User, cohort: Cohort, peer: User
) -> None:
    for _n in range(3):
        factories.answer(candidate, cohort)

    results = together([partial(queue.claim, by=peer, at=NOW)] * 10)

    assert len({result.pk for result in results}) == 1
    assert Review.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_going_on_with_a_lapsed_review_and_claiming_its_place_fill_one_place(
    answer: Attempt, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.submitted_review(answer, second_peer)
    lapsed = factories.review(answer, peer)
    claims = [partial(queue.claim, by=_member(cohort), at=LAPSED) for _n in range(4)]

    results = together([partial(_write, lapsed, peer, LAPSED), *claims])

    assert places(answer) == 2
    lapsed.refresh_from_db()
    assert lapsed.summary == "Mine."
    assert not isinstance(results[0], Exception)


def _write(review: Review, by: User, at: datetime) -> Review:
    return reviews.save_draft(review=review, draft=Draft(summary="Mine."), version=0, by=by, at=at)
