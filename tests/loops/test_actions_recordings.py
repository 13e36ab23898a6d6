"""Recordings from the first byte to the player: what is safe, what is refused, what survives."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction

from loops import blobs, media
from loops.actions import practice, recordings
from loops.models import Attempt, Recording, Track, User
from tests.factories import NOW
from tests.threads import together


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which recordings a worker was asked for: no worker runs here."""
    asked: list[int] = []
    monkeypatch.setattr(
        recordings, "enqueue", lambda _task, *, recording_id: asked.append(recording_id)
    )
    return asked


@pytest.fixture
def begin(draft: Attempt, candidate: User) -> Callable[[], Track]:
    """Open a recording of the draft."""

    def begin() -> Track:
        return recordings.begin(
            attempt=draft, role="camera", content_type="video/webm", by=candidate, at=NOW
        )

    return begin


@pytest.fixture
def append(candidate: User) -> Callable[..., int]:
    """Send bytes to a track at an offset."""

    def append(track: Track, content: bytes, offset: int = 0) -> int:
        return recordings.append(
            track=track,
            stream=io.BytesIO(content),
            offset=offset,
            size=len(content),
            by=candidate,
            at=NOW,
        )

    return append


def _recorded(track: Track, film: bytes, append: Callable[..., int], by: User) -> Recording:
    half = len(film) // 2
    append(track, film[:half])
    append(track, film[half:], half)
    return recordings.finish(recording=track.recording, by=by, at=NOW, length_bytes=len(film))


def test_recorded_bytes_become_playable(
    begin: Callable[[], Track],
    append: Callable[..., int],
    film: bytes,
    candidate: User,
    rung: list[int],
) -> None:
    recording = _recorded(begin(), film, append, candidate)

    recordings.process(recording_id=recording.pk, at=NOW)

    recording.refresh_from_db()
    assert rung == [recording.pk]
    assert recording.state == Recording.State.READY
    assert recording.duration_ms is not None
    assert abs(recording.duration_ms - 3000) <= 250
    assert (recording.content_type, recording.error_code) == ("video/webm", "")
    with blobs.open_stored(recording.file_name) as kept:
        assert len(kept.read()) == recording.size_bytes
    assert not blobs.staged_path(recording.tracks.get().staging_key).exists()


def test_processing_twice_or_at_once_is_once(
    begin: Callable[[], Track], append: Callable[..., int], film: bytes, candidate: User
) -> None:
    recording = _recorded(begin(), film, append, candidate)

    recordings.process(recording_id=recording.pk, at=NOW)
    recording.refresh_from_db()
    name = recording.file_name
    recordings.process(recording_id=recording.pk, at=NOW)

    recording.refresh_from_db()
    assert (recording.file_name, recording.tries) == (name, 1)


def test_begin_needs_a_prediction(draft: Attempt, begin: Callable[[], Track]) -> None:
    Attempt.objects.filter(pk=draft.pk).update(predicted_rank=None)

    with pytest.raises(practice.PredictFirst):
        begin()


def test_begin_again_forgets_what_no_byte_reached_and_keeps_the_rest(
    begin: Callable[[], Track], append: Callable[..., int], film: bytes
) -> None:
    empty = begin()
    track = begin()
    append(track, film)

    with pytest.raises(recordings.AlreadyRecorded):
        begin()

    empty.recording.refresh_from_db()
    track.refresh_from_db()
    assert empty.recording.state == Recording.State.DISCARDED
    assert track.received_bytes == len(film)


def test_append_counts_what_is_safe(
    begin: Callable[[], Track], append: Callable[..., int], film: bytes
) -> None:
    track = begin()

    assert append(track, film[:1000]) == 1000
    with pytest.raises(recordings.WrongOffset) as refusal:
        append(track, film[:1000])
    with pytest.raises(recordings.WrongOffset):
        append(track, film[5000:6000], 5000)

    track.refresh_from_db()
    assert refusal.value.offset == track.received_bytes == 1000


@pytest.mark.django_db(transaction=True)
def test_append_by_racing_windows_takes_one(
    begin: Callable[[], Track], append: Callable[..., int], film: bytes
) -> None:
    track = begin()
    barrier = Barrier(6)

    def send(_n: int) -> bool:
        try:
            barrier.wait()
            append(track, film)
        except (recordings.WrongOffset, recordings.SomebodyWrites):
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(send, range(6)))

    track.refresh_from_db()
    assert sum(taken) == 1
    assert blobs.staged_path(track.staging_key).read_bytes() == film
    assert track.received_bytes == len(film)


@pytest.mark.parametrize("content", [b"<!doctype html><p>not a film</p>", b"#EXTM3U\nfile:///etc"])
def test_append_refuses_what_is_no_recording(
    begin: Callable[[], Track], append: Callable[..., int], content: bytes
) -> None:
    track = begin()

    with pytest.raises(recordings.NoMedia):
        append(track, content)

    track.refresh_from_db()
    assert track.received_bytes == 0


def test_append_refuses_more_than_the_limit(
    begin: Callable[[], Track], append: Callable[..., int], film: bytes, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 1500
    track = begin()
    append(track, film[:1000])

    with pytest.raises(recordings.TooLarge):
        append(track, film[1000:2000], 1000)

    track.refresh_from_db()
    assert track.received_bytes == 1000


def test_append_on_a_full_disk_keeps_what_was_there(
    begin: Callable[[], Track],
    append: Callable[..., int],
    film: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    track = begin()
    append(track, film[:1000])
    monkeypatch.setattr(blobs, "has_room", lambda _size: False)

    with pytest.raises(recordings.ServerFull):
        append(track, film[1000:], 1000)

    track.refresh_from_db()
    assert track.received_bytes == 1000


def test_finish_waits_for_every_byte(
    begin: Callable[[], Track], append: Callable[..., int], film: bytes, candidate: User
) -> None:
    track = begin()
    append(track, film[:1000])

    with pytest.raises(recordings.StillMissing) as refusal:
        recordings.finish(recording=track.recording, by=candidate, at=NOW, length_bytes=len(film))

    assert refusal.value.offset == 1000
    track.recording.refresh_from_db()
    assert track.recording.state == Recording.State.RECORDING


def test_finish_without_a_length_uses_what_arrived(
    begin: Callable[[], Track], append: Callable[..., int], film: bytes, candidate: User
) -> None:
    track = begin()
    append(track, film[: len(film) * 2 // 3])

    recording = recordings.finish(recording=track.recording, by=candidate, at=NOW)
    recordings.process(recording_id=recording.pk, at=NOW)

    recording.refresh_from_db()
    assert recording.state == Recording.State.READY
    assert recording.duration_ms is not None
    assert 500 < recording.duration_ms < 3000


def test_finish_twice_rings_once(
    begin: Callable[[], Track],
    append: Callable[..., int],
    film: bytes,
    candidate: User,
    rung: list[int],
) -> None:
    recording = _recorded(begin(), film, append, candidate)

    again = recordings.finish(recording=recording, by=candidate, at=NOW, length_bytes=7)

    assert (again.state, rung) == (Recording.State.UPLOADED, [recording.pk])


def test_finish_of_nothing_is_refused(begin: Callable[[], Track], candidate: User) -> None:
    track = begin()

    with pytest.raises(recordings.NothingArrived):
        recordings.finish(recording=track.recording, by=candidate, at=NOW, length_bytes=0)


def test_an_unreadable_recording_fails_with_its_reason_and_makes_room(
    begin: Callable[[], Track], append: Callable[..., int], candidate: User
) -> None:
    garbage = b"\x1a\x45\xdf\xa3" + bytes(5000)
    recording = _recorded(begin(), garbage, append, candidate)

    recordings.process(recording_id=recording.pk, at=NOW)
    recording.refresh_from_db()
    again = begin()

    assert recording.state == Recording.State.FAILED
    assert recording.error_code in media.ERROR_CODES
    assert again.recording.state == Recording.State.RECORDING


def test_a_recording_left_by_a_dead_worker_is_rung_for_again_then_given_up(
    begin: Callable[[], Track],
    append: Callable[..., int],
    film: bytes,
    candidate: User,
    rung: list[int],
) -> None:
    recording = _recorded(begin(), film, append, candidate)
    rung.clear()
    now = NOW
    for _death in range(recordings.MOST_TRIES):
        Recording.objects.filter(pk=recording.pk).update(
            state=Recording.State.PROCESSING, state_at=now, tries=_death + 1
        )
        now += recordings.STUCK + timedelta(seconds=1)
        recordings.unstick(at=now)
        now += recordings.RING_AGAIN + timedelta(seconds=1)
        recordings.unstick(at=now)

    assert rung == [recording.pk] * recordings.MOST_TRIES
    recordings.process(recording_id=recording.pk, at=now)
    recording.refresh_from_db()
    assert (recording.state, recording.error_code) == (Recording.State.FAILED, "gave_up")
    assert blobs.staged_path(recording.tracks.get().staging_key).exists()


def test_take_file_goes_by_the_same_door(
    draft: Attempt, film: bytes, candidate: User, settings: Any
) -> None:
    file = SimpleUploadedFile("evening.webm", film, content_type="text/plain")

    recording = recordings.take_file(attempt=draft, file=file, by=candidate, at=NOW)

    assert recording.state == Recording.State.UPLOADED
    assert recording.tracks.get().received_bytes == len(film)


def test_take_file_of_no_media_leaves_nothing(draft: Attempt, candidate: User) -> None:
    file = SimpleUploadedFile("film.webm", b"PK\x03\x04 not a film at all", "video/webm")

    with pytest.raises(recordings.NoMedia):
        recordings.take_file(attempt=draft, file=file, by=candidate, at=NOW)

    assert not draft.recordings.exclude(state=Recording.State.DISCARDED).exists()


@pytest.mark.django_db(transaction=True)
def test_discard_erases_every_byte(
    begin: Callable[[], Track], append: Callable[..., int], film: bytes, candidate: User
) -> None:
    recording = _recorded(begin(), film, append, candidate)
    recordings.process(recording_id=recording.pk, at=NOW)
    recording.refresh_from_db()
    name = recording.file_name

    recordings.discard(recording=recording, by=candidate, at=NOW)

    assert not storages["recordings"].exists(name)
    with pytest.raises(recordings.NotRecording):
        append(recording.tracks.get(), b"more", len(film))


def test_discard_is_refused_once_handed_in(
    begin: Callable[[], Track],
    append: Callable[..., int],
    film: bytes,
    candidate: User,
    draft: Attempt,
) -> None:
    recording = _recorded(begin(), film, append, candidate)
    practice.submit(attempt=draft, energy=0, by=candidate, at=NOW)

    with pytest.raises(practice.NotADraft):
        recordings.discard(recording=recording, by=candidate, at=NOW)

    recording.refresh_from_db()
    assert recording.state == Recording.State.UPLOADED


@pytest.mark.django_db(transaction=True)
def test_bytes_that_meet_a_finish_in_another_window_are_refused(
    begin: Callable[[], Track], append: Callable[..., int], film: bytes, candidate: User
) -> None:
    """The finish commits after the append has looked and before it counts its bytes."""
    track = begin()
    append(track, film[:1000])

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            _elsewhere(lambda: recordings.finish(recording=track.recording, by=candidate, at=NOW))
            return super().read(size)

    with pytest.raises(recordings.NotRecording):
        recordings.append(
            track=track, stream=Slow(film[1000:]), offset=1000, size=500, by=candidate, at=NOW
        )

    track.refresh_from_db()
    assert (track.received_bytes, track.length_bytes) == (1000, 1000)


def test_append_refuses_a_part_that_is_too_long(
    begin: Callable[[], Track], append: Callable[..., int], film: bytes, settings: Any
) -> None:
    settings.CHUNK_MAX_BYTES = 1000
    track = begin()

    with pytest.raises(recordings.ChunkTooLarge):
        append(track, film[:1001])

    assert append(track, film[:1000]) == 1000


@pytest.mark.django_db(transaction=True)
def test_a_result_that_comes_after_the_sweep_leaves_the_bytes_for_the_next_try(
    begin: Callable[[], Track],
    append: Callable[..., int],
    film: bytes,
    candidate: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A laptop sleeps while it processes; the sweep takes the worker for dead."""
    recording = _recorded(begin(), film, append, candidate)
    remux = media.remux

    def slow_remux(*paths: Path) -> media.Media:
        found = remux(*paths)
        Recording.objects.filter(pk=recording.pk).update(state=Recording.State.UPLOADED)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(media, "remux", slow_remux)
        recordings.process(recording_id=recording.pk, at=NOW)

    recording.refresh_from_db()
    assert (recording.state, recording.file_name) == (Recording.State.UPLOADED, "")
    recordings.process(recording_id=recording.pk, at=NOW)
    recording.refresh_from_db()
    assert recording.state == Recording.State.READY


@pytest.mark.django_db(transaction=True)
def test_withdrawing_while_a_worker_names_the_file_erases_that_file(
    begin: Callable[[], Track],
    append: Callable[..., int],
    film: bytes,
    candidate: User,
    draft: Attempt,
) -> None:
    recording = _recorded(begin(), film, append, candidate)
    name = storages["recordings"].save("tests/late.webm", io.BytesIO(film))
    is_named = Event()

    def name_the_file() -> None:
        with transaction.atomic():
            Recording.objects.select_for_update().get(pk=recording.pk)
            Recording.objects.filter(pk=recording.pk).update(
                state="ready", file_name=name, duration_ms=3000, size_bytes=len(film)
            )
            is_named.set()
            time.sleep(0.3)

    def withdraw() -> None:
        is_named.wait(timeout=10)
        recordings.withdraw_draft(attempt=draft, by=candidate, at=NOW)

    assert together([name_the_file, withdraw]) == [None, None]
    recording.refresh_from_db()
    assert recording.state == Recording.State.DISCARDED
    assert not storages["recordings"].exists(name)


def test_discard_twice_is_once(begin: Callable[[], Track], candidate: User) -> None:
    track = begin()

    first = recordings.discard(recording=track.recording, by=candidate, at=NOW)
    again = recordings.discard(
        recording=track.recording, by=candidate, at=NOW + timedelta(minutes=1)
    )

    assert (first.state, again.state_at) == (Recording.State.DISCARDED, NOW)


def _elsewhere(work: Callable[[], object]) -> None:
    """Do it in a window of its own: another thread, another connection."""
    together([work])
