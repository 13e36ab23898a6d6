"""Who did what to which row, when. No foreign keys: an event outlives what it tells of."""

from django.db import models


class Event(models.Model):
    """One fact of the past, written by the action that made it true."""

    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["subject", "subject_id", "at"], name="event_subject")]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject} {self.subject_id}"
