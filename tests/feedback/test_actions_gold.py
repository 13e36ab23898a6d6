"""Blind calibration items: who agrees, who judges, who is given one, and that nothing tells."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.actions import gold, queue
from feedback.models import (
    GoldItem,
    GoldReference,
    LedgerEntry,
    Pair,
    QueueEntry,
    Rating,
    Review,
    Standing,
    Unlock,
)
from feedback.queries.queue import offered
from feedback.queries.ratings import ratings_of
from loops.models import Attempt, Cohort, Membership, Notice, User
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
    monkeypatch.setattr(gold, "ONE_IN", 1 if is_tenth else 10**9)


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
    assert not Review.objects.in_results().filter(attempt=answer).exists()
    assert ratings_of(answer.rubric_version.round_kind, LATER).observations == ()


def test_a_live_answer_does_not_serve(candidate: User, cohort: Cohort) -> None:
    live = factories.answer(candidate, cohort)
    live.kind = Attempt.Kind.LIVE
    live.save()

    with pytest.raises(gold.NotForGold):
        gold.offer(attempt=live, by=candidate, at=NOW)


def test_a_trained_grader_gets_about_one_in_ten(
    second_peer: User, cohort: Cohort, item: GoldItem, trained: User
) -> None:
    waiting = factories.answer(second_peer, cohort)
    (place,) = [one for one in offered(trained, NOW).items if one.attempt == waiting.pk]
    drawn = 0
    for _n in range(600):  # each claim leaves one review more, which draws anew
        drawn += gold.gold_instead(by=trained, item=place, at=NOW) is not None
        Review.objects.create(
            attempt=factories.attempt(waiting.round),
            grader=trained,
            claimed_at=NOW,
            lease_until=NOW,
        )

    assert 35 <= drawn <= 90


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


# Nothing tells


Pages = dict[str, str]

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
        pages["queue"] = client.get(reverse("feedback:queue")).text
        pages["page"] = client.get(reverse("feedback:review", args=[review.public_id])).text
        pages["api list"] = client.get(reverse("review-list")).text
        pages["api"] = client.get(reverse("review-detail", args=[review.public_id])).text
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
    factories.answer(second_peer, cohort, submitted_at=now)

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
    assert "graded blindly 0 times" in page


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
