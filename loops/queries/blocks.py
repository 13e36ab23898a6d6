"""Whom a person does not meet, and what stands between them. A block is read by its maker alone."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from loops.models import Block, Cohort, Mock, User
from loops.states import MockState


@dataclass(frozen=True)
class Blocked:
    """Somebody whom the person does not meet, as that person calls them."""

    user: User
    name: str
    at: datetime


def blocked_by(user: User) -> list[Blocked]:
    """Return whom the person has blocked, the last one first; one query."""
    blocks = (
        Block.objects.filter(by=user)
        .select_related("whom")
        .annotate(is_named=Exists(_named_cohorts(user, OuterRef("whom"))))
        .order_by("-at", "-pk")
    )
    return [
        Blocked(one.whom, _called(one.whom, getattr(one, "is_named", False)), one.at)
        for one in blocks
    ]


def called_by(user: User, other: User) -> str:
    """Return what a person calls another where no cohort is named: by name if one shows names."""
    return _called(other, _named_cohorts(user, other).exists())


def known_to(user: User) -> QuerySet[User]:
    """Return those who share a cohort with the person, whatever a block says.

    Who cannot be met is among them: a block by the other must look like none.
    """
    shared = Cohort.objects.filter(memberships__user=user).filter(memberships__user=OuterRef("pk"))
    return User.objects.filter(Exists(shared)).exclude(pk=user.pk)


def mocks_parted(by: User, whom: User, at: datetime) -> QuerySet[Mock]:
    """Return what ends when two people are parted: their proposals, and what has yet to begin."""
    return (
        Mock.objects.of(by)
        .filter(pk__in=Mock.objects.of(whom).values("pk"))
        .filter(
            Q(state=MockState.PROPOSED)
            | Q(state__in=[MockState.ACCEPTED, MockState.CONFIRMED], starts_at__gt=at)
        )
        .select_related("cohort")
        .order_by("pk")
    )


def _called(user: User, is_named: bool) -> str:
    return user.shown_name if is_named else user.handle


def _named_cohorts(user: User, other: OuterRef | User) -> QuerySet[Cohort]:
    return Cohort.objects.filter(is_named=True, memberships__user=user).filter(
        memberships__user=other
    )
