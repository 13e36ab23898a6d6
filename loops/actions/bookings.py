"""Agree on mocks and keep them: propose, accept, move, confirm, cancel, release, lapse.

A proposal holds nothing; agreeing takes both seats in one transaction. Every change of state is
a compare-and-swap with an event. What happens on the evening itself is in actions/sessions.py.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loops import promises
from loops.actions.events import record
from loops.actions.notices import take_back, tell
from loops.errors import Refused
from loops.hours import Period, is_bad_hour, is_open
from loops.models import (
    Block,
    Cohort,
    MatchRequest,
    Membership,
    Mock,
    Notice,
    Proposal,
    Round,
    Seat,
    Turn,
    User,
)
from loops.queries.availability import any_time, has_hours, hours_of, limits_of
from loops.queries.practice import prompts_in_mocks, prompts_met, round_minutes
from loops.states import MOCK_MOVES, MockState, check_move
from rubrics.models import Prompt
from rubrics.queries import version_in_force

Given = ParamSpec("Given")
Result = TypeVar("Result")

TALK_MINUTES = 10
"""After each turn, for what the interviewer has to say."""
PROPOSALS_MOST = 20
"""So many proposals of one person may wait for answers."""
OVERLAP = "23P01"
LOST_A_RACE = ("40P01", "40001")


class SlotGone(Refused):
    """The slot was free when the page was made and is not now, for either of the two."""

    code = "slot_gone"
    message = _(
        "This time is no longer free for both of you. Nothing was booked, and what you had agreed "
        "before stands. Choose one of the times below."
    )


class MockChanged(Refused):
    """The other was quicker: the mock is not in the state that the page showed."""

    code = "mock_changed"
    message = _(
        "This mock has changed since you opened the page, so your answer was not taken. "
        "See below how it stands now."
    )


class NoUnseenPrompt(Refused):
    """A mock needs a prompt that its candidate has not met."""

    code = "no_unseen_prompt"
    message = _(
        "There is no prompt of this round left that its candidate has not met, so a mock of it "
        "would prove nothing. Nothing was agreed. Choose another round, or record a retake."
    )


class NoRubric(Refused):
    """The round cannot be practised."""

    code = "no_rubric"
    message = _("The catalogue has no rubric for this round yet. Nothing was proposed.")


class TooManyProposals(Refused):
    """Proposals without end would fill other people's pages."""

    code = "too_many_proposals"
    status = 429
    message = _(
        "Twenty of your proposals wait for an answer. Nothing was sent. "
        "Take one back, or wait until some are answered."
    )


class NotMeeting(Refused):
    """The two cannot meet; why is not told, since a block is silent."""

    code = "not_meeting"
    message = _("This person cannot be met right now. Nothing was changed. Choose somebody else.")


class NotOwnRound(Refused):
    """One answers a round of one's own loop in the mock's cohort."""

    code = "not_own_round"
    status = 422
    message = _("Choose a round of a loop of yours in this cohort. Nothing was changed.")


class TooLateToMove(Refused):
    """A mock that has begun has its time."""

    code = "too_late_to_move"
    message = _("This mock has begun or is over; it cannot be moved. Nothing was changed.")


class TooLateToCancel(Refused):
    """A mock that should have begun is held, or somebody waits in it."""

    code = "too_late_to_cancel"
    message = _(
        "This mock should have begun, so it cannot be called off any more. Nothing was changed. "
        "Write to your partner in the video room if you can."
    )


class TooEarlyToConfirm(Refused):
    """What is confirmed a week ahead says nothing of the evening."""

    code = "too_early_to_confirm"
    message = _(
        "You are asked 24 hours before the start; a word given earlier would not count. "
        "Nothing was changed."
    )


@dataclass(frozen=True)
class TurnPlan:
    """Who answers which of their rounds to whom."""

    candidate: User
    interviewer: User
    round: Round


def once_more(action: Callable[Given, Result]) -> Callable[Given, Result]:
    """Try an action again when it lost a race for locks, and say SlotGone for an overlap.

    Outside of any transaction: the lost one must be over before the next begins.
    """

    @wraps(action)
    def tried(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            try:
                return action(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or _sqlstate(error) not in LOST_A_RACE:
                    raise
                return action(*args, **kwargs)
        except IntegrityError as error:
            if _sqlstate(error) != OVERLAP:
                raise
            raise SlotGone from error

    return tried


def _sqlstate(error: Exception) -> str:
    return str(getattr(error.__cause__, "sqlstate", "") or "")


def minutes_of(rounds: Iterable[Round]) -> int:
    """Return how long a mock with a turn for each of these rounds takes, talk included."""
    rounds = list(rounds)
    known = round_minutes(rounds)
    if any(one.pk not in known for one in rounds):
        raise NoRubric
    return sum(known[one.pk] + TALK_MINUTES for one in rounds)


def proposed_minutes(round_: Round, *, wants_swap: bool) -> int:
    """Return how long a proposal asks for: twice the asker's turn where roles may swap.

    What the partner's turn really takes is known when they accept and choose their round.
    """
    return minutes_of([round_]) * (2 if wants_swap else 1)


@once_more
@transaction.atomic
def propose(
    *,
    partner: User,
    round_: Round,
    starts_at: datetime,
    by: User,
    at: datetime,
    wants_swap: bool = False,
    note: str = "",
    video_url: str = "",
) -> Mock:
    """Propose a mock of one's own round to a member of its cohort. It holds no seat.

    The same proposal sent twice is one. Raises SlotGone unless the time lies in what both
    offer, by the very function that made the page's slots.
    """
    starts_at = starts_at.astimezone(UTC)
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    waiting = Mock.objects.filter(asked_by=by, state=MockState.PROPOSED, starts_at__gt=at)
    known = waiting.filter(
        starts_at=starts_at, seats__member=partner, turns__round=round_, wants_swap=wants_swap
    ).first()
    if known:
        return known
    if waiting.count() >= PROPOSALS_MOST:
        raise TooManyProposals
    _check_meeting(by, partner, round_.loop.cohort)
    minutes = proposed_minutes(round_, wants_swap=wants_swap)
    period = Period(starts_at, starts_at + timedelta(minutes=minutes))
    _check_open(by, partner, period, at)
    if not unseen_prompts(by, round_):
        raise NoUnseenPrompt
    mock = lay_out(
        cohort=round_.loop.cohort,
        people=(by, partner),
        plans=[TurnPlan(by, partner, round_)],
        period=period,
        origin=Mock.Origin.ASKED,
        at=at,
        by=by,
        wants_swap=wants_swap,
        note=note,
        video_url=video_url,
    )
    proposal = _put_forward(mock, period, by=by, at=at)
    tell(
        partner,
        Notice.Kind.PROPOSED,
        f"proposal:{proposal.pk}",
        mock=mock,
        at=at,
        useful_until=starts_at,
        proposal=str(proposal.public_id),
        starts_at=starts_at.isoformat(),
        ends_at=period.ends_at.isoformat(),
    )
    return mock


def lay_out(
    *,
    cohort: Cohort,
    people: Sequence[User],
    plans: Sequence[TurnPlan],
    period: Period,
    origin: str,
    at: datetime,
    by: User | None = None,
    wants_swap: bool = False,
    note: str = "",
    video_url: str = "",
) -> Mock:
    """Write a proposed mock with its two seats, not held yet, and its turns."""
    mock = Mock.objects.create(
        cohort=cohort,
        state_at=at,
        origin=origin,
        asked_by=by,
        wants_swap=wants_swap,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        note=note,
        video_url=video_url,
        created_at=at,
        changed_at=at,
    )
    Seat.objects.bulk_create(
        Seat(mock=mock, member=person, starts_at=period.starts_at, ends_at=period.ends_at)
        for person in sorted(people, key=lambda person: person.pk)
    )
    _add_turns(mock, plans)
    record("proposed", mock, by=by, at=at, starts_at=period.starts_at.isoformat())
    return mock


@transaction.atomic
def pair(*, cohort: Cohort, plans: Sequence[TurnPlan], starts_at: datetime, at: datetime) -> Mock:
    """Propose a mock to two people whom the pool has paired; both must accept."""
    people = (plans[0].candidate, plans[0].interviewer)
    minutes = minutes_of(plan.round for plan in plans)
    period = Period(starts_at, starts_at + timedelta(minutes=minutes))
    mock = lay_out(
        cohort=cohort,
        people=people,
        plans=plans,
        period=period,
        origin=Mock.Origin.MATCHED,
        at=at,
        wants_swap=len(plans) > 1,
    )
    proposal = _put_forward(mock, period, by=None, at=at)
    for person in people:
        tell(
            person,
            Notice.Kind.PAIRED,
            f"proposal:{proposal.pk}",
            mock=mock,
            at=at,
            useful_until=starts_at,
            proposal=str(proposal.public_id),
            starts_at=starts_at.isoformat(),
            ends_at=period.ends_at.isoformat(),
        )
    return mock


@once_more
@transaction.atomic
def accept(
    *, mock: Mock, proposal: Proposal, by: User, at: datetime, round_: Round | None = None
) -> Mock:
    """Agree to a proposed time. When both have, both seats are taken and the mock is agreed.

    `round_` is what the accepter wants to answer themselves where the asker offers to swap
    roles; without it the mock has one turn and is shorter. Accepting twice is accepting once.
    Raises SlotGone when either has a mock at that time, and MockChanged when the proposal is
    not the open one any more.
    """
    mock = lock(mock)
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    seats = seats_of(mock)
    own = next(seat for seat in seats if seat.member_id == by.pk)
    if own.accepted_id == proposal.pk and proposal.state in {"open", "accepted"}:
        return mock
    has_begun = mock.is_agreed and mock.starts_at <= at
    if not proposal.is_open or not mock.is_live or has_begun or proposal.starts_at <= at:
        raise MockChanged
    _check_meeting(by, next(seat.member for seat in seats if seat is not own), mock.cohort)
    own.accepted = proposal
    own.save(update_fields=["accepted"])
    record("accepted", mock, by=by, at=at, proposal=proposal.pk)
    is_first = mock.state == MockState.PROPOSED
    if is_first and _may_swap(mock, by):
        minutes = _settle_swap(mock, by, round_)
        proposal.ends_at = proposal.starts_at + timedelta(minutes=minutes)
    if any(seat.accepted_id != proposal.pk for seat in seats):
        return mock
    _take_seats(mock, seats, proposal)
    proposal.state = Proposal.State.ACCEPTED
    proposal.answered_at = at
    proposal.save(update_fields=["state", "answered_at", "ends_at"])
    if is_first:
        _agree(mock, seats, by=by, at=at)
    else:
        _move(mock, seats, proposal, by=by, at=at)
    return mock


@transaction.atomic
def decline(*, mock: Mock, proposal: Proposal, by: User, at: datetime) -> Mock:
    """Say no to a proposed time. A new mock is off; one that was agreed stays where it was."""
    mock, proposal = _lock_open(mock, proposal)
    if proposal.by_id == by.pk:
        raise MockChanged
    close_proposal(proposal, Proposal.State.DECLINED, at)
    if mock.state == MockState.PROPOSED:
        swap_state(mock, MockState.CANCELLED, at=at, by=by, reason="declined")
        reopen_requests(mock, at=at)
    else:
        record("declined", mock, by=by, at=at, proposal=proposal.pk)
    for seat in seats_of(mock):
        if seat.member_id != by.pk:
            _tell_of_proposal(seat.member, Notice.Kind.DECLINED, mock, proposal, at)
    _has_read(by, mock, at)
    return mock


@transaction.atomic
def take_back_proposal(*, mock: Mock, proposal: Proposal, by: User, at: datetime) -> Mock:
    """Withdraw one's own proposal before it is answered."""
    mock, proposal = _lock_open(mock, proposal)
    if proposal.by_id != by.pk:
        raise MockChanged
    close_proposal(proposal, Proposal.State.WITHDRAWN, at)
    take_down(proposal, at)
    if mock.state == MockState.PROPOSED:
        swap_state(mock, MockState.CANCELLED, at=at, by=by, reason="withdrawn")
    else:
        record("withdrawn", mock, by=by, at=at, proposal=proposal.pk)
    return mock


@once_more
@transaction.atomic
def propose_time(
    *,
    mock: Mock,
    starts_at: datetime,
    by: User,
    at: datetime,
    answers: Proposal | None = None,
    round_: Round | None = None,
) -> Proposal:
    """Propose another time for a mock, agreed or not. Until it is accepted nothing moves.

    Who answers an offer to swap roles with another time names their `round_` here. `answers` is
    the open proposal that the page showed, if any. Raises MockChanged when it is not that one
    which is open: the other has just proposed, and that is to be read first.
    """
    starts_at = starts_at.astimezone(UTC)
    mock = lock(mock)
    if not mock.is_live or mock.state == MockState.RUNNING:
        raise TooLateToMove
    if mock.is_agreed and mock.starts_at <= at:
        raise TooLateToMove
    seats = seats_of(mock)
    partner = next(seat.member for seat in seats if seat.member_id != by.pk)
    _check_meeting(by, partner, mock.cohort)
    standing = Proposal.objects.select_for_update().filter(mock=mock, state="open").first()
    if standing and standing.by_id == by.pk and standing.starts_at == starts_at:
        return standing  # the same form twice
    if (standing.pk if standing else None) != (answers.pk if answers else None):
        raise MockChanged
    length = mock.ends_at - mock.starts_at
    if _may_swap(mock, by):
        length = timedelta(minutes=_settle_swap(mock, by, round_))
    period = Period(starts_at, starts_at + length)
    _check_open(by, partner, period, at, but=mock)
    if standing:
        is_own = standing.by_id == by.pk
        close_proposal(standing, "withdrawn" if is_own else "countered", at)
    proposal = _put_forward(mock, period, by=by, at=at)
    if mock.state == MockState.PROPOSED:
        Mock.objects.filter(pk=mock.pk).update(
            starts_at=period.starts_at, ends_at=period.ends_at, changed_at=at
        )
    record("time_proposed", mock, by=by, at=at, starts_at=starts_at.isoformat())
    _tell_of_proposal(partner, Notice.Kind.COUNTERED, mock, proposal, at)
    return proposal


@transaction.atomic
def cancel(*, mock: Mock, by: User, at: datetime, is_blameless: bool = False) -> Mock:
    """Call an agreed mock off and give both seats back.

    Less than twelve hours before the start it counts as a late change of who cancels, unless
    it is `is_blameless`: of a block, or of somebody who has left. Once it should have begun it
    cannot be called off any more: who has come decides how their evening goes on.
    """
    mock = lock(mock)
    if mock.state == MockState.CANCELLED:
        return mock
    if mock.state not in {MockState.ACCEPTED, MockState.CONFIRMED}:
        raise MockChanged
    if (mock.ends_at if is_blameless else mock.starts_at) <= at:
        raise TooLateToCancel
    is_late = promises.is_late(mock.starts_at, at) and not is_blameless
    swap_state(mock, MockState.CANCELLED, at=at, by=by, is_late=is_late)
    if is_late:
        settle(mock, by, Seat.Outcome.LATE_CHANGE, at)
    _give_back(mock, Notice.Kind.CANCELLED, at, by=by.pk)
    _has_read(by, mock, at)
    reopen_requests(mock, at=at, but=by)
    return mock


@transaction.atomic
def confirm(*, mock: Mock, by: User, at: datetime) -> Mock:
    """Say that one comes, within the last 24 hours; when both have, the mock is confirmed."""
    mock = lock(mock)
    seats = seats_of(mock)
    own = next(seat for seat in seats if seat.member_id == by.pk)
    if own.confirmed_at and mock.is_agreed:
        return mock
    if mock.state != MockState.ACCEPTED:
        raise MockChanged
    if at < mock.starts_at - promises.CONFIRM_BEFORE:
        raise TooEarlyToConfirm
    own.confirmed_at = at
    own.save(update_fields=["confirmed_at"])
    record("seat_confirmed", mock, by=by, at=at)
    pending = Notice.objects.filter(mock=mock, person=by, kind=Notice.Kind.CONFIRM)
    take_back(pending, at=at)
    pending.filter(read_at=None).update(read_at=at)
    if all(seat.confirmed_at for seat in seats):
        swap_state(mock, MockState.CONFIRMED, at=at, by=by)
    return mock


@transaction.atomic
def set_video_room(*, mock: Mock, video_url: str, by: User, at: datetime) -> Mock:
    """Keep where the two talk; a change of it is sent to calendars."""
    mock = lock(mock)
    if not mock.is_live:
        raise MockChanged
    if mock.video_url == video_url:
        return mock
    mock.video_url = video_url
    mock.changed_at = at
    mock.sequence += mock.is_agreed
    mock.save(update_fields=["video_url", "changed_at", "sequence"])
    record("room_set", mock, by=by, at=at)
    if mock.is_agreed:
        for seat in seats_of(mock):
            tell_of_mock(seat.member, Notice.Kind.CHANGED, mock, at, by=by.pk)
    return mock


@transaction.atomic
def release_silent(*, mock_id: int, at: datetime) -> bool:
    """Give the seats of a mock back that was not confirmed four hours before; tells both.

    Says whether it did. Who confirmed loses nothing; who was silent has changed late.
    """
    mock = _lock_if_free(mock_id)
    if mock is None or mock.state != MockState.ACCEPTED:
        return False
    if at < mock.starts_at - promises.RELEASE_BEFORE:
        return False
    silent = [seat for seat in seats_of(mock) if not seat.confirmed_at]
    swap_state(mock, MockState.EXPIRED, at=at, by=None, silent=[seat.member_id for seat in silent])
    for seat in silent:
        settle(mock, seat.member, Seat.Outcome.LATE_CHANGE, at)
    _give_back(
        mock, Notice.Kind.RELEASED, at, silent=[str(seat.member.public_id) for seat in silent]
    )
    close_open(mock, at)
    loyal = [seat.member for seat in seats_of(mock) if seat.confirmed_at]
    reopen_requests(mock, at=at, only=loyal)
    return True


@transaction.atomic
def lapse(*, mock_id: int, at: datetime) -> bool:
    """Let a proposal go whose time has come without an answer. Says whether it did.

    What was agreed stays; a move of it that nobody answered is off as soon as either time comes.
    """
    mock = _lock_if_free(mock_id)
    if mock is None:
        return False
    standing = Proposal.objects.filter(mock=mock, state="open").first()
    if mock.state != MockState.PROPOSED:
        is_over = standing is not None and min(mock.starts_at, standing.starts_at) <= at
        return bool(close_open(mock, at)) if is_over else False
    if standing is not None and standing.starts_at > at:
        return False
    close_open(mock, at)
    swap_state(mock, MockState.EXPIRED, at=at, by=None)
    for seat in seats_of(mock):
        if standing and seat.accepted_id == standing.pk:
            _tell_of_proposal(seat.member, Notice.Kind.LAPSED, mock, standing, at)
    reopen_requests(mock, at=at)
    return True


@transaction.atomic
def desert(*, mock_id: int, at: datetime) -> bool:
    """Call off a mock of somebody whose account was closed; nobody is blamed. Says whether."""
    mock = _lock_if_free(mock_id)
    if mock is None:
        return False
    gone = next((seat.member for seat in seats_of(mock) if not seat.member.is_active), None)
    if gone is None:
        return False
    if mock.state == MockState.PROPOSED:
        close_open(mock, at)
        swap_state(mock, MockState.EXPIRED, at=at, by=None)
        reopen_requests(mock, at=at, but=gone)
        return True
    if mock.state not in {MockState.ACCEPTED, MockState.CONFIRMED} or mock.ends_at <= at:
        return False
    cancel(mock=mock, by=gone, at=at, is_blameless=True)
    return True


def due_to_settle(at: datetime) -> list[tuple[str, int]]:
    """Return what is to be done: pairs of "release", "lapse" or "desert" and a mock's id."""
    silent = Mock.objects.filter(
        state=MockState.ACCEPTED, starts_at__lte=at + promises.RELEASE_BEFORE
    )
    deserted = Mock.objects.filter(
        state__in=[MockState.PROPOSED, MockState.ACCEPTED, MockState.CONFIRMED],
        seats__member__is_active=False,
        ends_at__gt=at,
    )
    unanswered = Mock.objects.filter(
        Q(state=MockState.PROPOSED, starts_at__lte=at)
        | Q(proposals__state="open", proposals__starts_at__lte=at)
    ).distinct()
    return [
        *(("release", pk) for pk in silent.values_list("pk", flat=True)),
        *(("lapse", pk) for pk in unanswered.values_list("pk", flat=True)),
        *(("desert", pk) for pk in deserted.values_list("pk", flat=True)),
    ]


# Prompts


def unseen_prompts(candidate: User, round_: Round) -> list[Prompt]:
    """Return the prompts of a round that a person has not met, nor waits for in another mock."""
    version = version_in_force(round_.round_kind)
    if version is None:
        return []
    met = {
        *prompts_met(candidate, round_.round_kind),
        *prompts_in_mocks(candidate, round_.round_kind),
    }
    return [prompt for prompt in version.prompts.order_by("position") if prompt.key not in met]


def draw_for(turn: Turn, *, but: Iterable[str] = ()) -> Prompt:
    """Draw a prompt that the candidate has not met, by chance that the mock's id fixes.

    One with a kit comes before one without, and one that the interviewer has met before one
    that they could still answer themselves. Raises NoUnseenPrompt.
    """
    out = set(but)
    prompts = [one for one in unseen_prompts(turn.candidate, turn.round) if one.key not in out]
    if not prompts:
        raise NoUnseenPrompt
    known = prompts_met(turn.interviewer, turn.round.round_kind)

    def place(prompt: Prompt) -> tuple[bool, bool, str]:
        seed = f"{turn.mock.public_id}:{turn.position}:{prompt.key}"
        chance = hashlib.sha256(seed.encode()).hexdigest()
        return (not prompt.has_kit, prompt.key not in known, chance)

    return min(prompts, key=place)


def draw_prompts(mock: Mock) -> None:
    """Give each turn of a mock its prompt, no two the same.

    Who has fewer left draws first, so that nobody takes the only one that the other has.
    """
    drawn: list[str] = []
    turns = mock.turns.select_related("mock", "candidate", "interviewer", "round__round_kind")
    for turn in sorted(turns, key=lambda one: len(unseen_prompts(one.candidate, one.round))):
        turn.prompt = draw_for(turn, but=drawn)
        turn.rubric_version_id = turn.prompt.version_id
        turn.save(update_fields=["prompt", "rubric_version"])
        drawn.append(turn.prompt.key)


# What several of them share


def swap_state(mock: Mock, to: MockState, *, at: datetime, by: User | None, **data: object) -> None:
    """Move a mock on, by compare-and-swap, and write the event. Raises MockChanged."""
    before = MockState(mock.state)
    check_move(MOCK_MOVES, before, to)
    moved = Mock.objects.filter(pk=mock.pk, state=before).update(state=to, state_at=at)
    if not moved:
        raise MockChanged
    mock.state, mock.state_at = Mock.State(to.value), at
    record(to.value, mock, by=by, at=at, before=before.value, **data)


def settle(mock: Mock, person: User, outcome: str, at: datetime) -> None:
    """Write down what became of a person's promise; what is written stays."""
    Seat.objects.filter(mock=mock, member=person, outcome="").update(outcome=outcome, outcome_at=at)


def close_proposal(proposal: Proposal, state: str, at: datetime) -> None:
    """Write down what became of a proposal that was open."""
    proposal.state = state
    proposal.answered_at = at
    proposal.save(update_fields=["state", "answered_at"])


def take_down(proposal: Proposal, at: datetime) -> None:
    """Hide what was told of a proposal and not read yet, and keep its mail back."""
    told = Notice.objects.filter(subject=f"proposal:{proposal.pk}", read_at=None)
    told.update(withdrawn_at=at)
    told.filter(mail_state=Notice.Mail.WAITING).update(mail_state=Notice.Mail.SKIPPED)


def hold_pair(one: User, other: User) -> None:
    """Wait, until the transaction ends, for whoever else is bringing these two together or apart.

    Without it a block and a mock that are made in the same moment would not see each other.
    """
    first, second = sorted((one.pk, other.pk))
    _take_turns(f"pair:{first}:{second}")


def _take_turns(name: str) -> None:
    """Wait for who holds the name, and hold it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def free_seats(mock: Mock) -> None:
    """Give both seats back."""
    for seat in seats_of(mock):
        if seat.is_held:
            seat.is_held = False
            seat.save(update_fields=["is_held"])


def lock(mock: Mock) -> Mock:
    """Lock a mock: whoever changes it waits here for whoever does."""
    return Mock.objects.select_for_update(of=("self",)).select_related("cohort").get(pk=mock.pk)


def seats_of(mock: Mock) -> list[Seat]:
    """Return both seats in ascending order of their members: the order in which they are taken."""
    return list(mock.seats.select_related("member", "member__mock_limits").order_by("member_id"))


def reopen_requests(
    mock: Mock, *, at: datetime, but: User | None = None, only: Sequence[User] | None = None
) -> None:
    """Put those back into the pool whose mock will not be, unless they have asked anew."""
    for request in mock.requests.select_related("user"):
        if but is not None and request.user_id == but.pk:
            continue
        if only is not None and request.user not in only:
            continue
        asked_anew = MatchRequest.objects.filter(
            user=request.user, cohort=request.cohort_id, state=MatchRequest.State.OPEN
        )
        if not asked_anew.exists():
            request.state = MatchRequest.State.OPEN
            request.closed_at = None
            request.mock = None
            request.save(update_fields=["state", "closed_at", "mock"])


def hold_seat(seat: Seat, period: Period) -> None:
    """Take one seat for a period, with the gap its member keeps, and note what they saw.

    One booking of a member at a time: two that enter overlapping seats in the same instant would
    each wait for the other's end, which PostgreSQL calls a deadlock. So callers take seats in
    ascending order of members. The constraint has the last word all the same.
    """
    _take_turns(f"member:{seat.member_id}")
    zone = seat.member.time_zone
    gap = limits_of(getattr(seat.member, "mock_limits", None), seat.member).gap_minutes
    seat.starts_at = period.starts_at
    seat.ends_at = period.ends_at + timedelta(minutes=gap)
    seat.is_held = True
    seat.time_zone = zone
    seat.local_start = period.starts_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    seat.is_bad_hour = is_bad_hour(period, zone)
    seat.save(
        update_fields=[
            "starts_at",
            "ends_at",
            "is_held",
            "time_zone",
            "local_start",
            "is_bad_hour",
        ]
    )


def remind(mock: Mock, seats: Sequence[Seat], at: datetime) -> None:
    """Write the reminders of an agreed mock that still lie ahead."""
    for seat in seats:
        if not seat.confirmed_at:
            tell_of_mock(
                seat.member,
                Notice.Kind.CONFIRM,
                mock,
                at,
                due_at=mock.starts_at - promises.CONFIRM_BEFORE,
                useful_until=mock.starts_at - promises.RELEASE_BEFORE,
            )
        if at < mock.starts_at - promises.REMIND_BEFORE:
            tell_of_mock(
                seat.member,
                Notice.Kind.REMINDER,
                mock,
                at,
                due_at=mock.starts_at - promises.REMIND_BEFORE,
                useful_until=mock.starts_at,
            )


def tell_of_mock(
    person: User,
    kind: str,
    mock: Mock,
    at: datetime,
    *,
    due_at: datetime | None = None,
    useful_until: datetime | None = None,
    **data: Any,
) -> Notice:
    """Tell a person of a mock as it is in this edition; calendars know editions as SEQUENCE."""
    return tell(
        person,
        kind,
        f"mock:{mock.pk}:{mock.sequence}",
        mock=mock,
        at=at,
        due_at=due_at,
        useful_until=useful_until,
        sequence=mock.sequence,
        starts_at=mock.starts_at.isoformat(),
        ends_at=mock.ends_at.isoformat(),
        video_url=mock.video_url,
        **data,
    )


def _tell_of_proposal(
    person: User, kind: str, mock: Mock, proposal: Proposal, at: datetime
) -> Notice:
    return tell(
        person,
        kind,
        f"proposal:{proposal.pk}",
        mock=mock,
        at=at,
        useful_until=max(proposal.starts_at, at + timedelta(hours=1)),
        proposal=str(proposal.public_id),
        starts_at=proposal.starts_at.isoformat(),
        ends_at=proposal.ends_at.isoformat(),
    )


def _add_turns(mock: Mock, plans: Sequence[TurnPlan]) -> None:
    known = round_minutes([plan.round for plan in plans])
    last = mock.turns.count()
    Turn.objects.bulk_create(
        Turn(
            mock=mock,
            position=position,
            candidate=plan.candidate,
            interviewer=plan.interviewer,
            round=plan.round,
            minutes=known[plan.round.pk],
        )
        for position, plan in enumerate(plans, start=last + 1)
    )


def _put_forward(mock: Mock, period: Period, *, by: User | None, at: datetime) -> Proposal:
    proposal = Proposal.objects.create(
        mock=mock,
        by=by,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        made_at=at,
    )
    if by is not None:
        mock.seats.filter(member=by).update(accepted=proposal)
    return proposal


def _may_swap(mock: Mock, by: User) -> bool:
    """Say whether the person is offered to answer a round of their own as well."""
    is_asked = mock.asked_by_id is not None and mock.asked_by_id != by.pk
    return mock.wants_swap and is_asked and mock.state == MockState.PROPOSED


def _settle_swap(mock: Mock, by: User, round_: Round | None) -> int:
    """Give the partner their own turn, or none; return how many minutes the mock takes."""
    mock.turns.filter(candidate=by).delete()
    first = mock.turns.select_related("round", "candidate").get()
    rounds = [first.round]
    if round_ is not None:
        if round_.loop.member_id != by.pk or round_.loop.cohort_id != mock.cohort_id:
            raise NotOwnRound
        if not unseen_prompts(by, round_):
            raise NoUnseenPrompt
        rounds.append(round_)
        _add_turns(mock, [TurnPlan(by, first.candidate, round_)])
    return minutes_of(rounds)


def _take_seats(mock: Mock, seats: Sequence[Seat], proposal: Proposal) -> None:
    """Take both seats, in ascending order of members."""
    period = Period(proposal.starts_at, proposal.ends_at)
    for seat in seats:
        hold_seat(seat, period)


def _agree(mock: Mock, seats: Sequence[Seat], *, by: User, at: datetime) -> None:
    period = seats[0].accepted
    if period is None:
        raise MockChanged
    mock.starts_at, mock.ends_at = period.starts_at, period.ends_at
    mock.agreed_at = mock.changed_at = at
    mock.wants_swap = mock.turns.count() > 1
    mock.save(update_fields=["starts_at", "ends_at", "agreed_at", "changed_at", "wants_swap"])
    is_confirmed = promises.is_confirmed_by_agreeing(mock.starts_at, at)
    to = MockState.CONFIRMED if is_confirmed else MockState.ACCEPTED
    swap_state(mock, to, at=at, by=by)
    _note_confirmed(seats, at if is_confirmed else None)
    draw_prompts(mock)
    for seat in seats:
        tell_of_mock(seat.member, Notice.Kind.AGREED, mock, at)
    _has_read(by, mock, at)
    remind(mock, seats, at)


def _move(mock: Mock, seats: Sequence[Seat], proposal: Proposal, *, by: User, at: datetime) -> None:
    was = mock.starts_at
    if promises.is_late(was, at):
        mover = proposal.by_id
        mock.seats.filter(member=mover).update(has_moved_late=True)
    mock.seats.update(arrived_at=None)  # who had come early comes again
    take_back(mock.notices.filter(kind__in=["confirm", "reminder"]), at=at)
    mock.starts_at, mock.ends_at = proposal.starts_at, proposal.ends_at
    mock.sequence += 1
    mock.changed_at = at
    mock.save(update_fields=["starts_at", "ends_at", "sequence", "changed_at"])
    record("moved", mock, by=by, at=at, was=was.isoformat(), to=mock.starts_at.isoformat())
    is_confirmed = promises.is_confirmed_by_agreeing(mock.starts_at, at)
    _note_confirmed(seats, at if is_confirmed else None)
    to = MockState.CONFIRMED if is_confirmed else MockState.ACCEPTED
    if to != mock.state:
        swap_state(mock, to, at=at, by=by)
    for seat in seats:
        tell_of_mock(seat.member, Notice.Kind.MOVED, mock, at, was=was.isoformat())
    _has_read(by, mock, at)
    remind(mock, seats, at)


def _has_read(person: User, mock: Mock, at: datetime) -> None:
    """Count nothing as unread that somebody has just answered, or done themselves."""
    Notice.objects.unread(at).filter(person=person, mock=mock).order_by().update(read_at=at)


def _note_confirmed(seats: Sequence[Seat], at: datetime | None) -> None:
    for seat in seats:
        seat.confirmed_at = at
        seat.save(update_fields=["confirmed_at"])


def _give_back(mock: Mock, kind: str, at: datetime, **data: Any) -> None:
    """Free the seats of a mock that will not be, and tell both, calendars included."""
    free_seats(mock)
    take_back(mock.notices.filter(kind__in=["confirm", "reminder"]), at=at)
    close_open(mock, at)
    mock.sequence += 1
    mock.changed_at = at
    mock.save(update_fields=["sequence", "changed_at"])
    for seat in seats_of(mock):
        tell_of_mock(seat.member, kind, mock, at, **data)


def _lock_if_free(mock_id: int) -> Mock | None:
    free = Mock.objects.select_for_update(of=("self",), skip_locked=True).select_related("cohort")
    return free.filter(pk=mock_id).first()


def _lock_open(mock: Mock, proposal: Proposal) -> tuple[Mock, Proposal]:
    mock = lock(mock)
    proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
    if not proposal.is_open or not mock.is_live:
        raise MockChanged
    return mock, proposal


def close_open(mock: Mock, at: datetime) -> int:
    """Let the open proposal of a mock go; return how many there were."""
    return mock.proposals.filter(state="open").update(state="expired", answered_at=at)


def _check_meeting(one: User, other: User, cohort: Cohort) -> None:
    """Refuse where the two may not meet: a block, somebody who has left or is not active."""
    hold_pair(one, other)
    is_parted = Block.objects.between(one, other).exists()
    both = Membership.objects.filter(cohort=cohort, user__in=[one, other], user__is_active=True)
    if is_parted or one == other or both.count() != 2:
        raise NotMeeting


def _check_open(
    asker: User, partner: User, period: Period, at: datetime, *, but: Mock | None = None
) -> None:
    """Refuse a time that the page would not have offered."""
    hours = hours_of([asker, partner], at, but=but)
    own = hours[asker.pk]
    own = own if has_hours(own) else any_time(own)
    if not (is_open(own, period, at) and is_open(hours[partner.pk], period, at)):
        raise SlotGone
