"""Tell a candidate, once, that reviews of their answer can be read."""

from datetime import datetime

from django.db.models import Exists, OuterRef, TextField, Value
from django.db.models.functions import Cast, Concat

from feedback.models import Review
from feedback.queries.reveal import PATIENCE, REVIEWS_WANTED, revealed_attempts
from loops.actions.notices import tell
from loops.models import Attempt, Notice
from loops.states import AttemptState

TOLD_AT_ONCE = 200


def tell_of(*, review: Review, at: datetime) -> None:
    """Tell the candidate of a review that was just handed in, where they may read it now.

    What was written of a mock that was not recorded is a practice note, and told as one.
    """
    if review.purpose != Review.Purpose.PEER:
        return
    attempt = Attempt.objects.select_related("round__loop__member", "turn").get(
        pk=review.attempt_id
    )
    turn = getattr(attempt, "turn", None)
    if review.is_live and attempt.state == AttemptState.WITHDRAWN and turn is not None:
        tell(
            attempt.round.loop.member,
            Notice.Kind.PRACTICE_NOTE,
            f"review:{review.pk}",
            at=at,
            turn=str(turn.public_id),
            round=attempt.round.title,
        )
    if attempt.state != AttemptState.SUBMITTED or attempt.submitted_at is None:
        return
    count = Review.objects.in_results().filter(attempt=attempt).count()
    is_open = count >= REVIEWS_WANTED or at - attempt.submitted_at >= PATIENCE
    if is_open and Notice.objects.filter(**_first_notice_of(attempt)).exists():
        _tell(attempt, Notice.Kind.LATE_REVIEW, f"review:{review.pk}", count, at)
    elif is_open:
        _tell(attempt, Notice.Kind.REVEALED, f"attempt:{attempt.pk}", count, at)


def _first_notice_of(attempt: Attempt) -> dict[str, object]:
    return {
        "person": attempt.round.loop.member,
        "kind": Notice.Kind.REVEALED,
        "subject": f"attempt:{attempt.pk}",
    }


def tell_of_waiting(*, at: datetime) -> int:
    """Tell the candidates whose single review opened because 48 hours had passed; how many."""
    told = Notice.objects.filter(
        person=OuterRef("round__loop__member"),
        kind=Notice.Kind.REVEALED,
        subject=Concat(Value("attempt:"), Cast(OuterRef("pk"), TextField())),
    )
    due = (
        revealed_attempts(at)
        .filter(submitted_at__gt=at - 7 * PATIENCE)
        .filter(~Exists(told))
        .select_related("round__loop__member")
    )
    attempts = list(due.order_by("pk")[:TOLD_AT_ONCE])
    for attempt in attempts:
        count = Review.objects.in_results().filter(attempt=attempt).count()
        _tell(attempt, Notice.Kind.REVEALED, f"attempt:{attempt.pk}", count, at)
    return len(attempts)


def _tell(attempt: Attempt, kind: str, subject: str, count: int, at: datetime) -> None:
    tell(
        attempt.round.loop.member,
        kind,
        subject,
        at=at,
        attempt=str(attempt.public_id),
        round=attempt.round.title,
        reviews=count,
    )
