"""An answer that waits for two days: who is asked, how often, and that they can take it then."""

from datetime import timedelta

import pytest

from feedback.actions import queue, withdrawal
from feedback.actions.starving import ask_everybody
from feedback.models import Conflict, GradingRules, Pair, Review, Unlock
from feedback.queries.queue import offered
from loops.models import Attempt, Cohort, Notice, User
from tests import factories
from tests.factories import NOW

HOUR = timedelta(hours=1)
LATE = NOW + 48 * HOUR


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer that was handed in at NOW."""
    return factories.answer(candidate, cohort)


def asked() -> set[User]:
    return {notice.person for notice in Notice.objects.filter(kind=Notice.Kind.NEEDS_GRADER)}


def test_everybody_who_may_take_it_is_asked_once(
    answer: Attempt, peer: User, second_peer: User, outsider: User
) -> None:
    assert ask_everybody(at=LATE - timedelta(seconds=1)) == 0

    assert ask_everybody(at=LATE) == 2
    assert ask_everybody(at=LATE + HOUR) == 0

    assert asked() == {peer, second_peer}
    assert Notice.objects.count() == 2


def test_the_notice_names_the_round_and_nobody(
    answer: Attempt, peer: User, candidate: User
) -> None:
    ask_everybody(at=LATE)

    notice = Notice.objects.get(person=peer)
    assert notice.data == {"round": "System design, ambiguous"}


def test_who_joins_later_is_asked_then(answer: Attempt, peer: User, cohort: Cohort) -> None:
    ask_everybody(at=LATE)
    newcomer = factories.person()
    factories.join(cohort, newcomer)

    assert ask_everybody(at=LATE + HOUR) == 1
    assert asked() == {peer, newcomer}


@pytest.mark.parametrize("reviews", [0, 1])
def test_an_answer_with_one_review_starves_too(
    answer: Attempt, peer: User, second_peer: User, reviews: int
) -> None:
    if reviews:
        factories.submitted_review(answer, second_peer)

    ask_everybody(at=LATE)

    assert asked() == ({peer} if reviews else {peer, second_peer})


def test_nobody_is_asked_for_what_has_its_graders(
    answer: Attempt, peer: User, second_peer: User, organiser: User
) -> None:
    factories.submitted_review(answer, second_peer)
    factories.review(answer, peer, lease_until=LATE + HOUR)

    assert ask_everybody(at=LATE) == 0


def test_nobody_is_asked_for_the_third_reader_of_a_split(
    answer: Attempt, peer: User, second_peer: User, organiser: User
) -> None:
    factories.submitted_review(answer, second_peer, rank=0)
    factories.submitted_review(answer, peer, rank=3)
    assert offered(organiser, LATE).items

    assert ask_everybody(at=LATE) == 0


def test_nobody_is_asked_for_an_answer_that_was_taken_back(
    answer: Attempt, candidate: User, peer: User
) -> None:
    withdrawal.withdraw(attempt=answer, by=candidate, at=NOW + HOUR)

    assert ask_everybody(at=LATE) == 0


def test_who_is_in_conflict_is_not_asked_whoever_declared_it(
    answer: Attempt, candidate: User, peer: User, second_peer: User, organiser: User
) -> None:
    Conflict.objects.create(declared_by=candidate, other=peer, declared_at=NOW)
    Conflict.objects.create(declared_by=second_peer, other=candidate, declared_at=NOW)

    ask_everybody(at=LATE)

    assert asked() == {organiser}


def test_who_will_answer_its_prompt_in_a_mock_is_not_asked(
    answer: Attempt, peer: User, second_peer: User, cohort: Cohort
) -> None:
    mock = factories.mock(peer, second_peer, cohort)
    assert mock.turns.get().prompt == answer.prompt

    ask_everybody(at=LATE)

    assert asked() == {second_peer}


def test_who_put_it_back_is_asked_again(answer: Attempt, peer: User) -> None:
    review = queue.claim(by=peer, at=NOW)
    queue.release(review=review, by=peer, at=NOW + HOUR)

    ask_everybody(at=LATE)

    assert asked() == {peer}


def test_who_has_a_calibration_item_in_its_stead_is_asked_once_that_is_put_back(
    answer: Attempt, cohort: Cohort, peer: User, second_peer: User
) -> None:
    other = factories.answer(second_peer, cohort, submitted_at=LATE)
    factories.review(other, peer, purpose=Review.Purpose.GOLD, stands_for=answer)

    ask_everybody(at=LATE)
    assert asked() == {second_peer}

    Review.objects.update(state=Review.State.RELEASED)
    ask_everybody(at=LATE)
    assert asked() == {peer, second_peer}


def test_exactly_those_who_are_asked_are_offered_it(
    answer: Attempt, cohort: Cohort, candidate: User, peer: User, second_peer: User
) -> None:
    """One was graded by the candidate yesterday, the other is not trained: both give way."""
    people = [factories.person() for _n in range(4)]
    for person in people:
        factories.join(cohort, person)
    GradingRules.objects.create(cohort=cohort, requires_unlock=True)
    kind = answer.round.round_kind
    Unlock.objects.create(member=people[0], round_kind=kind, at=NOW)
    Pair.objects.create(
        cohort=cohort, round_kind=kind, grader=candidate, candidate=people[0], last_at=NOW
    )
    everybody = [peer, second_peer, *people]
    assert [person for person in everybody if offered(person, LATE - HOUR).items] == []

    ask_everybody(at=LATE)

    assert asked() == set(everybody)
    assert all(offered(person, LATE).items for person in everybody)
