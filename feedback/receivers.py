"""What feedback does when loops says that an answer has changed, in the same transaction."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from feedback.actions.places import settle
from loops.models import Attempt
from loops.signals import answer_changed


@receiver(answer_changed)
def keep_the_queue(*, attempt: Attempt, at: datetime, **_rest: Any) -> None:
    """Let the queue's entry follow its attempt; a draft has none of its own, nor has a take."""
    if not (attempt.is_draft or attempt.is_follow_up):
        settle(attempt=attempt, at=at)
