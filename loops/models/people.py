"""People and the private groups in which they practise together."""

import secrets
import uuid
import zoneinfo
from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from loops.hours import is_zone

BIRDS = (
    "avocet bittern bunting chough crake curlew dipper dotterel dunlin eider fieldfare finch "
    "gannet garganey godwit goldcrest goshawk grebe harrier heron hobby jackdaw kestrel kite "
    "knot lapwing linnet martin merlin nuthatch oriole osprey ouzel petrel pipit plover rail "
    "raven redshank robin ruff serin shrike siskin skua snipe stilt stonechat swift tern "
    "thrush turnstone twite wagtail warbler wheatear whinchat wigeon willet wren wryneck"
).split()


NOBODY = "nobody@plumbline.invalid"


def new_handle() -> str:
    """Draw a handle such as ``heron-417``: stable, speakable, telling nothing of its bearer."""
    return f"{secrets.choice(BIRDS)}-{secrets.randbelow(900) + 100}"


def new_token() -> str:
    """Draw the secret part of an invitation link: 144 bits, safe in a URL."""
    return secrets.token_urlsafe(18)


@cache
def time_zones() -> tuple[str, ...]:
    """Return the IANA zones that a person can live in, sorted; two names of the data are none."""
    return tuple(sorted(zoneinfo.available_timezones() - {"Factory", "localtime"}))


def check_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA zone such as Europe/Berlin."""
    if name not in time_zones():
        raise ValidationError(_("“%(name)s” is not a time zone."), params={"name": name})


class UserManager(BaseUserManager["User"]):
    """Creates people; the e-mail address is who they are."""

    def create_user(self, email: str, password: str | None = None, **facts: object) -> "User":
        """Save a person with an unused handle."""
        if not email:
            raise ValueError("A person needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **facts)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **facts: object) -> "User":
        """Save a person who may open the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **facts)

    def nobody(self) -> "User":
        """Return the one row that stands for nobody: what was deleted belongs to it.

        It can neither sign in nor be mailed, and is in no cohort.
        """
        user, is_new = self.get_or_create(
            email=NOBODY, defaults={"handle": "nobody", "is_active": False}
        )
        if is_new:
            user.set_unusable_password()
            user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a person by e-mail address, whatever its case."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. They exist here by practising or grading."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    handle = models.CharField(_("handle"), max_length=40, unique=True, default=new_handle)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[check_time_zone]
    )
    is_staff = models.BooleanField(_("may open the admin"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(default=timezone.now)
    quota_bytes = models.PositiveBigIntegerField(
        _("room for recordings, in bytes"),
        null=True,
        blank=True,
        help_text=_("Empty: as much as this installation gives to everybody."),
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.shown_name

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any
    ) -> Self:
        """Read a person; one whose zone was dropped from the time zone data lives by UTC."""
        user = super().from_db(db, field_names, values, **more)
        if "time_zone" in field_names and not is_zone(user.time_zone):
            user.time_zone = "UTC"
        return user

    @property
    def shown_name(self) -> str:
        """What this person's own pages call them."""
        return self.name or self.handle

    def get_full_name(self) -> str:
        """Answer Django's question for a name."""
        return self.shown_name

    def get_short_name(self) -> str:
        """Answer Django's question for a short name."""
        return self.shown_name


class CohortQuerySet(models.QuerySet["Cohort"]):
    """Cohorts, told in adjectives."""

    def of(self, user: User) -> "CohortQuerySet":
        """Keep those the person belongs to."""
        return self.filter(memberships__user=user).order_by("name", "id")


class Cohort(models.Model):
    """A private group: its members see each other and grade each other, nobody else does."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80)
    is_named = models.BooleanField(
        _("show names"),
        default=False,
        help_text=_("Candidates and graders see names instead of handles, both ways."),
    )
    label_company = models.CharField(_("level labels"), max_length=20, default="default")
    keep_recordings_days = models.PositiveSmallIntegerField(
        _("keep recordings for"),
        null=True,
        blank=True,
        help_text=_("Days after an answer was handed in. Empty: until somebody erases them."),
    )
    created_at = models.DateTimeField()
    members = models.ManyToManyField(User, through="Membership", related_name="cohorts")

    objects = CohortQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def called(self, user: User) -> str:
        """Return what members of this cohort call the person: the handle, or the name."""
        return user.shown_name if self.is_named else user.handle


class Membership(models.Model):
    """A person's place in a cohort."""

    class Role(models.TextChoices):
        """What a member may do for the cohort."""

        MEMBER = "member", _("member")
        ORGANISER = "organiser", _("organiser")

    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role, default=Role.MEMBER)
    joined_at = models.DateTimeField()

    class Meta:
        ordering = ["joined_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["cohort", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=["member", "organiser"]), name="membership_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.cohort}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations, told in adjectives."""

    def open(self, at: datetime) -> "InvitationQuerySet":
        """Keep those that still let somebody in."""
        return self.filter(
            revoked_at=None, expires_at__gt=at, uses__lt=models.F("max_uses")
        ).order_by("-created_at", "-id")


class Invitation(models.Model):
    """A link that lets people into a cohort until it expires, is used up or is revoked."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="invitations")
    token = models.CharField(max_length=40, unique=True, default=new_token)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    uses = models.PositiveIntegerField(default=0)
    max_uses = models.PositiveIntegerField(default=20)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(uses__lte=models.F("max_uses")), name="invitation_uses"
            ),
        ]

    def __str__(self) -> str:
        return f"Invitation to {self.cohort}"

    def is_open(self, at: datetime) -> bool:
        """Say whether the link still lets somebody in."""
        return self.revoked_at is None and at < self.expires_at and self.uses < self.max_uses
