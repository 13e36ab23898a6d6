"""The ratings a calibration is computed from."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from feedback.calibration.estimate import CODE_VERSION
from feedback.calibration.ratings import Observation
from feedback.models import QueueEntry, Rating, Review, Snapshot
from feedback.queries.reveal import revealed_attempts
from loops.states import AttemptState
from rubrics.models import RoundKind


@dataclass(frozen=True)
class RatingSet:
    """All ratings of a round kind that may be computed with, in a fixed order."""

    observations: tuple[Observation, ...]
    reviews: int

    @property
    def digest(self) -> str:
        """Name the input: equal digests mean equal ratings."""
        rows = [[o.attempt, o.grader, o.dimension, o.rank] for o in self.observations]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def ratings_of(round_kind: RoundKind, at: datetime) -> RatingSet:
    """Return the submitted ratings of the round kind that their candidates have opened.

    What is not revealed, or not opened yet, stays out of every fit: else a grader's severity, and
    with it the candidate's older results, would move before the candidate may see why. What was
    said of an answer that was taken back stays in, as facts without a person. What was reported is
    no evidence. A review counts as it was handed in: what a debrief changed stands beside it.
    An item is named "key@structure digest", so that an edition which changes an anchor
    makes a new item and one which changes wording only does not.
    """
    reviews = _facts(at).filter(attempt__rubric_version__round_kind=round_kind)
    ids = list(reviews.order_by("pk").values_list("pk", flat=True))
    rows = (
        Rating.objects.filter(review__in=ids, rank__isnull=False)
        .order_by("review__attempt_id", "review__grader_id", "dimension__key", "pk")
        .values_list(
            "review__attempt_id",
            "review__grader_id",
            "dimension__key",
            "dimension__structure_digest",
            "rank",
        )
    )
    observations = tuple(
        Observation(attempt=attempt, grader=grader, dimension=f"{key}@{digest}", rank=rank)
        for attempt, grader, key, digest, rank in rows
    )
    return RatingSet(
        observations=observations,
        reviews=len(ids),
    )


def _facts(at: datetime) -> QuerySet[Review]:
    """Return the reviews whose ratings may be computed with."""
    revealed = revealed_attempts(at).order_by().values("pk")
    is_taken_back = Q(attempt__state=AttemptState.WITHDRAWN, attempt__submitted_at__isnull=False)
    is_opened = Q(attempt__in=revealed, usefulness__isnull=False)
    reported = QueueEntry.objects.exclude(exclusion="").values("attempt")
    reviews = Review.objects.in_results().filter(is_opened | is_taken_back)
    return reviews.exclude(attempt__in=reported)


def round_kinds_to_calibrate(at: datetime) -> list[int]:
    """Return the ids of round kinds whose newest snapshot is not of today's reviews and code."""
    in_now = dict(
        _facts(at)
        .order_by()
        .values_list("attempt__rubric_version__round_kind_id")
        .annotate(n=Count("pk"))
    )
    newest = Snapshot.objects.newest_first().distinct("round_kind_id")
    seen = {
        snapshot.round_kind_id: snapshot.reviews
        for snapshot in newest
        if snapshot.code_version == CODE_VERSION
    }
    return sorted(kind for kind, count in in_now.items() if seen.get(kind) != count)
