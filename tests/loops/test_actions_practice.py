"""Starting loops, drawing prompts, predicting, handing in: what is kept and what is refused."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from loops.actions import practice
from loops.models import Attempt, Cohort, Event, PromptExposure, Recording, Round, User
from rubrics.models import Preset, PresetRound
from tests import factories
from tests.factories import NOW


def test_start_loop_copies_the_presets_rounds(candidate: User, cohort: Cohort) -> None:
    kinds = [factories.edition(key).round_kind for key in ("coding", "sd_classic")]
    preset = Preset.objects.create(
        key="two", ladder="ic", position=1, title="Two rounds", description="d", target_rank=2
    )
    PresetRound.objects.create(
        preset=preset, position=1, round_kind=kinds[0], title="Phone screen", minutes=30
    )
    PresetRound.objects.create(preset=preset, position=2, round_kind=kinds[1])

    loop = practice.start_loop(preset=preset, cohort=cohort, target_rank=3, by=candidate, at=NOW)

    assert (loop.member, loop.cohort, loop.target_rank, loop.ladder) == (candidate, cohort, 3, "ic")
    assert list(loop.rounds.values_list("position", "title", "minutes")) == [
        (1, "Phone screen", 30),
        (2, "System design, classic", None),
    ]


def test_start_attempt_draws_unseen_prompts_then_the_oldest(round_: Round, candidate: User) -> None:
    drawn = []
    for day in range(3):
        attempt = practice.start_attempt(round_=round_, by=candidate, at=NOW + timedelta(days=day))
        drawn.append((attempt.prompt.key, attempt.kind))
        practice.withdraw(attempt=attempt, by=candidate, at=NOW + timedelta(days=day))

    assert {key for key, _kind in drawn[:2]} == {"prompt_1", "prompt_2"}
    assert drawn[2] == (drawn[0][0], Attempt.Kind.RETAKE)
    assert [kind for _key, kind in drawn[:2]] == [Attempt.Kind.RECORDED] * 2


def test_start_attempt_leaves_out_what_was_met_as_grader(round_: Round, candidate: User) -> None:
    prompt = factories.in_force().prompts.get(key="prompt_1")
    practice.expose(user=candidate, prompt=prompt, role=PromptExposure.Role.GRADER, at=NOW)

    attempt = practice.start_attempt(round_=round_, by=candidate, at=NOW)

    assert attempt.prompt.key == "prompt_2"


def test_start_attempt_twice_is_one_draft(round_: Round, candidate: User) -> None:
    first = practice.start_attempt(round_=round_, by=candidate, at=NOW)

    assert practice.start_attempt(round_=round_, by=candidate, at=NOW) == first
    assert round_.attempts.count() == 1


@pytest.mark.django_db(transaction=True)
def test_start_attempt_from_two_tabs_at_once_is_one_draft(round_: Round, candidate: User) -> None:
    barrier = Barrier(4)

    def start(_n: int) -> int:
        try:
            barrier.wait()
            return practice.start_attempt(round_=round_, by=candidate, at=NOW).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        started = set(pool.map(start, range(4)))

    assert len(started) == 1
    assert round_.attempts.count() == 1


def test_start_attempt_binds_the_edition_in_force(round_: Round, candidate: User) -> None:
    first = practice.start_attempt(round_=round_, by=candidate, at=NOW)
    practice.withdraw(attempt=first, by=candidate, at=NOW)
    newer = factories.edition()

    second = practice.start_attempt(round_=round_, by=candidate, at=NOW)

    first.refresh_from_db()
    assert first.rubric_version.edition == 1
    assert second.rubric_version == newer


def test_predict_can_change_until_something_is_recorded(draft: Attempt, candidate: User) -> None:
    practice.predict(attempt=draft, rank=1, by=candidate, at=NOW)
    practice.predict(attempt=draft, rank=2, by=candidate, at=NOW)
    factories.recording(draft)

    with pytest.raises(practice.PredictionLocked):
        practice.predict(attempt=draft, rank=3, by=candidate, at=NOW)

    draft.refresh_from_db()
    assert draft.predicted_rank == 2


@pytest.mark.parametrize(
    ("predicted", "recorded", "energy", "refusal"),
    [
        (2, None, 0, practice.NothingRecorded),
        (2, Recording.State.RECORDING, 0, practice.NothingRecorded),
        (2, Recording.State.FAILED, 0, practice.NothingRecorded),
        (2, Recording.State.DISCARDED, 0, practice.NothingRecorded),
        (None, Recording.State.READY, 0, practice.PredictFirst),
        (2, Recording.State.READY, None, practice.EnergyMissing),
        (2, Recording.State.UPLOADED, 0, None),
        (2, Recording.State.PROCESSING, -2, None),
        (2, Recording.State.READY, 2, None),
    ],
)
def test_submit_needs_prediction_recording_and_energy(
    draft: Attempt,
    *,
    candidate: User,
    predicted: int | None,
    recorded: str | None,
    energy: int | None,
    refusal: type[Exception] | None,
) -> None:
    Attempt.objects.filter(pk=draft.pk).update(predicted_rank=predicted)
    if recorded:
        factories.recording(draft, state=recorded)

    if refusal:
        with pytest.raises(refusal):
            practice.submit(attempt=draft, energy=energy, by=candidate, at=NOW)
    else:
        practice.submit(attempt=draft, energy=energy, by=candidate, at=NOW)

    draft.refresh_from_db()
    assert draft.is_submitted is (refusal is None)


def test_submit_twice_is_once(draft: Attempt, candidate: User) -> None:
    Attempt.objects.filter(pk=draft.pk).update(predicted_rank=2)
    factories.recording(draft)

    practice.submit(attempt=draft, energy=1, by=candidate, at=NOW)
    again = practice.submit(attempt=draft, energy=-2, by=candidate, at=NOW + timedelta(minutes=1))

    assert (again.energy, again.submitted_at) == (1, NOW)
    assert Event.objects.filter(verb="submitted", subject_id=draft.pk).count() == 1


@pytest.mark.parametrize("state", [Attempt.State.SUBMITTED, Attempt.State.WITHDRAWN])
def test_nothing_changes_after_the_draft(round_: Round, candidate: User, state: str) -> None:
    attempt = factories.attempt(round_, state=state)

    for change in (
        lambda: practice.predict(attempt=attempt, rank=1, by=candidate, at=NOW),
        lambda: practice.save_artifact(
            attempt=attempt, kind="notes", text="late", by=candidate, at=NOW
        ),
        lambda: practice.withdraw(attempt=attempt, by=candidate, at=NOW),
    ):
        with pytest.raises(practice.NotADraft):
            change()


def test_save_artifact_keeps_the_last_text_of_each_kind(draft: Attempt, candidate: User) -> None:
    for kind, text in (("code", "a"), ("notes", "n"), ("code", "b\n  c")):
        practice.save_artifact(attempt=draft, kind=kind, text=text, by=candidate, at=NOW)

    assert list(draft.artifacts.values_list("kind", "text")) == [("code", "b\n  c"), ("notes", "n")]
