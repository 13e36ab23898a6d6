"""The recorder's addresses beside its bytes: finish, status, discard, erase."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from loops import blobs
from loops.actions import recordings, transcripts
from loops.models import Attempt, Recording, Transcript, Upload, User
from tests import factories
from tests.factories import NOW

FILM = b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 40


@pytest.fixture
def browser_(as_: Callable[[User], Client], candidate: User) -> Client:
    """The candidate's browser."""
    return as_(candidate)


@pytest.fixture
def upload(draft: Attempt, candidate: User) -> Upload:
    """The camera of a recording of the draft that was just begun."""
    return recordings.begin(
        attempt=draft,
        role="camera",
        content_type="video/webm",
        by=candidate,
        at=NOW,
        has_consent=True,
    )


@pytest.fixture
def arrived(upload: Upload, candidate: User) -> Upload:
    """The same, with all of its bytes."""
    append(upload, FILM, candidate)
    return upload


def append(upload: Upload, content: bytes, by: User, offset: int = 0) -> None:
    """Have bytes arrive."""
    recordings.append(
        upload=upload,
        stream=io.BytesIO(content),
        offset=offset,
        size=len(content),
        by=by,
        at=NOW,
    )


def ask(client: Client, name: str, row: Recording, facts: object = None) -> Any:
    """Post JSON as the recorder does."""
    return client.post(
        reverse(f"loops:{name}", args=[row.public_id]),
        json.dumps(facts if facts is not None else {}),
        content_type="application/json",
        headers={"Accept": "application/json"},
    )


def length_of(upload: Upload, length: object = len(FILM), **more: object) -> dict[str, object]:
    """Return how a recorder tells that it is done."""
    return {"uploads": {str(upload.public_id): length}, **more}


def refusal(response: Any) -> tuple[int, str]:
    """Return the status and the code, and see that there are words."""
    told = response.json()
    assert told["message"]
    return response.status_code, told["code"]


def words(response: Any) -> list[str]:
    """Return the messages that wait for the next page."""
    return [str(message) for message in get_messages(response.wsgi_request)]


# Finishing


def test_a_recording_is_finished_when_all_has_arrived(
    browser_: Client, upload: Upload, candidate: User
) -> None:
    recording, key = upload.track.recording, str(upload.public_id)
    append(upload, FILM[:1000], candidate)

    early = ask(browser_, "recording_finish", recording, length_of(upload))
    append(upload, FILM[1000:], candidate, 1000)
    told = [ask(browser_, "recording_finish", recording, length_of(upload)) for _press in range(2)]
    told.append(browser_.get(reverse("loops:recording_status", args=[recording.public_id])))

    assert refusal(early) == (409, "still_missing")
    assert early.json()["uploads"] == {key: 1000}
    for response in told:
        status = response.json()
        assert (status["state"], status["duration_ms"], status["error"]) == ("uploaded", None, "")
        assert status["uploads"] == {key: len(FILM)}


def test_a_part_begins_no_later_than_a_recording_may_last(
    browser_: Client, arrived: Upload
) -> None:
    key, most = str(arrived.public_id), recordings.LATEST_START_MS
    finish = ("recording_finish", arrived.track.recording)

    late = ask(browser_, *finish, length_of(arrived, starts={key: most + 1}))
    assert refusal(late) == (400, "malformed")
    assert ask(browser_, *finish, length_of(arrived, starts={key: most})).status_code == 200


def test_captions_that_cannot_be_kept_cost_no_recording(
    browser_: Client, arrived: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(transcripts, "take_browser_cues", fail)

    finished = ask(browser_, "recording_finish", arrived.track.recording, length_of(arrived))

    assert (finished.status_code, finished.json()["state"]) == (200, "uploaded")


@pytest.mark.parametrize("length", [-1, "7", True, None, 2**63])
def test_a_finish_without_lengths_is_refused(
    browser_: Client, arrived: Upload, length: object
) -> None:
    recording = arrived.track.recording
    garbage: list[object] = [
        {},
        [],
        "all",
        {"uploads": []},
        {"uploads": {"first": 7}},
        length_of(arrived, length),
        length_of(arrived, starts=[0]),
        length_of(arrived, starts={str(arrived.public_id): length}),
    ]

    for facts in garbage:
        told = refusal(ask(browser_, "recording_finish", recording, facts))
        assert told == (400, "malformed"), facts
    recording.refresh_from_db()
    assert recording.state == "recording"


def test_a_finish_nested_too_deep_is_refused(browser_: Client, arrived: Upload) -> None:
    response = browser_.post(
        reverse("loops:recording_finish", args=[arrived.track.recording.public_id]),
        data="[" * 200_000,
        content_type="application/json",
    )

    assert refusal(response) == (400, "malformed")


def test_a_finish_tells_where_it_paused_and_where_its_parts_begin(
    browser_: Client, arrived: Upload
) -> None:
    recording = arrived.track.recording
    facts = {
        "pauses": [[0, 320], [95_000, 60_000], [95_000, 5]],
        "starts": {str(arrived.public_id): 1200},
    }

    for told in (facts, {**facts, "pauses": [[1, 1]]}):
        finished = ask(browser_, "recording_finish", recording, length_of(arrived, **told))
        assert finished.status_code == 200

    recording.refresh_from_db()
    arrived.refresh_from_db()
    assert recording.pauses == [[0, 320], [95_000, 60_000], [95_000, 5]]
    assert (arrived.start_ms, recording.tracks.get().start_ms) == (1200, 1200)


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
    browser_: Client, arrived: Upload, pauses: object
) -> None:
    recording = arrived.track.recording

    told = ask(browser_, "recording_finish", recording, length_of(arrived, pauses=pauses))

    assert refusal(told) == (400, "malformed")
    recording.refresh_from_db()
    assert (recording.state, recording.pauses) == ("recording", [])


@pytest.mark.parametrize(
    ("cues", "kept"),
    [
        (
            [
                {"start_ms": 0, "end_ms": 900, "text": "Who is hurt?"},
                {"start_ms": 900, "end_ms": 1800, "text": " The   users. "},
            ],
            ["Who is hurt?", "The users."],
        ),
        (
            [
                7,
                {},
                {"start_ms": -1, "end_ms": 9, "text": "before"},
                {"start_ms": 0, "end_ms": "9", "text": "a word"},
                {"start_ms": 0, "end_ms": 9, "text": None},
                {"start_ms": 5, "end_ms": 9, "text": "\x00here"},
            ],
            ["here"],
        ),
        ("none", []),
        (None, []),
    ],
)
def test_what_the_browser_understood_costs_no_recording(
    browser_: Client, arrived: Upload, cues: object, kept: list[str]
) -> None:
    recording = arrived.track.recording
    facts = length_of(arrived, cues=cues, language="en-GB")

    assert ask(browser_, "recording_finish", recording, facts).json()["state"] == "uploaded"

    transcript = Transcript.objects.filter(recording=recording).first()
    found = [cue.text for cue in transcript.cues.all()] if transcript else []
    assert found == kept
    assert not transcript or (transcript.language, transcript.source) == ("en-GB", "browser")


def test_what_arrived_is_used_by_hand(
    browser_: Client, upload: Upload, draft: Attempt, candidate: User
) -> None:
    url = reverse("loops:recording_finish", args=[upload.track.recording.public_id])
    page = reverse("loops:attempt", args=[draft.public_id])

    nothing = browser_.post(url)
    append(upload, FILM[:1000], candidate)
    used = browser_.post(url)

    upload.track.recording.refresh_from_db()
    assert [nothing.url, used.url] == [page, page]  # type: ignore[attr-defined]
    assert words(nothing) == [
        "Nothing of this recording has arrived on the server. Record it again."
    ]
    assert (upload.track.recording.state, upload.track.recording.is_interrupted) == (
        "uploaded",
        True,
    )


# Putting away


def test_a_recording_is_discarded_by_the_recorder_and_by_hand_once_or_twice(
    browser_: Client, draft: Attempt
) -> None:
    by_recorder = factories.recording(draft)
    told = [ask(browser_, "recording_discard", by_recorder).json()["state"] for _press in range(2)]
    by_hand = factories.recording(draft)
    url = reverse("loops:recording_discard", args=[by_hand.public_id])
    answers = [browser_.post(url) for _press in range(2)]

    assert told == ["discarded"] * 2
    page = reverse("loops:attempt", args=[draft.public_id])
    assert [answer.url for answer in answers] == [page] * 2  # type: ignore[attr-defined]
    assert {*Recording.objects.values_list("state", flat=True)} == {"discarded"}


def test_what_is_handed_in_is_not_discarded_but_erased(
    browser_: Client,
    draft: Attempt,
    recorded: Recording,
    django_capture_on_commit_callbacks: Any,
) -> None:
    name = factories.rendition(recorded.tracks.get(), FILM, kind="poster").name
    Attempt.objects.update(state="submitted", energy=0, submitted_at=NOW)
    discard, erase = (
        reverse(f"loops:recording_{verb}", args=[recorded.public_id])
        for verb in ("discard", "erase")
    )

    refused = ask(browser_, "recording_discard", recorded)
    refused_by_hand = browser_.post(discard)
    recorded.refresh_from_db()
    was = recorded.state
    with django_capture_on_commit_callbacks(execute=True):
        erased = browser_.post(erase)
    again, by_script = browser_.post(erase), ask(browser_, "recording_erase", recorded)

    assert refusal(refused) == (409, "not_a_draft")
    assert "no longer a draft" in words(refused_by_hand)[0]
    assert was == "ready"
    page = reverse("loops:attempt", args=[draft.public_id])
    assert [erased.url, again.url] == [page, page]  # type: ignore[attr-defined]
    assert words(erased)[-1].startswith("The recording and its words are erased.")
    assert (by_script.status_code, by_script.json()["state"]) == (200, "erased")
    assert not blobs.stored().exists(name)


def test_nobody_else_puts_a_recording_away(
    as_: Callable[[User], Client], recorded: Recording, peer: User
) -> None:
    client = as_(peer)

    for name in ("recording_finish", "recording_discard", "recording_erase"):
        assert ask(client, name, recorded).status_code == 404
    recorded.refresh_from_db()
    assert recorded.state == "ready"


def test_a_form_that_is_opened_as_a_page_leads_to_a_page(
    browser_: Client, recorded: Recording
) -> None:
    for name in ("recording_finish", "recording_discard", "recording_erase"):
        answer = browser_.get(reverse(f"loops:{name}", args=[recorded.public_id]))
        assert answer.url == reverse("loops:loop_list")  # type: ignore[attr-defined]
