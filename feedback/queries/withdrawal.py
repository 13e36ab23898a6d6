"""What taking an answer back would end."""

from dataclasses import dataclass
from datetime import datetime

from feedback.models import Review
from loops.models import Attempt, Recording
from loops.states import AttemptState, RecordingState


@dataclass(frozen=True)
class AtStake:
    """What there is to lose: reviews in hand and handed in, and whether there is a recording.

    In hand are those alone for which the candidate would pay.
    """

    in_hand: int
    handed_in: int
    has_recording: bool
    is_taken_back: bool


def at_stake(attempt: Attempt, at: datetime) -> AtStake:
    """Count what a candidate's taking an answer back would touch. Nothing of a review is read.

    Of blind calibration, and of what experts do, nothing is told either: the cohort pays for it.
    """
    reviews = Review.objects.filter(attempt=attempt)
    in_hand = reviews.held(at).filter(is_live=False, purpose__in=Review.READ_BY_CANDIDATE)
    away = [RecordingState.DISCARDED, RecordingState.ERASED]
    return AtStake(
        in_hand=in_hand.count(),
        handed_in=reviews.in_results().count(),
        has_recording=Recording.objects.filter(attempt=attempt).exclude(state__in=away).exists(),
        is_taken_back=attempt.state == AttemptState.WITHDRAWN,
    )
