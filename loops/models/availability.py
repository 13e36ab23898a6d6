"""When a person can be met: weekly hours, exceptions, days away, limits, standby, blocks.

All of it is local time with its zone; what instants it makes is computed in loops/hours.py.
"""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loops.models.people import Cohort, User, check_time_zone
from loops.models.practice import Round

DAY_MINUTES = 1440


class WeeklyHours(models.Model):
    """Hours that come again each week; minutes of the local day, over 1440 lie in the next."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="weekly_hours")
    weekday = models.PositiveSmallIntegerField(_("weekday"))
    start_minute = models.PositiveSmallIntegerField(_("from"))
    end_minute = models.PositiveSmallIntegerField(_("until"))
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[check_time_zone])
    valid_from = models.DateField(_("first day"), null=True, blank=True)
    valid_to = models.DateField(_("last day"), null=True, blank=True)

    class Meta:
        verbose_name_plural = _("weekly hours")
        ordering = ["user_id", "weekday", "start_minute", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="weekly_hours_weekday"),
            models.CheckConstraint(
                condition=Q(
                    start_minute__lt=DAY_MINUTES,
                    end_minute__gt=F("start_minute"),
                    end_minute__lte=F("start_minute") + DAY_MINUTES,
                ),
                name="weekly_hours_span",
            ),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="weekly_hours_validity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} on weekday {self.weekday}"


class DayHours(models.Model):
    """An exception: hours of one local date in place of its weekly ones; no span, no hours."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="day_hours")
    on = models.DateField(_("day"))
    start_minute = models.PositiveSmallIntegerField(_("from"), null=True, blank=True)
    end_minute = models.PositiveSmallIntegerField(_("until"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[check_time_zone])

    class Meta:
        verbose_name_plural = _("day hours")
        ordering = ["user_id", "on", F("start_minute").asc(nulls_first=True), "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(start_minute=None, end_minute=None)
                | Q(
                    start_minute__isnull=False,
                    end_minute__isnull=False,
                    start_minute__lt=DAY_MINUTES,
                    end_minute__gt=F("start_minute"),
                    end_minute__lte=F("start_minute") + DAY_MINUTES,
                ),
                name="day_hours_span",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.on}"


class DaysAway(models.Model):
    """A blackout of whole local days, both ends included."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="days_away")
    from_on = models.DateField(_("first day"))
    to_on = models.DateField(_("last day"))
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[check_time_zone])
    note = models.CharField(_("note"), max_length=80, blank=True)

    class Meta:
        verbose_name_plural = _("days away")
        ordering = ["user_id", "from_on", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(to_on__gte=F("from_on")), name="days_away_span"),
        ]

    def __str__(self) -> str:
        return f"{self.user} away from {self.from_on} to {self.to_on}"


class MockLimits(models.Model):
    """How soon, how far ahead and how often a person wants mocks; no row means the defaults."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="mock_limits")
    notice_minutes = models.PositiveIntegerField(_("notice"), default=720)
    horizon_days = models.PositiveSmallIntegerField(_("days ahead"), default=28)
    most_a_day = models.PositiveSmallIntegerField(_("most a day"), default=1)
    most_a_week = models.PositiveSmallIntegerField(_("most a week"), default=3)
    gap_minutes = models.PositiveSmallIntegerField(_("gap"), default=15)

    class Meta:
        verbose_name_plural = _("mock limits")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    notice_minutes__lte=14 * DAY_MINUTES,
                    horizon_days__range=(1, 90),
                    most_a_day__range=(1, 8),
                    most_a_week__range=(1, 30),
                    gap_minutes__lte=240,
                ),
                name="mock_limits_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"Limits of {self.user}"


class StandbyQuerySet(models.QuerySet["Standby"]):
    """Standbys, told in adjectives."""

    def ready(self, at: datetime) -> "StandbyQuerySet":
        """Keep those who can be called at that instant."""
        return self.filter(since__lte=at, until__gt=at, user__is_active=True)


class Standby(models.Model):
    """That a person is ready for a mock right now. `round` is what they would answer, if at all."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="standby")
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="standbys")
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="+", null=True)
    since = models.DateTimeField()
    until = models.DateTimeField()

    objects = StandbyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="standby_span"),
        ]

    def __str__(self) -> str:
        return f"{self.user} until {self.until}"


class BlockQuerySet(models.QuerySet["Block"]):
    """Blocks, told in adjectives."""

    def between(self, one: User, other: User) -> "BlockQuerySet":
        """Keep those that part two people, whichever of them made it."""
        return self.filter(Q(by=one, whom=other) | Q(by=other, whom=one))


class Block(models.Model):
    """That one person does not want to meet another. It works both ways and is told to nobody."""

    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="blocks")
    whom = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = BlockQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["by", "whom"], name="block_once"),
            models.CheckConstraint(condition=~Q(by=F("whom")), name="block_another"),
        ]

    def __str__(self) -> str:
        return f"{self.by} does not meet {self.whom}"


class CalendarFeed(models.Model):
    """A person's calendar address. Only a digest of its secret part is kept."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="calendar_feeds")
    token_digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(revoked_at=None), name="calendar_feed_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"Calendar of {self.user}"
