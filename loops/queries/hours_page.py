"""The availability page: the week as it is kept, what differs from it, what peers can see of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loops.clocks import Bar, city_of
from loops.hours import (
    Hours,
    Period,
    UnknownZone,
    WeeklyRule,
    clock_change,
    expand,
    free_time,
    is_open,
    is_zone,
    load_zone,
    local_span,
    merged,
    overlap,
    without,
)
from loops.models import DayHours, DaysAway, Event, Mock, User, WeeklyHours
from loops.queries.availability import hours_of
from loops.week import DAY, Span, Tidied, clock, digest

DAYS_SHOWN = 14
FOLLOWING = ["hours_followed", "hours_stayed", "week_saved"]


@dataclass(frozen=True)
class Week:
    """A week as its form holds it. `digest` tells it from any other; `saved_at` may be unknown."""

    spans: tuple[Span, ...]
    zone: str
    valid_from: date | None = None
    valid_to: date | None = None
    digest: str = ""
    saved_at: datetime | None = None

    @property
    def city(self) -> str:
        """Return the place by whose clocks the week is read."""
        return city_of(self.zone)

    @property
    def lines(self) -> list[str]:
        """Say the week in words, a line a day: "Monday 18:00–22:00"."""
        return week_lines(self.spans)


@dataclass(frozen=True)
class Follow:
    """That hours are in one zone and the person lives in another, or that hours have followed.

    `state` is "asks", "settled" once it was answered with no, or "undo" after it was answered
    with yes; the button turns hours from `was` to `zone`. `example` is a time of the hours, and
    `example_there` how the clocks where the person lives read then.
    """

    state: str
    was: str
    zone: str
    example: str
    example_there: str = ""

    @property
    def city_was(self) -> str:
        """Return the place in whose time the hours are."""
        return city_of(self.was)

    @property
    def city(self) -> str:
        """Return the place in whose time they would be."""
        return city_of(self.zone)


@dataclass(frozen=True)
class DayLine:
    """Hours of one date in place of its weekly ones; no `span`, no hours."""

    public_id: UUID
    on: date
    zone: str
    span: str

    @property
    def city(self) -> str:
        """Return the place by whose clocks the span is read."""
        return city_of(self.zone)


@dataclass(frozen=True)
class AwayLine:
    """Whole days away."""

    public_id: UUID
    from_on: date
    to_on: date
    note: str


@dataclass(frozen=True)
class Strip:
    """A part of a day's strip: "open", "closed" (offered, but nobody can take it) or "mock"."""

    kind: str
    bar: Bar


@dataclass(frozen=True)
class PreviewDay:
    """One day of the preview: what is drawn, and the same in words.

    `opens` are the times that peers can take, `why_closed` says why there are none, `clocks` that
    they change.
    """

    on: date
    is_today: bool
    strips: list[Strip]
    opens: list[str]
    mocks: list[str]
    why_closed: str
    clocks: str
    open_minutes: int


@dataclass(frozen=True)
class Preview:
    """What peers can see for two weeks, by the clocks of `zone`.

    `open_minutes` is what they can take in all. `notes` say what a reader may stumble over.
    """

    zone: str
    days: list[PreviewDay]
    open_minutes: int
    notes: list[str]

    @property
    def city(self) -> str:
        """Return the place by whose clocks it is read."""
        return city_of(self.zone)

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing at all: no hours, open or not, and no mock."""
        return not any(day.strips for day in self.days)

    @property
    def open_words(self) -> str:
        """Say how much is open in all: "23 hours"."""
        hours, minutes = divmod(self.open_minutes, 60)
        told = ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours} if hours else ""
        rest = _("%(n)s min") % {"n": minutes} if minutes else ""
        return " ".join(filter(None, [told, rest]))


@dataclass(frozen=True)
class HoursPage:
    """Everything that the availability page shows. Without a `preview` a zone was not known."""

    week: Week
    hours: Hours
    days: list[DayLine]
    away: list[AwayLine]
    follow: Follow | None
    preview: Preview | None
    unknown_zone: str = ""


@dataclass(frozen=True)
class _Rows:
    """What is kept for one person, with the ids by which it is removed."""

    week: Week
    days: list[DayLine] = field(default_factory=list)
    away: list[AwayLine] = field(default_factory=list)
    last_event: dict[str, Any] | None = None


def hours_page(user: User, at: datetime) -> HoursPage:
    """Return the page of a person's hours; two queries."""
    rows = _rows(user, at)
    hours = hours_of([user], at)[user.pk]
    unknown = "" if is_zone(rows.week.zone) else rows.week.zone
    preview = None if unknown else preview_of(hours, user.time_zone, at)
    return HoursPage(
        week=rows.week,
        hours=hours,
        days=rows.days,
        away=rows.away,
        follow=None if unknown else _follow(rows, user, at),
        preview=preview,
        unknown_zone=unknown,
    )


def follow_of(user: User, at: datetime) -> Follow | None:
    """Return the question whether weekly hours follow the person's zone, if there is one."""
    try:
        return _follow(_rows(user, at), user, at)
    except UnknownZone:
        return None


def week_of(user: User, at: datetime) -> Week:
    """Return the week that is kept; one query."""
    return _rows(user, at).week


def preview_with(user: User, week: Week, at: datetime) -> Preview:
    """Return what peers would see if this week were kept. Raises UnknownZone."""
    hours = hours_of([user], at)[user.pk]
    weekly = tuple(
        WeeklyRule(
            span.weekday,
            span.start_minute,
            span.end_minute,
            week.zone,
            week.valid_from,
            week.valid_to,
        )
        for span in week.spans
    )
    return preview_of(replace(hours, weekly=weekly), user.time_zone, at)


def preview_of(hours: Hours, zone: str, at: datetime) -> Preview:
    """Return two weeks of hours from today on, by the clocks of a zone. Raises UnknownZone.

    What is called open here is what the booking would let a peer take: the days and weeks that
    are full are asked of `is_open`, not counted again.
    """
    today = at.astimezone(load_zone(zone)).date()
    wholes = [
        (today + timedelta(days=number), whole)
        for number in range(DAYS_SHOWN)
        if (whole := local_span(0, DAY, today + timedelta(days=number), zone)) is not None
    ]
    window = Period(wholes[0][1].starts_at, wholes[-1][1].ends_at)
    look = _Look(
        hours=hours,
        zone=zone,
        at=at,
        offered=expand(hours, window),
        free=free_time(hours, window, at),
        changes_on=clock_change(zone, window.starts_at, window.ends_at),
    )
    days = [_preview_day(look, on, whole) for on, whole in wholes]
    return Preview(
        zone=zone,
        days=days,
        open_minutes=sum(day.open_minutes for day in days),
        notes=_notes(hours, zone, window, today),
    )


def mocks_within(user: User, period: Period) -> list[Mock]:
    """Return the person's agreed mocks that lie in a period, the next one first."""
    return list(
        Mock.objects.of(user)
        .agreed()
        .filter(starts_at__lt=period.ends_at, ends_at__gt=period.starts_at)
        .order_by("starts_at")
    )


def joined_lines(found: Tidied) -> list[str]:
    """Say which spans overlapped, and what was made of them."""
    return [
        _("%(before)s overlap; saved as %(after)s.")
        % {"before": _listing(one.before), "after": _listing(one.after)}
        for one in found.joined
    ]


def week_lines(spans: Iterable[Span]) -> list[str]:
    """Say spans in words, a line for each day that has some."""
    by_day: dict[int, list[str]] = {}
    for span in sorted(spans):
        by_day.setdefault(span.weekday, []).append(str(span))
    return [f"{WEEKDAYS[day]} {', '.join(told)}" for day, told in by_day.items()]


def _listing(spans: Iterable[Span]) -> str:
    told = [f"{WEEKDAYS[span.weekday]} {span}" for span in spans]
    if len(told) == 1:
        return told[0]
    return _("%(some)s and %(last)s") % {"some": ", ".join(told[:-1]), "last": told[-1]}


# Rows


def _rows(user: User, at: datetime) -> _Rows:
    """Read the week, the days, the days away and the last word about the zone; one query."""
    today = _today(user.time_zone, at)
    own = OuterRef("pk")
    told: Any = (
        User.objects.filter(pk=user.pk)
        .annotate(
            week_rows=_listed(
                WeeklyHours.objects.filter(user=own),
                "weekday start_minute end_minute time_zone valid_from valid_to",
            ),
            day_rows=_listed(
                DayHours.objects.filter(user=own, on__gte=today).order_by("on", "start_minute"),
                "public_id on time_zone start_minute end_minute",
            ),
            away_rows=_listed(
                DaysAway.objects.filter(user=own, to_on__gte=today).order_by("from_on", "to_on"),
                "public_id from_on to_on note",
            ),
            events=_listed(
                Event.objects.filter(
                    subject=User._meta.label_lower, subject_id=own, verb__in=FOLLOWING
                ).order_by("-at", "-pk")[:1],
                "verb at data",
            ),
        )
        .values("week_rows", "day_rows", "away_rows", "events")
        .get()
    )
    last = told["events"][0] if told["events"] else None
    return _Rows(
        week=_week(told["week_rows"], user.time_zone, last),
        days=[
            DayLine(
                UUID(row["public_id"]),
                date.fromisoformat(row["on"]),
                row["time_zone"],
                _span(row["start_minute"], row["end_minute"]),
            )
            for row in told["day_rows"]
        ],
        away=[
            AwayLine(
                UUID(row["public_id"]),
                date.fromisoformat(row["from_on"]),
                date.fromisoformat(row["to_on"]),
                row["note"],
            )
            for row in told["away_rows"]
        ],
        last_event=last,
    )


def _today(zone: str, at: datetime) -> date:
    try:
        return at.astimezone(load_zone(zone)).date()
    except UnknownZone:
        return at.date()


def _listed(rows: QuerySet[Any], names: str) -> ArraySubquery:
    return ArraySubquery(rows.values(row=JSONObject(**{name: name for name in names.split()})))


def _week(rows: list[dict[str, Any]], zone: str, last: dict[str, Any] | None) -> Week:
    facts = [
        (
            row["weekday"],
            row["start_minute"],
            row["end_minute"],
            row["time_zone"],
            _date(row["valid_from"]),
            _date(row["valid_to"]),
        )
        for row in rows
    ]
    first = facts[0] if facts else (0, 0, 0, zone, None, None)
    return Week(
        spans=tuple(sorted(Span(*fact[:3]) for fact in facts)),
        zone=first[3],
        valid_from=first[4],
        valid_to=first[5],
        digest=digest(facts),
        saved_at=datetime.fromisoformat(last["at"]).astimezone(UTC) if last else None,
    )


def _date(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None


def _span(start: int | None, end: int | None) -> str:
    return "" if start is None or end is None else f"{clock(start)}–{clock(end)}"


def _follow(rows: _Rows, user: User, at: datetime) -> Follow | None:
    week, last = rows.week, rows.last_event
    if not week.spans:
        return None
    example = clock(week.spans[0].start_minute)
    if week.zone == user.time_zone:
        data = last["data"] if last and last["verb"] == "hours_followed" else {}
        if data.get("now") != week.zone:
            return None
        return Follow("undo", week.zone, data["was"], example)
    answered = last is not None and last["verb"] == "hours_stayed"
    pair = {"hours": week.zone, "profile": user.time_zone}
    is_settled = answered and last is not None and last["data"] == pair
    start = week.spans[0].start_minute
    today = at.astimezone(load_zone(week.zone)).date()
    there = local_span(start, start + 1, today, week.zone)
    return Follow(
        "settled" if is_settled else "asks",
        week.zone,
        user.time_zone,
        example,
        f"{there.starts_at.astimezone(load_zone(user.time_zone)):%H:%M}" if there else "",
    )


# The preview


@dataclass(frozen=True)
class _Look:
    """What two weeks are drawn from."""

    hours: Hours
    zone: str
    at: datetime
    offered: Sequence[Period]
    free: Sequence[Period]
    changes_on: date | None


def _preview_day(look: _Look, on: date, whole: Period) -> PreviewDay:
    place = load_zone(look.zone)
    free = overlap(look.free, [whole])
    opens = [one for one in free if is_open(look.hours, one, look.at)]
    mocks = overlap(merged(look.hours.taken), [whole])
    offered = without(without(overlap(look.offered, [whole]), opens), mocks)
    closed = [one for one in offered if one.ends_at > look.at]
    length = sum((one.ends_at - one.starts_at for one in opens), timedelta())
    return PreviewDay(
        on=on,
        is_today=whole.starts_at <= look.at < whole.ends_at,
        strips=[
            *(Strip("closed", _bar(one, whole)) for one in closed),
            *(Strip("open", _bar(one, whole)) for one in opens),
            *(Strip("mock", _bar(one, whole)) for one in mocks),
        ],
        opens=[_read(one, place) for one in opens],
        mocks=[_read(one, place) for one in mocks if one.ends_at > look.at],
        why_closed="" if opens else _why_closed(look, on, closed, free) or _absence(look.hours, on),
        clocks=_("clocks change") if look.changes_on == on else "",
        open_minutes=int(length.total_seconds()) // 60,
    )


def _why_closed(look: _Look, on: date, closed: Sequence[Period], free: Sequence[Period]) -> str:
    """Say why nobody can take what a day offers; empty where it offers nothing."""
    limits, place = look.hours.limits, load_zone(look.zone)
    if free:  # but the day or the week has as many mocks as the person wants
        held = sum(one.starts_at.astimezone(place).date() == on for one in look.hours.taken)
        return _("the day is full") if held >= limits.most_a_day else _("the week is full")
    if not closed:
        return ""
    if closed[-1].starts_at >= look.at + timedelta(days=limits.horizon_days):
        return _("further ahead than your limit")
    if closed[0].starts_at < look.at + timedelta(minutes=limits.notice_minutes):
        return _("too soon: inside your notice")
    return _("inside the gap around a mock")


def _absence(hours: Hours, on: date) -> str:
    """Say what was decided about a day without hours; empty where nothing was."""
    if any(away.from_on <= on <= away.to_on for away in hours.away):
        return _("away")
    is_off = any(rule.on == on and rule.start_minute is None for rule in hours.days)
    return _("not that day") if is_off else ""


def _notes(hours: Hours, zone: str, window: Period, today: date) -> list[str]:
    """Say what a reader may take for a mistake: clocks that change, hours that ended."""
    told = []
    for name in sorted({zone, *(rule.zone for rule in hours.weekly)}):
        day = clock_change(name, window.starts_at, window.ends_at)
        if day is not None and name == zone:
            told.append(
                _("Clocks change in %(city)s on %(day)s.")
                % {"city": city_of(name), "day": date_format(day, "j F")}
            )
        elif day is not None:
            told.append(
                _("Clocks change in %(city)s on %(day)s: your hours keep to the clocks there.")
                % {"city": city_of(name), "day": date_format(day, "j F")}
            )
    ends = {rule.valid_to for rule in hours.weekly}
    last = max((one for one in ends if one), default=None)
    if None not in ends and last is not None and last < today:
        told.append(_("Your weekly hours ended on %(day)s.") % {"day": date_format(last, "j F Y")})
    return told


def _read(period: Period, place: Any) -> str:
    """Say a part of one day on its clocks; its midnight is 24:00."""
    ends = period.ends_at.astimezone(place)
    starts = period.starts_at.astimezone(place)
    is_midnight = ends.time() == time() and ends.date() > starts.date()
    return f"{starts:%H:%M}–{'24:00' if is_midnight else f'{ends:%H:%M}'}"


def _bar(period: Period, whole: Period) -> Bar:
    length = whole.ends_at - whole.starts_at
    return Bar(
        x=round(100 * ((period.starts_at - whole.starts_at) / length), 2),
        width=round(100 * ((period.ends_at - period.starts_at) / length), 2),
    )
