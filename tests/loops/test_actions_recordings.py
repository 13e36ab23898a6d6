"""Recordings from the first byte to the last: what is safe, what is refused, what is put away."""

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loops import blobs
from loops.actions import practice, recordings
from loops.models import Attempt, Cohort, Event, Recording, Upload, User
from loops.states import RecordingState
from tests import factories
from tests.factories import NOW
from tests.threads import together

FILM = b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 40

Begin = Callable[..., Upload]
Append = Callable[..., int]


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which recordings a worker was asked for: no worker runs here."""
    asked: list[int] = []
    monkeypatch.setattr(
        recordings, "enqueue", lambda _task, *, recording_id: asked.append(recording_id)
    )
    return asked


@pytest.fixture
def begin(draft: Attempt, candidate: User) -> Begin:
    """Open an upload for the draft: the camera's, unless told otherwise."""

    def begin(role: str = "camera", **facts: Any) -> Upload:
        facts = {"attempt": draft, "content_type": "video/webm", "has_consent": True, **facts}
        return recordings.begin(role=role, by=candidate, at=NOW, **facts)

    return begin


@pytest.fixture
def append(candidate: User) -> Append:
    """Send bytes to an upload at an offset."""

    def append(upload: Upload, content: bytes, offset: int = 0, **facts: Any) -> int:
        facts = {"stream": io.BytesIO(content), "size": len(content), **facts}
        return recordings.append(upload=upload, offset=offset, by=candidate, at=NOW, **facts)

    return append


def staged(upload: Upload) -> bytes:
    """Return what lies on the disk of an upload."""
    return blobs.staged_path(upload.staging_key).read_bytes()


def received(upload: Upload) -> int:
    """Return how much of an upload is acknowledged."""
    upload.refresh_from_db()
    return upload.received_bytes


# Beginning


def test_a_recording_has_tracks_and_a_track_has_parts(begin: Begin) -> None:
    camera = begin()
    recording = camera.track.recording
    screen = begin("screen", recording=recording, start_ms=2000, content_type="video/mp4")
    second = begin(recording=recording, start_ms=60_000)

    assert [track.role for track in recording.tracks.order_by("pk")] == ["camera", "screen"]
    assert (second.track, second.part_no, second.start_ms) == (camera.track, 2, 60_000)
    assert (screen.part_no, screen.track.start_ms, screen.content_type) == (1, 2000, "video/mp4")
    assert recording.consent_version == recordings.CONSENT_VERSION


@pytest.mark.parametrize("role", ["camera", "microphone", "screen"])
def test_nobody_is_recorded_without_their_consent(begin: Begin, role: str) -> None:
    with pytest.raises(recordings.NoConsent):
        begin(role, has_consent=False)

    assert not Recording.objects.exists()


def test_consent_that_comes_with_a_later_track_is_written_down(begin: Begin) -> None:
    recording = begin("upload", has_consent=False).track.recording
    was = recording.consent_version
    begin("screen", recording=recording)

    recording.refresh_from_db()
    assert (was, recording.consent_version) == (0, recordings.CONSENT_VERSION)


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"predicted_rank": None}, practice.PredictFirst),
        ({"state": "withdrawn"}, practice.NotADraft),
    ],
)
def test_a_recording_needs_a_draft_with_a_prediction(
    begin: Begin, facts: dict[str, object], refusal: type[Exception]
) -> None:
    Attempt.objects.update(**facts)

    with pytest.raises(refusal):
        begin()


def test_an_empty_file_is_refused_before_it_is_sent(begin: Begin) -> None:
    with pytest.raises(recordings.NothingArrived, match="empty"):
        begin("upload", length_bytes=0)


def test_a_new_recording_takes_the_place_of_what_has_no_byte_or_failed(
    begin: Begin, append: Append
) -> None:
    empty = begin()
    failed = begin()
    Recording.objects.filter(pk=failed.track.recording_id).update(state="failed")
    upload = begin()
    append(upload, FILM)

    with pytest.raises(recordings.AlreadyRecorded):
        begin()

    states = [*Recording.objects.order_by("pk").values_list("state", flat=True)]
    assert states == ["discarded", "discarded", "recording"]
    assert received(upload) == len(FILM)
    assert received(empty) == 0


@pytest.mark.parametrize("state", ["uploaded", "processing", "ready", "ready_partial", "erased"])
def test_an_answer_has_one_recording(begin: Begin, draft: Attempt, state: str) -> None:
    factories.recording(draft, state=state)

    with pytest.raises(recordings.AlreadyRecorded):
        begin()


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ("uploaded", recordings.NotRecording),
        ("ready", recordings.NotRecording),
        ("discarded", recordings.Gone),
        ("erased", recordings.Gone),
    ],
)
def test_a_part_joins_an_open_recording_alone(
    begin: Begin, draft: Attempt, state: str, refusal: type[Exception]
) -> None:
    recording = factories.recording(draft, state=state)

    with pytest.raises(refusal):
        begin(recording=recording)


def test_a_member_has_four_recordings_open_and_another_makes_no_fifth(
    begin: Begin, append: Append, candidate: User, cohort: Cohort
) -> None:
    for _n in range(recordings.OPEN_MOST):
        round_ = factories.loop(candidate, cohort).rounds.get()
        other = factories.attempt(round_, state=Attempt.State.DRAFT, predicted_rank=2)
        append(begin(attempt=other), FILM)

    with pytest.raises(recordings.TooManyOpen):
        begin()

    recordings.finish(recording=Recording.objects.all()[0], by=candidate, at=NOW)
    assert begin().part_no == 1


def test_a_track_has_so_many_parts_and_no_more(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "PARTS_MOST", 2)
    recording = begin().track.recording
    begin(recording=recording)

    with pytest.raises(recordings.TooManyParts):
        begin(recording=recording)

    assert begin("screen", recording=recording).part_no == 1


def test_a_refused_beginning_leaves_no_file(begin: Begin, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    before = _staged_files()

    with pytest.raises(recordings.TooLarge, match="larger than the 1000"):
        begin("upload", length_bytes=1001)

    assert _staged_files() == before
    assert begin("upload", length_bytes=1000).most_bytes == 1000


def test_a_log_of_events_has_a_smaller_limit(begin: Begin, append: Append) -> None:
    log = begin("events", content_type="application/x-ndjson", has_consent=False)

    assert log.most_bytes == recordings.EVENTS_MOST_BYTES
    with pytest.raises(recordings.NoMedia):
        append(log, FILM)
    assert append(log, b'[0, "open", "notes"]\n') == 21


# Appending


def test_appended_bytes_are_counted_and_kept(begin: Begin, append: Append) -> None:
    upload = begin()

    assert [append(upload, FILM[:1000]), append(upload, FILM[1000:], 1000)] == [1000, len(FILM)]
    assert (staged(upload), received(upload)) == (FILM, len(FILM))


@pytest.mark.parametrize("offset", [0, 999, 1001, 5000])
def test_bytes_from_elsewhere_are_told_where_to_go_on(
    begin: Begin, append: Append, offset: int
) -> None:
    upload = begin()
    append(upload, FILM[:1000])

    with pytest.raises(recordings.WrongOffset) as refusal:
        append(upload, FILM[:1000], offset)

    assert refusal.value.offset == received(upload) == 1000
    assert staged(upload) == FILM[:1000]


def test_an_append_is_one_read_and_one_write(begin: Begin, append: Append) -> None:
    upload = begin()
    append(upload, FILM[:1000])

    with CaptureQueriesContext(
        connection,
    ) as asked:
        append(upload, FILM[1000:], 1000)

    assert [query["sql"].split()[0] for query in asked] == ["SELECT", "UPDATE"]


def test_bytes_beyond_the_acknowledged_ones_are_cut_off(begin: Begin, append: Append) -> None:
    """As a server leaves them that was killed before it wrote down how far it had come."""
    upload = begin()
    append(upload, FILM[:1000])
    with blobs.staged_path(upload.staging_key).open("ab") as file:
        file.write(b"never acknowledged" * 1000)

    append(upload, FILM[1000:2000], 1000)

    assert staged(upload) == FILM[:2000]


@pytest.mark.django_db(transaction=True)
def test_of_racing_windows_one_adds(begin: Begin, append: Append) -> None:
    upload = begin()

    told = together([lambda: append(upload, FILM)] * 6)

    others = [one for one in told if one != len(FILM)]
    assert len(others) == 5
    assert {type(one) for one in others} <= {recordings.WrongOffset, recordings.SomebodyWrites}
    assert (staged(upload), received(upload)) == (FILM, len(FILM))


@pytest.mark.django_db(transaction=True)
def test_a_finish_in_another_window_stands_and_the_bytes_on_their_way_are_cut(
    begin: Begin, append: Append, candidate: User
) -> None:
    """The finish commits after the append has looked and before it counts its bytes."""
    upload = begin()
    append(upload, FILM[:1000])

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            recording = upload.track.recording
            together([lambda: recordings.finish(recording=recording, by=candidate, at=NOW)])
            return super().read(size)

    with pytest.raises(recordings.NotRecording) as refusal:
        append(upload, b"", 1000, stream=Slow(FILM[1000:]), size=500)

    assert refusal.value.offset == received(upload) == upload.length_bytes == 1000
    assert staged(upload) == FILM[:1000]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("length", [None, len(FILM)])
def test_a_discard_in_another_window_takes_the_bytes_on_their_way_with_it(
    begin: Begin, append: Append, candidate: User, length: int | None
) -> None:
    upload = begin("upload", length_bytes=length)
    recording = upload.track.recording

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            together([lambda: recordings.discard(recording=recording, by=candidate, at=NOW)])
            return super().read(size)

    with suppress(recordings.NotTaken):  # the discard may be too late to be seen, at no harm
        append(upload, b"", stream=Slow(FILM), size=len(FILM))
    with pytest.raises(recordings.Gone):
        append(upload, FILM)

    recording.refresh_from_db()
    assert recording.state == RecordingState.DISCARDED
    assert not blobs.staged_path(upload.staging_key).exists()


def test_an_upload_that_went_while_it_was_asked_for_is_gone(
    begin: Begin, append: Append, candidate: User
) -> None:
    camera = begin()
    screen = begin("screen", recording=camera.track.recording)

    recordings.terminate(upload=screen, by=candidate, at=NOW)

    with pytest.raises(recordings.Gone):
        append(screen, FILM)
    with pytest.raises(recordings.Gone):
        recordings.terminate(upload=screen, by=candidate, at=NOW)


def test_bytes_that_the_disk_lost_are_not_said_to_be_there(begin: Begin, append: Append) -> None:
    upload = begin()
    append(upload, FILM[:1000])
    blobs.staged_path(upload.staging_key).write_bytes(FILM[:999])

    with pytest.raises(recordings.LostBytes):
        append(upload, FILM[1000:], 1000)


# Lengths


def test_a_length_is_told_late_and_once(begin: Begin, append: Append, rung: list[int]) -> None:
    upload = begin()
    append(upload, FILM[:1000])

    for wrong in (999, 0):
        with pytest.raises(recordings.WrongLength):
            append(upload, b"", 1000, length_bytes=wrong)
    append(upload, FILM[1000:2000], 1000, length_bytes=len(FILM))
    append(upload, FILM[2000:3000], 2000, length_bytes=len(FILM))
    with pytest.raises(recordings.WrongLength) as refusal:
        append(upload, FILM[3000:4000], 3000, length_bytes=len(FILM) + 1)
    was_rung = [*rung]
    append(upload, FILM[3000:], 3000)

    assert (refusal.value.offset, was_rung) == (3000, [])
    assert received(upload) == upload.length_bytes == len(FILM)
    assert rung == [upload.track.recording_id]


def test_more_than_the_told_length_is_refused_whole(begin: Begin, append: Append) -> None:
    upload = begin("upload", length_bytes=len(FILM) - 1)

    with pytest.raises(recordings.WrongLength):
        append(upload, FILM)

    assert (staged(upload), received(upload)) == (b"", 0)


def test_a_late_length_that_the_server_does_not_take_is_refused(
    begin: Begin, append: Append, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 2000
    upload = begin()

    with pytest.raises(recordings.TooLarge):
        append(upload, FILM[:1000], length_bytes=2001)

    assert received(upload) == 0


def test_the_last_byte_of_the_last_track_finishes_the_recording(
    begin: Begin, append: Append, rung: list[int]
) -> None:
    camera = begin(length_bytes=len(FILM))
    recording = camera.track.recording
    screen = begin("screen", recording=recording, length_bytes=500)

    append(camera, FILM)
    recording.refresh_from_db()
    was = recording.state
    append(screen, FILM[:500])

    recording.refresh_from_db()
    assert (was, recording.state) == (RecordingState.RECORDING, RecordingState.UPLOADED)
    assert (recording.is_interrupted, rung) == (False, [recording.pk])


@pytest.mark.django_db(transaction=True)
def test_two_last_bytes_at_one_instant_finish_once(
    begin: Begin, append: Append, rung: list[int]
) -> None:
    camera = begin(length_bytes=len(FILM))
    recording = camera.track.recording
    screen = begin("screen", recording=recording, length_bytes=len(FILM))

    told = together([lambda: append(camera, FILM), lambda: append(screen, FILM)])

    recording.refresh_from_db()
    assert told == [len(FILM)] * 2
    assert (recording.state, rung) == (RecordingState.UPLOADED, [recording.pk])


def test_a_last_byte_whose_finish_fails_is_not_acknowledged(
    begin: Begin, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a client that has sent all would never ask again, and nothing would be made."""
    upload = begin("upload", length_bytes=len(FILM))

    def breaks(*_row: object, **_facts: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(recordings, "finish", breaks)
        with pytest.raises(RuntimeError):
            append(upload, FILM)
    assert received(upload) == 0
    append(upload, FILM)

    upload.track.recording.refresh_from_db()
    assert upload.track.recording.state == RecordingState.UPLOADED
    assert staged(upload) == FILM


# Limits


@pytest.mark.parametrize("content", [b"<!doctype html><p>not a film</p>", b"#EXTM3U\nfile:///etc"])
def test_what_is_no_recording_is_not_kept(begin: Begin, append: Append, content: bytes) -> None:
    upload = begin()

    with pytest.raises(recordings.NoMedia) as refusal:
        append(upload, content)

    assert refusal.value.offset == received(upload) == 0
    assert staged(upload) == b""


def test_more_than_the_server_takes_is_refused(begin: Begin, append: Append, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1500
    upload = begin()
    append(upload, FILM[:1000])

    with pytest.raises(recordings.TooLarge) as refusal:
        append(upload, FILM[1000:1501], 1000)

    assert refusal.value.offset == received(upload) == 1000
    assert append(upload, FILM[1000:1500], 1000) == 1500


def test_a_part_that_is_too_long_is_refused(begin: Begin, append: Append, settings: Any) -> None:
    settings.CHUNK_MAX_BYTES = 1000
    upload = begin()

    with pytest.raises(recordings.ChunkTooLarge):
        append(upload, FILM[:1001])

    assert append(upload, FILM[:1000]) == 1000


def test_a_full_disk_keeps_what_was_there(
    begin: Begin, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin()
    append(upload, FILM[:1000])
    monkeypatch.setattr(blobs, "has_room", lambda _size: False)

    with pytest.raises(recordings.ServerFull) as refusal:
        append(upload, FILM[1000:], 1000)
    with pytest.raises(recordings.ServerFull, match="nothing was begun"):
        begin("screen", recording=upload.track.recording)

    assert refusal.value.offset == received(upload) == 1000
    assert staged(upload) == FILM[:1000]


def test_the_quota_counts_all_that_a_member_has(
    begin: Begin,
    append: Append,
    recorded: Recording,
    *,
    candidate: User,
    cohort: Cohort,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many uploads are open at once; erasing makes room for what is being sent."""
    monkeypatch.setattr(recordings, "QUOTA_STEP_BYTES", 1)
    candidate.quota_bytes = 5000
    candidate.save(update_fields=["quota_bytes"])
    recorded.tracks.get().renditions.update(size_bytes=1000)
    round_ = factories.loop(candidate, cohort).rounds.get()
    other = factories.attempt(round_, state="draft", predicted_rank=2)
    camera = begin(attempt=other)
    screen = begin("screen", attempt=other, recording=camera.track.recording)
    append(camera, FILM[:2000])

    with pytest.raises(recordings.OverQuota) as refusal:
        append(screen, FILM[:2001])
    append(screen, FILM[:1500])
    with pytest.raises(recordings.OverQuota) as later:
        append(screen, FILM[1500:2001], 1500)
    with pytest.raises(recordings.OverQuota) as another:
        begin("upload", attempt=other, recording=camera.track.recording, length_bytes=501)
    recordings.discard(recording=recorded, by=candidate, at=NOW)
    recordings.clear(recording_id=recorded.pk)

    assert append(screen, FILM[1500:3000], 1500) == 3000
    assert "2.9 KB of the 4.9 KB that you have" in refusal.value.args[0].replace("\xa0", " ")
    assert "Nothing of this one was taken" in refusal.value.args[0]
    assert "1.5 KB that arrived of this one are kept" in later.value.args[0].replace("\xa0", " ")
    assert (later.value.offset, another.value.offset) == (1500, None)
    assert received(camera) == 2000


def test_the_quota_is_asked_for_once_a_step(
    begin: Begin, append: Append, candidate: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "QUOTA_STEP_BYTES", 2000)
    upload = begin()
    candidate.quota_bytes = 1000
    candidate.save(update_fields=["quota_bytes"])

    assert append(upload, FILM[:1999]) == 1999
    with pytest.raises(recordings.OverQuota):
        append(upload, FILM[1999:2000], 1999)


# Finishing


def test_a_finish_waits_for_every_byte(begin: Begin, append: Append, candidate: User) -> None:
    camera = begin()
    recording = camera.track.recording
    screen = begin("screen", recording=recording)
    append(camera, FILM)
    append(screen, FILM[:1000])
    lengths = {camera.public_id: len(FILM), screen.public_id: len(FILM)}

    with pytest.raises(recordings.StillMissing) as refusal:
        recordings.finish(recording=recording, by=candidate, at=NOW, lengths=lengths)

    assert refusal.value.received == {camera.public_id: len(FILM), screen.public_id: 1000}
    recording.refresh_from_db()
    assert recording.state == RecordingState.RECORDING


def test_a_finish_that_leaves_an_upload_out_takes_nothing_for_whole(
    begin: Begin, append: Append, candidate: User
) -> None:
    camera = begin()
    recording = camera.track.recording
    screen = begin("screen", recording=recording)
    append(camera, FILM)
    append(screen, FILM[:1000])

    for lengths in ({}, {camera.public_id: len(FILM)}):
        with pytest.raises(recordings.StillMissing):
            recordings.finish(recording=recording, by=candidate, at=NOW, lengths=lengths)


@pytest.mark.parametrize(("recorded", "is_cut"), [(1000, False), (1001, True)])
def test_what_the_server_would_not_have_makes_a_recording_a_part(
    begin: Begin, append: Append, candidate: User, recorded: int, is_cut: bool
) -> None:
    upload = begin()
    append(upload, FILM[:1000])

    recording = recordings.finish(
        recording=upload.track.recording,
        by=candidate,
        at=NOW,
        lengths={upload.public_id: 1000},
        recorded={upload.public_id: recorded},
    )

    assert recording.is_interrupted is is_cut


def test_a_finish_keeps_times_and_drops_what_has_no_byte(
    begin: Begin, append: Append, candidate: User, rung: list[int]
) -> None:
    first = begin()
    recording = first.track.recording
    second, screen = begin(recording=recording), begin("screen", recording=recording)
    append(first, FILM)
    append(second, FILM[:500])
    facts: dict[str, Any] = {
        "lengths": {first.public_id: len(FILM), second.public_id: 500},
        "starts": {first.public_id: 100, second.public_id: 9000, screen.public_id: 5},
        "pauses": [(2000, 700)],
    }

    for _press in range(2):
        recording = recordings.finish(recording=recording, by=candidate, at=NOW, **facts)

    assert (recording.state, recording.is_interrupted) == (RecordingState.UPLOADED, False)
    assert recording.pauses == [[2000, 700]]
    assert rung == [recording.pk]
    track = recording.tracks.get()
    assert (track.role, track.start_ms) == ("camera", 100)
    parts = track.uploads.values_list("start_ms", "received_bytes", "length_bytes")
    assert [*parts] == [(100, len(FILM), len(FILM)), (9000, 500, 500)]


def test_a_finish_by_hand_uses_what_arrived(begin: Begin, append: Append, candidate: User) -> None:
    upload = begin()
    append(upload, FILM[:1000])

    recording = recordings.finish(recording=upload.track.recording, by=candidate, at=NOW)

    assert (recording.state, recording.is_interrupted) == (RecordingState.UPLOADED, True)
    assert received(upload) == upload.length_bytes == 1000


@pytest.mark.parametrize("lengths", [None, {}])
def test_a_finish_of_nothing_is_refused(
    begin: Begin, candidate: User, lengths: dict[Any, int] | None
) -> None:
    upload = begin()

    with pytest.raises(recordings.NothingArrived):
        recordings.finish(recording=upload.track.recording, by=candidate, at=NOW, lengths=lengths)

    assert received(upload) == 0


# Files handed in by a form


def test_a_file_of_a_form_goes_by_the_same_door(
    draft: Attempt, candidate: User, settings: Any
) -> None:
    settings.CHUNK_MAX_BYTES = 1000
    file = SimpleUploadedFile("evening.webm", FILM, content_type="text/plain")

    recording = recordings.take_file(attempt=draft, file=file, by=candidate, at=NOW)

    assert recording.state == RecordingState.UPLOADED
    assert staged(Upload.objects.get()) == FILM


@pytest.mark.parametrize(
    ("content", "size", "refusal"),
    [
        (b"PK\x03\x04 not a film at all", 24, recordings.NoMedia),
        (FILM, len(FILM) + 1, recordings.StillMissing),
    ],
)
def test_a_file_that_is_not_what_it_said_leaves_nothing(
    draft: Attempt, candidate: User, content: bytes, size: int, refusal: type[Exception]
) -> None:
    file = SimpleUploadedFile("film.webm", content, "video/webm")
    file.size = size

    with pytest.raises(refusal):
        recordings.take_file(attempt=draft, file=file, by=candidate, at=NOW)

    assert not draft.recordings.kept().exists()


# Putting away


def test_an_upload_of_several_is_taken_away_alone_and_the_last_with_its_recording(
    begin: Begin,
    append: Append,
    candidate: User,
    django_capture_on_commit_callbacks: Any,
) -> None:
    camera = begin()
    recording = camera.track.recording
    screen = begin("screen", recording=recording)
    append(camera, FILM)
    append(screen, FILM)

    with django_capture_on_commit_callbacks(execute=True):
        recordings.terminate(upload=screen, by=candidate, at=NOW)
    left = [track.role for track in recording.tracks.all()]
    was = Recording.objects.get().state
    with django_capture_on_commit_callbacks(execute=True):
        recordings.terminate(upload=camera, by=candidate, at=NOW)

    assert (left, was) == (["camera"], RecordingState.RECORDING)
    assert Recording.objects.get().state == RecordingState.DISCARDED
    for upload in (camera, screen):
        assert not blobs.staged_path(upload.staging_key).exists()


def test_no_upload_of_a_finished_recording_is_taken_away(
    begin: Begin, append: Append, candidate: User
) -> None:
    upload = begin("upload", length_bytes=len(FILM))
    append(upload, FILM)

    with pytest.raises(recordings.NotRecording):
        recordings.terminate(upload=upload, by=candidate, at=NOW)

    assert staged(upload) == FILM


def test_a_discard_leaves_no_byte_and_twice_is_once(
    begin: Begin,
    append: Append,
    candidate: User,
    django_capture_on_commit_callbacks: Any,
) -> None:
    uploads = [begin()]
    recording = uploads[0].track.recording
    uploads.append(begin("screen", recording=recording))
    for upload in uploads:
        append(upload, FILM)

    with django_capture_on_commit_callbacks(execute=True):
        first = recordings.discard(recording=recording, by=candidate, at=NOW)
    later = NOW + timedelta(minutes=1)
    again = recordings.discard(recording=recording, by=candidate, at=later)

    assert (first.state, again.state_at) == (RecordingState.DISCARDED, NOW)
    for upload in uploads:
        assert not blobs.staged_path(upload.staging_key).exists()
        with pytest.raises(recordings.Gone):
            append(upload, FILM, len(FILM))
    assert not Upload.objects.filter(is_kept=True).exists()


def test_what_is_handed_in_is_not_discarded_but_erased(
    begin: Begin, append: Append, candidate: User, draft: Attempt
) -> None:
    upload = begin()
    append(upload, FILM)
    recording = recordings.finish(recording=upload.track.recording, by=candidate, at=NOW)
    practice.submit(attempt=draft, energy=0, by=candidate, at=NOW)

    with pytest.raises(practice.NotADraft):
        recordings.discard(recording=recording, by=candidate, at=NOW)
    erased = [recordings.erase(recording=recording, by=candidate, at=NOW) for _press in range(2)]

    assert [one.state for one in erased] == [RecordingState.ERASED] * 2
    assert Event.objects.filter(verb="erased").count() == 1


def test_a_withdrawn_draft_leaves_no_recording(
    begin: Begin, append: Append, candidate: User, draft: Attempt
) -> None:
    append(begin(), FILM)

    recordings.withdraw_draft(attempt=draft, by=candidate, at=NOW)

    assert not Recording.objects.kept().exists()


def _staged_files() -> list[str]:
    folder = blobs.staged_path("0" * 32).parent.parent
    return sorted(path.name for path in folder.glob("??/*"))
