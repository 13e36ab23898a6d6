"""The page of conflicts, and "I know who this is" on the grading page."""

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions import conflicts
from feedback.models import Conflict, Review
from loops.models import Attempt, Cohort, User
from tests import factories

PAGE = reverse("feedback:conflicts")


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer that waits."""
    return factories.answer(candidate, cohort)


def shown(client: Client, user: User, address: str = PAGE) -> str:
    client.force_login(user)
    response = client.get(address)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_one_declares_somebody_of_ones_cohorts_by_what_the_cohort_calls_them(
    client: Client, candidate: User, peer: User, outsider: User
) -> None:
    page = shown(client, peer)
    assert f'<option value="{candidate.public_id}">{candidate.handle}</option>' in page
    assert str(outsider.public_id) not in page
    assert candidate.name not in page
    assert f'value="{peer.public_id}"' not in page

    response = client.post(PAGE, {"person": candidate.public_id}, follow=True)

    told = unescape(response.content.decode())
    assert Conflict.objects.get().other == candidate
    assert f"You and {candidate.handle} are not offered each other's answers any more" in told
    assert "Declared by you" in told
    assert f'<option value="{candidate.public_id}">' not in told


def test_where_the_cohort_shows_names_they_are_shown(
    client: Client, candidate: User, cohort: Cohort, peer: User
) -> None:
    Cohort.objects.filter(pk=cohort.pk).update(is_named=True)

    assert f">{candidate.name}</option>" in shown(client, peer)


@pytest.mark.parametrize("person", ["", "nobody", "outsider", "peer"])
def test_nobody_else_is_declared(
    request: pytest.FixtureRequest, client: Client, candidate: User, peer: User, person: str
) -> None:
    known = person in {"outsider", "peer"}
    sent = request.getfixturevalue(person).public_id if known else person
    client.force_login(peer)

    response = client.post(PAGE, {"person": sent})

    assert response.status_code == 422
    assert not Conflict.objects.exists()


def test_it_is_taken_back_and_twice_is_no_error(
    client: Client, candidate: User, peer: User
) -> None:
    conflict = conflicts.declare(other=candidate, by=peer, at=timezone.now())
    remove = reverse("feedback:conflict_remove", args=[conflict.public_id])
    assert remove in shown(client, peer)

    first = client.post(remove, follow=True)
    again = client.post(remove, follow=True)

    assert "Taken back." in unescape(first.content.decode())
    assert "Taken back." not in unescape(again.content.decode())
    assert not Conflict.objects.exists()


def test_the_other_neither_reads_it_nor_takes_it_back(
    client: Client, candidate: User, peer: User
) -> None:
    conflict = conflicts.declare(other=candidate, by=peer, at=timezone.now())

    page = shown(client, candidate)
    client.post(reverse("feedback:conflict_remove", args=[conflict.public_id]))

    assert "Declared by you" not in page
    assert f'<option value="{peer.public_id}">{peer.handle}</option>' in page
    assert Conflict.objects.exists()


def test_who_is_alone_is_told_so(client: Client, outsider: User) -> None:
    assert "You share a cohort with nobody yet." in shown(client, outsider)


def test_who_has_declared_everybody_is_told_so(client: Client, candidate: User, peer: User) -> None:
    conflicts.declare(other=candidate, by=peer, at=timezone.now())

    assert "Everybody you share a cohort with is declared already." in shown(client, peer)


def test_queue_profile_and_grading_page_lead_there(
    client: Client, answer: Attempt, peer: User
) -> None:
    review = factories.review(answer, peer, claimed_at=timezone.now())

    for address in (
        reverse("feedback:queue"),
        reverse("loops:profile"),
        reverse("feedback:review", args=[review.public_id]),
    ):
        assert f'href="{PAGE}"' in shown(client, peer, address)


# From a review


def test_i_know_who_this_is_puts_it_back_with_what_was_typed_and_without_blame(
    client: Client, answer: Attempt, candidate: User, peer: User
) -> None:
    review = factories.review(answer, peer, claimed_at=timezone.now())
    assert "I know who this is" in shown(
        client, peer, reverse("feedback:review", args=[review.public_id])
    )

    response = client.post(
        PAGE,
        {"review": review.public_id, "version": 0, "summary": "As far as I got"},
        follow=True,
    )

    review.refresh_from_db()
    told = unescape(response.content.decode())
    assert (review.state, review.summary) == ("released", "As far as I got")
    assert Conflict.objects.get().other == candidate
    assert response.redirect_chain[-1][0] == reverse("feedback:queue")
    assert "Thank you, it is back in the queue for somebody else." in told


def test_what_cannot_be_kept_comes_back_first(client: Client, answer: Attempt, peer: User) -> None:
    review = factories.review(
        answer, peer, claimed_at=timezone.now(), draft_version=3, summary="Of another window"
    )
    client.force_login(peer)

    response = client.post(PAGE, {"review": review.public_id, "version": 1, "summary": "Mine"})

    assert response.status_code == 409
    assert "Mine" in response.content.decode()
    assert not Conflict.objects.exists()


def test_a_review_of_another_declares_nobody(
    client: Client, answer: Attempt, peer: User, second_peer: User
) -> None:
    review = factories.review(answer, peer, claimed_at=timezone.now())
    client.force_login(second_peer)

    assert client.post(PAGE, {"review": review.public_id}).status_code == 404
    assert client.post(PAGE, {"review": "none"}).status_code == 302
    assert not Conflict.objects.exists()


def test_in_a_mock_there_is_nothing_to_put_back(
    client: Client, answer: Attempt, peer: User
) -> None:
    live = factories.review(answer, peer, claimed_at=timezone.now(), is_live=True)

    page = shown(client, peer, reverse("feedback:review", args=[live.public_id]))

    assert "I know who this is" not in page
    assert Review.objects.get().is_open
