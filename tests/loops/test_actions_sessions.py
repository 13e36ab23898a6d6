"""The evening of a mock: arriving, turns, the end; and what becomes of it when nobody comes."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from loops.actions import practice, sessions
from loops.actions.bookings import MockChanged, NotMeeting
from loops.models import (
    Attempt,
    Block,
    Cohort,
    Mock,
    Notice,
    PromptExposure,
    Round,
    Seat,
    Standby,
    User,
)
from tests import factories
from tests.factories import NOW
from tests.threads import together

START = NOW + timedelta(days=2)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A confirmed mock: the candidate answers, the peer interviews."""
    factories.edition("sd_ambiguous", prompts=3)
    factories.edition("coding", prompts=3)
    return factories.mock(
        candidate, peer, cohort, starts_at=START, video_url="https://meet.example"
    )


@pytest.fixture
def both_here(mock: Mock, candidate: User, peer: User) -> Mock:
    """The same mock, running."""
    for person in (candidate, peer):
        sessions.arrive(mock=mock, by=person, at=START)
    mock.refresh_from_db()
    return mock


def own_round(user: User, cohort: Cohort, kind: str = "coding") -> Round:
    """Give a person a round of their own."""
    return factories.loop(user, cohort, kinds=[kind]).rounds.get()


def stand_by(user: User, cohort: Cohort, round_: Round | None = None) -> Standby:
    """Put a person on standby from an hour before the mock."""
    return Standby.objects.create(
        user=user,
        cohort=cohort,
        round=round_,
        since=START - timedelta(hours=3),
        until=START + timedelta(hours=2),
    )


def outcomes(mock: Mock) -> dict[str, str]:
    """Return what became of each one's promise."""
    return dict(mock.seats.values_list("member__handle", "outcome"))


# Arriving


def test_the_mock_runs_when_both_are_here(mock: Mock, candidate: User, peer: User) -> None:
    assert sessions.arrive(mock=mock, by=peer, at=START - 5 * MINUTE).state == "confirmed"
    assert sessions.arrive(mock=mock, by=candidate, at=START).state == "running"
    assert sessions.arrive(mock=mock, by=candidate, at=START + MINUTE).state == "running"


def test_nobody_arrives_a_quarter_of_an_hour_early(mock: Mock, peer: User) -> None:
    with pytest.raises(sessions.NotYet):
        sessions.arrive(mock=mock, by=peer, at=START - 16 * MINUTE)


@pytest.mark.django_db(transaction=True)
def test_both_arriving_at_once_makes_one_running_mock(
    mock: Mock, candidate: User, peer: User
) -> None:
    together(
        [
            lambda: sessions.arrive(mock=mock, by=candidate, at=START),
            lambda: sessions.arrive(mock=mock, by=peer, at=START),
        ]
    )

    mock.refresh_from_db()
    assert mock.state == "running"


# Turns


def test_beginning_a_turn_opens_a_live_answer_to_its_prompt(
    both_here: Mock, candidate: User, peer: User
) -> None:
    turn = both_here.turns.get()

    first = sessions.begin_turn(turn=turn, by=peer, at=START)
    again = sessions.begin_turn(turn=turn, by=candidate, at=START + MINUTE)

    attempt = Attempt.objects.get()
    assert (attempt.kind, attempt.state, attempt.prompt) == ("live", "draft", turn.prompt)
    assert first.attempt == again.attempt == attempt
    met = set(PromptExposure.objects.values_list("user__handle", "role"))
    assert met == {(candidate.handle, "candidate"), (peer.handle, "interviewer")}


def test_no_turn_begins_before_both_are_here(mock: Mock, peer: User) -> None:
    with pytest.raises(MockChanged):
        sessions.begin_turn(turn=mock.turns.get(), by=peer, at=START)


def test_a_prompt_met_since_it_was_drawn_is_drawn_anew(
    both_here: Mock, candidate: User, peer: User
) -> None:
    turn = both_here.turns.select_related("prompt").get()
    assert turn.prompt
    practice.expose(user=candidate, prompt=turn.prompt, role="grader", at=NOW)

    begun = sessions.begin_turn(turn=turn, by=peer, at=START)

    assert begun.prompt != turn.prompt
    assert begun.attempt
    assert begun.attempt.prompt == begun.prompt


def test_a_live_draft_does_not_stand_in_the_way_of_a_recorded_one(
    both_here: Mock, candidate: User, peer: User
) -> None:
    turn = sessions.begin_turn(turn=both_here.turns.get(), by=peer, at=START)

    recorded = practice.start_attempt(round_=turn.round, by=candidate, at=START)

    assert recorded != turn.attempt
    assert recorded.prompt != turn.prompt


def test_a_recorded_answer_leaves_the_prompt_of_a_mock_alone(mock: Mock, candidate: User) -> None:
    turn = mock.turns.select_related("round", "prompt").get()

    drawn = {
        practice.start_attempt(
            round_=factories.loop(candidate, mock.cohort).rounds.get(), by=candidate, at=NOW
        ).prompt
        for _ in range(2)
    }

    assert turn.prompt not in drawn


def test_a_mock_that_was_held_is_kept_by_both(both_here: Mock, candidate: User, peer: User) -> None:
    sessions.begin_turn(turn=both_here.turns.get(), by=peer, at=START)
    Seat.objects.filter(mock=both_here, member=peer).update(has_moved_late=True)

    for _ in range(2):
        sessions.finish(mock=both_here, by=peer, at=START + 50 * MINUTE)

    assert outcomes(both_here) == {candidate.handle: "kept", peer.handle: "late_change"}
    assert both_here.turns.get().ended_at


def test_a_running_mock_is_closed_an_hour_after_its_end(both_here: Mock) -> None:
    over = both_here.ends_at + timedelta(hours=1)

    assert not sessions.close_over(mock_id=both_here.pk, at=over - MINUTE)
    assert sessions.due_to_close(over) == [both_here.pk]
    assert sessions.close_over(mock_id=both_here.pk, at=over)

    both_here.refresh_from_db()
    assert both_here.state == "done"


def test_a_mock_that_nobody_came_to_counts_for_neither(
    mock: Mock, candidate: User, peer: User
) -> None:
    sessions.close_over(mock_id=mock.pk, at=mock.ends_at + timedelta(hours=1))

    mock.refresh_from_db()
    assert mock.state == "expired"
    assert outcomes(mock) == {candidate.handle: "", peer.handle: ""}


# The kit


def test_the_kit_is_met_when_it_is_opened_and_prepared_when_it_is_said(
    mock: Mock, peer: User
) -> None:
    turn = mock.turns.select_related("prompt__version").get()

    sessions.open_kit(turn=turn, by=peer, at=NOW)
    for minutes in (0, 5):
        sessions.prepare(turn=turn, by=peer, at=NOW + minutes * MINUTE)

    turn.refresh_from_db()
    assert PromptExposure.objects.get().role == "interviewer"
    assert turn.prepared_at == NOW


# Nobody came


@pytest.fixture
def alone(mock: Mock, candidate: User) -> Callable[[], dict[str, Any]]:
    """The candidate is here, ten minutes have passed, the peer is not."""
    sessions.arrive(mock=mock, by=candidate, at=START - MINUTE)
    return lambda: {"mock": mock, "by": candidate, "at": START + 10 * MINUTE}


def test_ten_minutes_are_everybodys(mock: Mock, candidate: User) -> None:
    sessions.arrive(mock=mock, by=candidate, at=START)

    with pytest.raises(sessions.StillGrace):
        sessions.absent_then_alone(mock=mock, by=candidate, at=START + 10 * MINUTE - MINUTE / 60)


def test_only_who_is_there_says_that_somebody_is_not(mock: Mock, candidate: User) -> None:
    with pytest.raises(sessions.ArriveFirst):
        sessions.absent_then_alone(mock=mock, by=candidate, at=START + 11 * MINUTE)


def test_who_has_come_is_not_absent(
    alone: Callable[[], dict[str, Any]], mock: Mock, peer: User
) -> None:
    sessions.arrive(mock=mock, by=peer, at=START + 9 * MINUTE)

    with pytest.raises(sessions.PartnerIsHere):
        sessions.absent_then_alone(**alone())


def test_left_alone_the_slot_becomes_a_recorded_take_that_comes_first(
    alone: Callable[[], dict[str, Any]], mock: Mock, candidate: User, peer: User
) -> None:
    attempt = sessions.absent_then_alone(**alone())
    again = sessions.absent_then_alone(**alone())

    mock.refresh_from_db()
    turn = mock.turns.select_related("prompt").get()
    assert again == attempt
    assert (attempt.kind, attempt.has_priority, attempt.prompt) == ("recorded", True, turn.prompt)
    assert mock.state == "converted"
    assert outcomes(mock) == {candidate.handle: "kept", peer.handle: "no_show"}
    assert not mock.seats.filter(is_held=True).exists()
    assert Notice.objects.get(kind="absent").person == peer


def test_left_alone_with_a_draft_that_take_comes_first_and_twice_is_once(
    alone: Callable[[], dict[str, Any]], mock: Mock, candidate: User
) -> None:
    draft = practice.start_attempt(round_=mock.turns.get().round, by=candidate, at=NOW)

    for _press in range(2):
        assert sessions.absent_then_alone(**alone()) == draft

    draft.refresh_from_db()
    assert draft.has_priority


def test_left_alone_a_follow_up_take_in_the_making_stands_in_no_ones_way(
    alone: Callable[[], dict[str, Any]], mock: Mock
) -> None:
    round_ = mock.turns.get().round
    follow_up = factories.attempt(
        round_, state="draft", kind=Attempt.Kind.FOLLOW_UP, number=Attempt.FOLLOW_UPS_FROM
    )

    attempt = sessions.absent_then_alone(**alone())

    assert attempt != follow_up
    assert (attempt.kind, attempt.number) == ("recorded", 1)


def test_an_evening_goes_on_in_one_way_alone(
    alone: Callable[[], dict[str, Any]], second_peer: User, cohort: Cohort
) -> None:
    stand_by(second_peer, cohort)
    sessions.absent_then_standby(**alone())

    with pytest.raises(MockChanged):
        sessions.absent_then_alone(**alone())
    assert not Attempt.objects.exists()


def test_nobody_is_called_to_a_take_that_was_begun_alone(
    alone: Callable[[], dict[str, Any]], second_peer: User, cohort: Cohort
) -> None:
    sessions.absent_then_alone(**alone())
    stand_by(second_peer, cohort)

    with pytest.raises(MockChanged):
        sessions.absent_then_standby(**alone())
    assert Mock.objects.count() == 1


def test_an_interviewer_left_alone_answers_a_round_of_their_own(
    mock: Mock, peer: User, cohort: Cohort
) -> None:
    sessions.arrive(mock=mock, by=peer, at=START)
    at = START + 11 * MINUTE

    with pytest.raises(sessions.RoundMissing):
        sessions.absent_then_alone(mock=mock, by=peer, at=at)
    attempt = sessions.absent_then_alone(mock=mock, by=peer, at=at, round_=own_round(peer, cohort))

    assert attempt.has_priority
    assert attempt.round.round_kind.key == "coding"


def test_left_alone_somebody_on_standby_takes_the_chair(  # noqa: PLR0917 - one argument for each of the cast
    alone: Callable[[], dict[str, Any]],
    mock: Mock,
    candidate: User,
    peer: User,
    second_peer: User,
    cohort: Cohort,
) -> None:
    stand_by(second_peer, cohort)

    new = sessions.absent_then_standby(**alone())
    again = sessions.absent_then_standby(**alone())

    mock.refresh_from_db()
    turn = new.turns.get()
    assert again == new
    assert mock.state == "no_show"
    assert (new.state, new.replaces, new.video_url) == ("confirmed", mock, mock.video_url)
    assert (turn.candidate, turn.interviewer) == (candidate, second_peer)
    assert turn.prompt
    assert new.seats.filter(is_held=True).count() == 2
    assert not Standby.objects.exists()
    assert Notice.objects.get(kind="standby").person == second_peer


@pytest.mark.parametrize("minutes", [40, 85])
def test_who_is_expected_elsewhere_is_passed_over(
    alone: Callable[[], dict[str, Any]],
    second_peer: User,
    organiser: User,
    cohort: Cohort,
    minutes: int,
) -> None:
    """Who has been ready longest has a mock of their own before the end, the next one is free."""
    Round.objects.filter(turns__isnull=False).update(minutes=90)
    stand_by(second_peer, cohort)
    Standby.objects.update(since=START - timedelta(hours=5))
    stand_by(organiser, cohort)
    other = factories.person()
    factories.join(cohort, other)
    factories.mock(other, second_peer, cohort, starts_at=START + minutes * MINUTE)

    new = sessions.absent_then_standby(**alone())

    assert new.turns.get().interviewer == organiser


def test_a_standby_partner_with_a_round_swaps_roles_with_an_interviewer(
    mock: Mock, peer: User, second_peer: User, cohort: Cohort
) -> None:
    stand_by(second_peer, cohort, own_round(second_peer, cohort))
    sessions.arrive(mock=mock, by=peer, at=START)

    new = sessions.absent_then_standby(mock=mock, by=peer, at=START + 10 * MINUTE)

    turn = new.turns.get()
    assert (turn.candidate, turn.interviewer) == (second_peer, peer)


@pytest.mark.parametrize("reason", ["nobody", "blocked", "over"])
def test_without_anybody_on_standby_nothing_is_changed(  # noqa: PLR0917 - one argument for each of the cast
    alone: Callable[[], dict[str, Any]],
    mock: Mock,
    candidate: User,
    second_peer: User,
    cohort: Cohort,
    reason: str,
) -> None:
    if reason != "nobody":
        standby = stand_by(second_peer, cohort)
        if reason == "over":
            Standby.objects.filter(pk=standby.pk).update(until=START)
        else:
            Block.objects.create(by=second_peer, whom=candidate, at=NOW)

    with pytest.raises(sessions.NobodyOnStandby):
        sessions.absent_then_standby(**alone())

    mock.refresh_from_db()
    assert mock.state == "confirmed"


@pytest.mark.django_db(transaction=True)
def test_two_who_call_the_same_standby_partner_get_one(  # noqa: PLR0917 - one argument for each of the cast
    mock: Mock, candidate: User, peer: User, second_peer: User, organiser: User, cohort: Cohort
) -> None:
    stand_by(second_peer, cohort)
    absent = factories.person()
    factories.join(cohort, absent)
    other = factories.mock(organiser, absent, cohort, starts_at=START)
    sessions.arrive(mock=mock, by=candidate, at=START)
    sessions.arrive(mock=other, by=organiser, at=START)

    results = together(
        [
            partial(sessions.absent_then_standby, mock=one, by=by, at=START + 10 * MINUTE)
            for one, by in ((mock, candidate), (other, organiser))
        ]
    )

    assert sum(isinstance(one, Mock) for one in results) == 1
    assert all(hasattr(one, "shown") for one in results if not isinstance(one, Mock))
    assert second_peer.seats.filter(is_held=True).count() == 1


# Standby


def test_meeting_somebody_on_standby_begins_at_the_next_five_minutes(
    candidate: User, second_peer: User, cohort: Cohort, mock: Mock
) -> None:
    standby = stand_by(second_peer, cohort, own_round(second_peer, cohort))
    at = START - timedelta(minutes=148)
    round_ = own_round(candidate, cohort)

    met = sessions.meet_now(standby=standby, round_=round_, by=candidate, at=at)

    assert met.starts_at == START - timedelta(minutes=145)
    assert met.turns.count() == 2


def test_nobody_meets_who_is_parted_by_a_block(
    candidate: User, second_peer: User, cohort: Cohort, mock: Mock
) -> None:
    standby = stand_by(second_peer, cohort)
    Block.objects.create(by=candidate, whom=second_peer, at=NOW)

    with pytest.raises(NotMeeting):
        sessions.meet_now(
            standby=standby, round_=own_round(candidate, cohort), by=candidate, at=START
        )


def test_a_round_of_another_cohort_is_not_taken_to_a_standby(
    candidate: User, second_peer: User, cohort: Cohort, mock: Mock
) -> None:
    """The page showed another cohort: who reviews an answer has to be in the cohort of its loop."""
    standby = stand_by(second_peer, cohort)
    elsewhere = own_round(candidate, factories.cohort(candidate, second_peer))

    with pytest.raises(NotMeeting):
        sessions.meet_now(
            standby=standby, round_=elsewhere, by=candidate, at=START - timedelta(hours=2)
        )


def test_standby_lasts_no_longer_than_four_hours(peer: User, cohort: Cohort) -> None:
    standby = sessions.stand_by(
        by=peer, until=NOW + timedelta(hours=9), round_=None, cohort_id=cohort.pk, at=NOW
    )

    assert standby.until == NOW + timedelta(hours=4)
    sessions.stand_down(by=peer, at=NOW)
    assert not Standby.objects.filter(user=peer).exists()


def test_one_turn_at_a_time(candidate: User, peer: User, cohort: Cohort) -> None:
    for kind in ("sd_ambiguous", "coding"):
        factories.edition(kind, prompts=3)
    mock = factories.mock(
        candidate, peer, cohort, swap_kind="coding", state="running", starts_at=START
    )
    first, second = mock.turns.all()
    sessions.begin_turn(turn=first, by=peer, at=START)

    with pytest.raises(MockChanged):
        sessions.begin_turn(turn=second, by=peer, at=START)
    sessions.end_turn(turn=first, by=peer, at=START)
    assert sessions.begin_turn(turn=second, by=peer, at=START).begun_at
