"""From a late change to an appeal granted: what it costs in the pool, and that it shuts no door."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from loops.actions import bookings, pool
from loops.matching import weigh
from loops.models import Appeal, Cohort, Mock, Seat, User
from loops.queries.pairing import open_requests, pool_of
from tests import factories
from tests.factories import NOW

REASON = "My child fell ill at noon; I wrote as soon as I knew."


@pytest.fixture
def as_candidate(candidate: User) -> Client:
    client = Client()
    client.force_login(candidate)
    return client


@pytest.fixture
def as_organiser(organiser: User) -> Client:
    client = Client()
    client.force_login(organiser)
    return client


def worth_to(partner: User, person: User, cohort: Cohort) -> int:
    """Return what a pair with the person would be worth in the next pairing."""
    read = pool_of(
        cohort, open_requests(cohort), timezone.now(), talk_minutes=bookings.TALK_MINUTES
    )
    worth = weigh(read.people[partner.pk], read.people[person.pk])
    assert worth is not None
    return worth


def test_a_late_change_costs_priority_and_no_access_until_it_is_excused(
    candidate: User,
    peer: User,
    second_peer: User,
    cohort: Cohort,
    *,
    as_candidate: Client,
    as_organiser: Client,
) -> None:
    now = timezone.now()
    slip = factories.mock(
        candidate, peer, cohort, state="cancelled", starts_at=now - timedelta(days=40)
    )
    slip.seats.filter(member=candidate).update(outcome="late_change", outcome_at=slip.starts_at)
    for person in (candidate, peer, second_peer):
        factories.pool_request(person, cohort, created_at=now - timedelta(hours=1))
    before = worth_to(peer, candidate, cohort)
    assert before == worth_to(peer, second_peer, cohort)  # the first slip is forgiven

    # Five hours before the start something comes between.
    mock = factories.mock(candidate, peer, cohort, starts_at=now + timedelta(hours=5))
    as_candidate.post(reverse("loops:mock_cancel", args=[mock.public_id]))
    mock.refresh_from_db()
    assert (mock.state, mock.seats.get(member=candidate).outcome) == ("cancelled", "late_change")

    # It is told in words, and lowers what a pair with the candidate is worth.
    page = as_candidate.get(reverse("loops:pool")).content.decode()
    assert "You kept 0 of your last 1, changed 1 late." in page
    after = worth_to(peer, candidate, cohort)
    assert after < before == worth_to(peer, second_peer, cohort)

    # It shuts no door: the candidate is still asked and paired.
    assert as_candidate.get(reverse("loops:mock_new")).status_code == 200
    others = pool.match_cohort(cohort_id=cohort.pk, week_on=NOW.date(), at=timezone.now())
    assert others is not None
    second_peer.match_requests.update(state="withdrawn")
    Mock.objects.filter(origin="matched").update(state="expired", state_at=now - timedelta(days=9))
    candidate.match_requests.update(state="open", mock=None)
    peer.match_requests.update(state="open", mock=None)
    paired = pool.match_cohort(
        cohort_id=cohort.pk, week_on=NOW.date() + timedelta(days=7), at=timezone.now()
    )
    assert paired is not None
    assert paired.pairs == 1
    Mock.objects.filter(origin="matched").update(state="expired", state_at=now - timedelta(days=9))
    for person in (candidate, peer, second_peer):
        person.match_requests.update(state="open", mock=None, weeks_waited=0)

    # The candidate appeals, the organiser grants it, and all is as it was.
    appeal_page = reverse("loops:mock_appeal", args=[mock.public_id])
    assert as_candidate.post(appeal_page, {"text": REASON}).status_code == 302
    watch = reverse("loops:cohort_mocks", args=[cohort.public_id])
    assert REASON.replace("'", "&#x27;") in as_organiser.get(watch).content.decode()
    decide = reverse("loops:appeal_decide", args=[Appeal.objects.get().public_id])
    as_organiser.post(decide, {"decision": "grant", "answer": "Get well soon."})
    assert mock.seats.get(member=candidate).outcome == Seat.Outcome.EXCUSED
    assert worth_to(peer, candidate, cohort) == before
    assert "Get well soon." in as_candidate.get(appeal_page).content.decode()
    assert "changed 1 late" not in as_candidate.get(reverse("loops:pool")).content.decode()
