"""What people of several journeys do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page


def take_the_next(page: "Page") -> None:
    """Take the next answer from the queue and go to its second second."""
    page.get_by_role("link", name="Grade").first.click()
    page.get_by_role("button", name="Take the next").click()
    page.locator("video").evaluate(
        "v => { v.muted = true; v.currentTime = 2; return new Promise(r => v.onseeked = r); }"
    )


def grade(page: "Page", *, key: str, verdict: str) -> None:
    """Mark evidence and a level for each dimension of the open scorecard, hand in."""
    for name in dimensions(page):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        page.keyboard.press("e")
        page.keyboard.type("Says what it will not do.")
        page.keyboard.press("Enter")
        expect(page.locator("section[data-step]:visible .evidence")).to_have_count(1)
        page.keyboard.press(key)
        page.keyboard.press("j")
    while not page.get_by_role("heading", name="Verdict", exact=True).is_visible():
        page.keyboard.press("j")
    page.get_by_text(verdict, exact=True).click()
    level = {"Yes": "L6", "No": "L5"}[verdict]
    page.get_by_role("group", name="Highest level").get_by_text(level).click()
    page.get_by_role("group", name="How sure").get_by_text("Fair").click()
    page.get_by_label("Summary").fill("Which decided it: the contract came before the code.")
    page.get_by_role("button", name="Hand in").click()


def open_levels(page: "Page") -> None:
    """Say of each review in view that it is very useful, and open their levels."""
    for group in page.get_by_role("group", name="How useful is this?").all():
        group.get_by_text("Very", exact=True).click()
    page.get_by_role("button", name="Open the levels").click()
    expect(page.get_by_text("with their levels.")).to_be_visible()


def dimensions(page: "Page") -> Iterator[str]:
    """Name the dimensions of the open scorecard."""
    steps = page.locator("section[data-about^='dimension:']")
    yield from [steps.nth(n).get_attribute("data-name") or "" for n in range(steps.count())]
