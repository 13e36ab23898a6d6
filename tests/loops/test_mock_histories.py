"""Whatever two people do to their mocks, in whatever order: what holds all the same."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from loops.actions import bookings, sessions
from loops.errors import Refused
from loops.models import Event, Mock, MockLimits, Notice, Proposal, Round, Seat, User
from loops.queries.reliability import reliability_of
from loops.states import MOCK_MOVES, MockState
from tests import factories
from tests.factories import NOW

DAY = timedelta(days=1)
people = st.sampled_from([0, 1, 2])
TELLS_A_CALENDAR = {"agreed", "moved", "changed", "cancelled", "released", "standby"}


class Histories(RuleBasedStateMachine):
    """Three people, a clock that only goes on, and everything that may be done to a mock."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now = NOW
        self.sequences: dict[int, int] = {}
        self.people: list[User] = []
        self.rounds: list[Round] = []

    def teardown(self) -> None:
        """Forget this history."""
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize()
    def meet(self) -> None:
        """Bring three people into a cohort, with hours and a round each."""
        factories.edition("sd_ambiguous", prompts=6)
        cohort = factories.cohort()
        for _ in range(3):
            person = factories.person()
            factories.join(cohort, person)
            factories.week(person)
            MockLimits.objects.create(user=person, most_a_day=8, most_a_week=30)
            self.people.append(person)
            self.rounds.append(factories.loop(person, cohort).rounds.get())

    def attempt(self, action: Callable[..., Any], **given: Any) -> None:
        """Do something; a refusal with words is an answer, anything else is a defect."""
        try:
            with transaction.atomic():
                action(**given, at=self.now)
        except Refused as refusal:
            if not str(refusal):
                raise AssertionError("a refusal without words") from refusal

    def newest(self, *states: str) -> Mock | None:
        """Return the newest mock, of these states."""
        mocks = Mock.objects.filter(state__in=states) if states else Mock.objects.all()
        return mocks.order_by("-pk").first()

    @rule(hours=st.sampled_from([1, 5, 11, 26]))
    def wait(self, hours: int) -> None:
        """Let time pass, and the clock do what it does."""
        self.now += timedelta(hours=hours)
        for what, pk in bookings.due_to_settle(self.now):
            settle = bookings.release_silent if what == "release" else bookings.lapse
            settle(mock_id=pk, at=self.now)
        for pk in sessions.due_to_close(self.now):
            sessions.close_over(mock_id=pk, at=self.now)

    @rule(by=people, days=st.integers(1, 4), hour=st.integers(9, 19))
    def propose(self, by: int, days: int, hour: int) -> None:
        """Propose a mock to the next one in the round."""
        day = (self.now + days * DAY).replace(hour=hour, minute=0, second=0, microsecond=0)
        self.attempt(
            bookings.propose,
            partner=self.people[(by + 1) % 3],
            round_=self.rounds[by],
            starts_at=day,
            by=self.people[by],
        )

    @precondition(lambda self: Proposal.objects.filter(state="open").exists())
    @rule(data=st.data(), verb=st.sampled_from(["accept", "decline", "take_back"]))
    def answer(self, data: st.DataObject, verb: str) -> None:
        """Answer an open proposal, as the one who may or as the one who may not."""
        open_ = list(Proposal.objects.filter(state="open").order_by("pk"))
        proposal = data.draw(st.sampled_from(open_))
        seats = list(proposal.mock.seats.select_related("member"))
        by = data.draw(st.sampled_from([seat.member for seat in seats]))
        actions: dict[str, Callable[..., Any]] = {
            "accept": bookings.accept,
            "decline": bookings.decline,
            "take_back": bookings.take_back_proposal,
        }
        self.attempt(actions[verb], mock=proposal.mock, proposal=proposal, by=by)

    @precondition(lambda self: self.newest("proposed", "accepted", "confirmed") is not None)
    @rule(side=st.booleans(), days=st.integers(0, 3), hour=st.integers(9, 19), sees=st.booleans())
    def move(self, side: bool, days: int, hour: int, sees: bool) -> None:
        """Propose another time, having seen the open proposal or not."""
        mock = self.newest("proposed", "accepted", "confirmed")
        assert mock
        by = list(mock.seats.select_related("member"))[side].member
        day = (self.now + days * DAY).replace(hour=hour, minute=0, second=0, microsecond=0)
        standing = mock.proposals.filter(state="open").first() if sees else None
        self.attempt(bookings.propose_time, mock=mock, starts_at=day, by=by, answers=standing)

    @precondition(lambda self: self.newest("proposed", "accepted", "confirmed") is not None)
    @rule(days=st.integers(1, 3), hour=st.integers(9, 19))
    def agree_at_last(self, days: int, hour: int) -> None:
        """Have one propose a time and the other accept it."""
        mock = self.newest("proposed", "accepted", "confirmed")
        assert mock
        one, other = (seat.member for seat in mock.seats.select_related("member"))
        day = (self.now + days * DAY).replace(hour=hour, minute=0, second=0, microsecond=0)
        standing = mock.proposals.filter(state="open").first()
        self.attempt(bookings.propose_time, mock=mock, starts_at=day, by=one, answers=standing)
        standing = mock.proposals.filter(state="open", by=one).first()
        if standing:
            self.attempt(bookings.accept, mock=mock, proposal=standing, by=other)

    @precondition(lambda self: self.newest("accepted", "confirmed") is not None)
    @rule(minutes=st.integers(-14, 30), who=st.sampled_from(["one", "both"]))
    def come(self, minutes: int, who: str) -> None:
        """Let one or both confirm in time and come."""
        mock = self.newest("accepted", "confirmed")
        assert mock
        both = [seat.member for seat in mock.seats.select_related("member")]
        self.now = max(self.now, mock.starts_at - timedelta(hours=20))
        for person in both:
            self.attempt(bookings.confirm, mock=mock, by=person)
        self.now = max(self.now, mock.starts_at + timedelta(minutes=minutes))
        for person in both if who == "both" else both[:1]:
            self.attempt(sessions.arrive, mock=mock, by=person)

    @precondition(lambda self: self.newest("accepted", "confirmed", "running") is not None)
    @rule(
        side=st.booleans(),
        verb=st.sampled_from(["confirm", "cancel", "room", "arrive", "absent", "finish"]),
    )
    def keep_or_break(self, side: bool, verb: str) -> None:
        """Do to an agreed mock what one may, or may not, do to it now."""
        mock = self.newest("accepted", "confirmed", "running")
        assert mock
        by = list(mock.seats.select_related("member"))[side].member
        if verb == "room":
            url = f"https://meet.example/{self.now.timestamp():.0f}"
            self.attempt(bookings.set_video_room, mock=mock, by=by, video_url=url)
            return
        actions: dict[str, Callable[..., Any]] = {
            "confirm": bookings.confirm,
            "cancel": bookings.cancel,
            "arrive": sessions.arrive,
            "absent": sessions.absent_then_alone,
            "finish": sessions.finish,
        }
        self.attempt(actions[verb], mock=mock, by=by)

    @invariant()
    def no_two_held_seats_overlap(self) -> None:
        for person in self.people:
            held = list(person.seats.filter(is_held=True).order_by("starts_at"))
            for one, other in pairwise(held):
                assert one.ends_at <= other.starts_at

    @invariant()
    def seats_are_held_exactly_where_a_mock_is_agreed_or_was_held(self) -> None:
        for mock in Mock.objects.all():
            held = mock.seats.filter(is_held=True).count()
            assert held == (2 if mock.is_agreed or mock.state == "done" else 0), mock.state
            if mock.is_agreed:
                assert {seat.starts_at for seat in mock.seats.all()} == {mock.starts_at}

    @invariant()
    def every_move_was_a_legal_one(self) -> None:
        moves = Event.objects.filter(subject="loops.mock", verb__in=[*MockState])
        for event in moves.filter(data__has_key="before"):
            assert MockState(event.verb) in MOCK_MOVES[MockState(event.data["before"])]

    @invariant()
    def the_sequence_never_falls_and_each_edition_tells_a_person_one_thing(self) -> None:
        for mock in Mock.objects.all():
            assert mock.sequence >= self.sequences.get(mock.pk, 0)
            self.sequences[mock.pk] = mock.sequence
        told = Notice.objects.filter(kind__in=TELLS_A_CALENDAR)
        editions = list(told.values_list("person", "mock", "data__sequence"))
        assert len(editions) == len(set(editions))

    @invariant()
    def there_is_one_open_proposal_a_mock_and_none_once_it_is_over(self) -> None:
        over = [state for state in MockState if state not in MockState.live()]
        assert not Proposal.objects.filter(state="open", mock__state__in=over).exists()

    @invariant()
    def reliability_stays_between_nothing_and_all(self) -> None:
        known = reliability_of(self.people, self.now)
        assert all(0 <= one.permille <= 1000 for one in known.values())

    @invariant()
    def no_outcome_stands_against_somebody_who_kept_their_word(self) -> None:
        blamed = Seat.objects.filter(outcome="no_show")
        assert not blamed.exclude(arrived_at=None).exists()


@pytest.mark.django_db
def test_histories() -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
