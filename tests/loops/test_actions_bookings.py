"""Agreeing on mocks: proposals hold nothing, seats never overlap, a race has one winner."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import combinations
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from loops.actions import bookings, sessions
from loops.actions.bookings import MockChanged, NotMeeting, SlotGone
from loops.errors import Refused
from loops.models import (
    Block,
    Cohort,
    Event,
    MatchRequest,
    Membership,
    Mock,
    MockLimits,
    Notice,
    PromptExposure,
    Proposal,
    Round,
    Seat,
    User,
    WeeklyHours,
)
from tests import factories
from tests.factories import NOW
from tests.threads import together

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = NOW.replace(hour=12, minute=0) + 3 * DAY

Propose = Callable[..., Mock]


@pytest.fixture
def round_(candidate: User, cohort: Cohort) -> Round:
    """The candidate's round; there are four prompts of it."""
    factories.edition("sd_ambiguous", prompts=4)
    return factories.loop(candidate, cohort).rounds.get()


@pytest.fixture
def peers_round(peer: User, cohort: Cohort) -> Round:
    """A round of the peer's own, of another kind."""
    factories.edition("coding", prompts=4)
    return factories.loop(peer, cohort, kinds=["coding"]).rounds.get()


@pytest.fixture
def propose(candidate: User, peer: User, round_: Round) -> Propose:
    """Have the candidate propose a mock to the peer; both have time from 9 to 21 UTC."""
    factories.week(candidate)
    factories.week(peer)

    def made(**facts: Any) -> Mock:
        facts = {"partner": peer, "round_": round_, "starts_at": START, "by": candidate, **facts}
        return bookings.propose(**{"at": NOW, **facts})

    return made


def agree(mock: Mock, by: User, at: datetime = NOW, **facts: Any) -> Mock:
    """Accept what is open."""
    return bookings.accept(mock=mock, proposal=open_of(mock), by=by, at=at, **facts)


def open_of(mock: Mock) -> Proposal:
    """Return the open proposal."""
    return mock.proposals.get(state=Proposal.State.OPEN)


def kinds_told(person: User) -> list[str]:
    """Return what a person was told, in order."""
    return list(person.notices.order_by("pk").values_list("kind", flat=True))


# Proposing


def test_a_proposal_holds_no_seat(propose: Propose, peer: User) -> None:
    mock = propose()

    assert mock.state == Mock.State.PROPOSED
    assert [seat.is_held for seat in mock.seats.all()] == [False, False]
    assert kinds_told(peer) == [Notice.Kind.PROPOSED]


def test_the_same_proposal_twice_is_one(propose: Propose) -> None:
    assert propose() == propose()
    assert Mock.objects.count() == Notice.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_on_propose_makes_one_mock(propose: Propose) -> None:
    made = together([propose] * 4)

    assert len(set(made)) == 1
    assert Mock.objects.count() == 1


def test_a_time_outside_of_the_partners_hours_is_refused(propose: Propose) -> None:
    with pytest.raises(SlotGone):
        propose(starts_at=START.replace(hour=22))


def test_a_time_without_notice_is_refused(propose: Propose) -> None:
    with pytest.raises(SlotGone):
        propose(starts_at=NOW.replace(hour=20, minute=0))


def test_who_has_no_hours_of_their_own_may_ask_for_any_of_the_partners(
    propose: Propose, candidate: User
) -> None:
    WeeklyHours.objects.filter(user=candidate).delete()

    assert propose().state == Mock.State.PROPOSED


@pytest.mark.parametrize("whose", ["asker", "asked"])
def test_a_block_stops_a_proposal_from_either_side_without_a_word_of_it(
    propose: Propose, candidate: User, peer: User, whose: str
) -> None:
    one, other = (candidate, peer) if whose == "asker" else (peer, candidate)
    Block.objects.create(by=one, whom=other, at=NOW)

    with pytest.raises(NotMeeting) as refused:
        propose()

    assert "block" not in str(refused.value).lower()


def test_nobody_proposes_to_somebody_who_has_left(propose: Propose, peer: User) -> None:
    Membership.objects.filter(user=peer).delete()

    with pytest.raises(NotMeeting):
        propose()


def test_a_mock_without_an_unseen_prompt_is_refused(
    propose: Propose, candidate: User, round_: Round
) -> None:
    for prompt in factories.in_force().prompts.all():
        PromptExposure.objects.create(
            user=candidate,
            round_kind=round_.round_kind,
            prompt_key=prompt.key,
            role="grader",
            at=NOW,
        )

    with pytest.raises(bookings.NoUnseenPrompt):
        propose()


def test_proposals_without_end_are_refused(propose: Propose, candidate: User) -> None:
    MockLimits.objects.create(user=candidate, most_a_day=8, most_a_week=30)
    for number in range(bookings.PROPOSALS_MOST):
        propose(starts_at=START + number * timedelta(minutes=15))

    with pytest.raises(bookings.TooManyProposals):
        propose(starts_at=START + DAY)


# Agreeing


def test_accepting_takes_both_seats_with_each_ones_gap(
    propose: Propose, candidate: User, peer: User
) -> None:
    MockLimits.objects.create(user=peer, gap_minutes=30)
    mock = agree(propose(), peer)

    ends = {seat.member: seat.ends_at - mock.ends_at for seat in mock.seats.all()}
    assert mock.state == Mock.State.ACCEPTED
    assert all(seat.is_held for seat in mock.seats.all())
    assert ends == {candidate: timedelta(minutes=15), peer: timedelta(minutes=30)}


def test_both_are_told_and_reminded(propose: Propose, candidate: User, peer: User) -> None:
    agree(propose(), peer)

    assert kinds_told(candidate) == ["agreed", "confirm", "reminder"]
    assert kinds_told(peer) == ["proposed", "agreed", "confirm", "reminder"]
    due = dict(candidate.notices.values_list("kind", "due_at"))
    assert due["confirm"] == START - DAY
    assert due["reminder"] == START - 2 * HOUR


def test_a_mock_agreed_within_a_day_counts_as_confirmed(
    propose: Propose, candidate: User, peer: User
) -> None:
    mock = agree(propose(), peer, at=START - 23 * HOUR)

    assert mock.state == Mock.State.CONFIRMED
    assert all(seat.confirmed_at for seat in mock.seats.all())
    assert "confirm" not in kinds_told(candidate)


def test_what_each_saw_is_kept(propose: Propose, candidate: User, peer: User) -> None:
    User.objects.filter(pk=peer.pk).update(time_zone="Asia/Kathmandu")
    mock = agree(propose(), peer)

    seen = {seat.member_id: (seat.time_zone, seat.local_start) for seat in mock.seats.all()}
    assert seen[peer.pk] == ("Asia/Kathmandu", "2026-03-05 17:45")
    assert seen[candidate.pk] == ("UTC", "2026-03-05 12:00")


def test_the_accepters_own_round_makes_a_second_turn(
    propose: Propose, peer: User, peers_round: Round
) -> None:
    mock = agree(propose(wants_swap=True), peer, round_=peers_round)

    first, second = mock.turns.all()
    assert (second.candidate, second.interviewer) == (first.interviewer, first.candidate)
    assert mock.ends_at - mock.starts_at == timedelta(minutes=110)


def test_nobody_swaps_in_with_a_round_that_is_not_theirs(
    propose: Propose, peer: User, second_peer: User, cohort: Cohort, peers_round: Round
) -> None:
    theirs = factories.loop(second_peer, cohort, kinds=["coding"]).rounds.get()

    with pytest.raises(bookings.NotOwnRound):
        agree(propose(wants_swap=True), peer, round_=theirs)


def test_without_a_round_of_the_accepters_the_mock_is_shorter(propose: Propose, peer: User) -> None:
    mock = propose(wants_swap=True)
    assert mock.ends_at - mock.starts_at == timedelta(minutes=110)

    mock = agree(mock, peer)

    assert mock.ends_at - mock.starts_at == timedelta(minutes=55)
    assert mock.turns.count() == 1


def test_two_turns_of_one_kind_have_two_prompts_that_their_candidates_have_not_met(
    propose: Propose, candidate: User, peer: User, cohort: Cohort, round_: Round
) -> None:
    own = factories.loop(peer, cohort).rounds.get()
    for user, keys in ((candidate, ["prompt_1", "prompt_2"]), (peer, ["prompt_3"])):
        for key in keys:
            PromptExposure.objects.create(
                user=user, round_kind=round_.round_kind, prompt_key=key, role="grader", at=NOW
            )

    mock = agree(propose(wants_swap=True), peer, round_=own)

    first, second = (turn.prompt.key for turn in mock.turns.all() if turn.prompt)
    assert first in {"prompt_3", "prompt_4"}
    assert second in {"prompt_1", "prompt_2", "prompt_4"}
    assert first != second


def test_accepting_twice_is_accepting_once(propose: Propose, peer: User) -> None:
    mock = propose()
    proposal = open_of(mock)

    for _ in range(2):
        bookings.accept(mock=mock, proposal=proposal, by=peer, at=NOW)

    assert Event.objects.filter(verb="accepted", subject="loops.mock").count() == 2  # seat, state
    assert kinds_told(peer).count("agreed") == 1


def test_a_proposal_whose_time_has_come_cannot_be_accepted(propose: Propose, peer: User) -> None:
    with pytest.raises(MockChanged):
        agree(propose(), peer, at=START)


def test_a_pair_of_the_pool_is_agreed_when_both_accept(
    candidate: User, peer: User, cohort: Cohort, round_: Round, peers_round: Round
) -> None:
    plans = [
        bookings.TurnPlan(candidate, peer, round_),
        bookings.TurnPlan(peer, candidate, peers_round),
    ]
    mock = bookings.pair(cohort=cohort, plans=plans, starts_at=START, at=NOW)

    assert agree(mock, candidate).state == Mock.State.PROPOSED
    assert agree(mock, peer).state == Mock.State.ACCEPTED
    assert kinds_told(peer)[0] == Notice.Kind.PAIRED


# Moving


def test_a_move_frees_the_old_seat_and_takes_the_new_one(
    propose: Propose, candidate: User, peer: User
) -> None:
    mock = agree(propose(), peer)
    bookings.propose_time(mock=mock, starts_at=START + DAY, by=peer, at=NOW)
    mock.refresh_from_db()
    assert mock.starts_at == START  # until it is accepted nothing moves

    mock = agree(mock, candidate)

    assert (mock.starts_at, mock.sequence) == (START + DAY, 1)
    assert {seat.starts_at for seat in mock.seats.all()} == {START + DAY}
    pending = Notice.objects.filter(kind="reminder", withdrawn_at=None)
    assert {notice.due_at for notice in pending} == {START + DAY - 2 * HOUR}


def test_who_had_come_early_has_not_come_to_the_new_time(
    propose: Propose, candidate: User, peer: User
) -> None:
    mock = agree(propose(), peer)
    for person in (candidate, peer):
        bookings.confirm(mock=mock, by=person, at=START - HOUR * 6)
    bookings.propose_time(mock=mock, starts_at=START + DAY, by=peer, at=START - HOUR)
    sessions.arrive(mock=mock, by=peer, at=START - HOUR / 6)

    mock = agree(mock, candidate, at=START - HOUR / 12)

    assert set(mock.seats.values_list("arrived_at", flat=True)) == {None}


def test_a_move_may_overlap_the_time_it_leaves(
    propose: Propose, candidate: User, peer: User
) -> None:
    mock = agree(propose(), peer)
    bookings.propose_time(mock=mock, starts_at=START + HOUR / 2, by=peer, at=NOW)

    assert agree(mock, candidate).starts_at == START + HOUR / 2


def test_a_move_into_another_mock_leaves_everything_as_it_was(
    propose: Propose, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    mock = agree(propose(), peer)
    bookings.propose_time(mock=mock, starts_at=START + DAY, by=peer, at=NOW)
    factories.mock(second_peer, peer, cohort, starts_at=START + DAY)

    with pytest.raises(SlotGone), transaction.atomic():
        agree(mock, candidate)

    mock.refresh_from_db()
    assert (mock.starts_at, mock.state, mock.sequence) == (START, "accepted", 0)
    assert {seat.starts_at for seat in mock.seats.all()} == {START}
    assert open_of(mock).starts_at == START + DAY


def test_a_late_move_is_remembered_against_who_asked_for_it(
    propose: Propose, candidate: User, peer: User
) -> None:
    late = START - 11 * HOUR
    mock = agree(propose(), peer)
    for person in (candidate, peer):
        bookings.confirm(mock=mock, by=person, at=START - 20 * HOUR)
    bookings.propose_time(mock=mock, starts_at=START + DAY, by=peer, at=late)

    mock = agree(mock, candidate, at=late)

    moved = {seat.member: seat.has_moved_late for seat in mock.seats.all()}
    assert moved == {candidate: False, peer: True}
    assert mock.state == Mock.State.ACCEPTED  # so far off that it is asked about again


def test_a_counter_proposal_names_the_partners_own_round(
    propose: Propose, candidate: User, peer: User, peers_round: Round
) -> None:
    mock = propose(wants_swap=True)
    bookings.propose_time(
        mock=mock,
        starts_at=START + DAY,
        by=peer,
        at=NOW,
        answers=open_of(mock),
        round_=peers_round,
    )

    mock = agree(mock, candidate)

    assert mock.turns.count() == 2
    assert mock.ends_at - mock.starts_at == timedelta(minutes=110)


def test_a_time_put_forward_before_the_mock_began_cannot_be_accepted_after(
    propose: Propose, candidate: User, peer: User
) -> None:
    mock = agree(propose(), peer, at=START - 5 * HOUR)
    bookings.propose_time(mock=mock, starts_at=START + DAY, by=peer, at=START - 4 * HOUR)

    with pytest.raises(MockChanged):
        agree(mock, candidate, at=START)


# Ending


def test_declining_ends_a_new_mock_and_leaves_an_agreed_one(
    propose: Propose, candidate: User, peer: User
) -> None:
    new = propose()
    bookings.decline(mock=new, proposal=open_of(new), by=peer, at=NOW)
    agreed = agree(propose(starts_at=START + DAY), peer)
    bookings.propose_time(mock=agreed, starts_at=START + 2 * DAY, by=candidate, at=NOW)
    bookings.decline(mock=agreed, proposal=open_of(agreed), by=peer, at=NOW)

    new.refresh_from_db()
    agreed.refresh_from_db()
    assert (new.state, agreed.state) == ("cancelled", "accepted")
    assert kinds_told(candidate).count("declined") == 2


def test_a_proposal_taken_back_is_told_to_nobody(propose: Propose, peer: User) -> None:
    mock = propose()
    proposal = open_of(mock)
    asker = mock.asked_by
    assert asker
    bookings.take_back_proposal(mock=mock, proposal=proposal, by=asker, at=NOW)

    assert not Notice.objects.shown(NOW).filter(person=peer).exists()
    assert peer.notices.get().mail_state == Notice.Mail.SKIPPED


@pytest.mark.parametrize(
    ("hours_before", "outcome"), [(13, ""), (12, ""), (11, "late_change"), (1, "late_change")]
)
def test_cancelling_late_counts_and_cancelling_in_time_does_not(
    propose: Propose, candidate: User, peer: User, hours_before: int, outcome: str
) -> None:
    mock = agree(propose(), peer)
    for person in (candidate, peer):
        bookings.confirm(mock=mock, by=person, at=START - 20 * HOUR)

    mock = bookings.cancel(mock=mock, by=peer, at=START - hours_before * HOUR)

    outcomes = {seat.member: seat.outcome for seat in mock.seats.all()}
    assert outcomes == {candidate: "", peer: outcome}
    assert not any(seat.is_held for seat in mock.seats.all())
    assert mock.sequence == 1
    assert kinds_told(candidate)[-1] == "cancelled"


def test_silence_until_four_hours_before_gives_the_seats_back_and_tells_both(
    propose: Propose, candidate: User, peer: User
) -> None:
    mock = agree(propose(), peer)
    bookings.confirm(mock=mock, by=candidate, at=START - 20 * HOUR)

    assert not bookings.release_silent(mock_id=mock.pk, at=START - 4 * HOUR - timedelta(seconds=1))
    assert bookings.release_silent(mock_id=mock.pk, at=START - 4 * HOUR)
    assert not bookings.release_silent(mock_id=mock.pk, at=START - 4 * HOUR)

    mock.refresh_from_db()
    assert mock.state == Mock.State.EXPIRED
    assert {seat.member: seat.outcome for seat in mock.seats.all()} == {
        candidate: "",
        peer: "late_change",
    }
    for person in (candidate, peer):
        assert kinds_told(person)[-1] == "released"
    assert not Notice.objects.filter(kind="reminder", withdrawn_at=None).exists()


def test_a_word_given_before_it_is_asked_for_is_refused(propose: Propose, peer: User) -> None:
    mock = agree(propose(), peer)

    with pytest.raises(bookings.TooEarlyToConfirm):
        bookings.confirm(mock=mock, by=peer, at=START - 25 * HOUR)


def test_a_proposal_lapses_when_its_time_has_come(
    propose: Propose, candidate: User, peer: User
) -> None:
    mock = propose()

    assert not bookings.lapse(mock_id=mock.pk, at=START - HOUR)
    assert ("lapse", mock.pk) in bookings.due_to_settle(START)
    assert bookings.lapse(mock_id=mock.pk, at=START)

    mock.refresh_from_db()
    assert mock.state == Mock.State.EXPIRED
    assert kinds_told(candidate) == ["lapsed"]
    assert bookings.due_to_settle(START) == []


def test_a_move_to_an_earlier_time_lapses_when_that_has_come(propose: Propose, peer: User) -> None:
    mock = agree(propose(), peer)
    bookings.propose_time(mock=mock, starts_at=START - DAY, by=peer, at=NOW)

    assert ("lapse", mock.pk) in bookings.due_to_settle(START - DAY)
    assert bookings.lapse(mock_id=mock.pk, at=START - DAY)

    mock.refresh_from_db()
    assert (mock.state, mock.starts_at) == ("accepted", START)
    assert not mock.proposals.filter(state=Proposal.State.OPEN).exists()
    assert bookings.due_to_settle(START - DAY) == []


@pytest.mark.parametrize("state", ["proposed", "accepted", "confirmed"])
def test_a_mock_of_somebody_whose_account_is_closed_is_called_off_and_blames_nobody(
    candidate: User, peer: User, cohort: Cohort, state: str
) -> None:
    mock = factories.mock(candidate, peer, cohort, state=state)
    User.objects.filter(pk=peer.pk).update(is_active=False)
    at = mock.starts_at - HOUR

    assert ("desert", mock.pk) in bookings.due_to_settle(at)
    assert bookings.desert(mock_id=mock.pk, at=at)

    mock.refresh_from_db()
    assert not mock.is_live
    assert {(seat.is_held, seat.outcome) for seat in mock.seats.all()} == {(False, "")}
    assert ("desert", mock.pk) not in bookings.due_to_settle(at)


def test_who_is_let_down_is_in_the_pool_again(
    candidate: User, peer: User, cohort: Cohort, round_: Round
) -> None:
    mock = bookings.pair(
        cohort=cohort,
        plans=[bookings.TurnPlan(candidate, peer, round_)],
        starts_at=START,
        at=NOW,
    )
    for person in (candidate, peer):
        MatchRequest.objects.create(
            user=person, cohort=cohort, state="matched", mock=mock, created_at=NOW, closed_at=NOW
        )
        agree(mock, person)

    bookings.cancel(mock=mock, by=peer, at=START - 20 * HOUR)

    states = dict(MatchRequest.objects.values_list("user__handle", "state"))
    assert states == {candidate.handle: "open", peer.handle: "matched"}


# The constraint


def test_the_database_refuses_two_mocks_of_one_person_at_one_time(
    candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.mock(candidate, peer, cohort)

    with pytest.raises(IntegrityError, match="seat_no_overlap"), transaction.atomic():
        factories.mock(candidate, second_peer, cohort, starts_at=NOW + 2 * DAY + HOUR / 2)
    factories.mock(candidate, second_peer, cohort, starts_at=NOW + 2 * DAY + HOUR)  # touches
    factories.mock(candidate, second_peer, cohort, state="cancelled")


# Races


@pytest.mark.django_db(transaction=True)
def test_eight_threads_that_book_all_they_can_never_overlap(cohort: Cohort) -> None:
    """Every refusal is a refusal with words: no error of the database comes through."""
    factories.edition("sd_ambiguous", prompts=4)
    people = [factories.person() for _ in range(6)]
    rounds = {}
    for person in people:
        factories.join(cohort, person)
        factories.week(person)
        MockLimits.objects.create(user=person, gap_minutes=0, most_a_day=8, most_a_week=30)
        rounds[person] = factories.loop(person, cohort).rounds.get()
    starts = [START + number * timedelta(minutes=30) for number in range(6)]
    mocks = []
    for (one, other), start in zip(
        list(combinations(people, 2)) * 6, sorted(starts * 15), strict=False
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bookings, "PROPOSALS_MOST", 10_000)
            mocks.append(
                (
                    bookings.propose(
                        partner=other, round_=rounds[one], starts_at=start, by=one, at=NOW
                    ),
                    other,
                )
            )

    def hammer(seed: int) -> list[str]:
        order = random.Random(seed).sample(mocks, len(mocks))  # noqa: S311
        told = []
        for mock, other in order:
            try:
                proposal = mock.proposals.get()
                bookings.accept(mock=mock, proposal=proposal, by=other, at=NOW)
                told.append("agreed")
            except Refused as refusal:
                told.append(refusal.code)
        return told

    results = together([partial(hammer, seed) for seed in range(8)], seconds=110)

    assert [error for error in results if isinstance(error, Exception)] == []
    assert {code for told in results for code in told} <= {"agreed", "slot_gone", "mock_changed"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM loops_seat a JOIN loops_seat b ON a.member_id = b.member_id"
            " AND a.id < b.id AND a.is_held AND b.is_held"
            " AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at"
        )
        assert cursor.fetchone() == (0,)
    agreed = Mock.objects.agreed()
    assert agreed.count() > len(people)  # threads kept each other busy, and still got somewhere
    for mock in agreed:
        assert mock.seats.filter(is_held=True).count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("duel", range(10))
def test_two_mocks_of_the_same_two_people_booked_in_opposite_order(
    propose: Propose, candidate: User, peer: User, cohort: Cohort, duel: int
) -> None:
    mine = propose()
    own = factories.loop(peer, cohort).rounds.get()
    theirs = bookings.propose(partner=candidate, round_=own, starts_at=START, by=peer, at=NOW)

    results = together([lambda: agree(mine, peer), lambda: agree(theirs, candidate)])

    assert [type(result) for result in results if not isinstance(result, Mock)] == [SlotGone]
    assert Mock.objects.agreed().count() == 1


@pytest.mark.django_db(transaction=True)
def test_accepting_against_taking_back_has_one_winner(
    propose: Propose, candidate: User, peer: User
) -> None:
    for number in range(6):
        mock = propose(starts_at=START + number * DAY)
        proposal = open_of(mock)
        facts: dict[str, Any] = {"mock": mock, "proposal": proposal, "at": NOW}
        taken, back = together(
            [
                partial(bookings.accept, by=peer, **facts),
                partial(bookings.take_back_proposal, by=candidate, **facts),
            ]
        )
        mock.refresh_from_db()
        is_agreed = mock.state == Mock.State.ACCEPTED
        assert isinstance(back if is_agreed else taken, MockChanged)
        assert isinstance(taken if is_agreed else back, Mock)
        assert mock.seats.filter(is_held=True).count() == 2 * is_agreed
        if is_agreed:
            bookings.cancel(mock=mock, by=peer, at=NOW)


@pytest.mark.django_db(transaction=True)
def test_both_propose_another_time_at_once_and_the_second_reads_the_first(
    propose: Propose, candidate: User, peer: User
) -> None:
    mock = agree(propose(), peer)

    results = together(
        [
            lambda: bookings.propose_time(mock=mock, starts_at=START + DAY, by=candidate, at=NOW),
            lambda: bookings.propose_time(mock=mock, starts_at=START + 2 * DAY, by=peer, at=NOW),
        ]
    )

    assert sorted(type(one).__name__ for one in results) == ["MockChanged", "Proposal"]
    assert mock.proposals.filter(state="open").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_on_accept_agrees_once(propose: Propose, peer: User) -> None:
    mock = propose()
    proposal = open_of(mock)

    results = together([lambda: bookings.accept(mock=mock, proposal=proposal, by=peer, at=NOW)] * 4)

    assert all(isinstance(one, Mock) for one in results)
    assert kinds_told(peer).count("agreed") == 1


@pytest.mark.django_db(transaction=True)
def test_confirming_against_the_clock_has_one_winner(
    propose: Propose, candidate: User, peer: User
) -> None:
    at = START - 4 * HOUR
    mock = agree(propose(), peer)
    bookings.confirm(mock=mock, by=candidate, at=START - 20 * HOUR)

    together(
        [
            lambda: bookings.confirm(mock=mock, by=peer, at=at),
            lambda: bookings.release_silent(mock_id=mock.pk, at=at),
        ]
    )

    mock.refresh_from_db()
    is_held = mock.seats.filter(is_held=True).count() == 2
    assert (mock.state, is_held) in {("confirmed", True), ("expired", False)}


@pytest.mark.django_db(transaction=True)
def test_a_move_that_dies_half_way_leaves_the_old_seats(
    propose: Propose, candidate: User, peer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mock = agree(propose(), peer)
    bookings.propose_time(mock=mock, starts_at=START + DAY, by=peer, at=NOW)
    held = bookings.hold_seat
    calls = []

    def dying(seat: Seat, period: Any) -> None:
        held(seat, period)
        calls.append(seat)
        if len(calls) == 1:
            raise RuntimeError("the process dies between the two seats")

    monkeypatch.setattr(bookings, "hold_seat", dying)
    with pytest.raises(RuntimeError):
        agree(mock, candidate)

    mock.refresh_from_db()
    assert {(seat.starts_at, seat.is_held) for seat in mock.seats.all()} == {(START, True)}
    assert mock.starts_at == START


# Zones that are no more


def test_a_zone_that_was_dropped_from_the_data_breaks_no_page(
    propose: Propose, candidate: User, peer: User, client: Client
) -> None:
    mock = agree(propose(), peer)
    for rows in (User.objects.filter(pk=peer.pk), WeeklyHours.objects.filter(user=peer)):
        rows.update(time_zone="Europe/Atlantis")

    assert User.objects.get(pk=peer.pk).time_zone == "UTC"
    for person in (candidate, peer):
        client.force_login(person)
        for address in ("/mocks/", f"/mocks/{mock.public_id}/", "/availability/", "/pool/"):
            assert client.get(address).status_code == 200
    with pytest.raises(SlotGone):
        propose(starts_at=START + DAY)


def test_nothing_that_one_has_done_oneself_counts_as_unread(
    propose: Propose, candidate: User, peer: User
) -> None:
    mock = agree(propose(), peer)

    assert not Notice.objects.unread(NOW).filter(person=peer).exists()
    assert Notice.objects.unread(NOW).get(person=candidate).kind == Notice.Kind.AGREED
    bookings.cancel(mock=mock, by=candidate, at=NOW)
    assert not Notice.objects.unread(NOW).filter(person=candidate).exists()


def test_a_mock_that_should_have_begun_cannot_be_called_off(propose: Propose, peer: User) -> None:
    mock = agree(propose(), peer, at=START - 5 * HOUR)

    with pytest.raises(bookings.TooLateToCancel):
        bookings.cancel(mock=mock, by=peer, at=START)
