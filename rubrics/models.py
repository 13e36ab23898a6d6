"""The catalogue's tables. Published editions never change: migration 0001 holds that by trigger."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Deferrable, F, Q
from django.utils.translation import gettext_lazy as _

DEFAULT_COMPANY = "default"


class Ladder(models.TextChoices):
    """The two careers a loop can interview for."""

    IC = "ic", _("Engineer")
    EM = "em", _("Engineering manager")


class Rank(models.IntegerChoices):
    """The bands of a ladder by rank. Pages print the words of `LevelLabel`, never these."""

    BELOW = 0, _("below")
    SENIOR = 1, _("senior")
    STAFF = 2, _("staff")
    PRINCIPAL = 3, _("principal")


class LevelManager(models.Manager["Level"]):
    """Levels always arrive with their labels, so that reading a label asks nothing more."""

    def get_queryset(self) -> models.QuerySet[Level]:
        return super().get_queryset().prefetch_related("labels")


class Level(models.Model):
    """A band of a ladder, and what holding it takes."""

    ladder = models.CharField(max_length=2, choices=Ladder)
    rank = models.PositiveSmallIntegerField(choices=Rank)
    scope = models.TextField()
    width = models.TextField()
    looks_for = models.TextField()

    objects = LevelManager()

    class Meta:
        ordering = ["ladder", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["ladder", "rank"], name="level_once_per_ladder"),
            models.CheckConstraint(
                condition=Q(ladder__in=Ladder.values), name="level_ladder_known"
            ),
            models.CheckConstraint(condition=Q(rank__range=(0, 3)), name="level_rank_0_to_3"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The label where no company's own is asked for: "L6", "EM-6", "below"."""
        return self.label_for(DEFAULT_COMPANY)

    def label_for(self, company: str) -> str:
        """Say the level as a company says it, or by the default label where it has no word."""
        labels = {label.company: label.text for label in self.labels.all()}
        return labels.get(company) or labels.get(DEFAULT_COMPANY, "")


class LevelLabel(models.Model):
    """What a company calls a level."""

    level = models.ForeignKey(Level, on_delete=models.CASCADE, related_name="labels")
    company = models.CharField(max_length=40, default=DEFAULT_COMPANY)
    text = models.CharField(max_length=40)

    class Meta:
        ordering = ["level_id", "company"]
        constraints = [
            models.UniqueConstraint(
                fields=["level", "company"], name="level_label_once_per_company"
            ),
            models.CheckConstraint(condition=~Q(text=""), name="level_label_not_empty"),
        ]

    def __str__(self) -> str:
        return self.text


class RoundKind(models.Model):
    """A kind of interview round. Its rubric comes in editions."""

    key = models.SlugField(max_length=40, unique=True)
    ladder = models.CharField(max_length=2, choices=Ladder)
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)
    short_title = models.CharField(max_length=22)
    summary = models.CharField(max_length=60)
    twin = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="twin_of"
    )

    class Meta:
        ordering = ["ladder", "position", "key"]
        constraints = [
            models.UniqueConstraint(
                fields=["ladder", "position"],
                name="round_kind_position_once_per_ladder",
                deferrable=Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                condition=Q(ladder__in=Ladder.values), name="round_kind_ladder_known"
            ),
            models.CheckConstraint(
                condition=Q(twin__isnull=True) | ~Q(twin=F("id")),
                name="round_kind_not_its_own_twin",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class RubricVersionQuerySet(models.QuerySet["RubricVersion"]):
    """Editions, narrowed and loaded."""

    def in_force(self) -> Self:
        """Keep, for each round kind, the newest edition that is not retired."""
        newer = RubricVersion.objects.filter(
            round_kind=models.OuterRef("round_kind"),
            edition__gt=models.OuterRef("edition"),
            retired_at__isnull=True,
        )
        return self.filter(~models.Exists(newer), retired_at__isnull=True)

    def with_content(self) -> Self:
        """Load what stands in the edition too, each part in its order; six queries in all."""
        return self.select_related("round_kind").prefetch_related(
            "dimensions__anchors", "downcodes__dimension", "phases", "prompts"
        )


class RubricVersion(models.Model):
    """One edition of a round kind's rubric; immutable but for `retired_at`."""

    round_kind = models.ForeignKey(RoundKind, on_delete=models.PROTECT, related_name="versions")
    edition = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    structure_digest = models.CharField(max_length=64)
    title = models.CharField(max_length=120)
    minutes = models.PositiveSmallIntegerField()
    grades = models.TextField()
    weight_note = models.TextField(blank=True)
    checklist = ArrayField(models.TextField(), default=list, blank=True)
    probes = ArrayField(models.TextField(), default=list, blank=True)
    is_wording_only = models.BooleanField(default=False)
    has_rungs = models.BooleanField(default=False)
    has_why_chain = models.BooleanField(default=False)
    source = models.TextField(blank=True)
    published_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = RubricVersionQuerySet.as_manager()

    class Meta:
        ordering = ["round_kind_id", "edition"]
        constraints = [
            models.UniqueConstraint(
                fields=["round_kind", "edition"], name="rubric_version_edition_once"
            ),
            models.UniqueConstraint(
                fields=["round_kind", "digest"], name="rubric_version_digest_once"
            ),
            models.CheckConstraint(
                condition=Q(edition__gte=1), name="rubric_version_edition_from_1"
            ),
            models.CheckConstraint(condition=Q(minutes__gt=0), name="rubric_version_has_minutes"),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(retired_at__gte=F("published_at")),
                name="rubric_version_retired_after_published",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, edition {self.edition}"


class Dimension(models.Model):
    """One row of a rubric."""

    version = models.ForeignKey(RubricVersion, on_delete=models.PROTECT, related_name="dimensions")
    key = models.SlugField(max_length=40)
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=120)
    is_key = models.BooleanField(default=False)
    structure_digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["version_id", "position", "key"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="dimension_key_once"),
            models.UniqueConstraint(fields=["version", "position"], name="dimension_position_once"),
        ]

    def __str__(self) -> str:
        return self.label


class Anchor(models.Model):
    """What one level looks like on one dimension. Rank 0, below, has none: all is missing there."""

    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="anchors")
    rank = models.PositiveSmallIntegerField(choices=Rank)
    text = models.TextField()

    class Meta:
        ordering = ["dimension_id", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["dimension", "rank"], name="anchor_once_per_rank"),
            models.CheckConstraint(condition=Q(rank__range=(1, 3)), name="anchor_rank_1_to_3"),
        ]

    def __str__(self) -> str:
        return self.text


class Downcode(models.Model):
    """A failure signal that caps a dimension at a level, or the whole round if it names none."""

    version = models.ForeignKey(RubricVersion, on_delete=models.PROTECT, related_name="downcodes")
    key = models.SlugField(max_length=40)
    position = models.PositiveSmallIntegerField(default=0)
    text = models.TextField()
    dimension = models.ForeignKey(
        Dimension, on_delete=models.PROTECT, null=True, blank=True, related_name="downcodes"
    )
    cap_rank = models.PositiveSmallIntegerField(choices=Rank)

    class Meta:
        ordering = ["version_id", "position", "key"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="downcode_key_once"),
            models.CheckConstraint(condition=Q(cap_rank__range=(0, 2)), name="downcode_cap_0_to_2"),
        ]

    def __str__(self) -> str:
        return self.text


class Phase(models.Model):
    """A span of the time guide."""

    version = models.ForeignKey(RubricVersion, on_delete=models.PROTECT, related_name="phases")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200)
    minutes = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["version_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="phase_position_once"),
            models.CheckConstraint(condition=Q(minutes__gt=0), name="phase_has_minutes"),
        ]

    def __str__(self) -> str:
        return self.name


class Prompt(models.Model):
    """A question, with the interviewer's kit if there is one. Its key is stable across editions."""

    version = models.ForeignKey(RubricVersion, on_delete=models.PROTECT, related_name="prompts")
    key = models.SlugField(max_length=40)
    position = models.PositiveSmallIntegerField()
    text = models.TextField()
    intent = models.TextField(blank=True)
    probes = ArrayField(models.TextField(), default=list, blank=True)
    hints = ArrayField(models.TextField(), default=list, blank=True)
    wrong_turns = ArrayField(models.TextField(), default=list, blank=True)

    class Meta:
        ordering = ["version_id", "position", "key"]
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="prompt_key_once"),
            models.UniqueConstraint(fields=["version", "position"], name="prompt_position_once"),
            models.CheckConstraint(
                condition=Q(intent="", probes=[], hints=[], wrong_turns=[])
                | ~(Q(intent="") | Q(probes=[]) | Q(hints=[]) | Q(wrong_turns=[])),
                name="prompt_kit_whole_or_absent",
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def has_kit(self) -> bool:
        """Whether the interviewer's kit is there; it is whole when it is."""
        return bool(self.intent)


class VignetteQuerySet(models.QuerySet["Vignette"]):
    """Vignettes, told in adjectives."""

    def in_force(self) -> VignetteQuerySet:
        """Keep those that a grader may be trained on today."""
        return self.filter(retired_at=None).order_by("position", "id")


class Vignette(models.Model):
    """A written answer with reference levels, on which graders train. Immutable, like an edition.

    Its references speak of one edition of the rubric. A changed text is a new row; the old one is
    retired and keeps what was said of it. `shows` names what a trap pair shows; `pair_key` is the
    other half.
    """

    version = models.ForeignKey(RubricVersion, on_delete=models.PROTECT, related_name="vignettes")
    round_kind = models.ForeignKey(RoundKind, on_delete=models.PROTECT, related_name="vignettes")
    key = models.SlugField(max_length=60)
    digest = models.CharField(max_length=64)
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)
    author = models.CharField(max_length=120)
    reviewer = models.CharField(max_length=120)
    prompt = models.TextField()
    text = models.TextField()
    shows = models.CharField(max_length=40, blank=True)
    pair_key = models.CharField(max_length=60, blank=True)
    retired_at = models.DateTimeField(null=True)

    objects = VignetteQuerySet.as_manager()

    class Meta:
        ordering = ["round_kind_id", "position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["round_kind", "key"],
                condition=Q(retired_at=None),
                name="vignette_key_once",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Reference(models.Model):
    """The level of a vignette on one dimension, and why; a null rank is *not observed*.

    Never shown, in any payload, to who has not handed in their own ratings of the vignette.
    """

    vignette = models.ForeignKey(Vignette, on_delete=models.PROTECT, related_name="references")
    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField(null=True)
    reason = models.TextField()

    class Meta:
        ordering = ["vignette_id", "dimension_id"]
        constraints = [
            models.UniqueConstraint(fields=["vignette", "dimension"], name="reference_once"),
            models.CheckConstraint(
                condition=Q(rank=None) | Q(rank__range=(0, 3)), name="reference_rank"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.vignette}: {self.rank}"


class Preset(models.Model):
    """A named list of rounds that a loop starts from. Loops copy it, so it may change."""

    key = models.SlugField(max_length=40, unique=True)
    ladder = models.CharField(max_length=2, choices=Ladder)
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)
    description = models.TextField()
    target_rank = models.PositiveSmallIntegerField(choices=Rank)

    class Meta:
        ordering = ["position", "key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ladder__in=Ladder.values), name="preset_ladder_known"
            ),
            models.CheckConstraint(
                condition=Q(target_rank__range=(1, 3)), name="preset_target_1_to_3"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class PresetRound(models.Model):
    """One round of a preset; `minutes` is null where the rubric's own length holds."""

    preset = models.ForeignKey(Preset, on_delete=models.CASCADE, related_name="rounds")
    position = models.PositiveSmallIntegerField()
    round_kind = models.ForeignKey(
        RoundKind, on_delete=models.PROTECT, related_name="preset_rounds"
    )
    title = models.CharField(max_length=120, blank=True)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    focus = models.TextField(blank=True)

    class Meta:
        ordering = ["preset_id", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["preset", "position"], name="preset_round_position_once"
            ),
            models.CheckConstraint(
                condition=Q(minutes__isnull=True) | Q(minutes__gt=0),
                name="preset_round_minutes_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.title or str(self.round_kind_id)
