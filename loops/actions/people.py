"""Change people and cohorts: create, invite, revoke, join, keep a profile."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from loops.actions.events import record
from loops.errors import Refused
from loops.models import Cohort, Invitation, Membership, User

INVITATION_DAYS = 14


class InvitationClosed(Refused):
    """The link has expired, was revoked or is used up."""

    code = "invitation_closed"
    status = 410
    message = _(
        "This invitation is no longer open: it has expired, was revoked or is used up. "
        "Nothing was changed. Ask the organiser for a new link."
    )


class LastOrganiser(Refused):
    """A cohort without an organiser could invite nobody."""

    code = "last_organiser"
    message = _(
        "A cohort needs an organiser, and this is the last one. Nothing was changed. "
        "Make somebody else an organiser first."
    )


@transaction.atomic
def create_cohort(*, name: str, by: User, at: datetime, is_named: bool = False) -> Cohort:
    """Found a cohort; the founder is its first organiser."""
    cohort = Cohort.objects.create(name=name, is_named=is_named, created_at=at)
    Membership.objects.create(cohort=cohort, user=by, role=Membership.Role.ORGANISER, joined_at=at)
    record("created", cohort, by=by, at=at)
    return cohort


@transaction.atomic
def invite(*, cohort: Cohort, by: User, at: datetime) -> Invitation:
    """Make a link that lets people in for two weeks."""
    invitation = Invitation.objects.create(
        cohort=cohort,
        created_by=by,
        created_at=at,
        expires_at=at + timedelta(days=INVITATION_DAYS),
    )
    record("invited", invitation, by=by, at=at)
    return invitation


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, by: User, at: datetime) -> Invitation:
    """Close a link. Who came in by it stays."""
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.revoked_at is None:
        invitation.revoked_at = at
        invitation.save(update_fields=["revoked_at"])
        record("revoked", invitation, by=by, at=at)
    return invitation


@transaction.atomic
def join(*, invitation: Invitation, by: User, at: datetime) -> Membership:
    """Let the person into the cohort; joining twice is joining once and uses the link once."""
    invitation = (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("cohort")
        .get(pk=invitation.pk)
    )
    known = Membership.objects.filter(cohort=invitation.cohort, user=by).first()
    if known:
        return known
    if not invitation.is_open(at):
        raise InvitationClosed
    membership, is_new = Membership.objects.get_or_create(
        cohort=invitation.cohort, user=by, defaults={"joined_at": at}
    )
    if not is_new:  # by another link, this very moment
        return membership
    invitation.uses += 1
    invitation.save(update_fields=["uses"])
    record("joined", membership, by=by, at=at, invitation_id=invitation.pk)
    return membership


@transaction.atomic
def set_role(*, membership: Membership, role: str, by: User, at: datetime) -> Membership:
    """Make a member an organiser or the other way round; the last organiser stays one."""
    places = list(
        Membership.objects.select_for_update().filter(cohort_id=membership.cohort_id).order_by("id")
    )
    membership = next(place for place in places if place.pk == membership.pk)
    organisers = [p for p in places if p.role == Membership.Role.ORGANISER]
    if role == Membership.Role.MEMBER and organisers == [membership]:
        raise LastOrganiser
    if membership.role != role:
        membership.role = role
        membership.save(update_fields=["role"])
        record("role_set", membership, by=by, at=at, role=role)
    return membership


@transaction.atomic
def save_profile(*, user: User, name: str, time_zone: str, by: User, at: datetime) -> User:
    """Keep the person's name and time zone."""
    user = User.objects.select_for_update().get(pk=user.pk)
    user.name = name
    user.time_zone = time_zone
    user.save(update_fields=["name", "time_zone"])
    record("profile_saved", user, by=by, at=at)
    return user
