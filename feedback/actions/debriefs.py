"""The debrief of a split answer: its graders are asked in, talk, and say what they would say now.

What they revise stands beside their reviews. No calibration reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from feedback.actions.places import lock_entry
from feedback.models import DebriefMessage, Review, RevisedRating, Revision
from feedback.queries.debriefs import (
    attempts_to_ask_in,
    entries_to_debrief,
    is_debrief_open,
)
from loops.actions.events import record
from loops.actions.notices import tell
from loops.errors import Refused
from loops.models import Attempt, Notice, User

ASKED_AT_ONCE = 100


class NotOfOnePiece(Refused):
    """The verdict at the target and the level given contradict each other."""

    code = "not_of_one_piece"
    status = 422
    message = _(
        "The level does not fit your verdict: a yes at the target means a level at or above it, a "
        "no means a level below it. Nothing was kept yet; what you chose is still on this page."
    )


class DebriefOver(Refused):
    """The answer is there no more."""

    code = "debrief_over"
    message = _(
        "The answer was taken back meanwhile, so its debrief is closed and nobody would read this. "
        "Nothing was sent; what you typed is still on this page, to copy."
    )


class DebriefWaits(Refused):
    """More reviews are wanted than when the page was opened."""

    code = "debrief_waits"
    message = _(
        "More reviews of this answer are wanted now, so its debrief opens once they are in. "
        "Nothing was sent yet; what you typed is still on this page."
    )


@dataclass(frozen=True)
class Now:
    """What a grader would say now: a rank or *not observed* for each dimension, and the word."""

    verdict: str
    level_given_rank: int
    ratings: Mapping[str, int | None] = field(default_factory=dict)


def ask_in(*, attempt: Attempt | int, at: datetime) -> int:
    """Tell the graders of a split answer that their debrief is open, once each; how many.

    It opens when the last wanted review is in. One that comes later brings its grader along.
    """
    attempt_id = attempt if isinstance(attempt, int) else attempt.pk
    entry = entries_to_debrief().select_related("attempt__round").filter(attempt=attempt_id).first()
    if entry is None:
        return 0
    reviews = Review.objects.in_results().filter(attempt=attempt_id).select_related("grader")
    subject = f"debrief:{attempt_id}"
    told = Notice.objects.filter(kind=Notice.Kind.DEBRIEF, subject=subject).values("person")
    new = list(reviews.exclude(grader__in=told).order_by("pk"))
    for review in new:
        tell(
            review.grader,
            Notice.Kind.DEBRIEF,
            subject,
            at=at,
            attempt=str(entry.attempt.public_id),
            round=entry.attempt.round.title,
            reviews=entry.handed_in,
        )
    return len(new)


def ask_all_in(*, at: datetime) -> int:
    """Tell whoever has not been told yet of a debrief that is open; how many."""
    ids = list(attempts_to_ask_in()[:ASKED_AT_ONCE])
    return sum(ask_in(attempt=attempt_id, at=at) for attempt_id in ids)


@transaction.atomic
def say(*, attempt: Attempt, key: UUID, text: str, by: User, at: datetime) -> DebriefMessage:
    """Say something to the other graders; one `key`, which the form draws, is one message.

    The others are told once a day, however much is said.
    """
    _lock_open(attempt, at)
    message, is_new = DebriefMessage.objects.get_or_create(
        public_id=uuid5(attempt.public_id, f"{by.pk}:{key}"),
        defaults={"attempt": attempt, "author": by, "text": text, "at": at},
    )
    if not is_new:
        return message
    record("said", message, by=by, at=at)
    day = at.astimezone(UTC).date()
    others = Review.objects.in_results().filter(attempt=attempt).exclude(grader=by)
    for review in others.select_related("grader").order_by("grader_id"):
        tell(
            review.grader,
            Notice.Kind.DEBRIEF_SAID,
            f"debrief:{attempt.pk}:{day:%Y-%m-%d}",
            at=at,
            attempt=str(attempt.public_id),
            round=attempt.round.title,
        )
    return message


@transaction.atomic
def revise(*, review: Review, now: Now, at: datetime) -> Revision:
    """Keep what a grader would say now, beside what they handed in; the last word of theirs holds.

    `now` names every dimension of the rubric. The review itself is not touched.
    """
    attempt = review.attempt
    _lock_open(attempt, at)
    if (now.verdict in Review.YES) != (now.level_given_rank >= attempt.round.loop.target_rank):
        raise NotOfOnePiece
    revision, _is_new = Revision.objects.update_or_create(
        review=review,
        defaults={
            "verdict": now.verdict,
            "level_given_rank": now.level_given_rank,
            "at": at,
        },
    )
    ids = dict(attempt.rubric_version.dimensions.values_list("key", "pk"))
    RevisedRating.objects.bulk_create(
        [
            RevisedRating(revision=revision, dimension_id=ids[key], rank=rank)
            for key, rank in sorted(now.ratings.items())
        ],
        update_conflicts=True,
        unique_fields=["revision", "dimension"],
        update_fields=["rank"],
    )
    record("revised", review, by=review.grader, at=at)
    return revision


def _lock_open(attempt: Attempt, at: datetime) -> None:
    entry = lock_entry(attempt, at)
    if not is_debrief_open(attempt):
        raise DebriefWaits if entry.attempt.is_submitted else DebriefOver
