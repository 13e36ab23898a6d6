"""Declare that one cannot fairly grade somebody, and take that back. The other never learns."""

from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from feedback.actions.queue import ReviewClosed, release
from feedback.models import Conflict, Review
from loops.actions.events import record
from loops.errors import Refused
from loops.models import User


class WithOneself(Refused):
    """Nobody grades themselves anyway."""

    code = "with_oneself"
    status = 422
    message = _("You are never offered your own answers, so there is nothing to declare.")


@transaction.atomic
def declare(*, other: User, by: User, at: datetime) -> Conflict:
    """Keep two people from grading each other; twice is once.

    What the one who declares has in hand of the other's is put back with its text. What the other
    has in hand stays: taking it away would tell them.
    """
    if other.pk == by.pk:
        raise WithOneself
    User.objects.select_for_update(no_key=True).get(pk=by.pk)  # as a claim does
    conflict, is_new = Conflict.objects.get_or_create(
        declared_by=by, other=other, defaults={"declared_at": at}
    )
    if is_new:
        record("declared", conflict, by=by, at=at)
    begun = Review.objects.filter(
        grader=by,
        attempt__round__loop__member=other,
        state__in=[*Review.OPEN_STATES, Review.State.EXPIRED],
        is_live=False,
    )
    for review in begun.order_by("attempt_id"):
        with suppress(ReviewClosed):  # handed in this very moment, it stays
            release(review=review, by=by, at=at)
    return conflict


@transaction.atomic
def remove(*, conflict: Conflict, by: User, at: datetime) -> bool:
    """Take a declaration of one's own back; says whether it was there."""
    found = Conflict.objects.select_for_update().filter(pk=conflict.pk, declared_by=by).first()
    if found is None:
        return False
    record("taken_back", found, by=by, at=at)
    found.delete()
    return True
