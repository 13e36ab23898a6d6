"""Reads of what may be chosen for a mock: a round, a partner, a time that both have free."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from loops.clocks import Reading, changes_told, city_of
from loops.hours import Period, Slot, clock_change
from loops.models import Cohort, Mock, Round, Turn, User
from loops.promises import Reliability
from loops.queries.availability import has_hours, hours_of, partners_of, slots_between
from loops.queries.reliability import reliability_of
from rubrics.models import RubricVersion

DAYS_SHOWN = 7


@dataclass(frozen=True)
class RoundChoice:
    """A round of one's own that could be answered; without a rubric it has no minutes."""

    round: Round
    minutes: int | None

    @property
    def loop_title(self) -> str:
        """Return the loop that the round is in."""
        return self.round.loop.title


@dataclass(frozen=True)
class PartnerChoice:
    """Somebody whom the person may meet."""

    user: User
    name: str
    reliability: Reliability
    has_hours: bool
    city: str
    time_now: str


@dataclass(frozen=True)
class ChoicePage:
    """Which round, and with whom."""

    cohorts: list[Cohort]
    cohort: Cohort | None
    rounds: list[RoundChoice]
    partners: list[PartnerChoice]


@dataclass(frozen=True)
class SlotLine:
    """A time that both have free, in the words of its tile: there are hundreds on a page.

    `value` is what the form sends: the start in UTC. `theirs` is empty where both clocks read the
    same, and has the day where it is another one. `told` says the whole of it.
    """

    value: str
    time: str
    theirs: str
    told: str
    told_theirs: str
    own_night: str
    their_night: str


@dataclass(frozen=True)
class SlotDay:
    """The times of one day of the reader's: "Monday", "23 November"."""

    weekday: str
    date: str
    slots: list[SlotLine]


@dataclass(frozen=True)
class SlotsPage:
    """The times that two people have in common, by the reader's days.

    `days_left` counts the days with times beyond those shown. `nights_hidden` counts times at
    night that are left out: who has set no hours is not offered their own nights.
    """

    days: list[SlotDay]
    days_left: int
    nights_hidden: int
    changes: list[str]
    own_city: str
    their_city: str
    name: str
    minutes: int
    is_open_ended: bool
    partner_has_hours: bool
    slots: list[Slot]


def own_rounds(user: User, cohort: Cohort | None = None) -> list[RoundChoice]:
    """Return the rounds a person may answer, of the newest loop first, with their length."""
    rounds = _with_minutes(
        Round.objects.filter(loop__member=user, loop__cohort__memberships__user=user)
    )
    if cohort is not None:
        rounds = rounds.filter(loop__cohort=cohort)
    return [_choice(one) for one in rounds]


def rounds_of_move(mock: Mock, user: User) -> tuple[list[RoundChoice], list[RoundChoice]]:
    """Return the rounds answered in a mock, and those of one's own that might be; one query."""
    is_own = Q(loop__member=user, loop__cohort=mock.cohort_id)
    rounds = _with_minutes(Round.objects.filter(is_own | Q(turns__mock=mock)).distinct())
    in_mock = ArraySubquery(Turn.objects.filter(mock=mock, round=OuterRef("pk")).values("pk"))
    found = list(rounds.annotate(turns_here=in_mock))
    return (
        [_choice(one) for one in found if one.turns_here],
        [_choice(one) for one in found if one.loop.member_id == user.pk],
    )


def _with_minutes(rounds: QuerySet[Round]) -> QuerySet[Any]:
    in_force = RubricVersion.objects.filter(round_kind=OuterRef("round_kind"), retired_at=None)
    return (
        rounds.select_related("loop__cohort", "round_kind")
        .annotate(rubric_minutes=Subquery(in_force.order_by("-edition").values("minutes")[:1]))
        .order_by("-loop__started_at", "-loop_id", "position")
    )


def _choice(round_: Any) -> RoundChoice:
    return RoundChoice(round_, round_.minutes or round_.rubric_minutes)


def choice_page(
    user: User, at: datetime, *, round_id: UUID | None = None, cohort_id: UUID | None = None
) -> ChoicePage:
    """Return rounds and partners of one cohort: that of the round, the one asked for, the newest.

    Partners with hours come first, then those who keep what they promise.
    """
    rounds = own_rounds(user)
    cohorts = list({one.round.loop.cohort_id: one.round.loop.cohort for one in rounds}.values())
    named = next((one for one in rounds if one.round.public_id == round_id), None)
    asked = next((one for one in cohorts if one.public_id == cohort_id), None)
    cohort = named.round.loop.cohort if named else asked or next(iter(cohorts), None)
    return ChoicePage(
        cohorts=cohorts,
        cohort=cohort,
        rounds=[one for one in rounds if one.round.loop.cohort_id == (cohort and cohort.pk)],
        partners=_partner_choices(user, cohort, at) if cohort else [],
    )


def _partner_choices(user: User, cohort: Cohort, at: datetime) -> list[PartnerChoice]:
    people = list(partners_of(user, cohort))
    hours, kept = hours_of(people, at), reliability_of(people, at)
    minute = Period(at, at + timedelta(minutes=1))
    choices = [
        PartnerChoice(
            user=one,
            name=cohort.called(one),
            reliability=kept[one.pk],
            has_hours=has_hours(hours[one.pk]),
            city=city_of(one.time_zone),
            time_now=Reading(minute, one.time_zone).time,
        )
        for one in people
    ]
    return sorted(choices, key=lambda one: (not one.has_hours, -one.reliability.permille, one.name))


def slots_page(
    user: User,
    partner: User,
    name: str,
    *,
    minutes: int,
    at: datetime,
    days: int = DAYS_SHOWN,
    but: Mock | None = None,
) -> SlotsPage:
    """Return the times two people have in common, the first days of them; one query."""
    found = slots_between(user, partner, minutes=minutes, at=at, but=but)
    slots = [slot for slot in found.slots if not (found.is_open_ended and slot.bad_for_a)]
    by_day = [
        list(of_day)
        for _on, of_day in groupby(
            slots, key=lambda slot: Reading(slot.period, user.time_zone).starts.date()
        )
    ]
    shown = by_day[:days]
    last = shown[-1][-1].period.starts_at if shown else at
    return SlotsPage(
        days=[_slot_day(of_day, user, partner, name) for of_day in shown],
        days_left=len(by_day) - len(shown),
        nights_hidden=len(found.slots) - len(slots),
        changes=changes_told(
            clock_change(user.time_zone, at, last), clock_change(partner.time_zone, at, last), name
        ),
        own_city=city_of(user.time_zone),
        their_city=city_of(partner.time_zone),
        name=name,
        minutes=minutes,
        is_open_ended=found.is_open_ended,
        partner_has_hours=found.partner_has_hours,
        slots=[slot for of_day in shown for slot in of_day],
    )


def _slot_day(slots: Sequence[Slot], user: User, partner: User, name: str) -> SlotDay:
    first = Reading(slots[0].period, user.time_zone)
    lines = []
    for slot in slots:
        own, theirs = (Reading(slot.period, zone) for zone in (user.time_zone, partner.time_zone))
        is_same_day = own.starts.date() == theirs.starts.date()
        is_same = own.starts.utcoffset() == theirs.starts.utcoffset()
        their_time = theirs.time if is_same_day else f"{theirs.weekday} {theirs.time}"
        lines.append(
            SlotLine(
                value=slot_value(slot),
                time=own.time,
                theirs="" if is_same else their_time,
                told=f"{first.day}, {own.span}",
                told_theirs="" if is_same else f"{name}: {theirs.short_day}, {theirs.span}",
                own_night=_("you: %(words)s") % {"words": own.bad_words} if slot.bad_for_a else "",
                their_night=_("they: %(words)s") % {"words": theirs.bad_words}
                if slot.bad_for_b
                else "",
            )
        )
    return SlotDay(weekday=first.full_weekday, date=first.date, slots=lines)


def slot_value(slot: Slot) -> str:
    """Return the start of a slot as a form sends it."""
    return f"{slot.period.starts_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
