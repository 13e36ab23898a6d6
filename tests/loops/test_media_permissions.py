"""Who gets what of a recording: each role at each address, and each way to spoil a link."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from loops.actions import recordings
from loops.links import LASTS, lifetime
from loops.models import Cohort, Membership, Recording, Rendition, Round, Turn, User
from tests import factories
from tests.factories import NOW
from tests.media_addresses import OF_THE_OWNER, TO_PLAY, addresses, given, link, whole

NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def recording(round_: Round, settings: Any) -> Recording:
    """The candidate's answer, handed in and whole."""
    settings.MEDIA_SENDER = "django"  # given back after the test, which changes it
    return whole(factories.attempt(round_))


@pytest.fixture
def interviewer(recording: Recording, candidate: User, peer: User, cohort: Cohort) -> User:
    """The peer, as the interviewer of the mock in which the answer was given."""
    mock = factories.mock(candidate, peer, cohort, state="done")
    Turn.objects.filter(mock=mock).update(attempt=recording.attempt)
    return peer


def signed_in(user: User) -> Client:
    """A browser of its own."""
    client = Client()
    client.force_login(user)
    return client


# Roles


def test_its_candidate_gets_everything(recording: Recording, candidate: User) -> None:
    client = signed_in(candidate)

    assert given(client, addresses(client, recording)) == TO_PLAY | OF_THE_OWNER


@pytest.mark.parametrize("role", ["peer", "outsider", "organiser", "staff", "nobody"])
def test_who_neither_recorded_nor_grades_it_gets_nothing(
    recording: Recording, role: str, request: pytest.FixtureRequest
) -> None:
    if role == "nobody":
        client = Client()
    elif role == "staff":
        client = signed_in(factories.person("staff-106", is_staff=True, is_superuser=True))
    else:
        client = signed_in(request.getfixturevalue(role))

    assert given(client, addresses(client, recording)) == NOTHING


def test_the_interviewer_of_its_mock_plays_it_while_in_the_cohort(
    recording: Recording, interviewer: User
) -> None:
    client = signed_in(interviewer)

    before = given(client, addresses(client, recording))
    Membership.objects.filter(user=interviewer).delete()
    after = given(client, addresses(client, recording))

    assert (before, after) == (TO_PLAY, NOTHING)


def test_a_candidate_who_was_shut_out_gets_nothing(recording: Recording, candidate: User) -> None:
    client = signed_in(candidate)
    of = addresses(client, recording)
    User.objects.filter(pk=candidate.pk).update(is_active=False)

    for name, address in of.items():
        assert client.get(address).status_code == 302, name


# What was put away


@pytest.mark.parametrize("put_away", ["erase", "discard"])
def test_what_was_put_away_is_there_for_nobody(
    recording: Recording, interviewer: User, candidate: User, put_away: str
) -> None:
    """From the moment it is put away, although a worker removes the files only later."""
    browsers = [signed_in(candidate), signed_in(interviewer)]
    of = [addresses(client, recording) for client in browsers]
    if put_away == "erase":
        recordings.erase(recording=recording, by=candidate, at=NOW)
    else:
        Recording.objects.filter(pk=recording.pk).update(state=Recording.State.DISCARDED)

    found = [given(client, each) for client, each in zip(browsers, of, strict=True)]

    assert found == [NOTHING, NOTHING]


@pytest.mark.parametrize("state", ["recording", "uploaded", "processing", "failed"])
def test_what_is_not_ready_is_its_candidates_alone(
    recording: Recording, interviewer: User, candidate: User, state: str
) -> None:
    Recording.objects.filter(pk=recording.pk).update(state=state)
    browsers = [signed_in(candidate), signed_in(interviewer)]

    found = [given(client, addresses(client, recording)) for client in browsers]

    assert found == [OF_THE_OWNER, NOTHING]


# Links


@pytest.fixture
def rendition(recording: Recording) -> Rendition:
    """What is played of it."""
    made: Rendition = recording.tracks.get().renditions.get(kind="playable")
    return made


def status(client: Client, address: str) -> int:
    """Read the answer to its end and return its status."""
    response = client.get(address)
    b"".join(response)
    return response.status_code


def is_run_out(client: Client, address: str) -> bool:
    """Say whether the link is refused, and nothing but the link."""
    response = client.get(address)
    told = b"".join(response)
    return response.status_code == 403 and json.loads(told)["code"] == "link_expired"


def test_a_link_lives_as_long_as_a_fresh_page_needs_it(
    rendition: Rendition, candidate: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(candidate)
    made, at = link(client, rendition), time.time()
    lives = lifetime(rendition.track.recording).total_seconds()
    assert lives == (LASTS + timedelta(minutes=10)).total_seconds()

    found = []
    for later in (lives - 5, lives + 5):
        monkeypatch.setattr(time, "time", lambda later=later: at + later)
        found.append(status(client, made))

    assert found == [200, 403]


def test_a_link_is_good_for_its_file_and_its_session_alone(
    recording: Recording, rendition: Rendition, interviewer: User, candidate: User
) -> None:
    """All of those who ask here may play the recording; it is the link that is not theirs."""
    client, their = signed_in(candidate), signed_in(interviewer)
    made = link(client, rendition)
    path, _mark, token = made.partition("?t=")
    poster = recording.tracks.get().renditions.get(kind="poster")
    theirs = link(their, rendition)
    stamp, _colon, signature = token.partition(":")

    spoilt = {
        "no token": path,
        "an empty one": f"{path}?t=",
        "a longer one": f"{made}x",
        "a shorter one": made[:-1],
        "another stamp": f"{path}?t={'z' + stamp[1:]}:{signature}",
        "signed by nobody": f"{path}?t={stamp}:{'A' * len(signature)}",
        "of another file": link(client, poster).replace(str(poster.public_id), path.split("/")[2]),
        "of another's session": theirs,
    }

    assert (status(client, made), status(their, theirs)) == (200, 200)
    assert [name for name, address in spoilt.items() if not is_run_out(client, address)] == []
    assert is_run_out(signed_in(candidate), made), "another browser of the same member"
    assert is_run_out(their, made), "handed to somebody who may play it"
    client.logout()
    assert status(client, made) == 302
    client.force_login(candidate)
    assert is_run_out(client, made), "the session it was made for has ended"


def test_a_refused_link_tells_a_stranger_no_more_than_a_guess(
    rendition: Rendition, candidate: User, peer: User
) -> None:
    client = signed_in(peer)
    good = link(signed_in(candidate), rendition)

    guess = good.replace(str(rendition.public_id), str(uuid4()))
    asked = (good, link(client, rendition), good[:-1], guess)

    assert {status(client, address) for address in asked} == {404}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_file_is_read_and_nothing_else(
    rendition: Rendition, candidate: User, method: str
) -> None:
    client = signed_in(candidate)

    assert getattr(client, method)(link(client, rendition)).status_code == 405


def test_a_download_is_the_candidates_by_a_live_link(
    rendition: Rendition, interviewer: User, candidate: User
) -> None:
    client, their = signed_in(candidate), signed_in(interviewer)

    run_out = client.get(f"{reverse('loops:media', args=[rendition.public_id])}?download&t=x")

    assert (run_out.status_code, run_out["Location"]) == (302, reverse("loops:recording_list"))
    assert their.get(f"{link(their, rendition)}&download").status_code == 404
