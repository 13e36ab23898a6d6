"""Mocks in calendars: the file of one, the feed of all, and the page that makes its address."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from loops.actions import calendars
from loops.models import CalendarFeed, Cohort, Event, Mock, User
from tests import factories
from tests.factories import NOW
from tests.threads import together

As = Callable[[User], Client]
PAGE = reverse("loops:calendar")
DAY = timedelta(days=1)


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """An agreed mock in two days, between Kathmandu and New York."""
    User.objects.filter(pk=candidate.pk).update(time_zone="Asia/Kathmandu")
    User.objects.filter(pk=peer.pk).update(time_zone="America/New_York")
    peer.refresh_from_db()
    return factories.mock(
        candidate,
        peer,
        cohort,
        starts_at=timezone.now().replace(minute=0, second=0, microsecond=0) + 2 * DAY,
        sequence=2,
        video_url="https://video.example/owls",
    )


@pytest.fixture
def feed(peer: User) -> str:
    """The path of the peer's feed."""
    return reverse("loops:calendar_feed", args=[calendars.make_feed(by=peer, at=NOW)])


# One mock as a file


def test_the_file_is_ones_own_entry(as_: As, mock: Mock, peer: User, candidate: User) -> None:
    answer = as_(peer).get(reverse("loops:mock_invite", args=[mock.public_id]))

    calendar = Calendar.from_ical(answer.content)
    (entry,) = calendar.events
    assert answer["Content-Type"] == "text/calendar; method=REQUEST; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="mock-\d{4}-\d\d-\d\d\.ics"', answer["Content-Disposition"]
    )
    assert calendar.method == "REQUEST"
    assert (entry.start, entry.end, entry.sequence) == (mock.starts_at, mock.ends_at, 2)
    assert entry.summary == "Mock with candidate-101: System design, ambiguous"
    assert [attendee.email for attendee in entry.attendees] == [peer.email]
    assert candidate.email not in answer.text


@pytest.mark.parametrize("state", ["cancelled", "expired"])
def test_the_file_of_a_mock_that_is_off_takes_the_entry_out(
    as_: As, mock: Mock, peer: User, state: str
) -> None:
    Mock.objects.update(state=state)

    answer = as_(peer).get(reverse("loops:mock_invite", args=[mock.public_id]))

    assert Calendar.from_ical(answer.content).method == "CANCEL"


def test_what_is_only_proposed_has_no_file(
    as_: As, candidate: User, peer: User, cohort: Cohort
) -> None:
    mock = factories.mock(candidate, peer, cohort, state="proposed")

    answer = as_(peer).get(reverse("loops:mock_invite", args=[mock.public_id]))

    assert answer.status_code == 404


# The page


def token_on(page: str) -> str:
    found = re.search(r'value="http://testserver/calendar/([^"/]+)\.ics"', page)
    return found.group(1) if found else ""


def test_an_address_is_made_and_shown_once(as_: As, mock: Mock, peer: User) -> None:
    client = as_(peer)
    before = client.get(PAGE).text

    made = client.post(reverse("loops:feed_make"))
    first = client.get(PAGE)
    again = client.get(PAGE)

    token = token_on(first.text)
    assert "Make a link" in before
    assert (made.status_code, made["Location"]) == (302, PAGE)
    assert f'href="webcal://testserver/calendar/{token}.ics"' in first.text
    assert "no-store" in first["Cache-Control"]
    assert token
    assert token not in again.text
    assert "It is not shown again." in again.text
    assert Client().get(reverse("loops:calendar_feed", args=[token])).status_code == 200


def test_of_the_address_only_a_digest_is_kept(as_: As, peer: User) -> None:
    client = as_(peer)
    client.post(reverse("loops:feed_make"))
    token = token_on(client.get(PAGE).text)

    feed = CalendarFeed.objects.get()

    assert len(token) >= 22, "128 bits, six in a sign"
    assert feed.token_digest == hashlib.sha256(token.encode()).hexdigest()
    kept = str([vars(row) for row in [*CalendarFeed.objects.all(), *Event.objects.all()]])
    assert token not in kept
    assert token not in str(dict(client.session))


def test_a_new_address_closes_the_old_one(client: Client, peer: User) -> None:
    old = calendars.make_feed(by=peer, at=NOW)
    new = calendars.make_feed(by=peer, at=NOW + DAY)

    statuses = [
        client.get(reverse("loops:calendar_feed", args=[token])).status_code for token in (old, new)
    ]

    assert old != new
    assert statuses == [404, 200]
    with pytest.raises(IntegrityError, match="calendar_feed_one_open"):
        CalendarFeed.objects.update(revoked_at=None)


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_leave_one_address(peer: User) -> None:
    tokens = together([lambda: calendars.make_feed(by=peer, at=NOW)] * 4)

    (feed,) = CalendarFeed.objects.filter(revoked_at=None)
    assert feed.token_digest in {calendars.digest_of(token) for token in tokens}
    assert CalendarFeed.objects.count() == 4


def test_a_closed_address_shows_nothing(as_: As, peer: User, feed: str) -> None:
    client = as_(peer)

    first = client.post(reverse("loops:feed_revoke"))
    again = client.post(reverse("loops:feed_revoke"))

    assert [(answer.status_code, answer["Location"]) for answer in (first, again)] == [
        (302, PAGE)
    ] * 2
    assert "The link is closed." in client.get(PAGE).text
    assert client.get(feed).status_code == 404


# The feed


def test_the_feed_asks_nobody_who_they_are(mock: Mock, peer: User, feed: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        answer = Client().get(feed)

    calendar = Calendar.from_ical(answer.content)
    assert answer.status_code == 200
    assert calendar.method == "PUBLISH"
    assert [entry.uid for entry in calendar.events] == [f"mock-{mock.public_id}@testserver"]
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert "private" in answer["Cache-Control"]
    assert answer.cookies == {}
    assert not [query for query in asked if "django_session" in query["sql"]]
    assert len(asked) <= 4


def test_the_feed_names_no_address_but_ours(
    mock: Mock, peer: User, candidate: User, feed: str
) -> None:
    text = Client().get(feed).text.replace("\r\n ", "")

    assert set(re.findall(r"[\w.+-]+@[\w.-]+", text)) == {
        f"mock-{mock.public_id}@testserver",
        "plumbline@localhost",
    }


@pytest.mark.parametrize(
    ("state", "is_shown"),
    [
        ("proposed", False),
        ("accepted", True),
        ("confirmed", True),
        ("running", True),
        ("done", True),
        ("no_show", True),
        ("converted", True),
        ("cancelled", False),
        ("expired", False),
    ],
)
def test_the_feed_shows_what_is_agreed(mock: Mock, feed: str, state: str, is_shown: bool) -> None:
    Mock.objects.update(state=state)

    assert len(Calendar.from_ical(Client().get(feed).content).events) == is_shown


@pytest.mark.parametrize(
    ("days", "is_shown"), [(-31, False), (-29, True), (0, True), (179, True), (181, False)]
)
def test_the_feed_shows_a_month_back_and_half_a_year_on(
    mock: Mock, feed: str, days: int, is_shown: bool
) -> None:
    starts_at = timezone.now() + days * DAY
    Mock.objects.update(starts_at=starts_at, ends_at=starts_at + timedelta(hours=1))

    assert len(Calendar.from_ical(Client().get(feed).content).events) == is_shown


def test_the_feed_shows_nobody_elses_mocks(
    mock: Mock, candidate: User, second_peer: User, cohort: Cohort, feed: str
) -> None:
    starts_at = timezone.now() + 5 * DAY
    factories.mock(candidate, second_peer, cohort, starts_at=starts_at)

    assert len(Calendar.from_ical(Client().get(feed).content).events) == 1


def test_a_feed_that_has_not_changed_is_not_sent_again(mock: Mock, feed: str) -> None:
    client = Client()
    tag = client.get(feed)["ETag"]

    same = client.get(feed, headers={"If-None-Match": tag})
    weakly = client.get(feed, headers={"If-None-Match": f"W/{tag}"})
    other = client.get(feed, headers={"If-None-Match": '"something-else"'})

    assert [answer.status_code for answer in (same, weakly, other)] == [304, 304, 200]
    assert (same.content, same["ETag"]) == (b"", tag)
    assert "private" in same["Cache-Control"]


def test_a_compressed_feed_has_a_tag_that_holds(mock: Mock, feed: str) -> None:
    answer = Client().get(feed, headers={"Accept-Encoding": "gzip"})

    again = Client().get(feed, headers={"Accept-Encoding": "gzip", "If-None-Match": answer["ETag"]})

    assert (answer["Content-Encoding"], again.status_code) == ("gzip", 304)


@pytest.mark.parametrize(
    "change",
    [
        lambda mock: Mock.objects.update(sequence=3),
        lambda mock: Mock.objects.update(video_url=""),
        lambda mock: Mock.objects.update(state="cancelled"),
        lambda mock: Cohort.objects.update(is_named=True),
        lambda mock: User.objects.filter(handle="candidate-101").update(time_zone="UTC"),
        lambda mock: User.objects.filter(handle="peer-102").update(time_zone="UTC"),
    ],
)
def test_any_change_of_what_is_shown_changes_the_tag(
    mock: Mock, feed: str, change: Callable[[Mock], object]
) -> None:
    before = Client().get(feed)
    change(mock)

    after = Client().get(feed, headers={"If-None-Match": before["ETag"]})

    assert (after.status_code, after["ETag"] != before["ETag"]) == (200, True)


def test_an_unchanged_feed_is_not_written(
    mock: Mock, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = Client().get(feed)["ETag"]

    def never(*_args: Any, **_more: Any) -> bytes:
        raise AssertionError("written")

    monkeypatch.setattr("loops.ics.feed", never)

    assert Client().get(feed, headers={"If-None-Match": tag}).status_code == 304


def test_the_feed_costs_the_same_for_one_and_many(
    mock: Mock, candidate: User, peer: User, cohort: Cohort, feed: str
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert Client().get(feed).status_code == 200
        return len(asked)

    one = cost()
    for days in range(3, 9):
        factories.mock(candidate, peer, cohort, starts_at=mock.starts_at + days * DAY)

    assert cost() == one


@pytest.mark.parametrize("token", ["x", "x" * 43, "é" * 20, "../../etc", "a.ics", "%00x"])
def test_an_address_that_is_none_shows_nothing(mock: Mock, token: str) -> None:
    answer = Client().get(f"/calendar/{token}.ics")

    assert answer.status_code in {400, 404}


def test_the_digest_opens_nothing(mock: Mock, feed: str) -> None:
    digest = CalendarFeed.objects.get().token_digest

    assert Client().get(reverse("loops:calendar_feed", args=[digest])).status_code == 404


def test_the_feed_of_somebody_who_is_gone_is_not_there(mock: Mock, peer: User, feed: str) -> None:
    User.objects.filter(pk=peer.pk).update(is_active=False)

    assert Client().get(feed).status_code == 404


def test_a_head_of_the_feed_is_answered(mock: Mock, feed: str) -> None:
    answer = Client().head(feed)

    assert (answer.status_code, answer.content) == (200, b"")
