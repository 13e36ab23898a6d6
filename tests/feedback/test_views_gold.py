"""The organiser's page of blind calibration items: who is asked, and what it must not tell."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from feedback.actions import gold, queue, reports
from feedback.models import Conflict, GoldItem
from loops.models import Cohort, User
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def offered(candidate: User, cohort: Cohort) -> GoldItem:
    """An item that its candidate has just offered."""
    return gold.offer(attempt=factories.answer(candidate, cohort), by=candidate, at=NOW)


@pytest.fixture
def page(client: Client, organiser: User) -> Client:
    """A client of the organiser's."""
    client.force_login(organiser)
    return client


def test_a_conflict_changes_nothing_on_the_organisers_page(  # noqa: PLR0917
    page: Client, cohort: Cohort, candidate: User, peer: User, second_peer: User, offered: GoldItem
) -> None:
    address = reverse("feedback:gold_items", args=[cohort.public_id])
    before = _without_tokens(page.get(address).text)
    Conflict.objects.create(declared_by=candidate, other=peer, declared_at=NOW)
    Conflict.objects.create(declared_by=second_peer, other=candidate, declared_at=NOW)

    assert _without_tokens(page.get(address).text) == before
    assert str(peer.public_id) in before
    assert str(second_peer.public_id) in before
    assert str(candidate.public_id) not in before


def test_asking_somebody_with_a_conflict_is_answered_like_asking_anybody(  # noqa: PLR0917
    page: Client, candidate: User, organiser: User, peer: User, second_peer: User, offered: GoldItem
) -> None:
    Conflict.objects.create(declared_by=candidate, other=peer, declared_at=NOW)
    chosen = [one.public_id for one in (peer, second_peer, organiser)]

    asked = page.post(
        reverse("feedback:gold_experts", args=[offered.public_id]), {"expert": chosen}
    )

    assert asked.status_code == 302
    assert "review is in" not in page.get(asked["Location"]).text
    assert offered.experts.count() == 3
    page.force_login(peer)
    assert "Nothing is asked of you" in page.get(reverse("feedback:experts")).text
    take = reverse("feedback:expert_take", args=[offered.public_id])
    assert page.post(take).status_code == 404


def test_the_refusal_names_no_conflict() -> None:
    assert "conflict" not in str(gold.NotAnExpert.message)


def test_asking_after_the_candidate_took_the_word_back_says_so(  # noqa: PLR0917
    page: Client, candidate: User, organiser: User, peer: User, second_peer: User, offered: GoldItem
) -> None:
    gold.retire(item=offered, by=candidate, at=NOW)
    chosen = [one.public_id for one in (peer, second_peer, organiser)]

    refused = page.post(
        reverse("feedback:gold_experts", args=[offered.public_id]), {"expert": chosen}
    )

    assert refused.status_code == 409
    assert "no longer lets it serve" in refused.text


def test_a_report_of_ones_own_comes_back_as_words_on_the_experts_page(  # noqa: PLR0917
    page: Client,
    cohort: Cohort,
    candidate: User,
    organiser: User,
    peer: User,
    second_peer: User,
    offered: GoldItem,
) -> None:
    review = queue.claim(by=peer, at=NOW)
    reports.report(review=review, kind="unusable", by=peer, at=NOW)
    gold.ask_experts(item=offered, experts=[peer, second_peer, organiser], by=organiser, at=NOW)
    page.force_login(peer)

    refused = page.post(reverse("feedback:expert_take", args=[offered.public_id]))

    assert refused.status_code == 409
    assert "You have reported this answer" in refused.text


def _without_tokens(text: str) -> str:
    return re.sub(r'((csrfmiddlewaretoken" value|nonce)=")[^"]*', r"\1", text)
