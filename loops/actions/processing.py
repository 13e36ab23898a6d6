"""Make recordings playable: one step after the other, each done once, by whichever worker lives.

The row of a step is the truth: it is held by a lease, counted before the work, and written done
together with what it made. A task may run twice, late, or die half-way.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from loops import blobs, media
from loops.actions.events import record
from loops.actions.recordings import move
from loops.background import enqueue
from loops.errors import Refused
from loops.models import Recording, Rendition, Step, Track, Upload, User
from loops.states import RecordingState

log = logging.getLogger(__name__)

PRODUCER = 1
"""The version of what is made here; a newer one makes again what an older one made."""
MOST_TRIES = 3
LEASE = timedelta(seconds=90)
RING_AGAIN = timedelta(seconds=30)
WORKED_ON = (
    RecordingState.PROCESSING,
    RecordingState.READY,
    RecordingState.READY_PARTIAL,
)

Clock = Callable[[], datetime]


class NothingToTry(Refused):
    """A recording is whole already, or its bytes are gone."""

    code = "nothing_to_try"
    message = _("There is nothing to try again: the recording plays, or its bytes are gone.")


@dataclass(frozen=True)
class File:
    """A file that a step made, still in its scratch folder."""

    kind: str
    path: Path
    content_type: str
    suffix: str
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a step found out of its track, and the files that it made."""

    facts: dict[str, object]
    files: tuple[File, ...] = ()


def process(*, recording_id: int, now: Clock) -> None:
    """Take every step of a recording that nobody else takes. Safe to run twice, late or in part."""
    recording = _start(recording_id, now())
    if recording is None:
        return
    steps = Step.objects.filter(track__recording=recording).select_related("track__recording")
    for step in steps.order_by("pk"):
        _take(step, now)
    _settle(recording.pk, now())


@transaction.atomic
def try_again(*, recording: Recording, by: User, at: datetime) -> Recording:
    """Process once more what failed or plays in part; its bytes as they came are still there."""
    recording = Recording.objects.select_for_update().get(pk=recording.pk)
    tried = {RecordingState.FAILED, RecordingState.READY_PARTIAL}
    raw = Upload.objects.filter(track__recording=recording)
    if recording.state not in tried or raw.filter(is_kept=False).exists():
        raise NothingToTry
    Step.objects.filter(track__recording=recording).delete()
    recording.error_code = ""
    move(recording, RecordingState.UPLOADED, at, "error_code")
    record("tried_again", recording, by=by, at=at)
    enqueue("loops.tasks.process_recording", recording_id=recording.pk)
    return recording


def ring_due(*, at: datetime) -> int:
    """Ring for recordings that wait, or whose worker died; returns how many."""
    waiting = Q(state=RecordingState.UPLOADED, state_at__lt=at - RING_AGAIN)
    free = Q(tracks__steps__lease_until=None) | Q(tracks__steps__lease_until__lt=at)
    unfinished = Q(tracks__steps__state__in=[Step.State.WAITING, Step.State.RUNNING])
    left = Q(state__in=WORKED_ON, state_at__lt=at - RING_AGAIN) & unfinished & free
    ids = Recording.objects.filter(waiting | left).order_by("state_at", "pk").distinct()
    due = list(ids.values_list("pk", flat=True)[:100])
    for recording_id in due:
        enqueue("loops.tasks.process_recording", recording_id=recording_id)
    return len(due)


@transaction.atomic
def _start(recording_id: int, at: datetime) -> Recording | None:
    """Return a recording with work to do, its steps written down; None where there is none."""
    recording = Recording.objects.select_for_update().filter(pk=recording_id).first()
    if recording is None:
        return None
    if recording.state == RecordingState.UPLOADED:
        move(recording, RecordingState.PROCESSING, at)
        for track in recording.tracks.all():
            for name in _steps_of(track):
                Step.objects.get_or_create(track=track, name=name)
    return recording if recording.state in WORKED_ON else None


def _steps_of(track: Track) -> list[Step.Name]:
    if track.role == Track.Role.EVENTS:
        return [Step.Name.REMUX]
    return [Step.Name.REMUX, Step.Name.SOUND, Step.Name.PICTURE]


def _take(step: Step, now: Clock) -> None:
    """Do one step unless it is done, somebody else is at it, or what it needs is not there."""
    if not _claim(step, now()):
        return
    track = step.track
    try:
        with blobs.scratch() as folder:
            outcome = WORK[Step.Name(step.name)](track, folder, _progress_of(step, now))
            _write_down(step, outcome, now())
    except media.MediaError as error:
        _give_up(step, error.code, now(), is_passing=error.code in media.PASSING_CODES)
        log.warning("%s: %s", step, error)
    if step.name == Step.Name.REMUX:
        _settle(track.recording_id, now())


def _claim(step: Step, at: datetime) -> bool:
    free = Q(state=Step.State.WAITING) | Q(state=Step.State.RUNNING, lease_until__lt=at)
    mine = Step.objects.filter(free, pk=step.pk)
    if mine.filter(tries__gte=MOST_TRIES).update(
        state=Step.State.FAILED, lease_until=None, ended_at=at
    ):
        Step.objects.filter(pk=step.pk, error_code="").update(error_code="gave_up")
        return False
    return bool(
        mine.update(
            state=Step.State.RUNNING,
            tries=F("tries") + 1,
            lease_until=at + LEASE,
            began_at=at,
            progress=0,
        )
    )


def _progress_of(step: Step, now: Clock) -> Callable[[float], None]:
    """Return what writes a step's progress down, and its lease on, at most once a second."""
    written = now() - LEASE

    def tell(share: float) -> None:
        nonlocal written
        at = now()
        if at - written >= timedelta(seconds=1):
            written = at
            Step.objects.filter(pk=step.pk, state=Step.State.RUNNING).update(
                progress=share, lease_until=at + LEASE
            )

    return tell


def _write_down(step: Step, outcome: Outcome, at: datetime) -> None:
    """Keep the files under their names and the facts on the rows, unless somebody was faster."""
    track = step.track
    sizes = {made.kind: made.path.stat().st_size for made in outcome.files}
    names = {made.kind: _name_of(track, made) for made in outcome.files}
    for made in outcome.files:
        blobs.keep(made.path, names[made.kind])
    with transaction.atomic():
        recording = Recording.objects.select_for_update().get(pk=track.recording_id)
        locked = Step.objects.select_for_update().filter(pk=step.pk).first()
        if recording.state not in WORKED_ON or locked is None:  # put away meanwhile
            transaction.on_commit(lambda: _forget(names.values()))
            return
        for made in outcome.files:
            old = Rendition.objects.filter(track=track, kind=made.kind)
            old.delete()
            Rendition.objects.create(
                track=track,
                kind=made.kind,
                name=names[made.kind],
                content_type=made.content_type,
                size_bytes=sizes[made.kind],
                facts=made.facts,
                producer=PRODUCER,
                made_at=at,
            )
        Track.objects.filter(pk=track.pk).update(**outcome.facts)
        Step.objects.filter(pk=step.pk).update(
            state=Step.State.DONE, lease_until=None, progress=1, ended_at=at, error_code=""
        )


def _give_up(step: Step, code: str, at: datetime, *, is_passing: bool) -> None:
    state = Step.State.WAITING if is_passing else Step.State.FAILED
    Step.objects.filter(pk=step.pk, state=Step.State.RUNNING).update(
        state=state, lease_until=None, error_code=code, ended_at=at
    )


@transaction.atomic
def _settle(recording_id: int, at: datetime) -> None:
    """Say that a recording plays, or does not, once every track of it was made seekable or not."""
    recording = Recording.objects.select_for_update().get(pk=recording_id)
    remuxes = Step.objects.filter(track__recording=recording, name=Step.Name.REMUX)
    unsettled = remuxes.exclude(state__in=[Step.State.DONE, Step.State.FAILED])
    if recording.state != RecordingState.PROCESSING or unsettled.exists():
        return
    failed = remuxes.filter(state=Step.State.FAILED).order_by("pk").first()
    playable = [track for track in _seekable(recording) if track.role != Track.Role.EVENTS]
    if not playable:
        recording.error_code = failed.error_code if failed else "empty"
        move(recording, RecordingState.FAILED, at, "error_code")
        record("failed", recording, by=None, at=at, code=recording.error_code)
        return
    begins = min(track.start_ms for track in playable)
    ends = max(track.start_ms + (track.duration_ms or 0) for track in playable)
    recording.duration_ms = ends - begins
    is_whole = not (failed or recording.is_interrupted or any(t.is_partial for t in playable))
    state = RecordingState.READY if is_whole else RecordingState.READY_PARTIAL
    move(recording, state, at, "duration_ms")
    record(state.value, recording, by=None, at=at, duration_ms=recording.duration_ms)
    if is_whole:
        transaction.on_commit(lambda: _drop_raw(recording.pk))


def _seekable(recording: Recording) -> QuerySet[Track]:
    done = Step.objects.filter(name=Step.Name.REMUX, state=Step.State.DONE)
    return recording.tracks.filter(steps__in=done)


def _drop_raw(recording_id: int) -> None:
    """Remove the bytes as they came of a recording that plays whole."""
    for upload in Upload.objects.filter(track__recording=recording_id, is_kept=True):
        blobs.delete_staged(upload.staging_key)
        upload.is_kept = False
        upload.save(update_fields=["is_kept"])


def _name_of(track: Track, made: File) -> str:
    return blobs.name_for(track.public_id, made.kind, made.suffix)


def _forget(names: "object") -> None:
    for name in names:  # type: ignore[attr-defined]
        blobs.delete_stored(name)


def _remux(track: Track, folder: Path, tell: Callable[[float], None]) -> Outcome:
    uploads = track.uploads.filter(received_bytes__gt=0).order_by("part_no")
    parts = [media.Part(blobs.staged_path(one.staging_key), one.start_ms) for one in uploads]
    target = folder / "playable"
    if track.role == Track.Role.EVENTS:
        log_found = media.event_log(parts[0].path, target)
        made = File(Rendition.Kind.LOG, target, "application/gzip", ".gz", log_found.facts)
        return Outcome({"duration_ms": log_found.duration_ms}, (made,))
    found = media.remux(parts, target, on_progress=tell)
    facts = {
        "duration_ms": found.duration_ms,
        "width": found.width or None,
        "height": found.height or None,
        "video_codec": found.video_codec,
        "audio_codec": found.audio_codec,
        "gaps": found.gaps,
        "is_partial": found.is_partial,
        "error_code": "",
    }
    return Outcome(
        facts, (File(Rendition.Kind.PLAYABLE, target, found.content_type, found.suffix),)
    )


WORK: dict[Step.Name, Callable[[Track, Path, Callable[[float], None]], Outcome]] = {
    Step.Name.REMUX: _remux,
}
