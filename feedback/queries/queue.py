"""What a member may grade next, and what they hold and have graded."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from feedback.models import Review
from feedback.queries.reveal import REVIEWS_WANTED
from loops.models import Attempt, Loop, Membership, Recording, User
from loops.queries.practice import turns_ahead
from loops.states import AttemptState, MockState, RecordingState
from rubrics.queries import ladder_labels

REMEMBERED = timedelta(days=14)
"""For so long a review of a mock is shown in which nothing was written."""


@dataclass(frozen=True)
class WaitingLine:
    """An answer that waits, told without its candidate and its prompt: they show once claimed."""

    title: str
    target_label: str
    duration_ms: int
    submitted_at: datetime
    places_free: int
    is_begun: bool
    has_priority: bool
    is_partial: bool
    """Something of its recording is missing."""


@dataclass(frozen=True)
class KindCount:
    """How many answers of a round kind wait."""

    key: str
    title: str
    count: int


@dataclass(frozen=True)
class OwnLine:
    """A review of the member's own; `session_id` is its mock's while that is being held."""

    review: Review
    title: str
    prompt: str
    candidate: str
    target_label: str
    level_label: str
    is_lapsed: bool
    session_id: UUID | None

    @property
    def is_note(self) -> bool:
        """Say whether it can only be a practice note: the answer of the mock was put away."""
        return self.review.is_live and self.review.attempt.state == AttemptState.WITHDRAWN


@dataclass(frozen=True)
class QueuePage:
    """The queue as one member sees it.

    `held` under a running lease, `put_by` begun and lapsed, `given` handed in, newest first.
    `live` are those begun in mocks: they are no claim, and hold up none.
    """

    held: list[OwnLine]
    live: list[OwnLine]
    waiting: list[WaitingLine]
    waiting_total: int
    kinds: list[KindCount]
    put_by: list[OwnLine]
    given: list[OwnLine]
    given_total: int


def claimable(user: User, at: datetime) -> QuerySet[Attempt]:
    """Return the attempts this member may claim at that instant, in the order of claiming.

    Of their cohorts, not their own, playable, with a place free and not yet reviewed by
    them. A review they put back or let lapse does not stand in the way; that they held the
    mock does, and that the prompt waits for them in a mock of their own. First come the
    attempts with priority, then those that have waited longest.
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
    awaited = turns_ahead(user).filter(
        prompt__key=OuterRef("prompt__key"), round__round_kind=OuterRef("round__round_kind")
    )
    return (
        Attempt.objects.filter(
            state=AttemptState.SUBMITTED,
            round__loop__cohort__in=Membership.objects.filter(user=user).values("cohort"),
            pk__in=Recording.objects.ready().values("attempt"),
        )
        .exclude(round__loop__member=user)
        .exclude(turn__interviewer=user)
        .exclude(pk__in=barred.values("attempt"))
        .filter(~Exists(awaited))
        .annotate(
            taken=Coalesce(Subquery(others, output_field=IntegerField()), Value(0)),
        )
        .filter(taken__lt=REVIEWS_WANTED)
        .order_by("-has_priority", "submitted_at", "pk")
    )


def waiting_count(user: User, at: datetime) -> int:
    """Return how many attempts the member could claim now."""
    return claimable(user, at).count()


def held_review(user: User, at: datetime) -> Review | None:
    """Return the review that the member took from the queue and holds under a running lease."""
    held = Review.objects.held(at).filter(grader=user, is_live=False)
    return held.order_by("claimed_at", "pk").first()


def queue_page(user: User, at: datetime, *, shown: int = 20) -> QueuePage:
    """Return what the queue page shows: held, waiting, lapsed drafts, and what was given."""
    label = _Labels()
    reviews = Review.objects.filter(grader=user).select_related(
        "attempt__prompt",
        "attempt__round__loop__cohort",
        "attempt__round__loop__member",
        "attempt__turn__mock",
    )
    own = Review.objects.filter(grader=user)
    newest = own.submitted().order_by("-submitted_at", "-pk")[: shown + 1]
    is_begun = Q(state__in=[*Review.OPEN_STATES, Review.State.EXPIRED]) & (
        Q(drafted_at__isnull=False)
        | Q(lease_until__gt=at)
        | Q(is_live=True, lease_until__gt=at - REMEMBERED)
    )
    found = list(
        reviews.filter(is_begun | Q(pk__in=newest.values("pk"))).order_by("claimed_at", "pk")
    )
    given = sorted(
        (review for review in found if review.is_submitted),
        key=lambda review: (review.submitted_at or at, review.pk),
        reverse=True,
    )
    live = [review for review in found if review.is_live and not review.is_submitted]
    begun = [review for review in found if not (review.is_live or review.is_submitted)]
    begun_attempts = {review.attempt_id for review in begun}
    waiting = list(_waiting(user, at)[: shown + 1])
    kinds = _kinds_of(waiting) if len(waiting) <= shown else _kinds_waiting(claimable(user, at))
    return QueuePage(
        held=[_own_line(review, label, at) for review in begun if not review.is_lapsed(at)],
        live=[_own_line(review, label, at) for review in live],
        waiting=[
            _waiting_line(attempt, label, is_begun=attempt.pk in begun_attempts)
            for attempt in waiting[:shown]
        ],
        waiting_total=sum(kind.count for kind in kinds),
        kinds=kinds,
        put_by=[_own_line(review, label, at) for review in begun if review.is_lapsed(at)],
        given=[_own_line(review, label, at) for review in given[:shown]],
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
        .select_related("round__loop__cohort", "round__round_kind")
        .annotate(
            duration_ms=Subquery(playable.values("duration_ms")[:1]),
            recording_state=Subquery(playable.values("state")[:1]),
        )
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
        has_priority=attempt.has_priority,
        is_partial=attempt.recording_state == RecordingState.READY_PARTIAL,
    )


def _own_line(review: Review, label: _Labels, at: datetime) -> OwnLine:
    loop = review.attempt.round.loop
    turn = getattr(review.attempt, "turn", None) if review.is_live else None
    mock = turn.mock if turn else None
    return OwnLine(
        review=review,
        title=review.attempt.round.title,
        prompt=review.attempt.prompt.text,
        candidate=loop.cohort.called(loop.member),
        target_label=label.of(loop, loop.target_rank),
        level_label=label.of(loop, review.level_given_rank),
        is_lapsed=review.is_lapsed(at),
        session_id=mock.public_id if mock and mock.state == MockState.RUNNING else None,
    )


def _kinds_of(waiting: Iterable[Attempt]) -> list[KindCount]:
    """Count the answers by kind where all of them are at hand; in the order of the next."""
    counted = Counter(attempt.round.round_kind for attempt in waiting)
    in_order = sorted(counted, key=lambda kind: (kind.ladder != "ic", kind.position, kind.key))
    return [KindCount(key=kind.key, title=kind.title, count=counted[kind]) for kind in in_order]


def _kinds_waiting(free: QuerySet[Attempt]) -> list[KindCount]:
    kind = "round__round_kind__"  # engineers' rounds first: "ic" sorts after "em"
    rows = (
        free.order_by(f"-{kind}ladder", f"{kind}position", f"{kind}key")
        .values_list(f"{kind}key", f"{kind}title")
        .annotate(n=Count("pk"))
    )
    return [KindCount(key=key, title=title, count=n) for key, title, n in rows]
