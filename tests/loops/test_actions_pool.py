"""The pool: asking and leaving, the week's pairing, pairing at once, and what those left hear."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loops import matching, reasons
from loops.actions import bookings, pool
from loops.errors import Refused
from loops.models import (
    Block,
    Cohort,
    DayHours,
    Event,
    MatchRequest,
    MatchRun,
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
from loops.queries.pairing import Grid, open_requests, pool_of
from loops.queries.pool import last_pairing, next_pairing, week_paired
from loops.tasks import sweep
from loops.telling import told
from tests import factories
from tests.factories import NOW
from tests.threads import together

SUNDAY = datetime(2026, 3, 8, 18, tzinfo=UTC)
MONDAY = date(2026, 3, 9)
OPEN, MATCHED, WITHDRAWN = "open", "matched", "withdrawn"


def run(cohort: Cohort, at: datetime = SUNDAY, week_on: date = MONDAY) -> MatchRun | None:
    return pool.match_cohort(cohort_id=cohort.pk, week_on=week_on, at=at)


def now(cohort: Cohort, at: datetime = NOW) -> list[Mock]:
    return pool.match_at_once(cohort_id=cohort.pk, at=at)


def fresh(*requests: MatchRequest) -> Iterator[MatchRequest]:
    for request in requests:
        request.refresh_from_db()
        yield request


def asked(by: User, cohort: Cohort, *rounds: Round, at: datetime = NOW, **wishes: Any) -> Any:
    wishes = {"wants_swap": True, "is_urgent": False, "books_at_once": False, **wishes}
    return pool.ask(by=by, cohort=cohort, rounds=rounds, at=at, **wishes)


# Asking and leaving


def test_asking_is_waiting(round_: Round, candidate: User, cohort: Cohort) -> None:
    request = asked(candidate, cohort, round_, is_urgent=True)

    assert (request.state, request.weeks_waited, request.created_at) == (OPEN, 0, NOW)
    assert (request.wants_swap, request.is_urgent, request.books_at_once) == (True, True, False)
    assert list(request.rounds.all()) == [round_]
    assert Event.objects.get(verb="asked").subject_id == request.pk


def test_asking_again_changes_what_was_asked_and_keeps_the_place(
    candidate: User, cohort: Cohort
) -> None:
    old = factories.pool_request(
        candidate, cohort, weeks_waited=2, unmatched_code="alone", unmatched_data={"hours": []}
    )
    other = factories.loop(candidate, cohort, kinds=["coding"]).rounds.get()

    request = asked(candidate, cohort, other, wants_swap=False)

    assert request == old
    assert (request.weeks_waited, request.created_at) == (2, old.created_at)
    assert (request.unmatched_code, request.unmatched_data) == ("", {})
    assert list(request.rounds.all()) == [other]
    assert MatchRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_asking_from_two_tabs_at_once_is_asking_once(
    round_: Round, candidate: User, cohort: Cohort
) -> None:
    made = together([lambda: asked(candidate, cohort, round_)] * 4)

    assert len({request.pk for request in made}) == 1
    assert MatchRequest.objects.count() == 1


def test_a_round_without_an_unseen_prompt_is_not_worth_asking_for(
    round_: Round, candidate: User, cohort: Cohort
) -> None:
    for prompt in factories.in_force().prompts.all():
        _met(candidate, prompt.key)

    with pytest.raises(bookings.NoUnseenPrompt):
        asked(candidate, cohort, round_)

    other = factories.loop(candidate, cohort, kinds=["coding"]).rounds.get()
    assert asked(candidate, cohort, round_, other).rounds.count() == 2


def test_a_round_of_somebody_else_or_of_another_cohort_is_none(
    round_: Round, candidate: User, peer: User, cohort: Cohort
) -> None:
    elsewhere = factories.cohort(candidate)
    for by, where in [(peer, cohort), (candidate, elsewhere)]:
        with pytest.raises(Refused) as refusal:
            asked(by, where, round_)
        assert refusal.value.code == "round_missing"


def test_leaving_twice_is_leaving_once(candidate: User, cohort: Cohort) -> None:
    request = factories.pool_request(candidate, cohort)

    pool.withdraw(request=request, by=candidate, at=NOW)
    pool.withdraw(request=request, by=candidate, at=NOW + timedelta(hours=1))

    request.refresh_from_db()
    assert (request.state, request.closed_at) == (WITHDRAWN, NOW)
    assert Event.objects.filter(verb="withdrawn").count() == 1


def test_who_is_paired_cannot_leave(candidate: User, peer: User, cohort: Cohort) -> None:
    request = factories.pool_request(candidate, cohort)
    factories.pool_request(peer, cohort)
    run(cohort)

    with pytest.raises(pool.AlreadyPaired):
        pool.withdraw(request=request, by=candidate, at=SUNDAY)


# When


@pytest.mark.parametrize(
    ("at", "last", "following", "monday"),
    [
        ("2026-03-08 17:59", "2026-03-01 18:00", "2026-03-08 18:00", "2026-03-02"),
        ("2026-03-08 18:00", "2026-03-08 18:00", "2026-03-15 18:00", "2026-03-09"),
        ("2026-03-09 00:00", "2026-03-08 18:00", "2026-03-15 18:00", "2026-03-09"),
        ("2026-12-31 23:00", "2026-12-27 18:00", "2027-01-03 18:00", "2026-12-28"),
    ],
)
def test_pools_are_paired_on_sundays_for_the_week_that_follows(
    at: str, last: str, following: str, monday: str
) -> None:
    moment = datetime.fromisoformat(f"{at}+00:00")

    assert last_pairing(moment) == datetime.fromisoformat(f"{last}+00:00")
    assert next_pairing(moment) == datetime.fromisoformat(f"{following}+00:00")
    assert week_paired(moment).isoformat() == monday


def test_a_pool_is_due_from_sunday_evening_until_it_was_paired(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.pool_request(candidate, cohort)
    factories.cohort(peer)  # nobody has ever asked there

    assert pool.due_weekly(SUNDAY - timedelta(seconds=1)) == [cohort.pk]  # of the week before
    run(cohort, at=NOW, week_on=week_paired(NOW))
    assert pool.due_weekly(SUNDAY - timedelta(seconds=1)) == []
    assert pool.due_weekly(SUNDAY) == [cohort.pk]
    run(cohort)
    assert pool.due_weekly(SUNDAY + timedelta(days=3)) == []
    assert pool.due_weekly(SUNDAY + timedelta(days=7)) == [cohort.pk]


def test_who_comes_first_on_a_tuesday_waits_for_sunday(candidate: User, cohort: Cohort) -> None:
    tuesday = SUNDAY + timedelta(days=2)
    factories.pool_request(candidate, cohort, created_at=tuesday)

    assert pool.due_weekly(tuesday + timedelta(minutes=1)) == []
    assert pool.due_weekly(SUNDAY + timedelta(days=7)) == [cohort.pk]


def test_a_pool_that_stood_empty_on_sunday_is_not_paired_on_tuesday(
    candidate: User, cohort: Cohort
) -> None:
    request = factories.pool_request(candidate, cohort, state=MATCHED)
    run(cohort)
    MatchRequest.objects.filter(pk=request.pk).update(state=OPEN)  # the mock was declined

    assert pool.due_weekly(SUNDAY + timedelta(days=2)) == []


def test_the_sweep_rings_for_what_is_due(
    candidate: User, cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(pool, "enqueue", lambda task, **ids: rung.append((task, ids["cohort_id"])))
    factories.pool_request(candidate, cohort, is_urgent=True)

    sweep()

    assert ("loops.tasks.match_cohort", cohort.pk) in rung
    assert ("loops.tasks.match_at_once", cohort.pk) in rung


def test_who_cannot_wait_is_looked_at_again_after_a_while(candidate: User, cohort: Cohort) -> None:
    factories.pool_request(candidate, cohort, is_urgent=True)
    assert pool.due_at_once(NOW) == [cohort.pk]

    now(cohort, NOW)

    assert pool.due_at_once(NOW + timedelta(minutes=4)) == []
    assert pool.due_at_once(NOW + timedelta(minutes=6)) == [cohort.pk]


# The week's pairing


def test_two_who_share_a_round_and_an_hour_are_proposed_a_mock(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    requests = [
        factories.pool_request(person, cohort, wants_swap=True) for person in (candidate, peer)
    ]

    run(cohort)

    mock = Mock.objects.get()
    assert (mock.state, mock.origin, mock.cohort) == ("proposed", "matched", cohort)
    assert [(one.state, one.mock) for one in fresh(*requests)] == [(MATCHED, mock)] * 2
    assert {one.kind for one in Notice.objects.filter(mock=mock)} == {"paired"}
    assert MatchRun.objects.values_list("week_on", "people", "pairs").get() == (MONDAY, 2, 1)
    assert not Seat.objects.filter(is_held=True).exists()


def test_the_time_lies_in_the_hours_of_both_and_past_their_notice(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.week(candidate, "Asia/Kathmandu", start=18 * 60, end=22 * 60)  # 12:15-16:15 UTC
    factories.week(peer, "America/New_York", start=8 * 60, end=12 * 60)  # 12:00-16:00 UTC
    for person in (candidate, peer):
        factories.pool_request(person, cohort)

    run(cohort)

    mock = Mock.objects.get()
    assert mock.starts_at == datetime(2026, 3, 9, 12, 30, tzinfo=UTC)
    assert mock.ends_at - mock.starts_at == timedelta(minutes=2 * (45 + 10))


def test_both_answer_where_both_wish_it(candidate: User, peer: User, cohort: Cohort) -> None:
    for person in (candidate, peer):
        factories.pool_request(person, cohort)

    run(cohort)

    turns = Mock.objects.get().turns.order_by("position")
    assert [(turn.candidate, turn.interviewer) for turn in turns] == [
        (candidate, peer),
        (peer, candidate),
    ]


def test_two_shared_kinds_are_one_for_each(candidate: User, peer: User, cohort: Cohort) -> None:
    done = SUNDAY - timedelta(days=20)
    for person in (candidate, peer):
        factories.pool_request(person, cohort, "coding", "sd_ambiguous")
    factories.mock(candidate, peer, cohort, kind="coding", state="done", starts_at=done)

    run(cohort)

    turns = Mock.objects.get(state="proposed").turns.order_by("position")
    assert [(turn.candidate, turn.round.round_kind.key) for turn in turns] == [
        (candidate, "sd_ambiguous"),  # who has practised the one already
        (peer, "coding"),
    ]


def test_the_one_prompt_that_both_have_not_met_serves_one_turn(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    requests = [factories.pool_request(person, cohort) for person in (candidate, peer)]
    for person in (candidate, peer):
        _met(person, "prompt_1")

    run(cohort)

    assert Mock.objects.get().turns.count() == 1
    assert [one.state for one in fresh(*requests)] == [MATCHED, OPEN]


def test_where_one_wishes_no_swap_who_waited_longest_answers_and_the_other_keeps_waiting(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    short = factories.pool_request(candidate, cohort, wants_swap=False, weeks_waited=1)
    long = factories.pool_request(peer, cohort, wants_swap=True, weeks_waited=3)

    run(cohort)

    mock = Mock.objects.get()
    assert [(turn.candidate, turn.interviewer) for turn in mock.turns.all()] == [(peer, candidate)]
    assert mock.ends_at - mock.starts_at == timedelta(minutes=55)
    short, long = fresh(short, long)
    assert (long.state, long.mock) == (MATCHED, mock)
    assert (short.state, short.mock, short.weeks_waited) == (OPEN, None, 2)
    assert short.unmatched_code == reasons.INTERVIEWS
    assert set(Notice.objects.values_list("kind", flat=True)) == {"paired"}


def test_roles_do_not_swap_where_the_common_time_is_too_short_for_it(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.week(candidate, start=12 * 60, end=13 * 60)
    for person in (candidate, peer):
        factories.pool_request(person, cohort)

    run(cohort)

    mock = Mock.objects.get()
    assert mock.turns.count() == 1
    assert (mock.starts_at.hour, mock.ends_at - mock.starts_at) == (12, timedelta(minutes=55))


def test_a_loop_that_cuts_a_round_short_makes_a_shorter_mock(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    for person in (candidate, peer):
        factories.pool_request(person, cohort, wants_swap=False)
    Round.objects.update(minutes=15)

    run(cohort)

    mock = Mock.objects.get()
    assert mock.ends_at - mock.starts_at == timedelta(minutes=25)


def test_a_kind_too_long_for_ones_hours_is_left_and_the_shorter_one_taken(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.week(candidate, start=12 * 60, end=12 * 60 + 60)
    for person in (candidate, peer):
        factories.pool_request(person, cohort, "coding", "deep_dive", wants_swap=False)
    Round.objects.filter(round_kind__key="deep_dive").update(minutes=60)

    run(cohort)

    assert Mock.objects.get().turns.get().round.round_kind.key == "coding"


def test_the_target_of_the_asked_rounds_is_the_level(cohort: Cohort, candidate: User) -> None:
    near, far = (factories.person(name) for name in ("near-1", "far-2"))
    for person, rank in ((candidate, 1), (far, 3), (near, 1)):
        if person != candidate:
            factories.join(cohort, person)
        factories.pool_request(person, cohort, target_rank=rank)

    run(cohort)

    assert set(Mock.objects.get().seats.values_list("member", flat=True)) == {candidate.pk, near.pk}


def test_kinds_of_another_ladder_are_other_kinds(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.edition("em_people", ladder="em")
    factories.pool_request(candidate, cohort)
    request = factories.pool_request(peer, cohort, "em_people")

    run(cohort)

    assert not Mock.objects.exists()
    assert [one.unmatched_code for one in fresh(request)] == ["no_shared_kind"]


def test_past_partners_come_after_new_ones(candidate: User, cohort: Cohort) -> None:
    known, new = (factories.person(name) for name in ("known-1", "new-2"))
    for person in (candidate, known, new):
        if person != candidate:
            factories.join(cohort, person)
        factories.pool_request(person, cohort)
    factories.mock(candidate, known, cohort, state="done", starts_at=SUNDAY - timedelta(days=5))
    factories.mock(known, new, cohort, state="done", starts_at=SUNDAY - timedelta(days=6))

    run(cohort)

    made = Mock.objects.get(state="proposed")
    assert set(made.seats.values_list("member", flat=True)) == {candidate.pk, new.pk}


@pytest.mark.parametrize("state", ["cancelled", "expired", "no_show"])
def test_a_mock_that_was_not_held_is_no_past_pairing(
    candidate: User, peer: User, cohort: Cohort, state: str
) -> None:
    for person in (candidate, peer):
        factories.pool_request(person, cohort)
    factories.mock(candidate, peer, cohort, state=state, starts_at=SUNDAY - timedelta(days=5))

    assert _pool(cohort).people[candidate.pk].past_pairings == {}


def test_bad_hours_taken_in_the_last_ninety_days_are_a_debt(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.pool_request(candidate, cohort)
    for days, state in [(10, "done"), (80, "done"), (100, "done"), (20, "cancelled")]:
        made = factories.mock(
            candidate, peer, cohort, state=state, starts_at=SUNDAY - timedelta(days=days)
        )
        made.seats.update(is_bad_hour=True)

    assert _pool(cohort).people[candidate.pk].bad_hour_debt == 2


@pytest.mark.parametrize(("debtor", "hour"), [("peer", 22), ("candidate", 13)])
def test_who_took_the_bad_hour_is_spared_the_next_time(
    candidate: User, peer: User, cohort: Cohort, *, debtor: str, hour: int
) -> None:
    """22:30 UTC is a bad hour for the one in UTC, 13:30 for the one in Tokyo."""
    User.objects.filter(pk=peer.pk).update(time_zone="Asia/Tokyo")
    for person in (candidate, peer):
        for start in (13, 22):
            factories.week(person, start=start * 60 + 30, end=start * 60 + 90)
        factories.pool_request(person, cohort, wants_swap=False)
    past = factories.mock(
        candidate, peer, cohort, state="done", starts_at=SUNDAY - timedelta(days=30)
    )
    past.seats.filter(member__handle__startswith=debtor).update(is_bad_hour=True)

    run(cohort)

    assert Mock.objects.get(state="proposed").starts_at.hour == hour


def test_agreed_mocks_and_limits_close_hours(candidate: User, peer: User, cohort: Cohort) -> None:
    factories.pool_request(candidate, cohort)
    MockLimits.objects.create(user=candidate, most_a_day=1, most_a_week=1, notice_minutes=0)
    factories.mock(candidate, peer, cohort, starts_at=datetime(2026, 3, 10, 12, tzinfo=UTC))
    pool_ = _pool(cohort)

    starts = _starts(pool_.grid, pool_.people[candidate.pk].slots)

    days = {start.date().isoformat() for start in starts}
    assert "2026-03-08" in days
    assert not days & {f"2026-03-{day:02}" for day in range(9, 16)}
    assert "2026-03-16" in days
    assert all(9 <= start.hour <= 20 for start in starts)


def test_no_stretch_of_starts_runs_from_one_part_of_the_grid_into_the_other(
    candidate: User, cohort: Cohort
) -> None:
    """However short a mock is: here the last start of two weeks leaves room for one."""
    factories.pool_request(candidate, cohort)
    Round.objects.update(minutes=5)
    read = _pool(cohort)
    closed = read.people[candidate.pk].closed_slots
    last, wall = read.grid.wall - 1, read.grid.wall

    assert [closed >> slot & 1 for slot in (last, wall)] == [0, 1]


def test_a_mock_that_waits_for_an_answer_is_not_proposed_over(
    candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    taken = datetime(2026, 3, 9, 9, tzinfo=UTC)
    factories.mock(
        candidate, peer, cohort, state="proposed", origin="matched", asked_by=None, starts_at=taken
    )
    for person in (candidate, second_peer):
        factories.pool_request(person, cohort)

    run(cohort)

    made = Mock.objects.exclude(starts_at=taken).get()
    assert made.starts_at.date() == date(2026, 3, 10)  # one a day


@pytest.mark.parametrize(
    ("state", "days_ago", "pairs"),
    [("cancelled", 5, 0), ("expired", 5, 0), ("cancelled", 7, 1), ("proposed", 5, 0)],
)
def test_two_are_not_put_together_again_in_the_week_in_which_it_came_to_nothing(
    candidate: User, peer: User, cohort: Cohort, *, state: str, days_ago: int, pairs: int
) -> None:
    for person in (candidate, peer):
        factories.pool_request(person, cohort)
    factories.mock(
        candidate,
        peer,
        cohort,
        state=state,
        origin="matched",
        asked_by=None,
        starts_at=SUNDAY + timedelta(days=1),
        state_at=SUNDAY - timedelta(days=days_ago),
    )

    made = run(cohort)

    assert made is not None
    assert made.pairs == pairs


def test_blocks_are_silent(candidate: User, peer: User, cohort: Cohort) -> None:
    """Who is blocked reads what they would read if the other offered no hours."""
    request = factories.pool_request(candidate, cohort)
    factories.pool_request(peer, cohort)
    block = Block.objects.create(by=peer, whom=candidate, at=NOW)
    run(cohort)
    blocked = [(one.unmatched_code, one.unmatched_data) for one in fresh(request)]

    block.delete()
    WeeklyHours.objects.filter(user=peer).delete()
    run(cohort, week_on=MONDAY + timedelta(days=7))
    away = [(one.unmatched_code, one.unmatched_data) for one in fresh(request)]

    assert not Mock.objects.exists()
    assert blocked == away
    assert blocked[0][0] == "no_common_hour"


def test_who_has_left_the_cohort_or_is_inactive_waits_for_nobody(
    candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    for person in (candidate, peer, second_peer):
        factories.pool_request(person, cohort)
    peer.memberships.all().delete()
    User.objects.filter(pk=second_peer.pk).update(is_active=False)

    made = run(cohort)

    assert made is not None
    assert (made.people, made.pairs) == (1, 0)


def test_a_zone_that_is_gone_stops_nobody_else(
    candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    for person in (candidate, peer, second_peer):
        factories.pool_request(person, cohort)
    WeeklyHours.objects.filter(user=candidate).update(time_zone="Mars/Olympus")

    made = run(cohort)

    assert made is not None
    assert made.pairs == 1
    assert MatchRequest.objects.get(user=candidate).unmatched_code == "no_hours"


# Those left over


def test_who_is_left_over_is_told_why_and_what_would_help(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.week(candidate, start=9 * 60, end=11 * 60)
    factories.week(peer, start=18 * 60, end=21 * 60)
    request = factories.pool_request(candidate, cohort, wants_swap=False)
    factories.pool_request(peer, cohort, wants_swap=True)

    run(cohort)

    request.refresh_from_db()
    assert (request.state, request.weeks_waited) == (OPEN, 1)
    assert request.unmatched_code == "no_common_hour"
    assert request.unmatched_data["hours"] == [
        {
            "starts_at": "2026-03-09T18:00:00+00:00",
            "ends_at": "2026-03-09T19:00:00+00:00",
            "partners": 1,
        }
    ]
    notice = Notice.objects.get(person=candidate)
    assert (notice.kind, notice.subject) == ("unpaired", f"pool:{cohort.pk}:2026-03-09")
    assert notice.data["code"] == "no_common_hour"
    assert notice.data["hours"] == request.unmatched_data["hours"]
    said = told(notice)
    assert "Nobody who wants your rounds has an hour in common with you." in said.happened
    assert said.to_do[-1] == (
        "1 person more would fit, if you add Monday 9 March, 18:00–19:00 UTC."
    )


def test_the_hours_that_would_help_make_a_pair(candidate: User, peer: User, cohort: Cohort) -> None:
    factories.week(candidate, start=9 * 60, end=10 * 60)
    factories.week(peer, start=18 * 60, end=20 * 60)
    request = factories.pool_request(candidate, cohort)
    factories.pool_request(peer, cohort)
    run(cohort)
    request.refresh_from_db()

    help_ = request.unmatched_data["hours"][0]
    starts_at, ends_at = (datetime.fromisoformat(help_[name]) for name in ("starts_at", "ends_at"))
    DayHours.objects.create(
        user=candidate,
        on=starts_at.date(),
        start_minute=starts_at.hour * 60 + starts_at.minute,
        end_minute=ends_at.hour * 60 + ends_at.minute,
        time_zone="UTC",
    )
    again = run(cohort, at=SUNDAY + timedelta(minutes=5), week_on=MONDAY + timedelta(days=7))

    assert again is not None
    assert again.pairs == 1
    assert Mock.objects.get().starts_at == starts_at


def test_a_kind_that_one_has_a_round_of_is_what_would_help(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    """More people want other kinds; those are of no use to somebody without such a round."""
    request = factories.pool_request(candidate, cohort)
    factories.loop(candidate, cohort, kinds=["coding"])
    factories.pool_request(peer, cohort, "coding")
    for number, kind in enumerate(["xfn", "deep_dive", "ic_leadership"] * 2):
        person = factories.person(f"other-{number}")
        factories.join(cohort, person)
        factories.pool_request(person, cohort, kind)

    run(cohort)

    request.refresh_from_db()
    assert request.unmatched_code == "no_shared_kind"
    assert request.unmatched_data["kinds"] == [{"title": "Coding", "partners": 1}]


@pytest.mark.parametrize("reason", [*matching.Reason])
def test_every_reason_of_the_matcher_has_words(reason: matching.Reason) -> None:
    assert reasons.why(reason.value) is not None


def test_an_odd_one_out_waits_and_comes_first_the_next_week(
    candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    for person in (candidate, peer, second_peer):
        factories.pool_request(person, cohort)

    run(cohort)

    left = MatchRequest.objects.get(state=OPEN)
    assert (left.unmatched_code, left.weeks_waited) == ("odd_one_out", 1)
    assert left.user in {candidate, peer, second_peer}


def test_who_has_met_every_prompt_since_is_told_so(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    request = factories.pool_request(candidate, cohort)
    factories.pool_request(peer, cohort)
    for prompt in factories.in_force().prompts.all():
        _met(candidate, prompt.key)

    run(cohort)

    assert [one.unmatched_code for one in fresh(request)] == [reasons.NO_UNSEEN_PROMPT]


# Booking without asking


def test_who_wished_it_is_booked_without_being_asked(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    for person in (candidate, peer):
        factories.pool_request(person, cohort, books_at_once=True)

    run(cohort)

    mock = Mock.objects.get()
    assert mock.state in {"accepted", "confirmed"}
    assert mock.seats.filter(is_held=True).count() == 2
    assert mock.turns.filter(prompt=None).count() == 0
    shown = Notice.objects.filter(withdrawn_at=None, due_at__lte=SUNDAY)
    assert set(shown.values_list("kind", flat=True)) == {"agreed"}


def test_who_has_one_prompt_left_draws_it_before_the_other_does(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    """The first prompt has a kit, so whoever draws first would take it."""
    for person in (candidate, peer):
        factories.pool_request(person, cohort, books_at_once=True)
    _met(peer, "prompt_2")

    run(cohort)

    turns = Mock.objects.get().turns.order_by("position")
    assert [(turn.candidate, turn.prompt and turn.prompt.key) for turn in turns] == [
        (candidate, "prompt_2"),
        (peer, "prompt_1"),
    ]


def test_who_wished_it_alone_has_accepted_and_the_other_is_asked(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.pool_request(candidate, cohort, books_at_once=True)
    factories.pool_request(peer, cohort)

    run(cohort)

    mock = Mock.objects.get()
    accepted = mock.seats.exclude(accepted=None).values_list("member", flat=True)
    assert (mock.state, list(accepted)) == ("proposed", [candidate.pk])
    told = Notice.objects.filter(withdrawn_at=None, kind="paired")
    assert list(told.values_list("person", flat=True)) == [peer.pk]


def test_a_pair_that_fails_stops_no_other(
    candidate: User, peer: User, cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [factories.person(f"other-{number}") for number in range(2)]
    for person in others:
        factories.join(cohort, person)
    for person, kind in zip([candidate, peer, *others], ["coding"] * 2 + ["xfn"] * 2, strict=True):
        factories.pool_request(person, cohort, kind)
    whole = bookings.pair

    def failing(**facts: Any) -> Mock:
        mock = whole(**facts)
        if facts["plans"][0].candidate == candidate:
            raise bookings.NoUnseenPrompt
        return mock

    monkeypatch.setattr(bookings, "pair", failing)

    run(cohort)

    assert Mock.objects.count() == 1
    codes = dict(MatchRequest.objects.values_list("user", "unmatched_code"))
    assert codes[candidate.pk] == codes[peer.pk] == reasons.FELL_THROUGH
    assert MatchRequest.objects.filter(state=OPEN, weeks_waited=1).count() == 2


# Once only


def test_a_week_is_paired_once(candidate: User, peer: User, cohort: Cohort) -> None:
    for person in (candidate, peer):
        factories.pool_request(person, cohort)
    first = run(cohort)
    MatchRequest.objects.update(state=OPEN, mock=None)

    assert run(cohort, at=SUNDAY + timedelta(hours=1)) == first
    assert Mock.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_pair_a_week_once(candidate: User, cohort: Cohort) -> None:
    for number in range(5):
        person = factories.person(f"other-{number}")
        factories.join(cohort, person)
        factories.pool_request(person, cohort)
    factories.pool_request(candidate, cohort)

    ends = together([lambda: run(cohort)] * 4)

    assert not [end for end in ends if isinstance(end, Exception)]
    assert MatchRun.objects.get().pairs == Mock.objects.count() == 3
    assert MatchRequest.objects.filter(state=MATCHED).count() == 6


@pytest.mark.django_db(transaction=True)
def test_leaving_and_pairing_at_once_have_one_winner(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    request = factories.pool_request(candidate, cohort)
    factories.pool_request(peer, cohort)

    left, paired = together(
        [lambda: pool.withdraw(request=request, by=candidate, at=SUNDAY), lambda: run(cohort)]
    )

    request.refresh_from_db()
    assert isinstance(paired, MatchRun)
    if request.state == MATCHED:
        assert isinstance(left, pool.AlreadyPaired)
        assert paired.pairs == 1
    else:
        assert (request.state, paired.pairs) == (WITHDRAWN, 0)


# At once


def test_who_cannot_wait_gets_the_best_of_all_who_wait(
    candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.pool_request(candidate, cohort, is_urgent=True)
    factories.pool_request(peer, cohort, target_rank=1)
    best = factories.pool_request(second_peer, cohort)

    made = now(cohort)

    assert len(made) == 1
    assert set(made[0].seats.values_list("member", flat=True)) == {candidate.pk, second_peer.pk}
    assert [one.state for one in fresh(best)] == [MATCHED]
    assert MatchRequest.objects.get(user=peer).state == OPEN
    assert not MatchRun.objects.exists()


def test_nobody_is_paired_at_once_who_did_not_ask_for_it(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    for person in (candidate, peer):
        factories.pool_request(person, cohort)

    assert now(cohort) == []


def test_who_cannot_wait_answers_and_who_can_keeps_their_place(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.pool_request(candidate, cohort, is_urgent=True, wants_swap=False)
    patient = factories.pool_request(peer, cohort, weeks_waited=3)

    mock = now(cohort)[0]

    assert mock.turns.get().candidate == candidate
    assert [(one.state, one.weeks_waited) for one in fresh(patient)] == [(OPEN, 3)]


def test_nobody_interviews_twice_before_they_have_answered_once(
    candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.pool_request(candidate, cohort, is_urgent=True, wants_swap=False)
    factories.pool_request(peer, cohort)
    now(cohort)
    factories.pool_request(second_peer, cohort, is_urgent=True, wants_swap=False)

    assert now(cohort, NOW + timedelta(minutes=1)) == []


def test_who_finds_nobody_at_once_reads_why_and_is_not_written_to(
    candidate: User, cohort: Cohort
) -> None:
    request = factories.pool_request(candidate, cohort, is_urgent=True)

    assert now(cohort) == []

    request.refresh_from_db()
    assert (request.unmatched_code, request.weeks_waited) == ("alone", 0)
    assert not Notice.objects.exists()


def test_asking_rings_where_somebody_cannot_wait(
    round_: Round,
    candidate: User,
    peer: User,
    cohort: Cohort,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(pool, "enqueue", lambda task, **ids: rung.append((task, ids["cohort_id"])))

    asked(candidate, cohort, round_)
    assert rung == []
    factories.pool_request(peer, cohort, is_urgent=True)
    asked(candidate, cohort, round_)
    assert rung == [("loops.tasks.match_at_once", cohort.pk)]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_pair_who_cannot_wait_once(
    candidate: User, peer: User, cohort: Cohort
) -> None:
    for person in (candidate, peer):
        factories.pool_request(person, cohort, is_urgent=True)

    ends = together([lambda: now(cohort)] * 3)

    assert sorted(len(end) for end in ends) == [0, 0, 1]
    assert Proposal.objects.count() == 1


# Cost


@pytest.mark.parametrize("number", [10, 60])
def test_a_pool_is_read_in_as_many_queries_however_many_wait(cohort: Cohort, number: int) -> None:
    people = [factories.person(f"other-{one}") for one in range(number)]
    for person in people:
        factories.join(cohort, person)
        factories.pool_request(person, cohort, "coding", "xfn")
    factories.mock(people[0], people[1], cohort, starts_at=SUNDAY - timedelta(days=9), state="done")
    Block.objects.create(by=people[0], whom=people[2], at=NOW)

    with CaptureQueriesContext(connection) as queries:
        read = _pool(cohort)

    assert len(read.people) == number
    assert len(queries) == 13


# What several tests lean on


def _pool(cohort: Cohort) -> Any:
    return pool_of(cohort, open_requests(cohort), SUNDAY, talk_minutes=bookings.TALK_MINUTES)


def _starts(grid: Grid, slots: int) -> list[datetime]:
    return [grid.starts_at(slot) for slot in range(2 * grid.count + 1) if slots >> slot & 1]


def _met(person: User, key: str, kind: str = "sd_ambiguous") -> None:
    PromptExposure.objects.create(
        user=person,
        round_kind=factories.round_kind(kind),
        prompt_key=key,
        role=PromptExposure.Role.GRADER,
        at=NOW,
    )
