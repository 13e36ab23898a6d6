"""The queue page: what it shows to whom, taking the next, putting back, and what it costs."""

from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.models import Review
from loops.models import Attempt, Cohort, User
from tests import factories

QUEUE = reverse("feedback:queue")
CLAIM = reverse("feedback:claim")


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer that waits."""
    return factories.answer(candidate, cohort)


def shown(client: Client, user: User, address: str = QUEUE) -> str:
    client.force_login(user)
    response = client.get(address)
    assert response.status_code == 200
    return unescape(response.content.decode())


# What waits


def test_waiting_shows_the_round_and_never_the_candidate(
    client: Client, answer: Attempt, candidate: User, peer: User
) -> None:
    page = shown(client, peer)

    assert "One answer waits for you" in page
    for fact in ("System design, ambiguous", "L6", "10:00"):
        assert fact in page
    for secret in (
        candidate.handle,
        candidate.name,
        candidate.email,
        str(candidate.public_id),
        str(answer.public_id),
        answer.prompt.text,
    ):
        assert secret not in page


def test_an_answer_of_which_something_is_missing_is_offered_with_these_words(
    client: Client, answer: Attempt, peer: User
) -> None:
    missing = "Something of its recording is missing"
    assert missing not in shown(client, peer)
    answer.recordings.update(state="ready_partial")

    page = shown(client, peer)

    assert "One answer waits for you" in page
    assert missing in page


def test_queue_with_nothing_says_what_happens_next(client: Client, peer: User) -> None:
    page = shown(client, peer)

    assert "Nothing is waiting" in page
    assert "appears here as soon as somebody hands it in" in page
    assert "Take the next" not in page


def test_kinds_are_offered_with_their_counts_where_there_are_several(
    client: Client, candidate: User, cohort: Cohort, peer: User
) -> None:
    for kind in ("coding", "coding", "sd_ambiguous"):
        factories.answer(candidate, cohort, kind=kind)

    page = shown(client, peer)

    assert '<button class="button button--small" name="kind" value="coding">Coding' in page
    assert '<span class="faint">2</span>' in page


def test_times_are_the_readers(client: Client, candidate: User, cohort: Cohort, peer: User) -> None:
    User.objects.filter(pk=peer.pk).update(time_zone="Asia/Tokyo")
    peer.refresh_from_db()
    at = timezone.now().replace(hour=20, minute=15) - timedelta(days=3)
    factories.answer(candidate, cohort, submitted_at=at)

    next_day_in_tokyo = at + timedelta(days=1)

    assert f"{next_day_in_tokyo.day} {next_day_in_tokyo:%b}, 05:15" in shown(client, peer)


# Taking the next


def test_claim_opens_the_review(client: Client, answer: Attempt, peer: User) -> None:
    client.force_login(peer)

    response = client.post(CLAIM)

    review = Review.objects.get()
    assert (review.attempt, review.grader) == (answer, peer)
    assert response.status_code == 302
    assert response["Location"] == reverse("feedback:review", args=[review.public_id])


def test_claim_takes_the_round_kind_that_was_asked_for(
    client: Client, answer: Attempt, candidate: User, cohort: Cohort, peer: User
) -> None:
    coding = factories.answer(candidate, cohort, kind="coding")
    client.force_login(peer)

    client.post(CLAIM, {"kind": "coding"})

    assert Review.objects.get().attempt == coding


@pytest.mark.parametrize("kind", ["", "no-such-kind"])
def test_claim_with_nothing_left_is_a_message(client: Client, peer: User, kind: str) -> None:
    client.force_login(peer)

    response = client.post(CLAIM, {"kind": kind}, follow=True)

    assert response.status_code == 200
    assert "Nothing is waiting for you right now" in unescape(response.content.decode())
    assert not Review.objects.exists()


def test_claim_is_for_the_cohort_only(client: Client, answer: Attempt, outsider: User) -> None:
    client.force_login(outsider)

    client.post(CLAIM)

    assert not Review.objects.exists()


# What one holds, has let lapse, has given


def test_held_review_can_be_continued_and_put_back(
    client: Client, answer: Attempt, candidate: User, peer: User
) -> None:
    review = factories.review(answer, peer, claimed_at=timezone.now())

    page = shown(client, peer)

    assert reverse("feedback:review", args=[review.public_id]) in page
    assert reverse("feedback:review_release", args=[review.public_id]) in page
    assert candidate.handle in page
    assert "Start grading" in page
    assert "Take the next" not in page


def test_several_held_reviews_are_all_there(
    client: Client, candidate: User, cohort: Cohort, peer: User
) -> None:
    """Going on with a lapsed review while holding another makes two."""
    held = [
        factories.review(factories.answer(candidate, cohort), peer, claimed_at=timezone.now())
        for _n in range(2)
    ]

    page = shown(client, peer)

    assert all(reverse("feedback:review", args=[one.public_id]) in page for one in held)


def test_released_from_the_queue_the_place_is_free(
    client: Client, answer: Attempt, peer: User
) -> None:
    review = factories.review(answer, peer, claimed_at=timezone.now())
    client.force_login(peer)

    response = client.post(reverse("feedback:review_release", args=[review.public_id]), follow=True)

    review.refresh_from_db()
    assert review.state == "released"
    assert "Put back for somebody else" in response.content.decode()


@pytest.mark.parametrize("state", ["draft", "expired"])
def test_lapsed_draft_is_offered_with_its_text(
    client: Client, answer: Attempt, peer: User, state: str
) -> None:
    review = factories.review(answer, peer, state=state, drafted_at=factories.NOW)

    page = shown(client, peer)

    assert "Your lease ran out; your text is kept." in page
    assert reverse("feedback:review", args=[review.public_id]) in page
    assert "begun by you" in page


def test_given_reviews_are_listed_and_others_are_not(
    client: Client, answer: Attempt, peer: User, second_peer: User
) -> None:
    own = factories.submitted_review(answer, peer, rank=1)
    other = factories.submitted_review(answer, second_peer)

    page = shown(client, peer)

    assert reverse("feedback:review", args=[own.public_id]) in page
    assert "No at L6 · level L5" in page
    assert str(other.public_id) not in page
    assert second_peer.handle not in page


# What it costs


def test_queries_do_not_grow_with_the_rows(
    client: Client, candidate: User, cohort: Cohort, peer: User
) -> None:
    client.force_login(peer)
    counts = []
    for rows in (1, 2):  # first one of each, then three
        for _n in range(rows):
            factories.answer(candidate, cohort)
            factories.submitted_review(factories.answer(candidate, cohort), peer)
            lapsed = factories.answer(candidate, cohort)
            factories.review(lapsed, peer, state="expired", drafted_at=factories.NOW)
            held = factories.answer(candidate, cohort)
            factories.review(held, peer, claimed_at=timezone.now())
        with CaptureQueriesContext(
            connection,
        ) as queries:
            shown_again = client.get(QUEUE)
        assert shown_again.status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert counts[0] <= 8


def test_claim_of_a_malformed_kind_takes_any(client: Client, answer: Attempt, peer: User) -> None:
    client.force_login(peer)

    response = client.post(CLAIM, {"kind": "a\x00b"})

    assert response.status_code == 302
    assert Review.objects.get(attempt=answer).grader == peer


def test_claim_opened_as_a_page_claims_nothing_and_leads_to_the_queue(
    client: Client, answer: Attempt, peer: User
) -> None:
    """As it is after signing in again, when the press of the button found nobody signed in."""
    client.force_login(peer)

    assert client.get(CLAIM).headers["Location"] == QUEUE
    assert not Review.objects.exists()
