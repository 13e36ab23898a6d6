"""Train on vignettes: open the next one, hand in its ratings once, and unlock a round kind."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from feedback.models import Sitting, Unlock
from feedback.training import Sat, Score, next_item, score, standing
from loops.actions.events import record
from loops.actions.notices import tell
from loops.errors import Refused
from loops.models import Notice, User
from rubrics.models import Dimension, Reference, RoundKind, Vignette


class NothingToRead(Refused):
    """The round kind has no vignettes."""

    code = "no_vignettes"
    message = _("There are no vignettes for this round yet. Nothing was opened.")


class RepeatNotOpen(Refused):
    """All vignettes were read, and the repeat does not open yet."""

    code = "repeat_not_open"

    def __init__(self, opens_at: datetime) -> None:
        words = _("You have read them all. The repeat opens on %(date)s; what you reached is kept.")
        on = date_format(timezone.localtime(opens_at), "j F Y")
        super().__init__(words % {"date": on})
        self.opens_at = opens_at


class RatingsMissing(Refused):
    """Some dimensions have no rating, so that nothing was handed in."""

    code = "ratings_missing"
    status = 422
    message = _(
        "Not handed in yet: every dimension needs a level, or “not observed”. What you chose is "
        "still here."
    )

    def __init__(self, dimensions: list[str]) -> None:
        super().__init__()
        self.dimensions = dimensions


@transaction.atomic
def open_next(*, kind: RoundKind, by: User, at: datetime) -> Sitting:
    """Open the next vignette of a round kind; one that is open already is returned."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)  # two presses, one sitting
    sittings = list(
        Sitting.objects.filter(member=by, vignette__round_kind=kind)
        .select_related("vignette")
        .order_by("opened_at", "pk")
    )
    for sitting in sittings:
        if sitting.submitted_at is None:
            return sitting
    vignettes = {one.key: one for one in Vignette.objects.in_force().filter(round_kind=kind)}
    coming = next_item(list(vignettes), _sat(sittings))
    if coming is None:
        raise NothingToRead
    if not coming.is_open(at) and coming.opens_at:
        raise RepeatNotOpen(coming.opens_at)
    sitting = Sitting.objects.create(
        member=by, vignette=vignettes[coming.item], number=coming.number, opened_at=at
    )
    record("vignette_opened", sitting, by=by, at=at, number=sitting.number)
    return sitting


@transaction.atomic
def submit(
    *, sitting: Sitting, ratings: Mapping[str, int | None], by: User, at: datetime
) -> Sitting:
    """Hand in the ratings of a vignette, by dimension; null is *not observed*.

    That is done once: what comes later changes nothing. A round kind whose rule is met by it is
    unlocked, for good.
    """
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    sitting = Sitting.objects.select_related("vignette__round_kind").get(pk=sitting.pk, member=by)
    if sitting.submitted_at is not None:
        return sitting
    vignette = sitting.vignette
    dimensions = Dimension.objects.filter(version=vignette.version_id).order_by("position")
    keys = list(dimensions.values_list("key", flat=True))
    missing = [key for key in keys if key not in ratings]
    if missing:
        raise RatingsMissing(missing)
    sitting.ratings = {key: ratings[key] for key in keys}
    reached = score(sitting.ratings, references_of(vignette))
    sitting.exact, sitting.rated, sitting.farthest = reached.exact, reached.rated, reached.farthest
    sitting.submitted_at = at
    sitting.save(update_fields=["ratings", "exact", "rated", "farthest", "submitted_at"])
    record("vignette_rated", sitting, by=by, at=at, number=sitting.number)
    _unlock(vignette.round_kind, by, at)
    return sitting


def references_of(vignette: Vignette) -> dict[str, int | None]:
    """Return the reference levels of a vignette by dimension; never for who still rates it."""
    rows = Reference.objects.filter(vignette=vignette).order_by("dimension__position")
    return dict(rows.values_list("dimension__key", "rank"))


def _unlock(kind: RoundKind, by: User, at: datetime) -> None:
    handed_in = list(
        Sitting.objects.filter(
            member=by, vignette__round_kind=kind, submitted_at__isnull=False
        ).order_by("submitted_at", "pk")
    )
    reached = standing([Score(one.exact, one.rated, one.farthest) for one in handed_in])
    if not reached.is_unlocked:
        return
    facts: dict[str, Any] = {
        "at": at,
        "is_by_repeat": any(one.is_repeat for one in handed_in[-reached.items :]),
    }
    unlock, is_new = Unlock.objects.get_or_create(member=by, round_kind=kind, defaults=facts)
    if is_new:
        record("round_unlocked", unlock, by=by, at=at, is_by_repeat=unlock.is_by_repeat)
        tell(
            by,
            Notice.Kind.UNLOCKED,
            f"unlock:{unlock.pk}",
            at=at,
            round_kind=kind.key,
            round=kind.title,
        )


def _sat(sittings: list[Sitting]) -> list[Sat]:
    return [
        Sat(one.vignette.key, one.number, one.submitted_at)
        for one in sittings
        if one.submitted_at is not None
    ]
