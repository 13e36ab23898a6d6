"""The availability page and what is changed on it; whom a person does not meet."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from loops import access
from loops.actions import availability as hours
from loops.clocks import Reading, city_of
from loops.forms.availability import (
    AwayForm,
    BlockForm,
    DayForm,
    FollowForm,
    LimitsForm,
    WeekForm,
    zones_to_offer,
)
from loops.hours import Period, UnknownZone, local_span
from loops.models import User
from loops.queries.blocks import called_by, mocks_parted
from loops.queries.hours_page import (
    HoursPage,
    Week,
    hours_page,
    joined_lines,
    mocks_within,
    preview_with,
    week_of,
)
from loops.states import MockState
from loops.views.people import signed_in
from loops.views.posting import posts_from
from loops.week import DAY, tidied

A_DAY = timedelta(days=1)
AHEAD = timedelta(days=366)
BACK = {"availability": "loops:availability", "profile": "loops:profile"}


@require_http_methods(["GET", "HEAD", "POST"])
def availability(request: HttpRequest) -> HttpResponse:
    """Show when a person can be met, and keep their weekly hours.

    The buttons that only change the form (`do` is "copy" or "clear", `add` names a weekday) save
    nothing; "preview" answers with what peers would see.
    """
    user = signed_in(request)
    if request.method != "POST":
        return _page(request, user)
    do = request.POST.get("do", "")
    if do == "preview":
        return _preview(request, user)
    added = request.POST.get("add", "")
    if do in {"copy", "clear"} or added:
        form = WeekForm.as_typed(request.POST)
        if added in {str(day.number) for day in form.days}:
            form.add_row(int(added))
        elif do == "copy":
            form.copy_monday()
        elif do == "clear":
            form.clear()
        return _page(request, user, week=form, is_unsaved=True, added=added)
    return _save_week(request, user)


def _save_week(request: HttpRequest, user: User) -> HttpResponse:
    form = WeekForm(request.POST)
    if not form.is_valid():
        return _page(request, user, week=form, is_unsaved=True, status=422)
    now = timezone.now()
    try:
        found = hours.save_week(
            user=user, week=form.facts, known=form.cleaned_data["digest"], by=user, at=now
        )
    except hours.WeekChanged as refusal:
        return _both_weeks(request, user, form, refusal)
    messages.success(request, _("Your weekly hours are saved."))
    for line in joined_lines(found):
        messages.info(request, line)
    return redirect("loops:availability")


def _both_weeks(
    request: HttpRequest, user: User, form: WeekForm, refusal: hours.WeekChanged
) -> HttpResponse:
    """Show the newer week in words over the form, which keeps what was typed and may be sent."""
    kept = week_of(user, timezone.now())
    data = request.POST.copy()
    data["digest"] = kept.digest
    mine = Week(tuple(tidied(form.facts.spans).spans), form.facts.zone)
    clash = {"refusal": refusal, "kept": kept, "mine": mine}
    again = WeekForm(data)
    again.is_valid()
    return _page(request, user, week=again, is_unsaved=True, clash=clash, status=409)


def _preview(request: HttpRequest, user: User) -> HttpResponse:
    form = WeekForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=204)  # half typed: what is shown stays
    facts = form.facts
    week = Week(tidied(facts.spans).spans, facts.zone, facts.valid_from, facts.valid_to)
    try:
        preview = preview_with(user, week, timezone.now())
    except UnknownZone:
        return HttpResponse(status=204)
    is_saved = request.POST.get("is_saved") == "1"
    return render(
        request,
        "loops/availability/_preview.html",
        {"preview": preview, "is_unsaved": not is_saved},
    )


@posts_from("loops:availability")
def day_hours_add(request: HttpRequest) -> HttpResponse:
    """Give one date hours of its own, or none."""
    user = signed_in(request)
    form = DayForm(request.POST)
    if not form.is_valid():
        return _page(request, user, day=form, status=422)
    now = timezone.now()
    zone = week_of(user, now).zone
    on = form.cleaned_data["on"]
    hours.save_day(user=user, on=on, span=form.span, zone=zone, by=user, at=now)
    messages.success(request, _("%(day)s is kept.") % {"day": date_format(on, "l j F")})
    if form.span is None:
        _warn_of_mocks(request, user, _whole_days(on, on, zone))
    return redirect(reverse("loops:availability") + "#days")


@posts_from("loops:availability")
def day_hours_remove(request: HttpRequest, day_id: UUID) -> HttpResponse:
    """Take back what one date had of its own. What is gone already stays so."""
    user = signed_in(request)
    day = access.day_hours_to_remove(user, day_id)
    if day is not None:
        left = hours.remove_day(day=day, by=user, at=timezone.now())
        on = date_format(day.on, "l j F")
        messages.success(
            request,
            _("Removed. %(day)s keeps its other hours.") % {"day": on}
            if left
            else _("%(day)s follows your weekly hours again.") % {"day": on},
        )
    return redirect(reverse("loops:availability") + "#days")


@posts_from("loops:availability")
def days_away_add(request: HttpRequest) -> HttpResponse:
    """Black out whole days."""
    user = signed_in(request)
    form = AwayForm(request.POST)
    if not form.is_valid():
        return _page(request, user, away=form, status=422)
    now = timezone.now()
    facts = form.cleaned_data
    zone = week_of(user, now).zone
    hours.add_days_away(
        user=user,
        from_on=facts["from_on"],
        to_on=facts["to_on"],
        note=facts["note"],
        zone=zone,
        by=user,
        at=now,
    )
    messages.success(request, _("Nobody can propose a mock to you on these days."))
    _warn_of_mocks(request, user, _whole_days(facts["from_on"], facts["to_on"], zone))
    return redirect(reverse("loops:availability") + "#away")


@posts_from("loops:availability")
def days_away_remove(request: HttpRequest, away_id: UUID) -> HttpResponse:
    """Be there after all. What is gone already stays so."""
    user = signed_in(request)
    away = access.days_away_to_remove(user, away_id)
    if away is not None:
        hours.remove_days_away(away=away, by=user, at=timezone.now())
        messages.success(request, _("Removed: your hours count on these days again."))
    return redirect(reverse("loops:availability") + "#away")


@posts_from("loops:availability")
def limits_save(request: HttpRequest) -> HttpResponse:
    """Keep how soon, how far ahead and how often."""
    user = signed_in(request)
    form = LimitsForm(request.POST)
    if not form.is_valid():
        return _page(request, user, limits=form, status=422)
    hours.save_limits(user=user, **form.facts, by=user, at=timezone.now())
    messages.success(request, _("Your limits are saved."))
    return redirect(reverse("loops:availability") + "#limits")


@posts_from("loops:availability")
def hours_follow(request: HttpRequest) -> HttpResponse:
    """Let weekly hours follow to another zone, or note that they stay."""
    user = signed_in(request)
    form = FollowForm(request.POST)
    if form.is_valid():
        was, zone = form.cleaned_data["was"], form.cleaned_data["zone"]
        now = timezone.now()
        if form.cleaned_data["keep"]:
            hours.keep_zone(user=user, zone=was, by=user, at=now)
            told = _("Your weekly hours stay in %(city)s time.") % {"city": city_of(was)}
        else:
            hours.follow_zone(user=user, was=was, zone=zone, by=user, at=now)
            told = _(
                "Your weekly hours are in %(city)s time now. Mocks you have agreed on did not move."
            ) % {"city": city_of(zone)}
        messages.success(request, told)
    return redirect(BACK.get(request.POST.get("back", ""), "loops:availability"))


@posts_from("loops:profile")
def block(request: HttpRequest) -> HttpResponse:
    """Ask whether two people are to meet no more, saying what ends by it; then part them."""
    user = signed_in(request)
    form = BlockForm(request.POST)
    if not form.is_valid():
        raise Http404("No such person.")
    whom = access.person_to_block(user, form.cleaned_data["user"])
    now = timezone.now()
    name = called_by(user, whom)
    if not form.cleaned_data["sure"]:
        ending = list(mocks_parted(user, whom, now))
        agreed = [mock for mock in ending if mock.state != MockState.PROPOSED]
        context = {
            "whom": whom,
            "name": name,
            "agreed": [
                Reading(Period(mock.starts_at, mock.ends_at), user.time_zone) for mock in agreed
            ],
            "proposed": len(ending) - len(agreed),
        }
        return render(request, "loops/availability/block.html", context)
    hours.block(whom=whom, by=user, at=now)
    messages.success(
        request, _("You and %(name)s are not offered to each other any more.") % {"name": name}
    )
    return redirect(reverse("loops:profile") + "#blocks")


@posts_from("loops:profile")
def unblock(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Take a block of one's own back."""
    user = signed_in(request)
    whom = access.person_to_unblock(user, user_id)
    if hours.unblock(whom=whom, by=user, at=timezone.now()):
        name = called_by(user, whom)
        messages.success(request, _("You and %(name)s may meet again.") % {"name": name})
    return redirect(reverse("loops:profile") + "#blocks")


def _page(
    request: HttpRequest,
    user: User,
    *,
    week: WeekForm | None = None,
    day: DayForm | None = None,
    away: AwayForm | None = None,
    limits: LimitsForm | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    page = hours_page(user, timezone.now())
    context = {
        "page": page,
        "preview": page.preview,
        "week": week or _week_form(page),
        "day": day or DayForm(),
        "away": away or AwayForm(),
        "limits": limits or LimitsForm(limits=page.hours.limits),
        "zones": zones_to_offer(),
        **more,
    }
    return render(request, "loops/availability/availability.html", context, status=status)


def _week_form(page: HoursPage) -> WeekForm:
    week = page.week
    return WeekForm(
        spans=week.spans,
        initial={
            "zone": week.zone,
            "valid_from": week.valid_from,
            "valid_to": week.valid_to,
            "digest": week.digest,
        },
    )


def _whole_days(from_on: date, to_on: date, zone: str) -> Period | None:
    """Return local days as instants, as far as mocks are agreed ahead.

    "Until further notice" may be written as the year 9999, whose last day has no end.
    """
    today = timezone.localdate()
    first, last = max(from_on, today - A_DAY), min(to_on, today + AHEAD)
    if last < first:
        return None
    begin, end = local_span(0, DAY, first, zone), local_span(0, DAY, last, zone)
    return Period(begin.starts_at, end.ends_at) if begin and end else None


def _warn_of_mocks(request: HttpRequest, user: User, period: Period | None) -> None:
    """Say which agreed mocks lie where there are no hours any more; they stand."""
    found = mocks_within(user, period) if period else []
    if not found:
        return
    times = ", ".join(
        f"{told.short_day} {told.time}"
        for told in (
            Reading(Period(mock.starts_at, mock.ends_at), user.time_zone) for mock in found
        )
    )
    messages.warning(
        request,
        _("What you have agreed on stands: %(times)s. Cancel it if you cannot come.")
        % {"times": times},
    )
