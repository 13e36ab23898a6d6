"""Who practises with whom this week, at which hour, and what would help those left over. [pure]

It is told the people of one pool and knows no rows and no clock. Times are *slots*: number i is
the i-th possible start of a mock in the caller's window (half-hourly, say), and a set of slots is
an int whose bit i stands for slot i. A person offers a slot if the whole mock fits in.

**Who can be paired.** Two people who share a round kind, are at most two levels apart, both offer
at least one common slot, and neither of whom has blocked the other.

**What a pair is worth**, in points, always a whole number so that every machine agrees:

    1000  for a mock at all
    -150  for each level between the two
     +40  for each shared kind, two at the most
     +15  for each common slot, six at the most
    +200  times the reliability of the one times that of the other
    -600  if they were paired already, fading to nothing over 90 days
    -200  if every common slot is a bad hour (22:00-07:00) for one of them
     +50  for each week that either has waited

**Which pairs are made.** Those of the greatest total worth, exactly, by Galil's form of Edmonds'
algorithm ("Efficient algorithms for finding maximum matching in graphs", ACM Computing Surveys 18,
1986) in rustworkx. Three choices are ours:

- The total is what is made greatest, not the number of pairs: rustworkx is called with
  `max_cardinality=False`. The two differ only where somebody would have to meet a partner of the
  last weeks again so that one pair more comes about; then those wait and come first next week.
  Among totals that are equal the one with more pairs is taken.
- A pair worth nothing or less is none. Only a pair that met lately can fall so low, and every week
  of waiting lifts it by 100, so nobody is put off for long.
- Of each person's possible partners the best 30 are kept, which bounds the work. Were those the 30
  of greatest worth, a large pool of people much alike would all keep the same few (whoever waited
  longest, say) and leave each other unmatched. So a partner is ranked by how much the pair is
  worth above what that partner brings to anybody on average, which is the part of a worth that
  decides who goes with whom; ties go to the next ones round the circle of ids. And while two who
  were left over could meet, they are added and the pairs are made anew.

**Which hour.** A slot that is bad for neither; otherwise the one after which the greater of the two
debts of bad hours is least, then the one bad for fewer, then the earliest. Who takes a bad hour is
said, so that the caller can raise their debt and the other one pays the next time.

**Blocks are silent.** In every reason and every count somebody who blocked the person, or whom they
blocked, looks like somebody who offers no hours.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce
from operator import or_

import numpy as np
import rustworkx
from numpy.typing import NDArray

BASE = 1000
PER_LEVEL_APART = 150
PER_SHARED_KIND, MOST_KINDS_COUNTED = 40, 2
PER_COMMON_SLOT, MOST_SLOTS_COUNTED = 15, 6
RELIABLE = 200
PAIRED_BEFORE, FADES_OVER_DAYS = 600, 90
BAD_HOUR = 200
PER_WEEK_WAITED = 50

MOST_LEVELS_APART = 2
MOST_PARTNERS = 30
FULL_RELIABILITY_PERMILLE = 1000
MOST_WEEKS_WAITED = 10_000  # two centuries; it keeps every worth within 32 bits

STRETCH_SLOTS = 3  # two hours of half-hourly starts for a mock of an hour
MOST_SUGGESTIONS = 3

_OUT_OF_REACH = np.int64(1 << 50)  # more than any rating; taken off, it leaves them distinct
_BLOCK_ELEMENTS = 1 << 17  # of one intermediate array: a megabyte, which stays in the cache

Words = NDArray[np.uint64]
Numbers = NDArray[np.int64]


class Reason(StrEnum):
    """Why somebody was left without a partner: the first of these that is true."""

    ALONE = "alone"  # nobody else is in the pool
    NO_HOURS = "no_hours"  # they offer no slot in the window
    NO_SHARED_KIND = "no_shared_kind"  # nobody else wants a kind of theirs
    LEVELS_TOO_FAR = "levels_too_far"  # who does is more than two levels away
    NO_COMMON_HOUR = "no_common_hour"  # who is near enough offers no slot of theirs (or is blocked)
    MET_LATELY = "met_lately"  # who is left they met so lately that another mock is worth nothing
    ODD_ONE_OUT = "odd_one_out"  # every possible partner is paired with somebody else


@dataclass(frozen=True)
class Person:
    """Somebody who asked for a mock.

    `rank` is the level (0 below the ladder, 1, 2, 3). `bad_slots` are the slots between 22:00 and
    07:00 of their day and `closed_slots` those they could not offer if they wished (mocks agreed,
    days away, too soon); both cover the whole window, offered or not. `bad_hour_debt` counts the
    bad hours taken so far. `past_pairings` holds whole days since the last mock by partner's id; of
    the two sides' counts the smaller holds. `practised` counts the latest mocks by kind.
    """

    id: int
    rank: int
    kinds: frozenset[str]
    slots: int
    bad_slots: int = 0
    closed_slots: int = 0
    reliability_permille: int = FULL_RELIABILITY_PERMILLE
    bad_hour_debt: int = 0
    weeks_waited: int = 0
    blocked: frozenset[int] = frozenset()
    past_pairings: Mapping[int, int] = field(default_factory=dict)
    practised: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what would make a worth meaningless."""
        if not 0 <= self.reliability_permille <= FULL_RELIABILITY_PERMILLE:
            raise ValueError(f"person {self.id}: the reliability is not within 0..1000 permille")
        if not 0 <= self.weeks_waited <= MOST_WEEKS_WAITED:
            raise ValueError(f"person {self.id}: the weeks waited are not within 0..10000")
        if min(self.slots, self.bad_slots, self.closed_slots) < 0:
            raise ValueError(f"person {self.id}: a set of slots is below 0")


@dataclass(frozen=True)
class Pair:
    """Two people, the smaller id first, and the mock proposed to them.

    `kinds` are all the kinds they share, the one to take first (the second may serve the swapped
    turn). `bad_hour_for` holds the ids of those for whom `slot` is a bad hour.
    """

    first_id: int
    second_id: int
    weight: int
    slot: int
    kinds: tuple[str, ...]
    bad_hour_for: tuple[int, ...]


@dataclass(frozen=True)
class MoreHours:
    """Slots `first` to `stop` (not included), which would give `partners` more possible partners.

    The time to offer runs from the start of slot `first` to the end of a mock in slot `stop - 1`.
    """

    first: int
    stop: int
    partners: int


@dataclass(frozen=True)
class MoreKind:
    """A round kind which, taken as well, would give `partners` more possible partners."""

    kind: str
    partners: int


@dataclass(frozen=True)
class Unmatched:
    """Somebody left over: why, and what of their own doing would help, the most helpful first.

    Each entry counts people who cannot be paired with them now and could if they did that alone.
    Those of `hours` are different people in each entry; those of `kinds` may be the same.
    """

    person_id: int
    reason: Reason
    hours: tuple[MoreHours, ...] = ()
    kinds: tuple[MoreKind, ...] = ()


@dataclass(frozen=True)
class Edges:
    """Possible pairs as three arrays: places in the pool sorted by id (lower, higher), weights."""

    lower: Numbers
    higher: Numbers
    weights: Numbers

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.lower)


@dataclass(frozen=True)
class Matching:
    """The pairs by first id, who is left over by id, and the possible pairs chosen from."""

    pairs: tuple[Pair, ...]
    unmatched: tuple[Unmatched, ...]
    edges: Edges = field(compare=False, repr=False)

    @property
    def weight(self) -> int:
        """Add up what the pairs are worth."""
        return sum(pair.weight for pair in self.pairs)


# Two people


def weigh(a: Person, b: Person) -> int | None:
    """Say how much a pair is worth in points; None if the two cannot be paired.

    Symmetric. A weight of 0 or less is possible and makes no pair.
    """
    shared = len(a.kinds & b.kinds)
    common = a.slots & b.slots
    apart = abs(a.rank - b.rank)
    barred = a.id == b.id or b.id in a.blocked or a.id in b.blocked
    if barred or not shared or not common or apart > MOST_LEVELS_APART:
        return None
    is_good = bool(common & ~a.bad_slots & ~b.bad_slots)
    return (
        BASE
        - PER_LEVEL_APART * apart
        + PER_SHARED_KIND * min(shared, MOST_KINDS_COUNTED)
        + PER_COMMON_SLOT * min(common.bit_count(), MOST_SLOTS_COUNTED)
        + _reliability(a.reliability_permille * b.reliability_permille)
        - _past(a, b)
        - BAD_HOUR * (not is_good)
        + PER_WEEK_WAITED * (a.weeks_waited + b.weeks_waited)
    )


def pair_up(a: Person, b: Person, kind_order: Sequence[str] = ()) -> Pair | None:
    """Choose slot and kind for two people; None if they cannot be paired or it is worth nothing.

    The kind is the one that the two practised least lately (added up), then the one that comes
    first in `kind_order`; kinds that are not in there follow by name.
    """
    weight = weigh(a, b)
    if weight is None or weight <= 0:
        return None
    first, second = sorted((a, b), key=lambda person: person.id)
    slot, bad_hour_for = _best_slot(first, second)
    kinds = _ordered(a.kinds & b.kinds, kind_order)
    kinds.sort(key=lambda kind: a.practised.get(kind, 0) + b.practised.get(kind, 0))
    return Pair(first.id, second.id, weight, slot, tuple(kinds), bad_hour_for)


def best_partner(
    person: Person, others: Iterable[Person], kind_order: Sequence[str] = ()
) -> Pair | None:
    """Pair one person at once: the pair of greatest worth, of equals that of the smallest id."""
    weighed = ((weigh(person, other) or 0, -other.id, other) for other in others)
    best = max(weighed, default=None, key=lambda entry: entry[:2])
    return None if best is None else pair_up(person, best[2], kind_order)


def _ordered(kinds: Iterable[str], kind_order: Sequence[str]) -> list[str]:
    place = {kind: at for at, kind in enumerate(kind_order)}
    return sorted(kinds, key=lambda kind: (place.get(kind, len(place)), kind))


def _reliability(product_of_permilles: int) -> int:
    return RELIABLE * product_of_permilles // FULL_RELIABILITY_PERMILLE**2


def _past(a: Person, b: Person) -> int:
    """Count the points lost for having been paired already."""
    days = [x.past_pairings[y.id] for x, y in ((a, b), (b, a)) if y.id in x.past_pairings]
    fresh_days = FADES_OVER_DAYS - max(0, min(days, default=FADES_OVER_DAYS))
    return PAIRED_BEFORE * max(0, fresh_days) // FADES_OVER_DAYS


def _best_slot(a: Person, b: Person) -> tuple[int, tuple[int, ...]]:
    """Choose one of the common slots; say for whom it is a bad hour."""
    common = a.slots & b.slots
    if good := common & ~a.bad_slots & ~b.bad_slots:
        return _earliest(good), ()
    choices = (
        (common & a.bad_slots & ~b.bad_slots, (a.id,)),
        (common & ~a.bad_slots & b.bad_slots, (b.id,)),
        (common & a.bad_slots & b.bad_slots, (a.id, b.id)),
    )
    _, _, slot, bad_hour_for = min(
        (
            max(a.bad_hour_debt + (a.id in who), b.bad_hour_debt + (b.id in who)),
            len(who),
            _earliest(slots),
            who,
        )
        for slots, who in choices
        if slots
    )
    return slot, bad_hour_for


def _earliest(slots: int) -> int:
    return (slots & -slots).bit_length() - 1


# A pool


def match(
    people: Iterable[Person],
    *,
    kind_order: Sequence[str] = (),
    stretch_slots: int = STRETCH_SLOTS,
    most_partners: int = MOST_PARTNERS,
) -> Matching:
    """Pair a pool: the greatest total weight that pairs of the kept partners can have.

    The answer does not depend on the order of `people`. With up to `most_partners + 1` people no
    partner is left away, so it is the greatest of all. `kind_order` is as in `pair_up`,
    `stretch_slots` as in `explain`. Raises ValueError if two people have one id.
    """
    pool = sorted(people, key=lambda person: person.id)
    if len({person.id for person in pool}) < len(pool):
        raise ValueError("Two people of the pool have the same id.")
    edges = _kept(_Weights(pool), most_partners)
    mates = _solve(len(pool), edges)
    while len(more := _among_left_over(pool, mates, most_partners)):
        edges = _joined(edges, more)
        mates = _solve(len(pool), edges)
    pairs = [pair_up(pool[lower], pool[higher], kind_order) for lower, higher in mates]
    crowd = _Crowd(pool, kind_order)
    return Matching(
        tuple(pair for pair in pairs if pair),
        tuple(crowd.explain(at, stretch_slots) for at in _left_over(len(pool), mates)),
        edges,
    )


def explain(
    person: Person,
    people: Iterable[Person],
    *,
    kind_order: Sequence[str] = (),
    stretch_slots: int = STRETCH_SLOTS,
) -> Unmatched:
    """Say why a person has no partner among `people`, and what would help.

    Hours are stretches of at most `stretch_slots` slots, none of them bad or closed for the person;
    each stretch is as short as its count allows. `people` may hold the person or not. The reason
    ODD_ONE_OUT takes for granted that all who could be paired with the person are taken.
    """
    others = [other for other in people if other.id != person.id]
    return _Crowd([person, *others], kind_order).explain(0, stretch_slots)


def _solve(size: int, edges: Edges) -> list[tuple[int, int]]:
    """Choose the pairs, sorted: the heaviest matching, of equally heavy ones that with most pairs.

    As no matching has `size` pairs, one unit for each pair never outweighs a point, which is
    `size + 1` units. rustworkx reckons in 128 bits and, from 0.18 on, gives the same answer to the
    same edges in the same order. It looks at the last nodes first, and comes to its answer in two
    thirds of the time if those have the heaviest edges.
    """
    heaviest = np.zeros(size, dtype=np.int64)
    np.maximum.at(heaviest, edges.lower, edges.weights)
    np.maximum.at(heaviest, edges.higher, edges.weights)
    places = np.argsort(heaviest, kind="stable")
    nodes = np.empty(size, dtype=np.int64)
    nodes[places] = np.arange(size)
    graph: rustworkx.PyGraph[None, int] = rustworkx.PyGraph()
    graph.add_nodes_from([None] * size)
    ends = nodes[edges.lower].tolist(), nodes[edges.higher].tolist()
    units = (edges.weights * (size + 1) + 1).tolist()
    graph.extend_from_weighted_edge_list(list(zip(*ends, units, strict=True)))
    chosen = rustworkx.max_weight_matching(graph, max_cardinality=False, weight_fn=int)
    mates = [(int(places[one]), int(places[other])) for one, other in chosen]
    return sorted((min(pair), max(pair)) for pair in mates)


def _left_over(size: int, mates: Sequence[tuple[int, int]]) -> list[int]:
    taken = {at for pair in mates for at in pair}
    return [at for at in range(size) if at not in taken]


def _among_left_over(
    pool: Sequence[Person], mates: Sequence[tuple[int, int]], most_partners: int
) -> Edges:
    """Find pairs that nobody stands in the way of; there are some only where partners were cut."""
    left = np.array(_left_over(len(pool), mates), dtype=np.int64)
    found = _kept(_Weights([pool[at] for at in left]), most_partners)
    return Edges(left[found.lower], left[found.higher], found.weights)


def _joined(edges: Edges, more: Edges) -> Edges:
    """Put two disjoint sets of pairs together, sorted."""
    lower = np.concatenate([edges.lower, more.lower])
    higher = np.concatenate([edges.higher, more.higher])
    order = np.lexsort((higher, lower))
    return Edges(lower[order], higher[order], np.concatenate([edges.weights, more.weights])[order])


def _kinds_of(pool: Sequence[Person]) -> frozenset[str]:
    return frozenset[str]().union(*(person.kinds for person in pool))


def _mutual(pool: Sequence[Person], named: Sequence[Iterable[int]]) -> set[tuple[int, int]]:
    """Turn the ids that each person names into pairs of places, each pair in both directions."""
    place = {person.id: at for at, person in enumerate(pool)}
    found = {(at, place[id_]) for at, ids in enumerate(named) for id_ in ids if id_ in place}
    return found | {(other, at) for at, other in found}


# All weights of a pool, block by block


class _Weights:
    """The weights of a pool sorted by id, as `weigh` gives them, for many rows at a time."""

    def __init__(self, pool: Sequence[Person]) -> None:
        self.size = len(pool)
        bit = {kind: 1 << at for at, kind in enumerate(_kinds_of(pool))}
        self._kinds = _packed([sum(bit[kind] for kind in person.kinds) for person in pool])
        self._slots = _packed([person.slots for person in pool])
        self._good_slots = _packed([person.slots & ~person.bad_slots for person in pool])
        self._rank = np.array([person.rank for person in pool], dtype=np.int32)
        self._reliability = np.array([p.reliability_permille for p in pool], dtype=np.int32)
        self._waited = np.array([p.weeks_waited for p in pool], dtype=np.int32) * PER_WEEK_WAITED
        self._barred = _sparse((*cell, 1) for cell in _mutual(pool, [p.blocked for p in pool]))
        self._past = _sparse(
            (at, other, _past(pool[at], pool[other]))
            for at, other in _mutual(pool, [person.past_pairings for person in pool])
        )

    def blocks(self) -> Iterator[tuple[int, NDArray[np.int32]]]:
        """Give the matrix of weights in blocks of rows, each with the number of its first row.

        A weight is 0 where two cannot be paired or it is worth nothing. The whole matrix is never
        held; a block is small enough to stay in the processor's cache.
        """
        step = max(1, _BLOCK_ELEMENTS // max(1, self.size))
        for first in range(0, self.size, step):
            yield first, self._rows(first, min(first + step, self.size))

    def _rows(self, first: int, stop: int) -> NDArray[np.int32]:
        rows = slice(first, stop)
        shared = _common(self._kinds[:, rows], self._kinds)
        common = _common(self._slots[:, rows], self._slots)
        good = _meets(self._good_slots[:, rows], self._good_slots)
        apart = np.abs(self._rank[rows, None] - self._rank)
        weights: NDArray[np.int32] = self._reliability[rows, None] * self._reliability
        weights //= FULL_RELIABILITY_PERMILLE**2 // RELIABLE
        weights += BASE - BAD_HOUR
        weights += BAD_HOUR * good
        weights -= PER_LEVEL_APART * apart
        weights += PER_SHARED_KIND * np.minimum(shared, MOST_KINDS_COUNTED)
        weights += PER_COMMON_SLOT * np.minimum(common, MOST_SLOTS_COUNTED)
        weights += self._waited[rows, None]
        weights += self._waited
        at, other, points = _of_rows(self._past, first, stop)
        weights[at, other] -= points
        at, other, _ = _of_rows(self._barred, first, stop)
        common[at, other] = 0
        own = np.arange(first, stop)
        common[own - first, own] = 0
        weights *= (shared > 0) & (common > 0) & (apart <= MOST_LEVELS_APART) & (weights > 0)
        return weights


def _packed(masks: Sequence[int]) -> Words:
    """Write sets of bits as 64-bit words: an array (words, people)."""
    words = max(1, (max((mask.bit_length() for mask in masks), default=0) + 63) // 64)
    data = b"".join(mask.to_bytes(words * 8, "little") for mask in masks)
    by_person = np.frombuffer(data, dtype="<u8").reshape(len(masks), words)
    return by_person.T.astype(np.uint64, order="C")


def _common(rows: Words, columns: Words) -> NDArray[np.uint16]:
    """Count the common bits of every row with every column."""
    counts = np.zeros((rows.shape[1], columns.shape[1]), dtype=np.uint16)
    both = np.empty(counts.shape, dtype=np.uint64)
    for of_rows, of_columns in zip(rows, columns, strict=True):
        if of_rows.any():
            np.bitwise_and(of_rows[:, None], of_columns, out=both)
            counts += np.bitwise_count(both)
    return counts


def _meets(rows: Words, columns: Words) -> NDArray[np.bool_]:
    """Say of every row and every column whether they have a bit in common."""
    found: Words = np.zeros((rows.shape[1], columns.shape[1]), dtype=np.uint64)
    both = np.empty_like(found)
    for of_rows, of_columns in zip(rows, columns, strict=True):
        if of_rows.any():
            np.bitwise_and(of_rows[:, None], of_columns, out=both)
            found |= both
    return found.astype(np.bool_)


def _sparse(entries: Iterable[tuple[int, int, int]]) -> tuple[Numbers, Numbers, Numbers]:
    """Write a few cells of a matrix (row, column, value) as three arrays, sorted by row."""
    rows, columns, values = np.array(sorted(entries), dtype=np.int64).reshape(-1, 3).T
    return rows, columns, values


def _of_rows(
    cells: tuple[Numbers, Numbers, Numbers], first: int, stop: int
) -> tuple[Numbers, Numbers, Numbers]:
    """Take some rows of a sparse matrix, counted from the first of them."""
    start, end = np.searchsorted(cells[0], (first, stop))
    return cells[0][start:end] - first, cells[1][start:end], cells[2][start:end]


def _kept(weights: _Weights, most_partners: int) -> Edges:
    """Keep the best partners of each person; a pair stays if either of the two kept the other."""
    size = weights.size
    is_cut = size > most_partners + 1
    price = _brought(weights) if is_cut else np.zeros(size, dtype=np.int64)
    nearness = np.tile(np.arange(size - 1, -1, -1), 2)  # of those who follow whom, down to 0
    codes, found = [], []
    for first, block in weights.blocks():
        chosen = block > 0
        if is_cut:
            rating = (block - price) * size
            for row in range(len(block)):
                own = first + row
                rating[row] += nearness[size - own : 2 * size - own]
            rating -= ~chosen * _OUT_OF_REACH
            best = np.partition(rating, size - most_partners, axis=1)[:, size - most_partners :]
            chosen &= rating >= best.min(axis=1, keepdims=True)
        at, other = np.nonzero(chosen)
        lower, higher = np.minimum(at + first, other), np.maximum(at + first, other)
        codes.append(lower * size + higher)
        found.append(block[at, other])
    if not codes:
        return Edges(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    code, where = np.unique(np.concatenate(codes), return_index=True)
    return Edges(code // size, code % size, np.concatenate(found)[where].astype(np.int64))


def _brought(weights: _Weights) -> Numbers:
    """Say what each person brings to any pair, in points above the mean of all possible pairs.

    It stands for the person's price in the dual of the matching problem. Where weights are sums of
    what each of the two brings, it is that very addend: a person has d partners and not
    themselves, so their own share counts d times, and everybody's mean once less.
    """
    parts = [
        (block.sum(axis=1, dtype=np.int64), np.count_nonzero(block, axis=1))
        for _, block in weights.blocks()
    ]
    totals, partners = (np.concatenate(part) for part in zip(*parts, strict=True))
    above_mean = totals - totals.sum() // max(1, partners.sum()) * partners
    shares: Numbers = (2 * above_mean // np.maximum(1, partners - 1) + 1) // 2
    return shares


# Those left over


class _Crowd:
    """Who of a pool holds what; a set of people is an int whose bit i stands for place i."""

    def __init__(self, pool: Sequence[Person], kind_order: Sequence[str]) -> None:
        self._pool = pool
        self._everybody = (1 << len(pool)) - 1
        self._wanting = {
            kind: _people(at for at, person in enumerate(pool) if kind in person.kinds)
            for kind in _ordered(_kinds_of(pool), kind_order)
        }
        self._at_rank = {
            rank: _people(at for at, person in enumerate(pool) if person.rank == rank)
            for rank in {person.rank for person in pool}
        }
        self._offering = _turned([person.slots for person in pool])
        self._barred, self._met = [0] * len(pool), [0] * len(pool)
        for at, other in _mutual(pool, [person.blocked for person in pool]):
            self._barred[at] |= 1 << other
        for at, other in _mutual(pool, [person.past_pairings for person in pool]):
            self._met[at] |= 1 << other

    def explain(self, at: int, stretch_slots: int) -> Unmatched:
        """Say why the person at a place of the pool is left over, and what would help."""
        person = self._pool[at]
        others = self._everybody & ~(1 << at)
        wanting = others & _any(self._wanting[kind] for kind in person.kinds)
        near = _any(
            people
            for rank, people in self._at_rank.items()
            if abs(rank - person.rank) <= MOST_LEVELS_APART
        )
        free = others & ~self._barred[at]
        meeting = free & _any(
            people for slot, people in enumerate(self._offering) if person.slots >> slot & 1
        )
        possible = wanting & near & meeting
        if not others:
            reason = Reason.ALONE
        elif not person.slots:
            reason = Reason.NO_HOURS
        elif not wanting:
            reason = Reason.NO_SHARED_KIND
        elif not wanting & near:
            reason = Reason.LEVELS_TOO_FAR
        elif not possible:
            reason = Reason.NO_COMMON_HOUR
        elif not self._worth_it(at, possible, lambda other: person):
            reason = Reason.MET_LATELY
        else:
            reason = Reason.ODD_ONE_OUT
        return Unmatched(
            person.id,
            reason,
            self._more_hours(at, free & wanting & near & ~meeting, stretch_slots),
            self._more_kinds(at, near & meeting & ~wanting),
        )

    def _worth_it(self, at: int, people: int, change: Callable[[Person], Person]) -> int:
        """Leave away whom the person, changed so, met so lately that a pair is worth nothing."""
        for other in _places(people & self._met[at]):
            if (weigh(change(self._pool[other]), self._pool[other]) or 0) <= 0:
                people &= ~(1 << other)
        return people

    def _more_hours(self, at: int, people: int, stretch_slots: int) -> tuple[MoreHours, ...]:
        """Find the stretches that win most of these people; who is won once is not counted again.

        The count never promises too much: a pair that met lately is judged as if the one slot won
        were a bad hour.
        """
        person = self._pool[at]
        closed = person.bad_slots | person.closed_slots

        def with_one_slot(other: Person) -> Person:
            slot = other.slots & -other.slots
            return replace(person, slots=slot, bad_slots=slot)

        people = self._worth_it(at, people, with_one_slot)
        found: list[MoreHours] = []
        while people and len(found) < MOST_SUGGESTIONS:
            best, won = (0, 0, 0), 0
            for first in range(len(self._offering)):
                reached = 0
                for slot in range(first, min(first + stretch_slots, len(self._offering))):
                    if closed >> slot & 1:
                        break
                    reached |= self._offering[slot] & people
                    if not reached:
                        break  # a stretch that begins with nobody is longer than it need be
                    better = (reached.bit_count(), first - slot, -first)
                    if better > best:
                        best, won = better, reached
            if not won:
                break
            partners, length, first = best[0], 1 - best[1], -best[2]
            found.append(MoreHours(first, first + length, partners))
            people &= ~won
        return tuple(found)

    def _more_kinds(self, at: int, people: int) -> tuple[MoreKind, ...]:
        """Count, for each kind that the person does not take, who of these people wants it."""
        person = self._pool[at]
        people = self._worth_it(
            at, people, lambda other: replace(person, kinds=frozenset(sorted(other.kinds)[:1]))
        )
        found = [
            MoreKind(kind, (wanting & people).bit_count())
            for kind, wanting in self._wanting.items()
        ]
        found.sort(key=lambda more: -more.partners)
        return tuple(more for more in found[:MOST_SUGGESTIONS] if more.partners)


def _people(places: Iterable[int]) -> int:
    return _any(1 << at for at in places)


def _any(sets: Iterable[int]) -> int:
    return reduce(or_, sets, 0)


def _places(people: int) -> Iterator[int]:
    while people:
        yield _earliest(people)
        people &= people - 1


def _turned(masks: Sequence[int]) -> list[int]:
    """Turn the slots of each person into the people of each slot."""
    words = _packed(masks).T.astype("<u8", order="C")
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
    people = np.packbits(bits, axis=0, bitorder="little").T
    return [int.from_bytes(row.tobytes(), "little") for row in people]
