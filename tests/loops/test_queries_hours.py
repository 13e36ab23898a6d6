"""The hours of people as they are read from their rows: all of them, in one query."""

from datetime import date, timedelta
from typing import Any

import pytest

from loops.hours import Away, DayRule, Hours, Limits, Period, WeeklyRule
from loops.models import Block, Cohort, DayHours, DaysAway, MockLimits, User, WeeklyHours
from loops.queries.availability import hours_of, partners_of
from tests import factories
from tests.factories import NOW

ON = date(2026, 3, 9)


def test_every_rule_limit_and_mock_of_a_person_is_read(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    WeeklyHours.objects.create(
        user=peer,
        weekday=1,
        start_minute=1320,
        end_minute=1590,
        time_zone="Asia/Kathmandu",
        valid_from=ON,
        valid_to=ON + timedelta(days=9),
    )
    DayHours.objects.create(user=peer, on=ON, time_zone="UTC")
    DayHours.objects.create(user=peer, on=ON, start_minute=0, end_minute=60, time_zone="UTC")
    DaysAway.objects.create(user=peer, from_on=ON, to_on=ON, time_zone="America/New_York")
    MockLimits.objects.create(
        user=peer, notice_minutes=60, horizon_days=7, most_a_day=2, most_a_week=4, gap_minutes=30
    )
    held = factories.mock(candidate, peer, cohort)

    hours = hours_of([candidate, peer], NOW)

    taken = (Period(held.starts_at, held.ends_at),)
    assert hours[peer.pk] == Hours(
        weekly=(WeeklyRule(1, 1320, 1590, "Asia/Kathmandu", ON, ON + timedelta(days=9)),),
        days=(DayRule(ON, "UTC"), DayRule(ON, "UTC", 0, 60)),
        away=(Away(ON, ON, "America/New_York"),),
        limits=Limits(60, 7, 2, 4, 30, "UTC"),
        taken=taken,
    )
    assert hours[candidate.pk] == Hours(taken=taken)


def test_the_mock_to_be_moved_takes_no_time(candidate: User, peer: User, cohort: Cohort) -> None:
    held = factories.mock(candidate, peer, cohort)
    other = factories.mock(candidate, peer, cohort, starts_at=NOW + timedelta(days=3))

    hours = hours_of([peer], NOW, but=held)

    assert hours[peer.pk].taken == (Period(other.starts_at, other.ends_at),)


def test_what_is_past_or_given_back_takes_no_time(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.mock(candidate, peer, cohort, starts_at=NOW - timedelta(days=10))
    factories.mock(candidate, peer, cohort, state="cancelled")
    DaysAway.objects.create(
        user=peer, from_on=ON - timedelta(days=30), to_on=ON - timedelta(days=20), time_zone="UTC"
    )

    assert hours_of([peer], NOW)[peer.pk] == Hours()


def test_people_are_read_at_one_query_however_many(
    candidate: User,
    peer: User,
    second_peer: User,
    cohort: Cohort,
    django_assert_num_queries: Any,
) -> None:
    for person in (candidate, peer, second_peer):
        factories.week(person)

    with django_assert_num_queries(1):
        hours = hours_of([candidate, peer, second_peer], NOW)
    with django_assert_num_queries(1):
        partners = list(partners_of(candidate, cohort))

    assert [len(one.weekly) for one in hours.values()] == [7, 7, 7]
    assert partners == [peer, second_peer]


@pytest.mark.parametrize("is_mine", [True, False])
def test_a_block_parts_two_people_both_ways(
    candidate: User, peer: User, second_peer: User, cohort: Cohort, is_mine: bool
) -> None:
    by, whom = (candidate, peer) if is_mine else (peer, candidate)
    Block.objects.create(by=by, whom=whom, at=NOW)

    assert list(partners_of(candidate, cohort)) == [second_peer]
    assert list(partners_of(peer, cohort)) == [second_peer]
    assert list(partners_of(second_peer, cohort)) == [candidate, peer]
