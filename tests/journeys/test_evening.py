"""Evenings from end to end over HTTP: held and graded, or saved when nobody came."""

from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions.calibration import calibrate_round_kind
from feedback.models import Evidence, InterviewerCard, Review
from feedback.tasks import sweep
from loops.models import Attempt, Cohort, Mock, Notice, Recording, Seat, Standby, User
from tests import factories
from tests.factories import DIMENSIONS

MINUTE = timedelta(minutes=1)
VERDICT = {"verdict": "yes", "level_given": "2", "confidence": "fair", "summary": "Scope first."}


class Evening:
    """A clock that is moved by hand, and a browser for each person."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = timezone.now().replace(second=0, microsecond=0)
        self._browsers: dict[int, Client] = {}
        monkeypatch.setattr(timezone, "now", lambda: self.now)

    def wait(self, minutes: float) -> None:
        """Let time pass."""
        self.now += minutes * MINUTE

    def browser(self, user: User) -> Client:
        """Return the person's own browser."""
        if user.pk not in self._browsers:
            self._browsers[user.pk] = Client()
            self._browsers[user.pk].force_login(user)
        return self._browsers[user.pk]

    def reads(self, user: User, name: str, *ids: Any) -> str:
        """Open a page and return what it says."""
        response = self.browser(user).get(reverse(name, args=ids), follow=True)
        assert response.status_code == 200, (name, response.status_code)
        return unescape(response.content.decode())

    def does(self, user: User, name: str, *ids: Any, **fields: Any) -> Any:
        """Press a button, or send a form, and follow where it leads."""
        response = self.browser(user).post(reverse(name, args=ids), fields, follow=True)
        assert response.status_code == 200, (name, response.status_code, response.content[:3000])
        return response


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch) -> Evening:
    """The clock stands five minutes before the mock."""
    return Evening(monkeypatch)


@pytest.fixture
def mock(evening: Evening, candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A mock in five minutes: the candidate answers, the peer interviews."""
    return factories.mock(
        candidate,
        peer,
        cohort,
        starts_at=evening.now + 5 * MINUTE,
        created_at=evening.now - 60 * MINUTE,
    )


@pytest.fixture
def begin(evening: Evening) -> Callable[[Mock], Attempt]:
    """Let both come, and the interviewer begin the first turn; return the live answer."""

    def begin(mock: Mock) -> Attempt:
        turn = mock.turns.select_related("candidate", "interviewer").get(position=1)
        for person in (turn.candidate, turn.interviewer):
            evening.does(person, "feedback:mock_arrive", mock.public_id)
        evening.does(turn.interviewer, "feedback:turn_begin", turn.public_id)
        turn.refresh_from_db()
        assert turn.attempt
        return turn.attempt

    return begin


def stamp_all(evening: Evening, review: Review) -> None:
    """Stamp every dimension, one a minute."""
    for key in DIMENSIONS:
        evening.wait(1)
        evening.does(
            review.grader,
            "feedback:evidence_add",
            review.public_id,
            version=str(Review.objects.get(pk=review.pk).draft_version),
            **{
                "from": "session",
                "mark-stamp": str(uuid4()),
                "mark-about": f"dimension:{key}",
                "mark-note": f"Seen of {key}",
            },
        )


def hand_in_review(evening: Evening, review: Review, rank: int = 2) -> str:
    """Rate every dimension and hand the review in; return what is said."""
    fields = {f"dimension-{key}": str(rank) for key in DIMENSIONS}
    version = str(Review.objects.get(pk=review.pk).draft_version)
    said = evening.does(
        review.grader,
        "feedback:review_submit",
        review.public_id,
        version=version,
        **fields,
        **VERDICT,
    )
    return unescape(said.content.decode())


def record(attempt: Attempt, started_at: datetime, minutes: int = 40) -> Recording:
    """Put what the candidate recorded in place."""
    return factories.recording(
        attempt, started_at=started_at, state_at=started_at, duration_ms=minutes * 60_000
    )


def open_reviews(evening: Evening, attempt: Attempt) -> None:
    """Say that every review is very useful, which opens their levels."""
    ids = [str(review.public_id) for review in attempt.reviews.in_results()]
    marks = {f"mark-{one}": "2" for one in ids}
    candidate = attempt.round.loop.member
    evening.does(candidate, "feedback:results_open", attempt.public_id, shown=ids, **marks)


def test_a_live_answer_is_graded_by_its_interviewer_and_one_more(
    evening: Evening, mock: Mock, begin: Callable[[Mock], Attempt], second_peer: User
) -> None:
    attempt = begin(mock)
    candidate, peer = attempt.round.loop.member, mock.turns.get().interviewer
    evening.does(candidate, "loops:attempt_predict", attempt.public_id, rank="2")
    record(attempt, evening.now)
    live = attempt.reviews.get()
    stamp_all(evening, live)
    evening.wait(30)
    evening.does(peer, "feedback:turn_end", mock.turns.get().public_id)
    evening.does(candidate, "feedback:session_finish", mock.public_id)
    assert set(Seat.objects.values_list("outcome", flat=True)) == {"kept"}

    done = evening.does(candidate, "loops:attempt_submit", attempt.public_id, energy="1")
    assert "Your interviewer and one more peer grade it" in unescape(done.content.decode())
    said = hand_in_review(evening, live)
    assert "The candidate reads it together with the second one" in said
    sweep()
    assert list(Evidence.objects.order_by("pk").values_list("end_ms", flat=True)) == [
        60_000,
        120_000,
        180_000,
        240_000,
    ]
    waiting = evening.reads(candidate, "feedback:results", attempt.public_id)
    assert "1 of 2 reviews in" in waiting
    assert "Seen of discovery" not in waiting
    assert "Nothing is waiting" in evening.reads(peer, "feedback:queue")

    evening.does(second_peer, "feedback:claim")
    second = attempt.reviews.get(grader=second_peer)
    for dimension in attempt.rubric_version.dimensions.order_by("position"):
        factories.evidence(second, dimension)
    hand_in_review(evening, second, rank=2)

    words = evening.reads(candidate, "feedback:results", attempt.public_id)
    assert "Seen of discovery" in words
    assert "0:50–1:00" in words
    assert words.count("interviewer</span>") == 1
    assert "By rule" not in words
    open_reviews(evening, attempt)

    results = evening.reads(candidate, "feedback:results", attempt.public_id)
    assert "Seen of discovery" in results
    assert "By rule" in results
    calibrate_round_kind(round_kind=attempt.rubric_version.round_kind, at=evening.now)
    assert "1 answer · 2 graders" in evening.reads(candidate, "feedback:readiness")


def test_left_alone_the_evening_goes_on_with_somebody_on_standby(
    evening: Evening, mock: Mock, begin: Callable[[Mock], Attempt], second_peer: User
) -> None:
    candidate, peer = mock.turns.get().candidate, mock.turns.get().interviewer
    Standby.objects.create(
        user=second_peer,
        cohort=mock.cohort,
        since=evening.now,
        until=evening.now + 120 * MINUTE,
    )
    evening.does(candidate, "feedback:mock_arrive", mock.public_id)
    evening.wait(16)
    assert "(1 ready)" in evening.reads(candidate, "feedback:session", mock.public_id)

    evening.does(candidate, "feedback:mock_absent", mock.public_id, way="standby")

    instead = Mock.objects.get(replaces=mock)
    assert Notice.objects.get(kind="standby").person == second_peer
    assert Notice.objects.get(kind="absent").person == peer
    attempt = begin(instead)
    assert attempt.kind == "live"
    assert attempt.reviews.get().grader == second_peer
    assert f"{candidate.handle} waited for you" in evening.reads(
        peer, "feedback:session", mock.public_id
    )
    evening.does(candidate, "feedback:session_finish", instead.public_id)
    outcomes = dict(mock.seats.values_list("member__handle", "outcome"))
    assert outcomes == {candidate.handle: "kept", peer.handle: "no_show"}


def test_left_alone_one_records_and_comes_first_in_the_queue(
    evening: Evening, mock: Mock, second_peer: User, organiser: User, cohort: Cohort
) -> None:
    candidate = mock.turns.get().candidate
    for days in (3, 2):
        factories.answer(organiser, cohort, submitted_at=evening.now - timedelta(days=days))
    evening.does(candidate, "feedback:mock_arrive", mock.public_id)
    evening.wait(16)

    evening.does(candidate, "feedback:mock_absent", mock.public_id, way="alone")

    attempt = Attempt.objects.get(has_priority=True)
    assert attempt.prompt == mock.turns.get().prompt
    evening.does(candidate, "loops:attempt_predict", attempt.public_id, rank="2")
    record(attempt, evening.now)
    evening.does(candidate, "loops:attempt_submit", attempt.public_id, energy="0")
    assert ">first</span>" in evening.reads(second_peer, "feedback:queue")
    evening.does(second_peer, "feedback:claim")
    assert Review.objects.get(grader=second_peer).attempt == attempt


def test_each_reads_the_others_word_once_both_are_in(
    evening: Evening, mock: Mock, begin: Callable[[Mock], Attempt]
) -> None:
    attempt = begin(mock)
    turn = mock.turns.get()
    live = attempt.reviews.get()
    stamp_all(evening, live)
    evening.does(turn.interviewer, "feedback:session_finish", mock.public_id)
    marks = {"kept_time": "2", "fair_hints": "1", "probed_for_level": "0", "feedback_specific": "2"}
    note = "Name the moments next time."

    evening.does(turn.candidate, "feedback:card", turn.public_id, note=note, **marks)
    assert note not in evening.reads(turn.interviewer, "feedback:card", turn.public_id)
    hand_in_review(evening, live)

    assert note in evening.reads(turn.interviewer, "feedback:card", turn.public_id)
    queue = evening.reads(turn.interviewer, "feedback:queue")
    assert "As an interviewer" in queue
    assert InterviewerCard.objects.count() == 1


def test_nothing_recorded_is_practice_with_a_note(
    evening: Evening, mock: Mock, begin: Callable[[Mock], Attempt]
) -> None:
    """Nobody does anything about it: after two days it is put away, and the note is open."""
    attempt = begin(mock)
    turn = mock.turns.get()
    live = attempt.reviews.get()
    stamp_all(evening, live)
    evening.does(turn.interviewer, "feedback:session_finish", mock.public_id)
    hand_in_review(evening, live)
    session = evening.reads(turn.candidate, "feedback:session", mock.public_id)
    assert "Nothing was recorded here." in session

    evening.wait(50 * 60)
    sweep()

    note = evening.reads(turn.candidate, "feedback:practice_note", turn.public_id)
    assert "Seen of discovery" in note
    assert "1 min in" in note
    attempt.refresh_from_db()
    assert attempt.state == "withdrawn"
    assert "No evidence" in evening.reads(turn.candidate, "feedback:readiness")
