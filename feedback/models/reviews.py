"""One grader's grading of one attempt: ratings, the evidence they rest on, downcodes."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loops.models import Attempt, User
from rubrics.models import Dimension, Downcode


class ReviewQuerySet(models.QuerySet["Review"]):
    """Reviews, told in adjectives."""

    def submitted(self) -> "ReviewQuerySet":
        """Keep those that were handed in."""
        return self.filter(state=Review.State.SUBMITTED)

    def in_results(self) -> "ReviewQuerySet":
        """Keep those handed in that their candidate reads, which calibration items are not."""
        return self.submitted().filter(purpose__in=Review.READ_BY_CANDIDATE)

    def held(self, at: datetime) -> "ReviewQuerySet":
        """Keep claims and drafts whose lease still runs."""
        return self.filter(state__in=Review.OPEN_STATES, lease_until__gt=at)

    def lapsed(self, at: datetime) -> "ReviewQuerySet":
        """Keep claims and drafts whose lease has run out."""
        return self.filter(state__in=Review.OPEN_STATES, lease_until__lte=at)

    def granted(self) -> "ReviewQuerySet":
        """Keep those that fill one of an attempt's places: handed in, or not given up yet.

        A lease that has run out holds its place until `feedback.actions.queue` lets it go, which
        every claim does first.
        """
        return self.filter(
            state__in=[*Review.OPEN_STATES, Review.State.SUBMITTED],
            purpose=Review.Purpose.PEER,
            is_extra=False,
        )

    def extras(self) -> "ReviewQuerySet":
        """Keep those handed in beyond an attempt's places."""
        return self.submitted().filter(purpose=Review.Purpose.PEER, is_extra=True)


class Review(models.Model):
    """One grader's grading of one attempt, held under a lease until it is handed in.

    One that `is_live` is the interviewer's of a mock: not blind, and marked while it happened.
    One that `is_extra` fills no place: its place was granted again before it was handed in.
    `is_untrained` says that its grader had not unlocked the round kind when they took it. The
    `purpose` is never told to its grader; a blind calibration item `stands_for` the attempt that
    they would have got, which is not offered to them meanwhile.
    """

    class State(models.TextChoices):
        """Where the review stands."""

        CLAIMED = "claimed", _("claimed")
        DRAFT = "draft", _("draft")
        SUBMITTED = "submitted", _("submitted")
        EXPIRED = "expired", _("expired")
        RELEASED = "released", _("put back")
        VOID = "void", _("void")

    class Verdict(models.TextChoices):
        """The grader's overall word at the target level; there is no middle on purpose."""

        STRONG_NO = "strong_no", _("Strong no")
        NO = "no", _("No")
        YES = "yes", _("Yes")
        STRONG_YES = "strong_yes", _("Strong yes")

    class Confidence(models.TextChoices):
        """How sure the grader is of the verdict."""

        LOW = "low", _("Low")
        FAIR = "fair", _("Fair")
        HIGH = "high", _("High")

    class Purpose(models.TextChoices):
        """What the review is for."""

        PEER = "peer", _("peer review")
        APPEAL = "appeal", _("answer to an appeal")
        EXPERT = "expert", _("expert's reference")
        GOLD = "gold", _("blind calibration")

    READ_BY_CANDIDATE: ClassVar[tuple[str, ...]] = (Purpose.PEER.value, Purpose.APPEAL.value)
    OPEN_STATES: ClassVar[tuple[str, ...]] = (State.CLAIMED.value, State.DRAFT.value)
    LET_GO_STATES: ClassVar[tuple[str, ...]] = (State.RELEASED.value, State.EXPIRED.value)
    YES: ClassVar[tuple[str, ...]] = (Verdict.YES.value, Verdict.STRONG_YES.value)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="reviews")
    grader = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reviews")
    state = models.CharField(max_length=9, choices=State, default=State.CLAIMED)
    purpose = models.CharField(max_length=6, choices=Purpose, default=Purpose.PEER)
    is_live = models.BooleanField(default=False)
    is_extra = models.BooleanField(default=False)
    is_untrained = models.BooleanField(default=False)
    stands_for = models.ForeignKey(
        Attempt, on_delete=models.PROTECT, related_name="+", null=True, default=None
    )
    claimed_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    draft_version = models.PositiveIntegerField(default=0)
    drafted_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    confidence = models.CharField(max_length=4, choices=Confidence, blank=True)
    level_given_rank = models.PositiveSmallIntegerField(null=True)
    summary = models.TextField(blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["attempt_id", "submitted_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["attempt", "grader"], name="review_once_a_grader"),
            models.CheckConstraint(
                condition=Q(level_given_rank=None) | Q(level_given_rank__range=(0, 3)),
                name="review_level_given_rank",
            ),
            models.CheckConstraint(
                condition=~Q(state="submitted")
                | (
                    Q(submitted_at__isnull=False, level_given_rank__isnull=False)
                    & ~Q(verdict="")
                    & ~Q(confidence="")
                ),
                name="review_submitted_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["grader", "state"], name="review_grader_state"),
            models.Index(fields=["state", "lease_until"], name="review_lease"),
        ]

    def __str__(self) -> str:
        return f"Review of {self.attempt} by {self.grader}"

    @property
    def is_open(self) -> bool:
        """Say whether the grader is still at work on it."""
        return self.state in self.OPEN_STATES

    @property
    def is_submitted(self) -> bool:
        """Say whether it was handed in."""
        return self.state == self.State.SUBMITTED

    def is_lapsed(self, at: datetime) -> bool:
        """Say whether the lease of an open review has run out."""
        if self.state == self.State.EXPIRED:
            return True
        return self.is_open and self.lease_until <= at


class Rating(models.Model):
    """A rank on one dimension; null is *not observed*."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="ratings")
    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField(null=True)

    class Meta:
        ordering = ["review_id", "dimension_id"]
        constraints = [
            models.UniqueConstraint(fields=["review", "dimension"], name="rating_once"),
            models.CheckConstraint(
                condition=Q(rank=None) | Q(rank__range=(0, 3)), name="rating_rank"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dimension}: {self.rank}"


class Evidence(models.Model):
    """A span of media time, a quote, or what is said in a span: a rating or downcode rests on it.

    In a mock it is stamped with the instant it was seen at, and gets its media time once the
    recording is there.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="evidence")
    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="+", null=True)
    downcode = models.ForeignKey(Downcode, on_delete=models.PROTECT, related_name="+", null=True)
    start_ms = models.PositiveIntegerField(null=True)
    end_ms = models.PositiveIntegerField(null=True)
    stamped_at = models.DateTimeField(null=True)
    quote = models.TextField(blank=True)
    note = models.TextField(blank=True)
    marked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("evidence")
        ordering = ["review_id", F("start_ms").asc(nulls_last=True), "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(start_ms__isnull=False, end_ms__isnull=False, end_ms__gte=F("start_ms"))
                | (Q(start_ms=None, end_ms=None) & (~Q(quote="") | Q(stamped_at__isnull=False))),
                name="evidence_span_or_quote",
            ),
            models.CheckConstraint(
                condition=Q(dimension__isnull=False) | Q(downcode__isnull=False),
                name="evidence_of_something",
            ),
        ]
        indexes = [
            models.Index(
                fields=["review"],
                condition=Q(stamped_at__isnull=False, start_ms=None),
                name="evidence_unplaced",
            ),
        ]

    def __str__(self) -> str:
        return self.note or self.quote or f"{self.start_ms}-{self.end_ms} ms"


class DowncodeTick(models.Model):
    """That a grader saw a downcode, and when in media time."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="ticks")
    downcode = models.ForeignKey(Downcode, on_delete=models.PROTECT, related_name="+")
    at_ms = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["review_id", "downcode_id"]
        constraints = [
            models.UniqueConstraint(fields=["review", "downcode"], name="tick_once"),
        ]

    def __str__(self) -> str:
        return str(self.downcode)


class Moment(models.Model):
    """What a grader pressed as the talk went on: a phase begun, a rung reached, a why answered.

    `key` is a phase's position, a rung from 1 to 4, or the number of a line of questioning. In a
    mock it is stamped with its instant, and gets its media time once the recording is there.
    """

    class Kind(models.TextChoices):
        """What was pressed."""

        PHASE = "phase", _("phase")
        RUNG = "rung", _("depth rung")
        WHY = "why", _("answered why")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="moments")
    kind = models.CharField(max_length=5, choices=Kind)
    key = models.PositiveSmallIntegerField()
    at_ms = models.PositiveIntegerField(null=True)
    stamped_at = models.DateTimeField(null=True)
    marked_at = models.DateTimeField()

    class Meta:
        ordering = ["review_id", F("at_ms").asc(nulls_last=True), "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(at_ms__isnull=False) | Q(stamped_at__isnull=False),
                name="moment_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(kind="rung") | Q(key__range=(1, 4)), name="moment_rung"
            ),
        ]
        indexes = [
            models.Index(
                fields=["review"],
                condition=Q(stamped_at__isnull=False, at_ms=None),
                name="moment_unplaced",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} at {self.at_ms} ms"
