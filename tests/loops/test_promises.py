"""Reliability: bounded, forgiving once, fading, and never lowered by a kept promise."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from loops.promises import COUNTED_MOST, HALF_LIFE, Promise, reliability
from tests.factories import NOW

OUTCOMES = ["kept", "late_change", "no_show"]
BROKEN = OUTCOMES[1:]

drawn_promises = st.lists(
    st.tuples(st.sampled_from(OUTCOMES), st.integers(0, 24 * 400)), max_size=30
).map(lambda told: [Promise(outcome, NOW - timedelta(hours=hours)) for outcome, hours in told])


@given(drawn_promises)
def test_it_is_a_share_in_thousandths(promises: list[Promise]) -> None:
    found = reliability(promises, NOW)

    assert 0 <= found.permille <= 1000
    assert found.kept + found.late + found.missed == found.counted <= COUNTED_MOST
    assert len(found.marks) == found.counted


@given(drawn_promises)
def test_the_order_in_which_they_are_told_says_nothing(promises: list[Promise]) -> None:
    at_once = {promise.at: promise for promise in promises}

    told = [*at_once.values()]

    assert reliability(told, NOW) == reliability(told[::-1], NOW)


@given(st.sampled_from(BROKEN), st.integers(0, 24 * 400), st.integers(0, COUNTED_MOST - 1))
def test_the_first_slip_of_all_is_forgiven(outcome: str, hours: int, kept: int) -> None:
    """With it the estimate is what it would be without it."""
    slip = Promise(outcome, NOW - timedelta(hours=hours))
    others = [Promise("kept", NOW - timedelta(days=day)) for day in range(kept)]

    found = reliability([slip, *others], NOW)

    assert found.is_forgiven
    assert found.permille == reliability(others, NOW).permille
    assert (found.kept, found.late, found.missed) == (kept, 0, 0)


@given(drawn_promises)
def test_only_one_slip_is_forgiven(promises: list[Promise]) -> None:
    found = reliability(promises, NOW)
    last = sorted(promises, key=lambda promise: promise.at)[-COUNTED_MOST:]
    slips = sum(promise.outcome != "kept" for promise in last)

    assert found.late + found.missed == slips - found.is_forgiven


def test_whose_forgiven_slip_has_left_the_last_ten_has_ten_that_count() -> None:
    slip = Promise("no_show", NOW - timedelta(days=90))
    kept = [Promise("kept", NOW - timedelta(days=day)) for day in range(COUNTED_MOST)]

    found = reliability([slip, *kept], NOW)

    assert (found.kept, found.counted, found.is_forgiven) == (10, 10, False)


@given(drawn_promises, st.integers(1, 24 * 200))
def test_what_was_fades_towards_that_of_somebody_new(promises: list[Promise], hours: int) -> None:
    new = reliability([], NOW).permille
    today = reliability(promises, NOW).permille
    later = reliability(promises, NOW + timedelta(hours=hours)).permille

    assert new == 900
    assert abs(later - new) <= abs(today - new)
    assert (later - new) * (today - new) >= 0  # and never past it


def test_a_promise_weighs_half_after_its_half_life() -> None:
    """Two missed in all, the first forgiven: 9 of 11, and 9 of 10.5."""
    slips = [Promise("no_show", NOW - timedelta(days=1)), Promise("no_show", NOW)]

    assert reliability(slips, NOW).permille == round(1000 * 9 / 11)
    assert reliability(slips, NOW + HALF_LIFE).permille == round(1000 * 9 / 10.5)


@given(drawn_promises, st.integers(0, 24 * 400))
def test_one_more_kept_never_lowers_it(promises: list[Promise], hours: int) -> None:
    """Nor does it when it is told late, or pushes an older one out of the last ten."""
    more = Promise("kept", NOW - timedelta(hours=hours))
    newest = Promise("kept", NOW)

    before = reliability(promises, NOW).permille
    assert reliability([*promises, newest], NOW).permille >= before
    if all(promise.at < more.at for promise in promises):
        assert reliability([*promises, more], NOW).permille >= before


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=COUNTED_MOST), st.data())
def test_an_excused_slip_counts_like_none(outcomes: list[str], data: st.DataObject) -> None:
    """Excused ones are not told at all; within the last ten that never lowers the estimate."""
    told = [
        Promise(outcome, NOW - timedelta(days=len(outcomes) - day))
        for day, outcome in enumerate(outcomes)
    ]
    slips = [promise for promise in told if promise.outcome != "kept"]
    if slips:
        excused = data.draw(st.sampled_from(slips))
        rest = [promise for promise in told if promise is not excused]

        assert reliability(rest, NOW).permille >= reliability(told, NOW).permille


@given(drawn_promises)
def test_a_late_change_is_better_than_a_miss_and_worse_than_a_kept_one(
    promises: list[Promise],
) -> None:
    known = [*promises, Promise("no_show", NOW - timedelta(days=500))]  # the one that is forgiven

    kept, late, missed = (
        reliability([*known, Promise(outcome, NOW)], NOW).permille for outcome in OUTCOMES
    )

    assert kept > late > missed
