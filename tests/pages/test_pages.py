"""Every page in Chromium, in both themes and at three widths, held to what the design promises."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.browser import axe
from tests.browser.pages import VISITS, Visit
from tests.browser.world import World
from tests.test_architecture import TABLE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

WIDE, NARROW, NARROWEST = 1280, 390, 320
NOT_A_PAGE = re.compile(
    r"^(healthz|readyz|mail-(file|part)|loops:recording_(status|unfinished|links)"
    r"|loops:(mock_invite|calendar_feed|captions|transcript_download|media|upload_raw)"
    r"|feedback:question_answer"  # leads to the review; what it refuses is looked at from there
    r"|api-.*|.*-(list|detail))$"  # the last: the API
)
LETTER = """\
From: Plumbline <plumbline@localhost>
To: mara@demo.example
Subject: Set a new password
Date: Mon, 02 Mar 2026 09:30:00 -0000
Content-Type: text/plain; charset="utf-8"

Follow http://localhost:8000/accounts/password/reset/key/1-a/ to choose another password.
"""
INVITATION = """\
From: Plumbline <plumbline@localhost>
To: mara@demo.example
Subject: Mock with heron-417
Date: Mon, 02 Mar 2026 09:30:00 -0000
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain; charset="utf-8"

Your mock is agreed.
--b
Content-Type: text/calendar; method=REQUEST; charset="utf-8"

"""
GOLDEN = Path(__file__).parents[1] / "loops" / "golden"

CHECKS = Path(__file__).parent / "checks.js"
FAULTS = """
async () => {
  document.title = "";
  const main = document.querySelector("main");
  main.insertAdjacentHTML("beforeend", `
    <h1>Twice</h1> <p id="content">Twice</p> <svg><path/></svg> <button></button>
    <p id="wide">Wide</p> <p id="faint">Hardly to be seen</p> <img>
    <p id="tight"><button>a</button><button>b</button></p>`);
  document.querySelector("#wide").style.width = "2000px";
  Object.assign(document.querySelector("#faint").style, { color: "#888", backgroundColor: "#999" });
  for (const small of document.querySelectorAll("#tight button"))
    Object.assign(small.style, { padding: 0, border: 0, font: "8px sans-serif", minHeight: 0 });
  await new Promise((done) => {
    document.addEventListener("securitypolicyviolation", done, { once: true });
    document.body.append(Object.assign(document.createElement("script"), { textContent: "1" }));
  });
  await new Promise((done) => {
    Object.assign(document.querySelector("main img"), { onerror: done, src: "/nowhere.png" });
  });
  setTimeout(() => { throw new Error("on purpose"); });
}
"""
FOUND = [
    r"^2 h1$",
    r"^title: “”",
    r"^id twice: content$",
    r"^image without words: <svg",
    r"^control without a name: <button",
    r"^\d+ px wide at 1280: p\.null",
    r"^light: color-contrast: #faint",
    r"^dark: color-contrast: #faint",
    r"^light: button-name",
    r"^light: target-size: #tight",
    r"^light: image-alt",
    r"^policy: script-src-elem refused inline",
    r"^console: .*Content Security Policy",
    r"^console: Failed to load resource: .* 404 .*/nowhere.png$",
    r"^script: on purpose",
]


@pytest.fixture(scope="module")
def site(world: World) -> Iterator[str]:
    """Serve the world and return its address."""
    server = LiveServer("localhost")
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def context(browser: "Browser", site: str) -> "Iterator[BrowserContext]":
    """One browser for all pages, so that it fetches fonts and scripts once."""
    context = browser.new_context(
        base_url=site, reduced_motion="reduce", permissions=["camera", "microphone"]
    )
    context.set_default_timeout(30_000)
    context.add_init_script(path=CHECKS)
    yield context
    context.close()


@dataclass
class Look:
    """A page that is looked at, and what was found wrong with it."""

    page: "Page"
    expected: set[int]
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("console", self._hear)

    def _hear(self, message: "ConsoleMessage") -> None:
        refused = re.search(r"responded with a status of (\d+)", message.text)
        is_expected = refused and int(refused.group(1)) in self.expected
        if message.type == "error" and not is_expected:
            self.problems.append(f"console: {message.text} {message.location.get('url')}")

    def check(self, name: str) -> None:
        """Ask the page what is wrong with it in one way."""
        self.problems += self.page.evaluate(f"checks.{name}()")

    def check_rules(self, theme: str) -> None:
        """Hold the page to the rules of accessibility in a theme."""
        self.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        self.problems += [f"{theme}: {told}" for told in axe.breaches(self.page)]

    def widen(self, width: int) -> None:
        """Look at the page at a width."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.check("width")


@pytest.mark.parametrize("name", VISITS)
def test_page(  # noqa: PLR0917 - what serves the page, what opens it, what it needs
    name: str,
    world: World,
    site: str,
    context: "BrowserContext",
    settings: Any,
    tmp_path: Path,
) -> None:
    visit = VISITS[name]
    (tmp_path / "letter.eml").write_text(LETTER)
    invitation = (GOLDEN / "request.ics").read_text()
    (tmp_path / "invitation.eml").write_text(f"{INVITATION}{invitation}--b--\n")
    settings.MAIL_DIR = tmp_path
    for setting, value in visit.settings.items():
        setattr(settings, setting, value)

    look = _opened(visit, world, site, context)
    if visit.then:
        visit.then(look.page)
        look.page.evaluate("checks.settled()")
    look.page.emulate_media(color_scheme="light")
    look.widen(WIDE)
    look.check_rules("light")
    look.check("build")
    look.widen(NARROW)
    look.check_rules("dark")
    look.widen(NARROWEST)
    look.check("policy")
    look.page.close()

    assert not look.problems, "\n".join(look.problems)


def _opened(visit: Visit, world: World, site: str, context: "BrowserContext") -> Look:
    context.clear_cookies()
    page = context.new_page()
    if visit.who:
        context.add_cookies([{"name": "session", "value": world.sessions[visit.who], "url": site}])
    look = Look(page, {visit.status, visit.then_status})
    page.set_viewport_size({"width": WIDE, "height": 900})
    response = page.goto(visit.path(world))
    assert response is not None
    assert response.status == visit.status
    page.evaluate("checks.settled()")
    return look


def test_each_check_finds_its_fault(world: World, site: str, context: "BrowserContext") -> None:
    look = _opened(VISITS["loops"], world, site, context)
    look.page.evaluate(FAULTS)

    look.widen(WIDE)
    look.check_rules("light")
    look.check_rules("dark")
    look.check("build")
    look.check("policy")
    look.page.close()

    told = "\n".join(look.problems)
    assert [fault for fault in FOUND if not re.search(fault, told, re.MULTILINE)] == []


def test_every_page_is_looked_at() -> None:
    visited = {visit.address for visit in VISITS.values()}

    answering = {address for address, method, _row in TABLE if method == "get"}
    pages = {address for address in answering if not NOT_A_PAGE.match(address)}

    assert pages - visited == set()


def test_axe_is_what_was_published() -> None:
    (digest,) = re.findall(r"[0-9a-f]{64}", (axe.FOLDER / "README.md").read_text())

    assert hashlib.sha256(axe.SCRIPT.read_bytes()).hexdigest() == digest
