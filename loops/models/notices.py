"""What a person is told, on the page and by mail: one row for each (subject, person, kind)."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loops.models.bookings import Mock
from loops.models.people import User


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices, told in adjectives."""

    def shown(self, at: datetime) -> "NoticeQuerySet":
        """Keep those that are due and were not taken back, the newest first."""
        shown = self.filter(due_at__lte=at, withdrawn_at=None, is_on_page=True)
        return shown.order_by("-due_at", "-id")

    def unread(self, at: datetime) -> "NoticeQuerySet":
        """Keep those shown that the person has not read."""
        return self.shown(at).filter(read_at=None)

    def to_mail(self, at: datetime) -> "NoticeQuerySet":
        """Keep those whose mail is due, and neither held by a worker nor waiting for another try.

        A lapsed hold counts as none.
        """
        return self.filter(
            Q(mail_held_until=None) | Q(mail_held_until__lte=at),
            mail_state__in=[Notice.Mail.WAITING, Notice.Mail.SENDING],
            due_at__lte=at,
        ).order_by("due_at", "id")


class Notice(models.Model):
    """One thing told to one person. A reminder is a notice whose `due_at` lies ahead.

    `subject` names what it is about and its edition ("mock:42:3"), so that telling twice is
    telling once. `data` holds what was true when it was written, such as the time of an
    invitation. After `useful_until` its mail is not sent any more. `mail_held_until` is until
    when a worker has it in hand, or when one may try again.
    """

    class Kind(models.TextChoices):
        """What happened, or is to come."""

        PROPOSED = "proposed", _("A mock is proposed")
        COUNTERED = "countered", _("Another time is proposed")
        PAIRED = "paired", _("The pool found you a partner")
        UNPAIRED = "unpaired", _("The pool found nobody this week")
        AGREED = "agreed", _("A mock is agreed")
        MOVED = "moved", _("A mock has moved")
        CHANGED = "changed", _("A mock has changed")
        DECLINED = "declined", _("A proposal was declined")
        CANCELLED = "cancelled", _("A mock is cancelled")
        CONFIRM = "confirm", _("Please confirm a mock")
        RELEASED = "released", _("A mock was released")
        REMINDER = "reminder", _("A mock is near")
        LAPSED = "lapsed", _("A proposal has lapsed")
        STANDBY = "standby", _("You are called from standby")
        ABSENT = "absent", _("You were reported absent")
        APPEAL = "appeal", _("A member appeals")
        APPEAL_ANSWERED = "appeal_answered", _("Your appeal is answered")
        RETIMED = "retimed", _("Time zones have changed")
        ERASING = "erasing", _("Recordings are about to be erased")
        KEEPING = "keeping", _("A cohort keeps recordings for another time")
        DISK_FULL = "disk_full", _("The server has no room for recordings")
        REVEALED = "revealed", _("Reviews of your answer can be read")
        LATE_REVIEW = "late_review", _("One more review of your answer is in")
        REPORTED = "reported", _("A grader could not grade your answer")
        NEEDS_GRADER = "needs_grader", _("An answer has waited for two days")
        CLAIM_VOIDED = "claim_voided", _("An answer that you were grading was taken back")
        QUESTION = "question", _("A candidate asks why")
        QUESTION_ANSWERED = "question_answered", _("A grader has answered your why")
        FOLLOW_UP = "follow_up", _("A grader asks a follow-up question")
        TAKE_IN = "take_in", _("A follow-up question is answered")
        GRADE_APPEAL = "grade_appeal", _("A result is appealed")
        GRADE_ANSWERED = "grade_answered", _("Your appeal of a result is answered")
        DEBRIEF = "debrief", _("Graders differ: a debrief is open")
        DEBRIEF_SAID = "debrief_said", _("A grader has written in a debrief")
        EXPERT = "expert", _("You are asked to grade as an expert")
        UNLOCKED = "unlocked", _("You have unlocked a round")
        PRACTICE_NOTE = "practice_note", _("A practice note is in")
        DIGEST = "digest", _("The day in one mail")

    class Mail(models.TextChoices):
        """Where its mail stands."""

        NONE = "none", _("no mail")
        DIGEST = "digest", _("waits for the digest")
        WAITING = "waiting", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        SKIPPED = "skipped", _("not needed any more")
        FAILED = "failed", _("failed")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=17, choices=Kind)
    subject = models.CharField(max_length=60)
    mock = models.ForeignKey(Mock, on_delete=models.PROTECT, related_name="notices", null=True)
    data = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    useful_until = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    is_on_page = models.BooleanField(default=True)
    read_at = models.DateTimeField(null=True)
    mail_state = models.CharField(max_length=7, choices=Mail, default=Mail.WAITING)
    mail_held_until = models.DateTimeField(null=True)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True)
    message_id = models.CharField(max_length=200, unique=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-due_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "person", "kind"], name="notice_once"),
        ]
        indexes = [
            models.Index(fields=["person", "-due_at"], name="notice_of_person"),
            models.Index(
                fields=["due_at"],
                condition=Q(mail_state__in=["waiting", "sending"]),
                name="notice_to_mail",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.person}"


class NoticeWish(models.Model):
    """How a person wants to be told of one kind of notice; without a row the kind's default holds.

    Off the page, a notice is still written: what was told once is not told again.
    """

    class Mail(models.TextChoices):
        """When its mail comes."""

        AT_ONCE = "at_once", _("at once")
        DAILY = "daily", _("in the daily digest")
        NEVER = "never", _("never")

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="notice_wishes")
    kind = models.CharField(max_length=17, choices=Notice.Kind)
    is_on_page = models.BooleanField(default=True)
    mail = models.CharField(max_length=7, choices=Mail, default=Mail.AT_ONCE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "kind"], name="notice_wish_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.kind} {self.mail}"
