"""Weekly hours set by pointer, by finger, by keyboard and without scripts: the same fields."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from loops.models import User, WeeklyHours
from loops.week import Span
from tests.browser.test_keyboard import assert_focus_seen
from tests.browser.world import session_of

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

Opened = Callable[..., "Page"]


@pytest.fixture
def hours_page(
    new_page: Opened, live_server: "LiveServer", candidate: User
) -> Callable[..., "Page"]:
    """Return a function that opens the candidate's hours, with the clocks of Kathmandu."""
    User.objects.filter(pk=candidate.pk).update(time_zone="Asia/Kathmandu")

    def open_page(**facts: Any) -> "Page":
        page = new_page(reduced_motion="reduce", locale="en-GB", **facts)
        cookie = {"name": "session", "value": session_of(candidate), "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.goto("/availability/")
        if facts.get("java_script_enabled", True):
            page.locator("[role=gridcell][tabindex='0']").wait_for()
        return page

    return open_page


def cell(page: "Page", day: int, time: str) -> Any:
    return page.get_by_role("gridcell", name=re.compile(f"^{DAYS[day]} {time}–"))


def middle(page: "Page", day: int, time: str) -> tuple[float, float]:
    box = cell(page, day, time).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: "Page", start: tuple[int, str], end: tuple[int, str]) -> None:
    cell(page, *start).scroll_into_view_if_needed()
    page.mouse.move(*middle(page, *start))
    page.mouse.down()
    page.mouse.move(*middle(page, *end), steps=5)
    page.mouse.up()


def typed(page: "Page", day: int) -> list[str]:
    """Return what stands in a day's fields."""
    inputs = page.locator(f"[data-weekday='{day}'] [data-part=row] input").all()
    values = [one.input_value() for one in inputs]
    return [f"{a}-{b}" for a, b in zip(values[::2], values[1::2], strict=True) if a or b]


def type_hours(page: "Page", day: int, start: str, end: str) -> None:
    page.get_by_label(f"{DAYS[day]} from").last.fill(start)
    page.get_by_label(f"{DAYS[day]} until").last.fill(end)


def save(page: "Page") -> None:
    page.get_by_role("button", name="Save weekly hours").click()
    expect(page.get_by_text("Your weekly hours are saved.")).to_be_visible()


def kept() -> list[Span]:
    rows = WeeklyHours.objects.order_by("weekday", "start_minute")
    return [Span(*row) for row in rows.values_list("weekday", "start_minute", "end_minute")]


def test_a_pointer_paints_erases_and_saves(hours_page: Opened) -> None:
    page = hours_page(height=1600)

    drag(page, (MON, "18:00"), (WED, "21:30"))
    assert [typed(page, day) for day in (MON, TUE, WED, THU)] == [["18:00-22:00"]] * 3 + [[]]
    drag(page, (TUE, "19:00"), (TUE, "19:30"))
    assert typed(page, TUE) == ["18:00-19:00", "20:00-22:00"]
    cell(page, SAT, "10:00").click()
    cell(page, SAT, "12:30").click(modifiers=["Shift"])
    assert typed(page, SAT) == ["10:00-13:00"]
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    save(page)

    assert kept() == [
        Span(MON, 1080, 1320),
        Span(TUE, 1080, 1140),
        Span(TUE, 1200, 1320),
        Span(WED, 1080, 1320),
        Span(SAT, 600, 780),
    ]
    expect(cell(page, MON, "18:00")).to_have_accessible_name("Monday 18:00–18:30, free")
    expect(cell(page, TUE, "19:00")).to_have_accessible_name("Tuesday 19:00–19:30, not free")
    assert set(WeeklyHours.objects.values_list("time_zone", flat=True)) == {"Asia/Kathmandu"}


def test_a_drag_is_called_off_by_escape(hours_page: Opened) -> None:
    page = hours_page(height=1600)

    page.mouse.move(*middle(page, MON, "18:00"))
    page.mouse.down()
    page.mouse.move(*middle(page, FRI, "20:00"), steps=3)
    page.keyboard.press("Escape")
    page.mouse.up()

    assert typed(page, MON) == []


def test_a_keyboard_moves_sets_extends_and_is_told_what_it_did(hours_page: Opened) -> None:
    page = hours_page()
    said = page.locator("[data-part=said]")

    assert page.locator("[role=gridcell][tabindex='0']").count() == 1
    cell(page, MON, "18:00").focus()
    page.keyboard.press("Space")
    expect(said).to_have_text("Monday 18:00–18:30, free")
    expect(cell(page, MON, "18:00")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(cell(page, MON, "18:30")).to_be_focused()
    assert_focus_seen(page)
    for _step in range(3):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    expect(said).to_contain_text("Monday to Tuesday 18:30–20:30 chosen")
    page.keyboard.press("Space")
    expect(said).to_have_text("Monday to Tuesday 18:30–20:30, free")
    assert typed(page, MON) == ["18:00-20:30"]
    assert typed(page, TUE) == ["18:30-20:30"]

    page.keyboard.press("Escape")
    page.keyboard.press("End")
    expect(cell(page, SUN, "20:00")).to_be_focused()
    page.keyboard.press("Control+Home")
    expect(cell(page, MON, "06:00")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(cell(page, MON, "05:30")).to_be_focused()
    page.keyboard.press("Enter")
    assert typed(page, MON) == ["05:30-06:00", "18:00-20:30"]
    page.keyboard.press("Delete")
    assert typed(page, MON) == ["18:00-20:30"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(cell(page, MON, "05:30")).to_be_focused()

    page.get_by_role("button", name="Save weekly hours").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your weekly hours are saved.")).to_be_visible()
    assert kept() == [Span(MON, 1080, 1230), Span(TUE, 1110, 1230)]


def test_odd_minutes_and_nights_survive_the_grid(hours_page: Opened) -> None:
    page = hours_page(height=1600)

    type_hours(page, MON, "18:10", "22:00")
    type_hours(page, FRI, "22:00", "02:30")
    expect(cell(page, MON, "18:00")).to_have_accessible_name(
        "Monday 18:00–18:30, free at 18:10–18:30"
    )
    cell(page, MON, "12:00").click()
    assert typed(page, MON) == ["12:00-12:30", "18:10-22:00"]
    page.get_by_role("button", name="Show the night").click()
    expect(cell(page, SAT, "02:00")).to_have_attribute("aria-selected", "true")
    cell(page, SAT, "01:00").click()
    assert (typed(page, FRI), typed(page, SAT)) == (["22:00-01:00"], ["01:30-02:30"])
    save(page)

    assert kept() == [
        Span(MON, 720, 750),
        Span(MON, 1090, 1320),
        Span(FRI, 1320, 1500),
        Span(SAT, 90, 150),
    ]
    expect(cell(page, SAT, "01:30")).to_be_visible()  # the night is open: there is something in it


def test_what_is_half_typed_stays_beside_what_is_painted(hours_page: Opened) -> None:
    page = hours_page(height=1600)

    page.get_by_label("Monday from").fill("07:15")
    cell(page, MON, "12:00").click()

    assert typed(page, MON) == ["12:00-12:30", "07:15-"]


def test_monday_is_copied_and_the_week_cleared(hours_page: Opened) -> None:
    page = hours_page(height=1600)
    type_hours(page, MON, "18:10", "22:00")
    type_hours(page, WED, "07:00", "08:00")

    page.get_by_role("button", name="Copy Monday to weekdays").click()
    assert [typed(page, day) for day in range(7)] == [["18:10-22:00"]] * 5 + [[], []]
    page.get_by_role("button", name="Clear").click()
    assert [typed(page, day) for day in range(7)] == [[]] * 7
    assert not WeeklyHours.objects.exists()


def test_rows_are_added_and_removed(hours_page: Opened) -> None:
    page = hours_page()
    type_hours(page, MON, "18:00", "19:00")

    page.get_by_role("button", name="add another on Monday").click()
    expect(page.get_by_label("Monday from").nth(1)).to_be_focused()
    type_hours(page, MON, "20:00", "21:00")
    page.get_by_role("button", name="Remove this time of Monday").first.click()
    assert typed(page, MON) == ["20:00-21:00"]
    page.get_by_role("button", name="Remove this time of Monday").click()
    assert typed(page, MON) == []
    assert page.get_by_label("Monday from").count() == 1


def test_the_preview_follows_what_is_not_saved(hours_page: Opened) -> None:
    page = hours_page(height=1600)
    preview = page.locator("#preview")

    expect(preview).to_contain_text("Nothing is open")
    drag(page, (MON, "18:00"), (SUN, "21:30"))
    expect(preview).to_contain_text("18:00–22:00")
    expect(preview).to_contain_text("if you save")
    save(page)
    expect(preview).to_contain_text("18:00–22:00")
    expect(preview).not_to_contain_text("if you save")


def test_leaving_with_unsaved_hours_asks_first(hours_page: Opened) -> None:
    page = hours_page(height=1600)
    asked: list[str] = []

    def stay(dialog: "Dialog") -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)

    cell(page, MON, "18:00").click()
    page.get_by_role("link", name="Rubrics").click()
    page.wait_for_timeout(300)

    assert asked == ["beforeunload"]
    expect(page).to_have_url(re.compile("/availability/$"))
    save(page)


def test_a_finger_taps_holds_to_paint_and_else_scrolls(hours_page: Opened) -> None:
    page = hours_page(width=390, height=844, has_touch=True, is_mobile=True)
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *at: float) -> None:
        points = [{"x": at[0], "y": at[1]}] if at else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    cell(page, WED, "12:00").scroll_into_view_if_needed()
    cell(page, WED, "12:00").tap()
    assert typed(page, WED) == ["12:00-12:30"]

    x, y = middle(page, THU, "11:00")
    height = middle(page, THU, "11:30")[1] - y
    send("touchStart", x, y)
    page.wait_for_timeout(400)
    for step in range(1, 4):
        send("touchMove", x, y + step * height)
        page.wait_for_timeout(30)
    send("touchEnd")
    page.wait_for_timeout(100)
    assert typed(page, THU) == ["11:00-13:00"]

    before = page.evaluate("scrollY")
    send("touchStart", x, y)
    for step in range(1, 8):
        send("touchMove", x, y - step * 20)
        page.wait_for_timeout(16)
    send("touchEnd")
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") > before + 50
    assert typed(page, THU) == ["11:00-13:00"]


def test_hours_are_set_without_scripts(hours_page: Opened) -> None:
    page = hours_page(java_script_enabled=False, tolerated="422")

    expect(page.get_by_role("grid")).to_have_count(0)
    type_hours(page, MON, "18:10", "22:00")
    page.get_by_role("button", name="add another on Monday").click()
    type_hours(page, MON, "22:30", "02:30")
    page.get_by_role("button", name="Copy Monday to weekdays").click()
    expect(page.get_by_text("Changed here, and not saved yet.")).to_be_visible()
    page.get_by_role("combobox", name="by the clocks of").fill("new york")
    page.get_by_role("button", name="Save weekly hours").click()

    expect(page.get_by_text("Your weekly hours are saved.")).to_be_visible()
    expect(page.get_by_role("combobox", name="by the clocks of")).to_have_value("America/New_York")
    assert kept() == [
        span for day in range(5) for span in (Span(day, 1090, 1320), Span(day, 1350, 1590))
    ]

    page.get_by_label("Friday until").last.fill("")
    page.get_by_label("Friday until").last.press("Enter")
    expect(page.get_by_text("Say until when.")).to_be_visible()
    assert len(kept()) == 10
