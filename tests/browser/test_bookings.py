"""Mocks used by two people: by keyboard, without scripts, and watched while the other answers."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from loops.actions import bookings
from loops.models import Cohort, Mock, User
from tests import factories
from tests.browser.world import session_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DAY = timedelta(days=1)


@pytest.fixture
def apart(candidate: User, peer: User, cohort: Cohort) -> None:
    """The candidate is in Kathmandu and the peer in New York; both have time, and loops."""
    for person, zone in ((candidate, "Asia/Kathmandu"), (peer, "America/New_York")):
        person.time_zone = zone
        person.save(update_fields=["time_zone"])
        factories.week(person, zone, start=0, end=24 * 60)
        factories.loop(person, cohort)


def _as(page: "Page", user: User) -> "Page":
    page.context.add_cookies(
        [{"name": "session", "value": session_of(user), "domain": "localhost", "path": "/"}]
    )
    return page


def _agree(ours: "Page", theirs: "Page") -> Mock:
    """Propose by the form, accept by the form."""
    ours.goto("/mocks/")
    ours.get_by_role("main").get_by_role("link", name="Pick a partner").first.click()
    ours.get_by_role("radio", name=re.compile("^System design")).check()
    ours.get_by_role("radio", name=re.compile("peer-102")).check()
    ours.get_by_role("button", name="See the times you share").click()
    ours.locator("input[name=starts_at]").nth(60).check(force=True)
    ours.get_by_role("button", name="Propose it to peer-102").click()
    expect(ours.get_by_role("heading", name="Waits for peer-102")).to_be_visible()

    theirs.goto("/mocks/")
    theirs.get_by_role("link", name=re.compile("^Answer")).click()
    theirs.get_by_role("radio", name=re.compile("^Nothing, I only interview")).check()
    theirs.get_by_role("button", name="Accept").click()
    expect(theirs.get_by_role("heading", name="Agreed")).to_be_visible()
    return Mock.objects.get()


def test_a_mock_is_agreed_and_moved_without_scripts(
    new_page: Callable[..., "Page"], candidate: User, peer: User, apart: None
) -> None:
    ours = _as(new_page(java_script_enabled=False), candidate)
    theirs = _as(new_page(java_script_enabled=False), peer)

    before = _agree(ours, theirs).starts_at
    theirs.get_by_role("link", name="Propose another time").click()
    theirs.locator("input[name=starts_at]").last.check(force=True)
    theirs.get_by_role("button", name="Propose it to candidate-101").click()
    ours.reload()
    expect(ours.get_by_text("peer-102 proposes this time instead")).to_be_visible()
    ours.get_by_role("button", name="Accept").click()
    expect(ours.get_by_text("Moved. Both calendars get the new time.")).to_be_visible()

    assert Mock.objects.get().starts_at > before


def test_both_read_the_same_instant(
    new_page: Callable[..., "Page"], candidate: User, peer: User, apart: None
) -> None:
    ours, theirs = _as(new_page(), candidate), _as(new_page(), peer)

    mock = _agree(ours, theirs)
    ours.reload()

    told = [
        page.locator(".both__time time").evaluate_all(
            "(all) => all.map((one) => one.getAttribute('datetime'))"
        )
        for page in (ours, theirs)
    ]
    assert {instant for both in told for instant in both} == {f"{mock.starts_at:%Y-%m-%dT%H:%MZ}"}
    own, other = (page.locator(".both__time").all_inner_texts() for page in (ours, theirs))
    assert own == other[::-1]


def test_a_time_is_chosen_by_keyboard_and_told(
    new_page: Callable[..., "Page"], candidate: User, peer: User, apart: None
) -> None:
    page = _as(new_page(), candidate)
    round_ = candidate.loops.get().rounds.get()
    page.goto(f"/mocks/new/?round={round_.public_id}&partner={peer.public_id}&swap=0")
    expect(page.locator(".chosen")).to_have_text("Choose a time.")

    page.locator("input[name=starts_at]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")

    chosen = page.locator("input[name=starts_at]").nth(1)
    expect(chosen).to_be_checked()
    told = chosen.get_attribute("data-told") or "nothing"
    expect(page.locator(".chosen__own")).to_have_text(told)
    page.get_by_role("button", name="Propose it to peer-102").press("Enter")
    expect(page.get_by_role("heading", name="Waits for peer-102")).to_be_visible()


def test_the_page_follows_the_other_and_keeps_what_is_typed(
    new_page: Callable[..., "Page"], candidate: User, peer: User, cohort: Cohort, apart: None
) -> None:
    now = timezone.now()
    mock = factories.mock(
        candidate, peer, cohort, state="proposed", starts_at=now + 3 * DAY, created_at=now
    )
    page = _as(new_page(), candidate)
    page.clock.install()
    page.goto(f"/mocks/{mock.public_id}/")
    expect(page.get_by_role("heading", name="Waits for peer-102")).to_be_visible()
    page.get_by_label("Address").fill("https://meet.example.org/")

    bookings.accept(mock=mock, proposal=mock.proposals.get(), by=peer, at=now)
    page.clock.fast_forward(16_000)

    expect(page.get_by_role("heading", name="Agreed")).to_be_visible()
    expect(page.get_by_label("Address")).to_have_value("https://meet.example.org/")
    page.get_by_role("button", name="Save the room").click()
    expect(page.get_by_role("link", name="Join at meet.example.org")).to_be_visible()
