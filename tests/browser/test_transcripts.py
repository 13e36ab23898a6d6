"""Words beside the picture in a browser: they become captions, lines that lead, evidence."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Evidence
from loops import media
from loops.cues import read_file
from loops.models import Cohort, Recording, User
from tests import factories
from tests.browser.world import session_of
from tests.factories import DIMENSIONS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RECORDING_S = 60
VTT = b"""WEBVTT

00:05.000 --> 00:09.000
<v Otis>Whenever you are ready.

00:20.000 --> 00:23.500
<v Mara>Who decides whether it ships?

00:24.000 --> 00:26.000
<v Otis>The group does.
"""


@pytest.fixture
def recording(candidate: User, cohort: Cohort, tmp_path: Path) -> Recording:
    """A minute of film that somebody has handed in."""
    path = tmp_path / "film.webm"
    media.synthesise_demo(path, RECORDING_S)
    attempt = factories.attempt(factories.loop(candidate, cohort).rounds.get())
    return factories.recording(attempt, path.read_bytes(), duration_ms=RECORDING_S * 1000)


@pytest.fixture
def opened(
    new_page: Callable[..., "Page"], live_server: "LiveServer"
) -> Callable[[User, str], "Page"]:
    """Return a function that opens an address as somebody."""

    def opened(user: User, url: str) -> "Page":
        page = new_page()
        cookie = {"name": "session", "value": session_of(user), "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.goto(url)
        page.locator("[data-part=toggle]").wait_for()
        return page

    return opened


def plays_at(page: "Page", seconds: float) -> None:
    """Wait until the picture of this time is shown."""
    read = "v => v.seeking || !v.seekable.length ? -1 : v.currentTime"
    wait_until(lambda: abs(page.locator("video").evaluate(read) - seconds) < 0.1)


def quoted(page: "Page") -> tuple[str, str, str]:
    start, end, quote = (page.locator(f"#mark-{name}") for name in ("start", "end", "quote"))
    return start.input_value(), end.input_value(), quote.input_value()


def select(page: "Page", first: "Locator", last: "Locator") -> None:
    """Draw the pointer from the first words of a line over some of another one's."""
    start, end = (line.locator("[data-said]").bounding_box() for line in (first, last))
    assert start
    assert end
    page.mouse.move(start["x"] + 2, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(end["x"] + 70, end["y"] + 8, steps=4)
    page.mouse.up()


def test_a_file_becomes_captions_and_what_is_missing_is_typed(
    opened: Callable[[User, str], "Page"], recording: Recording, candidate: User
) -> None:
    page = opened(candidate, reverse("loops:transcript", args=[recording.public_id]))
    file = {"name": "answer.vtt", "mimeType": "text/vtt", "buffer": VTT}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Take this file").click()
    lines = page.locator("[data-lines] li")
    expect(lines).to_have_count(3)

    page.locator("video").evaluate("v => { v.textTracks[0].mode = 'hidden'; }")
    cues = "v => [...(v.textTracks[0].cues ?? [])].map(cue => [cue.startTime, cue.text])"
    wait_until(lambda: len(page.locator("video").evaluate(cues)) == 3)
    assert page.locator("video").evaluate(cues)[2] == [24, "<v Otis>Otis: The group does."]
    lines.nth(1).locator("a").click()
    plays_at(page, 20)

    page.locator("video").evaluate("v => { v.currentTime = 40; }")
    page.locator("textarea").press("Control+End")
    page.get_by_role("button", name="Begin a line at 0:40").click()
    page.keyboard.type("Mara: Then I ask them first.")
    page.get_by_role("button", name="Keep these words").click()
    expect(lines.nth(3)).to_contain_text("Then I ask them first.")
    expect(lines).to_have_count(4)
    expect(page.locator("textarea")).to_have_value(
        "0:05 Otis: Whenever you are ready.\n0:20 Mara: Who decides whether it ships?\n"
        "0:24 Otis: The group does.\n0:40 Mara: Then I ask them first."
    )


def test_lines_are_quoted_by_keyboard_and_by_selecting_them(
    opened: Callable[[User, str], "Page"], recording: Recording, peer: User
) -> None:
    factories.transcript(recording, *read_file(VTT, most_ms=RECORDING_S * 1000))
    review = factories.review(recording.attempt, peer, claimed_at=timezone.now())
    page = opened(peer, reverse("feedback:review", args=[review.public_id]))
    lines = page.locator("[data-lines] li")

    lines.nth(1).locator("a").click()
    plays_at(page, 20)
    page.keyboard.press("Tab")
    expect(page.locator("[data-quote-line]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#mark-note")).to_be_focused()
    assert quoted(page) == ("0:20", "0:24", "Who decides whether it ships?")
    lines.nth(2).locator("a").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Enter")
    both = "Who decides whether it ships?\nThe group does."
    assert quoted(page) == ("0:20", "0:26", both)
    page.keyboard.type("Asks before drawing.")
    page.keyboard.press("Enter")
    evidence = page.locator(f"#evidence-{DIMENSIONS[0]} .evidence")
    expect(evidence).to_contain_text("Who decides whether it ships?")

    mark = Evidence.objects.get()
    assert (mark.start_ms, mark.end_ms, mark.quote) == (20_000, 26_000, both)
    assert mark.note == "Asks before drawing."
    lines.nth(0).locator("a").click()
    plays_at(page, 5)
    evidence.locator("a").click()
    plays_at(page, 20)

    select(page, lines.nth(0), lines.nth(1))
    page.keyboard.press("e")
    both = "Whenever you are ready.\nWho decides whether it ships?"
    assert quoted(page) == ("0:05", "0:24", both)
    page.keyboard.press("Escape")
    select(page, lines.nth(0), lines.nth(0))
    page.keyboard.press("e")
    start, end, words = quoted(page)
    assert (start, end) == ("0:05", "0:09")
    assert words in "Whenever you are ready."
    assert len(words) > 4
    plays_at(page, 20)  # to select words is not to choose a line
    page.keyboard.press("Escape")
    lines.nth(2).locator("a").focus()
    page.keyboard.press("q")
    assert quoted(page) == ("0:24", "0:26", "The group does.")
