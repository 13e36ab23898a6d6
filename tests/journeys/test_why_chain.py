"""After the reviews: a candidate asks why, a grader asks back, and a chain has two links."""

import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import FollowUp, Review
from loops import media
from loops.models import Attempt, Cohort, Notice, User
from tests import factories
from tests.browser.world import session_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

READY_MS = 40_000


@pytest.fixture
def review(candidate: User, peer: User, cohort: Cohort, tmp_path: Path) -> Review:
    """The one review of an answer from two days ago, opened by its candidate."""
    film = tmp_path / "film.webm"
    media.synthesise_demo(film, 6)
    at = timezone.now() - timedelta(hours=50)
    made = factories.loop(candidate, cohort).rounds.get()
    answer = factories.attempt(made, submitted_at=at)
    factories.recording(answer, film.read_bytes(), duration_ms=6_000)
    one = factories.submitted_review(answer, peer, submitted_at=at + timedelta(hours=1))
    factories.open_reviews(answer, at=timezone.now())
    return one


@pytest.fixture
def page_of(new_page: "Callable[..., Page]", live_server: "LiveServer") -> "Callable[..., Page]":
    """Return a function that opens a browser in which somebody is signed in."""

    def opened(user: User) -> "Page":
        page = new_page()
        page.context.add_cookies(
            [{"name": "session", "value": session_of(user), "url": live_server.url}]
        )
        return page

    return opened


def test_questions_and_takes_go_to_and_fro(
    review: Review,
    page_of: "Callable[..., Page]",
    candidate: User,
    peer: User,
    worker: subprocess.Popen[bytes],
) -> None:
    mine, theirs = page_of(candidate), page_of(peer)
    results = f"/results/{review.attempt.public_id}/"

    mine.goto(results)
    _seek(mine, 3)
    mine.get_by_text("Ask a grader why", exact=True).click()
    expect(mine.get_by_role("button", name="Now")).to_be_visible()  # its scripts have come
    mine.get_by_label("Your question").press_sequentially("Why L5 here?", delay=40)
    expect(mine.get_by_label("At", exact=False).first).to_have_value("0:03")
    mine.get_by_role("button", name="Ask", exact=True).click()
    expect(mine.get_by_text("Not answered yet.")).to_be_visible()

    _follow_notice(theirs, "asks why")
    question = theirs.get_by_role("article", name="Question to you")
    question.get_by_role("link", name="0:03").click()
    assert abs(_time(theirs) - 3) < 0.2
    question.get_by_label("Your answer").fill("You named the cost only after I asked.")
    question.get_by_role("button", name="Send the answer").click()
    expect(theirs.get_by_text("You answered")).to_be_visible()
    theirs.get_by_text("Ask a follow-up question").click()
    theirs.get_by_label("Your follow-up question").fill("Who would have paid for it?")
    theirs.get_by_role("button", name="Ask", exact=True).click()
    expect(theirs.get_by_text("waits for an answer")).to_be_visible()

    mine.goto(results)
    expect(mine.get_by_text("You named the cost only after I asked.")).to_be_visible()
    _seek(mine, 0)
    mine.locator("#questions").get_by_role("link", name="0:03").click()
    assert abs(_time(mine) - 3) < 0.2
    _follow_notice(mine, "follow-up question")
    _record(mine, "Who would have paid for it?")
    mine.get_by_role("button", name="Send it to peer-102").click()
    expect(mine.get_by_text("peer-102 can play it for seven days from then")).to_be_visible()

    _follow_notice(theirs, "your follow-up question is answered")
    assert _plays(theirs) >= 3
    theirs.get_by_label("Your follow-up question").fill("And if they had refused?")
    theirs.get_by_role("button", name="Ask", exact=True).click()
    expect(theirs.get_by_text("And if they had refused? waits for an answer")).to_be_visible()

    mine.goto(results)
    mine.get_by_role("link", name="Answer in 90 seconds").click()
    expect(mine.get_by_text("Link 2 of a why-chain")).to_be_visible()
    assert FollowUp.objects.filter(review=review).count() == 2
    assert Attempt.objects.get(kind=Attempt.Kind.FOLLOW_UP).is_submitted
    mine.goto(f"/rounds/{review.attempt.round.public_id}/")
    expect(mine.get_by_role("link", name=re.compile("^Answer ")).nth(0)).to_have_text("Answer 1")
    expect(mine.get_by_role("link", name=re.compile("^Answer \\d"))).to_have_count(1)


def _record(page: "Page", question: str) -> None:
    """Record a take that its recorder ends by itself, in fewer seconds here than ninety."""
    page.get_by_role("button", name="Record my take").click()
    expect(page.get_by_text(question)).to_be_visible()
    recorder = page.locator("[data-behaviour=recorder]")
    assert recorder.get_attribute("data-stop-seconds") == "90"
    page.get_by_role("button", name="I agree, check my devices").click()
    page.get_by_role("button", name="Start recording").click()
    expect(page.get_by_text("of 90 seconds")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^1:2\d left$"))).to_be_visible()
    expect(page.get_by_text("Fifteen of the 90 seconds are left.")).to_be_hidden()
    recorder.evaluate("(one) => { one.dataset.stopSeconds = '6'; }")
    expect(page.get_by_text("Fifteen of the 90 seconds are left.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Send it to"))).to_be_visible(
        timeout=READY_MS
    )
    assert 5 <= page.locator("video").evaluate("(one) => one.duration") <= 9


def _follow_notice(page: "Page", title: str) -> None:
    """Open the newest notice, which says so, and go where it leads."""
    wait_until(Notice.objects.exists)
    page.goto("/notices/")
    page.get_by_role("listitem").filter(has_text=title).get_by_role("button").first.click()
    page.wait_for_url(re.compile(r"/(reviews|results|follow-ups)/"))


def _seek(page: "Page", seconds: int) -> None:
    page.locator("[data-behaviour~=player]").evaluate(
        """async (root, seconds) => {
            while (!root.player) await new Promise((done) => setTimeout(done, 20));
            const video = root.querySelector("video");
            if (video.readyState < 1) await new Promise((r) => (video.onloadedmetadata = r));
            await root.player.seek(seconds * 1000);
        }""",
        seconds,
    )


def _time(page: "Page") -> float:
    page.wait_for_timeout(500)
    return float(
        page.locator("[data-behaviour~=player] video").first.evaluate("v => v.currentTime")
    )


def _plays(page: "Page") -> float:
    """Play what the page has for a moment; return how long it is."""
    video = page.locator("[data-behaviour~=player] video").first
    played = video.evaluate(
        """async (video) => {
            if (video.readyState < 1) await new Promise((r) => (video.onloadedmetadata = r));
            video.muted = true;
            await video.play();
            await new Promise((r) => (video.ontimeupdate = () => video.currentTime > 0.3 && r()));
            video.pause();
            return video.duration;
        }"""
    )
    return float(played)
