"""The look in a real browser: it fits, the policy holds, the small behaviours work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import pytest
from django.urls import reverse

from loops.models import User

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDTHS = [320, 390, 768, 1024, 1280]
PASSWORD = "a few plain words"
TOO_SMALL = """
() => [...document.querySelectorAll(".button, .bar a, .tabs a, button, input, select, summary")]
  .filter((e) => e.checkVisibility())
  .map((e) => [e, (e.closest("label") ?? e).getBoundingClientRect()])
  .filter(([e, box]) => box.width && (box.width < 24 || box.height < 24))
  .map(([e]) => e.outerHTML.slice(0, 90))
"""


@pytest.fixture
def _debug(settings: Any) -> None:
    settings.DEBUG = True


@pytest.mark.usefixtures("_debug")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_style_page_fits_every_width(
    new_page: Callable[..., Page], theme: Literal["light", "dark"]
) -> None:
    page = new_page(theme=theme)
    page.goto(reverse("style"))

    too_wide = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(width)

    assert too_wide == []


@pytest.mark.usefixtures("_debug")
def test_style_page_has_targets_large_enough(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(reverse("style"))

    assert page.evaluate(TOO_SMALL) == []


@pytest.mark.usefixtures("_debug")
def test_page_loads_its_font_and_follows_the_systems_theme(new_page: Callable[..., Page]) -> None:
    grounds = []
    for theme in ("light", "dark"):
        page = new_page(theme=theme)
        page.goto("/")
        page.evaluate("document.fonts.ready")
        assert page.evaluate("document.fonts.check('16px Inter')")
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert grounds[0] != grounds[1]


def test_theme_is_chosen_without_javascript(new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(reverse("account_login"))

    page.get_by_role("button", name="Dark").click()

    assert page.url.endswith(reverse("account_login"))
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"


def test_menu_closes_on_escape_and_gives_the_focus_back(
    new_page: Callable[..., Page], candidate: User
) -> None:
    page = new_page(width=390)
    sign_in(page, candidate)

    page.locator(".bar summary").click()
    page.locator(".menu__item").first.focus()
    page.keyboard.press("Escape")

    assert page.locator(".bar details").get_attribute("open") is None
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_menu_closes_on_a_click_elsewhere(new_page: Callable[..., Page], candidate: User) -> None:
    page = new_page()
    sign_in(page, candidate)

    page.locator(".bar summary").click()
    page.locator("h1").click()

    assert page.locator(".bar details").get_attribute("open") is None


def test_form_is_sent_once_and_says_it_is_busy(new_page: Callable[..., Page]) -> None:
    page = new_page()
    sent = []

    def answer(route: Route) -> None:
        if route.request.method == "GET":
            route.continue_()
        else:
            sent.append(route.request.post_data)
            route.fulfill(status=204)  # no content: the browser stays on the page

    page.route("**" + reverse("account_reset_password"), answer)
    page.goto(reverse("account_reset_password"), wait_until="networkidle")
    page.fill("input[name=email]", "mara@example.org")

    page.locator("main button").click()
    page.locator("main button[aria-busy=true]").wait_for()
    page.locator("main button").click()

    assert len(sent) == 1


@pytest.mark.usefixtures("_debug")
def test_address_is_copied(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(reverse("style"), wait_until="networkidle")

    page.locator(".copy button").click()

    page.get_by_text("Copied", exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#copy").input_value()


@pytest.mark.usefixtures("_debug")
def test_counter_follows_the_text(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(reverse("style"), wait_until="networkidle")

    page.fill("#id_why", "twelve signs")

    assert page.locator("#id_why ~ .field__count").inner_text() == "12 / 200"


@pytest.mark.usefixtures("_debug")
def test_dialog_opens_and_closes(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(reverse("style"), wait_until="networkidle")

    page.locator("[data-dialog=keys]").click()
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")

    assert not page.locator("#keys").is_visible()


def sign_in(page: Page, user: User) -> None:
    """Sign in by hand and wait for the first page."""
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    page.goto(reverse("account_login"))
    page.fill("input[name=login]", user.email)
    page.fill("input[name=password]", PASSWORD)
    page.locator("main button").click()
    page.wait_for_url("**" + reverse("feedback:readiness"))
    page.wait_for_load_state("networkidle")
