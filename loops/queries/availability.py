"""When people can meet: their rules and agreed mocks as loops.hours takes them, and the slots."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Func, JSONField, OuterRef, QuerySet

from loops.hours import (
    Away,
    DayRule,
    Hours,
    Limits,
    Period,
    Slot,
    WeeklyRule,
    common_slots,
    is_zone,
)
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
    blocks = Block.objects.filter(by=user, whom=OuterRef("pk")) | Block.objects.filter(
        by=OuterRef("pk"), whom=user
    )
    return (
        User.objects.filter(~Exists(blocks), memberships__cohort=cohort, is_active=True)
        .exclude(pk=user.pk)
        .order_by("handle")
    )


def hours_of(people: Iterable[User], at: datetime, *, but: Mock | None = None) -> dict[int, Hours]:
    """Return the hours of each person by id; one query, however many people.

    Hours of a zone that the data no longer know offer nothing; their owner's page says so. The
    seats of the mock `but` do not count as taken: it is the one to be moved.
    """
    people = list(people)
    recent = at.date() - timedelta(days=2)
    own = OuterRef("pk")
    held = Seat.objects.filter(
        member=own, is_held=True, mock__ends_at__gt=at - timedelta(days=8)
    ).exclude(mock=but.pk if but else None)
    told = User.objects.select_related("mock_limits").annotate(
        rules_weekly=_rows(
            WeeklyHours.objects.filter(user=own),
            "weekday",
            "start_minute",
            "end_minute",
            "time_zone",
            "valid_from",
            "valid_to",
        ),
        rules_of_days=_rows(
            DayHours.objects.filter(user=own, on__gte=recent),
            "on",
            "time_zone",
            "start_minute",
            "end_minute",
        ),
        rules_away=_rows(
            DaysAway.objects.filter(user=own, to_on__gte=recent), "from_on", "to_on", "time_zone"
        ),
        spans_taken=_rows(held, "mock__starts_at", "mock__ends_at"),
    )
    return {
        person.pk: Hours(
            weekly=tuple(
                WeeklyRule(weekday, start, end, zone, _day(valid_from), _day(valid_to))
                for weekday, start, end, zone, valid_from, valid_to in person.rules_weekly
                if is_zone(zone)
            ),
            days=tuple(
                DayRule(date.fromisoformat(on), zone, start, end)
                for on, zone, start, end in person.rules_of_days
                if is_zone(zone)
            ),
            away=tuple(
                Away(
                    date.fromisoformat(from_on),
                    date.fromisoformat(to_on),
                    zone if is_zone(zone) else person.time_zone,
                )
                for from_on, to_on, zone in person.rules_away
            ),
            limits=limits_of(getattr(person, "mock_limits", None), person),
            taken=tuple(
                sorted(
                    Period(_instant(starts_at), _instant(ends_at))
                    for starts_at, ends_at in person.spans_taken
                )
            ),
        )
        for person in told.filter(pk__in=[person.pk for person in people])
    }


def _rows(rows: QuerySet[Any], *names: str) -> ArraySubquery:
    """Return each row as a list in JSON, so that several tables come in one query."""
    listed = Func(*names, function="jsonb_build_array", output_field=JSONField())
    return ArraySubquery(rows.values_list(listed, flat=True))


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None


def _instant(written: str) -> datetime:
    return datetime.fromisoformat(written).astimezone(UTC)


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
    ahead = timedelta(days=min(own.limits.horizon_days, theirs.limits.horizon_days))
    slots = common_slots(own, theirs, minutes=minutes, window=Period(at, at + ahead), now=at)
    return SlotPage(slots, is_open_ended, has_hours(theirs))


def has_hours(hours: Hours) -> bool:
    """Say whether a person offers any time at all."""
    return bool(hours.weekly or any(day.start_minute is not None for day in hours.days))


def any_time(hours: Hours) -> Hours:
    """Return the hours of somebody who takes whatever the other has; limits and mocks stay."""
    week = tuple(WeeklyRule(weekday, 0, 1440, "UTC") for weekday in range(7))
    return Hours(weekly=week, away=hours.away, limits=hours.limits, taken=hours.taken)
