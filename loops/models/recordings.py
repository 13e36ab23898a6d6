"""What was captured: recordings, their tracks, the bytes they came as, and what was made of them.

All times are whole ms of media time unless a name ends in `_at`. The recording has one media clock:
0 is its first moment, and pauses are not on it.
"""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loops.models.people import User
from loops.models.practice import Attempt
from loops.states import RecordingState


class RecordingQuerySet(models.QuerySet["Recording"]):
    """Recordings, told in adjectives."""

    def kept(self) -> "RecordingQuerySet":
        """Leave out what was thrown away."""
        return self.exclude(state=RecordingState.DISCARDED)

    def ready(self) -> "RecordingQuerySet":
        """Keep those that can be played, whole or in part."""
        return self.filter(state__in=RecordingState.playable())


class Recording(models.Model):
    """What was captured for an attempt.

    `pauses` are pairs of ms of media time at which the recorder paused and how long it did.
    `is_interrupted` says that it was closed with what had arrived, not by its recorder.
    `erases_at` is when its cohort's rule erases it, once its candidate was told so; `cleared_at`
    is since when nothing is left, in any storage, of a recording that was put away.
    """

    class State(models.TextChoices):
        """Where the recording stands; the legal moves are in loops.states."""

        RECORDING = RecordingState.RECORDING.value, _("recording")
        UPLOADED = RecordingState.UPLOADED.value, _("uploaded")
        PROCESSING = RecordingState.PROCESSING.value, _("processing")
        READY = RecordingState.READY.value, _("ready")
        READY_PARTIAL = RecordingState.READY_PARTIAL.value, _("ready in part")
        FAILED = RecordingState.FAILED.value, _("failed")
        DISCARDED = RecordingState.DISCARDED.value, _("discarded")
        ERASED = RecordingState.ERASED.value, _("erased")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="recordings")
    state = models.CharField(max_length=13, choices=State, default=State.RECORDING)
    state_at = models.DateTimeField()
    started_at = models.DateTimeField()
    pauses = models.JSONField(default=list)
    duration_ms = models.PositiveIntegerField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    consent_version = models.PositiveSmallIntegerField(default=0)
    is_interrupted = models.BooleanField(default=False)
    erases_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)

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
                condition=~Q(state__in=["ready", "ready_partial"]) | Q(duration_ms__isnull=False),
                name="recording_ready_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "state_at"], name="recording_waiting"),
            models.Index(
                fields=["erases_at"],
                condition=Q(erases_at__isnull=False),
                name="recording_to_erase",
            ),
            models.Index(
                fields=["state_at"],
                condition=Q(state__in=["discarded", "erased"], cleared_at=None),
                name="recording_to_clear",
            ),
        ]

    def __str__(self) -> str:
        return f"Recording of {self.attempt}"

    @property
    def is_ready(self) -> bool:
        """Say whether it can be played, whole or in part."""
        return self.state in RecordingState.playable()

    @property
    def is_partial(self) -> bool:
        """Say whether something of it is missing."""
        return self.state == RecordingState.READY_PARTIAL

    @property
    def is_erased(self) -> bool:
        """Say whether its candidate, or their cohort's rule, has erased it."""
        return self.state == RecordingState.ERASED


class Track(models.Model):
    """One stream of a recording: what a camera, a microphone, a screen or an editor gave.

    `start_ms` is where it begins on the recording's media clock. `gaps` and `silences` are pairs
    of ms on the track's own time, from its beginning: where it has nothing, and nothing to hear.
    """

    class Role(models.TextChoices):
        """What the track holds. Events are a log of an editor or a whiteboard, as NDJSON."""

        CAMERA = "camera", _("camera and microphone")
        MICROPHONE = "microphone", _("microphone")
        SCREEN = "screen", _("screen")
        UPLOAD = "upload", _("uploaded file")
        EVENTS = "events", _("events")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="tracks")
    role = models.CharField(max_length=10, choices=Role)
    start_ms = models.PositiveIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(null=True)
    width = models.PositiveSmallIntegerField(null=True)
    height = models.PositiveSmallIntegerField(null=True)
    video_codec = models.CharField(max_length=20, blank=True)
    audio_codec = models.CharField(max_length=20, blank=True)
    gaps = models.JSONField(default=list)
    silences = models.JSONField(default=list)
    loudness_lufs = models.FloatField(null=True)
    is_partial = models.BooleanField(default=False)
    error_code = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["recording_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["recording", "role"], name="track_role_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.recording}"


class Upload(models.Model):
    """One part of a track: a stream of bytes that grows by appends.

    `received_bytes` is the truth about what is safe. A track has a further part where a device
    was changed or the page was opened again. `is_kept` says that the bytes as they came are
    still on the disk.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    track = models.ForeignKey(Track, on_delete=models.PROTECT, related_name="uploads")
    part_no = models.PositiveSmallIntegerField(default=1)
    content_type = models.CharField(max_length=80)
    start_ms = models.PositiveIntegerField(default=0)
    received_bytes = models.PositiveBigIntegerField(default=0)
    length_bytes = models.PositiveBigIntegerField(null=True)
    most_bytes = models.PositiveBigIntegerField()
    staging_key = models.CharField(max_length=80, unique=True)
    is_kept = models.BooleanField(default=True)
    opened_at = models.DateTimeField()
    touched_at = models.DateTimeField()

    class Meta:
        ordering = ["track_id", "part_no"]
        constraints = [
            models.UniqueConstraint(fields=["track", "part_no"], name="upload_part_once"),
            models.CheckConstraint(
                condition=Q(length_bytes=None) | Q(received_bytes__lte=F("length_bytes")),
                name="upload_received_within_length",
            ),
            models.CheckConstraint(
                condition=Q(received_bytes__lte=F("most_bytes")), name="upload_received_within_most"
            ),
        ]
        indexes = [
            models.Index(fields=["touched_at"], condition=Q(is_kept=True), name="upload_on_disk")
        ]

    def __str__(self) -> str:
        return f"Part {self.part_no} of {self.track}"

    @property
    def is_whole(self) -> bool:
        """Say whether all that was promised has arrived."""
        return self.received_bytes == self.length_bytes


class Rendition(models.Model):
    """A file made of a track. `name` is its key in the storage "recordings".

    `producer` is the version of the code that made it. `facts` are what a player must know of it.
    """

    class Kind(models.TextChoices):
        """What the file is for."""

        PLAYABLE = "playable", _("to play")
        POSTER = "poster", _("poster")
        STRIP = "strip", _("thumbnails")
        PEAKS = "peaks", _("waveform")
        LOG = "log", _("event log")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    track = models.ForeignKey(Track, on_delete=models.PROTECT, related_name="renditions")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=200, unique=True)
    content_type = models.CharField(max_length=80)
    size_bytes = models.PositiveBigIntegerField()
    facts = models.JSONField(default=dict)
    producer = models.PositiveSmallIntegerField(default=1)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["track_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["track", "kind"], name="rendition_kind_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.track}"


class Step(models.Model):
    """One piece of work on a track. A worker holds it by a lease; done once, it is done."""

    class Name(models.TextChoices):
        """The steps in their order. What a track has no use for is done at once."""

        REMUX = "remux", _("making it seekable")
        SOUND = "sound", _("reading the sound")
        PICTURE = "picture", _("drawing thumbnails")
        SPEECH = "speech", _("writing down the words")

    class State(models.TextChoices):
        """Where the step stands."""

        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    track = models.ForeignKey(Track, on_delete=models.PROTECT, related_name="steps")
    name = models.CharField(max_length=10, choices=Name)
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    progress = models.FloatField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["track_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["track", "name"], name="step_once"),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False),
                name="step_running_leased",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["waiting", "running"]),
                name="step_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_name_display()}: {self.track}"


class Transcript(models.Model):
    """The words of a recording, as cues. A person's own words are replaced by a person alone."""

    class Source(models.TextChoices):
        """Where the words come from."""

        FILE = "file", _("a captions file")
        TYPED = "typed", _("typed")
        BROWSER = "browser", _("the browser’s captions")
        ENGINE = "engine", _("a speech engine")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recording = models.OneToOneField(Recording, on_delete=models.PROTECT, related_name="transcript")
    language = models.CharField(max_length=12, default="en")
    source = models.CharField(max_length=7, choices=Source)
    version = models.PositiveIntegerField(default=1)
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Transcript of {self.recording}"

    @property
    def token(self) -> str:
        """Return what tells this state of the words from every other, for a form to carry."""
        return f"{self.public_id}:{self.version}"


class Cue(models.Model):
    """One line of a transcript, on the recording's media clock."""

    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="cues")
    position = models.PositiveIntegerField()
    start_ms = models.PositiveIntegerField()
    end_ms = models.PositiveIntegerField()
    speaker = models.CharField(max_length=80, blank=True)
    text = models.TextField()

    class Meta:
        ordering = ["transcript_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["transcript", "position"], name="cue_position_once"),
            models.CheckConstraint(
                condition=Q(end_ms__gte=F("start_ms")), name="cue_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return self.text
