"""How people become the matcher's bits: the grid of starts, and the hours read on it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loops.hours import Away, DayRule, Hours, Limits, Period, WeeklyRule, is_open, open_starts
from loops.queries.pairing import STEP, Grid

NOW = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
ZONES = ["UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"]


@pytest.mark.parametrize(
    ("at", "first"),
    [("09:41:00", "10:00"), ("09:30:00", "09:30"), ("09:29:59.5", "09:30"), ("23:45:00", "24:00")],
)
def test_a_grid_begins_at_the_next_half_hour(at: str, first: str) -> None:
    hour, minute = (int(part) for part in first.split(":"))
    grid = Grid.after(datetime.fromisoformat(f"2026-03-02T{at}+00:00"))

    assert grid.first_at == datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def test_a_slot_is_a_start_of_two_turns_or_of_one() -> None:
    grid = Grid.after(NOW)
    starts = [grid.first_at + number * STEP for number in (0, 3, grid.count - 1)]
    slots = grid.joined(grid.mask(starts), grid.mask(starts))
    numbers = [slot for slot in range(slots.bit_length()) if slots >> slot & 1]

    assert [grid.starts_at(slot) for slot in numbers] == starts * 2
    assert [grid.is_for_two_turns(slot) for slot in numbers] == [True] * 3 + [False] * 3
    assert grid.wall not in numbers


spans = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(
    lambda span: (span[0], span[0] + span[1])
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_starts_are_those_that_are_open(data: st.DataObject) -> None:
    """What the matcher is told is what the booking would take, start by start."""
    zone = data.draw(st.sampled_from(ZONES))
    weekly = [
        WeeklyRule(data.draw(st.integers(0, 6)), *data.draw(spans), zone)
        for _number in range(data.draw(st.integers(0, 4)))
    ]
    day = NOW.date() + timedelta(days=data.draw(st.integers(0, 14)))
    taken = Grid.after(NOW).first_at + data.draw(st.integers(0, 400)) * timedelta(minutes=15)
    hours = Hours(
        weekly=tuple(weekly),
        days=(DayRule(day, zone, *data.draw(spans)),),
        away=(Away(day - timedelta(days=2), day - timedelta(days=1), zone),),
        limits=Limits(
            notice_minutes=data.draw(st.integers(0, 2000)),
            most_a_day=data.draw(st.integers(1, 2)),
            most_a_week=data.draw(st.integers(1, 3)),
            zone=data.draw(st.sampled_from(ZONES)),
        ),
        taken=(Period(taken, taken + timedelta(hours=1)),),
    )
    grid, minutes = Grid.after(NOW), data.draw(st.sampled_from([25, 55, 110]))
    length = timedelta(minutes=minutes)
    every = [grid.first_at + number * STEP for number in range(grid.count)]
    window = grid.window

    found = open_starts(hours, minutes=minutes, window=window, now=NOW)

    assert found == [
        start
        for start in every
        if start + length <= window.ends_at and is_open(hours, Period(start, start + length), NOW)
    ]
