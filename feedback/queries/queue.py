"""What a member may grade next, and what they hold and have graded."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from feedback.models import Review
from feedback.queries.reveal import REVIEWS_WANTED
from loops.models import Attempt, Membership, Recording, User
from loops.states import AttemptState, RecordingState


@dataclass(frozen=True)
class QueuePage:
    """The queue as one member sees it."""

    held: Review | None
    waiting: list[Attempt]
    waiting_total: int
    put_by: list[Review]
    given: list[Review]
    given_total: int


def claimable(user: User, at: datetime) -> QuerySet[Attempt]:
    """Return the attempts this member may claim at that instant, the longest waiting first.

    Of their cohorts, not their own, playable, with a place free and not yet reviewed by
    them. A review they put back or let lapse does not stand in the way.
    """
    others = (
        Review.objects.taking_a_place(at)
        .filter(attempt=OuterRef("pk"))
        .order_by()
        .values("attempt")
        .annotate(n=Count("pk"))
        .values("n")
    )
    theirs = Review.objects.filter(grader=user).exclude(
        state__in=[Review.State.RELEASED, Review.State.EXPIRED]
    )
    return (
        Attempt.objects.filter(
            state=AttemptState.SUBMITTED,
            round__loop__cohort__in=Membership.objects.filter(user=user).values("cohort"),
            pk__in=Recording.objects.filter(state=RecordingState.READY).values("attempt"),
        )
        .exclude(round__loop__member=user)
        .exclude(pk__in=theirs.values("attempt"))
        .annotate(
            taken=Coalesce(Subquery(others, output_field=IntegerField()), Value(0)),
        )
        .filter(taken__lt=REVIEWS_WANTED)
        .order_by("submitted_at", "pk")
    )


def waiting_count(user: User, at: datetime) -> int:
    """Return how many attempts the member could claim now."""
    return claimable(user, at).count()


def held_review(user: User, at: datetime) -> Review | None:
    """Return the review the member holds under a running lease."""
    return Review.objects.held(at).filter(grader=user).order_by("claimed_at", "pk").first()


def queue_page(user: User, at: datetime, *, shown: int = 20) -> QueuePage:
    """Return what the queue page shows: held, waiting, lapsed drafts, and what was given."""
    with_attempt = Review.objects.filter(grader=user).select_related(
        "attempt__prompt",
        "attempt__rubric_version",
        "attempt__round__round_kind",
        "attempt__round__loop__cohort",
        "attempt__round__loop__member",
    )
    free = claimable(user, at)
    waiting = list(
        free.select_related(
            "round__round_kind", "round__loop__cohort", "rubric_version"
        ).prefetch_related("recordings")[:shown]
    )
    given = with_attempt.submitted().order_by("-submitted_at", "-pk")
    lapsed = with_attempt.filter(drafted_at__isnull=False).filter(
        pk__in=Review.objects.filter(state=Review.State.EXPIRED).values("pk")
        | Review.objects.lapsed(at).values("pk")
    )
    return QueuePage(
        held=with_attempt.held(at).order_by("claimed_at", "pk").first(),
        waiting=waiting,
        waiting_total=free.count() if len(waiting) == shown else len(waiting),
        put_by=list(lapsed.order_by("-drafted_at", "-pk")),
        given=list(given[:shown]),
        given_total=given.count(),
    )
