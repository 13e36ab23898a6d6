"""What a member may grade next, and what they hold and have graded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from feedback.models import Review
from feedback.queries.reveal import REVIEWS_WANTED
from loops.models import Attempt, Loop, Membership, Recording, User
from loops.states import AttemptState, RecordingState
from rubrics.queries import ladder_labels


@dataclass(frozen=True)
class WaitingLine:
    """An answer that waits, told without its candidate and its prompt: they show once claimed."""

    title: str
    target_label: str
    duration_ms: int
    submitted_at: datetime
    places_free: int
    is_begun: bool


@dataclass(frozen=True)
class KindCount:
    """How many answers of a round kind wait."""

    key: str
    title: str
    count: int


@dataclass(frozen=True)
class OwnLine:
    """A review of the member's own."""

    review: Review
    title: str
    prompt: str
    candidate: str
    target_label: str
    level_label: str


@dataclass(frozen=True)
class QueuePage:
    """The queue as one member sees it.

    `held` under a running lease, `put_by` begun and lapsed, `given` handed in, newest first.
    """

    held: list[OwnLine]
    waiting: list[WaitingLine]
    waiting_total: int
    kinds: list[KindCount]
    put_by: list[OwnLine]
    given: list[OwnLine]
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
    theirs = Review.objects.filter(grader=user)
    barred = theirs.taking_a_place(at) | theirs.filter(state=Review.State.VOID)
    return (
        Attempt.objects.filter(
            state=AttemptState.SUBMITTED,
            round__loop__cohort__in=Membership.objects.filter(user=user).values("cohort"),
            pk__in=Recording.objects.filter(state=RecordingState.READY).values("attempt"),
        )
        .exclude(round__loop__member=user)
        .exclude(pk__in=barred.values("attempt"))
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
    label = _Labels()
    reviews = Review.objects.filter(grader=user).select_related(
        "attempt__prompt", "attempt__round__loop__cohort", "attempt__round__loop__member"
    )
    begun = list(
        reviews.filter(state__in=[*Review.OPEN_STATES, Review.State.EXPIRED])
        .filter(Q(drafted_at__isnull=False) | Q(lease_until__gt=at))
        .order_by("claimed_at", "pk")
    )
    given = list(reviews.submitted().order_by("-submitted_at", "-pk")[: shown + 1])
    kinds = _kinds_waiting(claimable(user, at))
    begun_attempts = {review.attempt_id for review in begun}
    return QueuePage(
        held=[_own_line(review, label) for review in begun if not review.is_lapsed(at)],
        waiting=[
            _waiting_line(attempt, label, is_begun=attempt.pk in begun_attempts)
            for attempt in _waiting(user, at)[:shown]
        ],
        waiting_total=sum(kind.count for kind in kinds),
        kinds=kinds,
        put_by=[_own_line(review, label) for review in begun if review.is_lapsed(at)],
        given=[_own_line(review, label) for review in given[:shown]],
        given_total=len(given) if len(given) <= shown else reviews.submitted().count(),
    )


class _Labels:
    """What a cohort's company calls a rank; each company is asked for once."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, tuple[str, ...]]] = {}

    def of(self, loop: Loop, rank: int | None) -> str:
        if rank is None:
            return ""
        company = loop.cohort.label_company
        if company not in self._known:
            self._known[company] = ladder_labels(company)
        return self._known[company][loop.ladder][rank]


def _waiting(user: User, at: datetime) -> QuerySet[Attempt]:
    playable = Recording.objects.ready().filter(attempt=OuterRef("pk"))
    return (
        claimable(user, at)
        .select_related("round__loop__cohort")
        .annotate(duration_ms=Subquery(playable.values("duration_ms")[:1]))
    )


def _waiting_line(attempt: Any, label: _Labels, *, is_begun: bool) -> WaitingLine:
    loop = attempt.round.loop
    return WaitingLine(
        title=attempt.round.title,
        target_label=label.of(loop, loop.target_rank),
        duration_ms=attempt.duration_ms,
        submitted_at=attempt.submitted_at,
        places_free=REVIEWS_WANTED - attempt.taken,
        is_begun=is_begun,
    )


def _own_line(review: Review, label: _Labels) -> OwnLine:
    loop = review.attempt.round.loop
    return OwnLine(
        review=review,
        title=review.attempt.round.title,
        prompt=review.attempt.prompt.text,
        candidate=loop.cohort.called(loop.member),
        target_label=label.of(loop, loop.target_rank),
        level_label=label.of(loop, review.level_given_rank),
    )


def _kinds_waiting(free: QuerySet[Attempt]) -> list[KindCount]:
    kind = "round__round_kind__"  # engineers' rounds first: "ic" sorts after "em"
    rows = (
        free.order_by(f"-{kind}ladder", f"{kind}position", f"{kind}key")
        .values_list(f"{kind}key", f"{kind}title")
        .annotate(n=Count("pk"))
    )
    return [KindCount(key=key, title=title, count=n) for key, title, n in rows]
