"""A candidate's results through HTTP: who sees them, what they say, and when they say nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions.calibration import calibrate_round_kind
from feedback.models import Review
from loops.models import Attempt, Cohort, Recording, Rendition, User
from tests import factories

Page = Callable[[Attempt], str]


@pytest.fixture
def page(client: Client) -> Page:
    """Return a function that reads an answer's results as its candidate."""

    def read(attempt: Attempt) -> str:
        client.force_login(attempt.round.loop.member)
        response = client.get(url_of(attempt))
        assert response.status_code == 200
        html = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
        return re.sub(r"\s+", " ", html)

    return read


@pytest.fixture
def answer(candidate: User, cohort: Cohort) -> Callable[..., Attempt]:
    """Return a function that hands in a recorded answer some hours ago."""

    def make(*, hours_ago: float = 1, **facts: Any) -> Attempt:
        at = timezone.now() - timedelta(hours=hours_ago)
        return factories.answer(candidate, cohort, submitted_at=at, **facts)

    return make


Answer = Callable[..., Attempt]


def url_of(attempt: Attempt) -> str:
    return reverse("feedback:results", args=[attempt.public_id])


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def reviewed(attempt: Attempt, grader: User, **facts: Any) -> Review:
    assert attempt.submitted_at
    at = attempt.submitted_at + timedelta(minutes=30)
    return factories.submitted_review(attempt, grader, submitted_at=at, **facts)


def opened(attempt: Attempt, grader: User, **facts: Any) -> Review:
    """Return a review whose candidate has said by now how useful it is."""
    review = reviewed(attempt, grader, **facts)
    factories.open_reviews(attempt)
    return review


def calibrated(attempt: Attempt) -> None:
    calibrate_round_kind(round_kind=attempt.rubric_version.round_kind, at=timezone.now())


# Who


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("candidate", 200),
        ("peer", 404),
        ("second_peer", 404),
        ("organiser", 404),
        ("outsider", 404),
    ],
)
@pytest.mark.parametrize("reviews", [0, 2])
def test_only_the_candidate_reads_them(  # noqa: PLR0917 - three of them are parameters
    request: pytest.FixtureRequest,
    client: Client,
    answer: Answer,
    role: str,
    status: int,
    reviews: int,
) -> None:
    """Nor do those who graded it, before the reveal or after."""
    attempt = answer()
    for grader in ("peer", "second_peer")[:reviews]:
        reviewed(attempt, request.getfixturevalue(grader))
    stranger = client.get(url_of(attempt))
    client.force_login(request.getfixturevalue(role))

    assert client.get(url_of(attempt)).status_code == status
    assert stranger.headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("state", [Attempt.State.DRAFT, Attempt.State.WITHDRAWN])
def test_an_answer_not_handed_in_has_none(client: Client, answer: Answer, state: str) -> None:
    attempt = answer()
    Attempt.objects.filter(pk=attempt.pk).update(state=state, submitted_at=None)
    client.force_login(attempt.round.loop.member)

    assert client.get(url_of(attempt)).status_code == 404


# Before the reveal


def test_a_first_review_moves_the_count_and_nothing_else(
    page: Page, answer: Answer, peer: User
) -> None:
    """With a review that has all a review can have, and a calibration after it."""
    attempt = answer()
    before = page(attempt)

    review = reviewed(attempt, peer, rank=0, downcodes=["unbounded"], summary="Nothing in it.")
    factories.evidence(review, downcode=review.ticks.get().downcode, note="Draws at once.")
    calibrated(attempt)
    after = page(attempt)

    before, after = (re.sub(r"\?t=[\w:-]+", "", html) for html in (before, after))
    sentence = r"\s*<ol class=.steps.+?</p>\s*"
    assert "0 of 2 reviews in" in before
    assert "1 of 2 reviews in" in after
    assert re.sub(sentence, "", after) == re.sub(sentence, "", before).replace(
        "0 of 2 reviews in", "1 of 2 reviews in"
    )
    for fact in ("Nothing in it", "Draws at once", peer.handle, peer.name, "unbounded", "verdict"):
        assert fact not in after


def test_htmx_gets_no_more_before_the_reveal(client: Client, answer: Answer, peer: User) -> None:
    attempt = answer()
    reviewed(attempt, peer, summary="Nothing in it.")
    client.force_login(attempt.round.loop.member)

    html = client.get(url_of(attempt), headers={"HX-Request": "true"}).content.decode()

    assert "1 of 2 reviews in" in html
    assert "Nothing in it" not in html
    assert peer.handle not in html


def test_it_says_when_it_opens(page: Page, answer: Answer, peer: User) -> None:
    attempt = answer(hours_ago=1)
    waiting = text_of(page(attempt))
    reviewed(attempt, peer)
    with_one = text_of(page(attempt))
    overdue = text_of(page(answer(hours_ago=49)))

    assert "The results open when both are in. From" in waiting
    assert "at the latest on" in with_one
    assert "the first review opens the results" in overdue


def test_what_was_handed_in_is_there(page: Page, answer: Answer) -> None:
    attempt = answer(predicted_rank=3, energy=-2)
    factories.artifact(attempt, "who is paged")

    html = page(attempt)

    playable = Rendition.objects.get(track__recording__attempt=attempt)
    assert reverse("loops:media", args=[playable.public_id]) in html
    assert attempt.prompt.text in html
    assert "who is paged" in html
    assert "Predicted L7 Target L6 Energy Drained: I wanted it to end" in text_of(html)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (Recording.State.PROCESSING, "Being made ready to play"),
        (Recording.State.UPLOADED, "Being made ready to play"),
        (Recording.State.FAILED, "This recording could not be made playable"),
    ],
)
def test_a_recording_that_does_not_play_is_told(
    page: Page, answer: Answer, state: str, said: str
) -> None:
    attempt = answer()
    attempt.recordings.update(state=state)

    text = text_of(page(attempt))

    assert said in text
    assert ("This answer cannot be graded." in text) == (state == Recording.State.FAILED)


# Once they are open


def test_both_reviews_stand_side_by_side(
    page: Page, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    opened(attempt, peer, rank=1, summary="Found by luck.", confidence="high")
    opened(attempt, second_peer, rank=3, ranks={"options": None}, summary="A <b>steady</b> hand.")
    calibrated(attempt)

    html = page(attempt)

    text = text_of(html)
    assert f"{peer.handle} No at L6, yes at L5 Found by luck. High confidence" in text
    assert f"{second_peer.handle} Strong yes" not in text
    assert f"{second_peer.handle} Yes at L6, yes at L7" in text
    assert "A &lt;b&gt;steady&lt;/b&gt; hand." in html
    assert f"Not observed by {second_peer.handle}" in text
    assert "By rule" in text
    assert "reviews in" not in text


def test_the_level_is_said_in_words(
    page: Page, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer(predicted_rank=3)
    opened(attempt, peer, rank=2)
    opened(attempt, second_peer, rank=2)
    calibrated(attempt)

    text = text_of(page(attempt))

    assert "A typical grader’s level for this answer: middle of L6 ." in text
    assert "The 80 % band goes from" in text
    assert "You predicted L7, one level above." in text
    assert "n = 1" not in text


def test_one_review_after_48_hours_is_provisional(page: Page, answer: Answer, peer: User) -> None:
    attempt = answer(hours_ago=49)
    opened(attempt, peer)
    calibrated(attempt)

    assert "provisional, n = 1" in text_of(page(attempt))


def test_evidence_leads_to_its_moment(
    page: Page, answer: Answer, peer: User, second_peer: User
) -> None:
    """The player's script seeks by the attribute; without it the browser plays from there."""
    attempt = answer()
    opened(attempt, peer)
    opened(attempt, second_peer)

    html = page(attempt)

    playable = Rendition.objects.get(track__recording__attempt=attempt)
    play = re.escape(reverse("loops:media", args=[playable.public_id])) + r"\?t=[\w:-]+"
    link = rf'<a class="evidence__at" href="{play}#t=60" data-start-ms="60000">1:00–1:10</a>'
    assert len(re.findall(link, html)) == 2
    assert html.count('<a class="timeline__to" href="#t=60" data-start-ms="60000"') == 2


def test_signals_in_force_are_told_from_raised_ones(
    page: Page, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    opened(attempt, peer, downcodes=["unbounded", "draws_first"])
    opened(attempt, second_peer, downcodes=["unbounded"])

    text = text_of(page(attempt))

    in_force = "caps at L5 2 of 2 graders Draws the design before the problem has a bound"
    raised = "raised by 1 of 2 caps nothing Draws before restating the problem Discovery"
    assert in_force in text
    assert raised in text
    assert text.index(in_force) < text.index(raised)


# While it is calibrated


def test_it_asks_again_until_the_level_is_there(
    client: Client, page: Page, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    opened(attempt, peer)
    opened(attempt, second_peer)
    poll = f'hx-get="{url_of(attempt)}" hx-trigger="every 5s"'

    before = page(attempt)
    asked = client.get(url_of(attempt), headers={"HX-Request": "true"}).content.decode()
    calibrated(attempt)
    answered = client.get(url_of(attempt), headers={"HX-Request": "true"}).content.decode()
    after = page(attempt)

    assert poll in before
    assert "Being calibrated" in asked
    assert poll in asked
    assert "<html" not in asked
    assert "middle of L6" in answered
    assert "hx-get" not in answered
    assert "htmx" in before.partition("</main>")[2]
    assert "hx-get" not in after


def test_a_newer_review_keeps_the_older_level_meanwhile(
    page: Page, answer: Answer, peer: User, second_peer: User, organiser: User
) -> None:
    attempt = answer()
    opened(attempt, peer)
    opened(attempt, second_peer)
    calibrated(attempt)
    opened(attempt, organiser, rank=0)

    text = text_of(page(attempt))

    assert "middle of L6" in text
    assert "A newer review is being taken in" in text
