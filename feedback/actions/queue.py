"""Move claims: claim the next attempt, renew a lease, put it back, let lapsed ones go."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from feedback.actions.places import lock_entry, recount
from feedback.eligibility import Waiting
from feedback.models import QueueEntry, Review, Unlock
from feedback.queries.queue import held_review, offered
from loops.actions.events import record
from loops.actions.practice import expose
from loops.errors import Refused
from loops.models import Attempt, PromptExposure, User

LEASE = timedelta(minutes=45)
EXPIRED_AT_ONCE = 200


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


def claim(*, by: User, at: datetime, kind: str = "") -> Review:
    """Give the grader the next attempt of the queue's order, under a lease of 45 minutes.

    Who holds a running lease gets that review back: one at a time, not counting those of
    their mocks. A review that the grader put back or let lapse earlier is opened again with
    all its text. `kind` limits the choice to one round kind by its key.

    Leases that have run out are let go first, so that their places are free whether or not a
    worker runs.
    """
    expire_lapsed(at=at)
    return _claim(by, at, kind)


@transaction.atomic
def _claim(by: User, at: datetime, kind: str) -> Review:
    User.objects.select_for_update(no_key=True).get(pk=by.pk)  # two tabs, one claim
    held = held_review(by, at)
    if held:
        return held
    item = _grant_next(by, at, kind, is_patient=False) or _grant_next(by, at, kind, is_patient=True)
    if item is None:
        raise NothingToGrade
    attempt = Attempt.objects.select_related("prompt__version").get(pk=item.attempt)
    review, is_new = Review.objects.get_or_create(
        attempt=attempt,
        grader=by,
        defaults={
            "claimed_at": at,
            "lease_until": at + LEASE,
            "is_untrained": not _is_trained(by, item),
        },
    )
    if not is_new:
        review.state = Review.State.DRAFT if review.drafted_at else Review.State.CLAIMED
        review.claimed_at = at
        review.lease_until = at + LEASE
        review.is_extra = False
        review.save(update_fields=["state", "claimed_at", "lease_until", "is_extra"])
    expose(user=by, prompt=attempt.prompt, role=PromptExposure.Role.GRADER, at=at)
    record("claimed", review, by=by, at=at)
    return review


def _grant_next(by: User, at: datetime, kind: str, *, is_patient: bool) -> Waiting | None:
    """Take one place of the first entry that has one, in the grader's order.

    Skipping what others hold locked keeps many graders apart; the second look, which
    waits, keeps "nothing is waiting" true. It holds one lock at a time: two graders who wait for
    each other's rows would else never end.
    """
    for item in offered(by, at, kind=kind).items:
        with transaction.atomic():
            rows = QueueEntry.objects.waiting().select_for_update(skip_locked=not is_patient)
            entry = rows.filter(pk=item.entry).first()
            if entry is not None:
                entry.granted += 1
                entry.save(update_fields=["granted"])
                return item
            if is_patient:
                transaction.set_rollback(True)  # lets go of a row that was locked in vain
    return None


def _is_trained(by: User, item: Waiting) -> bool:
    return Unlock.objects.filter(member=by, round_kind=item.round_kind).exists()


def lock_to_write(review: Review, at: datetime) -> Review:
    """Lock a review that its grader goes on with, and renew its lease where a place is free.

    Work is never refused for a lease that ran out: without a free place the text is
    kept all the same and the lease stays lapsed. Raises ReviewClosed for a review that
    was handed in, put back or voided.
    """
    entry = lock_entry(review.attempt_id, at)
    review = Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    if not review.is_open and review.state != Review.State.EXPIRED:
        raise ReviewClosed
    is_placed = review.is_open or review.purpose != Review.Purpose.PEER
    if is_placed or entry.is_waiting:
        review.lease_until = max(review.lease_until, at + LEASE)  # a live one's reaches further
        review.state = Review.State.DRAFT
        review.save(update_fields=["lease_until", "state"])
        if not is_placed:
            recount(entry)
    return review


@transaction.atomic
def release(*, review: Review, by: User, at: datetime) -> Review:
    """Put an attempt back; what was written is kept for when it is taken again."""
    entry = lock_entry(review.attempt_id, at)
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
    recount(entry)
    record("released", review, by=by, at=at)
    return review


def expire_lapsed(*, at: datetime) -> int:
    """Let claims go whose lease ran out, so that their places are free; returns how many."""
    lapsed = Review.objects.lapsed(at).order_by("lease_until", "pk")
    ids = list(lapsed.values_list("pk", "attempt_id")[:EXPIRED_AT_ONCE])
    return sum(_expire(review_id, attempt_id, at) for review_id, attempt_id in ids)


@transaction.atomic
def _expire(review_id: int, attempt_id: int, at: datetime) -> bool:
    entry = lock_entry(attempt_id, at)
    review = Review.objects.lapsed(at).select_for_update(of=("self",)).filter(pk=review_id).first()
    if review is None:  # its grader went on, or another has let it go
        return False
    review.state = Review.State.EXPIRED
    review.save(update_fields=["state"])
    recount(entry)
    record("expired", review, by=None, at=at)
    return True
