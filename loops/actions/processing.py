"""Make recordings playable: one step after the other, each done once, by whichever worker lives.

The row of a step is the truth: it is held by a lease, counted before the work, and written done
together with what it made. A task may run twice, late, or die half-way.
"""

import errno
import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from loops import blobs, media
from loops.actions import recordings, transcripts
from loops.actions.events import record
from loops.actions.recordings import move
from loops.background import enqueue
from loops.errors import Refused
from loops.models import Event, Recording, Rendition, Step, Track, Upload, User
from loops.queries.progress import RAW_KEPT, WAS_LEFT, standing
from loops.states import RecordingState

log = logging.getLogger(__name__)

PRODUCER = 1
"""The version of what is made here; a newer one makes again what an older one made."""
MOST_TRIES = 3
LEASE = timedelta(seconds=60)
SLOWEST_BYTES_A_SECOND = 2 * 1024 * 1024
"""A lease is so long that a storage as slow as this one takes what was made."""
RING_AGAIN = timedelta(seconds=30)
WAIT_LEAST, WAIT_MOST = timedelta(seconds=20), timedelta(minutes=15)
TASK_LASTS = timedelta(seconds=60)
"""After so long a task begins no further step, but rings for another task."""
FEW = 4
LEFT = timedelta(hours=72)
"""So long after its last byte an upload is taken for left."""
SHORTEST_LEFT_MS = 5000
RAW_LEFT = timedelta(days=1)
TRIED_AGAIN = "tried_again"
AGAIN_MOST = 5
SCRATCH_LEFT = timedelta(hours=2)
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
WORKED_ON = (
    RecordingState.PROCESSING,
    RecordingState.READY,
    RecordingState.READY_PARTIAL,
)
MADE_OF_A_PLAYABLE = {
    Step.Name.SOUND: [Rendition.Kind.PEAKS],
    Step.Name.PICTURE: [Rendition.Kind.POSTER, Rendition.Kind.STRIP],
}
IN_ORDER = [Step.Name.REMUX, Step.Name.SOUND, Step.Name.PICTURE, Step.Name.SPEECH]

Clock = Callable[[], datetime]
Tell = Callable[[float], None]


class NothingToTry(Refused):
    """A recording is whole already, or its bytes are gone."""

    code = "nothing_to_try"
    message = _("There is nothing to try again: the recording plays, or its bytes are gone.")


class Lost(Exception):
    """The step is another worker's by now, or its recording was put away."""


@dataclass(frozen=True)
class File:
    """A file that a step made, still in its scratch folder."""

    kind: Rendition.Kind
    path: Path
    content_type: str
    suffix: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a step found out of its track, and the files that it made."""

    facts: Mapping[str, object]
    files: tuple[File, ...] = ()


@dataclass(frozen=True)
class Job:
    """What the work of a step is given: a track, a folder for what it makes, whom to tell."""

    track: Track
    folder: Path
    tell: Tell
    now: Clock


class Hold:
    """A step that this worker has taken. Who knows the end of its lease holds it, and may write."""

    def __init__(self, step: Step, lease_until: datetime) -> None:
        self.step = step
        self._lease_until = lease_until

    def renew(self, at: datetime, *, lasts: timedelta = LEASE, **facts: object) -> None:
        """Hold the step on, and write down how far it is. Raises Lost."""
        self._write(lease_until=at + lasts, **facts)
        self._lease_until = at + lasts

    def end(self, state: Step.State, at: datetime, **facts: object) -> None:
        """Let the step go. Raises Lost."""
        self._write(state=state, ended_at=at, **{"lease_until": None, **facts})

    def _write(self, **facts: object) -> None:
        # By the row's own columns alone, so that PostgreSQL looks at them again after waiting for
        # another writer. Of a recording that was put away the row is gone.
        mine = Step.objects.filter(
            pk=self.step.pk, state=Step.State.RUNNING, lease_until=self._lease_until
        )
        if not mine.update(**facts):
            raise Lost


def process(*, recording_id: int, now: Clock) -> None:
    """Take the steps of a recording that nobody else takes. Safe to run twice, late or in part."""
    began_at = now()
    if not _start(recording_id, began_at):
        return
    while hold := _next(recording_id, now()):
        _work_at(hold, now)
        if hold.step.name == Step.Name.REMUX:
            _settle(recording_id, now())
        if now() - began_at > TASK_LASTS and _waiting(recording_id, now()):
            enqueue("loops.tasks.process_recording", recording_id=recording_id)
            break
    _settle(recording_id, now())


@transaction.atomic
def try_again(*, recording: Recording, by: User, at: datetime) -> Recording:
    """Process once more what failed or plays in part; its bytes as they came are still there.

    A few times at most: while it is at work nobody can play what plays.
    """
    recording = Recording.objects.select_for_update().get(pk=recording.pk)
    tries = Event.objects.filter(
        verb=TRIED_AGAIN, subject=Recording._meta.label_lower, subject_id=recording.pk
    )
    if not standing(recording).can_try_again or tries.count() >= AGAIN_MOST:
        raise NothingToTry
    Step.objects.filter(track__recording=recording).delete()
    recording.error_code = ""
    move(recording, RecordingState.UPLOADED, at, "error_code")
    record(TRIED_AGAIN, recording, by=by, at=at)
    enqueue("loops.tasks.process_recording", recording_id=recording.pk)
    return recording


def ring_due(*, at: datetime) -> int:
    """Ring for recordings that wait, or whose worker died; returns how many."""
    unfinished = Step.objects.filter(state__in=[Step.State.WAITING, Step.State.RUNNING])
    held = unfinished.filter(track__recording=OuterRef("pk"), lease_until__gt=at)
    free = unfinished.exclude(lease_until__gt=at)
    new = Q(state__in=[RecordingState.UPLOADED, RecordingState.PROCESSING])
    ids = Recording.objects.filter(
        (new & ~Exists(held)) | Q(state__in=WORKED_ON, pk__in=free.values("track__recording")),
        state_at__lt=at - RING_AGAIN,
    ).order_by("state_at", "pk")
    due = list(ids.values_list("pk", flat=True)[:100])
    for recording_id in due:
        enqueue("loops.tasks.process_recording", recording_id=recording_id)
    return len(due)


def catch_up(*, at: datetime) -> int:
    """Ask for what a few older recordings lack or a newer PRODUCER makes better; returns how many.

    They stay ready meanwhile, and wait until no new recording does.
    """
    unfinished = Step.objects.filter(
        state__in=[Step.State.WAITING, Step.State.RUNNING], track__recording__state__in=WORKED_ON
    )
    new = [RecordingState.UPLOADED, RecordingState.PROCESSING]
    if unfinished.exists() or Recording.objects.filter(state__in=new).exists():
        return 0
    names = _steps_of_a_playable()
    playable = Track.objects.filter(
        recording__state__in=RecordingState.playable(), renditions__kind=Rendition.Kind.PLAYABLE
    ).order_by("-recording__state_at", "-pk")
    lacks = Q()
    for name in names:
        has_it = Step.objects.filter(track=OuterRef("pk"), name=name)
        lacks |= ~Exists(has_it) | Exists(has_it.filter(_is_outdated(name)))
    tracks = list(playable.filter(lacks)[:FEW])
    for track in tracks:
        _plan(track, names)
        for name in MADE_OF_A_PLAYABLE:
            outdated = track.steps.filter(_is_outdated(name), name=name)
            outdated.update(state=Step.State.WAITING, tries=0, error_code="")
    for recording_id in {track.recording_id for track in tracks}:
        enqueue("loops.tasks.process_recording", recording_id=recording_id)
    return len(tracks)


def left_open(at: datetime) -> list[int]:
    """Return the ids of recordings to which no byte has come for long, and no finish either."""
    lately = Upload.objects.filter(touched_at__gt=at - LEFT, track__recording=OuterRef("pk"))
    left = Recording.objects.filter(
        ~Exists(lately), state=RecordingState.RECORDING, state_at__lte=at - LEFT
    )
    return list(left.order_by("state_at", "pk").values_list("pk", flat=True)[:100])


@transaction.atomic
def close_left(*, recording_id: int, at: datetime) -> None:
    """Close a recording that was left, with what arrived; throw it away where nothing did."""
    recording = Recording.objects.select_for_update().get(pk=recording_id)
    if recording.state != RecordingState.RECORDING:
        return
    try:
        closed = recordings.finish(recording=recording, by=None, at=at)
    except recordings.NothingArrived:
        recordings.discard(recording=recording, by=None, at=at)
        return
    closed.error_code = WAS_LEFT
    closed.save(update_fields=["error_code"])


def clear_raw(*, at: datetime) -> int:
    """Remove what lies on the staging disk and is of no use any more; returns how many files.

    Bytes as they came of recordings that play whole, and after a while of those that do not;
    staging files that no row knows, and scratch folders, which a process left behind that was
    killed.
    """
    _drop_old_raw(at - RAW_KEPT)
    ready = Recording.objects.filter(
        state=RecordingState.READY, tracks__uploads__is_kept=True, state_at__lt=at - RING_AGAIN
    )
    for recording_id in ready.order_by("pk").values_list("pk", flat=True).distinct()[:100]:
        _drop_raw(recording_id)
    blobs.clear_scratch(at - SCRATCH_LEFT)
    old = blobs.staged_before(at - RAW_LEFT)
    kept = Upload.objects.filter(staging_key__in=old, is_kept=True)
    unknown = set(old) - set(kept.values_list("staging_key", flat=True))
    for key in unknown:
        blobs.delete_staged(key)
    return len(unknown)


# Which step is next


@transaction.atomic
def _start(recording_id: int, at: datetime) -> bool:
    """Say whether a recording is worked on; write the first steps of a new one down."""
    recording = Recording.objects.select_for_update().filter(pk=recording_id).first()
    if recording is None:
        return False
    if recording.state == RecordingState.UPLOADED:
        move(recording, RecordingState.PROCESSING, at)
    if recording.state == RecordingState.PROCESSING:
        for track in recording.tracks.all():
            _plan(track, [Step.Name.REMUX])
    return recording.state in WORKED_ON


def _plan(track: Track, names: list[Step.Name]) -> None:
    """Write steps of a track down; what it has no use for is done at once."""
    is_known = bool(track.video_codec or track.audio_codec)
    useless = set()
    if is_known and not track.audio_codec:
        useless |= {Step.Name.SOUND, Step.Name.SPEECH}
    if is_known and not track.video_codec:
        useless.add(Step.Name.PICTURE)
    Step.objects.bulk_create(
        [
            Step(track=track, name=name, state=Step.State.DONE, progress=1)
            if name in useless
            else Step(track=track, name=name)
            for name in names
        ],
        ignore_conflicts=True,
    )


def _steps_of_a_playable() -> list[Step.Name]:
    steps = [Step.Name.SOUND, Step.Name.PICTURE]
    return [*steps, Step.Name.SPEECH] if settings.SPEECH_ENGINE else steps


def _is_outdated(name: Step.Name) -> Q:
    """Tell steps whose files an older producer made."""
    older = {"track__renditions__producer__lt": PRODUCER}
    kinds = MADE_OF_A_PLAYABLE.get(name, [])
    return Q(state=Step.State.DONE, track__renditions__kind__in=kinds, **older)


def _waiting(recording_id: int, at: datetime) -> QuerySet[Step]:
    """Return the steps of a recording that may be taken: they wait, or their worker died."""
    is_free = Q(lease_until=None) | Q(lease_until__lte=at)
    return Step.objects.filter(
        is_free,
        state__in=[Step.State.WAITING, Step.State.RUNNING],
        track__in=Track.objects.filter(recording=recording_id, recording__state__in=WORKED_ON),
    )


def _next(recording_id: int, at: datetime) -> Hold | None:
    """Take a step: first what makes the tracks seekable, then the rest."""
    waiting = _waiting(recording_id, at)
    steps = list(waiting.select_related("track__recording"))
    for step in sorted(steps, key=lambda step: (IN_ORDER.index(Step.Name(step.name)), step.pk)):
        mine = waiting.filter(pk=step.pk)
        if step.tries >= MOST_TRIES:
            if mine.update(state=Step.State.FAILED, lease_until=None, ended_at=at):
                _has_failed(step, step.error_code or "gave_up")
            continue
        until = at + LEASE
        if mine.update(
            state=Step.State.RUNNING,
            tries=F("tries") + 1,
            lease_until=until,
            began_at=at,
            ended_at=None,
            progress=0,
        ):
            step.tries += 1
            return Hold(step, until)
    return None


# The work


def _work_at(hold: Hold, now: Clock) -> None:
    """Do a step, and write down what came of it."""
    step = hold.step
    try:
        with blobs.scratch() as folder:
            job = Job(step.track, folder, _teller(hold, now), now)
            outcome = WORK[Step.Name(step.name)](job)
            sizes = {made.kind: made.path.stat().st_size for made in outcome.files}
            lasts = LEASE + timedelta(seconds=sum(sizes.values()) // SLOWEST_BYTES_A_SECOND)
            _steadily(lambda: hold.renew(now(), lasts=lasts))
            for made in outcome.files:
                blobs.keep(made.path, _name_of(step.track, made))
            _steadily(lambda: _write_down(hold, outcome, sizes, now()))
    except Lost:
        log.info("%s is somebody else's by now, or was put away.", step)
        _clear_if_gone(step)
    except blobs.Lost:
        _give_up(hold, "lost", now(), is_final=True)
    except blobs.Busy:  # a slow sender whose bytes come too late is not known to have ended
        _give_up(hold, "busy", now(), is_final=False)
    except media.MediaError as error:
        log.warning("%s: %s", step, error)
        _give_up(hold, error.code, now(), is_final=error.code not in media.PASSING_CODES)
    except OSError as error:
        log.warning("%s: %s", step, error)
        is_gone = isinstance(error, FileNotFoundError)
        code = "disk_full" if error.errno in NO_ROOM else "empty" if is_gone else "storage_down"
        _give_up(hold, code, now(), is_final=False)
    except Exception:  # the time limit, the database, a defect of ours
        _give_up(hold, "crashed", now(), is_final=False)
        raise


def _teller(hold: Hold, now: Clock) -> Tell:
    """Return what writes a step's progress down, and its lease on, at most once a second."""
    written_at = now() - LEASE

    def tell(share: float) -> None:
        nonlocal written_at
        at = now()
        if at - written_at < timedelta(seconds=1):
            return
        written_at = at
        try:
            hold.renew(at, progress=share)
        except DatabaseError as error:  # the lease lasts for longer than a restart
            log.warning("%s: %s", hold.step, error)
            connection.close()

    return tell


def _write_down(
    hold: Hold, outcome: Outcome, sizes: Mapping[Rendition.Kind, int], at: datetime
) -> None:
    """Write down that a step is done, and what it made. Raises Lost.

    The files are kept already. Their names are the track's own: what is made again takes the
    place of what was there, and erasing a track's files finds those too that no row names.
    """
    track = hold.step.track
    with transaction.atomic():
        Recording.objects.select_for_update().get(pk=track.recording_id)
        hold.end(Step.State.DONE, at, progress=1, error_code="")
        old = dict(track.renditions.values_list("kind", "name"))
        for made in outcome.files:
            Rendition.objects.update_or_create(
                track=track,
                kind=made.kind,
                defaults={
                    "name": _name_of(track, made),
                    "content_type": made.content_type,
                    "size_bytes": sizes[made.kind],
                    "facts": made.facts,
                    "producer": PRODUCER,
                    "made_at": at,
                },
            )
        for name, value in outcome.facts.items():
            setattr(track, name, value)
        track.save(update_fields=list(outcome.facts))
        if hold.step.name == Step.Name.REMUX and track.role != Track.Role.EVENTS:
            _plan(track, _steps_of_a_playable())
    for made in outcome.files:
        if old.get(made.kind, _name_of(track, made)) != _name_of(track, made):
            blobs.delete_stored(old[made.kind])


def _steadily(write: Callable[[], None]) -> None:
    """Write; where the database is away for a moment, wait for it: minutes of work hang on it."""
    for seconds in (1, 2, 4, 8):
        try:
            write()
        except (OperationalError, InterfaceError) as error:
            log.warning("The database is away: %s", error)
            connection.close()
            time.sleep(seconds)
        else:
            return
    write()


def _give_up(hold: Hold, code: str, at: datetime, *, is_final: bool) -> None:
    """Let a step go that could not be done; it waits, longer each time, unless it is final.

    What blames neither the file nor us does not count as a try.
    """
    is_blameless = code in {"storage_down", "busy"} or (
        code == "disk_full" and not blobs.has_room(0)
    )
    is_final = is_final or (hold.step.tries >= MOST_TRIES and not is_blameless)
    try:
        if is_final:
            hold.end(Step.State.FAILED, at, error_code=code)
            _has_failed(hold.step, code)
            return
        hold.end(
            Step.State.WAITING,
            at,
            lease_until=at + _wait(hold.step, at),
            error_code=code,
            tries=F("tries") - (1 if is_blameless else 0),
        )
    except Lost:
        _clear_if_gone(hold.step)
    except DatabaseError:  # the lease runs out, and the sweep rings again
        log.exception("%s could not be given back.", hold.step)
        connection.close()


def _wait(step: Step, at: datetime) -> timedelta:
    """Return how long to wait: as long again as it has taken up to now."""
    return min(max(at - step.track.recording.state_at, WAIT_LEAST), WAIT_MOST)


def _has_failed(step: Step, code: str) -> None:
    log.error("%s has failed for good: %s", step, code)
    Step.objects.filter(pk=step.pk).update(error_code=code)
    if step.name == Step.Name.REMUX:
        Track.objects.filter(pk=step.track_id).update(error_code=code)


def _clear_if_gone(step: Step) -> None:
    """Remove what was kept for a recording that was put away while we worked."""
    gone = Recording.objects.filter(
        pk=step.track.recording_id, state__in=[RecordingState.DISCARDED, RecordingState.ERASED]
    )
    if gone.exists():
        recordings.clear(recording_id=step.track.recording_id)


# What came of it


@transaction.atomic
def _settle(recording_id: int, at: datetime) -> None:
    """Say that a recording plays, or does not, once every track of it was made seekable or not."""
    recording = Recording.objects.select_for_update().get(pk=recording_id)
    remuxes = Step.objects.filter(track__recording=recording, name=Step.Name.REMUX)
    unsettled = remuxes.exclude(state__in=[Step.State.DONE, Step.State.FAILED])
    if recording.state != RecordingState.PROCESSING or unsettled.exists():
        return
    made = {"renditions__kind": Rendition.Kind.PLAYABLE}
    playable = list(recording.tracks.filter(**made).exclude(role=Track.Role.EVENTS))
    failed = remuxes.filter(state=Step.State.FAILED).order_by("pk").first()
    begins = min((track.start_ms for track in playable), default=0)
    ends = max((track.start_ms + (track.duration_ms or 0) for track in playable), default=0)
    was_left = recording.error_code == WAS_LEFT
    if not playable:
        _fail(recording, failed.error_code if failed else "empty", at)
        return
    if was_left and ends - begins < SHORTEST_LEFT_MS:
        _fail(recording, "too_short", at)
        return
    recording.duration_ms = ends - begins
    lacks = any(track.is_partial or track.gaps for track in recording.tracks.all())
    is_whole = not (failed or recording.is_interrupted or lacks)
    state = RecordingState.READY if is_whole else RecordingState.READY_PARTIAL
    move(recording, state, at, "duration_ms")
    record(state.value, recording, by=None, at=at, duration_ms=recording.duration_ms)
    if is_whole:
        transaction.on_commit(lambda: _drop_raw(recording.pk))


def _fail(recording: Recording, code: str, at: datetime) -> None:
    recording.error_code = code
    move(recording, RecordingState.FAILED, at, "error_code")
    record("failed", recording, by=None, at=at, code=code)


def _drop_old_raw(moment: datetime) -> None:
    """Remove the bytes as they came of what has not played, or not whole, for so long."""
    old = Upload.objects.filter(
        is_kept=True,
        track__recording__state__in=[RecordingState.READY_PARTIAL, RecordingState.FAILED],
        track__recording__state_at__lte=moment,
    )
    for upload in old.order_by("pk")[:100]:
        _drop_staged(upload)


def _drop_staged(upload: Upload) -> None:
    blobs.delete_staged(upload.staging_key)
    upload.is_kept = False
    upload.save(update_fields=["is_kept"])


def _drop_raw(recording_id: int) -> None:
    """Remove the bytes as they came of a recording that plays whole, if its files are there."""
    uploads = Upload.objects.filter(
        track__recording=recording_id, track__recording__state=RecordingState.READY, is_kept=True
    )
    made = Rendition.objects.filter(
        track__recording=recording_id, kind__in=[Rendition.Kind.PLAYABLE, Rendition.Kind.LOG]
    )
    try:
        for rendition in made:
            if blobs.size_stored(rendition.name) != rendition.size_bytes:
                raise OSError(f"{rendition.name} has another size than it had.")
    except OSError:
        log.exception("The bytes of recording %s stay as they came.", recording_id)
        return
    for upload in uploads:
        _drop_staged(upload)


# The steps


def _remux(job: Job) -> Outcome:
    uploads = job.track.uploads.filter(received_bytes__gt=0).order_by("part_no")
    parts = [
        media.Part(blobs.whole(one.staging_key, one.received_bytes), one.start_ms)
        for one in uploads
    ]
    if job.track.role == Track.Role.EVENTS:
        return _pack_log(job, parts)
    target = job.folder / "playable"
    found = media.remux(parts, target, on_progress=job.tell)
    return Outcome(
        {
            "start_ms": found.start_ms,
            "duration_ms": found.duration_ms,
            "width": found.width or None,
            "height": found.height or None,
            "video_codec": found.video_codec,
            "audio_codec": found.audio_codec,
            "gaps": found.gaps,
            "is_partial": found.is_partial,
            "error_code": "left_out" if found.left_out else "",
        },
        (File(Rendition.Kind.PLAYABLE, target, found.content_type, found.suffix),),
    )


def _pack_log(job: Job, parts: list[media.Part]) -> Outcome:
    """Check and pack a log of events; its parts follow one another on the same clock."""
    whole, target = parts[0].path, job.folder / "log"
    if len(parts) > 1:
        whole = job.folder / "events"
        with whole.open("w+b") as joined:
            for part in parts:
                with part.path.open("rb") as lines:
                    shutil.copyfileobj(lines, joined)
                joined.seek(-1, os.SEEK_END)
                if joined.read(1) != b"\n":
                    joined.write(b"\n")
    found = media.event_log(whole, target, on_progress=job.tell)
    made = File(Rendition.Kind.LOG, target, "application/gzip", ".gz", {"count": found.count})
    facts = {
        "duration_ms": found.duration_ms,
        "is_partial": found.is_partial,
        "error_code": "",
    }
    return Outcome(facts, (made,))


def _hear(job: Job) -> Outcome:
    target = job.folder / "peaks"
    with blobs.local_copy(_playable_of(job.track)) as path:
        found = media.sound(path, target, on_progress=job.tell)
    facts = {"loudness_lufs": found.loudness_lufs, "silences": found.silences}
    if not found.has_sound:
        return Outcome(facts)
    made = File(Rendition.Kind.PEAKS, target, "application/json", ".json", found.peaks)
    return Outcome(facts, (made,))


def _picture(job: Job) -> Outcome:
    poster, strip = job.folder / "poster", job.folder / "strip"
    with blobs.local_copy(_playable_of(job.track)) as path:
        found = media.picture(path, poster, strip, on_progress=job.tell)
    if not found.has_picture:
        return Outcome({})
    return Outcome(
        {},
        (
            File(Rendition.Kind.POSTER, poster, "image/jpeg", ".jpg", found.poster),
            File(Rendition.Kind.STRIP, strip, "image/jpeg", ".jpg", found.strip),
        ),
    )


def _write_words(job: Job) -> Outcome:
    with blobs.local_copy(_playable_of(job.track)) as path:
        transcripts.hear(track=job.track, path=path, on_progress=job.tell, now=job.now)
    return Outcome({})


def _playable_of(track: Track) -> str:
    names = track.renditions.filter(kind=Rendition.Kind.PLAYABLE).values_list("name", flat=True)
    name = names.first()
    if name is None:
        raise media.MediaError("empty", "there is nothing to play")
    return name


def _name_of(track: Track, made: File) -> str:
    return blobs.name_for(track.public_id, made.kind, made.suffix)


WORK: dict[Step.Name, Callable[[Job], Outcome]] = {
    Step.Name.REMUX: _remux,
    Step.Name.SOUND: _hear,
    Step.Name.PICTURE: _picture,
    Step.Name.SPEECH: _write_words,
}
