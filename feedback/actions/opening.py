"""Open reviews to their candidate: each is rated, or skipped, before its levels are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from feedback.actions.answers import tell_of_follow_ups
from feedback.actions.places import lock_entry
from feedback.models import Reflection, Review, Usefulness
from feedback.queries.opening import is_to_read, opened_reviews, unopened_reviews
from loops.actions.events import record
from loops.background import enqueue
from loops.errors import Refused
from loops.models import Attempt, User


@dataclass(frozen=True)
class Word:
    """What a candidate says of one review: how useful it is, or None where they skip that."""

    mark: int | None
    note: str = ""


class NotRevealed(Refused):
    """Nothing of the reviews may be read yet."""

    code = "not_revealed"
    message = _(
        "Your reviews are not to be read yet, so there is nothing to open. They open together: "
        "this page says when."
    )


class OneMoreCameIn(Refused):
    """A review came in that the candidate has not read."""

    code = "one_more_came_in"
    message = _(
        "One more review came in since you loaded this page. Nothing is opened yet, and what you "
        "chose is still here. Read the new one too, then open them together."
    )


class NothingOpened(Refused):
    """There is no level yet to reflect on."""

    code = "nothing_opened"
    message = _(
        "Your reviews are not open yet, so there is nothing to compare with what you predicted. "
        "Nothing was kept. Open them first."
    )


@transaction.atomic
def open_reviews(
    *, attempt: Attempt, words: Mapping[UUID, Word], by: User, at: datetime
) -> list[Review]:
    """Keep what a candidate says of the reviews that wait, all at once; return those now open.

    It is final: of a review that is open by now what was said first stays, and doing it twice is
    doing it once. A review that has no word in `words`, by its public id, keeps all of them shut.
    """
    lock_entry(attempt, at)
    if not is_to_read(attempt, at):
        raise NotRevealed
    waiting = list(unopened_reviews().filter(attempt=attempt).order_by("submitted_at", "pk"))
    if any(review.public_id not in words for review in waiting):
        raise OneMoreCameIn
    said = [(review, words[review.public_id]) for review in waiting]
    Usefulness.objects.bulk_create(
        Usefulness(review=review, mark=word.mark, note=word.note, at=at) for review, word in said
    )
    if waiting:
        tell_of_follow_ups(attempt=attempt, at=at)
        record("opened", attempt, by=by, at=at, reviews=[review.pk for review in waiting])
        enqueue("feedback.tasks.calibrate", round_kind_id=attempt.rubric_version.round_kind_id)
    return waiting


@transaction.atomic
def reflect(*, attempt: Attempt, text: str, by: User, at: datetime) -> Reflection | None:
    """Keep one line on what was predicted and what was received; an empty one takes it away."""
    lock_entry(attempt, at)
    if not opened_reviews().filter(attempt=attempt).exists():
        raise NothingOpened
    text = text.strip()
    if not text:
        Reflection.objects.filter(attempt=attempt).delete()
        return None
    reflection, _is_new = Reflection.objects.update_or_create(
        attempt=attempt, defaults={"text": text, "at": at}
    )
    return reflection
