"""Hours, days, limits and blocks: what is kept, what is merged, whom a block parts."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.http import Http404

from loops import access
from loops.actions import availability, bookings, sessions
from loops.actions.availability import WeekChanged, WeekFacts
from loops.actions.bookings import MockChanged, NotMeeting
from loops.actions.notices import tell
from loops.models import (
    Block,
    Cohort,
    DayHours,
    DaysAway,
    Event,
    Membership,
    Mock,
    MockLimits,
    Notice,
    Round,
    Seat,
    Standby,
    User,
)
from loops.queries.availability import partners_of, slots_between
from loops.queries.blocks import blocked_by, known_to
from loops.week import Span, digest
from tests import factories
from tests.factories import NOW
from tests.threads import together

BERLIN, KOLKATA = "Europe/Berlin", "Asia/Kolkata"
EVENING = Span(0, 18 * 60, 22 * 60)
NIGHT = Span(6, 22 * 60, 26 * 60 + 30)
SATURDAY = date(2026, 3, 7)


def save(user: User, *spans: Span, known: str | None = None, **facts: Any) -> Any:
    """Save a week as a form does that was loaded a moment ago, or with a digest of its own."""
    week = WeekFacts(spans, facts.pop("zone", BERLIN), **facts)
    return availability.save_week(
        user=user, week=week, known=kept(user) if known is None else known, by=user, at=NOW
    )


def kept(user: User) -> str:
    return digest(
        user.weekly_hours.values_list(
            "weekday", "start_minute", "end_minute", "time_zone", "valid_from", "valid_to"
        )
    )


def spans_of(user: User) -> list[Span]:
    rows = user.weekly_hours.values_list("weekday", "start_minute", "end_minute")
    return sorted(Span(*row) for row in rows)


def verbs() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("verb", flat=True))


# The week


def test_a_week_is_kept_with_its_zone_and_its_days(candidate: User) -> None:
    save(candidate, EVENING, NIGHT, valid_from=date(2026, 3, 2), valid_to=date(2026, 4, 30))

    assert spans_of(candidate) == [EVENING, NIGHT]
    assert set(candidate.weekly_hours.values_list("time_zone", "valid_from", "valid_to")) == {
        (BERLIN, date(2026, 3, 2), date(2026, 4, 30))
    }


def test_a_newer_week_replaces_the_older_one(candidate: User, peer: User) -> None:
    save(peer, EVENING)
    save(candidate, EVENING)
    save(candidate, NIGHT, zone=KOLKATA)

    assert spans_of(candidate) == [NIGHT]
    assert spans_of(peer) == [EVENING]
    assert verbs() == ["week_saved"] * 3


def test_spans_that_overlap_are_kept_as_one_and_told(candidate: User) -> None:
    found = save(candidate, EVENING, Span(0, 21 * 60, 23 * 60))

    assert spans_of(candidate) == [Span(0, 18 * 60, 23 * 60)]
    assert [str(span) for span in found.joined[0].before] == ["18:00–22:00", "21:00–23:00"]


def test_the_same_form_twice_is_once(candidate: User) -> None:
    known = kept(candidate)
    save(candidate, EVENING, known=known)
    rows = list(candidate.weekly_hours.values_list("pk", flat=True))
    save(candidate, EVENING, known=known)

    assert list(candidate.weekly_hours.values_list("pk", flat=True)) == rows
    assert verbs() == ["week_saved"]


def test_an_older_window_does_not_overwrite_a_newer_week(candidate: User) -> None:
    known = kept(candidate)
    save(candidate, EVENING, known=known)

    with pytest.raises(WeekChanged):
        save(candidate, NIGHT, known=known)
    assert spans_of(candidate) == [EVENING]

    save(candidate, NIGHT)
    assert spans_of(candidate) == [NIGHT]


def test_a_week_can_be_emptied(candidate: User) -> None:
    save(candidate, EVENING)
    save(candidate)

    assert spans_of(candidate) == []


@pytest.mark.django_db(transaction=True)
def test_two_windows_that_save_at_once_leave_one_whole_week(candidate: User) -> None:
    known = kept(candidate)
    other = Span(2, 600, 700)

    told = together(
        [
            partial(save, candidate, EVENING, NIGHT, known=known),
            partial(save, candidate, other, known=known),
        ]
    )

    assert sorted(type(one).__name__ for one in told) == ["Tidied", "WeekChanged"]
    assert spans_of(candidate) in ([EVENING, NIGHT], [other])


def test_removing_all_hours_leaves_agreed_mocks(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.week(candidate)
    mock = factories.mock(candidate, peer, cohort)
    before = Mock.objects.values().get()

    save(candidate)
    day = mock.starts_at.date()
    availability.save_day(user=candidate, on=day, span=None, zone="UTC", by=candidate, at=NOW)
    availability.add_days_away(
        user=candidate, from_on=day, to_on=day, note="", zone="UTC", by=candidate, at=NOW
    )

    assert Mock.objects.values().get() == before
    assert mock.seats.filter(is_held=True).count() == 2


# The zone


def test_hours_follow_to_another_zone_and_back(candidate: User) -> None:
    save(candidate, EVENING)
    known = kept(candidate)
    follow = partial(availability.follow_zone, user=candidate, by=candidate, at=NOW)

    follow(was=BERLIN, zone=KOLKATA)
    follow(was=BERLIN, zone=KOLKATA)  # a double click
    assert set(candidate.weekly_hours.values_list("time_zone", flat=True)) == {KOLKATA}
    assert spans_of(candidate) == [EVENING]

    follow(was=KOLKATA, zone=BERLIN)
    assert kept(candidate) == known
    assert verbs() == ["week_saved", "hours_followed", "hours_followed"]


def test_hours_that_went_elsewhere_meanwhile_do_not_follow(candidate: User) -> None:
    save(candidate, EVENING, zone="Asia/Tokyo")

    with pytest.raises(WeekChanged):
        availability.follow_zone(user=candidate, was=BERLIN, zone=KOLKATA, by=candidate, at=NOW)
    assert set(candidate.weekly_hours.values_list("time_zone", flat=True)) == {"Asia/Tokyo"}


def test_an_agreed_mock_does_not_follow(candidate: User, peer: User, cohort: Cohort) -> None:
    save(candidate, EVENING)
    mock = factories.mock(candidate, peer, cohort)

    availability.follow_zone(user=candidate, was=BERLIN, zone=KOLKATA, by=candidate, at=NOW)

    assert Mock.objects.get().starts_at == mock.starts_at


# Days of their own


def days(user: User) -> list[tuple[int | None, int | None]]:
    return list(user.day_hours.values_list("start_minute", "end_minute"))


@pytest.mark.parametrize(
    ("spans", "left"),
    [
        ([None], [(None, None)]),
        ([None, None], [(None, None)]),
        ([None, (600, 720)], [(600, 720)]),
        ([(600, 720), None], [(None, None)]),
        ([(600, 720), (900, 960)], [(600, 720), (900, 960)]),
        ([(600, 720), (600, 720)], [(600, 720)]),
        ([(600, 720), (630, 660)], [(600, 720)]),
        ([(600, 720), (700, 960)], [(600, 960)]),
        ([(600, 720), (720, 960)], [(600, 720), (720, 960)]),
        ([(600, 720), (900, 960), (700, 910)], [(600, 960)]),
        ([(600, 1440), (1320, 1320 + 1440)], [(600, 2040)]),
    ],
)
def test_hours_of_a_date_add_up(candidate: User, spans: list[Any], left: list[Any]) -> None:
    for span in spans:
        availability.save_day(
            user=candidate, on=SATURDAY, span=span, zone=BERLIN, by=candidate, at=NOW
        )

    assert days(candidate) == left


@pytest.mark.parametrize("span", [None, (600, 720)])
def test_hours_of_a_date_sent_twice_are_one(candidate: User, span: Any) -> None:
    rows = [
        availability.save_day(
            user=candidate, on=SATURDAY, span=span, zone=BERLIN, by=candidate, at=NOW
        )
        for _press in range(2)
    ]

    assert rows[0] == rows[1]
    assert verbs() == ["day_saved"]


def test_hours_of_a_date_are_taken_back_one_by_one(candidate: User, peer: User) -> None:
    for user in (candidate, peer):
        for span in ((600, 720), (900, 960)):
            availability.save_day(user=user, on=SATURDAY, span=span, zone=BERLIN, by=user, at=NOW)
    first, second = candidate.day_hours.all()
    remove = partial(availability.remove_day, by=candidate, at=NOW)

    assert [remove(day=first), remove(day=first), remove(day=second)] == [1, 1, 0]
    assert DayHours.objects.filter(user=peer).count() == 2
    assert verbs().count("day_removed") == 2


def test_days_away_are_added_once_and_removed_once(candidate: User) -> None:
    add = partial(
        availability.add_days_away,
        user=candidate,
        from_on=SATURDAY,
        to_on=SATURDAY + timedelta(days=3),
        zone=BERLIN,
        by=candidate,
        at=NOW,
    )

    add(note="Conference")
    away = add(note="Conference, and the train")
    assert DaysAway.objects.get().note == "Conference, and the train"

    for _press in range(2):
        availability.remove_days_away(away=away, by=candidate, at=NOW)
    assert verbs() == ["away_added", "away_removed"]


def test_limits_are_kept(candidate: User) -> None:
    for most in (1, 2):
        availability.save_limits(
            user=candidate,
            notice_minutes=120,
            horizon_days=14,
            most_a_day=most,
            most_a_week=5,
            gap_minutes=30,
            by=candidate,
            at=NOW,
        )

    limits = MockLimits.objects.get()
    assert (limits.notice_minutes, limits.most_a_day, limits.gap_minutes) == (120, 2, 30)


# Blocks


def block(by: User, whom: User, at: Any = NOW) -> Block:
    return availability.block(whom=whom, by=by, at=at)


@pytest.fixture
def round_(candidate: User, cohort: Cohort) -> Round:
    """The candidate's round with prompts enough."""
    factories.edition("sd_ambiguous", prompts=4)
    return factories.loop(candidate, cohort).rounds.get()


@pytest.fixture(params=["by the candidate", "by the peer"])
def parted(request: pytest.FixtureRequest, candidate: User, peer: User) -> Block:
    """A block between the two; it works both ways."""
    pair = (candidate, peer) if request.param == "by the candidate" else (peer, candidate)
    return block(*pair)


def test_a_block_is_made_once_and_taken_back_once(candidate: User, peer: User) -> None:
    block(candidate, peer)
    block(candidate, peer)
    assert Block.objects.count() == 1

    take_back = partial(availability.unblock, whom=peer, by=candidate, at=NOW)
    assert [take_back(), take_back()] == [True, False]
    assert verbs() == ["blocked", "unblocked"]


def test_taking_ones_own_block_back_leaves_the_others(candidate: User, peer: User) -> None:
    block(candidate, peer)
    block(peer, candidate)
    availability.unblock(whom=peer, by=candidate, at=NOW)

    assert peer not in partners_of(candidate, Cohort.objects.get())


def test_parted_people_are_not_on_each_others_lists(
    parted: Block, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    assert list(partners_of(candidate, cohort)) == [second_peer]
    assert list(partners_of(peer, cohort)) == [second_peer]
    for one, other in ((candidate, peer), (peer, candidate)):
        with pytest.raises(Http404):
            access.partner_to_meet(one, cohort, other.public_id)
        assert access.partner_to_meet(second_peer, cohort, other.public_id) == other


@pytest.mark.parametrize("who", ["candidate", "peer"])
def test_parted_people_propose_nothing_to_each_other(  # noqa: PLR0917 - both of the pair, and who asks
    request: pytest.FixtureRequest,
    parted: Block,
    candidate: User,
    peer: User,
    cohort: Cohort,
    who: str,
) -> None:
    by: User = request.getfixturevalue(who)
    factories.edition("sd_ambiguous", prompts=4)
    own = factories.loop(by, cohort).rounds.get()
    for user in (candidate, peer):
        factories.week(user)
    slot = slots_between(candidate, peer, minutes=60, at=NOW).slots[0]

    with pytest.raises(NotMeeting) as refusal:
        bookings.propose(
            partner=peer if by == candidate else candidate,
            round_=own,
            starts_at=slot.period.starts_at,
            by=by,
            at=NOW,
        )
    assert not Mock.objects.exists()

    Block.objects.all().delete()
    Membership.objects.filter(user=peer if by == candidate else candidate).delete()
    with pytest.raises(NotMeeting) as of_one_who_left:
        bookings.propose(
            partner=peer if by == candidate else candidate,
            round_=own,
            starts_at=slot.period.starts_at,
            by=by,
            at=NOW,
        )
    assert str(refusal.value) == str(of_one_who_left.value)  # nothing tells the two apart


def test_parted_people_accept_and_move_nothing(candidate: User, peer: User, cohort: Cohort) -> None:
    """A proposal that slipped through, as a race of old could leave one, is not accepted."""
    mock = factories.mock(candidate, peer, cohort, state=Mock.State.PROPOSED)
    Block.objects.create(by=peer, whom=candidate, at=NOW)
    proposal = mock.proposals.get()

    with pytest.raises(NotMeeting):
        bookings.accept(mock=mock, proposal=proposal, by=peer, at=NOW)
    with pytest.raises(NotMeeting):
        bookings.propose_time(
            mock=mock, starts_at=mock.starts_at, by=peer, at=NOW, answers=proposal
        )


@pytest.mark.parametrize("who", ["candidate", "peer"])
def test_parted_people_do_not_meet_from_standby(  # noqa: PLR0917 - both of the pair, and who asks
    request: pytest.FixtureRequest,
    parted: Block,
    candidate: User,
    peer: User,
    cohort: Cohort,
    who: str,
) -> None:
    caller: User = request.getfixturevalue(who)
    ready = peer if caller == candidate else candidate
    factories.edition("sd_ambiguous", prompts=4)
    own = factories.loop(caller, cohort).rounds.get()
    standby = Standby.objects.create(
        user=ready, cohort=cohort, since=NOW, until=NOW + timedelta(hours=2)
    )

    with pytest.raises(NotMeeting):
        sessions.meet_now(standby=standby, round_=own, by=caller, at=NOW)


def test_a_block_ends_what_was_agreed_without_blame_and_without_a_word_of_it(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    soon = NOW + timedelta(hours=3)  # so late that cancelling would count
    mock = factories.mock(candidate, peer, cohort, starts_at=soon)

    block(peer, candidate)

    mock.refresh_from_db()
    assert mock.state == Mock.State.CANCELLED
    assert set(mock.seats.values_list("is_held", "outcome")) == {(False, "")}
    notice = Notice.objects.get(person=candidate)
    assert notice.kind == Notice.Kind.CANCELLED
    told = {key: value for key, value in notice.data.items() if key != "by"}
    assert "block" not in repr(told).lower()


@pytest.mark.parametrize("who", ["candidate", "peer"])
def test_a_block_ends_a_proposal_as_an_ordinary_answer_does(
    request: pytest.FixtureRequest, candidate: User, peer: User, cohort: Cohort, who: str
) -> None:
    by: User = request.getfixturevalue(who)

    def ended(end: Callable[[Mock], object]) -> list[object]:
        """Return all that either can see of a proposal that was ended so."""
        mock = factories.mock(candidate, peer, cohort, state=Mock.State.PROPOSED)
        proposal = mock.proposals.get()
        tell(peer, Notice.Kind.PROPOSED, f"proposal:{proposal.pk}", mock=mock, at=NOW)
        end(mock)
        mock.refresh_from_db()
        told = Notice.objects.filter(mock=mock).order_by("pk")
        seen = told.values_list("person", "kind", "withdrawn_at", "read_at", "mail_state")
        return [mock.state, mock.proposals.get().state, *seen]

    def answered(mock: Mock) -> object:
        answer = bookings.take_back_proposal if by == candidate else bookings.decline
        return answer(mock=mock, proposal=mock.proposals.get(), by=by, at=NOW)

    ordinary = ended(answered)
    assert ended(lambda _mock: block(by, peer if by == candidate else candidate)) == ordinary


def test_a_block_leaves_what_has_begun_or_is_over_and_other_pairs(
    candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    hour = timedelta(hours=1)
    left = [
        factories.mock(candidate, peer, cohort, starts_at=NOW - hour / 2, kind="coding"),
        factories.mock(candidate, peer, cohort, starts_at=NOW - 9 * hour, state="done", kind="xfn"),
        factories.mock(candidate, second_peer, cohort, starts_at=NOW + 9 * hour),
    ]
    before = list(Mock.objects.order_by("pk").values())

    block(candidate, peer)

    assert list(Mock.objects.order_by("pk").values()) == before
    assert len(before) == len(left)


def test_parted_people_still_share_a_cohort(
    parted: Block, candidate: User, peer: User, outsider: User
) -> None:
    """So that who was blocked can block, or see the member list, as anybody."""
    assert list(known_to(candidate)) == [peer]
    assert list(known_to(peer)) == [candidate]
    assert list(known_to(outsider)) == []


def test_a_block_is_read_by_its_maker_alone(candidate: User, peer: User, cohort: Cohort) -> None:
    block(candidate, peer)

    assert [(one.user, one.name) for one in blocked_by(candidate)] == [(peer, "peer-102")]
    assert blocked_by(peer) == []

    Cohort.objects.update(is_named=True)
    assert [one.name for one in blocked_by(candidate)] == ["Peer"]


@pytest.mark.django_db(transaction=True)
def test_a_block_and_an_acceptance_at_once_leave_no_mock(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    for number in range(4):
        mock = factories.mock(
            candidate,
            peer,
            cohort,
            state=Mock.State.PROPOSED,
            starts_at=NOW + timedelta(days=2 + number),
            kind=f"kind_{number}",
        )
        told = together(
            [
                partial(bookings.accept, mock=mock, proposal=mock.proposals.get(), by=peer, at=NOW),
                partial(block, peer, candidate),
            ]
        )
        mock.refresh_from_db()
        assert mock.state == Mock.State.CANCELLED, told
        assert not Seat.objects.filter(is_held=True).exists()
        assert isinstance(told[0], Mock | MockChanged | NotMeeting), told
        assert isinstance(told[1], Block), told
        Block.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_a_block_and_a_proposal_at_once_leave_no_proposal(
    candidate: User, peer: User, round_: Round
) -> None:
    for user in (candidate, peer):
        factories.week(user)
    slots = slots_between(candidate, peer, minutes=60, at=NOW).slots
    for slot in slots[:4]:
        together(
            [
                partial(
                    bookings.propose,
                    partner=peer,
                    round_=round_,
                    starts_at=slot.period.starts_at,
                    by=candidate,
                    at=NOW,
                ),
                partial(block, peer, candidate),
            ]
        )
        assert not Mock.objects.filter(state=Mock.State.PROPOSED).exists()
        Block.objects.all().delete()
