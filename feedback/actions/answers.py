"""What a candidate asks a grader, what the grader asks back, and how each is answered.

A *why?* is a question in words, answered in words. A follow-up is a grader's question, answered by
a recorded take; up to five of them make a why-chain, each asked once the one before is answered.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.models import FollowUp, Question, Review
from loops.actions import takes
from loops.actions.events import record
from loops.actions.notices import tell
from loops.actions.practice import NothingRecorded
from loops.errors import Refused
from loops.models import Attempt, Event, Membership, Notice, Recording, Round, User
from loops.states import AttemptState


class NotOpened(Refused):
    """A review is asked about by who has read it."""

    code = "not_opened"
    message = _(
        "This review is not open to you yet, so nothing was asked. Say first how useful it is."
    )


class AnswerGone(Refused):
    """The answer was taken back: nobody reads any more what is said of it."""

    code = "answer_gone"
    status = 410
    message = _(
        "The answer was taken back, or not handed in, so nobody would read this. It was not sent; "
        "what was said before is kept."
    )


class GraderGone(Refused):
    """Who left the cohort opens none of its pages."""

    code = "grader_gone"
    message = _(
        "This grader has left your cohort and would not read your question, so it was not sent. "
        "The others can still be asked."
    )


class TooManyQuestions(Refused):
    """A grader has a day's work besides."""

    code = "too_many_questions"
    message = _(
        "Ten of your questions to this grader wait for an answer, so this one was not sent. Those "
        "ten are kept; ask the next once one of them is answered."
    )


class BeyondTheEnd(Refused):
    """One asks about a time in the recording."""

    code = "beyond_the_end"
    status = 422
    message = _("That time lies after the end of the recording. Nothing was asked yet.")


class AlreadyAnswered(Refused):
    """A question is answered once, and the answer stands."""

    code = "already_answered"
    message = _(
        "You have answered this question, perhaps in another window. That answer stands, and this "
        "one was not sent."
    )


class NotHandedIn(Refused):
    """A follow-up comes after the review."""

    code = "not_handed_in"
    message = _("Hand in your review first. Nothing was asked yet.")


class WaitsForTheLast(Refused):
    """A chain has one open end."""

    code = "waits_for_the_last"
    message = _(
        "Your last follow-up is not answered yet, so this one was not sent. Ask it when the "
        "candidate's take is in: it may be answered by then."
    )


class ChainEnded(Refused):
    """A candidate who declined is left in peace."""

    code = "chain_ended"
    message = _("The candidate has declined your last follow-up, so this one was not sent.")


class ChainFull(Refused):
    """Five whys are enough."""

    code = "chain_full"
    message = _(
        "A chain has five links at most, and yours has them. This follow-up was not sent; what was "
        "asked and answered is kept."
    )


class LinkDeclined(Refused):
    """What was declined is over."""

    code = "link_declined"
    message = _("You have declined this question, and its grader was left with that.")


class LinkAnswered(Refused):
    """What was answered is out."""

    code = "link_answered"
    message = _("You have answered this question: your take is with its grader.")


@transaction.atomic
def ask(*, review: Review, text: str, at_ms: int | None, by: User, at: datetime) -> Question:
    """Ask the grader of a review *why?*, at a time in the recording or of the whole answer.

    The same question, while it is open, is asked once.
    """
    attempt = _lock_answer(review.attempt_id)
    review = _lock(review)
    if not hasattr(review, "usefulness"):
        raise NotOpened
    open_ = review.questions.filter(answered_at=None)
    same = open_.filter(text=text, at_ms=at_ms).first()
    if same:
        return same
    cohort = attempt.round.loop.cohort
    if not Membership.objects.filter(cohort=cohort, user=review.grader).exists():
        raise GraderGone
    duration_ms = _duration_ms(attempt)
    if at_ms is not None and duration_ms is not None and at_ms > duration_ms + 1000:
        raise BeyondTheEnd
    if open_.count() >= Question.OPEN_MOST:
        raise TooManyQuestions
    question = Question.objects.create(review=review, at_ms=at_ms, text=text, asked_at=at)
    record("asked", question, by=by, at=at, at_ms=at_ms)
    tell(
        review.grader,
        Notice.Kind.QUESTION,
        f"question:{question.pk}",
        at=at,
        **_data(review),
    )
    return question


@transaction.atomic
def answer(*, question: Question, text: str, by: User, at: datetime) -> Question:
    """Answer a candidate's *why?*, once. The same answer again is the one that is there."""
    attempt = _lock_answer(question.review.attempt_id)
    question = Question.objects.select_for_update().get(pk=question.pk)
    if question.answered_at is not None:
        if question.answer != text:
            raise AlreadyAnswered
        return question
    question.answer, question.answered_at = text, at
    question.save(update_fields=["answer", "answered_at"])
    record("answered", question, by=by, at=at)
    tell(
        attempt.round.loop.member,
        Notice.Kind.QUESTION_ANSWERED,
        f"question:{question.pk}",
        at=at,
        who=attempt.round.loop.cohort.called(by),
        **_data(_fetched(question.review_id)),
    )
    return question


@transaction.atomic
def ask_follow_up(*, review: Review, text: str, by: User, at: datetime) -> FollowUp:
    """Ask the candidate a follow-up: the first link at once, each next one after the last answer.

    The candidate reads it once they have opened the review, and is told then. The same question,
    while it is open, is asked once.
    """
    _lock_answer(review.attempt_id)
    review = _lock(review)
    if not review.is_submitted:
        raise NotHandedIn
    last = review.follow_ups.order_by("-number").first()
    if last and last.is_open and last.text == text:
        return last
    if last and last.declined_at:
        raise ChainEnded
    if last and last.is_open:
        raise WaitsForTheLast
    number = last.number + 1 if last else 1
    if number > FollowUp.LINKS_MOST:
        raise ChainFull
    follow_up = FollowUp.objects.create(review=review, number=number, text=text, asked_at=at)
    record("asked", follow_up, by=by, at=at, number=number)
    if hasattr(review, "usefulness"):  # its candidate has opened it
        _tell_of(follow_up, review, at)
    return follow_up


def tell_of_follow_ups(*, attempt: Attempt, at: datetime) -> int:
    """Tell the candidate of what was asked before they had opened the reviews; returns how many."""
    waiting = FollowUp.objects.filter(
        review__in=Review.objects.in_results().filter(attempt=attempt, usefulness__isnull=False),
        answered_at=None,
        declined_at=None,
    )
    links = list(waiting.order_by("asked_at", "pk"))
    for follow_up in links:
        _tell_of(follow_up, _fetched(follow_up.review_id), at)
    return len(links)


@transaction.atomic
def begin_take(*, follow_up: FollowUp, by: User, at: datetime) -> Attempt:
    """Open the take that answers a follow-up; beginning twice returns the one that is open."""
    answer_ = Attempt.objects.select_related("round").get(pk=follow_up.review.attempt_id)
    Round.objects.select_for_update().get(pk=answer_.round_id)  # before the answer, as others do
    answer_ = _lock_answer(answer_.pk)
    follow_up = _lock_link(follow_up)
    if follow_up.take and follow_up.take.is_draft:
        return follow_up.take
    follow_up.take = takes.open_take(answer=answer_, by=by, at=at)
    follow_up.save(update_fields=["take"])
    return follow_up.take


@transaction.atomic
def send_take(*, follow_up: FollowUp, by: User, at: datetime) -> FollowUp:
    """Hand the take to who asked, who alone plays it. Sending twice is sending once."""
    _lock_answer(follow_up.review.attempt_id)
    locked = FollowUp.objects.select_for_update().get(pk=follow_up.pk)
    if locked.answered_at is not None:
        return locked
    follow_up = _lock_link(follow_up)
    if follow_up.take is None:
        raise NothingRecorded
    takes.hand_in_take(
        take=follow_up.take,
        seconds=FollowUp.TAKE_SECONDS,
        seconds_most=FollowUp.TAKE_SECONDS_MOST,
        by=by,
        at=at,
    )
    follow_up.answered_at = at
    follow_up.save(update_fields=["answered_at"])
    record("answered", follow_up, by=by, at=at)
    review = _fetched(follow_up.review_id)
    tell(
        review.grader,
        Notice.Kind.TAKE_IN,
        f"follow_up:{follow_up.pk}",
        at=at,
        follow_up=str(follow_up.public_id),
        **_data(review),
    )
    return follow_up


@transaction.atomic
def decline(*, follow_up: FollowUp, by: User, at: datetime) -> FollowUp:
    """Decline a follow-up for good, and erase a take that was begun; declining twice is once."""
    _lock_answer(follow_up.review.attempt_id)
    locked = FollowUp.objects.select_for_update().get(pk=follow_up.pk)
    if locked.declined_at is not None:
        return locked
    follow_up = _lock_link(follow_up)
    if follow_up.take is not None:
        takes.withdraw_take(take=follow_up.take, by=by, at=at)
    follow_up.declined_at = at
    follow_up.save(update_fields=["declined_at"])
    record("declined", follow_up, by=by, at=at)
    return follow_up


@transaction.atomic
def withdraw_takes(*, attempt: Attempt, by: User | None, at: datetime) -> int:
    """Take back every take that follows an answer, and erase what was recorded; returns how many.

    For an answer that is withdrawn or deleted; its caller holds the answer locked. What was asked
    stays, as words.
    """
    count = 0
    for take in takes_of(attempt):
        count += take.state != AttemptState.WITHDRAWN
        takes.withdraw_take(take=take, by=by, at=at)
    return count


@transaction.atomic
def disown_takes(*, attempt: Attempt, at: datetime) -> None:
    """Cut the takes that follow an answer from their person, as the answer itself is when deleted.

    They were taken back before. The rows stay, as facts of the chain, and belong to nobody.
    """
    for take in takes_of(attempt):
        if take.deleted_at is None:
            takes.disown_take(take=take, at=at)


def takes_of(attempt: Attempt) -> list[Attempt]:
    """Return every take that was begun of an answer.

    A link names the last one. One that was put away before it says in its event whose it was.
    """
    links = FollowUp.objects.filter(review__attempt=attempt, take__isnull=False)
    takes = Attempt.objects.filter(kind=Attempt.Kind.FOLLOW_UP)
    begun = Event.objects.filter(
        subject=Attempt._meta.label_lower,
        subject_id__in=takes.filter(round=attempt.round_id).values("pk"),
        verb="started",
        data__answer=attempt.pk,
    )
    of_it = Q(pk__in=links.values("take")) | Q(pk__in=begun.values("subject_id"))
    return list(takes.filter(of_it).order_by("pk"))


def _lock_answer(attempt_id: int) -> Attempt:
    """Return an answer with its row locked; raise AnswerGone for one that is not handed in."""
    attempt = (
        Attempt.objects.select_for_update(of=("self",), no_key=True)
        .select_related("round__loop__cohort", "round__loop__member")
        .get(pk=attempt_id)
    )
    if not attempt.is_submitted:
        raise AnswerGone
    return attempt


def _lock(review: Review) -> Review:
    return (
        Review.objects.select_for_update(of=("self",))
        .select_related("grader", "usefulness", "attempt__round__loop__cohort")
        .get(pk=review.pk)
    )


def _lock_link(follow_up: FollowUp) -> FollowUp:
    """Return a follow-up that is still open, with its row locked."""
    locked = (
        FollowUp.objects.select_for_update(of=("self",)).select_related("take").get(pk=follow_up.pk)
    )
    if locked.answered_at is not None:
        raise LinkAnswered
    if locked.declined_at is not None:
        raise LinkDeclined
    return locked


def _fetched(review_id: int) -> Review:
    return Review.objects.select_related(
        "grader", "attempt__round__loop__cohort", "attempt__round__loop__member"
    ).get(pk=review_id)


def _tell_of(follow_up: FollowUp, review: Review, at: datetime) -> None:
    tell(
        review.attempt.round.loop.member,
        Notice.Kind.FOLLOW_UP,
        f"follow_up:{follow_up.pk}",
        at=at,
        follow_up=str(follow_up.public_id),
        who=review.attempt.round.loop.cohort.called(review.grader),
        **_data(review),
    )


def _data(review: Review) -> dict[str, Any]:
    """Return what a notice keeps of its review. A grader's has nothing of who the candidate is."""
    attempt = review.attempt
    return {
        "attempt": str(attempt.public_id),
        "review": str(review.public_id),
        "round": attempt.round.title,
    }


def _duration_ms(attempt: Attempt) -> int | None:
    ready = Recording.objects.ready().filter(attempt=attempt)
    return ready.values_list("duration_ms", flat=True).first()
