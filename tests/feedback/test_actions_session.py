"""The evening as feedback keeps it: the live review and its place, stamps, the card, notes."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from feedback.actions import queue, reviews, session, stamps
from feedback.actions.reviews import Draft
from feedback.models import DowncodeTick, Evidence, InterviewerCard, Review
from feedback.queries.grading import grading_page
from feedback.queries.queue import held_review, offered
from feedback.queries.queue_page import queue_page
from feedback.queries.ratings import ratings_of, round_kinds_to_calibrate
from feedback.queries.readiness import readiness_page
from feedback.queries.results import results_page
from feedback.queries.reveal import is_revealed
from feedback.queries.session import as_interviewer, card_page
from feedback.tasks import sweep
from loops.actions import practice, sessions
from loops.models import Attempt, Cohort, Event, Mock, Recording, Track, Turn, User
from tests import factories
from tests.factories import DIMENSIONS, LEASE, NOW
from tests.threads import together

START = NOW + timedelta(days=2)
MINUTE = timedelta(minutes=1)
AFTER = START + timedelta(hours=1)
"""When the mock ends."""
LATE = AFTER + timedelta(hours=48)
"""When the place of its review is given away."""
MARKS = {"kept_time": 2, "fair_hints": 1, "probed_for_level": 2, "feedback_specific": 0}
WHOLE = Draft(
    ratings=dict.fromkeys(DIMENSIONS, 2),
    verdict="yes",
    confidence="fair",
    level_given_rank=2,
    summary="Asked who is hurt.",
)


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A mock under way: the candidate answers, the peer interviews."""
    factories.edition("sd_ambiguous", prompts=4)
    return factories.mock(candidate, peer, cohort, starts_at=START, state=Mock.State.RUNNING)


@pytest.fixture
def turn(mock: Mock, peer: User) -> Turn:
    """Its turn, begun at the start."""
    begun = session.begin_turn(turn=mock.turns.get(), by=peer, at=START)
    return Turn.objects.select_related("mock", "attempt", "interviewer").get(pk=begun.pk)


@pytest.fixture
def attempt(turn: Turn) -> Attempt:
    """The live answer of that turn."""
    assert turn.attempt
    return turn.attempt


@pytest.fixture
def review(attempt: Attempt) -> Review:
    """The interviewer's review of it."""
    return attempt.reviews.get()


@pytest.fixture
def stamp(review: Review, peer: User) -> Callable[..., Evidence]:
    """Stamp a minute of the turn for a dimension, the first if none is named."""

    def stamp(minute: float, key: str = DIMENSIONS[0], **facts: Any) -> Evidence:
        dimension = review.attempt.rubric_version.dimensions.get(key=key)
        facts = {"stamp_id": uuid4(), "dimension": dimension, **facts}
        return reviews.stamp(review=review, by=peer, at=START + minute * MINUTE, **facts)

    return stamp


@pytest.fixture
def answered(candidate: User, cohort: Cohort) -> Attempt:
    """An answer of the candidate's that waits for graders."""
    return factories.answer(candidate, cohort)


def offers(user: User, at: datetime) -> list[int]:
    return [item.attempt for item in offered(user, at).items]


def member(cohort: Cohort) -> User:
    """Let one more person into the cohort."""
    person = factories.person()
    factories.join(cohort, person)
    return person


def record(attempt: Attempt, **facts: Any) -> Recording:
    """Record 40 minutes of the turn, from its second minute on."""
    facts = {"started_at": START + 2 * MINUTE, "duration_ms": 40 * 60_000, **facts}
    return factories.recording(attempt, **{"state_at": AFTER, **facts})


def hand_in_answer(attempt: Attempt, at: datetime = AFTER) -> Attempt:
    """Predict and hand the answer in."""
    Attempt.objects.filter(pk=attempt.pk).update(predicted_rank=2)
    return practice.submit(attempt=attempt, energy=1, by=attempt.round.loop.member, at=at)


def mark_all(review: Review) -> None:
    """Mark every dimension, so that all can be rated."""
    for dimension in review.attempt.rubric_version.dimensions.order_by("position"):
        factories.evidence(review, dimension, stamped_at=START + 5 * MINUTE)


def hand_in_review(review: Review, at: datetime = AFTER, draft: Draft = WHOLE) -> Review:
    """Hand the interviewer's review in, every level with a stamp."""
    mark_all(review)
    version = Review.objects.get(pk=review.pk).draft_version
    return reviews.submit(review=review, draft=draft, version=version, by=review.grader, at=at)


# The live review, and its place


def test_beginning_a_turn_opens_its_review_once(turn: Turn, review: Review, peer: User) -> None:
    session.begin_turn(turn=turn, by=peer, at=START + MINUTE)

    assert Review.objects.get() == review
    assert (review.grader, review.is_live, review.state) == (peer, True, "claimed")
    assert review.lease_until == LATE
    assert Event.objects.filter(verb="opened", subject_id=review.pk).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_open_one_review(mock: Mock, peer: User) -> None:
    turn = mock.turns.get()

    together([lambda: session.begin_turn(turn=turn, by=peer, at=START)] * 3)

    assert Review.objects.count() == Attempt.objects.count() == 1


def test_writing_never_shortens_the_lease(review: Review, peer: User) -> None:
    reviews.save_draft(review=review, draft=Draft(), version=0, by=peer, at=START + 5 * MINUTE)

    review.refresh_from_db()
    assert (review.state, review.lease_until) == ("draft", LATE)

    reviews.save_draft(review=review, draft=Draft(), version=0, by=peer, at=LATE - MINUTE)

    review.refresh_from_db()
    assert review.lease_until == LATE - MINUTE + LEASE


def test_the_live_review_takes_one_of_two_places(
    attempt: Attempt, review: Review, second_peer: User, cohort: Cohort
) -> None:
    record(attempt)
    hand_in_answer(attempt)

    assert queue.claim(by=second_peer, at=AFTER).attempt == attempt
    assert not offers(member(cohort), AFTER)


def test_a_lapsed_live_review_frees_its_place_and_takes_it_again(
    attempt: Attempt, review: Review, peer: User, second_peer: User, cohort: Cohort
) -> None:
    record(attempt)
    hand_in_answer(attempt)
    factories.submitted_review(attempt, second_peer)
    other = member(cohort)
    assert not offers(other, LATE - MINUTE)

    queue.expire_lapsed(at=LATE)

    assert offers(other, LATE)
    reviews.save_draft(review=review, draft=Draft(), version=0, by=peer, at=LATE)
    review.refresh_from_db()
    assert (review.state, review.lease_until) == ("draft", LATE + LEASE)
    assert not offers(other, LATE)


@pytest.mark.parametrize("at", [START, LATE])
def test_the_queue_does_not_offer_an_answer_to_its_interviewer(
    attempt: Attempt, review: Review, peer: User, second_peer: User, at: datetime
) -> None:
    record(attempt)
    hand_in_answer(attempt)
    Review.objects.filter(pk=review.pk).update(state="expired", lease_until=START)
    factories.in_queue(attempt)

    assert offers(second_peer, at), "others may"
    assert not offers(peer, at)
    with pytest.raises(queue.NothingToGrade):
        queue.claim(by=peer, at=at)


def test_a_live_review_is_not_the_one_that_is_held(
    review: Review, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    waiting = factories.answer(second_peer, cohort, kind="coding")

    assert held_review(peer, START) is None
    claimed = queue.claim(by=peer, at=START)

    assert claimed.attempt == waiting
    page = queue_page(peer, START)
    assert [line.review for line in page.live] == [review]
    assert [line.review for line in page.held] == [claimed]


def test_a_live_review_is_not_put_back(review: Review, peer: User) -> None:
    with pytest.raises(queue.LiveStays):
        queue.release(review=review, by=peer, at=START)

    assert review.state == "claimed"


def test_the_one_left_alone_comes_first(candidate: User, cohort: Cohort, peer: User) -> None:
    factories.answer(candidate, cohort, submitted_at=NOW - timedelta(days=3))
    first = factories.answer(candidate, cohort, submitted_at=NOW, has_priority=True)
    factories.answer(candidate, cohort, submitted_at=NOW - timedelta(days=1))

    assert queue.claim(by=peer, at=NOW).attempt == first
    assert [line.has_priority for line in queue_page(peer, NOW).waiting] == [False, False]


@pytest.mark.parametrize(
    ("facts", "is_offered"),
    [
        ({}, False),
        ({"begun_at": NOW}, True),
        ({"prompt": None, "rubric_version": None}, True),
    ],
)
def test_no_answer_gives_a_prompt_away_that_waits_in_a_mock(
    answered: Attempt, peer: User, second_peer: User, facts: Mapping[str, Any], is_offered: bool
) -> None:
    """The peer is to answer that very prompt on an evening to come."""
    ahead = factories.mock(peer, second_peer, answered.round.loop.cohort)
    Turn.objects.filter(mock=ahead).update(**facts)
    assert offers(second_peer, NOW), "its interviewer may see it"

    assert offers(peer, NOW) == ([answered.pk] if is_offered else [])


@pytest.mark.parametrize("state", ["cancelled", "expired", "done"])
def test_a_mock_that_will_not_be_bars_no_answer(
    answered: Attempt, peer: User, second_peer: User, cohort: Cohort, state: str
) -> None:
    factories.mock(peer, second_peer, cohort, state=state)

    assert offers(peer, NOW)


def test_the_same_key_of_another_round_kind_bars_no_answer(
    candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.answer(candidate, cohort, kind="coding")
    factories.mock(peer, second_peer, cohort, kind="sd_ambiguous")

    assert offers(peer, NOW)


# Stamps


def test_a_stamp_keeps_the_instant_of_the_press(
    stamp: Callable[..., Evidence], review: Review
) -> None:
    made = stamp(12, note="Asked who is hurt", age=timedelta(seconds=90))

    assert made.stamped_at == START + 10.5 * MINUTE
    assert (made.start_ms, made.note) == (None, "Asked who is hurt")
    review.refresh_from_db()
    assert review.drafted_at == START + 12 * MINUTE


def test_one_stamp_sent_twice_is_one(stamp: Callable[..., Evidence]) -> None:
    stamp_id = uuid4()

    first, second = (stamp(minute, stamp_id=stamp_id) for minute in (12, 13))

    assert first == second
    assert Evidence.objects.get().stamped_at == START + 12 * MINUTE


def test_only_a_mock_is_stamped(peer: User, candidate: User, cohort: Cohort) -> None:
    claimed = factories.review(factories.answer(candidate, cohort), peer)

    with pytest.raises(reviews.NotLive):
        reviews.stamp(review=claimed, stamp_id=uuid4(), by=peer, at=NOW)

    assert not Evidence.objects.exists()


def test_stamps_are_placed_once_the_answer_is_handed_in(
    stamp: Callable[..., Evidence], attempt: Attempt, review: Review
) -> None:
    early, in_it, in_pause, late = (stamp(minute) for minute in (1, 12, 19, 50))
    record(attempt, pauses=[[0, 1000], [15 * 60_000, 180_000]])
    assert stamps.place_all_stamps() == 0, "the recording may still give way to another"
    hand_in_answer(attempt)

    sweep()

    def span(evidence: Evidence) -> tuple[int | None, int | None]:
        evidence.refresh_from_db()
        return evidence.start_ms, evidence.end_ms

    assert span(early) == (0, 0)
    assert span(in_it) == (589_000, 599_000), "ten minutes, less the first second, and the lead"
    assert span(in_pause) == (890_000, 900_000)
    assert span(late) == (40 * 60_000 - 10_000, 40 * 60_000)
    assert early.stamped_at == START + MINUTE
    page = grading_page(review, recording=attempt.recordings.get())
    assert [(note.place, note.aside) for note in page.notes] == [
        ("0:00", "stamped before the recording began"),
        ("9:49–9:59", ""),
        ("14:50–15:00", ""),
        ("39:50–40:00", "stamped after the recording ended"),
    ]


def test_a_stamp_is_placed_when_the_review_is_handed_in(
    stamp: Callable[..., Evidence], attempt: Attempt, review: Review
) -> None:
    made = stamp(12)
    record(attempt)
    hand_in_answer(attempt)

    hand_in_review(review)

    made.refresh_from_db()
    assert made.end_ms == 600_000
    assert not stamps.place_all_stamps()


def test_a_stamped_signal_tells_when_it_was_first_seen(
    stamp: Callable[..., Evidence], attempt: Attempt, review: Review, peer: User
) -> None:
    downcode = attempt.rubric_version.downcodes.get(key="unbounded")
    for minute in (30, 12):
        stamp(minute, dimension=None, downcode=downcode)
    draft = Draft(downcodes=frozenset({"unbounded"}))
    reviews.save_draft(review=review, draft=draft, version=0, by=peer, at=START)
    record(attempt)
    hand_in_answer(attempt)

    stamps.place_all_stamps()

    assert DowncodeTick.objects.get().at_ms == 590_000


def test_a_file_recorded_elsewhere_places_nothing(
    stamp: Callable[..., Evidence], attempt: Attempt, review: Review
) -> None:
    stamp(12)
    kept = record(attempt, started_at=AFTER, role=Track.Role.UPLOAD)
    answer = hand_in_answer(attempt)

    assert stamps.place_all_stamps() == 0
    review.attempt = answer
    assert [note.place for note in grading_page(review, recording=kept).notes] == ["12 min in"]


def test_while_a_recording_may_come_a_stamp_shows_the_clock(
    stamp: Callable[..., Evidence], review: Review
) -> None:
    stamp(12)

    (note,) = grading_page(review, recording=None).notes

    assert (note.place, note.href) == ("09:42:00", "")


# Handing in


def test_the_live_review_does_not_wait_for_the_answer(attempt: Attempt, review: Review) -> None:
    handed_in = hand_in_review(review)

    assert handed_in.is_submitted
    attempt.refresh_from_db()
    assert attempt.is_draft


def test_a_live_answer_is_revealed_with_one_more_review(
    attempt: Attempt, review: Review, second_peer: User
) -> None:
    record(attempt)
    hand_in_review(review)
    hand_in_answer(attempt)
    assert not is_revealed(attempt, AFTER)

    factories.submitted_review(attempt, second_peer, submitted_at=AFTER + MINUTE)

    assert is_revealed(attempt, AFTER + MINUTE)
    page = results_page(Attempt.objects.get(pk=attempt.pk), AFTER + MINUTE)
    assert [words.review.is_live for words in page.to_open] == [True, False]


@pytest.mark.parametrize("is_given_first", [True, False])
def test_a_review_of_nothing_recorded_is_a_note_and_no_evidence(
    attempt: Attempt, review: Review, candidate: User, is_given_first: bool
) -> None:
    """Neither results, readiness nor calibration know of it, whichever was first."""
    if is_given_first:
        hand_in_review(review)
    practice.withdraw(attempt=attempt, by=candidate, at=AFTER)
    if not is_given_first:
        hand_in_review(review)

    review.refresh_from_db()
    assert review.is_submitted
    kind = attempt.rubric_version.round_kind
    much_later = LATE + timedelta(days=30)
    assert not is_revealed(attempt, much_later)
    assert ratings_of(kind, much_later).reviews == 0
    assert kind.pk not in round_kinds_to_calibrate(much_later)
    (line,) = readiness_page(attempt.round.loop, much_later).lines
    assert line.is_empty
    assert not offers(member(attempt.round.loop.cohort), much_later)


def test_what_was_not_recorded_is_put_away_after_two_days(
    attempt: Attempt, review: Review, stamp: Callable[..., Evidence]
) -> None:
    stamp(12)
    assert session.put_unrecorded_away(at=LATE - MINUTE) == 0

    assert session.put_unrecorded_away(at=LATE) == 1

    attempt.refresh_from_db()
    review.refresh_from_db()
    assert (attempt.state, review.state) == ("withdrawn", "draft")
    review.attempt = attempt
    assert [note.place for note in grading_page(review, recording=None).notes] == ["12 min in"]
    assert session.put_unrecorded_away(at=LATE) == 0


@pytest.mark.parametrize(
    ("facts", "is_put_away"),
    [
        ({}, False),
        ({"state": Recording.State.PROCESSING}, False),
        ({"state": Recording.State.FAILED}, True),
        ({"state": Recording.State.FAILED, "state_at": LATE - timedelta(hours=47)}, False),
        ({"state": Recording.State.RECORDING}, True),
    ],
)
def test_nothing_that_was_recorded_is_put_away(
    attempt: Attempt, facts: dict[str, Any], is_put_away: bool
) -> None:
    """A recording that was begun holds nothing until a byte of it has arrived."""
    record(attempt, **facts)

    assert session.put_unrecorded_away(at=LATE) == is_put_away


def test_an_unfinished_recording_is_kept(attempt: Attempt) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(predicted_rank=2)
    factories.upload(record(attempt, state=Recording.State.RECORDING), b"half an answer")

    assert session.put_unrecorded_away(at=LATE) == 0


# The card


def test_a_card_is_given_once(turn: Turn, candidate: User) -> None:
    def give(note: str) -> InterviewerCard:
        return session.give_card(turn=turn, marks=MARKS, note=note, by=candidate, at=AFTER)

    assert give("Thank you.") == give("Thank you.")
    with pytest.raises(session.CardGiven):
        give("On second thoughts")

    card = InterviewerCard.objects.get()
    assert (card.fair_hints, card.note) == (1, "Thank you.")
    assert Event.objects.filter(verb="given").count() == 1


def test_a_turn_that_was_not_held_has_no_card(mock: Mock, candidate: User) -> None:
    with pytest.raises(session.CardTooEarly):
        session.give_card(turn=mock.turns.get(), marks=MARKS, note="", by=candidate, at=START)


def test_a_card_is_no_answer_to_a_review(
    turn: Turn, attempt: Attempt, review: Review, candidate: User, second_peer: User
) -> None:
    record(attempt)
    hand_in_answer(attempt)
    hand_in_review(review)
    factories.submitted_review(attempt, second_peer, submitted_at=AFTER)

    with pytest.raises(session.CardClosed):
        session.give_card(turn=turn, marks=MARKS, note="", by=candidate, at=AFTER)

    found = Turn.objects.select_related("mock", "attempt").get(pk=turn.pk)
    assert card_page(found, candidate, AFTER).is_closed


def test_each_reads_the_other_once_both_are_in(
    turn: Turn, review: Review, candidate: User, peer: User
) -> None:
    session.give_card(turn=turn, marks=MARKS, note="Fair.", by=candidate, at=AFTER)
    unread = card_page(turn, peer, AFTER)
    assert (unread.card, unread.is_given) == (None, True)
    assert [count.all for count in as_interviewer(peer)] == [0, 0, 0, 0]
    assert card_page(turn, candidate, AFTER).card, "one reads one's own"

    hand_in_review(review)

    card = card_page(turn, peer, AFTER).card
    assert card
    assert card.note == "Fair."
    assert [(one.label, one.yes, one.partly, one.no) for one in as_interviewer(peer)] == [
        ("Kept time", 1, 0, 0),
        ("Gave fair hints", 0, 1, 0),
        ("Probed for the level", 1, 0, 0),
        ("Gave specific feedback", 0, 0, 1),
    ]
    assert [count.all for count in as_interviewer(candidate)] == [0, 0, 0, 0]


def test_a_practice_note_opens_with_the_card(
    turn: Turn, attempt: Attempt, review: Review, candidate: User
) -> None:
    def is_open() -> bool:
        found = Turn.objects.select_related("mock", "attempt").get(pk=turn.pk)
        return card_page(found, candidate, AFTER).is_note_open

    hand_in_review(review)
    assert not is_open(), "the answer may still be handed in"
    practice.withdraw(attempt=attempt, by=candidate, at=AFTER)
    assert not is_open(), "without the card, it waits for it"
    session.give_card(turn=turn, marks=MARKS, note="", by=candidate, at=AFTER)

    assert is_open()


def test_a_practice_note_opens_after_two_days_without_a_card(
    turn: Turn, attempt: Attempt, review: Review, candidate: User
) -> None:
    hand_in_review(review)
    practice.withdraw(attempt=attempt, by=candidate, at=AFTER)
    found = Turn.objects.select_related("mock", "attempt").get(pk=turn.pk)

    assert not card_page(found, candidate, LATE - MINUTE).is_note_open
    assert card_page(found, candidate, LATE).is_note_open
    with pytest.raises(session.CardClosed):
        session.give_card(turn=found, marks=MARKS, note="", by=candidate, at=LATE)


# The whole evening


def test_roles_swap_and_each_review_is_its_own(candidate: User, peer: User, cohort: Cohort) -> None:
    mock = factories.mock(
        candidate, peer, cohort, swap_kind="coding", starts_at=START, state=Mock.State.RUNNING
    )
    first, second = mock.turns.order_by("position")

    session.begin_turn(turn=first, by=peer, at=START)
    sessions.end_turn(turn=first, by=peer, at=START + 45 * MINUTE)
    session.begin_turn(turn=second, by=candidate, at=START + 55 * MINUTE)

    found = Review.objects.order_by("pk").values_list("grader__handle", "attempt__turn")
    assert list(found) == [(peer.handle, first.pk), (candidate.handle, second.pk)]
