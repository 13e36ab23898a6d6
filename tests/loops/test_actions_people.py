"""Cohorts, invitations and roles: who gets in, and what stays."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from loops.actions import people
from loops.models import Cohort, Invitation, Membership, User
from tests import factories
from tests.factories import NOW


@pytest.fixture
def invitation(cohort: Cohort, organiser: User) -> Invitation:
    """An open invitation to the cohort."""
    return people.invite(cohort=cohort, by=organiser, at=NOW)


def test_create_cohort_makes_its_founder_organiser(outsider: User) -> None:
    cohort = people.create_cohort(name="Monday", by=outsider, at=NOW)

    assert [(m.user, m.role) for m in cohort.memberships.all()] == [
        (outsider, Membership.Role.ORGANISER)
    ]


def test_join_lets_in_once(invitation: Invitation, outsider: User) -> None:
    first = people.join(invitation=invitation, by=outsider, at=NOW)
    again = people.join(invitation=invitation, by=outsider, at=NOW + timedelta(days=1))

    invitation.refresh_from_db()
    assert first == again
    assert first.role == Membership.Role.MEMBER
    assert invitation.uses == 1


@pytest.mark.parametrize(
    ("facts", "at"),
    [
        ({"revoked_at": NOW}, NOW),
        ({"uses": 20, "max_uses": 20}, NOW),
        ({}, NOW + timedelta(days=people.INVITATION_DAYS)),
    ],
)
def test_join_refuses_a_closed_link(
    invitation: Invitation, outsider: User, facts: dict[str, object], at: datetime
) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(**facts)

    with pytest.raises(people.InvitationClosed):
        people.join(invitation=invitation, by=outsider, at=at)

    assert not invitation.cohort.memberships.filter(user=outsider).exists()


@pytest.mark.django_db(transaction=True)
def test_join_by_many_at_once_never_exceeds_the_uses(
    invitation: Invitation,
) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(max_uses=2)
    strangers = [factories.person() for _ in range(5)]
    barrier = Barrier(5)

    def join(stranger: User) -> bool:
        try:
            barrier.wait()
            people.join(invitation=invitation, by=stranger, at=NOW)
        except people.InvitationClosed:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(5) as pool:
        let_in = list(pool.map(join, strangers))

    assert sum(let_in) == 2
    assert invitation.cohort.memberships.filter(user__in=strangers).count() == 2


def test_revoke_closes_the_link_and_keeps_who_came(
    invitation: Invitation, outsider: User, organiser: User
) -> None:
    people.join(invitation=invitation, by=outsider, at=NOW)
    people.revoke_invitation(invitation=invitation, by=organiser, at=NOW)

    assert not Invitation.objects.open(NOW).exists()
    assert invitation.cohort.memberships.filter(user=outsider).exists()


def test_set_role_keeps_a_last_organiser(cohort: Cohort, organiser: User, peer: User) -> None:
    place = cohort.memberships.get(user=organiser)

    with pytest.raises(people.LastOrganiser):
        people.set_role(membership=place, role="member", by=organiser, at=NOW)
    people.set_role(
        membership=cohort.memberships.get(user=peer), role="organiser", by=organiser, at=NOW
    )
    people.set_role(membership=place, role="member", by=organiser, at=NOW)

    assert list(cohort.memberships.filter(role="organiser").values_list("user", flat=True)) == [
        peer.pk
    ]
