"""Reads of practice: the loop page, a round's page, an answer's page."""

from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loops.models import Artifact, Attempt, Loop, Recording, Round, User
from loops.states import AttemptState, RecordingState
from rubrics.models import Level, Phase, Preset, RubricVersion
from rubrics.queries import version_in_force


@dataclass(frozen=True)
class Step:
    """One phase of the time guide, placed on the clock; minutes from the start."""

    name: str
    minutes: int
    start_minutes: int

    @property
    def end_minutes(self) -> int:
        """Return the minute at which the next phase begins."""
        return self.start_minutes + self.minutes


@dataclass(frozen=True)
class RoundLine:
    """One round of a loop as its page lists it."""

    round: Round
    submitted: int
    draft: Attempt | None
    newest: Attempt | None


@dataclass(frozen=True)
class LoopPage:
    """A loop and its rounds."""

    loop: Loop
    target_label: str
    rounds: list[RoundLine]


@dataclass(frozen=True)
class RoundPage:
    """A round: what it grades, how its time goes, and the answers given so far."""

    round: Round
    version: RubricVersion | None
    steps: list[Step]
    attempts: list[Attempt]
    draft: Attempt | None


@dataclass(frozen=True)
class AttemptPage:
    """An answer in the making, or as it was handed in."""

    attempt: Attempt
    labels: list[str]
    steps: list[Step]
    recording: Recording | None
    artifacts: dict[str, Artifact]
    received_bytes: int

    @property
    def is_predicted(self) -> bool:
        """Say whether the candidate has said which level they expect."""
        return self.attempt.predicted_rank is not None

    @property
    def is_recorded(self) -> bool:
        """Say whether there is a recording that counts as an answer."""
        return self.recording is not None and self.recording.state in RecordingState.settled()

    @property
    def predicted_label(self) -> str:
        """Return the predicted level as the cohort says it."""
        rank = self.attempt.predicted_rank
        return "" if rank is None else self.labels[rank]

    @property
    def failure(self) -> str | Promise:
        """Say why the recording could not be made playable."""
        code = self.recording.error_code if self.recording else ""
        return FAILURES.get(code, FAILURES["gave_up"])


FAILURES: dict[str, str | Promise] = {
    "empty": _("There was nothing in it."),
    "not_media": _("It is not a video or sound file of a kind we can play."),
    "unsupported_codec": _("It is coded in a way that browsers cannot play."),
    "no_streams": _("It has neither picture nor sound."),
    "picture_too_large": _("Its picture is larger than we can play."),
    "too_long": _("It is longer than the server takes."),
    "truncated": _("It was cut off before anything could be played."),
    "crashed": _("Reading it took more memory than the server gives."),
    "timed_out": _("Reading it took too long."),
    "disk_full": _("The server's disk is full. Tell your organiser."),
    "gave_up": _("The server tried several times and gave up."),
}


def level_labels(ladder: str, company: str) -> list[str]:
    """Return the four labels of a ladder by rank, as the company says them."""
    levels = Level.objects.filter(ladder=ladder).order_by("rank")
    return [level.label_for(company) for level in levels]


def loops_of(user: User) -> QuerySet[Loop]:
    """Return the member's loops, the newest first."""
    return Loop.objects.filter(member=user).select_related("cohort").order_by("-started_at", "-pk")


def presets() -> QuerySet[Preset]:
    """Return the loops one can start, with their rounds."""
    return Preset.objects.prefetch_related("rounds__round_kind").order_by("position", "pk")


def loop_page(loop: Loop) -> LoopPage:
    """Return the loop's rounds with what was answered in each."""
    kept = Attempt.objects.exclude(state=AttemptState.WITHDRAWN).order_by("number")
    rounds = (
        loop.rounds.select_related("round_kind")
        .prefetch_related(Prefetch("attempts", queryset=kept, to_attr="kept_attempts"))
        .order_by("position")
    )
    return LoopPage(
        loop=loop,
        target_label=level_labels(loop.ladder, loop.cohort.label_company)[loop.target_rank],
        rounds=[_round_line(round_, round_.kept_attempts) for round_ in rounds],
    )


def _round_line(round_: Round, attempts: list[Attempt]) -> RoundLine:
    submitted = [attempt for attempt in attempts if attempt.is_submitted]
    return RoundLine(
        round=round_,
        submitted=len(submitted),
        draft=next((attempt for attempt in attempts if attempt.is_draft), None),
        newest=submitted[-1] if submitted else None,
    )


def round_page(round_: Round) -> RoundPage:
    """Return what a member reads before answering, and their answers so far."""
    version = version_in_force(round_.round_kind)
    attempts = list(
        round_.attempts.exclude(state=AttemptState.WITHDRAWN)
        .select_related("prompt")
        .order_by("-number")
    )
    return RoundPage(
        round=round_,
        version=version,
        steps=steps_of(list(version.phases.order_by("position"))) if version else [],
        attempts=attempts,
        draft=next((attempt for attempt in attempts if attempt.is_draft), None),
    )


def attempt_page(attempt: Attempt) -> AttemptPage:
    """Return an answer with its guide, its recording and its texts."""
    loop = attempt.round.loop
    recording = (
        attempt.recordings.exclude(state=RecordingState.DISCARDED)
        .prefetch_related("tracks")
        .first()
    )
    return AttemptPage(
        attempt=attempt,
        labels=level_labels(loop.ladder, loop.cohort.label_company),
        steps=steps_of(list(attempt.rubric_version.phases.order_by("position"))),
        recording=recording,
        artifacts={artifact.kind: artifact for artifact in attempt.artifacts.all()},
        received_bytes=sum(t.received_bytes for t in recording.tracks.all()) if recording else 0,
    )


def steps_of(phases: list[Phase]) -> list[Step]:
    """Place phases one after the other on the clock."""
    steps: list[Step] = []
    for phase in phases:
        start = steps[-1].end_minutes if steps else 0
        steps.append(Step(name=phase.name, minutes=phase.minutes, start_minutes=start))
    return steps
