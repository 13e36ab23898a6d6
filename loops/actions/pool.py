"""The pool: ask it for a mock, leave it, pair a cohort once a week or somebody at once.

Who is paired with whom is reckoned in loops/matching.py. A pair is a proposal that both answer,
unless they wished to be booked without being asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from loops import reasons
from loops.actions import bookings
from loops.actions.bookings import NoUnseenPrompt, TurnPlan
from loops.actions.events import record
from loops.actions.notices import tell
from loops.actions.sessions import RoundMissing
from loops.background import enqueue
from loops.errors import Refused
from loops.models import Cohort, MatchRequest, MatchRun, Mock, Notice, Round, User
from loops.queries.pool import last_pairing, week_paired

if TYPE_CHECKING:
    from loops.matching import Pair, Person, Unmatched
    from loops.queries.pairing import Pool, Waiting

LOOK_AGAIN = timedelta(minutes=5)
"""So often the pool looks again for somebody who cannot wait: hours change, people come."""


class AlreadyPaired(Refused):
    """The pool was quicker."""

    code = "already_paired"
    message = _(
        "The pool has paired you meanwhile, so there is nothing to withdraw. "
        "You can decline the mock that it proposes."
    )


# Asking


@transaction.atomic
def ask(
    *,
    by: User,
    cohort: Cohort,
    rounds: Sequence[Round],
    wants_swap: bool,
    is_urgent: bool,
    books_at_once: bool,
    at: datetime,
) -> MatchRequest:
    """Ask the pool for a mock of one of these rounds. Who waits already changes what they asked.

    Waiting goes on from where it was. Raises NoUnseenPrompt where no round has a prompt left.
    """
    own = [one for one in rounds if one.loop.member_id == by.pk and one.loop.cohort_id == cohort.pk]
    if not own:
        raise RoundMissing
    if not any(bookings.unseen_prompts(by, one) for one in own):
        raise NoUnseenPrompt
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    request = (
        MatchRequest.objects.select_for_update()
        .filter(user=by, cohort=cohort, state=MatchRequest.State.OPEN)
        .first()
    ) or MatchRequest(user=by, cohort=cohort, created_at=at)
    request.wants_swap = wants_swap
    request.is_urgent = is_urgent
    request.books_at_once = books_at_once
    request.unmatched_code, request.unmatched_data = "", {}
    request.save()
    request.rounds.set(own)
    record("asked", request, by=by, at=at, rounds=[one.pk for one in own], is_urgent=is_urgent)
    waiting = MatchRequest.objects.filter(cohort=cohort, state=MatchRequest.State.OPEN)
    if waiting.filter(is_urgent=True).exists():
        enqueue("loops.tasks.match_at_once", cohort_id=cohort.pk)
    return request


@transaction.atomic
def withdraw(*, request: MatchRequest, by: User, at: datetime) -> MatchRequest:
    """Leave the pool; twice is once. Raises AlreadyPaired."""
    request = MatchRequest.objects.select_for_update().get(pk=request.pk)
    if request.state == MatchRequest.State.MATCHED:
        raise AlreadyPaired
    if request.state == MatchRequest.State.OPEN:
        request.state = MatchRequest.State.WITHDRAWN
        request.closed_at = at
        request.save(update_fields=["state", "closed_at"])
        record("withdrawn", request, by=by, at=at)
    return request


# When


def due_weekly(at: datetime) -> list[int]:
    """Return the cohorts whose pool was to be paired last Sunday and is not yet.

    A cohort counts once anybody had asked by then, even if nobody waits now: so whoever comes
    back to the pool on a Tuesday waits for Sunday like everybody else.
    """
    asked = MatchRequest.objects.filter(created_at__lte=last_pairing(at)).values("cohort")
    done = MatchRun.objects.filter(week_on=week_paired(at)).values("cohort")
    return list(
        Cohort.objects.filter(pk__in=asked).exclude(pk__in=done).values_list("pk", flat=True)
    )


def due_at_once(at: datetime) -> list[int]:
    """Return the cohorts in which somebody who cannot wait has not been looked at for a while."""
    urgent = MatchRequest.objects.filter(state=MatchRequest.State.OPEN, is_urgent=True)
    latest = (at - LOOK_AGAIN).isoformat()
    return sorted(
        {
            cohort_id
            for cohort_id, data in urgent.values_list("cohort_id", "unmatched_data")
            if data.get("looked_at", "") < latest
        }
    )


def ring_due(*, at: datetime) -> int:
    """Ring for every pool that is to be paired now; returns how many."""
    at = at.astimezone(UTC)
    weekly, at_once = due_weekly(at), due_at_once(at)
    for cohort_id in weekly:
        enqueue("loops.tasks.match_cohort", cohort_id=cohort_id)
    for cohort_id in at_once:
        enqueue("loops.tasks.match_at_once", cohort_id=cohort_id)
    return len(weekly) + len(at_once)


# Pairing


@transaction.atomic
def match_cohort(*, cohort_id: int, week_on: date, at: datetime) -> MatchRun | None:
    """Pair everybody who waits in a cohort, once for each week; `week_on` is its Monday.

    Run again it changes nothing and returns the run that was. None while another worker is at
    it, and for a cohort that is gone.
    """
    from loops import matching  # noqa: PLC0415 - numpy, for those who need it only

    at = at.astimezone(UTC)
    cohort = _locked(cohort_id, is_patient=False)
    if cohort is None:
        return None
    known = MatchRun.objects.filter(cohort=cohort, week_on=week_on).first()
    if known:
        return known
    pool = _read(cohort, at)
    found = matching.match(pool.people.values(), kind_order=pool.kind_order)
    outcome = _Outcome(pool, at)
    for pair in found.pairs:
        outcome.propose(cohort, pair)
    for left in found.unmatched:
        outcome.explain(left)
    outcome.write(weeks=1)
    for request in outcome.left_over:
        tell(
            request.user,
            Notice.Kind.UNPAIRED,
            f"pool:{cohort.pk}:{week_on.isoformat()}",
            at=at,
            useful_until=at + timedelta(days=6),
            cohort=str(cohort.public_id),
            cohort_name=cohort.name,
            code=request.unmatched_code,
            hours=request.unmatched_data.get("hours", []),
            kinds=request.unmatched_data.get("kinds", []),
        )
    return MatchRun.objects.create(
        cohort=cohort,
        week_on=week_on,
        ran_at=at,
        people=len(pool.people),
        pairs=len(outcome.mocks),
    )


@transaction.atomic
def match_at_once(*, cohort_id: int, at: datetime) -> list[Mock]:
    """Pair those of a cohort who cannot wait with the best partner among all who wait now.

    Who has waited longest chooses first. Nobody is told when there is none; their page says why.
    """
    from loops import matching  # noqa: PLC0415 - numpy, for those who need it only

    at = at.astimezone(UTC)
    cohort = _locked(cohort_id, is_patient=True)
    if cohort is None:
        return []
    pool = _read(cohort, at)
    outcome = _Outcome(pool, at)
    free = dict(pool.people)
    for asker in [one for one in pool.waiting.values() if one.request.is_urgent]:
        person = free.pop(asker.user.pk, None)
        if person is None:
            continue  # taken by somebody who has waited longer
        partners = [one for one in free.values() if one.id not in pool.engaged]
        pair = matching.best_partner(person, partners, kind_order=pool.kind_order)
        while pair is not None and not outcome.propose(cohort, pair, asker=asker):
            partners = [one for one in partners if one.id not in {pair.first_id, pair.second_id}]
            pair = matching.best_partner(person, partners, kind_order=pool.kind_order)
        if pair is None:
            others = [one for one in pool.people.values() if one.id not in pool.engaged]
            outcome.explain(matching.explain(person, others, kind_order=pool.kind_order))
        else:
            free.pop(pair.first_id, None)
            free.pop(pair.second_id, None)
    outcome.write(weeks=0)
    return outcome.mocks


def _locked(cohort_id: int, *, is_patient: bool) -> Cohort | None:
    """Lock a cohort's pool: one worker pairs it at a time."""
    rows = Cohort.objects.select_for_update(no_key=True, skip_locked=not is_patient)
    return rows.filter(pk=cohort_id).first()


def _read(cohort: Cohort, at: datetime) -> "Pool":
    from loops.queries.pairing import open_requests, pool_of  # noqa: PLC0415 - numpy, as above

    return pool_of(cohort, open_requests(cohort), at, talk_minutes=bookings.TALK_MINUTES)


@dataclass(frozen=True)
class _Chairs:
    """Who answers what in a mock, turn by turn; the own turn of those `kept` is still to come."""

    plans: list[TurnPlan]
    answering: list["Waiting"]
    kept: list["Waiting"]


class _Outcome:
    """What one run makes of a pool: mocks, and words for those left over."""

    def __init__(self, pool: "Pool", at: datetime) -> None:
        self.mocks: list[Mock] = []
        self.left_over: list[MatchRequest] = []
        self._pool = pool
        self._at = at
        self._matched: list[MatchRequest] = []
        self._kept: list[MatchRequest] = []

    def propose(self, cohort: Cohort, pair: "Pair", asker: "Waiting | None" = None) -> bool:
        """Propose a mock to a pair; where that fails both stay, and the others' pairs stand."""
        people = [self._pool.waiting[pair.first_id], self._pool.waiting[pair.second_id]]
        chairs = _seated(self._pool, pair, people, asker)
        starts_at = self._pool.grid.starts_at(pair.slot)
        try:
            with transaction.atomic():
                mock = bookings.pair(
                    cohort=cohort, plans=chairs.plans, starts_at=starts_at, at=self._at
                )
                _book(mock, people, self._at)
        except Refused:
            if asker is None:
                for one in people:
                    self._leave(one.request, reasons.FELL_THROUGH)
            return False
        for one in chairs.answering:
            one.request.state = MatchRequest.State.MATCHED
            one.request.mock = mock
            one.request.closed_at = self._at
            one.request.unmatched_code, one.request.unmatched_data = "", {}
            self._matched.append(one.request)
            record("paired", one.request, by=None, at=self._at, mock=mock.pk, weight=pair.weight)
        for one in chairs.kept:
            one.request.unmatched_code, one.request.unmatched_data = reasons.INTERVIEWS, {}
            self._kept.append(one.request)
        self.mocks.append(mock)
        return True

    def explain(self, left: "Unmatched") -> None:
        """Write down why somebody was left over, and what would help them."""
        waiting = self._pool.waiting[left.person_id]
        person = self._pool.people[left.person_id]
        code = left.reason.value if person.kinds else reasons.NO_UNSEEN_PROMPT
        periods = [
            (self._pool.period_of(left.person_id, more), more.partners) for more in left.hours
        ]
        self._leave(
            waiting.request,
            code,
            hours=[
                {
                    "starts_at": period.starts_at.isoformat(),
                    "ends_at": period.ends_at.isoformat(),
                    "partners": partners,
                }
                for period, partners in periods
            ],
            kinds=[
                {"title": title, "partners": partners}
                for title, partners in self._kinds(waiting, person, left)
            ],
        )

    def write(self, *, weeks: int) -> None:
        """Keep all of it; a week's run counts one more week for who has not had a turn."""
        for request in [*self._kept, *self.left_over]:
            request.weeks_waited += weeks
            request.unmatched_data["looked_at"] = self._at.isoformat()
        MatchRequest.objects.bulk_update(
            [*self._matched, *self._kept, *self.left_over],
            ["state", "mock", "closed_at", "weeks_waited", "unmatched_code", "unmatched_data"],
            batch_size=500,
        )

    def _leave(self, request: MatchRequest, code: str, **data: object) -> None:
        request.unmatched_code = code
        request.unmatched_data = {name: value for name, value in data.items() if value}
        self.left_over.append(request)

    def _kinds(
        self, waiting: "Waiting", person: "Person", left: "Unmatched"
    ) -> Iterable[tuple[str, int]]:
        """Give the kinds that would help and that the person has a round of.

        The matcher names the most wanted kinds of the whole pool; where one of them is not for
        this person it is asked again about those that are.
        """
        from loops import matching  # noqa: PLC0415 - numpy, as above

        more = left.kinds
        if any(one.kind not in waiting.takeable for one in more):
            takeable = frozenset({*waiting.takeable, *person.kinds})
            others = [
                replace(one, kinds=one.kinds & takeable) for one in self._pool.people.values()
            ]
            more = matching.explain(person, others, kind_order=self._pool.kind_order).kinds
        return [(waiting.takeable[one.kind], one.partners) for one in more]


def _seated(
    pool: "Pool", pair: "Pair", people: Sequence["Waiting"], asker: "Waiting | None"
) -> _Chairs:
    """Say who answers which round: both where both wish it and have the time, else one of them.

    Where there is one turn it is the asker's who could not wait, else that of who has waited
    longest.
    """
    first, second = sorted(people, key=lambda one: (one is not asker, *_place(one)))
    kinds = _kinds_for_two(pool, pair, first, second)
    plans = [TurnPlan(first.user, second.user, first.rounds[(kinds or pair.kinds)[0]])]
    if kinds is None:
        return _Chairs(plans, answering=[first], kept=[second])
    plans.append(TurnPlan(second.user, first.user, second.rounds[kinds[1]]))
    return _Chairs(plans, answering=[first, second], kept=[])


def _place(waiting: "Waiting") -> tuple[int, datetime, int]:
    request = waiting.request
    return -request.weeks_waited, request.created_at, request.pk


def _kinds_for_two(
    pool: "Pool", pair: "Pair", first: "Waiting", second: "Waiting"
) -> tuple[str, str] | None:
    """Return a kind for each of two turns: two kinds where they share so many, else the one.

    None where there is time or a prompt for one turn only: a prompt that both have not met
    serves one of them.
    """
    if not pool.grid.is_for_two_turns(pair.slot):
        return None
    if len(pair.kinds) > 1:
        one, other = pair.kinds[:2]
        of_first = pool.people[first.user.pk].practised
        of_second = pool.people[second.user.pk].practised
        straight = of_first.get(one, 0) + of_second.get(other, 0)
        crossed = of_first.get(other, 0) + of_second.get(one, 0)
        return (one, other) if straight <= crossed else (other, one)
    kind = pair.kinds[0]
    if len(first.unseen[kind] | second.unseen[kind]) < 2:
        return None
    return kind, kind


def _book(mock: Mock, people: Sequence["Waiting"], at: datetime) -> None:
    """Accept for those who wish to be booked without being asked; they are told once it stands."""
    willing = [one.user for one in people if one.request.books_at_once]
    proposal = mock.proposals.get()
    for person in willing:
        bookings.accept(mock=mock, proposal=proposal, by=person, at=at)
    asked = Notice.objects.filter(mock=mock, kind=Notice.Kind.PAIRED, person__in=willing)
    asked.update(withdrawn_at=at, mail_state=Notice.Mail.SKIPPED)
