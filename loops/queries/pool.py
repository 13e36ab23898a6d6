"""Reads for the pages of the pool: who waits and why, who is ready now, what organisers see."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.http import Http404

from loops.clocks import Reading
from loops.hours import Period
from loops.models import (
    Appeal,
    Block,
    Cohort,
    DayHours,
    MatchRequest,
    Membership,
    Mock,
    PromptExposure,
    Proposal,
    Round,
    Seat,
    Standby,
    User,
    WeeklyHours,
)
from loops.promises import APPEAL_WITHIN, Promise, Reliability, reliability
from loops.queries.reliability import reliability_of
from loops.reasons import Why, why
from loops.states import MockState
from rubrics.models import Prompt, RubricVersion

PAIRING_WEEKDAY = 6
PAIRING_TIME = time(18)
"""Every pool is paired on Sundays at 18:00 UTC."""
WEEKS_SHOWN = 8
RELIABLE_PERMILLE, MIXED_PERMILLE = 850, 700
ANSWER_WITHIN = timedelta(days=3)
"""A proposal older than this without an answer is shown to the organiser."""


# When


def last_pairing(at: datetime) -> datetime:
    """Return the last instant, up to this one, at which pools were to be paired."""
    day = at.astimezone(UTC).date()
    sunday = datetime.combine(day, PAIRING_TIME, UTC) - timedelta(
        days=(day.weekday() - PAIRING_WEEKDAY) % 7
    )
    return sunday if sunday <= at else sunday - timedelta(weeks=1)


def next_pairing(at: datetime) -> datetime:
    """Return when pools are paired next."""
    return last_pairing(at) + timedelta(weeks=1)


def week_paired(at: datetime) -> date:
    """Return the Monday of the week for which pools were paired last."""
    return (last_pairing(at) + timedelta(days=1)).date()


# A member's page


@dataclass(frozen=True)
class MoreHours:
    """Time which, offered as well, would bring so many possible partners; on its reader's clock."""

    when: Reading
    partners: int


@dataclass(frozen=True)
class MoreKind:
    """A round which, asked for as well, would bring so many possible partners."""

    title: str
    partners: int


@dataclass(frozen=True)
class Unmatched:
    """Why the pool found nobody for a request, and what would help."""

    why: Why
    hours: list[MoreHours]
    kinds: list[MoreKind]


@dataclass(frozen=True)
class Choice:
    """One of the member's rounds in the cohort; without an unseen prompt no mock of it is worth
    asking for.
    """

    round: Round
    is_wanted: bool
    has_prompt: bool


@dataclass(frozen=True)
class KindCount:
    """How many wait for a kind of round."""

    title: str
    people: int


@dataclass(frozen=True)
class Ready:
    """Somebody on standby, as another member sees them."""

    standby: Standby
    shown_name: str
    until: Reading


@dataclass(frozen=True)
class StandbyPanel:
    """A member's own standby: on or off, and whether they are called.

    `called` is a mock that somebody on the spot made with them; `caller` is who.
    """

    cohort: Cohort
    rounds: list[Round]
    own: Standby | None
    called: Mock | None
    caller: str
    until: Reading | None
    starts: Reading | None
    now: datetime

    @property
    def minutes_left(self) -> int:
        """Return how long the standby still lasts."""
        return -(-(self.own.until - self.now) // timedelta(minutes=1)) if self.own else 0

    @property
    def hours(self) -> int:
        """Return the whole hours of what is left."""
        return self.minutes_left // 60

    @property
    def minutes(self) -> int:
        """Return what is left beside the whole hours."""
        return self.minutes_left % 60


@dataclass(frozen=True)
class Found:
    """A mock that the pool proposes to the member and that waits for their answer."""

    mock: Mock
    when: Reading


@dataclass(frozen=True)
class PoolPage:
    """The pool of a cohort as one of its members sees it."""

    cohort: Cohort
    cohorts: list[Cohort]
    choices: list[Choice]
    request: MatchRequest | None
    unmatched: Unmatched | None
    found: Found | None
    has_hours: bool
    standby: StandbyPanel
    ready: list[Ready]
    waiting: list[KindCount]
    people_waiting: int
    reliability: Reliability
    next_pairing: Reading

    @property
    def wanted(self) -> list[Round]:
        """Return the rounds that the member asked for."""
        return [choice.round for choice in self.choices if choice.is_wanted]

    @property
    def rounds(self) -> list[Round]:
        """Return the member's rounds of which a mock can be held."""
        return [choice.round for choice in self.choices if choice.has_prompt]


def pool_page(user: User, cohort_id: UUID | None, at: datetime) -> PoolPage | None:
    """Return the pool of one of the member's cohorts; None for a person without a cohort.

    Four queries, one more for somebody without a loop. Raises Http404 for another's cohort.
    """
    places = _places(user, cohort_id)
    if places is None:
        return None
    cohort = places.cohort
    waiting = _waiting(cohort)
    request = next((one for one in waiting if one.user_id == user.pk), None)
    wanted = set(request.kind_ids) if request else set()
    standbys = _standbys(user, cohort, at)
    seats = _seats(user, at)
    counts = Counter(title for one in waiting for title in one.titles)
    return PoolPage(
        cohort=cohort,
        cohorts=sorted(places.cohorts, key=lambda one: (one.name, one.pk)),
        choices=[Choice(one, one.round_kind_id in wanted, one.has_prompt) for one in places.rounds],
        request=request,
        unmatched=unmatched_of(request, user.time_zone, at) if request else None,
        found=_found(user, seats, at),
        has_hours=places.has_hours,
        standby=_panel(user, places, standbys, seats, at),
        ready=[
            Ready(one, cohort.called(one.user), _read(one.until, user.time_zone))
            for one in standbys
            if one.user_id != user.pk
        ],
        waiting=[KindCount(title, people) for title, people in counts.most_common()],
        people_waiting=len(waiting),
        reliability=_kept_of(seats, at),
        next_pairing=_read(next_pairing(at), user.time_zone),
    )


def standby_panel(user: User, cohort_id: UUID | None, at: datetime) -> StandbyPanel | None:
    """Return the member's own standby alone; three queries."""
    places = _places(user, cohort_id)
    if places is None:
        return None
    own = Standby.objects.ready(at).filter(user=user).select_related("cohort", "round")
    return _panel(user, places, own, _seats(user, at), at)


def unmatched_of(request: MatchRequest, zone: str, at: datetime) -> Unmatched | None:
    """Return why nobody was found for a request; None where nothing was looked for yet.

    `zone` is that of who reads it. Hours that have passed help nobody.
    """
    words = why(request.unmatched_code)
    if words is None:
        return None
    data = request.unmatched_data
    hours = [
        MoreHours(Reading(_period(one["starts_at"], one["ends_at"]), zone), one["partners"])
        for one in data.get("hours", [])
    ]
    return Unmatched(
        why=words,
        hours=[one for one in hours if one.when.period.starts_at > at],
        kinds=[MoreKind(one["title"], one["partners"]) for one in data.get("kinds", [])],
    )


def _period(starts_at: str, ends_at: str) -> Period:
    first, last = (datetime.fromisoformat(one).astimezone(UTC) for one in (starts_at, ends_at))
    return Period(first, last)


def _read(instant: datetime, zone: str) -> Reading:
    """Read an instant; its end says nothing."""
    instant = instant.astimezone(UTC)
    return Reading(Period(instant, instant + timedelta(hours=1)), zone)


def _rounds_of(user: User) -> QuerySet[Round]:
    """Return a member's rounds, those of the newest loop first.

    Each says whether a prompt of it is unseen, and whether its member offers any hours.
    """
    met = PromptExposure.objects.filter(
        user=user, round_kind=OuterRef("version__round_kind"), prompt_key=OuterRef("key")
    )
    unseen = Prompt.objects.filter(
        ~Exists(met),
        version__in=RubricVersion.objects.in_force(),
        version__round_kind=OuterRef("round_kind"),
    )
    week = WeeklyHours.objects.filter(user=user)
    days = DayHours.objects.filter(user=user, start_minute__isnull=False)
    return (
        Round.objects.filter(loop__member=user, loop__cohort__memberships__user=user)
        .select_related("loop__cohort", "round_kind")
        .annotate(
            has_prompt=Exists(unseen),
            has_hours=ExpressionWrapper(
                Q(Exists(week)) | Q(Exists(days)), output_field=BooleanField()
            ),
        )
        .order_by("-loop__started_at", "-loop_id", "position")
    )


def _places(user: User, cohort_id: UUID | None) -> "_Places | None":
    """Find the cohort to show: the one asked for, else that of the newest loop, else the first."""
    rounds: list[Any] = list(_rounds_of(user))
    cohorts: list[Cohort] = list({one.loop.cohort_id: one.loop.cohort for one in rounds}.values())
    if not cohorts or (cohort_id and all(one.public_id != cohort_id for one in cohorts)):
        cohorts = list(Cohort.objects.of(user))
        if cohort_id and all(one.public_id != cohort_id for one in cohorts):
            raise Http404("No such cohort.")
    if not cohorts:
        return None
    cohort = next((one for one in cohorts if one.public_id == cohort_id), cohorts[0])
    of_kind: dict[int, Round] = {}
    for one in rounds:
        if one.loop.cohort_id == cohort.pk:
            of_kind.setdefault(one.round_kind_id, one)
    has_hours = any(one.has_hours for one in rounds[:1])
    return _Places(cohort, cohorts, list(of_kind.values()), has_hours)


@dataclass(frozen=True)
class _Places:
    """A cohort of a member's, and their rounds in it, one of each kind: the newest loop's."""

    cohort: Cohort
    cohorts: list[Cohort]
    rounds: list[Any]
    has_hours: bool


def _waiting(cohort: Cohort) -> list[Any]:
    """Return who waits in a cohort, each with the kinds they wait for, the longest first."""
    return list(
        MatchRequest.objects.filter(
            cohort=cohort,
            state=MatchRequest.State.OPEN,
            user__is_active=True,
            user__memberships__cohort=cohort,
        )
        .select_related("user")
        .annotate(
            titles=ArrayAgg("rounds__round_kind__short_title", distinct=True, default=Value([])),
            kind_ids=ArrayAgg("rounds__round_kind", distinct=True, default=Value([])),
        )
        .order_by("-weeks_waited", "created_at", "pk")
    )


def _standbys(user: User, cohort: Cohort, at: datetime) -> list[Standby]:
    """Return who is ready in a cohort, the member too; nobody whom a block parts from them."""
    blocks = Block.objects.filter(by=user, whom=OuterRef("user")) | Block.objects.filter(
        by=OuterRef("user"), whom=user
    )
    members = Membership.objects.filter(cohort=cohort, user=OuterRef("user"))
    return list(
        Standby.objects.ready(at)
        .filter(Q(Exists(members), ~Exists(blocks), cohort=cohort) | Q(user=user))
        .select_related("user", "round__round_kind", "cohort")
        .order_by("since", "pk")
    )


def _seats(user: User, at: datetime) -> list[Seat]:
    """Return a member's kept and broken promises, and what the pool or somebody has for them."""
    is_on = Q(
        mock__origin__in=[Mock.Origin.MATCHED, Mock.Origin.STANDBY],
        mock__state__in=MockState.live(),
        mock__ends_at__gt=at,
    )
    return list(
        Seat.objects.filter(Q(outcome__in=Seat.COUNTED) | is_on, member=user)
        .select_related("mock__cohort", "mock__asked_by")
        .order_by("mock__starts_at", "pk")
    )


def _found(user: User, seats: Iterable[Seat], at: datetime) -> Found | None:
    """Return the first mock that the pool proposes and the member has not accepted."""
    return next(
        (
            Found(
                seat.mock, Reading(Period(seat.mock.starts_at, seat.mock.ends_at), user.time_zone)
            )
            for seat in seats
            if seat.mock.origin == Mock.Origin.MATCHED
            and seat.mock.state == MockState.PROPOSED
            and seat.accepted_id is None
            and seat.mock.starts_at > at
        ),
        None,
    )


def _panel(
    user: User,
    places: _Places,
    standbys: Iterable[Standby],
    seats: Iterable[Seat],
    at: datetime,
) -> StandbyPanel:
    called = next(
        (
            seat.mock
            for seat in seats
            if seat.mock.origin == Mock.Origin.STANDBY
            and seat.mock.is_agreed
            and seat.mock.asked_by_id != user.pk
            and seat.mock.ends_at > at
        ),
        None,
    )
    asker = called.asked_by if called else None
    own = next((one for one in standbys if one.user_id == user.pk), None)
    return StandbyPanel(
        cohort=places.cohort,
        rounds=[one for one in places.rounds if one.has_prompt],
        own=own,
        called=called,
        caller=called.cohort.called(asker) if called and asker else "",
        until=_read(own.until, user.time_zone) if own else None,
        starts=_read(called.starts_at, user.time_zone) if called else None,
        now=at,
    )


def _kept_of(seats: Iterable[Seat], at: datetime) -> Reliability:
    promises = [
        Promise(seat.outcome, seat.outcome_at)
        for seat in seats
        if seat.outcome in Seat.COUNTED and seat.outcome_at is not None
    ]
    return reliability(promises, at)


# The organiser's page


@dataclass(frozen=True)
class WaitingLine:
    """Somebody who waits, as the organiser sees it."""

    request: MatchRequest
    shown_name: str
    titles: list[str]
    unmatched: Unmatched | None


@dataclass(frozen=True)
class AppealLine:
    """An open appeal. Organisers do not decide their own."""

    appeal: Appeal
    shown_name: str
    is_own: bool


@dataclass(frozen=True)
class SilentLine:
    """A member who has left a proposal without an answer for days."""

    mock: Mock
    shown_name: str
    made_at: datetime


@dataclass(frozen=True)
class WatchPage:
    """What needs an organiser's eye: appeals, silence, and who waits."""

    waiting: list[WaitingLine]
    appeals: list[AppealLine]
    silent: list[SilentLine]


@dataclass(frozen=True)
class Bar:
    """A part of a column of the chart, in pixels from its top."""

    name: str
    y: float
    height: float


CHART_TOP, CHART_HEIGHT = 20, 144


@dataclass(frozen=True)
class Week:
    """The requests that were up for one pairing, and how far they came; each holds the next.

    `ends_at` is the pairing; requests made after the one before it count here.
    """

    ends_at: datetime
    asked: int
    paired: int
    agreed: int
    held: int
    most: int
    number: int
    is_over: bool

    @property
    def x(self) -> str:
        """Return where the column stands, as a share of the chart."""
        return f"{(self.number + 0.2) * 100 / WEEKS_SHOWN:.2f}%"

    @property
    def middle(self) -> str:
        """Return where its label stands."""
        return f"{(self.number + 0.5) * 100 / WEEKS_SHOWN:.2f}%"

    @property
    def bars(self) -> list[Bar]:
        """Return the parts of the column, the held ones at the bottom."""
        unit = CHART_HEIGHT / max(1, self.most)
        steps = [
            ("held", 0, self.held),
            ("agreed", self.held, self.agreed),
            ("paired", self.agreed, self.paired),
            ("asked", self.paired, self.asked),
        ]
        return [
            Bar(name, round(CHART_HEIGHT - upper * unit, 1), round((upper - lower) * unit, 1))
            for name, lower, upper in steps
            if upper > lower
        ]

    @property
    def label_y(self) -> float:
        """Return where the figure above the column stands; columns begin at CHART_TOP."""
        top = CHART_HEIGHT - self.asked * CHART_HEIGHT / max(1, self.most)
        return round(CHART_TOP + top - 6, 1)


@dataclass(frozen=True)
class FillPage:
    """How many of the mocks asked of the pool came about, over the last weeks."""

    weeks: list[Week]

    def _sum(self, name: str) -> int:
        return sum(getattr(week, name) for week in self.weeks)

    @property
    def asked(self) -> int:
        """Count the requests."""
        return self._sum("asked")

    @property
    def paired(self) -> int:
        """Count those that were given a partner."""
        return self._sum("paired")

    @property
    def agreed(self) -> int:
        """Count those to which both said yes."""
        return self._sum("agreed")

    @property
    def held(self) -> int:
        """Count those that took place."""
        return self._sum("held")

    @property
    def paired_percent(self) -> int:
        """Return the share that was given a partner."""
        return self._percent(self.paired)

    @property
    def agreed_percent(self) -> int:
        """Return the share to which both said yes."""
        return self._percent(self.agreed)

    @property
    def held_percent(self) -> int:
        """Return the share that took place."""
        return self._percent(self.held)

    def _percent(self, part: int) -> int:
        return round(100 * part / self.asked) if self.asked else 0


@dataclass(frozen=True)
class MemberLine:
    """How a member keeps what they promise."""

    shown_name: str
    reliability: Reliability

    @property
    def word(self) -> str:
        """Return it in a word: "new", "good", "mixed" or "bad"."""
        if not self.reliability.counted:
            return "new"
        steps = (("good", RELIABLE_PERMILLE), ("mixed", MIXED_PERMILLE))
        return next((word for word, least in steps if self.reliability.permille >= least), "bad")


def watch_page(cohort: Cohort, organiser: User, at: datetime) -> WatchPage:
    """Return what needs the organiser's eye; three queries."""
    appeals = (
        Appeal.objects.filter(seat__mock__cohort=cohort, state=Appeal.State.OPEN)
        .select_related("seat__member", "seat__mock")
        .order_by("made_at", "pk")
    )
    return WatchPage(
        waiting=[
            WaitingLine(
                one,
                cohort.called(one.user),
                one.titles,
                unmatched_of(one, organiser.time_zone, at),
            )
            for one in _waiting(cohort)
        ],
        appeals=[
            AppealLine(one, cohort.called(one.seat.member), one.seat.member_id == organiser.pk)
            for one in appeals
        ],
        silent=_silent(cohort, at),
    )


def _silent(cohort: Cohort, at: datetime) -> list[SilentLine]:
    """Return who owes an answer to a proposal that has stood for days, the oldest first."""
    rows = (
        Seat.objects.filter(
            mock__cohort=cohort,
            mock__starts_at__gt=at,
            mock__proposals__state=Proposal.State.OPEN,
            mock__proposals__made_at__lte=at - ANSWER_WITHIN,
        )
        .annotate(open_id=F("mock__proposals__id"), made_at=F("mock__proposals__made_at"))
        .select_related("member", "mock")
        .order_by("made_at", "pk")
    )
    return [
        SilentLine(seat.mock, cohort.called(seat.member), seat.made_at)
        for seat in rows
        if seat.accepted_id != seat.open_id
    ]


def fill_page(cohort: Cohort, at: datetime) -> FillPage:
    """Return the last eight pairings, the one to come too; one query.

    Who withdrew before anybody was found changed their mind, and counts for nothing.
    """
    last = next_pairing(at)
    first = last - timedelta(weeks=WEEKS_SHOWN)
    rows = (
        MatchRequest.objects.filter(cohort=cohort, created_at__gt=first)
        .exclude(state=MatchRequest.State.WITHDRAWN)
        .values_list("created_at", "mock__state", "mock__agreed_at")
    )
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for created_at, state, agreed_at in rows:
        number = max(0, -(-(created_at - first) // timedelta(weeks=1)) - 1)
        found["asked"][number] += 1
        found["paired"][number] += state is not None
        found["agreed"][number] += agreed_at is not None
        found["held"][number] += state == MockState.DONE
    most = max(found["asked"].values(), default=0)
    return FillPage(
        [
            Week(
                ends_at=first + (number + 1) * timedelta(weeks=1),
                asked=found["asked"][number],
                paired=found["paired"][number],
                agreed=found["agreed"][number],
                held=found["held"][number],
                most=most,
                number=number,
                is_over=number < WEEKS_SHOWN - 1,
            )
            for number in range(WEEKS_SHOWN)
        ]
    )


def member_lines(cohort: Cohort, at: datetime) -> list[MemberLine]:
    """Return how each member keeps promises, the least reliable first; two queries."""
    places = Membership.objects.filter(cohort=cohort, user__is_active=True)
    people = [place.user for place in places.select_related("user")]
    known = reliability_of(people, at)
    lines = [MemberLine(cohort.called(person), known[person.pk]) for person in people]
    return sorted(
        lines,
        key=lambda line: (
            not line.reliability.counted,
            line.reliability.permille,
            line.shown_name,
        ),
    )


# An appeal


@dataclass(frozen=True)
class AppealPage:
    """A broken promise as its member sees it, and what they said against it.

    `until` is the last instant at which they can; `has_judge` says that the cohort has an
    organiser beside them.
    """

    mock: Mock
    outcome: str
    name: str
    when: Reading
    appeal: Appeal | None
    until: Reading
    is_over: bool
    has_judge: bool


def appeal_page(mock: Mock, user: User, at: datetime) -> AppealPage | None:
    """Return the page of an appeal; None where nothing stands, or stood, against the member.

    `mock` has its seats with it. One query.
    """
    seat = mock.seat_of(user)
    made = getattr(seat, "appeal", None)
    is_broken = seat.outcome in {Seat.Outcome.LATE_CHANGE, Seat.Outcome.NO_SHOW}
    if seat.outcome_at is None or not (is_broken or made):
        return None
    organisers = Membership.objects.filter(
        cohort=mock.cohort, role=Membership.Role.ORGANISER, user__is_active=True
    )
    until = seat.outcome_at + APPEAL_WITHIN
    return AppealPage(
        mock=mock,
        outcome=seat.outcome,
        name=mock.cohort.called(mock.partner_seat(user).member),
        when=Reading(Period(mock.starts_at, mock.ends_at), user.time_zone),
        appeal=made,
        until=_read(until, user.time_zone),
        is_over=at > until,
        has_judge=organisers.exclude(user=user).exists(),
    )
