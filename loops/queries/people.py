"""Reads of people: a cohort's page, the cohorts of a person."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from loops.models import Block, Cohort, Invitation, Membership, User


@dataclass(frozen=True)
class Member:
    """One member as another sees them; `is_blocked` is what that one decided."""

    membership: Membership
    shown_name: str
    is_you: bool
    is_blocked: bool = False

    @property
    def note(self) -> str:
        """Say what is particular about them: that it is you, that they organise."""
        words = [_("you")] if self.is_you else []
        if self.is_blocked:
            words.append(_("you do not meet"))
        if self.membership.role == Membership.Role.ORGANISER:
            words.append(self.membership.get_role_display())
        return ", ".join(words)


@dataclass(frozen=True)
class CohortPage:
    """A cohort as one of its members sees it; invitations are for organisers."""

    cohort: Cohort
    members: list[Member]
    is_organiser: bool
    invitations: list[Invitation]


def cohorts_of(user: User) -> QuerySet[Cohort]:
    """Return the person's cohorts with the number of members."""
    return (
        Cohort.objects.filter(pk__in=Membership.objects.filter(user=user).values("cohort"))
        .annotate(size=Count("memberships"))
        .order_by("name", "pk")
    )


def cohort_page(cohort: Cohort, user: User, at: datetime) -> CohortPage:
    """Return members in order of joining, and to an organiser the open invitations."""
    memberships = list(cohort.memberships.select_related("user").order_by("joined_at", "pk"))
    blocked = set(Block.objects.filter(by=user).values_list("whom_id", flat=True))
    is_organiser = any(
        place.user_id == user.pk and place.role == Membership.Role.ORGANISER
        for place in memberships
    )
    return CohortPage(
        cohort=cohort,
        members=[
            Member(
                membership=place,
                shown_name=cohort.called(place.user),
                is_you=place.user_id == user.pk,
                is_blocked=place.user_id in blocked,
            )
            for place in memberships
        ],
        is_organiser=is_organiser,
        invitations=list(cohort.invitations.open(at)) if is_organiser else [],
    )
