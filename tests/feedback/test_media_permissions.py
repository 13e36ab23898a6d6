"""What a grader gets of a recording: in each state of their review, and how long after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from feedback.models import Review
from loops.models import Attempt, Cohort, Membership, Recording, User
from tests import factories
from tests.factories import LEASE, NOW
from tests.media_addresses import TO_PLAY, addresses, given, whole

WEEK = timedelta(days=7)
MOMENT = timedelta(seconds=1)
HANDED_IN = timedelta(minutes=30)
NOTHING: frozenset[str] = frozenset()

Asked = Callable[[timedelta], frozenset[str]]


@pytest.fixture
def recording(candidate: User, cohort: Cohort, settings: Any) -> Recording:
    """The candidate's answer, handed in at NOW."""
    settings.MEDIA_SENDER = "django"  # given back after the test, which changes it
    return whole(factories.attempt(factories.loop(candidate, cohort).rounds.get()))


@pytest.fixture
def attempt(recording: Recording) -> Attempt:
    """The answer itself."""
    return recording.attempt


@pytest.fixture
def gets(recording: Recording, peer: User, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the peer gets so long after NOW, by links made in that moment."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)  # for the session, which lives two weeks
    client = Client()
    client.force_login(peer)
    of = addresses(client, recording)

    def ask(after: timedelta) -> frozenset[str]:
        monkeypatch.setattr(timezone, "now", lambda: NOW + after)
        return given(client, of)

    return ask


@pytest.mark.parametrize("state", ["claimed", "draft", "expired", "released"])
def test_a_grader_plays_until_a_week_after_the_lease(
    attempt: Attempt, peer: User, gets: Asked, state: str
) -> None:
    """Who put it back, or ran out of time, may still hand in what they began."""
    factories.review(attempt, peer, state=state)

    found = [gets(after) for after in (LEASE - MOMENT, LEASE + WEEK - MOMENT, LEASE + WEEK)]

    assert found == [TO_PLAY, TO_PLAY, NOTHING]


def test_a_grader_who_handed_in_plays_until_a_week_after_the_reveal(
    attempt: Attempt, peer: User, second_peer: User, gets: Asked
) -> None:
    factories.submitted_review(attempt, peer, submitted_at=NOW + HANDED_IN)
    revealed = timedelta(hours=48)  # alone, the review waits that long for a second one

    before = [gets(after) for after in (HANDED_IN, revealed + WEEK - MOMENT, revealed + WEEK)]
    factories.submitted_review(attempt, second_peer, submitted_at=NOW + 2 * HANDED_IN)
    after = [gets(2 * HANDED_IN + WEEK - MOMENT), gets(2 * HANDED_IN + WEEK)]

    assert before == [TO_PLAY, TO_PLAY, NOTHING]
    assert after == [TO_PLAY, NOTHING]


def test_the_interviewer_who_graded_live_plays_it_for_good(
    attempt: Attempt, peer: User, gets: Asked
) -> None:
    factories.submitted_review(attempt, peer, is_live=True)

    assert gets(timedelta(days=12)) == TO_PLAY


@pytest.mark.parametrize("taken_away", ["the review is void", "left the cohort", "no review"])
def test_a_grader_whose_part_was_taken_away_gets_nothing(
    attempt: Attempt, peer: User, gets: Asked, taken_away: str
) -> None:
    factories.review(attempt, peer)
    before = gets(timedelta(0))

    if taken_away == "the review is void":
        Review.objects.update(state=Review.State.VOID)
    elif taken_away == "left the cohort":
        Membership.objects.filter(user=peer).delete()
    else:
        Review.objects.all().delete()

    assert (before, gets(timedelta(0))) == (TO_PLAY, NOTHING)


def test_a_grader_of_another_answer_gets_nothing(attempt: Attempt, peer: User, gets: Asked) -> None:
    factories.review(factories.attempt(attempt.round), peer)

    assert gets(timedelta(0)) == NOTHING
