"""How long recordings are kept: what a cohort's rule says of each, and how those went that went."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Coalesce

from loops.models import Attempt, Event, Recording, Rendition, Upload
from loops.states import RecordingState

NOTICE = timedelta(days=7)
"""So long before a rule erases a recording, its candidate is told."""
DAY = timedelta(days=1)
DAYS_LEAST, DAYS_MOST = 7, 1095
GONE = frozenset({RecordingState.DISCARDED, RecordingState.ERASED})
OF_A_RULE = ("attempt__round__loop__cohort", "attempt__round__loop__member")

Holder = Callable[[Collection[int], datetime], Mapping[int, datetime | None]]
"""Says of answers, by id, until when their recordings are left alone; None: nobody knows yet."""

_holders: list[Holder] = []


def register_holder(holder: Holder) -> None:
    """Add a higher app's part of the answer to "whose recording is not erased yet"."""
    if holder not in _holders:
        _holders.append(holder)


@dataclass(frozen=True)
class Plan:
    """What the rule of its cohort will do to a recording.

    `due_at` is when it asks for the erasing, `erases_at` when that happens, the candidate's seven
    days counted in. Both are None while the answer waits for its reviews.
    """

    days: int
    due_at: datetime | None
    erases_at: datetime | None


@dataclass(frozen=True)
class Erasure:
    """How a recording went: when, by a cohort's rule or by its candidate, and what is left.

    `is_over` says that nothing of it is left in any storage.
    """

    at: datetime
    rule_days: int | None
    is_over: bool


def plan_of(recording: Recording, at: datetime) -> Plan | None:
    """Return what a rule will do to one recording, with its cohort fetched; None without a rule."""
    return plans_of([recording], at).get(recording.pk)


def plans_of(recordings: Iterable[Recording], at: datetime) -> dict[int, Plan]:
    """Return by id what rules will do to recordings, with their cohorts fetched."""
    ruled = {
        recording: days
        for recording in recordings
        if (days := recording.attempt.round.loop.cohort.keep_recordings_days) is not None
        and recording.state not in GONE
    }
    reviewed = {
        recording.attempt_id
        for recording in ruled
        if recording.attempt.is_submitted and recording.state != RecordingState.FAILED
    }
    held = _held(reviewed, at) if reviewed else {}
    return {recording.pk: _plan(recording, days, held, at) for recording, days in ruled.items()}


def _held(attempt_ids: Collection[int], at: datetime) -> dict[int, datetime | None]:
    held: dict[int, datetime | None] = {}
    for holder in _holders:
        for attempt_id, until in holder(attempt_ids, at).items():
            other = held.get(attempt_id, until)
            held[attempt_id] = None if until is None or other is None else max(until, other)
    return held


def _plan(
    recording: Recording, days: int, held: Mapping[int, datetime | None], at: datetime
) -> Plan:
    begins = recording.attempt.submitted_at or recording.started_at
    due_at = begins + timedelta(days=days)
    if recording.attempt_id in held:
        until = held[recording.attempt_id]
        if until is None:
            return Plan(days, None, None)
        due_at = max(due_at, until)
    told = recording.erases_at or at + NOTICE
    return Plan(days, due_at, max(due_at, told))


def untold(at: datetime) -> QuerySet[Recording]:
    """Return the recordings that a rule may ask for by that instant, nobody told yet.

    What waits for its reviews is among them.
    """
    days = F("attempt__round__loop__cohort__keep_recordings_days") * Value(DAY)
    length = ExpressionWrapper(days, output_field=DurationField())
    due = Coalesce("attempt__submitted_at", "started_at") + length
    return (
        Recording.objects.exclude(state__in=GONE)
        .filter(attempt__round__loop__cohort__keep_recordings_days__isnull=False, erases_at=None)
        .annotate(due=ExpressionWrapper(due, output_field=DateTimeField()))
        .filter(due__lte=at)
        .select_related(*OF_A_RULE)
        .order_by("due", "pk")
    )


def has_files() -> Q:
    """Return whether anything of a recording is still in a storage, as part of a query of them."""
    raw = Upload.objects.filter(track__recording=OuterRef("pk"), is_kept=True)
    return Q(Exists(Rendition.objects.filter(track__recording=OuterRef("pk")))) | Q(Exists(raw))


def erasures_of(recordings: Iterable[Recording]) -> dict[int, Erasure]:
    """Return by id how recordings went that are there no more; asks once, or not at all."""
    gone = [recording.pk for recording in recordings if recording.state in GONE]
    return _erasures(_events().filter(subject_id__in=gone, verb__in=GONE)) if gone else {}


def lost_to_rule(attempt: Attempt) -> Erasure | None:
    """Return how the last recording of a draft went, where its cohort's rule has discarded it.

    Asks nothing where the cohort has no rule.
    """
    if attempt.round.loop.cohort.keep_recordings_days is None:
        return None
    lost = Event.objects.filter(
        subject=Recording._meta.label_lower,
        subject_id__in=attempt.recordings.values("pk"),
        verb=RecordingState.DISCARDED,
        data__has_key="rule_days",
    ).first()
    return Erasure(lost.at, lost.data["rule_days"], is_over=True) if lost else None


def erasure_of_answer(attempt: Attempt) -> Erasure | None:
    """Return how an answer's recording went; None where it is there, or there was none."""
    theirs = attempt.recordings.values("pk")
    found = _events().filter(subject_id__in=theirs, verb=RecordingState.ERASED)
    return next(iter(_erasures(found).values()), None)


def erasure_of(recording: Recording | None) -> Erasure | None:
    """Return how a recording went; None for one that is there."""
    return erasures_of([recording]).get(recording.pk) if recording else None


def _events() -> QuerySet[Any]:
    """Return what is written down of recordings, and whether anything of each is left."""
    left = Recording.objects.filter(pk=OuterRef("subject_id")).filter(has_files())
    mine = Event.objects.filter(subject=Recording._meta.label_lower)
    return mine.annotate(is_left=Exists(left))


def _erasures(events: QuerySet[Any]) -> dict[int, Erasure]:
    return {
        event.subject_id: Erasure(event.at, event.data.get("rule_days"), not event.is_left)
        for event in events
    }
