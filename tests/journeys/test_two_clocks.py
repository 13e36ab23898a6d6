"""Kathmandu and New York agree on a time in the week when one of them changes the clocks."""

import email
import email.policy
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from io import StringIO
from typing import TYPE_CHECKING, Any

import icalendar
import pytest
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import expect

from feedback.models import Review
from loops import tasks
from loops.actions import practice
from loops.models import Attempt, Cohort, Loop, Mock, Notice, Recording, User
from rubrics.models import Preset
from tests import factories
from tests.browser.world import session_of
from tests.journeys.steps import grade, take_the_next
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

THURSDAY = datetime(2026, 3, 5, 14, 0, tzinfo=UTC)
MONDAY = datetime(2026, 3, 9, 12, 15, tzinfo=UTC)
"""18:00 in Kathmandu; 08:15 in New York, where clocks went forward the day before."""
IN_KATHMANDU, IN_NEW_YORK = "18:00", "08:15"


@dataclass
class Clock:
    """What the server takes for now; it runs, and can be set."""

    ahead: timedelta = timedelta()

    def set(self, at: datetime) -> None:
        """Make it that instant."""
        self.ahead = at - datetime.now(UTC)

    def now(self) -> datetime:
        """Tell the time."""
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The server's clock, on the Thursday before."""
    clock = Clock()
    clock.set(THURSDAY)
    monkeypatch.setattr(timezone, "now", clock.now)
    return clock


@pytest.fixture
def loop(transactional_db: None, clock: Clock) -> Loop:
    """Three people in a cohort; the candidate has a Staff loop."""
    call_command("import_rubrics", stdout=StringIO())
    asha = factories.person("asha-101", time_zone="Asia/Kathmandu")
    noah = factories.person("noah-102", time_zone="America/New_York")
    vera = factories.person("vera-103", time_zone="Europe/Lisbon")
    cohort = factories.cohort(asha, noah, vera, name="Two clocks")
    return practice.start_loop(
        preset=Preset.objects.get(key="staff"), cohort=cohort, target_rank=2, by=asha, at=THURSDAY
    )


@pytest.fixture
def pages(
    loop: Loop, new_page: Callable[..., "Page"], live_server: "LiveServer"
) -> dict[str, "Page"]:
    """A browser for each of the three, signed in."""

    def opened(user: User) -> "Page":
        page = new_page()
        name, value = settings.SESSION_COOKIE_NAME, session_of(user)
        cookie = {"name": name, "value": value, "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        return page

    members = Cohort.objects.get().members.all()
    return {user.handle.partition("-")[0]: opened(user) for user in members}


def test_two_people_meet_across_a_change_of_clocks(
    pages: dict[str, "Page"], clock: Clock, loop: Loop
) -> None:
    asha, noah, vera = pages["asha"], pages["noah"], pages["vera"]
    _set_hours(asha, "18:00", "21:00")
    _set_hours(noah, "08:00", "11:00")

    # Asha picks a time that the two share, and reads it on both clocks.
    _pick(asha, loop)
    mock = Mock.objects.get()
    assert mock.starts_at == MONDAY

    # Noah accepts by the link in his mail, signed in nowhere.
    (asked,) = _mails(to="noah")
    text = _text(asked)
    assert IN_NEW_YORK in text
    assert IN_KATHMANDU in text
    _accept(asked, noah)
    mock.refresh_from_db()
    assert mock.state == "accepted"

    # The same instant in both mails, in both files and on both pages.
    for name, page, own, other in (
        ("asha", asha, IN_KATHMANDU, IN_NEW_YORK),
        ("noah", noah, IN_NEW_YORK, IN_KATHMANDU),
    ):
        (agreed,) = _mails(to=name, about="calendar")
        assert own in _text(agreed)
        assert _start(_calendar_of(agreed)) == MONDAY
        page.goto(f"/mocks/{mock.public_id}/")
        expect(page.locator("main")).to_contain_text(own)
        expect(page.locator("main")).to_contain_text(other)
        got = page.request.get(f"/mocks/{mock.public_id}/invite.ics")
        assert _start(got.body()) == MONDAY
    expect(asha.locator("main")).to_contain_text(re.compile(r"[Cc]locks change .*8 March"))

    # Both confirm the day before, both come, and the mock is held.
    clock.set(MONDAY - timedelta(hours=20))
    for page in (asha, noah):
        page.goto("/mocks/")
        page.get_by_role("button", name="I will be there").click()
    mock.refresh_from_db()
    assert mock.state == "confirmed"
    clock.set(MONDAY)
    _hold(asha, noah, mock)

    # One more review from the queue, and the candidate reads both.
    attempt = Attempt.objects.get()
    assert (attempt.kind, attempt.state) == ("live", "submitted")
    vera.goto("/queue/")
    take_the_next(vera)
    grade(vera, key="2", verdict="No")
    expect(vera.get_by_text("Your review is in, thank you.")).to_be_visible()
    assert Review.objects.filter(attempt=attempt, state="submitted").count() == 2
    asha.goto(f"/results/{attempt.public_id}/")
    expect(asha.get_by_text("Which decided it")).to_have_count(2)


def _set_hours(page: "Page", start: str, end: str) -> None:
    page.goto("/availability/")
    page.get_by_label("Monday from").first.fill(start)
    page.get_by_label("Monday until").first.fill(end)
    page.get_by_role("button", name="Save weekly hours").click()
    expect(page.get_by_role("status").filter(has_text="saved").first).to_be_visible()


def _pick(page: "Page", loop: Loop) -> None:
    coding = loop.rounds.get(round_kind__key="coding")
    page.goto(f"/mocks/new/?round={coding.public_id}")
    page.get_by_role("radio", name=re.compile("noah-102")).check()
    page.get_by_role("radio", name=re.compile("I answer, my partner interviews")).check()
    page.get_by_role("button", name="See the times you share").click()
    expect(page.locator("main")).to_contain_text(re.compile(r"[Cc]locks change .*8 March"))
    slot = page.locator(f"label:has(input[name=starts_at][value^='{MONDAY:%Y-%m-%dT%H:%M}'])")
    expect(slot).to_contain_text(IN_KATHMANDU)
    expect(slot).to_contain_text(IN_NEW_YORK)
    slot.click()
    page.get_by_label("Video room").fill("https://meet.example/two-clocks")
    page.get_by_role("button", name="Propose it to noah-102").click()
    expect(page.get_by_role("heading", name="Mock with noah-102")).to_be_visible()


def _accept(asked: EmailMessage, page: "Page") -> None:
    link = re.search(r"https?://\S+(/answers/\S+)", _text(asked))
    assert link
    browser = page.context.browser
    assert browser
    anonymous = browser.new_context(base_url="/".join(page.url.split("/")[:3]))
    try:
        reading = anonymous.new_page()
        reading.goto(link[1])
        assert Mock.objects.get().state == "proposed"  # a scanner that opens links changes nothing
        expect(reading.locator("main")).to_contain_text(IN_NEW_YORK)
        reading.get_by_role("button", name="Accept").click()
        expect(reading.locator("main")).to_contain_text(re.compile("agreed|accepted", re.I))
    finally:
        anonymous.close()


def _hold(asha: "Page", noah: "Page", mock: Mock) -> None:
    """Come, answer, record, grade, finish, hand in."""
    for page in (asha, noah):
        page.goto(f"/mocks/{mock.public_id}/session/")
        page.get_by_role("button", name="I am here").click()
    prompt = mock.turns.select_related("prompt").get().prompt
    assert prompt
    asha.reload()
    assert prompt.text[:40] not in asha.content()
    noah.reload()
    noah.get_by_role("button", name="Begin the turn").click()
    expect(noah.locator("main")).to_contain_text(prompt.text[:40])
    asha.reload()
    asha.get_by_role("radio", name=re.compile("^L6")).check()
    asha.get_by_role("button", name="This is my prediction").click()
    expect(asha.locator("main")).to_contain_text(prompt.text[:40])
    asha.get_by_role("button", name="I agree, check my devices").click()
    asha.get_by_role("button", name="Start recording").click()
    expect(
        asha.get_by_text(re.compile(r"Safe on the server up to 0:(0[3-9]|[1-5]\d)"))
    ).to_be_visible()
    grade(noah, key="3", verdict="Yes")
    expect(noah.get_by_text("Your review").first).to_be_visible()
    asha.get_by_role("button", name="Finish").first.click()
    _process()
    noah.goto(f"/mocks/{mock.public_id}/session/")
    noah.get_by_role("button", name="End the turn").click()
    noah.get_by_role("button", name="Finish the mock").click()
    mock.refresh_from_db()
    assert mock.state == "done"
    asha.goto(f"/attempts/{Attempt.objects.get().public_id}/submit/")
    asha.get_by_role("radio", name="Lively").check()
    asha.get_by_role("button", name="Hand in").click()
    expect(asha.get_by_role("heading", name="1 of 2 reviews in")).to_be_visible()


def _process() -> None:
    """Do what the worker does, by this process's clock."""
    wait_until(lambda: Recording.objects.filter(state="uploaded").exists())
    tasks.process_recording(Recording.objects.get().pk)
    assert Recording.objects.get().state == "ready"


def _mails(*, to: str, about: str = "") -> list[EmailMessage]:
    """Send what is due, and return what came to a person; of calendars only if asked for those."""
    for notice in Notice.objects.to_mail(timezone.now()):
        tasks.send_notice(notice.pk)
    sent = [
        email.message_from_bytes(message.message().as_bytes(), policy=email.policy.default)
        for message in mail.outbox
        if message.to[0].startswith(to)
    ]
    found: list[Any] = [one for one in sent if not about or _parts(one)]
    return found


def _parts(message: Any) -> list[bytes]:
    return [
        part.get_payload(decode=True)
        for part in message.walk()
        if part.get_content_type() == "text/calendar"
    ]


def _calendar_of(message: EmailMessage) -> bytes:
    return _parts(message)[0]


def _text(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain",))
    assert body
    return str(body.get_content())


def _start(calendar: bytes) -> Any:
    (event,) = icalendar.Calendar.from_ical(calendar).walk("VEVENT")
    return event.decoded("DTSTART")
