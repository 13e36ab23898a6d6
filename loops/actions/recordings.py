"""Take recordings in, and put them away: begin, append, finish, discard, erase.

The rows say what is safe. What is made of the bytes is the business of loops.actions.processing.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loops import blobs, media
from loops.actions.events import record
from loops.actions.practice import NotADraft, PredictFirst, take_back, withdraw
from loops.background import enqueue
from loops.errors import Refused
from loops.models import Attempt, Recording, Step, Track, Transcript, Upload, User
from loops.queries.keeping import has_files
from loops.queries.recordings import bytes_used, quota_of
from loops.signals import answer_changed
from loops.states import RECORDING_MOVES, AttemptState, RecordingState, check_move

log = logging.getLogger(__name__)

CONSENT_VERSION = 1
"""Of the words that a person agrees to before anything is recorded."""
CONSENTED = frozenset({Track.Role.CAMERA, Track.Role.MICROPHONE, Track.Role.SCREEN})
TELLING = frozenset(set(RecordingState) - {RecordingState.RECORDING, RecordingState.PROCESSING})
PAUSES_MOST = 1000
OPEN_MOST = 4
PARTS_MOST = 50
LATEST_START_MS = media.MAX_SECONDS * 1000
EVENTS_MOST_BYTES = 50 * 1024 * 1024
QUOTA_STEP_BYTES = 1024 * 1024
"""So often is a member's room counted while bytes come in: it costs more than to write them."""
NO_WORKER_AFTER = timedelta(hours=2)
"""So long after a recording was put away no worker is at it any more."""
FAILURES_MOST = 3


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
    """A member has too many recordings that are not finished."""

    code = "too_many_open"
    status = 429
    message = _(
        "Too many of your recordings are unfinished. They are kept: finish or discard one of "
        "them, then begin again."
    )


class TooManyParts(Refused):
    """A track is in more pieces than a recording may have."""

    code = "too_many_parts"
    message = _(
        "This recording is in too many pieces already. They are kept: finish it, and record the "
        "rest as an answer of its own."
    )


class NotTaken(Refused):
    """Bytes were refused. The next one that is taken is number `offset`, where that is known."""

    def __init__(self, offset: int | None = None, message: str | Promise = "") -> None:
        self.offset = offset
        super().__init__(message)


class NotRecording(NotTaken):
    """Bytes were sent to a recording that takes no more."""

    code = "not_recording"
    message = _("This recording is finished; what it holds is kept. Nothing was added.")


class Gone(NotTaken):
    """Bytes were sent to a recording that was discarded or erased."""

    code = "gone"
    status = 410
    message = _("This recording was discarded, perhaps in another window. Nothing was added.")


class LostBytes(NotTaken):
    """What had arrived of an upload is not on the disk any more."""

    code = "lost"
    status = 410
    message = _(
        "The server has lost what had arrived of this recording. If this page still holds it, "
        "save it as a file, discard the recording and send that file."
    )


class WrongOffset(NotTaken):
    """Bytes came that do not begin where the last ones ended."""

    code = "wrong_offset"
    message = _("Sending goes on from what has arrived.")


class WrongLength(NotTaken):
    """An upload's length was told anew, or is not what it was told to be."""

    code = "wrong_length"
    status = 400
    message = _(
        "The file is not as long as was said when its sending began. What arrived is kept. "
        "Discard it and send the file again from its beginning."
    )


class ChecksumMismatch(NotTaken):
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


class NoMedia(NotTaken):
    """The first bytes are of no kind we can play."""

    code = "no_media"
    status = 415
    message = _(
        "This is not a video or sound file that we can play: WebM, MP4, MOV, M4A, Ogg, MP3 and "
        "WAV are. Nothing was kept. Export it as one of these and try again."
    )


class TooLarge(NotTaken):
    """The recording would exceed what the server takes."""

    code = "too_large"
    status = 413
    message = _(
        "This recording is larger than the server takes. What arrived before is kept. "
        "Finish here, or record the sound alone."
    )


class OverQuota(NotTaken):
    """The recording would exceed the member's room."""

    code = "quota"
    status = 413

    def __init__(self, *, used: int, quota: int, offset: int | None = None) -> None:
        sizes = {
            "used": filesizeformat(used),
            "quota": filesizeformat(quota),
            "received": filesizeformat(offset or 0),
        }
        kept = (
            _("The %(received)s that arrived of this one are kept: finish it here.")
            if offset
            else _("Nothing of this one was taken.")
        )
        words = (
            _("Your recordings take %(used)s of the %(quota)s that you have.") % sizes,
            kept % sizes,
            _("Erase recordings that you need no more to make room."),
        )
        super().__init__(offset, " ".join(map(str, words)))


class ChunkTooLarge(NotTaken):
    """One append is longer than the server takes at once; no recorder of ours sends one."""

    code = "chunk_too_large"
    status = 413
    message = _(
        "This part is larger than the server takes at once. What arrived before is kept. "
        "Send smaller parts."
    )


class ServerFull(NotTaken):
    """The disk has no room."""

    code = "server_full"
    status = 507
    message = _(
        "The server's disk is full, so this part was not kept. What arrived before is safe. "
        "Leave this page open: sending is tried again."
    )


class SomebodyWrites(NotTaken):
    """Two windows send the same upload, or a connection that broke is not known to have ended."""

    code = "busy"
    status = 423
    message = _(
        "Another window is sending this recording, or an earlier connection has not ended yet. "
        "What arrived is kept, and sending is tried again."
    )


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
    attempt = Attempt.objects.select_for_update(no_key=True).get(pk=attempt.pk)
    if attempt.state != AttemptState.DRAFT:
        raise NotADraft
    if attempt.predicted_rank is None and not attempt.is_follow_up:
        raise PredictFirst
    if role in CONSENTED and not has_consent:
        raise NoConsent
    if length_bytes == 0:
        raise NothingArrived(_("This file is empty. Nothing was kept: choose another."))
    most_bytes = _most_bytes(role)
    _check_room(by, length_bytes, most_bytes)
    if recording is None:
        recording = _open(attempt, by=by, at=at)
    else:
        recording = Recording.objects.select_for_update().get(pk=recording.pk, attempt=attempt)
        _check_open(recording)
    if has_consent and recording.consent_version != CONSENT_VERSION:
        recording.consent_version = CONSENT_VERSION
        recording.save(update_fields=["consent_version"])
    track, _is_new = Track.objects.get_or_create(
        recording=recording, role=role, defaults={"start_ms": start_ms}
    )
    parts = track.uploads.aggregate(last=Max("part_no", default=0))["last"]
    if parts >= PARTS_MOST:
        raise TooManyParts
    record("began", recording, by=by, at=at, role=role, part=parts + 1)
    return Upload.objects.create(
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

    The file's lock makes one writer, the offset on the row is what was acknowledged, and no
    transaction is open while bytes come in. `length_bytes` tells the upload's length late, once.
    The last byte of a recording of which every upload has told its length finishes it.
    """
    if size > limits().chunk_bytes:
        raise ChunkTooLarge(upload.received_bytes)
    try:
        with blobs.writing(upload.staging_key) as staged:
            known = _as_it_stands(upload)
            length = _length_of(known, length_bytes)
            _check_fits(known, offset, size, length, by)
            reached = staged.append(
                stream,
                offset=offset,
                acknowledged=known.received_bytes,
                size=size,
                limit=known.most_bytes,
                accepts=_judge_of(known.track.role),
                checksum=checksum,
            )
            if not _acknowledge(known, reached, length, by=by, at=at):
                # A finish in another window set the length: it stands, and these came too late.
                staged.cut(offset)
                raise NotRecording(offset)
    except blobs.WrongChecksum as error:
        raise ChecksumMismatch(offset) from error
    except blobs.WrongType as error:
        raise NoMedia(offset) from error
    except blobs.DiskFull as error:
        raise ServerFull(offset) from error
    except blobs.Busy as error:
        raise SomebodyWrites from error
    except blobs.Lost as error:
        raise _lost(upload) from error
    return reached


@transaction.atomic
def finish(
    *,
    recording: Recording,
    by: User | None,
    at: datetime,
    lengths: Mapping[UUID, int] | None = None,
    recorded: Mapping[UUID, int] | None = None,
    starts: Mapping[UUID, int] | None = None,
    pauses: Sequence[tuple[int, int]] = (),
) -> Recording:
    """Close the recording and ring for its processing; finishing twice is finishing once.

    `lengths` are what the recorder has sent, by upload, of each that it has sent anything of;
    without them, what has arrived is the recording. `recorded` are what it made in all, where
    the server will not have the rest. `starts` are ms of media time at which each upload begins.
    `pauses` are pairs of ms of media time at which it paused and how long it did, in order. `by`
    is null where the clock asks.
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
    if lengths is not None and _with_bytes(received) != _with_bytes(lengths):
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
    is_cut = any(count > received.get(pk, 0) for pk, count in (recorded or {}).items())
    recording.is_interrupted = lengths is None or is_cut
    move(recording, RecordingState.UPLOADED, at, "pauses", "is_interrupted")
    record("finished", recording, by=by, at=at, size_bytes=sum(received.values()))
    enqueue("loops.tasks.process_recording", recording_id=recording.pk)
    return recording


def _with_bytes(counts: Mapping[UUID, int]) -> dict[UUID, int]:
    return {pk: count for pk, count in counts.items() if count}


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
    uploads = Upload.objects.filter(track__recording=recording)
    mine = uploads.select_related("track").filter(pk=upload.pk).first()
    if mine is None:
        raise Gone
    if uploads.exclude(pk=upload.pk).exists():
        _drop(mine)
        record("terminated", recording, by=by, at=at, role=upload.track.role)
    else:
        _put_away(recording, RecordingState.DISCARDED, by=by, at=at)


@transaction.atomic
def discard(*, recording: Recording, by: User | None, at: datetime) -> Recording:
    """Throw a recording of a draft away, with its bytes; discarding twice is discarding once.

    `by` is null where the clock asks.
    """
    attempt = Attempt.objects.select_for_update(no_key=True).get(pk=recording.attempt_id)
    recording = Recording.objects.select_for_update().get(pk=recording.pk)
    if recording.state == RecordingState.DISCARDED:
        return recording
    if attempt.state != AttemptState.DRAFT:
        raise NotADraft
    _put_away(recording, RecordingState.DISCARDED, by=by, at=at)
    return recording


@transaction.atomic
def erase(
    *, recording: Recording, by: User | None, at: datetime, rule_days: int | None = None
) -> Recording:
    """Erase the files and words of a recording for good; its answer, grades and notes stay.

    That of a draft is discarded, so that it can be recorded again. `by` is null where the
    cohort's rule asks, which lets recordings live `rule_days`. Erasing twice is erasing once.
    """
    attempt = Attempt.objects.select_for_update(no_key=True).get(pk=recording.attempt_id)
    recording = Recording.objects.select_for_update().get(pk=recording.pk)
    if recording.state not in {RecordingState.DISCARDED, RecordingState.ERASED}:
        is_draft = attempt.state == AttemptState.DRAFT
        state = RecordingState.DISCARDED if is_draft else RecordingState.ERASED
        _put_away(recording, state, by=by, at=at, rule_days=rule_days)
    return recording


@transaction.atomic
def withdraw_draft(*, attempt: Attempt, by: User | None, at: datetime) -> Attempt:
    """Put a draft away and erase what was recorded for it; `by` is null where the clock asks."""
    attempt = withdraw(attempt=attempt, by=by, at=at)
    for recording in _kept(attempt):
        _put_away(recording, RecordingState.DISCARDED, by=by, at=at)
    return attempt


@transaction.atomic
def erase_taken_back(*, attempt: Attempt, by: User, at: datetime) -> Attempt:
    """Take an answer back and erase what was recorded for it; twice is once."""
    attempt = take_back(attempt=attempt, by=by, at=at)
    for recording in _kept(attempt).exclude(state=RecordingState.ERASED):
        _put_away(recording, RecordingState.ERASED, by=by, at=at)
    answer_changed.send(Attempt, attempt=attempt, at=at)
    return attempt


def clear(*, recording_id: int) -> None:
    """Remove every file of a recording that was put away, then the rows that name them.

    A file that a worker stored and had no time to name goes with its track's others. A storage
    that is down keeps the rows, and the sweep comes again: no file is forgotten.
    """
    gone = {"recording__state__in": [RecordingState.DISCARDED, RecordingState.ERASED]}
    tracks = list(Track.objects.filter(recording=recording_id, **gone))
    for upload in Upload.objects.filter(track__in=tracks, is_kept=True):
        blobs.delete_staged(upload.staging_key)  # on this machine's disk, whatever is down
        upload.is_kept = False
        upload.save(update_fields=["is_kept"])
    for track in tracks:
        blobs.delete_stored_of(track.public_id)
        for rendition in track.renditions.all():
            blobs.delete_stored(rendition.name)
            rendition.delete()


def clear_left(*, at: datetime) -> int:
    """Remove what is left of recordings that were put away; returns how many are clear for good.

    A worker that was at one of them may still have stored a file, so that is clear only after
    being cleared once more when no worker can be at it.
    """
    put_away = Recording.objects.filter(
        state__in=[RecordingState.DISCARDED, RecordingState.ERASED], cleared_at=None
    )
    is_late, is_left = Q(state_at__lte=at - NO_WORKER_AFTER), Q(pk__in=put_away.filter(has_files()))
    due = put_away.filter(is_late | is_left, state_at__lt=at)
    count = failures = 0
    for recording in due.order_by("?")[:100]:  # one that cannot be cleared stands in nobody's way
        try:
            clear(recording_id=recording.pk)
        except OSError:
            log.exception("The files of recording %s are still there.", recording.pk)
            failures += 1
            if failures == FAILURES_MOST:
                break
            continue
        if recording.state_at <= at - NO_WORKER_AFTER:
            Recording.objects.filter(pk=recording.pk).update(cleared_at=at)
            record("cleared", recording, by=None, at=at)
            count += 1
    return count


def move(recording: Recording, state: RecordingState, at: datetime, *fields: str) -> None:
    """Write a locked recording's next state, with the named fields."""
    check_move(RECORDING_MOVES, RecordingState(recording.state), state)
    recording.state = Recording.State(state.value)
    recording.state_at = at
    recording.save(update_fields=["state", "state_at", *fields])
    if state in TELLING:
        answer_changed.send(Recording, attempt=recording.attempt, at=at)


def _open(attempt: Attempt, *, by: User, at: datetime) -> Recording:
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
    return Recording.objects.create(attempt=attempt, started_at=at, state_at=at)


def _most_bytes(role: str) -> int:
    return EVENTS_MOST_BYTES if role == Track.Role.EVENTS else limits().file_bytes


def _check_room(by: User, length_bytes: int | None, most_bytes: int) -> None:
    """Refuse at its beginning what the server, the member's room or the disk would not hold."""
    if length_bytes is not None and length_bytes > most_bytes:
        words = _(
            "This file is larger than the %(most)s that the server takes. Nothing was sent. Make "
            "it smaller, or hand in the sound alone."
        )
        raise TooLarge(message=words % {"most": filesizeformat(most_bytes)})
    used, quota = bytes_used(by), quota_of(by)
    if used + (length_bytes or 1) > quota:
        raise OverQuota(used=used, quota=quota)
    if not blobs.has_room(length_bytes or 0):
        words = _(
            "The server's disk is full, so nothing was begun. Try again in some minutes; whoever "
            "runs the server can see why."
        )
        raise ServerFull(message=words)


def _as_it_stands(upload: Upload) -> Upload:
    """Read an upload again, under its file's lock."""
    known = Upload.objects.select_related("track__recording").filter(pk=upload.pk).first()
    if known is None:
        raise Gone
    _check_open(known.track.recording, known.received_bytes)
    return known


def _length_of(known: Upload, told: int | None) -> int | None:
    """Return an upload's length; it is told once, and no less than what has arrived."""
    if told is None or told == known.length_bytes:
        return known.length_bytes
    if known.length_bytes is not None or told < max(known.received_bytes, 1):
        raise WrongLength(known.received_bytes)
    if told > known.most_bytes:
        raise TooLarge(known.received_bytes)
    return told


def _check_fits(known: Upload, offset: int, size: int, length: int | None, by: User) -> None:
    """Refuse bytes that begin or end where they must not; first of all, where they begin."""
    if offset != known.received_bytes:
        raise WrongOffset(known.received_bytes)
    if length is not None and offset + size > length:
        raise WrongLength(offset)
    if offset + size > known.most_bytes:
        raise TooLarge(offset)
    if offset // QUOTA_STEP_BYTES == (offset + size) // QUOTA_STEP_BYTES:
        return
    used = bytes_used(by)
    if used + size > quota_of(by):
        raise OverQuota(used=used, quota=quota_of(by), offset=offset)


def _acknowledge(
    known: Upload, reached: int, length: int | None, *, by: User, at: datetime
) -> bool:
    """Write down how far an upload has come, unless somebody closed it meanwhile.

    Compares and sets by the row's own columns alone: a join would compare what is out of date.
    """
    as_read = Upload.objects.filter(
        pk=known.pk, received_bytes=known.received_bytes, length_bytes=known.length_bytes
    )
    facts = {"received_bytes": reached, "length_bytes": length, "touched_at": at}
    if reached != length:
        return bool(as_read.update(**facts))
    with transaction.atomic():  # the last byte and the finish are one, whoever dies
        recording = Recording.objects.select_for_update().get(pk=known.track.recording_id)
        if recording.state != RecordingState.RECORDING or not as_read.update(**facts):
            return False
        _finish_if_whole(recording, by=by, at=at)
    return True


def check_there(recording: Recording) -> None:
    """Raise Gone for a recording that was put away."""
    if recording.state in {RecordingState.DISCARDED, RecordingState.ERASED}:
        raise Gone


def _check_open(recording: Recording, offset: int | None = None) -> None:
    check_there(recording)
    if recording.state != RecordingState.RECORDING:
        raise NotRecording(offset)


def _lost(upload: Upload) -> NotTaken:
    """Say why staged bytes are not there: put away, used up by processing, or truly lost."""
    recordings = Recording.objects.filter(tracks__uploads=upload)
    state = recordings.values_list("state", flat=True).first()
    if state in {None, RecordingState.DISCARDED, RecordingState.ERASED}:
        return Gone()
    return LostBytes() if state == RecordingState.RECORDING else NotRecording(upload.received_bytes)


def _judge_of(role: str) -> "blobs.Judge":
    return media.may_be_event_log if role == Track.Role.EVENTS else media.may_be_media


def _finish_if_whole(recording: Recording, *, by: User, at: datetime) -> None:
    """Finish a recording of which every upload has the length it was to have."""
    uploads = list(Upload.objects.filter(track__recording=recording))
    if all(upload.is_whole for upload in uploads):
        lengths = {upload.public_id: upload.received_bytes for upload in uploads}
        finish(recording=recording, by=by, at=at, lengths=lengths)


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
    recording: Recording,
    state: RecordingState,
    *,
    by: User | None,
    at: datetime,
    rule_days: int | None = None,
) -> None:
    """Close a recording for good and remove its words now, its files after the commit."""
    recording.erases_at = None
    move(recording, state, at, "erases_at")
    Transcript.objects.filter(recording=recording).delete()
    Step.objects.filter(track__recording=recording).delete()
    why = {} if rule_days is None else {"rule_days": rule_days}
    record(state.value, recording, by=by, at=at, **why)
    pk = recording.pk

    def clear_now() -> None:
        try:
            clear(recording_id=pk)
        except Exception:
            log.exception("The files of recording %s are still there; the sweep goes on.", pk)

    transaction.on_commit(clear_now)
