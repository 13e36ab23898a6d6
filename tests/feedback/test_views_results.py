"""A candidate's results through HTTP: who sees them, what they say, and when they say nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions.calibration import calibrate_round_kind
from feedback.actions.withdrawal import withdraw
from feedback.models import QueueEntry, Reflection, Review, Usefulness
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
        return tidy(response.content.decode())

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


def say(review: Review, rank: int, verdict: str, downcodes: Sequence[str]) -> None:
    """Have a review say another level, on everything, and raise these signals alone."""
    review.ratings.update(rank=rank)
    review.level_given_rank, review.verdict = rank, verdict
    review.confidence = Review.Confidence.LOW if rank else Review.Confidence.HIGH
    review.save()
    review.ticks.all().delete()
    for downcode in review.attempt.rubric_version.downcodes.filter(key__in=downcodes):
        review.ticks.create(downcode=downcode)


def words_on(
    review: Review, mark: str, note: str = "", *, shown: Sequence[Review] = ()
) -> dict[str, Any]:
    """Return what the form sends of one review, from a page that showed these."""
    return {
        f"mark-{review.public_id}": mark,
        f"note-{review.public_id}": note,
        "shown": [str(one.public_id) for one in shown or [review]],
    }


def open_url(attempt: Attempt) -> str:
    return reverse("feedback:results_open", args=[attempt.public_id])


def tidy(html: str) -> str:
    html = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", html)
    return re.sub(r"\s+", " ", html)


def unlinked(html: str) -> str:
    """Leave out what is signed anew each time."""
    return re.sub(r"\?t=[\w:-]+", "", html)


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


# Between the reveal and the levels


def test_words_come_first_and_tell_no_level(
    page: Page, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    low = reviewed(attempt, peer, rank=0, downcodes=["unbounded"], summary="Start with whom.")
    factories.evidence(low, downcode=low.ticks.get().downcode, note="Draws at once.")
    reviewed(attempt, second_peer, rank=3, summary="I learned from this.", confidence="high")
    calibrated(attempt)

    html = page(attempt)

    text = text_of(html)
    for words in ("Start with whom.", "Draws at once.", "I learned from this.", peer.handle):
        assert words in text
    for told in ("unbounded", "has a bound", "confidence", "By rule", "Discovery", "ruler", "caps"):
        assert told not in html
    assert "How useful is this?" in text
    assert html.count("Open the levels") == 1
    playable = Rendition.objects.get(track__recording__attempt=attempt)
    assert re.search(rf'href="[^"]*{playable.public_id}[^"]*#t=60" data-start-ms="60000"', html)


def test_two_reviews_read_alike_whatever_their_levels(
    page: Page, answer: Answer, peer: User, second_peer: User
) -> None:
    """Byte for byte, once with the lowest and once with the highest, signals and all."""
    attempt = answer()
    for grader in (peer, second_peer):
        reviewed(attempt, grader)
    seen = []
    for rank, verdict, downcodes in ((0, "strong_no", ["unbounded"]), (3, "strong_yes", [])):
        for review in attempt.reviews.all():
            say(review, rank, verdict, downcodes)
        calibrated(attempt)
        seen.append(page(attempt))

    assert unlinked(seen[0]) == unlinked(seen[1])


def test_nothing_made_of_a_late_review_is_told_before_it_is_opened(  # noqa: PLR0917 - all are fixtures
    client: Client,
    answer: Answer,
    peer: User,
    second_peer: User,
    organiser: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the results, the readiness, the loop, the round and in the API; beside an older answer.

    The same grader has graded that one, so their severity would move it.
    """
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    older = answer(hours_ago=60)
    attempt = factories.attempt(older.round, submitted_at=now - timedelta(hours=1))
    factories.recording(attempt)
    for one in (older, attempt):
        opened(one, peer, rank=2)
        opened(one, second_peer, rank=2)
    opened(older, organiser, rank=2)
    late = reviewed(attempt, organiser, summary="What I saw.")
    client.force_login(attempt.round.loop.member)
    loop = attempt.round.loop.public_id
    addresses = [
        url_of(attempt),
        url_of(older),
        reverse("feedback:readiness_loop", args=[loop]),
        reverse("loops:loop", args=[loop]),
        reverse("loops:round", args=[attempt.round.public_id]),
        f"/api/v1/readiness/{loop}/",
        "/api/v1/attempts/",
    ]
    seen = []
    for rank, verdict, downcodes in ((0, "strong_no", ["unbounded"]), (3, "strong_yes", [])):
        say(late, rank, verdict, downcodes)
        calibrated(attempt)
        answers = [client.get(address) for address in addresses]
        assert [answer.status_code for answer in answers] == [200] * len(addresses)
        seen.append([unlinked(tidy(answer.content.decode())) for answer in answers])

    assert seen[0] == seen[1]
    assert "What I saw." in seen[0][0]
    assert "One more review is in" in text_of(seen[0][0])


def test_one_button_opens_them_all(
    client: Client, page: Page, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    first = reviewed(attempt, peer, rank=1)
    second = reviewed(attempt, second_peer, rank=2)
    client.force_login(attempt.round.loop.member)

    response = client.post(
        open_url(attempt),
        words_on(first, "2", "The times helped.") | words_on(second, "skip", shown=[first, second]),
    )
    html = page(attempt)

    assert response.status_code == 302
    assert response.headers["Location"] == url_of(attempt)
    marks = {one.review: (one.mark, one.note) for one in Usefulness.objects.all()}
    assert marks == {first: (2, "The times helped."), second: (None, "")}
    assert f"{peer.handle} No at L6, yes at L5" in text_of(html)
    assert "Open the levels" not in html


def test_what_was_chosen_stays_where_something_is_missing(
    client: Client, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    first, second = reviewed(attempt, peer), reviewed(attempt, second_peer)
    client.force_login(attempt.round.loop.member)

    response = client.post(
        open_url(attempt), words_on(first, "1", "Say <more>.", shown=[first, second])
    )

    html = response.content.decode()
    assert response.status_code == 422
    assert "Choose one of the four" in html
    assert re.search(rf'name="mark-{first.public_id}" value="1" required checked', html)
    assert "Say &lt;more&gt;." in html
    assert not Usefulness.objects.exists()


def test_a_review_that_came_in_meanwhile_is_read_first(
    client: Client, answer: Answer, peer: User, second_peer: User, organiser: User
) -> None:
    attempt = answer()
    shown = [reviewed(attempt, grader) for grader in (peer, second_peer)]
    said = words_on(shown[0], "2", shown=shown) | words_on(shown[1], "0", shown=shown)
    reviewed(attempt, organiser, summary="Late and long.")
    client.force_login(attempt.round.loop.member)

    response = client.post(open_url(attempt), said)

    html = response.content.decode()
    assert response.status_code == 409
    assert "One more review came in since you loaded this page" in html
    assert "Late and long." in html
    assert html.count(" checked") == 2
    assert "Choose one of the four" not in html
    assert not Usefulness.objects.exists()


def test_a_second_tab_changes_nothing(
    client: Client, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    shown = [reviewed(attempt, grader) for grader in (peer, second_peer)]
    client.force_login(attempt.round.loop.member)
    for mark in ("2", "0"):
        said = words_on(shown[0], mark, shown=shown) | words_on(shown[1], mark, shown=shown)
        response = client.post(open_url(attempt), said, follow=True)

    assert set(Usefulness.objects.values_list("mark", flat=True)) == {2}
    assert "What you said of them first stays." in response.content.decode()


def test_nothing_is_opened_before_the_reveal(client: Client, answer: Answer, peer: User) -> None:
    attempt = answer()
    review = reviewed(attempt, peer, summary="Nothing in it.")
    client.force_login(attempt.round.loop.member)

    response = client.post(open_url(attempt), words_on(review, "2"), follow=True)

    html = response.content.decode()
    assert "Your reviews are not to be read yet" in html
    assert "Nothing in it." not in html
    assert not Usefulness.objects.exists()


def test_a_late_review_closes_nothing(
    page: Page, answer: Answer, peer: User, second_peer: User, organiser: User
) -> None:
    attempt = answer()
    opened(attempt, peer, rank=2)
    opened(attempt, second_peer, rank=2)
    calibrated(attempt)
    reviewed(attempt, organiser, rank=0, is_extra=True, is_untrained=True)
    calibrated(attempt)

    before = text_of(page(attempt))
    factories.open_reviews(attempt)
    after = text_of(page(attempt))

    assert "middle of L6" in before
    assert f"{peer.handle} Yes at L6" in before
    assert f"{organiser.handle} late untrained" in before
    assert f"{organiser.handle} late untrained Strong no" not in before
    assert "Being calibrated" not in before
    assert f"{organiser.handle} late untrained No at L6, no at L5" in after
    assert "A newer review is being taken in" in after


def test_a_reported_answer_has_reviews_and_no_level(
    page: Page, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    opened(attempt, peer)
    opened(attempt, second_peer)
    calibrated(attempt)
    QueueEntry.objects.filter(attempt=attempt).update(exclusion="unusable")

    html = page(attempt)

    assert "A typical grader’s level" not in html
    assert "counts in no reading" in html
    assert f"{peer.handle} Yes at L6" in text_of(html)
    assert "hx-get" not in html


# What the candidate makes of it


def test_a_line_of_reflection_is_kept_and_changed(
    client: Client, page: Page, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer(predicted_rank=3)
    opened(attempt, peer, rank=1)
    opened(attempt, second_peer, rank=2)
    client.force_login(attempt.round.loop.member)
    url = reverse("feedback:results_reflection", args=[attempt.public_id])

    for line in ("I drew first.", "I drew\ntoo early."):
        assert client.post(url, {"text": line}).status_code == 302
    too_long = client.post(url, {"text": "x" * 501})
    html = page(attempt)

    assert Reflection.objects.get().text == "I drew too early."
    assert too_long.status_code == 422
    assert 'value="I drew too early."' in html
    predicted = f"You predicted L7 A typical grader being calibrated {peer.handle} L5"
    assert predicted in text_of(html)


def test_there_is_no_reflection_before_the_levels(
    client: Client, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    reviewed(attempt, peer)
    reviewed(attempt, second_peer)
    client.force_login(attempt.round.loop.member)

    url = reverse("feedback:results_reflection", args=[attempt.public_id])
    response = client.post(url, {"text": "I knew it."}, follow=True)

    assert "Your reviews are not open yet" in response.content.decode()
    assert not Reflection.objects.exists()


def test_its_grader_reads_how_useful_it_was_once_it_is_said(
    client: Client, answer: Answer, peer: User, second_peer: User
) -> None:
    attempt = answer()
    review = reviewed(attempt, peer)
    other = reviewed(attempt, second_peer)
    client.force_login(peer)
    url = reverse("feedback:review", args=[review.public_id])
    api = f"/api/v1/reviews/{review.public_id}/"

    before = client.get(url).content.decode(), client.get(api).json()["usefulness"]
    Usefulness.objects.create(review=other, mark=0, note="Not to you.", at=timezone.now())
    between = client.get(url).content.decode()
    Usefulness.objects.create(review=review, mark=2, note="Minute four!", at=timezone.now())
    after = client.get(url).content.decode(), client.get(api).json()["usefulness"]

    assert "What the candidate says of it" not in before[0] + between
    assert "Very useful" in after[0]
    assert "Minute four!" in after[0]
    assert (before[1], after[1]) == (None, 2)
    assert "Not to you." not in between + after[0]


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


# Taken back


def test_an_answer_taken_back_before_its_reviews_waits_for_nothing(
    page: Page, answer: Answer, candidate: User, client: Client
) -> None:
    attempt = answer()
    withdraw(attempt=attempt, by=candidate, at=timezone.now())

    said = text_of(page(attempt))

    assert "You took this answer back" in said
    assert "Delete it for good" in said
    for waiting in ("reviews in", "open together", "still counts", "Grade an answer meanwhile"):
        assert waiting not in said
    listed = client.get(reverse("loops:round", args=[attempt.round.public_id])).text
    assert ">taken back<" in listed
    assert reverse("feedback:results", args=[attempt.public_id]) in listed


def test_an_answer_taken_back_says_so_above_words_that_wait_to_be_opened(
    page: Page, answer: Answer, candidate: User, peer: User, second_peer: User
) -> None:
    attempt = answer()
    for grader in (peer, second_peer):
        reviewed(attempt, grader)
    withdraw(attempt=attempt, by=candidate, at=timezone.now())

    said = text_of(page(attempt))

    assert said.index("You took this answer back") < said.index("Open the levels")


def test_an_answer_taken_back_after_its_reviews_says_so_above_them(
    page: Page, answer: Answer, candidate: User, peer: User, second_peer: User
) -> None:
    attempt = answer()
    for grader in (peer, second_peer):
        reviewed(attempt, grader)
    factories.open_reviews(attempt)
    assert "You took this answer back" not in page(attempt)
    withdraw(attempt=attempt, by=candidate, at=timezone.now())

    said = text_of(page(attempt))

    assert said.index("You took this answer back") < said.index("Asked who is hurt")
