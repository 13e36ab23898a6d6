"""The session page in each of its states, what is done there, and what a candidate never sees."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.actions import session as evening
from feedback.models import Evidence, InterviewerCard, Review
from loops.actions import practice, sessions
from loops.models import Attempt, Cohort, Mock, Recording, Seat, Standby, Turn, User
from tests import factories
from tests.factories import DIMENSIONS

MINUTE = timedelta(minutes=1)
PROMPT = "Help the reliability group get fewer incidents, case 1."
MARKS = {"kept_time": "2", "fair_hints": "1", "probed_for_level": "2", "feedback_specific": "0"}
WHOLE = {
    **{f"dimension-{key}": "2" for key in DIMENSIONS},
    "verdict": "yes",
    "level_given": "2",
    "confidence": "fair",
    "summary": "Asked who is hurt.",
    "from": "session",
}


@pytest.fixture
def mock(candidate: User, peer: User, cohort: Cohort) -> Mock:
    """A mock that begins in five minutes: the candidate answers, the peer interviews."""
    return make(candidate, peer, cohort, 5)


@pytest.fixture
def running(mock: Mock, candidate: User, peer: User) -> Mock:
    """The same mock with both of them there."""
    for person in (candidate, peer):
        sessions.arrive(mock=mock, by=person, at=timezone.now())
    return Mock.objects.get()


@pytest.fixture
def turn(running: Mock, peer: User) -> Turn:
    """Its turn, begun eight minutes ago."""
    at = timezone.now() - 8 * MINUTE
    begun = evening.begin_turn(turn=running.turns.get(), by=peer, at=at)
    return Turn.objects.select_related("mock", "attempt").get(pk=begun.pk)


@pytest.fixture
def attempt(turn: Turn) -> Attempt:
    """The live answer."""
    assert turn.attempt
    return turn.attempt


@pytest.fixture
def review(attempt: Attempt) -> Review:
    """The interviewer's review of it."""
    return attempt.reviews.get()


@pytest.fixture
def shown(client: Client) -> Callable[..., str]:
    """Return what the session page says to a person."""

    def shown(user: User, mock: Mock, **more: Any) -> str:
        client.force_login(user)
        response = client.get(session_of(mock), **more)
        assert response.status_code == 200
        return unescape(response.content.decode())

    return shown


@pytest.fixture
def act(client: Client) -> Callable[..., Any]:
    """Post to an address as somebody."""

    def act(user: User, name: str, row: Mock | Turn | Review, data: Any = None, **more: Any) -> Any:
        client.force_login(user)
        return client.post(reverse(f"feedback:{name}", args=[row.public_id]), data or {}, **more)

    return act


def make(candidate: User, interviewer: User, cohort: Cohort, minutes: float, **facts: Any) -> Mock:
    """Make a mock that starts so many minutes from now, agreed an hour ago."""
    now = timezone.now()
    facts = {"starts_at": now + minutes * MINUTE, "created_at": now - 60 * MINUTE, **facts}
    return factories.mock(candidate, interviewer, cohort, **facts)


def session_of(mock: Mock) -> str:
    return reverse("feedback:session", args=[mock.public_id])


def arrived(mock: Mock, *people: User) -> None:
    Seat.objects.filter(mock=mock, member__in=people).update(arrived_at=timezone.now())


def record(attempt: Attempt, **facts: Any) -> Recording:
    Attempt.objects.filter(pk=attempt.pk).update(predicted_rank=2)
    now = timezone.now()
    facts = {"started_at": now - 7 * MINUTE, "state_at": now, **facts}
    return factories.recording(attempt, **facts)


# Before it begins


def test_early_it_counts_down_and_leads_to_the_kit(
    shown: Callable[..., str], candidate: User, peer: User, cohort: Cohort
) -> None:
    mock = make(candidate, peer, cohort, 120)

    theirs, own = shown(candidate, mock), shown(peer, mock)

    assert "It begins in" in theirs
    assert "I am here" not in theirs
    kit = reverse("loops:turn_kit", args=[mock.turns.get().public_id])
    assert (kit in own, kit in theirs) == (True, False)


def test_both_clocks_and_a_change_of_clocks_are_told(
    shown: Callable[..., str], candidate: User, peer: User, cohort: Cohort
) -> None:
    User.objects.filter(pk=candidate.pk).update(time_zone="Asia/Kathmandu")
    User.objects.filter(pk=peer.pk).update(time_zone="America/New_York")
    candidate.refresh_from_db()
    mock = make(candidate, peer, cohort, 240 * 24 * 60)

    page = shown(candidate, mock)

    assert "</time> Kathmandu" in page
    assert "New York" in page
    assert f"{peer.handle}:" in page
    assert f"Clocks change for {peer.handle} on" in page
    assert peer.email not in page


def test_a_quarter_of_an_hour_before_one_says_that_one_is_here(
    shown: Callable[..., str], act: Callable[..., Any], mock: Mock, candidate: User, peer: User
) -> None:
    assert "I am here" in shown(candidate, mock)

    assert act(candidate, "mock_arrive", mock)["Location"] == session_of(mock)

    assert f"You are here; {peer.handle} is not yet." in shown(candidate, mock)
    assert f"{candidate.handle} is here" in shown(peer, mock)
    act(peer, "mock_arrive", mock)
    assert Mock.objects.get().state == "running"


def test_too_early_to_be_here_is_said_on_the_page(
    act: Callable[..., Any], candidate: User, peer: User, cohort: Cohort
) -> None:
    response = act(candidate, "mock_arrive", make(candidate, peer, cohort, 40))

    assert response.status_code == 409
    assert "opens a quarter of an hour before" in unescape(response.content.decode())
    assert "It begins in" in response.content.decode()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("proposed", "This mock is not agreed yet"),
        ("cancelled", "This mock was called off"),
        ("expired", "This mock did not take place"),
    ],
)
def test_a_mock_that_is_not_held_says_so(
    shown: Callable[..., str], candidate: User, peer: User, state: str, said: str
) -> None:
    page = shown(candidate, make(candidate, peer, candidate.cohorts.get(), 40, state=state))

    assert said in page
    assert "hx-get" not in page


@pytest.mark.parametrize("who", ["second_peer", "organiser", "outsider"])
def test_nobody_else_joins(
    client: Client, mock: Mock, request: pytest.FixtureRequest, who: str
) -> None:
    client.force_login(request.getfixturevalue(who))

    assert client.get(session_of(mock)).status_code == 404
    for name in ("mock_arrive", "session_finish", "mock_absent"):
        address = reverse(f"feedback:{name}", args=[mock.public_id])
        assert client.post(address).status_code == 404


def test_the_page_may_ask_for_camera_and_microphone(client: Client, mock: Mock, peer: User) -> None:
    client.force_login(peer)

    policy = client.get(session_of(mock))["Permissions-Policy"]

    assert "camera=(self), microphone=(self)" in policy


# What the candidate never sees before


def test_before_the_turn_no_page_of_the_candidates_gives_the_prompt_away(
    client: Client, running: Mock, candidate: User, peer: User
) -> None:
    """Neither its words nor its key, nor anything of its kit."""
    turn = running.turns.select_related("prompt", "round__loop").get()
    assert turn.prompt
    kit = [turn.prompt.intent, *turn.prompt.probes, *turn.prompt.hints, *turn.prompt.wrong_turns]
    sessions.open_kit(turn=turn, by=peer, at=timezone.now())
    sessions.prepare(turn=turn, by=peer, at=timezone.now())
    client.force_login(candidate)
    pages = [
        session_of(running),
        reverse("loops:mock_list"),
        reverse("loops:mock", args=[running.public_id]),
        reverse("loops:mock_invite", args=[running.public_id]),
        reverse("loops:notice_list"),
        reverse("loops:loop", args=[turn.round.loop.public_id]),
        reverse("loops:round", args=[turn.round.public_id]),
        reverse("feedback:card", args=[turn.public_id]),
        reverse("feedback:practice_note", args=[turn.public_id]),
        reverse("feedback:queue"),
        reverse("feedback:readiness"),
        reverse("attempt-list"),
        reverse("round-list"),
        reverse("loop-list"),
    ]

    for url in pages:
        response = client.get(url)
        assert response.status_code == 200, url
        said = unescape(response.content.decode())
        for secret in (turn.prompt.text, turn.prompt.key, *kit):
            assert secret not in said, url

    moved = client.get(session_of(running), {"edition": "old"}, headers={"HX-Request": "true"})
    assert turn.prompt.text not in unescape(moved.content.decode())
    assert client.get(reverse("loops:turn_kit", args=[turn.public_id])).status_code == 404


# In a turn


def test_the_interviewer_begins_and_the_prompt_comes_to_the_candidate(
    shown: Callable[..., str], act: Callable[..., Any], running: Mock, candidate: User, peer: User
) -> None:
    turn = running.turns.get()
    assert act(candidate, "turn_begin", turn).status_code == 404
    assert "Begin the turn" in shown(peer, running)

    assert act(peer, "turn_begin", turn)["Location"] == session_of(running)
    act(peer, "turn_begin", turn)

    page = shown(candidate, running)
    assert PROMPT in page
    assert "which level will they see?" in page
    assert reverse("loops:track_begin", args=[Attempt.objects.get().public_id]) in page
    assert "Sees whether the candidate asks" not in page
    assert Review.objects.get().is_live


def test_the_interviewer_has_kit_clock_and_scorecard_in_one_place(
    shown: Callable[..., str], turn: Turn, review: Review, peer: User
) -> None:
    page = shown(peer, turn.mock)

    for said in (PROMPT, "Who decides?", "Who reads the report?", "Builds a paging tool"):
        assert said in page
    for key in DIMENSIONS:
        assert f'id="dimension-{key}"' in page
    assert 'data-elapsed-s="480"' in page
    assert reverse("feedback:evidence_add", args=[review.public_id]) in page


def test_an_interviewer_is_told_that_another_prompt_was_drawn(
    act: Callable[..., Any], shown: Callable[..., str], running: Mock, candidate: User, peer: User
) -> None:
    """The candidate has graded an answer to the prepared one since."""
    turn = running.turns.select_related("prompt").get()
    assert turn.prompt
    practice.expose(user=candidate, prompt=turn.prompt, role="grader", at=timezone.now())

    act(peer, "turn_begin", turn)

    page = shown(peer, running)
    assert "another was drawn" in page
    assert "case 2." in page


def test_a_turn_without_any_prompt_left_is_not_begun(
    act: Callable[..., Any], running: Mock, candidate: User, peer: User
) -> None:
    turn = running.turns.get()
    assert turn.rubric_version
    for prompt in turn.rubric_version.prompts.all():
        practice.expose(user=candidate, prompt=prompt, role="grader", at=timezone.now())

    response = act(peer, "turn_begin", turn)

    assert response.status_code == 409
    assert "has met every prompt of this round" in unescape(response.content.decode())
    assert not Attempt.objects.exists()


def test_the_prediction_leads_back_to_the_session(
    client: Client, attempt: Attempt, candidate: User, turn: Turn
) -> None:
    client.force_login(candidate)

    response = client.post(
        reverse("loops:attempt_predict", args=[attempt.public_id]), {"rank": "2"}
    )

    assert response["Location"] == session_of(turn.mock)
    assert "You predicted <strong>L6</strong>" in client.get(session_of(turn.mock)).content.decode()


def test_a_recording_that_is_safe_takes_the_recorders_place(
    shown: Callable[..., str], attempt: Attempt, candidate: User, turn: Turn
) -> None:
    record(attempt, state=Recording.State.PROCESSING)

    page = shown(candidate, turn.mock)

    assert "Your recording is safe" in page
    assert 'data-behaviour="recorder"' not in page


def test_an_unfinished_recording_is_offered_after_a_reload(
    client: Client, shown: Callable[..., str], attempt: Attempt, candidate: User, turn: Turn
) -> None:
    begun = record(attempt, state=Recording.State.RECORDING)
    factories.upload(begun, b"two megabytes")

    page = shown(candidate, turn.mock)

    assert "A recording of this turn is not finished." in page
    assert reverse("loops:recording_finish", args=[begun.public_id]) in page
    discarded = client.post(reverse("loops:recording_discard", args=[begun.public_id]))
    assert discarded["Location"] == session_of(turn.mock)


def test_a_stamp_without_scripts_keeps_everything_and_stays(
    act: Callable[..., Any], shown: Callable[..., str], turn: Turn, review: Review, peer: User
) -> None:
    before = timezone.now()
    fields = {
        "version": "0",
        "from": "session",
        "dimension-discovery": "2",
        "mark-stamp": str(uuid4()),
        "mark-about": "signal:unbounded",
        "mark-note": "Draws three boxes",
    }

    for _press in range(2):  # a double click
        assert act(peer, "evidence_add", review, fields)["Location"] == session_of(turn.mock)

    stamp = Evidence.objects.get()
    assert stamp.stamped_at
    assert before <= stamp.stamped_at <= timezone.now()
    assert stamp.downcode
    assert (stamp.downcode.key, stamp.note) == ("unbounded", "Draws three boxes")
    assert list(review.ratings.values_list("dimension__key", "rank")) == [("discovery", 2)]
    assert list(review.ticks.values_list("downcode__key", flat=True)) == ["unbounded"]
    assert "Draws three boxes" in shown(peer, turn.mock)


def test_a_script_stamps_alone_and_may_be_late(
    act: Callable[..., Any], review: Review, peer: User
) -> None:
    fields = {"mark-stamp": str(uuid4()), "mark-age_ms": "90000", "mark-about": "dimension:options"}

    response = act(peer, "evidence_add", review, fields, headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert 'id="evidence-options"' in response.content.decode()
    stamp = Evidence.objects.get()
    assert stamp.stamped_at
    assert abs(timezone.now() - stamp.stamped_at - timedelta(seconds=90)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mark-stamp": "no id"},
        {"mark-age_ms": "-1"},
        {"mark-age_ms": str(13 * 3600 * 1000)},
        {"mark-about": "dimension:none"},
        {"mark-note": "x" * 501},
    ],
)
def test_a_stamp_that_is_none_is_refused_with_words(
    act: Callable[..., Any], review: Review, peer: User, wrong: dict[str, str]
) -> None:
    fields = {"mark-stamp": str(uuid4()), "mark-about": "dimension:options", **wrong}

    response = act(peer, "evidence_add", review, fields, headers={"HX-Request": "true"})

    assert response.status_code == 422
    assert response.json()["message"]
    assert not Evidence.objects.exists()


def test_a_note_typed_with_a_draft_is_stamped_not_lost(
    act: Callable[..., Any], review: Review, peer: User
) -> None:
    fields = {
        "version": "0",
        "from": "session",
        "mark-stamp": str(uuid4()),
        "mark-about": "dimension:options",
        "mark-note": "Names three",
    }

    act(peer, "review_draft", review, fields)

    assert Evidence.objects.get().note == "Names three"


def test_either_ends_the_turn(
    act: Callable[..., Any], shown: Callable[..., str], turn: Turn, candidate: User, peer: User
) -> None:
    assert act(candidate, "turn_end", turn)["Location"] == session_of(turn.mock)

    turn.refresh_from_db()
    assert turn.ended_at
    assert "Finish the mock" in shown(peer, turn.mock)


def test_roles_swap(
    shown: Callable[..., str], act: Callable[..., Any], candidate: User, peer: User, cohort: Cohort
) -> None:
    mock = make(candidate, peer, cohort, -1, swap_kind="coding", state=Mock.State.RUNNING)
    first, second = mock.turns.order_by("position")
    act(peer, "turn_begin", first)
    act(peer, "turn_end", first)

    assert "Swap: now you interview" in shown(candidate, mock)
    assert "Your prompt comes with your turn" in shown(peer, mock)
    act(candidate, "turn_begin", second)
    assert "Builds a paging tool" not in shown(peer, mock)
    assert 'data-behaviour="recorder"' in shown(peer, mock)


# News


def poll(client: Client, mock: Mock, **asked: str) -> Any:
    return client.get(session_of(mock), asked, headers={"HX-Request": "true"})


def edition_of(page: str) -> dict[str, str]:
    query = page.split("hx-get=")[1].split('"')[1].partition("?")[2]
    return dict(pair.split("=") for pair in query.split("&"))


def test_nothing_new_is_nothing(
    client: Client, shown: Callable[..., str], running: Mock, candidate: User
) -> None:
    asked = edition_of(shown(candidate, running))

    response = poll(client, running, **asked)

    assert (response.status_code, response.content) == (204, b"")


def test_a_turn_that_begins_swaps_the_prompt_in_beside_the_recorder(
    client: Client, shown: Callable[..., str], running: Mock, candidate: User, peer: User
) -> None:
    asked = edition_of(shown(candidate, running))
    evening.begin_turn(turn=running.turns.get(), by=peer, at=timezone.now())

    response = poll(client, running, **asked)

    said = unescape(response.content.decode())
    assert "HX-Refresh" not in response
    assert PROMPT in said
    assert 'id="question"' in said
    assert 'data-behaviour="recorder"' not in said


def test_who_waits_for_nothing_of_their_own_gets_a_new_page(
    client: Client, shown: Callable[..., str], mock: Mock, candidate: User, peer: User
) -> None:
    asked = edition_of(shown(peer, mock))
    arrived(mock, candidate)

    response = poll(client, mock, **asked)

    assert (response["HX-Refresh"], response.content) == ("true", b"")


def test_a_recorder_at_work_is_not_taken_away(
    client: Client, shown: Callable[..., str], turn: Turn, attempt: Attempt, candidate: User
) -> None:
    asked = edition_of(shown(candidate, turn.mock))
    record(attempt, state=Recording.State.RECORDING)
    sessions.end_turn(turn=turn, by=candidate, at=timezone.now())

    response = poll(client, turn.mock, **asked)

    assert "HX-Refresh" not in response
    assert "Finish your recording first" in response.content.decode()


def test_a_scorecard_at_work_is_not_taken_away(
    client: Client, shown: Callable[..., str], turn: Turn, peer: User
) -> None:
    asked = edition_of(shown(peer, turn.mock))
    sessions.end_turn(turn=turn, by=peer, at=timezone.now())

    response = poll(client, turn.mock, **asked)

    assert "HX-Refresh" not in response
    assert "What you wrote is kept." in response.content.decode()


# Nobody came


@pytest.fixture
def left_alone(mock: Mock, candidate: User) -> Mock:
    """The candidate came; twelve minutes after the start the peer has not."""
    Mock.objects.filter(pk=mock.pk).update(starts_at=timezone.now() - 12 * MINUTE)
    arrived(mock, candidate)
    mock.refresh_from_db()
    return mock


def stand_by(user: User, cohort: Cohort, **facts: Any) -> Standby:
    now = timezone.now()
    facts = {"since": now - 30 * MINUTE, "until": now + 60 * MINUTE, **facts}
    return Standby.objects.create(user=user, cohort=cohort, **facts)


def test_within_the_grace_there_is_nothing_to_press(
    shown: Callable[..., str], act: Callable[..., Any], left_alone: Mock, candidate: User
) -> None:
    Mock.objects.update(starts_at=timezone.now() - 9 * MINUTE)

    page = shown(candidate, left_alone)

    assert "ten minutes’ grace" in page
    assert 'name="way"' not in page
    response = act(candidate, "mock_absent", left_alone, {"way": "alone"})
    assert response.status_code == 409
    assert "ten minutes' grace" in unescape(response.content.decode())


def test_after_it_there_are_exactly_two_ways(
    shown: Callable[..., str],
    left_alone: Mock,
    candidate: User,
    cohort: Cohort,
    second_peer: User,
) -> None:
    stand_by(second_peer, cohort)

    page = shown(candidate, left_alone)

    assert page.count('name="way"') == 2
    assert "(1 ready)" in page
    assert 'name="round"' not in page


def test_only_who_could_take_the_chair_is_counted(
    shown: Callable[..., str], mock: Mock, peer: User, second_peer: User, organiser: User
) -> None:
    """The interviewer was left alone: somebody has to have something to answer."""
    cohort = mock.cohort
    Mock.objects.update(starts_at=timezone.now() - 12 * MINUTE)
    arrived(mock, peer)
    stand_by(second_peer, cohort)
    stand_by(organiser, cohort, round=factories.loop(organiser, cohort).rounds.get())

    assert "(1 ready)" in shown(peer, mock)


def test_standby_takes_the_chair(
    act: Callable[..., Any], left_alone: Mock, candidate: User, second_peer: User, cohort: Cohort
) -> None:
    stand_by(second_peer, cohort)

    response = act(candidate, "mock_absent", left_alone, {"way": "standby"}, follow=True)

    instead = Mock.objects.get(replaces=left_alone)
    assert response.redirect_chain[-1][0] == session_of(instead)
    assert f"{second_peer.handle} is called" in unescape(response.content.decode())
    assert "I am here" in response.content.decode()


def test_standby_that_is_gone_leaves_everything_as_it_was(
    act: Callable[..., Any], left_alone: Mock, candidate: User
) -> None:
    response = act(candidate, "mock_absent", left_alone, {"way": "standby"})

    assert response.status_code == 409
    said = unescape(response.content.decode())
    assert "Nobody is on standby any more." in said
    assert 'value="alone"' in said
    left_alone.refresh_from_db()
    assert left_alone.state == "confirmed"


def test_alone_records_the_mocks_own_prompt_with_priority(
    act: Callable[..., Any], left_alone: Mock, candidate: User, shown: Callable[..., str]
) -> None:
    response = act(candidate, "mock_absent", left_alone, {"way": "alone"})

    attempt = Attempt.objects.get()
    assert response["Location"] == reverse("loops:attempt", args=[attempt.public_id])
    assert (attempt.kind, attempt.has_priority) == ("recorded", True)
    assert attempt.prompt == left_alone.turns.get().prompt
    assert "You went on without" in shown(candidate, left_alone)


def test_who_would_have_interviewed_chooses_a_round(
    act: Callable[..., Any], shown: Callable[..., str], mock: Mock, peer: User
) -> None:
    Mock.objects.update(starts_at=timezone.now() - 12 * MINUTE)
    arrived(mock, peer)
    own = factories.loop(peer, mock.cohort, kinds=["coding"]).rounds.get()
    assert str(own.public_id) in shown(peer, mock)
    refused = act(peer, "mock_absent", mock, {"way": "alone"})
    assert refused.status_code == 422
    assert "Choose which of your rounds" in unescape(refused.content.decode())

    act(peer, "mock_absent", mock, {"way": "alone", "round": str(own.public_id)})

    attempt = Attempt.objects.get()
    assert (attempt.round, attempt.has_priority) == (own, True)


def test_a_round_of_another_cohort_is_none(
    act: Callable[..., Any], mock: Mock, peer: User, outsider: User
) -> None:
    Mock.objects.update(starts_at=timezone.now() - 12 * MINUTE)
    arrived(mock, peer)
    elsewhere = outsider.cohorts.get()
    factories.join(elsewhere, peer)
    foreign = factories.loop(peer, elsewhere, kinds=["coding"]).rounds.get()

    refused = act(peer, "mock_absent", mock, {"way": "alone", "round": str(foreign.public_id)})

    assert refused.status_code == 422
    assert not Attempt.objects.exists()


def test_no_way_at_all_is_said_in_words(
    act: Callable[..., Any], left_alone: Mock, candidate: User
) -> None:
    response = act(candidate, "mock_absent", left_alone, {"way": "home"})

    assert response.status_code == 422
    assert "Choose how to go on." in response.content.decode()


def test_who_was_absent_reads_it_kindly(
    act: Callable[..., Any],
    shown: Callable[..., str],
    left_alone: Mock,
    candidate: User,
    peer: User,
) -> None:
    act(candidate, "mock_absent", left_alone, {"way": "alone"})

    page = shown(peer, left_alone)

    assert f"{candidate.handle} waited for you" in page
    assert PROMPT not in page


# Afterwards


def test_finishing_leads_each_to_what_is_left(
    act: Callable[..., Any], shown: Callable[..., str], attempt: Attempt, turn: Turn
) -> None:
    candidate, peer = turn.candidate, turn.interviewer
    record(attempt)
    act(peer, "session_finish", turn.mock)
    act(candidate, "session_finish", turn.mock)

    theirs, own = shown(candidate, turn.mock), shown(peer, turn.mock)

    assert Mock.objects.get().state == "done"
    assert reverse("loops:attempt_submit", args=[attempt.public_id]) in theirs
    assert reverse("feedback:card", args=[turn.public_id]) in theirs
    assert reverse("feedback:review", args=[attempt.reviews.get().public_id]) in own
    assert "hx-get" not in own


def test_finishing_a_mock_that_did_not_run_is_refused(
    act: Callable[..., Any], mock: Mock, peer: User
) -> None:
    assert act(peer, "session_finish", mock).status_code == 409
    assert Mock.objects.get().state == "confirmed"


def test_the_review_is_handed_in_from_the_session(
    act: Callable[..., Any], turn: Turn, review: Review, peer: User
) -> None:
    for dimension in turn.rubric_version.dimensions.all() if turn.rubric_version else []:
        factories.evidence(review, dimension, stamped_at=timezone.now())

    response = act(peer, "review_submit", review, {**WHOLE, "version": "0"})

    assert response["Location"] == session_of(turn.mock)
    review.refresh_from_db()
    assert review.is_submitted
    page = act(peer, "turn_begin", turn, follow=True).content.decode()
    assert "Your review of this turn is in." in page


def test_keeping_it_as_practice_leads_to_the_note(
    client: Client, attempt: Attempt, turn: Turn, candidate: User
) -> None:
    client.force_login(candidate)

    response = client.post(reverse("loops:attempt_withdraw", args=[attempt.public_id]), follow=True)

    assert response.redirect_chain[-1][0] == reverse(
        "feedback:practice_note", args=[turn.public_id]
    )
    assert "Your card comes first" in response.content.decode()


def test_the_note_says_what_was_seen_and_that_it_counts_for_nothing(
    client: Client, attempt: Attempt, turn: Turn, review: Review, candidate: User
) -> None:
    at = turn.begun_at or timezone.now()
    for dimension in attempt.rubric_version.dimensions.order_by("position"):
        factories.evidence(review, dimension, stamped_at=at + 12 * MINUTE, note="Asks first")
    Review.objects.filter(pk=review.pk).update(
        state="submitted",
        submitted_at=at,
        verdict="yes",
        confidence="fair",
        level_given_rank=2,
        summary="Scope first.",
    )
    practice.withdraw(attempt=attempt, by=candidate, at=at)
    InterviewerCard.objects.create(turn=turn, at=at, **{key: int(MARKS[key]) for key in MARKS})
    client.force_login(candidate)

    page = unescape(
        client.get(reverse("feedback:practice_note", args=[turn.public_id])).content.decode()
    )

    for said in ("12 min in", "Asks first", "Scope first.", "it counts for nothing"):
        assert said in page
    assert client.get(reverse("feedback:results", args=[attempt.public_id])).status_code == 404


def test_stamps_beside_a_file_recorded_elsewhere_say_how_far_in_they_were(
    client: Client, attempt: Attempt, turn: Turn, review: Review, second_peer: User
) -> None:
    """When such a file began, nobody knows; the results show the stamps all the same."""
    at = turn.begun_at or timezone.now()
    record(attempt, role="upload")
    practice.submit(attempt=attempt, energy=0, by=turn.candidate, at=at)
    Review.objects.filter(pk=review.pk).delete()
    held = factories.submitted_review(attempt, turn.interviewer, is_live=True)
    held.evidence.update(start_ms=None, end_ms=None, stamped_at=at + 12 * MINUTE)
    factories.submitted_review(attempt, second_peer)
    client.force_login(turn.candidate)

    response = client.get(reverse("feedback:results", args=[attempt.public_id]))

    page = unescape(response.content.decode())
    assert '<span class="evidence__at">12 min in</span>' in page
    assert "interviewer</span>" in page


@pytest.mark.parametrize("who", ["peer", "second_peer", "outsider"])
def test_nobody_else_reads_the_note(
    client: Client, turn: Turn, request: pytest.FixtureRequest, who: str
) -> None:
    client.force_login(request.getfixturevalue(who))

    assert client.get(reverse("feedback:practice_note", args=[turn.public_id])).status_code == 404


# The card


def test_the_card_is_given_and_read(
    client: Client, act: Callable[..., Any], turn: Turn, review: Review
) -> None:
    candidate, peer = turn.candidate, turn.interviewer
    url = reverse("feedback:card", args=[turn.public_id])
    response = act(candidate, "card", turn, {**MARKS, "note": "Calm and exact."})
    assert response["Location"] == session_of(turn.mock)

    client.force_login(peer)
    assert "Your review comes first" in client.get(url).content.decode()
    assert "Calm and exact." not in client.get(url).content.decode()
    Review.objects.filter(pk=review.pk).update(
        state="submitted",
        submitted_at=timezone.now(),
        verdict="yes",
        confidence="fair",
        level_given_rank=2,
    )

    assert "Calm and exact." in client.get(url).content.decode()
    assert "As an interviewer" in client.get(reverse("feedback:queue")).content.decode()


def test_half_a_card_is_told_what_is_missing(
    act: Callable[..., Any], turn: Turn, candidate: User
) -> None:
    response = act(candidate, "card", turn, {**MARKS, "fair_hints": "", "note": "Kept."})

    said = unescape(response.content.decode())
    assert response.status_code == 422
    assert "Choose one of the three." in said
    assert ">Kept.</textarea>" in said
    assert not InterviewerCard.objects.exists()


def test_a_second_card_is_refused_with_words(
    act: Callable[..., Any], turn: Turn, candidate: User
) -> None:
    act(candidate, "card", turn, MARKS)

    response = act(candidate, "card", turn, {**MARKS, "kept_time": "0"})

    assert response.status_code == 409
    assert "You have given this card already" in response.content.decode()
    assert InterviewerCard.objects.get().kept_time == 2


def test_an_interviewer_grades_nobody_by_the_card(
    act: Callable[..., Any], turn: Turn, peer: User
) -> None:
    act(peer, "card", turn, MARKS)

    assert not InterviewerCard.objects.exists()


# What it costs


@pytest.mark.parametrize("who", ["candidate", "peer"])
def test_a_turn_asks_the_database_little(
    client: Client, turn: Turn, request: pytest.FixtureRequest, who: str
) -> None:
    client.force_login(request.getfixturevalue(who))
    with CaptureQueriesContext(connection) as asked:
        assert client.get(session_of(turn.mock)).status_code == 200

    assert len(asked) <= 8, "\n".join(query["sql"][:200] for query in asked)
