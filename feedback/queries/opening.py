"""What a candidate has opened: a review's levels, once they said how useful it is or skipped it.

Beyond the reveal, and by the candidate's own hand. Before it a revealed review shows its words.
"""

from datetime import datetime

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from feedback.models import Review
from feedback.queries.reveal import revealed_at, revealed_attempts
from loops.models import Attempt


def opened_reviews() -> QuerySet[Review]:
    """Return the reviews whose levels their candidates may see."""
    return Review.objects.in_results().filter(usefulness__isnull=False)


def unopened_reviews() -> QuerySet[Review]:
    """Return the reviews handed in that their candidates have said nothing of yet."""
    return Review.objects.in_results().filter(usefulness=None)


def opened_attempts(at: datetime) -> QuerySet[Attempt]:
    """Return the revealed attempts of which every review is opened.

    One more review that comes in later takes an attempt out of these until it is opened, too:
    what was seen before stays to be seen, by `opened_reviews`.
    """
    unopened = unopened_reviews().filter(attempt=OuterRef("pk"))
    return revealed_attempts(at).filter(~Exists(unopened))


def is_opened(attempt: Attempt, at: datetime) -> bool:
    """Say whether the candidate has opened every review of a revealed attempt."""
    return opened_attempts(at).filter(pk=attempt.pk).exists()


def is_to_read(attempt: Attempt, at: datetime) -> bool:
    """Say whether the reviews may be opened: they are revealed, or were when it was taken back."""
    rows = list(
        Review.objects.in_results()
        .filter(attempt=attempt)
        .values_list("attempt__submitted_at", "submitted_at")
    )
    if not rows or rows[0][0] is None:
        return False
    opens_at = revealed_at(rows[0][0], [own for _attempts, own in rows if own])
    return opens_at is not None and opens_at <= at


def reviews_to_open(at: datetime) -> Coalesce:
    """Return how many revealed reviews wait to be opened, to annotate attempts with."""
    revealed = revealed_attempts(at).filter(pk=OuterRef("attempt"))
    waiting = unopened_reviews().filter(Exists(revealed), attempt=OuterRef("pk")).order_by()
    counted = waiting.values("attempt").annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n")), 0)
