"""Appeal against a broken promise that stands against one, and decide such an appeal."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from loops.actions.events import record
from loops.actions.notices import tell
from loops.errors import Refused
from loops.models import Appeal, Membership, Mock, Notice, Seat, User
from loops.promises import APPEAL_WITHIN

BROKEN = (Seat.Outcome.LATE_CHANGE, Seat.Outcome.NO_SHOW)


class NothingToAppeal(Refused):
    """No broken promise of theirs stands in this mock."""

    code = "nothing_to_appeal"
    message = _("Nothing in this mock counts against you, so there is nothing to appeal against.")


class AppealTooLate(Refused):
    """What was long ago nobody can judge."""

    code = "appeal_too_late"
    message = _(
        "An appeal is possible for 14 days. Nothing was sent. "
        "What happened fades by itself: it weighs half after 60 days."
    )


class AlreadyDecided(Refused):
    """Another organiser was quicker."""

    code = "already_decided"
    message = _(
        "This appeal has been answered meanwhile, and that answer stands. Nothing was changed."
    )


class OwnAppeal(Refused):
    """Nobody judges themselves."""

    code = "own_appeal"
    message = _("Another organiser has to decide your own appeal. Nothing was changed.")


class AnswerMissing(Refused):
    """Who is refused is told why."""

    code = "answer_missing"
    status = 422
    message = _("Say why you refuse: your answer goes to the member. Nothing was changed.")


@transaction.atomic
def appeal(*, mock: Mock, text: str, by: User, at: datetime) -> Appeal:
    """Ask the organisers to excuse a late change or a missed mock; once, within 14 days.

    Sent again it is the one that is there. Every other organiser of the cohort is told.
    """
    seat = (
        Seat.objects.select_for_update(of=("self",))
        .select_related("mock__cohort")
        .filter(mock=mock, member=by)
        .first()
    )
    known = Appeal.objects.filter(seat=seat).first()
    if known is not None:
        return known
    if seat is None or seat.outcome not in BROKEN or seat.outcome_at is None:
        raise NothingToAppeal
    if at > seat.outcome_at + APPEAL_WITHIN:
        raise AppealTooLate
    made = Appeal.objects.create(seat=seat, text=text, made_at=at)
    record("appealed", made, by=by, at=at, outcome=seat.outcome)
    cohort = seat.mock.cohort
    organisers = Membership.objects.filter(
        cohort=cohort, role=Membership.Role.ORGANISER, user__is_active=True
    ).exclude(user=by)
    for place in organisers.select_related("user").order_by("pk"):
        tell(
            place.user,
            Notice.Kind.APPEAL,
            f"appeal:{made.pk}",
            mock=seat.mock,
            at=at,
            who=cohort.called(by),
            outcome=seat.outcome,
        )
    return made


@transaction.atomic
def decide(*, appeal: Appeal, is_granted: bool, answer: str, by: User, at: datetime) -> Appeal:
    """Grant an appeal, which excuses the broken promise, or refuse it with an answer.

    The same decision sent again changes nothing. The other organisers need not act any more.
    """
    appeal = (
        Appeal.objects.select_for_update(of=("self",))
        .select_related("seat__member", "seat__mock__cohort")
        .get(pk=appeal.pk)
    )
    seat = appeal.seat
    to = Appeal.State.GRANTED if is_granted else Appeal.State.REFUSED
    if seat.member_id == by.pk:
        raise OwnAppeal
    if appeal.state == to and appeal.decided_by_id == by.pk:
        return appeal
    if appeal.state != Appeal.State.OPEN:
        raise AlreadyDecided
    if not (is_granted or answer):
        raise AnswerMissing
    appeal.state = to
    appeal.answer = answer
    appeal.decided_by = by
    appeal.decided_at = at
    appeal.save(update_fields=["state", "answer", "decided_by", "decided_at"])
    if is_granted:
        Seat.objects.filter(pk=seat.pk, outcome__in=BROKEN).update(outcome=Seat.Outcome.EXCUSED)
    record("decided", appeal, by=by, at=at, state=to.value)
    Notice.objects.filter(
        kind=Notice.Kind.APPEAL, subject=f"appeal:{appeal.pk}", read_at=None
    ).update(read_at=at)
    tell(
        seat.member,
        Notice.Kind.APPEAL_ANSWERED,
        f"appeal:{appeal.pk}",
        mock=seat.mock,
        at=at,
        is_granted=is_granted,
        answer=answer,
    )
    return appeal
