"""The queue's own facts: what waits, who must not grade whom, who graded whom, give and take."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loops.models import Attempt, Cohort, User
from rubrics.models import RoundKind


class GradingRules(models.Model):
    """What a cohort's organiser has settled about its grading; without a row the defaults hold."""

    REVIEWS_LEAST: ClassVar[int] = 2
    REVIEWS_MOST: ClassVar[int] = 4

    cohort = models.OneToOneField(Cohort, on_delete=models.PROTECT, related_name="grading_rules")
    reviews_wanted = models.PositiveSmallIntegerField(
        _("reviews for each answer"), default=REVIEWS_LEAST
    )
    requires_unlock = models.BooleanField(
        _("only trained graders"),
        default=False,
        help_text=_("Whoever grades a round has unlocked it on vignettes, where anybody has."),
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reviews_wanted__range=(2, 4)), name="rules_reviews_wanted"
            ),
        ]

    def __str__(self) -> str:
        return f"Grading rules of {self.cohort}"


class QueueEntryQuerySet(models.QuerySet["QueueEntry"]):
    """Queue entries, told in adjectives."""

    def waiting(self) -> "QueueEntryQuerySet":
        """Keep those with a place free."""
        return self.filter(is_open=True, granted__lt=F("wanted"))


class QueueEntry(models.Model):
    """An attempt in the queue: how many reviews it wants, and how many places are granted.

    Everything but the attempt is derived: `feedback.actions.places.recount` writes it anew under
    the row's lock from the attempt and its reviews. Whoever changes a review's state holds that
    lock first. A granted place is a review in hand or handed in that is not extra. `is_open` is
    false for what cannot be graded (any more): a draft, no recording to play, withdrawn, reported.
    """

    class Exclusion(models.TextChoices):
        """Why the attempt is no evidence, whatever its reviews say."""

        NONE = "", _("none")
        UNUSABLE = "unusable", _("its recording is unusable")
        MISLED = "misled", _("its interviewer misled the candidate")

    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="queue_entry")
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="+")
    candidate = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    round_kind = models.ForeignKey(RoundKind, on_delete=models.PROTECT, related_name="+")
    is_open = models.BooleanField(default=False)
    exclusion = models.CharField(max_length=8, choices=Exclusion, blank=True, default="")
    has_priority = models.BooleanField(default=False)
    since = models.DateTimeField()
    wanted = models.PositiveSmallIntegerField(default=2)
    granted = models.PositiveSmallIntegerField(default=0)
    handed_in = models.PositiveSmallIntegerField(default=0)
    is_split = models.BooleanField(default=False)

    objects = QueueEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("queue entries")
        ordering = ["-has_priority", "since", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(granted__lte=F("wanted")), name="queue_entry_granted"
            ),
        ]
        indexes = [
            models.Index(
                fields=["cohort", "-has_priority", "since", "id"],
                condition=Q(is_open=True, granted__lt=F("wanted")),
                name="queue_entry_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attempt} in the queue"

    @property
    def is_waiting(self) -> bool:
        """Say whether a place is free."""
        return self.is_open and self.granted < self.wanted


class ConflictQuerySet(models.QuerySet["Conflict"]):
    """Conflicts of interest, told in adjectives."""

    def of(self, user: User) -> "ConflictQuerySet":
        """Keep those that the person has part in, whoever declared them."""
        return self.filter(Q(declared_by=user) | Q(other=user))

    def between(self, one: Any, other: Any) -> "ConflictQuerySet":
        """Keep those of two people, whoever declared them; either may be an outer query's."""
        return self.filter(Q(declared_by=one, other=other) | Q(declared_by=other, other=one))


class Conflict(models.Model):
    """That two people must not grade each other. Only who declared it is ever shown it."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    declared_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="conflicts")
    other = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    declared_at = models.DateTimeField()

    objects = ConflictQuerySet.as_manager()

    class Meta:
        ordering = ["declared_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["declared_by", "other"], name="conflict_once"),
            models.CheckConstraint(condition=~Q(declared_by=F("other")), name="conflict_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.declared_by} and {self.other}"


class Pair(models.Model):
    """That a grader has graded a candidate in a round kind: an edge of who graded whom."""

    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="+")
    round_kind = models.ForeignKey(RoundKind, on_delete=models.PROTECT, related_name="+")
    grader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    candidate = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reviews = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cohort", "grader", "candidate", "round_kind"], name="pair_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grader} graded {self.candidate}"


class LedgerEntry(models.Model):
    """One credit that passes from who was graded to who graded.

    `giver` is null where the cohort itself pays. The sum over everybody is zero, always.
    """

    class Reason(models.TextChoices):
        """What it was for."""

        REVIEW = "review", _("a review")
        VOIDED = "voided", _("a review of an answer that was taken back")

    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="+")
    review = models.OneToOneField(
        "feedback.Review", on_delete=models.PROTECT, related_name="ledger_entry"
    )
    reason = models.CharField(max_length=8, choices=Reason)
    earner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    giver = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("ledger entries")
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.earner} +1"


class Standing(models.Model):
    """A member's balance of give and take in a cohort, kept beside the ledger.

    It is what passed while it passed. Where an answer is deleted its ledger entries keep who earned
    and forget who gave; what was taken stays counted here, so that nobody's balance moves.
    """

    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="standings")
    member = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    given = models.PositiveIntegerField(default=0)
    taken = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cohort", "member"], name="standing_once"),
        ]

    def __str__(self) -> str:
        return f"{self.member}: {self.credit:+d}"

    @property
    def credit(self) -> int:
        """Return how many more reviews were given than taken."""
        return self.given - self.taken


class Report(models.Model):
    """That a grader found an attempt not to be graded. It costs nobody a credit.

    The attempt is no evidence while a report stands: not taken back by its grader, and not
    contested by its candidate, who may do so once for each.
    """

    class Kind(models.TextChoices):
        """What is wrong."""

        UNUSABLE = "unusable", _("recording unusable")
        MISLED = "misled", _("misled by the interviewer")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    review = models.OneToOneField(
        "feedback.Review", on_delete=models.PROTECT, related_name="report"
    )
    kind = models.CharField(max_length=8, choices=Kind)
    note = models.TextField(blank=True)
    made_at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True)
    contested_at = models.DateTimeField(null=True)
    contested_because = models.TextField(blank=True)

    class Meta:
        ordering = ["made_at", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.review.attempt}"

    @property
    def stands(self) -> bool:
        """Say whether it keeps the attempt from being evidence."""
        return self.taken_back_at is None and self.contested_at is None
