"""The grading page in a browser: keys, marks, a draft that saves itself, and no script at all."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from feedback.actions.reviews import draft_of
from feedback.models import Evidence, Review
from loops.media import synthesise_demo
from loops.models import Cohort, User
from tests import factories
from tests.factories import DIMENSIONS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAVED_WITHIN_S = 4  # three, and one for a busy machine
RECORDING_S = 60


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A minute of film that plays."""
    path: Path = tmp_path_factory.mktemp("film") / "film.webm"
    synthesise_demo(path, RECORDING_S)
    return path.read_bytes()


@pytest.fixture
def review(candidate: User, peer: User, cohort: Cohort, film: bytes) -> Review:
    """A review, just claimed, of an answer with a film and notes."""
    attempt = factories.attempt(factories.loop(candidate, cohort).rounds.get())
    factories.recording(attempt, film, duration_ms=RECORDING_S * 1000)
    factories.artifact(
        attempt, "who hurts: on-call\nwho decides: infra director\nnot doing: paging"
    )
    return factories.review(attempt, peer, claimed_at=timezone.now())


@pytest.fixture
def open_review(
    new_page: Callable[..., "Page"], review: Review, live_server: "LiveServer"
) -> Callable[..., "Page"]:
    """Return a function that opens the review's page as its grader."""

    def opened(**more: Any) -> "Page":
        page = new_page(**more)
        key = _session_key(review.grader)
        page.context.add_cookies([{"name": "session", "value": key, "url": live_server.url}])
        page.goto(reverse("feedback:review", args=[review.public_id]))
        if more.get("java_script_enabled", True):
            page.locator(".grading--scripted").wait_for()
        return page

    return opened


def _session_key(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def kept() -> Review:
    return Review.objects.get()


def play_to(page: "Page", seconds: int) -> None:
    """Bring the film to a time, as pulling its slider does."""
    video = page.locator("video")
    video.evaluate("v => v.readyState > 0 || new Promise(r => v.onloadedmetadata = r)")
    video.evaluate("(v, seconds) => { v.currentTime = seconds; }", seconds)
    expect(page.locator("[data-part=time]")).to_have_text(f"0:{seconds:02}")


def test_a_whole_answer_is_graded_from_the_keyboard(open_review: Callable[..., "Page"]) -> None:
    page = open_review()
    for place, key in enumerate(DIMENSIONS):
        expect(page.locator(f"#dimension-{key}")).to_be_visible()
        play_to(page, 15 + place)
        page.keyboard.press("3")
        page.keyboard.press("e")
        expect(page.locator("#mark-note")).to_be_focused()
        page.keyboard.type("Seen: j, k, 1 and x are letters here.")
        page.keyboard.press("Enter")
        expect(page.locator(f"#evidence-{key} .evidence")).to_have_count(1)
        page.keyboard.press("j")
    expect(page.locator("#signals")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("3")
    page.keyboard.press("Tab")  # from the heading to the verdict chosen
    page.keyboard.press("Tab")
    for _step in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("Named who is hurt.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Your review is in, thank you.")).to_be_visible()
    review = kept()
    assert review.is_submitted
    assert draft_of(review).ratings == dict.fromkeys(DIMENSIONS, 2)
    assert (review.verdict, review.confidence, review.summary) == (
        "yes",
        "low",
        "Named who is hurt.",
    )
    first = review.evidence.get(dimension__key="discovery")
    assert (first.start_ms, first.end_ms) == (5000, 15_000)


def test_keys_play_and_step_and_can_be_switched_off(open_review: Callable[..., "Page"]) -> None:
    page = open_review()
    play_to(page, 10)
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-part=time]")).to_have_text("0:15")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-part=time]")).to_have_text("0:10")
    page.keyboard.press("]")
    expect(page.locator("[data-part=rate]")).to_have_text("1.25×")
    page.keyboard.press("Space")
    expect(page.locator("video")).to_have_js_property("paused", value=False)
    page.keyboard.press("Space")
    expect(page.locator("video")).to_have_js_property("paused", value=True)

    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.get_by_label("Use these keys on this page").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.reload()
    page.keyboard.press("2")

    expect(page.locator("#dimension-discovery input:checked")).to_have_count(0)


def test_draft_saves_itself_and_comes_back(open_review: Callable[..., "Page"]) -> None:
    page = open_review()

    page.keyboard.press("1")

    wait_until(lambda: draft_of(kept()).ratings == {"discovery": 0}, seconds=SAVED_WITHIN_S)
    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    page.reload()
    expect(page.locator("#dimension-bounding")).to_be_visible()
    expect(page.locator("input[name=dimension-discovery][value='0']")).to_be_checked()


def test_what_is_typed_before_the_page_is_ready_is_saved(
    open_review: Callable[..., "Page"],
) -> None:
    page = open_review()
    held: list[Route] = []
    # Playwright asks the handler for its signature, which a built-in method does not tell.
    page.route("**/js/grading*.js", lambda route: held.append(route))  # noqa: PLW0108
    page.reload(wait_until="commit")
    page.get_by_label("Summary").fill("Typed early.")
    wait_until(lambda: page.evaluate("1") and held)

    for route in held:
        route.continue_()
    page.unroute("**/js/grading*.js")

    page.locator(".grading--scripted").wait_for()
    wait_until(lambda: kept().summary == "Typed early.")


def test_draft_waits_for_the_network_and_loses_nothing(
    open_review: Callable[..., "Page"],
) -> None:
    page = open_review(tolerated="502 (Bad Gateway)")
    said = page.locator("#draft-state")
    page.route("**/draft/", lambda route: route.fulfill(status=502, body=""))
    page.keyboard.press("1")
    expect(said).to_have_text("Not saved yet, trying again")
    page.keyboard.press("2")

    page.unroute("**/draft/")

    expect(said).to_contain_text("Draft saved")
    wait_until(lambda: draft_of(kept()).ratings == {"discovery": 1})


def test_draft_whose_answer_was_lost_is_no_conflict_with_itself(
    open_review: Callable[..., "Page"],
) -> None:
    page = open_review(tolerated="net::ERR_FAILED")

    def lose(route: "Route") -> None:
        route.fetch()
        route.abort()

    page.route("**/draft/", lose)
    page.keyboard.press("1")
    expect(page.locator("#draft-state")).to_have_text("Not saved yet, trying again")
    assert kept().draft_version == 1
    page.keyboard.press("2")

    page.unroute("**/draft/")

    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    wait_until(lambda: draft_of(kept()).ratings == {"discovery": 1})


def test_two_tabs_keep_both_texts(open_review: Callable[..., "Page"]) -> None:
    first, second = open_review(), open_review(tolerated="409 (Conflict)")
    first.keyboard.press("1")
    expect(first.locator("#draft-state")).to_contain_text("Draft saved")

    second.keyboard.press("4")

    expect(second.locator("#draft-state")).to_contain_text("changed in another window")
    expect(second.locator("input[name=dimension-discovery][value='3']")).to_be_checked()
    assert draft_of(kept()).ratings == {"discovery": 0}


def test_quote_of_selected_lines(open_review: Callable[..., "Page"]) -> None:
    page = open_review()
    page.evaluate(
        """() => getSelection().setBaseAndExtent(
            document.querySelector("#notes-L1 span").firstChild, 3,
            document.querySelector("#notes-L2 span").firstChild, 5)"""
    )
    page.get_by_role("button", name="Quote for Discovery").click()
    page.keyboard.press("Enter")

    expect(page.locator("#evidence-discovery .evidence__at")).to_have_text("notes 1")
    assert Evidence.objects.get().quote == "who hurts: on-call\nwho decides: infra director"


def test_signal_is_ticked_by_its_mark_and_marks_seek_and_go(
    open_review: Callable[..., "Page"],
) -> None:
    page = open_review()
    play_to(page, 30)
    page.keyboard.press("x")
    expect(page.locator("#mark-about")).to_have_value("signal:draws_first")
    page.get_by_role("button", name="Mark", exact=True).click()

    expect(page.locator("input[value=draws_first]")).to_be_checked()
    wait_until(lambda: draft_of(kept()).downcodes == {"draws_first"}, seconds=SAVED_WITHIN_S)
    page.get_by_role("link", name="0:20–0:30").first.click()
    expect(page.locator("[data-part=time]")).to_have_text("0:20")
    page.get_by_role("button", name="Remove 0:20").click()
    expect(page.locator("#notes .note--empty")).to_be_visible()
    assert not Evidence.objects.exists()


def test_refused_mark_stays_with_its_reason(open_review: Callable[..., "Page"]) -> None:
    page = open_review(tolerated="422 (Unprocessable")
    page.keyboard.press("e")
    page.locator("#mark-start").fill("soon")
    page.locator("#mark-note").fill("Kept as typed.")
    page.keyboard.press("Enter")

    expect(page.locator("#mark-start-error")).to_contain_text("“soon” is not a time.")
    expect(page.locator("#mark-start")).to_be_focused()
    expect(page.locator("#mark-note")).to_have_value("Kept as typed.")


def test_handing_in_too_early_opens_the_first_place(open_review: Callable[..., "Page"]) -> None:
    page = open_review(tolerated="422 (Unprocessable")
    page.keyboard.press("0")
    for _step in range(len(DIMENSIONS) + 1):
        page.keyboard.press("j")
    page.get_by_role("button", name="Hand in").click()

    expect(page.locator("#dimension-bounding")).to_be_visible()
    expect(page.locator("#dimension-bounding input").first).to_be_focused()
    expect(page.get_by_role("alert").first).to_contain_text("Your draft is kept")


def test_everything_works_without_scripts(open_review: Callable[..., "Page"]) -> None:
    page = open_review(java_script_enabled=False)
    page.locator("#mark > summary").click()
    page.locator("#mark-start").fill("0:05")
    page.locator("#summary").fill("Typed before the mark.")
    page.locator("#mark-note").fill("By hand.")
    page.locator("#mark-note").press("Enter")
    expect(page.locator("#notes")).to_contain_text("By hand.")
    expect(page.locator("#summary")).to_have_value("Typed before the mark.")

    for key in DIMENSIONS:
        value = "2" if key == "discovery" else "none"
        page.locator(f"input[name=dimension-{key}][value='{value}']").check()
    page.get_by_label("Strong yes").check()
    page.locator("input[name=level_given][value='2']").check()
    page.get_by_label("High").check()
    page.get_by_role("button", name="Hand in").click()

    expect(page.get_by_text("Your review is in, thank you.")).to_be_visible()
    assert kept().is_submitted


def test_what_is_chosen_of_two_tabs_is_saved(open_review: Callable[..., "Page"]) -> None:
    first, second = open_review(), open_review(tolerated="409 (Conflict)")
    first.keyboard.press("1")
    expect(first.locator("#draft-state")).to_contain_text("Draft saved")
    second.keyboard.press("4")
    both = second.locator("#conflict")
    expect(both.get_by_role("heading", name="Two windows, two texts")).to_be_visible()
    expect(both.locator("[data-mine]")).to_have_text("L7")
    expect(both.locator("[data-theirs]")).to_have_text("below")

    both.get_by_role("radio", name="The other window").check()
    both.get_by_role("button", name="Save as chosen").click()

    expect(second.locator("#draft-state")).to_contain_text("Draft saved")
    expect(second.locator("input[name=dimension-discovery][value='0']")).to_be_checked()
    expect(both).to_be_hidden()
    second.keyboard.press("3")
    wait_until(lambda: draft_of(kept()).ratings == {"discovery": 2}, seconds=SAVED_WITHIN_S)


def test_both_summaries_are_kept_one_after_the_other(open_review: Callable[..., "Page"]) -> None:
    first, second = open_review(), open_review(tolerated="409 (Conflict)")
    for page, words in ((first, "First."), (second, "Second.")):
        page.locator(".scorecard__way a[href='#verdict']").click()
        page.locator("#summary").fill(words)
        if page is first:
            expect(first.locator("#draft-state")).to_contain_text("Draft saved")

    both = second.locator("#conflict")
    both.get_by_role("radio", name="Both, the other window’s first").check()
    both.get_by_role("button", name="Save as chosen").click()

    wait_until(lambda: kept().summary == "First.\n\nSecond.", seconds=SAVED_WITHIN_S)


def test_lines_are_chosen_by_mouse(open_review: Callable[..., "Page"]) -> None:
    page = open_review()
    page.locator("#notes-L1").click()
    expect(page.locator("#notes-L1")).to_have_attribute("aria-selected", "true")
    page.locator("#notes-L3").click(modifiers=["Shift"])
    page.get_by_role("button", name="Quote for Discovery").click()
    expect(page.locator("#mark-quote")).to_have_value(
        "who hurts: on-call\nwho decides: infra director\nnot doing: paging"
    )
    page.get_by_role("button", name="Mark", exact=True).click()

    expect(page.locator("#evidence-discovery .evidence__at")).to_have_text("notes 1")
    expect(page.locator("[data-artifact] [aria-selected=true]")).to_have_count(0)


def test_phases_are_marked_and_taken_back_by_mouse(open_review: Callable[..., "Page"]) -> None:
    page = open_review()
    play_to(page, 5)
    page.get_by_role("button", name="Discovery").click()
    play_to(page, 20)
    page.get_by_role("button", name="First slice").click()
    expect(page.locator("#moments")).to_contain_text("First slice begins at 0:20.")
    page.get_by_text("2 moments marked").click()
    page.get_by_role("button", name="Remove 0:05 Discovery").click()

    expect(page.locator("#moments")).to_contain_text("1 moment marked")
    page.get_by_role("button", name="Put it back").click()
    expect(page.locator("#moments")).to_contain_text("2 moments marked")
    page.locator("#ribbon [data-start-ms='5000']").click()
    expect(page.locator("[data-part=time]")).to_have_text("0:05")


def test_moments_work_without_scripts(open_review: Callable[..., "Page"]) -> None:
    page = open_review(java_script_enabled=False)
    page.locator("#moment-at").fill("0:05")
    page.get_by_role("button", name="Discovery").click()

    expect(page.get_by_text("Discovery begins at 0:05.")).to_be_visible()
    page.get_by_text("1 moment marked").click()
    page.get_by_role("button", name="Remove 0:05 Discovery").click()
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_text("1 moment marked")).to_be_visible()
    assert kept().moments.get().at_ms == 5000


def test_lease_moves_while_somebody_is_at_work(open_review: Callable[..., "Page"]) -> None:
    page = open_review()
    until = kept().lease_until
    page.clock.install()
    page.reload()
    page.locator(".grading--scripted").wait_for()
    page.clock.fast_forward("01:05")
    page.keyboard.press("?")

    wait_until(lambda: kept().lease_until > until, seconds=SAVED_WITHIN_S)
    expect(page.locator("#draft-state")).to_contain_text("Yours until")
