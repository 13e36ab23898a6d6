"""A candidate takes an answer back while somebody grades it: nothing typed is lost, nobody owes."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.files.storage import storages
from django.utils import timezone
from playwright.sync_api import expect

from feedback.actions.queue import claim
from feedback.models import Review, Standing
from loops import media
from loops.models import Cohort, Recording, Rendition, User
from tests import factories
from tests.browser.world import session_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WORDS = "Asked who is hurt before drawing anything."
MORE = (" Then named the one number", " that decides.")


@pytest.fixture
def page_of(new_page: "Callable[..., Page]", live_server: "LiveServer") -> "Callable[..., Page]":
    """Return a function that opens a browser in which somebody is signed in."""

    def opened(user: User, **facts: object) -> "Page":
        page = new_page(**facts)
        page.context.add_cookies(
            [{"name": "session", "value": session_of(user), "url": live_server.url}]
        )
        return page

    return opened


def test_taking_an_answer_back_under_a_graders_hands(
    page_of: "Callable[..., Page]", candidate: User, peer: User, cohort: Cohort, tmp_path: Path
) -> None:
    film = tmp_path / "film.webm"
    media.synthesise_demo(film, 6)
    answer = factories.attempt(
        factories.loop(candidate, cohort).rounds.get(),
        submitted_at=timezone.now() - timedelta(hours=1),
    )
    recording = factories.recording(answer, film.read_bytes(), duration_ms=6_000)
    names = list(Rendition.objects.values_list("name", flat=True))
    assert all(storages["recordings"].exists(name) for name in names)
    review = claim(by=peer, at=timezone.now())
    theirs = page_of(peer, tolerated="Failed to load resource")
    theirs.goto(f"/reviews/{review.public_id}/")
    theirs.locator(".grading--scripted").wait_for()
    while not theirs.get_by_label("Summary").is_visible():
        theirs.keyboard.press("j")
    theirs.get_by_label("Summary").fill(WORDS)
    wait_until(lambda: Review.objects.get(pk=review.pk).summary == WORDS)

    mine = page_of(candidate)
    mine.goto(f"/results/{answer.public_id}/")
    mine.get_by_role("link", name="Take this answer back").click()
    expect(mine.get_by_text("One grader has it in hand")).to_be_visible()
    mine.get_by_role("button", name="Take it back", exact=True).click()
    expect(mine.get_by_text("The answer is taken back and its recording erased.")).to_be_visible()

    recording.refresh_from_db()
    assert recording.state == Recording.State.ERASED
    assert not any(storages["recordings"].exists(name) for name in names)

    # The grader types on: the page says what happened, and the words are kept, those after it too.
    for words in MORE:
        theirs.get_by_label("Summary").press_sequentially(words)
        expect(theirs.get_by_text("withdrawn this answer").first).to_be_visible()
    wait_until(lambda: Review.objects.get(pk=review.pk).summary == WORDS + "".join(MORE))
    theirs.goto(f"/reviews/{review.public_id}/")
    expect(theirs.get_by_text(WORDS + "".join(MORE))).to_be_visible()
    theirs.goto("/notices/")
    expect(theirs.get_by_text("the answer you were grading is gone").first).to_be_visible()
    expect(theirs.get_by_text("You are credited as if you had handed it in.")).to_be_visible()
    assert Standing.objects.get(member=peer).credit == 1
    theirs.goto("/queue/")
    expect(theirs.get_by_role("button", name="Take the next")).to_have_count(0)
