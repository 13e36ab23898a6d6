"""The main path with JavaScript off: instead of recording in the browser a file is handed in."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import expect

from feedback.actions.reviews import draft_of
from feedback.models import Review
from loops.actions import processing
from loops.media import synthesise_demo
from loops.models import Attempt, Recording, User

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a quiet evening of practice"
FILM_S = 4


def test_an_answer_is_given_and_graded_without_scripts(
    new_page: Callable[..., "Page"], candidate: User, peer: User, tmp_path: Path
) -> None:
    call_command("import_rubrics", stdout=io.StringIO())
    film = tmp_path / "answer.webm"
    synthesise_demo(film, FILM_S)

    _answer(_signed_in(new_page(java_script_enabled=False), candidate), film)
    attempt = Attempt.objects.get()
    assert attempt.is_submitted
    assert (attempt.predicted_rank, attempt.energy) == (2, 1)

    page = _signed_in(new_page(java_script_enabled=False), peer)
    marked = _claim_and_mark(page)
    _hand_in(page, marked)
    review = Review.objects.get()
    assert review.is_submitted
    assert (review.verdict, review.level_given_rank, review.confidence) == ("yes", 2, "fair")
    assert set(draft_of(review).ratings.values()) == {2, None}
    (mark,) = review.evidence.all()
    assert (mark.start_ms, mark.end_ms, mark.note) == (1000, 3000, "Says what it will not do.")


def _signed_in(page: "Page", user: User) -> "Page":
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    page.goto("/accounts/login/")
    page.get_by_label(re.compile("^E-?mail")).fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Readiness", exact=True)).to_be_visible()
    return page


def _answer(page: "Page", film: Path) -> None:
    """Start a loop, draw, predict, send a file, hand in."""
    page.get_by_role("link", name="Start a loop").click()
    page.locator("input[name=preset][value=staff]").check()
    page.locator("input[name=target_rank][value='2']").check()
    page.get_by_role("button", name="Start the loop").click()
    page.get_by_role("link", name="Coding", exact=True).click()
    page.get_by_role("button", name="Draw a prompt").click()
    page.get_by_role("radio", name=re.compile("^L6")).check()
    page.get_by_role("button", name="This is my prediction").click()
    page.get_by_text("Hand in a file instead").click()
    page.locator("input[type=file]").set_input_files(film)
    page.get_by_role("button", name="Send the file").click()
    expect(page.get_by_text("Your file is safe on the server.")).to_be_visible()

    processing.process(recording_id=Recording.objects.get().pk, now=timezone.now)
    page.reload()
    expect(page.locator("video")).to_be_visible()
    page.get_by_role("link", name="Hand in my answer").click()
    page.get_by_role("radio", name="Lively").check()
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("heading", name="0 of 2 reviews in")).to_be_visible()


def _claim_and_mark(page: "Page") -> str:
    """Take the answer, mark a time by typing it, save; return the dimension that is marked."""
    page.get_by_role("link", name=re.compile("^Grade")).click()
    page.get_by_role("button", name="Take the next").click()
    first = page.locator("section[data-about^='dimension:']").first.get_attribute("id") or ""
    page.locator("#mark > summary").click()
    page.locator("#mark-start").fill("0:01")
    page.locator("#mark-end").fill("00:03")
    page.locator("#mark-about").select_option(first.replace("dimension-", "dimension:"))
    page.locator("#mark-note").fill("Says what it will not do.")
    page.get_by_role("button", name="Mark", exact=True).click()
    expect(page.locator("#notes")).to_contain_text("Says what it will not do.")

    page.locator(f"#{first} input[value='2']").check()
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    expect(page.locator(f"#{first} input[value='2']")).to_be_checked()
    return first


def _hand_in(page: "Page", marked: str) -> None:
    """Rate what is left as not observed, give the verdict, hand in."""
    for step in page.locator("section[data-about^='dimension:']").all():
        if step.get_attribute("id") != marked:
            step.locator("input[value=none]").check()
    page.locator("input[name=verdict][value=yes]").check()
    page.locator("input[name=level_given][value='2']").check()
    page.locator("input[name=confidence][value=fair]").check()
    page.get_by_label("Summary").fill("Which decided it: the contract came before the code.")
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("Your review is in, thank you.")).to_be_visible()
