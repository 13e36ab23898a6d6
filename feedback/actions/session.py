"""The evening of a mock as feedback keeps it: the live review, the card, what was not recorded.

Arriving, turns and the end are in loops/actions/sessions.py.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from feedback.models import InterviewerCard, Review
from feedback.queries.session import card_is_closed, live_review
from loops.actions import practice, recordings, sessions
from loops.actions.events import record
from loops.errors import Refused
from loops.models import Attempt, Recording, Turn, User
from loops.states import AttemptState, RecordingState

AFTERWARDS = timedelta(hours=48)
"""So long after a mock its review keeps its place, and an answer without a recording waits."""


class CardTooEarly(Refused):
    """An interviewer is graded on a turn that was held."""

    code = "card_too_early"
    message = _("This turn has not begun, so there is nothing to say of it yet. Nothing was kept.")


class CardGiven(Refused):
    """A card is given once."""

    code = "card_given"
    message = _("You have given this card already, and it stands as it was. Nothing was changed.")


class CardClosed(Refused):
    """Who has read what the other says would answer it."""

    code = "card_closed"
    message = _(
        "You can read your interviewer’s review by now, so a card would be an answer to it. "
        "It was not kept."
    )


@transaction.atomic
def begin_turn(*, turn: Turn, by: User, at: datetime) -> Turn:
    """Begin a turn, and open its interviewer's review; once for each turn."""
    turn = sessions.begin_turn(turn=turn, by=by, at=at)
    open_live_review(turn=turn, at=at)
    return turn


@transaction.atomic
def open_live_review(*, turn: Turn, at: datetime) -> Review:
    """Give the interviewer of a turn that has begun its review, under a lease of its own.

    It takes one of the answer's two places until 48 hours after the mock, so that the queue
    asks for one more; writing never shortens that.
    """
    if turn.attempt is None:
        raise ValueError("A turn has an answer once it has begun.")
    review, is_new = Review.objects.get_or_create(
        attempt=turn.attempt,
        grader=turn.interviewer,
        defaults={
            "is_live": True,
            "claimed_at": at,
            "lease_until": max(at, turn.mock.ends_at) + AFTERWARDS,
        },
    )
    if is_new:
        record("opened", review, by=turn.interviewer, at=at)
    return review


@transaction.atomic
def give_card(
    *, turn: Turn, marks: Mapping[str, int], note: str, by: User, at: datetime
) -> InterviewerCard:
    """Keep what a candidate says of their interviewer; the same card twice is one.

    It is final, and taken only until they can read the interviewer's review.
    """
    turns = Turn.objects.select_for_update(of=("self",)).select_related("attempt", "mock")
    turn = turns.get(pk=turn.pk)
    known = InterviewerCard.objects.filter(turn=turn).first()
    if known is not None:
        if known.note == note and all(getattr(known, item) == marks[item] for item in marks):
            return known
        raise CardGiven
    if turn.attempt is None:
        raise CardTooEarly
    if card_is_closed(turn, live_review(turn), at):
        raise CardClosed
    card = InterviewerCard.objects.create(turn=turn, note=note, at=at, **marks)
    record("given", card, by=by, at=at)
    return card


def put_unrecorded_away(*, at: datetime) -> int:
    """Put the answers of mocks away of which nothing was recorded; returns how many.

    Their candidates had 48 hours to hand in a file. What the interviewers wrote stays, as a
    practice note.
    """
    drafts = Attempt.objects.filter(
        kind=Attempt.Kind.LIVE,
        state=AttemptState.DRAFT,
        turn__mock__ends_at__lte=at - AFTERWARDS,
        started_at__lte=at - AFTERWARDS,
    ).exclude(pk__in=_with_something_recorded(at).values("attempt"))
    count = 0
    for attempt in drafts.order_by("pk"):
        try:
            recordings.withdraw_draft(attempt=attempt, by=None, at=at)
        except practice.NotADraft:  # handed in or put away meanwhile
            continue
        count += 1
    return count


def _with_something_recorded(at: datetime) -> QuerySet[Recording]:
    """Return the recordings of which there is anything to hand in, to finish or to try again."""
    return Recording.objects.filter(
        Q(state__in=RecordingState.settled())
        | Q(state=RecordingState.FAILED, state_at__gt=at - AFTERWARDS)
        | Q(state=RecordingState.RECORDING, tracks__uploads__received_bytes__gt=0)
    )
