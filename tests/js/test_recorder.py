"""The recorder, the uploader and the player in a real browser with a fake camera and microphone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.test import Client
from django.utils import timezone

from loops import blobs, media
from loops.actions import recordings
from loops.models import Attempt, Cohort, Recording, Track, User
from tests import factories

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OFFLINE = re.compile("ERR_INTERNET_DISCONNECTED|Failed to load resource")
PATIENCE_MS = 15_000


@pytest.fixture
def attempt(candidate: User, cohort: Cohort) -> Attempt:
    """A predicted draft without a recording."""
    round_ = factories.loop(candidate, cohort).rounds.get()
    return factories.attempt(round_, state=Attempt.State.DRAFT, predicted_rank=2)


@pytest.fixture
def context(browser: Browser, live_server: LiveServer, candidate: User) -> Iterator[BrowserContext]:
    """The candidate's browser, signed in; its pages may break no rule and have no error."""
    client = Client()
    client.force_login(candidate)
    context = browser.new_context(
        base_url=live_server.url,
        viewport={"width": 1280, "height": 900},
        permissions=["camera", "microphone"],
    )
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
    context.add_cookies([cookie])  # type: ignore[list-item]
    problems: list[str] = []
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on(
        "console",
        lambda message: (
            problems.append(message.text)
            if message.type == "error" and not OFFLINE.search(message.text)
            else None
        ),
    )
    yield context
    context.close()
    assert problems == []


def wait_for(what: Callable[[], Any], seconds: float = 15, page: Page | None = None) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come true"
        page.wait_for_timeout(50) if page else time.sleep(0.05)
    return found


def start(page: Page, attempt: Attempt) -> None:
    page.goto(f"/attempts/{attempt.public_id}/record/")
    page.get_by_role("button", name="I agree, check my devices").click()
    page.get_by_role("button", name="Start recording").click()
    page.get_by_role("button", name="Pause").wait_for(timeout=PATIENCE_MS)


def received_bytes() -> int:
    return Track.objects.get().received_bytes


def media_ms(page: Page) -> int:
    minutes, seconds = page.locator("[data-part=time]").inner_text().split(":")
    return 1000 * (60 * int(minutes) + int(seconds))


def safe_words(page: Page) -> str:
    return page.locator("[data-part=safe]").inner_text()


def finish(page: Page, attempt: Attempt) -> Recording:
    """Finish on the page, do the worker's part, and come back to the answer's page."""
    page.get_by_role("button", name="Finish").click()
    return processed(page, attempt)


def processed(page: Page, attempt: Attempt) -> Recording:
    wait_for(lambda: Recording.objects.get().state == "uploaded", page=page)
    recordings.process(recording_id=Recording.objects.get().pk, at=timezone.now())
    page.wait_for_url(re.compile(rf"/attempts/{attempt.public_id}/$"), timeout=PATIENCE_MS)
    return Recording.objects.get()


SEEK = """async (wanted) => {
  const video = document.querySelector("video");
  const once = (type) => new Promise((done) => video.addEventListener(type, done, { once: true }));
  if (video.readyState < 1) await once("loadedmetadata");
  const seeked = once("seeked");
  document.querySelector("[data-behaviour=player]").player.seek(wanted * 1000);
  await seeked;
  return { at: video.currentTime, end: video.seekable.end(0), duration: video.duration };
}"""


def test_answer_is_sent_while_it_is_recorded_and_plays_with_seeking(
    context: BrowserContext, attempt: Attempt
) -> None:
    page = context.new_page()
    start(page, attempt)

    while_recording = wait_for(received_bytes, page=page)
    wait_for(lambda: safe_words(page) >= "Safe on the server up to 0:03", page=page)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Go on").wait_for()
    paused_at = media_ms(page)
    page.wait_for_timeout(2_500)
    assert media_ms(page) == paused_at
    page.get_by_role("button", name="Go on").click()
    wait_for(lambda: media_ms(page) >= paused_at + 3_000, page=page)
    recording = finish(page, attempt)

    assert while_recording < Track.objects.get().received_bytes
    assert (recording.state, recording.content_type) == ("ready", "video/webm")
    assert recording.duration_ms is not None
    assert paused_at + 2_500 < recording.duration_ms < paused_at + 6_500
    wanted = recording.duration_ms / 1000 - 1.5
    seen = page.evaluate(SEEK, wanted)
    assert seen["at"] == pytest.approx(wanted, abs=0.1)
    assert seen["duration"] == pytest.approx(recording.duration_ms / 1000, abs=0.05)
    assert seen["end"] == pytest.approx(seen["duration"], abs=0.05)


def test_sound_alone_survives_a_lost_network(context: BrowserContext, attempt: Attempt) -> None:
    page = context.new_page()
    page.goto(f"/attempts/{attempt.public_id}/record/")
    page.get_by_label("Microphone only").check()
    page.get_by_role("button", name="I agree, check my devices").click()
    page.get_by_role("button", name="Start recording").click()
    page.get_by_role("button", name="Pause").wait_for(timeout=PATIENCE_MS)
    wait_for(received_bytes, page=page)

    context.set_offline(True)
    page.get_by_text("The server cannot be reached.").wait_for(timeout=PATIENCE_MS)
    before = received_bytes()
    page.wait_for_timeout(2_000)
    assert received_bytes() == before
    context.set_offline(False)
    wait_for(lambda: received_bytes() > before, page=page)
    page.get_by_text("The server cannot be reached.").wait_for(state="hidden")
    seconds = media_ms(page) / 1000
    recording = finish(page, attempt)

    assert (recording.state, recording.content_type) == ("ready", "audio/webm")
    assert (recording.duration_ms or 0) / 1000 == pytest.approx(seconds, abs=1.5)
    assert page.locator("audio").count() == 1


def test_lost_camera_leaves_the_sound(context: BrowserContext, attempt: Attempt) -> None:
    page = context.new_page()
    page.add_init_script("""
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (asked) => (window.lent = await open(asked));
    """)
    start(page, attempt)
    wait_for(lambda: media_ms(page) >= 1_000, page=page)

    page.evaluate("""() => {
      const [camera] = window.lent.getVideoTracks();
      camera.stop();
      camera.dispatchEvent(new Event("ended"));
    }""")
    page.get_by_text("The recording goes on with sound alone.").wait_for()
    wait_for(lambda: media_ms(page) >= 4_000, page=page)
    recording = finish(page, attempt)

    assert recording.state == "ready"
    assert (recording.duration_ms or 0) > 3_500


def test_discarded_recording_is_erased(context: BrowserContext, attempt: Attempt) -> None:
    page = context.new_page()
    start(page, attempt)
    wait_for(received_bytes, page=page)

    page.get_by_role("button", name="Discard", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    assert Recording.objects.get().state == "recording"
    page.get_by_role("button", name="Discard", exact=True).click()
    page.get_by_role("button", name="Discard it").click()
    page.wait_for_url(re.compile(rf"/attempts/{attempt.public_id}/$"))

    assert Recording.objects.get().state == "discarded"
    assert not blobs.staged_path(Track.objects.get().staging_key).exists()


@pytest.mark.parametrize(
    ("thrown", "words"),
    [
        ("NotAllowedError", "The browser was not allowed to use the devices."),
        ("NotFoundError", "No such device was found."),
        ("NotReadableError", "Another program is using the camera or the microphone."),
    ],
)
def test_device_that_cannot_be_had_is_explained(
    context: BrowserContext, attempt: Attempt, thrown: str, words: str
) -> None:
    page = context.new_page()
    page.add_init_script(f"""
      const thrown = new DOMException("", "{thrown}");
      navigator.mediaDevices.getUserMedia = () => Promise.reject(thrown);
    """)
    page.goto(f"/attempts/{attempt.public_id}/record/")

    page.get_by_role("button", name="I agree, check my devices").click()

    page.get_by_role("alert").filter(has_text=words).wait_for()
    assert page.get_by_role("button", name="I agree, check my devices").is_visible()


def test_browser_that_cannot_record_is_told_so(context: BrowserContext, attempt: Attempt) -> None:
    page = context.new_page()
    page.add_init_script("delete window.MediaRecorder;")

    page.goto(f"/attempts/{attempt.public_id}/record/")

    page.get_by_text("This browser cannot record.").wait_for()
    assert page.get_by_role("button", name="I agree, check my devices").count() == 0


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file that takes several pieces to send."""
    path = tmp_path / "film.webm"
    media.synthesise_demo(path, 120)
    return path


def choose(page: Page, attempt: Attempt, film: Path, way: str = "Hand in a file instead") -> None:
    page.goto(f"/attempts/{attempt.public_id}/")
    page.get_by_text(way).click()
    page.get_by_label("Video or audio file").set_input_files(film)
    page.get_by_role("button", name="Send the file").click()


def test_file_goes_on_after_a_reload_where_it_was(
    context: BrowserContext, attempt: Attempt, film: Path
) -> None:
    page = context.new_page()
    is_second: list[str] = []

    def cut_the_second(route: Any) -> None:
        if route.request.method == "PATCH":
            is_second.append(route.request.headers["upload-offset"])
            if len(is_second) > 1:
                route.abort()
                return
        route.continue_()

    page.route("**/tracks/**", cut_the_second)
    choose(page, attempt, film)
    page.get_by_text("The server cannot be reached.").wait_for(timeout=PATIENCE_MS)
    first_piece = received_bytes()
    page.unroute_all()
    page.on("dialog", lambda dialog: dialog.accept())
    choose(page, attempt, film, way="Go on sending the same file")
    recording = processed(page, attempt)

    assert 0 < first_piece < film.stat().st_size
    assert Track.objects.get().received_bytes == film.stat().st_size
    assert recording.state == "ready"
    assert recording.duration_ms == pytest.approx(120_000, abs=50)


def test_cancelled_file_leaves_nothing(
    context: BrowserContext, attempt: Attempt, film: Path
) -> None:
    page = context.new_page()
    page.route("**/tracks/**", lambda route: route.abort())
    choose(page, attempt, film)
    page.get_by_text("The server cannot be reached.").wait_for(timeout=PATIENCE_MS)

    page.get_by_role("button", name="Cancel").click()
    wait_for(lambda: Recording.objects.get().state == "discarded", page=page)

    assert page.get_by_role("button", name="Send the file").is_visible()


def test_file_of_no_kind_we_play_is_refused_at_once(
    context: BrowserContext, attempt: Attempt, tmp_path: Path
) -> None:
    essay = tmp_path / "essay.webm"
    essay.write_text("An essay that calls itself a film. " * 100)
    page = context.new_page()

    choose(page, attempt, essay)

    page.get_by_role("alert").filter(has_text="not a video or sound file").wait_for()
    wait_for(lambda: Recording.objects.get().state == "discarded", page=page)


@dataclass(frozen=True)
class Mark:
    """A mark as the player's template wants it."""

    start_ms: int
    end_ms: int | None
    kind: str
    text: str


def test_player_seeks_by_its_marks_and_by_links(
    context: BrowserContext, live_server: LiveServer, attempt: Attempt, film: Path
) -> None:
    recording = factories.recording(attempt, film.read_bytes(), duration_ms=120_008)
    marks = [
        Mark(10_000, 20_000, "evidence", "Names who is hurt"),
        Mark(60_000, None, "signal", "Draws before it is bounded"),
    ]
    part = render_to_string(
        "parts/_player.html",
        {
            "src": f"/recordings/{recording.public_id}/play/",
            "content_type": "video/webm",
            "duration_ms": recording.duration_ms,
            "marks": marks,
        },
    )
    link = '<a class="note__at" href="#t=95" data-start-ms="95000">1:35</a>'
    module = f'<script type="module" src="{static("js/site.js")}"></script>'
    body = "<!doctype html>" + part + link + module
    page = context.new_page()
    page.route("**/player-page/", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.route("**/favicon.ico", lambda route: route.fulfill(body=""))
    page.goto(f"{live_server.url}/player-page/#t=30")
    at = "document.querySelector('video').currentTime"
    wait_for(lambda: page.evaluate(at) == pytest.approx(30, abs=0.1), page=page)

    page.get_by_role("button", name="Draws before it is bounded").click()
    wait_for(lambda: page.evaluate(at) == pytest.approx(60, abs=0.1), page=page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    wait_for(lambda: page.evaluate(at) == pytest.approx(10, abs=0.1), page=page)
    page.get_by_role("link", name="1:35").click()
    wait_for(lambda: page.evaluate(at) == pytest.approx(95, abs=0.1), page=page)

    player = "document.querySelector('[data-behaviour=player]').player"
    assert page.evaluate(f"[{player}.speed(1), {player}.speed(-9), {player}.speed(99)]") == [
        1.25,
        0.5,
        2,
    ]
    page.evaluate(f"{player}.step(-5000)")
    wait_for(lambda: page.locator("[data-part=time]").inner_text() == "1:30", page=page)
    assert page.evaluate(f"{player}.currentMs()") == 90_000
