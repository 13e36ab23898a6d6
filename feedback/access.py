"""The doors of feedback: a review to its grader, results to a candidate, a recording to graders."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from feedback.models import (
    Conflict,
    Evidence,
    FollowUp,
    GoldExpert,
    GoldItem,
    GradeAppeal,
    Moment,
    Question,
    Review,
    Sitting,
)
from feedback.queries.appeals import Handling, handlings
from feedback.queries.asked import with_asked
from feedback.queries.debriefs import entries_to_debrief
from feedback.queries.gold import expert_work
from feedback.queries.opening import opened_reviews
from feedback.queries.reveal import revealed_at
from feedback.queries.session import session_turns
from loops.access import attempt_to_read
from loops.models import Attempt, Membership, Recording, Turn, User
from loops.queries.blocks import known_to
from rubrics.models import RoundKind

AFTERWARDS = timedelta(days=7)


def reviews_to_write(user: User) -> QuerySet[Review]:
    """Return the reviews that a person holds or has given in cohorts they are still in."""
    return Review.objects.select_related(
        "grader",
        "usefulness",
        "attempt__prompt",
        "attempt__rubric_version",
        "attempt__round__round_kind",
        "attempt__round__loop__cohort",
        "attempt__round__loop__member",
        "attempt__turn__mock",
        "attempt__queue_entry",
        "report",
        "grade_appeal",
        "ledger_entry",
    ).filter(grader=user, attempt__round__loop__cohort__memberships__user=user)


def review_to_write(user: User, public_id: UUID) -> Review:
    """Return a review to its grader. The actions say what may still be done with it."""
    review = reviews_to_write(user).filter(public_id=public_id).first()
    if review is None:
        raise Http404("No such review.")
    return review


def review_with_asked(user: User, public_id: UUID) -> Review:
    """Return a review to its grader, with what was asked of it and what they asked back.

    It brings along whether a debrief of its answer is open.
    """
    debriefs = entries_to_debrief().filter(attempt=OuterRef("attempt"))
    reviews = with_asked(reviews_to_write(user)).annotate(in_debrief=Exists(debriefs))
    review: Review | None = reviews.filter(public_id=public_id).first()
    if review is None:
        raise Http404("No such review.")
    return review


def evidence_to_remove(review: Review, public_id: UUID) -> Evidence:
    """Return a piece of evidence of a review that its grader has already opened."""
    evidence = review.evidence.filter(public_id=public_id).first()
    if evidence is None:
        raise Http404("No such evidence.")
    return evidence


def person_to_declare(user: User, public_id: UUID) -> User:
    """Return somebody who shares a cohort with the person, to say that they cannot grade them."""
    person = known_to(user).filter(public_id=public_id).first()
    if person is None:
        raise Http404("No such person.")
    return person


def conflict_to_remove(user: User, public_id: UUID) -> Conflict | None:
    """Return a conflict to who declared it; None where there is none of theirs."""
    return Conflict.objects.filter(declared_by=user, public_id=public_id).first()


def moment_to_remove(review: Review, public_id: UUID) -> Moment:
    """Return a moment of a review that its grader has already opened."""
    moment = review.moments.filter(public_id=public_id).first()
    if moment is None:
        raise Http404("No such moment.")
    return moment


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


def gold_item_to_organise(user: User, public_id: UUID) -> GoldItem:
    """Return a calibration item to an organiser of its cohort."""
    item = (
        GoldItem.objects.select_related("attempt__round__loop__cohort")
        .filter(
            public_id=public_id,
            attempt__round__loop__cohort__memberships__user=user,
            attempt__round__loop__cohort__memberships__role=Membership.Role.ORGANISER,
        )
        .first()
    )
    if item is None:
        raise Http404("No such item.")
    return item


def expert_work_to_take(user: User, item_id: UUID) -> GoldExpert:
    """Return what a person was asked to grade as an expert, while they are in the cohort."""
    asked = expert_work(user).filter(
        item__public_id=item_id, item__attempt__round__loop__cohort__memberships__user=user
    )
    found = asked.first()
    if found is None:
        raise Http404("No such item.")
    return found


def is_uuid(text: str) -> bool:
    """Say whether a text is an id of the kind that pages show."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def answer_to_take_back(user: User, attempt_id: UUID) -> Attempt:
    """Return an answer to its candidate who may take it back, or delete it afterwards."""
    attempt = attempt_to_read(user, attempt_id)
    if attempt.submitted_at is None or attempt.is_follow_up:
        raise Http404("No such answer.")
    return attempt


def appeal_to_handle(user: User, public_id: UUID, at: datetime) -> Handling:
    """Return an appeal to a member of its cohort who may handle it, does, or had it in hand.

    Neither its candidate meets it so nor who graded the answer before.
    """
    appeals = GradeAppeal.objects.filter(
        public_id=public_id, attempt__round__loop__cohort__memberships__user=user
    ).exclude(attempt__round__loop__member=user)
    found = handlings(appeals, user, at)
    if not found or not (found[0].is_handler or found[0].is_eligible or found[0].is_former):
        raise Http404("No such appeal.")
    return found[0]


def debrief_to_join(user: User, attempt_id: UUID) -> Review:
    """Return a grader's own review of a split answer whose debrief is open; never its candidate."""
    return _to_debrief(user, attempt_id, Q(attempt__queue_entry__in=entries_to_debrief()))


def debrief_to_write(user: User, attempt_id: UUID) -> Review:
    """Return a grader's own review of a split answer to say something, open or not.

    The action says whether it still may be said: what was typed into an open page has to meet
    words there, not a page that is gone.
    """
    return _to_debrief(user, attempt_id, Q(attempt__queue_entry__is_split=True))


def _to_debrief(user: User, attempt_id: UUID, which: Q) -> Review:
    found = (
        Review.objects.in_results()
        .filter(
            which,
            grader=user,
            attempt__public_id=attempt_id,
            attempt__round__loop__cohort__memberships__user=user,
        )
        .select_related(
            "grader",
            "attempt__rubric_version",
            "attempt__round__round_kind",
            "attempt__round__loop__cohort",
            "attempt__round__loop__member",
        )
    )
    review = found.first()
    if review is None:
        raise Http404("No such debrief.")
    return review


def may_play_as_grader(user: User, recording: Recording, at: datetime) -> bool:
    """Say whether the person plays this recording as a grader of its attempt.

    They may while their lease runs or their review is unrevealed, and seven days after.
    A follow-up take is for who asked alone. Who left the cohort may not.
    """
    attempt = recording.attempt
    if attempt.is_follow_up:
        return _may_play_take(user, attempt, at)
    review = Review.objects.filter(attempt=attempt, grader=user).first()
    if review is None:
        return False
    cohort_id = attempt.round.loop.cohort_id
    if not Membership.objects.filter(cohort_id=cohort_id, user=user).exists():
        return False
    handed_in = attempt.reviews.in_results().values_list("submitted_at", flat=True)
    reviews_at = [moment for moment in handed_in if moment] if review.is_submitted else []
    return _is_in_time_to_play(review, reviews_at, at)


def _may_play_take(user: User, take: Attempt, at: datetime) -> bool:
    """Say whether the person asked what a take answers, and its seven days still run."""
    sent = FollowUp.objects.filter(
        take=take,
        review__grader=user,
        review__attempt__round__loop__cohort__memberships__user=user,
        answered_at__gt=at - AFTERWARDS,
    )
    return take.is_submitted and sent.exists()


def review_to_ask(attempt: Attempt, public_id: UUID) -> Review:
    """Return a review of an answer that `results_to_read` has opened to its candidate.

    One that they have not opened yet is theirs to ask about later; the action says so.
    """
    review = Review.objects.in_results().filter(attempt=attempt, public_id=public_id).first()
    if review is None:
        raise Http404("No such review.")
    return review


def question_to_answer(user: User, public_id: UUID) -> Question:
    """Return a candidate's question to the grader who is asked, while they are in the cohort."""
    question = (
        Question.objects.select_related("review__attempt__round__loop__cohort")
        .filter(public_id=public_id, review__in=reviews_to_write(user))
        .first()
    )
    if question is None:
        raise Http404("No such question.")
    return question


def follow_up_to_see(user: User, public_id: UUID) -> FollowUp:
    """Return a follow-up to who asked it, and to the candidate who has opened the review."""
    asked = Q(review__grader=user, review__attempt__round__loop__cohort__memberships__user=user)
    follow_up = _follow_ups().filter(asked | _reached(user), public_id=public_id).distinct().first()
    if follow_up is None:
        raise Http404("No such question.")
    return follow_up


def follow_up_to_answer(user: User, public_id: UUID) -> FollowUp:
    """Return a follow-up to the candidate it was asked of, who has opened the review."""
    follow_up = _follow_ups().filter(_reached(user), public_id=public_id).first()
    if follow_up is None:
        raise Http404("No such question.")
    return follow_up


def _reached(user: User) -> Q:
    return Q(review__attempt__round__loop__member=user, review__in=opened_reviews())


def _follow_ups() -> QuerySet[FollowUp]:
    return FollowUp.objects.select_related(
        "review__grader",
        "review__attempt__round__loop__cohort",
        "review__attempt__round__loop__member",
        "take__round__loop__cohort",
        "take__round__round_kind",
    )


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
    if review.purpose not in Review.READ_BY_CANDIDATE and review.submitted_at:
        return at < review.submitted_at + AFTERWARDS
    revealed = revealed_at(attempt.submitted_at, reviews_at) if attempt.submitted_at else None
    return revealed is None or at < revealed + AFTERWARDS


def kind_to_train(key: str) -> RoundKind:
    """Return a round kind by its key; anybody who is signed in may train for it."""
    kind = RoundKind.objects.filter(key=key).first()
    if kind is None:
        raise Http404("No such round.")
    return kind


def sittings_of(user: User) -> QuerySet[Sitting]:
    """Return a person's own sittings at vignettes."""
    return Sitting.objects.filter(member=user).select_related(
        "member", "vignette__round_kind", "vignette__version"
    )


def sitting_to_take(user: User, public_id: UUID) -> Sitting:
    """Return a sitting to its member, who alone ever sees it."""
    sitting = sittings_of(user).filter(public_id=public_id).first()
    if sitting is None:
        raise Http404("No such sitting.")
    return sitting
