"""Move claims: claim the next attempt, renew a lease, put it back, let lapsed ones go."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import transaction
from django.db.models import BigIntegerField, Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from feedback.actions.gold import gold_instead
from feedback.actions.places import is_gone, lock_entry, recount
from feedback.eligibility import ESCALATED_AFTER
from feedback.models import QueueEntry, Review
from feedback.queries.gold import begun_blindly
from feedback.queries.grading import has_free_place
from feedback.queries.queue import held_review, offered
from loops.actions.events import record
from loops.actions.practice import expose
from loops.errors import Refused
from loops.models import Attempt, Membership, PromptExposure, User

LEASE = timedelta(minutes=45)
EXPIRED_AT_ONCE = 200
FROM_THE_QUEUE = (Review.Purpose.PEER, Review.Purpose.GOLD)


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


class ReviewVoided(ReviewClosed):
    """Another grader has reported the answer; what is typed on is kept."""

    draft_version: int | None = None
    message = _(
        "This review is closed: another grader has reported that the answer cannot be graded. "
        "What you typed is kept, and it costs you nothing."
    )


class AttemptGone(Refused):
    """The candidate has taken the answer back; what is typed on into a draft is kept."""

    code = "attempt_gone"
    status = 410
    draft_version: int | None = None
    message = _(
        "The candidate has withdrawn this answer. Your text is kept, but there is nothing left to "
        "grade."
    )


class RecordingGone(AttemptGone):
    """Its recording was erased, by its candidate or by a cohort's rule."""

    message = _(
        "The recording of this answer was erased. Your text is kept, but there is nothing left to "
        "grade."
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

    Leases in the grader's cohorts that have run out are let go first, so that their places are
    free whether or not a worker runs.
    """
    expire_lapsed(at=at, of=by)
    return _claim(by, at, kind)


@transaction.atomic
def _claim(by: User, at: datetime, kind: str) -> Review:
    User.objects.select_for_update(no_key=True).get(pk=by.pk)  # two tabs, one claim
    held = held_review(by, at)
    if held:
        return held
    grant = _grant_next(by, at, kind, is_patient=False) or _grant_next(
        by, at, kind, is_patient=True
    )
    if grant is None:
        raise NothingToGrade
    review = _open(grant, by, at)
    expose(user=by, prompt=review.attempt.prompt, role=PromptExposure.Role.GRADER, at=at)
    record("claimed", review, by=by, at=at)
    return review


@dataclass(frozen=True)
class _Grant:
    """A place that was taken for a grader, of the attempt `place_of`.

    `own` is the review that they put back or let lapse earlier, of it or of what they had blindly
    in its stead; without one `gold` is the blind calibration item that they get in its stead.
    """

    place_of: int
    gold: int | None
    own: Review | None
    is_untrained: bool


def _open(grant: _Grant, by: User, at: datetime) -> Review:
    review = grant.own
    attempts = Attempt.objects.select_related("prompt__version")
    attempt = attempts.get(pk=review.attempt_id if review else grant.gold or grant.place_of)
    if review is None:
        return Review.objects.create(
            attempt=attempt,
            grader=by,
            purpose=Review.Purpose.GOLD if grant.gold else Review.Purpose.PEER,
            stands_for_id=grant.place_of if grant.gold else None,
            claimed_at=at,
            lease_until=at + LEASE,
            is_untrained=grant.is_untrained,
        )
    review.attempt = attempt
    review.state = Review.State.DRAFT if review.drafted_at else Review.State.CLAIMED
    review.claimed_at = at
    review.lease_until = at + LEASE
    review.is_extra = False
    review.is_untrained = grant.is_untrained
    review.save(update_fields=["state", "claimed_at", "lease_until", "is_extra", "is_untrained"])
    return review


def _grant_next(by: User, at: datetime, kind: str, *, is_patient: bool) -> _Grant | None:
    """Take one place of the first entry that has one, in the grader's order.

    Skipping what others hold locked keeps many graders apart, and is one query however many they
    are. The second look, which waits, keeps "nothing is waiting" true; it holds one lock at a
    time: two graders who wait for each other's rows would else never end.

    With the place comes the blind calibration item that the grader gets in its stead, if it is to
    be one: then the place stays free. Both ways take the same steps. What they have begun is never
    exchanged, whichever it is: they know that it is theirs.
    """
    ordered = offered(by, at, kind=kind)
    left = {item.entry: item for item in ordered.items}
    while left:
        tried = [next(iter(left))] if is_patient else list(left)
        with transaction.atomic():
            entry = _lock_first_free(tried, skip_locked=not is_patient)
            own, may_take = _lock_own(entry, by, at) if entry else (None, False)
            if entry and may_take:
                item = left[entry.pk]
                gold = gold_instead(by=by, item=item, at=at)
                gold = None if own else gold
                is_blind = bool(gold or (own and own.attempt_id != item.attempt))
                entry.granted += 0 if is_blind else 1
                entry.save(update_fields=["granted"])
                return _Grant(item.attempt, gold, own, item.attempt in ordered.untrained)
            transaction.set_rollback(True)  # lets go of a row that was locked in vain
        for pk in [entry.pk] if entry else tried:
            del left[pk]
    return None


def _lock_first_free(ids: list[int], *, skip_locked: bool) -> QueueEntry | None:
    """Lock the first of these entries, in their order, that has a place free."""
    place: Func = Func(
        Value(ids, ArrayField(BigIntegerField())), F("pk"), function="array_position"
    )
    rows = QueueEntry.objects.waiting().filter(pk__in=ids).order_by(place)
    return rows.select_for_update(skip_locked=skip_locked).first()


def _lock_own(entry: QueueEntry, by: User, at: datetime) -> tuple[Review | None, bool]:
    """Lock what the grader has had of the entry's answer, or blindly in its stead.

    Returns the review that they may go on with, if there is one, and whether the place is one for
    them at all: another window may have handed it in.
    """
    in_its_stead = Q(stands_for=entry.attempt_id, purpose=Review.Purpose.GOLD)
    is_begun = begun_blindly(by, at).filter(pk=OuterRef("pk"))
    rows: QuerySet[Any] = (
        Review.objects.select_for_update(of=("self",))
        .filter(Q(attempt=entry.attempt_id) | in_its_stead, grader=by)
        .annotate(is_begun=Exists(is_begun))
        .order_by("pk")
    )
    had = list(rows)
    for row in had:
        if row.attempt_id == entry.attempt_id:
            return row, _may_go_on(row, at)
    begun = [row for row in had if row.is_begun and _is_let_go(row, at)]
    if begun:
        return begun[-1], True
    is_asked_of_all = at - entry.since >= ESCALATED_AFTER
    is_in_hand = any(row.is_open and not row.is_lapsed(at) for row in had)
    return None, not had or (is_asked_of_all and not is_in_hand)


def _may_go_on(own: Review, at: datetime) -> bool:
    """Say whether a review is still one to take again: another window may have handed it in."""
    is_from_queue = own.purpose == Review.Purpose.PEER and not own.is_live
    return is_from_queue and _is_let_go(own, at)


def _is_let_go(own: Review, at: datetime) -> bool:
    return own.state == Review.State.RELEASED or own.is_lapsed(at)


def lock_to_write(review: Review, at: datetime, *, keeps_void: bool = False) -> Review:
    """Lock a review that its grader goes on with, and renew its lease where a place is free.

    Work is never refused for a lease that ran out: without a free place the text is
    kept all the same and the lease stays lapsed. Raises ReviewClosed for a review that
    was handed in, put back or voided, and AttemptGone where the answer was taken back. With
    `keeps_void` a voided one is returned as it is: what is typed into it is still kept.
    """
    entry = lock_entry(review.attempt_id, at)
    review = Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    if review.state == Review.State.VOID and keeps_void:
        return review
    if review.state == Review.State.VOID:
        raise why_void(review)
    if not review.is_open and review.state != Review.State.EXPIRED:
        raise ReviewClosed
    is_placed = review.is_open or review.purpose not in FROM_THE_QUEUE
    if is_placed or _has_free_place(review, entry):
        review.lease_until = max(review.lease_until, at + LEASE)  # a live one's reaches further
        review.state = Review.State.DRAFT
        review.save(update_fields=["lease_until", "state"])
        if not is_placed:
            recount(entry)
    return review


def _has_free_place(review: Review, entry: QueueEntry) -> bool:
    """Say whether who let a review lapse gets the place back; a blind one follows another's."""
    if review.purpose == Review.Purpose.GOLD:
        return has_free_place(review)
    return entry.granted < entry.wanted


def why_void(review: Review) -> "AttemptGone | ReviewVoided":
    """Return the words for who writes on in a review that was voided."""
    if not is_gone(review.attempt_id):
        return ReviewVoided()
    is_there = Attempt.objects.submitted().filter(pk=review.attempt_id).exists()
    return RecordingGone() if is_there else AttemptGone()


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


def expire_lapsed(*, at: datetime, of: User | None = None) -> int:
    """Let claims go whose lease ran out, so that their places are free; returns how many.

    Each in its own transaction. `of` limits it to the cohorts of one member.
    """
    lapsed = Review.objects.lapsed(at).order_by("lease_until", "pk")
    if of is not None:
        cohorts = Membership.objects.filter(user=of).values("cohort")
        lapsed = lapsed.filter(attempt__queue_entry__cohort__in=cohorts)
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
