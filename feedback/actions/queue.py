"""Move claims: claim the next attempt, renew a lease, put it back, let lapsed ones go."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from feedback.models import Review
from feedback.queries.queue import claimable, held_review
from feedback.queries.reveal import REVIEWS_WANTED
from loops.actions.events import record
from loops.actions.practice import expose
from loops.errors import Refused
from loops.models import Attempt, PromptExposure, User

LEASE = timedelta(minutes=45)


class NothingToGrade(Refused):
    """No attempt in the member's cohorts has a place free for them."""

    code = "nothing_to_grade"
    message = _(
        "Nothing is waiting for you right now: every answer has its graders, or is your own. "
        "Nothing was claimed. Look again later."
    )


class ReviewClosed(Refused):
    """The review was handed in, put back or voided; its text is kept as it was."""

    code = "review_closed"
    message = _(
        "This review is closed, so nothing was changed and what it says is kept. "
        "To go on with one that you put back, take it from the queue again."
    )


class LiveStays(Refused):
    """There is nobody else who held the mock."""

    code = "live_stays"
    message = _(
        "This is your review of a mock that you held, so it cannot be put back for somebody else. "
        "What you wrote is kept; go on whenever you like."
    )


@transaction.atomic
def claim(*, by: User, at: datetime, kind: str = "") -> Review:
    """Give the grader the attempt that has waited longest, under a lease of 45 minutes.

    Who holds a running lease gets that review back: one at a time, not counting those of
    their mocks. A review that the grader put back or let lapse earlier is opened again with
    all its text.
    `kind` limits the choice to one round kind by its key.
    """
    User.objects.select_for_update(no_key=True).get(pk=by.pk)  # two tabs, one claim
    held = held_review(by, at)
    if held:
        return held
    attempt = _lock_next(by, at, kind, skip_locked=True) or _lock_next(
        by, at, kind, skip_locked=False
    )
    if attempt is None:
        raise NothingToGrade
    review, is_new = Review.objects.get_or_create(
        attempt=attempt,
        grader=by,
        defaults={"claimed_at": at, "lease_until": at + LEASE},
    )
    if not is_new:
        review.state = Review.State.DRAFT if review.drafted_at else Review.State.CLAIMED
        review.claimed_at = at
        review.lease_until = at + LEASE
        review.save(update_fields=["state", "claimed_at", "lease_until"])
    expose(user=by, prompt=attempt.prompt, role=PromptExposure.Role.GRADER, at=at)
    record("claimed", review, by=by, at=at)
    return review


def _lock_next(by: User, at: datetime, kind: str, *, skip_locked: bool) -> Attempt | None:
    """Lock the longest waiting attempt that still has a place.

    Skipping what others hold locked keeps many graders apart; the second look, which
    waits, keeps "nothing is waiting" true.
    """
    passed_over: list[int] = []
    while True:
        free = claimable(by, at).exclude(pk__in=passed_over)
        if kind:
            free = free.filter(round__round_kind__key=kind)
        attempt = free.select_for_update(skip_locked=skip_locked, of=("self",)).first()
        # A place may have been filled between our look and our lock: count again under it.
        if attempt is None or places_taken(attempt, at) < REVIEWS_WANTED:
            return attempt
        passed_over.append(attempt.pk)


def places_taken(attempt: Attempt, at: datetime, *, but: Review | None = None) -> int:
    """Return how many of an attempt's places are filled, leaving out one review if asked."""
    others = Review.objects.taking_a_place(at).filter(attempt=attempt)
    return (others.exclude(pk=but.pk) if but else others).count()


def lock_to_write(review: Review, at: datetime) -> Review:
    """Lock a review that its grader goes on with, and renew its lease where a place is free.

    Work is never refused for a lease that ran out: without a free place the text is
    kept all the same and the lease stays lapsed. Raises ReviewClosed for a review that
    was handed in, put back or voided.
    """
    Attempt.objects.select_for_update().get(pk=review.attempt_id)  # places are counted under it
    review = Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    if not review.is_open and review.state != Review.State.EXPIRED:
        raise ReviewClosed
    taken = places_taken(review.attempt, at, but=review) if review.is_lapsed(at) else 0
    if taken < REVIEWS_WANTED:
        review.lease_until = max(review.lease_until, at + LEASE)  # a live one's reaches further
        review.state = Review.State.DRAFT
        review.save(update_fields=["lease_until", "state"])
    return review


@transaction.atomic
def release(*, review: Review, by: User, at: datetime) -> Review:
    """Put an attempt back; what was written is kept for when it is taken again."""
    review = Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    if review.is_live:
        raise LiveStays
    if review.state == Review.State.RELEASED:
        return review
    if not review.is_open and review.state != Review.State.EXPIRED:
        raise ReviewClosed
    review.state = Review.State.RELEASED
    review.lease_until = at
    review.save(update_fields=["state", "lease_until"])
    record("released", review, by=by, at=at)
    return review


@transaction.atomic
def expire_lapsed(*, at: datetime) -> int:
    """Mark claims whose lease ran out; returns how many. Places are free without this already."""
    lapsed = Review.objects.lapsed(at).select_for_update(skip_locked=True, of=("self",))
    reviews = list(lapsed.order_by("pk"))
    for review in reviews:
        review.state = Review.State.EXPIRED
        review.save(update_fields=["state"])
        record("expired", review, by=None, at=at)
    return len(reviews)
