"""Keep what a grader presses as the talk goes on: phases begun, depth rungs, answered whys."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from feedback.actions.queue import lock_to_write
from feedback.actions.reviews import BeyondTheEnd, NotLive
from feedback.actions.stamps import place_stamps
from feedback.models import Moment, Review
from feedback.phases import Pressed, key_after, line_of
from loops.errors import Refused
from loops.models import User
from loops.queries.practice import guide_of

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Press:
    """What was pressed. Without a key it is the next phase, or a why of the same line."""

    kind: str
    key: int | None = None
    is_new_line: bool = False


class NothingAhead(Refused):
    """The last phase of the guide has begun."""

    code = "nothing_ahead"
    status = 422
    message = _(
        "The guide’s last phase has begun by then, so nothing was marked. Press a phase by its "
        "name where the talk goes back to it."
    )


class NotInRubric(Refused):
    """The rubric of this answer does not count it."""

    code = "not_in_rubric"
    status = 422
    message = _("The rubric of this answer does not have that, so nothing was marked.")


@transaction.atomic
def mark_moment(*, review: Review, press: Press, at_ms: int, by: User, at: datetime) -> Moment:
    """Keep that something began at a media time; renews the lease.

    The same twice is one. Another phase, or another rung, at the very same time takes the place
    of the first: only one of them can begin there.
    """
    review = lock_to_write(review, at)
    _refuse_beyond_the_end(review, at_ms)
    moments = list(review.moments.filter(at_ms__isnull=False).order_by("at_ms", "pk"))
    key = _key(review, press, at_ms, [_pressed(one, one.at_ms or 0) for one in moments])
    here = next((one for one in moments if one.kind == press.kind and one.at_ms == at_ms), None)
    if here is None:
        here = Moment.objects.create(
            review=review, kind=press.kind, key=key, at_ms=at_ms, marked_at=at
        )
        _note_work(review, at)
    elif here.key != key and press.kind != Moment.Kind.WHY:
        here.key = key
        here.save(update_fields=["key"])
    return here


@transaction.atomic
def stamp_moment(
    *,
    review: Review,
    stamp_id: UUID,
    press: Press,
    by: User,
    at: datetime,
    age: timedelta = timedelta(),
) -> Moment:
    """Keep that something began at an instant of a mock; it gets its media time with the recording.

    `age` is how long ago that was. One `stamp_id` is one stamp, however often it is sent.
    """
    review = lock_to_write(review, at)
    if not review.is_live:
        raise NotLive
    public_id = uuid5(review.public_id, str(stamp_id))
    kept = review.moments.filter(public_id=public_id).first()
    if kept is not None:
        return kept
    instant = at - age
    began = review.attempt.started_at
    before = [
        _pressed(one, (one.stamped_at - began) // MILLISECOND)
        for one in review.moments.filter(stamped_at__isnull=False).order_by("stamped_at", "pk")
        if one.stamped_at
    ]
    key = _key(review, press, (instant - began) // MILLISECOND, before)
    stamped = Moment.objects.create(
        public_id=public_id,
        review=review,
        kind=press.kind,
        key=key,
        stamped_at=instant,
        marked_at=at,
    )
    _note_work(review, at)
    place_stamps(review=review)
    return stamped


@transaction.atomic
def remove_moment(*, moment: Moment, by: User, at: datetime) -> None:
    """Take a moment off a review that is still open."""
    lock_to_write(moment.review, at)
    Moment.objects.filter(pk=moment.pk).delete()


@transaction.atomic
def keep_alive(*, review: Review, by: User, at: datetime) -> Review:
    """Renew the lease of a review that its grader plays or types at; nothing is written.

    Without a free place the lease stays lapsed. Raises ReviewClosed for one that is closed.
    """
    return lock_to_write(review, at)


def _key(review: Review, press: Press, at_ms: int, before: Iterable[Pressed]) -> int:
    version = review.attempt.rubric_version
    before = list(before)
    if press.kind == Moment.Kind.PHASE:
        phases = len(guide_of(review.attempt.round, version.phases.order_by("position")))
        key = key_after(before, at_ms) if press.key is None else press.key
        if key > phases:
            raise NotInRubric if press.key or not phases else NothingAhead
        return key
    if press.kind == Moment.Kind.RUNG and version.has_rungs and press.key:
        return press.key
    if press.kind == Moment.Kind.WHY and version.has_why_chain:
        return press.key or line_of(before, at_ms, is_new=press.is_new_line)
    raise NotInRubric


def _pressed(moment: Moment, at_ms: int) -> Pressed:
    return Pressed(moment.kind, moment.key, at_ms)


def _refuse_beyond_the_end(review: Review, at_ms: int) -> None:
    lengths = review.attempt.recordings.ready().values_list("duration_ms", flat=True)
    duration_ms = lengths.first()
    if duration_ms is not None and at_ms > duration_ms + 1000:
        raise BeyondTheEnd


def _note_work(review: Review, at: datetime) -> None:
    review.drafted_at = at
    review.save(update_fields=["drafted_at"])
