"""Reads for the matcher: the open requests of a cohort as people with kinds, levels and slots.

For workers only, as it brings numpy along. Pages read the pool from loops/queries/pool.py.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

from django.db.models import Prefetch, Q

from loops.hours import Hours, Period, UnknownZone, is_bad_hour, open_starts
from loops.matching import MoreHours, Person
from loops.models import Block, Cohort, MatchRequest, Mock, PromptExposure, Round, Seat, Turn, User
from loops.queries.availability import any_time, hours_of
from loops.queries.practice import round_minutes
from loops.queries.reliability import reliability_of
from loops.states import MockState
from rubrics.models import Prompt, RoundKind, RubricVersion

AHEAD = timedelta(days=14)
STEP = timedelta(minutes=30)
REMEMBERED = timedelta(days=90)
"""For so long past partners, rounds practised and bad hours taken are looked at."""
TURNED_DOWN_FOR = timedelta(days=6)
"""Two whose mock from the pool came to nothing are not put together again in the same week."""

HELD_OR_TO_COME = [*MockState.agreed(), MockState.DONE]


@dataclass(frozen=True)
class Grid:
    """The starts that a pairing chooses from, as the matcher's slots.

    The first `count` slots are starts of a mock of two turns, one for each; then one slot that
    nobody ever offers; then the same starts for a mock of one turn. As the matcher takes the
    earlier of two equal slots, roles swap wherever both wish it and have the time.
    """

    first_at: datetime
    count: int

    @classmethod
    def after(cls, at: datetime) -> "Grid":
        """Lay the grid over the two weeks from an instant in UTC."""
        first_at = at + timedelta(seconds=-int(at.timestamp()) % int(STEP.total_seconds()))
        return cls(first_at.replace(microsecond=0), AHEAD // STEP)

    @property
    def window(self) -> Period:
        """Return the time in which a mock has to lie."""
        return Period(self.first_at, self.first_at + self.count * STEP)

    @property
    def wall(self) -> int:
        """Return the slot between both parts."""
        return self.count

    def is_for_two_turns(self, slot: int) -> bool:
        """Say in which part a slot lies."""
        return slot < self.wall

    def starts_at(self, slot: int) -> datetime:
        """Return when a mock in a slot begins."""
        number = slot if self.is_for_two_turns(slot) else slot - self.wall - 1
        return self.first_at + number * STEP

    def mask(self, starts: Iterable[datetime]) -> int:
        """Write starts as bits, counted from 0."""
        return sum(1 << ((one - self.first_at) // STEP) for one in starts)

    def joined(self, two_turns: int, one_turn: int) -> int:
        """Put the bits of both parts together."""
        return two_turns | one_turn << (self.wall + 1)

    @property
    def everything(self) -> int:
        """Return all bits of one part."""
        return (1 << self.count) - 1


@dataclass(frozen=True)
class Waiting:
    """Somebody who waits, and the rounds that they can be candidate of, by kind.

    `unseen` are the prompts that they have not met, by the same kinds; `takeable` the titles of
    other kinds that they have a round of and could ask for as well. `one_turn` and `two_turns`
    are the minutes for which their hours were read.
    """

    request: MatchRequest
    rounds: Mapping[str, Round]
    unseen: Mapping[str, frozenset[str]]
    takeable: Mapping[str, str]
    one_turn: int
    two_turns: int

    @property
    def user(self) -> User:
        """Return who waits."""
        return self.request.user


@dataclass(frozen=True)
class Pool:
    """All who wait in a cohort, by their ids, as the matcher takes them.

    `engaged` have a mock from the pool before them that is not answered yet.
    """

    grid: Grid
    waiting: Mapping[int, Waiting]
    people: Mapping[int, Person]
    kind_order: Sequence[str]
    engaged: frozenset[int]

    def period_of(self, person_id: int, more: MoreHours) -> Period:
        """Return the hours that a suggestion asks a person to add, whole steps long."""
        waiting = self.waiting[person_id]
        is_long = self.grid.is_for_two_turns(more.first)
        length = timedelta(minutes=waiting.two_turns if is_long else waiting.one_turn)
        last_at = self.grid.starts_at(more.stop - 1)
        return Period(self.grid.starts_at(more.first), last_at + -(-length // STEP) * STEP)


def pool_of(
    cohort: Cohort, requests: Iterable[MatchRequest], at: datetime, *, talk_minutes: int
) -> Pool:
    """Read everything about those who wait; the number of queries is the same for any number.

    `requests` are open ones of the cohort, with their users. `talk_minutes` follow every turn.
    """
    facts = _Facts(cohort, list(requests), at)
    grid = Grid.after(at)
    people = {pk: _person(facts, waiting, grid, talk_minutes) for pk, waiting in facts.asks.items()}
    return Pool(
        grid=grid,
        waiting={pk: waiting for pk, (waiting, _person) in people.items()},
        people={pk: person for pk, (_waiting, person) in people.items()},
        kind_order=facts.kind_order,
        engaged=frozenset(pk for pk, periods in facts.seats.pending.items() if periods),
    )


@dataclass(frozen=True)
class _Ask:
    """A request with the rounds that can still be practised, by kind, and what else there is."""

    request: MatchRequest
    rounds: Mapping[str, Round]
    others: Mapping[str, Round]


class _Facts:
    """The rows about a pool, each table read once."""

    def __init__(self, cohort: Cohort, requests: list[MatchRequest], at: datetime) -> None:
        self.at = at
        self.users = [request.user for request in requests]
        self.ids = [user.pk for user in self.users]
        rounds = self._rounds(cohort)
        self.minutes = round_minutes(one for own in rounds.values() for one in own)
        self.unseen = _Unseen(self.ids, rounds)
        self.asks = {one.user_id: self._ask(one, rounds[one.user_id]) for one in requests}
        self.hours = hours_of(self.users, at)
        self.reliability = reliability_of(self.users, at)
        self.seats = _Seats(self.ids, at)
        self.practised = self._practised()
        self.parted = self._parted()
        order = RoundKind.objects.order_by("ladder", "position", "pk")
        self.kind_order = list(order.values_list("key", flat=True))

    def _rounds(self, cohort: Cohort) -> dict[int, list[Round]]:
        """Return everybody's rounds in this cohort, those of the newest loop first."""
        found: dict[int, list[Round]] = defaultdict(list)
        rows = (
            Round.objects.filter(loop__member__in=self.ids, loop__cohort=cohort)
            .select_related("loop", "round_kind")
            .order_by("-loop__started_at", "-loop_id", "position")
        )
        for one in rows:
            found[one.loop.member_id].append(one)
        return found

    def _ask(self, request: MatchRequest, own: Sequence[Round]) -> _Ask:
        wanted = {one.pk for one in request.rounds.all()}
        rounds: dict[str, Round] = {}
        others: dict[str, Round] = {}
        for one in own:
            key = one.round_kind.key
            if one.pk in self.minutes and self.unseen.prompts(request.user_id, key):
                (rounds if one.pk in wanted else others).setdefault(key, one)
        asked = {one.round_kind.key for one in own if one.pk in wanted}
        return _Ask(request, rounds, {key: one for key, one in others.items() if key not in asked})

    @cached_property
    def longest(self) -> dict[str, int]:
        """Return the minutes of the longest round of each kind that anybody asked for."""
        found: dict[str, int] = {}
        for ask in self.asks.values():
            for key, one in ask.rounds.items():
                found[key] = max(found.get(key, 0), self.minutes[one.pk])
        return found

    def _practised(self) -> dict[int, Counter[str]]:
        found: dict[int, Counter[str]] = defaultdict(Counter)
        turns = Turn.objects.filter(
            candidate__in=self.ids,
            mock__state__in=HELD_OR_TO_COME,
            mock__starts_at__gt=self.at - REMEMBERED,
        )
        for candidate_id, key in turns.values_list("candidate_id", "round__round_kind__key"):
            found[candidate_id][key] += 1
        return found

    def _parted(self) -> dict[int, frozenset[int]]:
        """Return whom each cannot be put together with: blocked, or turned down just now."""
        found: dict[int, set[int]] = defaultdict(set)
        blocks = Block.objects.filter(by__in=self.ids, whom__in=self.ids)
        for one, other in [*blocks.values_list("by_id", "whom_id"), *self.seats.turned_down]:
            found[one].add(other)
            found[other].add(one)
        return {pk: frozenset(others) for pk, others in found.items()}


class _Unseen:
    """The prompts in force that each person has not met, by round kind."""

    def __init__(self, ids: Sequence[int], rounds: Mapping[int, Sequence[Round]]) -> None:
        kinds = {one.round_kind.key for own in rounds.values() for one in own}
        self._all: dict[str, set[str]] = defaultdict(set)
        prompts = Prompt.objects.filter(
            version__in=RubricVersion.objects.in_force(), version__round_kind__key__in=kinds
        )
        for kind, key in prompts.values_list("version__round_kind__key", "key"):
            self._all[kind].add(key)
        self._met: dict[tuple[int, str], set[str]] = defaultdict(set)
        exposures = PromptExposure.objects.filter(user__in=ids, round_kind__key__in=kinds)
        waiting = Turn.objects.filter(
            candidate__in=ids,
            prompt__isnull=False,
            begun_at=None,
            mock__state__in=MockState.agreed(),
        )
        for user_id, kind, key in [
            *exposures.values_list("user_id", "round_kind__key", "prompt_key"),
            *waiting.values_list("candidate_id", "round__round_kind__key", "prompt__key"),
        ]:
            self._met[user_id, kind].add(key)

    def prompts(self, user_id: int, kind: str) -> frozenset[str]:
        return frozenset(self._all[kind] - self._met[user_id, kind])


class _Seats:
    """What the seats of the last months say of each person."""

    def __init__(self, ids: Sequence[int], at: datetime) -> None:
        self.bad_hours: Counter[int] = Counter()
        self.pending: dict[int, list[Period]] = defaultdict(list)
        self.turned_down: list[tuple[int, int]] = []
        self.days_since: dict[int, dict[int, int]] = defaultdict(dict)
        together: dict[Mock, list[int]] = defaultdict(list)
        rows = Seat.objects.filter(member__in=ids, mock__starts_at__gt=at - REMEMBERED)
        for seat in rows.select_related("mock").order_by("mock__starts_at", "mock_id", "member_id"):
            together[seat.mock].append(seat.member_id)
            if seat.mock.state in HELD_OR_TO_COME:
                self.bad_hours[seat.member_id] += seat.is_bad_hour
            elif _is_pending(seat.mock, at):
                period = Period(seat.mock.starts_at, seat.mock.ends_at)
                self.pending[seat.member_id].append(period)
        for mock, members in together.items():
            if len(members) == 2:
                self._note(mock, members[0], members[1], at)

    def _note(self, mock: Mock, one: int, other: int, at: datetime) -> None:
        is_of_pool = mock.origin == Mock.Origin.MATCHED
        is_off = mock.state in {MockState.CANCELLED, MockState.EXPIRED}
        if mock.state in HELD_OR_TO_COME:  # in order of time, so the last one stays
            self.days_since[one][other] = max(0, (at - mock.starts_at) // timedelta(days=1))
        elif mock.state == MockState.PROPOSED and mock.starts_at > at:
            self.turned_down.append((one, other))  # they have one to answer first
        elif is_of_pool and is_off and mock.state_at > at - TURNED_DOWN_FOR:
            self.turned_down.append((one, other))


def _is_pending(mock: Mock, at: datetime) -> bool:
    """Say whether the pool has put a mock to two people who have not both answered."""
    is_open = mock.state == MockState.PROPOSED and mock.starts_at > at
    return is_open and mock.origin == Mock.Origin.MATCHED


def _person(facts: _Facts, ask: _Ask, grid: Grid, talk_minutes: int) -> tuple[Waiting, Person]:
    """Put one person into the matcher's terms.

    Their hours are read for the longest round that they may be in, so a common slot is long
    enough whichever kind the two then take. A kind for which none of their hours is long enough
    is left away, unless that left none.
    """
    request, own = ask.request, facts.hours[ask.request.user_id]
    pk = request.user_id
    hours = replace(own, taken=tuple(sorted([*own.taken, *facts.seats.pending[pk]])))
    lengths = sorted({facts.longest[key] for key in ask.rounds}, reverse=True)
    one_turn, slots = 0, 0
    for minutes in lengths:
        one_turn = minutes + talk_minutes
        slots = grid.mask(_starts(hours, one_turn, grid, facts.at))
        if slots:
            break
    else:
        one_turn = lengths[0] + talk_minutes if lengths else talk_minutes + 45
    rounds = {
        key: one
        for key, one in ask.rounds.items()
        if not slots or facts.longest[key] + talk_minutes <= one_turn
    }
    two_turns = 2 * one_turn
    swap_slots = 0
    swap_closed = grid.everything
    if request.wants_swap:
        swap_slots = grid.mask(_starts(hours, two_turns, grid, facts.at))
        swap_closed = _closed(hours, two_turns, grid, facts.at)
    zone = hours.limits.zone
    waiting = Waiting(
        request=request,
        rounds=rounds,
        unseen={key: facts.unseen.prompts(pk, key) for key in rounds},
        takeable={key: one.round_kind.short_title for key, one in ask.others.items()},
        one_turn=one_turn,
        two_turns=two_turns,
    )
    return waiting, Person(
        id=pk,
        rank=max((one.loop.target_rank for one in rounds.values()), default=1),
        kinds=frozenset(rounds),
        slots=grid.joined(swap_slots, slots),
        bad_slots=grid.joined(_bad(grid, zone, two_turns), _bad(grid, zone, one_turn)),
        closed_slots=grid.joined(swap_closed, _closed(hours, one_turn, grid, facts.at))
        | 1 << grid.wall,
        reliability_permille=facts.reliability[pk].permille,
        bad_hour_debt=facts.seats.bad_hours[pk],
        weeks_waited=request.weeks_waited,
        blocked=facts.parted.get(pk, frozenset()),
        past_pairings=facts.seats.days_since[pk],
        practised=facts.practised[pk],
    )


def _starts(hours: Hours, minutes: int, grid: Grid, at: datetime) -> list[datetime]:
    """Return a person's starts; none where a zone is gone, which must not stop the others."""
    step = int(STEP.total_seconds()) // 60
    try:
        return open_starts(hours, minutes=minutes, window=grid.window, now=at, step_minutes=step)
    except UnknownZone:
        return []


def _closed(hours: Hours, minutes: int, grid: Grid, at: datetime) -> int:
    """Return the starts that the person could not offer if they wished."""
    return grid.everything & ~grid.mask(_starts(any_time(hours), minutes, grid, at))


@lru_cache(maxsize=256)
def _bad(grid: Grid, zone: str, minutes: int) -> int:
    """Return the starts whose mock lies in the night of a zone."""
    length = timedelta(minutes=minutes)
    starts = (grid.first_at + number * STEP for number in range(grid.count))
    try:
        return grid.mask(one for one in starts if is_bad_hour(Period(one, one + length), zone))
    except UnknownZone:
        return 0


def open_requests(cohort: Cohort) -> list[MatchRequest]:
    """Return who waits in a cohort, locked, who has waited longest first; three queries."""
    return list(
        MatchRequest.objects.select_for_update(of=("self",))
        .filter(
            Q(user__is_active=True) & Q(user__memberships__cohort=cohort),
            cohort=cohort,
            state=MatchRequest.State.OPEN,
        )
        .select_related("user")
        .prefetch_related(Prefetch("rounds", queryset=Round.objects.only("pk", "loop_id")))
        .order_by("-weeks_waited", "created_at", "pk")
    )
