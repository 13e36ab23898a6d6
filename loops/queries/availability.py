"""When people can meet: their rules and agreed mocks as loops.hours takes them, and the slots."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from loops.hours import Away, DayRule, Hours, Limits, Period, Slot, WeeklyRule, common_slots
from loops.models import (
    Block,
    Cohort,
    DayHours,
    DaysAway,
    Mock,
    MockLimits,
    Seat,
    User,
    WeeklyHours,
)

AHEAD = timedelta(days=90)
"""The farthest that anybody's horizon reaches."""


@dataclass(frozen=True)
class SlotPage:
    """The slots that two people have in common.

    `is_open_ended` says that the asker has no weekly hours of their own, so that the partner's
    alone were asked; `partner_has_hours` is false where there is nothing to offer.
    """

    slots: list[Slot]
    is_open_ended: bool
    partner_has_hours: bool


def partners_of(user: User, cohort: Cohort) -> QuerySet[User]:
    """Return those whom a member may meet: active, of the cohort, parted by no block."""
    blocks = Block.objects.filter(Q(by=user) | Q(whom=user)).values_list("by_id", "whom_id")
    parted = {one for pair in blocks for one in pair}
    return (
        User.objects.filter(memberships__cohort=cohort, is_active=True)
        .exclude(pk=user.pk)
        .exclude(pk__in=parted)
        .order_by("handle")
    )


def hours_of(people: Iterable[User], at: datetime, *, but: Mock | None = None) -> dict[int, Hours]:
    """Return the hours of each person by id; six queries, however many people.

    The seats of the mock `but` do not count as taken: it is the one to be moved.
    """
    people = list(people)
    ids = [person.pk for person in people]
    weekly: dict[int, list[WeeklyRule]] = defaultdict(list)
    for week in WeeklyHours.objects.filter(user__in=ids):
        weekly[week.user_id].append(
            WeeklyRule(
                week.weekday,
                week.start_minute,
                week.end_minute,
                week.time_zone,
                week.valid_from,
                week.valid_to,
            )
        )
    days: dict[int, list[DayRule]] = defaultdict(list)
    for day in DayHours.objects.filter(user__in=ids, on__gte=at.date() - timedelta(days=2)):
        days[day.user_id].append(DayRule(day.on, day.time_zone, day.start_minute, day.end_minute))
    away: dict[int, list[Away]] = defaultdict(list)
    for gone in DaysAway.objects.filter(user__in=ids, to_on__gte=at.date() - timedelta(days=2)):
        away[gone.user_id].append(Away(gone.from_on, gone.to_on, gone.time_zone))
    limits = {kept.user_id: kept for kept in MockLimits.objects.filter(user__in=ids)}
    taken: dict[int, list[Period]] = defaultdict(list)
    held = Seat.objects.filter(
        member__in=ids, is_held=True, mock__ends_at__gt=at - timedelta(days=8)
    ).select_related("mock")
    for seat in held.exclude(mock=but) if but else held:
        taken[seat.member_id].append(Period(seat.mock.starts_at, seat.mock.ends_at))
    return {
        person.pk: Hours(
            weekly=tuple(weekly[person.pk]),
            days=tuple(days[person.pk]),
            away=tuple(away[person.pk]),
            limits=limits_of(limits.get(person.pk), person),
            taken=tuple(sorted(taken[person.pk])),
        )
        for person in people
    }


def limits_of(kept: MockLimits | None, person: User) -> Limits:
    """Return a person's limits; without a row of their own the defaults."""
    kept = kept or MockLimits(user=person)
    return Limits(
        notice_minutes=kept.notice_minutes,
        horizon_days=kept.horizon_days,
        most_a_day=kept.most_a_day,
        most_a_week=kept.most_a_week,
        gap_minutes=kept.gap_minutes,
        zone=person.time_zone,
    )


def slots_between(
    asker: User, partner: User, *, minutes: int, at: datetime, but: Mock | None = None
) -> SlotPage:
    """Return the starts at which two people can meet for so many minutes.

    Who asks and has set no hours is taken to have time whenever the partner has: they are
    there to choose.
    """
    hours = hours_of([asker, partner], at, but=but)
    theirs = hours[partner.pk]
    own = hours[asker.pk]
    is_open_ended = not has_hours(own)
    if is_open_ended:
        own = any_time(own)
    slots = common_slots(own, theirs, minutes=minutes, window=Period(at, at + AHEAD), now=at)
    return SlotPage(slots, is_open_ended, has_hours(theirs))


def has_hours(hours: Hours) -> bool:
    """Say whether a person offers any time at all."""
    return bool(hours.weekly or any(day.start_minute is not None for day in hours.days))


def any_time(hours: Hours) -> Hours:
    """Return the hours of somebody who takes whatever the other has; limits and mocks stay."""
    week = tuple(WeeklyRule(weekday, 0, 1440, "UTC") for weekday in range(7))
    return Hours(weekly=week, away=hours.away, limits=hours.limits, taken=hours.taken)
