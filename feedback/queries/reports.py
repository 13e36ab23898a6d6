"""Reports of answers that cannot be graded, as their grader and their candidate read them."""

from dataclasses import dataclass

from feedback.models import QueueEntry, Report, Review
from loops.models import Attempt


@dataclass(frozen=True)
class ReportOnReview:
    """What a grader may report from a review, or has reported; `kinds` are empty where nothing.

    `is_closed_by_another` says that the review was voided since another reported the answer.
    """

    kinds: list[str]
    may_say_who: bool
    report: Report | None = None
    may_take_back: bool = False
    is_closed_by_another: bool = False


def reports_that_count(attempt: Attempt) -> list[Report]:
    """Return the reports of an answer not taken back, the newest last; none of blind calibration.

    One query.
    """
    made = Report.objects.filter(
        review__attempt=attempt,
        review__purpose__in=Review.READ_BY_CANDIDATE,
        taken_back_at=None,
    )
    return list(made.order_by("made_at", "pk"))


def report_for_results(attempt: Attempt) -> Report | None:
    """Return the report that stands against an answer, for its candidate. One query."""
    return next((one for one in reports_that_count(attempt) if one.stands), None)


def report_for_review(review: Review) -> ReportOnReview:
    """Return what the grading page says of reports.

    It asks nothing where the review was fetched with its report and its attempt's queue entry.
    """
    if review.is_open or review.state == Review.State.EXPIRED:
        is_claimed = not review.is_live
        is_from_queue = review.purpose in {Review.Purpose.PEER, Review.Purpose.GOLD}
        return ReportOnReview(
            kinds=_kinds(review) if is_claimed and is_from_queue else [],
            may_say_who=is_claimed,
        )
    if review.state != Review.State.VOID:
        return ReportOnReview(kinds=[], may_say_who=False)
    attempt = review.attempt
    made: Report | None = getattr(review, "report", None)
    entry: QueueEntry | None = getattr(attempt, "queue_entry", None)
    own = made if made is not None and made.taken_back_at is None else None
    is_reported = entry is not None and bool(entry.exclusion)
    return ReportOnReview(
        kinds=[],
        may_say_who=False,
        report=own,
        may_take_back=own is not None and own.stands and attempt.is_submitted,
        is_closed_by_another=own is None and is_reported and attempt.is_submitted,
    )


def _kinds(review: Review) -> list[str]:
    kinds = [Report.Kind.UNUSABLE.value]
    return [*kinds, Report.Kind.MISLED.value] if review.attempt.is_live else kinds
