"""What a candidate sees and does while a recording is made ready, and when it could not be."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from loops.actions import processing
from loops.models import Attempt, Recording, Upload, User
from tests import factories
from tests.factories import NOW


@pytest.fixture
def browser_(as_: Callable[[User], Client], candidate: User) -> Client:
    """The candidate's browser."""
    return as_(candidate)


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which recordings a worker was asked for: no worker runs here."""
    asked: list[int] = []
    monkeypatch.setattr(
        processing, "enqueue", lambda _task, *, recording_id: asked.append(recording_id)
    )
    return asked


@pytest.fixture
def failed(draft: Attempt) -> Recording:
    """A recording that could not be made playable, with its bytes as they came."""
    made = factories.recording(draft, state="failed", error_code="crashed", duration_ms=None)
    factories.upload(made, b"bytes as they came")
    return made


def address(name: str, recording: Recording) -> str:
    return reverse(f"loops:{name}", args=[recording.public_id])


def test_the_recorder_is_told_how_far_it_is(browser_: Client, draft: Attempt) -> None:
    recording = factories.recording(draft, state="processing", duration_ms=None)
    upload = factories.upload(recording, b"bytes")
    upload.track.steps.create(name="remux", state="running", progress=0.25, lease_until=NOW)

    told = browser_.get(address("recording_status", recording)).json()

    assert told == {
        "state": "processing",
        "duration_ms": None,
        "error": "",
        "message": "Making it seekable",
        "progress": 0.25,
        "uploads": {str(upload.public_id): 5},
    }


def test_the_recorder_is_told_what_is_missing(browser_: Client, draft: Attempt) -> None:
    recording = factories.recording(draft, state="ready_partial", is_interrupted=True)
    factories.upload(recording, b"bytes")

    told = browser_.get(address("recording_status", recording)).json()

    assert (told["progress"], told["duration_ms"]) == (1, 600_000)
    assert told["message"].startswith("It plays, but not all of it is there. It was not finished")


@pytest.mark.parametrize("is_handed_in", [False, True])
def test_what_failed_can_be_tried_again_and_downloaded(
    browser_: Client, failed: Recording, rung: list[int], is_handed_in: bool
) -> None:
    page = reverse("loops:attempt", args=[failed.attempt.public_id])
    if is_handed_in:
        facts = {"state": "submitted", "submitted_at": NOW, "energy": 0}
        Attempt.objects.filter(pk=failed.attempt_id).update(**facts)

    html = browser_.get(page, follow=True).content.decode()
    again = browser_.post(address("recording_again", failed))
    busy = browser_.get(page, follow=True).content.decode()

    raw = reverse("loops:upload_raw", args=[Upload.objects.get().public_id])
    assert "The server could not read it" in html
    assert f'href="{raw}"' in html
    assert f'action="{address("recording_again", failed)}"' in html
    assert again.url == page  # type: ignore[attr-defined]
    assert rung == [failed.pk]
    assert "Being made ready to play" in busy
    assert "waits for its turn" in busy
    assert 'hx-trigger="every 2s"' in busy


def test_trying_again_by_a_script_is_answered_with_where_it_stands(
    browser_: Client, failed: Recording
) -> None:
    def post() -> Any:
        return browser_.post(
            address("recording_again", failed), "{}", content_type="application/json"
        )

    first, second = post(), post()

    assert (first.status_code, first.json()["state"]) == (200, "uploaded")
    assert (second.status_code, json.loads(second.content)["code"]) == (409, "nothing_to_try")


def test_what_is_gone_is_not_offered(browser_: Client, failed: Recording) -> None:
    Upload.objects.update(is_kept=False)
    page = reverse("loops:attempt", args=[failed.attempt.public_id])

    html = browser_.get(page).content.decode()
    refused = browser_.post(address("recording_again", failed))

    assert ("Try again</button>" in html, "Download the original" in html) == (False, False)
    (told,) = get_messages(refused.wsgi_request)
    assert "There is nothing to try again" in str(told)


def test_what_plays_in_part_says_so_to_its_candidate_alone(
    as_: Callable[[User], Client], candidate: User, draft: Attempt
) -> None:
    recording = factories.recording(draft, state="ready_partial")
    recording.tracks.update(gaps=[[61_000, 84_000]])
    factories.upload(recording, b"bytes")
    for state in ("draft", "submitted"):
        facts = {"state": state, "submitted_at": NOW, "energy": 0} if state != "draft" else {}
        Attempt.objects.filter(pk=draft.pk).update(**facts)

        page = reverse("loops:attempt", args=[draft.public_id])
        html = as_(candidate).get(page, follow=True).content.decode()

        assert "There is a gap of 23 s, marked on the bar." in html
        assert "Download the original" in html
        assert "<video" in html


def test_the_waiting_page_is_loaded_anew_once_its_recording_plays(
    browser_: Client, draft: Attempt
) -> None:
    recording = factories.recording(draft, state="processing")
    Attempt.objects.filter(pk=draft.pk).update(state="submitted", submitted_at=NOW, energy=0)
    url = reverse("feedback:results", args=[draft.public_id])
    asks = {"HX-Request": "true", "HX-Target": "recorded"}

    busy = browser_.get(url, headers=asks)
    Recording.objects.filter(pk=recording.pk).update(state="ready")
    ready = browser_.get(url, headers=asks)

    assert 'id="recorded"' in busy.content.decode()
    assert "HX-Refresh" not in busy
    assert ready["HX-Refresh"] == "true"
