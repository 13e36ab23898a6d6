"""A member's run at a loop: its rounds, and the answers to prompts."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from loops.models.people import Cohort, User
from loops.states import AttemptState
from rubrics.models import Prompt, RoundKind, RubricVersion


class Loop(models.Model):
    """A member's run at a preset for a target level, inside one cohort."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    member = models.ForeignKey(User, on_delete=models.PROTECT, related_name="loops")
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="loops")
    title = models.CharField(_("title"), max_length=80)
    preset_key = models.CharField(max_length=40)
    ladder = models.CharField(max_length=4)
    target_rank = models.PositiveSmallIntegerField(_("target level"))
    interview_on = models.DateField(_("interview on"), null=True, blank=True)
    started_at = models.DateTimeField()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(target_rank__range=(1, 3)), name="loop_target_rank"),
            models.CheckConstraint(condition=Q(ladder__in=["ic", "em"]), name="loop_ladder"),
        ]

    def __str__(self) -> str:
        return self.title


class Round(models.Model):
    """One round of a loop: a round kind in its place."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    loop = models.ForeignKey(Loop, on_delete=models.PROTECT, related_name="rounds")
    position = models.PositiveSmallIntegerField()
    round_kind = models.ForeignKey(RoundKind, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=80)
    minutes = models.PositiveSmallIntegerField(null=True)
    focus = models.TextField(blank=True)

    class Meta:
        ordering = ["loop_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["loop", "position"], name="round_position_once"),
        ]

    def __str__(self) -> str:
        return self.title


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """Attempts, told in adjectives."""

    def submitted(self) -> "AttemptQuerySet":
        """Keep answers that were handed in and not withdrawn."""
        return self.filter(state=AttemptState.SUBMITTED)

    def answers(self) -> "AttemptQuerySet":
        """Leave out the short takes that answer a grader's follow-up question."""
        return self.exclude(kind=Attempt.Kind.FOLLOW_UP)

    def of(self, user: User) -> "AttemptQuerySet":
        """Keep the person's own answers."""
        return self.filter(round__loop__member=user)


class Attempt(models.Model):
    """One answer to one prompt, bound for good to the rubric edition it is graded with.

    `has_priority` puts it first in the queue: its candidate was left alone by a partner. A
    follow-up take answers a grader's question after the review; it is graded by nobody, and takes
    its numbers from `FOLLOW_UPS_FROM` on, so that answers are counted without it. What was deleted
    is withdrawn, and belongs to nobody's pages any more: its grades stay as facts.
    """

    class Kind(models.TextChoices):
        """How the answer came about; kinds weigh differently as evidence."""

        LIVE = "live", _("live mock")
        RECORDED = "recorded", _("recorded take")
        RETAKE = "retake", _("retake")
        FOLLOW_UP = "follow_up", _("follow-up take")

    class State(models.TextChoices):
        """Where the answer stands; the legal moves are in loops.states."""

        DRAFT = AttemptState.DRAFT.value, _("draft")
        SUBMITTED = AttemptState.SUBMITTED.value, _("submitted")
        WITHDRAWN = AttemptState.WITHDRAWN.value, _("withdrawn")

    FOLLOW_UPS_FROM: ClassVar[int] = 1001

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.RECORDED)
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="+")
    rubric_version = models.ForeignKey(RubricVersion, on_delete=models.PROTECT, related_name="+")
    has_priority = models.BooleanField(default=False)
    predicted_rank = models.PositiveSmallIntegerField(null=True)
    energy = models.SmallIntegerField(null=True)
    started_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["round_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["round", "number"], name="attempt_number_once"),
            models.UniqueConstraint(
                fields=["round"],
                condition=Q(state="draft") & ~Q(kind__in=["live", "follow_up"]),
                name="attempt_one_draft_a_round",
            ),
            models.CheckConstraint(
                condition=Q(predicted_rank=None) | Q(predicted_rank__range=(0, 3)),
                name="attempt_predicted_rank",
            ),
            models.CheckConstraint(
                condition=Q(energy=None) | Q(energy__range=(-2, 2)), name="attempt_energy"
            ),
            models.CheckConstraint(
                condition=~Q(state="submitted")
                | Q(kind="follow_up", submitted_at__isnull=False)
                | Q(predicted_rank__isnull=False, energy__isnull=False, submitted_at__isnull=False),
                name="attempt_submitted_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round} {self.number}"

    @property
    def is_draft(self) -> bool:
        """Say whether the answer is still being made."""
        return self.state == AttemptState.DRAFT

    @property
    def is_live(self) -> bool:
        """Say whether it was given in a mock."""
        return self.kind == self.Kind.LIVE

    @property
    def is_follow_up(self) -> bool:
        """Say whether it answers a grader's question after the review."""
        return self.kind == self.Kind.FOLLOW_UP

    @property
    def name(self) -> str:
        """Call it what its round calls it: "answer 2", or "follow-up take 1"."""
        if self.is_follow_up:
            return gettext("follow-up take %(n)d") % {"n": self.number - self.FOLLOW_UPS_FROM + 1}
        return gettext("answer %(n)d") % {"n": self.number}

    @property
    def is_submitted(self) -> bool:
        """Say whether the answer was handed in and not withdrawn."""
        return self.state == AttemptState.SUBMITTED

    @property
    def is_taken_back(self) -> bool:
        """Say whether the answer was withdrawn after it was handed in."""
        return self.state == AttemptState.WITHDRAWN and self.submitted_at is not None


class PromptExposure(models.Model):
    """That a person has met a prompt, and in which chair. Keyed by the prompt's stable key."""

    class Role(models.TextChoices):
        """The chair in which the prompt was met."""

        CANDIDATE = "candidate", _("candidate")
        GRADER = "grader", _("grader")
        INTERVIEWER = "interviewer", _("interviewer")

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    round_kind = models.ForeignKey(RoundKind, on_delete=models.PROTECT, related_name="+")
    prompt_key = models.CharField(max_length=60)
    role = models.CharField(max_length=12, choices=Role)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "round_kind", "prompt_key", "role"], name="exposure_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} met {self.prompt_key} as {self.role}"


class Artifact(models.Model):
    """Code or notes that belong to an attempt."""

    class Kind(models.TextChoices):
        """What the text is."""

        CODE = "code", _("code")
        NOTES = "notes", _("notes")

    LIMIT_CHARACTERS: ClassVar[int] = 100_000

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="artifacts")
    kind = models.CharField(max_length=5, choices=Kind)
    text = models.TextField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["attempt_id", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["attempt", "kind"], name="artifact_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.attempt}"
