"""The board of a loop: what moves a reading, what must not, and at what price."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.actions.calibration import calibrate_round_kind
from feedback.models import AttemptMeasure, QueueEntry, Snapshot
from feedback.queries.readiness import ReadinessPage, RoundLine, newest_loop, readiness_page
from feedback.readiness import NextStep, State, Step, Waiting
from loops.models import Attempt, Cohort, Loop, Recording, Round, User
from rubrics.models import RoundKind
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(hours=3)
TWO_DAYS_ON = NOW + timedelta(hours=48)
KINDS = ("sd_ambiguous", "coding", "xfn")

Answers = Callable[..., Attempt]


@pytest.fixture
def loop(candidate: User, cohort: Cohort) -> Loop:
    """A loop of one round at L6."""
    return factories.loop(candidate, cohort)


@pytest.fixture
def answer(loop: Loop, peer: User, second_peer: User) -> Answers:
    """Return a function that hands in an answer with a recording and two reviews of a rank."""

    def make(
        *,
        rank: int = 2,
        reviews: int = 2,
        is_opened: bool = True,
        prompt: int = 0,
        round_: Round | None = None,
        downcodes: Sequence[str] = (),
        **facts: Any,
    ) -> Attempt:
        round_ = round_ or loop.rounds.order_by("position")[0]
        version = factories.in_force(round_.round_kind.key)
        prompts = list(version.prompts.order_by("position"))
        made = factories.attempt(round_, prompt=prompts[prompt % len(prompts)], **facts)
        factories.recording(made)
        at = facts.get("submitted_at", NOW) + timedelta(minutes=30)
        for grader in [peer, second_peer][:reviews]:
            factories.submitted_review(
                made, grader, rank=rank, downcodes=downcodes, submitted_at=at
            )
        if is_opened:
            factories.open_reviews(made)
        return made

    return make


def calibrated(at: datetime = LATER) -> None:
    for kind in RoundKind.objects.order_by("pk"):
        calibrate_round_kind(round_kind=kind, at=at)


def page_of(loop: Loop, at: datetime = LATER) -> ReadinessPage:
    return readiness_page(Loop.objects.select_related("cohort").get(pk=loop.pk), at)


def line_of(loop: Loop, at: datetime = LATER) -> RoundLine:
    return page_of(loop, at).lines[0]


# What counts


def test_a_round_without_answers_has_no_evidence(loop: Loop) -> None:
    line = line_of(loop)

    assert line.is_empty
    assert line.reading.state == State.NO_EVIDENCE
    assert line.reading.next_step.code == Step.RECORD_FIRST


def test_two_reviews_make_a_reading(loop: Loop, answer: Answers) -> None:
    made = answer(rank=2)
    calibrated()

    line = line_of(loop)

    measure = AttemptMeasure.objects.get(attempt=made)
    assert line.levels == (measure.level,)
    assert line.reading.level == pytest.approx(measure.level)
    assert (line.reading.answers, line.reading.graders, line.reading.met) == (1, 2, 1)
    assert line.reading.state == State.TOO_LITTLE_EVIDENCE
    assert line.waiting == Waiting()


def test_until_the_reveal_only_the_count_moves(loop: Loop, answer: Answers) -> None:
    """Even a snapshot that held the answer, as none should, would move nothing."""
    waiting = answer(rank=0, reviews=1, is_opened=False, downcodes=["unbounded", "draws_first"])
    before = Snapshot.objects.create(
        round_kind=factories.round_kind(),
        input_digest="forged",
        code_version="forged",
        made_at=NOW,
        reviews=1,
        ratings=4,
    )
    AttemptMeasure.objects.create(
        snapshot=before, attempt=waiting, level=0.5, standard_error=0.3, low=0, high=1, graders=1
    )

    page = page_of(loop)

    line = page.lines[0]
    assert line.waiting == Waiting(answers=1, reviews_in=1, reviews_wanted=2)
    assert line.waiting_id == waiting.public_id
    assert line.reading.state == State.NO_EVIDENCE
    assert (line.levels, line.weakest_dimension, page.repairs) == ((), "", [])
    assert line.reading.next_step.code == Step.AWAIT_REVIEWS


def test_one_review_makes_a_reading_after_48_hours(loop: Loop, answer: Answers) -> None:
    answer(rank=2, reviews=1)
    calibrated(TWO_DAYS_ON)

    just_before = line_of(loop, TWO_DAYS_ON - timedelta(seconds=1))
    then = line_of(loop, TWO_DAYS_ON)

    assert (just_before.reading.answers, just_before.waiting.answers) == (0, 1)
    assert (then.reading.answers, then.waiting.answers) == (1, 0)


def test_a_revealed_answer_in_no_snapshot_is_being_calibrated(loop: Loop, answer: Answers) -> None:
    answer()

    line = line_of(loop)

    assert (line.calibrating, line.waiting.answers, line.levels) == (1, 0, ())
    assert line.reading.state == State.NO_EVIDENCE
    assert line.reading.next_step.code == Step.AWAIT_REVIEWS


def test_reviews_that_wait_to_be_opened_are_the_next_step_and_move_nothing(
    loop: Loop, answer: Answers
) -> None:
    shut = answer(rank=0, is_opened=False, downcodes=["unbounded", "draws_first"])
    calibrated()

    page = page_of(loop)

    line = page.lines[0]
    assert (line.to_open, line.to_open_id, line.waiting.answers) == (2, shut.public_id, 0)
    assert line.reading.state == State.NO_EVIDENCE
    assert (line.levels, line.weakest_dimension, page.repairs) == ((), "", [])
    assert line.reading.next_step == NextStep(Step.OPEN_REVIEWS, count=2)
    assert not line.is_empty


def test_a_late_review_moves_nothing_before_it_is_opened(
    loop: Loop, answer: Answers, organiser: User
) -> None:
    """Its tick would put a downcode in force, its ranks would undo the verdict by rule."""
    made = answer(rank=2)
    downcode = made.rubric_version.downcodes.get(key="unbounded")
    made.reviews.order_by("pk")[0].ticks.create(downcode=downcode)
    made.reviews.order_by("pk")[1].ratings.update(rank=1)
    calibrated()
    before = page_of(loop)
    factories.submitted_review(made, organiser, rank=0, downcodes=["unbounded"])
    calibrated(LATER + timedelta(minutes=1))

    shut = page_of(loop)
    factories.open_reviews(made)
    calibrated(LATER + timedelta(minutes=2))
    opened = page_of(loop)

    steps = [one.lines[0].reading.next_step.code for one in (before, shut, opened)]
    assert steps == [Step.NEW_PROMPT, Step.OPEN_REVIEWS, Step.NEW_PROMPT]
    assert shut.lines[0].levels == before.lines[0].levels
    assert shut.lines[0].weakest_dimension == before.lines[0].weakest_dimension
    assert shut.lines[0].reading.graders == before.lines[0].reading.graders == 2
    assert (before.repairs, shut.repairs) == ([], [])
    assert [repair.ticks for repair in opened.repairs] == [2]
    assert opened.lines[0].levels != before.lines[0].levels


def test_what_a_lone_review_caps_stays_capped_until_the_second_is_opened(
    loop: Loop, answer: Answers, second_peer: User
) -> None:
    made = answer(rank=1, reviews=1, downcodes=["unbounded"])
    calibrated(TWO_DAYS_ON)
    factories.submitted_review(made, second_peer, rank=2)

    shut = page_of(loop, TWO_DAYS_ON).repairs
    factories.open_reviews(made)
    opened = page_of(loop, TWO_DAYS_ON).repairs

    assert [(repair.ticks, repair.reviews) for repair in shut] == [(1, 1)]
    assert opened == []


def test_a_reported_answer_is_no_evidence(loop: Loop, answer: Answers) -> None:
    """At once, before a newer snapshot leaves it out."""
    made = answer(rank=2, downcodes=["unbounded"])
    calibrated()
    QueueEntry.objects.filter(attempt=made).update(exclusion=QueueEntry.Exclusion.UNUSABLE)

    page = page_of(loop)

    line = page.lines[0]
    assert (line.reported, line.reported_id, line.calibrating) == (1, made.public_id, 0)
    assert (line.reading.state, page.repairs) == (State.NO_EVIDENCE, [])
    assert line.reading.next_step.code == Step.RECORD_FIRST


def test_the_newest_snapshot_is_read(loop: Loop, answer: Answers, organiser: User) -> None:
    made = answer(rank=1)
    calibrated()
    factories.submitted_review(made, organiser, rank=3)
    factories.open_reviews(made)
    calibrated(LATER + timedelta(minutes=1))

    line = line_of(loop)

    newest = AttemptMeasure.objects.filter(attempt=made).order_by("-snapshot__made_at")[0]
    assert newest.graders == 3
    assert line.levels == (newest.level,)


def test_drafts_and_withdrawn_answers_count_for_nothing(loop: Loop, answer: Answers) -> None:
    gone = answer()
    Attempt.objects.filter(pk=gone.pk).update(state=Attempt.State.WITHDRAWN)
    draft = factories.attempt(loop.rounds.get(), state=Attempt.State.DRAFT)
    calibrated()

    line = line_of(loop)

    assert line.is_empty
    assert line.draft_id == draft.public_id


def test_an_answer_nobody_can_play_is_not_waited_for(loop: Loop, answer: Answers) -> None:
    made = answer(reviews=0)
    made.recordings.update(state=Recording.State.FAILED)

    line = line_of(loop)

    assert (line.unplayable, line.waiting.answers, line.waiting_id) == (1, 0, None)
    assert line.reading.next_step.code == Step.RECORD_FIRST


def test_another_loop_and_another_member_change_nothing(
    loop: Loop, answer: Answers, candidate: User, organiser: User, cohort: Cohort
) -> None:
    other_loop = factories.loop(candidate, cohort)
    foreign_loop = factories.loop(organiser, cohort)
    answer(round_=other_loop.rounds.get())
    answer(round_=foreign_loop.rounds.get())
    calibrated()

    assert line_of(loop).is_empty
    assert line_of(other_loop).reading.answers == 1


def test_a_retake_is_no_tick(loop: Loop, answer: Answers) -> None:
    answer()
    answer(kind=Attempt.Kind.RETAKE)
    calibrated()

    line = line_of(loop)

    assert (len(line.levels), line.reading.answers, line.reading.retakes) == (1, 1, 1)


def test_a_round_kind_that_comes_twice_reads_alike_in_both_rows(
    candidate: User, cohort: Cohort, answer: Answers
) -> None:
    loop = factories.loop(candidate, cohort, kinds=["xfn", "xfn"])
    loop.rounds.filter(position=2).update(title="Another story")
    first, second = loop.rounds.order_by("position")
    answer(round_=first, rank=2)
    answer(round_=second, rank=1, downcodes=["unbounded"])
    calibrated()

    page = page_of(loop)

    assert page.lines[0].reading == page.lines[1].reading
    assert page.lines[0].reading.answers == 2
    assert [repair.round for repair in page.repairs] == [first]


# What is to be repaired


def test_a_signal_in_force_is_to_be_repaired(loop: Loop, answer: Answers) -> None:
    made = answer(rank=1, downcodes=["unbounded"])
    first, second = made.reviews.order_by("pk")
    downcode = made.rubric_version.downcodes.get(key="unbounded")
    factories.evidence(first, downcode=downcode, start_ms=250_000)
    factories.evidence(first, downcode=downcode, start_ms=190_000)
    factories.evidence(second, downcode=downcode, start_ms=200_000)
    calibrated()

    page = page_of(loop)

    repair = page.repairs[0]
    assert (repair.text, repair.cap_label) == (downcode.text, "L5")
    assert (repair.ticks, repair.reviews) == (2, 2)
    assert (repair.at_ms, repair.fragment) == (190_000, "#t=190")
    assert repair.attempt_id == made.public_id
    assert (repair.round, repair.dimension) == (page.lines[0].round, "")


def test_a_signal_of_a_dimension_names_it(loop: Loop, answer: Answers) -> None:
    answer(rank=1, downcodes=["draws_first"])
    calibrated()

    assert [repair.dimension for repair in page_of(loop).repairs] == ["Discovery"]


def test_a_signal_raised_by_one_of_two_is_not_in_force(loop: Loop, answer: Answers) -> None:
    made = answer(rank=1)
    review = made.reviews.order_by("pk")[0]
    review.ticks.create(downcode=made.rubric_version.downcodes.get(key="unbounded"))
    calibrated()

    assert page_of(loop).repairs == []


def test_an_answer_without_the_signal_repairs_it(loop: Loop, answer: Answers) -> None:
    answer(rank=1, downcodes=["unbounded"])
    answer(rank=1, prompt=1, submitted_at=NOW + timedelta(minutes=5))
    calibrated()

    assert page_of(loop).repairs == []


def test_a_signal_that_caps_at_the_target_is_not_to_be_repaired(
    candidate: User, cohort: Cohort, answer: Answers
) -> None:
    loop = factories.loop(candidate, cohort, target_rank=1)
    answer(round_=loop.rounds.get(), rank=1, downcodes=["unbounded"])
    calibrated()

    assert page_of(loop).repairs == []


def test_a_capped_answer_is_not_met_by_rule(loop: Loop, answer: Answers) -> None:
    answer(rank=3, downcodes=["unbounded"])
    answer(rank=3, prompt=1)
    calibrated()

    reading = line_of(loop).reading

    assert (reading.met, reading.answers) == (1, 2)


# The one next thing, the weakest


def test_reviews_to_open_come_before_a_draft(
    candidate: User, cohort: Cohort, answer: Answers
) -> None:
    loop = factories.loop(candidate, cohort, kinds=KINDS)
    factories.attempt(loop.rounds.get(position=1), state=Attempt.State.DRAFT)
    answer(round_=loop.rounds.get(position=2), is_opened=False)

    line = page_of(loop).first_line

    assert line is not None
    assert line.round.position == 2


def test_a_draft_comes_first(candidate: User, cohort: Cohort) -> None:
    loop = factories.loop(candidate, cohort, kinds=KINDS)
    draft = factories.attempt(loop.rounds.get(position=3), state=Attempt.State.DRAFT)

    line = page_of(loop).first_line

    assert line is not None
    assert line.draft_id == draft.public_id


def test_the_first_round_comes_first_in_a_new_loop(candidate: User, cohort: Cohort) -> None:
    line = page_of(factories.loop(candidate, cohort, kinds=KINDS)).first_line

    assert line is not None
    assert line.round.position == 1


def test_a_repair_comes_before_a_first_answer(
    candidate: User, cohort: Cohort, answer: Answers
) -> None:
    loop = factories.loop(candidate, cohort, kinds=["xfn", "coding"])
    coding = loop.rounds.get(position=2)
    for prompt in range(3):
        answer(round_=coding, prompt=prompt, rank=1, downcodes=["unbounded"])
    calibrated()

    page = page_of(loop)

    assert page.first_line is not None
    assert page.first_line.round == coding
    assert page.repair_of(page.first_line) == page.repairs[0]
    assert page.repair_of(page.lines[0]) is None


def test_the_weakest_round_has_the_lowest_level_and_names_its_lowest_dimension(
    candidate: User, cohort: Cohort, answer: Answers, peer: User
) -> None:
    loop = factories.loop(candidate, cohort, kinds=KINDS)
    for position, rank in ((1, 2), (2, 1)):
        for prompt in range(3):
            made = answer(round_=loop.rounds.get(position=position), prompt=prompt, rank=rank)
            made.reviews.get(grader=peer).ratings.filter(dimension__key="options").update(rank=0)
    calibrated()

    weakest = page_of(loop).weakest_line

    assert weakest is not None
    assert (weakest.round.position, weakest.weakest_dimension) == (2, "Options")


def test_no_round_is_the_weakest_of_one(loop: Loop, answer: Answers) -> None:
    for prompt in range(3):
        answer(prompt=prompt, rank=0)
    calibrated()

    page = page_of(loop)

    assert page.lines[0].reading.state == State.BELOW_BAR
    assert page.weakest_line is None


# Loops, and the price


def test_the_newest_loop_is_the_one_started_last(candidate: User, cohort: Cohort) -> None:
    newest = factories.loop(candidate, cohort, started_at=NOW)
    older = factories.loop(candidate, cohort, started_at=NOW - timedelta(days=1))

    assert newest_loop(candidate) == newest
    assert page_of(older).loops == [newest, older]


def test_the_number_of_queries_does_not_grow(
    candidate: User, cohort: Cohort, answer: Answers
) -> None:
    one = factories.loop(candidate, cohort, kinds=KINDS[:1])
    three = factories.loop(candidate, cohort, kinds=KINDS)
    answer(round_=one.rounds.get(), rank=1, downcodes=["unbounded"])
    for round_ in three.rounds.order_by("position"):
        for prompt in range(3):
            answer(round_=round_, prompt=prompt, rank=1, downcodes=["unbounded", "draws_first"])
    calibrated()

    assert queries_of(one) == queries_of(three) == 4


def queries_of(loop: Loop) -> int:
    loop = Loop.objects.select_related("cohort").get(pk=loop.pk)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        page = readiness_page(loop, LATER)
    assert page.repairs
    return len(captured)
