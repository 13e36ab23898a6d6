"""Appeal a result, take an appeal in hand, answer it. What was graded first stays as it is."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from feedback.actions.places import lock_entry, recount
from feedback.actions.queue import LEASE
from feedback.models import GradeAppeal, QueueEntry, Review
from feedback.queries.appeals import (
    Handling,
    Stage,
    appealable_until,
    handlers_to_tell,
    handlings,
)
from feedback.queries.opening import is_opened
from feedback.queries.queue import held_review
from loops.actions.events import record
from loops.actions.notices import tell
from loops.actions.practice import expose
from loops.errors import Refused
from loops.models import Attempt, Notice, PromptExposure, Recording, User

LEEWAY_MS = 1000
"""So far beyond the recording's last second a typed end may lie."""


class NotOpenedYet(Refused):
    """The reviews come before the appeal of what they say."""

    code = "not_opened_yet"
    message = _(
        "You have not read these reviews yet, so there is nothing to appeal. Nothing was sent, and "
        "what you typed is still on this page."
    )


class AppealTooLate(Refused):
    """The time for it is over."""

    code = "appeal_too_late"
    message = _(
        "A result can be appealed for 30 days after its newest review. Nothing was sent. "
        "Answer another prompt: a new answer tells more than an old one read again."
    )


class AppealedAlready(Refused):
    """One appeal a result."""

    code = "appealed_already"
    message = _(
        "You have appealed this result before, and that appeal stands as it was sent. There is one "
        "for each result."
    )


class NothingToLookAt(Refused):
    """Nobody could watch it, or it counts for nothing."""

    code = "nothing_to_look_at"
    message = _(
        "Nobody could read this answer anew: its recording is gone, or it was reported and counts "
        "for nothing. Nothing was sent."
    )


class OutsideRecording(Refused):
    """The part to look at lies in the recording."""

    code = "outside_recording"
    status = 422
    message = _(
        "That time lies after the end of the recording. Nothing was sent; what you typed is still "
        "on this page."
    )


class NotForYou(Refused):
    """The rules of who may grade it exclude this member."""

    code = "not_for_you"
    message = _(
        "You cannot take this appeal: another member who is trained for the round may, or you have "
        "had the answer before you. Nothing was changed."
    )


class InAnothersHands(Refused):
    """A single handler at a time."""

    code = "in_anothers_hands"
    message = _(
        "Somebody else has this appeal in hand. Nothing was changed for you, and there is nothing "
        "to do; if they let it go, it is shown to you again."
    )


class OneInHand(Refused):
    """One answer at a time, here as in the queue."""

    code = "one_in_hand"
    message = _(
        "You have another answer in hand. Hand that review in or put it back first; nothing was "
        "taken, and what you wrote is kept."
    )


class AppealOver(Refused):
    """It is answered, or its answer was taken back."""

    code = "appeal_over"
    message = _(
        "This appeal is over: it was answered, or the answer was taken back. Nothing was changed."
    )


class ReviewComesFirst(Refused):
    """Blind first, then with all that is known."""

    code = "review_comes_first"
    message = _(
        "Hand your own review in first; then you read why it was appealed, and answer. Nothing was "
        "sent."
    )


class AnsweredAlready(Refused):
    """An answer is given once."""

    code = "answered_already"
    message = _(
        "This appeal is answered, and the candidate may have read it. That answer stands; nothing "
        "was changed."
    )


@transaction.atomic
def appeal(
    *, attempt: Attempt, text: str, start_ms: int, end_ms: int, by: User, at: datetime
) -> GradeAppeal:
    """Ask for another reader of an answer whose reviews its candidate has read; once.

    The very same again is the appeal that is there. Who may handle it is told.
    """
    entry = lock_entry(attempt, at)
    attempt = entry.attempt
    known = GradeAppeal.objects.filter(attempt=attempt).first()
    if known is not None:
        if (known.text, known.start_ms, known.end_ms) != (text, start_ms, end_ms):
            raise AppealedAlready
        return known
    if not is_opened(attempt, at):
        raise NotOpenedYet
    until = appealable_until(attempt)
    if until is None or at >= until:
        raise AppealTooLate
    recording = Recording.objects.ready().filter(attempt=attempt).first()
    if recording is None or entry.exclusion != QueueEntry.Exclusion.NONE:
        raise NothingToLookAt
    if recording.duration_ms is not None and end_ms > recording.duration_ms + LEEWAY_MS:
        raise OutsideRecording
    made = GradeAppeal.objects.create(
        attempt=attempt, text=text, start_ms=start_ms, end_ms=end_ms, made_at=at
    )
    record("appealed", made, by=by, at=at)
    tell_handlers(at=at, appeal=made)
    return made


def tell_handlers(*, at: datetime, appeal: GradeAppeal | None = None) -> int:
    """Tell of appeals that nobody has in hand those who may take them, once each; how many.

    The sweep does so again, for who has become one of them: joined, or asked after 48 hours.
    """
    count = 0
    for waiting, people in handlers_to_tell(at, of=appeal):
        subject = f"grade_appeal:{waiting.pk}"
        told = Notice.objects.filter(kind=Notice.Kind.GRADE_APPEAL, subject=subject)
        for person in User.objects.filter(pk__in=people).exclude(pk__in=told.values("person")):
            tell(
                person,
                Notice.Kind.GRADE_APPEAL,
                subject,
                at=at,
                appeal=str(waiting.public_id),
                round=waiting.attempt.round.title,
            )
            count += 1
    return count


@transaction.atomic
def take(*, appeal: GradeAppeal, by: User, at: datetime) -> Review:
    """Give an appeal to a member to read the answer blindly, under a lease as from the queue.

    Taking what one has is no new taking. What a former handler wrote stays theirs, as a review
    like any other. Raises InAnothersHands while another's lease runs.
    """
    User.objects.select_for_update(no_key=True).get(pk=by.pk)  # two tabs, one claim
    entry = lock_entry(appeal.attempt_id, at)
    handling = _handling(appeal, by, at)
    former = handling.appeal.review
    if handling.is_handler and handling.stage in {Stage.IN_HAND, Stage.READ} and former:
        return former
    _check_takeable(handling, by, at)
    if former is not None and former.grader_id != by.pk:
        _let_go(former, at)
    review = _open_review(handling, by, at)
    GradeAppeal.objects.filter(pk=appeal.pk).update(review=review)
    recount(entry)
    expose(user=by, prompt=entry.attempt.prompt, role=PromptExposure.Role.GRADER, at=at)
    record("taken", handling.appeal, by=by, at=at, review=review.pk)
    return review


def _handling(appeal: GradeAppeal, by: User, at: datetime) -> Handling:
    return handlings(GradeAppeal.objects.filter(pk=appeal.pk), by, at)[0]


def _check_takeable(handling: Handling, by: User, at: datetime) -> None:
    if handling.stage in {Stage.ANSWERED, Stage.CLOSED}:
        raise AppealOver
    if handling.stage != Stage.OPEN:
        raise InAnothersHands
    if not handling.may_take:
        raise NotForYou
    if held_review(by, at) is not None:
        raise OneInHand


def _let_go(former: Review, at: datetime) -> None:
    """Make a former handler's unfinished review one like any other: its text is kept.

    Who goes on with it takes a place if one is free, or hands in an extra review.
    """
    if former.is_submitted:
        return
    if former.is_open:
        former.state = Review.State.EXPIRED
        record("expired", former, by=None, at=at)
    former.purpose = Review.Purpose.PEER
    former.save(update_fields=["state", "purpose"])


def _open_review(handling: Handling, by: User, at: datetime) -> Review:
    review, is_new = Review.objects.select_for_update(of=("self",)).get_or_create(
        attempt=handling.appeal.attempt,
        grader=by,
        defaults={
            "purpose": Review.Purpose.APPEAL,
            "claimed_at": at,
            "lease_until": at + LEASE,
            "is_untrained": handling.is_untrained,
        },
    )
    if not is_new:
        review.purpose = Review.Purpose.APPEAL
        review.state = Review.State.DRAFT if review.drafted_at else Review.State.CLAIMED
        review.claimed_at = at
        review.lease_until = at + LEASE
        review.is_extra = False
        review.is_untrained = handling.is_untrained
        review.save()
    record("claimed", review, by=by, at=at)
    return review


@transaction.atomic
def answer(*, appeal: GradeAppeal, outcome: str, text: str, by: User, at: datetime) -> GradeAppeal:
    """Say to the candidate how one reads the answer, and why; once one's own review is in.

    The same answer sent again is the one that is there.
    """
    lock_entry(appeal.attempt_id, at)
    handling = _handling(appeal, by, at)
    found = handling.appeal
    if handling.stage == Stage.ANSWERED:
        if handling.is_handler and (found.outcome, found.answer) == (outcome, text):
            return found
        raise AnsweredAlready
    if handling.stage == Stage.CLOSED:
        raise AppealOver
    if not handling.is_handler:
        raise InAnothersHands
    if not handling.may_answer:
        raise ReviewComesFirst
    found.outcome = outcome
    found.answer = text
    found.answered_at = at
    found.save(update_fields=["outcome", "answer", "answered_at"])
    record("answered", found, by=by, at=at, outcome=outcome)
    Notice.objects.filter(
        kind=Notice.Kind.GRADE_APPEAL, subject=f"grade_appeal:{found.pk}", read_at=None
    ).update(read_at=at)
    attempt = found.attempt
    tell(
        attempt.round.loop.member,
        Notice.Kind.GRADE_ANSWERED,
        f"grade_appeal:{found.pk}",
        at=at,
        attempt=str(attempt.public_id),
        round=attempt.round.title,
        outcome=outcome,
    )
    return found
