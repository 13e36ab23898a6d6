"""Compute a round kind's snapshot. Idempotent: the same ratings give the same snapshot."""

from datetime import datetime

from django.db import connection, transaction

from feedback.calibration.estimate import CODE_VERSION, calibrate
from feedback.models import AttemptMeasure, DimensionMeasure, GraderMeasure, Snapshot
from feedback.queries.ratings import ratings_of
from rubrics.models import RoundKind

LOCK_SPACE = 0x706C62  # "plb": parts our advisory locks from anybody else's


@transaction.atomic
def calibrate_round_kind(*, round_kind: RoundKind, at: datetime) -> Snapshot | None:
    """Fit all revealed ratings of the round kind; returns None while there are none.

    One worker at a time computes a round kind. Where nothing has changed since the newest
    snapshot, that one is returned and nothing is written.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, round_kind.pk])
    newest = Snapshot.objects.filter(round_kind=round_kind).newest_first().first()
    if newest:
        at = max(at, newest.made_at)  # who read the clock first may get the lock last
    given = ratings_of(round_kind, at)
    if newest and newest.input_digest == given.digest and newest.code_version == CODE_VERSION:
        return newest
    if not given.reviews:
        return None
    found = calibrate(given.observations)
    snapshot = Snapshot.objects.create(
        round_kind=round_kind,
        input_digest=given.digest,
        code_version=CODE_VERSION,
        made_at=at,
        reviews=given.reviews,
        ratings=len(given.observations),
        agreement=found.agreement,
    )
    AttemptMeasure.objects.bulk_create(
        AttemptMeasure(
            snapshot=snapshot,
            attempt_id=one.attempt,
            level=one.level,
            standard_error=one.standard_error,
            low=one.low,
            high=one.high,
            graders=one.graders,
            component=one.component,
        )
        for one in found.attempts
    )
    GraderMeasure.objects.bulk_create(
        GraderMeasure(
            snapshot=snapshot,
            grader_id=one.grader,
            severity_levels=one.severity_levels,
            standard_error=one.standard_error,
            attempts=one.attempts,
        )
        for one in found.graders
    )
    DimensionMeasure.objects.bulk_create(
        DimensionMeasure(
            snapshot=snapshot,
            dimension_key=one.dimension.partition("@")[0],
            structure_digest=one.dimension.partition("@")[2],
            difficulty_levels=one.difficulty_levels,
            agreement=one.agreement,
            ratings=one.ratings,
        )
        for one in found.dimensions
    )
    return snapshot
