"""The kit of a turn: for its interviewer alone, and the word that it was prepared."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from loops.models import Cohort, Mock, PromptExposure, Turn, User
from tests import factories

PROMPT = "Help the reliability group get fewer incidents, case 1."


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A mock of tomorrow: the candidate answers, the peer interviews."""
    starts_at = timezone.now().replace(hour=17, minute=0) + timedelta(days=1)
    return factories.mock(candidate, peer, cohort, starts_at=starts_at)


@pytest.fixture
def turn(mock: Mock) -> Turn:
    """Its turn."""
    return mock.turns.get()


def kit_of(turn: Turn) -> str:
    return reverse("loops:turn_kit", args=[turn.public_id])


def text(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_the_kit_holds_all_that_one_interviews_from(
    as_: Callable[[User], Client], turn: Turn, peer: User, candidate: User
) -> None:
    page = text(as_(peer), kit_of(turn))

    for said in (
        PROMPT,
        "Sees whether the candidate asks who is hurt",  # what it is for
        "Who decides?",  # a probe
        "Who reads the report?",  # a hint
        "Builds a paging tool",  # a wrong turn
        "Discovery as rank 2 does it.",  # an anchor
        "Draws before restating the problem",  # a signal
        "First slice",  # a phase
        candidate.handle,
    ):
        assert said in page
    assert candidate.email not in page


def test_hints_are_folded_one_by_one(as_: Callable[[User], Client], turn: Turn, peer: User) -> None:
    page = text(as_(peer), kit_of(turn))

    assert page.count("data-print-open") == 1
    assert "<details open" not in page


def test_a_prompt_without_a_kit_is_held_from_the_probes_of_its_round(
    as_: Callable[[User], Client], turn: Turn, peer: User
) -> None:
    assert turn.rubric_version
    bare = turn.rubric_version.prompts.get(key="prompt_2")
    Turn.objects.filter(pk=turn.pk).update(prompt=bare)

    page = text(as_(peer), kit_of(turn))

    assert "What would you leave out?" in page
    assert "This prompt has no kit of its own" in page


def test_times_are_told_on_both_clocks(
    as_: Callable[[User], Client], turn: Turn, peer: User, candidate: User
) -> None:
    User.objects.filter(pk=candidate.pk).update(time_zone="Asia/Kathmandu")

    page = text(as_(peer), kit_of(turn))

    assert "17:00–18:00</time> UTC" in page
    assert "22:45–23:45 Kathmandu" in page


def test_opening_the_kit_is_remembered_once(
    as_: Callable[[User], Client], turn: Turn, peer: User, queries: Callable[[str], int]
) -> None:
    client = as_(peer)
    for _look in range(2):
        client.get(kit_of(turn))

    met = PromptExposure.objects.get()
    assert (met.user, met.role, met.prompt_key) == (peer, "interviewer", "prompt_1")
    assert queries(kit_of(turn)) <= 8


def test_the_word_to_have_prepared_is_kept_once(
    as_: Callable[[User], Client], turn: Turn, peer: User
) -> None:
    client, url = as_(peer), reverse("loops:turn_prepare", args=[turn.public_id])
    assert "I have prepared this" in text(client, kit_of(turn))

    assert client.post(url)["Location"] == kit_of(turn)
    turn.refresh_from_db()
    first = turn.prepared_at
    client.post(url)

    turn.refresh_from_db()
    assert first is not None
    assert turn.prepared_at == first
    assert "You have prepared this" in text(client, kit_of(turn))
    assert "I have prepared this" not in text(client, kit_of(turn))


@pytest.mark.parametrize("who", ["candidate", "second_peer", "organiser", "outsider"])
def test_nobody_else_opens_the_kit(
    as_: Callable[[User], Client], turn: Turn, request: pytest.FixtureRequest, who: str
) -> None:
    client = as_(request.getfixturevalue(who))

    assert client.get(kit_of(turn)).status_code == 404
    assert client.post(reverse("loops:turn_prepare", args=[turn.public_id])).status_code == 404
    assert not PromptExposure.objects.exists()


@pytest.mark.parametrize("state", ["cancelled", "expired"])
def test_the_kit_of_a_mock_that_will_not_be_is_gone(
    as_: Callable[[User], Client], turn: Turn, peer: User, state: str
) -> None:
    Mock.objects.update(state=state)

    assert as_(peer).get(kit_of(turn)).status_code == 404
