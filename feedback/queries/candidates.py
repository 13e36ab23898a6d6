"""What a grader calls the candidate of a review."""

from feedback.models import Review
from loops.states import AttemptState


def candidate_of(review: Review) -> str:
    """Call the candidate as the cohort does; nobody once the answer was taken back or deleted.

    Its grades stay as facts without a person. The interviewer of a mock, whose review becomes a
    practice note where the answer was put away, met them and goes on calling them so, until it is
    deleted.
    """
    attempt, loop = review.attempt, review.attempt.round.loop
    is_taken_back = attempt.state == AttemptState.WITHDRAWN and not review.is_live
    if is_taken_back or attempt.deleted_at is not None:
        return ""
    return loop.cohort.called(loop.member)
