"""Change when a person can be met: weekly hours, days of their own, days away, limits, blocks.

No mock that is agreed moves or ends by a change of hours. A block is another matter: it parts two
people at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from loops.actions.bookings import (
    cancel,
    decline,
    hold_pair,
    once_more,
    take_back_proposal,
)
from loops.actions.events import record
from loops.errors import Refused
from loops.models import Block, DayHours, DaysAway, Mock, MockLimits, Proposal, User, WeeklyHours
from loops.queries.blocks import mocks_parted
from loops.states import MockState
from loops.week import DAY, Span, Tidied, digest, tidied


class WeekChanged(Refused):
    """Somebody, most likely the same person in another window, was quicker."""

    code = "week_changed"
    message = _(
        "Your weekly hours were saved in another window after this page was opened. Nothing was "
        "overwritten: look at both and choose."
    )


@dataclass(frozen=True)
class WeekFacts:
    """What a weekly form says: its spans, their one zone and the days on which they hold."""

    spans: Sequence[Span]
    zone: str
    valid_from: date | None = None
    valid_to: date | None = None


@transaction.atomic
def save_week(*, user: User, week: WeekFacts, known: str, by: User, at: datetime) -> Tidied:
    """Put these hours in place of the person's weekly ones; returns what became of overlaps.

    `known` is the digest of the week that the form was filled in from. Raises WeekChanged when
    another one is kept by now, unless it is the very one that is asked for.
    """
    _lock(user)
    found = tidied(week.spans)
    rules = [
        (
            span.weekday,
            span.start_minute,
            span.end_minute,
            week.zone,
            week.valid_from,
            week.valid_to,
        )
        for span in found.spans
    ]
    kept = _digest_of(user)
    if kept == digest(rules):
        return found
    if kept != known:
        raise WeekChanged
    user.weekly_hours.all().delete()
    WeeklyHours.objects.bulk_create(
        WeeklyHours(
            user=user,
            weekday=span.weekday,
            start_minute=span.start_minute,
            end_minute=span.end_minute,
            time_zone=week.zone,
            valid_from=week.valid_from,
            valid_to=week.valid_to,
        )
        for span in found.spans
    )
    record("week_saved", user, by=by, at=at, was=kept, now=digest(rules))
    return found


@transaction.atomic
def follow_zone(*, user: User, was: str, zone: str, by: User, at: datetime) -> int:
    """Let weekly hours stay at the same hands of the clock in another zone; undone by the reverse.

    Returns how many spans there are. Raises WeekChanged when they are in neither zone by now.
    """
    _lock(user)
    zones = set(user.weekly_hours.values_list("time_zone", flat=True))
    if zones <= {zone}:
        return user.weekly_hours.count()
    if was not in zones:
        raise WeekChanged
    user.weekly_hours.update(time_zone=zone)
    record("hours_followed", user, by=by, at=at, was=was, now=zone)
    return user.weekly_hours.count()


@transaction.atomic
def keep_zone(*, user: User, zone: str, by: User, at: datetime) -> None:
    """Note that weekly hours stay in their zone though the person lives in another."""
    record("hours_stayed", user, by=by, at=at, hours=zone, profile=user.time_zone)


@transaction.atomic
def save_day(
    *, user: User, on: date, span: tuple[int, int] | None, zone: str, by: User, at: datetime
) -> DayHours:
    """Give one date hours of its own, in place of its weekly ones; without a span it has none.

    Several spans of a date add up, and those that overlap become one. The same one twice is one.
    """
    _lock(user)
    kept = list(user.day_hours.filter(on=on))
    if span is None:
        day = next((row for row in kept if row.start_minute is None), None)
        if day is not None and len(kept) == 1:
            return day
        user.day_hours.filter(on=on).delete()
        day = DayHours.objects.create(user=user, on=on, time_zone=zone)
    else:
        start, end = span
        met = [row for row in kept if row.time_zone == zone and _overlaps(row, start, end)]
        same = next((row for row in met if _holds(row, start, end)), None)
        if same is not None:
            return same
        spans = [(row.start_minute or 0, row.end_minute or 0) for row in met] + [span]
        start = min(first for first, _last in spans)
        end = min(max(last for _first, last in spans), start + DAY)
        gone = [row.pk for row in kept if row in met or row.start_minute is None]
        user.day_hours.filter(pk__in=gone).delete()
        day = DayHours.objects.create(
            user=user, on=on, start_minute=start, end_minute=end, time_zone=zone
        )
    record("day_saved", user, by=by, at=at, on=on.isoformat())
    return day


@transaction.atomic
def remove_day(*, day: DayHours, by: User, at: datetime) -> int:
    """Take back what one date had of its own; returns how much of it is left."""
    _lock(day.user)
    gone, _rows = DayHours.objects.filter(pk=day.pk).delete()
    if gone:
        record("day_removed", day.user, by=by, at=at, on=day.on.isoformat())
    return DayHours.objects.filter(user=day.user_id, on=day.on).count()


@transaction.atomic
def add_days_away(
    *, user: User, from_on: date, to_on: date, note: str, zone: str, by: User, at: datetime
) -> DaysAway:
    """Black out whole days, both dates included; the same days again change their note."""
    _lock(user)
    away, is_new = DaysAway.objects.get_or_create(
        user=user, from_on=from_on, to_on=to_on, time_zone=zone, defaults={"note": note}
    )
    if not is_new and away.note != note:
        away.note = note
        away.save(update_fields=["note"])
    if is_new:
        record("away_added", away, by=by, at=at)
    return away


@transaction.atomic
def remove_days_away(*, away: DaysAway, by: User, at: datetime) -> None:
    """Be there after all."""
    _lock(away.user)
    if DaysAway.objects.filter(pk=away.pk).exists():
        record("away_removed", away, by=by, at=at)
        DaysAway.objects.filter(pk=away.pk).delete()


@transaction.atomic
def save_limits(
    *,
    user: User,
    notice_minutes: int,
    horizon_days: int,
    most_a_day: int,
    most_a_week: int,
    gap_minutes: int,
    by: User,
    at: datetime,
) -> MockLimits:
    """Keep how soon, how far ahead and how often the person wants mocks.

    A seat that is held keeps the gap with which it was taken.
    """
    _lock(user)
    facts = {
        "notice_minutes": notice_minutes,
        "horizon_days": horizon_days,
        "most_a_day": most_a_day,
        "most_a_week": most_a_week,
        "gap_minutes": gap_minutes,
    }
    limits, _is_new = MockLimits.objects.update_or_create(user=user, defaults=facts)
    record("limits_saved", limits, by=by, at=at, **facts)
    return limits


@once_more
@transaction.atomic
def block(*, whom: User, by: User, at: datetime) -> Block:
    """Part two people: they meet no more until it is taken back, and nobody is told of it.

    What they had agreed and has not begun is cancelled without blame; what was proposed between
    them is answered like any other. Blocking twice is blocking once.
    """
    list(
        mocks_parted(by, whom, at).select_for_update(of=("self",))
    )  # as accepting: mock, then pair
    hold_pair(by, whom)
    made, is_new = Block.objects.get_or_create(by=by, whom=whom, defaults={"at": at})
    if is_new:
        record("blocked", made, by=by, at=at, whom=whom.pk)
    for mock in mocks_parted(by, whom, at).select_for_update(of=("self",)):
        if mock.state == MockState.PROPOSED:
            _answer_open(mock, by=by, at=at)
        else:
            cancel(mock=mock, by=by, at=at, is_blameless=True)
    return made


@transaction.atomic
def unblock(*, whom: User, by: User, at: datetime) -> bool:
    """Take a block of one's own back; says whether there was one. A block by the other stays."""
    hold_pair(by, whom)
    made = Block.objects.filter(by=by, whom=whom).first()
    if made is None:
        return False
    record("unblocked", made, by=by, at=at, whom=whom.pk)
    made.delete()
    return True


def _lock(user: User) -> None:
    """Let one window after the other change a person's hours."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _digest_of(user: User) -> str:
    return digest(
        user.weekly_hours.values_list(
            "weekday", "start_minute", "end_minute", "time_zone", "valid_from", "valid_to"
        )
    )


def _overlaps(row: DayHours, start: int, end: int) -> bool:
    if row.start_minute is None or row.end_minute is None:
        return False
    return row.start_minute < end and start < row.end_minute


def _holds(row: DayHours, start: int, end: int) -> bool:
    if row.start_minute is None or row.end_minute is None:
        return False
    return row.start_minute <= start and end <= row.end_minute


def _answer_open(mock: Mock, *, by: User, at: datetime) -> None:
    """End a proposal as anybody would: take one's own back, decline the other's.

    So nothing parts it from a proposal that was answered for some other reason.
    """
    for proposal in Proposal.objects.filter(mock=mock, state=Proposal.State.OPEN):
        answer = take_back_proposal if proposal.by_id == by.pk else decline
        answer(mock=mock, proposal=proposal, by=by, at=at)
