"""A whole attempt graded without a mouse, from the queue to a review that stands; axe looks on."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from feedback.actions.reviews import draft_of
from feedback.models import Review
from loops.media import synthesise_demo
from loops.models import Attempt, Cohort, User
from tests import factories
from tests.browser import axe
from tests.browser.world import session_of
from tests.factories import DIMENSIONS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RECORDING_S = 60
TABS_MOST = 60


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A minute of film that plays."""
    path: Path = tmp_path_factory.mktemp("film") / "film.webm"
    synthesise_demo(path, RECORDING_S)
    return path.read_bytes()


@pytest.fixture
def open_queue(
    new_page: Callable[..., "Page"], live_server: "LiveServer", peer: User, waiting: Attempt
) -> Callable[..., "Page"]:
    """Return a function that opens the queue as a peer."""

    def opened(**more: Any) -> "Page":
        page = new_page(reduced_motion="reduce", **more)
        cookie = {"name": "session", "value": session_of(peer), "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        # A mouse that is used all the same would be a mistake of this test.
        page.add_init_script(
            "addEventListener('mousedown', () => console.error('The mouse was used.'), true);"
        )
        page.goto(reverse("feedback:queue"))
        return page

    return opened


@pytest.fixture
def waiting(candidate: User, cohort: Cohort, film: bytes) -> Attempt:
    """An answer in the queue: a film, notes, a rubric with depth ladder and why-chain."""
    factories.edition("deep_dive", is_deep=True)
    attempt = factories.attempt(factories.loop(candidate, cohort, kinds=["deep_dive"]).rounds.get())
    factories.artifact(attempt, "fork: queue or poll\nchose: queue\nprice: two on-call weeks")
    factories.recording(attempt, film, duration_ms=RECORDING_S * 1000)
    return attempt


def tab_to(page: "Page", selector: str) -> None:
    """Go on with Tab until what is meant has the focus."""
    for _stop in range(TABS_MOST):
        if page.evaluate("one => document.activeElement.matches(one)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{selector} is not reached by Tab.")


def at(page: "Page", words: str) -> None:
    expect(page.locator("[data-part=time]")).to_have_text(words)


def test_a_whole_attempt_is_graded_without_a_mouse(open_queue: Callable[..., "Page"]) -> None:
    page = open_queue()
    # claim
    tab_to(page, "main form[action$='/claim/'] button")
    page.keyboard.press("Enter")
    page.locator(".grading--scripted").wait_for()
    page.locator("video").evaluate(
        "v => v.readyState > 0 || new Promise(done => { v.onloadedmetadata = done; })"
    )

    # play, step, speed
    page.keyboard.press("Space")
    expect(page.locator("video")).to_have_js_property("paused", value=False)
    page.keyboard.press("]")
    expect(page.locator("[data-part=rate]")).to_have_text("1.25×")
    page.keyboard.press("Space")
    expect(page.locator("video")).to_have_js_property("paused", value=True)
    for _step in range(3):
        page.keyboard.press("ArrowLeft")
    at(page, "0:00")

    # phases, a rung, whys; one press taken back
    panel = page.locator("#moments")
    page.keyboard.press("p")
    expect(panel).to_contain_text("Discovery begins at 0:00.")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Digit2")
    expect(panel).to_contain_text("Depth rung 2 reached at 0:05.")
    page.keyboard.press("w")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("w")
    expect(panel).to_contain_text("two, from 0:05 to 0:10")
    page.keyboard.press("Shift+KeyW")
    page.keyboard.press("p")
    expect(panel).to_contain_text("First slice begins at 0:10.")
    page.keyboard.press("u")
    expect(panel).to_contain_text("Removed: First slice, 0:10.")
    page.keyboard.press("u")
    expect(panel).to_contain_text("First slice begins at 0:10.")
    expect(page.locator("#ribbon")).to_have_attribute("aria-label", re.compile("Phase ribbon"))

    # levels, and evidence for each: a time, a line of the notes, a time …
    for place, key in enumerate(DIMENSIONS):
        expect(page.locator(f"#dimension-{key}")).to_be_visible()
        page.keyboard.press("3")
        if place == 1:
            tab_to(page, "[data-artifact] .code")
            expect(page.locator("[data-artifact] .code--choosing")).to_be_focused()
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Shift+ArrowDown")
            expect(page.get_by_role("button", name="Quote for Bounding")).to_be_visible()
        else:
            page.keyboard.press("ArrowRight")
        page.keyboard.press("e")
        expect(page.locator("#mark-note")).to_be_focused()
        page.keyboard.type("Here: p, w, u and 1 are letters.")
        page.keyboard.press("Enter")
        expect(page.locator(f"#evidence-{key} .evidence")).to_have_count(1)
        page.keyboard.press("j")

    # a signal with its time
    expect(page.locator("#signals")).to_be_visible()
    page.keyboard.press("x")
    expect(page.locator("#mark-about")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("input[value=unbounded]")).to_be_checked()
    assert_accessible(page)

    # verdict, level, confidence
    page.keyboard.press("j")
    page.keyboard.press("2")
    tab_to(page, "input[name=level_given]")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    tab_to(page, "input[name=confidence]")
    page.keyboard.press("Space")
    tab_to(page, "#summary")
    page.keyboard.type("Two forks, both priced.")
    assert_accessible(page)
    tab_to(page, "[data-hand-in]")
    page.keyboard.press("Enter")

    # what stands
    expect(page.get_by_text("Your review is in, thank you.")).to_be_visible()
    expect(page.get_by_role("heading", name="By rule, from this review alone")).to_be_visible()
    expect(page.get_by_text("Where the time went")).to_be_visible()
    assert_accessible(page)
    review = Review.objects.get()
    assert review.is_submitted
    assert draft_of(review).ratings == dict.fromkeys(DIMENSIONS, 2)
    assert draft_of(review).downcodes == {"unbounded"}
    assert (review.verdict, review.level_given_rank, review.confidence) == ("no", 1, "low")
    assert review.evidence.get(dimension__key="bounding").quote == (
        "fork: queue or poll\nchose: queue"
    )
    assert [*review.moments.order_by("at_ms", "kind").values_list("kind", "key", "at_ms")] == [
        ("phase", 1, 0),
        ("rung", 2, 5000),
        ("why", 1, 5000),
        ("phase", 2, 10_000),
        ("why", 1, 10_000),
    ]


def test_a_press_waits_for_the_network_and_keeps_its_time(
    open_queue: Callable[..., "Page"],
) -> None:
    page = open_queue(tolerated="net::ERR_INTERNET_DISCONNECTED")
    tab_to(page, "main form[action$='/claim/'] button")
    page.keyboard.press("Enter")
    page.locator(".grading--scripted").wait_for()
    page.keyboard.press("ArrowRight")
    at(page, "0:05")
    page.context.set_offline(True)
    page.keyboard.press("p")
    page.keyboard.press("ArrowRight")
    at(page, "0:10")

    page.context.set_offline(False)

    expect(page.locator("#moments")).to_contain_text("Discovery begins at 0:05.")
    wait_until(lambda: Review.objects.get().moments.count() == 1)


def assert_accessible(page: "Page") -> None:
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert axe.breaches(page) == []
