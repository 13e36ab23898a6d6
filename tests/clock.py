"""A clock that stands still: what views and tasks read as now, until a test moves it."""

from datetime import datetime

from tests.factories import NOW


class Clock:
    """What is read as now; NOW at first."""

    def __init__(self) -> None:
        self.at: datetime = NOW
