"""Where people differ: the appeal of a result, the debrief of a split, revised ratings."""

import uuid
from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.models.reviews import Review
from loops.models import Attempt, User
from rubrics.models import Dimension


class GradeAppeal(models.Model):
    """A candidate's appeal of a result: one for each, answered by a reader who has not seen it.

    `review` is the handler's own, blind until it is in; its lease is what keeps others away. The
    reviews appealed against stay as they are.
    """

    class Outcome(models.TextChoices):
        """What came of it."""

        HIGHER = "higher", _("I read it higher")
        SAME = "same", _("I read it the same")
        LOWER = "lower", _("I read it lower")

    CHARACTERS_LEAST: ClassVar[int] = 100
    CHARACTERS_MOST: ClassVar[int] = 3000
    OPEN_FOR: ClassVar[timedelta] = timedelta(days=30)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="grade_appeal")
    text = models.TextField()
    start_ms = models.PositiveIntegerField()
    end_ms = models.PositiveIntegerField()
    made_at = models.DateTimeField()
    review = models.OneToOneField(
        Review, on_delete=models.PROTECT, related_name="grade_appeal", null=True
    )
    outcome = models.CharField(max_length=6, choices=Outcome, blank=True)
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["made_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None, outcome="")
                | (Q(answered_at__isnull=False, review__isnull=False) & ~Q(outcome="")),
                name="grade_appeal_answered_whole",
            ),
            models.CheckConstraint(
                condition=Q(end_ms__gt=models.F("start_ms")), name="grade_appeal_span"
            ),
        ]

    def __str__(self) -> str:
        return f"Appeal of {self.attempt}"


class DebriefMessage(models.Model):
    """What a grader says to the others once a split attempt has all its reviews."""

    LIMIT_CHARACTERS: ClassVar[int] = 2000

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="debrief")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.text[:80]


class Revision(models.Model):
    """What a grader would say after the debrief. It stands beside the review and enters no fit."""

    review = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="revision")
    verdict = models.CharField(max_length=10, choices=Review.Verdict)
    level_given_rank = models.PositiveSmallIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(level_given_rank__range=(0, 3)), name="revision_level_given_rank"
            ),
        ]

    def __str__(self) -> str:
        return f"Revision of {self.review}"


class RevisedRating(models.Model):
    """A rank on one dimension after the debrief; null is *not observed*."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="ratings")
    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField(null=True)

    class Meta:
        ordering = ["revision_id", "dimension_id"]
        constraints = [
            models.UniqueConstraint(fields=["revision", "dimension"], name="revised_rating_once"),
            models.CheckConstraint(
                condition=Q(rank=None) | Q(rank__range=(0, 3)), name="revised_rating_rank"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dimension}: {self.rank}"
