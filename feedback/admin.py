"""Reviews, the queue and snapshots in the admin, to look at only: a grade is changed by nobody.

Conflicts of interest are not here: who opens the admin may be the one whom they are about. Nor is
what a review is for, who pays for one, or whether reviews are split: it may be their own to give.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from feedback.models import (
    AttemptMeasure,
    DimensionMeasure,
    DowncodeTick,
    Evidence,
    GraderMeasure,
    GradingRules,
    LedgerEntry,
    QueueEntry,
    Rating,
    Report,
    Review,
    Snapshot,
    Standing,
)
from feedback.queries.reveal import revealed_attempts
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
    fields = ["attempt", "grader", "state", "claimed_at", "lease_until", "submitted_at"]
    inlines = [RatingInline, TickInline, EvidenceInline]

    def get_fields(self, request: HttpRequest, obj: Review | None = None) -> list[Any]:
        """Leave out what the review says until its answer is revealed."""
        said = ["verdict", "confidence", "level_given_rank", "summary"]
        return [*self.fields, *(said if _is_revealed(obj) else [])]

    def get_inlines(self, request: HttpRequest, obj: Review | None) -> list[Any]:
        """Leave out ratings, signals and evidence until then, too."""
        return self.inlines if _is_revealed(obj) else []


def _is_revealed(review: Review | None) -> bool:
    """Say whether a review may be read: who opens the admin may be its candidate, or a grader."""
    if review is None or not review.is_submitted:
        return False
    return revealed_attempts(timezone.now()).filter(pk=review.attempt_id).exists()


@admin.register(GradingRules)
class GradingRulesAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Changed by organisers, on the page that counts the queue anew."""

    list_display = ["cohort", "reviews_wanted", "requires_unlock"]
    list_select_related = ["cohort"]


@admin.register(QueueEntry)
class QueueEntryAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    fields = ["attempt", "cohort", "round_kind", "since", "is_open", "has_priority", "exclusion"]
    list_display = ["attempt", "cohort", "round_kind", "since", "is_open", "exclusion"]
    list_filter = ["is_open", "exclusion", "round_kind"]
    list_select_related = ["attempt__round", "cohort", "round_kind"]


@admin.register(Report)
class ReportAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Without its review, which would name the grader to a candidate."""

    fields = ["kind", "note", "made_at", "taken_back_at", "contested_at", "contested_because"]
    list_display = ["public_id", "kind", "made_at", "taken_back_at", "contested_at"]
    list_filter = ["kind"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        """Leave out those that change no answer."""
        counting = super().get_queryset(request)
        return counting.filter(review__purpose__in=Review.READ_BY_CANDIDATE)


@admin.register(Standing)
class StandingAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["member", "cohort", "given", "taken", "credit"]
    list_filter = ["cohort"]
    list_select_related = ["member", "cohort"]


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    fields = ["cohort", "earner", "reason", "at"]
    list_display = ["earner", "cohort", "reason", "at"]
    list_filter = ["cohort", "reason"]
    list_select_related = ["cohort", "earner"]


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
