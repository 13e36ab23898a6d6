"""Run a loop: start it, draw a prompt, predict, keep artifacts, submit or withdraw an answer."""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID, uuid4, uuid5

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from loops.actions.events import record
from loops.errors import Refused
from loops.models import (
    Artifact,
    Attempt,
    Cohort,
    Event,
    Loop,
    PromptExposure,
    Recording,
    Round,
    Turn,
    User,
)
from loops.queries.practice import prompts_in_mocks, prompts_met
from loops.signals import answer_changed
from loops.states import ATTEMPT_MOVES, AttemptState, RecordingState, check_move
from rubrics.models import Preset, Prompt
from rubrics.queries import version_in_force


class NoPrompt(Refused):
    """The catalogue has no prompt for this round kind."""

    code = "no_prompt"
    message = _(
        "The catalogue has no prompt for this round yet. Nothing was started. "
        "Ask your organiser to import the rubrics."
    )


class NotADraft(Refused):
    """The answer is submitted or withdrawn; what it is bound to stays as it was."""

    code = "not_a_draft"
    message = _(
        "This answer is no longer a draft, so it stays as it was handed in. "
        "Start a new answer to try again."
    )


class PredictFirst(Refused):
    """A prediction made after answering would be a different thing."""

    code = "predict_first"
    message = _("Predict your level first: it cannot be asked once you have answered.")


class PredictionLocked(Refused):
    """The prediction was made before the answer, and that is its worth."""

    code = "prediction_locked"
    message = _("Your prediction is locked since you began to record. It was kept as it was.")


class NotHandedIn(Refused):
    """Only what was handed in can be taken back."""

    code = "not_handed_in"
    message = _(
        "This answer was not handed in, so there is nothing to take back. Nothing was changed. "
        "A draft is put away on its own page."
    )


class NothingRecorded(Refused):
    """Peers grade a recorded answer; there is none."""

    code = "nothing_recorded"
    message = _(
        "There is no finished recording in this answer yet. Your notes are kept. "
        "Record or upload your answer, then submit."
    )


class EnergyMissing(Refused):
    """Energy is asked before anything is revealed, so it cannot be added later."""

    code = "energy_missing"
    message = _("Say how the round felt first: it cannot be asked once results are in.")


@transaction.atomic
def start_loop(
    *,
    preset: Preset,
    cohort: Cohort,
    target_rank: int,
    by: User,
    at: datetime,
    interview_on: date | None = None,
    title: str = "",
    form_id: UUID | None = None,
) -> Loop:
    """Start the member's run at the preset: one round for each of the preset's.

    `form_id` names the form it was asked for with: the same form sent twice with the same
    choices starts one loop.
    """
    User.objects.select_for_update().get(pk=by.pk)
    choices = f"{form_id} {preset.key} {cohort.pk} {target_rank} {interview_on}"
    public_id = uuid5(by.public_id, choices) if form_id else uuid4()
    known = Loop.objects.filter(public_id=public_id).first()
    if known:
        return known
    loop = Loop.objects.create(
        public_id=public_id,
        member=by,
        cohort=cohort,
        title=title or preset.title,
        preset_key=preset.key,
        ladder=preset.ladder,
        target_rank=target_rank,
        interview_on=interview_on,
        started_at=at,
    )
    Round.objects.bulk_create(
        Round(
            loop=loop,
            position=place.position,
            round_kind=place.round_kind,
            title=place.title or place.round_kind.title,
            minutes=place.minutes,
            focus=place.focus,
        )
        for place in preset.rounds.select_related("round_kind").order_by("position")
    )
    record("started", loop, by=by, at=at, preset=preset.key, target_rank=target_rank)
    return loop


@transaction.atomic
def start_attempt(*, round_: Round, by: User, at: datetime) -> Attempt:
    """Open an answer to a prompt the member has not met in any chair.

    Where they have met all of them, the one met longest ago comes again, as a retake.
    A prompt that waits for them in a mock is left for it. A round has one draft at a time
    beside those of mocks: starting twice returns it.
    """
    round_ = Round.objects.select_for_update().get(pk=round_.pk)
    drafts = round_.attempts.answers().filter(state=AttemptState.DRAFT)
    draft = drafts.exclude(kind=Attempt.Kind.LIVE).first()
    if draft:
        return draft
    version = version_in_force(round_.round_kind)
    waiting = prompts_in_mocks(by, round_.round_kind)
    prompts = list(version.prompts.order_by("position")) if version else []
    prompts = [prompt for prompt in prompts if prompt.key not in waiting] or prompts
    if version is None or not prompts:
        raise NoPrompt
    prompt, is_retake = draw_prompt(
        prompts, prompts_met(by, round_.round_kind), seed=str(round_.public_id)
    )
    return open_attempt(
        round_=round_,
        prompt=prompt,
        kind=Attempt.Kind.RETAKE if is_retake else Attempt.Kind.RECORDED,
        by=by,
        at=at,
    )


def open_attempt(
    *,
    round_: Round,
    prompt: Prompt,
    kind: str,
    by: User,
    at: datetime,
    has_priority: bool = False,
) -> Attempt:
    """Open an answer to this very prompt, which the member has met from here on.

    The caller's transaction holds the round locked: answers are numbered under it.
    """
    attempt = Attempt.objects.create(
        round=round_,
        number=_next_number(round_),
        kind=kind,
        has_priority=has_priority,
        prompt=prompt,
        rubric_version_id=prompt.version_id,
        started_at=at,
    )
    expose(user=by, prompt=prompt, role=PromptExposure.Role.CANDIDATE, at=at)
    record("started", attempt, by=by, at=at, prompt=prompt.key)
    return attempt


def draw_prompt(
    prompts: Iterable[Prompt], met: dict[str, datetime], *, seed: str
) -> tuple[Prompt, bool]:
    """Pick the next prompt: unseen ones in an order fixed by the seed, else the oldest met.

    Returns the prompt and whether it is one met before.
    """

    def place(prompt: Prompt) -> str:
        return hashlib.sha256(f"{seed}:{prompt.key}".encode()).hexdigest()

    unseen = [prompt for prompt in prompts if prompt.key not in met]
    if unseen:
        return min(unseen, key=place), False
    return min(prompts, key=lambda prompt: (met[prompt.key], place(prompt))), True


def expose(*, user: User, prompt: Prompt, role: str, at: datetime) -> None:
    """Remember that the person has met the prompt in this chair; the latest time counts."""
    met = PromptExposure(
        user=user,
        round_kind_id=prompt.version.round_kind_id,
        prompt_key=prompt.key,
        role=role,
        at=at,
    )
    PromptExposure.objects.bulk_create(
        [met],
        update_conflicts=True,
        unique_fields=["user", "round_kind", "prompt_key", "role"],
        update_fields=["at"],
    )


@transaction.atomic
def predict(*, attempt: Attempt, rank: int, by: User, at: datetime) -> Attempt:
    """Keep the level the candidate expects, until they begin to record."""
    attempt = _lock_draft(attempt)
    if attempt.predicted_rank == rank:
        return attempt
    if attempt.predicted_rank is not None and _kept_recording(attempt):
        raise PredictionLocked
    attempt.predicted_rank = rank
    attempt.save(update_fields=["predicted_rank"])
    record("predicted", attempt, by=by, at=at, rank=rank)
    return attempt


@transaction.atomic
def save_artifact(*, attempt: Attempt, kind: str, text: str, by: User, at: datetime) -> Artifact:
    """Keep code or notes with the answer; the last text of each kind stands."""
    attempt = _lock_draft(attempt)
    artifact, _created = Artifact.objects.update_or_create(
        attempt=attempt, kind=kind, defaults={"text": text, "updated_at": at}
    )
    record("artifact_saved", attempt, by=by, at=at, kind=kind, characters=len(text))
    return artifact


@transaction.atomic
def submit(*, attempt: Attempt, energy: int | None, by: User, at: datetime) -> Attempt:
    """Hand the answer to the cohort's queue; submitting twice is submitting once."""
    locked = Attempt.objects.select_for_update(no_key=True).get(pk=attempt.pk)
    if locked.state == AttemptState.SUBMITTED:
        return locked
    attempt = _lock_draft(attempt)
    recording = _kept_recording(attempt)
    if recording is None or recording.state not in RecordingState.settled():
        raise NothingRecorded
    if attempt.predicted_rank is None:
        raise PredictFirst
    if energy is None:
        raise EnergyMissing
    attempt.energy = energy
    attempt.submitted_at = at
    _move(attempt, AttemptState.SUBMITTED, "energy", "submitted_at")
    record("submitted", attempt, by=by, at=at, energy=energy)
    answer_changed.send(Attempt, attempt=attempt, at=at)
    return attempt


@transaction.atomic
def withdraw(*, attempt: Attempt, by: User | None, at: datetime) -> Attempt:
    """Put a draft away for good. The prompt stays met; its recording is discarded by the caller."""
    attempt = _lock_draft(attempt)
    _move(attempt, AttemptState.WITHDRAWN)
    record("withdrawn", attempt, by=by, at=at)
    return attempt


@transaction.atomic
def take_back(*, attempt: Attempt, by: User, at: datetime) -> Attempt:
    """Take an answer that was handed in out of grading, for good; twice is once.

    Its prompt stays met. The caller puts its recording away.
    """
    attempt = Attempt.objects.select_for_update(no_key=True).get(pk=attempt.pk)
    if attempt.state == AttemptState.WITHDRAWN:
        return attempt
    if attempt.state != AttemptState.SUBMITTED:
        raise NotHandedIn
    _move(attempt, AttemptState.WITHDRAWN)
    record("taken_back", attempt, by=by, at=at)
    return attempt


def disown(*, attempt: Attempt, at: datetime) -> Attempt:
    """Move an answer that was taken back out of its person's loop, texts and all.

    It goes to a loop of nobody's at the same target, so that its grades stay as facts. What it
    said in words, what its candidate foresaw and felt, and who did what with it are removed.
    """
    round_ = attempt.round
    of_nobody = nobodys_round(round_)
    Artifact.objects.filter(attempt=attempt).delete()
    Turn.objects.filter(attempt=attempt).update(attempt=None)
    Event.objects.filter(subject=attempt._meta.label_lower, subject_id=attempt.pk).update(
        actor_id=None, data={}
    )
    attempt.round = of_nobody
    attempt.number = _next_number(of_nobody)
    attempt.predicted_rank = None
    attempt.energy = None
    attempt.deleted_at = at
    attempt.save(update_fields=["round", "number", "predicted_rank", "energy", "deleted_at"])
    return attempt


def nobodys_round(like: Round) -> Round:
    """Return the round of this kind in the loop of nobody's in the same cohort at the same target.

    The person who is nobody is locked: one makes rounds at a time.
    """
    nobody = User.objects.select_for_update(no_key=True).get(pk=User.objects.nobody().pk)
    loop, _is_new = Loop.objects.get_or_create(
        member=nobody,
        cohort_id=like.loop.cohort_id,
        ladder=like.loop.ladder,
        target_rank=like.loop.target_rank,
        defaults={"title": "", "preset_key": "", "started_at": like.loop.cohort.created_at},
    )
    round_, _is_new = Round.objects.get_or_create(
        loop=loop,
        position=like.round_kind.position,
        defaults={"round_kind": like.round_kind, "title": like.round_kind.title},
    )
    return round_


def _next_number(round_: Round) -> int:
    return (round_.attempts.answers().aggregate(last=Max("number"))["last"] or 0) + 1


def _lock_draft(attempt: Attempt) -> Attempt:
    locked = Attempt.objects.select_for_update(no_key=True).get(pk=attempt.pk)
    if locked.state != AttemptState.DRAFT:
        raise NotADraft
    return locked


def _kept_recording(attempt: Attempt) -> Recording | None:
    return Recording.objects.kept().filter(attempt=attempt).first()


def _move(attempt: Attempt, state: AttemptState, *fields: str) -> None:
    check_move(ATTEMPT_MOVES, AttemptState(attempt.state), state)
    attempt.state = Attempt.State(state.value)
    attempt.save(update_fields=["state", *fields])
