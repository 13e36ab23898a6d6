"""Phases, rungs and whys: marked once each, stamped in a mock, and the lease renewed by work."""

from datetime import timedelta
from uuid import uuid4

import pytest

from feedback.actions import moments as actions
from feedback.actions.moments import Press
from feedback.actions.queue import ReviewClosed
from feedback.actions.reviews import BeyondTheEnd, NotLive
from feedback.actions.stamps import place_all_stamps, place_stamps
from feedback.models import Moment, Review
from loops.models import Attempt, Cohort, User
from rubrics.models import RubricVersion
from tests import factories
from tests.factories import LEASE, NOW

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=20)
NEXT = Press("phase")


@pytest.fixture
def review(candidate: User, peer: User, cohort: Cohort) -> Review:
    """A review of an answer of ten minutes, whose guide has two phases."""
    return factories.review(factories.answer(candidate, cohort), peer)


@pytest.fixture
def deep(candidate: User, peer: User, cohort: Cohort) -> Review:
    """A review by a rubric with a depth ladder and a why-chain."""
    factories.edition("deep_dive", is_deep=True)
    return factories.review(factories.answer(candidate, cohort, kind="deep_dive"), peer)


def mark(review: Review, press: Press, at_ms: int) -> Moment:
    return actions.mark_moment(review=review, press=press, at_ms=at_ms, by=review.grader, at=LATER)


def kept(review: Review) -> list[tuple[str, int, int | None]]:
    return [*review.moments.order_by("at_ms", "pk").values_list("kind", "key", "at_ms")]


def test_the_next_phase_follows_the_one_before_and_the_same_twice_is_one(review: Review) -> None:
    mark(review, NEXT, 0)
    again = mark(review, NEXT, 0)
    second = mark(review, NEXT, 200_000)

    assert again == review.moments.get(at_ms=0)
    assert mark(review, NEXT, 200_000) == second
    assert kept(review) == [("phase", 1, 0), ("phase", 2, 200_000)]


def test_after_the_last_phase_there_is_none_to_begin(review: Review) -> None:
    mark(review, Press("phase", 2), 100_000)

    with pytest.raises(actions.NothingAhead):
        mark(review, NEXT, 200_000)
    mark(review, NEXT, 50_000)  # before it there is one

    assert kept(review) == [("phase", 1, 50_000), ("phase", 2, 100_000)]


def test_another_phase_at_the_same_time_takes_the_place_of_the_first(review: Review) -> None:
    mark(review, Press("phase", 1), 60_000)
    mark(review, Press("phase", 2), 60_000)

    assert kept(review) == [("phase", 2, 60_000)]


def test_marking_renews_the_lease_and_counts_as_work(review: Review) -> None:
    mark(review, NEXT, 0)

    review.refresh_from_db()
    assert review.lease_until == LATER + LEASE
    assert review.drafted_at == LATER
    assert review.state == Review.State.DRAFT


def test_beyond_the_end_nothing_begins(review: Review) -> None:
    with pytest.raises(BeyondTheEnd):
        mark(review, NEXT, 602_000)

    assert kept(review) == []


@pytest.mark.parametrize(
    "press", [Press("phase", 3), Press("rung", 2), Press("why"), Press("why", is_new_line=True)]
)
def test_what_the_rubric_does_not_have_is_refused(review: Review, press: Press) -> None:
    with pytest.raises(actions.NotInRubric):
        mark(review, press, 1000)

    assert kept(review) == []


def test_rungs_and_whys_where_the_rubric_has_them(deep: Review) -> None:
    mark(deep, Press("rung", 1), 1000)
    mark(deep, Press("rung", 3), 5000)
    for at_ms in (10_000, 20_000):
        mark(deep, Press("why"), at_ms)
    mark(deep, Press("why", is_new_line=True), 30_000)
    mark(deep, Press("why", is_new_line=True), 30_000)
    mark(deep, Press("why"), 40_000)
    mark(deep, Press("why"), 15_000)

    assert kept(deep) == [
        ("rung", 1, 1000),
        ("rung", 3, 5000),
        ("why", 1, 10_000),
        ("why", 1, 15_000),
        ("why", 1, 20_000),
        ("why", 2, 30_000),
        ("why", 2, 40_000),
    ]


def test_a_removed_one_comes_back_as_it_was(deep: Review) -> None:
    mark(deep, Press("why", is_new_line=True), 10_000)
    second = mark(deep, Press("why", is_new_line=True), 20_000)

    actions.remove_moment(moment=second, by=deep.grader, at=LATER)
    mark(deep, Press("why", second.key), 20_000)

    assert kept(deep) == [("why", 1, 10_000), ("why", 2, 20_000)]


@pytest.mark.parametrize("state", [Review.State.SUBMITTED, Review.State.VOID])
def test_a_closed_review_takes_and_loses_no_moment(
    candidate: User, peer: User, cohort: Cohort, state: str
) -> None:
    closed = factories.submitted_review(factories.answer(candidate, cohort), peer, state=state)
    moment = closed.moments.create(kind="phase", key=1, at_ms=0, marked_at=NOW)

    with pytest.raises(ReviewClosed):
        mark(closed, NEXT, 1000)
    with pytest.raises(ReviewClosed):
        actions.remove_moment(moment=moment, by=peer, at=LATER)
    with pytest.raises(ReviewClosed):
        actions.keep_alive(review=closed, by=peer, at=LATER)
    assert kept(closed) == [("phase", 1, 0)]


# In a mock


@pytest.fixture
def live(candidate: User, peer: User, cohort: Cohort) -> Review:
    """The interviewer's review of a mock that has just begun."""
    loop = factories.loop(candidate, cohort)
    answer = factories.attempt(
        loop.rounds.get(), kind=Attempt.Kind.LIVE, state=Attempt.State.DRAFT, started_at=NOW
    )
    return factories.review(answer, peer, is_live=True)


def stamp(
    review: Review, press: Press, minute: float, *, age_s: int = 0, key: object = None
) -> Moment:
    instant = NOW + timedelta(minutes=minute)
    return actions.stamp_moment(
        review=review,
        stamp_id=key or uuid4(),  # type: ignore[arg-type]
        press=press,
        by=review.grader,
        at=instant + timedelta(seconds=age_s),
        age=timedelta(seconds=age_s),
    )


def test_a_stamp_keeps_its_instant_and_is_one_however_often_it_is_sent(live: Review) -> None:
    key = uuid4()
    first = stamp(live, NEXT, 0.5, key=key)
    again = stamp(live, NEXT, 0.5, age_s=40, key=key)
    second = stamp(live, NEXT, 8, age_s=90)

    assert first == again
    assert [(one.key, one.stamped_at, one.at_ms) for one in live.moments.order_by("pk")] == [
        (1, NOW + timedelta(minutes=0.5), None),
        (2, NOW + timedelta(minutes=8), None),
    ]
    assert second.key == 2


def test_a_stamp_needs_a_mock(review: Review) -> None:
    with pytest.raises(NotLive):
        stamp(review, NEXT, 1)


def test_stamps_get_their_place_with_the_recording(live: Review) -> None:
    stamp(live, NEXT, 1)
    stamp(live, NEXT, 5)
    Attempt.objects.filter(pk=live.attempt_id).update(
        state="submitted", submitted_at=LATER, predicted_rank=2, energy=0
    )
    factories.recording(
        Attempt.objects.get(pk=live.attempt_id), started_at=NOW + timedelta(minutes=2)
    )

    assert place_all_stamps() == 2
    assert place_all_stamps() == 0
    assert place_stamps(review=live) == 0

    assert kept(live) == [("phase", 1, 0), ("phase", 2, 180_000)]


# The lease


def test_playing_renews_the_lease_and_writes_nothing(review: Review) -> None:
    actions.keep_alive(review=review, by=review.grader, at=LATER)

    review.refresh_from_db()
    assert review.lease_until == LATER + LEASE
    assert (review.draft_version, review.drafted_at) == (0, None)


def test_a_lease_whose_place_was_given_away_stays_lapsed(
    review: Review, second_peer: User, organiser: User
) -> None:
    Review.objects.filter(pk=review.pk).update(state=Review.State.EXPIRED)
    for other in (second_peer, organiser):
        factories.review(review.attempt, other, claimed_at=LATER)

    kept_alive = actions.keep_alive(review=review, by=review.grader, at=LATER)

    assert kept_alive.state == Review.State.EXPIRED
    assert kept_alive.is_lapsed(LATER)


def test_the_factory_has_the_guide_these_tests_speak_of() -> None:
    version: RubricVersion = factories.edition()

    assert [*version.phases.order_by("position").values_list("minutes", flat=True)] == [15, 30]
