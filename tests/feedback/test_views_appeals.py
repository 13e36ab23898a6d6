"""The pages of an appeal over HTTP: who reads what, when, and what is refused with which words."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback.actions import appeals, withdrawal
from feedback.models import GradeAppeal, Review
from loops.models import Attempt, Cohort, Recording, User
from tests import factories
from tests.factories import DIMENSIONS, NOW

TEXT = "At 2:30 I say who is hurt and leave the rest out on purpose. " * 2
ANSWER = "At 2:30 you do name who is hurt; I give discovery one level more."


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    later = NOW + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: later)


@pytest.fixture
def attempt(candidate: User, cohort: Cohort, peer: User, second_peer: User) -> Attempt:
    """An answer with two reviews, opened by its candidate."""
    made = factories.answer(candidate, cohort)
    for grader in (peer, second_peer):
        factories.submitted_review(made, grader, rank=1, summary=f"By {grader.handle}.")
    factories.open_reviews(made)
    return made


@pytest.fixture
def made(attempt: Attempt) -> GradeAppeal:
    """The appeal of it."""
    return factories.grade_appeal(attempt)


@pytest.fixture
def reader(cohort: Cohort) -> User:
    """A member who has not seen it."""
    person = factories.person("reader-107")
    factories.join(cohort, person)
    return person


def page(user: User, name: str, public_id: Any, status: Any = 200, **fields: str) -> str:
    """Open a page, or send a form where fields are given; return what it says."""
    client = Client()
    client.force_login(user)
    url = reverse(f"feedback:{name}", args=[public_id])
    answer = client.post(url, fields, follow=True) if fields else client.get(url)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return " ".join(unescape(answer.content.decode()).split())


def taken_and_read(made: GradeAppeal, reader: User) -> Review:
    """Give the reader a review of the appeal that is handed in."""
    review = factories.submitted_review(
        made.attempt, reader, rank=2, purpose=Review.Purpose.APPEAL, submitted_at=timezone.now()
    )
    GradeAppeal.objects.update(review=review)
    return review


# The candidate's


def test_the_form_asks_for_a_part_and_for_words(attempt: Attempt, candidate: User) -> None:
    shown = page(candidate, "appeal", attempt.public_id)
    assert "Ask for another reader" in shown
    assert "At least 100 characters" in shown


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"start": "", "end": "4:30", "text": TEXT}, "Say where it begins"),
        ({"start": "2:30", "end": "", "text": TEXT}, "Say where it ends"),
        ({"start": "4:30", "end": "2:30", "text": TEXT}, "does not lie after the beginning"),
        ({"start": "2:75", "end": "4:30", "text": TEXT}, "“2:75” is not a time"),
        ({"start": "2:30", "end": "14:30", "text": TEXT}, "after the end of the recording"),
        ({"start": "2:30", "end": "4:30", "text": "Unfair."}, "At least 100 characters, please"),
        ({"start": "2:30", "end": "4:30", "text": ""}, "Say what another reader should look at"),
        ({"start": "2:30", "end": "4:30", "text": "x" * 3001}, "3000"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(
    attempt: Attempt, candidate: User, fields: dict[str, str], words: str
) -> None:
    shown = page(candidate, "appeal", attempt.public_id, 422, **fields)
    assert words in shown
    assert fields["text"].strip() in shown
    assert not GradeAppeal.objects.exists()


def test_an_appeal_that_is_sent_is_read_on_the_results(
    attempt: Attempt, candidate: User, reader: User
) -> None:
    fields = {"start": "2:30", "end": "4:30", "text": f"{TEXT}\r\nSo."}
    shown = page(candidate, "appeal", attempt.public_id, **fields)
    assert "Your appeal is sent" in shown
    assert "Waits for a reader who has not seen this answer" in shown
    assert "2:30–4:30" in shown
    assert GradeAppeal.objects.get().text == f"{TEXT}\nSo."
    assert "Your appeal is sent" in page(candidate, "appeal", attempt.public_id, **fields)
    again = page(candidate, "appeal", attempt.public_id, 409, **(fields | {"start": "1:00"}))
    assert "You have appealed this result before" in again


def test_once_made_the_form_leads_to_the_results(made: GradeAppeal, candidate: User) -> None:
    client = Client()
    client.force_login(candidate)
    answer = client.get(reverse("feedback:appeal", args=[made.attempt.public_id]))
    assert (answer.status_code, answer["Location"].endswith("#appeal")) == (302, True)


def test_before_the_reviews_are_opened_there_is_no_appeal(
    candidate: User, cohort: Cohort, peer: User
) -> None:
    answer = factories.answer(candidate, cohort)
    factories.submitted_review(answer, peer)
    client = Client()
    client.force_login(candidate)
    assert client.get(reverse("feedback:appeal", args=[answer.public_id])).status_code == 302
    fields = {"start": "2:30", "end": "4:30", "text": TEXT}
    assert "not read these reviews yet" in page(
        candidate, "appeal", answer.public_id, 409, **fields
    )


def test_only_its_candidate_appeals_a_result(
    attempt: Attempt, peer: User, reader: User, outsider: User
) -> None:
    for person in (peer, reader, outsider):
        page(person, "appeal", attempt.public_id, 404)
        page(person, "appeal", attempt.public_id, 404, start="2:30", end="4:30", text=TEXT)


def test_results_offer_the_appeal_and_then_its_answer(
    made: GradeAppeal, candidate: User, reader: User
) -> None:
    taken_and_read(made, reader)
    page(reader, "appeal_answer", made.public_id, outcome="higher", text=ANSWER)
    shut = page(candidate, "results", made.attempt.public_id)
    assert ANSWER not in shut
    assert "what they answer opens with it" in shut
    factories.open_reviews(made.attempt)
    shown = page(candidate, "results", made.attempt.public_id)
    assert "reader-107: “I read it higher.”" in shown
    assert ANSWER in shown


def test_an_appeal_of_an_erased_recording_is_closed(made: GradeAppeal, candidate: User) -> None:
    Recording.objects.update(state="erased")
    assert "The recording is gone, or the answer was reported" in page(
        candidate, "results", made.attempt.public_id
    )


# The handler's


def test_blind_until_the_review_is_in(made: GradeAppeal, reader: User) -> None:
    hidden = ("named who is hurt", "peer-102", "second-103", "By peer-102.")
    before = page(reader, "appeal_handle", made.public_id)
    assert "2:30–4:30" in before
    assert "Take it" in before
    in_queue = Client()
    in_queue.force_login(reader)
    listed = unescape(in_queue.get(reverse("feedback:queue")).content.decode())
    assert "with a careful look at 2:30–4:30" in listed
    scorecard = page(reader, "appeal_take", made.public_id, go="1")
    assert 'href="#t=150">2:30–4:30</a>' in scorecard
    during = page(reader, "appeal_handle", made.public_id)
    assert "You have it in hand" in during
    for shown in (before, listed, scorecard, during):
        assert not [words for words in hidden if words in shown]
    early = page(reader, "appeal_answer", made.public_id, 409, outcome="higher", text=ANSWER)
    assert "Hand your own review in first" in early
    assert not [words for words in hidden if words in early]


def test_once_it_is_in_they_read_all_and_answer(made: GradeAppeal, reader: User) -> None:
    review = taken_and_read(made, reader)
    shown = page(reader, "appeal_handle", made.public_id)
    for words in ("named who is hurt", "peer-102", "second-103", "By peer-102.", "candidate-101"):
        assert words in shown
    assert "Answer the appeal" in page(reader, "review", review.public_id)
    for fields, words in (
        ({"outcome": "", "text": ANSWER}, "Choose one of the three"),
        ({"outcome": "same", "text": "No."}, "At least 40 characters, please"),
    ):
        missing = page(reader, "appeal_answer", made.public_id, 422, **fields)
        assert words in missing
        assert fields["text"] in missing
    sent = page(reader, "appeal_answer", made.public_id, outcome="higher", text=ANSWER)
    assert "Your answer is sent" in sent
    assert "I read it higher" in sent
    twice = page(reader, "appeal_answer", made.public_id, 409, outcome="lower", text=ANSWER)
    assert "This appeal is answered" in twice


def test_a_second_handler_is_told_that_another_has_it(
    made: GradeAppeal, reader: User, organiser: User
) -> None:
    appeals.take(appeal=made, by=reader, at=timezone.now())
    refused = page(organiser, "appeal_take", made.public_id, go="1")
    assert "Somebody else has this appeal in hand" in refused
    assert "One reader at a time" in refused
    assert "reader-107" not in refused


def test_who_has_seen_the_answer_finds_no_appeal(
    made: GradeAppeal, peer: User, candidate: User, outsider: User
) -> None:
    for person in (peer, candidate, outsider):
        page(person, "appeal_handle", made.public_id, 404)
        page(person, "appeal_take", made.public_id, 404, go="1")
        page(person, "appeal_answer", made.public_id, 404, outcome="same", text=ANSWER)


def test_who_lost_it_to_another_is_told_so(
    made: GradeAppeal, reader: User, organiser: User
) -> None:
    now = timezone.now()
    review = appeals.take(appeal=made, by=reader, at=now)
    Review.objects.filter(pk=review.pk).update(drafted_at=now, lease_until=now)
    appeals.take(appeal=made, by=organiser, at=now)
    assert "Somebody has it in hand" in page(reader, "appeal_handle", made.public_id)
    Review.objects.filter(grader=organiser).update(state="released")
    assert "This one is for others" in page(reader, "appeal_handle", made.public_id)


def test_a_closed_or_answered_appeal_says_so(
    made: GradeAppeal, reader: User, organiser: User
) -> None:
    taken_and_read(made, reader)
    page(reader, "appeal_answer", made.public_id, outcome="same", text=ANSWER)
    answered = page(organiser, "appeal_handle", made.public_id)
    assert "This appeal is answered" in answered
    assert ANSWER not in answered
    GradeAppeal.objects.update(answered_at=None, outcome="", review=None)
    Recording.objects.update(state="erased")
    assert "This appeal is closed" in page(organiser, "appeal_handle", made.public_id)


def test_once_the_answer_is_taken_back_its_candidate_is_nobody_to_the_handler(
    made: GradeAppeal, candidate: User, reader: User
) -> None:
    taken_and_read(made, reader)
    withdrawal.withdraw(attempt=made.attempt, by=candidate, at=timezone.now())
    back = page(reader, "appeal_handle", made.public_id)
    assert "What the candidate wrote" in back
    assert "named who is hurt" in back
    assert candidate.handle not in back

    late = page(reader, "appeal_answer", made.public_id, 409, outcome="same", text=ANSWER)
    assert "This appeal is over" in late
    assert ANSWER in late, "what was typed is there to copy"

    withdrawal.delete(attempt=made.attempt, by=candidate, at=timezone.now())
    gone = page(reader, "appeal_handle", made.public_id)
    assert "their words with it" in gone
    assert candidate.handle not in gone


def test_an_untrained_handler_is_told_before_they_take_it(made: GradeAppeal, reader: User) -> None:
    assert "You have not unlocked this round" in page(reader, "appeal_handle", made.public_id)


def test_dimensions_are_side_by_side(made: GradeAppeal, reader: User) -> None:
    taken_and_read(made, reader)
    shown = page(reader, "appeal_handle", made.public_id)
    for key in DIMENSIONS:
        assert key.title() in shown
    assert "both sides of the bar" in shown
