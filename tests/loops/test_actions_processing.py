"""From bytes that are safe to a recording that plays, whoever dies on the way."""

import errno
import gzip
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import OperationalError, connection

from loops import blobs, media
from loops.actions import processing, recordings
from loops.models import Attempt, Event, Recording, Rendition, Step, Track, Upload, User
from loops.queries.progress import RAW_KEPT, WAS_LEFT
from tests import factories
from tests.factories import NOW

Handed = Callable[..., Recording]
PLAYABLE, PEAKS = Rendition.Kind.PLAYABLE, Rendition.Kind.PEAKS
FILM = b"three seconds of a film"
OF_A_FILM = {"playable", "peaks", "poster", "strip"}
STAGED = Path(settings.MEDIA_DIR) / "staging"


class Now:
    """The clock of a worker: it stands still until it is told to go on."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def later(self, **much: float) -> datetime:
        """Move it on."""
        self.at += timedelta(**much)
        return self.at


@pytest.fixture
def now() -> Now:
    """The worker's clock."""
    return Now()


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which recordings a worker was asked for: no worker runs here."""
    asked: list[int] = []
    for module in (processing, recordings):
        monkeypatch.setattr(
            module, "enqueue", lambda _task, *, recording_id: asked.append(recording_id)
        )
    return asked


@pytest.fixture
def handed(draft: Attempt) -> Handed:
    """Hand in bytes: `camera=film`, or several parts as pairs of start and bytes."""

    def handed(state: str = "uploaded", **tracks: Any) -> Recording:
        made = factories.recording(draft, state=state, duration_ms=None)
        for role, parts in tracks.items():
            for start_ms, content in parts if isinstance(parts, list) else [(0, parts)]:
                factories.upload(made, content, role=role, start_ms=start_ms)
        return made

    return handed


@pytest.fixture
def process(
    now: Now, django_capture_on_commit_callbacks: Callable[..., Any]
) -> Callable[[Recording], Recording]:
    """Do what a worker does that hears the bell, with what follows the commits."""

    def process(recording: Recording) -> Recording:
        with django_capture_on_commit_callbacks(execute=True):
            processing.process(recording_id=recording.pk, now=now)
        recording.refresh_from_db()
        return recording

    return process


Process = Callable[[Recording], Recording]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take any bytes for a film of three seconds: what is made of them is not the question."""

    def remux(parts: list[media.Part], target: Path, **_: Any) -> media.Media:
        target.write_bytes(b"".join(part.path.read_bytes() for part in parts))
        size = target.stat().st_size
        return media.Media(
            "video/webm", ".webm", 0, 3000, size, "vp8", "opus", 640, 480, [], False, []
        )

    def sound(_path: Path, target: Path, **_: Any) -> media.Sound:
        target.write_bytes(b"{}")
        return media.Sound(True, -20.0, [], 0.0, {"bucket_ms": 100, "count": 30})

    def picture(_path: Path, poster: Path, strip: Path, **_: Any) -> media.Picture:
        for target in (poster, strip):
            target.write_bytes(b"jpeg")
        return media.Picture(True, {"width": 640, "height": 480}, {})

    for work in (remux, sound, picture):
        monkeypatch.setattr(media, work.__name__, work)


def made_of(recording: Recording) -> dict[str, Rendition]:
    """Return the files of a recording of one track, by kind."""
    return {one.kind: one for one in Rendition.objects.filter(track__recording=recording)}


def content_of(one: Rendition) -> bytes:
    """Return what the storage holds of a file."""
    with blobs.open_stored(one.name) as file:
        return file.read()


def step_of(recording: Recording, name: str = "remux") -> Step:
    """Return a step of a recording of one track."""
    return Step.objects.get(track__recording=recording, name=name)


def raw_of(recording: Recording) -> list[Path]:
    """Return the files that hold the bytes as they came, as far as they are there."""
    uploads = Upload.objects.filter(track__recording=recording)
    paths = [blobs.staged_path(upload.staging_key) for upload in uploads]
    return [path for path in paths if path.exists()]


def scratch_folders() -> list[Path]:
    """Return what workers have left lying about."""
    return list(STAGED.glob("scratch-*"))


def stored_of(track: Track) -> set[str]:
    """Return the names of the files that the storage has of a track."""
    folder = Path(settings.MEDIA_DIR) / "recordings" / blobs.name_for(track.public_id, "", "")
    return {path.name for path in folder.glob("*")}


# What becomes of the bytes


def test_recorded_bytes_become_a_film_with_all_that_a_player_shows(
    handed: Handed, process: Process, film: bytes
) -> None:
    recording = process(handed(camera=film))

    track, files = recording.tracks.get(), made_of(recording)
    assert recording.state == Recording.State.READY
    assert recording.duration_ms is not None
    assert abs(recording.duration_ms - 3000) <= 250
    assert set(files) == OF_A_FILM
    assert stored_of(track) == {Path(one.name).name for one in files.values()}
    for one in files.values():
        assert storages["recordings"].size(one.name) == one.size_bytes
    assert files["playable"].content_type == "video/webm"
    assert set(files["strip"].facts) == {"columns", "rows", "count", "every_ms", "width", "height"}
    peaks = json.loads(content_of(files["peaks"]))
    assert peaks["bucket_ms"] == files["peaks"].facts["bucket_ms"]
    assert (track.video_codec, track.audio_codec) == ("vp8", "opus")
    assert track.loudness_lufs is not None
    assert {step.state for step in track.steps.all()} == {"done"}
    assert raw_of(recording) == scratch_folders() == []
    assert not Upload.objects.filter(is_kept=True).exists()


@pytest.mark.usefixtures("quick")
def test_duplicate_and_late_bells_change_nothing(
    handed: Handed, process: Process, now: Now
) -> None:
    recording = process(handed(camera=FILM))
    before = list(Rendition.objects.values()), list(Step.objects.values())

    for _delivery in range(3):
        now.later(hours=1)
        process(recording)
    processing.process(recording_id=0, now=now)

    assert (list(Rendition.objects.values()), list(Step.objects.values())) == before
    assert {step.tries for step in Step.objects.all()} == {1}


def test_two_tracks_lie_on_one_clock(handed: Handed, process: Process, film: bytes) -> None:
    recording = process(handed(camera=[(500, film)], screen=[(2500, film)]))

    starts = dict(recording.tracks.values_list("role", "start_ms"))
    assert recording.state == Recording.State.READY
    assert starts == {"camera": 500, "screen": 2500}
    assert recording.duration_ms is not None
    assert abs(recording.duration_ms - 5000) <= 250
    assert Rendition.objects.count() == 8


def test_parts_become_one_file_with_a_gap(handed: Handed, process: Process, film: bytes) -> None:
    recording = process(handed(camera=[(0, film), (10_000, film)]))

    track = recording.tracks.get()
    ((gap_from, gap_to),) = track.gaps
    assert recording.state == Recording.State.READY_PARTIAL
    assert abs(gap_from - 3000) <= 250
    assert abs(gap_to - 10_000) <= 250
    assert abs((recording.duration_ms or 0) - 13_000) <= 250
    assert len(raw_of(recording)) == 2


def test_a_part_that_cannot_be_read_is_left_out(
    handed: Handed, process: Process, film: bytes
) -> None:
    recording = process(handed(camera=[(0, film), (4_000, b"\x1a\x45\xdf\xa3" + bytes(5000))]))

    track = recording.tracks.get()
    assert recording.state == Recording.State.READY_PARTIAL
    assert (track.is_partial, track.error_code) == (True, "left_out")


def test_sound_alone_has_a_waveform_and_no_pictures(
    handed: Handed, process: Process, tmp_path: Path
) -> None:
    media.synthesise_demo(tmp_path / "sound", 3, has_picture=False)

    recording = process(handed(microphone=(tmp_path / "sound").read_bytes()))

    assert recording.state == Recording.State.READY
    assert set(made_of(recording)) == {"playable", "peaks"}
    assert step_of(recording, "picture").state == Step.State.DONE


def test_a_log_of_events_is_packed_beside_the_film(
    handed: Handed, process: Process, film: bytes
) -> None:
    lines = [b'[0,"open","a.py"]\n[900,"insert",4,"x"]', b'[1500,"insert",5,"y"]\n']

    recording = process(handed(camera=film, events=[(0, lines[0]), (1000, lines[1])]))

    log = Rendition.objects.get(kind=Rendition.Kind.LOG)
    assert recording.state == Recording.State.READY
    assert log.facts == {"count": 3}
    assert gzip.decompress(content_of(log)) == lines[0] + b"\n" + lines[1]


def test_what_was_interrupted_plays_in_part_and_its_bytes_stay(
    handed: Handed, process: Process, film: bytes
) -> None:
    recording = handed(camera=film[: len(film) * 2 // 3])
    Recording.objects.filter(pk=recording.pk).update(is_interrupted=True)

    process(recording)

    assert recording.state == Recording.State.READY_PARTIAL
    assert 500 < (recording.duration_ms or 0) < 3000
    assert len(raw_of(recording)) == 1


@pytest.mark.usefixtures("quick")
def test_it_plays_as_soon_as_it_can_be_sought(
    handed: Handed, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, sound, states = handed(camera=FILM, screen=FILM), media.sound, []

    def listen(*args: Any, **kwargs: Any) -> media.Sound:
        states.append(Recording.objects.get().state)
        return sound(*args, **kwargs)

    monkeypatch.setattr(media, "sound", listen)
    process(recording)

    assert states == ["ready", "ready"]


@pytest.mark.parametrize(
    "damage",
    [
        *(lambda film, tenth=tenth: film[: len(film) * tenth // 10] for tenth in (1, 5, 9)),
        lambda film: film[:40],
        lambda film: film[:4] + bytes(5000),
        lambda film: b"#EXTM3U\nfile:///etc/passwd\n" * 40,
        lambda film: b"....ftypisom" + film[12:],
        lambda film: film[: len(film) // 2] + bytes(20_000) + film[len(film) // 2 + 20_000 :],
    ],
    ids=["a tenth", "a half", "nine tenths", "a header", "noughts", "playlist", "mp4?", "hole"],
)
def test_every_bad_file_ends_somewhere_and_its_bytes_are_kept(
    handed: Handed,
    process: Process,
    now: Now,
    film: bytes,
    damage: Callable[[bytes], bytes],
) -> None:
    recording = handed(camera=damage(film))

    for _try in range(processing.MOST_TRIES):
        process(recording)
        now.later(minutes=20)

    if recording.state == Recording.State.FAILED:
        assert recording.error_code in media.ERROR_CODES
        assert raw_of(recording)
    else:
        assert recording.is_ready
        assert PLAYABLE in made_of(recording)
    assert not Step.objects.filter(state__in=["waiting", "running"]).exists()
    assert scratch_folders() == []


def test_one_track_that_cannot_be_read_leaves_the_other(
    handed: Handed, process: Process, film: bytes
) -> None:
    recording = process(handed(camera=film, screen=film[:4] + bytes(5000)))

    assert recording.state == Recording.State.READY_PARTIAL
    assert recording.tracks.get(role="screen").error_code in media.ERROR_CODES
    assert set(made_of(recording)) == OF_A_FILM


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("failing", ["sound", "picture"])
def test_a_player_without_its_ornaments_still_plays(
    handed: Handed,
    process: Process,
    now: Now,
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise media.MediaError("crashed", "out of memory")

    monkeypatch.setattr(media, failing, crash)
    recording = process(handed(camera=FILM))
    assert recording.state == Recording.State.READY
    for _try in range(processing.MOST_TRIES - 1):
        now.later(minutes=20)
        process(recording)

    step = step_of(recording, failing)
    assert (step.state, step.tries, step.error_code) == ("failed", 3, "crashed")
    assert recording.state == Recording.State.READY
    assert processing.ring_due(at=now.later(hours=1)) == 0


# Trying again


@pytest.mark.usefixtures("quick")
def test_a_failure_can_be_tried_again_as_long_as_the_bytes_are_there(
    handed: Handed,
    process: Process,
    candidate: User,
    monkeypatch: pytest.MonkeyPatch,
    rung: list[int],
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise media.MediaError("unsupported_codec")

    with monkeypatch.context() as patched:
        patched.setattr(media, "remux", refuse)
        recording = process(handed(camera=FILM))
    track = recording.tracks.get()
    assert (recording.state, recording.error_code) == ("failed", "unsupported_codec")
    assert track.error_code == "unsupported_codec"
    assert len(raw_of(recording)) == 1

    processing.try_again(recording=recording, by=candidate, at=NOW)
    assert rung == [recording.pk]
    process(recording)

    assert (recording.state, recording.error_code) == ("ready", "")
    assert set(made_of(recording)) == OF_A_FILM
    with pytest.raises(processing.NothingToTry):
        processing.try_again(recording=recording, by=candidate, at=NOW)


@pytest.mark.usefixtures("quick")
def test_trying_in_vain_never_takes_away_what_played(
    handed: Handed, process: Process, candidate: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = handed(camera=FILM)
    Recording.objects.filter(pk=recording.pk).update(is_interrupted=True)
    process(recording)
    recording.tracks.update(error_code="left_out")

    def refuse(*_: Any, **__: Any) -> None:
        raise media.MediaError("no_streams")

    monkeypatch.setattr(media, "remux", refuse)
    processing.try_again(recording=recording, by=candidate, at=NOW)
    process(recording)

    assert recording.state == Recording.State.READY_PARTIAL
    assert PLAYABLE in made_of(recording)


@pytest.mark.usefixtures("quick")
def test_a_recording_is_tried_again_a_few_times_and_where_it_may_help(
    handed: Handed, candidate: User
) -> None:
    recording = handed(state="failed", camera=FILM)
    for _press in range(processing.AGAIN_MOST):
        processing.try_again(recording=recording, by=candidate, at=NOW)
        Recording.objects.update(state="failed")

    with pytest.raises(processing.NothingToTry):
        processing.try_again(recording=recording, by=candidate, at=NOW)

    Event.objects.all().delete()
    Recording.objects.update(state="ready_partial", duration_ms=3000, is_interrupted=True)
    with pytest.raises(processing.NothingToTry):
        processing.try_again(recording=recording, by=candidate, at=NOW)


@pytest.mark.usefixtures("quick")
def test_a_sender_that_has_not_ended_is_waited_for(
    handed: Handed, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = handed(camera=FILM)
    monkeypatch.setattr(blobs, "LATE_WRITER_S", 0.1)

    with blobs.writing(Upload.objects.get().staging_key):
        process(recording)

    step = step_of(recording)
    assert (step.state, step.tries, step.error_code) == ("waiting", 0, "busy")


@pytest.mark.parametrize("state", ["failed", "ready_partial"])
def test_an_original_is_kept_for_thirty_days(handed: Handed, state: str) -> None:
    recording = handed(camera=FILM)
    Recording.objects.update(state=state, duration_ms=3000)

    processing.clear_raw(at=NOW + RAW_KEPT - timedelta(seconds=1))
    assert len(raw_of(recording)) == 1
    processing.clear_raw(at=NOW + RAW_KEPT)

    assert raw_of(recording) == []
    assert not Upload.objects.filter(is_kept=True).exists()


@pytest.mark.usefixtures("quick")
def test_a_recording_without_its_bytes_is_not_tried_again(handed: Handed, candidate: User) -> None:
    recording = handed(state="failed", camera=FILM)
    Upload.objects.update(is_kept=False)

    with pytest.raises(processing.NothingToTry):
        processing.try_again(recording=recording, by=candidate, at=NOW)


# Trouble of the machine's


@pytest.mark.usefixtures("quick")
def test_a_storage_that_is_down_is_waited_for_longer_each_time_and_no_try_is_lost(
    handed: Handed, process: Process, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = handed(camera=FILM)
    keep, waits = blobs.keep, []

    def down(path: Path, name: str) -> None:
        raise OSError("the bucket does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(blobs, "keep", down)
        for _try in range(7):
            process(recording)
            step = step_of(recording)
            assert (step.state, step.tries, step.error_code) == ("waiting", 0, "storage_down")
            assert step.lease_until is not None
            waits.append((step.lease_until - now.at).total_seconds())
            began = step.began_at
            process(recording)  # too early
            assert step_of(recording).began_at == began
            assert processing.ring_due(at=now.at) == 0
            now.at = step.lease_until
    assert waits == [20, 20, 40, 80, 160, 320, 640]
    assert processing.ring_due(at=now.at) == 1

    monkeypatch.setattr(blobs, "keep", keep)
    assert process(recording).state == Recording.State.READY


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("has_room", "tries"), [(False, 0), (True, 1)])
def test_a_full_disk_is_waited_for_but_not_a_file_that_grows_without_end(
    handed: Handed,
    process: Process,
    monkeypatch: pytest.MonkeyPatch,
    has_room: bool,
    tries: int,
) -> None:
    recording = handed(camera=FILM)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(blobs, "keep", full)
    monkeypatch.setattr(blobs, "has_room", lambda _size: has_room)
    process(recording)

    step = step_of(recording)
    assert (step.state, step.error_code, step.tries) == ("waiting", "disk_full", tries)


@pytest.mark.usefixtures("quick")
def test_staged_bytes_that_are_gone_are_said_to_be(handed: Handed, process: Process) -> None:
    recording = handed(camera=FILM)
    blobs.delete_staged(Upload.objects.get().staging_key)

    process(recording)

    assert (recording.state, recording.error_code) == ("failed", "lost")


@pytest.mark.usefixtures("quick")
def test_a_defect_of_ours_is_tried_three_times_and_then_seen(
    handed: Handed, process: Process, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = handed(camera=FILM)

    def defect(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(media, "remux", defect)
    for _try in range(3):
        with pytest.raises(ZeroDivisionError):
            process(recording)
        now.later(minutes=20)
    assert processing.ring_due(at=now.at) == 1
    process(recording)

    assert (recording.state, recording.error_code) == ("failed", "crashed")
    assert processing.ring_due(at=now.later(hours=1)) == 0


@pytest.mark.usefixtures("quick")
@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_for_a_moment_costs_no_work(
    handed: Handed, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = handed(camera=FILM)
    write, away = processing.Hold._write, []

    def sometimes(hold: processing.Hold, **facts: object) -> None:
        away.append(1)
        if len(away) % 2:
            raise OperationalError("the server closed the connection unexpectedly")
        write(hold, **facts)

    monkeypatch.setattr(processing.Hold, "_write", sometimes)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    processing.process(recording_id=recording.pk, now=now)

    recording.refresh_from_db()
    assert recording.state == Recording.State.READY
    assert {step.tries for step in Step.objects.all()} == {1}


# Two workers, and none


@pytest.mark.usefixtures("quick")
def test_a_step_that_somebody_holds_is_left_alone(
    handed: Handed, process: Process, now: Now
) -> None:
    recording = handed(camera=FILM, screen=FILM)
    process(recording)
    held = Step.objects.filter(track__role="screen", name="sound")
    held.update(state="running", lease_until=now.at + timedelta(seconds=1))

    process(recording)
    assert held.get().state == "running"
    now.later(seconds=1)
    process(recording)
    assert held.get().state == "done"


@pytest.mark.usefixtures("quick")
def test_a_worker_that_lost_its_lease_writes_nothing(
    handed: Handed, process: Process, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop sleeps while it processes; another worker takes the step meanwhile."""
    recording, remux = handed(camera=FILM), media.remux
    others = now.at + timedelta(hours=2)

    def slow(*args: Any, **kwargs: Any) -> media.Media:
        found = remux(*args, **kwargs)
        Step.objects.update(lease_until=others)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(media, "remux", slow)
        process(recording)

    step = step_of(recording)
    assert (recording.state, step.state, step.lease_until) == ("processing", "running", others)
    assert made_of(recording) == {}
    assert scratch_folders() == []
    now.at = others
    assert process(recording).state == Recording.State.READY


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("moment", ["told", "made", "kept"])
def test_a_recording_put_away_meanwhile_leaves_no_file(
    handed: Handed,
    process: Process,
    candidate: User,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    recording, remux, keep = handed(camera=FILM), media.remux, blobs.keep

    def discard() -> None:
        recordings.discard(recording=recording, by=candidate, at=NOW)
        recordings.clear(recording_id=recording.pk)

    def slow_remux(*args: Any, on_progress: Callable[[float], object]) -> media.Media:
        found = remux(*args)
        if moment != "kept":
            discard()
        if moment == "told":
            on_progress(0.5)
        return found

    def slow_keep(path: Path, name: str) -> None:
        keep(path, name)
        discard()

    monkeypatch.setattr(media, "remux", slow_remux)
    if moment == "kept":
        monkeypatch.setattr(blobs, "keep", slow_keep)
    process(recording)

    assert recording.state == Recording.State.DISCARDED
    assert stored_of(recording.tracks.get()) == set()
    assert raw_of(recording) == scratch_folders() == []
    assert not Rendition.objects.exists()


@pytest.mark.usefixtures("quick")
def test_a_step_that_kills_its_workers_is_given_up(
    handed: Handed, process: Process, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = handed(camera=FILM)
    deaths: list[int] = []

    class Killed(BaseException):
        """Nothing of ours runs after it."""

    def kill(*_: Any, **__: Any) -> None:
        deaths.append(1)
        raise Killed

    monkeypatch.setattr(media, "remux", kill)
    while processing.ring_due(at=now.later(seconds=61)):
        try:
            process(recording)
        except Killed:
            assert processing.ring_due(at=now.later(seconds=59)) == 0, "its lease lives"

    recording.refresh_from_db()
    assert (recording.state, recording.error_code) == ("failed", "gave_up")
    assert len(deaths) == processing.MOST_TRIES
    assert len(raw_of(recording)) == 1


@pytest.mark.usefixtures("quick")
def test_a_long_recording_is_a_task_a_minute(
    handed: Handed, process: Process, now: Now, monkeypatch: pytest.MonkeyPatch,
    rung: list[int],
) -> None:  # fmt: skip
    recording, remux = handed(camera=FILM, screen=FILM), media.remux

    def slow(*args: Any, **kwargs: Any) -> media.Media:
        now.later(seconds=61)
        Step.objects.filter(state="running").update(lease_until=now.at + timedelta(seconds=60))
        return remux(*args, **kwargs)

    monkeypatch.setattr(media, "remux", slow)
    monkeypatch.setattr(processing, "LEASE", timedelta(seconds=121))
    process(recording)

    assert recording.state == Recording.State.PROCESSING
    assert rung == [recording.pk]


@pytest.mark.parametrize(
    ("state", "minutes", "step", "is_rung"),
    [
        ("uploaded", 0.4, None, False),
        ("uploaded", 1, None, True),
        ("processing", 1, None, True),
        ("processing", 1, {"state": "done"}, True),
        ("processing", 1, {"state": "running", "lease_until": NOW + timedelta(1)}, False),
        ("processing", 1, {"state": "running", "lease_until": NOW}, True),
        ("processing", 1, {"state": "waiting", "lease_until": NOW + timedelta(1)}, False),
        ("ready", 1, {"state": "waiting"}, True),
        ("ready", 1, {"state": "done"}, False),
        ("ready_partial", 1, {"state": "running", "lease_until": NOW}, True),
        ("failed", 1, {"state": "waiting"}, False),
        ("discarded", 1, {"state": "waiting"}, False),
        ("recording", 1, None, False),
    ],
)
def test_the_sweep_rings_for_what_nobody_is_at(
    *,
    draft: Attempt,
    rung: list[int],
    state: str,
    minutes: float,
    step: dict[str, Any] | None,
    is_rung: bool,
) -> None:
    at = NOW - timedelta(minutes=minutes)
    recording = factories.recording(draft, state=state, state_at=at)
    track, _is_new = Track.objects.get_or_create(recording=recording, role="camera")
    if step:
        Step.objects.create(track=track, name="sound", **step)

    count = processing.ring_due(at=NOW)

    assert (count, rung) == ((1, [recording.pk]) if is_rung else (0, []))


# Older recordings


def test_older_recordings_get_what_they_lack_without_leaving_ready(
    draft: Attempt, process: Process, film: bytes, tmp_path: Path, rung: list[int]
) -> None:
    path = tmp_path / "old.webm"
    path.write_bytes(film)
    media.remux([media.Part(path)], tmp_path / "seekable.webm")
    old = factories.recording(draft, (tmp_path / "seekable.webm").read_bytes(), duration_ms=3000)

    assert processing.catch_up(at=NOW) == 1
    assert rung == [old.pk]
    process(old)

    assert (old.state, old.state_at) == (Recording.State.READY, NOW)
    assert set(made_of(old)) == OF_A_FILM
    assert processing.catch_up(at=NOW) == 0


@pytest.mark.usefixtures("quick")
def test_a_newer_producer_makes_again_what_an_older_one_made(
    handed: Handed, process: Process, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = process(handed(camera=FILM))
    monkeypatch.setattr(processing, "PRODUCER", 2)

    assert processing.catch_up(at=now.later(days=1)) == 1
    process(recording)

    producers = {kind: one.producer for kind, one in made_of(recording).items()}
    assert producers == {"playable": 1, "peaks": 2, "poster": 2, "strip": 2}
    assert recording.state == Recording.State.READY
    assert processing.catch_up(at=now.at) == 0


def test_older_recordings_wait_for_new_ones(draft: Attempt, candidate: User) -> None:
    factories.recording(draft, b"old")
    new = factories.recording(factories.attempt(draft.round), state="uploaded")

    assert processing.catch_up(at=NOW) == 0
    new.delete()
    assert processing.catch_up(at=NOW) == 1


# What was left


def _left(handed: Handed, hours: float, **tracks: Any) -> Recording:
    recording = handed(state="recording", **tracks)
    then = NOW - timedelta(hours=hours)
    Recording.objects.filter(pk=recording.pk).update(state_at=then, started_at=then)
    Upload.objects.update(touched_at=then, length_bytes=None)
    return recording


def test_what_was_left_for_three_days_is_closed_with_what_arrived(
    handed: Handed, process: Process, tmp_path: Path
) -> None:
    media.synthesise_demo(tmp_path / "film", 8)
    film = (tmp_path / "film").read_bytes()
    recording = _left(handed, 73, camera=film[: len(film) * 9 // 10])

    assert processing.left_open(NOW - timedelta(hours=2)) == []
    assert processing.left_open(NOW) == [recording.pk]
    for _sweep in range(2):
        processing.close_left(recording_id=recording.pk, at=NOW)
    process(recording)

    assert (recording.state, recording.error_code) == ("ready_partial", WAS_LEFT)
    assert recording.is_interrupted
    assert len(raw_of(recording)) == 1


@pytest.mark.usefixtures("quick")
def test_less_than_five_seconds_of_what_was_left_is_too_short(
    handed: Handed, process: Process, candidate: User
) -> None:
    recording = _left(handed, 73, camera=FILM)

    processing.close_left(recording_id=recording.pk, at=NOW)
    process(recording)

    assert (recording.state, recording.error_code) == ("failed", "too_short")
    assert len(raw_of(recording)) == 1
    processing.try_again(recording=recording, by=candidate, at=NOW)
    assert process(recording).state == Recording.State.READY_PARTIAL, "who asks for it gets it"


def test_what_was_left_before_a_byte_came_is_thrown_away(handed: Handed) -> None:
    recording = _left(handed, 73, camera=b"")

    processing.close_left(recording_id=recording.pk, at=NOW)

    recording.refresh_from_db()
    assert recording.state == Recording.State.DISCARDED


def test_one_part_still_growing_keeps_a_recording_open(handed: Handed, film: bytes) -> None:
    recording = _left(handed, 73, camera=film, screen=film)
    Upload.objects.filter(track__role="screen").update(touched_at=NOW - timedelta(hours=71))

    assert processing.left_open(NOW) == []
    assert processing.left_open(NOW + timedelta(hours=2)) == [recording.pk]


@pytest.fixture
def leftovers() -> Iterator[Callable[[str, float], Path]]:
    """Leave a file or a folder on the staging disk, so many hours old."""
    made: list[Path] = []

    def leave(name: str, hours: float) -> Path:
        path = STAGED / name
        if path.name.startswith("scratch-"):
            path.mkdir(parents=True)
            (path / "half").write_bytes(b"half a film")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"bytes")
        then = (NOW - timedelta(hours=hours)).timestamp()
        os.utime(path, (then, then))
        made.append(path)
        return path

    yield leave
    for path in made:
        path.unlink(missing_ok=True) if path.is_file() else None


def test_what_killed_processes_left_on_the_disk_is_removed(
    handed: Handed, leftovers: Callable[[str, float], Path], film: bytes
) -> None:
    known = raw_of(handed(state="failed", camera=film))[0]
    os.utime(known, (0, 0))
    unknown = [leftovers(f"ab/ab{number:030d}", hours) for number, hours in ((1, 25), (2, 23))]
    folders = [leftovers(f"scratch-{hours}", hours) for hours in (3, 1)]
    other = leftovers("readyz-0f", 100)

    assert processing.clear_raw(at=NOW) == 1

    assert [path.exists() for path in unknown] == [False, True]
    assert [path.exists() for path in folders] == [False, True]
    assert known.exists()
    assert other.exists()
    processing.clear_raw(at=NOW + timedelta(days=2))


@pytest.mark.usefixtures("quick")
def test_bytes_that_a_dead_worker_did_not_remove_go_with_the_sweep(
    handed: Handed, process: Process, now: Now
) -> None:
    recording = handed(camera=FILM)
    processing.process(recording_id=recording.pk, now=now)  # and dies before what follows a commit
    assert len(raw_of(recording)) == 1

    processing.clear_raw(at=now.later(minutes=1))

    assert raw_of(recording) == []
    assert not Upload.objects.filter(is_kept=True).exists()


@pytest.mark.usefixtures("quick")
def test_bytes_stay_as_they_came_while_the_storage_does_not_have_the_film(
    handed: Handed, now: Now
) -> None:
    recording = handed(camera=FILM)
    processing.process(recording_id=recording.pk, now=now)
    storages["recordings"].delete(made_of(recording)["playable"].name)

    processing.clear_raw(at=now.later(minutes=1))

    assert len(raw_of(recording)) == 1


def test_a_recording_that_is_gone_is_no_error(db: None, now: Now) -> None:
    assert connection.vendor == "postgresql"
    processing.process(recording_id=0, now=now)
