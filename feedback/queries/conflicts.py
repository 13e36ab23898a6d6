"""Whom a member has declared that they cannot fairly grade. Nobody else ever reads it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, Subquery

from feedback.models import Conflict
from loops.models import Cohort, User
from loops.queries.blocks import known_to


@dataclass(frozen=True)
class Declared:
    """Somebody whom the member does not grade, as the member calls them."""

    public_id: UUID
    name: str
    at: datetime


@dataclass(frozen=True)
class ConflictsPage:
    """Whom the member has declared, the newest first, and whom else they might, by name."""

    declared: list[Declared]
    others: list[tuple[str, str]]


def conflicts_page(user: User) -> ConflictsPage:
    """Return a member's conflicts; one query. Those that others declared are not read."""
    mine = Conflict.objects.filter(declared_by=user)
    of_it = mine.filter(other=OuterRef("pk"))
    shared = Cohort.objects.filter(is_named=True, memberships__user=user)
    people = (
        User.objects.filter(Q(pk__in=known_to(user).values("pk")) | Q(pk__in=mine.values("other")))
        .annotate(
            is_named=Exists(shared.filter(memberships__user=OuterRef("pk"))),
            declared_id=Subquery(of_it.values("public_id")[:1]),
            declared_at=Subquery(of_it.values("declared_at")[:1]),
        )
        .order_by("pk")
    )
    declared, others = [], []
    for person in people:
        name = person.shown_name if person.is_named else person.handle
        if person.declared_id and person.declared_at:
            declared.append(Declared(person.declared_id, name, person.declared_at))
        else:
            others.append((str(person.public_id), name))
    return ConflictsPage(
        declared=sorted(declared, key=lambda one: (one.at, one.name), reverse=True),
        others=sorted(others, key=lambda one: (one[1].casefold(), one[0])),
    )
