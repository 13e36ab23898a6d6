"""Debriefs of split answers: when one is open, what its graders read, what its candidate reads."""

from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from feedback.models import DebriefMessage, QueueEntry, Review, Revision
from feedback.queries.opening import opened_reviews
from feedback.queries.side_by_side import SideBySide, side_by_side
from loops.models import Attempt, Notice, User
from loops.states import AttemptState


def _are_all_in() -> Q:
    """Tell the entries whose every wanted place is granted, and handed in by who has it.

    An extra review fills no place, so the reviews that are in are not counted: with one of them,
    two are in while a third reader is still at work.
    """
    granted = Review.objects.granted().filter(attempt=OuterRef("attempt"))
    return Q(granted__gte=F("wanted")) & ~Q(Exists(granted.filter(state__in=Review.OPEN_STATES)))


def entries_to_debrief() -> QuerySet[QueueEntry]:
    """Return the split answers whose wanted reviews are all in.

    Where more reviews are wanted later, what was begun goes on: whoever comes late reads it once
    their own review is in, as everybody did.
    """
    said = DebriefMessage.objects.filter(attempt=OuterRef("attempt"))
    revised = Revision.objects.filter(review__attempt=OuterRef("attempt"))
    return QueueEntry.objects.filter(
        _are_all_in() | Exists(said) | Exists(revised),
        is_split=True,
        attempt__state=AttemptState.SUBMITTED,
    )


def attempts_to_ask_in() -> QuerySet[Review, int]:
    """Return the ids of the answers whose debrief is open and has graders who were not told."""
    told = Notice.objects.filter(
        kind=Notice.Kind.DEBRIEF, person=OuterRef("grader"), subject=OuterRef("subject")
    )
    return (
        Review.objects.in_results()
        .filter(attempt__queue_entry__in=entries_to_debrief())
        .annotate(subject=Concat(Value("debrief:"), Cast("attempt_id", TextField())))
        .filter(~Exists(told))
        .order_by("attempt_id")
        .values_list("attempt_id", flat=True)
        .distinct()
    )


def is_debrief_open(attempt: Attempt) -> bool:
    """Say whether the graders of an answer may talk about it."""
    return entries_to_debrief().filter(attempt=attempt).exists()


@dataclass(frozen=True)
class Said:
    """One message of the thread."""

    message: DebriefMessage
    who: str
    is_mine: bool


@dataclass(frozen=True)
class DebriefPage:
    """A debrief as one of its graders reads it.

    Of one that is not open, or no more, there is their own review alone: it is for what they typed.
    """

    is_open: bool
    attempt: Attempt
    candidate: str
    beside: SideBySide
    said: list[Said]

    @property
    def revised(self) -> int:
        """Count the graders who have said what they would say now."""
        return len(self.beside.revised)


def debrief_page(attempt: Attempt, reader: User) -> DebriefPage:
    """Return the page of a debrief that a door of `access` let a grader have."""
    loop = attempt.round.loop
    messages = DebriefMessage.objects.filter(attempt=attempt).select_related("author")
    is_open = is_debrief_open(attempt)
    own = None if is_open else Review.objects.in_results().filter(grader=reader)
    return DebriefPage(
        is_open=is_open,
        attempt=attempt,
        candidate=loop.cohort.called(loop.member) if is_open else "",
        beside=side_by_side(attempt, reader_id=reader.pk, of=own),
        said=[
            Said(one, loop.cohort.called(one.author), one.author_id == reader.pk)
            for one in messages.order_by("at", "pk")
        ]
        if is_open
        else [],
    )


@dataclass(frozen=True)
class Difference:
    """That the graders of an answer differ, as its candidate reads it; never what they talk of.

    It tells of the reviews alone that the candidate has opened.
    """

    beside: SideBySide
    is_debriefed: bool
    """All reviews are in, and the graders talk."""

    @property
    def moved(self) -> int:
        """Count the levels that somebody would give otherwise now."""
        return sum(len(row.moved) for row in self.beside.rows)


def debrief_for_results(
    attempt: Attempt, entry: QueueEntry | None, labels: tuple[str, ...] = ()
) -> Difference | None:
    """Return how the graders differ whose reviews the candidate has opened, else None.

    `entry` is the answer's in the queue; no query where nobody differs, else two.
    """
    if entry is None or not entry.is_split:
        return None
    beside = side_by_side(attempt, of=opened_reviews(), labels=labels)
    if not beside.are_split:
        return None
    is_debriefed = QueueEntry.objects.filter(_are_all_in(), pk=entry.pk).exists()
    return Difference(beside=beside, is_debriefed=is_debriefed)


def debrief_for_review(review: Review) -> bool:
    """Say whether a review that is in leads on to a debrief of its answer's graders.

    No query where the review was fetched with its answer's entry and `in_debrief`.
    """
    if not (review.is_submitted and review.purpose in Review.READ_BY_CANDIDATE):
        return False
    entry: QueueEntry | None = getattr(review.attempt, "queue_entry", None)
    if entry is None or not (entry.is_split and review.attempt.is_submitted):
        return False
    known: bool | None = getattr(review, "in_debrief", None)
    return is_debrief_open(review.attempt) if known is None else known
