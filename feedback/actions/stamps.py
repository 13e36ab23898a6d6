"""Give the stamps of a live review their media time, once the recording of the mock is there."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Min, Q, QuerySet

from feedback.models import DowncodeTick, Evidence, Moment, Review
from feedback.queries.stamps import moment_in, placeable_recordings

LEAD_MS = 10_000
"""A mark made as something happens begins so long before, as it does in the player."""


@transaction.atomic
def place_stamps(*, review: Review) -> int:
    """Place every stamp of the review that has no media time yet; returns how many there were.

    Nothing is placed before the answer is handed in. A stamp outside of the recording is put
    at its beginning or end. A moment lies where it was pressed; evidence begins a while before.
    """
    if not review.is_live:
        return 0
    recording = placeable_recordings().filter(attempt=review.attempt_id).first()
    if recording is None:
        return 0
    Review.objects.select_for_update().get(pk=review.pk)
    moments = list(_unplaced_moments().filter(review=review))
    for moment in moments:
        moment.at_ms = moment_in(recording, moment).ms
    Moment.objects.bulk_update(moments, ["at_ms"])
    stamps = list(_unplaced().filter(review=review))
    for evidence in stamps:
        evidence.end_ms = moment_in(recording, evidence).ms
        evidence.start_ms = max(0, evidence.end_ms - LEAD_MS)
    Evidence.objects.bulk_update(stamps, ["start_ms", "end_ms"])
    _place_ticks(review, {evidence.downcode_id for evidence in stamps if evidence.downcode_id})
    return len(stamps) + len(moments)


def place_all_stamps() -> int:
    """Place the stamps of every live review whose recording is there; returns how many."""
    there = placeable_recordings().values("attempt")
    stamped = _unplaced().order_by().values("review")
    pressed = _unplaced_moments().order_by().values("review")
    live = Review.objects.filter(is_live=True, attempt__in=there)
    reviews = live.filter(Q(pk__in=stamped) | Q(pk__in=pressed)).order_by("pk")
    return sum(place_stamps(review=review) for review in reviews)


def _unplaced() -> QuerySet[Evidence]:
    return Evidence.objects.filter(stamped_at__isnull=False, start_ms=None).order_by("pk")


def _unplaced_moments() -> QuerySet[Moment]:
    return Moment.objects.filter(stamped_at__isnull=False, at_ms=None).order_by("pk")


def _place_ticks(review: Review, downcode_ids: Iterable[int]) -> None:
    """Say of each ticked downcode when it was first seen."""
    marked = Evidence.objects.filter(review=review, downcode__in=downcode_ids).order_by()
    for downcode_id, first_ms in marked.values_list("downcode").annotate(first=Min("start_ms")):
        DowncodeTick.objects.filter(review=review, downcode=downcode_id).update(at_ms=first_ms)
