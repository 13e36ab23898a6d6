"""Take recordings in, and put them away: begin, append, finish, discard, erase.

The rows say what is safe. What is made of the bytes is the business of loops.actions.processing.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from loops import blobs, media
from loops.actions.events import record
from loops.actions.practice import NotADraft, PredictFirst, withdraw
from loops.background import enqueue
from loops.errors import Refused
from loops.models import Attempt, Recording, Rendition, Step, Track, Transcript, Upload, User
from loops.queries.recordings import bytes_used, quota_of
from loops.states import RECORDING_MOVES, AttemptState, RecordingState, check_move

log = logging.getLogger(__name__)

CONSENT_VERSION = 1
"""Of the words that a person agrees to before anything is recorded."""
CONSENTED = frozenset({Track.Role.CAMERA, Track.Role.MICROPHONE, Track.Role.SCREEN})
PAUSES_MOST = 1000
OPEN_MOST = 4
PARTS_MOST = 50
EVENTS_MOST_BYTES = 50 * 1024 * 1024


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


class NoConsent(Refused):
    """Nothing is recorded of a person who has not agreed."""

    code = "no_consent"
    message = _("Agree to being recorded first. Nothing was recorded yet.")


class TooManyOpen(Refused):
    """A member records too many answers at once."""

    code = "too_many_open"
    status = 429
    message = _(
        "Too many of your recordings are unfinished. They are kept: finish or discard one of "
        "them, then begin again."
    )


class NotRecording(Refused):
    """Bytes were sent to a recording that takes no more."""

    code = "not_recording"
    message = _("This recording is finished; what it holds is kept. Nothing was added.")


class Gone(Refused):
    """Bytes were sent to a recording that was discarded or erased."""

    code = "gone"
    status = 410
    message = _("This recording was discarded, perhaps in another window. Nothing was added.")


class GoesOnAt(Refused):
    """The client's count and ours differ. Ours is the truth: the next byte is number `offset`."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        super().__init__()


class WrongOffset(GoesOnAt):
    """Bytes came that do not begin where the last ones ended."""

    code = "wrong_offset"
    message = _("Sending goes on from what has arrived.")


class ChecksumMismatch(GoesOnAt):
    """The bytes that came are not those that were sent."""

    code = "checksum_mismatch"
    status = 460
    message = _("This part was damaged on its way and was not kept. Sending goes on before it.")


class StillMissing(Refused):
    """Not all that was recorded has arrived; `received` tells how much of each upload has."""

    code = "still_missing"
    message = _("Not everything has arrived yet; what did is kept. Sending goes on from there.")

    def __init__(self, received: Mapping[UUID, int]) -> None:
        self.received = received
        super().__init__()


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


class OverQuota(Refused):
    """The recording would exceed the member's room."""

    code = "quota"
    status = 413

    def __init__(self, *, used: int, quota: int, received: int = 0) -> None:
        sizes = {
            "used": filesizeformat(used),
            "quota": filesizeformat(quota),
            "received": filesizeformat(received),
        }
        kept = (
            _("The %(received)s that arrived of this one are kept: finish it here.")
            if received
            else _("Nothing of this one was taken.")
        )
        super().__init__(
            _("Your recordings take %(used)s of the %(quota)s that you have.") % sizes
            + " "
            + kept % sizes
            + " "
            + _("Erase recordings that you need no more to make room.")
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
def begin(
    *,
    attempt: Attempt,
    role: str,
    content_type: str,
    by: User,
    at: datetime,
    length_bytes: int | None = None,
    recording: Recording | None = None,
    start_ms: int = 0,
    has_consent: bool = False,
) -> Upload:
    """Open an upload: the first of a new recording, or a further track or part of an open one.

    What failed before, and a recording of which no byte has arrived, makes room for a new one.
    `length_bytes` is known for a file; a recorder tells it when it finishes.
    """
    attempt = Attempt.objects.select_for_update().get(pk=attempt.pk)
    if attempt.state != AttemptState.DRAFT:
        raise NotADraft
    if attempt.predicted_rank is None:
        raise PredictFirst
    if role in CONSENTED and not has_consent:
        raise NoConsent
    if length_bytes == 0:
        raise NothingArrived
    most_bytes = _room_for(by, role, length_bytes)
    if recording is None:
        recording = _open(attempt, by=by, at=at, has_consent=has_consent)
    else:
        recording = Recording.objects.select_for_update().get(pk=recording.pk, attempt=attempt)
        _check_open(recording)
    track, _is_new = Track.objects.get_or_create(
        recording=recording, role=role, defaults={"start_ms": start_ms}
    )
    parts = track.uploads.aggregate(last=Max("part_no", default=0))["last"]
    if parts >= PARTS_MOST:
        raise TooManyOpen
    upload = Upload.objects.create(
        track=track,
        part_no=parts + 1,
        content_type=content_type[:80],
        start_ms=start_ms,
        length_bytes=length_bytes,
        most_bytes=most_bytes,
        staging_key=blobs.create(),
        opened_at=at,
        touched_at=at,
    )
    record("began", recording, by=by, at=at, role=role, part=upload.part_no)
    return upload


def append(
    *,
    upload: Upload,
    stream: blobs.Readable,
    offset: int,
    size: int,
    by: User,
    at: datetime,
    length_bytes: int | None = None,
    checksum: blobs.Checksum | None = None,
) -> int:
    """Add bytes that begin at `offset` and return where the next ones begin.

    The file's lock makes one writer; the offset on the row is what was acknowledged. The last
    byte of a length that was told beforehand finishes the recording. `length_bytes` tells it
    late, once.
    """
    if size > limits().chunk_bytes:
        raise ChunkTooLarge
    try:
        with blobs.writing(upload.staging_key) as staged:
            known = Upload.objects.select_related("track__recording").get(pk=upload.pk)
            _check_open(known.track.recording)
            length = known.length_bytes
            if length_bytes is not None:
                _check_length(known, length_bytes)
                length = length_bytes
            new_offset = staged.append(
                stream,
                offset=offset,
                acknowledged=known.received_bytes,
                size=size,
                limit=known.most_bytes if length is None else min(known.most_bytes, length),
                accepts=_judge_of(known.track.role),
                checksum=checksum,
            )
            # A finish in another window sets the length: it stands, and these bytes came too late.
            is_open = Q(length_bytes=known.length_bytes)
            is_taken = Upload.objects.filter(is_open, pk=upload.pk, received_bytes=offset).update(
                received_bytes=new_offset, length_bytes=length, touched_at=at
            )
            if not is_taken:
                raise NotRecording
    except blobs.WrongOffset as error:
        raise WrongOffset(error.offset) from error
    except blobs.WrongChecksum as error:
        raise ChecksumMismatch(offset) from error
    except blobs.WrongType as error:
        raise NoMedia from error
    except blobs.TooLarge as error:
        raise _too_large(known, by) from error
    except blobs.DiskFull as error:
        raise ServerFull from error
    except blobs.Busy as error:
        raise SomebodyWrites from error
    except blobs.Lost as error:
        raise _lost(upload) from error
    if new_offset == length:
        _finish_if_whole(known.track.recording, by=by, at=at)
    return new_offset


@transaction.atomic
def finish(
    *,
    recording: Recording,
    by: User | None,
    at: datetime,
    lengths: Mapping[UUID, int] | None = None,
    starts: Mapping[UUID, int] | None = None,
    pauses: Sequence[tuple[int, int]] = (),
) -> Recording:
    """Close the recording and ring for its processing; finishing twice is finishing once.

    `lengths` are what the recorder made, by upload; without them, what has arrived is the
    recording. `starts` are ms of media time at which each upload begins. `pauses` are pairs of
    ms of media time at which it paused and how long it did, in order. `by` is null where the
    clock asks.
    """
    recording = Recording.objects.select_for_update().get(pk=recording.pk)
    if recording.state != RecordingState.RECORDING:
        return recording
    uploads = list(
        Upload.objects.filter(track__recording=recording)
        .select_related("track")
        .select_for_update(of=("self",))
        .order_by("track_id", "part_no")
    )
    received = {upload.public_id: upload.received_bytes for upload in uploads}
    if lengths is not None and any(received.get(pk) != lengths[pk] for pk in lengths):
        raise StillMissing(received)
    if not any(received.values()):
        raise NothingArrived
    for upload in uploads:
        upload.start_ms = (starts or {}).get(upload.public_id, upload.start_ms)
        _close(upload)
    for track in {upload.track for upload in uploads if upload.received_bytes}:
        begins = [one.start_ms for one in uploads if one.track == track and one.received_bytes]
        Track.objects.filter(pk=track.pk).update(start_ms=min(begins))
    recording.pauses = [list(pause) for pause in pauses]
    recording.is_interrupted = lengths is None
    move(recording, RecordingState.UPLOADED, at, "pauses", "is_interrupted")
    record("finished", recording, by=by, at=at, size_bytes=sum(received.values()))
    enqueue("loops.tasks.process_recording", recording_id=recording.pk)
    return recording


def take_file(
    *, attempt: Attempt, file: "UploadedFile[bytes]", by: User, at: datetime
) -> Recording:
    """Keep a whole file as the answer's recording, by the same door as recorded bytes."""
    size, offset = file.size or 0, 0
    upload = begin(
        attempt=attempt,
        role=Track.Role.UPLOAD,
        content_type=file.content_type or "",
        by=by,
        at=at,
        length_bytes=size,
    )
    recording = upload.track.recording
    most = limits().chunk_bytes
    try:
        while offset < size:
            step = min(most, size - offset)
            reached = append(upload=upload, stream=file, offset=offset, size=step, by=by, at=at)
            if reached == offset:  # the file is shorter than it said
                raise StillMissing({upload.public_id: offset})
            offset = reached
    except Refused:
        discard(recording=recording, by=by, at=at)
        raise
    recording.refresh_from_db()
    return recording


@transaction.atomic
def terminate(*, upload: Upload, by: User, at: datetime) -> None:
    """Take one upload of an open recording away; with the last one the recording goes."""
    recording = Recording.objects.select_for_update().get(pk=upload.track.recording_id)
    _check_open(recording)
    if Upload.objects.filter(track__recording=recording).exclude(pk=upload.pk).exists():
        _drop(Upload.objects.select_for_update().get(pk=upload.pk))
        record("terminated", recording, by=by, at=at, role=upload.track.role)
    else:
        _put_away(recording, RecordingState.DISCARDED, by=by, at=at)


@transaction.atomic
def discard(*, recording: Recording, by: User, at: datetime) -> Recording:
    """Throw a recording of a draft away, with its bytes; discarding twice is discarding once."""
    attempt = Attempt.objects.select_for_update().get(pk=recording.attempt_id)
    recording = Recording.objects.select_for_update().get(pk=recording.pk)
    if recording.state == RecordingState.DISCARDED:
        return recording
    if attempt.state != AttemptState.DRAFT:
        raise NotADraft
    _put_away(recording, RecordingState.DISCARDED, by=by, at=at)
    return recording


@transaction.atomic
def erase(*, recording: Recording, by: User | None, at: datetime) -> Recording:
    """Erase the files and words of an answer's recording for good; the answer and its grades stay.

    `by` is null where the cohort's rule asks. Erasing twice is erasing once.
    """
    recording = Recording.objects.select_for_update().get(pk=recording.pk)
    if recording.state not in {RecordingState.DISCARDED, RecordingState.ERASED}:
        _put_away(recording, RecordingState.ERASED, by=by, at=at)
    return recording


@transaction.atomic
def withdraw_draft(*, attempt: Attempt, by: User | None, at: datetime) -> Attempt:
    """Put a draft away and erase what was recorded for it; `by` is null where the clock asks."""
    attempt = withdraw(attempt=attempt, by=by, at=at)
    for recording in _kept(attempt):
        _put_away(recording, RecordingState.DISCARDED, by=by, at=at)
    return attempt


def clear(*, recording_id: int) -> None:
    """Remove every file of a recording that was put away, then the rows that name them.

    A storage that is down keeps the rows, and the sweep comes again: no file is forgotten.
    """
    gone = [RecordingState.DISCARDED, RecordingState.ERASED]
    mine = {"track__recording": recording_id, "track__recording__state__in": gone}
    for rendition in Rendition.objects.filter(**mine):
        blobs.delete_stored(rendition.name)
        rendition.delete()
    for upload in Upload.objects.filter(is_kept=True, **mine):
        blobs.delete_staged(upload.staging_key)
        upload.is_kept = False
        upload.save(update_fields=["is_kept"])


def clear_left(*, at: datetime) -> int:
    """Remove what is left of recordings that were put away; returns how many they were."""
    left = Recording.objects.filter(
        Q(tracks__renditions__isnull=False) | Q(tracks__uploads__is_kept=True),
        state__in=[RecordingState.DISCARDED, RecordingState.ERASED],
        state_at__lt=at,
    ).order_by("pk")
    ids = list(left.values_list("pk", flat=True).distinct()[:100])
    for recording_id in ids:
        clear(recording_id=recording_id)
    return len(ids)


def move(recording: Recording, state: RecordingState, at: datetime, *fields: str) -> None:
    """Write a locked recording's next state, with the named fields."""
    check_move(RECORDING_MOVES, RecordingState(recording.state), state)
    recording.state = Recording.State(state.value)
    recording.state_at = at
    recording.save(update_fields=["state", "state_at", *fields])


def _open(attempt: Attempt, *, by: User, at: datetime, has_consent: bool) -> Recording:
    for old in _kept(attempt):
        is_empty = old.state == RecordingState.RECORDING and not Upload.objects.filter(
            track__recording=old, received_bytes__gt=0
        )
        if not is_empty and old.state != RecordingState.FAILED:
            raise AlreadyRecorded
        _put_away(old, RecordingState.DISCARDED, by=by, at=at)
    opened = Recording.objects.filter(
        attempt__round__loop__member=by, state=RecordingState.RECORDING
    )
    if opened.count() >= OPEN_MOST:
        raise TooManyOpen
    return Recording.objects.create(
        attempt=attempt,
        started_at=at,
        state_at=at,
        consent_version=CONSENT_VERSION if has_consent else 0,
    )


def _room_for(by: User, role: str, length_bytes: int | None) -> int:
    """Return the most bytes that an upload may have, of the member's room and the kind's limit."""
    most = EVENTS_MOST_BYTES if role == Track.Role.EVENTS else limits().file_bytes
    if length_bytes is not None and length_bytes > most:
        raise TooLarge
    used, quota = bytes_used(by), quota_of(by)
    if used >= quota or (length_bytes is not None and length_bytes > quota - used):
        raise OverQuota(used=used, quota=quota)
    if not blobs.has_room(length_bytes or 0):
        raise ServerFull
    return min(most, quota - used)


def _too_large(upload: Upload, by: User) -> Refused:
    """Say which limit stopped an append: the member's room, or the file's own."""
    of_kind = EVENTS_MOST_BYTES if upload.track.role == Track.Role.EVENTS else limits().file_bytes
    if upload.most_bytes < of_kind:
        return OverQuota(used=bytes_used(by), quota=quota_of(by), received=upload.received_bytes)
    return TooLarge()


def check_there(recording: Recording) -> None:
    """Raise Gone for a recording that was put away."""
    if recording.state in {RecordingState.DISCARDED, RecordingState.ERASED}:
        raise Gone


def _check_open(recording: Recording) -> None:
    check_there(recording)
    if recording.state != RecordingState.RECORDING:
        raise NotRecording


def _check_length(upload: Upload, length_bytes: int) -> None:
    """Take a length that is told late: once, and no less than what has arrived."""
    if upload.length_bytes not in {None, length_bytes} or length_bytes < upload.received_bytes:
        raise WrongOffset(upload.received_bytes)
    if length_bytes > upload.most_bytes:
        raise TooLarge


def _lost(upload: Upload) -> Refused:
    """Say why the staged bytes are not there: the recording was put away, or they are lost."""
    state = Recording.objects.values_list("state", flat=True).get(tracks__uploads=upload)
    is_gone = state in {RecordingState.DISCARDED, RecordingState.ERASED}
    return Gone() if is_gone else NotRecording()


def _judge_of(role: str) -> "blobs.Judge":
    return media.may_be_event_log if role == Track.Role.EVENTS else media.may_be_media


def _finish_if_whole(recording: Recording, *, by: User, at: datetime) -> None:
    """Finish a recording of which every upload has the length it was to have."""
    uploads = Upload.objects.filter(track__recording=recording)
    lengths = {upload.public_id: upload.length_bytes for upload in uploads if upload.is_whole}
    if len(lengths) == len(uploads):
        known = {pk: length for pk, length in lengths.items() if length is not None}
        finish(recording=recording, by=by, at=at, lengths=known)


def _close(upload: Upload) -> None:
    """Fix an upload's length; one without a byte is taken away, and a track without any."""
    if upload.received_bytes:
        upload.length_bytes = upload.received_bytes
        upload.save(update_fields=["length_bytes", "start_ms"])
    else:
        _drop(upload)


def _drop(upload: Upload) -> None:
    key, track = upload.staging_key, upload.track
    upload.delete()
    if not track.uploads.exists():
        track.delete()
    transaction.on_commit(lambda: blobs.delete_staged(key))


def _kept(attempt: Attempt) -> QuerySet[Recording]:
    """Return what is to be put away, locked: a worker may be naming its file this very moment."""
    return Recording.objects.kept().filter(attempt=attempt).select_for_update()


def _put_away(
    recording: Recording, state: RecordingState, *, by: User | None, at: datetime
) -> None:
    """Close a recording for good and remove its words now, its files after the commit."""
    move(recording, state, at)
    Transcript.objects.filter(recording=recording).delete()
    Step.objects.filter(track__recording=recording).delete()
    record(state.value, recording, by=by, at=at)
    pk = recording.pk

    def clear_now() -> None:
        try:
            clear(recording_id=pk)
        except Exception:
            log.exception("The files of recording %s are still there; the sweep goes on.", pk)

    transaction.on_commit(clear_now)
