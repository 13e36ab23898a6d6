"""The catalogue in the admin, to look at only: publishing and retiring go through actions."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from rubrics.models import (
    Anchor,
    Dimension,
    Downcode,
    Level,
    LevelLabel,
    Phase,
    Preset,
    PresetRound,
    Prompt,
    Reference,
    RoundKind,
    RubricVersion,
    Vignette,
)


class ReadOnly:
    """Nobody adds, changes or deletes here."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class LabelInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = LevelLabel


class DimensionInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Dimension
    show_change_link = True


class AnchorInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Anchor


class DowncodeInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Downcode


class PhaseInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Phase


class PromptInline(ReadOnly, admin.StackedInline):  # type: ignore[type-arg]
    model = Prompt


class PresetRoundInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = PresetRound


@admin.register(Level)
class LevelAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["__str__", "ladder", "rank", "looks_for"]
    list_filter = ["ladder"]
    inlines = [LabelInline]


@admin.register(RoundKind)
class RoundKindAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["key", "ladder", "position", "title", "twin"]
    list_filter = ["ladder"]
    list_select_related = ["twin"]


@admin.register(RubricVersion)
class RubricVersionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["title", "edition", "published_at", "retired_at", "is_wording_only"]
    list_filter = ["round_kind"]
    inlines = [DimensionInline, DowncodeInline, PhaseInline, PromptInline]


@admin.register(Dimension)
class DimensionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["label", "key", "version", "is_key"]
    list_filter = ["version__round_kind"]
    list_select_related = ["version"]
    inlines = [AnchorInline]


@admin.register(Preset)
class PresetAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["title", "key", "ladder", "target_rank"]
    inlines = [PresetRoundInline]


class ReferenceInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Reference
    fields = ["dimension", "rank", "reason"]


@admin.register(Vignette)
class VignetteAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """The list says nothing of levels; who opens a vignette reads the key to it."""

    list_display = ["title", "round_kind", "position", "version", "retired_at"]
    list_filter = ["round_kind", "retired_at"]
    list_select_related = ["round_kind", "version"]
    search_fields = ["title", "text"]
    exclude = ["digest"]
    inlines = [ReferenceInline]
