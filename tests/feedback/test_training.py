"""The arithmetic of training: scores, the rule that unlocks, and when a repeat opens."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.training import (
    ITEMS_NEEDED,
    Gap,
    Next,
    Sat,
    Score,
    Standing,
    gap_of,
    next_item,
    score,
    standing,
)
from tests.factories import NOW

DAY = timedelta(days=1)
ranks = st.none() | st.integers(0, 3)
rated = st.dictionaries(st.sampled_from("abcdef"), st.tuples(ranks, ranks), min_size=1)
scores = st.builds(
    lambda rated, exact, farthest: Score(min(exact, rated), rated, farthest),
    st.integers(4, 6),
    st.integers(0, 6),
    st.integers(0, 3),
)


@pytest.mark.parametrize(
    ("rating", "reference", "gap"),
    [
        (2, 2, Gap.EXACT),
        (0, 0, Gap.EXACT),
        (None, None, Gap.EXACT),
        (2, 1, Gap.ONE),
        (0, 1, Gap.ONE),
        (3, 1, Gap.FAR),
        (0, 3, Gap.FAR),
        (None, 0, Gap.UNLIKE),
        (3, None, Gap.UNLIKE),
    ],
)
def test_gap_is_said_in_levels(rating: int | None, reference: int | None, gap: Gap) -> None:
    assert gap_of(rating, reference) == gap_of(reference, rating) == gap


def test_score_counts_what_agrees_and_the_greatest_distance() -> None:
    references = {"a": 2, "b": 1, "c": None, "d": None, "e": 0}

    assert score({"a": 2, "b": 2, "c": None, "d": 3, "e": None}, references) == Score(2, 5, 1)
    assert score({"a": 0, "b": 3, "c": 3, "d": 3, "e": 0}, references) == Score(1, 5, 2)
    assert score(references, references) == Score(5, 5, 0)
    with pytest.raises(ValueError, match="same dimensions"):
        score({"a": 2}, references)


@given(rated)
def test_score_and_gaps_say_the_same(rated: dict[str, tuple[int | None, int | None]]) -> None:
    ratings = {key: pair[0] for key, pair in rated.items()}
    references = {key: pair[1] for key, pair in rated.items()}
    gaps = [gap_of(*pair) for pair in rated.values()]

    found = score(ratings, references)

    assert found.exact == gaps.count(Gap.EXACT)
    assert found.rated == len(gaps)
    assert found.has_far == (Gap.FAR in gaps)
    assert (found.farthest == 1) == (Gap.ONE in gaps and Gap.FAR not in gaps)
    assert found == score(references, ratings)


GOOD, HALF, POOR, FAR = Score(6, 6, 0), Score(3, 6, 1), Score(2, 6, 1), Score(5, 6, 2)


@pytest.mark.parametrize(
    ("handed_in", "is_unlocked"),
    [
        ([], False),
        ([GOOD], False),
        ([GOOD, GOOD, GOOD], False),
        ([GOOD, GOOD, GOOD, GOOD], True),
        ([HALF, HALF, HALF, HALF], True),
        ([HALF, HALF, HALF, POOR], False),
        ([Score(4, 6, 1), HALF, HALF, POOR], True),  # the four are read together
        ([GOOD, GOOD, GOOD, FAR], False),
        ([FAR, GOOD, GOOD, GOOD], False),
        ([FAR, GOOD, GOOD, GOOD, GOOD], True),  # it is not among the last four any more
        ([GOOD, GOOD, GOOD, GOOD, FAR], False),
        ([GOOD, GOOD, GOOD, POOR, POOR, POOR, POOR], False),
        ([Score(2, 4, 1), Score(3, 5, 1), Score(3, 6, 1), Score(2, 4, 1)], True),
        ([Score(2, 5, 1), Score(2, 5, 1), Score(3, 5, 1), Score(2, 4, 1)], False),
        ([Score(0, 0, 0)] * 4, False),
    ],
)
def test_the_rule_by_example(handed_in: list[Score], is_unlocked: bool) -> None:
    assert standing(handed_in).is_unlocked is is_unlocked


@given(st.lists(scores, max_size=9))
def test_only_the_last_four_count(handed_in: list[Score]) -> None:
    assert standing(handed_in) == standing(handed_in[-ITEMS_NEEDED:])
    assert standing([FAR, *handed_in[-4:]]).is_unlocked == (
        len(handed_in) >= ITEMS_NEEDED and standing(handed_in).is_unlocked
    )


@given(st.lists(scores, min_size=4, max_size=4), st.permutations(range(4)), st.integers(0, 3))
def test_better_never_shuts_and_order_within_the_four_is_nothing(
    handed_in: list[Score], order: list[int], which: int
) -> None:
    before = standing(handed_in)
    better = list(handed_in)
    better[which] = Score(better[which].rated, better[which].rated, 0)

    assert standing([handed_in[place] for place in order]) == before
    assert standing(better).is_unlocked >= before.is_unlocked
    if before.is_unlocked:
        assert not any(one.has_far for one in handed_in)
        assert sum(one.exact for one in handed_in) >= sum(one.rated for one in handed_in) / 2


def sat(items: str, number: int = 1, *, day: int = 0) -> list[Sat]:
    """Return sittings at these items, one a day."""
    return [Sat(item, number, NOW + (day + n) * DAY) for n, item in enumerate(items)]


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ([], Next("a", 1)),
        (sat("a"), Next("b", 1)),
        (sat("ac"), Next("b", 1)),
        (sat("cba"), Next("d", 1)),
        (sat("abcd"), Next("a", 2, NOW + 17 * DAY)),
        (sat("dcba"), Next("a", 2, NOW + 17 * DAY)),
        (sat("abcd") + sat("a", 2, day=20), Next("b", 2, NOW + 17 * DAY)),
        (sat("abcd") + sat("abcd", 2, day=20), Next("a", 3, NOW + 37 * DAY)),
        (sat("x"), Next("a", 1)),  # of an item that is there no more
        # a new item is read at once; then all wait for it
        (sat("abc") + sat("abc", 2, day=20), Next("d", 1)),
        (sat("abc") + sat("abc", 2, day=20) + sat("d", day=30), Next("d", 2, NOW + 44 * DAY)),
    ],
)
def test_what_comes_next(done: list[Sat], expected: Next) -> None:
    assert next_item("abcd", done) == expected


def test_a_kind_without_items_has_nothing_next() -> None:
    assert next_item([], sat("ab")) is None


def test_a_repeat_opens_on_the_second_and_not_before() -> None:
    coming = next_item("a", sat("a"))

    assert coming is not None
    assert not coming.is_open(NOW + 14 * DAY - timedelta(seconds=1))
    assert coming.is_open(NOW + 14 * DAY)
    assert Next("a", 1).is_open(NOW)


@given(st.integers(1, 6), st.integers(0, 20))
def test_everything_is_read_once_before_anything_is_read_again(items: int, steps: int) -> None:
    names = "abcdef"[:items]
    done: list[Sat] = []
    at = NOW
    for _step in range(steps):
        coming = next_item(names, done)
        assert coming is not None
        at = max(at, coming.opens_at or at)
        done.append(Sat(coming.item, coming.number, at))

    assert [one.item for one in done] == [names[n % items] for n in range(steps)]
    assert [one.number for one in done] == [n // items + 1 for n in range(steps)]
    for earlier, later in zip(done, done[items:], strict=False):
        assert later.at - earlier.at >= 14 * DAY


def test_standing_says_what_the_page_says() -> None:
    assert standing([POOR, GOOD, FAR]) == Standing(items=3, exact=13, rated=18, far_items=1)
