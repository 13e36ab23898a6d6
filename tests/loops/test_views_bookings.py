"""Mocks as a browser sees them: every step to one, every answer, every page gone stale."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from loops.actions import practice
from loops.actions.events import record
from loops.models import (
    Appeal,
    Block,
    Cohort,
    DaysAway,
    Mock,
    Proposal,
    Round,
    Seat,
    Turn,
    User,
)
from tests import factories
from tests.clock import Clock
from tests.factories import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GRANTED = "Your appeal is answered"
HTMX: dict[str, Any] = {"headers": {"HX-Request": "true"}}
JSON: dict[str, Any] = {"headers": {"Accept": "application/json"}}


pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def mine(as_: Callable[[User], Client], candidate: User) -> Client:
    """The candidate's browser."""
    return as_(candidate)


@pytest.fixture
def theirs(peer: User) -> Client:
    """The peer's browser."""
    client = Client()
    client.force_login(peer)
    return client


@pytest.fixture
def weeks(candidate: User, peer: User) -> None:
    """Both have every day from nine to nine."""
    factories.week(candidate)
    factories.week(peer)


@pytest.fixture
def proposed(candidate: User, peer: User, cohort: Cohort, weeks: None) -> Mock:
    """The candidate proposes a mock of one turn to the peer."""
    return factories.mock(candidate, peer, cohort, state="proposed")


@pytest.fixture
def offered(candidate: User, peer: User, cohort: Cohort, weeks: None) -> Mock:
    """The candidate proposes to swap roles, and the peer has a round of coding to answer."""
    factories.loop(peer, cohort, kinds=["coding"])
    return factories.mock(candidate, peer, cohort, state="proposed", wants_swap=True)


@pytest.fixture
def agreed(candidate: User, peer: User, cohort: Cohort, weeks: None) -> Mock:
    """An agreed mock in two days, which nobody was asked to confirm yet."""
    return factories.mock(candidate, peer, cohort, state="accepted")


def at(name: str, mock: Mock) -> str:
    return reverse(f"loops:{name}", args=[mock.public_id])


def text_of(response: Any) -> str:
    """Return what a page says, without its markup's line breaks."""
    return " ".join(response.content.decode().split())


def words(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def says(mock: Mock, word: str, **more: str) -> dict[str, str]:
    """Return the form that answers a mock's open proposal."""
    return {"proposal": str(mock.proposals.get(state="open").public_id), "answer": word, **more}


def state_of(mock: Mock) -> str:
    mock.refresh_from_db()
    return str(mock.state)


def open_by(mock: Mock) -> User | None:
    return mock.proposals.get(state="open").by


# The list


def test_the_list_parts_what_asks_what_is_agreed_and_what_waits(
    mine: Client, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    asking = factories.mock(peer, candidate, cohort, state="proposed")
    waiting = factories.mock(candidate, second_peer, cohort, state="proposed")
    upcoming = factories.mock(candidate, peer, cohort, starts_at=NOW + 3 * DAY)
    to_confirm = factories.mock(
        candidate, second_peer, cohort, state="accepted", starts_at=NOW + 20 * HOUR
    )
    past = factories.mock(candidate, peer, cohort, state="done", starts_at=NOW - 3 * DAY)

    response = mine.get(reverse("loops:mock_list"))

    page = response.context["page"]
    assert [line.mock for line in page.asking] == [to_confirm, asking]
    assert [line.mock for line in page.upcoming] == [upcoming]
    assert [line.mock for line in page.waiting] == [waiting]
    assert [line.mock_id for line in page.past] == [past.public_id]
    assert "I will be there" in text_of(response)
    assert peer.email not in text_of(response)


def test_the_list_says_which_kit_is_to_prepare(
    theirs: Client, mine: Client, agreed: Mock, clock: Clock
) -> None:
    turn = agreed.turns.get()
    link = f"/turns/{turn.public_id}/kit/"

    before = [client.get(reverse("loops:mock_list")) for client in (theirs, mine)]
    Turn.objects.update(prepared_at=NOW)
    after = theirs.get(reverse("loops:mock_list"))

    assert [link in text_of(page) for page in (*before, after)] == [True, False, False]


def test_the_list_costs_the_same_for_one_mock_and_for_many(
    *,
    mine: Client,
    candidate: User,
    peer: User,
    second_peer: User,
    cohort: Cohort,
    queries: Callable[[str], int],
) -> None:
    def one_of_each(partner: User) -> None:
        for state, day in (("proposed", 2), ("accepted", 4), ("done", -2)):
            starts_at = NOW + (day + len(Mock.objects.all())) * DAY
            factories.mock(candidate, partner, cohort, state=state, starts_at=starts_at)

    one_of_each(peer)
    one = queries(reverse("loops:mock_list"))
    one_of_each(second_peer)
    one_of_each(peer)

    assert queries(reverse("loops:mock_list")) == one <= 8


def test_what_is_over_is_paged_the_newest_first(
    mine: Client, candidate: User, peer: User, cohort: Cohort
) -> None:
    for days in range(1, 23):
        factories.mock(
            candidate, peer, cohort, state="cancelled", starts_at=NOW - days * DAY, agreed_at=NOW
        )

    pages = [mine.get(reverse("loops:mock_list"), {"page": page}) for page in ("", "2", "9", "x")]

    shown = [page.context["page"].past for page in pages]
    assert [len(lines) for lines in shown] == [20, 2, 20, 20]
    assert shown[0][0].starts.period.starts_at == NOW - DAY
    assert "Page 2 of 2" in text_of(pages[1])


def test_who_has_no_mock_is_told_what_to_do(mine: Client) -> None:
    page = text_of(mine.get(reverse("loops:mock_list")))

    assert "No mocks yet" in page
    assert reverse("loops:mock_new") in page


@pytest.mark.parametrize(
    ("facts", "mine_says", "theirs_says"),
    [
        ({"state": "done"}, "Held", "Held"),
        ({"state": "cancelled"}, "Called off", "Called off"),
        ({"state": "cancelled", "agreed_at": None}, "Not agreed", "Not agreed"),
        ({"state": "expired", "agreed_at": None}, "Lapsed", "Lapsed"),
        ({"state": "expired", "state_at": NOW}, "Released", "Released"),
        ({"state": "expired", "state_at": NOW + 3 * DAY}, "Not held", "Not held"),
        ({"state": "no_show"}, "peer-102 did not come", "You were reported absent"),
        ({"state": "converted"}, "Recorded alone", "You were reported absent"),
    ],
)
def test_the_list_says_how_a_mock_ended(
    *,
    mine: Client,
    theirs: Client,
    candidate: User,
    peer: User,
    cohort: Cohort,
    facts: dict[str, Any],
    mine_says: str,
    theirs_says: str,
) -> None:
    made = factories.mock(candidate, peer, cohort, **facts)
    if made.state in {"no_show", "converted"}:
        made.seats.filter(member=peer).update(outcome="no_show")

    pages = [text_of(client.get(reverse("loops:mock_list"))) for client in (mine, theirs)]

    assert mine_says in pages[0]
    assert theirs_says in pages[1]


# A new one: round and partner


def test_a_round_that_is_linked_to_is_chosen(
    mine: Client, candidate: User, cohort: Cohort, peer: User
) -> None:
    rounds = factories.loop(candidate, cohort, kinds=["coding", "xfn"]).rounds.order_by("pk")
    page = mine.get(reverse("loops:mock_new"), {"round": str(rounds[1].public_id)})

    assert f'value="{rounds[1].public_id}" required checked' in text_of(page)
    assert f'value="{rounds[0].public_id}" required>' in text_of(page)


def test_partners_are_told_with_hours_and_how_they_keep_their_word(
    mine: Client, round_: Round, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.week(second_peer)
    for days in (3, 5, 7):
        kept = factories.mock(peer, second_peer, cohort, state="done", starts_at=NOW - days * DAY)
        kept.seats.update(outcome="kept", outcome_at=NOW - days * DAY)

    page = mine.get(reverse("loops:mock_new"))

    partners = page.context["page"].partners
    assert [(one.name, one.has_hours) for one in partners] == [
        ("second-103", True),
        ("peer-102", False),
    ]
    assert "kept 3 of the last 3" in text_of(page)
    assert "has set no hours yet" in text_of(page)


def test_who_is_parted_by_a_block_is_not_there(
    mine: Client, round_: Round, candidate: User, peer: User, second_peer: User
) -> None:
    Block.objects.create(by=peer, whom=candidate, at=NOW)

    page = mine.get(reverse("loops:mock_new"))

    assert [one.name for one in page.context["page"].partners] == ["second-103"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_block_reads_like_anybody_who_is_not_there(
    *, mine: Client, round_: Round, candidate: User, peer: User, second_peer: User, method: str
) -> None:
    Block.objects.create(by=peer, whom=candidate, at=NOW)
    User.objects.filter(pk=second_peer.pk).update(is_active=False)
    sent = {"round": round_.public_id, "swap": "0", "starts_at": "2026-03-04T10:00Z"}

    pages = [
        getattr(mine, method)(reverse("loops:mock_new"), {**sent, "partner": partner})
        for partner in (peer.public_id, second_peer.public_id, uuid4())
    ]

    told = {text_of(page).split("<main")[1].split("</main>")[0] for page in pages}
    assert [page.status_code for page in pages] == [409, 409, 409]
    assert len(told) == 1
    assert "cannot be met right now" in told.pop()
    assert not Mock.objects.exists()


def test_a_choice_that_is_missing_is_named(mine: Client, round_: Round, peer: User) -> None:
    address = reverse("loops:mock_new")

    no_partner = mine.get(address, {"round": str(round_.public_id), "swap": "1"})
    no_round = mine.get(address, {"partner": str(peer.public_id), "swap": "1"})
    posted = mine.post(address, {"partner": str(peer.public_id), "swap": "1"})

    assert "Choose whom you want to meet." in text_of(no_partner)
    assert "Choose the round you want to answer." in text_of(no_round)
    assert (no_partner.status_code, no_round.status_code, posted.status_code) == (200, 200, 422)


def test_each_cohort_has_its_own_rounds_and_partners(
    mine: Client, round_: Round, candidate: User, peer: User, outsider: User
) -> None:
    other = outsider.cohorts.get()
    factories.join(other, candidate)
    there = factories.loop(candidate, other, started_at=NOW - 99 * DAY).rounds.get()

    here = mine.get(reverse("loops:mock_new"))
    chosen = mine.get(reverse("loops:mock_new"), {"cohort": str(other.public_id)})
    linked = mine.get(reverse("loops:mock_new"), {"round": str(there.public_id)})

    assert [one.name for one in here.context["page"].partners] == ["peer-102"]
    for page in (chosen, linked):
        assert [one.name for one in page.context["page"].partners] == ["outsider-105"]
        assert [one.round for one in page.context["page"].rounds] == [there]


def test_what_is_missing_before_a_mock_is_said(
    mine: Client, client: Client, candidate: User, cohort: Cohort
) -> None:
    address = reverse("loops:mock_new")
    told = [text_of(mine.get(address))]
    factories.loop(candidate, cohort)
    told.append(text_of(mine.get(address)))
    client.force_login(factories.person())
    told.append(text_of(client.get(address)))

    assert "Start a loop first" in told[0]
    assert "Nobody to meet in this cohort yet" in told[1]
    assert "Join a cohort first" in told[2]


def test_choosing_costs_the_same_with_one_partner_and_with_three(
    *,
    mine: Client,
    round_: Round,
    cohort: Cohort,
    peer: User,
    weeks: None,
    queries: Callable[[str], int],
) -> None:
    one = queries(reverse("loops:mock_new"))
    for _ in range(2):
        factories.join(cohort, newcomer := factories.person())
        factories.week(newcomer)

    assert queries(reverse("loops:mock_new")) == one <= 8


# A new one: the time


@pytest.fixture
def new(round_: Round, peer: User) -> dict[str, str]:
    """The choices that lead to the times."""
    return {"round": str(round_.public_id), "partner": str(peer.public_id), "swap": "0"}


def slots_of(response: Any) -> list[str]:
    return [slot.value for day in response.context["slots"].days for slot in day.slots]


def test_times_are_on_the_clocks_of_both(
    mine: Client, candidate: User, peer: User, new: dict[str, str], clock: Clock
) -> None:
    """An evening in Kathmandu is a morning in New York, an hour later by it after 8 March."""
    clock.at = datetime(2026, 3, 5, 0, 0, tzinfo=UTC)
    User.objects.filter(pk=candidate.pk).update(time_zone="Asia/Kathmandu")
    User.objects.filter(pk=peer.pk).update(time_zone="America/New_York")
    factories.week(candidate, "Asia/Kathmandu", start=18 * 60, end=22 * 60)
    factories.week(peer, "America/New_York", start=6 * 60, end=12 * 60)

    page = mine.get(reverse("loops:mock_new"), new)

    firsts = {day.date: day.slots[0] for day in page.context["slots"].days}
    before, after = firsts["7 March"], firsts["8 March"]
    assert (before.time, before.theirs) == ("18:00", "07:15")
    assert (after.time, after.theirs) == ("18:00", "08:15")
    assert after.told == "Sunday 8 March, 18:00–18:55"
    assert after.told_theirs == "peer-102: Sun 8 Mar, 08:15–09:10"
    assert "Clocks change for peer-102 on 8 March." in text_of(page)
    assert "New York" in text_of(page)


def test_a_night_is_said_on_its_slot(
    mine: Client, candidate: User, peer: User, new: dict[str, str]
) -> None:
    User.objects.filter(pk=peer.pk).update(time_zone="Asia/Kathmandu")
    factories.week(candidate, start=16 * 60, end=18 * 60)
    factories.week(peer, "Asia/Kathmandu", start=0, end=24 * 60)

    page = text_of(mine.get(reverse("loops:mock_new"), new))

    assert "they: past 22:00" in page
    assert "they: after 22:00" in page
    assert "you: " not in page


def test_who_has_set_no_hours_is_offered_all_but_their_own_nights(
    mine: Client, peer: User, new: dict[str, str]
) -> None:
    factories.week(peer, start=4 * 60, end=10 * 60)

    page = mine.get(reverse("loops:mock_new"), new)

    assert "You have set no hours of your own" in text_of(page)
    assert slots_of(page)[0] == "2026-03-03T07:00Z"
    assert page.context["slots"].nights_hidden > 0


def test_a_week_is_shown_and_more_if_asked(mine: Client, weeks: None, new: dict[str, str]) -> None:
    address = reverse("loops:mock_new")

    first = mine.get(address, new)
    more = mine.get(first.context["more_url"])
    odd = [mine.get(address, {**new, "days": days}) for days in ("x", "0", "٣", "9999")]

    assert len(first.context["slots"].days) == 7
    assert len(more.context["slots"].days) == 14
    assert [len(page.context["slots"].days) for page in odd] == [7, 1, 7, 7]


def test_times_stay_within_their_budget(
    mine: Client, weeks: None, new: dict[str, str], queries: Callable[[str], int]
) -> None:
    assert (
        queries(f"{reverse('loops:mock_new')}?{'&'.join(f'{k}={v}' for k, v in new.items())}") <= 8
    )


def test_a_proposal_is_made_once(
    mine: Client, candidate: User, peer: User, weeks: None, new: dict[str, str]
) -> None:
    sent = {
        **new,
        "swap": "1",
        "starts_at": "2026-03-04T10:00Z",
        "note": "Push me.",
        "video_url": "https://meet.example.org/room",
    }

    answers = [mine.post(reverse("loops:mock_new"), sent) for _ in range(2)]

    made = Mock.objects.get()
    assert [one.url for one in answers] == [at("mock", made)] * 2  # type: ignore[attr-defined]
    assert made.proposals.get().by == candidate
    assert made.partner_seat(candidate).member == peer
    assert (made.wants_swap, made.note) == (True, "Push me.")
    assert made.video_url == "https://meet.example.org/room"
    assert made.starts_at == datetime(2026, 3, 4, 10, tzinfo=UTC)
    assert made.ends_at - made.starts_at == timedelta(minutes=110)


def test_a_slot_that_is_gone_is_refused_with_the_free_ones(
    *,
    mine: Client,
    candidate: User,
    peer: User,
    second_peer: User,
    cohort: Cohort,
    weeks: None,
    new: dict[str, str],
) -> None:
    sent = {**new, "starts_at": "2026-03-04T10:00Z", "note": "Push me."}
    assert sent["starts_at"] in slots_of(mine.get(reverse("loops:mock_new"), new))
    factories.mock(second_peer, peer, cohort)  # takes the day that is asked for

    page = mine.post(reverse("loops:mock_new"), sent)
    told = mine.post(reverse("loops:mock_new"), sent, **JSON)

    assert page.status_code == told.status_code == 409
    assert "no longer free for both of you" in text_of(page)
    assert "Push me." in text_of(page)
    assert slots_of(page)
    assert not any(slot.startswith("2026-03-04") for slot in slots_of(page))
    assert told.json()["code"] == "slot_gone"
    assert told.json()["slots"][0]["starts_at"] == "2026-03-03T09:00:00+00:00"
    assert Mock.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"starts_at": ""}, "starts_at"),
        ({"starts_at": "soon"}, "starts_at"),
        ({"starts_at": "2026-03-04T10:00"}, "starts_at"),  # whose clock?
        ({"starts_at": "0001-01-01T00:00+14:00"}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00Z"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:30Z"}, "starts_at"),
        ({"starts_at": "2026-03-04T10:07Z"}, "starts_at"),
        ({"starts_at": "2026-03-04T10:00:00.5Z"}, "starts_at"),  # no mail could name it
        ({"note": "x" * 281}, "note"),
        ({"video_url": "javascript:alert(1)"}, "video_url"),
        ({"video_url": "ftp://example.org/room"}, "video_url"),
        ({"video_url": "https://meet.example.org@evil.example/room"}, "video_url"),
        ({"video_url": "https://x:y@evil.example/"}, "video_url"),
        ({"video_url": "our room"}, "video_url"),
        ({"video_url": "https://example.org/" + "a" * 500}, "video_url"),
        ({"video_url": "https://[::1/room"}, "video_url"),
    ],
)
def test_a_mistake_proposes_nothing_and_keeps_what_was_typed(
    mine: Client, weeks: None, new: dict[str, str], change: dict[str, str], field: str
) -> None:
    sent = {**new, "starts_at": "2026-03-04T10:00Z", "note": "Push me.", **change}

    page = mine.post(reverse("loops:mock_new"), sent)

    assert page.status_code == 422
    assert list(page.context["form"].errors) == [field]
    assert slots_of(page)
    assert sent["note"] in text_of(page)
    assert not Mock.objects.exists()


def test_a_room_without_a_scheme_is_taken_as_secure(
    mine: Client, weeks: None, new: dict[str, str]
) -> None:
    sent = {**new, "starts_at": "2026-03-04T10:00Z", "video_url": "meet.example.org/room"}

    mine.post(reverse("loops:mock_new"), sent)

    assert Mock.objects.get().video_url == "https://meet.example.org/room"


def test_a_round_whose_prompts_are_all_met_is_refused_in_words(
    mine: Client, round_: Round, weeks: None, new: dict[str, str], candidate: User
) -> None:
    for prompt in factories.in_force().prompts.all():
        practice.expose(user=candidate, prompt=prompt, role="grader", at=NOW)

    page = mine.post(reverse("loops:mock_new"), {**new, "starts_at": "2026-03-04T10:00Z"})

    assert page.status_code == 409
    assert "no prompt of this round left" in text_of(page)
    assert not Mock.objects.exists()


def test_too_many_proposals_are_refused_in_words(
    *, mine: Client, candidate: User, peer: User, cohort: Cohort, weeks: None, new: dict[str, str]
) -> None:
    for days in range(20):
        factories.mock(candidate, peer, cohort, state="proposed", starts_at=NOW + (3 + days) * DAY)

    page = mine.post(reverse("loops:mock_new"), {**new, "starts_at": "2026-03-04T10:00Z"})

    assert page.status_code == 429
    assert "Twenty of your proposals" in text_of(page)


def test_a_round_without_a_rubric_is_refused_in_words(
    mine: Client, round_: Round, weeks: None, new: dict[str, str]
) -> None:
    type(factories.in_force()).objects.update(retired_at=NOW)

    pages = [mine.get(reverse("loops:mock_new"), new), mine.get(reverse("loops:mock_new"))]

    assert pages[0].status_code == 409
    assert "no rubric for this round" in text_of(pages[0])
    assert "has no rubric yet" in text_of(pages[1])


def test_a_foreign_round_is_not_there(
    mine: Client, peer: User, cohort: Cohort, new: dict[str, str]
) -> None:
    foreign = factories.loop(peer, cohort).rounds.get()

    for send in (mine.get, mine.post):
        page = send(reverse("loops:mock_new"), {**new, "round": str(foreign.public_id)})
        assert page.status_code == 404


def test_where_no_time_is_shared_it_is_said_what_helps(
    mine: Client, candidate: User, peer: User, new: dict[str, str]
) -> None:
    address = reverse("loops:mock_new")
    told = [text_of(mine.get(address, {**new, "swap": "1"}))]
    factories.week(peer, start=9 * 60, end=11 * 60)
    factories.week(candidate, start=12 * 60, end=15 * 60)
    told.append(text_of(mine.get(address, {**new, "swap": "1"})))
    candidate.weekly_hours.all().delete()
    peer.weekly_hours.all().delete()
    factories.week(peer, start=60, end=180)
    told.append(text_of(mine.get(address, new)))

    assert "peer-102 has set no hours yet" in told[0]
    assert "No time that you share" in told[1]
    assert "Without swapping roles" in told[1]
    assert "Only at night for you" in told[2]


def test_going_back_keeps_what_was_chosen(
    mine: Client, round_: Round, peer: User, weeks: None, new: dict[str, str]
) -> None:
    back = mine.get(reverse("loops:mock_new"), new).context["back_url"]

    page = mine.get(back)

    assert page.status_code == 200
    assert (page.context["round_id"], page.context["partner_id"]) == (
        round_.public_id,
        peer.public_id,
    )
    assert not page.context["is_swap"]


# One mock: who sees what


@pytest.mark.parametrize(
    ("state", "at_", "mine_reads", "theirs_reads"),
    [
        ("proposed", NOW, "Waits for peer-102", "Waits for your answer"),
        ("proposed", NOW + 3 * DAY, "Nobody answered in time", "Nobody answered in time"),
        ("accepted", NOW, "Agreed", "Agreed"),
        ("accepted", NOW + 30 * HOUR, "Please confirm", "Please confirm"),
        ("accepted", NOW + 45 * HOUR, "Not confirmed in time", "Not confirmed in time"),
        ("confirmed", NOW, "Confirmed", "Confirmed"),
        ("confirmed", NOW + 2 * DAY, "session page is open", "session page is open"),
        ("running", NOW + 2 * DAY, "Running", "Running"),
        ("done", NOW + 3 * DAY, "Held", "Held"),
        ("cancelled", NOW, "Called off", "Called off"),
        ("no_show", NOW + 2 * DAY, "peer-102 did not come", "candidate-101 did not come"),
    ],
)
def test_the_page_says_where_the_mock_stands(
    *,
    mine: Client,
    theirs: Client,
    candidate: User,
    peer: User,
    cohort: Cohort,
    clock: Clock,
    state: str,
    at_: datetime,
    mine_reads: str,
    theirs_reads: str,
) -> None:
    made = factories.mock(candidate, peer, cohort, state=state)
    clock.at = at_

    pages = [client.get(at("mock", made)) for client in (mine, theirs)]

    assert [page.status_code for page in pages] == [200, 200]
    assert mine_reads in text_of(pages[0])
    assert theirs_reads in text_of(pages[1])
    assert peer.email not in text_of(pages[0])


def test_the_candidate_sees_nothing_of_the_prompt_before_their_turn(
    *, mine: Client, theirs: Client, candidate: User, peer: User, cohort: Cohort, clock: Clock
) -> None:
    """No page of a mock shows a prompt, its key, or the way to its kit, to its candidate."""
    factories.week(peer)
    for state in Mock.State.values:
        made = factories.mock(candidate, peer, cohort, state=state, swap_kind="coding")
        own, other = made.turns.order_by("position")
        kit = factories.in_force().prompts.order_by("position")[0]
        for moment in (NOW, NOW + 30 * HOUR, NOW + 2 * DAY):
            clock.at = moment
            for name in ("mock", "mock_times", "mock_cancel"):
                read = mine.get(at(name, made), follow=True).content.decode()
                for secret in (kit.text, kit.key, kit.intent, *kit.probes, *kit.hints):
                    assert secret not in read, (state, name)
                assert f"/turns/{own.public_id}/kit/" not in read
            assert f"/turns/{other.public_id}/" not in theirs.get(at("mock", made)).content.decode()
        Seat.objects.update(is_held=False)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("mock", "get"),
        ("mock_times", "get"),
        ("mock_times", "post"),
        ("mock_answer", "post"),
        ("mock_confirm", "post"),
        ("mock_cancel", "get"),
        ("mock_cancel", "post"),
        ("mock_room", "post"),
    ],
)
def test_a_mock_is_not_there_for_anybody_else(
    *,
    as_: Callable[[User], Client],
    second_peer: User,
    organiser: User,
    proposed: Mock,
    name: str,
    method: str,
) -> None:
    for stranger in (second_peer, organiser):
        send = getattr(as_(stranger), method)
        assert send(at(name, proposed), says(proposed, "accept")).status_code == 404
    assert state_of(proposed) == "proposed"


@pytest.mark.parametrize("name", ["mock_answer", "mock_confirm", "mock_room"])
def test_a_form_that_is_reloaded_leads_to_its_page(mine: Client, agreed: Mock, name: str) -> None:
    assert mine.get(at(name, agreed)).url == at("mock", agreed)  # type: ignore[attr-defined]
    assert mine.delete(at(name, agreed)).status_code == 405


@pytest.mark.parametrize("state", ["proposed", "accepted", "done"])
def test_a_mock_stays_within_its_budget(
    *,
    candidate: User,
    peer: User,
    cohort: Cohort,
    as_: Callable[[User], Client],
    queries: Callable[[str], int],
    state: str,
) -> None:
    factories.loop(peer, cohort)
    for swap_kind in ("", "coding"):
        made = factories.mock(
            candidate, peer, cohort, state=state, wants_swap=True, swap_kind=swap_kind
        )
        Seat.objects.update(is_held=False)
        for person in (candidate, peer):
            as_(person)
            assert queries(at("mock", made)) <= 8
            if state != "done":
                assert queries(at("mock_times", made)) <= 8


def test_the_session_is_linked_from_a_quarter_of_an_hour_before(
    mine: Client, candidate: User, peer: User, cohort: Cohort, clock: Clock
) -> None:
    made = factories.mock(candidate, peer, cohort)
    link = reverse("feedback:session", args=[made.public_id])
    clock.at = made.starts_at - timedelta(minutes=16)
    early = text_of(mine.get(at("mock", made)))
    clock.at = made.starts_at - timedelta(minutes=15)

    assert link not in early
    assert link in text_of(mine.get(at("mock", made)))


def test_what_happened_is_told_in_words(
    mine: Client, theirs: Client, weeks: None, new: dict[str, str], clock: Clock
) -> None:
    mine.post(reverse("loops:mock_new"), {**new, "starts_at": "2026-03-06T10:00Z"})
    made = Mock.objects.get()
    theirs.post(at("mock_answer", made), says(made, "accept"))
    mine.post(at("mock_room", made), {"video_url": "https://meet.example.org/"})
    mine.post(at("mock_times", made), {"starts_at": "2026-03-07T10:00Z"})
    theirs.post(at("mock_answer", made), says(made, "accept"))
    clock.at = made.starts_at
    theirs.post(at("mock_confirm", made))

    told = text_of(mine.get(at("mock", made)))

    for words_ in (
        "You proposed Fri 6 Mar, 10:00.",
        "peer-102 accepted.",
        "You set the video room.",
        "You proposed Sat 7 Mar, 10:00 instead.",
        "It moved from Fri 6 Mar, 10:00 to Sat 7 Mar, 10:00.",
        "peer-102 gave their word.",
    ):
        assert words_ in told


# htmx: has it changed?


def test_htmx_hears_nothing_until_the_mock_changes(
    mine: Client, theirs: Client, proposed: Mock
) -> None:
    stamp = mine.get(at("mock", proposed)).context["page"].stamp
    unchanged = mine.get(at("mock", proposed), {"seen": stamp}, **HTMX)
    theirs.post(at("mock_answer", proposed), says(proposed, "accept"))
    changed = mine.get(at("mock", proposed), {"seen": stamp}, **HTMX)

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert changed.status_code == 200
    assert "Agreed" in text_of(changed)
    assert "<html" not in text_of(changed)
    assert "HX-Request" in changed["Vary"]


def test_what_the_clock_changes_is_a_change_too(mine: Client, agreed: Mock, clock: Clock) -> None:
    stamp = mine.get(at("mock", agreed)).context["page"].stamp
    clock.at = NOW + 30 * HOUR

    assert "Please confirm" in text_of(mine.get(at("mock", agreed), {"seen": stamp}, **HTMX))


def test_a_mock_that_is_over_asks_no_more(
    mine: Client, candidate: User, peer: User, cohort: Cohort, proposed: Mock
) -> None:
    over = factories.mock(candidate, peer, cohort, state="done", starts_at=NOW - DAY)

    assert "hx-get" in text_of(mine.get(at("mock", proposed)))
    assert "hx-get" not in text_of(mine.get(at("mock", over)))


# Answering


def test_a_proposal_is_accepted_once(theirs: Client, proposed: Mock) -> None:
    sent = says(proposed, "accept")

    answers = [theirs.post(at("mock_answer", proposed), sent) for _ in range(2)]

    assert [one.url for one in answers] == [at("mock", proposed)] * 2  # type: ignore[attr-defined]
    assert state_of(proposed) == "accepted"
    assert proposed.seats.filter(is_held=True).count() == 2


@pytest.mark.parametrize(("who", "word"), [("theirs", "decline"), ("mine", "take_back")])
def test_a_proposal_is_ended_once(
    mine: Client, theirs: Client, proposed: Mock, who: str, word: str
) -> None:
    client, sent = {"mine": mine, "theirs": theirs}[who], says(proposed, word)

    answers = [client.post(at("mock_answer", proposed), sent) for _ in range(2)]

    assert [one.status_code for one in answers] == [302, 302]
    assert state_of(proposed) == "cancelled"
    page = text_of(client.get(at("mock", proposed)))
    assert {"decline": "You declined.", "take_back": "You took"}[word] in page


def test_who_is_offered_a_swap_says_what_they_answer(
    theirs: Client, peer: User, offered: Mock
) -> None:
    page = text_of(theirs.get(at("mock", offered)))
    coding = peer.loops.get().rounds.get()
    said_nothing = theirs.post(at("mock_answer", offered), says(offered, "accept"))
    foreign = offered.turns.get().round.public_id
    said_foreign = theirs.post(
        at("mock_answer", offered), says(offered, "accept", round=str(foreign))
    )
    assert state_of(offered) == "proposed"

    theirs.post(at("mock_answer", offered), says(offered, "accept", round=str(coding.public_id)))

    assert "the mock takes 110 min" in page
    assert "the mock takes 55 min" in page
    for refused in (said_nothing, said_foreign):
        assert refused.status_code == 422
        assert "Choose which round you answer" in text_of(refused)
    assert state_of(offered) == "accepted"
    assert list(offered.turns.values_list("round__round_kind__key", flat=True)) == [
        "sd_ambiguous",
        "coding",
    ]
    assert offered.ends_at - offered.starts_at == timedelta(minutes=110)


def test_who_is_offered_a_swap_may_only_interview(theirs: Client, offered: Mock) -> None:
    theirs.post(at("mock_answer", offered), says(offered, "accept", round="none"))

    assert state_of(offered) == "accepted"
    assert offered.turns.count() == 1
    assert offered.ends_at - offered.starts_at == timedelta(minutes=55)


def test_a_pair_of_the_pool_is_agreed_when_both_accept(
    mine: Client, theirs: Client, candidate: User, peer: User, cohort: Cohort
) -> None:
    made = factories.mock(
        candidate, peer, cohort, state="proposed", origin="matched", asked_by=None
    )
    assert "The pool found you peer-102" in text_of(mine.get(at("mock", made)))

    first = mine.post(at("mock_answer", made), says(made, "accept"))
    between = text_of(mine.get(at("mock", made)))
    theirs.post(at("mock_answer", made), says(made, "accept"))

    assert words(first) == ["You accepted. It waits for peer-102 now."]
    assert "Waits for peer-102" in between
    assert "I cannot after all" in between
    assert state_of(made) == "accepted"


def test_a_slot_that_is_gone_at_accepting_is_told_with_the_free_ones(
    theirs: Client, peer: User, second_peer: User, cohort: Cohort, proposed: Mock
) -> None:
    factories.mock(second_peer, peer, cohort)  # at the same time

    page = theirs.post(at("mock_answer", proposed), says(proposed, "accept"))
    told = theirs.post(at("mock_answer", proposed), says(proposed, "accept"), **JSON)

    assert page.status_code == told.status_code == 409
    assert "no longer free for both of you" in text_of(page)
    assert slots_of(page)
    assert not any(slot.startswith("2026-03-04") for slot in slots_of(page))
    assert f'value="{proposed.proposals.get().public_id}"' in text_of(page)
    assert told.json()["slots"]
    assert state_of(proposed) == "proposed"


def test_an_answer_to_what_has_changed_meanwhile_is_refused_with_what_is_true(
    mine: Client, theirs: Client, proposed: Mock
) -> None:
    accept = says(proposed, "accept")
    mine.post(at("mock_answer", proposed), says(proposed, "take_back"))

    page = theirs.post(at("mock_answer", proposed), accept)
    told = theirs.post(at("mock_answer", proposed), accept, **JSON)
    unknown = theirs.post(at("mock_answer", proposed), {**accept, "proposal": str(uuid4())})

    for refused in (page, unknown):
        assert refused.status_code == 409
        assert "has changed since you opened the page" in text_of(refused)
        assert "candidate-101 took the proposal back" in text_of(refused)
    assert (told.status_code, told.json()["code"]) == (409, "mock_changed")
    assert set(told.json()) == {"code", "message"}


def test_nobody_answers_their_own_proposal(mine: Client, theirs: Client, proposed: Mock) -> None:
    assert mine.post(at("mock_answer", proposed), says(proposed, "decline")).status_code == 409
    assert theirs.post(at("mock_answer", proposed), says(proposed, "take_back")).status_code == 409
    assert state_of(proposed) == "proposed"


def test_an_answer_that_is_none_changes_nothing(theirs: Client, proposed: Mock) -> None:
    for sent in ({}, says(proposed, "perhaps"), {"proposal": "x", "answer": "accept"}):
        assert theirs.post(at("mock_answer", proposed), sent).status_code == 422
    assert state_of(proposed) == "proposed"


def test_after_a_block_an_answer_reads_like_any_absence(
    theirs: Client, candidate: User, peer: User, proposed: Mock
) -> None:
    Block.objects.create(by=candidate, whom=peer, at=NOW)

    page = theirs.post(at("mock_answer", proposed), says(proposed, "accept"))

    assert page.status_code == 409
    assert "cannot be met right now" in text_of(page)


# Another time


def test_another_time_is_proposed_once_and_moves_nothing(
    mine: Client, peer: User, candidate: User, agreed: Mock
) -> None:
    page = mine.get(at("mock_times", agreed))
    sent = {"starts_at": slots_of(page)[-1], "answers": ""}

    answers = [mine.post(at("mock_times", agreed), sent) for _ in range(2)]

    assert [one.status_code for one in answers] == [302, 302]
    assert agreed.proposals.filter(state="open").count() == 1
    assert open_by(agreed) == candidate
    assert (state_of(agreed), agreed.starts_at) == ("accepted", NOW + 2 * DAY)
    assert "You propose this time instead" in text_of(mine.get(at("mock", agreed)))


def test_another_time_that_is_accepted_moves_the_mock(
    mine: Client, theirs: Client, agreed: Mock
) -> None:
    mine.post(at("mock_times", agreed), {"starts_at": "2026-03-06T10:00Z"})
    page = text_of(theirs.get(at("mock", agreed)))
    listed = theirs.get(reverse("loops:mock_list"))

    moved = theirs.post(at("mock_answer", agreed), says(agreed, "accept"))

    assert "candidate-101 proposes this time instead" in page
    assert [line.mock for line in listed.context["page"].asking] == [agreed]
    assert words(moved) == ["Moved. Both calendars get the new time."]
    assert state_of(agreed) == "accepted"
    assert agreed.starts_at == datetime(2026, 3, 6, 10, tzinfo=UTC)


def test_another_time_that_is_declined_leaves_what_was_agreed(
    mine: Client, theirs: Client, agreed: Mock
) -> None:
    mine.post(at("mock_times", agreed), {"starts_at": "2026-03-06T10:00Z"})

    said = theirs.post(at("mock_answer", agreed), says(agreed, "decline"))

    assert words(said) == ["The mock stays at the time that was agreed."]
    assert (state_of(agreed), agreed.starts_at) == ("accepted", NOW + 2 * DAY)


def test_an_answer_with_another_time_names_what_it_answers(
    mine: Client, theirs: Client, peer: User, proposed: Mock
) -> None:
    page = theirs.get(at("mock_times", proposed))
    shown = proposed.proposals.get()
    sent = {"starts_at": "2026-03-06T10:00Z", "answers": str(shown.public_id)}

    done = theirs.post(at("mock_times", proposed), sent)

    assert f'name="answers" value="{shown.public_id}"' in text_of(page)
    assert done.status_code == 302
    assert open_by(proposed) == peer
    shown.refresh_from_db()
    assert shown.state == Proposal.State.COUNTERED


def test_both_propose_at_once_and_the_second_reads_the_first(
    mine: Client, theirs: Client, candidate: User, agreed: Mock
) -> None:
    late = {"starts_at": "2026-03-07T10:00Z", "answers": ""}
    foreign = theirs.post(at("mock_times", agreed), {**late, "answers": str(uuid4())})
    mine.post(at("mock_times", agreed), {"starts_at": "2026-03-06T10:00Z", "answers": ""})

    page = theirs.post(at("mock_times", agreed), late)
    told = theirs.post(at("mock_times", agreed), late, **JSON)

    assert page.status_code == foreign.status_code == told.status_code == 409
    assert "candidate-101 proposes this time instead" in text_of(page)
    assert told.json()["code"] == "mock_changed"
    assert open_by(agreed) == candidate


def test_another_time_that_is_gone_is_refused_with_the_free_ones(
    mine: Client, peer: User, agreed: Mock
) -> None:
    DaysAway.objects.create(
        user=peer, from_on=NOW.date() + 3 * DAY, to_on=NOW.date() + 5 * DAY, time_zone="UTC"
    )
    sent = {"starts_at": "2026-03-06T10:00Z"}

    page = mine.post(at("mock_times", agreed), sent)
    told = mine.post(at("mock_times", agreed), sent, **JSON)

    assert page.status_code == told.status_code == 409
    assert slots_of(page)
    assert "2026-03-06T10:00Z" not in slots_of(page)
    assert "2026-03-06T10:00:00+00:00" not in [one["starts_at"] for one in told.json()["slots"]]
    assert told.json()["slots"]


def test_the_own_time_of_a_mock_is_not_in_its_way(mine: Client, agreed: Mock) -> None:
    """An hour later on the same day is free, though one mock a day is the limit."""
    assert "2026-03-04T10:00Z" in slots_of(mine.get(at("mock_times", agreed)))


def test_times_are_as_long_as_what_is_answered(theirs: Client, peer: User, offered: Mock) -> None:
    coding = peer.loops.get().rounds.get()

    alone = theirs.get(at("mock_times", offered))
    both = theirs.get(at("mock_times", offered), {"round": str(coding.public_id)})
    theirs.post(
        at("mock_times", offered),
        {
            "starts_at": slots_of(both)[0],
            "answers": str(offered.proposals.get().public_id),
            "round": str(coding.public_id),
        },
    )

    assert (alone.context["slots"].minutes, both.context["slots"].minutes) == (55, 110)
    standing = offered.proposals.get(state="open")
    assert standing.ends_at - standing.starts_at == timedelta(minutes=110)
    assert offered.turns.count() == 2


@pytest.mark.parametrize("state", ["running", "done", "cancelled"])
def test_what_has_begun_or_is_over_is_not_moved(
    mine: Client, candidate: User, peer: User, cohort: Cohort, state: str
) -> None:
    made = factories.mock(candidate, peer, cohort, state=state)

    asked = mine.get(at("mock_times", made))
    sent = mine.post(at("mock_times", made), {"starts_at": "2026-03-06T10:00Z"})

    assert asked.url == at("mock", made)  # type: ignore[attr-defined]
    assert "cannot be moved" in words(asked)[0]
    assert sent.status_code == 409
    assert "cannot be moved" in text_of(sent)


def test_a_time_is_one_of_the_page(mine: Client, agreed: Mock) -> None:
    for start in ("", "soon", "2026-03-06T10:00"):
        page = mine.post(at("mock_times", agreed), {"starts_at": start})
        assert page.status_code == 422
        assert slots_of(page)


# Confirming, calling off, the room


def test_a_word_is_given_within_the_last_day_and_once(
    mine: Client, theirs: Client, agreed: Mock, clock: Clock
) -> None:
    early = mine.post(at("mock_confirm", agreed))
    clock.at = NOW + 30 * HOUR

    given = [mine.post(at("mock_confirm", agreed)) for _ in range(2)]
    alone = text_of(mine.get(at("mock", agreed)))
    theirs.post(at("mock_confirm", agreed))

    assert early.status_code == 409
    assert "You are asked 24 hours before the start" in text_of(early)
    assert [one.status_code for one in given] == [302, 302]
    assert "You confirmed, peer-102 has not yet" in alone
    assert state_of(agreed) == "confirmed"


def test_a_word_for_what_was_called_off_is_refused(
    mine: Client, theirs: Client, agreed: Mock, clock: Clock
) -> None:
    mine.post(at("mock_cancel", agreed))
    clock.at = NOW + 30 * HOUR

    page = theirs.post(at("mock_confirm", agreed))

    assert page.status_code == 409
    assert "candidate-101 could not make it" in text_of(page)


@pytest.mark.parametrize(
    ("hours", "costs", "outcome"),
    [(35, "It costs you nothing", ""), (37, "counts as changed late", "late_change")],
)
def test_calling_off_says_what_it_costs_and_costs_that(
    *,
    mine: Client,
    theirs: Client,
    candidate: User,
    agreed: Mock,
    clock: Clock,
    hours: int,
    costs: str,
    outcome: str,
) -> None:
    clock.at = NOW + hours * HOUR

    asked = text_of(mine.get(at("mock_cancel", agreed)))
    assert state_of(agreed) == "accepted"
    done = [mine.post(at("mock_cancel", agreed)) for _ in range(2)]

    assert costs in asked
    assert [one.status_code for one in done] == [302, 302]
    assert state_of(agreed) == "cancelled"
    assert agreed.seats.get(member=candidate).outcome == outcome
    assert not agreed.seats.filter(is_held=True).exists()
    page = text_of(mine.get(at("mock", agreed)))
    assert ("which counts as changed late" in page) == bool(outcome)
    assert (reverse("loops:mock_appeal", args=[agreed.public_id]) in page) == bool(outcome)
    assert "candidate-101 could not make it" in text_of(theirs.get(at("mock", agreed)))


def test_only_what_is_agreed_is_called_off(mine: Client, proposed: Mock) -> None:
    assert mine.get(at("mock_cancel", proposed)).url == at("mock", proposed)  # type: ignore[attr-defined]
    assert mine.post(at("mock_cancel", proposed)).status_code == 409
    assert state_of(proposed) == "proposed"


def test_the_room_is_shown_with_its_host(mine: Client, theirs: Client, agreed: Mock) -> None:
    mine.post(at("mock_room", agreed), {"video_url": "https://meet.example.org/our-room"})

    page = text_of(theirs.get(at("mock", agreed)))

    assert 'href="https://meet.example.org/our-room" target="_blank"' in page
    assert 'rel="noopener noreferrer nofollow"' in page
    assert "Join at meet.example.org" in page


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://meet.example.org@evil.example", "data:text/html,x"]
)
def test_a_room_that_is_no_page_is_refused_beside_its_field(
    mine: Client, agreed: Mock, url: str
) -> None:
    page = mine.post(at("mock_room", agreed), {"video_url": url})

    assert page.status_code == 422
    assert "This is not the address of a page" in text_of(page)
    agreed.refresh_from_db()
    assert agreed.video_url == ""


def test_a_room_may_be_emptied_and_not_be_set_for_what_is_over(
    mine: Client, theirs: Client, agreed: Mock
) -> None:
    mine.post(at("mock_room", agreed), {"video_url": "https://meet.example.org/"})
    mine.post(at("mock_room", agreed), {"video_url": ""})
    assert "Join at" not in text_of(mine.get(at("mock", agreed)))

    mine.post(at("mock_cancel", agreed))
    late = theirs.post(at("mock_room", agreed), {"video_url": "https://meet.example.org/"})

    assert late.status_code == 409


def test_an_old_address_that_is_no_page_is_not_linked(mine: Client, agreed: Mock) -> None:
    Mock.objects.update(video_url="javascript:alert(1)")

    assert (
        "javascript:alert"
        not in text_of(mine.get(at("mock", agreed))).split("<aside")[1].split("<form")[0]
    )


# After it


def test_after_a_mock_each_turn_leads_on(
    mine: Client, theirs: Client, candidate: User, peer: User, cohort: Cohort
) -> None:
    made = factories.mock(candidate, peer, cohort, state="done", swap_kind="coding")
    own, other = made.turns.order_by("position")
    Turn.objects.filter(pk=own.pk).update(attempt=factories.attempt(own.round, kind="live"))
    draft = factories.attempt(other.round, kind="live", state="draft")
    Turn.objects.filter(pk=other.pk).update(attempt=draft)

    pages = [text_of(client.get(at("mock", made))) for client in (mine, theirs)]

    results = reverse("feedback:results", args=[own.round.attempts.get().public_id])
    answer = reverse("loops:attempt", args=[draft.public_id])
    assert [results in page for page in pages] == [True, False]
    assert [answer in page for page in pages] == [False, True]
    assert reverse("feedback:card", args=[own.public_id]) in pages[0]
    assert reverse("feedback:card", args=[other.public_id]) in pages[1]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (None, "Something kept me: appeal"),
        ({"state": "open"}, "Your appeal waits for an organiser"),
        ({"state": "granted"}, GRANTED),
    ],
)
def test_what_stands_against_one_can_be_appealed(
    *,
    theirs: Client,
    mine: Client,
    candidate: User,
    peer: User,
    cohort: Cohort,
    facts: dict[str, str] | None,
    told: str,
) -> None:
    made = factories.mock(candidate, peer, cohort, state="no_show")
    record("no_show", made, by=candidate, at=NOW, absent=peer.pk)
    made.seats.filter(member=peer).update(outcome="no_show", outcome_at=NOW)
    if facts:
        Appeal.objects.create(seat=made.seats.get(member=peer), text="x", made_at=NOW, **facts)
        if facts["state"] == "granted":
            made.seats.filter(member=peer).update(outcome="excused")

    page = text_of(theirs.get(at("mock", made)))
    assert told in page
    assert "You were reported absent" in page
    assert ("You were excused" in page) == ("It counts" not in page) == (told == GRANTED)
    assert "You were reported absent" in text_of(theirs.get(reverse("loops:mock_list")))
    assert reverse("loops:mock_appeal", args=[made.public_id]) not in text_of(
        mine.get(at("mock", made))
    )


def test_a_mock_in_the_place_of_another_is_linked(
    mine: Client, candidate: User, peer: User, second_peer: User, cohort: Cohort
) -> None:
    missed = factories.mock(candidate, peer, cohort, state="no_show")
    instead = factories.mock(
        candidate, second_peer, cohort, starts_at=NOW + 3 * DAY, replaces=missed
    )

    assert at("mock", instead) in text_of(mine.get(at("mock", missed)))
