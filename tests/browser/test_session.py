"""The session page in browsers: a prompt that comes by itself, a recorder that stays, stamps."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Evidence, Review
from loops.actions import sessions
from loops.models import Attempt, Cohort, Mock, Recording, User
from loops.states import RecordingState
from tests import factories
from tests.browser.world import session_of
from tests.factories import DIMENSIONS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NEWS_WITHIN_MS = 15_000
PROMPT = "Help the reliability group get fewer incidents, case 1."


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A mock that begins in three minutes: the candidate answers, the peer interviews."""
    return factories.mock(
        candidate,
        peer,
        cohort,
        starts_at=timezone.now() + timedelta(minutes=3),
        created_at=timezone.now() - timedelta(hours=1),
    )


@pytest.fixture
def running(mock: Mock, candidate: User, peer: User) -> Mock:
    """The same mock, with both here and the turn begun by its interviewer a moment ago."""
    for person in (candidate, peer):
        sessions.arrive(mock=mock, by=person, at=timezone.now())
    return mock


@pytest.fixture
def join(
    new_page: Callable[..., "Page"], mock: Mock, live_server: "LiveServer"
) -> Callable[..., "Page"]:
    """Return a function that opens the session page as one of the two."""

    def joined(user: User, **more: Any) -> "Page":
        page = new_page(**more)
        cookie = {"name": "session", "value": session_of(user), "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.goto(reverse("feedback:session", args=[mock.public_id]))
        return page

    return joined


def begin(page: "Page") -> None:
    page.get_by_role("button", name="Begin the turn").click()
    page.locator(".grading--scripted").wait_for()


def recording_of(attempt: Attempt) -> Recording:
    return attempt.recordings.kept().get()


def test_an_evening_from_the_first_hello_to_the_hand_in(
    join: Callable[..., "Page"], candidate: User, peer: User
) -> None:
    """The prompt comes by itself to devices that stay ready, and all that is done is kept."""
    answering, interviewing = join(candidate), join(peer)
    answering.get_by_role("button", name="I am here").click()
    expect(answering.get_by_text("not here yet").last).to_be_visible()
    answering.get_by_role("button", name="I agree, check my devices").click()
    start = answering.get_by_role("button", name="Start recording")
    start.click()
    expect(answering.get_by_text("Your turn has not begun.")).to_be_visible()

    interviewing.get_by_role("button", name="I am here").click()
    assert PROMPT not in answering.content()
    begin(interviewing)

    expect(answering.get_by_text(PROMPT)).to_be_visible(timeout=NEWS_WITHIN_MS)
    expect(start).to_be_hidden()  # the level is predicted before anything can be recorded
    answering.get_by_role("radio", name="L6").check()
    answering.get_by_role("button", name="This is my prediction").click()
    expect(answering.get_by_text("You predicted L6.")).to_be_visible()
    start.click()
    expect(answering.get_by_text(re.compile("Safe on the server up to 0:0[2-9]"))).to_be_visible()
    expect(interviewing.get_by_text("is recording", exact=False).first).to_be_visible(
        timeout=NEWS_WITHIN_MS
    )

    interviewing.keyboard.press("e")
    expect(interviewing.locator("#mark-note")).to_be_focused()
    interviewing.keyboard.type("Asks who is hurt: 1, j and x are letters here.")
    interviewing.keyboard.press("Enter")
    expect(interviewing.locator(f"#evidence-{DIMENSIONS[0]} .evidence")).to_have_count(1)
    interviewing.keyboard.press("3")
    wait_until(lambda: Review.objects.get().ratings.filter(rank=2).exists())
    interviewing.get_by_role("button", name="End the turn").click()
    expect(interviewing.get_by_role("button", name="Finish the mock")).to_be_visible()

    expect(answering.get_by_text("Finish your recording first")).to_be_visible(
        timeout=NEWS_WITHIN_MS
    )
    answering.get_by_role("button", name="Finish", exact=True).click()
    answering.get_by_role("button", name="Finish the mock").click()
    expect(answering.get_by_text("The mock is over")).to_be_visible()
    answering.get_by_role("link", name="Hand in", exact=True).click()
    answering.get_by_role("radio", name="Lively").check()
    answering.get_by_role("button", name="Hand in").click()
    expect(answering.get_by_role("link", name="Fill in the card")).to_be_visible()

    attempt = Attempt.objects.get()
    assert (attempt.kind, attempt.state, attempt.predicted_rank) == ("live", "submitted", 2)
    recording = recording_of(attempt)
    assert recording.state in RecordingState.settled()
    (began, *_more) = recording.pauses
    assert (began[0], began[1] < 10_000) == (0, True)
    assert Evidence.objects.get().stamped_at


def test_stamps_wait_for_the_network_and_keep_their_instants(
    running: Mock, join: Callable[..., "Page"], peer: User
) -> None:
    page = join(peer, tolerated="ERR_FAILED")
    begin(page)
    is_down = True

    def fail(route: "Route") -> None:
        if is_down:
            route.abort()
        else:
            route.continue_()

    page.route("**/evidence/", fail)
    before = timezone.now()
    for note in ("first", "second"):
        page.get_by_role("button", name="Stamp this moment").click()
        page.locator("#mark-note").fill(note)
        page.keyboard.press("Enter")
    after = timezone.now()
    expect(page.get_by_text("2 stamps wait for the network")).to_be_visible()
    page.wait_for_timeout(2000)
    assert not Evidence.objects.exists()

    page.reload()
    page.locator(".grading--scripted").wait_for()
    is_down = False

    expect(page.locator(f"#evidence-{DIMENSIONS[0]} .evidence")).to_have_count(
        2, timeout=NEWS_WITHIN_MS
    )
    kept = list(Evidence.objects.order_by("pk").values_list("note", "stamped_at"))
    second = timedelta(seconds=1)
    assert [note for note, _at in kept] == ["first", "second"]
    assert all(before - second <= at <= after + second for _note, at in kept if at)


def test_a_stamped_signal_is_ticked_and_a_dropped_stamp_is_none(
    running: Mock, join: Callable[..., "Page"], peer: User
) -> None:
    page = join(peer)
    begin(page)

    page.keyboard.press("e")
    page.keyboard.press("Escape")
    expect(page.locator("[data-stamp-form]")).to_be_hidden()
    page.keyboard.press("x")
    page.locator("#mark-note").fill("Three boxes at once")
    page.keyboard.press("Enter")

    expect(page.locator("#notes .note--signal")).to_have_count(1)
    expect(page.locator("input[name=downcodes][value=draws_first]")).to_be_checked()
    wait_until(Review.objects.get().ticks.exists)
    page.get_by_role("button", name="Remove", exact=False).click()
    expect(page.locator("#notes .note--signal")).to_have_count(0)
    assert not Evidence.objects.exists()


def test_an_interview_is_held_without_scripts(
    running: Mock, join: Callable[..., "Page"], peer: User
) -> None:
    page = join(peer, java_script_enabled=False)
    page.get_by_role("button", name="Begin the turn").click()
    page.get_by_label("What you saw").fill("Asks who is hurt")
    page.get_by_role("button", name="Stamp", exact=True).click()
    expect(page.locator(f"#evidence-{DIMENSIONS[0]} .evidence")).to_have_count(1)
    page.locator("#dimension-discovery").get_by_role("radio").nth(1).check()
    page.get_by_role("button", name="Save draft").click()

    assert page.url.endswith("/session/")
    expect(page.locator("#dimension-discovery").get_by_role("radio").nth(1)).to_be_checked()
    assert Evidence.objects.get().note == "Asks who is hurt"
    page.get_by_role("button", name="End the turn").click()
    page.get_by_role("button", name="Finish the mock").click()
    expect(page.get_by_role("link", name="Go on with the review")).to_be_visible()


def test_a_page_on_which_somebody_types_does_not_load_itself_anew(
    mock: Mock, join: Callable[..., "Page"], candidate: User, peer: User
) -> None:
    """The candidate comes while the interviewer writes where to talk; then the page is renewed."""
    page = join(peer)
    room = page.get_by_label("Video room")
    room.fill("https://meet.example/half-written")
    sessions.arrive(mock=mock, by=candidate, at=timezone.now())

    page.wait_for_timeout(8_000)
    expect(room).to_have_value("https://meet.example/half-written")
    room.blur()

    expect(page.get_by_role("heading", name=f"{candidate.handle} is here")).to_be_visible(
        timeout=NEWS_WITHIN_MS
    )


def test_who_waits_is_led_on_when_the_grace_is_over(
    mock: Mock, join: Callable[..., "Page"], peer: User
) -> None:
    """The page of who came changes by itself once the partner counts as absent."""
    sessions.arrive(mock=mock, by=peer, at=timezone.now())
    now = timezone.now()
    Mock.objects.update(starts_at=now - timedelta(minutes=10) + timedelta(seconds=4))
    page = join(peer)
    expect(page.get_by_text("ten minutes’ grace")).to_be_visible()

    expect(page.get_by_role("button", name="Call somebody on standby")).to_be_visible(
        timeout=NEWS_WITHIN_MS
    )
