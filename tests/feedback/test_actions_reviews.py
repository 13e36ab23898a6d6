"""Reviews: drafts that lose no word, marks, the evidence rule, and handing in exactly once."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from unittest.mock import Mock

import pytest
from django.db import IntegrityError, transaction

from feedback.actions import queue, reviews
from feedback.actions.reviews import Draft
from feedback.models import DowncodeTick, Evidence, Rating, Review
from loops.models import Attempt, Cohort, Event, User
from tests import factories
from tests.factories import DIMENSIONS, LEASE, NOW
from tests.threads import together

SOON = NOW + timedelta(minutes=10)
WHOLE = Draft(
    ratings=dict.fromkeys(DIMENSIONS, 2),
    downcodes=frozenset({"unbounded"}),
    verdict="yes",
    confidence="fair",
    level_given_rank=2,
    summary="Asked who is hurt.",
)


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer of ten minutes at target L6."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def review(answer: Attempt, peer: User) -> Review:
    """A review of it, just claimed."""
    return factories.review(answer, peer)


@pytest.fixture
def marked(review: Review) -> Review:
    """The review with one mark on every dimension."""
    for dimension in review.attempt.rubric_version.dimensions.order_by("position"):
        factories.evidence(review, dimension)
    return review


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """What was asked of the workers."""
    bell = Mock()
    monkeypatch.setattr(reviews, "enqueue", bell)
    return bell


def save(review: Review, draft: Draft, version: int = 0) -> Review:
    return reviews.save_draft(
        review=review, draft=draft, version=version, by=review.grader, at=SOON
    )


def submit(review: Review, draft: Draft = WHOLE, version: int = 0) -> Review:
    return reviews.submit(review=review, draft=draft, version=version, by=review.grader, at=SOON)


def problems(review: Review, draft: Draft) -> list[str]:
    with pytest.raises(reviews.Incomplete) as refusal:
        submit(review, draft)
    return [problem.field for problem in refusal.value.problems]


# Drafts


def test_draft_keeps_everything_the_form_holds(review: Review) -> None:
    saved = save(review, WHOLE)

    assert reviews.draft_of(saved) == WHOLE
    assert (saved.state, saved.draft_version, saved.drafted_at) == ("draft", 1, SOON)


def test_draft_takes_back_what_the_form_no_longer_holds(review: Review) -> None:
    save(review, WHOLE)
    less = Draft(ratings={"discovery": None}, summary="Less.")

    save(review, less, version=1)

    assert reviews.draft_of(Review.objects.get()) == less
    assert Rating.objects.get().rank is None
    assert not DowncodeTick.objects.exists()


def test_draft_from_a_second_window_is_a_conflict_and_keeps_the_first(review: Review) -> None:
    save(review, Draft(summary="First window."))

    with pytest.raises(reviews.DraftConflict):
        save(review, Draft(summary="Second window."))

    kept = Review.objects.get()
    assert (kept.summary, kept.draft_version) == ("First window.", 1)


def test_draft_that_says_what_is_kept_is_no_conflict(review: Review) -> None:
    """The answer to a save was lost on its way; the browser asks again with the old version."""
    first = save(review, WHOLE)

    again = save(review, WHOLE)

    assert (first.draft_version, again.draft_version) == (1, 1)


def test_draft_without_a_change_renews_the_lease_and_outdates_no_window(review: Review) -> None:
    saved = save(review, Draft())

    assert (saved.draft_version, saved.lease_until) == (0, SOON + LEASE)


def test_draft_that_was_overtaken_by_its_handing_in_is_answered_in_peace(
    marked: Review, rung: Mock
) -> None:
    reviews.submit(review=marked, draft=WHOLE, version=0, by=marked.grader, at=SOON)

    assert save(marked, WHOLE).is_submitted
    with pytest.raises(queue.ReviewClosed):
        save(marked, replace(WHOLE, summary="Something else."))


def test_draft_of_a_voided_review_is_kept_and_refused(answer: Attempt, peer: User) -> None:
    """Another grader has reported the answer while this one was typing."""
    voided = factories.review(answer, peer, state="void")

    with pytest.raises(queue.ReviewVoided):
        save(voided, Draft(summary="Typed meanwhile."))
    with pytest.raises(queue.ReviewVoided):
        reviews.submit(review=voided, draft=WHOLE, version=1, by=peer, at=SOON)

    kept = Review.objects.get()
    assert (kept.state, reviews.draft_of(kept), kept.draft_version) == ("void", WHOLE, 2)
    with pytest.raises(reviews.DraftConflict):
        save(voided, Draft(summary="From an older window."))


@pytest.mark.parametrize("state", ["submitted", "released"])
def test_draft_of_a_closed_review_is_refused_and_changes_nothing(
    answer: Attempt, peer: User, state: str
) -> None:
    closed = factories.submitted_review(answer, peer, state=state)

    with pytest.raises(queue.ReviewClosed):
        save(closed, Draft(summary="Overwritten?"), version=1)

    assert Review.objects.get().summary == "Asked who is hurt, then drew."


@pytest.mark.django_db(transaction=True)
def test_two_windows_saving_at_once_keep_one_and_tell_the_other(review: Review) -> None:
    drafts = [Draft(summary="One."), Draft(summary="Two.")]

    results = together([partial(save, review, draft) for draft in drafts])

    refused = [r for r in results if isinstance(r, reviews.DraftConflict)]
    kept = [r for r in results if isinstance(r, Review)]
    assert (len(refused), len(kept)) == (1, 1)
    assert Review.objects.get().summary == kept[0].summary


# Marks


def test_mark_ties_a_span_to_a_dimension(review: Review) -> None:
    dimension = review.attempt.rubric_version.dimensions.get(key="options")

    mark = reviews.mark_evidence(
        review=review,
        by=review.grader,
        at=SOON,
        dimension=dimension,
        start_ms=60_000,
        end_ms=75_000,
        note="Prices being wrong.",
    )

    assert (mark.dimension, mark.start_ms, mark.end_ms) == (dimension, 60_000, 75_000)
    kept = Review.objects.get()
    assert (kept.state, kept.lease_until, kept.drafted_at) == ("draft", SOON + LEASE, SOON)


def test_mark_twice_is_one_mark(review: Review) -> None:
    dimension = review.attempt.rubric_version.dimensions.get(key="options")

    first, second = (
        reviews.mark_evidence(
            review=review, by=review.grader, at=at, dimension=dimension, start_ms=5000
        )
        for at in (SOON, SOON + timedelta(seconds=1))
    )

    assert first == second
    assert (first.start_ms, first.end_ms) == (5000, 5000)


@pytest.mark.parametrize(("start_ms", "end_ms"), [(602_000, None), (590_000, 700_000)])
def test_mark_beyond_the_end_is_refused(review: Review, start_ms: int, end_ms: int | None) -> None:
    dimension = review.attempt.rubric_version.dimensions.get(key="options")

    with pytest.raises(reviews.BeyondTheEnd):
        reviews.mark_evidence(
            review=review,
            by=review.grader,
            at=SOON,
            dimension=dimension,
            start_ms=start_ms,
            end_ms=end_ms,
        )

    assert not Evidence.objects.exists()


def test_mark_about_a_signal_gives_its_tick_the_time(review: Review) -> None:
    downcode = review.attempt.rubric_version.downcodes.get(key="unbounded")
    for start_ms in (90_000, 30_000):
        reviews.mark_evidence(
            review=review, by=review.grader, at=SOON, downcode=downcode, start_ms=start_ms
        )

    save(review, Draft(downcodes=frozenset({"unbounded", "draws_first"})))

    ticks = DowncodeTick.objects.order_by("downcode__key").values_list("downcode__key", "at_ms")
    assert list(ticks) == [("draws_first", None), ("unbounded", 30_000)]


def test_remove_takes_one_mark_away(marked: Review) -> None:
    first = marked.evidence.order_by("pk").first()
    assert first is not None

    reviews.remove_evidence(evidence=first, by=marked.grader, at=SOON)

    assert marked.evidence.count() == len(DIMENSIONS) - 1
    assert not marked.evidence.filter(pk=first.pk).exists()


def test_marks_of_a_submitted_review_stay(answer: Attempt, peer: User) -> None:
    given = factories.submitted_review(answer, peer)
    mark = given.evidence.order_by("pk").first()
    assert mark is not None

    with pytest.raises(queue.ReviewClosed):
        reviews.remove_evidence(evidence=mark, by=peer, at=SOON)

    assert given.evidence.count() == len(DIMENSIONS)


@pytest.mark.parametrize(
    ("facts", "constraint"),
    [
        ({"start_ms": 5000, "end_ms": 4000}, "evidence_span_or_quote"),
        ({"start_ms": None, "end_ms": None, "quote": ""}, "evidence_span_or_quote"),
        ({"start_ms": 5000, "end_ms": 6000, "dimension": None}, "evidence_of_something"),
    ],
)
def test_database_refuses_a_mark_without_sense(
    review: Review, facts: dict[str, object], constraint: str
) -> None:
    dimension = review.attempt.rubric_version.dimensions.get(key="options")

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Evidence.objects.create(
            **{"review": review, "dimension": dimension, "marked_at": NOW, **facts}
        )


# What a review needs to be handed in


def test_submit_hands_in_once_and_rings_for_the_calibration(marked: Review, rung: Mock) -> None:
    first, second = submit(marked), submit(marked)

    assert first == second
    assert (first.state, first.submitted_at) == ("submitted", SOON)
    assert Event.objects.filter(verb="submitted", subject_id=marked.pk).count() == 1
    kind_id = marked.attempt.rubric_version.round_kind_id
    rung.assert_called_once_with("feedback.tasks.calibrate", round_kind_id=kind_id)


def test_submit_of_something_else_afterwards_is_refused(marked: Review) -> None:
    submit(marked)

    with pytest.raises(queue.ReviewClosed):
        submit(marked, replace(WHOLE, summary="Another text."), version=1)

    assert Review.objects.get().summary == WHOLE.summary


def test_submit_needs_every_dimension_and_the_verdict(marked: Review) -> None:
    assert problems(marked, Draft()) == [
        *(f"dimension-{key}" for key in DIMENSIONS),
        "verdict",
        "confidence",
        "level_given",
    ]


def test_submit_that_is_refused_keeps_the_draft(marked: Review, rung: Mock) -> None:
    part = Draft(ratings={"discovery": 1}, summary="So far.")

    problems(marked, part)

    kept = Review.objects.get()
    assert (kept.state, reviews.draft_of(kept)) == ("draft", part)
    rung.assert_not_called()


@pytest.mark.parametrize(
    ("rank", "needs_evidence"), [(0, True), (1, True), (2, True), (3, True), (None, False)]
)
def test_evidence_rule(review: Review, rank: int | None, needs_evidence: bool) -> None:
    """Every level needs a mark, *below* too; *not observed* needs none."""
    others = review.attempt.rubric_version.dimensions.exclude(key="options")
    for dimension in others:
        factories.evidence(review, dimension)
    draft = replace(WHOLE, ratings={**WHOLE.ratings, "options": rank})

    if needs_evidence:
        assert problems(review, draft) == ["dimension-options"]
    else:
        assert submit(review, draft).is_submitted


def test_evidence_rule_takes_a_quote_for_a_time(review: Review) -> None:
    for dimension in review.attempt.rubric_version.dimensions.order_by("position"):
        factories.evidence(review, dimension, quote="retry with a bound")

    assert submit(review).is_submitted


def test_evidence_rule_is_not_met_by_a_mark_about_a_signal(review: Review) -> None:
    factories.evidence(
        review, downcode=review.attempt.rubric_version.downcodes.get(key="unbounded")
    )

    assert problems(review, WHOLE) == [f"dimension-{key}" for key in DIMENSIONS]


def test_submit_needs_something_observed(marked: Review) -> None:
    draft = replace(WHOLE, ratings=dict.fromkeys(DIMENSIONS))

    assert problems(marked, draft) == ["verdict"]


@pytest.mark.parametrize("verdict", ["strong_no", "no", "yes", "strong_yes"])
@pytest.mark.parametrize("level_given", [0, 1, 2, 3])
def test_level_given_fits_the_verdict(marked: Review, verdict: str, level_given: int) -> None:
    """The target is rank 2: a yes gives it or more, a no less."""
    draft = replace(WHOLE, verdict=verdict, level_given_rank=level_given)
    fits = verdict.endswith("yes") == (level_given >= 2)

    if fits:
        assert submit(marked, draft).is_submitted
    else:
        assert problems(marked, draft) == ["level_given"]


def test_submit_after_the_lease_and_beside_a_full_house_counts_as_an_extra(
    marked: Review, cohort: Cohort, second_peer: User
) -> None:
    factories.submitted_review(marked.attempt, second_peer)
    third = factories.person()
    factories.join(cohort, third)
    factories.submitted_review(marked.attempt, third)

    handed_in = reviews.submit(
        review=marked, draft=WHOLE, version=0, by=marked.grader, at=NOW + 2 * LEASE
    )

    assert handed_in.is_submitted
    assert marked.attempt.reviews.submitted().count() == 3


def test_submit_of_an_expired_review_is_taken(marked: Review) -> None:
    queue.expire_lapsed(at=NOW + LEASE)

    assert submit(marked).is_submitted


def test_submit_of_a_released_review_is_refused_and_keeps_its_text(marked: Review) -> None:
    save(marked, WHOLE)
    queue.release(review=marked, by=marked.grader, at=SOON)

    with pytest.raises(queue.ReviewClosed):
        submit(marked, version=1)

    kept = Review.objects.get()
    assert (kept.state, reviews.draft_of(kept)) == ("released", WHOLE)


def test_submit_for_a_withdrawn_answer_keeps_the_text_and_says_so(marked: Review) -> None:
    Attempt.objects.update(state=Attempt.State.WITHDRAWN)

    with pytest.raises(queue.AttemptGone):
        submit(marked)

    kept = Review.objects.get()
    assert (kept.state, reviews.draft_of(kept)) == ("draft", WHOLE)


def test_submit_from_an_outdated_window_hands_nothing_in(marked: Review) -> None:
    save(marked, Draft(summary="The other window."))

    with pytest.raises(reviews.DraftConflict):
        submit(marked)

    assert Review.objects.get().state == "draft"


@pytest.mark.django_db(transaction=True)
def test_ten_submits_at_once_hand_in_once_and_answer_alike(marked: Review, rung: Mock) -> None:
    results = together([partial(submit, marked)] * 10)

    assert [type(result) for result in results] == [Review] * 10
    assert {(r.pk, r.state, r.submitted_at) for r in results} == {(marked.pk, "submitted", SOON)}
    assert Event.objects.filter(verb="submitted").count() == 1
    rung.assert_called_once()


def test_mark_evidence_refuses_the_first_instant(review: Review, peer: User) -> None:
    """As when the key is pressed before anything was played."""
    dimension = review.attempt.rubric_version.dimensions.get(key="discovery")

    with pytest.raises(reviews.NothingMarked):
        reviews.mark_evidence(review=review, dimension=dimension, start_ms=0, by=peer, at=NOW)

    assert not review.evidence.exists()
