"""What taking an answer back would end."""

from dataclasses import dataclass

from feedback.models import Review
from loops.models import Attempt, Recording
from loops.states import AttemptState, RecordingState


@dataclass(frozen=True)
class AtStake:
    """Reviews in hand and handed in, and whether there is still a recording."""

    in_hand: int
    handed_in: int
    has_recording: bool
    is_taken_back: bool


def at_stake(attempt: Attempt) -> AtStake:
    """Count what a candidate's taking an answer back would touch. Nothing of a review is read."""
    reviews = Review.objects.filter(attempt=attempt)
    away = [RecordingState.DISCARDED, RecordingState.ERASED]
    return AtStake(
        in_hand=reviews.filter(state__in=Review.OPEN_STATES, is_live=False).count(),
        handed_in=reviews.in_results().count(),
        has_recording=Recording.objects.filter(attempt=attempt).exclude(state__in=away).exists(),
        is_taken_back=attempt.state == AttemptState.WITHDRAWN,
    )
