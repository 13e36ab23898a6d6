"""The availability page as a browser without scripts sees it, and blocks from list to profile."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from loops.hours import Away, DayRule, Hours, Limits, Period, WeeklyRule, free_time
from loops.models import (
    Block,
    Cohort,
    DayHours,
    DaysAway,
    Event,
    Mock,
    MockLimits,
    Notice,
    User,
    WeeklyHours,
)
from loops.queries.hours_page import preview_of
from tests import factories

PAGE = "/availability/"
BERLIN, KOLKATA = "Europe/Berlin", "Asia/Kolkata"

As = Callable[[User], Client]


@pytest.fixture
def berliner(candidate: User) -> User:
    """The candidate, who lives by the clocks of Berlin."""
    User.objects.filter(pk=candidate.pk).update(time_zone=BERLIN)
    candidate.refresh_from_db()
    return candidate


def words(response: Any) -> list[str]:
    """Return the messages that wait for the next page."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def typed(client: Client, **rows: Any) -> dict[str, Any]:
    """Return the page's week form filled in with rows such as mon=["18:00-22:00"]."""
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    form = client.get(PAGE).context["week"]
    data: dict[str, Any] = {"zone": form["zone"].value(), "digest": form["digest"].value()}
    for number, name in enumerate(names):
        spans = [span.partition("-") for span in rows.pop(name, [])]
        data[f"from_{number}"] = [start for start, _dash, _end in spans] or [""]
        data[f"until_{number}"] = [end for _start, _dash, end in spans] or [""]
    return {**data, **rows}


def kept(user: User) -> list[tuple[int, int, int]]:
    rows = user.weekly_hours.order_by("weekday", "start_minute")
    return list(rows.values_list("weekday", "start_minute", "end_minute"))


def rows_shown(page: Any) -> list[tuple[int, str, str]]:
    return [
        (day.number, row.start, row.end)
        for day in page.context["week"].days
        for row in day.rows
        if not row.is_blank
    ]


# The week


def test_hours_are_typed_saved_and_shown_again(as_: As, berliner: User) -> None:
    client = as_(berliner)

    saved = client.post(
        PAGE, typed(client, mon=["18:10-22:00"], fri=["22:00-02:30"], sun=["00:00-00:00"])
    )
    page = client.get(PAGE)

    assert (saved.status_code, saved.headers["Location"]) == (302, PAGE)
    assert kept(berliner) == [(0, 1090, 1320), (4, 1320, 1590), (6, 0, 1440)]
    assert set(berliner.weekly_hours.values_list("time_zone", flat=True)) == {BERLIN}
    assert rows_shown(page) == [
        (0, "18:10", "22:00"),
        (4, "22:00", "02:30"),
        (6, "00:00", "00:00"),
    ]


@pytest.mark.parametrize(
    ("zone", "is_kept"),
    [
        ("Asia/Kathmandu", "Asia/Kathmandu"),
        ("new york", "America/New_York"),
        ("america/new_york", "America/New_York"),
        ("Asia/Calcutta", "Asia/Calcutta"),
    ],
)
def test_a_zone_is_typed_by_its_name_or_its_city(
    as_: As, berliner: User, zone: str, is_kept: str
) -> None:
    client = as_(berliner)

    client.post(PAGE, typed(client, mon=["18:00-22:00"], zone=zone))

    assert berliner.weekly_hours.get().time_zone == is_kept


def test_overlapping_hours_are_saved_as_one_with_a_word_of_it(as_: As, berliner: User) -> None:
    client = as_(berliner)

    saved = client.post(PAGE, typed(client, mon=["18:00-20:00", "19:00-22:00", "22:00-23:00"]))

    assert kept(berliner) == [(0, 1080, 1320), (0, 1320, 1380)]
    assert words(saved)[1] == (
        "Monday 18:00–20:00 and Monday 19:00–22:00 overlap; saved as Monday 18:00–22:00."
    )


def test_hours_hold_between_two_days(as_: As, berliner: User) -> None:
    client = as_(berliner)
    sent = typed(client, mon=["18:00-22:00"], valid_from="2026-12-01", valid_to="2026-12-24")

    client.post(PAGE, sent)

    row = berliner.weekly_hours.get()
    assert (row.valid_from, row.valid_to) == (date(2026, 12, 1), date(2026, 12, 24))
    assert client.get(PAGE).context["week"].is_for_a_time


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"mon": ["18:00-"]}, "Say until when."),
        ({"mon": ["-18:00"]}, "Say from when."),
        ({"mon": ["late-18:00"]}, "Write times like 18:00."),
        ({"mon": ["18:00-25:00"]}, "Write times like 18:00."),
        ({"mon": ["18:00-18:00"]}, "Both times are the same."),
        ({"mon": ["18:00-22:00"], "zone": "Mars/Olympus"}, "is not a time zone"),
        ({"mon": ["18:00-22:00"], "zone": "Factory"}, "is not a time zone"),
        ({"mon": ["18:00-22:00"], "zone": ""}, "This field is required."),
        (
            {"mon": ["18:00-22:00"], "valid_from": "2026-12-02", "valid_to": "2026-12-01"},
            "The last day lies before the first.",
        ),
        ({"mon": ["18:00-19:00"] * 85}, "more times than a week has room for"),
    ],
)
def test_a_mistake_keeps_what_was_typed_and_saves_nothing(
    as_: As, berliner: User, facts: dict[str, Any], told: str
) -> None:
    client = as_(berliner)
    sent = typed(client, tue=["09:00-10:00"], **facts)

    page = client.post(PAGE, sent)

    assert page.status_code == 422
    assert told in page.content.decode()
    assert (1, "09:00", "10:00") in rows_shown(page)
    assert sent["from_0"][0] in {start for day, start, _end in rows_shown(page) if day == 0}
    assert not WeeklyHours.objects.exists()


def test_an_older_window_is_shown_both_weeks_and_overwrites_nothing(
    as_: As, berliner: User
) -> None:
    client = as_(berliner)
    mine = typed(client, mon=["18:00-22:00"], tue=["18:10-19:00"])
    client.post(PAGE, typed(client, sat=["10:00-13:00"]))

    page = client.post(PAGE, mine)

    shown = page.content.decode()
    assert page.status_code == 409
    assert kept(berliner) == [(5, 600, 780)]
    for line in ("Saturday 10:00–13:00", "Monday 18:00–22:00", "Tuesday 18:10–19:00"):
        assert line in shown
    assert rows_shown(page) == [(0, "18:00", "22:00"), (1, "18:10", "19:00")]

    again = {**mine, "digest": page.context["week"]["digest"].value()}
    assert client.post(PAGE, again).status_code == 302
    assert kept(berliner) == [(0, 1080, 1320), (1, 1090, 1140)]


def test_the_same_form_twice_is_once(as_: As, berliner: User) -> None:
    client = as_(berliner)
    sent = typed(client, mon=["18:00-22:00"])

    statuses = [client.post(PAGE, sent).status_code for _press in range(2)]

    assert statuses == [302, 302]
    assert Event.objects.filter(verb="week_saved").count() == 1


# Buttons that change the form alone


@pytest.mark.parametrize(
    ("press", "rows"),
    [
        (
            {"do": "copy"},
            [*((day, "18:10", "22:00") for day in range(5)), (5, "10:00", "11:00")],
        ),
        ({"do": "clear"}, []),
        (
            {"add": "0"},
            [(0, "18:10", "22:00"), (1, "07:00", "08:00"), (5, "10:00", "11:00")],
        ),
    ],
)
def test_form_buttons_change_the_form_and_save_nothing(
    as_: As, berliner: User, press: dict[str, str], rows: list[Any]
) -> None:
    client = as_(berliner)
    sent = typed(client, mon=["18:10-22:00"], tue=["07:00-08:00"], sat=["10:00-11:00"], **press)

    page = client.post(PAGE, sent)

    assert page.status_code == 200
    assert rows_shown(page) == rows
    assert page.context["week"]["digest"].value() == sent["digest"]
    assert "not saved yet" in page.content.decode()
    assert not WeeklyHours.objects.exists()
    if "add" in press:
        assert len(page.context["week"].days[0].rows) == 2


def test_form_buttons_judge_nothing(as_: As, berliner: User) -> None:
    client = as_(berliner)

    page = client.post(PAGE, typed(client, mon=["18:00-"], add="1", zone="nowhere"))

    assert page.status_code == 200
    assert "Say until when" not in page.content.decode()
    assert client.post(PAGE, {"add": "seven"}).status_code == 200


def test_the_preview_is_asked_for_without_saving(as_: As, berliner: User) -> None:
    client = as_(berliner)
    sent = typed(client, **{day: ["18:00-22:00"] for day in ("mon", "tue", "wed", "thu", "fri")})

    shown = client.post(PAGE, {**sent, "do": "preview"}).content.decode()
    mistaken = client.post(PAGE, {**sent, "from_0": ["x"], "do": "preview"})

    assert "18:00–22:00" in shown
    assert "if you save" in shown
    assert "<main" not in shown
    assert mistaken.status_code == 204
    assert not WeeklyHours.objects.exists()


# What peers can see


NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
MON = 0


def evenings(zone: str = "UTC", **limits: Any) -> Hours:
    weekly = tuple(WeeklyRule(day, 18 * 60, 22 * 60, zone) for day in range(7))
    facts = {"most_a_day": 8, "most_a_week": 30, "notice_minutes": 0, **limits}
    return Hours(weekly=weekly, limits=Limits(zone=zone, **facts))


def at(day: int, hour: int, minutes: int = 60) -> Period:
    starts_at = datetime(2026, 3, day, hour, tzinfo=UTC)
    return Period(starts_at, starts_at + timedelta(minutes=minutes))


def test_the_preview_says_what_free_time_says() -> None:
    hours = evenings(gap_minutes=15)
    hours = Hours(
        weekly=hours.weekly,
        limits=hours.limits,
        taken=(at(3, 19),),
        days=(DayRule(date(2026, 3, 4), "UTC"), DayRule(date(2026, 3, 5), "UTC", 600, 720)),
        away=(Away(date(2026, 3, 7), date(2026, 3, 8), "UTC"),),
    )
    preview = preview_of(hours, "UTC", NOW)

    told = {day.on.day: day for day in preview.days}
    assert told[2].opens == ["18:00–22:00"]
    assert told[3].opens == ["18:00–18:45", "20:15–22:00"]
    assert told[3].mocks == ["19:00–20:00"]
    assert (told[4].opens, told[4].why_closed) == ([], "not that day")
    assert told[5].opens == ["10:00–12:00"]
    assert [told[day].why_closed for day in (7, 8)] == ["away", "away"]
    window = Period(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC))
    free = sum((one.ends_at - one.starts_at for one in free_time(hours, window, NOW)), timedelta())
    assert preview.open_minutes == free / timedelta(minutes=1)
    assert preview.open_words == "40 hours 30 min"


@pytest.mark.parametrize(
    ("limits", "day", "why"),
    [
        ({"notice_minutes": 24 * 60}, 2, "too soon: inside your notice"),
        ({"horizon_days": 3}, 6, "further ahead than your limit"),
        ({"most_a_day": 1}, 3, "the day is full"),
        ({"most_a_week": 1}, 4, "the week is full"),
        ({"gap_minutes": 240}, 3, "inside the gap around a mock"),
    ],
)
def test_the_preview_says_why_a_day_is_closed(limits: dict[str, Any], day: int, why: str) -> None:
    hours = evenings(**limits)
    hours = Hours(weekly=hours.weekly, limits=hours.limits, taken=(at(3, 19),))

    (found,) = [one for one in preview_of(hours, "UTC", NOW).days if one.on.day == day]

    assert (found.opens, found.why_closed) == ([], why)


def test_the_preview_leaves_out_what_of_today_is_over() -> None:
    morning = Hours(
        weekly=(WeeklyRule(MON, 6 * 60, 8 * 60, "UTC"),),
        limits=Limits(notice_minutes=0),
        taken=(at(2, 7),),
    )

    today = preview_of(morning, "UTC", NOW).days[0]

    assert (today.is_today, today.opens, today.mocks, today.why_closed) == (True, [], [], "")
    assert [strip.kind for strip in today.strips] == ["mock"]


def test_the_preview_tells_of_clocks_that_change() -> None:
    """New York changes on 8 March; by the clocks of Berlin the same hours move by one."""
    hours = evenings("America/New_York")

    there = preview_of(hours, "America/New_York", NOW)
    here = preview_of(hours, BERLIN, NOW)

    assert [day.on.day for day in there.days if day.clocks] == [8]
    assert {tuple(day.opens) for day in there.days} == {("18:00–22:00",)}
    told = {day.on.day: day.opens for day in here.days}
    assert [told[day] for day in (7, 8, 9)] == [
        ["00:00–04:00"],
        ["00:00–04:00", "23:00–24:00"],
        ["00:00–03:00", "23:00–24:00"],
    ]
    assert here.notes == [
        "Clocks change in New York on 8 March: your hours keep to the clocks there."
    ]


def test_the_preview_of_a_day_of_23_hours_is_drawn_to_its_length() -> None:
    whole = Hours(weekly=tuple(WeeklyRule(day, 0, 1440, BERLIN) for day in range(7)))
    hours = Hours(weekly=whole.weekly, limits=Limits(notice_minutes=0, zone=BERLIN))

    preview = preview_of(hours, BERLIN, datetime(2026, 3, 25, 23, tzinfo=UTC))

    (short,) = [day for day in preview.days if day.clocks]
    assert (short.on, short.open_minutes) == (date(2026, 3, 29), 23 * 60)
    assert [strip.bar.width for strip in short.strips] == [100.0]


def test_without_hours_the_next_step_is_named(as_: As, berliner: User) -> None:
    client = as_(berliner)
    first = "Set the first hours in the week"

    assert first in client.get(PAGE).content.decode()
    client.post(PAGE, typed(client, mon=["18:00-22:00"]))
    assert first not in client.get(PAGE).content.decode()


def test_hours_that_ended_are_told(as_: As, berliner: User) -> None:
    client = as_(berliner)
    client.post(PAGE, typed(client, mon=["18:00-22:00"], valid_to="2026-01-05"))

    assert "Your weekly hours ended on 5 January 2026." in client.get(PAGE).content.decode()

    client.post(PAGE, typed(client, mon=["18:00-22:00"], valid_to="2099-01-05"))
    assert "hours ended" not in client.get(PAGE).content.decode()


def test_a_zone_that_is_gone_breaks_no_page(as_: As, berliner: User) -> None:
    factories.week(berliner, "Mars/Olympus")

    page = as_(berliner).get(PAGE)

    assert page.status_code == 200
    assert "“Mars/Olympus” is not known any more" in page.content.decode()


# Days, days away, limits


def tomorrow(days: int = 1) -> date:
    return timezone.localdate() + timedelta(days=days)


def test_a_day_gets_hours_of_its_own_and_gives_them_back(as_: As, berliner: User) -> None:
    client = as_(berliner)
    add = reverse("loops:day_hours_add")

    for _press in range(2):
        client.post(add, {"on": tomorrow(), "what": "some", "start": "10:00", "end": "12:30"})
    client.post(add, {"on": tomorrow(2), "what": "none"})
    page = client.get(PAGE)
    assert [(line.on, line.span) for line in page.context["page"].days] == [
        (tomorrow(), "10:00–12:30"),
        (tomorrow(2), ""),
    ]

    remove = reverse("loops:day_hours_remove", args=[page.context["page"].days[0].public_id])
    told = [words(client.post(remove)) for _press in range(2)]
    assert "follows your weekly hours again" in told[0][0]
    assert len(told[1]) == len(told[0])  # the second press said nothing
    assert DayHours.objects.get().on == tomorrow(2)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"what": "none"}, "on"),
        ({"on": "2020-01-01", "what": "none"}, "on"),
        ({"on": "soon", "what": "none"}, "on"),
        ({"on": "2099-01-01", "what": "some"}, "start"),
        ({"on": "2099-01-01", "what": "some", "start": "10:00"}, "end"),
        ({"on": "2099-01-01", "what": "some", "start": "10:00", "end": "10:00"}, "end"),
        ({"on": "2099-01-01", "what": "some", "start": "ten", "end": "11:00"}, "start"),
        ({"on": "2099-01-01"}, "what"),
    ],
)
def test_a_day_with_a_mistake_is_not_kept(
    as_: As, berliner: User, sent: dict[str, str], field: str
) -> None:
    page = as_(berliner).post(reverse("loops:day_hours_add"), sent)

    assert page.status_code == 422
    assert [*page.context["day"].errors] == [field]
    assert not DayHours.objects.exists()


def test_days_that_have_passed_are_not_listed(as_: As, berliner: User) -> None:
    for days in (-1, 1):
        DayHours.objects.create(user=berliner, on=tomorrow(2 * days), time_zone=BERLIN)
        DaysAway.objects.create(
            user=berliner, from_on=tomorrow(-9), to_on=tomorrow(2 * days), time_zone=BERLIN
        )

    page = as_(berliner).get(PAGE).context["page"]

    assert [line.on for line in page.days] == [tomorrow(2)]
    assert [line.to_on for line in page.away] == [tomorrow(2)]


def test_days_away_are_added_and_removed(as_: As, berliner: User) -> None:
    client = as_(berliner)
    sent = {"from_on": tomorrow(), "to_on": tomorrow(3), "note": "Conference"}

    for _press in range(2):
        client.post(reverse("loops:days_away_add"), sent)
    away = DaysAway.objects.get()
    assert (away.time_zone, away.note) == (BERLIN, "Conference")
    assert "Conference" in client.get(PAGE).content.decode()

    for _press in range(2):
        gone = client.post(reverse("loops:days_away_remove", args=[away.public_id]))
        assert gone.status_code == 302
    assert not DaysAway.objects.exists()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"from_on": "2099-01-02", "to_on": "2099-01-01"}, "to_on"),
        ({"from_on": "2020-01-02", "to_on": "2020-01-03"}, "to_on"),
        ({"from_on": "2099-01-02"}, "to_on"),
        ({"from_on": "2099-01-02", "to_on": "2099-01-03", "note": "x" * 81}, "note"),
    ],
)
def test_days_away_with_a_mistake_are_not_kept(
    as_: As, berliner: User, sent: dict[str, str], field: str
) -> None:
    page = as_(berliner).post(reverse("loops:days_away_add"), sent)

    assert page.status_code == 422
    assert [*page.context["away"].errors] == [field]


def test_days_away_over_an_agreed_mock_say_that_it_stands(
    as_: As, berliner: User, peer: User, cohort: Cohort
) -> None:
    starts_at = timezone.now() + timedelta(days=2)
    factories.mock(berliner, peer, cohort, starts_at=starts_at)
    client = as_(berliner)

    saved = client.post(
        reverse("loops:days_away_add"), {"from_on": tomorrow(), "to_on": tomorrow(4)}
    )

    assert "What you have agreed on stands" in words(saved)[1]
    assert Mock.objects.get().state == Mock.State.CONFIRMED


def test_the_ends_of_the_calendar_are_days_like_others(
    as_: As, berliner: User, peer: User, cohort: Cohort
) -> None:
    factories.mock(berliner, peer, cohort, starts_at=timezone.now() + timedelta(days=2))
    client = as_(berliner)

    away = client.post(
        reverse("loops:days_away_add"), {"from_on": "0001-01-01", "to_on": "9999-12-31"}
    )
    day = client.post(reverse("loops:day_hours_add"), {"on": "9999-12-31", "what": "none"})

    assert "What you have agreed on stands" in words(away)[1]
    assert day.status_code == 302
    assert client.get(PAGE).status_code == 200


def test_limits_are_kept_in_the_units_of_the_form(as_: As, berliner: User) -> None:
    client = as_(berliner)
    sent = {
        "notice_hours": "6",
        "horizon_days": "14",
        "most_a_day": "2",
        "most_a_week": "4",
        "gap_minutes": "30",
    }

    client.post(reverse("loops:limits_save"), sent)

    assert MockLimits.objects.get().notice_minutes == 360
    form = client.get(PAGE).context["limits"]
    assert {name: str(form[name].value()) for name in sent} == sent


@pytest.mark.parametrize(
    "sent",
    [
        {"notice_hours": "337"},
        {"horizon_days": "91"},
        {"most_a_day": "0"},
        {"most_a_week": "31"},
        {"gap_minutes": "-1"},
    ],
)
def test_limits_without_sense_are_not_kept(as_: As, berliner: User, sent: dict[str, str]) -> None:
    whole = {
        "notice_hours": "6",
        "horizon_days": "14",
        "most_a_day": "2",
        "most_a_week": "4",
        "gap_minutes": "30",
    }

    page = as_(berliner).post(reverse("loops:limits_save"), {**whole, **sent})

    assert page.status_code == 422
    assert [*page.context["limits"].errors] == [*sent]
    assert not MockLimits.objects.exists()


def test_nothing_of_somebody_else_is_removed(as_: As, berliner: User, peer: User) -> None:
    day = DayHours.objects.create(user=peer, on=tomorrow(), time_zone="UTC")
    away = DaysAway.objects.create(user=peer, from_on=tomorrow(), to_on=tomorrow(), time_zone="UTC")
    client = as_(berliner)

    client.post(reverse("loops:day_hours_remove", args=[day.public_id]))
    client.post(reverse("loops:days_away_remove", args=[away.public_id]))

    assert (DayHours.objects.count(), DaysAway.objects.count()) == (1, 1)


# Hours that follow


def test_a_new_zone_asks_whether_hours_follow_and_they_do_and_come_back(
    as_: As, berliner: User
) -> None:
    client = as_(berliner)
    client.post(PAGE, typed(client, mon=["18:00-22:00"]))
    assert client.get(PAGE).context["page"].follow is None

    client.post(reverse("loops:profile"), {"name": "Ada", "time_zone": KOLKATA})
    asked = [client.get(url) for url in (reverse("loops:profile"), PAGE)]
    for page in asked:
        assert "Stay 18:00 Berlin" in page.content.decode()
        assert "Make them 18:00 Kolkata" in page.content.decode()

    follow = reverse("loops:hours_follow")
    gone = client.post(follow, {"was": BERLIN, "zone": KOLKATA, "back": "profile"})
    assert gone.headers["Location"] == reverse("loops:profile")
    assert berliner.weekly_hours.get().time_zone == KOLKATA
    assert client.get(PAGE).context["page"].follow.state == "undo"

    client.post(follow, {"was": KOLKATA, "zone": BERLIN, "back": "availability"})
    assert berliner.weekly_hours.get().time_zone == BERLIN
    assert client.get(PAGE).context["page"].follow.state == "asks"


def test_hours_that_stay_are_not_asked_about_again(as_: As, berliner: User) -> None:
    client = as_(berliner)
    client.post(PAGE, typed(client, mon=["18:00-22:00"], zone=KOLKATA))

    client.post(reverse("loops:hours_follow"), {"was": KOLKATA, "zone": BERLIN, "keep": "on"})
    assert client.get(PAGE).context["page"].follow.state == "settled"
    assert berliner.weekly_hours.get().time_zone == KOLKATA

    User.objects.filter(pk=berliner.pk).update(time_zone="Asia/Tokyo")
    assert client.get(PAGE).context["page"].follow.state == "asks"


def test_hours_follow_to_no_place_that_is_none(as_: As, berliner: User) -> None:
    client = as_(berliner)
    client.post(PAGE, typed(client, mon=["18:00-22:00"]))

    gone = client.post(reverse("loops:hours_follow"), {"was": BERLIN, "zone": "Factory"})
    stale = client.post(reverse("loops:hours_follow"), {"was": "Asia/Tokyo", "zone": KOLKATA})

    assert (gone.status_code, stale.status_code) == (302, 409)
    assert berliner.weekly_hours.get().time_zone == BERLIN


# Blocks


def test_a_member_is_asked_what_a_block_ends_and_takes_it_back(
    as_: As, candidate: User, peer: User, cohort: Cohort
) -> None:
    client = as_(candidate)
    now = timezone.now()
    factories.mock(candidate, peer, cohort, starts_at=now + timedelta(days=2))
    factories.mock(
        peer,
        candidate,
        cohort,
        starts_at=now + timedelta(days=3),
        state=Mock.State.PROPOSED,
        kind="coding",
    )
    members = client.get(reverse("loops:cohort", args=[cohort.public_id])).content.decode()
    assert "Do not meet" in members

    block = reverse("loops:block")
    asked = client.post(block, {"user": peer.public_id})
    assert asked.status_code == 200
    assert len(asked.context["agreed"]) == asked.context["proposed"] == 1
    assert not Block.objects.exists()
    assert Mock.objects.filter(state=Mock.State.CANCELLED).count() == 0

    for _press in range(2):
        done = client.post(block, {"user": peer.public_id, "sure": "on"})
        assert done.headers["Location"] == reverse("loops:profile") + "#blocks"
    assert Mock.objects.filter(state=Mock.State.CANCELLED).count() == 2
    assert peer.handle in client.get(reverse("loops:profile")).content.decode()
    members = client.get(reverse("loops:cohort", args=[cohort.public_id])).content.decode()
    assert "you do not meet" in members

    for _press in range(2):
        assert client.post(reverse("loops:unblock", args=[peer.public_id])).status_code == 302
    assert not Block.objects.exists()


def test_who_is_blocked_sees_nothing_of_it(
    as_: As, candidate: User, peer: User, cohort: Cohort
) -> None:
    urls = [reverse("loops:cohort", args=[cohort.public_id]), reverse("loops:profile"), PAGE]
    client = as_(peer)

    def shown() -> list[str]:
        pages = [client.get(url).content.decode().splitlines() for url in urls]
        return [line for page in pages for line in page if "csrfmiddlewaretoken" not in line]

    before = shown()
    Block.objects.create(by=candidate, whom=peer, at=timezone.now())

    assert shown() == before
    assert not Notice.objects.exists()
    assert client.post(reverse("loops:block"), {"user": candidate.public_id}).status_code == 200


@pytest.mark.parametrize("is_by_me", [True, False])
def test_who_is_blocked_is_offered_no_hours_and_cannot_propose(
    as_: As, candidate: User, peer: User, cohort: Cohort, *, is_by_me: bool
) -> None:
    """Both ways, and in the very words for somebody who is not active any more."""
    factories.edition("sd_ambiguous", prompts=4)
    round_ = factories.loop(candidate, cohort).rounds.get()
    for user in (candidate, peer):
        factories.week(user)
    one, other = (candidate, peer) if is_by_me else (peer, candidate)
    client = as_(candidate)
    url = reverse("loops:mock_new")
    chosen = {"round": str(round_.public_id), "partner": str(peer.public_id)}
    sent = {**chosen, "starts_at": (timezone.now() + timedelta(days=2)).isoformat()}

    def answers() -> list[tuple[int, list[str]]]:
        given = [client.get(url), client.get(url, chosen), client.post(url, sent)]
        return [
            (
                answer.status_code,
                [
                    line
                    for line in answer.content.decode().splitlines()
                    if "csrfmiddlewaretoken" not in line
                ],
            )
            for answer in given
        ]

    assert peer.handle in client.get(url).content.decode()
    block = Block.objects.create(by=one, whom=other, at=timezone.now())
    blocked = answers()
    block.delete()
    User.objects.filter(pk=peer.pk).update(is_active=False)

    assert blocked == answers()
    assert [status for status, _lines in blocked] == [200, 409, 409]
    assert not any(peer.handle in line for _status, lines in blocked for line in lines)
    assert not Mock.objects.exists()


@pytest.mark.parametrize("who", ["outsider", "candidate"])
def test_a_stranger_is_not_blocked_nor_oneself(
    request: pytest.FixtureRequest, as_: As, candidate: User, who: str
) -> None:
    whom: User = request.getfixturevalue(who)
    client = as_(candidate)

    for sent in ({"user": whom.public_id, "sure": "on"}, {"user": "x", "sure": "on"}, {}):
        assert client.post(reverse("loops:block"), sent).status_code == 404
    assert client.post(reverse("loops:unblock", args=[whom.public_id])).status_code == 404
    assert not Block.objects.exists()


def test_a_block_outlives_the_cohort_and_can_be_taken_back(
    as_: As, candidate: User, peer: User
) -> None:
    Block.objects.create(by=candidate, whom=peer, at=timezone.now())
    peer.memberships.all().delete()
    client = as_(candidate)

    assert peer.handle in client.get(reverse("loops:profile")).content.decode()
    client.post(reverse("loops:unblock", args=[peer.public_id]))

    assert not Block.objects.exists()


# The price


def test_pages_cost_the_same_with_little_and_with_much(
    as_: As, queries: Callable[[str], int], berliner: User, cohort: Cohort, peer: User
) -> None:
    client = as_(berliner)
    client.post(PAGE, typed(client, mon=["18:00-22:00"]))
    urls = [PAGE, reverse("loops:profile"), reverse("loops:cohort", args=[cohort.public_id])]
    little = [queries(url) for url in urls]

    client.post(
        PAGE, typed(client, **{day: ["08:00-09:00", "18:00-22:00"] for day in ("mon", "sat")})
    )
    for number in range(3):
        stranger = factories.person()
        factories.join(cohort, stranger)
        Block.objects.create(by=berliner, whom=stranger, at=timezone.now())
        DayHours.objects.create(user=berliner, on=tomorrow(number), time_zone=BERLIN)
        DaysAway.objects.create(
            user=berliner, from_on=tomorrow(9), to_on=tomorrow(10 + number), time_zone=BERLIN
        )
        factories.mock(
            berliner,
            peer,
            cohort,
            starts_at=timezone.now() + timedelta(days=3 + number),
            kind=f"kind_{number}",
        )

    assert [queries(url) for url in urls] == little
    assert max(little) <= 8
