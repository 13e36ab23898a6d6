"""Weekly hours, days of their own, days away, limits, and whom to block."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from loops.actions.availability import WeekFacts
from loops.models import MockLimits
from loops.models.people import check_time_zone, time_zones
from loops.week import DAY, Span, clock

WEEKDAYS_TO_FILL = range(1, 5)  # what "copy Monday to weekdays" means
SPANS_MOST = 84
"""Twelve a day are more than a day has; a longer form is no form of ours."""
DATE = {"type": "date"}


def minute_of(typed: str) -> int | None:
    """Return the minute of the day that a time says, 1440 for 24:00; None if it says none."""
    found = re.fullmatch(r"(\d{1,2})[:.]?(\d{2})(?::\d{2})?", typed.strip())
    if not found:
        return None
    hour, minute = int(found[1]), int(found[2])
    total = 60 * hour + minute
    return total if minute < 60 and total <= DAY else None


def span_of(start: int, end: int) -> tuple[int, int] | None:
    """Return minutes of a day for a start and an end on the clock; the end may be the next day's.

    None where both are the same, unless they are midnight: that is the whole day.
    """
    start %= DAY
    if end % DAY == start:
        return (0, DAY) if start == 0 else None
    return (start, end) if end > start else (start, end + DAY)


def written(minute: int) -> str:
    """Return how a minute is written in a field for times, which knows no 24:00."""
    return clock(minute % DAY)


class ZoneField(forms.CharField):
    """A time zone by its name, or by a city as people type it."""

    def __init__(self, **more: Any) -> None:
        more.setdefault("max_length", 64)
        more.setdefault(
            "widget",
            forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
        )
        super().__init__(**more)

    def clean(self, value: Any) -> str:
        """Return the IANA name of a zone that is there: "new york" is America/New_York."""
        typed = str(super().clean(value))
        name = _zones_by_word().get(typed.strip().replace(" ", "_").lower(), typed)
        check_time_zone(name)
        return name


def _zones_by_word() -> Mapping[str, str]:
    """Return zones by their names in small letters, and by their cities where there is one such."""
    by_city: dict[str, list[str]] = {}
    for name in time_zones():
        by_city.setdefault(name.rpartition("/")[2].lower(), []).append(name)
    cities = {city: names[0] for city, names in by_city.items() if len(names) == 1}
    return {**cities, **{name.lower(): name for name in time_zones()}}


def zones_to_offer() -> list[tuple[str, str]]:
    """Return the zones worth a place in a list, each with its city: old spellings are left out."""
    areas = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe"}
    areas |= {"Indian", "Pacific"}
    offered = [name for name in time_zones() if name.partition("/")[0] in areas]
    return [
        ("UTC", "UTC"),
        *((name, name.rpartition("/")[2].replace("_", " ")) for name in offered),
    ]


@dataclass
class Row:
    """One span as it was typed, and what is wrong with it."""

    start: str = ""
    end: str = ""
    error: str = ""

    @property
    def is_blank(self) -> bool:
        """Say whether nothing was typed."""
        return not self.start.strip() and not self.end.strip()


@dataclass
class Weekday:
    """One day of the week with its rows."""

    number: int
    rows: list[Row] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the day in full."""
        return str(WEEKDAYS[self.number])

    @property
    def short_name(self) -> str:
        """Return the day in short."""
        return str(WEEKDAYS_ABBR[self.number])

    @property
    def has_error(self) -> bool:
        """Say whether a row is to be mended."""
        return any(row.error for row in self.rows)


class WeekForm(forms.Form):
    """Weekly hours: rows of from and until for each weekday, their one zone, and when they hold.

    The rows are fields of the same name, `from_0` and `until_0` for Monday, as many as were
    typed. `digest` tells which week the form was filled in from.
    """

    zone = ZoneField(label=_("Time zone"))
    valid_from = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    valid_to = forms.DateField(
        label=_("Until and with"),
        required=False,
        widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d"),
    )
    digest = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None = None, *, spans: Iterable[Span] = (), **more: Any
    ) -> None:
        super().__init__(data, auto_id="id_week_%s", **more)
        self.days = [Weekday(number) for number in range(7)]
        if data is not None:
            self._read(data)
        else:
            for span in sorted(spans):
                row = Row(written(span.start_minute), written(span.end_minute))
                self.days[span.weekday].rows.append(row)
        for day in self.days:
            day.rows = day.rows or [Row()]

    @classmethod
    def as_typed(cls, data: QueryDict) -> "WeekForm":
        """Return the form filled in with what was sent, not yet judged."""
        names = ("zone", "valid_from", "valid_to", "digest")
        form = cls(initial={name: data.get(name, "") for name in names})
        form._read(data)
        for day in form.days:
            day.rows = day.rows or [Row()]
        return form

    @property
    def is_for_a_time(self) -> bool:
        """Say whether the hours hold on some dates only, or were to."""
        return bool(self["valid_from"].value() or self["valid_to"].value())

    @property
    def facts(self) -> WeekFacts:
        """Return what the action takes of a form without mistakes."""
        cleaned = self.cleaned_data
        return WeekFacts(
            cleaned["spans"], cleaned["zone"], cleaned["valid_from"], cleaned["valid_to"]
        )

    def clean(self) -> dict[str, Any]:
        """Read the rows; each says by itself what is wrong with it."""
        cleaned = super().clean() or self.cleaned_data
        spans = []
        for day in self.days:
            for row in day.rows:
                span = None if row.is_blank else self._span(row)
                if span:
                    spans.append(Span(day.number, *span))
        if any(day.has_error for day in self.days):
            raise forms.ValidationError(
                _("Not saved yet: see the marked times. What you typed is kept.")
            )
        if len(spans) > SPANS_MOST:
            raise forms.ValidationError(_("These are more times than a week has room for."))
        first, last = cleaned.get("valid_from"), cleaned.get("valid_to")
        if first and last and last < first:
            self.add_error("valid_to", _("The last day lies before the first."))
        cleaned["spans"] = spans
        return cleaned

    def copy_monday(self) -> None:
        """Write Monday's rows into Tuesday to Friday."""
        for number in WEEKDAYS_TO_FILL:
            self.days[number].rows = [Row(row.start, row.end) for row in self.days[0].rows]

    def clear(self) -> None:
        """Empty all rows."""
        for day in self.days:
            day.rows = [Row()]

    def add_row(self, number: int) -> None:
        """Add an empty row to a day."""
        self.days[number].rows.append(Row())

    def _read(self, data: QueryDict) -> None:
        for day in self.days:
            starts = data.getlist(f"from_{day.number}")
            ends = data.getlist(f"until_{day.number}")
            pairs = zip(starts, ends, strict=False)
            rows = [Row(start[:8], end[:8]) for start, end in pairs][:SPANS_MOST]
            day.rows = [row for row in rows if not row.is_blank]

    @staticmethod
    def _span(row: Row) -> tuple[int, int] | None:
        start, end = minute_of(row.start), minute_of(row.end)
        if not row.end.strip():
            row.error = gettext("Say until when.")
        elif not row.start.strip():
            row.error = gettext("Say from when.")
        elif start is None or end is None:
            row.error = gettext("Write times like 18:00.")
        elif span_of(start, end) is None:
            row.error = gettext(
                "Both times are the same. For the whole day, write 00:00 until 00:00."
            )
        else:
            return span_of(start, end)
        return None


class TimeField(forms.CharField):
    """A time of day as a minute."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            max_length=8, required=False, widget=forms.TextInput(attrs={"type": "time"}), **more
        )

    def clean(self, value: Any) -> int | None:
        """Return the minute of the day; None where nothing was typed."""
        typed = super().clean(value)
        if not typed:
            return None
        minute = minute_of(typed)
        if minute is None:
            raise forms.ValidationError(_("Write a time like 18:00."))
        return minute


class DayForm(forms.Form):
    """Hours of one date, or none on it."""

    NONE, SOME = "none", "some"

    on = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d"))
    what = forms.ChoiceField(
        label=_("On that day"),
        choices=[(NONE, _("not at all")), (SOME, _("only at these hours"))],
        initial=NONE,
        widget=forms.RadioSelect,
    )
    start = TimeField(label=_("From"))
    end = TimeField(label=_("Until"))

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="id_day_%s")

    @property
    def span(self) -> tuple[int, int] | None:
        """Return the minutes of the day, or None for a day without hours."""
        found: tuple[int, int] | None = self.cleaned_data["span"]
        return found

    def clean_on(self) -> date:
        """Refuse a day that has passed."""
        return _not_passed(self.cleaned_data["on"])

    def clean(self) -> dict[str, Any]:
        """Ask for both times where hours were chosen."""
        cleaned = super().clean() or self.cleaned_data
        cleaned["span"] = None
        if cleaned.get("what") == self.SOME and not self.errors:
            start, end = cleaned.get("start"), cleaned.get("end")
            if start is None or end is None:
                missing = "start" if start is None else "end"
                self.add_error(missing, _("Say from when until when, or choose “not at all”."))
                return cleaned
            cleaned["span"] = span_of(start, end)
            if cleaned["span"] is None:
                self.add_error(
                    "end", _("Both times are the same. For the whole day, write 00:00 twice.")
                )
        return cleaned


class AwayForm(forms.Form):
    """Whole days away, both dates included."""

    from_on = forms.DateField(
        label=_("First day"), widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    to_on = forms.DateField(
        label=_("Last day"), widget=forms.DateInput(attrs=DATE, format="%Y-%m-%d")
    )
    note = forms.CharField(
        label=_("Note"), required=False, max_length=80, help_text=_("For you alone.")
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="id_away_%s")

    def clean_to_on(self) -> date:
        """Refuse days that have passed."""
        return _not_passed(self.cleaned_data["to_on"])

    def clean(self) -> dict[str, Any]:
        """Refuse dates the wrong way round."""
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("from_on"), cleaned.get("to_on")
        if first and last and last < first:
            self.add_error("to_on", _("The last day lies before the first."))
        return cleaned


class LimitsForm(forms.Form):
    """How soon, how far ahead and how often."""

    notice_hours = forms.IntegerField(
        label=_("Notice, in hours"),
        min_value=0,
        max_value=336,
        help_text=_("No mock is proposed to you that begins sooner."),
    )
    horizon_days = forms.IntegerField(
        label=_("Days ahead"),
        min_value=1,
        max_value=90,
        help_text=_("No mock is proposed to you for later than that."),
    )
    most_a_day = forms.IntegerField(
        label=_("Most a day"),
        min_value=1,
        max_value=8,
        help_text=_("Once so many are agreed, the rest of the day is closed."),
    )
    most_a_week = forms.IntegerField(
        label=_("Most a week"),
        min_value=1,
        max_value=30,
        help_text=_("The same for a week from Monday to Sunday."),
    )
    gap_minutes = forms.IntegerField(
        label=_("Gap, in minutes"),
        min_value=0,
        max_value=240,
        help_text=_("Kept free before and after each mock."),
    )

    def __init__(self, data: QueryDict | None = None, *, limits: Any = None) -> None:
        kept = limits or MockLimits()
        initial = {
            "notice_hours": -(-kept.notice_minutes // 60),
            "horizon_days": kept.horizon_days,
            "most_a_day": kept.most_a_day,
            "most_a_week": kept.most_a_week,
            "gap_minutes": kept.gap_minutes,
        }
        super().__init__(data, initial=initial, auto_id="id_limits_%s")

    @cached_property
    def facts(self) -> dict[str, int]:
        """Return what the action takes."""
        cleaned = dict(self.cleaned_data)
        return {"notice_minutes": 60 * cleaned.pop("notice_hours"), **cleaned}


class FollowForm(forms.Form):
    """Whether weekly hours go from one zone to another, or `keep` the one they are in."""

    was = ZoneField()
    zone = ZoneField()
    keep = forms.BooleanField(required=False)


class BlockForm(forms.Form):
    """Whom not to meet, and whether it is meant."""

    user = forms.UUIDField()
    sure = forms.BooleanField(required=False)


def _not_passed(day: date) -> date:
    if day < timezone.localdate():
        raise forms.ValidationError(_("This day has passed."))
    return day
