"""What several tests of practising lean on: a round, a draft in it, a real recording."""

from pathlib import Path

import pytest

from loops import media
from loops.models import Attempt, Cohort, Recording, Round, User
from tests import factories


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three seconds of a real recording."""
    path: Path = tmp_path_factory.mktemp("film") / "film.webm"
    media.synthesise_demo(path, 3)
    return path.read_bytes()


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
