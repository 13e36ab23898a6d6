"""Every page of the product in the states worth looking at: whose, where, what is done there."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.urls import reverse

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.world import World

NOBODY = ""


@dataclass(frozen=True)
class Visit:
    """One look at a page.

    `who` asks for it, `row` names what stands in its address, `then` is done once it is
    there. `status` is the answer's, `then_status` the one of the page that `then` leads to.
    """

    address: str
    row: str = ""
    who: str = "mara"
    query: str = ""
    status: int = 200
    settings: Mapping[str, Any] = field(default_factory=dict)
    then: "Callable[[Page], object] | None" = None
    then_status: int = 200

    def path(self, world: "World") -> str:
        """Return where the page is in this world."""
        return reverse(self.address, kwargs=world.ids[self.row]) + self.query


def _press(name: str) -> "Callable[[Page], object]":
    """Press a button or a link of the content."""
    return lambda page: page.locator(f"main :is(button, a):has-text('{name}')").first.click()


def _send_as_it_is(page: "Page") -> None:
    """Hand the page's own form in with nothing in it, past what the browser itself would stop."""
    with page.expect_navigation():
        page.evaluate(
            """() => {
                const form = document.querySelector("main form[method=post]");
                for (const control of form.querySelectorAll("input:not([type=hidden]), textarea")) {
                    if (["radio", "checkbox"].includes(control.type)) control.checked = false;
                    else control.value = "";
                }
                form.noValidate = true;
                form.requestSubmit();
            }"""
        )


def _sign_in_wrongly(page: "Page") -> None:
    page.locator("input[name=login]").fill("mara@demo.example")
    page.locator("input[name=password]").fill("not the password")
    with page.expect_navigation():
        page.locator("main form button").first.click()


def _come_without_token(page: "Page") -> None:
    page.context.clear_cookies(name="csrf")
    _sign_in_wrongly(page)


def _open_menu(page: "Page") -> None:
    page.locator(".bar summary").click()


def _open_all(page: "Page") -> None:
    """Open everything that is folded, but for menus, of which one is open at a time."""
    folded = "main details:not(.menu)"
    page.evaluate(f"document.querySelectorAll('{folded}').forEach((d) => {{ d.open = true; }})")


def _check_devices(page: "Page") -> None:
    _press("I agree, check my devices")(page)
    page.get_by_role("button", name="Start recording").wait_for()
    page.evaluate("scrollTo(0, 0)")  # else the bar covers what stands above


def _go_on_to(place: str) -> "Callable[[Page], object]":
    return lambda page: page.locator(f".scorecard__way a[href='#{place}']").click()


def _hand_in_too_early(page: "Page") -> None:
    _go_on_to("verdict")(page)
    with page.expect_navigation():
        _press("Hand in")(page)


def _hand_in_unrated(page: "Page") -> None:
    page.locator(".scorecard--steps").wait_for()
    page.keyboard.press("3")
    with page.expect_navigation():
        _press("Hand in")(page)


def _show_keys_of_training(page: "Page") -> None:
    page.locator(".scorecard--steps").wait_for()
    page.keyboard.press("?")
    page.locator("#keys").wait_for()


def _save_elsewhere(page: "Page") -> None:
    """Save other words as another window does, then go on typing in this one."""
    page.locator(".grading--scripted").wait_for()
    page.evaluate(
        """async () => {
            const form = document.getElementById("scorecard");
            const body = new URLSearchParams(new FormData(form));
            body.set("summary", `Saved in another window, ${Date.now()}.`);
            await fetch(form.dataset.draftUrl, { method: "POST", body });
        }"""
    )
    _go_on_to("verdict")(page)
    page.locator("#summary").fill("Typed in this one.")
    page.locator("#conflict[data-version]").wait_for()


def _press_phases(page: "Page") -> None:
    page.locator(".grading--scripted").wait_for()
    page.keyboard.press("p")
    page.keyboard.press("Shift+Digit2")
    page.locator("#moments", has_text="moments marked").wait_for()


def _show_keys(page: "Page") -> None:
    page.locator(".grading--scripted").wait_for()
    page.keyboard.press("?")
    page.locator("#keys").wait_for()


def _paint_hours(page: "Page") -> None:
    """Set an evening free by keyboard, and leave it chosen."""
    page.get_by_role("gridcell", name="Saturday 18:00").focus()
    for key in ("Shift+ArrowDown", "Shift+ArrowRight", "Space"):
        page.keyboard.press(key)
    page.locator("#preview .tag").wait_for()


def _save_hours_of_yesterday(page: "Page") -> None:
    page.locator("input[name=digest]").evaluate("(one) => { one.value = 'of another week'; }")
    page.locator("input[name=from_6]").last.fill("10:10")
    page.locator("input[name=until_6]").last.fill("11:00")
    with page.expect_navigation():
        page.get_by_role("button", name="Save weekly hours").click()


def _ask_to_block(page: "Page") -> None:
    page.locator(".members summary").last.click()
    with page.expect_navigation():
        page.locator(".members details[open] button").click()


def _choose(partner: str) -> "Callable[[Page], object]":
    """Choose the first round and a partner, and go on to the times."""

    def chosen(page: "Page") -> None:
        _open_all(page)
        page.locator("input[name=round]").first.check()
        page.get_by_role("radio", name=re.compile(partner)).check()
        with page.expect_navigation():
            _press("See the times you share")(page)

    return chosen


def _choose_a_time(page: "Page") -> None:
    _choose("otis-211")(page)
    page.locator(".slot").last.click()
    page.locator(".chosen--set").wait_for()


def _propose_nothing(page: "Page") -> None:
    _choose("otis-211")(page)
    _send_as_it_is(page)


def _choose_nobody(page: "Page") -> None:
    page.evaluate("document.querySelector('.choosing').noValidate = true")
    with page.expect_navigation():
        _press("See the times you share")(page)


def _accept_without_a_round(page: "Page") -> None:
    with page.expect_navigation():
        _press("Accept")(page)


def _type_a_wrong_time(page: "Page") -> None:
    page.locator("main textarea").fill("0:05 Good evening.\n0:7 And then")
    with page.expect_navigation():
        _press("Keep these words")(page)


def _stamp(page: "Page") -> None:
    page.locator(".grading--scripted").wait_for()
    page.keyboard.press("e")
    page.locator("#mark-note").wait_for()


def _open_report(page: "Page") -> None:
    page.locator(".report summary").click()
    page.locator("#report-note").scroll_into_view_if_needed()


def _ask_nothing(page: "Page") -> None:
    _open_all(page)
    page.locator("#ask textarea").evaluate("(one) => { one.form.noValidate = true; }")
    with page.expect_navigation():
        page.locator("#ask button").last.click()


def _answer_nothing(page: "Page") -> None:
    _open_all(page)
    page.locator("form[action*='/questions/'] textarea").first.evaluate(
        "(one) => { one.form.noValidate = true; }"
    )
    with page.expect_navigation():
        page.locator("form[action*='/questions/'] button").first.click()


def _open_with_nothing_said(page: "Page") -> None:
    page.locator("form#open").evaluate("(one) => { one.noValidate = true; }")
    with page.expect_navigation():
        _press("Open the levels")(page)


def _ask_to_erase(page: "Page") -> None:
    page.locator("button[data-dialog^=erase]").first.click()
    page.locator("dialog[open]").wait_for()


IN_DEBUGGING = {"DEBUG": True}

VISITS: dict[str, Visit] = {
    # Who is not signed in
    "landing": Visit("landing", who=NOBODY),
    "sign-in": Visit("account_login", who=NOBODY),
    "sign-in, mistaken": Visit("account_login", who=NOBODY, then=_sign_in_wrongly),
    "sign-in, open for too long": Visit(
        "account_login", who=NOBODY, then=_come_without_token, then_status=403
    ),
    "sign-up, closed": Visit("account_signup", who=NOBODY),
    "sign-up, open": Visit("account_signup", who=NOBODY, settings={"SIGNUP": "open"}),
    "sign-up, empty": Visit(
        "account_signup", who=NOBODY, settings={"SIGNUP": "open"}, then=_send_as_it_is
    ),
    "sign-up, invited": Visit(
        "loops:join", "open invitation", who=NOBODY, then=_press("Create an account")
    ),
    "reset": Visit("account_reset_password", who=NOBODY),
    "reset, sent": Visit("account_reset_password_done", who=NOBODY),
    "reset, new password": Visit("account_reset_password_from_key", "new password", who=NOBODY),
    "reset, old link": Visit("account_reset_password_from_key", "old password link", who=NOBODY),
    "reset, done": Visit("account_reset_password_from_key_done", who=NOBODY),
    "confirm address": Visit("account_confirm_email", "address", who=NOBODY),
    "confirm address, sent": Visit("account_email_verification_sent", who=NOBODY),
    "inactive": Visit("account_inactive", who=NOBODY),
    "join, stranger": Visit("loops:join", "open invitation", who=NOBODY),
    "join, closed": Visit("loops:join", "no token", who=NOBODY, status=410),
    "style": Visit("style", who=NOBODY, settings=IN_DEBUGGING),
    "mail": Visit("mail", who=NOBODY, settings=IN_DEBUGGING),
    "mail, message": Visit("mail-message", "mail", who=NOBODY, settings=IN_DEBUGGING),
    "mail, invitation": Visit("mail-message", "mail of a mock", who=NOBODY, settings=IN_DEBUGGING),
    # People
    "join": Visit("loops:join", "open invitation", who="newcomer"),
    "cohorts": Visit("loops:cohort_list"),
    "cohorts, none": Visit("loops:cohort_list", who="newcomer"),
    "cohort": Visit("loops:cohort", "cohort"),
    "cohort, organiser": Visit("loops:cohort", "cohort", who="tomas", then=_open_all),
    "profile": Visit("loops:profile"),
    "profile, menu open": Visit("loops:profile", then=_open_menu),
    "sign-out": Visit("account_logout"),
    "password": Visit("account_change_password", who="newcomer"),
    "addresses": Visit("account_email", who="newcomer"),
    "password again": Visit("account_reauthenticate", who="newcomer"),
    "profile, moved": Visit("loops:profile", who="rowan"),
    "not to meet": Visit("loops:cohort", "cohort", who="wren", then=_ask_to_block),
    # Hours
    "hours": Visit("loops:availability", then=_open_all),
    "hours, painted": Visit("loops:availability", then=_paint_hours),
    "hours, moved": Visit("loops:availability", who="rowan", then=_open_all),
    "hours, none": Visit("loops:availability", who="newcomer"),
    "hours, mistaken": Visit("loops:availability", then=_send_as_it_is, then_status=422),
    "hours, saved elsewhere": Visit(
        "loops:availability", then=_save_hours_of_yesterday, then_status=409
    ),
    # Practice
    "loops": Visit("loops:loop_list"),
    "loops, none": Visit("loops:loop_list", who="newcomer"),
    "new loop": Visit("loops:loop_new"),
    "new loop, mistaken": Visit("loops:loop_new", then=_send_as_it_is, then_status=422),
    "new loop, no cohort": Visit("loops:loop_new", who="newcomer"),
    "loop": Visit("loops:loop", "loop"),
    "loop, manager's": Visit("loops:loop", "manager's loop", who="adaeze"),
    "round": Visit("loops:round", "round"),
    "round, fresh": Visit("loops:round", "fresh", who="wren"),
    "round, with a draft": Visit("loops:round", "draft's round"),
    "answer, unpredicted": Visit("loops:attempt", "unpredicted", who="wren", then=_open_all),
    "answer, predicted": Visit("loops:attempt", "draft", then=_open_all),
    "answer, interrupted": Visit("loops:attempt", "interrupted", who="wren", then=_open_all),
    "answer, uploaded": Visit("loops:attempt", "uploaded", who="wren"),
    "answer, processing": Visit("loops:attempt", "processing", who="wren"),
    "answer, ready": Visit("loops:attempt", "ready", who="wren", then=_open_all),
    "answer, failed": Visit("loops:attempt", "failed", who="wren"),
    "answer, ready in part": Visit("loops:attempt", "partial", who="wren"),
    "answer, put away": Visit("loops:attempt", "withdrawn", who="wren"),
    "recorder": Visit("loops:record", "draft"),
    "recorder, devices": Visit("loops:record", "draft", then=_check_devices),
    "recorder, interrupted": Visit("loops:record", "interrupted", who="wren"),
    "answer, lost to the rule": Visit("loops:attempt", "lost", who="wren"),
    "hand in": Visit("loops:attempt_submit", "ready", who="wren"),
    "recordings": Visit("loops:recording_list", who="wren"),
    "recordings, to erase": Visit("loops:recording_list", who="wren", then=_ask_to_erase),
    "recordings, none": Visit("loops:recording_list", who="newcomer"),
    # Mocks
    "mocks": Visit("loops:mock_list", who="nia", then=_open_all),
    "mocks, none": Visit("loops:mock_list", who="newcomer"),
    "mocks, long past": Visit("loops:mock_list", who="quinn", query="?page=2"),
    "new mock": Visit("loops:mock_new", who="nia", then=_open_all),
    "new mock, nobody chosen": Visit("loops:mock_new", who="nia", then=_choose_nobody),
    "new mock, no cohort": Visit("loops:mock_new", who="newcomer"),
    "new mock, no loop": Visit("loops:mock_new", who="rowan"),
    "new mock, times": Visit("loops:mock_new", who="nia", then=_choose_a_time),
    "new mock, no hours": Visit("loops:mock_new", who="nia", then=_choose("quinn-211")),
    "new mock, no time": Visit("loops:mock_new", who="nia", then=_propose_nothing, then_status=422),
    "mock, asked": Visit("loops:mock", "mock, asked", who="nia"),
    "mock, asked to swap": Visit("loops:mock", "mock, asked to swap", who="nia"),
    "mock, no round chosen": Visit(
        "loops:mock",
        "mock, asked to swap",
        who="nia",
        then=_accept_without_a_round,
        then_status=422,
    ),
    "mock, paired": Visit("loops:mock", "mock, paired", who="nia"),
    "mock, waiting": Visit("loops:mock", "mock, waiting", who="nia"),
    "mock, agreed": Visit("loops:mock", "mock, agreed", who="nia", then=_open_all),
    "mock, to confirm": Visit("loops:mock", "mock, to confirm", who="nia"),
    "mock, to move": Visit("loops:mock", "mock, moved", who="nia", then=_open_all),
    "mock, to be moved": Visit("loops:mock", "mock, moved", who="otis", then=_open_all),
    "mock, confirmed": Visit("loops:mock", "mock, confirmed", who="nia"),
    "mock, open": Visit("loops:mock", "mock, open", who="nia"),
    "mock, held": Visit("loops:mock", "mock, held", who="nia"),
    "mock, alone": Visit("loops:mock", "mock, alone", who="nia"),
    "mock, called off": Visit("loops:mock", "mock, called off", who="nia"),
    "mock, another time": Visit("loops:mock_times", "mock, agreed", who="nia"),
    "mock, another time to swap": Visit("loops:mock_times", "mock, asked to swap", who="nia"),
    "calling off": Visit("loops:mock_cancel", "mock, agreed", who="nia"),
    "calling off, late": Visit("loops:mock_cancel", "mock, confirmed", who="nia"),
    "answer, by mail": Visit("loops:answer_link", "link, asked to swap", who=NOBODY),
    "answer, by mail, to move": Visit("loops:answer_link", "link, moved", who=NOBODY),
    "answer, by mail, to confirm": Visit("loops:answer_link", "link, to confirm", who=NOBODY),
    "answer, by mail, answered": Visit("loops:answer_link", "link, confirmed", who=NOBODY),
    "answer, by mail, ended": Visit("loops:answer_link", "link, none", who=NOBODY, status=410),
    # The pool
    "pool": Visit("loops:pool", then=_open_all),
    "pool, mistaken": Visit("loops:pool", then=_send_as_it_is, then_status=422),
    "pool, waiting": Visit("loops:pool", who="wren", then=_open_all),
    "pool, on standby": Visit("loops:pool", who="tomas"),
    "pool, called": Visit("loops:pool", who="adaeze"),
    "pool, no cohort": Visit("loops:pool", who="newcomer"),
    "appeal": Visit("loops:mock_appeal", "missed", who="wren"),
    "appeal, empty": Visit(
        "loops:mock_appeal", "missed", who="wren", then=_send_as_it_is, then_status=422
    ),
    "appeal, answered": Visit("loops:mock_appeal", "answered appeal", who="wren"),
    "mocks of a cohort": Visit("loops:cohort_mocks", "cohort", who="tomas"),
    "mocks of a cohort, fill rate": Visit(
        "loops:cohort_mocks", "cohort", who="tomas", query="?show=fill", then=_open_all
    ),
    "mocks of a cohort, promises": Visit(
        "loops:cohort_mocks", "cohort", who="tomas", query="?show=people"
    ),
    # Notices and the calendar
    "notices": Visit("loops:notice_list"),
    "notices, all read": Visit("loops:notice_list", then=_press("Mark all as read")),
    "notices, none": Visit("loops:notice_list", who="newcomer"),
    "what one is told": Visit("loops:notice_wishes"),
    "calendar": Visit("loops:calendar", who="wren"),
    "calendar, new link": Visit("loops:calendar", who="kenji", then=_press("Make a link")),
    "calendar, link made": Visit("loops:calendar"),
    # Training
    "training": Visit("feedback:training"),
    "training, not begun": Visit("feedback:training", who="newcomer"),
    "training of a round": Visit("feedback:training_kind", "round kind, begun"),
    "training of a round, waiting": Visit("feedback:training_kind", "round kind, waited for"),
    "training of a round, not begun": Visit(
        "feedback:training_kind", "round kind, begun", who="newcomer"
    ),
    "vignette": Visit("feedback:sitting", "vignette"),
    "vignette, keys": Visit("feedback:sitting", "vignette", then=_show_keys_of_training),
    "vignette, incomplete": Visit(
        "feedback:sitting", "vignette", then=_hand_in_unrated, then_status=422
    ),
    "vignette, rated": Visit("feedback:sitting", "vignette, rated"),
    "vignette, with code": Visit("feedback:sitting", "vignette, with code"),
    # Grading
    "queue, holding": Visit("feedback:queue"),
    "queue": Visit("feedback:queue", who="kenji"),
    "queue, lapsed": Visit("feedback:queue", who="wren"),
    "queue, empty": Visit("feedback:queue", who="newcomer"),
    "queue, of everything": Visit("feedback:queue", who="fern"),
    "queue, owing": Visit("feedback:queue", who="hale"),
    "conflicts": Visit("feedback:conflicts", who="fern"),
    "conflicts, none": Visit("feedback:conflicts", who="newcomer"),
    "conflicts, nobody chosen": Visit(
        "feedback:conflicts", who="hale", then=_send_as_it_is, then_status=422
    ),
    "grading rules": Visit("feedback:grading_rules", "busy cohort", who="fern"),
    "grading rules, none chosen": Visit(
        "feedback:grading_rules", "busy cohort", who="fern", then=_send_as_it_is, then_status=422
    ),
    "cohort, its rules": Visit("loops:cohort", "busy cohort", who="hale"),
    "captions": Visit("loops:transcript", "words", then=_open_all),
    "captions, none yet": Visit("loops:transcript", "no words", who="wren"),
    "captions, mistaken": Visit(
        "loops:transcript", "words", then=_type_a_wrong_time, then_status=422
    ),
    "grading": Visit("feedback:review", "held", then=_open_all),
    "grading, verdict": Visit("feedback:review", "held", then=_go_on_to("verdict")),
    "grading, two windows": Visit("feedback:review", "held", then=_save_elsewhere, then_status=409),
    "grading, phases": Visit("feedback:review", "held", then=_press_phases),
    "grading, keys": Visit("feedback:review", "held", then=_show_keys),
    "grading, too early": Visit(
        "feedback:review", "held", then=_hand_in_too_early, then_status=422
    ),
    "grading, lapsed": Visit("feedback:review", "lapsed", who="wren"),
    "grading, erased": Visit("feedback:review", "review of erased", who="priya"),
    "review, kept": Visit("feedback:review", "kept"),
    "grading, to report": Visit(
        "feedback:review", "review of a mock", who="kit", then=_open_report
    ),
    "review, reported": Visit("feedback:review", "review reported", who="fern"),
    "review, contested": Visit("feedback:review", "review contested", who="fern"),
    "review, ended by a report": Visit("feedback:review", "review ended", who="fern"),
    # The evening of a mock
    "kit": Visit("loops:turn_kit", "turn to prepare", who="ida", then=_open_all),
    "session, early": Visit("feedback:session", "evening, early", who="ida"),
    "session, at the door": Visit("feedback:session", "evening, at the door", who="ida"),
    "session, waiting": Visit("feedback:session", "evening, waiting", who="jon"),
    "session, in the grace": Visit("feedback:session", "evening, waiting interviewer", who="ida"),
    "session, left alone": Visit("feedback:session", "evening, left alone", who="ida"),
    "session, ready": Visit("feedback:session", "evening, ready", who="ida", then=_open_all),
    "session, answering": Visit("feedback:session", "evening, answering", who="jon"),
    "session, devices": Visit(
        "feedback:session", "evening, predicted", who="jon", then=_check_devices
    ),
    "session, interrupted": Visit("feedback:session", "evening, interrupted turn", who="jon"),
    "session, recorded": Visit("feedback:session", "evening, recorded turn", who="jon"),
    "session, interviewing": Visit(
        "feedback:session", "evening, interviewing", who="ida", then=_open_all
    ),
    "session, stamping": Visit("feedback:session", "evening, interviewing", who="ida", then=_stamp),
    "session, swapping": Visit("feedback:session", "evening, swapping", who="jon"),
    "session, talking": Visit("feedback:session", "evening, talking", who="ida"),
    "session, held": Visit("feedback:session", "evening, held", who="jon"),
    "session, held interviewing": Visit("feedback:session", "evening, held", who="ida"),
    "session, missed": Visit("feedback:session", "evening, missed", who="ida"),
    "session, went on alone": Visit("feedback:session", "evening, missed", who="jon"),
    "card": Visit("feedback:card", "turn of held", who="jon"),
    "card, empty": Visit(
        "feedback:card", "turn of held", who="jon", then=_send_as_it_is, then_status=422
    ),
    "card, read": Visit("feedback:card", "turn of card read", who="ida"),
    "card, not yet": Visit("feedback:card", "turn of held", who="ida"),
    "practice note": Visit("feedback:practice_note", "turn of noted", who="jon"),
    "practice note, not yet": Visit("feedback:practice_note", "turn of unrecorded", who="jon"),
    "grading, from a mock": Visit("feedback:review", "live review", who="ida", then=_open_all),
    "queue, from mocks": Visit("feedback:queue", who="ida"),
    "answer, of a mock": Visit("loops:attempt", "live draft", who="jon", then=_open_all),
    "answer, practice": Visit("loops:attempt", "practice", who="jon"),
    "round, of a mock": Visit("loops:round", "live round", who="jon"),
    "results, of a mock": Visit("feedback:results", "handed in live", who="jon"),
    # Reading
    "results, none in": Visit("feedback:results", "nobody yet"),
    "results, one in": Visit("feedback:results", "one of two"),
    "results, reported": Visit("feedback:results", "reported", who="hale", then=_open_all),
    "results, one in and reported": Visit(
        "feedback:results", "reported, one in", who="hale", then=_open_all
    ),
    "results, unplayable": Visit("feedback:results", "unplayable", who="wren"),
    "results, erased": Visit("feedback:results", "erased", who="wren"),
    "results, being erased": Visit("feedback:results", "erasing", who="wren"),
    "results, to erase": Visit("feedback:results", "provisional", who="wren", then=_ask_to_erase),
    "take back": Visit("feedback:withdraw", "provisional", who="wren"),
    "experts, none": Visit("feedback:experts"),
    "experts, asked": Visit("feedback:experts", who="kit"),
    "grading, as an expert": Visit("feedback:review", "review as an expert", who="gus"),
    "gold items": Visit("feedback:gold_items", "busy cohort", who="fern"),
    "gold items, none": Visit("feedback:gold_items", "cohort", who="tomas"),
    "results, provisional": Visit("feedback:results", "provisional", who="wren"),
    "results, uncalibrated": Visit("feedback:results", "uncalibrated", who="wren"),
    "results, to open": Visit("feedback:results", "to open"),
    "results, to open, nothing said": Visit(
        "feedback:results", "to open", then=_open_with_nothing_said, then_status=422
    ),
    "results, one more": Visit("feedback:results", "one more", who="wren", then=_open_all),
    "round, reviews to open": Visit("loops:round", "round of reviews to open"),
    "results": Visit("feedback:results", "revealed", then=_open_all),
    # Questions and why-chains
    "results, asked": Visit("feedback:results", "waiting result", who="rosa", then=_open_all),
    "results, a question of nothing": Visit(
        "feedback:results", "waiting result", who="rosa", then=_ask_nothing, then_status=422
    ),
    "review, asked": Visit("feedback:review", "waiting review", who="nils", then=_open_all),
    "question, answered with nothing": Visit(
        "feedback:review",
        "waiting review",
        who="nils",
        then=_answer_nothing,
        then_status=422,
    ),
    "follow-up, waiting": Visit("feedback:follow_up", "waiting follow-up", who="rosa"),
    "follow-up, begun": Visit("feedback:follow_up", "begun follow-up", who="rosa", then=_open_all),
    "follow-up, being made ready": Visit("feedback:follow_up", "making follow-up", who="rosa"),
    "follow-up, broken off": Visit("feedback:follow_up", "broken off follow-up", who="rosa"),
    "follow-up, ready": Visit("feedback:follow_up", "ready follow-up", who="rosa"),
    "follow-up, too long": Visit("feedback:follow_up", "long follow-up", who="rosa"),
    "follow-up, sent": Visit("feedback:follow_up", "sent follow-up", who="rosa"),
    "follow-up, declined": Visit("feedback:follow_up", "declined follow-up", who="rosa"),
    "follow-up, asked": Visit("feedback:follow_up", "waiting follow-up", who="nils"),
    "follow-up, answered": Visit("feedback:follow_up", "sent follow-up", who="nils"),
    "recorder of a take": Visit("loops:record", "begun take", who="rosa", then=_check_devices),
    # Appeals of results, and debriefs
    "appeal of a result": Visit("feedback:appeal", "appealable result", who="hana"),
    "appeal of a result, empty": Visit(
        "feedback:appeal",
        "appealable result",
        who="hana",
        then=_send_as_it_is,
        then_status=422,
    ),
    "results, to appeal": Visit("feedback:results", "appealable result", who="hana"),
    "results, appealed": Visit("feedback:results", "appealed result", who="hana", then=_open_all),
    "results, appeal answered": Visit(
        "feedback:results", "answered result", who="hana", then=_open_all
    ),
    "results, split": Visit("feedback:results", "split result", who="hana"),
    "results, after a debrief": Visit("feedback:results", "debriefed result", who="hana"),
    "queue, with appeals": Visit("feedback:queue", who="ines"),
    "appeal to take": Visit("feedback:appeal_handle", "appeal, appealed", who="ines"),
    "appeal in hand": Visit("feedback:appeal_handle", "appeal, in hand", who="bram"),
    "appeal in another's hands": Visit("feedback:appeal_handle", "appeal, in hand", who="ines"),
    "grading, for an appeal": Visit("feedback:review", "review of an appeal", who="bram"),
    "appeal to answer": Visit("feedback:appeal_handle", "appeal, read", who="ines"),
    "appeal to answer, empty": Visit(
        "feedback:appeal_handle",
        "appeal, read",
        who="ines",
        then=_send_as_it_is,
        then_status=422,
    ),
    "appeal, answered by me": Visit("feedback:appeal_handle", "appeal, answered", who="ines"),
    "appeal, answered by another": Visit("feedback:appeal_handle", "appeal, answered", who="bram"),
    "debrief": Visit("feedback:debrief", "debriefed result", who="soren"),
    "debrief, not revised": Visit("feedback:debrief", "debriefed result", who="marek"),
    "debrief, empty": Visit(
        "feedback:debrief",
        "debriefed result",
        who="lena",
        then=_send_as_it_is,
        then_status=422,
    ),
    "review, to debrief": Visit("feedback:review", "review to debrief", who="soren"),
    "readiness": Visit("feedback:readiness", then=_open_all),
    "readiness, of a loop": Visit("feedback:readiness_loop", "manager's loop", who="adaeze"),
    "readiness, early": Visit("feedback:readiness_loop", "wren's loop", who="wren"),
    "readiness, none": Visit("feedback:readiness", who="newcomer"),
    "how computed": Visit("feedback:how_computed"),
    # Rubrics
    "rubrics": Visit("rubrics:browse", then=_open_all),
    "rubric": Visit("rubrics:read", "kind", then=_open_all),
    "rubric, edition": Visit("rubrics:read_edition", "edition"),
    "rubric, old edition": Visit("rubrics:read_edition", "old edition"),
    "comparison": Visit("rubrics:compare", "changed kind", query="?from=1&to=2", then=_open_all),
    "comparison, one edition": Visit("rubrics:compare", "kind"),
    # What is not there
    "not found": Visit("loops:loop", "manager's loop", status=404),
    "not found, stranger": Visit("mail", who=NOBODY, status=404),
}
