"""Questions and why-chains: who may ask what, when the other side hears of it, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from feedback.actions import answers
from feedback.actions.opening import Word, open_reviews
from feedback.actions.withdrawal import delete, withdraw
from feedback.models import FollowUp, Question, QueueEntry, Review
from loops.actions import recordings
from loops.actions.practice import NothingRecorded
from loops.actions.takes import TakeNotReady, TakeTooLong
from loops.models import (
    Attempt,
    Cohort,
    Membership,
    Notice,
    PromptExposure,
    Recording,
    Track,
    User,
)
from tests import factories
from tests.factories import NOW
from tests.threads import together

LATER = NOW + timedelta(days=1)
MUCH_LATER = NOW + timedelta(days=2)


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
    return factories.follow_up(review)


def ask(review: Review, text: str = "Why L5 here?", at_ms: int | None = 95_000) -> Question:
    by = review.attempt.round.loop.member
    return answers.ask(review=review, text=text, at_ms=at_ms, by=by, at=LATER)


def ask_next(review: Review, text: str = "Who pays for it?") -> FollowUp:
    return answers.ask_follow_up(review=review, text=text, by=review.grader, at=LATER)


def begin(follow_up: FollowUp) -> Attempt:
    by = follow_up.review.attempt.round.loop.member
    return answers.begin_take(follow_up=follow_up, by=by, at=LATER)


def send(follow_up: FollowUp) -> FollowUp:
    by = follow_up.review.attempt.round.loop.member
    return answers.send_take(follow_up=follow_up, by=by, at=MUCH_LATER)


def told(person: User, kind: str) -> list[Notice]:
    return list(Notice.objects.filter(person=person, kind=kind).order_by("pk"))


# Why


def test_a_grader_is_told_of_a_question_and_its_candidate_of_the_answer(
    review: Review, peer: User, candidate: User
) -> None:
    question = ask(review)

    (asked,) = told(peer, Notice.Kind.QUESTION)
    assert asked.data["review"] == str(review.public_id)
    assert candidate.handle not in str(asked.data)
    answered = answers.answer(question=question, text="You named no cost.", by=peer, at=MUCH_LATER)
    assert (answered.answer, answered.answered_at) == ("You named no cost.", MUCH_LATER)
    (heard,) = told(candidate, Notice.Kind.QUESTION_ANSWERED)
    assert heard.data["who"] == peer.handle


def test_the_same_question_is_asked_once_while_it_is_open(review: Review, peer: User) -> None:
    first = ask(review)
    assert ask(review) == first
    assert ask(review, at_ms=None) != first
    answers.answer(question=first, text="Because.", by=peer, at=MUCH_LATER)

    assert ask(review) != first


def test_ten_questions_may_wait_for_one_grader(review: Review, peer: User) -> None:
    asked = [ask(review, f"Why {n}?") for n in range(10)]

    with pytest.raises(answers.TooManyQuestions):
        ask(review, "One more?")

    assert ask(review, "Why 3?") == asked[3]  # that one is open already
    ask(review.attempt.reviews.exclude(pk=review.pk).get(), "And you?")
    answers.answer(question=asked[0], text="Because.", by=peer, at=MUCH_LATER)
    ask(review, "One more?")


def test_ten_questions_at_once_are_no_more_than_may_wait(
    review: Review, transactional_db: None
) -> None:
    for n in range(8):
        ask(review, f"Why {n}?")

    outcomes = together([lambda n=n: ask(review, f"Another {n}?") for n in range(6)])  # type: ignore[misc]

    refused = [one for one in outcomes if isinstance(one, answers.TooManyQuestions)]
    assert len(refused) == 4
    assert review.questions.count() == 10


def test_who_has_not_opened_a_review_asks_nothing_of_it(answer: Attempt, peer: User) -> None:
    review = factories.submitted_review(answer, peer)

    with pytest.raises(answers.NotOpened):
        ask(review)

    assert not Question.objects.exists()


def test_who_left_the_cohort_is_not_asked(review: Review, peer: User, cohort: Cohort) -> None:
    Membership.objects.filter(cohort=cohort, user=peer).delete()

    with pytest.raises(answers.GraderGone):
        ask(review)


def test_a_question_is_about_a_time_in_the_recording(review: Review) -> None:
    with pytest.raises(answers.BeyondTheEnd):
        ask(review, at_ms=602_000)
    assert ask(review, at_ms=600_000).at_ms == 600_000


def test_of_an_answer_without_a_recording_any_time_may_be_asked(review: Review) -> None:
    """It was there when the grader saw it, and the candidate may have kept a copy."""
    Recording.objects.update(state=Recording.State.ERASED)

    assert ask(review, at_ms=3_600_000).at_ms == 3_600_000


def test_a_question_is_answered_once(review: Review, peer: User) -> None:
    question = ask(review)
    answers.answer(question=question, text="Because.", by=peer, at=LATER)
    again = answers.answer(question=question, text="Because.", by=peer, at=MUCH_LATER)
    assert again.answered_at == LATER

    with pytest.raises(answers.AlreadyAnswered):
        answers.answer(question=question, text="Otherwise.", by=peer, at=MUCH_LATER)

    question.refresh_from_db()
    assert question.answer == "Because."


def test_what_was_taken_back_is_neither_asked_nor_answered(
    review: Review, peer: User, candidate: User
) -> None:
    question, open_ = ask(review), factories.follow_up(review)
    withdraw(attempt=review.attempt, by=candidate, at=LATER)

    with pytest.raises(answers.AnswerGone):
        ask(review, "Still?")
    with pytest.raises(answers.AnswerGone):
        answers.answer(question=question, text="Because.", by=peer, at=MUCH_LATER)
    with pytest.raises(answers.AnswerGone):
        begin(open_)


def test_a_question_has_a_whole_answer_or_none(review: Review) -> None:
    question = ask(review)
    for broken in ({"answer": "Because."}, {"answered_at": NOW}):
        with pytest.raises(IntegrityError, match="question_answered_whole"), transaction.atomic():
            Question.objects.filter(pk=question.pk).update(**broken)


# The why-chain


def test_a_candidate_who_has_opened_the_review_is_told_at_once(
    review: Review, candidate: User, peer: User
) -> None:
    follow_up = ask_next(review)

    (heard,) = told(candidate, Notice.Kind.FOLLOW_UP)
    assert heard.data["follow_up"] == str(follow_up.public_id)
    assert heard.data["who"] == peer.handle
    assert follow_up.number == 1


def test_a_candidate_who_has_not_is_told_when_they_open_it(
    answer: Attempt, candidate: User, peer: User, second_peer: User
) -> None:
    review = factories.submitted_review(answer, peer)
    ask_next(review)
    factories.submitted_review(answer, second_peer)
    assert not told(candidate, Notice.Kind.FOLLOW_UP)

    words = {one.public_id: Word(None) for one in answer.reviews.all()}
    open_reviews(attempt=answer, words=words, by=candidate, at=LATER)

    assert len(told(candidate, Notice.Kind.FOLLOW_UP)) == 1
    assert answers.tell_of_follow_ups(attempt=answer, at=MUCH_LATER) == 1
    assert len(told(candidate, Notice.Kind.FOLLOW_UP)) == 1


@pytest.mark.parametrize("purpose", ["gold", "expert"])
def test_what_a_candidate_never_reads_reaches_them_by_no_question(
    answer: Attempt, candidate: User, peer: User, purpose: str
) -> None:
    """To its grader such a review is as any other one, so the question is taken all the same."""
    review = factories.submitted_review(answer, peer, purpose=purpose)

    assert ask_next(review).is_open
    assert answers.tell_of_follow_ups(attempt=answer, at=MUCH_LATER) == 0
    assert not Notice.objects.filter(person=candidate).exists()


def test_the_next_link_waits_for_the_answer_to_the_last(review: Review) -> None:
    first = ask_next(review)
    assert ask_next(review) == first

    with pytest.raises(answers.WaitsForTheLast):
        ask_next(review, "And then?")

    factories.take(first)
    assert ask_next(review, "And then?").number == 2


def test_a_chain_has_five_links(review: Review) -> None:
    for n in range(5):
        factories.take(factories.follow_up(review, f"Why {n}?"))

    with pytest.raises(answers.ChainFull):
        ask_next(review)
    with pytest.raises(IntegrityError, match="follow_up_number"), transaction.atomic():
        factories.follow_up(review, number=6)


def test_a_declined_link_ends_its_chain(
    follow_up: FollowUp, review: Review, candidate: User
) -> None:
    begun = begin(follow_up)
    factories.recording(begun)
    declined = answers.decline(follow_up=follow_up, by=candidate, at=MUCH_LATER)
    again = answers.decline(follow_up=follow_up, by=candidate, at=MUCH_LATER + timedelta(hours=1))

    assert declined.declined_at == again.declined_at == MUCH_LATER
    begun.refresh_from_db()
    assert begun.state == Attempt.State.WITHDRAWN
    assert begun.recordings.get().state == Recording.State.DISCARDED
    with pytest.raises(answers.ChainEnded):
        ask_next(review, "Really not?")
    with pytest.raises(answers.LinkDeclined):
        begin(follow_up)
    with pytest.raises(answers.LinkDeclined):
        send(follow_up)


def test_a_review_in_hand_asks_nothing_yet(answer: Attempt, peer: User) -> None:
    review = factories.review(answer, peer)

    with pytest.raises(answers.NotHandedIn):
        ask_next(review)


# The take


def test_a_take_is_a_draft_of_its_own(follow_up: FollowUp, answer: Attempt) -> None:
    beside = factories.attempt(answer.round, state=Attempt.State.DRAFT, number=2)
    exposures = PromptExposure.objects.count()

    take = begin(follow_up)

    assert take.kind == Attempt.Kind.FOLLOW_UP
    assert (take.number, take.name) == (1001, "follow-up take 1")
    assert (take.prompt, take.rubric_version) == (answer.prompt, answer.rubric_version)
    assert (take.predicted_rank, take.energy) == (None, None)
    assert PromptExposure.objects.count() == exposures
    assert begin(follow_up) == take
    assert beside.is_draft


def test_takes_of_one_round_are_numbered(follow_up: FollowUp, second_peer: User) -> None:
    other = follow_up.review.attempt.reviews.get(grader=second_peer)

    numbers = [begin(follow_up).number, begin(factories.follow_up(other)).number]

    assert numbers == [1001, 1002]


def test_a_follow_up_has_one_take_however_often_it_is_begun(
    follow_up: FollowUp, transactional_db: None
) -> None:
    begun = together([lambda: begin(follow_up) for _ in range(6)])

    assert len({take.pk for take in begun}) == 1
    assert Attempt.objects.filter(kind=Attempt.Kind.FOLLOW_UP).count() == 1


def test_a_take_is_recorded_without_a_prediction(follow_up: FollowUp, candidate: User) -> None:
    upload = recordings.begin(
        attempt=begin(follow_up),
        role=Track.Role.MICROPHONE,
        content_type="audio/webm",
        by=candidate,
        at=LATER,
        has_consent=True,
    )

    assert upload.track.recording.attempt.is_follow_up


def test_a_sent_take_answers_its_question_and_nobody_grades_it(
    follow_up: FollowUp, peer: User
) -> None:
    take = begin(follow_up)
    factories.recording(take, duration_ms=88_000)

    sent = send(follow_up)

    assert sent.answered_at == MUCH_LATER
    take.refresh_from_db()
    assert (take.state, take.submitted_at) == (Attempt.State.SUBMITTED, MUCH_LATER)
    (heard,) = told(peer, Notice.Kind.TAKE_IN)
    assert heard.data["follow_up"] == str(follow_up.public_id)
    assert send(follow_up).answered_at == MUCH_LATER
    recordings.erase(recording=take.recordings.get(), by=take.round.loop.member, at=MUCH_LATER)
    assert not QueueEntry.objects.filter(attempt=take).exists()
    with pytest.raises(answers.LinkAnswered):
        answers.decline(follow_up=follow_up, by=take.round.loop.member, at=MUCH_LATER)
    with pytest.raises(answers.LinkAnswered):
        begin(follow_up)


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        (None, NothingRecorded),
        ({"state": Recording.State.FAILED}, NothingRecorded),
        ({"state": Recording.State.RECORDING}, NothingRecorded),
        ({"state": Recording.State.PROCESSING}, TakeNotReady),
        ({"duration_ms": 100_001}, TakeTooLong),
        ({"duration_ms": 100_000}, None),
    ],
)
def test_what_was_recorded_has_to_be_there_and_short(
    follow_up: FollowUp, facts: dict[str, Any] | None, refusal: type[Exception] | None
) -> None:
    take = begin(follow_up)
    if facts is not None:
        factories.recording(take, **facts)

    if refusal is None:
        assert send(follow_up).answered_at
        return
    with pytest.raises(refusal):
        send(follow_up)
    take.refresh_from_db()
    assert take.is_draft


def test_nothing_begun_cannot_be_sent(follow_up: FollowUp) -> None:
    with pytest.raises(NothingRecorded):
        send(follow_up)


def test_a_take_that_is_too_long_is_recorded_anew(follow_up: FollowUp, candidate: User) -> None:
    take = begin(follow_up)
    long = factories.recording(take, duration_ms=140_000)
    with pytest.raises(TakeTooLong, match=r"140 seconds long.* in 90"):
        send(follow_up)

    recordings.discard(recording=long, by=candidate, at=LATER)
    factories.recording(take, duration_ms=60_000)

    assert send(follow_up).answered_at


def test_an_answered_link_has_a_take(follow_up: FollowUp) -> None:
    for broken in ({"answered_at": NOW},):
        with pytest.raises(IntegrityError, match="answered_by_take"), transaction.atomic():
            FollowUp.objects.filter(pk=follow_up.pk).update(**broken)
    factories.take(follow_up)
    with pytest.raises(IntegrityError, match="answered_by_take"), transaction.atomic():
        FollowUp.objects.filter(pk=follow_up.pk).update(declined_at=NOW)


# Taken back


def test_takes_are_taken_back_with_their_answer(
    review: Review, candidate: User, second_peer: User
) -> None:
    sent = factories.take(factories.follow_up(review))
    other = factories.follow_up(review.attempt.reviews.get(grader=second_peer))
    begun = begin(other)
    factories.recording(begun)

    withdraw(attempt=review.attempt, by=candidate, at=MUCH_LATER)

    for take in (sent, begun):
        take.refresh_from_db()
        assert take.state == Attempt.State.WITHDRAWN
    assert sent.recordings.get().state == Recording.State.ERASED
    assert begun.recordings.get().state == Recording.State.DISCARDED
    assert answers.withdraw_takes(attempt=review.attempt, by=candidate, at=MUCH_LATER) == 0


def test_deleted_takes_belong_to_nobody(review: Review, candidate: User) -> None:
    take = factories.take(factories.follow_up(review))

    delete(attempt=review.attempt, by=candidate, at=MUCH_LATER)

    take.refresh_from_db()
    assert take.deleted_at == MUCH_LATER
    assert take.round.loop.member != candidate
    assert not Attempt.objects.of(candidate).exists()
    assert FollowUp.objects.filter(take=take).exists()
