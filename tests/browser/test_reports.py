"""Leaving the scorecard by a report or a conflict, from the keyboard and without any script."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Conflict, Report, Review
from loops.models import Cohort, User
from tests import factories
from tests.browser.world import session_of

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Open = Callable[..., "Page"]


@pytest.fixture
def review(candidate: User, peer: User, cohort: Cohort) -> Review:
    """A review, just claimed, of an answer with a bare recording."""
    attempt = factories.attempt(factories.loop(candidate, cohort).rounds.get())
    factories.recording(attempt)
    return factories.review(attempt, peer, claimed_at=timezone.now())


@pytest.fixture
def open_as(new_page: Open, live_server: "LiveServer") -> Open:
    """Return a function that opens an address as somebody."""

    def opened(user: User, address: str, **more: Any) -> "Page":
        page = new_page(tolerated="404", **more)  # the bare recording has no file
        page.context.add_cookies(
            [{"name": "session", "value": session_of(user), "url": live_server.url}]
        )
        page.goto(address)
        return page

    return opened


def test_a_report_from_the_keyboard_keeps_what_was_typed_a_moment_ago(
    open_as: Open, review: Review, peer: User, candidate: User
) -> None:
    page = open_as(peer, reverse("feedback:review", args=[review.public_id]))
    page.locator(".grading--scripted").wait_for()
    page.locator(".scorecard__way a[href='#verdict']").click()
    page.locator("#summary").fill("As far as I heard")
    page.locator(".report summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#report-note")).to_be_focused()
    page.keyboard.type("No sound: j and k are letters here.")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    expect(page.get_by_text("Reported, thank you.")).to_be_visible()
    review.refresh_from_db()
    made = Report.objects.get()
    assert (review.state, review.summary) == ("void", "As far as I heard")
    assert (made.kind, made.note) == ("unusable", "No sound: j and k are letters here.")

    page.get_by_role("link", name="See what you wrote").click()
    page.get_by_role("button", name="Take the report back").click()
    expect(page.get_by_text("Your review is open again.")).to_be_visible()
    expect(page.locator("#summary")).to_have_value("As far as I heard")


def test_i_know_who_this_is_without_scripts(
    open_as: Open, review: Review, peer: User, candidate: User
) -> None:
    page = open_as(
        peer, reverse("feedback:review", args=[review.public_id]), java_script_enabled=False
    )
    page.locator("#summary").fill("As far as I got")
    page.locator(".report summary").click()
    page.get_by_role("button", name="I know who this is").click()

    expect(page.get_by_text("it is back in the queue for somebody else")).to_be_visible()
    review.refresh_from_db()
    assert (review.state, review.summary) == ("released", "As far as I got")
    assert Conflict.objects.get().other == candidate

    page.get_by_role("link", name="People you do not grade").first.click()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("From now on you may grade each other again.")).to_be_visible()
    assert not Conflict.objects.exists()


def test_a_candidate_contests_a_report_without_scripts(
    open_as: Open, review: Review, candidate: User
) -> None:
    Report.objects.create(review=review, kind="unusable", made_at=timezone.now(), note="No sound")
    Review.objects.filter(pk=review.pk).update(state="void")
    factories.in_queue(review.attempt)
    results = reverse("feedback:results", args=[review.attempt.public_id])
    page = open_as(candidate, results, java_script_enabled=False)

    expect(page.get_by_text("They write: “No sound”")).to_be_visible()
    page.get_by_text("I think it can be graded").click()
    page.locator("#contest-because").fill("It plays here.")
    page.get_by_role("button", name="Send it back to the queue").click()

    expect(page.get_by_text("Your answer is back in the queue")).to_be_visible()
    assert Report.objects.get().contested_because == "It plays here."
