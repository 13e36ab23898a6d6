"""What waits to be read of answers. A higher app has it, and registers how to count it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Expression, QuerySet, Value

Count = Callable[[datetime], Expression]

_counts: list[Count] = []


def register_reviews_to_open(count: Count) -> None:
    """Say how the reviews of an attempt that wait to be opened are counted; there is one way."""
    _counts[:] = [count]


def with_reviews_to_open(attempts: QuerySet[Any], at: datetime) -> QuerySet[Any]:
    """Annotate attempts with `to_open`: how many reviews of each wait to be opened."""
    count: Expression = _counts[0](at) if _counts else Value(0)
    counted: QuerySet[Any] = attempts.annotate(to_open=count)
    return counted
