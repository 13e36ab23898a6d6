"""Snapshots: what goes in, that the same ratings make one, and that a killed fit leaves nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from feedback.actions import calibration
from feedback.actions.calibration import calibrate_round_kind
from feedback.models import AttemptMeasure, DimensionMeasure, GraderMeasure, Review, Snapshot
from loops.models import Attempt, Cohort, User
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(hours=1)
TWO_DAYS_ON = NOW + timedelta(hours=48)


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer nobody has graded yet."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def revealed(answer: Attempt, peer: User, second_peer: User) -> Attempt:
    """The answer with both its reviews in and opened, one level apart."""
    factories.submitted_review(answer, peer, rank=1)
    factories.submitted_review(answer, second_peer, rank=2)
    factories.open_reviews(answer)
    return answer


def fit(at: Any = LATER) -> Snapshot | None:
    return calibrate_round_kind(round_kind=factories.round_kind(), at=at)


# What goes in


def test_nothing_is_made_without_a_revealed_review(answer: Attempt, peer: User) -> None:
    factories.submitted_review(answer, peer)

    assert fit() is None
    assert not Snapshot.objects.exists()


def test_a_snapshot_holds_every_attempt_grader_and_dimension(
    revealed: Attempt, peer: User, second_peer: User
) -> None:
    snapshot = fit()

    assert snapshot is not None
    assert (snapshot.made_at, snapshot.reviews, snapshot.ratings) == (LATER, 2, 8)
    measure = snapshot.attempts.get()
    assert (measure.attempt, measure.graders) == (revealed, 2)
    assert measure.low < measure.level < measure.high
    assert measure.level == pytest.approx(2.0)  # halfway between the middles of L5 and L6
    assert set(snapshot.graders.values_list("grader", flat=True)) == {peer.pk, second_peer.pk}
    assert set(snapshot.dimensions.values_list("dimension_key", flat=True)) == set(
        factories.DIMENSIONS
    )


def test_the_stricter_grader_has_the_higher_severity(
    revealed: Attempt, peer: User, second_peer: User
) -> None:
    snapshot = fit()

    assert snapshot is not None
    severities = dict(snapshot.graders.values_list("grader", "severity_levels"))
    assert severities[peer.pk] > 0 > severities[second_peer.pk]


def test_an_attempt_that_is_not_revealed_moves_nothing(
    revealed: Attempt, candidate: User, cohort: Cohort, peer: User
) -> None:
    before = fit()
    waiting = factories.answer(candidate, cohort)
    factories.submitted_review(waiting, peer, rank=0)

    after = fit(LATER + timedelta(minutes=1))

    assert after == before
    assert Snapshot.objects.count() == 1
    assert not AttemptMeasure.objects.filter(attempt=waiting).exists()


def test_a_review_waits_until_its_candidate_has_opened_it(
    answer: Attempt, peer: User, second_peer: User, organiser: User
) -> None:
    """Else the severity of its grader, and older results with it, would tell of its levels."""
    factories.submitted_review(answer, peer)
    factories.submitted_review(answer, second_peer)
    shut = fit()
    factories.open_reviews(answer)
    opened = fit()
    factories.submitted_review(answer, organiser, rank=0)
    with_a_third = fit(LATER + timedelta(minutes=1))

    assert shut is None
    assert opened is not None
    assert with_a_third == opened


def test_a_review_of_an_answer_taken_back_stays_a_fact(
    answer: Attempt, peer: User, second_peer: User
) -> None:
    factories.submitted_review(answer, peer)
    factories.submitted_review(answer, second_peer)
    Attempt.objects.filter(pk=answer.pk).update(state=Attempt.State.WITHDRAWN)

    snapshot = fit()

    assert snapshot is not None
    assert snapshot.reviews == 2


def test_a_lone_review_goes_in_once_48_hours_have_passed(answer: Attempt, peer: User) -> None:
    factories.submitted_review(answer, peer)
    factories.open_reviews(answer)

    assert fit(TWO_DAYS_ON - timedelta(seconds=1)) is None
    snapshot = fit(TWO_DAYS_ON)

    assert snapshot is not None
    assert snapshot.attempts.get().graders == 1


@pytest.mark.parametrize(
    "state", [Review.State.DRAFT, Review.State.EXPIRED, Review.State.RELEASED, Review.State.VOID]
)
def test_a_review_that_was_not_handed_in_moves_nothing(
    revealed: Attempt, organiser: User, state: str
) -> None:
    before = fit()
    factories.submitted_review(revealed, organiser, rank=0, state=state)

    assert fit(LATER + timedelta(minutes=1)) == before


def test_another_round_kind_stays_out(
    revealed: Attempt, candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    other = factories.answer(candidate, cohort, kind="coding")
    factories.submitted_review(other, peer)
    factories.submitted_review(other, second_peer)
    factories.open_reviews(other)

    snapshot = fit()

    assert snapshot is not None
    assert [measure.attempt for measure in snapshot.attempts.all()] == [revealed]


# The same ratings make one snapshot


def test_the_same_ratings_make_one_snapshot(revealed: Attempt) -> None:
    first, second = fit(), fit(LATER + timedelta(hours=3))

    assert first == second
    assert Snapshot.objects.count() == 1
    assert AttemptMeasure.objects.count() == 1


def test_a_new_review_makes_a_new_snapshot_and_keeps_the_old(
    revealed: Attempt, organiser: User
) -> None:
    first = fit()
    factories.submitted_review(revealed, organiser, rank=3)
    factories.open_reviews(revealed)

    second = fit(LATER + timedelta(hours=1))

    assert first is not None
    assert second is not None
    assert second.input_digest != first.input_digest
    assert second.attempts.get().graders == 3
    assert first.attempts.get().graders == 2


def test_new_code_fits_the_same_ratings_again(
    revealed: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fit()
    monkeypatch.setattr(calibration, "CODE_VERSION", "another")

    second = fit(LATER + timedelta(hours=1))

    assert first is not None
    assert second is not None
    assert first != second
    assert first.input_digest == second.input_digest


def test_a_late_bell_never_makes_an_older_newest_snapshot(
    revealed: Attempt, organiser: User
) -> None:
    """A task that read its clock first and got the lock last has seen the most."""
    fit(LATER + timedelta(seconds=5))
    factories.submitted_review(revealed, organiser, rank=3)
    factories.open_reviews(revealed)

    last = fit(LATER)

    assert Snapshot.objects.newest_first().first() == last


# Races and kills, on real PostgreSQL


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_make_one_snapshot(revealed: Attempt) -> None:
    made = together(fit, fit)

    assert made[0] is not None
    assert made[0] == made[1]
    assert Snapshot.objects.count() == 1
    assert AttemptMeasure.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rows", [AttemptMeasure, GraderMeasure, DimensionMeasure])
def test_a_worker_killed_in_the_middle_leaves_nothing(
    revealed: Attempt, monkeypatch: pytest.MonkeyPatch, rows: type[Any]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(rows.objects, "bulk_create", _lose_the_connection)
        with pytest.raises(OperationalError):
            together(fit)

    assert not Snapshot.objects.exists()
    assert not AttemptMeasure.objects.exists()
    snapshot = fit()  # the dead worker's lock is gone with it
    assert snapshot is not None
    assert (snapshot.attempts.count(), snapshot.graders.count()) == (1, 2)


def _lose_the_connection(rows: Any) -> None:
    list(rows)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run the works at the same moment, each in a thread with a connection of its own."""
    start = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)
    errors: list[Exception] = []

    def run(place: int, work: Callable[[], Any]) -> None:
        start.wait(timeout=10)
        try:
            results[place] = work()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place, work)) for place, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    if errors:
        raise errors[0]
    return results
