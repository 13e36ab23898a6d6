"""Remember who graded whom, by cohort and round kind."""

from datetime import datetime

from django.db.models import F

from feedback.models import Pair, Review


def note_pair(*, review: Review, at: datetime) -> None:
    """Count a review that was handed in; those of calibration items are in nobody's graph."""
    if review.purpose not in Review.READ_BY_CANDIDATE:
        return
    round_ = review.attempt.round
    pair, is_new = Pair.objects.get_or_create(
        cohort_id=round_.loop.cohort_id,
        round_kind_id=round_.round_kind_id,
        grader_id=review.grader_id,
        candidate_id=round_.loop.member_id,
        defaults={"reviews": 1, "last_at": at},
    )
    if not is_new:
        Pair.objects.filter(pk=pair.pk).update(reviews=F("reviews") + 1, last_at=at)
