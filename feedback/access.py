"""The doors of feedback: a review to its grader, results to a candidate, a recording to graders."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.http import Http404

from feedback.models import Evidence, Review
from feedback.queries.reveal import revealed_at
from feedback.queries.session import session_turns
from loops.access import attempt_to_read
from loops.models import Attempt, Membership, Recording, Turn, User

AFTERWARDS = timedelta(days=7)


def reviews_to_write(user: User) -> QuerySet[Review]:
    """Return the reviews that a person holds or has given in cohorts they are still in."""
    return Review.objects.select_related(
        "grader",
        "attempt__prompt",
        "attempt__rubric_version",
        "attempt__round__round_kind",
        "attempt__round__loop__cohort",
        "attempt__round__loop__member",
        "attempt__turn__mock",
    ).filter(grader=user, attempt__round__loop__cohort__memberships__user=user)


def review_to_write(user: User, public_id: UUID) -> Review:
    """Return a review to its grader. The actions say what may still be done with it."""
    review = reviews_to_write(user).filter(public_id=public_id).first()
    if review is None:
        raise Http404("No such review.")
    return review


def evidence_to_remove(review: Review, public_id: UUID) -> Evidence:
    """Return a piece of evidence of a review that its grader has already opened."""
    evidence = review.evidence.filter(public_id=public_id).first()
    if evidence is None:
        raise Http404("No such evidence.")
    return evidence


def session_to_join(user: User, mock_id: UUID) -> list[Turn]:
    """Return the turns of a mock to one of its two people; there is one at least."""
    turns = list(session_turns(user).filter(mock__public_id=mock_id))
    if not turns:
        raise Http404("No such mock.")
    return turns


def turn_to_begin(user: User, public_id: UUID) -> Turn:
    """Return a turn to its interviewer, who says when its candidate sees the prompt."""
    turn = _turns(user).filter(public_id=public_id, interviewer=user).first()
    if turn is None:
        raise Http404("No such turn.")
    return turn


def turn_to_speak_of(user: User, public_id: UUID) -> Turn:
    """Return a turn to either of its two people."""
    turn = _turns(user).filter(public_id=public_id).first()
    if turn is None:
        raise Http404("No such turn.")
    return turn


def turn_to_read_of(user: User, public_id: UUID) -> Turn:
    """Return a turn to its candidate."""
    turn = _turns(user).filter(public_id=public_id, candidate=user).first()
    if turn is None:
        raise Http404("No such turn.")
    return turn


def live_review_to_write(user: User, turn: Turn) -> Review:
    """Return the review of a turn that has begun to its interviewer."""
    review = reviews_to_write(user).filter(attempt=turn.attempt_id, is_live=True).first()
    if review is None:
        raise Http404("No such review.")
    return review


def _turns(user: User) -> QuerySet[Turn]:
    both = Turn.objects.filter(candidate=user) | Turn.objects.filter(interviewer=user)
    return both.select_related(
        "mock__cohort",
        "candidate",
        "interviewer",
        "round__round_kind",
        "round__loop__cohort",
        "attempt",
        "card",
    )


def results_to_read(user: User, attempt_id: UUID) -> Attempt:
    """Return a submitted attempt to its candidate, revealed or not; the page shows what it may.

    One they took back afterwards is still theirs to read.
    """
    attempt = attempt_to_read(user, attempt_id)
    if attempt.submitted_at is None or attempt.is_follow_up:
        raise Http404("No such results.")
    return attempt


def answer_to_take_back(user: User, attempt_id: UUID) -> Attempt:
    """Return an answer to its candidate who may take it back, or delete it afterwards."""
    attempt = attempt_to_read(user, attempt_id)
    if attempt.submitted_at is None or attempt.is_follow_up:
        raise Http404("No such answer.")
    return attempt


def may_play_as_grader(user: User, recording: Recording, at: datetime) -> bool:
    """Say whether the person plays this recording as a grader of its attempt.

    They may while their lease runs or their review is unrevealed, and seven days after.
    Who left the cohort may not.
    """
    attempt = recording.attempt
    review = Review.objects.filter(attempt=attempt, grader=user).first()
    if review is None:
        return False
    cohort_id = attempt.round.loop.cohort_id
    if not Membership.objects.filter(cohort_id=cohort_id, user=user).exists():
        return False
    handed_in = attempt.reviews.in_results().values_list("submitted_at", flat=True)
    reviews_at = [moment for moment in handed_in if moment] if review.is_submitted else []
    return _is_in_time_to_play(review, reviews_at, at)


def recording_to_grade(review: Review, at: datetime) -> Recording | None:
    """Return the recording to the grader of a review that `review_to_write` has opened.

    None where there is none, or where the time to play it is over.
    """
    handed_in = Review.objects.in_results().filter(attempt=OuterRef("attempt"))
    playable: QuerySet[Any] = review.attempt.recordings.ready().annotate(
        reviews_at=ArraySubquery(handed_in.values("submitted_at"))
    )
    found = playable.first()
    is_in_time = found is not None and _is_in_time_to_play(review, found.reviews_at, at)
    recording: Recording | None = found if is_in_time else None
    return recording


def _is_in_time_to_play(review: Review, reviews_at: list[datetime], at: datetime) -> bool:
    """Say whether a grader may still play, given when the attempt's reviews were handed in.

    The instants are asked of submitted reviews only; elsewhere they may be empty.
    """
    attempt = review.attempt
    if review.state == Review.State.VOID:
        return False
    if review.is_live:
        return True  # the interviewer of a mock may play it for good
    if not review.is_submitted:
        return at < review.lease_until + AFTERWARDS
    revealed = revealed_at(attempt.submitted_at, reviews_at) if attempt.submitted_at else None
    return revealed is None or at < revealed + AFTERWARDS
