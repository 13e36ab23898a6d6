"""What an operator sees of mail and calendars, and the one thing they can do."""

import pytest
from django.test import Client
from django.urls import reverse

from loops.actions import bookings, calendars
from loops.models import CalendarFeed, Cohort, Event, Notice, User
from tests import factories
from tests.factories import NOW

NOTICES = "/admin/loops/notice/"


@pytest.fixture
def operator(db: None) -> User:
    """A superuser."""
    return User.objects.create_superuser("operator@example.org")


@pytest.fixture
def browser(client: Client, operator: User) -> Client:
    """A browser in which the operator is signed in."""
    client.force_login(operator)
    return client


@pytest.fixture
def failed(candidate: User, peer: User, cohort: Cohort) -> Notice:
    """A notice whose mail failed, beside one whose mail was sent."""
    mock = factories.mock(candidate, peer, cohort)
    bookings.tell_of_mock(candidate, "agreed", mock, NOW)
    Notice.objects.update(mail_state="sent")
    notice = bookings.tell_of_mock(peer, "agreed", mock, NOW)
    Notice.objects.filter(pk=notice.pk).update(mail_state="failed", mail_tries=5)
    return notice


def test_a_mail_that_failed_is_found_and_sent_again(
    browser: Client, failed: Notice, operator: User
) -> None:
    found = browser.get(NOTICES, {"mail_state__exact": "failed"}).text
    chosen = [str(notice.pk) for notice in Notice.objects.all()]

    answer = browser.post(
        NOTICES, {"action": "send_again", "_selected_action": chosen}, follow=True
    )

    failed.refresh_from_db()
    assert ("peer-102" in found or "Peer" in found, "Candidate" in found) == (True, False)
    assert "1 mail is sent again." in answer.text
    assert (failed.mail_state, failed.mail_tries) == ("waiting", 0)
    assert Event.objects.get(verb="mail_again").actor_id == operator.pk
    assert Notice.objects.filter(mail_state="sent").count() == 1


@pytest.mark.parametrize("model", [Notice, CalendarFeed])
def test_rows_are_shown_and_stay(
    browser: Client, failed: Notice, peer: User, model: type[Notice | CalendarFeed]
) -> None:
    calendars.make_feed(by=peer, at=NOW)
    row = model._default_manager.order_by("pk")[0]
    base = f"admin:loops_{model._meta.model_name}"
    change = reverse(f"{base}_change", args=[row.pk])

    assert browser.get(reverse(f"{base}_changelist")).status_code == 200
    assert browser.get(change).status_code == 200
    assert browser.post(change, {}).status_code == 403
    assert browser.get(reverse(f"{base}_add")).status_code == 403


def test_not_even_the_digest_of_an_address_is_shown(browser: Client, peer: User) -> None:
    calendars.make_feed(by=peer, at=NOW)
    feed = CalendarFeed.objects.get()

    page = browser.get(reverse("admin:loops_calendarfeed_change", args=[feed.pk])).text

    assert feed.token_digest not in page
