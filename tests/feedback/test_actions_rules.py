"""A cohort's grading rules: what they change in its queue, and what they leave."""

import pytest

from feedback.actions import rules
from feedback.models import GradingRules, QueueEntry, Unlock
from feedback.queries.queue import offered
from feedback.queries.rules import rules_of, rules_page
from loops.models import Attempt, Cohort, Event, Notice, User
from tests import factories
from tests.factories import NOW


def settled(
    cohort: Cohort, by: User, reviews_wanted: int = 2, *, requires_unlock: bool = False
) -> int:
    return rules.set_rules(
        cohort=cohort,
        reviews_wanted=reviews_wanted,
        requires_unlock=requires_unlock,
        by=by,
        at=NOW,
    )


@pytest.fixture
def complete(candidate: User, peer: User, second_peer: User, cohort: Cohort) -> Attempt:
    """An answer with its two reviews."""
    answer = factories.answer(candidate, cohort)
    for grader in (peer, second_peer):
        factories.submitted_review(answer, grader)
    return answer


def test_without_a_row_the_defaults_hold(cohort: Cohort) -> None:
    found = rules_of(cohort)

    assert (found.reviews_wanted, found.requires_unlock) == (2, False)
    assert not GradingRules.objects.exists()


def test_with_a_higher_number_a_complete_answer_comes_back(
    complete: Attempt, organiser: User, cohort: Cohort
) -> None:
    before = offered(organiser, NOW).items

    changed = settled(cohort, organiser, 3)

    assert (before, changed) == ([], 1)
    assert [item.attempt for item in offered(organiser, NOW).items] == [complete.pk]


def test_with_a_lower_number_no_review_in_hand_is_taken_away(
    complete: Attempt, organiser: User, cohort: Cohort
) -> None:
    settled(cohort, organiser, 4)
    held = factories.review(complete, organiser)

    changed = settled(cohort, organiser, 2)

    held.refresh_from_db()
    complete.queue_entry.refresh_from_db()
    assert changed == 1
    assert held.is_open
    assert (complete.queue_entry.wanted, complete.queue_entry.granted) == (3, 3)


def test_other_cohorts_stay_as_they_are(
    complete: Attempt, organiser: User, cohort: Cohort, outsider: User
) -> None:
    other = outsider.cohorts.get()

    assert settled(other, outsider, 4) == 0
    complete.queue_entry.refresh_from_db()
    assert complete.queue_entry.wanted == 2


def test_it_is_written_down_once_and_nobody_is_told(organiser: User, cohort: Cohort) -> None:
    settled(cohort, organiser, 3, requires_unlock=True)
    settled(cohort, organiser, 3, requires_unlock=True)

    event = Event.objects.get(verb="rules_set")
    assert event.data == {
        "was": {"reviews_wanted": 2, "requires_unlock": False},
        "reviews_wanted": 3,
        "requires_unlock": True,
    }
    assert not Notice.objects.exists()


@pytest.mark.parametrize("number", [1, 5])
def test_other_numbers_are_refused(organiser: User, cohort: Cohort, number: int) -> None:
    with pytest.raises(rules.NoSuchNumber):
        settled(cohort, organiser, number)

    assert not GradingRules.objects.exists()


def test_the_page_counts_who_is_trained_and_what_would_wait(
    complete: Attempt, peer: User, outsider: User, organiser: User, cohort: Cohort
) -> None:
    kind = complete.rubric_version.round_kind
    for member in (peer, outsider):
        Unlock.objects.create(member=member, round_kind=kind, at=NOW)
    factories.loop(peer, cohort, kinds=["coding"])

    page = rules_page(cohort, organiser)

    assert page.members == 4
    assert [(line.number, line.waiting) for line in page.numbers] == [(2, 0), (3, 1), (4, 1)]
    assert [(line.title, line.trained) for line in page.kinds] == [
        ("Coding", 0),
        ("System design, ambiguous", 1),
    ]


def test_an_organiser_reads_no_split_of_their_own_answers_off_the_page(
    complete: Attempt, organiser: User, cohort: Cohort, peer: User
) -> None:
    own = factories.answer(organiser, cohort)
    factories.submitted_review(own, peer, rank=1)
    factories.submitted_review(own, factories.person(), rank=3)
    assert QueueEntry.objects.get(attempt=own).is_split

    page = rules_page(cohort, organiser)

    assert [(line.number, line.waiting) for line in page.numbers] == [(2, 0), (3, 1), (4, 1)]
