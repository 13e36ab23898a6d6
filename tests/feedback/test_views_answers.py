"""Questions and why-chains through HTTP: what each side reads, does, and may play."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.models import FollowUp, Review
from feedback.queries.answers import questions_for_results
from loops.models import Attempt, Cohort, Membership, Recording, User
from tests import factories
from tests.factories import NOW
from tests.media_addresses import addresses, given, whole

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
Reads = Callable[..., str]


@pytest.fixture(autouse=True)
def _at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it be the day after the answer was graded."""
    monkeypatch.setattr(timezone, "now", lambda: NOW + DAY)


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Attempt:
    """An answer that two peers have graded."""
    return factories.answer(candidate, cohort)


@pytest.fixture
def review(answer: Attempt, peer: User, second_peer: User) -> Review:
    """The peer's review, opened by the candidate with the other one."""
    made = factories.submitted_review(answer, peer)
    factories.submitted_review(answer, second_peer)
    factories.open_reviews(answer)
    return made


@pytest.fixture
def follow_up(review: Review) -> FollowUp:
    """The first link of a chain, asked and open."""
    return factories.follow_up(review, asked_at=NOW)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """Return a function that signs somebody in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def reads(client_of: Callable[[User], Client]) -> Reads:
    """Return a function that reads a page as somebody, or says its status."""

    def read(user: User, address: str, *ids: object, status: int = 200) -> str:
        response = client_of(user).get(reverse(address, args=ids))
        assert response.status_code == status
        return words(response.text)

    return read


def words(html: str) -> str:
    (main,) = re.findall(r"<main.*?</main>", html, re.DOTALL) or [html]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def ask_url(answer: Attempt) -> str:
    return reverse("feedback:question_ask", args=[answer.public_id])


def at(follow_up: FollowUp, what: str = "follow_up") -> str:
    return reverse(f"feedback:{what}", args=[follow_up.public_id])


# Why


def test_a_candidate_asks_a_grader_why_at_a_time(
    client_of: Any, reads: Reads, review: Review, candidate: User, peer: User
) -> None:
    mine = client_of(candidate)
    response = mine.post(
        ask_url(review.attempt),
        {"review": str(review.public_id), "at_ms": "1:35", "text": "Why L5 here?"},
    )

    results = reverse("feedback:results", args=[review.attempt.public_id])
    assert response["Location"] == f"{results}#questions"
    html = mine.get(results).text
    assert 'data-start-ms="95000"' in html
    assert "#t=95" in html
    said = words(html)
    assert "1:35 You asked peer-102 2 Mar" not in said  # it is the next day
    assert "1:35 You asked peer-102 3 Mar, 09:30 Why L5 here? Not answered yet" in said
    asked = reads(peer, "feedback:review", review.public_id)
    assert "1 question waits for you" in asked
    assert "1:35 candidate-101 asks 3 Mar, 09:30 Why L5 here? Your answer" in asked


def test_the_grader_answers_and_the_candidate_reads_it_there(
    client_of: Any, reads: Reads, review: Review, candidate: User, peer: User
) -> None:
    question = factories.question(review)
    url = reverse("feedback:question_answer", args=[question.public_id])
    kept = reverse("feedback:review", args=[review.public_id]) + "#questions"

    assert client_of(peer).get(url)["Location"] == kept
    assert client_of(peer).post(url, {"text": "You named\n\nno cost."})["Location"] == kept

    said = reads(candidate, "feedback:results", review.attempt.public_id)
    assert "Why not a queue? peer-102 3 Mar, 09:30 You named no cost." in said
    assert "You answered 3 Mar, 09:30 You named no cost." in reads(
        peer, "feedback:review", review.public_id
    )


def test_what_is_said_is_no_markup(reads: Reads, review: Review, client_of: Any) -> None:
    factories.question(review, "<b>Why</b> <script>alert(1)</script>")

    html = client_of(review.grader).get(reverse("feedback:review", args=[review.public_id])).text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"text": ""}, "Write what you want to know."),
        ({"text": "x" * 1001}, "at most 1000 characters"),
        ({"at_ms": "soon"}, "“soon” is not a time."),
        ({"at_ms": "11:00"}, "after the end of the recording"),
    ],
)
def test_a_question_that_cannot_be_sent_comes_again(
    client_of: Any, review: Review, candidate: User, sent: dict[str, str], said: str
) -> None:
    facts = {"review": str(review.public_id), "at_ms": "1:35", "text": "Why L5 here?", **sent}

    response = client_of(candidate).post(ask_url(review.attempt), facts)

    assert response.status_code == 422
    assert said in response.text
    assert facts["text"] in response.text
    assert not review.questions.exists()


def test_a_review_of_another_answer_is_not_asked(
    client_of: Any, review: Review, candidate: User, peer: User, cohort: Cohort
) -> None:
    other = factories.submitted_review(factories.answer(candidate, cohort, kind="coding"), peer)
    gold = factories.submitted_review(
        review.attempt, factories.person("gold-1"), purpose=Review.Purpose.GOLD
    )

    for one in (other, gold):
        facts = {"review": str(one.public_id), "text": "Why?"}
        assert client_of(candidate).post(ask_url(review.attempt), facts).status_code == 404


def test_results_that_are_not_open_show_and_take_no_question(  # noqa: PLR0917 - the cast
    client_of: Any, reads: Reads, answer: Attempt, candidate: User, peer: User, second_peer: User
) -> None:
    review = factories.submitted_review(answer, peer)
    factories.submitted_review(answer, second_peer)
    follow_up = factories.follow_up(review, "What of the cost, then?")

    response = client_of(candidate).post(
        ask_url(answer), {"review": str(review.public_id), "text": "Why?"}
    )

    assert response.status_code == 409
    assert "not open to you yet" in response.text
    assert "What of the cost" not in reads(candidate, "feedback:results", answer.public_id)
    reads(candidate, "feedback:follow_up", follow_up.public_id, status=404)
    assert "It waits for candidate-101" in reads(peer, "feedback:follow_up", follow_up.public_id)


def test_who_left_or_has_ten_to_answer_is_not_offered(  # noqa: PLR0917 - the cast
    client_of: Any,
    reads: Reads,
    review: Review,
    candidate: User,
    second_peer: User,
    cohort: Cohort,
) -> None:
    Membership.objects.filter(cohort=cohort, user=second_peer).delete()
    for n in range(10):
        factories.question(review, f"Why {n}?")

    said = reads(candidate, "feedback:results", review.attempt.public_id)

    assert "second-103 has left your cohort and can be asked no more." in said
    assert "Ten questions to peer-102 wait for an answer." in said
    assert "Whom you ask" not in said
    facts = {"review": str(review.public_id), "text": "An eleventh?"}
    response = client_of(candidate).post(ask_url(review.attempt), facts)
    assert response.status_code == 409
    assert "An eleventh?" in response.text


def test_after_seven_days_graders_can_answer_in_words(
    reads: Reads, review: Review, candidate: User, peer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "can still answer in words" not in reads(
        candidate, "feedback:results", review.attempt.public_id
    )
    factories.question(review)
    monkeypatch.setattr(timezone, "now", lambda: NOW + WEEK + DAY)

    said = reads(candidate, "feedback:results", review.attempt.public_id)
    assert "peer-102, second-103 could play your recording are over" in said
    assert "You cannot play the recording any more. Answer in words" in reads(
        peer, "feedback:review", review.public_id
    )


def test_an_answer_given_in_another_window_stands(
    client_of: Any, review: Review, peer: User
) -> None:
    question = factories.question(review, answer="Because.", answered_at=NOW)

    response = client_of(peer).post(
        reverse("feedback:question_answer", args=[question.public_id]), {"text": "Otherwise."}
    )

    assert response.status_code == 409
    assert "That answer stands" in response.text
    assert "Otherwise." in response.text


def test_an_answer_that_was_taken_back_shows_what_was_said_and_takes_no_more(
    reads: Reads, review: Review, candidate: User, peer: User
) -> None:
    factories.question(review)
    follow_up = factories.follow_up(review, asked_at=NOW)
    Attempt.objects.filter(pk=review.attempt_id).update(state=Attempt.State.WITHDRAWN)

    said = reads(peer, "feedback:review", review.public_id)
    chain = reads(peer, "feedback:follow_up", follow_up.public_id)

    assert "The candidate asks" in said
    assert "You asked the candidate" in chain
    assert "What the candidate answered" in chain
    assert candidate.handle not in said + chain
    assert "Why not a queue?" in said
    assert "nothing more can be asked or answered here" in said
    assert "Send the answer" not in said


# The why-chain


def test_a_grader_asks_link_after_link(
    client_of: Any, reads: Reads, review: Review, candidate: User, peer: User
) -> None:
    theirs = client_of(peer)
    url = reverse("feedback:follow_up_ask", args=[review.public_id])
    theirs.post(url, {"text": "Who pays for it?"})
    first = review.follow_ups.get()
    said = reads(peer, "feedback:review", review.public_id)
    assert "Who pays for it? waits for an answer" in said
    assert "Your follow-up waits for the candidate." in said
    response = theirs.post(url, {"text": "And then?"})
    assert (response.status_code, "And then?" in response.text) == (409, True)

    factories.take(first, submitted_at=NOW + DAY)
    assert "Ask link 2 of 5" in reads(peer, "feedback:follow_up", first.public_id)
    theirs.post(url, {"text": "And then?"})

    said = reads(candidate, "feedback:results", review.attempt.public_id)
    assert "peer-102 asks you a follow-up 3 Mar, 09:30 And then? Answer in 90 seconds" in said
    assert "Why-chain with peer-102 Who pays for it? answered And then? waits" in said


def test_a_take_is_recorded_for_ninety_seconds_with_the_question_in_view(
    client_of: Any, follow_up: FollowUp, candidate: User
) -> None:
    mine = client_of(candidate)
    begun = mine.post(at(follow_up, "take_begin"))
    follow_up.refresh_from_db()
    assert follow_up.take
    assert begun["Location"] == reverse("loops:record", args=[follow_up.take.public_id])

    html = mine.get(begun["Location"]).text

    assert "Who pays for it?" in html
    assert follow_up.review.attempt.prompt.text not in html
    assert 'data-stop-seconds="90"' in html
    assert f'data-attempt-url="{at(follow_up)}"' in html
    assert "peer-102, who asks, can play it for seven days" in html
    assert "Predict" not in words(html)
    assert "Time guide" not in html


def test_a_take_is_looked_at_recorded_anew_and_sent(
    client_of: Any, reads: Reads, follow_up: FollowUp, candidate: User, peer: User
) -> None:
    mine = client_of(candidate)
    mine.post(at(follow_up, "take_begin"))
    follow_up.refresh_from_db()
    assert follow_up.take
    long = factories.recording(follow_up.take, duration_ms=112_000)
    said = words(mine.get(at(follow_up)).text)
    assert "It is 1:52 long; a follow-up is answered in 90 seconds." in said
    assert "Send it to peer-102" not in said
    refused = mine.post(at(follow_up, "take_send"), follow=True)
    assert "This take is 112 seconds long" in refused.text
    assert refused.request["PATH_INFO"] == at(follow_up)

    again = mine.post(reverse("loops:recording_discard", args=[long.public_id]), follow=True)
    assert again.request["PATH_INFO"] == at(follow_up)
    factories.recording(follow_up.take, duration_ms=84_000)
    assert "Send it to peer-102" in words(mine.get(at(follow_up)).text)
    assert "What candidate-101 answered It waits for candidate-101" in reads(
        peer, "feedback:follow_up", follow_up.public_id
    )

    mine.post(at(follow_up, "take_send"))

    page = client_of(peer).get(at(follow_up)).text
    assert 'data-behaviour="player"' in page
    assert "You can play it for seven days" in words(page)
    assert "peer-102 can play it for seven days from then" in words(mine.get(at(follow_up)).text)


def test_a_take_can_be_handed_in_as_a_file(
    client_of: Any, follow_up: FollowUp, candidate: User
) -> None:
    mine = client_of(candidate)
    mine.post(at(follow_up, "take_begin"))
    follow_up.refresh_from_db()
    assert follow_up.take
    upload = reverse("loops:upload", args=[follow_up.take.public_id])
    assert upload in mine.get(at(follow_up)).text

    nothing = mine.post(upload, follow=True)
    assert nothing.request["PATH_INFO"] == at(follow_up)
    assert "callout--error" in nothing.text
    wrong = SimpleUploadedFile("words.txt", b"no film at all, but words", "text/plain")
    refused = mine.post(upload, {"file": wrong}, follow=True)
    assert refused.request["PATH_INFO"] == at(follow_up)
    assert "not a video or sound file" in refused.text


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"state": Recording.State.RECORDING}, "Your take is not finished"),
        ({"state": Recording.State.UPLOADED}, "You can send it once it plays."),
        ({"state": Recording.State.FAILED}, "could not be made playable"),
    ],
)
def test_an_unready_take_says_where_it_stands(
    client_of: Any, follow_up: FollowUp, candidate: User, facts: dict[str, Any], said: str
) -> None:
    take = factories.take(follow_up, state=Attempt.State.DRAFT, seconds=0)
    factories.upload(factories.recording(take, **facts), received_bytes=9, staging_key="x")

    text = words(client_of(candidate).get(at(follow_up)).text)

    assert said in text
    assert "Send it to" not in text


def test_htmx_loads_the_page_anew_once_the_take_plays(
    client_of: Any, follow_up: FollowUp, candidate: User
) -> None:
    take = factories.take(follow_up, state=Attempt.State.DRAFT, seconds=0)
    recording = factories.recording(take, state=Recording.State.PROCESSING)
    url = reverse("loops:attempt", args=[take.public_id])
    mine = client_of(candidate)
    assert "once it plays" in mine.get(url, headers={"HX-Request": "true"}).text

    Recording.objects.filter(pk=recording.pk).update(state=Recording.State.READY)

    assert mine.get(url, headers={"HX-Request": "true"})["HX-Refresh"] == "true"


def test_a_candidate_declines(
    client_of: Any, reads: Reads, follow_up: FollowUp, candidate: User, peer: User
) -> None:
    mine = client_of(candidate)
    mine.post(at(follow_up, "follow_up_decline"))

    assert "You declined this question, and the chain ends with it." in words(
        mine.get(at(follow_up)).text
    )
    said = reads(peer, "feedback:follow_up", follow_up.public_id)
    assert "candidate-101 declined this question, and the chain ends with it." in said
    assert "the chain ends there" in reads(peer, "feedback:review", follow_up.review.public_id)
    response = mine.post(at(follow_up, "take_begin"), follow=True)
    assert "You have declined this question" in response.text


def test_a_take_that_was_erased_says_so_to_both(
    reads: Reads, client_of: Any, follow_up: FollowUp, candidate: User, peer: User
) -> None:
    take = factories.take(follow_up, submitted_at=NOW)
    erase = reverse("loops:recording_erase", args=[take.recordings.get().public_id])
    client_of(candidate).post(erase)

    for reader in (candidate, peer):
        assert "erased it on 3 March 2026" in reads(
            reader, "feedback:follow_up", follow_up.public_id
        )


# Who may play a take


def test_who_asked_plays_a_take_for_a_week_and_no_other_grader_does(  # noqa: PLR0917 - the cast
    follow_up: FollowUp,
    candidate: User,
    peer: User,
    second_peer: User,
    organiser: User,
    cohort: Cohort,
    client_of: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.MEDIA_SENDER = "django"
    take = factories.take(follow_up, seconds=0, submitted_at=NOW)
    recording = whole(take)

    def gets(user: User, after: timedelta) -> bool:
        monkeypatch.setattr(timezone, "now", lambda: NOW)
        client = client_of(user)
        of = addresses(client, recording)
        monkeypatch.setattr(timezone, "now", lambda: NOW + after)
        return bool(given(client, of) & {"playable", "links"})

    assert gets(peer, DAY)
    assert gets(peer, WEEK - timedelta(seconds=1))
    assert not gets(peer, WEEK)
    assert gets(candidate, WEEK + DAY)
    assert not gets(second_peer, DAY)
    assert not gets(organiser, DAY)
    Attempt.objects.filter(pk=take.pk).update(state=Attempt.State.DRAFT, submitted_at=None)
    assert not gets(peer, DAY)
    Attempt.objects.filter(pk=take.pk).update(state="submitted", submitted_at=NOW)
    Membership.objects.filter(cohort=cohort, user=peer).delete()
    assert not gets(peer, DAY)


# Cost


def test_pages_ask_the_database_little(
    client_of: Any, follow_up: FollowUp, candidate: User, peer: User
) -> None:
    factories.take(follow_up, submitted_at=NOW)
    for n in range(3):
        factories.take(factories.follow_up(follow_up.review), submitted_at=NOW)
        factories.question(follow_up.review, f"Why {n}?")
    open_ = factories.follow_up(follow_up.review)
    factories.take(open_, state=Attempt.State.DRAFT)

    for user, shown in ((candidate, follow_up), (candidate, open_), (peer, follow_up)):
        client = client_of(user)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(at(shown)).status_code == 200
        assert len(asked) <= 8, "\n".join(query["sql"][:150] for query in asked)


def test_questions_cost_one_query_however_many(review: Review) -> None:
    for n in range(3):
        factories.question(review, f"Why {n}?")
        factories.take(factories.follow_up(review))
    attempt = Attempt.objects.select_related("round__loop__cohort").get(pk=review.attempt_id)

    with CaptureQueriesContext(connection) as asked:
        found = questions_for_results(attempt, NOW + DAY)

    assert (len(asked), len(found.threads), len(found.chains[0].links)) == (1, 3, 3)
