"""How graders are trained: sittings at vignettes, what they unlock, and blind gold items."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.models.reviews import Review
from loops.models import Attempt, User
from rubrics.models import Dimension, RoundKind, Vignette


class Sitting(models.Model):
    """A member's one shot at a vignette. `number` above 1 is a repeat, marked as one for good.

    `ratings` are ranks by dimension key, null for *not observed*; empty until it is handed in.
    `exact` of `rated` agree with the reference levels, and `farthest` is the greatest distance.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    member = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sittings")
    vignette = models.ForeignKey(Vignette, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField(default=1)
    opened_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    ratings = models.JSONField(default=dict)
    exact = models.PositiveSmallIntegerField(default=0)
    rated = models.PositiveSmallIntegerField(default=0)
    farthest = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["opened_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["member", "vignette", "number"], name="sitting_one_shot"
            ),
        ]
        indexes = [models.Index(fields=["member", "submitted_at"], name="sitting_of_member")]

    def __str__(self) -> str:
        return f"{self.member} at {self.vignette}"

    @property
    def is_repeat(self) -> bool:
        """Say whether its member had met the vignette before."""
        return self.number > 1


class Unlock(models.Model):
    """That a member is trained for a round kind; kept for good, whatever a repeat says."""

    member = models.ForeignKey(User, on_delete=models.PROTECT, related_name="unlocks")
    round_kind = models.ForeignKey(RoundKind, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    is_by_repeat = models.BooleanField(default=False)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["member", "round_kind"], name="unlock_once"),
        ]

    def __str__(self) -> str:
        return f"{self.member} unlocked {self.round_kind}"


class GoldItem(models.Model):
    """A recorded attempt that its candidate lets be graded blindly by others, as calibration.

    It serves once three experts have graded it, until its candidate takes the word back or its
    recording is gone.
    """

    EXPERTS_NEEDED: ClassVar[int] = 3

    class State(models.TextChoices):
        """Where it stands."""

        OFFERED = "offered", _("offered by its candidate")
        GRADING = "grading", _("with the experts")
        SERVING = "serving", _("serving")
        RETIRED = "retired", _("retired")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="gold_item")
    state = models.CharField(max_length=8, choices=State, default=State.OFFERED)
    offered_at = models.DateTimeField()
    serving_since = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["offered_at", "id"]
        indexes = [
            models.Index(fields=["state"], condition=Q(state="serving"), name="gold_item_serving"),
        ]

    def __str__(self) -> str:
        return f"Gold: {self.attempt}"


class GoldExpert(models.Model):
    """That an organiser asked a member to grade a gold item as an expert; `review` once taken."""

    item = models.ForeignKey(GoldItem, on_delete=models.PROTECT, related_name="experts")
    expert = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    review = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["item", "expert"], name="gold_expert_once"),
        ]

    def __str__(self) -> str:
        return f"{self.expert} on {self.item}"


class GoldReference(models.Model):
    """The experts' middle level on one dimension, and their spread; null is *not observed*."""

    item = models.ForeignKey(GoldItem, on_delete=models.CASCADE, related_name="references")
    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField(null=True)
    low_rank = models.PositiveSmallIntegerField(null=True)
    high_rank = models.PositiveSmallIntegerField(null=True)

    class Meta:
        ordering = ["item_id", "dimension_id"]
        constraints = [
            models.UniqueConstraint(fields=["item", "dimension"], name="gold_reference_once"),
        ]

    def __str__(self) -> str:
        return f"{self.dimension}: {self.rank}"
