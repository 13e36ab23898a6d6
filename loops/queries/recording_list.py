"""The list of a member's recordings: what each holds, how much room it takes, how long it stays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.core.paginator import Page, Paginator
from django.db.models import Count, OuterRef, Q
from django.db.models.functions import JSONObject
from django.utils.text import slugify

from loops import blobs
from loops.models import Recording, Rendition, Track, Upload, User
from loops.queries.keeping import Erasure, Plan, erasures_of, plans_of
from loops.queries.recordings import bytes_used_in_sql, quota_of
from loops.states import RecordingState

A_PAGE = 20
KEPT = [state for state in RecordingState if state != RecordingState.DISCARDED]
NEARLY = 0.9
DOWNLOADED = (Rendition.Kind.PLAYABLE, Rendition.Kind.LOG)
SUFFIXES = {"audio/mp4": "m4a", "audio/mpeg": "mp3", "application/gzip": "ndjson.gz"}


@dataclass(frozen=True)
class Room:
    """How much room a member's recordings take of what they have, in bytes."""

    used: int
    quota: int

    @property
    def left(self) -> int:
        """Return what is still free."""
        return max(0, self.quota - self.used)

    @property
    def is_nearly_full(self) -> bool:
        """Say whether little is left."""
        return self.used >= NEARLY * self.quota


@dataclass(frozen=True)
class FileLine:
    """A file that can be downloaded: one made to play, or a part as it came."""

    public_id: UUID
    label: str
    size_bytes: int


@dataclass(frozen=True)
class RecordingLine:
    """One recording. `made` can be played, `parts` are what came; either may be empty."""

    recording: Recording
    raw_bytes: int
    made_bytes: int
    made: list[FileLine]
    parts: list[FileLine]
    plan: Plan | None
    erasure: Erasure | None

    @property
    def total_bytes(self) -> int:
        """Return the room that it takes."""
        return self.raw_bytes + self.made_bytes

    @property
    def is_unfinished(self) -> bool:
        """Say whether its recorder has not finished it."""
        return self.recording.state == RecordingState.RECORDING

    @property
    def is_being_made_ready(self) -> bool:
        """Say whether it is safe, and not yet there to play."""
        return self.recording.state in {RecordingState.UPLOADED, RecordingState.PROCESSING}


@dataclass(frozen=True)
class RecordingList:
    """A page of a member's recordings, the newest first, and their room."""

    page: Page[Recording]
    lines: list[RecordingLine]
    room: Room


def room_to_record(user: User) -> int:
    """Return how many bytes the member can send now: by their own room, and by the server's."""
    return max(0, min(room_of(user).left, blobs.room_bytes()))


def room_of(user: User) -> Room:
    """Return how much room the member's recordings take, and have."""
    used = User.objects.filter(pk=user.pk).values_list(bytes_used_in_sql(user), flat=True)
    return Room(int(used.get()), quota_of(user))


def recording_list(user: User, at: datetime, number: str = "1") -> RecordingList:
    """Return a page of all that the member recorded but for what was discarded.

    The number of queries does not grow with the rows; a page too far is the last one.
    """
    theirs = Recording.objects.kept().filter(attempt__round__loop__member=user)
    recordings = "loops__rounds__attempts__recordings"
    is_kept = Q(**{f"{recordings}__state__in": KEPT})
    used, count = (
        User.objects.filter(pk=user.pk)
        .annotate(used=bytes_used_in_sql(user), count=Count(recordings, filter=is_kept))
        .values_list("used", "count")
        .get()
    )
    rows: Any = (
        theirs.select_related("attempt__round__round_kind", "attempt__round__loop__cohort")
        .annotate(made=_made(), parts=_parts())
        .order_by("-started_at", "-pk")
    )
    paginator = Paginator(rows, A_PAGE)
    paginator.count = count  # one query tells both
    page = paginator.get_page(number)
    found = list(page)
    plans, erasures = plans_of(found, at), erasures_of(found)
    return RecordingList(
        page=page,
        lines=[_line(row, plans.get(row.pk), erasures.get(row.pk)) for row in found],
        room=Room(int(used), quota_of(user)),
    )


def file_name(rendition: Rendition) -> str:
    """Name a file for the disk of its owner after its answer: letters of ASCII, digits, dashes.

    Its track's recording, attempt and round are fetched with it.
    """
    recording = rendition.track.recording
    attempt = recording.attempt
    kind = attempt.round.round_kind.key.replace("_", "-")
    made_on = f"{recording.started_at:%Y-%m-%d}"
    words = [slugify(attempt.round.title) or kind, slugify(attempt.name), made_on]
    if rendition.track.role not in {Track.Role.CAMERA, Track.Role.UPLOAD}:
        words.append(rendition.track.role)
    content_type = rendition.content_type.partition(";")[0]
    suffix = SUFFIXES.get(content_type) or slugify(content_type.rpartition("/")[2]) or "bin"
    return f"{'-'.join(words)}.{suffix}"


def _made() -> Any:
    files = Rendition.objects.filter(track__recording=OuterRef("pk")).order_by("track_id", "pk")
    return ArraySubquery(
        files.values(
            file=JSONObject(
                public_id="public_id", role="track__role", kind="kind", size_bytes="size_bytes"
            )
        )
    )


def _parts() -> Any:
    parts = Upload.objects.filter(
        track__recording=OuterRef("pk"), is_kept=True, received_bytes__gt=0
    ).order_by("track_id", "part_no")
    return ArraySubquery(
        parts.values(
            file=JSONObject(
                public_id="public_id",
                role="track__role",
                part_no="part_no",
                size_bytes="received_bytes",
            )
        )
    )


def _line(row: Any, plan: Plan | None, erasure: Erasure | None) -> RecordingLine:
    is_there = erasure is None
    return RecordingLine(
        recording=row,
        raw_bytes=sum(part["size_bytes"] for part in row.parts),
        made_bytes=sum(file["size_bytes"] for file in row.made),
        made=[_file(file) for file in row.made if is_there and file["kind"] in DOWNLOADED],
        parts=[_file(part) for part in row.parts if is_there],
        plan=plan,
        erasure=erasure,
    )


def _file(told: dict[str, Any]) -> FileLine:
    label = str(Track.Role(told["role"]).label)
    if told.get("part_no", 1) > 1:
        label = f"{label} {told['part_no']}"
    return FileLine(UUID(told["public_id"]), label, told["size_bytes"])
