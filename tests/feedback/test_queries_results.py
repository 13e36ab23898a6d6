"""What a candidate's results hold, and that before the reveal they hold a count."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.access import results_to_read
from feedback.actions.calibration import calibrate_round_kind
from feedback.models import Review
from feedback.queries.results import Results, ResultsPage, results_page
from loops.models import Artifact, Attempt, Cohort, User
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(hours=3)
TWO_DAYS_ON = NOW + timedelta(hours=48)


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer at L6 that nobody has graded."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def revealed(answer: Attempt, peer: User, second_peer: User) -> Attempt:
    """The answer with two reviews, one level apart."""
    factories.submitted_review(answer, peer, rank=1)
    factories.submitted_review(
        answer, second_peer, rank=2, submitted_at=NOW + timedelta(minutes=45)
    )
    factories.open_reviews(answer)
    return answer


def page_of(attempt: Attempt, at: datetime = LATER) -> ResultsPage:
    member = attempt.round.loop.member
    return results_page(results_to_read(member, attempt.public_id), at)


def opened(attempt: Attempt, at: datetime = LATER) -> Results:
    """Return the results of an answer once its candidate has opened all that is in."""
    factories.open_reviews(attempt)
    return results_of(attempt, at)


def results_of(attempt: Attempt, at: datetime = LATER) -> Results:
    results = page_of(attempt, at).results
    assert results is not None
    return results


def calibrated(attempt: Attempt, at: datetime = LATER) -> None:
    factories.open_reviews(attempt)
    calibrate_round_kind(round_kind=attempt.rubric_version.round_kind, at=at)


# The reveal


@pytest.mark.parametrize(
    ("graders", "hours", "is_revealed"),
    [
        ([], 1, False),
        ([], 90, False),
        (["peer"], 47.9, False),
        (["peer"], 48, True),
        (["peer", "second_peer"], 1, True),
    ],
)
def test_results_open_by_the_rule(
    request: pytest.FixtureRequest,
    answer: Attempt,
    graders: list[str],
    hours: float,
    is_revealed: bool,
) -> None:
    for grader in graders:
        factories.submitted_review(answer, request.getfixturevalue(grader))

    page = page_of(answer, NOW + timedelta(hours=hours))

    assert page.is_revealed == is_revealed
    assert len(page.to_open) == (len(graders) if is_revealed else 0)
    assert page.results is None
    assert (page.reviews_in, page.reviews_wanted) == (len(graders), 2)
    assert page.one_is_enough_at == TWO_DAYS_ON
    assert page.is_one_enough == (hours >= 48)


@pytest.mark.parametrize("state", [Review.State.DRAFT, Review.State.EXPIRED, Review.State.VOID])
def test_a_review_that_was_not_handed_in_is_not_counted(
    answer: Attempt, peer: User, second_peer: User, state: str
) -> None:
    factories.submitted_review(answer, peer)
    factories.submitted_review(answer, second_peer, state=state)

    page = page_of(answer)

    assert (page.reviews_in, page.results) == (1, None)


def test_a_third_review_that_is_still_a_draft_stays_hidden(
    revealed: Attempt, organiser: User
) -> None:
    factories.submitted_review(revealed, organiser, rank=3, state=Review.State.DRAFT)

    assert len(results_of(revealed).reviews) == 2


# The level


def test_there_is_no_level_before_a_snapshot_holds_the_answer(revealed: Attempt) -> None:
    results = results_of(revealed)

    assert results.measure is None
    assert not results.is_calibrated


def test_the_level_is_the_newest_snapshots(revealed: Attempt, organiser: User) -> None:
    calibrated(revealed)
    before = results_of(revealed)
    factories.submitted_review(revealed, organiser, rank=3)
    factories.open_reviews(revealed)
    between = results_of(revealed)
    calibrated(revealed, LATER + timedelta(minutes=1))
    after = results_of(revealed)

    assert before.measure is not None
    assert after.measure is not None
    assert (before.is_calibrated, between.is_calibrated, after.is_calibrated) == (True, False, True)
    assert between.measure == before.measure
    assert after.measure.level > before.measure.level


def test_the_severity_is_the_mean_of_this_answers_graders(
    candidate: User, cohort: Cohort, peer: User, second_peer: User, organiser: User
) -> None:
    """Two strict graders, and one who is not theirs and would pull the mean to zero."""
    for _answer in range(6):
        other = factories.answer(candidate, cohort)
        factories.submitted_review(other, peer, rank=1)
        factories.submitted_review(other, second_peer, rank=1)
        factories.submitted_review(other, organiser, rank=3)
        factories.open_reviews(other)
    calibrated(other)
    mine = factories.answer(candidate, cohort)
    factories.submitted_review(mine, peer, rank=1)
    factories.submitted_review(mine, second_peer, rank=1)
    calibrated(mine, LATER + timedelta(minutes=1))

    assert results_of(other).severity_levels == pytest.approx(0, abs=0.01)
    assert results_of(mine).severity_levels > 0.1


def test_one_review_is_provisional(answer: Attempt, peer: User, second_peer: User) -> None:
    factories.submitted_review(answer, peer)
    alone = opened(answer, TWO_DAYS_ON)
    factories.submitted_review(answer, second_peer)
    shut = results_of(answer, TWO_DAYS_ON)
    both = opened(answer, TWO_DAYS_ON)

    assert [one.is_provisional for one in (alone, shut, both)] == [True, True, False]


# The reviews


def test_reviews_stand_in_the_order_they_came(
    revealed: Attempt, peer: User, second_peer: User
) -> None:
    results = results_of(revealed)

    assert [one.who for one in results.reviews] == [peer.handle, second_peer.handle]
    assert [one.mark for one in results.reviews] == [(1.5, peer.handle), (2.5, second_peer.handle)]
    assert [one.is_yes for one in results.reviews] == [False, True]


def test_a_cohort_with_names_shows_names(revealed: Attempt, cohort: Cohort, peer: User) -> None:
    cohort.is_named = True
    cohort.save()

    assert results_of(revealed).reviews[0].who == peer.name


def test_a_dimension_has_each_graders_mark_and_who_did_not_observe(
    answer: Attempt, peer: User, second_peer: User
) -> None:
    factories.submitted_review(answer, peer, rank=1)
    factories.submitted_review(answer, second_peer, rank=2, ranks={"options": None, "bounding": 3})

    rows = {row.dimension.key: row for row in opened(answer).rows}

    assert [row.dimension.position for row in rows.values()] == [1, 2, 3, 4]
    assert rows["bounding"].marks == [(1.5, peer.handle), (3.5, second_peer.handle)]
    assert rows["options"].marks == [(1.5, peer.handle)]
    assert rows["options"].unobserved_by == [second_peer.handle]


def test_evidence_stands_in_the_order_of_the_recording(revealed: Attempt, peer: User) -> None:
    review = revealed.reviews.get(grader=peer)
    dimension = revealed.rubric_version.dimensions.get(key="discovery")
    factories.artifact(revealed, "line one\nwho is paged\n")
    factories.evidence(review, dimension, quote="who is paged", note="Names the pager.")
    factories.evidence(review, dimension, start_ms=5_500, end_ms=65_000, note="First words.")

    quotes = next(row for row in results_of(revealed).rows if row.dimension == dimension).quotes

    assert [(quote.place, quote.href) for quote in quotes] == [
        ("0:05–1:05", "#t=5.5"),
        ("1:00–1:10", "#t=60"),
        ("1:00–1:10", "#t=60"),
        (f"{Artifact.Kind.NOTES.label} 2", "#notes-L2"),
    ]
    assert [quote.text for quote in quotes][0::3] == ["First words.", "Names the pager."]


def test_each_grader_has_a_lane_of_timed_evidence(revealed: Attempt, peer: User) -> None:
    review = revealed.reviews.get(grader=peer)
    dimension = revealed.rubric_version.dimensions.get(key="discovery")
    factories.evidence(review, dimension, quote="not in the recording")

    first, second = results_of(revealed).reviews

    assert [mark.start_ms for mark in first.lane] == [60_000, 120_000, 180_000, 240_000]
    assert all(mark.text.startswith(f"{peer.handle} ") for mark in first.lane)
    assert len(second.lane) == 4


def test_the_time_guide_lies_on_the_recordings_clock(revealed: Attempt) -> None:
    phases = results_of(revealed).phases

    assert (phases[0].name, phases[0].start_ms, phases[0].end_ms) == ("Discovery", 0, 900_000)


# Signals and the verdict by rule


def test_signals_in_force_stand_first(answer: Attempt, peer: User, second_peer: User) -> None:
    factories.submitted_review(answer, peer, rank=2, downcodes=["unbounded", "draws_first"])
    second = factories.submitted_review(answer, second_peer, rank=2, downcodes=["unbounded"])
    downcode = answer.rubric_version.downcodes.get(key="unbounded")
    factories.evidence(second, downcode=downcode, start_ms=250_000)

    signals = opened(answer).signals

    found = [(one.downcode.key, one.is_in_force, one.ticks, one.cap_label) for one in signals]
    assert found == [("unbounded", True, 2, "L5"), ("draws_first", False, 1, "L5")]
    assert [quote.place for quote in signals[0].quotes] == ["4:10–4:20"]


def test_a_cap_in_force_stands_at_its_dimension(
    answer: Attempt, peer: User, second_peer: User
) -> None:
    for grader in (peer, second_peer):
        factories.submitted_review(answer, grader, rank=3, downcodes=["draws_first"])

    results = opened(answer)

    assert [len(row.signals) for row in results.rows] == [1, 0, 0, 0]
    assert [reason.code for reason in results.by_rule.reasons] == ["key_below_target"]


def test_the_verdict_by_rule_is_met_without_a_cap(
    answer: Attempt, peer: User, second_peer: User
) -> None:
    factories.submitted_review(answer, peer, rank=2)
    factories.submitted_review(answer, second_peer, rank=2, downcodes=["unbounded"])

    assert opened(answer).by_rule.is_met


# The price


def test_the_number_of_queries_does_not_grow(
    candidate: User, cohort: Cohort, peer: User, second_peer: User, organiser: User
) -> None:
    one, three = (factories.answer(candidate, cohort) for _n in range(2))
    for attempt, graders in ((one, [peer]), (three, [peer, second_peer, organiser])):
        for grader in graders:
            factories.submitted_review(attempt, grader, downcodes=["unbounded", "draws_first"])
        factories.artifact(attempt)
        factories.open_reviews(attempt)
    calibrated(three, TWO_DAYS_ON)

    assert queries_of(one) == queries_of(three) == 3


def queries_of(attempt: Attempt) -> int:
    attempt = results_to_read(attempt.round.loop.member, attempt.public_id)
    with CaptureQueriesContext(connection) as captured:
        results_page(attempt, TWO_DAYS_ON)
    return len(captured)
