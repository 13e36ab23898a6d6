"""Pass a credit from who was graded to who graded; the sum over everybody stays zero."""

from datetime import datetime

from django.db.models import F

from feedback.models import LedgerEntry, Review, Standing


def pass_credit(*, review: Review, reason: str, at: datetime) -> LedgerEntry:
    """Pay the grader of a review one credit; once for each review, whatever else happens to it.

    The candidate pays; for a blind calibration item the cohort does, and the grader cannot tell.
    """
    loop = review.attempt.round.loop
    is_asked_for = review.purpose in Review.READ_BY_CANDIDATE
    giver = loop.member if is_asked_for else None
    entry, is_new = LedgerEntry.objects.get_or_create(
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
        changes = [(review.grader_id, "given")]
        if giver is not None:
            changes.append((giver.pk, "taken"))
        for member_id, column in sorted(changes):  # in one order, or two payments deadlock
            Standing.objects.get_or_create(cohort=loop.cohort, member_id=member_id)
            Standing.objects.filter(cohort=loop.cohort, member=member_id).update(
                **{column: F(column) + 1}
            )
    return entry
