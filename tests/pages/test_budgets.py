"""What a page may cost: bytes and requests as production serves them, queries as it is made."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.test.testcases import LiveServerThread
from django.test.utils import CaptureQueriesContext

from tests.browser.pages import VISITS
from tests.browser.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.django_db

PAGE_BYTES, PAGE_REQUESTS, QUERIES = 60_000, 8, 8
RECORDER_BYTES, RECORDER_REQUESTS = 450_000, 25
PLAYER_BYTES, PLAYER_REQUESTS = 120_000, 16  # with its poster and waveform
PLAYERS = {"answer, ready", "captions", "follow-up, answered", "grading", "review, kept", "results"}

# Pages that take more than they may, and how much today. A figure here goes down, never up.
MORE_REQUESTS: dict[str, int] = {}
MORE_QUERIES = {"feedback:results": 13}
HASHED = {
    "STORAGES": {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "config.storage.HashedStaticStorage"},
    },
    "WHITENOISE_USE_FINDERS": False,
    "WHITENOISE_AUTOREFRESH": False,
}


LIGHT = [
    "landing",
    "sign-in",
    "cohort, organiser",
    "profile",
    "mocks",
    "new mock",
    "mock, agreed",
    "mock, another time",
    "hours",
    "pool, waiting",
    "pool, on standby",
    "appeal",
    "mocks of a cohort",
    "mocks of a cohort, fill rate",
    "loops",
    "new loop",
    "loop",
    "round",
    "answer, predicted",
    "answer, ready",
    "captions",
    "recorder",
    "notices",
    "calendar",
    "queue",
    "queue, of everything",
    "conflicts",
    "grading rules",
    "grading",
    "review, kept",
    "training",
    "vignette",
    "vignette, rated",
    "kit",
    "session, early",
    "session, answering",
    "session, interviewing",
    "session, held",
    "card",
    "results",
    "follow-up, waiting",
    "follow-up, answered",
    "recorder of a take",
    "readiness",
    "how computed",
    "rubrics",
    "rubric",
    "comparison",
]
COUNTED = {  # each page once, however many looks are taken at it
    (visit.address, visit.row, visit.who): name
    for name, visit in reversed(VISITS.items())
    if visit.who and visit.status == 200
}.values()


@pytest.fixture(scope="module")
def site(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the world with static files joined, hashed and compressed; return its address."""
    root = tmp_path_factory.mktemp("static")
    with override_settings(**HASHED, STATIC_ROOT=root):
        call_command("collectstatic", verbosity=0, interactive=False)
        server = LiveServerThread("localhost", static_handler=_as_it_is)  # type: ignore[arg-type]
        server.daemon = True
        server.start()
        server.is_ready.wait()
        assert server.error is None, server.error
        yield f"http://localhost:{server.port}"
        server.terminate()


def _as_it_is(application: Any) -> Any:
    """Leave static files to the application's own middleware, as production does."""
    return application


class Traffic:
    """What one page fetches, but for the recording it plays: requests, and bytes on the wire."""

    def __init__(self) -> None:
        self.requests: dict[str, str] = {}
        self.sizes: dict[str, int] = {}

    def began(self, event: dict[str, Any]) -> None:
        """Note a request that the browser sends."""
        if event.get("type") != "Media" and not event["request"]["url"].startswith("data:"):
            self.requests[event["requestId"]] = event["request"]["url"]

    def ended(self, event: dict[str, Any]) -> None:
        """Note how much an answer was, head and body."""
        self.sizes[event["requestId"]] = int(event["encodedDataLength"])

    @property
    def bytes(self) -> int:
        """Return the sum without the font, which is cached for good."""
        return sum(
            self.sizes.get(key, 0)
            for key, url in self.requests.items()
            if not url.endswith(".woff2")
        )

    def told(self) -> str:
        """Say each request with its size."""
        rows = [(self.sizes.get(key, 0), url) for key, url in self.requests.items()]
        return "\n".join(f"{size:>7} {url}" for size, url in sorted(rows, reverse=True))


@pytest.mark.browser
@pytest.mark.parametrize("name", LIGHT)
def test_page_is_light(name: str, world: World, site: str, browser: "Browser") -> None:
    visit, traffic = VISITS[name], Traffic()
    context = browser.new_context(base_url=site)
    if visit.who:
        context.add_cookies([{"name": "session", "value": world.sessions[visit.who], "url": site}])
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.on("Network.requestWillBeSent", traffic.began)
    wire.on("Network.loadingFinished", traffic.ended)
    wire.send("Network.enable")
    page.goto(visit.path(world), wait_until="networkidle")
    context.close()

    is_recorder = visit.address in {"loops:record", "feedback:session"}
    most_requests = RECORDER_REQUESTS if is_recorder else MORE_REQUESTS.get(name, PAGE_REQUESTS)
    most_bytes = RECORDER_BYTES if is_recorder else PAGE_BYTES
    if name in PLAYERS:
        most_bytes, most_requests = PLAYER_BYTES, PLAYER_REQUESTS
    assert 0 < traffic.bytes <= most_bytes, traffic.told()
    assert len(traffic.requests) <= most_requests, traffic.told()


@pytest.mark.parametrize("name", COUNTED)
def test_page_asks_the_database_little(name: str, world: World) -> None:
    """The session and the person are two of the queries."""
    visit, client = VISITS[name], Client()
    client.cookies["session"] = world.sessions[visit.who]
    path = visit.path(world)

    with CaptureQueriesContext(connection) as asked:
        response = client.get(path)

    assert response.status_code == visit.status
    told = "\n".join(query["sql"][:200] for query in asked)
    assert len(asked) <= MORE_QUERIES.get(visit.address, QUERIES), told
