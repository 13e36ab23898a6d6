"""Reviews and snapshots in the admin, to look at only: a grade is changed by nobody."""

from django.contrib import admin

from feedback.models import (
    AttemptMeasure,
    DimensionMeasure,
    DowncodeTick,
    Evidence,
    GraderMeasure,
    Rating,
    Review,
    Snapshot,
)
from rubrics.admin import ReadOnly


class RatingInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Rating


class TickInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = DowncodeTick


class EvidenceInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Evidence


class GraderMeasureInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = GraderMeasure


class DimensionMeasureInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = DimensionMeasure


@admin.register(Review)
class ReviewAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["attempt", "grader", "state", "claimed_at", "lease_until", "submitted_at"]
    list_filter = ["state", "attempt__round__round_kind"]
    list_select_related = ["attempt__round", "grader"]
    inlines = [RatingInline, TickInline, EvidenceInline]


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["round_kind", "made_at", "reviews", "ratings", "agreement", "code_version"]
    list_filter = ["round_kind"]
    list_select_related = ["round_kind"]
    inlines = [GraderMeasureInline, DimensionMeasureInline]


@admin.register(AttemptMeasure)
class AttemptMeasureAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["attempt", "snapshot", "level", "low", "high", "graders"]
    list_filter = ["snapshot__round_kind"]
    list_select_related = ["attempt__round", "snapshot__round_kind"]
