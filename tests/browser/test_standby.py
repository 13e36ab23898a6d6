"""Two browsers: one person is on standby with the page open, the other calls them."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from loops.models import Cohort, Mock, Standby, User
from tests import factories
from tests.browser.world import session_of

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_who_is_called_is_told_on_the_open_page_without_a_reload(
    new_page: Callable[..., "Page"],
    live_server: "LiveServer",
    candidate: User,
    peer: User,
    cohort: Cohort,
) -> None:
    for person in (candidate, peer):
        factories.loop(person, cohort, started_at=timezone.now() - timedelta(days=2))

    def open_as(user: User) -> "Page":
        page = new_page(reduced_motion="reduce")
        cookie = {"name": "session", "value": session_of(user), "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.clock.install()
        page.goto(reverse("loops:pool"))
        return page

    waiting = open_as(peer)
    waiting.get_by_role("button", name="2 hours").click()
    expect(waiting.get_by_text("Ready now", exact=True).first).to_be_visible()
    assert Standby.objects.get().user == peer

    calling = open_as(candidate)
    calling.get_by_role("button", name="Meet now – peer-102").click()
    calling.wait_for_url("**/session/")
    mock = Mock.objects.get()
    assert f"/mocks/{mock.public_id}/session/" in calling.url

    waiting.clock.run_for(16_000)  # the page asks each 15 seconds
    alert = waiting.get_by_role("alert")
    expect(alert).to_contain_text("candidate-101 has a mock with you")
    expect(waiting).to_have_title("candidate-101 calls you · Plumbline")
    alert.get_by_role("link", name="Open the session").click()
    waiting.wait_for_url(f"**/mocks/{mock.public_id}/session/")
