"""Who may grade what, and in which order: each reason, what gives way after 48 hours, the order."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.disagreement import Opinion, is_split
from feedback.eligibility import (
    BOTH_WAYS_WITHIN,
    ESCALATED_AFTER,
    STEP,
    Exclusion,
    Grader,
    Graph,
    Ordered,
    Pool,
    Waiting,
    exclusion,
    in_order,
    is_trained,
)
from tests.factories import NOW

ME, THEM, OTHER = 1, 2, 3
KIND, ELSEWHERE = 10, 11
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
POOL = Pool(cohort=1, size=8)
WAITING = Waiting(
    entry=1,
    attempt=1,
    cohort=1,
    candidate=THEM,
    round_kind=KIND,
    prompt="slow_builds",
    since=NOW - HOUR,
)
GRADER = Grader(person=ME)


def reason(
    item: Waiting = WAITING, *, grader: Grader = GRADER, pool: Pool = POOL
) -> Exclusion | None:
    return exclusion(item, grader, pool, NOW)


# Reasons


def test_nothing_stands_in_the_way() -> None:
    assert reason() is None


@pytest.mark.parametrize(
    ("item", "grader", "expected"),
    [
        (replace(WAITING, candidate=ME), GRADER, Exclusion.OWN),
        (replace(WAITING, interviewer=ME), GRADER, Exclusion.HELD_THE_MOCK),
        (replace(WAITING, is_graded=True), GRADER, Exclusion.ALREADY_GRADED),
        (WAITING, Grader(ME, conflicts=frozenset({THEM})), Exclusion.CONFLICT),
        (
            WAITING,
            Grader(ME, prompts_ahead=frozenset({(KIND, "slow_builds")})),
            Exclusion.PROMPT_AHEAD,
        ),
    ],
)
@pytest.mark.parametrize("waits", [HOUR, ESCALATED_AFTER, 30 * DAY])
def test_what_protects_people_holds_however_long_an_answer_waits(
    item: Waiting, grader: Grader, expected: Exclusion, waits: timedelta
) -> None:
    assert reason(replace(item, since=NOW - waits), grader=grader) == expected


@pytest.mark.parametrize(
    ("item", "grader"),
    [
        (replace(WAITING, interviewer=OTHER), GRADER),
        (WAITING, Grader(ME, conflicts=frozenset({OTHER}))),
        (WAITING, Grader(ME, prompts_ahead=frozenset({(ELSEWHERE, "slow_builds")}))),
        (WAITING, Grader(ME, prompts_ahead=frozenset({(KIND, "cloud_bill")}))),
    ],
)
def test_what_concerns_others_stands_in_nobodys_way(item: Waiting, grader: Grader) -> None:
    assert reason(item, grader=grader) is None


@pytest.mark.parametrize(
    ("ago", "size", "expected"),
    [
        (DAY, 6, Exclusion.BOTH_WAYS),
        (BOTH_WAYS_WITHIN - timedelta(seconds=1), 8, Exclusion.BOTH_WAYS),
        (BOTH_WAYS_WITHIN, 8, None),
        (DAY, 5, None),
        (DAY, 4, None),
    ],
)
def test_not_both_ways_within_thirty_days_unless_the_pool_is_under_six(
    ago: timedelta, size: int, expected: Exclusion | None
) -> None:
    item = replace(WAITING, graded_them_at=NOW - ago)

    assert reason(item, pool=Pool(1, size)) == expected


@pytest.mark.parametrize(
    ("one_way", "expected"),
    [(None, Exclusion.BOTH_WAYS), (2, Exclusion.BOTH_WAYS), (1, None), (0, None)],
)
def test_both_ways_is_better_than_nobody(one_way: int | None, expected: Exclusion | None) -> None:
    """Who has graded nearly everybody would else be graded by nobody."""
    assert reason(replace(WAITING, graded_them_at=NOW - DAY, one_way=one_way)) == expected


@pytest.mark.parametrize(
    ("requires", "unlocked", "expected"),
    [
        (False, {(OTHER, KIND)}, None),
        (True, {(ME, KIND)}, None),
        (True, {(OTHER, KIND)}, Exclusion.NOT_QUALIFIED),
        (True, {(OTHER, KIND), (ME, ELSEWHERE)}, Exclusion.NOT_QUALIFIED),
        (True, {(OTHER, ELSEWHERE)}, None),
        (True, set(), None),
        (True, {(THEM, KIND)}, None),  # the candidate alone is trained: nobody could grade it
    ],
)
def test_where_anybody_is_trained_only_the_trained_grade_if_the_cohort_says_so(
    requires: bool, unlocked: set[tuple[int, int]], expected: Exclusion | None
) -> None:
    pool = Pool(1, 8, requires_unlock=requires, unlocked=frozenset(unlocked))

    assert reason(pool=pool) == expected
    assert is_trained(GRADER, WAITING, pool) == ((ME, KIND) in unlocked)


@pytest.mark.parametrize(
    ("waits", "in_results", "is_offered"),
    [
        (ESCALATED_AFTER - timedelta(seconds=1), 0, False),
        (ESCALATED_AFTER, 0, True),
        (ESCALATED_AFTER, 1, True),
        (ESCALATED_AFTER, 2, False),  # it waits for its third
    ],
)
def test_what_protects_quality_gives_way_after_48_hours_without_two_reviews(
    waits: timedelta, in_results: int, is_offered: bool
) -> None:
    waiting = replace(WAITING, since=NOW - waits, in_results=in_results)
    trained = Pool(1, 8, requires_unlock=True, unlocked=frozenset({(OTHER, KIND)}))

    assert (reason(waiting, pool=trained) is None) == is_offered
    both_ways = replace(waiting, graded_them_at=NOW - DAY)
    assert (reason(both_ways) is None) == is_offered


def test_every_reason_is_told_by_attempt() -> None:
    items = [
        replace(WAITING, attempt=1, candidate=ME),
        replace(WAITING, attempt=2, is_graded=True),
        replace(WAITING, attempt=3),
    ]

    ordered = in_order(items, GRADER, {1: POOL}, NOW)

    assert ordered.excluded == {1: Exclusion.OWN, 2: Exclusion.ALREADY_GRADED}
    assert [item.attempt for item in ordered.items] == [3]
    assert ordered.untrained == {3}


# The order


def order(*items: Waiting, graph: Graph | None = None, seed: str = "") -> list[int]:
    ordered = in_order(items, GRADER, {1: POOL}, NOW, graph=graph, seed=seed)
    return [item.attempt for item in ordered.items]


OLD = replace(WAITING, since=NOW - 40 * HOUR)
LADDER = [  # each comes before all that follow it, though these are better in all later things
    replace(WAITING, has_priority=True, reviews=1, credit=-2),
    replace(WAITING, since=NOW - 60 * HOUR, credit=-2, reviews=1),
    replace(OLD, credit=1, since=NOW - 2 * HOUR, reviews=1),
    replace(OLD, reviews=1),
    replace(OLD, since=NOW - 30 * HOUR),
    replace(OLD, since=NOW - 3 * HOUR, reviews=1),
]


@given(st.permutations(range(len(LADDER))))
def test_priority_then_escalation_then_credit_then_age_then_reviews(places: list[int]) -> None:
    items = [replace(LADDER[place], attempt=place, entry=place) for place in places]

    assert order(*items) == sorted(places)


@pytest.mark.parametrize(("apart", "is_by_age"), [(STEP, True), (timedelta(minutes=1), False)])
def test_age_counts_in_steps_of_twelve_hours(apart: timedelta, is_by_age: bool) -> None:
    seeds = [str(number) for number in range(40)]
    older = replace(WAITING, attempt=2, since=WAITING.since - apart)

    firsts = {order(WAITING, older, seed=seed)[0] for seed in seeds}

    assert firsts == ({2} if is_by_age else {1, 2})


def test_fewest_reviews_come_first_at_the_same_age() -> None:
    assert order(replace(WAITING, attempt=2, reviews=1), WAITING) == [1, 2]


def test_an_answer_that_joins_two_parts_of_the_graph_comes_first() -> None:
    """I have graded OTHER's answers, and 7 has graded THEIRS: nothing links 7's ratings to mine."""
    graph = Graph([(1, KIND, ME, OTHER), (1, KIND, 7, THEM)])
    same = replace(WAITING, attempt=2, candidate=OTHER)
    joining = replace(WAITING, attempt=3, candidate=THEM)

    for seed in "abcdef":
        assert order(same, joining, graph=graph, seed=seed) == [3, 2]
    linked = Graph([(1, KIND, ME, OTHER), (1, KIND, 7, THEM), (1, KIND, 7, OTHER)])
    assert not linked.joins(joining, GRADER)


def test_the_graph_parts_cohorts_kinds_and_chairs() -> None:
    """Who is graded and who grades are two nodes: a person who does both joins nothing by that."""
    assert not Graph([(1, ELSEWHERE, ME, OTHER), (1, KIND, 7, THEM)]).joins(WAITING, GRADER)
    assert not Graph([(2, KIND, ME, OTHER), (1, KIND, 7, THEM)]).joins(WAITING, GRADER)
    assert not Graph([(1, KIND, 7, ME), (1, KIND, 7, THEM)]).joins(WAITING, GRADER)
    assert Graph([(1, KIND, ME, ME), (1, KIND, 7, THEM)]).joins(WAITING, GRADER)


# Properties

items = st.builds(
    Waiting,
    entry=st.just(0),
    attempt=st.just(0),
    cohort=st.just(1),
    candidate=st.integers(1, 8),
    round_kind=st.sampled_from([KIND, ELSEWHERE]),
    prompt=st.sampled_from(["a", "b"]),
    since=st.integers(0, 96).map(lambda hours: NOW - hours * HOUR),
    reviews=st.integers(0, 2),
    in_results=st.integers(0, 2),
    has_priority=st.booleans(),
    credit=st.integers(-3, 3),
    interviewer=st.none() | st.integers(1, 8),
    is_graded=st.booleans(),
    graded_them_at=st.none() | st.just(NOW - DAY),
    one_way=st.none() | st.integers(0, 7),
)
lists = st.lists(items, max_size=12).map(
    lambda found: [replace(one, entry=n, attempt=n) for n, one in enumerate(found)]
)
pools = st.builds(
    Pool,
    cohort=st.just(1),
    size=st.integers(2, 12),
    requires_unlock=st.booleans(),
    unlocked=st.frozensets(st.tuples(st.integers(1, 8), st.sampled_from([KIND, ELSEWHERE]))),
)
graders = st.builds(
    Grader,
    person=st.integers(1, 8),
    conflicts=st.frozensets(st.integers(1, 8), max_size=2),
    prompts_ahead=st.frozensets(st.tuples(st.just(KIND), st.sampled_from(["a", "b"])), max_size=1),
)
edges = st.lists(
    st.tuples(st.just(1), st.sampled_from([KIND, ELSEWHERE]), st.integers(1, 8), st.integers(1, 8)),
    max_size=10,
)


def run(
    found: list[Waiting], grader: Grader, pool: Pool, rows: list[tuple[int, int, int, int]]
) -> Ordered:
    return in_order(found, grader, {1: pool}, NOW, graph=Graph(rows), seed="s")


@given(lists, graders, pools, edges, st.randoms())
def test_the_order_depends_on_no_order_of_rows(
    found: list[Waiting],
    grader: Grader,
    pool: Pool,
    rows: list[tuple[int, int, int, int]],
    chance: Random,
) -> None:
    before = run(found, grader, pool, rows)
    chance.shuffle(found)
    chance.shuffle(rows)

    assert run(found, grader, pool, rows) == before


@given(lists, graders, pools, edges)
def test_each_item_is_offered_or_excluded_for_a_reason(
    found: list[Waiting], grader: Grader, pool: Pool, rows: list[tuple[int, int, int, int]]
) -> None:
    ordered = run(found, grader, pool, rows)

    offered = {item.attempt for item in ordered.items}
    assert offered.isdisjoint(ordered.excluded)
    assert offered | set(ordered.excluded) == {item.attempt for item in found}
    assert all(item.candidate != grader.person for item in ordered.items)
    assert all(item.candidate not in grader.conflicts for item in ordered.items)


@given(lists, graders, pools, edges)
def test_nobody_in_credit_stands_behind_a_debtor_of_the_same_age(
    found: list[Waiting], grader: Grader, pool: Pool, rows: list[tuple[int, int, int, int]]
) -> None:
    ordered = run(found, grader, pool, rows).items

    for place, debtor in enumerate(ordered):
        for creditor in ordered[place + 1 :]:
            is_alike = debtor.has_priority == creditor.has_priority and debtor.is_escalated(
                NOW
            ) == creditor.is_escalated(NOW)
            assert not (is_alike and creditor.credit > 0 >= debtor.credit)


@given(lists, graders, pools, edges)
def test_what_waits_longer_stands_first_among_equals(
    found: list[Waiting], grader: Grader, pool: Pool, rows: list[tuple[int, int, int, int]]
) -> None:
    def class_of(item: Waiting) -> tuple[bool, bool, bool]:
        return item.has_priority, item.is_escalated(NOW), item.credit > 0

    ordered = run(found, grader, pool, rows).items
    for one, next_ in pairwise(ordered):
        if class_of(one) == class_of(next_):
            assert (NOW - one.since) // STEP >= (NOW - next_.since) // STEP


# Splits


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Opinion({"a": 2}, True), Opinion({"a": 2}, True), False),
        (Opinion({"a": 1}, True), Opinion({"a": 2}, True), False),
        (Opinion({"a": 1}, True), Opinion({"a": 3}, True), True),
        (Opinion({"a": 3, "b": 0}, True), Opinion({"a": 3, "b": 2}, True), True),
        (Opinion({"a": 2}, True), Opinion({"a": 2}, False), True),
        (Opinion({"a": None}, True), Opinion({"a": 3}, True), False),
        (Opinion({}, True), Opinion({"a": 3}, True), False),
    ],
)
def test_a_split_is_two_levels_on_a_key_dimension_or_across_the_bar(
    first: Opinion, second: Opinion, expected: bool
) -> None:
    assert is_split([first, second]) == is_split([second, first]) == expected


def test_one_review_or_none_is_no_split() -> None:
    assert not is_split([])
    assert not is_split([Opinion({"a": 0}, False)])
    assert is_split([Opinion({"a": 1}, True), Opinion({"a": 2}, True), Opinion({"a": 3}, True)])
