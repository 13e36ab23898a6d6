"""The frame and one dimension of the scorecard without a mouse; where the focus is, is seen."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Review
from loops.models import Cohort, User
from tests import factories
from tests.browser.world import session_of

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The focus is seen where the element in focus, or the label that stands for it, is on the screen
# and differs from how it looks without the focus.
IS_FOCUS_SEEN = """
() => {
  const inFocus = document.activeElement;
  if (inFocus === document.body || !inFocus.matches(":focus-visible")) return false;
  const drawn = [inFocus, inFocus.closest("label")].filter(Boolean);
  const look = () => drawn.map((one) => {
    const { outline, boxShadow, borderColor, backgroundColor } = getComputedStyle(one);
    return [outline, boxShadow, borderColor, backgroundColor].join();
  }).join();
  const { left, top, right, bottom, width, height } = drawn.at(-1).getBoundingClientRect();
  const isInWindow = right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
  const isThere = width > 2 && height > 2 && isInWindow;
  const withFocus = look();
  inFocus.blur();
  const without = look();
  inFocus.focus({ focusVisible: true, preventScroll: true });
  return isThere && withFocus !== without;
}
"""


@pytest.fixture
def opened(new_page: Callable[..., "Page"], live_server: "LiveServer") -> Callable[..., "Page"]:
    """Return a function that opens a page as a person."""

    def open_as(user: User, path: str) -> "Page":
        page = new_page(reduced_motion="reduce")
        cookie = {"name": "session", "value": session_of(user), "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.goto(path)
        return page

    return open_as


def assert_focus_seen(page: "Page") -> None:
    assert page.evaluate(IS_FOCUS_SEEN), page.evaluate("document.activeElement.outerHTML")


def test_skip_link_comes_first_and_leads_past_the_bar(
    opened: Callable[..., "Page"], candidate: User
) -> None:
    page = opened(candidate, reverse("loops:loop_list"))

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    assert_focus_seen(page)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.closest('main') !== null")
    assert_focus_seen(page)


def test_every_stop_of_the_bar_is_seen_and_its_menu_opens(
    opened: Callable[..., "Page"], candidate: User
) -> None:
    page = opened(candidate, reverse("rubrics:browse"))
    menu = page.locator(".bar .menu > summary")

    page.keyboard.press("Tab")
    for _stop in range(12):
        page.keyboard.press("Tab")
        assert_focus_seen(page)
        if menu.evaluate("one => one === document.activeElement"):
            break
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Profile")).to_be_focused()
    assert_focus_seen(page)
    page.keyboard.press("Escape")

    expect(menu).to_be_focused()
    expect(page.get_by_role("link", name="Profile")).to_be_hidden()


def test_a_dimension_is_rated_by_the_table_of_keys(
    opened: Callable[..., "Page"], candidate: User, peer: User, cohort: Cohort
) -> None:
    answer = factories.attempt(factories.loop(candidate, cohort).rounds.get())
    review = factories.review(answer, peer, claimed_at=timezone.now())
    page = opened(peer, reverse("feedback:review", args=[review.public_id]))
    page.locator(".grading--scripted").wait_for()

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.keyboard.press("3")
    chosen = page.locator("#dimension-discovery input[value='2']")
    expect(chosen).to_be_checked()
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="Bounding")).to_be_focused()
    page.keyboard.press("Tab")
    assert_focus_seen(page)
    page.keyboard.press("2")
    expect(page.locator("#dimension-bounding input[value='1']")).to_be_checked()
    page.keyboard.press("k")
    expect(page.get_by_role("heading", name="Discovery")).to_be_visible()
    expect(page.locator("#draft-state")).to_contain_text("Draft saved")

    ratings = Review.objects.get().ratings.order_by("dimension__position")
    assert list(ratings.values_list("dimension__key", "rank")) == [
        ("discovery", 2),
        ("bounding", 1),
    ]
