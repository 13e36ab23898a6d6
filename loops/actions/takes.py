"""Follow-up takes: open one beside an answer, hand it in, take it back."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from loops.actions.events import record
from loops.actions.practice import NotADraft, NothingRecorded, nobodys_round
from loops.actions.recordings import erase
from loops.errors import Refused
from loops.models import Attempt, Event, Recording, Round, User
from loops.states import ATTEMPT_MOVES, AttemptState, RecordingState, check_move


class TakeNotReady(Refused):
    """How long a take is, is known once it plays."""

    code = "take_not_ready"
    message = _(
        "Your take is safe on the server and is being made ready to play. Nothing was sent yet: "
        "try again in a moment."
    )


class TakeTooLong(Refused):
    """The take is longer than a follow-up question is answered in."""

    code = "take_too_long"

    def __init__(self, *, seconds: int, most: int) -> None:
        words = _(
            "This take is %(seconds)d seconds long, and a follow-up is answered in %(most)d. It "
            "was not sent, and is kept here. Record it again, and say the one thing that matters."
        )
        super().__init__(words % {"seconds": seconds, "most": most})


@transaction.atomic
def open_take(*, answer: Attempt, by: User, at: datetime) -> Attempt:
    """Open a take in the round of an answer, on the same prompt and edition.

    It is a draft beside every other, has no prediction, and its number is none of an answer's.
    """
    round_ = Round.objects.select_for_update().get(pk=answer.round_id)
    take = Attempt.objects.create(
        round=round_,
        number=_next_number(round_),
        kind=Attempt.Kind.FOLLOW_UP,
        prompt_id=answer.prompt_id,
        rubric_version_id=answer.rubric_version_id,
        started_at=at,
    )
    record("started", take, by=by, at=at, answer=answer.pk)
    return take


@transaction.atomic
def hand_in_take(
    *, take: Attempt, seconds: int, seconds_most: int, by: User, at: datetime
) -> Attempt:
    """Hand a take in; handing in twice is handing in once.

    It is to be `seconds` long. One longer than `seconds_most` is refused and stays a draft.
    """
    take = Attempt.objects.select_for_update(no_key=True).get(pk=take.pk)
    if take.is_submitted:
        return take
    if not take.is_draft:
        raise NotADraft
    recording = Recording.objects.kept().filter(attempt=take).first()
    if recording is None or recording.state not in RecordingState.settled():
        raise NothingRecorded
    if not recording.is_ready:
        raise TakeNotReady
    duration_ms = recording.duration_ms or 0
    if duration_ms > seconds_most * 1000:
        raise TakeTooLong(seconds=-(-duration_ms // 1000), most=seconds)
    take.submitted_at = at
    _move(take, AttemptState.SUBMITTED, "submitted_at")
    record("submitted", take, by=by, at=at)
    return take


@transaction.atomic
def withdraw_take(*, take: Attempt, by: User | None, at: datetime) -> Attempt:
    """Take a take back, handed in or not, and erase what was recorded of it; twice is once."""
    take = Attempt.objects.select_for_update(no_key=True).get(pk=take.pk)
    if take.state == AttemptState.WITHDRAWN:
        return take
    for recording in Recording.objects.kept().filter(attempt=take).order_by("pk"):
        erase(recording=recording, by=by, at=at)
    _move(take, AttemptState.WITHDRAWN)
    record("withdrawn", take, by=by, at=at)
    return take


def disown_take(*, take: Attempt, at: datetime) -> Attempt:
    """Move a take that was taken back out of its person's loop: it is nobody's from here on."""
    take = Attempt.objects.select_related("round__loop__cohort", "round__round_kind").get(
        pk=take.pk
    )
    of_nobody = nobodys_round(take.round)
    Event.objects.filter(subject=take._meta.label_lower, subject_id=take.pk).update(
        actor_id=None, data={}
    )
    take.round, take.number, take.deleted_at = of_nobody, _next_number(of_nobody), at
    take.save(update_fields=["round", "number", "deleted_at"])
    return take


def _next_number(round_: Round) -> int:
    takes = round_.attempts.filter(kind=Attempt.Kind.FOLLOW_UP)
    last: int | None = takes.aggregate(last=Max("number"))["last"]
    return last + 1 if last else Attempt.FOLLOW_UPS_FROM


def _move(take: Attempt, state: AttemptState, *fields: str) -> None:
    check_move(ATTEMPT_MOVES, AttemptState(take.state), state)
    take.state = Attempt.State(state.value)
    take.save(update_fields=["state", *fields])
