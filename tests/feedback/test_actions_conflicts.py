"""Declaring that two cannot fairly grade each other: what it does, and what nobody notices."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from feedback.actions import conflicts, queue
from feedback.models import Conflict, Review
from feedback.queries.conflicts import conflicts_page
from feedback.queries.queue import offered
from loops.models import Attempt, Cohort, Event, Notice, User
from tests import factories
from tests.factories import NOW


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer that waits."""
    return factories.answer(candidate, cohort)


def offers(user: User) -> list[int]:
    return [item.attempt for item in offered(user, NOW).items]


def test_neither_is_offered_the_others_answers(
    answer: Attempt, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    theirs = factories.answer(peer, cohort)

    conflicts.declare(other=candidate, by=peer, at=NOW)

    assert offers(peer) == []
    assert offers(candidate) == []
    assert set(offers(second_peer)) == {answer.pk, theirs.pk}
    with pytest.raises(queue.NothingToGrade):
        queue.claim(by=peer, at=NOW)


def test_what_is_in_hand_is_put_back_with_its_text(
    answer: Attempt, candidate: User, peer: User, second_peer: User
) -> None:
    held = factories.review(answer, peer, state="draft", drafted_at=NOW, summary="As far as I got")
    factories.submitted_review(answer, second_peer)

    conflicts.declare(other=candidate, by=peer, at=NOW)

    held.refresh_from_db()
    assert (held.state, held.summary) == ("released", "As far as I got")
    assert answer.queue_entry.granted == 1


def test_what_the_other_has_in_hand_stays_and_nobody_is_told(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    mine = factories.answer(peer, cohort)
    theirs = factories.review(mine, candidate)

    conflicts.declare(other=candidate, by=peer, at=NOW)

    theirs.refresh_from_db()
    assert theirs.state == Review.State.CLAIMED
    assert not Notice.objects.exists()
    assert conflicts_page(candidate).declared == []


def test_what_was_handed_in_stays(answer: Attempt, candidate: User, peer: User) -> None:
    review = factories.submitted_review(answer, peer)

    conflicts.declare(other=candidate, by=peer, at=NOW)

    review.refresh_from_db()
    assert review.is_submitted


def test_a_live_review_is_left_alone(candidate: User, peer: User, cohort: Cohort) -> None:
    live = factories.review(factories.answer(candidate, cohort, kind="xfn"), peer, is_live=True)

    conflicts.declare(other=candidate, by=peer, at=NOW)

    live.refresh_from_db()
    assert live.is_open


def test_twice_is_once(candidate: User, peer: User) -> None:
    first = conflicts.declare(other=candidate, by=peer, at=NOW)
    again = conflicts.declare(other=candidate, by=peer, at=NOW + timedelta(hours=1))

    assert (again.pk, again.declared_at) == (first.pk, NOW)
    assert Event.objects.filter(verb="declared").count() == 1


def test_an_event_does_not_say_whom_it_is_about(candidate: User, peer: User) -> None:
    conflicts.declare(other=candidate, by=peer, at=NOW)

    assert Event.objects.get(verb="declared").data == {}


def test_with_oneself_there_is_none(peer: User) -> None:
    with pytest.raises(conflicts.WithOneself):
        conflicts.declare(other=peer, by=peer, at=NOW)
    with pytest.raises(IntegrityError, match="conflict_of_two"), transaction.atomic():
        Conflict.objects.create(declared_by=peer, other=peer, declared_at=NOW)


def test_taken_back_it_holds_no_more_unless_the_other_declared_it_too(
    answer: Attempt, candidate: User, peer: User
) -> None:
    mine = conflicts.declare(other=candidate, by=peer, at=NOW)
    theirs = conflicts.declare(other=peer, by=candidate, at=NOW)

    assert conflicts.remove(conflict=mine, by=peer, at=NOW)
    assert offers(peer) == []
    assert conflicts.remove(conflict=theirs, by=candidate, at=NOW)
    assert offers(peer) == [answer.pk]
    assert not conflicts.remove(conflict=mine, by=peer, at=NOW)


def test_only_who_declared_it_takes_it_back(candidate: User, peer: User) -> None:
    conflict = conflicts.declare(other=candidate, by=peer, at=NOW)

    assert not conflicts.remove(conflict=conflict, by=candidate, at=NOW)
    assert Conflict.objects.exists()


def test_a_review_put_back_for_a_conflict_opens_again_after_it(
    answer: Attempt, candidate: User, peer: User
) -> None:
    factories.review(answer, peer, state="draft", drafted_at=NOW, summary="As far as I got")
    conflict = conflicts.declare(other=candidate, by=peer, at=NOW)

    conflicts.remove(conflict=conflict, by=peer, at=NOW)

    assert queue.claim(by=peer, at=NOW).summary == "As far as I got"
