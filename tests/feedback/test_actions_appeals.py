"""Appeals of results: made once, handled by one at a time, answered; the first reviews stay."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from feedback.actions import appeals, queue, reports, reviews, withdrawal
from feedback.actions.appeals import (
    AnsweredAlready,
    AppealedAlready,
    AppealOver,
    AppealTooLate,
    InAnothersHands,
    NotForYou,
    NothingToLookAt,
    NotOpenedYet,
    OneInHand,
    OutsideRecording,
    ReviewComesFirst,
)
from feedback.actions.reviews import Draft
from feedback.models import (
    Conflict,
    GradeAppeal,
    LedgerEntry,
    Rating,
    Report,
    Review,
    Standing,
    Unlock,
)
from feedback.queries.appeals import (
    ANSWER_WITHIN,
    Stage,
    appeal_for_results,
    appeal_for_review,
    appeals_to_handle,
    handlings,
)
from feedback.queries.ratings import ratings_of
from loops.models import Attempt, Cohort, Notice, Recording, User
from tests import factories
from tests.factories import DIMENSIONS, LEASE, NOW
from tests.threads import together

TEXT = "At 2:30 I say who is hurt and leave the rest out on purpose. " * 2
ANSWER = "At 2:30 you do name who is hurt; I give discovery one level more."
DAY = timedelta(days=1)
SOON = NOW + timedelta(hours=1)


@pytest.fixture
def attempt(candidate: User, cohort: Cohort, peer: User, second_peer: User) -> Attempt:
    """An answer with two reviews of L5, which its candidate has opened."""
    made = factories.answer(candidate, cohort)
    for grader in (peer, second_peer):
        factories.submitted_review(made, grader, rank=1)
    factories.open_reviews(made)
    return made


@pytest.fixture
def reader(cohort: Cohort) -> User:
    """A member who has not seen the answer."""
    return member(cohort, "reader-107")


@pytest.fixture
def other(cohort: Cohort) -> User:
    """One more of them."""
    return member(cohort, "other-108")


@pytest.fixture
def made(attempt: Attempt) -> GradeAppeal:
    """The appeal of the answer."""
    return factories.grade_appeal(attempt, made_at=SOON)


def member(cohort: Cohort, handle: str = "") -> User:
    person = factories.person(handle)
    factories.join(cohort, person)
    return person


def appeal(attempt: Attempt, **facts: Any) -> GradeAppeal:
    facts = {"text": TEXT, "start_ms": 150_000, "end_ms": 270_000, "at": SOON, **facts}
    return appeals.appeal(attempt=attempt, by=attempt.round.loop.member, **facts)


def stage(made: GradeAppeal, at: Any) -> Stage:
    reader = made.attempt.round.loop.member
    return handlings(GradeAppeal.objects.filter(pk=made.pk), reader, at)[0].stage


def hand_in(review: Review, at: Any, rank: int = 2) -> Review:
    """Hand a review in with a mark for each dimension."""
    for dimension in review.attempt.rubric_version.dimensions.all():
        factories.evidence(review, dimension)
    draft = Draft(
        ratings=dict.fromkeys(DIMENSIONS, rank),
        verdict="yes" if rank > 1 else "no",
        confidence="fair",
        level_given_rank=rank,
    )
    version = Review.objects.get(pk=review.pk).draft_version
    return reviews.submit(review=review, draft=draft, version=version, by=review.grader, at=at)


def told(kind: Notice.Kind) -> set[str]:
    return set(Notice.objects.filter(kind=kind).values_list("person__handle", flat=True))


# Making one


def test_an_appeal_is_told_to_those_who_may_handle_it(
    attempt: Attempt, reader: User, other: User, outsider: User
) -> None:
    made = appeal(attempt)

    assert (made.text, made.start_ms, made.end_ms) == (TEXT, 150_000, 270_000)
    assert told(Notice.Kind.GRADE_APPEAL) == {"reader-107", "other-108"}
    data = Notice.objects.filter(kind=Notice.Kind.GRADE_APPEAL).values_list("data", flat=True)[0]
    assert data == {"appeal": str(made.public_id), "round": attempt.round.title}


def test_the_same_appeal_twice_is_one_and_another_is_refused(
    attempt: Attempt, reader: User
) -> None:
    first = appeal(attempt)

    assert appeal(attempt, at=SOON + DAY) == first
    with pytest.raises(AppealedAlready):
        appeal(attempt, text=TEXT + "And more.")
    assert GradeAppeal.objects.get().text == TEXT
    assert Notice.objects.filter(kind=Notice.Kind.GRADE_APPEAL).count() == 1


def test_an_appeal_waits_until_the_reviews_are_opened(
    candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    answer = factories.answer(candidate, cohort)
    factories.submitted_review(answer, peer)
    with pytest.raises(NotOpenedYet):
        appeal(answer)
    factories.submitted_review(answer, second_peer)
    with pytest.raises(NotOpenedYet):
        appeal(answer)
    factories.open_reviews(answer)
    assert appeal(answer).pk


def test_an_appeal_is_possible_for_30_days_from_the_newest_review(
    attempt: Attempt, reader: User
) -> None:
    newest = attempt.reviews.order_by("submitted_at").last()
    assert newest
    assert newest.submitted_at
    with pytest.raises(AppealTooLate):
        appeal(attempt, at=newest.submitted_at + 30 * DAY)
    assert not appeal_for_results(attempt, newest.submitted_at + 30 * DAY).may_appeal
    assert appeal(attempt, at=newest.submitted_at + 29 * DAY).pk


def test_the_part_to_look_at_lies_in_the_recording(attempt: Attempt) -> None:
    with pytest.raises(OutsideRecording):
        appeal(attempt, end_ms=602_000)
    assert appeal(attempt, end_ms=600_000).pk


def test_nothing_is_appealed_that_nobody_could_look_at(attempt: Attempt, peer: User) -> None:
    Recording.objects.filter(attempt=attempt).update(state="erased")
    with pytest.raises(NothingToLookAt):
        appeal(attempt)
    Recording.objects.filter(attempt=attempt).update(state="ready")
    Report.objects.create(
        review=attempt.reviews.get(grader=peer), kind=Report.Kind.UNUSABLE, made_at=NOW
    )
    factories.in_queue(attempt)
    with pytest.raises(NothingToLookAt):
        appeal(attempt)
    assert not appeal_for_results(attempt, SOON).may_appeal


def test_who_is_told_has_no_conflict_and_is_trained_where_anybody_is(
    attempt: Attempt, candidate: User, reader: User, other: User, cohort: Cohort
) -> None:
    apart = member(cohort, "apart-109")
    Conflict.objects.create(declared_by=candidate, other=apart, declared_at=NOW)
    kind = attempt.round.round_kind
    for person in (reader, apart):
        Unlock.objects.create(member=person, round_kind=kind, at=NOW)
    appeal(attempt)
    assert told(Notice.Kind.GRADE_APPEAL) == {"reader-107"}

    appeals.tell_handlers(at=SOON + timedelta(hours=47))
    assert told(Notice.Kind.GRADE_APPEAL) == {"reader-107"}
    assert appeals.tell_handlers(at=SOON + timedelta(hours=48)) == 1
    assert appeals.tell_handlers(at=SOON + timedelta(hours=49)) == 0
    assert told(Notice.Kind.GRADE_APPEAL) == {"reader-107", "other-108"}


def test_who_joins_later_is_told_later(attempt: Attempt, cohort: Cohort) -> None:
    appeal(attempt)
    assert told(Notice.Kind.GRADE_APPEAL) == set()
    member(cohort, "late-110")
    assert appeals.tell_handlers(at=SOON + DAY) == 1
    assert told(Notice.Kind.GRADE_APPEAL) == {"late-110"}


@pytest.mark.parametrize(
    ("facts", "is_one"),
    [
        ({"state": "released", "drafted_at": None}, True),
        ({"state": "expired", "drafted_at": None}, True),
        ({"state": "claimed", "drafted_at": None, "lease_until": SOON}, True),
        ({"state": "released", "drafted_at": NOW}, False),
        ({"state": "expired", "drafted_at": NOW}, False),
        ({"state": "claimed", "lease_until": SOON + DAY}, False),
        ({"state": "draft", "drafted_at": NOW, "lease_until": SOON}, False),
        ({"state": "void", "drafted_at": None}, False),
    ],
)
def test_who_has_written_a_word_has_seen_it(
    attempt: Attempt, reader: User, facts: dict[str, Any], is_one: bool
) -> None:
    factories.review(attempt, reader, **facts)
    appeal(attempt)
    assert told(Notice.Kind.GRADE_APPEAL) == ({"reader-107"} if is_one else set())


# Taking it


def test_taking_opens_a_review_for_the_appeal(made: GradeAppeal, reader: User) -> None:
    review = appeals.take(appeal=made, by=reader, at=SOON)

    made.refresh_from_db()
    assert made.review == review
    assert (review.purpose, review.state, review.grader) == ("appeal", "claimed", reader)
    assert review.lease_until == SOON + LEASE
    assert review.is_untrained
    assert stage(made, SOON) is Stage.IN_HAND
    entry = made.attempt.queue_entry
    entry.refresh_from_db()
    assert (entry.granted, entry.wanted) == (2, 2)
    assert appeals.take(appeal=made, by=reader, at=SOON + LEASE / 2) == review


def test_a_trained_handlers_review_is_not_marked(made: GradeAppeal, reader: User) -> None:
    Unlock.objects.create(member=reader, round_kind=made.attempt.round.round_kind, at=NOW)
    assert not appeals.take(appeal=made, by=reader, at=SOON).is_untrained


def test_one_handler_at_a_time(made: GradeAppeal, reader: User, other: User) -> None:
    first = appeals.take(appeal=made, by=reader, at=SOON)
    with pytest.raises(InAnothersHands):
        appeals.take(appeal=made, by=other, at=SOON + LEASE - timedelta(seconds=1))

    second = appeals.take(appeal=made, by=other, at=SOON + LEASE)
    made.refresh_from_db()
    first.refresh_from_db()
    assert (made.review, second.grader) == (second, other)
    assert (first.state, first.purpose) == ("expired", "peer")
    with pytest.raises((InAnothersHands, NotForYou)):
        appeals.take(appeal=made, by=reader, at=SOON + LEASE)


def test_a_lease_of_an_appeal_is_renewed_by_work(
    made: GradeAppeal, reader: User, other: User
) -> None:
    review = appeals.take(appeal=made, by=reader, at=SOON)
    reviews.save_draft(
        review=review, draft=Draft(summary="So far"), version=0, by=reader, at=SOON + LEASE / 2
    )
    with pytest.raises(InAnothersHands):
        appeals.take(appeal=made, by=other, at=SOON + LEASE)
    queue.expire_lapsed(at=SOON + 2 * LEASE)
    assert stage(made, SOON + 2 * LEASE) is Stage.OPEN
    review.refresh_from_db()
    assert appeals.take(appeal=made, by=reader, at=SOON + 2 * LEASE) == review
    assert Review.objects.get(pk=review.pk).summary == "So far"


def test_what_is_put_back_another_may_take(made: GradeAppeal, reader: User, other: User) -> None:
    first = appeals.take(appeal=made, by=reader, at=SOON)
    queue.release(review=first, by=reader, at=SOON)
    assert stage(made, SOON) is Stage.OPEN
    second = appeals.take(appeal=made, by=other, at=SOON)
    first.refresh_from_db()
    made.refresh_from_db()
    assert (first.state, first.purpose, made.review) == ("released", "peer", second)


def test_the_former_handlers_late_review_counts_and_answers_nothing(
    made: GradeAppeal, reader: User, other: User
) -> None:
    first = appeals.take(appeal=made, by=reader, at=SOON)
    late = SOON + LEASE + timedelta(minutes=5)
    second = appeals.take(appeal=made, by=other, at=late)

    first = hand_in(first, at=late)
    assert (first.state, first.purpose, first.is_extra) == ("submitted", "peer", True)
    assert first in Review.objects.in_results()
    with pytest.raises((InAnothersHands, ReviewComesFirst)):
        appeals.answer(appeal=made, outcome="higher", text=ANSWER, by=reader, at=late)
    hand_in(second, at=late)
    appeals.answer(appeal=made, outcome="higher", text=ANSWER, by=other, at=late)
    made.refresh_from_db()
    assert made.review == second


def test_one_answer_at_a_time_for_handlers_too(
    made: GradeAppeal, reader: User, cohort: Cohort, organiser: User
) -> None:
    held = factories.review(factories.answer(organiser, cohort), reader, claimed_at=SOON)
    with pytest.raises(OneInHand):
        appeals.take(appeal=made, by=reader, at=SOON)
    assert GradeAppeal.objects.get().review is None
    queue.release(review=held, by=reader, at=SOON)
    review = appeals.take(appeal=made, by=reader, at=SOON)
    assert queue.claim(by=reader, at=SOON) == review


@pytest.mark.parametrize("who", ["peer", "candidate"])
def test_who_has_seen_it_cannot_take_it(
    made: GradeAppeal, who: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(NotForYou):
        appeals.take(appeal=made, by=request.getfixturevalue(who), at=SOON)


def test_a_peer_review_put_back_unread_becomes_the_appeals(made: GradeAppeal, reader: User) -> None:
    before = factories.review(made.attempt, reader, state="released")
    review = appeals.take(appeal=made, by=reader, at=SOON)
    assert (review.pk, review.purpose, review.state) == (before.pk, "appeal", "claimed")


def test_a_peer_review_that_comes_meanwhile_changes_nothing(
    made: GradeAppeal, reader: User, other: User
) -> None:
    review = appeals.take(appeal=made, by=reader, at=SOON)
    factories.submitted_review(made.attempt, other, rank=1, is_extra=True, submitted_at=SOON)
    made.refresh_from_db()
    assert made.review == review
    assert stage(made, SOON) is Stage.IN_HAND
    hand_in(review, at=SOON)
    appeals.answer(appeal=made, outcome="same", text=ANSWER, by=reader, at=SOON)
    assert stage(made, SOON) is Stage.ANSWERED


# Answering it


def test_the_review_comes_first_then_the_answer(
    made: GradeAppeal, reader: User, candidate: User
) -> None:
    review = appeals.take(appeal=made, by=reader, at=SOON)
    with pytest.raises(ReviewComesFirst):
        appeals.answer(appeal=made, outcome="higher", text=ANSWER, by=reader, at=SOON)
    hand_in(review, at=SOON)
    assert stage(made, SOON) is Stage.READ

    answered = appeals.answer(appeal=made, outcome="higher", text=ANSWER, by=reader, at=SOON)
    again = appeals.answer(appeal=made, outcome="higher", text=ANSWER, by=reader, at=SOON + DAY)
    assert answered == again
    assert again.answered_at == SOON
    with pytest.raises(AnsweredAlready):
        appeals.answer(appeal=made, outcome="same", text=ANSWER, by=reader, at=SOON)
    notice = Notice.objects.get(kind=Notice.Kind.GRADE_ANSWERED)
    assert notice.person == candidate
    assert notice.data["attempt"] == str(made.attempt.public_id)


def test_the_first_reviews_stay_and_the_new_one_counts(
    made: GradeAppeal, reader: User, candidate: User, cohort: Cohort
) -> None:
    before = list(Rating.objects.order_by("pk").values_list("review_id", "dimension_id", "rank"))
    kind = made.attempt.round.round_kind
    review = appeals.take(appeal=made, by=reader, at=SOON)
    hand_in(review, at=SOON, rank=3)
    appeals.answer(appeal=made, outcome="higher", text=ANSWER, by=reader, at=SOON)

    factories.open_reviews(made.attempt)
    after = Rating.objects.exclude(review=review).order_by("pk")
    assert list(after.values_list("review_id", "dimension_id", "rank")) == before
    assert {o.rank for o in ratings_of(kind, SOON).observations if o.grader == reader.pk} == {3}
    paid = LedgerEntry.objects.get(review=review)
    assert (paid.earner, paid.giver) == (reader, candidate)
    assert Standing.objects.get(cohort=cohort, member=reader).credit == 1
    entry = made.attempt.queue_entry
    entry.refresh_from_db()
    assert (entry.wanted, entry.granted, entry.is_split) == (2, 2, False)


def test_a_handler_who_never_answers_makes_room_after_three_days(
    made: GradeAppeal, reader: User, other: User
) -> None:
    first = hand_in(appeals.take(appeal=made, by=reader, at=SOON), at=SOON)
    with pytest.raises(InAnothersHands):
        appeals.take(appeal=made, by=other, at=SOON + ANSWER_WITHIN - timedelta(seconds=1))
    late = SOON + ANSWER_WITHIN
    assert handlings(GradeAppeal.objects.all(), reader, late)[0].may_answer
    second = appeals.take(appeal=made, by=other, at=late)
    made.refresh_from_db()
    first.refresh_from_db()
    assert made.review == second
    assert (first.state, first.purpose) == ("submitted", "appeal")
    with pytest.raises(InAnothersHands):
        appeals.answer(appeal=made, outcome="same", text=ANSWER, by=reader, at=late)


def test_taking_an_answer_back_closes_its_appeal(
    made: GradeAppeal, reader: User, other: User, candidate: User
) -> None:
    review = appeals.take(appeal=made, by=reader, at=SOON)
    withdrawal.withdraw(attempt=made.attempt, by=candidate, at=SOON)

    review.refresh_from_db()
    assert review.state == "void"
    assert stage(made, SOON) is Stage.CLOSED
    for person in (reader, other):
        assert appeals_to_handle(person, SOON) == []
        with pytest.raises(AppealOver):
            appeals.take(appeal=made, by=person, at=SOON)
    assert appeals.tell_handlers(at=SOON) == 0


def test_a_report_closes_an_appeal_until_it_is_contested(
    made: GradeAppeal, reader: User, other: User
) -> None:
    review = appeals.take(appeal=made, by=reader, at=SOON)
    third = factories.review(made.attempt, other, claimed_at=SOON)
    reports.report(review=third, kind=Report.Kind.UNUSABLE, by=other, at=SOON)
    review.refresh_from_db()
    assert review.state == "void"
    assert stage(made, SOON) is Stage.CLOSED
    reports.contest(attempt=made.attempt, by=made.attempt.round.loop.member, at=SOON)
    assert stage(made, SOON) is Stage.OPEN
    assert appeals.take(appeal=made, by=reader, at=SOON) == review


def test_an_erased_recording_closes_what_nobody_has_read(made: GradeAppeal, reader: User) -> None:
    review = hand_in(appeals.take(appeal=made, by=reader, at=SOON), at=SOON)
    Recording.objects.update(state="erased")
    assert stage(made, SOON) is Stage.READ
    Review.objects.filter(pk=review.pk).update(state="void")
    assert stage(made, SOON) is Stage.CLOSED


# What each is shown


def test_open_appeals_are_listed_to_who_may_take_them(
    made: GradeAppeal, reader: User, other: User, peer: User, outsider: User
) -> None:
    assert [one.may_take for one in appeals_to_handle(reader, SOON)] == [True]
    for person in (peer, made.attempt.round.loop.member, outsider):
        assert appeals_to_handle(person, SOON) == []
    appeals.take(appeal=made, by=reader, at=SOON)
    [mine], [theirs] = appeals_to_handle(reader, SOON), appeals_to_handle(other, SOON)
    assert (mine.is_handler, mine.stage, theirs.stage) == (True, Stage.IN_HAND, Stage.IN_HAND)
    assert not theirs.may_take


def test_the_list_costs_one_query_however_long(
    made: GradeAppeal,
    reader: User,
    organiser: User,
    cohort: Cohort,
    django_assert_num_queries: Any,
) -> None:
    for _ in range(3):
        factories.grade_appeal(factories.answer(organiser, cohort))
    with django_assert_num_queries(1):
        assert len(appeals_to_handle(reader, SOON)) == 4


def test_the_candidate_reads_the_answer_once_they_have_opened_the_review(
    made: GradeAppeal, reader: User
) -> None:
    at = SOON
    assert appeal_for_results(made.attempt, at).stage is Stage.OPEN
    hand_in(appeals.take(appeal=made, by=reader, at=at), at=at)
    appeals.answer(appeal=made, outcome="higher", text=ANSWER, by=reader, at=at)
    shut = appeal_for_results(made.attempt, at)
    assert (shut.is_to_open, shut.handler) == (True, "")
    factories.open_reviews(made.attempt)
    read = appeal_for_results(made.attempt, at)
    assert (read.is_to_open, read.handler, read.span) == (False, "reader-107", "2:30–4:30")


def test_only_the_handlers_review_has_an_errand(
    made: GradeAppeal, reader: User, peer: User, django_assert_num_queries: Any
) -> None:
    review = appeals.take(appeal=made, by=reader, at=SOON)
    errand = appeal_for_review(review)
    assert errand is not None
    assert errand.span == "2:30–4:30"
    another = made.attempt.reviews.get(grader=peer)
    with django_assert_num_queries(0):
        assert appeal_for_review(another) is None


# Invariants and races


@pytest.mark.parametrize(
    "facts",
    [
        {"start_ms": 5, "end_ms": 5},
        {"outcome": "higher"},
        {"outcome": "higher", "answered_at": NOW},
        {"answered_at": NOW},
    ],
)
def test_the_database_keeps_an_appeal_whole(attempt: Attempt, facts: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.grade_appeal(attempt, **facts)


def test_the_database_keeps_one_appeal_a_result(made: GradeAppeal) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.grade_appeal(made.attempt)


@pytest.mark.django_db(transaction=True)
def test_two_who_take_one_appeal_at_once(
    made: GradeAppeal, cohort: Cohort, reader: User, other: User
) -> None:
    people = [reader, other, *(member(cohort) for _ in range(4))]
    results = together([partial(appeals.take, appeal=made, by=one, at=SOON) for one in people])

    taken = [one for one in results if isinstance(one, Review)]
    refused = [one for one in results if isinstance(one, InAnothersHands)]
    assert (len(taken), len(refused)) == (1, 5), results
    made.refresh_from_db()
    assert made.review == taken[0]
    assert Review.objects.filter(purpose=Review.Purpose.APPEAL).count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_appeal_sent_ten_times_at_once(attempt: Attempt, reader: User) -> None:
    results = together([partial(appeal, attempt)] * 10)
    assert {one.pk for one in results} == {GradeAppeal.objects.get().pk}
    assert Notice.objects.filter(kind=Notice.Kind.GRADE_APPEAL).count() == 1
