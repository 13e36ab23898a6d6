"""What several tests of practising lean on: a round, a draft in it, a real recording."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from loops import media
from loops.models import Attempt, Cohort, Recording, Round, User
from tests import factories
from tests.clock import Clock


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three seconds of a real recording."""
    path: Path = tmp_path_factory.mktemp("film") / "film.webm"
    media.synthesise_demo(path, 3)
    return path.read_bytes()


@pytest.fixture
def as_(client: Client) -> Callable[[User], Client]:
    """The test's browser, signed in as somebody."""

    def sign_in(user: User) -> Client:
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def queries(client: Client) -> Callable[[str], int]:
    """Count what a page asks of the database."""

    def count(url: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(url).status_code == 200
        return len(asked)

    return count


@pytest.fixture
def round_(candidate: User, cohort: Cohort) -> Round:
    """A round of the candidate's with two prompts, nothing answered yet."""
    return factories.loop(candidate, cohort).rounds.get()


@pytest.fixture
def draft(round_: Round) -> Attempt:
    """A predicted draft in that round, without a recording."""
    return factories.attempt(round_, state=Attempt.State.DRAFT, predicted_rank=2)


@pytest.fixture
def recorded(draft: Attempt) -> Recording:
    """A recording of that draft, ready to play."""
    return factories.recording(draft)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let time stand still at NOW, until the test moves it."""
    made = Clock()
    monkeypatch.setattr(timezone, "now", lambda: made.at)
    return made
