"""Pages of the pool, standby, appeals and the organiser's view, as their readers meet them."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from loops.actions import appeals, sessions
from loops.models import (
    Appeal,
    Block,
    Cohort,
    DayHours,
    MatchRequest,
    Membership,
    Mock,
    PromptExposure,
    Round,
    Seat,
    Standby,
    User,
)
from loops.queries.pool import fill_page, next_pairing
from tests import factories

Browse = Callable[[User], Client]
POOL = "/pool/"


def text_of(response: Any) -> str:
    """Return what a person reads: no markup, single spaces."""
    page = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def asked_for(round_: Round, **more: str) -> dict[str, str]:
    return {
        "cohort": str(round_.loop.cohort.public_id),
        "rounds": str(round_.public_id),
        "wants_swap": "1",
        "is_urgent": "0",
        **more,
    }


def ready(person: User, cohort: Cohort, round_: Round | None = None, **facts: Any) -> Standby:
    now = timezone.now()
    facts = {"since": now - timedelta(minutes=5), "until": now + timedelta(hours=1), **facts}
    return Standby.objects.create(user=person, cohort=cohort, round=round_, **facts)


# Asking


def test_the_pool_is_asked_with_a_form(
    as_: Browse, candidate: User, round_: Round, cohort: Cohort
) -> None:
    browser = as_(candidate)
    assert "Ask the pool" in text_of(browser.get(POOL))

    response = browser.post(POOL, asked_for(round_, is_urgent="1", books_at_once="on"), follow=True)

    request = MatchRequest.objects.get()
    assert (request.user, request.cohort, [*request.rounds.all()]) == (candidate, cohort, [round_])
    assert (request.wants_swap, request.is_urgent, request.books_at_once) == (True, True, True)
    assert "You are in the pool" in text_of(response)


def test_the_next_pairing_is_told_on_the_readers_clock(
    as_: Browse, candidate: User, round_: Round
) -> None:
    User.objects.filter(pk=candidate.pk).update(time_zone="Asia/Kathmandu")

    page = text_of(as_(candidate).get(POOL))

    assert "23:45 Kathmandu" in page
    assert next_pairing(timezone.now()).hour == 18


def test_asking_for_nothing_is_answered_at_the_field(
    as_: Browse, candidate: User, round_: Round
) -> None:
    response = as_(candidate).post(POOL, {"cohort": str(round_.loop.cohort.public_id)})

    assert response.status_code == 422
    assert "Choose at least one round." in text_of(response)
    assert not MatchRequest.objects.exists()


def test_a_round_of_somebody_else_cannot_be_asked_for(
    as_: Browse, peer: User, round_: Round
) -> None:
    factories.loop(peer, round_.loop.cohort)

    assert as_(peer).post(POOL, asked_for(round_)).status_code == 422
    assert not MatchRequest.objects.exists()


def test_rounds_without_an_unseen_prompt_are_shown_and_not_offered(
    as_: Browse, candidate: User, round_: Round
) -> None:
    factories.loop(candidate, round_.loop.cohort, kinds=["coding"])
    for prompt in factories.in_force().prompts.all():
        PromptExposure.objects.create(
            user=candidate,
            round_kind=round_.round_kind,
            prompt_key=prompt.key,
            role="grader",
            at=timezone.now(),
        )

    response = as_(candidate).get(POOL)

    box = re.search(rf'value="{round_.public_id}"[^>]*>', response.content.decode())
    assert box is not None
    assert "disabled" in box.group()
    assert "you have met every prompt" in text_of(response)


def test_who_waits_reads_why_and_what_would_help(
    as_: Browse, candidate: User, cohort: Cohort
) -> None:
    User.objects.filter(pk=candidate.pk).update(time_zone="America/New_York")
    saturday = timezone.now().replace(hour=14, minute=0, second=0, microsecond=0) + timedelta(
        days=3
    )
    factories.pool_request(
        candidate,
        cohort,
        weeks_waited=2,
        unmatched_code="no_common_hour",
        unmatched_data={
            "hours": [_help(saturday, 2), _help(timezone.now() - timedelta(days=1), 5)],
            "kinds": [{"title": "Coding", "partners": 1}],
        },
    )
    local = saturday.astimezone(ZoneInfo("America/New_York"))

    page = text_of(as_(candidate).get(POOL))

    assert "Nobody who wants your rounds has an hour in common with you." in page
    assert f"people, if you add {local:%A} {local.day} {local:%B}, {local:%H:%M}" in page
    assert "person, if you also take Coding" in page
    assert "2 weeks; each moves you ahead" in page
    assert re.findall(r"\b5 people, if", page) == []  # yesterday helps nobody


def test_what_was_asked_can_be_changed_and_keeps_its_place(
    as_: Browse, candidate: User, cohort: Cohort
) -> None:
    request = factories.pool_request(candidate, cohort, weeks_waited=3)
    other = factories.loop(
        candidate, cohort, kinds=["coding"], started_at=timezone.now()
    ).rounds.get()

    as_(candidate).post(POOL, asked_for(other, wants_swap="0"))

    request.refresh_from_db()
    assert (request.weeks_waited, request.wants_swap) == (3, False)
    assert [*request.rounds.all()] == [other]


def test_leaving_the_pool(as_: Browse, candidate: User, cohort: Cohort) -> None:
    request = factories.pool_request(candidate, cohort)
    leave = reverse("loops:pool_withdraw", args=[request.public_id])

    browser = as_(candidate)
    response = browser.post(leave, follow=True)
    browser.post(leave)

    request.refresh_from_db()
    assert request.state == "withdrawn"
    assert "You have left the pool." in text_of(response)


def test_leaving_when_one_is_paired_is_answered_in_words(
    as_: Browse, candidate: User, peer: User, cohort: Cohort
) -> None:
    mock = factories.mock(candidate, peer, cohort, state="proposed", origin="matched")
    request = factories.pool_request(candidate, cohort, state="matched", mock=mock)

    response = as_(candidate).post(reverse("loops:pool_withdraw", args=[request.public_id]))

    assert response.status_code == 409
    assert "The pool has paired you meanwhile" in text_of(response)


def test_a_mock_that_the_pool_found_is_told_on_top(
    as_: Browse, candidate: User, peer: User, cohort: Cohort
) -> None:
    mock = factories.mock(
        candidate,
        peer,
        cohort,
        state="proposed",
        origin="matched",
        asked_by=None,
        starts_at=timezone.now() + timedelta(days=3),
    )

    response = as_(candidate).get(POOL)

    assert "The pool found you a partner." in text_of(response)
    assert reverse("loops:mock", args=[mock.public_id]) in response.content.decode()


def test_the_pool_counts_and_names_nobody(
    as_: Browse, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.pool_request(peer, cohort, "coding", "xfn")
    factories.pool_request(second_peer, cohort, "coding")

    page = text_of(as_(candidate).get(POOL))

    assert "2 people wait" in page
    assert re.search(r"Coding 2 .*Cross-functional 1", page)
    assert "peer-102" not in page
    assert "second-103" not in page


def test_each_cohort_has_its_pool(
    as_: Browse, candidate: User, round_: Round, outsider: User
) -> None:
    other = factories.cohort(candidate, name="Morning cohort")
    factories.loop(candidate, other, kinds=["coding"], started_at=timezone.now())
    foreign = outsider.cohorts.get()
    browser = as_(candidate)

    newest = text_of(browser.get(POOL))
    older = text_of(browser.get(f"{POOL}?cohort={round_.loop.cohort.public_id}"))

    assert "somebody in Morning cohort" in newest
    assert "somebody in Thursday cohort" in older
    assert browser.get(f"{POOL}?cohort={foreign.public_id}").status_code == 404
    assert browser.get(f"{POOL}?cohort=nonsense").status_code == 404


def test_who_has_no_cohort_or_no_loop_is_told_what_to_do(
    as_: Browse, candidate: User, cohort: Cohort
) -> None:
    alone = factories.person("alone-1")

    assert "Join a cohort first" in text_of(as_(alone).get(POOL))
    page = text_of(as_(candidate).get(POOL))
    assert "Start a loop first" in page
    assert "An hour free right now?" in page  # to interview one needs no loop


def test_who_offers_no_hours_is_told_so(as_: Browse, candidate: User, round_: Round) -> None:
    words = "You offer no hours yet."

    assert words in text_of(as_(candidate).get(POOL))
    on = timezone.localdate() + timedelta(days=2)
    day = DayHours.objects.create(user=candidate, on=on, time_zone="UTC")
    assert words in text_of(as_(candidate).get(POOL))
    DayHours.objects.filter(pk=day.pk).update(start_minute=600, end_minute=720)
    assert words not in text_of(as_(candidate).get(POOL))
    day.delete()
    factories.week(candidate)
    assert words not in text_of(as_(candidate).get(POOL))


# Standby


def test_standing_by_and_down(as_: Browse, candidate: User, round_: Round, cohort: Cohort) -> None:
    browser = as_(candidate)
    facts = {"cohort": str(cohort.public_id), "hours": "2", "round": str(round_.public_id)}

    page = text_of(browser.post(reverse("loops:standby"), facts, follow=True))

    standby = Standby.objects.get(user=candidate)
    assert standby.round == round_
    assert standby.until - standby.since == timedelta(hours=2)
    assert "Ready now 2 h 0 min" in page or "Ready now 1 h 59 min" in page
    browser.post(reverse("loops:stand_down"), {"cohort": str(cohort.public_id)})
    assert not Standby.objects.exists()


@pytest.mark.parametrize("facts", [{}, {"hours": "9"}, {"hours": "1", "round": "nonsense"}])
def test_standing_by_wrongly_is_answered_at_the_field(
    as_: Browse, candidate: User, round_: Round, facts: dict[str, str]
) -> None:
    response = as_(candidate).post(reverse("loops:standby"), facts)

    assert response.status_code == 422
    assert "field__error" in response.content.decode()
    assert not Standby.objects.exists()


def test_who_is_ready_is_shown_with_their_round_and_until_when(
    as_: Browse, candidate: User, peer: User, second_peer: User, *, round_: Round, cohort: Cohort
) -> None:
    until = timezone.now() + timedelta(hours=1)
    coding = factories.loop(peer, cohort, kinds=["coding"]).rounds.get()
    ready(peer, cohort, coding, until=until)
    ready(second_peer, cohort)
    User.objects.filter(pk=candidate.pk).update(time_zone="Asia/Kathmandu")

    page = text_of(as_(candidate).get(POOL))

    local = until.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert f"peer-102 until {local:%H:%M}" in page
    assert "answers Coding, and interviews" in page
    assert "interviews you" in page


def test_a_standby_that_is_over_is_over(
    as_: Browse, candidate: User, peer: User, round_: Round, cohort: Cohort
) -> None:
    past = timezone.now() - timedelta(minutes=1)
    for person in (candidate, peer):
        ready(person, cohort, until=past, since=past - timedelta(hours=1))

    page = text_of(as_(candidate).get(POOL))

    assert "Nobody is on standby." in page
    assert "An hour free right now?" in page


@pytest.mark.parametrize("is_by_me", [True, False])
def test_who_is_blocked_is_not_there_and_cannot_be_met(
    as_: Browse, candidate: User, peer: User, round_: Round, cohort: Cohort, *, is_by_me: bool
) -> None:
    """Both ways, and in the very words for somebody who has stood down."""
    standby = ready(peer, cohort)
    one, other = (candidate, peer) if is_by_me else (peer, candidate)
    block = Block.objects.create(by=one, whom=other, at=timezone.now())
    browser = as_(candidate)
    meet = reverse("loops:meet_now", args=[peer.public_id])
    facts = {"cohort": str(cohort.public_id), "round": str(round_.public_id)}

    assert "peer-102" not in text_of(browser.get(POOL))
    blocked = browser.post(meet, facts)
    block.delete()
    standby.delete()
    gone = browser.post(meet, facts)

    assert (blocked.status_code, text_of(blocked)) == (gone.status_code, text_of(gone))
    assert blocked.status_code == 409
    assert "This person cannot be met right now." in text_of(blocked)
    assert not Mock.objects.exists()


def test_meeting_now_leads_to_the_session(
    as_: Browse, candidate: User, peer: User, round_: Round, cohort: Cohort
) -> None:
    ready(peer, cohort)
    facts = {"cohort": str(cohort.public_id), "round": str(round_.public_id)}

    response = as_(candidate).post(reverse("loops:meet_now", args=[peer.public_id]), facts)

    mock = Mock.objects.get()
    assert (mock.state, mock.origin) == ("confirmed", "standby")
    assert response.headers["Location"] == f"/mocks/{mock.public_id}/session/"
    again = as_(candidate).post(reverse("loops:meet_now", args=[peer.public_id]), facts)
    assert again.headers["Location"] == response.headers["Location"]
    assert Mock.objects.count() == 1


def test_meeting_now_without_a_round_needs_one(
    as_: Browse, candidate: User, peer: User, round_: Round, cohort: Cohort
) -> None:
    ready(peer, cohort)

    response = as_(candidate).post(reverse("loops:meet_now", args=[peer.public_id]), {})

    assert response.status_code == 422
    assert "Choose which of your rounds" in text_of(response)


def test_a_stranger_on_standby_is_not_there(
    as_: Browse, candidate: User, outsider: User, round_: Round
) -> None:
    ready(outsider, outsider.cohorts.get())

    meet = reverse("loops:meet_now", args=[outsider.public_id])
    assert as_(candidate).post(meet, {"round": str(round_.public_id)}).status_code == 404


def test_the_page_asks_whether_one_is_called_and_says_so_loudly(
    as_: Browse, candidate: User, peer: User, round_: Round, cohort: Cohort
) -> None:
    browser = as_(candidate)
    part = f"{POOL}?part=standby&cohort={cohort.public_id}"
    assert "hx-get" not in browser.get(part).content.decode()

    standby = ready(candidate, cohort)
    quiet = browser.get(part).content.decode()
    assert 'hx-trigger="every 15s"' in quiet
    assert "<title>" not in quiet

    own = factories.loop(peer, cohort).rounds.get()
    mock = sessions.meet_now(standby=standby, round_=own, by=peer, at=timezone.now())
    loud = browser.get(part).content.decode()
    assert 'role="alert"' in loud
    assert "<title>peer-102 calls you · Plumbline</title>" in loud
    assert f"/mocks/{mock.public_id}/session/" in loud
    assert "hx-get" not in loud
    assert "peer-102 has a mock with you" in text_of(browser.get(POOL))


def test_who_calls_is_not_called(
    as_: Browse, candidate: User, peer: User, round_: Round, cohort: Cohort
) -> None:
    sessions.meet_now(standby=ready(peer, cohort), round_=round_, by=candidate, at=timezone.now())

    assert "You are called" not in text_of(as_(candidate).get(POOL))


# The organiser's view


def test_the_organisers_view_is_theirs_alone(
    as_: Browse, candidate: User, organiser: User, cohort: Cohort
) -> None:
    watch = reverse("loops:cohort_mocks", args=[cohort.public_id])
    page = reverse("loops:cohort", args=[cohort.public_id])

    assert as_(candidate).get(watch).status_code == 404
    assert watch not in as_(candidate).get(page).content.decode()
    assert as_(organiser).get(watch).status_code == 200
    assert watch in as_(organiser).get(page).content.decode()


def test_an_organiser_sees_who_waits_and_why(
    as_: Browse, candidate: User, peer: User, organiser: User, cohort: Cohort
) -> None:
    factories.pool_request(candidate, cohort, weeks_waited=2, unmatched_code="no_common_hour")
    factories.pool_request(peer, cohort, "coding", is_urgent=True)

    page = text_of(as_(organiser).get(reverse("loops:cohort_mocks", args=[cohort.public_id])))

    assert re.search(r"candidate-101 .*2 pairings no hour in common with anybody", page)
    assert re.search(r"peer-102 Coding .*at once not looked for yet", page)


def test_a_long_pool_has_pages(as_: Browse, organiser: User, cohort: Cohort) -> None:
    for number in range(26):
        person = factories.person(f"waiting-{number:02}")
        factories.join(cohort, person)
        factories.pool_request(person, cohort, hours=False)
    watch = reverse("loops:cohort_mocks", args=[cohort.public_id])

    first, second = (text_of(as_(organiser).get(f"{watch}?page={page}")) for page in (1, 2))

    assert first.count("waiting-") == 25
    assert second.count("waiting-") == 1
    people = text_of(as_(organiser).get(f"{watch}?show=people&page=2"))
    assert people.count("waiting-") + people.count("organiser-104") == 2


def test_an_organiser_sees_who_owes_an_answer(
    as_: Browse, candidate: User, peer: User, second_peer: User, *, organiser: User, cohort: Cohort
) -> None:
    now = timezone.now()
    for asker, days in ((candidate, 4), (second_peer, 2)):
        factories.mock(
            asker,
            peer,
            cohort,
            state="proposed",
            starts_at=now + timedelta(days=2),
            created_at=now - timedelta(days=days),
        )

    page = text_of(as_(organiser).get(reverse("loops:cohort_mocks", args=[cohort.public_id])))

    assert page.count("owes an answer") == 1
    assert re.search(r"peer-102 owes an answer", page)


def test_the_fill_rate_counts_how_far_requests_came(
    as_: Browse, candidate: User, peer: User, organiser: User, cohort: Cohort
) -> None:
    last = next_pairing(timezone.now())
    asked_at = last - timedelta(days=9)
    facts = {"cohort": cohort, "created_at": asked_at}
    for number, state in enumerate(["done", "cancelled", "proposed"]):
        mock = factories.mock(
            candidate, peer, cohort, state=state, starts_at=asked_at + timedelta(days=number)
        )
        MatchRequest.objects.create(user=peer, state="matched", mock=mock, **facts)
    MatchRequest.objects.create(user=peer, **facts)
    MatchRequest.objects.create(user=candidate, state="withdrawn", **facts)
    MatchRequest.objects.create(
        user=candidate, cohort=cohort, state="matched", created_at=last - timedelta(weeks=9)
    )

    response = as_(organiser).get(
        reverse("loops:cohort_mocks", args=[cohort.public_id]) + "?show=fill"
    )

    fill = response.context["fill"]
    assert (fill.asked, fill.paired, fill.agreed, fill.held) == (4, 3, 2, 1)
    week = next(week for week in fill.weeks if week.asked)
    assert week.ends_at == last - timedelta(weeks=1)
    assert [(bar.name, bar.height) for bar in week.bars] == [
        ("held", 36.0),
        ("agreed", 36.0),
        ("paired", 36.0),
        ("asked", 36.0),
    ]
    assert f"{week.ends_at:%-d %b} 4 3 2 1" in text_of(response)


def test_a_request_counts_for_the_pairing_it_was_up_for(cohort: Cohort, organiser: User) -> None:
    last = next_pairing(timezone.now())
    for number, moment in enumerate(
        [last - timedelta(weeks=1), last - timedelta(weeks=1, seconds=-1)]
    ):
        MatchRequest.objects.create(
            user=factories.person(f"asker-{number}"), cohort=cohort, created_at=moment
        )

    weeks = fill_page(cohort, timezone.now()).weeks

    assert [week.asked for week in weeks[-2:]] == [1, 1]


def test_reliability_is_told_with_its_counts_the_least_first(
    as_: Browse, candidate: User, peer: User, organiser: User, cohort: Cohort
) -> None:
    now = timezone.now()
    for number, outcome in enumerate(["late_change", "no_show", "kept"]):
        mock = factories.mock(
            candidate,
            peer,
            cohort,
            state="cancelled",
            starts_at=now - timedelta(days=20 - number),
        )
        mock.seats.filter(member=candidate).update(outcome=outcome, outcome_at=mock.starts_at)
        mock.seats.filter(member=peer).update(outcome="kept", outcome_at=mock.starts_at)

    page = text_of(
        as_(organiser).get(reverse("loops:cohort_mocks", args=[cohort.public_id]) + "?show=people")
    )

    assert re.search(r"candidate-101 1 0 1 .*mostly one forgiven .*peer-102 3 0 0 reliable", page)
    assert re.search(r"organiser-104 0 0 0 nothing to count yet", page)


# Appeals


@pytest.fixture
def missed(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A mock of yesterday to which the candidate did not come."""
    yesterday = timezone.now() - timedelta(days=1)
    mock = factories.mock(candidate, peer, cohort, state="no_show", starts_at=yesterday)
    mock.seats.filter(member=candidate).update(outcome="no_show", outcome_at=yesterday)
    return mock


def test_an_appeal_is_written_once_and_read_again(
    as_: Browse, candidate: User, organiser: User, missed: Mock
) -> None:
    page = reverse("loops:mock_appeal", args=[missed.public_id])
    browser = as_(candidate)
    assert "It counts as missed." in text_of(browser.get(page))

    assert browser.post(page, {"text": ""}).status_code == 422
    response = browser.post(page, {"text": "The train stood."}, follow=True)
    browser.post(page, {"text": "Again."})

    assert Appeal.objects.get().text == "The train stood."
    assert "Waits for an organiser" in text_of(response)


def test_what_does_not_count_against_one_has_no_appeal(
    as_: Browse, candidate: User, peer: User, outsider: User, missed: Mock
) -> None:
    page = reverse("loops:mock_appeal", args=[missed.public_id])

    assert as_(peer).get(page).status_code == 409
    assert as_(peer).post(page, {"text": "Me too."}).status_code == 409
    assert as_(outsider).get(page).status_code == 404
    assert not Appeal.objects.exists()


def test_an_appeal_that_comes_too_late_is_told_so(
    as_: Browse, candidate: User, missed: Mock
) -> None:
    Seat.objects.filter(member=candidate).update(outcome_at=timezone.now() - timedelta(days=15))
    page = reverse("loops:mock_appeal", args=[missed.public_id])

    assert "An appeal was possible until" in text_of(as_(candidate).get(page))
    response = as_(candidate).post(page, {"text": "Late."})
    assert response.status_code == 409
    assert "An appeal is possible for 14 days." in text_of(response)


def test_an_organiser_decides(
    as_: Browse, candidate: User, organiser: User, cohort: Cohort, missed: Mock
) -> None:
    made = appeals.appeal(mock=missed, text="Ill.", by=candidate, at=timezone.now())
    decide = reverse("loops:appeal_decide", args=[made.public_id])
    browser = as_(organiser)

    assert browser.post(decide, {"decision": "refuse"}).status_code == 422
    response = browser.post(decide, {"decision": "grant", "answer": "Get well."}, follow=True)
    stale = browser.post(decide, {"decision": "refuse", "answer": "No."})

    assert "Decided. The member is told." in text_of(response)
    assert stale.status_code == 409
    assert "This appeal has been answered meanwhile" in text_of(stale)
    page = text_of(as_(candidate).get(reverse("loops:mock_appeal", args=[missed.public_id])))
    assert "Excused" in page
    assert "Get well." in page


def test_nobody_else_decides(
    as_: Browse, candidate: User, peer: User, *, cohort: Cohort, missed: Mock
) -> None:
    made = appeals.appeal(mock=missed, text="Ill.", by=candidate, at=timezone.now())
    decide = reverse("loops:appeal_decide", args=[made.public_id])
    Membership.objects.filter(user=candidate).update(role=Membership.Role.ORGANISER)

    for person in (candidate, peer):
        assert as_(person).post(decide, {"decision": "grant"}).status_code == 404
    watch = text_of(as_(candidate).get(reverse("loops:cohort_mocks", args=[cohort.public_id])))
    assert "Your own: another organiser decides it." in watch


def test_the_only_organiser_reads_who_can_decide(
    as_: Browse, candidate: User, missed: Mock
) -> None:
    Membership.objects.filter(user=candidate).update(role=Membership.Role.ORGANISER)
    page = reverse("loops:mock_appeal", args=[missed.public_id])

    assert "Make another member an organiser." in text_of(as_(candidate).get(page))


# Cost


def test_the_pages_ask_the_database_little_however_many_there_are(
    as_: Browse,
    queries: Callable[[str], int],
    candidate: User,
    organiser: User,
    cohort: Cohort,
) -> None:
    factories.pool_request(candidate, cohort, "coding", "xfn")
    for number in range(12):
        person = factories.person(f"other-{number}")
        factories.join(cohort, person)
        factories.pool_request(person, cohort, "coding", "deep_dive")
        ready(person, cohort)
        mock = factories.mock(
            person,
            organiser,
            cohort,
            state="no_show",
            starts_at=timezone.now() - timedelta(days=number + 1),
        )
        mock.seats.filter(member=person).update(outcome="no_show", outcome_at=timezone.now())
        appeals.appeal(mock=mock, text="Ill.", by=person, at=timezone.now())
    watch = reverse("loops:cohort_mocks", args=[cohort.public_id])

    as_(candidate)
    assert queries(POOL) <= 8
    as_(organiser)
    assert queries(watch) <= 8
    assert queries(f"{watch}?show=fill") <= 8
    assert queries(f"{watch}?show=people") <= 8


# What several tests lean on


def _help(starts_at: Any, partners: int) -> dict[str, Any]:
    ends_at = starts_at + timedelta(hours=2)
    return {
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
        "partners": partners,
    }
