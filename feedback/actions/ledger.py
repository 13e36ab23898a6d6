"""Pass a credit from who was graded to who graded; the sum over everybody stays zero."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from django.db.models import F

from feedback.models import LedgerEntry, Review, Standing


def pass_credit(*, review: Review, reason: str, at: datetime) -> None:
    """Pay the grader of a review one credit; once for each review, whatever else happens to it.

    The candidate pays; for a blind calibration item the cohort does, and the grader cannot tell.
    """
    pass_credits([review], reason=reason, at=at)


def pass_credits(reviews: Collection[Review], *, reason: str, at: datetime) -> None:
    """Pay the graders of several reviews of one attempt.

    Balances are written in one order, by member, so that no two payments wait for each other.
    """
    changes: Counter[tuple[int, int, str]] = Counter()
    for review in reviews:
        loop = review.attempt.round.loop
        giver = loop.member if review.purpose in Review.READ_BY_CANDIDATE else None
        _entry, is_new = LedgerEntry.objects.get_or_create(
            review=review,
            defaults={
                "cohort": loop.cohort,
                "reason": reason,
                "earner": review.grader,
                "giver": giver,
                "at": at,
            },
        )
        if is_new:
            changes[loop.cohort_id, review.grader_id, "given"] += 1
        if is_new and giver is not None:
            changes[loop.cohort_id, giver.pk, "taken"] += 1
    for (cohort_id, member_id, column), count in sorted(changes.items()):
        standing, _is_new = Standing.objects.get_or_create(cohort_id=cohort_id, member_id=member_id)
        Standing.objects.filter(pk=standing.pk).update(**{column: F(column) + count})
