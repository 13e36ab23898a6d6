"""From an invitation link to a readiness page that moves: three people and a real worker."""

import io
import re
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from feedback.models import Snapshot
from loops.models import Attempt, Upload
from tests.journeys.steps import grade, open_levels, take_the_next
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a quiet evening of practice"


@pytest.fixture
def invitation_link(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """Import the catalogue, make the organiser with their cohort, return the path of the link."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    said = io.StringIO()
    call_command("import_rubrics", stdout=io.StringIO())
    call_command(
        "create_organiser",
        "organiser@example.org",
        cohort="Thursday cohort",
        password_stdin=True,
        stdout=said,
    )
    found = re.search(r"/join/\S+/", said.getvalue())
    assert found, said.getvalue()
    return found.group()


def test_an_answer_is_recorded_graded_calibrated_and_read(
    invitation_link: str,
    new_page: Callable[..., "Page"],
    worker: subprocess.Popen[bytes],
) -> None:
    candidate = _joined(new_page(), invitation_link, "candidate@example.org")
    results_url = _answer_handed_in(candidate)
    before = _board(candidate)
    assert before.count == "0 of 2 reviews in"

    _graded(_joined(new_page(), invitation_link, "first@example.org"), key="3", verdict="Yes")
    half = _board(candidate)

    assert half.count == "1 of 2 reviews in"
    assert half.rest == before.rest
    candidate.goto(results_url)
    expect(candidate.get_by_role("heading", name="1 of 2 reviews in")).to_be_visible()
    assert "Which decided it" not in candidate.content()
    assert not Snapshot.objects.exists()

    _graded(_joined(new_page(), invitation_link, "second@example.org"), key="2", verdict="No")
    shut = _board(candidate)
    assert "2 reviews wait to be opened" in shut.rest
    candidate.get_by_role("link", name="Read and open").click()
    expect(candidate).to_have_url(re.compile(f"{re.escape(results_url)}$"))
    expect(candidate.get_by_text("Which decided it")).to_have_count(2)
    assert "By rule" not in candidate.content()
    assert not Snapshot.objects.exists()

    open_levels(candidate)
    wait_until(Snapshot.objects.exists)
    after = _board(candidate)
    assert after.rest != half.rest
    row = _row(candidate)
    expect(row).to_contain_text("Too little evidence")
    expect(row).to_contain_text("1 answer · 2 graders")
    expect(row.get_by_role("img", name=re.compile("^Coding: estimate .*L6"))).to_be_visible()
    candidate.goto(results_url)
    expect(candidate.get_by_text("Which decided it")).to_have_count(2)
    expect(candidate.get_by_role("heading", name="By rule")).to_be_visible()


class _Board:
    """The readiness page: its one moving count, and everything else on it."""

    def __init__(self, html: str) -> None:
        counts = re.findall(r"\d of 2 reviews? in", html)
        self.count = counts[0].replace("review in", "reviews in") if counts else ""
        self.rest = re.sub(r"\d of 2 reviews? in", "", html)


def _board(page: "Page") -> _Board:
    page.goto("/readiness/")
    return _Board(page.locator("main").inner_html())


def _row(page: "Page") -> "Locator":
    return page.get_by_role("row").filter(has_text="Code that a colleague would merge")


def _joined(page: "Page", link: str, email: str) -> "Page":
    """Sign up by the link, which lets into its cohort."""
    page.goto(link)
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label(re.compile("^E-?mail")).fill(email)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").click()
    expect(page.get_by_role("heading", name="Thursday cohort")).to_be_visible()
    return page


def _answer_handed_in(page: "Page") -> str:
    """Start a loop, predict, record five seconds, hand in; return the results' address."""
    page.goto("/loops/new/")
    page.get_by_role("radio", name=re.compile("^Staff loop The six rounds")).check()
    page.get_by_role("button", name="Start the loop").click()
    page.get_by_role("link", name="Coding", exact=True).click()
    page.get_by_role("button", name="Draw a prompt").click()
    page.get_by_role("radio", name=re.compile("^L6")).check()
    page.get_by_role("button", name="This is my prediction").click()
    page.get_by_role("link", name="Record in the browser").click()
    page.get_by_role("button", name="I agree, check my devices").click()
    page.get_by_role("button", name="Start recording").click()
    expect(
        page.get_by_text(re.compile(r"Safe on the server up to 0:(0[3-9]|[1-5]\d)"))
    ).to_be_visible()
    assert Upload.objects.get().received_bytes > 0, "sent while recording"
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_role("heading", name="Hand in")).to_be_visible()
    expect(page.locator("video")).to_be_visible()
    _seeks(page)
    page.get_by_role("link", name="Hand in my answer").click()
    page.get_by_role("radio", name="Lively").check()
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("heading", name="0 of 2 reviews in")).to_be_visible()
    assert Attempt.objects.get().is_submitted
    return page.url


def _seeks(page: "Page") -> None:
    """The recording has a duration, and seeking lands where it was sent."""
    video = page.locator("video")
    video.evaluate("v => v.readyState > 0 || new Promise(r => v.onloadedmetadata = r)")
    duration = video.evaluate("v => v.duration")
    assert 3 <= duration <= 30
    landed = video.evaluate(
        "v => new Promise(r => { v.onseeked = () => r(v.currentTime); v.currentTime = 2; })"
    )
    assert abs(landed - 2) < 0.1


def _graded(page: "Page", *, key: str, verdict: str) -> None:
    """Take the next answer, mark evidence and a level for each dimension, hand in."""
    take_the_next(page)
    grade(page, key=key, verdict=verdict)
    expect(page.get_by_text("Your review is in, thank you.")).to_be_visible()
