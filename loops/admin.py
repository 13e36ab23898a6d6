"""People and practice in the admin. Only what no page of the product can change is open here."""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from loops.actions.mailing import send_again
from loops.models import (
    Artifact,
    Attempt,
    CalendarFeed,
    Cohort,
    Event,
    Invitation,
    Loop,
    Membership,
    Notice,
    Recording,
    Round,
    Track,
    User,
)
from rubrics.admin import ReadOnly


class OnlyChanged:
    """Rows come from the pages and stay: a few fields may be changed, none added or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class MembershipInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Membership


class RoundInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Round


class RecordingInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Recording
    show_change_link = True


class ArtifactInline(ReadOnly, admin.StackedInline):  # type: ignore[type-arg]
    model = Artifact


class TrackInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Track


@admin.register(User)
class UserAdmin(OnlyChanged, admin.ModelAdmin):  # type: ignore[type-arg]
    """Passwords are set by mail, handles are for good. Room for recordings is given here."""

    list_display = ["email", "name", "handle", "is_active", "is_staff"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "name", "handle"]
    fields = [
        "email",
        "name",
        "handle",
        "time_zone",
        "quota_bytes",
        "is_active",
        "is_staff",
        "is_superuser",
    ]
    readonly_fields = ["handle"]
    inlines = [MembershipInline]


@admin.register(Cohort)
class CohortAdmin(OnlyChanged, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "is_named", "label_company", "created_at"]
    fields = ["name", "is_named", "label_company"]
    inlines = [MembershipInline]


@admin.register(Invitation)
class InvitationAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """The secret part of the link is left out."""

    list_display = ["cohort", "created_by", "created_at", "expires_at", "revoked_at", "uses"]
    exclude = ["token"]
    list_select_related = ["cohort", "created_by"]


@admin.register(Loop)
class LoopAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["title", "member", "cohort", "ladder", "target_rank", "started_at"]
    list_filter = ["ladder", "cohort"]
    list_select_related = ["member", "cohort"]
    inlines = [RoundInline]


@admin.register(Attempt)
class AttemptAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["round", "number", "kind", "state", "started_at", "submitted_at"]
    list_filter = ["state", "kind", "round__round_kind"]
    list_select_related = ["round"]
    inlines = [RecordingInline, ArtifactInline]


@admin.register(Recording)
class RecordingAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["attempt", "state", "state_at", "duration_ms", "error_code"]
    list_filter = ["state", "error_code"]
    list_select_related = ["attempt__round"]
    inlines = [TrackInline]


@admin.register(Event)
class EventAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["at", "verb", "subject", "subject_id", "actor_id"]
    list_filter = ["verb", "subject"]


@admin.register(Notice)
class NoticeAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Where the mails stand. One that failed can be given further tries."""

    list_display = [
        "due_at",
        "kind",
        "person",
        "subject",
        "mail_state",
        "mail_tries",
        "mailed_at",
        "read_at",
    ]
    list_filter = ["mail_state", "kind"]
    list_select_related = ["person"]
    search_fields = ["person__email", "person__handle", "subject", "message_id"]
    actions = ["send_again"]

    @admin.action(description=_("Send failed mails again"))
    def send_again(self, request: HttpRequest, notices: QuerySet[Notice]) -> None:
        at, by = timezone.now(), request.user
        if not isinstance(by, User):
            return
        count = sum(send_again(notice=notice, by=by, at=at) for notice in notices)
        told = ngettext("%(n)d mail is sent again.", "%(n)d mails are sent again.", count)
        self.message_user(request, told % {"n": count})


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """The digest of the secret part is left out."""

    list_display = ["user", "made_at", "revoked_at"]
    exclude = ["token_digest"]
    list_select_related = ["user"]
