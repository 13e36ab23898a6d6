"""A cohort's grading rules: settled by organisers, read by members on the cohort's page."""

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from feedback.models import GradingRules, Unlock
from loops.models import Cohort, User
from tests import factories
from tests.factories import NOW


@pytest.fixture
def page(cohort: Cohort) -> str:
    """The address of the rules."""
    return reverse("feedback:grading_rules", args=[cohort.public_id])


def text(client: Client, user: User, address: str) -> str:
    client.force_login(user)
    response = client.get(address)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_an_organiser_reads_what_each_choice_comes_to_today(
    client: Client, organiser: User, candidate: User, peer: User, page: str
) -> None:
    answer = factories.answer(candidate, candidate.cohorts.get())
    Unlock.objects.create(member=peer, round_kind=answer.rubric_version.round_kind, at=NOW)

    shown = text(client, organiser, page)

    assert 'value="2" checked' in shown
    assert "With that, 1 answer of others waits for a grader today." in shown
    assert "there are 2 others to grade each answer" in shown
    assert "1 of 3" in shown
    assert "Too few: an answer waits up to 48 hours for the rest of its reviews." in shown


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        (0, "Any peer grades it, marked untrained."),
        (2, "but for answers of the trained ones themselves"),
        (3, "Enough to give every answer its reviews."),
    ],
)
def test_how_far_the_trained_ones_reach_is_said_in_words(
    client: Client, organiser: User, page: str, trained: int, words: str
) -> None:
    cohort = organiser.cohorts.get()
    kind = factories.loop(organiser, cohort).rounds.get().round_kind
    for _n in range(trained):
        member = factories.person()
        factories.join(cohort, member)
        Unlock.objects.create(member=member, round_kind=kind, at=NOW)

    assert words in text(client, organiser, page)


def test_saving_keeps_them_and_says_so(
    client: Client, organiser: User, candidate: User, cohort: Cohort, page: str
) -> None:
    factories.answer(candidate, cohort)
    client.force_login(organiser)

    saved = client.post(page, {"reviews_wanted": "3", "requires_unlock": "on"}, follow=True)
    again = client.post(page, {"reviews_wanted": "3"}, follow=True)

    rules = GradingRules.objects.get()
    for page_after in (saved, again):
        assert "Saved. From now on every answer waits by these rules." in page_after.text
    assert (rules.reviews_wanted, rules.requires_unlock) == (3, False)
    assert 'value="3" checked' in again.content.decode()


@pytest.mark.parametrize("number", ["", "1", "5", "three"])
def test_a_number_out_of_range_comes_back_with_words(
    client: Client, organiser: User, page: str, number: str
) -> None:
    client.force_login(organiser)

    response = client.post(page, {"reviews_wanted": number, "requires_unlock": "on"})

    shown = response.content.decode()
    assert response.status_code == 422
    assert "Choose two, three or four." in shown
    assert 'name="requires_unlock" checked' in shown
    assert not GradingRules.objects.exists()


def test_members_read_them_in_words_on_the_cohorts_page(
    client: Client, organiser: User, peer: User, cohort: Cohort, page: str
) -> None:
    of_cohort = reverse("loops:cohort", args=[cohort.public_id])
    assert "Each answer gets two reviews" in text(client, peer, of_cohort)
    GradingRules.objects.create(cohort=cohort, reviews_wanted=4, requires_unlock=True)

    by_member, by_organiser = (text(client, who, of_cohort) for who in (peer, organiser))

    for shown in (by_member, by_organiser):
        assert "Each answer gets four reviews" in shown
        assert "Only members who have unlocked a round grade it" in shown
    assert page not in by_member
    assert page in by_organiser


def test_members_and_strangers_do_not_open_the_page(
    client: Client, peer: User, outsider: User, page: str
) -> None:
    for who in (peer, outsider):
        client.force_login(who)
        assert client.get(page).status_code == 404
        assert client.post(page, {"reviews_wanted": "4"}).status_code == 404
    assert not GradingRules.objects.exists()
