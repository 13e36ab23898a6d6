"""What a page says of a recording on its way: how far it is, what it lacks, what can be done."""

from datetime import timedelta
from typing import Any

import pytest

from loops import media
from loops.models import Attempt, Recording, Rendition
from loops.queries.progress import (
    FAILURES,
    failure_reason,
    failure_words,
    standing,
    standing_to_show,
)
from tests import factories
from tests.factories import NOW

OURS = {"gave_up", "lost", "storage_down", "too_short"}
LEASE = NOW + timedelta(minutes=1)


def test_every_reason_has_words_that_say_what_to_do() -> None:
    assert set(FAILURES) == media.ERROR_CODES | OURS
    for code in FAILURES:
        assert "%" not in failure_words(code)
    assert "90 minutes" in failure_words("too_long")
    assert failure_words("what nobody knows") == failure_words("gave_up")
    assert failure_words("no_streams").endswith("Record again, or hand in another file.")


@pytest.mark.parametrize(
    ("steps", "share", "words"),
    [
        ([], 0, "Making it seekable: camera and microphone"),
        ([{"state": "running", "progress": 0.5}], 0.4, "Making it seekable: camera and microphone"),
        (
            [{"state": "done"}, {"state": "running", "progress": 0.25}],
            0.85,
            "Making it seekable: screen",
        ),
        ([{"state": "done"}, {"state": "failed"}], 1, "Making it seekable"),
        (
            [{"state": "done"}, {"state": "waiting", "error_code": "storage_down"}],
            0.8,
            "The last try did not work. It is tried again by itself; nothing is lost.",
        ),
    ],
)
def test_progress_goes_by_the_bytes_of_the_tracks(
    draft: Attempt, steps: list[dict[str, Any]], share: float, words: str
) -> None:
    recording = factories.recording(draft, state="processing")
    uploads = [
        factories.upload(recording, b"x" * 40),
        factories.upload(recording, b"x" * 40),
        factories.upload(recording, b"x" * 20, role="screen"),
    ]
    for upload, step in zip(uploads[1:], steps, strict=False):
        lease = {"lease_until": LEASE} if step["state"] == "running" else {}
        upload.track.steps.create(name="remux", **step, **lease)
        upload.track.steps.create(name="sound", state="waiting")

    found = standing(recording)

    assert (found.share, found.words) == (share, words)
    assert found.received == {one.public_id: one.received_bytes for one in uploads}


@pytest.mark.parametrize(
    ("state", "share", "words"),
    [
        ("recording", 0, "what arrived is safe"),
        ("uploaded", 0, "waits for its turn"),
        ("ready", 1, "ready to play"),
        ("ready_partial", 1, "not all of it"),
        ("failed", 1, "neither picture nor sound"),
        ("erased", 1, "was erased"),
    ],
)
def test_each_state_has_words(draft: Attempt, state: str, share: float, words: str) -> None:
    recording = factories.recording(draft, state=state, error_code="no_streams")

    found = standing(recording)

    assert (found.share, found.missing, found.raw) == (share, (), ())
    assert words in found.words
    is_told = state in {"uploaded", "ready_partial", "failed"}
    assert (standing_to_show(recording) is not None) == is_told


@pytest.mark.parametrize(
    ("of_recording", "of_track", "words"),
    [
        ({"is_interrupted": True}, {}, ["It was not finished by its recorder."]),
        (
            {"is_interrupted": True, "error_code": "left"},
            {},
            ["It was left unfinished for three days"],
        ),
        ({}, {"gaps": [[1000, 3600]], "is_partial": True}, ["There is a gap of 3 s"]),
        ({}, {"gaps": [[1000, 3000], [9000, 12_000]]}, ["There are 2 gaps, 5 s in all"]),
        ({}, {"is_partial": True}, ["A damaged stretch, or its end, is missing"]),
        (
            {},
            {"is_partial": True, "error_code": "left_out", "gaps": [[0, 1000]]},
            ["A part of it could not be read", "There is a gap of 1 s"],
        ),
    ],
)
def test_what_plays_in_part_says_what_it_lacks(
    draft: Attempt, of_recording: dict[str, Any], of_track: dict[str, Any], words: list[str]
) -> None:
    recording = factories.recording(draft, state="ready_partial", **of_recording)
    recording.tracks.update(**of_track)
    factories.upload(recording, b"raw")

    found = standing(recording)

    assert len(found.missing) == len(words)
    for told, expected in zip(found.missing, words, strict=True):
        assert told.startswith(expected)
    assert found.can_try_again == (of_track.get("error_code") == "left_out")


def test_a_track_that_failed_is_named_with_its_reason(draft: Attempt) -> None:
    recording = factories.recording(draft, state="ready_partial")
    factories.upload(recording, b"raw")
    screen = factories.upload(recording, b"raw", role="screen").track
    screen.error_code = "no_streams"
    screen.save()

    found = standing(recording)

    assert found.missing == (f"Screen: {failure_reason('no_streams')}",)
    assert found.can_try_again
    factories.rendition(screen, kind=Rendition.Kind.PLAYABLE)
    assert standing(recording).missing == ()


def test_what_is_handed_in_is_not_told_to_be_recorded_again(draft: Attempt) -> None:
    recording = factories.recording(draft, state="failed", error_code="no_streams")
    assert standing(recording).words == failure_words("no_streams")

    draft.state = Attempt.State.SUBMITTED

    assert standing(recording).words == failure_reason("no_streams")


def test_bytes_as_they_came_are_offered_as_long_as_they_are_kept(draft: Attempt) -> None:
    recording = factories.recording(draft, state="failed", error_code="crashed")
    for role in ("camera", "camera", "screen"):
        factories.upload(recording, b"raw", role=role)

    found = standing(recording)
    assert [part.label for part in found.raw] == [
        "camera and microphone",
        "camera and microphone, part 2",
        "screen",
    ]
    assert found.can_try_again

    recording.tracks.get(role="screen").uploads.update(is_kept=False)
    found = standing(recording)
    assert (len(found.raw), found.can_try_again) == (2, False)


def test_where_a_recording_stands_is_one_question(
    draft: Attempt, django_assert_num_queries: Any
) -> None:
    recording: Recording = factories.recording(draft, state="failed")
    for role in ("camera", "screen", "events"):
        factories.upload(recording, b"raw", role=role)

    with django_assert_num_queries(1):
        standing(recording)
