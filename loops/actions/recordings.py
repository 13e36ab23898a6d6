"""Move recordings on: begin, append, finish, process, discard. The row says what is safe."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from loops import blobs, media
from loops.actions.events import record
from loops.actions.practice import NotADraft, PredictFirst, withdraw
from loops.background import enqueue
from loops.errors import Refused
from loops.models import Attempt, Recording, Track, User
from loops.states import RECORDING_MOVES, AttemptState, RecordingState, check_move

log = logging.getLogger(__name__)

MOST_TRIES = 3
PAUSES_MOST = 1000
STUCK = timedelta(minutes=15)
RING_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class Limits:
    """The most that one recording may be: shown on the pages and held here."""

    file_bytes: int
    chunk_bytes: int
    """Of one append."""
    minutes: int


def limits() -> Limits:
    """Return what this installation takes."""
    return Limits(
        file_bytes=settings.UPLOAD_MAX_BYTES,
        chunk_bytes=min(settings.CHUNK_MAX_BYTES, blobs.APPEND_MAX_BYTES),
        minutes=media.MAX_MINUTES,
    )


class AlreadyRecorded(Refused):
    """An answer has one recording."""

    code = "already_recorded"
    message = _(
        "This answer has a recording already, and it is kept. Discard that one first if you "
        "want to record again."
    )


class NotRecording(Refused):
    """Bytes were sent to a recording that takes no more."""

    code = "not_recording"
    message = _("This recording is finished; what it holds is kept. Nothing was added.")


class GoesOnAt(Refused):
    """The client's count and ours differ. Ours is the truth: the next byte is number `offset`."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        super().__init__()


class WrongOffset(GoesOnAt):
    """Bytes came that do not begin where the last ones ended."""

    code = "wrong_offset"
    message = _("Sending goes on from what has arrived.")


class StillMissing(GoesOnAt):
    """Not all that was recorded has arrived."""

    code = "still_missing"
    message = _("Not everything has arrived yet; what did is kept. Sending goes on from there.")


class NothingArrived(Refused):
    """A recording without a byte is none."""

    code = "nothing_arrived"
    message = _("Nothing of this recording has arrived on the server. Record it again.")


class NoMedia(Refused):
    """The first bytes are of no kind we can play."""

    code = "no_media"
    status = 415
    message = _(
        "This is not a video or sound file that we can play: WebM, MP4, MOV, M4A, Ogg, MP3 and "
        "WAV are. Nothing was kept. Export it as one of these and try again."
    )


class TooLarge(Refused):
    """The recording would exceed what the server takes."""

    code = "too_large"
    status = 413
    message = _(
        "This recording is larger than the server takes. What arrived before is kept. "
        "Finish here, or record the sound alone."
    )


class ChunkTooLarge(Refused):
    """One append is longer than the server takes at once; no recorder of ours sends one."""

    code = "chunk_too_large"
    status = 413
    message = _(
        "This part is larger than the server takes at once. What arrived before is kept. "
        "Send smaller parts."
    )


class ServerFull(Refused):
    """The disk has no room."""

    code = "server_full"
    status = 507
    message = _(
        "The server's disk is full, so this part was not kept. What arrived before is safe. "
        "Leave this page open: sending is tried again."
    )


class SomebodyWrites(Refused):
    """Two windows send the same recording."""

    code = "busy"
    status = 423
    message = _("Another window is sending this recording. Close the other one.")


@transaction.atomic
def begin(*, attempt: Attempt, role: str, content_type: str, by: User, at: datetime) -> Track:
    """Open a recording for the answer and its one track; what failed before makes room.

    A recording of which no byte has arrived is forgotten.
    """
    attempt = Attempt.objects.select_for_update().get(pk=attempt.pk)
    if attempt.state != AttemptState.DRAFT:
        raise NotADraft
    if attempt.predicted_rank is None:
        raise PredictFirst
    for old in _kept(attempt):
        is_empty = old.state == RecordingState.RECORDING and not any(
            track.received_bytes for track in old.tracks.all()
        )
        if not is_empty and old.state != RecordingState.FAILED:
            raise AlreadyRecorded
        _erase(old, by=by, at=at)
    recording = Recording.objects.create(attempt=attempt, started_at=at, state_at=at)
    track = Track.objects.create(
        recording=recording,
        role=role,
        content_type=content_type[:80],
        staging_key=blobs.create(),
        touched_at=at,
    )
    record("began", recording, by=by, at=at, role=role)
    return track


def append(
    *, track: Track, stream: blobs.Readable, offset: int, size: int, by: User, at: datetime
) -> int:
    """Add bytes that begin at `offset` and return where the next ones begin.

    The file's lock makes one writer; the offset on the row is what was acknowledged.
    Raises WrongOffset, NotRecording, NoMedia, TooLarge, ChunkTooLarge, ServerFull or
    SomebodyWrites.
    """
    allowed = limits()
    if size > allowed.chunk_bytes:
        raise ChunkTooLarge
    try:
        with blobs.writing(track.staging_key) as staged:
            known = Track.objects.select_related("recording").get(pk=track.pk)
            if known.recording.state != RecordingState.RECORDING:
                raise NotRecording
            new_offset = staged.append(
                stream,
                offset=offset,
                acknowledged=known.received_bytes,
                size=size,
                limit=allowed.file_bytes,
                accepts=media.may_be_media,
            )
            # A finish in another window sets the length: it stands, and these bytes came too late.
            is_taken = Track.objects.filter(
                pk=track.pk, received_bytes=offset, length_bytes=None
            ).update(received_bytes=new_offset, touched_at=at)
            if not is_taken:
                raise NotRecording
            return new_offset
    except blobs.WrongOffset as error:
        raise WrongOffset(error.offset) from error
    except blobs.WrongType as error:
        raise NoMedia from error
    except blobs.TooLarge as error:
        raise TooLarge from error
    except blobs.DiskFull as error:
        raise ServerFull from error
    except blobs.Busy as error:
        raise SomebodyWrites from error
    except blobs.Lost as error:
        raise NotRecording from error


@transaction.atomic
def finish(
    *,
    recording: Recording,
    by: User,
    at: datetime,
    length_bytes: int | None = None,
    pauses: Sequence[tuple[int, int]] = (),
) -> Recording:
    """Close the recording and ring for its processing; finishing twice is finishing once.

    `length_bytes` is what the recorder made; without it, what has arrived is the recording.
    `pauses` are pairs of ms of media time at which it paused and how long it did, in order.
    """
    recording = Recording.objects.select_for_update().get(pk=recording.pk)
    if recording.state != RecordingState.RECORDING:
        return recording
    track = recording.tracks.select_for_update().get()
    if length_bytes is not None and track.received_bytes != length_bytes:
        raise StillMissing(track.received_bytes)
    if not track.received_bytes:
        raise NothingArrived
    track.length_bytes = track.received_bytes
    track.save(update_fields=["length_bytes"])
    recording.pauses = [list(pause) for pause in pauses]
    _move(recording, RecordingState.UPLOADED, at, "pauses")
    record("finished", recording, by=by, at=at, size_bytes=track.received_bytes)
    enqueue("loops.tasks.process_recording", recording_id=recording.pk)
    return recording


def take_file(
    *, attempt: Attempt, file: "UploadedFile[bytes]", by: User, at: datetime
) -> Recording:
    """Keep a whole file as the answer's recording, by the same door as recorded bytes."""
    track = begin(
        attempt=attempt,
        role=Track.Role.UPLOAD,
        content_type=file.content_type or "",
        by=by,
        at=at,
    )
    size, offset = file.size or 0, 0
    most = limits().chunk_bytes
    try:
        while offset < size:
            step = min(most, size - offset)
            reached = append(track=track, stream=file, offset=offset, size=step, by=by, at=at)
            if reached == offset:
                break  # the file is shorter than it said: finish refuses it
            offset = reached
        return finish(recording=track.recording, by=by, at=at, length_bytes=size)
    except Refused:
        discard(recording=track.recording, by=by, at=at)
        raise


@transaction.atomic
def discard(*, recording: Recording, by: User, at: datetime) -> Recording:
    """Erase a recording of a draft, with its bytes; discarding twice is discarding once."""
    attempt = Attempt.objects.select_for_update().get(pk=recording.attempt_id)
    recording = Recording.objects.select_for_update().get(pk=recording.pk)
    if recording.state == RecordingState.DISCARDED:
        return recording
    if attempt.state != AttemptState.DRAFT:
        raise NotADraft
    _erase(recording, by=by, at=at)
    return recording


@transaction.atomic
def withdraw_draft(*, attempt: Attempt, by: User | None, at: datetime) -> Attempt:
    """Put a draft away and erase what was recorded for it; `by` is null where the clock asks."""
    attempt = withdraw(attempt=attempt, by=by, at=at)
    for recording in _kept(attempt):
        _erase(recording, by=by, at=at)
    return attempt


def process(*, recording_id: int, at: datetime) -> None:
    """Make an uploaded recording playable. Safe to run twice, late, or to die half-way.

    The try is counted before the work, so that a file which kills its worker is given up.
    """
    taken = Recording.objects.filter(pk=recording_id, state=RecordingState.UPLOADED)
    with transaction.atomic():
        recording = taken.select_for_update(skip_locked=True).first()
        if recording is None:
            return
        recording.tries += 1
        recording.save(update_fields=["tries"])
        if recording.tries > MOST_TRIES:
            recording.error_code = recording.error_code or "gave_up"
            _move(recording, RecordingState.FAILED, at, "error_code")
            record("failed", recording, by=None, at=at, code=recording.error_code, again=False)
            return
        _move(recording, RecordingState.PROCESSING, at)
    track = recording.tracks.get()
    try:
        with blobs.scratch() as folder:
            target = folder / "playable"
            found = media.remux(blobs.staged_path(track.staging_key), target)
            name = blobs.keep(target, suffix=found.suffix)
    except media.MediaError as error:
        _mark_failed(recording, error, at)
        return
    if _mark_ready(recording, found, name, at):
        blobs.delete_staged(track.staging_key)
    else:  # discarded meanwhile, or swept to another try, which needs the staged bytes
        blobs.delete_stored(name)


def unstick(*, at: datetime) -> int:
    """Ring again for recordings that wait or were left by a dead worker; returns how many."""
    Recording.objects.filter(state=RecordingState.PROCESSING, state_at__lt=at - STUCK).update(
        state=RecordingState.UPLOADED, state_at=at
    )
    waiting = Recording.objects.filter(
        state=RecordingState.UPLOADED, state_at__lt=at - RING_AGAIN
    ).order_by("state_at", "pk")
    ids = list(waiting.values_list("pk", flat=True)[:100])
    for recording_id in ids:
        enqueue("loops.tasks.process_recording", recording_id=recording_id)
    return len(ids)


@transaction.atomic
def _mark_ready(recording: Recording, found: media.Media, name: str, at: datetime) -> bool:
    locked = Recording.objects.select_for_update().get(pk=recording.pk)
    if locked.state != RecordingState.PROCESSING:
        return False
    locked.duration_ms = found.duration_ms
    locked.file_name = name
    locked.content_type = found.content_type
    locked.size_bytes = found.size_bytes
    locked.error_code = ""
    fields = ["duration_ms", "file_name", "content_type", "size_bytes", "error_code"]
    _move(locked, RecordingState.READY, at, *fields)
    record("ready", locked, by=None, at=at, duration_ms=found.duration_ms)
    return True


@transaction.atomic
def _mark_failed(recording: Recording, error: media.MediaError, at: datetime) -> None:
    locked = Recording.objects.select_for_update().get(pk=recording.pk)
    if locked.state != RecordingState.PROCESSING:
        return
    log.warning("Recording %s cannot be made playable: %s", locked.pk, error)
    locked.error_code = error.code
    is_passing = error.code in media.PASSING_CODES and locked.tries < MOST_TRIES
    state = RecordingState.UPLOADED if is_passing else RecordingState.FAILED
    _move(locked, state, at, "error_code")
    record("failed", locked, by=None, at=at, code=error.code, again=is_passing)


def _kept(attempt: Attempt) -> QuerySet[Recording]:
    """Return what is to be erased, locked: a worker may be naming its file this very moment."""
    return Recording.objects.kept().filter(attempt=attempt).select_for_update()


def _erase(recording: Recording, *, by: User | None, at: datetime) -> None:
    name, keys = recording.file_name, [track.staging_key for track in recording.tracks.all()]
    recording.file_name = ""
    _move(recording, RecordingState.DISCARDED, at, "file_name")
    record("discarded", recording, by=by, at=at)

    def erase() -> None:
        blobs.delete_stored(name)
        for key in keys:
            blobs.delete_staged(key)

    transaction.on_commit(erase)


def _move(recording: Recording, state: RecordingState, at: datetime, *fields: str) -> None:
    check_move(RECORDING_MOVES, RecordingState(recording.state), state)
    recording.state = Recording.State(state.value)
    recording.state_at = at
    recording.save(update_fields=["state", "state_at", *fields])
