"""The evening of a mock: prepare, arrive, begin and end a turn, finish; or nobody came.

Who is left alone loses no evening: one press calls a standby partner, or makes the slot a
recorded take that comes first in the queue.
"""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from loops import promises
from loops.actions import bookings, practice
from loops.actions.bookings import (
    MockChanged,
    NotMeeting,
    NoUnseenPrompt,
    TurnPlan,
    lock,
    once_more,
    seats_of,
    swap_state,
)
from loops.actions.events import record
from loops.actions.notices import take_back
from loops.errors import Refused
from loops.hours import Period
from loops.models import (
    Attempt,
    Event,
    Mock,
    Notice,
    PromptExposure,
    Round,
    Seat,
    Standby,
    Turn,
    User,
)
from loops.queries.availability import partners_of
from loops.queries.practice import prompts_met
from loops.queries.turns import ready_to_replace
from loops.states import AttemptState, MockState

STANDBY_STEP_MINUTES = 5
STANDBY_HOURS_MOST = 4


class NotYet(Refused):
    """The mock is not open yet."""

    code = "not_yet"
    message = _("The session opens a quarter of an hour before the start. Nothing was changed.")


class StillGrace(Refused):
    """Ten minutes' grace are everybody's."""

    code = "still_grace"
    message = _(
        "Your partner has ten minutes' grace. Nothing was changed; the button works after that."
    )


class PartnerIsHere(Refused):
    """Who has arrived is not absent."""

    code = "partner_is_here"
    message = _("Your partner has arrived meanwhile. Nothing was changed.")


class ArriveFirst(Refused):
    """Only who is there can say that somebody else is not."""

    code = "arrive_first"
    message = _("Say first that you are here. Nothing was changed.")


class NobodyOnStandby(Refused):
    """There is nobody to call."""

    code = "nobody_on_standby"
    message = _(
        "Nobody is on standby any more. Your slot is kept: record your answer alone, and it "
        "comes first in the queue."
    )


class RoundMissing(Refused):
    """Somebody has to answer."""

    code = "round_missing"
    status = 422
    message = _("Choose which of your rounds you want to answer. Nothing was changed.")


@transaction.atomic
def open_kit(*, turn: Turn, by: User, at: datetime) -> None:
    """Remember that the interviewer has met the prompt with its kit."""
    if turn.prompt is not None:
        practice.expose(user=by, prompt=turn.prompt, role=PromptExposure.Role.INTERVIEWER, at=at)


@transaction.atomic
def prepare(*, turn: Turn, by: User, at: datetime) -> Turn:
    """Keep the interviewer's word that they have read the kit; given twice, the first counts."""
    turn = Turn.objects.select_for_update(of=("self",)).get(pk=turn.pk)
    if turn.prepared_at is None:
        turn.prepared_at = at
        turn.save(update_fields=["prepared_at"])
        record("prepared", turn, by=by, at=at)
    return turn


@transaction.atomic
def arrive(*, mock: Mock, by: User, at: datetime) -> Mock:
    """Say that one is here; when both are, the mock runs."""
    mock = lock(mock)
    seats = seats_of(mock)
    own = next(seat for seat in seats if seat.member_id == by.pk)
    if own.arrived_at and mock.state in {MockState.CONFIRMED, MockState.RUNNING}:
        return mock
    if mock.state == MockState.ACCEPTED and at >= mock.starts_at - promises.RELEASE_BEFORE:
        raise MockChanged  # it is about to be released
    if mock.state not in {MockState.ACCEPTED, MockState.CONFIRMED} or at >= mock.ends_at:
        raise MockChanged
    if at < mock.starts_at - promises.ARRIVE_BEFORE:
        raise NotYet
    own.arrived_at = at
    own.save(update_fields=["arrived_at"])
    record("arrived", mock, by=by, at=at)
    take_back(Notice.objects.filter(mock=mock, person=by, kind=Notice.Kind.REMINDER), at=at)
    if all(seat.arrived_at for seat in seats):
        swap_state(mock, MockState.RUNNING, at=at, by=by)
        bookings.close_open(mock, at)  # it begins now, not at another time
    return mock


@transaction.atomic
def begin_turn(*, turn: Turn, by: User, at: datetime) -> Turn:
    """Show the candidate their prompt and open the live answer to it; once for each turn.

    A prompt that the candidate has met since it was drawn is drawn anew.
    """
    mock = lock(turn.mock)
    turn = (
        Turn.objects.select_for_update(of=("self",))
        .select_related("candidate", "interviewer", "round__round_kind", "prompt", "attempt")
        .get(pk=turn.pk)
    )
    if turn.begun_at is not None:
        return turn
    is_another_on = mock.turns.filter(begun_at__isnull=False, ended_at=None).exists()
    if mock.state != MockState.RUNNING or is_another_on:
        raise MockChanged
    if turn.prompt is None:
        raise NoUnseenPrompt
    round_ = Round.objects.select_for_update().get(pk=turn.round_id)
    met = prompts_met(turn.candidate, turn.round.round_kind)
    if turn.prompt.key in met:
        others = mock.turns.exclude(pk=turn.pk).exclude(prompt=None)
        turn.prompt = bookings.draw_for(turn, but=others.values_list("prompt__key", flat=True))
        turn.rubric_version_id = turn.prompt.version_id
        record("redrawn", turn, by=by, at=at, prompt=turn.prompt.key)
    practice.expose(
        user=turn.interviewer, prompt=turn.prompt, role=PromptExposure.Role.INTERVIEWER, at=at
    )
    turn.attempt = practice.open_attempt(
        round_=round_,
        prompt=turn.prompt,
        kind=Attempt.Kind.LIVE,
        by=turn.candidate,
        at=at,
    )
    turn.begun_at = at
    turn.save(update_fields=["prompt", "rubric_version", "attempt", "begun_at"])
    record("begun", turn, by=by, at=at)
    return turn


@transaction.atomic
def end_turn(*, turn: Turn, by: User, at: datetime) -> Turn:
    """End a turn, so that the next may begin."""
    turn = Turn.objects.select_for_update(of=("self",)).get(pk=turn.pk)
    if turn.begun_at is not None and turn.ended_at is None:
        turn.ended_at = at
        turn.save(update_fields=["ended_at"])
        record("ended", turn, by=by, at=at)
    return turn


@transaction.atomic
def finish(*, mock: Mock, by: User | None, at: datetime) -> Mock:
    """End a mock that was held: both have kept their promise."""
    mock = lock(mock)
    if mock.state == MockState.DONE:
        return mock
    if mock.state != MockState.RUNNING:
        raise MockChanged
    begun = mock.turns.filter(begun_at__isnull=False, ended_at=None)
    begun.update(ended_at=at)
    swap_state(mock, MockState.DONE, at=at, by=by)
    for seat in seats_of(mock):
        outcome = Seat.Outcome.LATE_CHANGE if seat.has_moved_late else Seat.Outcome.KEPT
        bookings.settle(mock, seat.member, outcome, at)
    return mock


@transaction.atomic
def close_over(*, mock_id: int, at: datetime) -> bool:
    """Close a mock whose time is over. Says whether it did.

    One that ran was held. Of one that did not, nobody was reported absent in time, so it
    lapses and counts for neither.
    """
    mock = Mock.objects.select_for_update(skip_locked=True).filter(pk=mock_id).first()
    if mock is None or at < mock.ends_at + promises.CLOSE_AFTER:
        return False
    if mock.state == MockState.RUNNING:
        finish(mock=mock, by=None, at=at)
        return True
    if mock.state == MockState.CONFIRMED:
        swap_state(mock, MockState.EXPIRED, at=at, by=None)
        bookings.free_seats(mock)
        bookings.close_open(mock, at)
        return True
    return False


def due_to_close(at: datetime) -> list[int]:
    """Return the mocks whose time is over."""
    over = Mock.objects.filter(
        state__in=[MockState.RUNNING, MockState.CONFIRMED],
        ends_at__lte=at - promises.CLOSE_AFTER,
    )
    return list(over.values_list("pk", flat=True))


@once_more
@transaction.atomic
def absent_then_standby(*, mock: Mock, by: User, at: datetime) -> Mock:
    """Report the partner absent and go on with somebody on standby; returns the new mock."""
    mock = _report_absent(mock, by=by, at=at)
    known = Mock.objects.filter(replaces=mock).first()
    if known:
        return known
    if mock.state == MockState.CONVERTED:
        raise MockChanged
    for standby in ready_to_replace(mock, by, at):
        plans = _plans_with(mock, by, standby)
        bookings.hold_pair(by, standby.user)
        if not (plans and partners_of(by, mock.cohort).filter(pk=standby.user_id).exists()):
            continue
        if _is_free(standby.user, _at_once(plans, at)):
            return _meet(plans, standby, by=by, at=at, replaces=mock)
    raise NobodyOnStandby


@transaction.atomic
def absent_then_alone(
    *, mock: Mock, by: User, at: datetime, round_: Round | None = None
) -> Attempt:
    """Report the partner absent and make the slot a recorded take with priority in the queue.

    A candidate answers the prompt that was drawn for the mock. Who would have interviewed
    names a `round_` of their own. Said again it is the same take; raises MockChanged where
    somebody on standby has been called instead.
    """
    mock = _report_absent(mock, by=by, at=at)
    turn = mock.turns.filter(candidate=by).select_related("round", "prompt", "attempt").first()
    known = _take_made_of(mock, by)
    if known is not None:
        return known
    if mock.state == MockState.CONVERTED or Mock.objects.filter(replaces=mock).exists():
        raise MockChanged
    if turn is not None and turn.prompt is not None:
        attempt = _take_of(turn, by=by, at=at)
    elif round_ is not None:
        attempt = practice.start_attempt(round_=round_, by=by, at=at)
        attempt.has_priority = True
        attempt.save(update_fields=["has_priority"])
    else:
        raise RoundMissing
    swap_state(mock, MockState.CONVERTED, at=at, by=by, attempt=attempt.pk)
    return attempt


@once_more
@transaction.atomic
def meet_now(*, standby: Standby, round_: Round | None, by: User, at: datetime) -> Mock:
    """Begin a mock with somebody who is on standby, at the next five minutes.

    One's own `round_` is the first turn; where the other has named a round too, roles swap.
    """
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    known = Mock.objects.filter(
        asked_by=by,
        origin=Mock.Origin.STANDBY,
        state__in=MockState.agreed(),
        seats__member=standby.user_id,
        ends_at__gt=at,
    ).first()
    if known:
        return known
    bookings.hold_pair(by, standby.user)
    current = Standby.objects.ready(at).filter(user=standby.user_id).first()
    if current is None or not partners_of(by, current.cohort).filter(pk=current.user_id).exists():
        raise NotMeeting
    if round_ is not None and round_.loop.cohort_id != current.cohort_id:
        raise NotMeeting  # on standby in another cohort than the one that the page showed
    plans = []
    if round_ is not None:
        plans.append(TurnPlan(by, current.user, round_))
    if current.round is not None:
        plans.append(TurnPlan(current.user, by, current.round))
    if not plans:
        raise RoundMissing
    return _meet(plans, current, by=by, at=at)


def _report_absent(mock: Mock, *, by: User, at: datetime) -> Mock:
    """Note that the partner did not come within ten minutes. Both seats are free again."""
    mock = lock(mock)
    seats = seats_of(mock)
    own = next(seat for seat in seats if seat.member_id == by.pk)
    other = next(seat for seat in seats if seat is not own)
    if mock.state in {MockState.NO_SHOW, MockState.CONVERTED} and other.outcome == "no_show":
        return mock
    if mock.state == MockState.RUNNING or other.arrived_at:
        raise PartnerIsHere
    if mock.state != MockState.CONFIRMED:
        raise MockChanged
    if not own.arrived_at:
        raise ArriveFirst
    if at < mock.starts_at + promises.GRACE:
        raise StillGrace
    swap_state(mock, MockState.NO_SHOW, at=at, by=by, absent=other.member_id)
    bookings.settle(mock, other.member, Seat.Outcome.NO_SHOW, at)
    bookings.settle(mock, by, Seat.Outcome.KEPT, at)
    bookings.free_seats(mock)
    bookings.close_open(mock, at)
    bookings.tell_of_mock(other.member, Notice.Kind.ABSENT, mock, at)
    return mock


def _take_made_of(mock: Mock, by: User) -> Attempt | None:
    """Return the take that a mock became when its partner did not come, if it did."""
    told = Event.objects.filter(
        verb=MockState.CONVERTED.value, subject=Mock._meta.label_lower, subject_id=mock.pk
    )
    ids = list(told.values_list("data__attempt", flat=True))
    return Attempt.objects.filter(pk__in=ids, round__loop__member=by).first()


def _plans_with(mock: Mock, by: User, standby: Standby) -> list[TurnPlan]:
    """Put the standby partner in the absent one's chair."""
    plans = [
        TurnPlan(by, standby.user, turn.round)
        for turn in mock.turns.filter(candidate=by).select_related("round__round_kind")
    ]
    has_interviewed = mock.turns.filter(interviewer=by).exists()
    if standby.round is not None and (has_interviewed or not plans):
        plans.append(TurnPlan(standby.user, by, standby.round))
    return plans


def _meet(
    plans: list[TurnPlan],
    standby: Standby,
    *,
    by: User,
    at: datetime,
    replaces: Mock | None = None,
) -> Mock:
    """Make a confirmed mock that begins at the next five minutes, and call the partner."""
    period = _at_once(plans, at)
    mock = bookings.lay_out(
        cohort=standby.cohort,
        people=(by, standby.user),
        plans=plans,
        period=period,
        origin=Mock.Origin.STANDBY,
        at=at,
        by=by,
        wants_swap=len(plans) > 1,
    )
    for seat in seats_of(mock):
        seat.confirmed_at = at
        seat.save(update_fields=["confirmed_at"])
        bookings.hold_seat(seat, period)
    mock.agreed_at = at
    mock.replaces = replaces
    if replaces is not None:
        mock.video_url = replaces.video_url
    mock.save(update_fields=["agreed_at", "replaces", "video_url"])
    swap_state(mock, MockState.CONFIRMED, at=at, by=by)
    bookings.draw_prompts(mock)
    Standby.objects.filter(pk=standby.pk).delete()
    Standby.objects.filter(user=by).delete()
    bookings.tell_of_mock(standby.user, Notice.Kind.STANDBY, mock, at, useful_until=period.ends_at)
    bookings.tell_of_mock(by, Notice.Kind.AGREED, mock, at)
    return mock


def _at_once(plans: list[TurnPlan], at: datetime) -> Period:
    """Return the time that these turns take from the next five minutes on."""
    step_s = STANDBY_STEP_MINUTES * 60
    starts_at = at + timedelta(seconds=-int(at.timestamp()) % step_s)
    starts_at = starts_at.replace(microsecond=0).astimezone(UTC)
    minutes = bookings.minutes_of(plan.round for plan in plans)
    return Period(starts_at, starts_at + timedelta(minutes=minutes))


def _is_free(user: User, period: Period) -> bool:
    """Say whether the person holds no seat in that time; the constraint has the last word."""
    held = Seat.objects.filter(member=user, is_held=True, starts_at__lt=period.ends_at)
    return not held.filter(ends_at__gt=period.starts_at).exists()


def _take_of(turn: Turn, *, by: User, at: datetime) -> Attempt:
    """Open a recorded answer to the prompt of a turn; a draft that stands in its way is used."""
    round_ = Round.objects.select_for_update().get(pk=turn.round_id)
    draft = (
        round_.attempts.answers()
        .filter(state=AttemptState.DRAFT)
        .exclude(kind=Attempt.Kind.LIVE)
        .order_by(F("number").desc())
        .first()
    )
    if draft is not None:
        draft.has_priority = True
        draft.save(update_fields=["has_priority"])
        return draft
    if turn.prompt is None:
        raise NoUnseenPrompt
    return practice.open_attempt(
        round_=round_,
        prompt=turn.prompt,
        kind=Attempt.Kind.RECORDED,
        has_priority=True,
        by=by,
        at=at,
    )


@transaction.atomic
def stand_by(
    *, by: User, until: datetime, round_: Round | None, cohort_id: int, at: datetime
) -> Standby:
    """Say that one is ready right now, until some hours from now."""
    latest = at + timedelta(hours=STANDBY_HOURS_MOST)
    standby, _is_new = Standby.objects.update_or_create(
        user=by,
        defaults={
            "cohort_id": cohort_id,
            "round": round_,
            "since": at,
            "until": min(until, latest),
        },
    )
    record("stood_by", standby, by=by, at=at)
    return standby


@transaction.atomic
def stand_down(*, by: User, at: datetime) -> None:
    """Be ready no longer."""
    Standby.objects.filter(user=by).delete()
