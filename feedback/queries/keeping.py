"""Until when the graders of an answer need its recording: loops asks before it erases one."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, Max, OuterRef, QuerySet, Subquery

from feedback.access import AFTERWARDS
from feedback.models import GoldExpert, GoldItem, GradeAppeal, Review
from feedback.queries.reveal import revealed_at
from loops.models import Attempt, Membership


def needed_until(attempt_ids: Collection[int], at: datetime) -> dict[int, datetime | None]:
    """Say by attempt until when its recording is needed; None while its reviews are to come.

    That is for as long as graders and candidate may still look at it after the reveal, and as
    long as somebody is at work on it. There is one to come, too, while an appeal waits for its
    answer, and while an expert who was asked for reference levels has not given them. A follow-up
    take has no reviews: who asked plays it for seven days from when it was sent.
    """
    of_it = Review.objects.filter(attempt=OuterRef("pk"))
    leases = of_it.held(at).order_by().values("attempt").annotate(last=Max("lease_until"))
    attempts: QuerySet[Any] = Attempt.objects.filter(pk__in=attempt_ids).annotate(
        reviews_at=ArraySubquery(of_it.in_results().order_by().values("submitted_at")),
        lease_until=Subquery(leases.values("last")),
        is_awaited=Exists(_unanswered()) | Exists(_asked_of()),
    )
    return {
        attempt.pk: attempt.submitted_at + AFTERWARDS
        if attempt.is_follow_up and attempt.submitted_at
        else None
        if attempt.is_awaited
        else _until(attempt.submitted_at, attempt.reviews_at, attempt.lease_until)
        for attempt in attempts
    }


def _unanswered() -> QuerySet[GradeAppeal]:
    return GradeAppeal.objects.filter(attempt=OuterRef("pk"), answered_at=None)


def _asked_of() -> QuerySet[GoldExpert]:
    """Return the experts of an attempt who may still hand in what they were asked for."""
    members = Membership.objects.filter(
        cohort=OuterRef("item__attempt__round__loop__cohort"), user=OuterRef("expert")
    )
    return (
        GoldExpert.objects.filter(Exists(members), item__attempt=OuterRef("pk"))
        .exclude(item__state=GoldItem.State.RETIRED)
        .exclude(review__state=Review.State.SUBMITTED)
    )


def _until(
    submitted_at: datetime | None, reviews_at: list[datetime], lease_until: datetime | None
) -> datetime | None:
    revealed = revealed_at(submitted_at, reviews_at) if submitted_at else None
    if revealed is None:
        return None
    until = revealed + AFTERWARDS
    return max(until, lease_until) if lease_until else until
