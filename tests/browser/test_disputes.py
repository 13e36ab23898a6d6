"""The form of an appeal in Chromium: the player's time goes into its fields by a press."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import GradeAppeal
from loops import media
from loops.models import Cohort, User
from tests import factories
from tests.browser.world import session_of

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WHY = "From the second second on I say who is hurt; the review marks the first alone. " * 2


def test_a_part_of_the_recording_is_named_by_the_players_time(  # noqa: PLR0917 - cast and browser
    new_page: "Callable[..., Page]",
    live_server: "LiveServer",
    candidate: User,
    peer: User,
    second_peer: User,
    cohort: Cohort,
    tmp_path: Path,
) -> None:
    film = tmp_path / "film.webm"
    media.synthesise_demo(film, 6)
    now = timezone.now()
    answer = factories.attempt(factories.loop(candidate, cohort).rounds.get(), submitted_at=now)
    factories.recording(answer, film.read_bytes(), duration_ms=6_000)
    for grader in (peer, second_peer):
        factories.submitted_review(answer, grader, submitted_at=now)
    factories.open_reviews(answer)
    page = new_page()
    page.context.add_cookies(
        [{"name": "session", "value": session_of(candidate), "url": live_server.url}]
    )
    page.goto(f"/results/{answer.public_id}/appeal/")
    now_buttons = page.get_by_role("button", name="the time the player is at")
    for seconds, button in ((2, now_buttons.first), (4, now_buttons.last)):
        page.locator("video").evaluate(
            "(v, s) => new Promise((r) => { v.onseeked = r; v.currentTime = s; })", seconds
        )
        button.focus()
        page.keyboard.press("Enter")
    expect(page.get_by_label("From", exact=True)).to_have_value("0:02")
    expect(page.get_by_label("To", exact=True)).to_have_value("0:04")
    page.get_by_label("What was missed").fill(WHY)
    page.get_by_role("button", name="Send the appeal").click()
    expect(page.get_by_text("Your appeal is sent")).to_be_visible()
    made = GradeAppeal.objects.get()
    assert (made.start_ms, made.end_ms) == (2_000, 4_000)
