"""Two people whose mocks stand at every point of an evening, for whole pages to be looked at."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from feedback.actions import reviews
from feedback.actions import session as evening
from feedback.models import InterviewerCard, Review
from loops.actions import practice, sessions
from loops.models import Attempt, Cohort, Mock, PromptExposure, Recording, Turn, User
from tests import factories

if TYPE_CHECKING:
    from tests.browser.world import World

ZONES = {"ida": "Asia/Kathmandu", "jon": "America/New_York"}


def lay(world: "World", cohort: Cohort, now: datetime, film: bytes) -> None:
    """Hold mocks of two people, ida and jon, up at every point of their evening.

    In addresses each is "evening, …".
    """
    for name, zone in ZONES.items():
        world.people[name] = factories.person(f"{name}-417", name=name.title(), time_zone=zone)
        factories.join(cohort, world.people[name])
    ida, jon = world.people["ida"], world.people["jon"]

    def mock(name: str, minutes: int, *here: User, swaps: bool = False, **facts: Any) -> Mock:
        """Make a mock so many minutes from now in which jon answers, and ida with `swaps`."""
        made = factories.mock(
            jon,
            ida,
            cohort,
            swap_kind="coding" if swaps else "",
            starts_at=now + timedelta(minutes=minutes),
            created_at=now - timedelta(days=1),
            video_url="https://meet.example.org/evening",
            **facts,
        )
        made.seats.update(is_held=False, arrived_at=None)
        made.seats.filter(member__in=here).update(arrived_at=now)
        world.ids[f"evening, {name}"] = {"mock_id": made.public_id}
        return made

    def begun(name: str, ago: int = 12, *, position: int = 1, **facts: Any) -> Turn:
        """Make one that runs, with a turn that began so many minutes ago."""
        made = mock(name, -ago, ida, jon, state=Mock.State.RUNNING, **facts)
        PromptExposure.objects.filter(user__in=[ida, jon]).delete()
        turn = made.turns.get(position=position)
        evening.begin_turn(turn=turn, by=turn.interviewer, at=now - timedelta(minutes=ago))
        return Turn.objects.select_related("mock", "attempt", "interviewer").get(pk=turn.pk)

    def stamped(turn: Turn) -> Review:
        """Let its interviewer have seen something of each dimension, and a signal."""
        review = Review.objects.get(attempt=turn.attempt)
        dimensions = review.attempt.rubric_version.dimensions.order_by("position")
        for minute, dimension in enumerate(dimensions, start=2):
            factories.evidence(
                review,
                dimension,
                stamped_at=review.claimed_at + timedelta(minutes=minute),
                note="Asks who is hurt before anything is drawn" if minute % 2 else "",
            )
        downcode = review.attempt.rubric_version.downcodes.order_by("position")[0]
        factories.evidence(
            review, downcode=downcode, stamped_at=review.claimed_at + timedelta(minutes=9)
        )
        return review

    def over(name: str, *, is_recorded: bool = True) -> Turn:
        """Make one that is over, an hour ago."""
        turn = begun(name, 70)
        if turn.attempt and is_recorded:
            Attempt.objects.filter(pk=turn.attempt.pk).update(predicted_rank=2)
            factories.recording(turn.attempt, film, started_at=turn.begun_at, state_at=now)
        sessions.finish(mock=turn.mock, by=ida, at=now)
        world.ids[f"turn of {name}"] = {"turn_id": turn.public_id}
        return turn

    def given(turn: Turn) -> Review:
        """Hand its review in."""
        review = stamped(turn)
        keys = review.attempt.rubric_version.dimensions.values_list("key", flat=True)
        draft = reviews.Draft(
            ratings=dict.fromkeys(keys, 2),
            verdict="yes",
            confidence="fair",
            level_given_rank=2,
            summary="Scope first. Then say aloud what is left out.",
        )
        return reviews.submit(review=review, draft=draft, version=0, by=review.grader, at=now)

    mock("early", 200, swaps=True)
    mock("at the door", 8)
    mock("waiting", 8, jon)
    mock("waiting interviewer", -4, ida)
    mock("left alone", -12, ida)
    factories.loop(ida, cohort, kinds=["coding", "xfn"])
    ready = mock("ready", -2, ida, jon, swaps=True, state=Mock.State.RUNNING)
    first = ready.turns.get(position=1)
    sessions.open_kit(turn=first, by=ida, at=now)
    world.ids["turn to prepare"] = {"turn_id": first.public_id}
    begun("answering")
    turn = begun("predicted")
    Attempt.objects.filter(turn=turn).update(predicted_rank=2)
    turn = begun("interviewing")
    world.ids["live review"] = {"review_id": stamped(turn).public_id}
    turn = begun("recorded turn")
    if turn.attempt:
        Attempt.objects.filter(pk=turn.attempt.pk).update(predicted_rank=2)
        factories.recording(turn.attempt, state=Recording.State.UPLOADED, state_at=now)
    turn = begun("interrupted turn")
    if turn.attempt:
        recording = factories.recording(
            turn.attempt, state=Recording.State.RECORDING, started_at=now, state_at=now
        )
        Attempt.objects.filter(pk=turn.attempt.pk).update(predicted_rank=2)
        factories.upload(recording, received_bytes=3_400_000, staging_key="e" * 32, touched_at=now)
    turn = begun("swapping", 55, swaps=True)
    sessions.end_turn(turn=turn, by=ida, at=now)
    turn = begun("talking", 55)
    sessions.end_turn(turn=turn, by=ida, at=now)
    turn = over("held")
    world.ids["live draft"] = {"attempt_id": turn.attempt.public_id if turn.attempt else None}
    world.ids["live round"] = {"round_id": turn.round.public_id}
    turn = over("card read")
    given(turn)
    marks = {"kept_time": 2, "fair_hints": 1, "probed_for_level": 2, "feedback_specific": 0}
    InterviewerCard.objects.create(turn=turn, at=now, note="Calm, and exact.", **marks)
    turn = over("unrecorded", is_recorded=False)
    given(turn)
    if turn.attempt:
        practice.withdraw(attempt=turn.attempt, by=jon, at=now)
        world.ids["practice"] = {"attempt_id": turn.attempt.public_id}
    turn = over("noted", is_recorded=False)
    given(turn)
    InterviewerCard.objects.create(turn=turn, at=now, **marks)
    if turn.attempt:
        practice.withdraw(attempt=turn.attempt, by=jon, at=now)
    turn = over("handed in")
    if turn.attempt:
        practice.submit(attempt=turn.attempt, energy=1, by=jon, at=now)
        world.ids["handed in live"] = {"attempt_id": turn.attempt.public_id}
    missed = mock("missed", -30, jon)
    sessions.absent_then_alone(mock=missed, by=jon, at=now)
