"""The queue page: what it shows to whom, taking the next, putting back, and what it costs."""

from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.actions import conflicts, places, reports
from feedback.eligibility import Exclusion
from feedback.models import Review, Standing, Unlock
from loops.actions import recordings
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
    for fact in ("System design, ambiguous", "L6", f">{answer.rubric_version.minutes}</td>"):
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


def test_what_waits_is_told_by_nothing_that_marks_a_blind_item(
    client: Client, answer: Attempt, peer: User
) -> None:
    answer.recordings.update(state="ready_partial", duration_ms=754_000)

    page = shown(client, peer)

    assert "One answer waits for you" in page
    assert "12:34" not in page
    assert "missing" not in page
    assert "ago</span>" not in page


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
    factories.submitted_review(factories.answer(candidate, cohort), peer, submitted_at=at)

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


# Marks


def test_what_waited_for_two_days_is_marked_as_open_to_all(
    client: Client, candidate: User, cohort: Cohort, peer: User
) -> None:
    mark = "waited over 48 hours, open to all"
    now = timezone.now()
    factories.answer(candidate, cohort, submitted_at=now - timedelta(hours=47))
    assert mark not in shown(client, peer)

    factories.answer(candidate, cohort, submitted_at=now - timedelta(hours=49))

    assert shown(client, peer).count(mark) == 1


def test_rounds_not_unlocked_are_marked_unless_it_is_all_of_them(
    client: Client, candidate: User, cohort: Cohort, peer: User
) -> None:
    for kind in ("coding", "xfn"):
        factories.answer(candidate, cohort, kind=kind)
    mark = ">you are untrained</span>"
    page = shown(client, peer)
    assert mark not in page
    assert "You have unlocked none of these rounds yet" in page

    Unlock.objects.create(member=peer, round_kind=factories.round_kind("coding"), at=factories.NOW)

    page = shown(client, peer)
    assert page.count(mark) == 1
    assert "that you have not unlocked is marked untrained" in page


def test_a_third_reader_is_not_told_that_the_others_differ(
    client: Client, answer: Attempt, peer: User, second_peer: User, organiser: User
) -> None:
    """Whose eyes are asked for a split must not know that it is one."""
    alone = shown(client, organiser)
    split = Attempt.objects.get()
    factories.submitted_review(split, peer, rank=0)
    factories.submitted_review(split, second_peer, rank=3)
    split.queue_entry.refresh_from_db()
    assert split.queue_entry.is_split

    page = shown(client, organiser)

    assert "One answer waits for you" in page
    for word in ("split", "differ", "third", "disagree"):
        assert (word in page.casefold()) == (word in alone.casefold())


# Give and take


@pytest.mark.parametrize(
    ("given_and_taken", "words"),
    [
        ((0, 0), "You have given and received no review yet."),
        ((5, 3), "You have given 5 and received 3 reviews: your answers come first."),
        ((2, 1), "You have given 2 and received 1 review: your answers come first."),
        ((4, 4), "You have given 4 and received 4 reviews. One more given, and your answers"),
        ((1, 4), "answers of those who have given more are taken before yours."),
    ],
)
def test_give_and_take_is_said_in_words(
    client: Client, cohort: Cohort, peer: User, given_and_taken: tuple[int, int], words: str
) -> None:
    given, taken = given_and_taken
    if given or taken:
        Standing.objects.create(cohort=cohort, member=peer, given=given, taken=taken)

    page = shown(client, peer)

    assert words in page
    assert "Owing hides nothing from you" in page


def test_give_and_take_is_said_by_cohort_where_there_are_two(
    client: Client, cohort: Cohort, peer: User
) -> None:
    other = factories.cohort(peer, name="Another cohort")
    Standing.objects.create(cohort=other, member=peer, given=2, taken=0)

    page = shown(client, peer)

    assert "<strong>Another cohort:</strong> You have given 2" in page
    assert "<strong>Thursday cohort:</strong> You have given and received no review" in page


# What is not offered


def test_what_is_not_offered_is_counted_by_reason_without_a_name(
    client: Client, candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    factories.submitted_review(factories.answer(candidate, cohort), peer)
    for _n in range(2):
        factories.answer(second_peer, cohort)
    conflicts.declare(other=second_peer, by=peer, at=timezone.now())

    page = shown(client, peer)

    assert "Three more wait that you are not offered: one that you have graded" in page
    assert f'two by people <a href="{reverse("feedback:conflicts")}">you do not grade</a>.' in page
    assert second_peer.handle not in page


def test_a_conflict_that_another_declared_leaves_no_trace(
    client: Client, answer: Attempt, candidate: User, peer: User
) -> None:
    conflicts.declare(other=peer, by=candidate, at=timezone.now())

    page = shown(client, peer)

    assert "Nothing is waiting" in page
    assert "you are not offered" not in page


def test_what_one_reported_in_vain_is_among_the_reasons(
    client: Client, answer: Attempt, candidate: User, peer: User
) -> None:
    review = factories.review(answer, peer, claimed_at=timezone.now())
    reports.report(review=review, kind="unusable", by=peer, at=timezone.now())
    reports.contest(attempt=answer, by=candidate, at=timezone.now())

    page = shown(client, peer)

    assert "One more waits that you are not offered: one that you reported." in page
    assert "its candidate has sent it back to the queue: others grade it now" in page


@pytest.mark.parametrize("reason", Exclusion)
def test_every_reason_has_words(reason: Exclusion) -> None:
    line = {"code": reason.value, "count": 2}
    if reason != Exclusion.OWN:  # one's own are not even looked at
        assert "another reason" not in render_to_string(
            "feedback/queue/_reason.html", {"line": line}
        )


# How a claim ended


def ended(client: Client, user: User) -> str:
    page = shown(client, user)
    assert "Ended without a review" in page
    return page


def test_an_answer_that_was_taken_back_is_explained(
    client: Client, answer: Attempt, candidate: User, peer: User
) -> None:
    now = timezone.now()
    factories.review(answer, peer, state="draft", claimed_at=now, drafted_at=now)
    Attempt.objects.filter(pk=answer.pk).update(state="withdrawn")
    places.settle(attempt=answer, at=now)

    page = ended(client, peer)

    assert "Its candidate took the answer back while you were at work." in page
    assert "It counts as given all the same. What you wrote is kept." in page
    assert "You have given 1 and received 0 reviews" in page
    assert candidate.handle not in page


def test_an_answer_whose_recording_was_erased_is_explained(
    client: Client, answer: Attempt, candidate: User, peer: User
) -> None:
    factories.review(answer, peer, claimed_at=timezone.now())
    recordings.erase(recording=answer.recordings.get(), by=candidate, at=timezone.now())

    assert "Its candidate erased the recording" in ended(client, peer)


@pytest.mark.parametrize(
    ("is_withdrawn", "words"),
    [
        (True, "Its candidate took the answer back after your lease had run out."),
        (False, "Its recording was erased after your lease had run out."),
    ],
)
def test_a_draft_that_lapsed_before_is_explained_and_costs_nothing(
    client: Client, answer: Attempt, peer: User, *, is_withdrawn: bool, words: str
) -> None:
    now = timezone.now()
    lapsed = {"lease_until": now - timedelta(minutes=1), "drafted_at": now}
    factories.review(answer, peer, state="expired", claimed_at=now - timedelta(hours=1), **lapsed)
    if is_withdrawn:
        Attempt.objects.filter(pk=answer.pk).update(state="withdrawn")
        places.settle(attempt=answer, at=now)
    else:
        recordings.erase(recording=answer.recordings.get(), by=None, at=now, rule_days=90)

    page = ended(client, peer)

    assert f"{words} It costs nobody a credit. What you wrote is kept." in page


def test_ones_own_report_and_anothers_are_explained(
    client: Client, answer: Attempt, peer: User, second_peer: User
) -> None:
    now = timezone.now()
    review = factories.review(answer, peer, claimed_at=now)
    factories.review(answer, second_peer, claimed_at=now)
    reports.report(review=review, kind="unusable", by=peer, at=now)

    assert "You reported that it cannot be graded." in ended(client, peer)
    assert "Another grader reported that it cannot be graded" in ended(client, second_peer)


@pytest.mark.parametrize("state", ["claimed", "expired"])
def test_a_lease_that_ran_out_with_nothing_written_is_explained_for_some_days(
    client: Client, answer: Attempt, peer: User, state: str
) -> None:
    at = timezone.now() - timedelta(hours=2)
    review = factories.review(answer, peer, state=state, claimed_at=at)

    page = ended(client, peer)
    assert "Your 45 minutes ran out before anything was written" in page
    assert "begun by you" not in page

    Review.objects.filter(pk=review.pk).update(lease_until=at - timedelta(days=4))
    assert "Ended without a review" not in shown(client, peer)


def test_what_was_written_and_put_back_can_be_read_though_others_have_the_answer(
    client: Client, answer: Attempt, peer: User
) -> None:
    at = timezone.now() - timedelta(hours=2)
    review = factories.review(answer, peer, state="released", claimed_at=at, drafted_at=at)
    for _n in range(2):
        factories.submitted_review(answer, factories.person())

    page = ended(client, peer)

    assert "You put it back." in page
    assert reverse("feedback:review", args=[review.public_id]) in shown(client, peer)


def test_an_answer_taken_back_after_the_review_is_listed_without_its_candidate(
    client: Client, answer: Attempt, candidate: User, peer: User
) -> None:
    factories.submitted_review(answer, peer)
    Attempt.objects.filter(pk=answer.pk).update(state="withdrawn")

    page = shown(client, peer)

    assert "taken back</span>" in page
    assert candidate.handle not in page


def test_the_page_with_everything_on_it_stays_in_its_budget(
    client: Client, candidate: User, cohort: Cohort, peer: User, second_peer: User
) -> None:
    now = timezone.now()
    for _n in range(2):
        factories.answer(candidate, cohort, submitted_at=now - timedelta(days=3))
        factories.submitted_review(factories.answer(candidate, cohort), peer)
        held = factories.answer(candidate, cohort)
        reports.report(
            review=factories.review(held, peer, claimed_at=now), kind="unusable", by=peer, at=now
        )
        factories.answer(second_peer, cohort)
    conflicts.declare(other=second_peer, by=peer, at=now)
    factories.cohort(peer, label_company="meta")
    client.force_login(peer)

    with CaptureQueriesContext(connection) as asked:
        page = client.get(QUEUE)

    assert page.status_code == 200
    assert len(asked) <= 8, [query["sql"][:90] for query in asked]
