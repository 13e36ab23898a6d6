"""What a calibration found: a snapshot of one round kind, and its measures. Immutable."""

import uuid

from django.db import models

from loops.models import Attempt, User
from rubrics.models import RoundKind


class SnapshotQuerySet(models.QuerySet["Snapshot"]):
    """Snapshots, told in adjectives."""

    def newest_first(self) -> "SnapshotQuerySet":
        """Order so that the one in use comes first."""
        return self.order_by("round_kind_id", "-made_at", "-id")


class Snapshot(models.Model):
    """One full fit over all ratings of a round kind."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    round_kind = models.ForeignKey(RoundKind, on_delete=models.PROTECT, related_name="+")
    input_digest = models.CharField(max_length=64)
    code_version = models.CharField(max_length=40)
    made_at = models.DateTimeField()
    reviews = models.PositiveIntegerField()
    ratings = models.PositiveIntegerField()
    agreement = models.FloatField(null=True)

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]
        indexes = [models.Index(fields=["round_kind", "-made_at"], name="snapshot_newest")]

    def __str__(self) -> str:
        return f"{self.round_kind} {self.made_at:%Y-%m-%d %H:%M}"


class AttemptMeasure(models.Model):
    """An attempt's level on the scale 0..4, corrected for who graded, with its 80 % band."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="attempts")
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="measures")
    level = models.FloatField()
    standard_error = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    graders = models.PositiveSmallIntegerField()
    component = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "attempt"], name="attempt_measure_once"),
        ]

    def __str__(self) -> str:
        return f"{self.attempt}: {self.level:.2f}"


class GraderMeasure(models.Model):
    """How much lower than others a grader rates, in levels, shrunk towards zero."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="graders")
    grader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    severity_levels = models.FloatField()
    standard_error = models.FloatField()
    attempts = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "grader"], name="grader_measure_once"),
        ]

    def __str__(self) -> str:
        return f"{self.grader}: {self.severity_levels:+.2f}"


class DimensionMeasure(models.Model):
    """How hard a dimension is to rate high on, in levels, and how well its graders agree."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="dimensions")
    dimension_key = models.CharField(max_length=60)
    structure_digest = models.CharField(max_length=64)
    difficulty_levels = models.FloatField()
    agreement = models.FloatField(null=True)
    ratings = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["snapshot", "dimension_key", "structure_digest"],
                name="dimension_measure_once",
            ),
        ]

    def __str__(self) -> str:
        return self.dimension_key
