"""Answers from a mail: the link alone lets one answer, once, and only by pressing a button."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.signing import Signer
from django.test import Client
from django.urls import reverse

from loops.answer_links import SALT, DeadLink, answer_path, answer_token, read
from loops.models import Cohort, DaysAway, Event, Mock, Notice, Proposal, Seat, User
from tests import factories
from tests.clock import Clock
from tests.factories import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JSON: dict[str, Any] = {"headers": {"Accept": "application/json"}}


pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def proposed(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """The candidate, in New York, proposes to the peer, in Kathmandu."""
    for person, zone in ((candidate, "America/New_York"), (peer, "Asia/Kathmandu")):
        person.time_zone = zone
        person.save(update_fields=["time_zone"])
        factories.week(person, zone, start=0, end=24 * 60)
    return factories.mock(candidate, peer, cohort, state="proposed")


@pytest.fixture
def agreed(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """An agreed mock in two days, not confirmed yet."""
    factories.week(candidate)
    factories.week(peer)
    return factories.mock(candidate, peer, cohort, state="accepted")


@pytest.fixture
def link(proposed: Mock, peer: User) -> str:
    """The peer's link to the proposal, as the mail has it."""
    return answer_path(peer, proposed, proposed.proposals.get(), "answer")


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def state_of(mock: Mock) -> str:
    mock.refresh_from_db()
    return str(mock.state)


def all_rows() -> list[Any]:
    kinds: list[Any] = [Mock, Proposal, Seat, Event, Notice]
    return [list(kind.objects.order_by("pk").values()) for kind in kinds]


# The link itself


def test_a_link_says_who_answers_what(proposed: Mock, peer: User) -> None:
    proposal = proposed.proposals.get()
    told = read(answer_token(peer, proposed, proposal), NOW)

    assert (told.purpose, told.member_id, told.mock_id, told.proposal_id, told.starts_at) == (
        "answer",
        peer.public_id,
        proposed.public_id,
        proposal.public_id,
        proposal.starts_at,
    )
    assert answer_token(peer, proposed, proposal) == answer_token(peer, proposed, proposal)
    assert read(answer_token(peer, proposed), NOW).purpose == "confirm"


def test_a_purpose_and_its_proposal_belong_together(proposed: Mock, peer: User) -> None:
    with pytest.raises(ValueError, match="proposal"):
        answer_path(peer, proposed, None, "answer")
    with pytest.raises(ValueError, match="proposal"):
        answer_path(peer, proposed, proposed.proposals.get(), "confirm")


def test_a_link_is_dead_from_the_start_on(proposed: Mock, peer: User) -> None:
    token = answer_token(peer, proposed, proposed.proposals.get())
    read(token, proposed.starts_at - timedelta(microseconds=1))

    with pytest.raises(DeadLink):
        read(token, proposed.starts_at)


@pytest.mark.parametrize(
    "told", [{}, [], "x", ["answer"], ["stay", "a", "b", "", 1], ["answer", "x", "y", "", 1]]
)
def test_what_is_signed_and_says_nothing_is_dead(told: Any) -> None:
    with pytest.raises(DeadLink):
        read(Signer(salt=SALT, sep=".").sign_object(told), NOW)


# The page behind it


def test_opening_it_changes_nothing(
    client: Client, link: str, agreed: Mock, peer: User, clock: Clock
) -> None:
    """Mail programs and scanners open every link, some of them with HEAD."""
    clock.at = NOW + 30 * HOUR
    links = [link, answer_path(peer, agreed, None, "confirm")]
    before = all_rows()

    for address in links:
        for _ in range(2):
            assert client.get(address).status_code == 200
            assert client.head(address).status_code == 200

    assert all_rows() == before


def test_it_shows_both_times_and_two_buttons_to_whoever_holds_it(client: Client, link: str) -> None:
    page = text_of(client.get(link))

    assert "For you, Kathmandu" in page
    assert "15:15–16:15" in page
    assert "For candidate-101, New York" in page
    assert "04:30–05:30" in page
    assert 'value="accept"' in page
    assert 'value="decline"' in page


def test_it_is_in_the_clocks_of_its_holder_whoever_is_signed_in(
    client: Client, link: str, outsider: User
) -> None:
    client.force_login(outsider)

    page = text_of(client.get(link))

    assert "For peer-102, from your mail" in page
    assert "For you, Kathmandu" in page


def test_accepting_works_signed_out_and_once(client: Client, link: str, proposed: Mock) -> None:
    first = client.post(link, {"answer": "accept"})
    after = all_rows()
    second = client.post(link, {"answer": "decline"})
    page = text_of(client.get(link))

    assert first.url == second.url == link  # type: ignore[attr-defined]
    assert state_of(proposed) == "accepted"
    assert all_rows() == after
    assert "This is answered: the time was accepted." in page
    assert 'value="accept"' not in page


def test_declining_is_said_afterwards(client: Client, link: str, proposed: Mock) -> None:
    client.post(link, {"answer": "decline"})

    assert state_of(proposed) == "cancelled"
    page = text_of(client.get(link))
    assert "This is answered: the time was declined." in page
    assert "Not agreed" in page


def test_an_offer_to_swap_asks_what_is_answered(
    client: Client, candidate: User, peer: User, cohort: Cohort
) -> None:
    factories.week(candidate)
    factories.week(peer)
    coding = factories.loop(peer, cohort, kinds=["coding"]).rounds.get()
    offered = factories.mock(candidate, peer, cohort, state="proposed", wants_swap=True)
    address = answer_path(peer, offered, offered.proposals.get())

    unsaid = client.post(address, {"answer": "accept"})
    assert state_of(offered) == "proposed"
    client.post(address, {"answer": "accept", "round": str(coding.public_id)})

    assert unsaid.status_code == 422
    assert "Choose which round you answer" in text_of(unsaid)
    assert state_of(offered) == "accepted"
    assert offered.turns.count() == 2


@pytest.mark.parametrize("word", ["", "take_back", "perhaps"])
def test_another_word_is_none(client: Client, link: str, proposed: Mock, word: str) -> None:
    assert client.post(link, {"answer": word}).status_code in {409, 422}
    assert state_of(proposed) == "proposed"


def test_a_pair_of_the_pool_waits_for_the_other(
    client: Client, candidate: User, peer: User, cohort: Cohort
) -> None:
    made = factories.mock(
        candidate, peer, cohort, state="proposed", origin="matched", asked_by=None
    )
    links = [answer_path(one, made, made.proposals.get()) for one in (candidate, peer)]

    client.post(links[0], {"answer": "accept"})
    between = text_of(client.get(links[0]))
    client.post(links[1], {"answer": "accept"})

    assert "This is answered: you accepted." in between
    assert state_of(made) == "accepted"


def test_a_proposal_that_was_answered_with_another_time_says_so(
    client: Client, link: str, proposed: Mock, peer: User
) -> None:
    other = Client()
    other.force_login(peer)
    shown = proposed.proposals.get()
    sent = {"starts_at": "2026-03-05T10:00Z", "answers": str(shown.public_id)}
    other.post(reverse("loops:mock_times", args=[proposed.public_id]), sent)

    page = text_of(client.get(link))
    client.post(link, {"answer": "accept"})

    assert "another time was proposed instead" in page
    assert state_of(proposed) == "proposed"


def test_a_slot_that_is_gone_is_told_with_the_free_ones(
    *, client: Client, link: str, proposed: Mock, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.mock(second_peer, peer, cohort)  # at the same time

    page = client.post(link, {"answer": "accept"})
    told = client.post(link, {"answer": "accept"}, **JSON)

    assert page.status_code == told.status_code == 409
    assert "no longer free for both of you" in text_of(page)
    assert "Free for both of you now" in text_of(page)
    assert (told.json()["code"], bool(told.json()["slots"])) == ("slot_gone", True)
    assert state_of(proposed) == "proposed"


def test_where_nothing_is_free_any_more_the_words_stand_alone(
    client: Client, link: str, peer: User, second_peer: User, cohort: Cohort
) -> None:
    factories.mock(second_peer, peer, cohort)
    DaysAway.objects.create(
        user=peer,
        from_on=NOW.date() - DAY,
        to_on=NOW.date() + 99 * DAY,
        time_zone="UTC",
    )

    page = text_of(client.post(link, {"answer": "accept"}))

    assert "no longer free for both of you" in page
    assert "Free for both of you now" not in page


# Confirming


def test_a_word_is_given_by_the_link(
    client: Client, agreed: Mock, candidate: User, peer: User, clock: Clock
) -> None:
    clock.at = NOW + 30 * HOUR
    links = [answer_path(one, agreed, None, "confirm") for one in (candidate, peer)]

    asked = text_of(client.get(links[0]))
    client.post(links[0], {"answer": "confirm"})
    after = text_of(client.get(links[0]))
    again = client.post(links[0], {"answer": "cancel"})
    client.post(links[1], {"answer": "confirm"})

    assert "Will you be there?" in asked
    assert "calling it off costs you nothing" in asked
    assert "This is answered: you gave your word to be there." in after
    assert again.status_code == 302
    assert state_of(agreed) == "confirmed"


def test_who_cannot_make_it_says_so_by_the_link(
    client: Client, agreed: Mock, peer: User, clock: Clock
) -> None:
    clock.at = NOW + 40 * HOUR
    address = answer_path(peer, agreed, None, "confirm")

    asked = text_of(client.get(address))
    client.post(address, {"answer": "cancel"})

    assert "calling it off counts as changed late" in asked
    assert state_of(agreed) == "cancelled"
    assert agreed.seats.get(member=peer).outcome == "late_change"
    assert "You called it off" in text_of(client.get(address))


def test_the_word_for_an_old_time_is_none_for_the_new(
    client: Client, agreed: Mock, peer: User, clock: Clock
) -> None:
    clock.at = NOW + 30 * HOUR
    address = answer_path(peer, agreed, None, "confirm")
    agreed.starts_at += HOUR
    agreed.ends_at += HOUR
    agreed.save()

    page = text_of(client.get(address))
    client.post(address, {"answer": "confirm"})

    assert "it is not asked any more" in page
    assert agreed.seats.get(member=peer).confirmed_at is None


def test_a_word_is_not_asked_before_its_time(client: Client, agreed: Mock, peer: User) -> None:
    address = answer_path(peer, agreed, None, "confirm")

    assert 'value="confirm"' not in text_of(client.get(address))
    client.post(address, {"answer": "confirm"})
    assert agreed.seats.get(member=peer).confirmed_at is None


# Dead links


def _cut(link: str) -> str:
    return f"{link[:-6]}/"


def _other_word(link: str) -> str:
    return link.replace("/answers/W", "/answers/X")


@pytest.mark.parametrize("spoil", [_cut, _other_word, lambda link: "/answers/x/"])
def test_a_link_that_was_changed_is_closed(
    client: Client, link: str, proposed: Mock, spoil: Callable[[str], str]
) -> None:
    for send in (client.get, client.post):
        page = send(spoil(link), {"answer": "accept"})
        assert page.status_code == 410
        assert "This link has ended" in text_of(page)
    assert state_of(proposed) == "proposed"


def test_a_link_is_closed_once_its_time_has_come(
    client: Client, link: str, proposed: Mock, clock: Clock
) -> None:
    clock.at = proposed.starts_at

    assert client.get(link).status_code == 410
    assert client.post(link, {"answer": "accept"}).status_code == 410
    assert state_of(proposed) == "proposed"


def test_a_link_of_somebody_who_has_left_is_closed(client: Client, link: str, peer: User) -> None:
    User.objects.filter(pk=peer.pk).update(is_active=False)

    assert client.get(link).status_code == 410


def test_a_link_signed_for_something_else_is_closed(client: Client, link: str) -> None:
    token = Signer(salt="something.else", sep=".").sign_object(["answer"])

    assert client.get(reverse("loops:answer_link", args=[token])).status_code == 410


def test_an_answer_needs_the_pages_own_form(link: str, proposed: Mock) -> None:
    """Another site cannot press the button for somebody whose browser knows the link."""
    assert Client(enforce_csrf_checks=True).post(link, {"answer": "accept"}).status_code == 403
    assert state_of(proposed) == "proposed"


def test_it_shows_no_prompt(client: Client, agreed: Mock, candidate: User, clock: Clock) -> None:
    clock.at = NOW + 30 * HOUR
    prompt = agreed.turns.get().prompt
    assert prompt is not None

    page = client.get(answer_path(candidate, agreed, None, "confirm")).content.decode()

    assert prompt.text not in page
    assert prompt.key not in page


def test_times_are_instants_not_letters(proposed: Mock, peer: User) -> None:
    told = read(answer_token(peer, proposed, proposed.proposals.get()), NOW)

    assert told.starts_at == datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
