"""Blind calibration items: who agrees, who judges, who is given one, and that nothing tells."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.actions import conflicts, gold, places, queue, reports, reviews, withdrawal
from feedback.models import (
    Conflict,
    GoldItem,
    GoldReference,
    GradingRules,
    LedgerEntry,
    Pair,
    QueueEntry,
    Rating,
    Review,
    Standing,
    Unlock,
)
from feedback.queries.gold import expert_work, gold_lines, is_checked_blindly, is_read_now
from feedback.queries.grading import has_free_place
from feedback.queries.queue import offered
from feedback.queries.queue_page import queue_page
from feedback.queries.ratings import ratings_of
from feedback.queries.reports import reports_that_count
from loops.models import (
    Attempt,
    Cohort,
    Event,
    Membership,
    Notice,
    PromptExposure,
    Recording,
    Turn,
    User,
)
from tests import factories
from tests.factories import LEASE, NOW

LATER = NOW + timedelta(days=4)

pytestmark = pytest.mark.django_db


@pytest.fixture
def experts(cohort: Cohort) -> list[User]:
    """Three members."""
    return [_member(cohort) for _n in range(3)]


def _member(cohort: Cohort) -> User:
    person = factories.person()
    factories.join(cohort, person)
    return person


@pytest.fixture
def item(candidate: User, cohort: Cohort, experts: list[User]) -> GoldItem:
    """An old answer that three experts have graded: it serves."""
    answer = factories.answer(candidate, cohort, submitted_at=NOW - timedelta(days=90))
    for expert, rank in zip(experts, (1, 2, 2), strict=True):
        factories.submitted_review(answer, expert, rank=rank)
    offered_item = gold.offer(attempt=answer, by=candidate, at=NOW)
    return gold.ask_experts(item=offered_item, experts=experts, by=experts[0], at=NOW)


@pytest.fixture
def trained(cohort: Cohort, item: GoldItem) -> User:
    """A grader who has unlocked the round kind."""
    person = _member(cohort)
    Unlock.objects.create(member=person, round_kind=item.attempt.round.round_kind, at=NOW)
    return person


def always(monkeypatch: pytest.MonkeyPatch, *, is_tenth: bool) -> None:
    monkeypatch.setattr(gold, "is_tenth", lambda _by, _count: is_tenth)


def test_three_experts_make_references_and_the_item_serves(item: GoldItem) -> None:
    assert item.state == GoldItem.State.SERVING
    references = GoldReference.objects.filter(item=item)
    assert references.count() == item.attempt.rubric_version.dimensions.count()
    assert {(one.rank, one.low_rank, one.high_rank) for one in references} == {(2, 1, 2)}


def test_two_experts_are_too_few(candidate: User, cohort: Cohort, experts: list[User]) -> None:
    offer = gold.offer(attempt=factories.answer(candidate, cohort), by=candidate, at=NOW)

    with pytest.raises(gold.TooFewExperts):
        gold.ask_experts(item=offer, experts=experts[:2], by=experts[0], at=NOW)
    with pytest.raises(gold.NotAnExpert):
        gold.ask_experts(item=offer, experts=[*experts[:2], candidate], by=experts[0], at=NOW)
    assert not Notice.objects.filter(kind="expert").exists()


def test_an_expert_who_has_not_graded_it_is_asked_and_grades_it_aside(
    candidate: User, cohort: Cohort, experts: list[User]
) -> None:
    answer = factories.answer(candidate, cohort)
    offer = gold.offer(attempt=answer, by=candidate, at=NOW)
    gold.ask_experts(item=offer, experts=experts, by=experts[0], at=NOW)
    assert Notice.objects.filter(kind="expert").count() == 3

    for asked in offer.experts.all():
        review = gold.take_as_expert(asked=asked, by=asked.expert, at=NOW, lease_until=NOW + LEASE)
        for dimension in answer.rubric_version.dimensions.all():
            Rating.objects.create(review=review, dimension=dimension, rank=3)
        Review.objects.filter(pk=review.pk).update(
            state="submitted",
            submitted_at=NOW,
            verdict="yes",
            confidence="high",
            level_given_rank=3,
        )
        review.refresh_from_db()
        gold.note_expert(review=review, at=NOW)

    offer.refresh_from_db()
    assert offer.state == GoldItem.State.SERVING
    assert QueueEntry.objects.get(attempt=answer).granted == 0, "they fill no place"
    met = PromptExposure.objects.filter(role="grader", prompt_key=answer.prompt.key)
    assert {one.user for one in met} == set(experts)
    assert not Review.objects.in_results().filter(attempt=answer).exists()
    assert ratings_of(answer.rubric_version.round_kind, LATER).observations == ()


def test_a_live_answer_does_not_serve(candidate: User, cohort: Cohort) -> None:
    live = factories.answer(candidate, cohort)
    live.kind = Attempt.Kind.LIVE
    live.save()

    with pytest.raises(gold.NotForGold):
        gold.offer(attempt=live, by=candidate, at=NOW)


def test_about_one_claim_in_ten_is_a_tenth_one(settings: Any) -> None:
    settings.SECRET_KEY = "the same draws in every run"
    graders = [User(pk=number) for number in range(1, 21)]

    drawn = [sum(gold.is_tenth(by, count) for count in range(500)) for by in graders]

    assert 900 <= sum(drawn) <= 1100
    assert min(drawn) > 25, "nobody is left out"
    settings.SECRET_KEY = "another installation's"
    assert [sum(gold.is_tenth(by, count) for count in range(500)) for by in graders] != drawn


def test_each_claim_draws_anew(
    second_peer: User,
    cohort: Cohort,
    item: GoldItem,
    trained: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting = factories.answer(second_peer, cohort)
    (place,) = [one for one in offered(trained, NOW).items if one.attempt == waiting.pk]
    drawn: list[tuple[User, int]] = []
    monkeypatch.setattr(gold, "is_tenth", lambda by, count: drawn.append((by, count)))

    gold.gold_instead(by=trained, item=place, at=NOW)
    factories.review(factories.attempt(waiting.round), trained)
    gold.gold_instead(by=trained, item=place, at=NOW)

    (first, before), (second, after) = drawn
    assert first == second == trained
    assert after == before + 1


def test_the_place_it_stands_for_stays_free_and_out_of_sight(
    second_peer: User,
    cohort: Cohort,
    item: GoldItem,
    trained: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting = factories.answer(second_peer, cohort)
    always(monkeypatch, is_tenth=True)

    review = queue.claim(by=trained, at=NOW)

    assert (review.attempt, review.purpose) == (item.attempt, Review.Purpose.GOLD)
    assert review.stands_for == waiting
    assert QueueEntry.objects.get(attempt=waiting).granted == 0
    assert offered(trained, NOW).items == [], "as if it had been taken"
    assert offered(trained, NOW + LEASE).items != []
    other = _member(cohort)
    assert [one.attempt for one in offered(other, NOW).items] == [waiting.pk]


@pytest.mark.parametrize("why", ["untrained", "organiser", "expert", "candidate", "other target"])
def test_who_must_not_get_it_does_not(  # noqa: PLR0917
    why: str,
    candidate: User,
    second_peer: User,
    cohort: Cohort,
    item: GoldItem,
    trained: User,
    experts: list[User],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts: dict[str, Any] = {"target_rank": 3} if why == "other target" else {}
    waiting = factories.answer(second_peer, cohort, **facts)
    always(monkeypatch, is_tenth=True)
    kind = item.attempt.round.round_kind
    grader = {"expert": experts[1], "candidate": candidate}.get(why, trained)
    if why == "untrained":
        Unlock.objects.all().delete()
    elif grader != trained:
        Unlock.objects.create(member=grader, round_kind=kind, at=NOW)
    if why == "organiser":
        Membership.objects.filter(user=trained).update(role=Membership.Role.ORGANISER)

    assert queue.claim(by=grader, at=NOW).attempt == waiting


def test_retiring_ends_it(  # noqa: PLR0917
    candidate: User,
    second_peer: User,
    cohort: Cohort,
    item: GoldItem,
    trained: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    always(monkeypatch, is_tenth=True)
    waiting = factories.answer(second_peer, cohort)
    gold.retire(item=item, by=candidate, at=NOW)

    assert queue.claim(by=trained, at=NOW).attempt == waiting


# Who may judge, and who has


def _asked(answer: Attempt, experts: list[User]) -> GoldItem:
    by = answer.round.loop.member
    return gold.ask_experts(
        item=gold.offer(attempt=answer, by=by, at=NOW), experts=experts, by=by, at=NOW
    )


def _ahead(person: User, cohort: Cohort) -> None:
    """Draw the prompt of every answer here for a mock in which the person is to answer it."""
    mock = factories.mock(person, _member(cohort), cohort)
    prompt = factories.in_force().prompts.order_by("position").first()
    mock.turns.filter(candidate=person).update(prompt=prompt)


def _waits_for(item: GoldItem, expert: User) -> bool:
    return expert_work(expert).filter(item=item).exists()


def test_nobody_is_asked_after_the_candidate_took_the_word_back(
    candidate: User, cohort: Cohort, experts: list[User]
) -> None:
    offer = gold.offer(attempt=factories.answer(candidate, cohort), by=candidate, at=NOW)
    gold.retire(item=offer, by=candidate, at=NOW)

    with pytest.raises(gold.OfferedNoLonger):
        gold.ask_experts(item=offer, experts=experts, by=experts[0], at=NOW)

    assert not offer.experts.exists()
    assert not Notice.objects.filter(kind="expert").exists()


def test_what_was_asked_is_not_taken_after_the_candidate_took_the_word_back(
    candidate: User, cohort: Cohort, experts: list[User]
) -> None:
    item = _asked(factories.answer(candidate, cohort), experts)
    asked = item.experts.get(expert=experts[0])
    gold.retire(item=item, by=candidate, at=NOW)

    with pytest.raises(gold.NotAskedOfYou):
        gold.take_as_expert(asked=asked, by=experts[0], at=NOW, lease_until=NOW + LEASE)

    assert not Review.objects.exists()


@pytest.mark.parametrize("declared_by", ["candidate", "expert"])
def test_a_conflict_hides_the_work_from_the_expert_alone(
    declared_by: str, candidate: User, cohort: Cohort, experts: list[User]
) -> None:
    one = experts[0]
    two = (candidate, one) if declared_by == "candidate" else (one, candidate)
    Conflict.objects.create(declared_by=two[0], other=two[1], declared_at=NOW)

    item = _asked(factories.answer(candidate, cohort), experts)

    assert item.experts.count() == 3, "to the organiser it looks like any asking"
    assert not _waits_for(item, one)
    assert _waits_for(item, experts[1])
    assert not Notice.objects.filter(kind="expert", person=one).exists()
    asked = item.experts.get(expert=one)
    with pytest.raises(gold.NotAskedOfYou):
        gold.take_as_expert(asked=asked, by=one, at=NOW, lease_until=NOW + LEASE)


def test_a_prompt_that_waits_in_a_mock_hides_the_work_until_then(
    candidate: User, cohort: Cohort, experts: list[User]
) -> None:
    _ahead(experts[0], cohort)

    item = _asked(factories.answer(candidate, cohort), experts)

    assert not _waits_for(item, experts[0])
    assert not Notice.objects.filter(kind="expert", person=experts[0]).exists()
    Turn.objects.update(begun_at=NOW)
    assert _waits_for(item, experts[0])


def test_who_has_had_it_blindly_is_not_told_by_being_asked(item: GoldItem, trained: User) -> None:
    factories.review(item.attempt, trained, purpose=Review.Purpose.GOLD)

    gold.ask_experts(item=item, experts=[trained], by=trained, at=NOW)

    assert not _waits_for(item, trained)
    assert not Notice.objects.filter(kind="expert", person=trained).exists()


def test_a_blind_review_is_no_experts_word(item: GoldItem, trained: User) -> None:
    review = factories.review(item.attempt, trained, purpose=Review.Purpose.GOLD)
    gold.ask_experts(item=item, experts=[trained], by=trained, at=NOW)

    _handed_in(review)

    asked = item.experts.get(expert=trained)
    assert asked.review is None, "to the organiser it would say that a review is in"
    with pytest.raises(gold.NotAskedOfYou):
        gold.take_as_expert(asked=asked, by=trained, at=NOW, lease_until=NOW + LEASE)
    asked.refresh_from_db()
    assert asked.review is None


def test_a_blind_item_is_never_to_a_prompt_that_waits_in_a_mock(
    second_peer: User,
    cohort: Cohort,
    item: GoldItem,
    trained: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    always(monkeypatch, is_tenth=True)
    other_prompt = factories.in_force().prompts.order_by("-position").first()
    waiting = factories.answer(second_peer, cohort, prompt=other_prompt)
    assert item.attempt.prompt != other_prompt
    _ahead(trained, cohort)

    assert queue.claim(by=trained, at=NOW).attempt == waiting


def test_an_expert_who_holds_a_place_gives_it_back(
    candidate: User, cohort: Cohort, experts: list[User]
) -> None:
    answer = factories.answer(candidate, cohort)
    review = queue.claim(by=experts[0], at=NOW)
    assert QueueEntry.objects.get(attempt=answer).granted == 1
    item = _asked(answer, experts)

    asked = item.experts.get(expert=experts[0])
    taken = gold.take_as_expert(asked=asked, by=experts[0], at=NOW, lease_until=NOW + LEASE)

    assert (taken.pk, taken.purpose) == (review.pk, Review.Purpose.EXPERT)
    assert QueueEntry.objects.get(attempt=answer).granted == 0


def _handed_in(review: Review) -> Review:
    """Hand in a review under way, as the action does in the end."""
    for dimension in review.attempt.rubric_version.dimensions.all():
        Rating.objects.create(review=review, dimension=dimension, rank=2)
    review.state, review.submitted_at = Review.State.SUBMITTED, NOW
    review.verdict, review.confidence, review.level_given_rank = "yes", "high", 2
    review.save()
    gold.note_expert(review=review, at=NOW)
    return review


def test_experts_who_hand_in_from_the_queue_make_the_reference_too(
    candidate: User, cohort: Cohort, experts: list[User]
) -> None:
    answer = factories.answer(candidate, cohort)
    factories.submitted_review(answer, experts[0])
    begun = queue.claim(by=experts[1], at=NOW)
    item = _asked(answer, experts)

    _handed_in(begun)
    item.refresh_from_db()
    assert item.state == GoldItem.State.GRADING
    _handed_in(
        Review.objects.create(
            attempt=answer, grader=experts[2], claimed_at=NOW, lease_until=NOW + LEASE
        )
    )

    item.refresh_from_db()
    assert item.state == GoldItem.State.SERVING
    assert set(item.experts.values_list("review__grader", flat=True)) == {e.pk for e in experts}


def test_it_serves_too_where_the_last_takes_what_is_in_already(
    candidate: User, cohort: Cohort, experts: list[User]
) -> None:
    """Reviews that came in while nothing was linked are found when their expert comes by."""
    answer = factories.answer(candidate, cohort)
    item = _asked(answer, experts)
    for expert in experts:
        factories.submitted_review(answer, expert, is_extra=True)
    gold_experts = list(item.experts.all())

    for asked in gold_experts:
        gold.take_as_expert(asked=asked, by=asked.expert, at=NOW, lease_until=NOW + LEASE)

    item.refresh_from_db()
    assert item.state == GoldItem.State.SERVING


def test_who_has_reported_the_answer_takes_that_back_first(
    candidate: User, cohort: Cohort, experts: list[User]
) -> None:
    answer = factories.answer(candidate, cohort)
    review = queue.claim(by=experts[0], at=NOW)
    reports.report(review=review, kind="unusable", by=experts[0], at=NOW)
    item = _asked(answer, experts)
    asked = item.experts.get(expert=experts[0])

    with pytest.raises(gold.ReportedByYou):
        gold.take_as_expert(asked=asked, by=experts[0], at=NOW, lease_until=NOW + LEASE)

    review.refresh_from_db()
    assert (review.state, review.purpose) == (Review.State.VOID, Review.Purpose.PEER)
    assert reports_that_count(answer) != []
    reports.take_back(review=review, by=experts[0], at=NOW)
    taken = gold.take_as_expert(asked=asked, by=experts[0], at=NOW, lease_until=NOW + LEASE)
    assert taken.purpose == Review.Purpose.EXPERT


@pytest.mark.parametrize("how", ["withdrawn", "erased"])
def test_an_answer_that_is_gone_serves_no_more(how: str, candidate: User, item: GoldItem) -> None:
    if how == "withdrawn":
        withdrawal.withdraw(attempt=item.attempt, by=candidate, at=LATER)
    else:
        item.attempt.recordings.update(state=Recording.State.ERASED)
        places.settle(attempt=item.attempt, at=LATER)

    item.refresh_from_db()
    assert (item.state, item.retired_at) == (GoldItem.State.RETIRED, LATER)
    assert gold_lines(item.attempt.round.loop.cohort) == []
    assert not is_checked_blindly(candidate)
    places.settle(attempt=item.attempt, at=LATER + LEASE)
    assert Event.objects.filter(verb="retired", subject_id=item.pk).count() == 1


# What was begun goes on, what was given stays away


@pytest.fixture
def waiting(second_peer: User, cohort: Cohort) -> Attempt:
    """An answer that waits for both its graders."""
    return factories.answer(second_peer, cohort)


@pytest.fixture
def blind(
    waiting: Attempt, item: GoldItem, trained: User, monkeypatch: pytest.MonkeyPatch
) -> Review:
    """The item, given in its stead, with a word typed in it."""
    always(monkeypatch, is_tenth=True)
    review = queue.claim(by=trained, at=NOW)
    assert review.stands_for == waiting
    always(monkeypatch, is_tenth=False)
    reviews.save_draft(
        review=review,
        draft=reviews.Draft(summary="Asked who is hurt."),
        version=0,
        by=trained,
        at=NOW,
    )
    return review


def _offers(user: User, at: datetime) -> list[int]:
    return [one.attempt for one in offered(user, at).items]


def _let_go(review: Review, how: str) -> datetime:
    if how == "put back":
        queue.release(review=review, by=review.grader, at=NOW)
        return NOW
    return NOW + LEASE


@pytest.mark.parametrize("how", ["put back", "lapsed"])
def test_a_blind_item_let_go_opens_again_with_its_text(
    how: str, waiting: Attempt, blind: Review, trained: User
) -> None:
    then = _let_go(blind, how)
    (line,) = queue_page(trained, then).waiting
    assert line.is_begun

    again = queue.claim(by=trained, at=then)

    assert (again.pk, again.attempt, again.state) == (blind.pk, blind.attempt, "draft")
    assert (again.summary, again.stands_for) == ("Asked who is hurt.", waiting)
    assert again.lease_until == then + LEASE
    assert QueueEntry.objects.get(attempt=waiting).granted == 0, "its place stays free"
    assert _offers(trained, then) == []


def test_what_one_has_begun_is_never_exchanged_for_a_blind_item(
    waiting: Attempt, item: GoldItem, trained: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    always(monkeypatch, is_tenth=False)
    begun = queue.claim(by=trained, at=NOW)
    queue.release(review=begun, by=trained, at=NOW)
    always(monkeypatch, is_tenth=True)

    assert queue.claim(by=trained, at=NOW) == begun
    assert QueueEntry.objects.get(attempt=waiting).granted == 1


@pytest.mark.parametrize("how", ["put back", "lapsed"])
def test_taking_it_again_takes_the_same_queries_either_way(
    how: str, cohort: Cohort, blind: Review, trained: User
) -> None:
    other = _member(cohort)
    Unlock.objects.create(member=other, round_kind=blind.attempt.round.round_kind, at=NOW)
    real = queue.claim(by=other, at=NOW)
    assert real.purpose == Review.Purpose.PEER
    counts = []
    for review in (blind, real):
        then = _let_go(review, how)
        queue.expire_lapsed(at=then)
        with CaptureQueriesContext(connection) as queries:
            assert queue.claim(by=review.grader, at=then) == review
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("end", ["handed in", "reported"])
def test_what_it_stood_for_stays_out_of_sight_for_two_days(
    end: str, waiting: Attempt, blind: Review, trained: User, cohort: Cohort
) -> None:
    if end == "handed in":
        _handed_in(blind)
    else:
        reports.report(review=blind, kind="unusable", by=trained, at=NOW)

    soon = NOW + timedelta(hours=47)
    assert _offers(trained, soon) == []
    with pytest.raises(queue.NothingToGrade):
        queue.claim(by=trained, at=soon)
    assert _offers(_member(cohort), soon) == [waiting.pk], "to others it is offered"
    late = NOW + timedelta(hours=48)
    (line,) = queue_page(trained, late).waiting
    assert not line.is_begun
    assert queue.claim(by=trained, at=late).attempt == waiting, "it must not go without a grader"


def test_the_page_counts_it_once_though_the_item_waits_too(
    waiting: Attempt, blind: Review, trained: User, cohort: Cohort
) -> None:
    GradingRules.objects.create(cohort=cohort, reviews_wanted=4)
    places.settle_cohort(cohort=cohort, at=NOW)
    assert QueueEntry.objects.waiting().filter(attempt=blind.attempt).exists()
    _handed_in(blind)

    assert [(one.code, one.count) for one in queue_page(trained, NOW).reasons] == [
        ("already_graded", 1)
    ]


def test_an_answer_that_everybody_is_asked_for_is_given_itself(
    waiting: Attempt, item: GoldItem, trained: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    always(monkeypatch, is_tenth=True)

    assert queue.claim(by=trained, at=NOW + timedelta(hours=48)).attempt == waiting


@pytest.mark.parametrize("why", ["conflict", "prompt ahead", "withdrawn"])
def test_what_must_not_be_given_any_more_does_not_open_again(  # noqa: PLR0917
    why: str, waiting: Attempt, blind: Review, trained: User, candidate: User, cohort: Cohort
) -> None:
    """Then the line goes, as that of an answer would."""
    queue.release(review=blind, by=trained, at=NOW)
    if why == "conflict":
        conflicts.declare(other=candidate, by=trained, at=NOW)
    elif why == "prompt ahead":
        other = factories.in_force().prompts.order_by("-position").first()
        Attempt.objects.filter(pk=waiting.pk).update(prompt=other)
        _ahead(trained, cohort)
    else:
        withdrawal.withdraw(attempt=blind.attempt, by=candidate, at=NOW)

    assert _offers(trained, NOW) == []
    blind.refresh_from_db()
    assert blind.state == Review.State.RELEASED
    late = NOW + timedelta(hours=48)
    assert queue.claim(by=trained, at=late).attempt == waiting


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_lapsed_one_goes_on_as_far_as_the_place_it_stood_for_is_free(
    is_taken: bool, waiting: Attempt, blind: Review, trained: User, cohort: Cohort
) -> None:
    then = NOW + LEASE
    queue.expire_lapsed(at=then)
    if is_taken:
        for _n in range(2):
            queue.claim(by=_member(cohort), at=then)
    blind.refresh_from_db()

    assert has_free_place(blind) is not is_taken
    kept = reviews.save_draft(
        review=blind, draft=reviews.Draft(summary="Late."), version=1, by=trained, at=then
    )

    assert kept.summary == "Late."
    assert kept.state == ("expired" if is_taken else "draft")


@pytest.mark.parametrize(
    ("reviews_in", "age_h", "is_read"), [(0, 1, False), (1, 1, True), (0, 48, True)]
)
def test_who_hands_it_in_reads_what_holds_of_the_answer_it_stood_for(  # noqa: PLR0917
    reviews_in: int, age_h: int, is_read: bool, waiting: Attempt, blind: Review, cohort: Cohort
) -> None:
    for _n in range(reviews_in):
        factories.submitted_review(waiting, _member(cohort))
    then = NOW + timedelta(hours=age_h)
    _handed_in(blind)

    assert is_read_now(blind, then) is is_read
    real = factories.submitted_review(waiting, _member(cohort))
    assert is_read_now(real, then) is is_read


# Nothing tells


Pages = dict[str, str]

WHOLE = {
    **{f"dimension-{key}": "none" for key in factories.DIMENSIONS},
    "dimension-discovery": "2",
    "mark-about": "dimension:discovery",
    "mark-start": "1:05",
    "verdict": "yes",
    "level_given": "2",
    "confidence": "fair",
    "summary": "Asked who is hurt.",
}

MASKED = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r'(csrfmiddlewaretoken" value=")[^"]*', r"\1T"),
    (r'(nonce=")[^"]*', r"\1N"),
    (r"\?at=[^\"&]+|[?&](sig|token|until|link)=[^\"&]+", "?S"),
    (r"/media/[^\"]+", "/media/M"),
    (r"[a-z]+-\d{3}", "HANDLE"),
    (r'aria-hidden="true">[a-z]{2}<', "INITIALS<"),
)


def masked(text: str) -> str:
    for pattern, instead in MASKED:
        text = re.sub(pattern, instead, text)
    return text


@pytest.fixture
def walk(client: Client, monkeypatch: pytest.MonkeyPatch) -> Callable[[User, bool], Pages]:
    """Claim by the page, as gold or not, and read all that the grader is shown of it."""

    def walk(grader: User, is_gold: bool) -> Pages:
        always(monkeypatch, is_tenth=is_gold)
        client.force_login(grader)
        pages = {"before": client.get(reverse("feedback:queue")).text}
        claimed = client.post(reverse("feedback:claim"))
        review = Review.objects.get(grader=grader)
        assert (review.purpose == Review.Purpose.GOLD) is is_gold
        pages["claimed"] = f"{claimed.status_code} {sorted(claimed.headers)}"
        page = reverse("feedback:review", args=[review.public_id])

        def look(when: str) -> None:
            for name, address in (
                ("queue", reverse("feedback:queue")),
                ("page", page),
                ("api list", reverse("review-list")),
                ("api", reverse("review-detail", args=[review.public_id])),
                ("api queue", reverse("queue-list")),
                ("training", reverse("feedback:training")),
            ):
                pages[f"{when}: {name}"] = client.get(address).text

        def send(what: str) -> None:
            version = Review.objects.get(pk=review.pk).draft_version
            sent = client.post(
                reverse(f"feedback:{what}", args=[review.public_id]), {**WHOLE, "version": version}
            )
            assert sent.status_code == 302, what
            pages[f"{what}: answer"] = f"{sent.status_code} {sorted(sent.headers)}"
            look(what)

        look("claimed")
        send("review_draft")
        send("review_release")
        always(monkeypatch, is_tenth=True)  # what one has begun stays what it is
        assert client.post(reverse("feedback:claim"))["Location"] == page
        look("taken again")
        Review.objects.filter(pk=review.pk).update(lease_until=timezone.now())
        look("lapsed")
        assert client.post(reverse("feedback:claim"))["Location"] == page
        look("taken once more")
        send("review_submit")
        assert Review.objects.get(pk=review.pk).is_submitted
        look("later")
        return {name: masked(text) for name, text in pages.items()}

    return walk


def test_page_api_and_headers_are_the_same_byte_for_byte(  # noqa: PLR0917
    second_peer: User,
    cohort: Cohort,
    item: GoldItem,
    trained: User,
    walk: Callable[[User, bool], Pages],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)  # or a minute may pass from one to the other
    other = _member(cohort)
    Unlock.objects.create(member=other, round_kind=item.attempt.round.round_kind, at=NOW)
    waiting = factories.answer(second_peer, cohort, submitted_at=now)
    for answer in (item.attempt, waiting):
        answer.recordings.update(started_at=answer.submitted_at)

    as_gold, as_work = walk(trained, True), walk(other, False)

    for name, text in as_work.items():
        assert as_gold[name] == text, name


def test_a_claim_takes_the_same_queries_either_way(
    second_peer: User,
    cohort: Cohort,
    item: GoldItem,
    trained: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = _member(cohort)
    Unlock.objects.create(member=other, round_kind=item.attempt.round.round_kind, at=NOW)
    factories.answer(second_peer, cohort)
    counts = []
    for grader, is_tenth in ((trained, True), (other, False)):
        always(monkeypatch, is_tenth=is_tenth)
        with CaptureQueriesContext(connection) as queries:
            queue.claim(by=grader, at=NOW)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_blind_review_pays_like_any_other_and_the_candidate_pays_nothing(
    candidate: User, second_peer: User, cohort: Cohort, item: GoldItem, trained: User
) -> None:
    before = Standing.objects.filter(member=candidate).count()
    review = factories.submitted_review(item.attempt, trained, purpose=Review.Purpose.GOLD)
    from feedback.actions.ledger import pass_credit  # noqa: PLC0415
    from feedback.actions.pairs import note_pair  # noqa: PLC0415

    pass_credit(review=review, reason=LedgerEntry.Reason.REVIEW, at=NOW)
    note_pair(review=review, at=NOW)

    assert Standing.objects.get(member=trained).credit == 1
    assert Standing.objects.filter(member=candidate).count() == before
    assert not Pair.objects.filter(grader=trained).exists()
    assert not Review.objects.in_results().filter(grader=trained).exists()


# The organiser's page, the candidate's word


def test_only_an_organiser_sees_the_items(
    client: Client, cohort: Cohort, organiser: User, peer: User, item: GoldItem
) -> None:
    address = reverse("feedback:gold_items", args=[cohort.public_id])
    client.force_login(peer)
    assert client.get(address).status_code == 404
    client.force_login(organiser)
    page = client.get(address).text
    assert "Serving" in page
    assert "graded blindly by nobody yet" in page


def test_an_organiser_asks_experts_by_the_page(
    client: Client, candidate: User, cohort: Cohort, organiser: User, experts: list[User]
) -> None:
    offer = gold.offer(attempt=factories.answer(candidate, cohort), by=candidate, at=NOW)
    client.force_login(organiser)
    address = reverse("feedback:gold_experts", args=[offer.public_id])

    few = client.post(address, {"expert": [experts[0].public_id, "nonsense"]})
    assert few.status_code == 422
    assert "at least three" in few.text
    client.post(address, {"expert": [one.public_id for one in experts]})

    assert offer.experts.count() == 3
    client.force_login(experts[0])
    assert "asks you for reference levels" in client.get(reverse("feedback:experts")).text
    taken = client.post(reverse("feedback:expert_take", args=[offer.public_id]))
    assert client.get(taken["Location"]).status_code == 200
