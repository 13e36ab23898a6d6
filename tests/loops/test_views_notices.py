"""The page of notices, and the bell in the bar."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from loops.actions import bookings
from loops.models import Cohort, Mock, Notice, User
from tests import factories
from tests.factories import NOW

As = Callable[[User], Client]
LIST = reverse("loops:notice_list")


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A mock that the two have agreed on."""
    return factories.mock(candidate, peer, cohort)


def tell(mock: Mock, person: User, kind: str = "agreed", **more: Any) -> Notice:
    """Tell a person something of a mock at NOW."""
    return bookings.tell_of_mock(person, kind, mock, more.pop("at", NOW), **more)


def test_somebody_without_notices_is_told_what_will_stand_there(as_: As, peer: User) -> None:
    page = as_(peer).get(LIST)

    assert "Nothing to tell yet" in page.text
    assert "Mark all as read" not in page.text


def test_each_notice_is_told_to_its_person_with_words(
    as_: As, mock: Mock, peer: User, candidate: User
) -> None:
    tell(mock, peer)
    tell(mock, candidate, "cancelled", by=peer.pk)

    page = as_(peer).get(LIST).text

    assert "Agreed: mock with candidate-101, Wed 4 Mar, 09:30 (UTC)" in page
    assert "candidate-101 answers System design, ambiguous; you interview." in page
    assert "Cancelled" not in page
    assert candidate.email not in page


def test_unread_ones_come_first_each_part_by_day(as_: As, mock: Mock, peer: User) -> None:
    for days, kind in enumerate(["agreed", "confirm", "reminder", "changed"]):
        tell(mock, peer, kind, at=NOW + timedelta(days=days // 2))
    Notice.objects.filter(kind__in=["changed", "agreed"]).update(read_at=NOW)

    page = as_(peer).get(LIST).context["page"]

    assert [
        (day.is_unread, str(day.on), [line.notice.kind for line in day.lines]) for day in page.days
    ] == [
        (True, "2026-03-03", ["reminder"]),
        (True, "2026-03-02", ["confirm"]),
        (False, "2026-03-03", ["changed"]),
        (False, "2026-03-02", ["agreed"]),
    ]


def test_days_are_those_of_the_reader(as_: As, mock: Mock, peer: User) -> None:
    peer.time_zone = "Pacific/Auckland"
    peer.save()
    tell(mock, peer, at=NOW.replace(hour=22))

    (day,) = as_(peer).get(LIST).context["page"].days

    assert str(day.on) == "2026-03-03"


def test_what_is_not_due_or_was_taken_back_is_not_shown(as_: As, mock: Mock, peer: User) -> None:
    tell(mock, peer, "reminder", due_at=timezone.now() + timedelta(hours=1))
    tell(mock, peer, "agreed")
    Notice.objects.filter(kind="agreed").update(withdrawn_at=NOW)

    assert as_(peer).get(LIST).context["page"].days == []


def test_many_notices_are_paged(as_: As, mock: Mock, peer: User) -> None:
    for number in range(23):
        mock.sequence = number
        tell(mock, peer, "changed")

    first, last, beyond = (
        as_(peer).get(LIST, {"page": number}).context["page"] for number in ("1", "2", "99")
    )

    sizes = [sum(len(day.lines) for day in page.days) for page in (first, last, beyond)]
    assert sizes == [20, 3, 3]


@pytest.mark.parametrize("page", ["0", "-1", "x", "1e9", "\x00" * 3])
def test_a_page_that_is_none_is_answered(as_: As, peer: User, page: str) -> None:
    assert as_(peer).get(LIST, {"page": page}).status_code == 200


def test_the_page_costs_the_same_for_one_and_many(
    as_: As, mock: Mock, peer: User, queries: Callable[[str], int]
) -> None:
    as_(peer)
    tell(mock, peer)
    one = queries(LIST)
    for number in range(1, 9):
        other = factories.mock(
            peer,
            mock.partner_seat(peer).member,
            mock.cohort,
            starts_at=NOW + timedelta(days=number + 3),
        )
        tell(other, peer)

    assert queries(LIST) == one <= 8


# Reading


def test_opening_one_marks_it_read_and_leads_there(as_: As, mock: Mock, peer: User) -> None:
    notice, other = tell(mock, peer), tell(mock, peer, "changed")

    answer = as_(peer).post(reverse("loops:notice_open", args=[notice.public_id]))

    assert (answer.status_code, answer["Location"]) == (
        302,
        reverse("loops:mock", args=[mock.public_id]),
    )
    assert list(Notice.objects.filter(read_at=None)) == [other]


def test_one_can_be_marked_read_without_leaving(as_: As, mock: Mock, peer: User) -> None:
    notice = tell(mock, peer)

    answer = as_(peer).post(reverse("loops:notice_open", args=[notice.public_id]), {"stay": "on"})

    assert (answer.status_code, answer["Location"]) == (302, LIST)
    notice.refresh_from_db()
    assert notice.read_at is not None


def test_reading_twice_keeps_the_first_time(as_: As, mock: Mock, peer: User) -> None:
    notice = tell(mock, peer)
    Notice.objects.update(read_at=NOW)

    as_(peer).post(reverse("loops:notice_open", args=[notice.public_id]))

    notice.refresh_from_db()
    assert notice.read_at == NOW


def test_all_can_be_marked_read_at_once(as_: As, mock: Mock, peer: User, candidate: User) -> None:
    tell(mock, peer)
    tell(mock, peer, "changed")
    ahead = tell(mock, peer, "reminder", due_at=timezone.now() + timedelta(hours=1))
    others = tell(mock, candidate)

    answer = as_(peer).post(reverse("loops:notices_read"))

    assert answer["Location"] == LIST
    assert set(Notice.objects.filter(read_at=None)) == {ahead, others}


@pytest.mark.parametrize("name", ["candidate", "outsider"])
def test_anothers_notice_is_not_there(
    as_: As, mock: Mock, peer: User, name: str, request: pytest.FixtureRequest
) -> None:
    notice = tell(mock, peer)
    other = request.getfixturevalue(name)

    answer = as_(other).post(reverse("loops:notice_open", args=[notice.public_id]))

    assert answer.status_code == 404
    notice.refresh_from_db()
    assert notice.read_at is None


def test_a_get_of_what_takes_posts_changes_nothing(as_: As, mock: Mock, peer: User) -> None:
    notice = tell(mock, peer)

    for address in (
        reverse("loops:notice_open", args=[notice.public_id]),
        reverse("loops:notices_read"),
    ):
        assert as_(peer).get(address)["Location"] == LIST
    notice.refresh_from_db()
    assert notice.read_at is None


@pytest.mark.parametrize("kind", Notice.Kind.values)
def test_every_kind_leads_somewhere(as_: As, mock: Mock, peer: User, kind: str) -> None:
    more: dict[str, dict[str, Any]] = {
        "moved": {"was": NOW.isoformat()},
        "appeal": {"who": "candidate-101"},
        "retimed": {"was": "2026-03-04 09:30", "now": "2026-03-04 10:30"},
    }
    notice = tell(mock, peer, kind, **more.get(kind, {}))

    page = as_(peer).get(LIST)
    answer = as_(peer).post(reverse("loops:notice_open", args=[notice.public_id]))

    assert (page.status_code, answer.status_code) == (200, 302)
    assert answer["Location"].startswith("/")


# The bell


def bell(page: str) -> str:
    (found,) = re.findall(r'<a class="bar__bell".*?</a>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


def test_the_bell_counts_what_is_unread(as_: As, mock: Mock, peer: User) -> None:
    before = as_(peer).get(reverse("loops:profile")).text
    tell(mock, peer)
    one = as_(peer).get(reverse("loops:profile")).text
    tell(mock, peer, "changed")
    tell(mock, peer, "reminder", due_at=timezone.now() + timedelta(hours=1))
    two = as_(peer).get(reverse("loops:profile")).text

    assert [bell(page) for page in (before, one, two)] == [
        "Notices",
        "1 Notices, 1 unread",
        "2 Notices, 2 unread",
    ]


def test_the_bell_costs_no_query_of_its_own(as_: As, mock: Mock, peer: User) -> None:
    """One query counts what waits in the queue and what is unread."""
    client = as_(peer)
    tell(mock, peer)

    with CaptureQueriesContext(connection) as asked:
        client.get(reverse("loops:profile"))

    told = [query["sql"] for query in asked]
    assert [one.split()[0] for one in told].count("EXECUTE") == 1
    assert not [one for one in told if "loops_notice" in one or "queueentry" in one]


def test_both_counts_of_the_bar_are_right(
    as_: As, mock: Mock, peer: User, candidate: User, cohort: Cohort
) -> None:
    factories.answer(candidate, cohort)
    factories.answer(candidate, cohort)
    tell(mock, peer)

    context = as_(peer).get(reverse("loops:profile")).context

    assert (context["waiting_reviews"], context["unread_notices"]) == (2, 1)
