"""What a candidate says to their reviews, and what comes back: usefulness, why, follow-ups."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.models.reviews import Review
from loops.models import Attempt


class Usefulness(models.Model):
    """How useful a review was to its candidate, said before its levels are shown.

    `mark` is null where they skipped the question.
    """

    class Mark(models.IntegerChoices):
        """How useful."""

        NOT = 0, _("Not useful")
        SOMEWHAT = 1, _("Somewhat useful")
        VERY = 2, _("Very useful")

    review = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="usefulness")
    mark = models.PositiveSmallIntegerField(choices=Mark, null=True)
    note = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("usefulness")
        constraints = [
            models.CheckConstraint(
                condition=Q(mark=None) | Q(mark__range=(0, 2)), name="usefulness_mark"
            ),
        ]

    def __str__(self) -> str:
        return self.get_mark_display() if self.mark is not None else "skipped"


class Reflection(models.Model):
    """One line of a candidate's on what they predicted and what they received."""

    LIMIT_CHARACTERS: ClassVar[int] = 500

    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="reflection")
    text = models.CharField(max_length=LIMIT_CHARACTERS)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.text


class Question(models.Model):
    """A candidate's *why?* to one grader, at a time in the recording, and its answer."""

    LIMIT_CHARACTERS: ClassVar[int] = 1000
    OPEN_MOST: ClassVar[int] = 10
    """So many of one review may wait for an answer."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="questions")
    at_ms = models.PositiveIntegerField(null=True)
    text = models.CharField(max_length=LIMIT_CHARACTERS)
    asked_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["asked_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None, answer="")
                | (Q(answered_at__isnull=False) & ~Q(answer="")),
                name="question_answered_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class FollowUp(models.Model):
    """A grader's question after their review, answered by a take of 90 seconds: a link of a chain.

    `take` is an attempt of the kind *follow-up*, in the round of the answer it follows: one that is
    being made, until the link is answered. A link that was declined is the last of its chain.
    """

    CHARACTERS_MOST: ClassVar[int] = 500

    LINKS_MOST: ClassVar[int] = 5
    TAKE_SECONDS: ClassVar[int] = 90
    TAKE_SECONDS_MOST: ClassVar[int] = 100
    """What a clock, or a file from elsewhere, adds to the ninety is let pass up to here."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="follow_ups")
    number = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=CHARACTERS_MOST)
    asked_at = models.DateTimeField()
    take = models.OneToOneField(
        Attempt, on_delete=models.PROTECT, related_name="follow_up", null=True
    )
    answered_at = models.DateTimeField(null=True)
    declined_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["review_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["review", "number"], name="follow_up_number_once"),
            models.CheckConstraint(condition=Q(number__range=(1, 5)), name="follow_up_number"),
            models.CheckConstraint(
                condition=Q(answered_at=None) | Q(take__isnull=False, declined_at=None),
                name="follow_up_answered_by_take",
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_open(self) -> bool:
        """Say whether it waits for its candidate: neither answered nor declined."""
        return self.answered_at is None and self.declined_at is None
