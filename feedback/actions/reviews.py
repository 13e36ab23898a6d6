"""Write a review: keep the draft, mark evidence, hand it in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from feedback.actions.debriefs import ask_in
from feedback.actions.gold import note_expert
from feedback.actions.ledger import pass_credit
from feedback.actions.pairs import note_pair
from feedback.actions.places import lock_entry, recount
from feedback.actions.queue import AttemptGone, ReviewClosed, lock_to_write, why_void
from feedback.actions.revealing import tell_of
from feedback.actions.stamps import place_stamps
from feedback.models import DowncodeTick, Evidence, LedgerEntry, Rating, Review
from loops.actions.events import record
from loops.background import enqueue
from loops.errors import Refused
from loops.models import Attempt, User
from loops.states import AttemptState
from rubrics.models import Dimension, Downcode


@dataclass(frozen=True)
class Draft:
    """What the grading form holds. A dimension missing from `ratings` is not rated yet."""

    ratings: Mapping[str, int | None] = field(default_factory=dict)
    downcodes: frozenset[str] = frozenset()
    verdict: str = ""
    confidence: str = ""
    level_given_rank: int | None = None
    summary: str = ""


@dataclass(frozen=True)
class Problem:
    """One thing that keeps a review from being handed in, at the form field it belongs to."""

    field: str
    message: str | Promise


class DraftConflict(Refused):
    """Another window has saved since this one was loaded."""

    code = "draft_conflict"
    message = _(
        "This review was changed in another window since you opened this one. Both are kept: "
        "the other window's text on the server, yours on this page. Choose below where they "
        "differ."
    )


class Incomplete(Refused):
    """The review lacks something it needs to be handed in; the draft was kept."""

    code = "incomplete"
    status = 422
    message = _("Your draft is kept, but it cannot be handed in yet. See the marked places.")

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems


class NothingMarked(Refused):
    """The first instant of a recording shows nothing."""

    code = "nothing_marked"
    status = 422
    message = _(
        "A mark at 0:00 shows nothing, so it was not made. Play to the moment you mean, or type "
        "its time."
    )


class BeyondTheEnd(Refused):
    """Evidence must lie inside the recording."""

    code = "beyond_the_end"
    status = 422
    message = _("That time lies after the end of the recording. Nothing was marked.")


class NotLive(Refused):
    """Only what is seen as it happens has an instant."""

    code = "not_live"
    message = _(
        "A stamp marks the moment in a mock that is being held; this answer is recorded. Nothing "
        "was marked. Give the time in the recording."
    )


def save_draft(*, review: Review, draft: Draft, version: int, by: User, at: datetime) -> Review:
    """Keep what the form holds and renew the lease.

    `version` is the draft version the form was loaded with; raises DraftConflict when
    another window has saved since, and then changes nothing. A draft that says what is
    already kept is no conflict and no new version: so an answer that was lost on its way
    may be asked for again, a heartbeat of one window does not outdate another, and a draft
    that was overtaken by its own handing in is answered in peace.

    A review may be voided under its grader's hands: then what they typed is kept first, and
    AttemptGone or ReviewVoided says so after that, with the version that was kept.
    """
    kept = _keep(review, draft, version, at)
    if kept.state == Review.State.VOID:
        refusal = why_void(kept)
        refusal.draft_version = kept.draft_version
        raise refusal
    return kept


@transaction.atomic
def _keep(review: Review, draft: Draft, version: int, at: datetime) -> Review:
    try:
        review = lock_to_write(review, at, keeps_void=True)
    except ReviewClosed:
        return _answer_of_a_closed(review, draft)
    if draft_of(review) == draft:
        return review
    if version != review.draft_version:
        raise DraftConflict
    _write(review, draft, at)
    return review


@transaction.atomic
def mark_evidence(
    *,
    review: Review,
    by: User,
    at: datetime,
    dimension: Dimension | None = None,
    downcode: Downcode | None = None,
    start_ms: int | None = None,
    end_ms: int | None = None,
    quote: str = "",
    note: str = "",
) -> Evidence:
    """Tie a span of media time, or a quote, to a dimension or a downcode; renews the lease.

    Without `end_ms` the span is the instant `start_ms`. The same mark twice is one mark.
    """
    review = lock_to_write(review, at)
    if start_ms is not None:
        end_ms = start_ms if end_ms is None else end_ms
        if end_ms == 0:
            raise NothingMarked
        duration_ms = (
            review.attempt.recordings.ready().values_list("duration_ms", flat=True).first()
        )
        if duration_ms is not None and max(start_ms, end_ms) > duration_ms + 1000:
            raise BeyondTheEnd
    evidence, is_new = Evidence.objects.get_or_create(
        review=review,
        dimension=dimension,
        downcode=downcode,
        start_ms=start_ms,
        end_ms=end_ms,
        quote=quote,
        note=note,
        defaults={"marked_at": at},
    )
    if is_new:
        review.drafted_at = at
        review.save(update_fields=["drafted_at"])
    return evidence


@transaction.atomic
def stamp(
    *,
    review: Review,
    stamp_id: UUID,
    by: User,
    at: datetime,
    age: timedelta = timedelta(),
    dimension: Dimension | None = None,
    downcode: Downcode | None = None,
    note: str = "",
) -> Evidence:
    """Tie the instant that something was seen at, in a mock, to a dimension or a downcode.

    `age` is how long ago that was: a stamp that had to wait for the network keeps its instant.
    One `stamp_id`, which the form or the script draws, is one stamp, however often it is sent.
    """
    review = lock_to_write(review, at)
    if not review.is_live:
        raise NotLive
    evidence, is_new = Evidence.objects.get_or_create(
        public_id=uuid5(review.public_id, str(stamp_id)),
        defaults={
            "review": review,
            "dimension": dimension,
            "downcode": downcode,
            "stamped_at": at - age,
            "note": note,
            "marked_at": at,
        },
    )
    if is_new:
        review.drafted_at = at
        review.save(update_fields=["drafted_at"])
        place_stamps(review=review)
    return evidence


@transaction.atomic
def remove_evidence(*, evidence: Evidence, by: User, at: datetime) -> None:
    """Take a mark off a review that is still open."""
    lock_to_write(evidence.review, at)
    Evidence.objects.filter(pk=evidence.pk).delete()


def submit(*, review: Review, draft: Draft, version: int, by: User, at: datetime) -> Review:
    """Keep what the form holds, then hand the review in and ring for its calibration.

    Two transactions on purpose: where the review cannot be handed in (Incomplete), the
    draft is kept all the same. Handing in twice is handing in once; handing in something
    else afterwards raises ReviewClosed. The review of a mock does not wait for its candidate
    to hand in the answer; where they never do, it stays a practice note and no evidence.
    """
    save_draft(review=review, draft=draft, version=version, by=by, at=at)
    return _hand_in(review=review, by=by, at=at)


@transaction.atomic
def _hand_in(*, review: Review, by: User, at: datetime) -> Review:
    entry = lock_entry(review.attempt_id, at)
    attempt = Attempt.objects.get(pk=review.attempt_id)
    review = Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    if review.is_submitted:
        return review
    if attempt.state != AttemptState.SUBMITTED and not review.is_live:
        raise AttemptGone
    if review.state in {Review.State.VOID, Review.State.RELEASED}:  # since its draft was kept
        raise why_void(review) if review.state == Review.State.VOID else ReviewClosed()
    problems = problems_of(review)
    if problems:
        raise Incomplete(problems)
    # Its place was granted to another meanwhile: it is taken all the same, as one more.
    review.is_extra = (
        review.state == Review.State.EXPIRED
        and review.purpose == Review.Purpose.PEER
        and entry.granted >= entry.wanted
    )
    review.state = Review.State.SUBMITTED
    review.submitted_at = at
    review.save(update_fields=["state", "is_extra", "submitted_at"])
    record("submitted", review, by=by, at=at)
    place_stamps(review=review)
    pass_credit(review=review, reason=LedgerEntry.Reason.REVIEW, at=at)
    note_pair(review=review, at=at)
    recount(entry)
    tell_of(review=review, at=at)
    ask_in(attempt=attempt, at=at)
    note_expert(review=review, at=at)
    enqueue("feedback.tasks.calibrate", round_kind_id=attempt.rubric_version.round_kind_id)
    return review


def _answer_of_a_closed(review: Review, draft: Draft) -> Review:
    """Return the review if it was handed in saying this very thing, else refuse."""
    review = Review.objects.get(pk=review.pk)
    if not review.is_submitted or draft_of(review) != draft:
        raise ReviewClosed
    return review


def draft_of(review: Review) -> Draft:
    """Return what is kept of a review, as the form that would say the same."""
    return Draft(
        ratings=dict(review.ratings.values_list("dimension__key", "rank")),
        downcodes=frozenset(review.ticks.values_list("downcode__key", flat=True)),
        verdict=review.verdict,
        confidence=review.confidence,
        level_given_rank=review.level_given_rank,
        summary=review.summary,
    )


def problems_of(review: Review) -> list[Problem]:
    """List what keeps a review from being handed in, in the order of its form."""
    version = review.attempt.rubric_version
    target_rank = review.attempt.round.loop.target_rank
    rated = dict(review.ratings.values_list("dimension_id", "rank"))
    marks = list(review.evidence.values_list("dimension_id", "downcode_id"))
    dimensions_marked = {dimension_id for dimension_id, _downcode in marks}
    problems: list[Problem] = []
    for dimension in version.dimensions.order_by("position"):
        name = f"dimension-{dimension.key}"
        if dimension.pk not in rated:
            problems.append(Problem(name, _("Choose a level, or “not observed”.")))
        elif rated[dimension.pk] is not None and dimension.pk not in dimensions_marked:
            problems.append(
                Problem(
                    name,
                    _(
                        "A level needs evidence: mark a time in the recording, or quote the code "
                        "or notes. If nothing showed it, choose “not observed”."
                    ),
                )
            )
    if rated and all(rank is None for rank in rated.values()):
        problems.append(
            Problem("verdict", _("Every dimension is “not observed”: there is nothing to grade."))
        )
    if not review.verdict:
        problems.append(Problem("verdict", _("Give your verdict at the target level.")))
    if not review.confidence:
        problems.append(Problem("confidence", _("Say how sure you are.")))
    if review.level_given_rank is None:
        problems.append(
            Problem("level_given", _("Choose the highest level at which you would say yes."))
        )
    elif review.verdict and (review.verdict in Review.YES) != (
        review.level_given_rank >= target_rank
    ):
        problems.append(
            Problem(
                "level_given",
                _(
                    "This does not fit your verdict: a yes at the target means a level at or above "
                    "it, a no means a level below it."
                ),
            )
        )
    return problems


def _write(review: Review, draft: Draft, at: datetime) -> None:
    version = review.attempt.rubric_version
    ids = dict(version.dimensions.values_list("key", "pk"))
    review.ratings.exclude(dimension__key__in=draft.ratings).delete()
    Rating.objects.bulk_create(
        [
            Rating(review=review, dimension_id=ids[key], rank=rank)
            for key, rank in sorted(draft.ratings.items())
        ],
        update_conflicts=True,
        unique_fields=["review", "dimension"],
        update_fields=["rank"],
    )
    marked = review.evidence.filter(downcode__isnull=False).order_by("-start_ms", "-pk")
    first_seen = dict(marked.values_list("downcode_id", "start_ms"))
    review.ticks.exclude(downcode__key__in=draft.downcodes).delete()
    DowncodeTick.objects.bulk_create(
        [
            DowncodeTick(review=review, downcode=downcode, at_ms=first_seen.get(downcode.pk))
            for downcode in version.downcodes.filter(key__in=draft.downcodes).order_by("pk")
        ],
        update_conflicts=True,
        unique_fields=["review", "downcode"],
        update_fields=["at_ms"],
    )
    review.verdict = draft.verdict
    review.confidence = draft.confidence
    review.level_given_rank = draft.level_given_rank
    review.summary = draft.summary
    review.draft_version += 1
    review.drafted_at = at
    review.save(
        update_fields=[
            "verdict",
            "confidence",
            "level_given_rank",
            "summary",
            "draft_version",
            "drafted_at",
        ]
    )
