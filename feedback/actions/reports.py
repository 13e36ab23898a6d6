"""Report an answer that cannot be graded, take that back, contest it. Nobody pays for any of it."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.actions.places import lock_entry, recount, void_claims
from feedback.actions.queue import LEASE, ReviewClosed
from feedback.models import QueueEntry, Report, Review
from feedback.queries.reports import reports_that_count
from loops.actions.events import record
from loops.actions.notices import tell
from loops.background import enqueue
from loops.errors import Refused
from loops.models import Attempt, Notice, Recording, User


class NotToReport(Refused):
    """Who held the mock heard it, and who was asked by name can put it back."""

    code = "not_to_report"
    message = _(
        "This review is not one from the queue, so the answer cannot be reported from it. Nothing "
        "was changed. Put it back, or write in the summary what is wrong."
    )


class NobodyMisled(Refused):
    """A recorded take has no interviewer."""

    code = "nobody_misled"
    status = 422
    message = _(
        "This answer was recorded alone, so no interviewer could mislead anybody. Nothing was "
        "reported."
    )


class NotNeeded(Refused):
    """The grader's place was given to others, who had no trouble."""

    code = "report_not_needed"
    message = _(
        "Your lease ran out, and others have graded this answer meanwhile, so your report is not "
        "needed. Nothing was reported, and your text is kept."
    )


class Answered(Refused):
    """Its candidate has contested the report, so others grade the answer."""

    code = "report_answered"
    message = _(
        "The candidate has sent this answer back to the queue, so it is with other graders now. "
        "Your report and your text stay as they are."
    )


class NothingToPlay(Refused):
    """The answer was taken back, or its recording erased."""

    code = "nothing_to_play"
    status = 410
    message = _(
        "This answer was taken back, or its recording is gone, so nobody can grade it any more. "
        "Nothing was changed."
    )


class NothingStands(Refused):
    """There is no report to contest."""

    code = "nothing_reported"
    message = _("No report stands against this answer. Nothing was changed.")


@transaction.atomic
def report(*, review: Review, kind: str, by: User, at: datetime, note: str = "") -> Report:
    """Close a review because its answer cannot be graded, and tell the candidate.

    The answer is no evidence while the report stands. What others have in hand of it is voided
    with their text kept, and nobody earns or pays. The same report twice is one.

    For blind calibration the grader alone is answered: it tells nobody and changes nothing else.
    """
    entry = lock_entry(review.attempt_id, at)
    attempt = entry.attempt
    review = Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    found = Report.objects.filter(review=review).first()
    if found and found.stands and (found.kind, found.note) == (kind, note):
        return found
    if review.is_live or review.purpose in {Review.Purpose.APPEAL, Review.Purpose.EXPERT}:
        raise NotToReport
    if not review.is_open and review.state != Review.State.EXPIRED:
        raise ReviewClosed
    if kind == Report.Kind.MISLED and not attempt.is_live:
        raise NobodyMisled
    is_blind = review.purpose == Review.Purpose.GOLD
    if review.state == Review.State.EXPIRED and not entry.is_waiting and not is_blind:
        raise NotNeeded
    review.state = Review.State.VOID
    review.lease_until = at
    review.save(update_fields=["state", "lease_until"])
    made, _is_new = Report.objects.update_or_create(
        review=review,
        defaults={"kind": kind, "note": note, "made_at": at, "taken_back_at": None},
    )
    record("reported", review, by=by, at=at, kind=kind)
    if is_blind:
        return made
    void_claims(entry, at=at, is_paid=False, but=review)
    recount(entry)
    tell(
        attempt.round.loop.member,
        Notice.Kind.REPORTED,
        _subject(made),
        at=at,
        attempt=str(attempt.public_id),
        round=attempt.round.title,
        report=kind,
        note=note,
    )
    _ring(entry)
    return made


@transaction.atomic
def take_back(*, review: Review, by: User, at: datetime) -> Review:
    """Take one's report back: the review opens again with its text; twice is once.

    Refused once the candidate has contested it, or has taken the answer away.
    """
    entry = lock_entry(review.attempt_id, at)
    review = Review.objects.select_for_update(of=("self",)).get(pk=review.pk)
    found = Report.objects.filter(review=review).first()
    if found is None:
        raise NothingStands
    if found.taken_back_at is not None:
        return review
    if found.contested_at is not None:
        raise Answered
    _check_is_there(entry)
    found.taken_back_at = at
    found.save(update_fields=["taken_back_at"])
    review.state = Review.State.DRAFT if review.drafted_at else Review.State.CLAIMED
    review.claimed_at = at
    review.lease_until = at + LEASE
    review.save(update_fields=["state", "claimed_at", "lease_until"])
    record("report_taken_back", review, by=by, at=at)
    if review.purpose == Review.Purpose.GOLD:
        return review
    _let_others_go_on(entry, at)
    recount(entry)
    told = Notice.objects.filter(
        person=entry.candidate, kind=Notice.Kind.REPORTED, subject=_subject(found)
    )
    told.filter(mail_state__in=[Notice.Mail.WAITING, Notice.Mail.DIGEST]).update(
        mail_state=Notice.Mail.SKIPPED
    )
    told.update(withdrawn_at=at)
    _ring(entry)
    return review


@transaction.atomic
def contest(*, attempt: Attempt, by: User, at: datetime, because: str = "") -> Report:
    """Send a reported answer of one's own back into the queue, for others than the reporter.

    Once for each report: who finds it unusable after that may report it again. Twice is once.
    """
    entry = lock_entry(attempt.pk, at)
    made = reports_that_count(attempt)
    found = next((one for one in made if one.stands), None)
    if found is None:
        contested = [one for one in made if one.contested_at is not None]
        if not contested:
            raise NothingStands
        return contested[-1]
    _check_is_there(entry)
    found.contested_at = at
    found.contested_because = because
    found.save(update_fields=["contested_at", "contested_because"])
    record("contested", found, by=by, at=at)
    _let_others_go_on(entry, at)
    recount(entry)
    _ring(entry)
    return found


def _check_is_there(entry: QueueEntry) -> None:
    is_playable = Recording.objects.ready().filter(attempt=entry.attempt_id).exists()
    if not entry.attempt.is_submitted or not is_playable:
        raise NothingToPlay


def _let_others_go_on(entry: QueueEntry, at: datetime) -> None:
    """Let those whose claims a report has voided go on with the answer, with their text.

    They have lapsed, as after 45 minutes of silence, and were not put back: whoever is still
    writing goes on with the next word, in a place if one is free. Nor does it keep somebody out
    that they took back a report of their own before.
    """
    voided = Review.objects.filter(
        Q(report=None) | Q(report__taken_back_at__isnull=False),
        attempt=entry.attempt_id,
        state=Review.State.VOID,
        purpose=Review.Purpose.PEER,
    )
    for review in voided.order_by("pk"):
        review.state = Review.State.EXPIRED
        review.lease_until = min(review.lease_until, at)
        review.save(update_fields=["state", "lease_until"])
        record("expired", review, by=None, at=at)


def _subject(made: Report) -> str:
    """Name one making of a report: after it was taken back it may be made again."""
    return f"report:{made.pk}:{made.made_at:%Y%m%dT%H%M%S%f}"


def _ring(entry: QueueEntry) -> None:
    """Compute anew where reviews that are in count no more, or count again."""
    if entry.handed_in:
        enqueue("feedback.tasks.calibrate", round_kind_id=entry.round_kind_id)
