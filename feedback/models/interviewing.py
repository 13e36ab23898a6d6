"""How a candidate found their interviewer: the four items of the card."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loops.models import Turn


class InterviewerCard(models.Model):
    """A candidate's grading of the interviewer of one turn.

    Interviewer and candidate read each other's word when both are in.
    """

    class Mark(models.IntegerChoices):
        """How far an item held."""

        NO = 0, _("No")
        PARTLY = 1, _("Partly")
        YES = 2, _("Yes")

    LABELS: ClassVar[dict[str, Any]] = {
        "kept_time": _("Kept time"),
        "fair_hints": _("Gave fair hints"),
        "probed_for_level": _("Probed for the level"),
        "feedback_specific": _("Gave specific feedback"),
    }
    ITEMS: ClassVar[tuple[str, ...]] = tuple(LABELS)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    turn = models.OneToOneField(Turn, on_delete=models.PROTECT, related_name="card")
    kept_time = models.PositiveSmallIntegerField(_("kept time"), choices=Mark)
    fair_hints = models.PositiveSmallIntegerField(_("gave fair hints"), choices=Mark)
    probed_for_level = models.PositiveSmallIntegerField(_("probed for the level"), choices=Mark)
    feedback_specific = models.PositiveSmallIntegerField(_("gave specific feedback"), choices=Mark)
    note = models.TextField(_("note"), blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kept_time__lte=2,
                    fair_hints__lte=2,
                    probed_for_level__lte=2,
                    feedback_specific__lte=2,
                ),
                name="interviewer_card_marks",
            ),
        ]

    def __str__(self) -> str:
        return f"Card of {self.turn}"
