"""The phase ribbon: what the time went to, how deep it got, how many whys were answered."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from feedback.phases import (
    MINUTE_MS,
    Chain,
    PhaseTime,
    Planned,
    Pressed,
    Stretch,
    key_after,
    line_of,
    ribbon_of,
)

GUIDE = [Planned("Discovery", 10), Planned("Options", 7), Planned("Close", 3)]
LENGTH_MS = 20 * MINUTE_MS


def phase(key: int, minute: float) -> Pressed:
    return Pressed("phase", key, int(minute * MINUTE_MS))


def rung(key: int, minute: float) -> Pressed:
    return Pressed("rung", key, int(minute * MINUTE_MS))


def why(line: int, minute: float) -> Pressed:
    return Pressed("why", line, int(minute * MINUTE_MS))


presses = st.lists(
    st.one_of(
        st.builds(Pressed, st.just("phase"), st.integers(0, 5), st.integers(-10, 2_000_000)),
        st.builds(Pressed, st.just("rung"), st.integers(1, 4), st.integers(0, 2_000_000)),
        st.builds(Pressed, st.just("why"), st.integers(1, 3), st.integers(0, 2_000_000)),
    ),
    max_size=25,
)
lengths = st.integers(0, 1_500_000)


# Phases


def test_a_phase_lasts_until_the_next_one_begins_and_the_last_to_the_end() -> None:
    ribbon = ribbon_of([phase(2, 3), phase(1, 0), phase(3, 15)], GUIDE, LENGTH_MS)

    assert [(one.key, one.start_ms, one.end_ms) for one in ribbon.stretches] == [
        (1, 0, 180_000),
        (2, 180_000, 900_000),
        (3, 900_000, 1_200_000),
    ]
    assert [(one.spent_ms // MINUTE_MS, one.kind) for one in ribbon.phases] == [
        (3, "short"),
        (12, "long"),
        (5, "long"),
    ]


def test_a_phase_whose_end_nobody_marked_is_neither_short_nor_long() -> None:
    ribbon = ribbon_of([phase(1, 0), phase(2, 3)], GUIDE, LENGTH_MS)

    assert ribbon.stretches[-1] == Stretch(2, 180_000, LENGTH_MS, is_open=True)
    assert ribbon.phases[1] == PhaseTime("Options", 7 * MINUTE_MS, 0, True, open_from_ms=180_000)
    assert ribbon.phases[1].kind == ""
    assert not ribbon.phases[2].is_marked
    assert ribbon.phases[2].kind == ""


def test_one_may_come_back_to_a_phase() -> None:
    ribbon = ribbon_of(
        [phase(1, 0), phase(2, 4), phase(1, 6), phase(1, 8), phase(3, 14)], GUIDE, LENGTH_MS
    )

    assert [one.key for one in ribbon.stretches] == [1, 2, 1, 3]
    assert ribbon.phases[0].spent_ms == 12 * MINUTE_MS


def test_a_minute_off_is_no_finding() -> None:
    ribbon = ribbon_of([phase(3, 19)], GUIDE, LENGTH_MS)

    assert (ribbon.phases[2].spent_ms, ribbon.phases[2].kind) == (MINUTE_MS, "short")
    nearly = ribbon_of([phase(3, 18.5)], GUIDE, LENGTH_MS)
    assert nearly.phases[2].kind == ""


def test_of_two_at_one_time_the_later_given_stands() -> None:
    ribbon = ribbon_of([phase(1, 0), phase(2, 0)], GUIDE, LENGTH_MS)

    assert [one.key for one in ribbon.stretches] == [2]


@given(pressed=presses, length_ms=lengths)
def test_stretches_follow_each_other_without_a_gap_to_the_end(
    pressed: list[Pressed], length_ms: int
) -> None:
    stretches = ribbon_of(pressed, GUIDE, length_ms).stretches

    for one, following in pairwise(stretches):
        assert one.end_ms == following.start_ms
        assert one.key != following.key
        assert one.start_ms < one.end_ms
        assert not one.is_open
    if stretches:
        assert stretches[-1].end_ms == length_ms
        assert stretches[-1].is_open == (stretches[-1].key != len(GUIDE))


@given(pressed=presses, length_ms=lengths)
def test_the_phases_add_up_to_what_has_a_marked_end(pressed: list[Pressed], length_ms: int) -> None:
    ribbon = ribbon_of(pressed, GUIDE, length_ms)

    ended = [one for one in ribbon.stretches if not one.is_open]
    assert sum(one.spent_ms for one in ribbon.phases) == sum(one.length_ms for one in ended)
    assert len(ribbon.phases) == len(GUIDE)
    assert {place for place, one in enumerate(ribbon.phases, 1) if one.is_marked} == {
        one.key for one in ribbon.stretches
    }


@given(pressed=presses, length_ms=lengths)
def test_pressing_the_same_again_changes_nothing(pressed: list[Pressed], length_ms: int) -> None:
    assert ribbon_of([*pressed, *pressed], GUIDE, length_ms) == ribbon_of(pressed, GUIDE, length_ms)


@given(
    pressed=st.lists(
        st.builds(Pressed, st.just("phase"), st.integers(1, 3), st.integers(0, 1_000_000)),
        unique_by=lambda one: one.at_ms,
        max_size=12,
    ),
    seed=st.randoms(),
)
def test_the_order_of_the_presses_is_that_of_their_times(
    pressed: list[Pressed], seed: Random
) -> None:
    shuffled = list(pressed)
    seed.shuffle(shuffled)

    assert ribbon_of(shuffled, GUIDE, LENGTH_MS) == ribbon_of(pressed, GUIDE, LENGTH_MS)


# What comes next


def test_next_is_the_phase_after_the_one_before_the_time() -> None:
    pressed = [phase(1, 0), phase(2, 5)]

    assert key_after([], 0) == 1
    assert key_after(pressed, 0) == 1  # asked again at the very time, it is the same one
    assert key_after(pressed, 3 * MINUTE_MS) == 2
    assert key_after(pressed, 5 * MINUTE_MS) == 2
    assert key_after(pressed, 6 * MINUTE_MS) == 3


# Depth


def test_a_rung_holds_until_the_next_one_or_the_next_phase() -> None:
    ribbon = ribbon_of(
        [phase(1, 0), rung(1, 1), rung(2, 3), rung(4, 5), phase(2, 7), rung(2, 9)],
        GUIDE,
        LENGTH_MS,
    )

    assert [
        (one.key, one.start_ms // MINUTE_MS, one.end_ms // MINUTE_MS) for one in ribbon.rungs
    ] == [
        (1, 1, 3),
        (2, 3, 5),
        (4, 5, 7),
        (2, 9, 20),
    ]
    assert ribbon.deepest == 4


@given(pressed=presses, length_ms=lengths)
def test_no_two_rungs_at_once(pressed: list[Pressed], length_ms: int) -> None:
    ribbon = ribbon_of(pressed, GUIDE, length_ms)

    for one, following in pairwise(ribbon.rungs):
        assert one.start_ms <= one.end_ms <= following.start_ms
    pressed_rungs = [one.key for one in pressed if one.kind == "rung"]
    assert ribbon.deepest <= max(pressed_rungs, default=0)


# Whys


def test_the_longest_chain_is_of_one_line_of_questioning() -> None:
    ribbon = ribbon_of(
        [why(1, 1), why(1, 2), why(2, 3), why(2, 4), why(2, 5), why(2, 5)], GUIDE, LENGTH_MS
    )

    assert ribbon.longest_chain == Chain(2, (180_000, 240_000, 300_000))
    assert ribbon_of([], GUIDE, LENGTH_MS).longest_chain is None
    assert ribbon_of([], GUIDE, LENGTH_MS).is_empty


@given(pressed=presses)
def test_every_why_is_in_one_chain(pressed: list[Pressed]) -> None:
    ribbon = ribbon_of(pressed, GUIDE, 2_000_000)

    whys = {(one.key, one.at_ms) for one in pressed if one.kind == "why"}
    assert {(one.line, at_ms) for one in ribbon.chains for at_ms in one.times_ms} == whys
    longest = ribbon.longest_chain
    assert (longest.length if longest else 0) == max(
        (len({at for line, at in whys if line == key}) for key, _at in whys), default=0
    )


def test_a_why_goes_on_with_the_line_it_lies_in() -> None:
    pressed = [why(1, 1), why(2, 5)]

    assert line_of([], 0) == 1
    assert line_of(pressed, 3 * MINUTE_MS) == 1
    assert line_of(pressed, 6 * MINUTE_MS) == 2
    assert line_of(pressed, 0) == 1
    assert line_of(pressed, 3 * MINUTE_MS, is_new=True) == 3
