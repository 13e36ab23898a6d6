"""Keep the queue's entries true: what an attempt wants, has, and whether it can be graded at all.

An entry's row lock is the lock of all that happens to its attempt's reviews: take it first, by
`lock_entry`. Everything on the row is derived, so `recount` may be called at any time and twice.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Subquery, Value, When
from django.db.models.functions import Greatest

from feedback.actions.ledger import pass_credits
from feedback.actions.pairs import note_pair
from feedback.disagreement import Opinion, is_split
from feedback.models import GoldItem, GradingRules, LedgerEntry, QueueEntry, Rating, Review
from feedback.queries.reports import report_for_results
from loops.actions.events import record
from loops.actions.notices import tell
from loops.models import Attempt, Cohort, Notice, Recording
from loops.queries.counting import RowCount
from loops.states import AttemptState, RecordingState

THIRD = 3
"""So many reviews are wanted at least where two are split."""
SETTLED_AT_ONCE = 500
AWAY = (RecordingState.DISCARDED, RecordingState.ERASED)


def lock_entry(attempt: Attempt | int, at: datetime) -> QueueEntry:
    """Return the attempt's entry with its row locked; there is one from the first time on."""
    attempt_id = attempt if isinstance(attempt, int) else attempt.pk
    locked = QueueEntry.objects.select_for_update(of=("self",)).select_related(
        "attempt__round__loop"
    )
    entry = locked.filter(attempt=attempt_id).first()
    if entry is None:
        found = Attempt.objects.select_related("round__loop").get(pk=attempt_id)
        QueueEntry.objects.get_or_create(
            attempt=found,
            defaults={
                "cohort_id": found.round.loop.cohort_id,
                "candidate_id": found.round.loop.member_id,
                "round_kind_id": found.round.round_kind_id,
                "has_priority": found.has_priority,
                "since": found.submitted_at or at,
            },
        )
        entry = locked.get(attempt=attempt_id)
    return entry


def recount(entry: QueueEntry) -> QueueEntry:
    """Write a locked entry anew from its attempt and its reviews."""
    return _recounted(entry, _facts_of(entry.attempt_id))


def _recounted(entry: QueueEntry, attempt: Any) -> QueueEntry:
    report = report_for_results(attempt)
    is_handed_in = attempt.is_submitted and not attempt.is_follow_up
    quota = attempt.quota or GradingRules.REVIEWS_LEAST
    entry.has_priority = attempt.has_priority
    entry.since = attempt.submitted_at or entry.since
    entry.exclusion = report.kind if report else QueueEntry.Exclusion.NONE
    entry.is_open = is_handed_in and attempt.is_playable and report is None
    entry.granted = attempt.granted
    opinions = _opinions(attempt)
    entry.handed_in = len(opinions)
    entry.is_split = is_split(opinions)
    extras = attempt.extras if entry.is_split else 0
    entry.wanted = max(quota, entry.granted, THIRD - extras if entry.is_split else 0)
    entry.save()
    return entry


def _facts_of(attempt_id: int) -> Any:
    """Return the attempt as it is now, with what its recordings, reviews and rules come to."""
    recordings = Recording.objects.filter(attempt=OuterRef("pk"))
    reviews = Review.objects.filter(attempt=OuterRef("pk"))
    rules = GradingRules.objects.filter(cohort=OuterRef("round__loop__cohort"))
    return Attempt.objects.annotate(
        is_playable=Exists(recordings.ready()),
        is_kept=Exists(recordings.exclude(state__in=AWAY)),
        granted=RowCount(reviews.granted()),
        extras=RowCount(reviews.extras()),
        quota=Subquery(rules.values("reviews_wanted")[:1]),
    ).get(pk=attempt_id)


@transaction.atomic
def settle(*, attempt: Attempt, at: datetime) -> QueueEntry:
    """Bring the entry up to date with its attempt, and void the claims of one that is gone.

    Gone are an answer that was taken back and one whose recording was erased: nobody can grade
    them any more, and it is no calibration item. A recording that is made ready anew comes back,
    so its claims stay.
    """
    entry = lock_entry(attempt, at)
    found = _facts_of(entry.attempt_id)
    if _is_gone(found):
        void_claims(entry, at=at, is_paid=True)
        _retire_item(entry, at)
        found = _facts_of(entry.attempt_id)
    return _recounted(entry, found)


def _retire_item(entry: QueueEntry, at: datetime) -> None:
    items = GoldItem.objects.select_for_update().exclude(state=GoldItem.State.RETIRED)
    item = items.filter(attempt=entry.attempt_id).first()
    if item is not None:
        item.state = GoldItem.State.RETIRED
        item.retired_at = at
        item.save(update_fields=["state", "retired_at"])
        record("retired", item, by=None, at=at)


def void_claims(
    entry: QueueEntry, *, at: datetime, is_paid: bool, but: Review | None = None
) -> None:
    """Void what graders have in hand of a locked entry's attempt, and tell them.

    Their text is kept. Where `is_paid` whose lease still runs is credited as if they had handed in:
    an answer was taken from under their hands. A draft that lapsed before costs nobody anything;
    nor does a cohort's rule, which waits for leases. The interviewer's review of a mock stays, as a
    practice note.
    """
    why = "reported"
    if is_paid:
        why = "erased" if entry.attempt.is_submitted else "taken_back"
    open_ = Review.objects.filter(
        attempt=entry.attempt_id,
        state__in=[*Review.OPEN_STATES, Review.State.EXPIRED],
        is_live=False,
    ).select_related("grader", "attempt__round__loop__cohort", "attempt__round__loop__member")
    paid = []
    for review in (open_.exclude(pk=but.pk) if but else open_).order_by("pk"):
        is_begun = review.is_open or review.drafted_at is not None
        earns = is_paid and not review.is_lapsed(at)
        review.state = Review.State.VOID
        review.save(update_fields=["state"])
        record("voided", review, by=None, at=at)
        if not is_begun:
            continue
        tell(
            review.grader,
            Notice.Kind.CLAIM_VOIDED,
            f"review:{review.pk}",
            at=at,
            review=str(review.public_id),
            round=review.attempt.round.title,
            is_paid=earns,
            why=why,
        )
        if earns:
            paid.append(review)
    pass_credits(paid, reason=LedgerEntry.Reason.VOIDED, at=at)


def settle_missing(*, at: datetime) -> int:
    """Settle answers without an entry, which are from before there were any; returns how many.

    What was graded then is paid and remembered, as it would be today.
    """
    handed_in = Attempt.objects.answers().submitted()
    without = handed_in.filter(~Exists(QueueEntry.objects.filter(attempt=OuterRef("pk"))))
    attempts = list(without.order_by("submitted_at", "pk")[:SETTLED_AT_ONCE])
    for attempt in attempts:
        _settle_old(attempt, at)
    return len(attempts)


@transaction.atomic
def _settle_old(attempt: Attempt, at: datetime) -> None:
    settle(attempt=attempt, at=at)
    given = attempt.reviews.submitted().filter(ledger_entry=None).order_by("submitted_at", "pk")
    reviews = list(given.select_related("attempt__round__loop__cohort", "grader"))
    pass_credits(reviews, reason=LedgerEntry.Reason.REVIEW, at=at)
    for review in reviews:
        note_pair(review=review, at=review.submitted_at or at)


@transaction.atomic
def settle_cohort(*, cohort: Cohort, at: datetime) -> int:
    """Count again what a cohort's answers want, since its rules have changed; returns how many.

    Complete is not for good: with a higher number answers come back to the queue, with a lower one
    no claim is taken away. One statement, which says what `recount` says of one row. The rows are
    locked in the order in which anybody locks several.
    """
    entries = QueueEntry.objects.filter(cohort=cohort)
    locked = entries.order_by("attempt_id").select_for_update(of=("self",), no_key=True)
    list(locked.values_list("pk"))
    extra = Review.objects.extras().filter(attempt=OuterRef("attempt"))
    wanted = Greatest(
        Value(_quota(cohort.pk)),
        F("granted"),
        Case(
            When(is_split=True, then=Value(THIRD) - RowCount(extra)),
            default=0,
            output_field=IntegerField(),
        ),
    )
    return entries.exclude(wanted=wanted).update(wanted=wanted)


def _quota(cohort_id: int) -> int:
    quota = GradingRules.objects.filter(cohort=cohort_id).values_list("reviews_wanted", flat=True)
    return quota.first() or GradingRules.REVIEWS_LEAST


def is_gone(attempt_id: int) -> bool:
    """Say whether nobody can grade the attempt any more: taken back, or its recording erased."""
    return _is_gone(_facts_of(attempt_id))


def _is_gone(attempt: Any) -> bool:
    if attempt.state == AttemptState.WITHDRAWN:
        return True
    return attempt.is_submitted and not attempt.is_kept


def _opinions(attempt: Attempt) -> list[Opinion]:
    """Return what the peers' reviews that are in say of the key dimensions and the bar."""
    reviews = Review.objects.in_results().filter(attempt=attempt, purpose=Review.Purpose.PEER)
    verdicts = dict(reviews.order_by().values_list("pk", "verdict"))
    ranks: dict[int, dict[str, int | None]] = defaultdict(dict)
    if len(verdicts) > 1:
        rows = Rating.objects.filter(review__in=verdicts, dimension__is_key=True)
        for review_id, key, rank in rows.values_list("review_id", "dimension__key", "rank"):
            ranks[review_id][key] = rank
    return [Opinion(ranks[pk], verdict in Review.YES) for pk, verdict in sorted(verdicts.items())]
