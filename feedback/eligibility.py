"""Who may grade what, and in which order: the queue's rules in one place. [pure]

`exclusion` gives the reason code for which a grader is not offered an attempt, or None; `in_order`
puts what is left in the order in which it is claimed:

1. left alone by a partner (*priority*);
2. waiting for two reviews for 48 hours or more (*escalated*);
3. the candidate is in credit: has given more reviews than taken;
4. age, in steps of 12 hours;
5. fewest reviews in or in hand;
6. joins two parts of the graph of who graded whom, which a fair comparison of graders needs;
7. at random, by a seed.

Instants are aware datetimes, people and rows are ids.
"""

import hashlib
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

ESCALATED_AFTER = timedelta(hours=48)
BOTH_WAYS_WITHIN = timedelta(days=30)
SMALL_POOL = 6
"""In a cohort of fewer people, two may grade each other as often as it comes."""
STEP = timedelta(hours=12)
REVIEWS_ENOUGH = 2
ONE_WAY_ENOUGH = 2
"""Where fewer people could take an answer without going both ways, any of them may: whoever has
graded nearly everybody would else be graded by nobody, and giving would cost them their place."""


class Exclusion(StrEnum):
    """Why an attempt is not offered to a grader."""

    OWN = "own"
    HELD_THE_MOCK = "held_the_mock"
    ALREADY_GRADED = "already_graded"
    CONFLICT = "conflict"
    PROMPT_AHEAD = "prompt_ahead"
    BOTH_WAYS = "both_ways"
    NOT_QUALIFIED = "not_qualified"


@dataclass(frozen=True, slots=True)
class Pool:
    """A cohort as its queue sees it: how many people, its rule, who is trained for which kind."""

    cohort: int
    size: int
    requires_unlock: bool = False
    unlocked: frozenset[tuple[int, int]] = frozenset()
    """Pairs of a member and a round kind."""

    def is_anybody_trained(self, round_kind: int, *, but: int) -> bool:
        """Say whether anybody but one person, the candidate, is trained for the kind."""
        return any(kind == round_kind and member != but for member, kind in self.unlocked)


@dataclass(frozen=True, slots=True)
class Grader:
    """Who asks for work. `conflicts` are people, `prompts_ahead` pairs of round kind and key."""

    person: int
    conflicts: frozenset[int] = frozenset()
    prompts_ahead: frozenset[tuple[int, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An attempt with a place free, and what there is between it and the grader who asks.

    `reviews` are in or in hand, `is_graded` says that this grader's own is or was, other than one
    put back or lapsed. `graded_them_at` is when the candidate last graded the grader, and
    `one_way` says, where they have, how many members could take it without going both ways.
    """

    entry: int
    attempt: int
    cohort: int
    candidate: int
    round_kind: int
    prompt: str
    since: datetime
    reviews: int = 0
    in_results: int = 0
    has_priority: bool = False
    credit: int = 0
    interviewer: int | None = None
    is_graded: bool = False
    graded_them_at: datetime | None = None
    one_way: int | None = None

    def is_escalated(self, at: datetime) -> bool:
        """Say whether it has waited for two reviews for so long that everybody is asked."""
        return self.in_results < REVIEWS_ENOUGH and at - self.since >= ESCALATED_AFTER


def is_trained(grader: Grader, item: Waiting, pool: Pool) -> bool:
    """Say whether the grader has unlocked the attempt's round kind."""
    return (grader.person, item.round_kind) in pool.unlocked


def exclusion(item: Waiting, grader: Grader, pool: Pool, at: datetime) -> Exclusion | None:
    """Return why this grader is not offered this attempt, or None where they are.

    What protects people holds always; what protects quality gives way to an answer that has waited
    for 48 hours.
    """
    kind_and_prompt = (item.round_kind, item.prompt)
    is_asked_of_all = item.is_escalated(at)
    rules = {
        Exclusion.OWN: item.candidate == grader.person,
        Exclusion.HELD_THE_MOCK: item.interviewer == grader.person,
        Exclusion.ALREADY_GRADED: item.is_graded,
        Exclusion.CONFLICT: item.candidate in grader.conflicts,
        Exclusion.PROMPT_AHEAD: kind_and_prompt in grader.prompts_ahead,
        Exclusion.BOTH_WAYS: not is_asked_of_all and _is_both_ways(item, pool, at),
        Exclusion.NOT_QUALIFIED: not is_asked_of_all and not _is_qualified(item, grader, pool),
    }
    return next((reason for reason, holds in rules.items() if holds), None)


def _is_both_ways(item: Waiting, pool: Pool, at: datetime) -> bool:
    is_spared = pool.size < SMALL_POOL or (
        item.one_way is not None and item.one_way < ONE_WAY_ENOUGH
    )
    if is_spared or item.graded_them_at is None:
        return False
    return at - item.graded_them_at < BOTH_WAYS_WITHIN


def _is_qualified(item: Waiting, grader: Grader, pool: Pool) -> bool:
    if not pool.requires_unlock or is_trained(grader, item, pool):
        return True
    return not pool.is_anybody_trained(item.round_kind, but=item.candidate)


class Graph:
    """Who graded whom, by cohort and round kind, as connected parts.

    Graders and candidates are different nodes of one bipartite graph, so a person who is both
    joins nothing by that.
    """

    def __init__(self, edges: Iterable[tuple[int, int, int, int]] = ()) -> None:
        """Take rows of cohort, round kind, grader, candidate."""
        self._above: dict[Hashable, Hashable] = {}
        for cohort, kind, grader, candidate in edges:
            self._join((cohort, kind, "grader", grader), (cohort, kind, "candidate", candidate))

    def joins(self, item: Waiting, grader: Grader) -> bool:
        """Say whether grading this attempt would join two parts that have both graded before."""
        one: Hashable = (item.cohort, item.round_kind, "grader", grader.person)
        other: Hashable = (item.cohort, item.round_kind, "candidate", item.candidate)
        are_known = one in self._above and other in self._above
        return are_known and self._root(one) != self._root(other)

    def _join(self, one: Hashable, other: Hashable) -> None:
        self._above[self._root(one)] = self._root(other)

    def _root(self, node: Hashable) -> Hashable:
        above = self._above.setdefault(node, node)
        while above != self._above[above]:
            self._above[above] = self._above[self._above[above]]
            above = self._above[above]
        return above


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a grader may take, in the order of taking, and why the rest is not offered."""

    items: list[Waiting]
    excluded: Mapping[int, Exclusion] = field(default_factory=dict)
    """Reason codes by attempt."""
    untrained: frozenset[int] = frozenset()
    """Attempts on offer whose round kind the grader has not unlocked."""


def in_order(
    items: Collection[Waiting],
    grader: Grader,
    pools: Mapping[int, Pool],
    at: datetime,
    *,
    graph: Graph | None = None,
    seed: str = "",
) -> Ordered:
    """Filter and order what waits for one grader; the same input gives the same order."""
    graph = graph or Graph()
    reasons = {item.attempt: exclusion(item, grader, pools[item.cohort], at) for item in items}

    def place(item: Waiting) -> tuple[object, ...]:
        return (
            not item.has_priority,
            not item.is_escalated(at),
            item.credit <= 0,
            -((at - item.since) // STEP),
            item.reviews,
            not graph.joins(item, grader),
            hashlib.sha256(f"{seed}:{grader.person}:{item.attempt}".encode()).digest(),
        )

    offered = [item for item in items if reasons[item.attempt] is None]
    return Ordered(
        items=sorted(offered, key=place),
        excluded={attempt: reason for attempt, reason in reasons.items() if reason is not None},
        untrained=frozenset(
            item.attempt for item in offered if not is_trained(grader, item, pools[item.cohort])
        ),
    )
