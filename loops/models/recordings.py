"""What was captured: a recording, and the tracks its bytes arrive on."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loops.models.practice import Attempt
from loops.states import RecordingState


class RecordingQuerySet(models.QuerySet["Recording"]):
    """Recordings, told in adjectives."""

    def kept(self) -> "RecordingQuerySet":
        """Leave out what was thrown away."""
        return self.exclude(state=RecordingState.DISCARDED)

    def ready(self) -> "RecordingQuerySet":
        """Keep those that can be played."""
        return self.filter(state=RecordingState.READY)


class Recording(models.Model):
    """What was captured for an attempt. `file_name` is its key in the storage "recordings".

    `pauses` are pairs of ms of media time at which the recorder paused and how long it did.
    """

    class State(models.TextChoices):
        """Where the recording stands; the legal moves are in loops.states."""

        RECORDING = RecordingState.RECORDING.value, _("recording")
        UPLOADED = RecordingState.UPLOADED.value, _("uploaded")
        PROCESSING = RecordingState.PROCESSING.value, _("processing")
        READY = RecordingState.READY.value, _("ready")
        FAILED = RecordingState.FAILED.value, _("failed")
        DISCARDED = RecordingState.DISCARDED.value, _("discarded")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="recordings")
    state = models.CharField(max_length=10, choices=State, default=State.RECORDING)
    state_at = models.DateTimeField()
    started_at = models.DateTimeField()
    pauses = models.JSONField(default=list)
    duration_ms = models.PositiveIntegerField(null=True)
    file_name = models.CharField(max_length=200, blank=True)
    content_type = models.CharField(max_length=80, blank=True)
    size_bytes = models.PositiveBigIntegerField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)

    objects = RecordingQuerySet.as_manager()

    class Meta:
        ordering = ["attempt_id", "started_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["attempt"],
                condition=~Q(state="discarded"),
                name="recording_one_kept_an_attempt",
            ),
            models.CheckConstraint(
                condition=~Q(state="ready")
                | (Q(duration_ms__isnull=False, size_bytes__isnull=False) & ~Q(file_name="")),
                name="recording_ready_whole",
            ),
        ]
        indexes = [models.Index(fields=["state", "state_at"], name="recording_waiting")]

    def __str__(self) -> str:
        return f"Recording of {self.attempt}"

    @property
    def is_ready(self) -> bool:
        """Say whether it can be played."""
        return self.state == RecordingState.READY

    @property
    def is_audio(self) -> bool:
        """Say whether it has sound only."""
        return self.content_type.startswith("audio/")


class Track(models.Model):
    """One stream of bytes of a recording. `received_bytes` is the truth about what is safe."""

    class Role(models.TextChoices):
        """What the track holds."""

        CAMERA = "camera", _("camera and microphone")
        MICROPHONE = "microphone", _("microphone")
        UPLOAD = "upload", _("uploaded file")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="tracks")
    role = models.CharField(max_length=10, choices=Role)
    content_type = models.CharField(max_length=80)
    received_bytes = models.PositiveBigIntegerField(default=0)
    length_bytes = models.PositiveBigIntegerField(null=True)
    staging_key = models.CharField(max_length=80, unique=True)
    touched_at = models.DateTimeField()

    class Meta:
        ordering = ["recording_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["recording", "role"], name="track_role_once"),
            models.CheckConstraint(
                condition=Q(length_bytes=None) | Q(received_bytes__lte=F("length_bytes")),
                name="track_received_within_length",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.recording}"
