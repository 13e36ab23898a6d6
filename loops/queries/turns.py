"""What the interviewer of a turn prepares from, and who could take an absent partner's chair."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject

from loops.clocks import ForTwo, for_two
from loops.hours import Period
from loops.models import Mock, PromptExposure, Round, Seat, Standby, Turn, User
from loops.queries.availability import partners_of
from loops.queries.practice import Step, guide_of, minutes_in_force
from rubrics.models import Anchor, Dimension, Downcode, Phase, Prompt, RubricVersion
from rubrics.queries import level_labels

SOON = timedelta(hours=1)


@dataclass(frozen=True)
class AnchorLine:
    """What one level looks like on a dimension."""

    label: str
    text: str
    is_target: bool


@dataclass(frozen=True)
class DimensionLine:
    """A dimension as the interviewer has it at hand."""

    dimension: Dimension
    anchors: list[AnchorLine]
    signals: list[Downcode]


@dataclass(frozen=True)
class KitPage:
    """All that an interviewer works from in one turn; `is_opened` says that they have seen it."""

    turn: Turn
    when: ForTwo
    target_label: str
    steps: list[Step]
    dimensions: list[DimensionLine]
    round_signals: list[Downcode]
    is_opened: bool

    @property
    def prompt(self) -> Prompt:
        """Return the prompt; the door lets nobody in before it is drawn."""
        if self.turn.prompt is None:
            raise ValueError("A turn without a prompt has no kit.")
        return self.turn.prompt

    @property
    def candidate(self) -> str:
        """Call the candidate as the cohort does."""
        return self.turn.mock.cohort.called(self.turn.candidate)

    @property
    def probes(self) -> list[str]:
        """Return the prompt's own probes, else those of the round."""
        version = self.turn.rubric_version
        return self.prompt.probes or (version.probes if version else [])


def kit_page(turn: Turn, at: datetime) -> KitPage:
    """Return the kit of a turn that `access.turn_to_prepare` let its interviewer have."""
    mock, loop = turn.mock, turn.round.loop
    labels = level_labels(loop.ladder, mock.cohort.label_company)
    anchors = (
        Anchor.objects.filter(dimension__version=turn.rubric_version_id)
        .select_related("dimension")
        .order_by("dimension__position", "dimension_id", "rank")
    )
    found = _version_of(turn)
    signals = [Downcode(**row) for row in found["signal_rows"]]
    return KitPage(
        turn=turn,
        when=for_two(
            Period(mock.starts_at, mock.ends_at),
            turn.interviewer.time_zone,
            turn.candidate.time_zone,
            mock.cohort.called(turn.candidate),
            at,
        ),
        target_label=labels[loop.target_rank],
        steps=guide_of(turn.round, [Phase(**row) for row in found["phase_rows"]]),
        dimensions=_dimensions(anchors, signals, labels, loop.target_rank),
        round_signals=[signal for signal in signals if signal.dimension_id is None],
        is_opened=found["is_opened"],
    )


def _version_of(turn: Turn) -> dict[str, Any]:
    """Return signals and phases of a turn's rubric, and whether its prompt was met; one query."""
    here = OuterRef("pk")
    signals = Downcode.objects.filter(version=here).order_by("position", "key")
    phases = Phase.objects.filter(version=here).order_by("position")
    met = PromptExposure.objects.filter(
        user=turn.interviewer_id,
        round_kind=turn.round.round_kind_id,
        prompt_key=turn.prompt.key if turn.prompt else "",
        role=PromptExposure.Role.INTERVIEWER,
    )
    signal_row = JSONObject(id="id", text="text", dimension_id="dimension_id")
    versions = RubricVersion.objects.annotate(
        signal_rows=ArraySubquery(signals.values(row=signal_row)),
        phase_rows=ArraySubquery(phases.values(row=JSONObject(name="name", minutes="minutes"))),
        is_opened=Exists(met),
    )
    rows = versions.filter(pk__in=[turn.rubric_version_id])
    return dict(rows.values("is_opened", "signal_rows", "phase_rows").get())


def ready_to_replace(mock: Mock, user: User, at: datetime) -> QuerySet[Standby]:
    """Return who can be called to a mock whose other did not come, the longest ready first.

    Members of the cohort on standby whom the person may meet and who hold no seat in the next
    hour; of somebody who would only have interviewed, those who have a round to answer.
    """
    answers = mock.turns.filter(candidate=user)
    busy = Seat.objects.filter(is_held=True, starts_at__lt=at + SOON, ends_at__gt=at)
    return (
        Standby.objects.ready(at)
        .filter(Q(round__isnull=False) | Exists(answers))
        .filter(cohort=mock.cohort_id, user__in=partners_of(user, mock.cohort))
        .exclude(user__in=mock.seats.exclude(member=user).values("member"))
        .exclude(user__in=busy.values("member"))
        .select_related("user", "cohort", "round__round_kind")
        .order_by("since", "pk")
    )


def rounds_to_answer(mock: Mock, user: User) -> list[Round]:
    """Return the person's rounds in the cohort of a mock that can be practised, newest loop first.

    That is what who would only have interviewed chooses from.
    """
    rounds = (
        Round.objects.filter(loop__member=user, loop__cohort=mock.cohort_id)
        .filter(round_kind__in=list(minutes_in_force()))
        .select_related("loop", "round_kind")
    )
    return list(rounds.order_by("-loop__started_at", "-loop_id", "position"))


def _dimensions(
    anchors: QuerySet[Anchor],
    signals: Sequence[Downcode],
    labels: Sequence[str],
    target_rank: int,
) -> list[DimensionLine]:
    lines: dict[int, DimensionLine] = {}
    for anchor in anchors:
        line = lines.setdefault(
            anchor.dimension_id,
            DimensionLine(
                dimension=anchor.dimension,
                anchors=[],
                signals=[one for one in signals if one.dimension_id == anchor.dimension_id],
            ),
        )
        line.anchors.append(
            AnchorLine(labels[anchor.rank], anchor.text, is_target=anchor.rank == target_rank)
        )
    return list(lines.values())
