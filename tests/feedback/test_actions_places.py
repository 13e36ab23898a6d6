"""What an answer wants and has: two places, a third on a split, extras, numbers that change."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from feedback.actions import places, queue, reviews, rules
from feedback.actions.reviews import Draft
from feedback.models import LedgerEntry, Pair, QueueEntry, Review, Standing
from feedback.queries.queue import offered
from loops.models import Attempt, Cohort, Event, Notice, Recording, User
from tests import factories
from tests.factories import DIMENSIONS, LEASE, NOW

LAPSED = NOW + LEASE
MUCH_LATER = NOW + timedelta(days=20)


def whole(rank: int) -> Draft:
    return Draft(
        ratings=dict.fromkeys(DIMENSIONS, rank),
        verdict="yes" if rank >= 2 else "no",
        confidence="fair",
        level_given_rank=rank,
        summary="Typed to the end.",
    )


def mark_all(review: Review) -> Review:
    for dimension in review.attempt.rubric_version.dimensions.order_by("position"):
        factories.evidence(review, dimension)
    return review


def state(answer: Attempt) -> tuple[int, int, int, bool]:
    entry = QueueEntry.objects.get(attempt=answer)
    return entry.wanted, entry.granted, entry.handed_in, entry.is_split


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer that waits for both its graders."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def someone(cohort: Cohort) -> Callable[[], User]:
    """Return a function that lets one more person join."""

    def join() -> User:
        person = factories.person()
        factories.join(cohort, person)
        return person

    return join


Someone = Callable[[], User]


def give(by: User, rank: int = 2) -> Review:
    review = mark_all(queue.claim(by=by, at=NOW))
    return reviews.submit(review=review, draft=whole(rank), version=0, by=by, at=NOW)


# A third reader


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [((2, 2), (2, 2, 2, False)), ((1, 2), (3, 2, 2, True)), ((3, 1), (3, 2, 2, True))],
)
def test_a_split_wants_a_third_reader_and_nothing_else_does(
    answer: Attempt, someone: Someone, ranks: tuple[int, int], expected: tuple[int, int, int, bool]
) -> None:
    for rank in ranks:
        give(someone(), rank)

    assert state(answer) == expected
    third = someone()
    assert bool(offered(third, NOW).items) == expected[3]
    if expected[3]:
        give(third)
        assert state(answer) == (3, 3, 3, True)
        assert offered(someone(), NOW).items == []


def test_two_levels_apart_on_another_dimension_is_no_split(
    answer: Attempt, peer: User, second_peer: User
) -> None:
    factories.submitted_review(answer, peer, rank=2, ranks={"options": 3})
    factories.submitted_review(answer, second_peer, rank=2, ranks={"options": 1})

    assert state(answer) == (2, 2, 2, False)


def test_an_extra_review_is_the_third_reader_of_a_split(
    answer: Attempt, someone: Someone, peer: User
) -> None:
    late = mark_all(queue.claim(by=peer, at=NOW))
    queue.expire_lapsed(at=LAPSED)
    for rank in (2, 2):
        give(someone(), rank)

    handed_in = reviews.submit(review=late, draft=whole(0), version=0, by=peer, at=MUCH_LATER)

    assert handed_in.is_extra
    assert state(answer) == (2, 2, 3, True)
    assert offered(someone(), MUCH_LATER).items == []


def test_an_extra_review_that_splits_what_one_has_in_hand_asks_for_no_fourth(
    answer: Attempt, someone: Someone, peer: User
) -> None:
    late = mark_all(queue.claim(by=peer, at=NOW))
    queue.expire_lapsed(at=LAPSED)
    give(someone(), 3)
    queue.claim(by=someone(), at=NOW)

    reviews.submit(review=late, draft=whole(0), version=0, by=peer, at=NOW + timedelta(minutes=1))

    assert state(answer) == (2, 2, 2, True), "the third reader has it in hand"


# Handing in late: the lease runs, has run out, its place is taken, the answer is complete


@pytest.mark.parametrize(
    ("others", "is_swept", "is_extra"),
    [
        (0, False, False),
        (0, True, False),
        (1, False, False),
        (1, True, False),
        (2, True, True),
    ],
)
@pytest.mark.parametrize("are_in", [False, True])
def test_what_is_handed_in_late_is_taken_and_extra_only_where_no_place_is_left(
    *,
    answer: Attempt,
    someone: Someone,
    peer: User,
    others: int,
    is_swept: bool,
    is_extra: bool,
    are_in: bool,
) -> None:
    late = mark_all(queue.claim(by=peer, at=NOW))
    if is_swept:
        queue.expire_lapsed(at=LAPSED)
    for _n in range(others):
        review = queue.claim(by=someone(), at=LAPSED if is_swept else NOW)
        if are_in:
            mark_all(review)
            reviews.submit(review=review, draft=whole(2), version=0, by=review.grader, at=LAPSED)

    handed_in = reviews.submit(review=late, draft=whole(2), version=0, by=peer, at=LAPSED)

    assert (handed_in.state, handed_in.is_extra) == ("submitted", is_extra)
    assert handed_in.summary == "Typed to the end."
    assert Review.objects.in_results().filter(pk=late.pk).exists()
    assert LedgerEntry.objects.filter(review=late, earner=peer).count() == 1
    assert state(answer)[1] == min(2, others + 1)


def test_a_late_grader_writes_on_where_a_higher_number_has_made_room(
    answer: Attempt, someone: Someone, peer: User, organiser: User, cohort: Cohort
) -> None:
    late = queue.claim(by=peer, at=NOW)
    queue.expire_lapsed(at=LAPSED)
    for _n in range(2):
        queue.claim(by=someone(), at=LAPSED)
    rules.set_rules(cohort=cohort, reviews_wanted=3, requires_unlock=False, by=organiser, at=LAPSED)

    kept = reviews.save_draft(
        review=late, draft=Draft(summary="On."), version=0, by=peer, at=LAPSED
    )

    assert (kept.state, kept.lease_until) == ("draft", LAPSED + LEASE)
    assert state(answer)[:2] == (3, 3)


# A number that changes


def test_a_higher_number_brings_complete_answers_back_and_a_lower_one_takes_nothing_away(
    answer: Attempt, someone: Someone, cohort: Cohort, organiser: User
) -> None:
    def set_number(number: int) -> int:
        return rules.set_rules(
            cohort=cohort, reviews_wanted=number, requires_unlock=False, by=organiser, at=NOW
        )

    for _n in range(2):
        give(someone())
    assert offered(someone(), NOW).items == []

    assert set_number(4) == 1
    assert state(answer) == (4, 2, 2, False)
    held = queue.claim(by=someone(), at=NOW)
    assert held.attempt == answer

    assert set_number(2) == 1
    assert state(answer) == (3, 3, 2, False)
    held.refresh_from_db()
    assert held.state == "claimed"
    assert offered(someone(), NOW).items == []
    queue.release(review=held, by=held.grader, at=NOW)
    assert state(answer) == (2, 2, 2, False)
    assert set_number(2) == 0


def test_one_statement_says_of_all_answers_what_counting_says_of_one(
    candidate: User, cohort: Cohort, someone: Someone, peer: User, organiser: User
) -> None:
    """Fresh, begun, complete, split, and split with an extra; with every number."""
    for ranks in ((), (2,), (2, 2), (1, 3)):
        answer = factories.answer(candidate, cohort)
        for rank in ranks:
            factories.submitted_review(answer, someone(), rank=rank)
    split = factories.answer(candidate, cohort)
    factories.submitted_review(split, someone(), rank=3)
    factories.submitted_review(split, peer, rank=0, is_extra=True)

    for number in (4, 3, 2):
        rules.set_rules(
            cohort=cohort, reviews_wanted=number, requires_unlock=False, by=organiser, at=NOW
        )
        at_once = list(QueueEntry.objects.order_by("pk").values())
        for attempt in Attempt.objects.all():
            places.settle(attempt=attempt, at=NOW)
        assert list(QueueEntry.objects.order_by("pk").values()) == at_once


# What cannot be graded


@pytest.mark.parametrize("recording", ["processing", "failed"])
def test_an_answer_without_a_recording_to_play_is_not_offered_and_keeps_its_claims(
    answer: Attempt, peer: User, second_peer: User, recording: str
) -> None:
    held = queue.claim(by=peer, at=NOW)
    Recording.objects.update(state=recording)
    places.settle(attempt=answer, at=NOW)

    assert offered(second_peer, NOW).items == []
    held.refresh_from_db()
    assert held.state == "claimed"


def test_an_erased_recording_ends_claims_with_words_and_a_credit(
    answer: Attempt, candidate: User, peer: User, second_peer: User
) -> None:
    held = queue.claim(by=peer, at=NOW)
    reviews.save_draft(review=held, draft=Draft(summary="Half."), version=0, by=peer, at=NOW)
    lapsed_empty = factories.review(answer, second_peer, state="expired")
    Recording.objects.update(state="erased")

    places.settle(attempt=answer, at=NOW)
    places.settle(attempt=answer, at=NOW)

    held.refresh_from_db()
    lapsed_empty.refresh_from_db()
    assert (held.state, held.summary, lapsed_empty.state) == ("void", "Half.", "void")
    told = Notice.objects.get(kind=Notice.Kind.CLAIM_VOIDED)
    assert told.person == peer
    assert {one.member: one.credit for one in Standing.objects.all()} == {peer: 1, candidate: -1}
    assert Event.objects.filter(verb="voided").count() == 2
    with pytest.raises(queue.RecordingGone):
        reviews.save_draft(review=held, draft=Draft(summary="On."), version=1, by=peer, at=NOW)


@pytest.mark.parametrize("let_go", [True, False])
def test_a_draft_that_lapsed_before_is_voided_and_nobody_pays_for_it(
    answer: Attempt, peer: User, let_go: bool
) -> None:
    lapsed = factories.review(
        answer, peer, state="expired" if let_go else "draft", drafted_at=NOW, summary="Half."
    )
    Recording.objects.update(state="erased")

    places.settle(attempt=answer, at=lapsed.lease_until)

    lapsed.refresh_from_db()
    told = Notice.objects.get(kind=Notice.Kind.CLAIM_VOIDED)
    assert (lapsed.state, lapsed.summary) == ("void", "Half.")
    assert (told.person, told.data["is_paid"], told.data["why"]) == (peer, False, "erased")
    assert not LedgerEntry.objects.exists()
    assert not Standing.objects.exists()


# From before there were entries


def test_answers_of_before_are_settled_paid_and_remembered_once(
    answer: Attempt, candidate: User, peer: User, second_peer: User
) -> None:
    for grader in (peer, second_peer):
        factories.submitted_review(answer, grader)
    QueueEntry.objects.all().delete()

    settled = places.settle_missing(at=MUCH_LATER), places.settle_missing(at=MUCH_LATER)

    assert settled == (1, 0)
    assert state(answer) == (2, 2, 2, False)
    credits = {one.member: one.credit for one in Standing.objects.all()}
    assert credits == {peer: 1, second_peer: 1, candidate: -2}
    assert Pair.objects.count() == 2
    assert {pair.last_at for pair in Pair.objects.all()} == {NOW + timedelta(minutes=30)}
