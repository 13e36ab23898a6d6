"""Ask everybody for a grader where an answer has waited for two days."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from feedback.eligibility import ESCALATED_AFTER, REVIEWS_ENOUGH
from feedback.models import Conflict, QueueEntry, Review
from loops.actions.notices import tell
from loops.models import Notice, Turn, User
from loops.states import MockState

TOLD_AT_ONCE = 500


def ask_everybody(*, at: datetime) -> int:
    """Tell the members who may grade an answer that it lacks reviews after 48 hours; how many.

    Once for each answer and member. Who joins later, or may grade it later, is told then.
    """
    rows = _untold(at).values_list("attempt_id", "attempt__round__title", "member")[:TOLD_AT_ONCE]
    found = list(rows)
    people = User.objects.in_bulk([member for _attempt, _round, member in found])
    for attempt_id, title, member in found:
        tell(
            people[member],
            Notice.Kind.NEEDS_GRADER,
            _subject(attempt_id),
            at=at,
            round=title,
        )
    return len(found)


def _subject(attempt_id: int) -> str:
    return f"attempt:{attempt_id}"


def _untold(at: datetime) -> QuerySet[Any]:
    """Return starving entries, each once for every member who may take it and was not told.

    Whom the rules of quality exclude may: they have given way by now. Those that protect people
    hold, as in `feedback.eligibility`.
    """
    member, candidate = OuterRef("member"), OuterRef("candidate")
    told = Notice.objects.filter(
        person=member,
        kind=Notice.Kind.NEEDS_GRADER,
        subject=Concat(Value("attempt:"), Cast(OuterRef("attempt_id"), TextField())),
    )
    conflict = Conflict.objects.between(member, candidate)
    let_go = Q(state__in=Review.LET_GO_STATES)
    graded = Review.objects.filter(attempt=OuterRef("attempt"), grader=member).exclude(
        let_go & Q(purpose=Review.Purpose.PEER, is_live=False)
    )
    graded_in_its_stead = Review.objects.filter(
        stands_for=OuterRef("attempt"), grader=member
    ).exclude(let_go)
    held_the_mock = Turn.objects.filter(attempt=OuterRef("attempt"), interviewer=member)
    prompt_ahead = Turn.objects.filter(
        candidate=member,
        begun_at=None,
        mock__state__in=MockState.agreed(),
        round__round_kind=OuterRef("round_kind"),
        prompt__key=OuterRef("attempt__prompt__key"),
    )
    return (
        QueueEntry.objects.waiting()
        .filter(handed_in__lt=REVIEWS_ENOUGH, since__lte=at - ESCALATED_AFTER)
        .annotate(member=F("cohort__memberships__user"))
        .exclude(candidate=F("member"))
        .filter(
            ~Exists(told),
            ~Exists(conflict),
            ~Exists(graded),
            ~Exists(graded_in_its_stead),
            ~Exists(held_the_mock),
            ~Exists(prompt_ahead),
        )
        .order_by("since", "pk", "member")
    )
