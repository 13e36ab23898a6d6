"""A candidate takes an answer back, or deletes it: claims end, files go, grades stay as facts."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from feedback.actions import answers
from feedback.actions.places import lock_entry, recount
from feedback.models import (
    Evidence,
    FollowUp,
    GoldItem,
    GradeAppeal,
    LedgerEntry,
    Question,
    QueueEntry,
    Reflection,
    Report,
    Usefulness,
)
from loops.actions import practice, recordings
from loops.errors import Refused
from loops.models import Attempt, Event, Notice, Recording, User

GONE = "…"
"""What stands where a candidate's words were removed."""


class NotTakenBack(Refused):
    """An answer is taken back before it is deleted for good."""

    code = "not_taken_back"
    message = _("Only an answer that was handed in can be deleted here. Nothing was changed.")


@transaction.atomic
def withdraw(*, attempt: Attempt, by: User, at: datetime) -> Attempt:
    """Take an answer back: its recording is erased, and nobody grades it any more.

    Who has it in hand is told and credited; their text is kept. What was said of it before stays
    for its candidate to read and as a fact for the statistics, and counts in no reading.
    """
    attempt = recordings.erase_taken_back(attempt=attempt, by=by, at=at)
    answers.withdraw_takes(attempt=attempt, by=by, at=at)
    return attempt


@transaction.atomic
def delete(*, attempt: Attempt, by: User, at: datetime) -> None:
    """Take an answer back and cut it from its person: no page of theirs has it any more.

    Words of the candidate's are removed wherever they stand: notes, code, quotes, questions, why
    they appealed or contested a report, what they foresaw and felt. So is who did it, wherever what
    happened is written down. The grades stay, of nobody's answer. It cannot be undone.
    """
    attempt = withdraw(attempt=attempt, by=by, at=at)
    if attempt.submitted_at is None:
        raise NotTakenBack
    attempt = Attempt.objects.select_related("round__loop__cohort", "round__round_kind").get(
        pk=attempt.pk
    )
    if attempt.deleted_at is not None:
        return
    entry = lock_entry(attempt, at)
    of_it = {"review__attempt": attempt}
    _forget_who(attempt, attempt.round.loop.member)
    Question.objects.filter(**of_it).delete()
    Reflection.objects.filter(attempt=attempt).delete()
    Usefulness.objects.filter(**of_it).update(note="")
    Evidence.objects.filter(**of_it).exclude(quote="").update(quote=GONE)
    GradeAppeal.objects.filter(attempt=attempt).update(text="")
    Report.objects.filter(**of_it).update(contested_because="")
    LedgerEntry.objects.filter(**of_it).update(giver=None)
    Notice.objects.filter(person=by, data__attempt=str(attempt.public_id)).update(
        withdrawn_at=at, data={}
    )
    answers.disown_takes(attempt=attempt, at=at)
    practice.disown(attempt=attempt, at=at)
    QueueEntry.objects.filter(pk=entry.pk).update(candidate_id=attempt.round.loop.member_id)
    recount(lock_entry(attempt, at))


def _forget_who(attempt: Attempt, person: User) -> None:
    """Take a person out of what is written down of all that an answer has, takes included.

    Each row there leads back to the answer. What others did with it stays theirs.
    """
    taken = [attempt.pk, *(take.pk for take in answers.takes_of(attempt))]
    of_it = {"review__attempt": attempt}
    rows: list[QuerySet[Any]] = [
        Recording.objects.filter(attempt__in=taken),
        Report.objects.filter(**of_it),
        Question.objects.filter(**of_it),
        FollowUp.objects.filter(**of_it),
        GradeAppeal.objects.filter(attempt=attempt),
        GoldItem.objects.filter(attempt=attempt),
    ]
    for found in rows:
        Event.objects.filter(
            subject=found.model._meta.label_lower,
            subject_id__in=list(found.order_by().values_list("pk", flat=True)),
            actor_id=person.pk,
        ).update(actor_id=None)
