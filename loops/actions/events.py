"""Write down what happened. Every other action calls this as its last step."""

from datetime import datetime

from django.db import models

from loops.models import Event, User


def record(
    verb: str, subject: models.Model, *, by: User | None, at: datetime, **data: object
) -> Event:
    """Add the event that tells of one change to one row."""
    return Event.objects.create(
        at=at,
        actor_id=by.pk if by else None,
        verb=verb,
        subject=subject._meta.label_lower,
        subject_id=subject.pk,
        data=data,
    )
