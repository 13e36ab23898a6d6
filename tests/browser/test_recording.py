"""The recorder and the uploader in a real browser, with a fake camera, microphone and screen.

What each test is about is a way to lose an answer: a page that closes, a network, a browser or a
server that dies, a disk that is full, a device that is pulled out. None of them may.
"""

import hashlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from loops import blobs, media
from loops.actions import processing, recordings
from loops.models import Attempt, Cohort, Recording, Track, Upload, User
from tests import factories
from tests.browser.world import session_of
from tests.conftest import CHROMIUM_FLAGS
from tests.processes import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NETWORK = re.compile("ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_FAILED|Failed to load resource")
PATIENCE_MS = 15_000
POLICY = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} refused ${event.blockedURI}`);
});
"""
MADE = """
(() => {
  const start = MediaRecorder.prototype.start;
  const made = [];
  MediaRecorder.prototype.start = function (...given) {
    const slices = [];
    made.push(slices);
    this.addEventListener("dataavailable", ({ data }) => slices.push(data));
    return start.apply(this, given);
  };
  window.digestOfMade = async () => {
    const bytes = await new Blob(made.flat()).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
})();
"""
LENT = """
(() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (asked) => (window.lent = await open(asked));
  window.pullOut = (kind) => {
    for (const track of window.lent.getTracks().filter((one) => one.kind === kind)) {
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }
  };
})();
"""
PROMPTS = """
(() => {
  window.lent = [];
  window.starts = 0;
  const answered = new Promise((answer) => (window.answerPrompts = answer));
  for (const name of ["getUserMedia", "getDisplayMedia"]) {
    const open = navigator.mediaDevices[name].bind(navigator.mediaDevices);
    navigator.mediaDevices[name] = async (asked) => {
      const stream = await open(asked);
      window.lent.push(stream);
      if (window.arePrompting) await answered;
      return stream;
    };
  }
  const start = MediaRecorder.prototype.start;
  MediaRecorder.prototype.start = function (...given) {
    window.starts += 1;
    return start.apply(this, given);
  };
  window.loseMicrophone = () => {
    const [microphone] = window.lent[0].getAudioTracks();
    microphone.stop();
    microphone.dispatchEvent(new Event("ended"));
  };
})();
"""
LIVE = "lent.flatMap((one) => one.getTracks()).filter((one) => one.readyState === 'live').length"
LOOK = """async () => {
  const entries = performance.getEntriesByType("resource");
  const address = entries.map(({ name }) => name).find((name) => /unfinished[^/]*[.]js/.test(name));
  if (!address) return false;
  const { show } = await import(address);
  await show(document.body.dataset.user);
  return true;
}"""
SMALL_SCREEN = """
(() => {
  const share = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getDisplayMedia = async (asked) => {
    const screen = await share(asked);
    await screen.getVideoTracks()[0].applyConstraints({ width: 320, height: 180 });
    return screen;
  };
})();
"""
SEEK = """async (wanted) => {
  const video = document.querySelector("video");
  const once = (type) => new Promise((done) => video.addEventListener(type, done, { once: true }));
  if (video.readyState < 1) await once("loadedmetadata");
  const root = document.querySelector("[data-behaviour~=player]");
  while (!root.player) await new Promise((done) => setTimeout(done, 20));
  const seeked = once("seeked");
  root.player.seek(wanted * 1000);
  await seeked;
  return { at: video.currentTime, end: video.seekable.end(0), duration: video.duration };
}"""


@pytest.fixture
def attempt(candidate: User, cohort: Cohort) -> Attempt:
    """A predicted draft without a recording."""
    round_ = factories.loop(candidate, cohort).rounds.get()
    return factories.attempt(round_, state=Attempt.State.DRAFT, predicted_rank=2)


@pytest.fixture
def open_browser(
    browser: "Browser", chromium: str, candidate: User
) -> "Iterator[Callable[..., BrowserContext]]":
    """Return a function that signs the candidate in to a site, in a browser of their own.

    With a `profile` it is a process of its own, that may be killed and started again. At the end
    no page of any may have broken the content security policy or had an error.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def opened(site: str, profile: Path | None = None) -> "BrowserContext":
        look: dict[str, Any] = {
            "base_url": site,
            "viewport": {"width": 1280, "height": 900},
            "permissions": ["camera", "microphone"],
        }
        if profile:
            context = browser.browser_type.launch_persistent_context(
                profile,
                executable_path=chromium,
                args=CHROMIUM_FLAGS,
                **look,
            )
        else:
            context = browser.new_context(**look)
        contexts.append(context)
        sign_in(context, site, candidate)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(POLICY)
        context.on("weberror", lambda error: problems.append(str(error.error)))
        context.on(
            "console",
            lambda message: (
                problems.append(message.text)
                if message.type == "error" and not NETWORK.search(message.text)
                else None
            ),
        )
        return context

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def context(
    open_browser: "Callable[..., BrowserContext]", live_server: "LiveServer"
) -> "BrowserContext":
    return open_browser(live_server.url)


def sign_in(context: "BrowserContext", site: str, user: User) -> None:
    cookie = {"name": "session", "value": session_of(user), "url": site}
    context.add_cookies([cookie])  # type: ignore[list-item]


def wait_for(what: Callable[[], Any], page: "Page", seconds: float = 15) -> Any:
    """Return what is true of the world while the page goes on living."""
    for _ in range(int(seconds * 20)):
        if found := what():
            return found
        page.wait_for_timeout(50)
    pytest.fail("it did not come true")


def press(page: "Page", name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def check_devices(page: "Page", attempt: Attempt) -> None:
    page.goto(f"/attempts/{attempt.public_id}/record/")
    press(page, "I agree, check my devices")
    page.get_by_role("button", name="Start recording").wait_for()


def start(page: "Page", attempt: Attempt) -> None:
    check_devices(page, attempt)
    press(page, "Start recording")
    page.get_by_role("button", name="Pause").wait_for()


def part(page: "Page", name: str) -> str:
    return page.locator(f"[data-part={name}]").inner_text()


def media_ms(page: "Page") -> int:
    minutes, seconds = part(page, "time").split(":")
    return 1000 * (60 * int(minutes) + int(seconds))


def record_until(page: "Page", ms: int) -> None:
    wait_for(lambda: media_ms(page) >= ms, page, seconds=25)


def received_bytes() -> int:
    return sum(Upload.objects.values_list("received_bytes", flat=True))


def finish(page: "Page", attempt: Attempt) -> Recording:
    """Finish on the page, do the worker's part, and come back to the answer's page."""
    press(page, "Finish")
    made_ready(page)
    page.wait_for_url(re.compile(rf"/attempts/{attempt.public_id}/$"))
    return Recording.objects.get()


def made_ready(page: "Page") -> Recording:
    recording = Recording.objects.get()
    wait_for(lambda: Recording.objects.get().state == "uploaded", page)
    processing.process(recording_id=recording.pk, now=timezone.now)
    return Recording.objects.get()


def staged() -> Path:
    return blobs.staged_path(Upload.objects.get().staging_key)


def staged_digest() -> str:
    return hashlib.sha256(staged().read_bytes()).hexdigest()


def has_unacknowledged() -> bool:
    """Say whether bytes lie on the disk that the server has not acknowledged."""
    return staged().stat().st_size > received_bytes()


def is_amid_a_piece(page: "Page") -> bool:
    """Say whether a piece is coming in, and not only about to be acknowledged."""
    if not has_unacknowledged():
        return False
    page.wait_for_timeout(300)
    return has_unacknowledged()


class Line:
    """What a page sends by; one session sets its speed and sets it back."""

    def __init__(self, page: "Page") -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("Network.enable")

    def take(self, bytes_a_second: int) -> None:
        """Let it take so much; -1 is as much as it can."""
        speeds = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
        self._devtools.send("Network.emulateNetworkConditions", {"offline": False, **speeds})


def kept_here(page: "Page") -> str | None:
    """Return how many recordings the browser says it keeps."""
    kept: str | None = page.evaluate("localStorage.getItem('plumbline.unfinished')")
    return kept


def kill(profile: Path) -> None:
    """End the browser of a profile with all its processes, as a power cut would."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(profile) in (entry / "cmdline").read_text():
                os.kill(int(entry.name), signal.SIGKILL)
        except (OSError, UnicodeDecodeError):
            continue


def test_an_answer_is_sent_while_it_is_recorded_and_plays_with_seeking(
    context: "BrowserContext", attempt: Attempt
) -> None:
    page = context.new_page()
    start(page, attempt)

    while_recording = wait_for(received_bytes, page)
    record_until(page, 3_000)
    press(page, "Pause")
    page.get_by_role("button", name="Go on").wait_for()
    assert kept_here(page) == "1"
    expect(page.locator("[data-part=safe]")).to_have_text(re.compile("up to 0:0[3-9]"))
    expect(page.locator("[data-part=pending]")).to_have_text("all sent")
    assert re.search(r"\d+:\d\d left", part(page, "phase-left"))
    paused_at = media_ms(page)
    page.wait_for_timeout(2_000)
    assert media_ms(page) == paused_at
    press(page, "Go on")
    record_until(page, paused_at + 3_000)
    recording = finish(page, attempt)

    assert while_recording < Upload.objects.get().received_bytes
    assert (recording.state, recording.consent_version > 0) == ("ready", True)
    assert recording.duration_ms is not None
    assert paused_at + 2_500 < recording.duration_ms < paused_at + 6_500
    assert [at for at, _lasted in recording.pauses[1:]] == [pytest.approx(paused_at, abs=1_000)]
    wanted = recording.duration_ms / 1000 - 1.5
    seen = page.evaluate(SEEK, wanted)
    assert seen["at"] == pytest.approx(wanted, abs=0.1)
    assert seen["duration"] == pytest.approx(recording.duration_ms / 1000, abs=0.1)
    assert seen["end"] == pytest.approx(seen["duration"], abs=0.05)
    assert kept_here(page) is None  # the server has made it ready: nothing is needed here


def test_sound_alone_is_tested_and_survives_a_lost_network(
    context: "BrowserContext", attempt: Attempt
) -> None:
    page = context.new_page()
    page.goto(f"/attempts/{attempt.public_id}/record/")
    page.get_by_label("Microphone only").check()
    press(page, "I agree, check my devices")
    page.get_by_text("Sound only. Your graders hear you.").wait_for()
    expect(page.locator("[data-check=microphone]")).to_contain_text("We hear you.")
    expect(page.locator("[data-check=browser]")).to_contain_text("needed")
    press(page, "Test five seconds")
    page.get_by_text("Recording a test").wait_for()
    page.get_by_role("button", name="Test again").wait_for()
    played = "document.querySelector('[data-part=clip]').currentTime"
    wait_for(lambda: page.evaluate(played) > 0.5, page)
    press(page, "Start recording")
    page.get_by_role("button", name="Pause").wait_for()
    wait_for(received_bytes, page)

    context.set_offline(True)
    page.get_by_text("The server cannot be reached.").wait_for()
    before = received_bytes()
    record_until(page, media_ms(page) + 2_000)
    assert received_bytes() == before
    assert re.search(r"\d+ s to send", part(page, "pending"))
    context.set_offline(False)
    wait_for(lambda: received_bytes() > before, page)
    page.get_by_text("The server cannot be reached.").wait_for(state="hidden")
    seconds = media_ms(page) / 1000
    recording = finish(page, attempt)

    assert (recording.state, recording.tracks.get().role) == ("ready", "microphone")
    assert (recording.duration_ms or 0) / 1000 == pytest.approx(seconds, abs=1.5)
    assert page.locator("audio").count() == 1


def test_a_pulled_camera_leaves_the_sound_and_a_pulled_microphone_gives_way_to_another(
    context: "BrowserContext", attempt: Attempt
) -> None:
    page = context.new_page()
    page.add_init_script(LENT)
    start(page, attempt)
    record_until(page, 1_000)

    page.evaluate("pullOut('video')")
    page.get_by_text("The recording goes on with sound alone.").wait_for()
    record_until(page, 3_000)
    page.evaluate("pullOut('audio')")
    page.get_by_text("The recording goes on with another one").wait_for()
    record_until(page, 6_000)
    recording = finish(page, attempt)

    first, second = Upload.objects.order_by("part_no")
    assert first.start_ms == 0
    assert second.start_ms == pytest.approx(3_500, abs=1_000)
    assert min(first.received_bytes, second.received_bytes) > 0
    assert recording.is_ready
    assert not recording.is_interrupted
    assert recording.tracks.get().error_code == ""  # neither part is left out
    assert (recording.duration_ms or 0) > 5_000


def test_a_device_that_is_lent_after_the_end_is_let_go(
    context: "BrowserContext", attempt: Attempt
) -> None:
    page = context.new_page()
    page.add_init_script(PROMPTS)
    start(page, attempt)
    record_until(page, 1_000)

    page.evaluate("window.arePrompting = true")
    press(page, "Share screen")
    page.evaluate("loseMicrophone()")
    wait_for(lambda: page.evaluate("lent.length") == 3, page)
    press(page, "Finish")
    page.locator("[data-part=state]").get_by_text("Sent").wait_for()
    page.evaluate("answerPrompts()")
    wait_for(lambda: page.evaluate(LIVE) == 0, page)

    assert page.evaluate("starts") == 1
    assert Upload.objects.count() == 1
    assert Recording.objects.get().state == "uploaded"


def test_to_use_what_arrived_keeps_the_rest_here_until_it_is_deleted(
    context: "BrowserContext", attempt: Attempt, tmp_path: Path
) -> None:
    page = context.new_page()
    start(page, attempt)
    wait_for(received_bytes, page)
    Upload.objects.update(most_bytes=received_bytes() + 1)
    page.get_by_role("button", name="Save a copy here").wait_for()
    record_until(page, media_ms(page) + 2_000)
    press(page, "Finish")
    press(page, "Use what arrived")
    recording = made_ready(page)
    page.wait_for_url(re.compile(rf"/attempts/{attempt.public_id}/$"))

    assert (recording.is_ready, recording.is_interrupted) == (True, True)
    offer = page.locator(".unfinished")
    expect(offer).to_contain_text("that were recorded")
    assert kept_here(page) == "1"
    with page.expect_download() as download:
        press(page, "Download")
    download.value.save_as(tmp_path / "copy.webm")
    assert (tmp_path / "copy.webm").stat().st_size > received_bytes()
    press(page, "Delete")
    press(page, "Delete it")
    offer.wait_for(state="detached")
    assert kept_here(page) is None
    assert Recording.objects.get().is_ready


def test_a_screen_is_a_track_beside_and_may_end_before(
    context: "BrowserContext", attempt: Attempt
) -> None:
    page = context.new_page()
    page.add_init_script(SMALL_SCREEN)  # two cores code no large one in time beside a camera
    start(page, attempt)
    record_until(page, 1_000)

    press(page, "Share screen")
    page.get_by_role("button", name="Stop sharing").wait_for()
    shared_at = media_ms(page)
    record_until(page, shared_at + 3_000)
    press(page, "Stop sharing")
    record_until(page, shared_at + 5_000)
    recording = finish(page, attempt)

    camera, screen = Track.objects.order_by("pk")
    assert (recording.is_ready, camera.role, screen.role) == (True, "camera", "screen")
    assert shared_at - 500 < screen.start_ms < shared_at + 2_500
    assert 2_000 < (screen.duration_ms or 0) < (camera.duration_ms or 0) - 1_500
    assert not screen.audio_codec


def test_one_page_records_and_what_is_discarded_is_erased(
    context: "BrowserContext", attempt: Attempt
) -> None:
    page, second = context.new_page(), context.new_page()
    start(page, attempt)
    wait_for(received_bytes, page)

    check_devices(second, attempt)
    press(second, "Start recording")
    second.get_by_role("alert").filter(has_text="Another window is recording").wait_for()
    assert second.locator(".unfinished").count() == 0
    press(page, "Discard")
    press(page, "Keep it")
    assert Recording.objects.get().state == "recording"
    press(page, "Discard")
    press(page, "Discard it")
    page.wait_for_url(re.compile(rf"/attempts/{attempt.public_id}/$"))

    assert Recording.objects.get().state == "discarded"
    assert kept_here(page) is None
    assert not any(
        blobs.staged_path(key).exists()
        for key in Upload.objects.values_list("staging_key", flat=True)
    )


def test_a_closed_page_loses_a_second_at_most_and_goes_on_where_it_broke_off(
    context: "BrowserContext", live_server: "LiveServer", attempt: Attempt, outsider: User
) -> None:
    page = context.new_page()
    start(page, attempt)
    record_until(page, 10_000)
    page.close()

    assert media.probe(staged()).duration_ms >= 8_500

    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    sign_in(context, live_server.url, outsider)
    page.goto(reverse("loops:profile"))
    wait_for(lambda: page.evaluate(LOOK), page)
    assert page.locator(".unfinished").count() == 0
    sign_in(context, live_server.url, attempt.round.loop.member)
    stale = context.new_page()
    stale.goto(reverse("feedback:readiness"))
    stale.locator(".unfinished").wait_for()
    page.goto(f"/attempts/{attempt.public_id}/record/")
    press(page, "Go on recording")
    press(page, "Start recording")
    page.get_by_role("button", name="Pause").wait_for()
    assert media_ms(page) >= 9_000
    press(stale, "Delete")
    stale.get_by_role("alert").filter(has_text="Another window is at work on it.").wait_for()
    stale.close()
    record_until(page, 13_000)
    recording = finish(page, attempt)

    assert recording.tracks.get().uploads.count() == 2
    assert (recording.duration_ms or 0) > 12_000
    assert recording.pauses[-1][1] > 1_000  # as long as it lay


def test_a_killed_browser_offers_its_recording_on_any_page_and_finishes_it(
    open_browser: "Callable[..., BrowserContext]",
    live_server: "LiveServer",
    attempt: Attempt,
    tmp_path: Path,
) -> None:
    profile = tmp_path / "profile"
    context = open_browser(live_server.url, profile)
    page = context.new_page()
    start(page, attempt)
    record_until(page, 4_000)
    context.set_offline(True)
    record_until(page, 11_000)
    before = received_bytes()
    kill(profile)

    context = open_browser(live_server.url, profile)
    page = context.new_page()
    page.goto(reverse("feedback:readiness"))
    offer = page.locator(".unfinished")
    expect(offer).to_contain_text("still to be sent")
    expect(offer).to_contain_text(re.compile("0:(09|1[01]) recorded"))
    with page.expect_download() as download:
        press(page, "Download")
    copy = tmp_path / "copy.webm"
    download.value.save_as(copy)
    press(page, "Finish")
    recording = made_ready(page)
    expect(offer).to_contain_text("Nothing of it was lost.")
    answer = page.get_by_role("link", name="To the answer")
    expect(answer).to_have_attribute("href", f"/attempts/{attempt.public_id}/")

    assert recording.is_ready  # in part, where the last slice ends within a picture
    assert (recording.duration_ms or 0) >= 8_500
    assert before < Upload.objects.get().received_bytes == copy.stat().st_size
    assert media.probe(copy).duration_ms == pytest.approx(recording.duration_ms, abs=100)
    assert kept_here(page) is None


def test_a_killed_server_gets_the_same_bytes_once_it_is_back(
    open_browser: "Callable[..., BrowserContext]", attempt: Attempt, tmp_path: Path
) -> None:
    with serving(tmp_path / "server.log", WEB_PROCESSES="1") as server:
        page = open_browser(f"http://127.0.0.1:{server.port}").new_page()
        page.add_init_script(MADE)
        start(page, attempt)
        wait_for(received_bytes, page)
        line = Line(page)
        line.take(20_000)  # a piece of several blocks takes seconds to come in
        wait_for(lambda: is_amid_a_piece(page), page, seconds=40)
        server.kill()
        assert has_unacknowledged()
        line.take(-1)
        page.get_by_text("The server cannot be reached.").wait_for()
        record_until(page, media_ms(page) + 2_000)
        server.start()
        page.get_by_text("The server cannot be reached.").wait_for(state="hidden")
        press(page, "Finish")
        wait_for(lambda: Recording.objects.get().state == "uploaded", page)

        assert staged_digest() == page.evaluate("digestOfMade()")


def test_a_browser_without_room_keeps_the_rest_in_the_page(
    context: "BrowserContext", live_server: "LiveServer", attempt: Attempt
) -> None:
    page = context.new_page()
    page.add_init_script(MADE)
    check_devices(page, attempt)
    devtools = context.new_cdp_session(page)
    quota = {"origin": live_server.url, "quotaSize": 150_000}
    devtools.send("Storage.overrideQuotaForOrigin", quota)
    press(page, "Start recording")
    record_until(page, 3_000)
    context.set_offline(True)
    page.get_by_text("Keep this page open.", exact=True).wait_for()
    record_until(page, media_ms(page) + 5_000)
    context.set_offline(False)
    page.get_by_text("Keep this page open.", exact=True).wait_for(state="hidden")
    press(page, "Finish")
    wait_for(lambda: Recording.objects.get().state == "uploaded", page)

    assert staged_digest() == page.evaluate("digestOfMade()")


@pytest.mark.parametrize(
    ("thrown", "words"),
    [
        ("NotAllowedError", "The browser was not allowed to use the devices."),
        ("NotFoundError", "No such device was found."),
        ("NotReadableError", "Another program is using the camera or the microphone."),
    ],
)
def test_a_device_that_cannot_be_had_is_explained(
    context: "BrowserContext", attempt: Attempt, thrown: str, words: str
) -> None:
    page = context.new_page()
    page.add_init_script(f"""
      const thrown = new DOMException("", "{thrown}");
      navigator.mediaDevices.getUserMedia = () => Promise.reject(thrown);
    """)
    page.goto(f"/attempts/{attempt.public_id}/record/")

    press(page, "I agree, check my devices")

    page.get_by_role("alert").filter(has_text=words).wait_for()
    assert page.get_by_role("button", name="I agree, check my devices").is_visible()


def test_a_browser_that_cannot_record_is_told_so(
    context: "BrowserContext", attempt: Attempt
) -> None:
    page = context.new_page()
    page.add_init_script("delete window.MediaRecorder;")

    page.goto(f"/attempts/{attempt.public_id}/record/")

    page.get_by_text("This browser cannot record.").wait_for()
    assert page.get_by_role("button", name="I agree, check my devices").count() == 0


# Files


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file that takes several pieces to send."""
    path = tmp_path / "film.webm"
    media.synthesise_demo(path, 120)
    return path


def choose(page: "Page", attempt: Attempt, film: Path, way: str = "Hand in a file instead") -> None:
    page.goto(f"/attempts/{attempt.public_id}/")
    page.get_by_text(way).click()
    page.get_by_label("Video or audio file").set_input_files(film)
    press(page, "Send the file")


def test_a_file_goes_on_after_a_reload_where_it_was(
    context: "BrowserContext", attempt: Attempt, film: Path
) -> None:
    page = context.new_page()
    sent: list[str] = []

    def cut_the_second(route: Any) -> None:
        if route.request.method == "PATCH":
            sent.append(route.request.headers["upload-offset"])
        if len(sent) > 1:
            route.abort()
            return
        route.continue_()

    page.route("**/uploads/**", cut_the_second)
    choose(page, attempt, film)
    page.get_by_text("The server cannot be reached.").wait_for()
    first_piece = received_bytes()
    page.unroute_all()
    page.on("dialog", lambda dialog: dialog.accept())
    choose(page, attempt, film, way="Go on sending the same file")
    recording = made_ready(page)

    assert 0 < first_piece < film.stat().st_size
    assert Upload.objects.get().received_bytes == film.stat().st_size
    assert (recording.state, recording.tracks.get().role) == ("ready", "upload")
    assert recording.duration_ms == pytest.approx(120_000, abs=50)


def test_a_cancelled_file_leaves_nothing(
    context: "BrowserContext", attempt: Attempt, film: Path
) -> None:
    page = context.new_page()
    page.route("**/uploads/**", lambda route: route.abort())
    choose(page, attempt, film)
    page.get_by_text("The server cannot be reached.").wait_for()

    press(page, "Cancel")
    wait_for(lambda: Recording.objects.get().state == "discarded", page)

    assert page.get_by_role("button", name="Send the file").is_visible()


def test_a_file_that_is_refused_says_what_was_kept(
    context: "BrowserContext", attempt: Attempt, film: Path, tmp_path: Path, settings: Any
) -> None:
    essay = tmp_path / "essay.webm"
    essay.write_text("An essay that calls itself a film. " * 100)
    page = context.new_page()
    trouble = page.get_by_role("alert")

    choose(page, attempt, essay)
    trouble.filter(has_text="not a video or sound file").wait_for()
    wait_for(lambda: Recording.objects.get().state == "discarded", page)
    settings.MEMBER_QUOTA_BYTES = 1_000
    page.get_by_label("Video or audio file").set_input_files(film)
    press(page, "Send the file")

    trouble.filter(has_text="Nothing of this one was taken.").wait_for()
    assert page.get_by_role("button", name="Send the file").is_visible()


def test_a_file_whose_rest_is_refused_goes_on_or_is_discarded(
    context: "BrowserContext",
    attempt: Attempt,
    film: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recordings, "QUOTA_STEP_BYTES", 64 * 1024)
    room = settings.MEMBER_QUOTA_BYTES
    page = context.new_page()
    trouble = page.get_by_role("alert")

    def take_the_room(route: Any) -> None:
        if route.request.headers.get("upload-offset") not in {None, "0"}:
            settings.MEMBER_QUOTA_BYTES = 1_000
        route.continue_()

    page.route("**/uploads/**", take_the_room)
    choose(page, attempt, film)
    trouble.filter(has_text="that arrived of this one are kept").wait_for()
    assert Recording.objects.get().state == "recording"
    press(page, "Discard what arrived")
    wait_for(lambda: Recording.objects.get().state == "discarded", page)
    settings.MEMBER_QUOTA_BYTES = room
    press(page, "Send the file")
    trouble.filter(has_text="that arrived of this one are kept").wait_for()
    page.unroute_all()
    settings.MEMBER_QUOTA_BYTES = room
    press(page, "Go on")
    page.wait_for_url(re.compile(rf"/attempts/{attempt.public_id}/$"))
    wait_for(lambda: Recording.objects.kept().get().state == "uploaded", page)

    recording = Recording.objects.kept().get()
    assert Upload.objects.get(track__recording=recording).received_bytes == film.stat().st_size
