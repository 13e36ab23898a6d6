"""The recorder's addresses: what is taken, what is refused and how, and who plays the result."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse

from loops import blobs
from loops.actions import recordings
from loops.models import Attempt, Recording, Track, User
from loops.views.recordings import APPEND_TYPE
from tests import factories
from tests.factories import NOW


@pytest.fixture
def browser_(as_: Callable[[User], Client], candidate: User) -> Client:
    """The candidate's browser."""
    return as_(candidate)


@pytest.fixture
def track(draft: Attempt, candidate: User) -> Track:
    """A recording of the draft that was just begun."""
    return recordings.begin(
        attempt=draft, role="camera", content_type="video/webm", by=candidate, at=NOW
    )


@pytest.fixture
def append(client: Client, track: Track) -> Callable[..., Any]:
    """Send bytes to the track as the recorder does."""

    def append(content: bytes, offset: int | str = 0, kind: str = APPEND_TYPE) -> Any:
        return client.patch(
            reverse("loops:track_append", args=[track.public_id]),
            content,
            content_type=kind,
            headers={"Upload-Offset": str(offset)},
        )

    return append


def ask(client: Client, name: str, row: Attempt | Recording, facts: object = None) -> Any:
    """Post JSON as the recorder does."""
    return client.post(
        reverse(f"loops:{name}", args=[row.public_id]),
        json.dumps(facts if facts is not None else {}),
        content_type="application/json",
        headers={"Accept": "application/json"},
    )


def refusal(response: Any) -> tuple[int, str]:
    """Return the status and the code, and see that there are words."""
    told = response.json()
    assert told["message"]
    return response.status_code, told["code"]


def words(response: Any) -> list[str]:
    """Return the messages that wait for the next page."""
    return [str(message) for message in get_messages(response.wsgi_request)]


# Beginning


def test_a_recording_begins_with_the_addresses_to_go_on_with(
    browser_: Client, draft: Attempt
) -> None:
    begun = ask(
        browser_, "recording_begin", draft, {"role": "camera", "content_type": "video/webm"}
    )

    track = Track.objects.get()
    assert begun.status_code == 201
    assert begun.json() == {
        "recording": str(track.recording.public_id),
        "track": str(track.public_id),
        "append_url": f"/tracks/{track.public_id}/",
        "finish_url": f"/recordings/{track.recording.public_id}/finish/",
        "status_url": f"/recordings/{track.recording.public_id}/",
        "discard_url": f"/recordings/{track.recording.public_id}/discard/",
    }


@pytest.mark.parametrize(
    "facts",
    [
        {},
        [],
        "camera",
        {"role": "screen", "content_type": "video/webm"},
        {"role": "camera"},
        {"role": ["camera"], "content_type": "video/webm"},
        {"role": "camera", "content_type": 7},
        {"role": "camera", "content_type": "video/webm\x00"},
        {"role": "camera", "content_type": "video/\ud800"},
    ],
)
def test_a_beginning_that_is_malformed_is_refused(
    browser_: Client, draft: Attempt, facts: object
) -> None:
    assert refusal(ask(browser_, "recording_begin", draft, facts)) == (400, "malformed")
    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("attempt", "recording", "code"),
    [
        ({"predicted_rank": None}, None, "predict_first"),
        ({"state": "withdrawn"}, None, "not_a_draft"),
        ({}, "uploaded", "already_recorded"),
        ({}, "ready", "already_recorded"),
    ],
)
def test_a_beginning_that_comes_too_early_or_late_is_refused_in_json(
    browser_: Client,
    draft: Attempt,
    attempt: dict[str, object],
    recording: str | None,
    code: str,
) -> None:
    Attempt.objects.update(**attempt)
    if recording:
        factories.recording(draft, state=recording)

    begun = ask(
        browser_, "recording_begin", draft, {"role": "camera", "content_type": "video/webm"}
    )

    assert refusal(begun) == (409, code)


# Appending


def test_bytes_are_taken_where_the_last_ones_ended(
    browser_: Client, append: Callable[..., Any], track: Track, film: bytes
) -> None:
    half = len(film) // 2

    answers = [append(film[:half]), append(film[half:], half)]
    asked = browser_.head(reverse("loops:track_append", args=[track.public_id]))

    told = [(answer.status_code, answer["Upload-Offset"]) for answer in answers]
    assert told == [(204, str(half)), (204, str(len(film)))]
    assert (asked.status_code, asked["Upload-Offset"]) == (200, str(len(film)))
    assert blobs.staged_path(track.staging_key).read_bytes() == film


def test_bytes_from_elsewhere_are_told_where_to_go_on(
    browser_: Client, append: Callable[..., Any], film: bytes
) -> None:
    append(film[:1000])

    for offset in (0, 5000):
        answer = append(film[:1000], offset)
        assert refusal(answer) == (409, "wrong_offset")
        assert answer["Upload-Offset"] == "1000"


@pytest.mark.parametrize(
    ("offset", "kind", "told"),
    [
        (0, "application/octet-stream", (415, "malformed")),
        ("", APPEND_TYPE, (411, "malformed")),
        ("one", APPEND_TYPE, (411, "malformed")),
        (-1, APPEND_TYPE, (400, "malformed")),
    ],
)
def test_bytes_with_wrong_headers_are_refused(
    browser_: Client,
    append: Callable[..., Any],
    track: Track,
    film: bytes,
    *,
    offset: int | str,
    kind: str,
    told: tuple[int, str],
) -> None:
    assert refusal(append(film, offset, kind)) == told

    track.refresh_from_db()
    assert track.received_bytes == 0
    assert append(film).status_code == 204


def test_bytes_the_server_cannot_keep_are_refused_and_what_came_before_is_safe(
    browser_: Client,
    append: Callable[..., Any],
    track: Track,
    *,
    film: bytes,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = [refusal(append(b"<!doctype html>" + bytes(100)))]
    append(film[:1000])
    with monkeypatch.context() as full:
        full.setattr(blobs, "has_room", lambda _size: False)
        told.append(refusal(append(film[1000:2000], 1000)))
    settings.CHUNK_MAX_BYTES = 900
    told.append(refusal(append(film[1000:2000], 1000)))
    settings.UPLOAD_MAX_BYTES = 1500
    told.append(refusal(append(film[1000:1800], 1000)))

    track.refresh_from_db()
    assert told == [
        (415, "no_media"),
        (507, "server_full"),
        (413, "chunk_too_large"),
        (413, "too_large"),
    ]
    assert track.received_bytes == 1000
    assert blobs.staged_path(track.staging_key).read_bytes() == film[:1000]


def test_nobody_else_adds_to_a_track(
    as_: Callable[[User], Client],
    append: Callable[..., Any],
    track: Track,
    *,
    candidate: User,
    peer: User,
    film: bytes,
) -> None:
    as_(peer)
    foreign = append(film)
    as_(candidate)

    assert foreign.status_code == 404
    assert append(film).status_code == 204


def test_nothing_is_added_after_the_end(
    browser_: Client, append: Callable[..., Any], track: Track, film: bytes
) -> None:
    append(film[:1000])
    ask(browser_, "recording_finish", track.recording, {"length": 1000})

    late = refusal(append(film[1000:], 1000))
    Recording.objects.update(state="discarded")

    assert late == (409, "not_recording")
    assert append(film[1000:], 1000).status_code == 404


# Finishing


def test_a_recording_is_finished_when_all_has_arrived(
    browser_: Client, append: Callable[..., Any], track: Track, film: bytes
) -> None:
    append(film[:1000])

    early = ask(browser_, "recording_finish", track.recording, {"length": len(film)})
    append(film[1000:], 1000)
    finished = [
        ask(browser_, "recording_finish", track.recording, {"length": len(film)}) for _ in range(2)
    ]
    told = browser_.get(reverse("loops:recording_status", args=[track.recording.public_id]))

    assert refusal(early) == (409, "still_missing")
    assert early["Upload-Offset"] == "1000"
    waiting = {"state": "uploaded", "duration_ms": None, "error": ""}
    assert [answer.json() for answer in [*finished, told]] == [waiting] * 3


@pytest.mark.parametrize("facts", [{}, {"length": -1}, {"length": "7"}, {"length": True}, []])
def test_a_finish_without_a_length_is_refused(
    browser_: Client, append: Callable[..., Any], track: Track, film: bytes, facts: object
) -> None:
    append(film)

    assert refusal(ask(browser_, "recording_finish", track.recording, facts)) == (400, "malformed")

    track.recording.refresh_from_db()
    assert track.recording.state == "recording"


def test_a_finish_tells_where_the_recorder_paused(
    browser_: Client, append: Callable[..., Any], track: Track, film: bytes
) -> None:
    append(film)
    facts = {"length": len(film), "pauses": [[0, 320], [95_000, 60_000], [95_000, 5]]}

    for told in (facts, {**facts, "pauses": [[1, 1]]}):
        assert ask(browser_, "recording_finish", track.recording, told).status_code == 200

    track.recording.refresh_from_db()
    assert track.recording.pauses == [[0, 320], [95_000, 60_000], [95_000, 5]]


@pytest.mark.parametrize(
    "pauses",
    [
        "none",
        None,
        {"0": 1},
        [1, 2],
        [[1]],
        [[1, 2, 3]],
        [[-1, 5]],
        [[1, -5]],
        [[1.5, 5]],
        [["1", 5]],
        [[True, 5]],
        [[5, 1], [4, 1]],
        [[1, 2**53]],
        [[0, 1]] * 1001,
    ],
)
def test_pauses_that_are_none_are_refused_and_nothing_is_lost(
    browser_: Client, append: Callable[..., Any], track: Track, film: bytes, pauses: object
) -> None:
    append(film)
    facts = {"length": len(film), "pauses": pauses}

    assert refusal(ask(browser_, "recording_finish", track.recording, facts)) == (400, "malformed")

    track.recording.refresh_from_db()
    assert (track.recording.state, track.recording.pauses) == ("recording", [])


def test_what_arrived_is_used_by_hand(
    browser_: Client, append: Callable[..., Any], track: Track, draft: Attempt, film: bytes
) -> None:
    url = reverse("loops:recording_finish", args=[track.recording.public_id])
    page = reverse("loops:attempt", args=[draft.public_id])

    nothing = browser_.post(url)
    append(film[:1000])
    used = browser_.post(url)

    track.recording.refresh_from_db()
    assert [nothing.url, used.url] == [page, page]  # type: ignore[attr-defined]
    assert words(nothing) == [
        "Nothing of this recording has arrived on the server. Record it again."
    ]
    assert track.recording.state == "uploaded"


# Discarding


def test_a_recording_is_discarded_by_the_recorder_and_by_hand(
    browser_: Client, draft: Attempt
) -> None:
    by_recorder = factories.recording(draft)
    told = ask(browser_, "recording_discard", by_recorder)
    by_hand = factories.recording(draft)
    answer = browser_.post(reverse("loops:recording_discard", args=[by_hand.public_id]))

    assert told.json()["state"] == "discarded"
    assert answer.url == reverse("loops:attempt", args=[draft.public_id])  # type: ignore[attr-defined]
    assert {*Recording.objects.values_list("state", flat=True)} == {"discarded"}


def test_what_is_handed_in_is_not_discarded(
    browser_: Client, draft: Attempt, recorded: Recording
) -> None:
    Attempt.objects.update(state="submitted", energy=0, submitted_at=NOW)

    by_recorder = ask(browser_, "recording_discard", recorded)
    by_hand = browser_.post(reverse("loops:recording_discard", args=[recorded.public_id]))

    recorded.refresh_from_db()
    assert refusal(by_recorder) == (409, "not_a_draft")
    assert "no longer a draft" in words(by_hand)[0]
    assert recorded.state == "ready"


def test_a_form_that_is_opened_as_a_page_leads_to_a_page(
    browser_: Client, recorded: Recording
) -> None:
    for name in ("recording_finish", "recording_discard"):
        answer = browser_.get(reverse(f"loops:{name}", args=[recorded.public_id]))
        assert answer.url == reverse("loops:loop_list")  # type: ignore[attr-defined]


# Playing


def test_a_recording_plays_whole_and_in_part_for_its_candidate_alone(
    as_: Callable[[User], Client], draft: Attempt, candidate: User, peer: User, film: bytes
) -> None:
    recording = factories.recording(draft, content=film)
    url = reverse("loops:recording_play", args=[recording.public_id])

    foreign = as_(peer).get(url)
    client = as_(candidate)
    whole = client.get(url)
    part = client.get(url, headers={"Range": "bytes=10-19"})
    beyond = client.get(url, headers={"Range": f"bytes={len(film)}-"})

    assert foreign.status_code == 404
    assert (whole.status_code, b"".join(whole.streaming_content)) == (200, film)  # type: ignore[attr-defined]
    assert (part.status_code, b"".join(part.streaming_content)) == (206, film[10:20])  # type: ignore[attr-defined]
    assert part["Content-Range"] == f"bytes 10-19/{len(film)}"
    assert (beyond.status_code, whole["Content-Type"]) == (416, "video/webm")
    assert whole["Cache-Control"].startswith("private")


def test_a_recording_whose_file_is_gone_is_not_found(
    browser_: Client, draft: Attempt, film: bytes
) -> None:
    recording = factories.recording(draft, content=film)
    storages["recordings"].delete(recording.file_name)

    assert (
        browser_.get(reverse("loops:recording_play", args=[recording.public_id])).status_code == 404
    )


def test_a_beginning_nested_too_deep_is_refused(browser_: Client, draft: Attempt) -> None:
    response = browser_.post(
        reverse("loops:recording_begin", args=[draft.public_id]),
        data="[" * 200_000,
        content_type="application/json",
    )

    assert refusal(response) == (400, "malformed")


def test_a_recording_that_is_not_ready_does_not_play(browser_: Client, recorded: Recording) -> None:
    Recording.objects.update(state="processing")

    answer = browser_.get(reverse("loops:recording_play", args=[recorded.public_id]))

    assert answer.status_code == 404


def test_refusals_are_not_kept_by_any_cache(
    browser_: Client, append: Callable[..., Any], film: bytes
) -> None:
    append(film[:1000])

    assert "no-store" in append(film, 0)["Cache-Control"]
