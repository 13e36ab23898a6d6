"""Instants as people read them: cities, days, nights, and the days on which clocks change."""

from datetime import UTC, date, datetime, timedelta

import pytest

from loops.clocks import Bar, Reading, changes_told, city_of, for_two
from loops.hours import Period

KATHMANDU, NEW_YORK = "Asia/Kathmandu", "America/New_York"


def hour(month: int, day: int, at_hour: int, minute: int = 0, *, minutes: int = 60) -> Period:
    starts_at = datetime(2026, month, day, at_hour, minute, tzinfo=UTC)
    return Period(starts_at, starts_at + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("zone", "city"),
    [
        ("America/New_York", "New York"),
        ("Asia/Calcutta", "Kolkata"),
        ("America/Argentina/Ushuaia", "Ushuaia"),
        ("UTC", "UTC"),
        ("Etc/GMT+5", "UTC−5"),
        ("Etc/GMT-14", "UTC+14"),
    ],
)
def test_a_zone_is_called_by_its_city(zone: str, city: str) -> None:
    assert city_of(zone) == city


def test_a_period_is_read_on_both_clocks() -> None:
    when = for_two(hour(3, 3, 23, 30), KATHMANDU, NEW_YORK, "heron-417", hour(3, 2, 0).starts_at)

    assert (when.own.day, when.own.time, when.own.end_time) == (
        "Wednesday 4 March",
        "05:15",
        "06:15",
    )
    assert (when.theirs.short_day, when.theirs.time) == ("Tue 3 Mar", "18:30")
    assert (when.is_same_day, when.is_same_clock) == (False, False)
    assert when.warnings == ["For you it starts before 07:00."]


@pytest.mark.parametrize(
    ("at_hour", "minute", "words"),
    [
        (6, 45, "before 07:00"),
        (7, 0, ""),
        (21, 0, ""),
        (21, 15, "past 22:00"),
        (22, 0, "after 22:00"),
        (0, 0, "before 07:00"),
    ],
)
def test_a_night_is_told_in_words(at_hour: int, minute: int, words: str) -> None:
    assert Reading(hour(3, 3, at_hour, minute), "UTC").bad_words == words


def test_a_night_of_both_is_told_once() -> None:
    when = for_two(hour(3, 3, 23), "UTC", "Europe/Lisbon", "heron-417", hour(3, 2, 0).starts_at)

    assert when.warnings == [
        "For you it starts after 22:00.",
        "For heron-417 it starts after 22:00.",
    ]
    assert (when.is_same_clock, when.is_same_day) == (True, True)


def test_the_day_on_which_the_partners_clocks_change_is_told() -> None:
    now = hour(3, 2, 0).starts_at

    before = for_two(hour(3, 8, 6, 59), KATHMANDU, NEW_YORK, "heron-417", now)
    after = for_two(hour(3, 8, 13), KATHMANDU, NEW_YORK, "heron-417", now)

    assert before.their_change_on is None
    assert after.warnings == ["Clocks change for heron-417 on 8 March."]
    assert after.theirs.time == "09:00"


def test_clocks_that_change_on_one_day_are_told_once() -> None:
    day, other = date(2026, 3, 8), date(2026, 3, 29)

    assert changes_told(day, day, "heron") == ["Clocks change for both of you on 8 March."]
    assert changes_told(day, other, "heron") == [
        "Clocks change for you on 8 March.",
        "Clocks change for heron on 29 March.",
    ]
    assert changes_told(None, None, "heron") == []


def test_the_ribbon_shows_whose_night_it_is() -> None:
    evening = hour(3, 3, 12, 15, minutes=60)  # 18:00 in Kathmandu, 07:15 in New York

    ribbon = for_two(evening, KATHMANDU, NEW_YORK, "heron", evening.starts_at).ribbon

    assert ribbon.mock == Bar(x=75.0, width=4.17)
    assert ribbon.own_nights == [Bar(x=0.0, width=29.17), Bar(x=91.67, width=8.33)]
    assert ribbon.their_nights == [Bar(x=36.46, width=37.5)]


def test_a_period_over_midnight_is_drawn_into_two_days() -> None:
    late = hour(3, 3, 23, 30, minutes=60)

    when = for_two(late, "UTC", "UTC", "heron", late.starts_at)

    assert when.own.span == "23:30–Wed 00:30"
    assert when.ribbon.mock == Bar(x=48.96, width=2.08)
