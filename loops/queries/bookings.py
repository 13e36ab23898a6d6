"""Reads of mocks: the list of one's own, and the page of one.

Nothing here reads a prompt: who answers meets it when their turn begins.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import cast
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, FilteredRelation, OuterRef, Q, Subquery, Window

from loops import promises
from loops.clocks import ForTwo, Reading, city_of, for_two
from loops.hours import Period
from loops.models import Appeal, Event, Mock, Proposal, Seat, Turn, User
from loops.queries.slots import RoundChoice, own_rounds
from loops.states import MockState

PAST_A_PAGE = 20
OVER = frozenset(MockState) - MockState.live()
ABSENT = frozenset({Seat.Outcome.NO_SHOW, Seat.Outcome.EXCUSED})
"""What may stand beside who did not come; who was there has kept their promise."""


# The list


@dataclass(frozen=True)
class TurnLine:
    """One of the turns of a mock, as one of its two people sees it.

    `kit_id` is the turn's id where they interview and the prompt is drawn.
    """

    turn_id: UUID
    title: str
    round_kind_title: str
    minutes: int
    is_mine: bool
    candidate: str
    interviewer: str
    kit_id: UUID | None
    prepared_at: datetime | None
    begun_at: datetime | None
    attempt_id: UUID | None
    is_handed_in: bool
    round_id: UUID


@dataclass(frozen=True)
class MockLine:
    """A mock that may still be, as a list shows it to one of its two people.

    `phase` says where it stands for them (see `phase_of`); `proposed` is the open proposal of
    another time, where there is one.
    """

    mock: Mock
    phase: str
    partner: User
    name: str
    when: ForTwo
    proposed: ForTwo | None
    is_proposed_by_me: bool
    turns: list[TurnLine]

    @property
    def asks_me(self) -> bool:
        """Say whether it waits for this person's answer."""
        return self.phase in {"asked", "asked_to_move", "confirm"}

    @property
    def kits(self) -> list[TurnLine]:
        """Return the turns whose kit this person has still to prepare."""
        return [turn for turn in self.turns if turn.kit_id and not turn.prepared_at]


@dataclass(frozen=True)
class PastLine:
    """A mock that is over."""

    mock_id: UUID
    ending: str
    name: str
    starts: Reading
    titles: list[str]
    outcome: str


@dataclass(frozen=True)
class MockListPage:
    """All of a person's mocks: what asks them, what is agreed, what waits for others, what was."""

    asking: list[MockLine]
    upcoming: list[MockLine]
    waiting: list[MockLine]
    past: list[PastLine]
    pages: Page[int]
    city: str

    @property
    def is_empty(self) -> bool:
        """Say whether there is no mock of theirs at all."""
        return not (self.asking or self.upcoming or self.waiting or self.past)


def mock_list_page(user: User, at: datetime, *, page: str = "") -> MockListPage:
    """Return a person's mocks; three queries."""
    lines = _live_lines(user, at)
    past, pages = _past_lines(user, page)
    waits = {"waiting", "lapsed"}
    return MockListPage(
        asking=[line for line in lines if line.asks_me],
        upcoming=[line for line in lines if not line.asks_me and line.phase not in waits],
        waiting=[line for line in lines if line.phase in waits],
        past=past,
        pages=pages,
        city=city_of(user.time_zone),
    )


def _live_lines(user: User, at: datetime) -> list[MockLine]:
    """Return the mocks that may still be, the soonest first; both seats come in one query."""
    seats = (
        Seat.objects.filter(mock__state__in=MockState.live(), mock__seats__member=user)
        .select_related("mock__cohort", "member")
        .annotate(
            open=FilteredRelation(
                "mock__proposals", condition=Q(mock__proposals__state=Proposal.State.OPEN)
            ),
            open_id=F("open__pk"),
            open_by=F("open__by"),
            open_from=F("open__starts_at"),
            open_until=F("open__ends_at"),
        )
        .order_by("mock__starts_at", "mock_id")
    )
    pairs = [list(both) for _id, both in groupby(seats, key=lambda seat: seat.mock_id)]
    turns = _turns_of([pair[0].mock_id for pair in pairs])
    lines = []
    for pair in pairs:
        me = next(seat for seat in pair if seat.member_id == user.pk)
        partner = next(seat for seat in pair if seat.member_id != user.pk)
        proposed = None
        if me.open_id is not None:
            proposed = Proposal(
                pk=me.open_id,
                mock=me.mock,
                by_id=me.open_by,
                starts_at=me.open_from,
                ends_at=me.open_until,
            )
        lines.append(_line(user, me, partner, proposed, turns.get(me.mock_id, []), at))
    return lines


def _line(  # noqa: PLR0917 - the rows of one mock
    user: User,
    me: Seat,
    partner: Seat,
    proposed: Proposal | None,
    turns: Sequence[Turn],
    at: datetime,
) -> MockLine:
    mock, name = me.mock, me.mock.cohort.called(partner.member)
    is_other_time = proposed is not None and mock.is_agreed
    return MockLine(
        mock=mock,
        phase=phase_of(mock, me, proposed, at),
        partner=partner.member,
        name=name,
        when=_when(mock, user, partner.member, name, at),
        proposed=_when(proposed, user, partner.member, name, at)
        if proposed and is_other_time
        else None,
        is_proposed_by_me=proposed is not None and proposed.by_id == user.pk,
        turns=turn_lines(mock, user, turns),
    )


def _past_lines(user: User, page: str) -> tuple[list[PastLine], Page[int]]:
    """Return one page of the mocks that are over, the newest first; one query."""
    partner = Seat.objects.filter(mock=OuterRef("mock")).exclude(member=user)
    over = (
        Seat.objects.filter(member=user, mock__state__in=OVER)
        .select_related("mock__cohort")
        .annotate(
            total=Window(Count("pk")),
            partner_handle=Subquery(partner.values("member__handle")[:1]),
            partner_name=Subquery(partner.values("member__name")[:1]),
            titles=ArraySubquery(
                Turn.objects.filter(mock=OuterRef("mock"))
                .order_by("position")
                .values("round__title")
            ),
        )
        .order_by("-mock__starts_at", "-mock_id")
    )
    number = max(int(page), 1) if page.isdecimal() and len(page) < 6 else 1
    rows = list(over[(number - 1) * PAST_A_PAGE : number * PAST_A_PAGE])
    if not rows and number > 1:
        return _past_lines(user, "")
    total = rows[0].total if rows else 0
    lines = [
        PastLine(
            mock_id=seat.mock.public_id,
            ending=_ending_in_short(seat),
            name=(seat.partner_name if seat.mock.cohort.is_named else "") or seat.partner_handle,
            starts=Reading(_period(seat.mock), user.time_zone),
            titles=seat.titles,
            outcome=seat.outcome,
        )
        for seat in rows
    ]
    return lines, Paginator(range(total), PAST_A_PAGE).get_page(number)


def _ending_in_short(seat: Seat) -> str:
    """Return how a mock ended, as far as its row and one seat tell."""
    mock = seat.mock
    if mock.state in {MockState.NO_SHOW, MockState.CONVERTED}:
        return "absent_me" if seat.outcome in ABSENT else str(mock.state)
    if mock.state == MockState.EXPIRED:
        if mock.agreed_at is None:
            return "lapsed"
        return "released" if mock.state_at < mock.starts_at else "nobody_came"
    if mock.state == MockState.CANCELLED:
        return "cancelled" if mock.agreed_at else "declined"
    return str(mock.state)


# One mock


@dataclass(frozen=True)
class OpenProposal:
    """A time that is put forward and not answered."""

    proposal: Proposal
    when: ForTwo
    is_mine: bool
    by_name: str


@dataclass(frozen=True)
class Promise:
    """One step of the way to the mock; `state` is done, now, ahead or missed."""

    code: str
    state: str
    at: Reading
    until: Reading | None = None


@dataclass(frozen=True)
class Happening:
    """One thing that happened: who did it (`by_me`, `name`), and what belongs to it."""

    verb: str
    at: datetime
    by_me: bool
    name: str
    starts: Reading | None = None
    was: Reading | None = None


@dataclass(frozen=True)
class Ending:
    """How a mock ended, for one of its two people."""

    code: str
    by_me: bool = False
    is_late: bool = False


@dataclass(frozen=True)
class MockPage:
    """The page of a mock, before and after, as one of its two people sees it."""

    mock: Mock
    me: Seat
    partner: Seat
    name: str
    phase: str
    when: ForTwo
    proposed: OpenProposal | None
    turns: list[TurnLine]
    promises: list[Promise]
    history: list[Happening]
    ending: Ending | None
    rounds: list[RoundChoice]
    video_host: str
    is_late: bool
    is_time_over: bool
    replaced_by: Mock | None
    stamp: str

    @property
    def is_asked(self) -> bool:
        """Say whether an open proposal waits for this person."""
        return self.phase in {"asked", "asked_to_move"}

    @property
    def room_key(self) -> str:
        """Return what stays the same while the video room does: a form that is typed in stays."""
        return hashlib.sha256(self.mock.video_url.encode()).hexdigest()[:8]

    @property
    def is_pending(self) -> bool:
        """Say whether the other may change something at any moment."""
        return self.mock.is_live

    @property
    def is_offered_swap(self) -> bool:
        """Say whether accepting means to choose what one answers oneself."""
        return may_swap(self.mock, self.me.member)

    @property
    def may_confirm(self) -> bool:
        """Say whether this person's word is asked for now."""
        return self.phase == "confirm" or (self.phase == "asked_to_move" and self._awaits_word)

    @property
    def _awaits_word(self) -> bool:
        confirm = next((step for step in self.promises if step.code == "confirm"), None)
        return confirm is not None and confirm.state == "now" and not self.me.confirmed_at

    @property
    def may_cancel(self) -> bool:
        """Say whether it can still be called off."""
        return self.mock.state in {MockState.ACCEPTED, MockState.CONFIRMED}

    @property
    def may_move(self) -> bool:
        """Say whether another time can be proposed."""
        return self.phase not in {"running", "open", "releasing", "over"} and self.mock.is_live

    @property
    def may_appeal(self) -> bool:
        """Say whether something stands against this person that they could appeal."""
        return self.me.outcome in {Seat.Outcome.LATE_CHANGE, Seat.Outcome.NO_SHOW}

    @property
    def appeal(self) -> Appeal | None:
        """Return this person's appeal against what stands against them, if they made one."""
        return getattr(self.me, "appeal", None)

    @property
    def is_session_open(self) -> bool:
        """Say whether the session page can be entered."""
        return self.phase in {"open", "running"}

    @property
    def kits(self) -> list[TurnLine]:
        """Return the turns of which this person is the interviewer, once prompts are drawn."""
        return [turn for turn in self.turns if turn.kit_id]

    @property
    def own_turn(self) -> TurnLine | None:
        """Return the turn in which this person answers."""
        return next((turn for turn in self.turns if turn.is_mine), None)


def mock_page(mock: Mock, user: User, at: datetime, *, video_host: str) -> MockPage:
    """Return the page of a mock; one query more than the door made."""
    me, partner = mock.seat_of(user), mock.partner_seat(user)
    name = mock.cohort.called(partner.member)
    proposed = open_proposal(mock)
    phase = phase_of(mock, me, proposed, at)
    turns = turn_lines(mock, user, mock.turns.all())
    # Who is asked to choose a round reads rounds, and everybody else what happened.
    is_choosing = phase == "asked" and may_swap(mock, user)
    events = [] if is_choosing else _events_of(mock)
    return MockPage(
        mock=mock,
        me=me,
        partner=partner,
        name=name,
        phase=phase,
        when=_when(mock, user, partner.member, name, at),
        proposed=OpenProposal(
            proposal=proposed,
            when=_when(proposed, user, partner.member, name, at),
            is_mine=proposed.by_id == user.pk,
            by_name=name if proposed.by_id == partner.member_id else "",
        )
        if proposed
        else None,
        turns=turns,
        promises=_promises(mock, me, partner, turns, at),
        history=_history(mock, user, name, events),
        ending=_ending(mock, me, events),
        rounds=_answerable(user, mock) if is_choosing else [],
        video_host=video_host,
        is_late=promises.is_late(mock.starts_at, at),
        is_time_over=mock.ends_at <= at,
        replaced_by=getattr(mock, "replaced_by", None),
        stamp=stamp_of(mock, phase),
    )


def phase_of(mock: Mock, me: Seat, proposed: Proposal | None, at: datetime) -> str:
    """Say where a mock stands for one of its two people.

    Before it is agreed: asked, waiting, lapsed. Agreed: asked_to_move, agreed, confirm (their
    word is asked), confirmed_alone (the other's is), releasing, confirmed, open (the session),
    running. After that: over.
    """
    is_open = proposed is not None and proposed.starts_at > at
    is_mine_to_answer = is_open and proposed is not None and me.accepted_id != proposed.pk
    if mock.state == MockState.PROPOSED:
        answers = "asked" if is_mine_to_answer else "waiting"
        return answers if is_open else "lapsed"
    if not mock.is_agreed:
        return "over"
    on_the_day = _phase_of_the_day(mock, at)
    return on_the_day or ("asked_to_move" if is_mine_to_answer else _phase_of_words(mock, me, at))


def _phase_of_the_day(mock: Mock, at: datetime) -> str:
    """Return the phase of an agreed mock whose time has nearly come, or nothing."""
    if mock.state == MockState.RUNNING:
        return "running"
    if mock.state == MockState.CONFIRMED:
        return "open" if at >= mock.starts_at - promises.ARRIVE_BEFORE else ""
    return "releasing" if at >= mock.starts_at - promises.RELEASE_BEFORE else ""


def _phase_of_words(mock: Mock, me: Seat, at: datetime) -> str:
    """Return the phase of an agreed mock by who has given their word to come."""
    if mock.state == MockState.CONFIRMED:
        return "confirmed"
    if at < mock.starts_at - promises.CONFIRM_BEFORE:
        return "agreed"
    return "confirmed_alone" if me.confirmed_at else "confirm"


def when_of(mock: Mock, user: User, at: datetime) -> ForTwo:
    """Return the time of a mock on the clocks of both, as one of them reads it."""
    partner = mock.partner_seat(user).member
    return _when(mock, user, partner, mock.cohort.called(partner), at)


def open_proposal(mock: Mock) -> Proposal | None:
    """Return the open proposal of a mock, as the door fetched it."""
    return getattr(mock, "open_proposal", None)


def may_swap(mock: Mock, user: User) -> bool:
    """Say whether the person is offered to answer a round of their own as well."""
    is_asked = mock.asked_by_id is not None and mock.asked_by_id != user.pk
    return mock.wants_swap and is_asked and mock.state == MockState.PROPOSED


def stamp_of(mock: Mock, phase: str) -> str:
    """Return a short digest of all that the page shows of a mock that may change under it."""
    proposed = open_proposal(mock)
    seats = [
        (seat.accepted_id, seat.confirmed_at, seat.arrived_at, seat.outcome)
        for seat in mock.seats.all()
    ]
    turns = [(turn.pk, turn.prepared_at, turn.begun_at, turn.ended_at) for turn in mock.turns.all()]
    facts = (mock.state, phase, mock.changed_at, proposed and proposed.pk, seats, turns)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def turn_lines(mock: Mock, user: User, turns: Iterable[Turn]) -> list[TurnLine]:
    """Return the turns of a mock in their order, without any prompt."""
    called = mock.cohort.called
    lines = []
    for turn in turns:
        has_kit = turn.interviewer_id == user.pk and turn.prompt_id and mock.is_live
        attempt = turn.attempt if turn.attempt_id else None
        lines.append(
            TurnLine(
                turn_id=turn.public_id,
                title=turn.round.title,
                round_kind_title=turn.round.round_kind.title,
                minutes=turn.minutes,
                is_mine=turn.candidate_id == user.pk,
                candidate=called(turn.candidate),
                interviewer=called(turn.interviewer),
                kit_id=turn.public_id if has_kit else None,
                prepared_at=turn.prepared_at,
                begun_at=turn.begun_at,
                attempt_id=attempt.public_id if attempt else None,
                is_handed_in=attempt is not None and attempt.is_submitted,
                round_id=turn.round.public_id,
            )
        )
    return lines


def _turns_of(mock_ids: Iterable[int]) -> dict[int, list[Turn]]:
    turns = Turn.objects.filter(mock__in=list(mock_ids)).select_related(
        "candidate", "interviewer", "round__round_kind", "attempt"
    )
    in_order = turns.order_by("mock_id", "position")
    return {pk: list(of_mock) for pk, of_mock in groupby(in_order, key=lambda turn: turn.mock_id)}


def _answerable(user: User, mock: Mock) -> list[RoundChoice]:
    return [one for one in own_rounds(user, mock.cohort) if one.minutes]


def _promises(
    mock: Mock, me: Seat, partner: Seat, turns: Sequence[TurnLine], at: datetime
) -> list[Promise]:
    """Return the steps between agreeing and the start; none unless the mock is agreed."""
    if not mock.is_agreed or mock.agreed_at is None:
        return []
    zone, start = me.member.time_zone, mock.starts_at

    def reading(instant: datetime) -> Reading:
        return Reading(Period(instant, instant + timedelta(minutes=1)), zone)

    is_asking = at >= start - promises.CONFIRM_BEFORE
    is_kept = bool(me.confirmed_at and partner.confirmed_at)
    is_prepared = all(turn.prepared_at for turn in turns)
    is_reminded = at >= start - promises.REMIND_BEFORE
    has_begun = mock.state == MockState.RUNNING
    is_open = at >= start - promises.ARRIVE_BEFORE
    return [
        Promise("agreed", "done", reading(mock.agreed_at)),
        Promise(
            "confirm",
            _state(is_done=is_kept, is_now=is_asking),
            reading(start - promises.CONFIRM_BEFORE),
            reading(start - promises.RELEASE_BEFORE),
        ),
        Promise("kit", _state(is_done=is_prepared, is_now=True), reading(start)),
        Promise(
            "reminder",
            _state(is_done=is_reminded, is_now=False),
            reading(start - promises.REMIND_BEFORE),
        ),
        Promise("start", _state(is_done=has_begun, is_now=is_open), reading(start)),
    ]


def _state(*, is_done: bool, is_now: bool) -> str:
    return "done" if is_done else "now" if is_now else "ahead"


def _events_of(mock: Mock) -> list[Event]:
    turns = [turn.pk for turn in mock.turns.all()]
    return list(
        Event.objects.filter(
            Q(subject="loops.mock", subject_id=mock.pk)
            | Q(subject="loops.turn", subject_id__in=turns, verb="prepared")
        ).order_by("at", "pk")
    )


def _history(mock: Mock, user: User, name: str, events: Iterable[Event]) -> list[Happening]:
    """Tell what happened; where two events tell one thing, the one with a person in it."""
    told = []
    for event in events:
        if event.verb in {"accepted", "confirmed"} and "before" in event.data:
            continue
        told.append(
            Happening(
                verb=_verb(event),
                at=event.at,
                by_me=event.actor_id == user.pk,
                name=name if event.actor_id else "",
                starts=_read(event.data.get("to") or event.data.get("starts_at"), user),
                was=_read(event.data.get("was"), user),
            )
        )
    return told


def _verb(event: Event) -> str:
    """Return what an event says, parted where one verb tells several things."""
    if event.verb == "cancelled" and "reason" in event.data:
        return str(event.data["reason"])  # declined, withdrawn
    if event.verb == "cancelled" and event.data.get("is_late"):
        return "cancelled_late"
    if event.verb == "expired":
        return _expired(event)
    return event.verb


def _expired(event: Event) -> str:
    if "silent" in event.data:
        return "released"
    return "lapsed" if event.data.get("before") == MockState.PROPOSED else "nobody_came"


def _ending(mock: Mock, me: Seat, events: Iterable[Event]) -> Ending | None:
    """Return how a mock ended, or None while it may still be."""
    last = next((one for one in reversed(list(events)) if one.verb == mock.state), None)
    if mock.is_live or last is None:
        return None if mock.is_live else Ending(str(mock.state))
    by_me = last.actor_id == me.member_id
    if mock.state == MockState.EXPIRED:
        return Ending(_expired(last), by_me=me.member_id in last.data.get("silent", []))
    if mock.state in {MockState.NO_SHOW, MockState.CONVERTED}:
        return Ending("absent_me" if me.outcome in ABSENT else str(mock.state), by_me=by_me)
    code = str(last.data.get("reason") or mock.state)
    return Ending(code, by_me=by_me, is_late=bool(last.data.get("is_late")))


def _when(times: Mock | Proposal, user: User, partner: User, name: str, at: datetime) -> ForTwo:
    return for_two(_period(times), user.time_zone, partner.time_zone, name, at)


def _period(times: Mock | Proposal) -> Period:
    return Period(times.starts_at.astimezone(UTC), times.ends_at.astimezone(UTC))


def _read(written: object, user: User) -> Reading | None:
    if not written:
        return None
    instant = datetime.fromisoformat(cast("str", written)).astimezone(UTC)
    return Reading(Period(instant, instant + timedelta(minutes=1)), user.time_zone)
