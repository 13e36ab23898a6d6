"""When an attempt is revealed: two reviews are in, or 48 hours have passed with one."""

from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from feedback.models import Review
from loops.models import Attempt
from loops.states import AttemptState

REVIEWS_WANTED = 2
PATIENCE = timedelta(hours=48)


def revealed_attempts(at: datetime, *, beside: int = 0) -> QuerySet[Attempt]:
    """Return the submitted attempts whose reviews their candidates may see at that instant.

    That is, or would be with so many reviews `beside` those that are in.
    """
    handed_in = Count(
        "reviews",
        filter=Q(
            reviews__state=Review.State.SUBMITTED, reviews__purpose__in=Review.READ_BY_CANDIDATE
        ),
    )
    return (
        Attempt.objects.filter(state=AttemptState.SUBMITTED)
        .annotate(reviews_in=handed_in)
        .filter(
            Q(reviews_in__gte=REVIEWS_WANTED - beside)
            | Q(reviews_in__gte=1 - beside, submitted_at__lte=at - PATIENCE)
        )
    )


def is_revealed(attempt: Attempt, at: datetime) -> bool:
    """Say whether the candidate may see the attempt's reviews at that instant."""
    return revealed_attempts(at).filter(pk=attempt.pk).exists()


def revealed_at(submitted_at: datetime, reviews_at: list[datetime]) -> datetime | None:
    """Return the instant at which an attempt is or will be revealed, None while it has no review.

    `submitted_at` is the attempt's, `reviews_at` its submitted reviews' in any order. The
    instant may lie in the future: compare it with the clock.
    """
    if not reviews_at:
        return None
    in_order = sorted(reviews_at)
    alone = max(in_order[0], submitted_at + PATIENCE)
    if len(in_order) < REVIEWS_WANTED:
        return alone
    return min(alone, in_order[REVIEWS_WANTED - 1])
