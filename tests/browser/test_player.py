"""The player in a browser, with real pictures and sound: it goes where it says, in step."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.signals import request_started
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Review
from loops import links, media
from loops.models import Cohort, Cue, Recording, Rendition, Track, Transcript, User
from tests import factories
from tests.browser.axe import breaches
from tests.browser.world import session_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CAMERA_S, SCREEN_S = 40, 60
SCREEN_LATE_MS = 300
GAP = [12_000, 16_000]
LINES = 400
FARTHEST_APART_MS = 80
POSTER = {"width": 640, "height": 360}
STRIP = {"columns": 10, "rows": 5, "count": 41, "every_ms": 1000, "width": 160, "height": 90}


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A camera and a screen that plays longer, with the camera's thumbnails and waveform."""
    folder: Path = tmp_path_factory.mktemp("films")
    files = {name: folder / name for name in ("camera", "screen", "poster", "strip", "peaks")}
    media.synthesise_demo(files["camera"], CAMERA_S)
    media.synthesise_demo(files["screen"], SCREEN_S, seed=2)
    media.sound(files["camera"], files["peaks"])
    media.picture(files["camera"], files["poster"], files["strip"])
    return files


@pytest.fixture
def recording(candidate: User, cohort: Cohort, films: dict[str, Path]) -> Recording:
    """An answer from two tracks of which the one ends early and has a gap, with its words."""
    attempt = factories.attempt(factories.loop(candidate, cohort).rounds.get())
    made = factories.recording(
        attempt,
        films["camera"].read_bytes(),
        state=Recording.State.READY_PARTIAL,
        duration_ms=SCREEN_S * 1000 + SCREEN_LATE_MS,
    )
    camera = made.tracks.get()
    Track.objects.filter(pk=camera.pk).update(duration_ms=CAMERA_S * 1000, gaps=[GAP])
    screen = Track.objects.create(
        recording=made, role="screen", start_ms=SCREEN_LATE_MS, duration_ms=SCREEN_S * 1000
    )
    factories.rendition(screen, films["screen"].read_bytes())
    of_peaks = {"kind": Rendition.Kind.PEAKS, "content_type": "application/json"}
    factories.rendition(camera, films["peaks"].read_bytes(), **of_peaks)
    for track in (camera, screen):
        _with_pictures(track, films)
    _with_lines(made)
    return made


def _with_pictures(track: Track, films: dict[str, Path]) -> None:
    for kind, facts in [(Rendition.Kind.POSTER, POSTER), (Rendition.Kind.STRIP, STRIP)]:
        content = films[kind.value].read_bytes()
        factories.rendition(track, content, kind=kind, content_type="image/jpeg", facts=facts)


def _with_lines(recording: Recording) -> None:
    made_at = timezone.now()
    words = Transcript.objects.create(recording=recording, source="typed", made_at=made_at)
    each_ms = SCREEN_S * 1000 // LINES
    Cue.objects.bulk_create(
        Cue(
            transcript=words,
            position=place,
            start_ms=place * each_ms,
            end_ms=(place + 1) * each_ms,
            speaker="Candidate" if place % 7 else "Interviewer",
            text=f"Line {place} says who is paged.",
        )
        for place in range(LINES)
    )


@pytest.fixture
def review(recording: Recording, peer: User) -> Review:
    """A review of it with sixty marks."""
    made = factories.review(recording.attempt, peer, claimed_at=timezone.now())
    about = made.attempt.rubric_version.dimensions.get(key="discovery")
    for at_ms in range(0, 54_000, 900):
        factories.evidence(made, dimension=about, start_ms=at_ms, end_ms=at_ms + 3000)
    return made


@pytest.fixture
def open_review(
    new_page: Callable[..., "Page"], review: Review, live_server: "LiveServer"
) -> Callable[..., "Page"]:
    """Return a function that opens the grading page, its player ready."""

    def opened(*, at: str = "", **more: Any) -> "Page":
        page = new_page(**more)
        cookie = {"name": "session", "value": session_of(review.grader), "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.goto(reverse("feedback:review", args=[review.public_id]) + at)
        if more.get("java_script_enabled", True):
            page.locator(".player--scripted").wait_for()
            are_there = "all => all.every((video) => video.readyState > 0)"
            wait_until(lambda: page.locator("video").evaluate_all(are_there))
        return page

    return opened


def seconds_of(page: "Page", role: str = "camera") -> float:
    told: float = page.locator(f"[data-source={role}]").evaluate("v => v.currentTime")
    return told


def expect_at(page: "Page", seconds: float, role: str = "camera") -> None:
    """Wait until the media itself, not only the page, is there."""
    video = page.locator(f"[data-source={role}]")
    wait_until(
        lambda: (
            abs(seconds_of(page, role) - seconds) < 0.1 and not video.evaluate("v => v.seeking")
        ),
    )


def bar(page: "Page") -> "Locator":
    return page.get_by_role("slider", name="Position")


def test_the_bar_leads_anywhere_by_pointer_and_by_keyboard_alike(
    open_review: Callable[..., "Page"],
) -> None:
    page = open_review()
    assert page.locator("video").first.evaluate("v => v.seekable.end(0)") >= CAMERA_S - 0.5
    expect(page.get_by_text("0:12–0:16 did not arrive")).to_be_visible()

    # By keyboard, with words for who does not see the bar.
    bar(page).focus()
    page.keyboard.press("ArrowRight")
    expect_at(page, 5)
    expect_at(page, 4.7, "screen")
    page.keyboard.press("Shift+ArrowRight")
    expect_at(page, 6)
    expect(bar(page)).to_have_attribute("aria-valuetext", "0:06 of 1:00, Discovery")
    peek = page.locator("[data-peek]")
    expect(peek).to_be_visible()
    expect(peek).to_contain_text("0:06")
    page.keyboard.press("End")
    expect_at(page, SCREEN_S, "screen")
    page.keyboard.press("Home")
    expect_at(page, 0)

    # By pointer: a look first, then there; and drawn along.
    box = bar(page).bounding_box()
    assert box is not None
    at = {share: box["x"] + share * box["width"] for share in (0.25, 0.5, 0.75)}
    middle = box["y"] + box["height"] / 2
    page.mouse.move(at[0.5], middle)
    thumbnail = peek.locator("[data-thumb]")
    expect(thumbnail).to_be_visible()
    picture = thumbnail.evaluate("t => [t.style.backgroundImage, t.style.backgroundPosition]")
    assert "/media/" in picture[0]
    assert picture[1] != "0px 0px"
    assert seconds_of(page) == 0
    page.mouse.down()
    expect_at(page, 30.15)
    page.mouse.move(at[0.25], middle)
    page.mouse.up()
    expect_at(page, 15.1)

    # By marks: one is in the order of the tabs, arrows lead on, a press goes there.
    marks = page.locator("#timeline a")
    expect(marks).to_have_count(60)
    expect(page.locator("#timeline a[tabindex='0']")).to_have_count(1)
    marks.first.focus()
    page.keyboard.press("End")
    expect(marks.last).to_be_focused()
    expect(peek).to_contain_text("0:53")
    page.keyboard.press("Enter")
    expect_at(page, 53.1 - SCREEN_LATE_MS / 1000, "screen")
    assert "#t=" not in page.url

    # The wave is drawn, as wide as the bar on a fine display.
    wave = page.locator(".timeline__wave").first
    drawn = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean)"
    wait_until(lambda: wave.evaluate(drawn))
    assert breaches(page) == []


def test_keys_buttons_captions_and_lines(open_review: Callable[..., "Page"]) -> None:
    page = open_review(theme="dark")
    videos = page.locator("video")
    expect(page.locator("[data-source=screen]")).to_have_attribute("data-large", "")

    # The keys of the table, on the page and without a clash with those of the scorecard.
    page.locator("h1").click()
    for key, rate in [("]", "1.25×"), ("]", "1.5×"), ("[", "1.25×")]:
        page.keyboard.press(key)
        expect(page.locator("[data-part=rate]")).to_have_text(rate)
    assert {video.evaluate("v => v.playbackRate") for video in videos.all()} == {1.25}
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
    assert all(video.evaluate("v => v.muted") for video in videos.all())
    page.keyboard.press("m")
    assert [video.evaluate("v => v.muted") for video in videos.all()] == [False, True]
    page.keyboard.press("s")
    expect(page.locator("[data-source=camera]")).to_have_attribute("data-large", "")
    page.keyboard.press("ArrowRight")
    expect_at(page, 5)
    page.keyboard.press("c")
    expect(page.locator("[data-part=caption]")).to_have_text("Line 33 says who is paged.")

    # The lines follow, are searched, lead to their time, and wait for a reader who scrolled.
    lines = page.locator("[data-player-lines]")
    current = lines.locator("[aria-current]")
    expect(current).to_contain_text("Line 33 says")
    lines.scroll_into_view_if_needed()
    expect(current).to_be_in_viewport()
    lines.get_by_label("Search in the transcript").fill("PAGED 217")
    expect(lines.get_by_role("status")).to_have_text("1 line")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect_at(page, 32.55)
    expect(current).to_contain_text("Line 217 says")
    lines.get_by_label("Search in the transcript").fill("")
    lines.locator("[data-lines]").evaluate("l => l.scrollTo({ top: 0 })")
    lines.locator("[data-lines]").dispatch_event("wheel")
    bar(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press("End")
    assert lines.locator("[data-lines]").evaluate("l => l.scrollTop") == 0
    lines.get_by_role("button", name="Back to now").click()
    wait_until(lambda: lines.locator("[data-lines]").evaluate("l => l.scrollTop > 1000"))
    page.locator("h1").click()
    assert breaches(page) == []

    # One comes back to the speed of a fresh page, the pictures as they were, and may go on.
    bar(page).focus()
    page.keyboard.press("Home")
    for _step in range(6):
        page.keyboard.press("ArrowRight")
    expect_at(page, 30)
    page.reload()
    resume = page.get_by_role("button", name="Go on at 0:30")
    expect(page.locator("[data-source=camera]")).to_have_attribute("data-large", "")
    assert seconds_of(page) == 0
    resume.click()
    expect(resume).to_be_hidden()
    wait_until(lambda: seconds_of(page) > 30)


def test_two_tracks_stay_in_step_and_one_outlasts_the_other(
    open_review: Callable[..., "Page"],
) -> None:
    page = open_review(width=390, height=844)
    player = page.locator(".player--watch")
    apart = f"""() => {{
        const [camera, screen] = document.querySelectorAll("video");
        return Math.abs((camera.currentTime - screen.currentTime) * 1000 - {SCREEN_LATE_MS});
    }}"""

    def is_in_step() -> bool:
        """Say whether 19 of 20 looks in two seconds find them together."""
        told = []
        for _look in range(20):
            page.wait_for_timeout(100)
            told.append(float(page.evaluate(apart)))
        return sorted(told)[18] <= FARTHEST_APART_MS

    player.evaluate("p => { p.player.seek(2000); }")
    player.evaluate("p => { p.player.play(); }")
    wait_until(lambda: seconds_of(page) > 3)
    wait_until(is_in_step)
    page.locator("[data-source=screen]").evaluate("v => { v.currentTime += 3; }")
    wait_until(is_in_step)

    # A track that cannot be played, or has ended, does not stop the other.
    player.evaluate("p => { p.player.seek(38500); }")
    wait_until(lambda: seconds_of(page, "screen") > 41)
    assert page.locator("[data-source=camera]").evaluate("v => v.paused")
    assert not page.locator("[data-source=screen]").evaluate("v => v.muted")
    page.get_by_role("button", name="Pause").click()
    assert page.locator("video").evaluate_all("all => all.every((v) => v.paused)")


def test_links_that_ran_out_are_renewed_and_not_for_ever(
    open_review: Callable[..., "Page"], review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewals: list[str] = []
    is_refused = {"until renewed": True, "always": False}
    is_really_valid = links.is_valid

    def is_valid(request: HttpRequest, rendition: Rendition) -> bool:
        is_old = is_refused["until renewed"] and not renewals
        return not is_old and not is_refused["always"] and is_really_valid(request, rendition)

    # Noted by the server, or a link could be asked for before this test has heard of its renewal.
    def note(environ: dict[str, str], **_given: object) -> None:
        if "/links/" in environ["PATH_INFO"]:
            renewals.append(environ["PATH_INFO"])

    monkeypatch.setattr(links, "is_valid", is_valid)
    request_started.connect(note)  # forgotten with the function
    page = open_review(at="#t=20", tolerated="Failed to load resource")

    # A page that was open for long: its links are refused, and it goes on where it was to be.
    # The two pictures fail at different moments: the later one may ask once more, no more.
    expect_at(page, 20)
    assert 1 <= len(renewals) <= 2
    bar(page).focus()
    page.keyboard.press("]")
    page.keyboard.press("Space")
    wait_until(lambda: seconds_of(page) > 20.3)
    camera = page.locator("[data-source=camera]")
    load = "all => all.forEach((media) => media.load())"

    # Links that are refused whatever one asks: it stops asking, and says so.
    page.route("**/media/**", lambda route: route.continue_())  # past the browser's own cache
    asked = len(renewals)
    is_refused["always"] = True
    page.locator("video").evaluate_all(load)
    expect(page.get_by_text("The recording does not load just now.")).to_be_visible(timeout=10_000)
    assert 1 <= len(renewals) - asked <= 2
    is_refused["always"] = False
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    page.get_by_role("button", name="Play", exact=True).click()
    wait_until(lambda: seconds_of(page) > 0.3)
    assert camera.evaluate("v => v.playbackRate") == 1.25

    # Who may not watch it any more is told so, and nothing more is asked for: neither when the
    # other picture fails after the answer came, nor when what there is of it is broken.
    asked = len(renewals)
    long_ago = timezone.now() - timedelta(days=30)
    Review.objects.update(state=Review.State.RELEASED, lease_until=long_ago)
    is_told = page.get_by_text("You cannot watch this recording any more")
    page.locator("video").evaluate_all(load)
    expect(is_told).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    assert len(renewals) == asked + 1
    screen = page.locator("[data-source=screen]")
    screen.evaluate(
        """video => new Promise((done) => {
          video.addEventListener("error", () => setTimeout(done), { once: true });
          video.load();
        })"""
    )
    screen.evaluate(
        """video => {
          Object.defineProperty(video, "error", { value: { code: MediaError.MEDIA_ERR_DECODE } });
          video.dispatchEvent(new Event("error"));
        }"""
    )
    expect(is_told).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    assert len(renewals) == asked + 1


def test_without_scripts_each_track_has_the_browsers_own_controls(
    open_review: Callable[..., "Page"],
) -> None:
    page = open_review(java_script_enabled=False)

    assert page.locator("video[controls]").count() == 2
    assert page.locator("video track[kind=captions]").count() == 1
    expect(page.get_by_role("slider")).to_have_count(0)
    expect(page.get_by_text("Line 3 says who is paged.")).to_be_visible()
