"""Two graders lie far apart: a third reads blindly, all talk, and say what they would give now."""

from typing import Any
from uuid import uuid4

import pytest

from feedback.actions.calibration import calibrate_round_kind
from feedback.models import AttemptMeasure, Snapshot
from feedback.queries.ratings import ratings_of
from loops.models import Cohort, Notice, User
from tests import factories
from tests.factories import DIMENSIONS
from tests.journeys.days import Days, told


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Days:
    """The clock stands now."""
    return Days(monkeypatch)


@pytest.mark.django_db
def test_a_split_from_the_third_reader_to_what_each_would_say_now(
    days: Days, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    third = factories.person("third-107")
    attempt = days.hands_in(candidate, cohort)
    days.takes_and_grades(peer, attempt, rank=3)
    days.wait(hours=1)
    days.takes_and_grades(second_peer, attempt, rank=1)
    days.reads(peer, "feedback:debrief", attempt.public_id, status=404)

    # The candidate reads two, and that they differ; a third is asked for.
    split = days.opens(attempt)
    assert "Your graders differ" in split
    assert "from L5 to L7" in split
    assert "a third reader is asked" in split

    # The third reads blindly: nothing in the queue or on the scorecard tells of the others.
    factories.join(cohort, third)
    days.wait(hours=1)
    waiting = days.reads(third, "feedback:queue")
    days.does(third, "feedback:claim")
    review = attempt.reviews.get(grader=third)
    scorecard = days.reads(third, "feedback:review", review.public_id)
    for shown in (waiting, scorecard):
        assert not [word for word in ("peer-102", "second-103", "differ") if word in shown]
    assert told(Notice.Kind.DEBRIEF) == []
    days.grades(review, rank=2)
    assert told(Notice.Kind.DEBRIEF) == ["peer-102", "second-103", "third-107"]
    assert "To the debrief" in days.reads(third, "feedback:review", review.public_id)

    # They talk. The candidate reads none of it.
    at_first = days.reads(peer, "feedback:debrief", attempt.public_id)
    for who in ("peer-102", "second-103", "third-107"):
        assert f"What decided it, says {who}." in at_first
    for number in range(3):
        days.does(
            second_peer,
            "feedback:debrief_say",
            attempt.public_id,
            key=str(uuid4()),
            text=f"At {number}:00 I heard a list, and nobody who is hurt.",
        )
    assert told(Notice.Kind.DEBRIEF_SAID) == ["peer-102", "third-107"]
    assert "At 2:00 I heard a list" in days.reads(peer, "feedback:debrief", attempt.public_id)
    days.reads(candidate, "feedback:debrief", attempt.public_id, status=404)

    # One grader would say something else now; that moves no figure.
    days.opens(attempt)
    kind = attempt.round.round_kind
    calibrate_round_kind(round_kind=kind, at=days.now)
    before = ratings_of(kind, days.now)
    level = AttemptMeasure.objects.get(attempt=attempt).level
    now: dict[str, Any] = {f"dimension-{key}": "2" for key in DIMENSIONS} | {
        "verdict": "yes",
        "level_given": "2",
    }
    days.wait(hours=2)
    said = days.does(peer, "feedback:debrief_revise", attempt.public_id, **now)
    assert "Kept beside your review" in said
    assert ratings_of(kind, days.now) == before
    calibrate_round_kind(round_kind=kind, at=days.now)
    newest = Snapshot.objects.newest_first().filter(round_kind=kind)[0]
    assert AttemptMeasure.objects.filter(attempt=attempt, snapshot=newest).get().level == level
    assert attempt.reviews.get(grader=peer).level_given_rank == 3

    # The candidate reads both, the first and the second word; never the thread.
    read = days.reads(candidate, "feedback:results", attempt.public_id)
    assert "now: L6" in read
    assert "2 levels apart, now 1" in read
    assert "your level is computed from the first" in read
    assert "I heard a list" not in read
