"""What the pages of practice are told: places, counts, the next step."""

from datetime import timedelta

import pytest

from loops.models import Attempt, Cohort, Loop, Recording, User
from loops.queries import practice
from rubrics.models import Phase, Preset, PresetRound
from tests import factories
from tests.factories import NOW

KINDS = ["coding", "sd_classic", "sd_ambiguous"]


@pytest.fixture
def loop(candidate: User, cohort: Cohort) -> Loop:
    """A loop of three rounds, nothing answered."""
    return factories.loop(candidate, cohort, kinds=KINDS)


def answered(loop: Loop, position: int, **facts: object) -> Attempt:
    """Answer the round at that place."""
    return factories.attempt(loop.rounds.get(position=position), **facts)


def test_steps_stand_one_after_the_other() -> None:
    phases = [Phase(name="Discovery", minutes=10), Phase(name="Slice", minutes=5)]

    steps = practice.steps_of(phases)

    assert [(step.start_minutes, step.end_minutes) for step in steps] == [(0, 10), (10, 15)]


def test_a_loop_goes_on_with_a_draft_then_with_what_is_unanswered(loop: Loop) -> None:
    def next_round() -> tuple[str, bool] | None:
        line = practice.loop_page(loop, NOW).next
        return (line.round.round_kind.key, line.draft is not None) if line else None

    told = [next_round()]
    draft = answered(loop, 3, state=Attempt.State.DRAFT)
    told.append(next_round())
    Attempt.objects.filter(pk=draft.pk).update(state=Attempt.State.WITHDRAWN)
    answered(loop, 1)
    told.append(next_round())
    for position in (2, 3):
        answered(loop, position)
    told.append(next_round())

    assert told == [("coding", False), ("sd_ambiguous", True), ("sd_classic", False), None]


def test_a_loop_tells_what_each_round_has(loop: Loop) -> None:
    answered(loop, 1)
    newest = answered(loop, 1, submitted_at=NOW + timedelta(days=1))
    draft = answered(loop, 1, state=Attempt.State.DRAFT)
    answered(loop, 2, state=Attempt.State.WITHDRAWN)
    loop.rounds.filter(position=2).update(minutes=20)

    lines = practice.loop_page(loop, NOW).rounds

    assert [(line.submitted, line.newest, line.draft, line.minutes) for line in lines] == [
        (2, newest, draft, 45),
        (0, None, None, 20),
        (0, None, None, 45),
    ]


def test_loops_tell_how_far_they_have_come(loop: Loop, candidate: User, cohort: Cohort) -> None:
    for position in (1, 1, 2):
        answered(loop, position)
    answered(loop, 3, state=Attempt.State.DRAFT)
    newer = factories.loop(candidate, cohort, started_at=NOW, target_rank=3)

    lines = practice.loop_lines(candidate)

    assert [(line.loop, line.target_label, line.places) for line in lines] == [
        (newer, "L7", [False]),
        (loop, "L6", [True, True, False]),
    ]


def test_presets_tell_their_length_and_what_they_are_made_for(db: None) -> None:
    factories.levels("em")
    coding, people = factories.edition("coding"), factories.edition("em_people", ladder="em")
    manager = Preset.objects.create(
        key="em", ladder="em", position=1, title="Manager", description="d", target_rank=2
    )
    staff = Preset.objects.create(
        key="staff", ladder="ic", position=2, title="Staff", description="d", target_rank=3
    )
    PresetRound.objects.create(preset=manager, position=1, round_kind=people.round_kind)
    PresetRound.objects.create(
        preset=staff, position=1, round_kind=coding.round_kind, title="Screen", minutes=30
    )
    PresetRound.objects.create(preset=staff, position=2, round_kind=coding.round_kind)

    lines = practice.preset_lines()

    assert [
        (line.preset, line.round_titles, line.hours, line.odd_minutes, line.target_label)
        for line in lines
    ] == [(staff, ["Screen", "Coding"], 1, 15, "L7"), (manager, ["Em People"], 0, 45, "EM-6")]


def test_a_round_without_a_rubric_in_force_says_so(loop: Loop) -> None:
    round_ = loop.rounds.get(position=1)
    round_.round_kind.versions.update(retired_at=NOW)

    page = practice.round_page(round_, NOW)

    assert (page.version, page.steps) == (None, [])
    assert practice.loop_page(loop, NOW).rounds[0].minutes is None


@pytest.mark.parametrize(
    ("state", "is_recorded", "is_being_made_ready"),
    [
        (Recording.State.RECORDING, False, False),
        (Recording.State.UPLOADED, True, True),
        (Recording.State.PROCESSING, True, True),
        (Recording.State.READY, True, False),
        (Recording.State.FAILED, False, False),
        (Recording.State.DISCARDED, False, False),
    ],
)
def test_an_answer_knows_how_far_its_recording_is(
    draft: Attempt, state: str, *, is_recorded: bool, is_being_made_ready: bool
) -> None:
    factories.recording(draft, state=state)

    page = practice.attempt_page(draft)

    assert page.is_recorded is is_recorded
    assert page.is_being_made_ready is is_being_made_ready


def test_an_answer_offers_the_levels_with_the_target_marked(draft: Attempt) -> None:
    page = practice.attempt_page(draft)

    assert [(level.label, level.is_target) for level in page.levels] == [
        ("below", False),
        ("L5", False),
        ("L6", True),
        ("L7", False),
    ]
    assert page.predicted_label == "L6"


def test_a_round_that_its_loop_cuts_short_is_guided_by_its_focus(
    candidate: User, cohort: Cohort
) -> None:
    round_ = factories.loop(candidate, cohort).rounds.get()
    round_.minutes, round_.focus = 15, "Discovery alone"

    steps = practice.guide_of(round_, factories.in_force().phases.all())

    assert [(step.name, step.start_minutes, step.end_minutes) for step in steps] == [
        ("Discovery alone", 0, 15)
    ]
