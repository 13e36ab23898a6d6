"""A new edition of the time zones: what has moved is listed, and told once."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import tzdata
from django.core.management import call_command
from django.utils import timezone

from loops.actions.bookings import hold_seat
from loops.hours import Period
from loops.models import Cohort, Mock, Notice, Seat, User
from loops.queries.retiming import retimed_seats
from tests import factories

VANCOUVER = "America/Vancouver"
STARTS = datetime(2028, 11, 14, 2, 0, tzinfo=UTC)
BEFORE = "2028-11-13 18:00"
"""What Vancouver was to read by edition 2025b, whose rules still set clocks back in autumn."""
NOW = "2028-11-13 19:00"


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A mock in a November, agreed on by somebody in Vancouver under the old rules."""
    User.objects.filter(pk=peer.pk).update(time_zone=VANCOUVER)
    peer.refresh_from_db()
    made = factories.mock(candidate, peer, cohort, starts_at=STARTS)
    made.seats.filter(member=peer).update(time_zone=VANCOUVER, local_start=BEFORE)
    return made


def retime(**options: Any) -> str:
    said = io.StringIO()
    call_command("retime", stdout=said, **options)
    return said.getvalue()


def test_what_has_moved_is_listed_and_nobody_told(mock: Mock, peer: User) -> None:
    said = retime()

    assert said == (
        f"Time zones: IANA {tzdata.IANA_VERSION}, tzdata {tzdata.__version__}.\n"
        f"2028-11-14 02:00Z mock {mock.public_id}, peer-102, America/Vancouver: "
        "2028-11-13 18:00 is now 2028-11-13 19:00\n"
        "1 have moved. Nobody was told: --tell writes to them.\n"
    )
    assert not Notice.objects.exists()


def test_who_is_concerned_is_told_once(mock: Mock, peer: User) -> None:
    first, again = retime(tell=True), retime(tell=True)

    notice = Notice.objects.get()
    assert "Told 1 of 1" in first
    assert "Told 0 of 1" in again
    assert (notice.person, notice.kind, notice.mock) == (peer, "retimed", mock)
    assert (notice.data["was"], notice.data["now"]) == (BEFORE, NOW)
    assert notice.useful_until == STARTS


def test_a_further_change_is_told_anew(mock: Mock) -> None:
    retime(tell=True)
    of_another = f"mock:{mock.pk}:0:2028-11-13 18:30"
    Notice.objects.update(subject=of_another, message_id="<of-another@testserver>")

    assert "Told 1 of 1" in retime(tell=True)


def test_the_mock_stays_at_its_instant(mock: Mock) -> None:
    before = [*Mock.objects.values(), *Seat.objects.values()]

    retime(tell=True)

    assert [*Mock.objects.values(), *Seat.objects.values()] == before


@pytest.mark.parametrize(
    "change",
    [
        lambda mock: Mock.objects.update(state="cancelled"),
        lambda mock: Seat.objects.update(is_held=False),
        lambda mock: Seat.objects.filter(time_zone=VANCOUVER).update(local_start=NOW),
        lambda mock: Seat.objects.update(local_start=""),
        lambda mock: User.objects.update(time_zone="Europe/Lisbon"),
        lambda mock: Mock.objects.update(
            starts_at=timezone.now() - timedelta(hours=1),
            ends_at=timezone.now() + timedelta(hours=1),
        ),
    ],
)
def test_what_concerns_nobody_is_not_listed(mock: Mock, change: Any) -> None:
    change(mock)

    assert "No agreed mock has moved." in retime(tell=True)
    assert not Notice.objects.exists()


def test_a_zone_that_is_gone_is_listed_and_nobody_told(mock: Mock, peer: User) -> None:
    Seat.objects.filter(member=peer).update(time_zone="America/Atlantis")
    User.objects.filter(pk=peer.pk).update(time_zone="America/Atlantis")

    assert "2028-11-13 18:00 is now a zone that is no more" in retime(tell=True)
    assert not Notice.objects.exists()


def test_two_readings_of_many_seats_cost_one_query(
    mock: Mock, candidate: User, cohort: Cohort, django_assert_num_queries: Any
) -> None:
    for hours in (3, 6, 9):
        factories.mock(
            candidate, factories.person(), cohort, starts_at=STARTS + timedelta(hours=hours)
        )

    with django_assert_num_queries(1):
        assert len(retimed_seats(timezone.now())) == 1


def test_a_zone_that_changes_its_rules_moves_what_was_agreed_before(
    mock: Mock, candidate: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kathmandu takes a quarter of an hour off, as it might."""
    Seat.objects.update(local_start="")
    User.objects.filter(pk=candidate.pk).update(time_zone="Asia/Kathmandu")
    candidate.refresh_from_db()
    seat = mock.seats.get(member=candidate)
    seat.member = candidate
    hold_seat(seat, Period(mock.starts_at, mock.ends_at))
    before = retimed_seats(timezone.now())
    changed = {"Asia/Kathmandu": timezone.get_fixed_timezone(330)}
    monkeypatch.setattr("loops.queries.retiming.load_zone", changed.__getitem__)

    (moved,) = retimed_seats(timezone.now())

    assert before == []
    assert (moved.seat, moved.was, moved.now) == (seat, "2028-11-14 07:45", "2028-11-14 07:30")


def test_the_pinned_zones_know_what_the_machine_may_not() -> None:
    """Edition 2025b of Debian 12 still said eight hours."""

    offset = datetime(2026, 11, 15, 12, tzinfo=ZoneInfo(VANCOUVER)).utcoffset()

    assert offset == timedelta(hours=-7)
