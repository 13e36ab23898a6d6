"""Pages of people: cohorts, invitations, joining, the profile."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from loops import access, blobs
from loops.actions import people
from loops.forms.keeping import KeepingForm
from loops.forms.people import ProfileForm
from loops.models import Cohort, Membership, User
from loops.queries.blocks import blocked_by
from loops.queries.hours_page import follow_of
from loops.queries.people import cohort_page, cohorts_of
from loops.queries.recording_list import room_of
from loops.views.posting import posts_from


def signed_in(request: HttpRequest) -> User:
    """Return who is asking; the login middleware lets nobody else past."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("A public view asked for the signed-in person.")
    return user


@require_safe
def cohort_list(request: HttpRequest) -> HttpResponse:
    """List the person's cohorts."""
    return render(
        request,
        "loops/people/cohort_list.html",
        {"cohorts": cohorts_of(signed_in(request))},
    )


@require_safe
def cohort(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """Show a cohort: its members, and to an organiser its open invitations and its rule."""
    return show_cohort(request, access.cohort_to_see(signed_in(request), cohort_id))


def show_cohort(
    request: HttpRequest,
    found: Cohort,
    *,
    keeping_form: KeepingForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a cohort's page; a form of it that was sent comes back as it was."""
    page = cohort_page(found, signed_in(request), timezone.now())
    days = {"days": found.keep_recordings_days}
    return render(
        request,
        "loops/people/cohort.html",
        {
            "page": page,
            "cohort": found,
            "keeping_form": keeping_form or KeepingForm(initial=days),
            "has_room": not page.is_organiser or blobs.has_room(0),
            "invitations": [
                (
                    invitation,
                    request.build_absolute_uri(reverse("loops:join", args=[invitation.token])),
                )
                for invitation in page.invitations
            ],
        },
        status=status,
    )


@posts_from("loops:cohort", "cohort_id")
def invite(request: HttpRequest, cohort_id: UUID) -> HttpResponse:
    """Make an invitation link."""
    user = signed_in(request)
    found = access.cohort_to_organise(user, cohort_id)
    people.invite(cohort=found, by=user, at=timezone.now())
    messages.success(request, _("The link is ready. Send it to the people you want to let in."))
    return redirect(reverse("loops:cohort", args=[cohort_id]) + "#invitations")


@posts_from("loops:cohort_list")
def revoke_invitation(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Close an invitation link."""
    user = signed_in(request)
    invitation = access.invitation_to_revoke(user, invitation_id)
    people.revoke_invitation(invitation=invitation, by=user, at=timezone.now())
    messages.success(request, _("The link is closed. Who came in by it stays a member."))
    return redirect(reverse("loops:cohort", args=[invitation.cohort.public_id]) + "#invitations")


@posts_from("loops:cohort", "cohort_id")
def set_role(request: HttpRequest, cohort_id: UUID, user_id: UUID) -> HttpResponse:
    """Make a member an organiser, or an organiser a member."""
    user = signed_in(request)
    membership = access.membership_to_organise(user, cohort_id, user_id)
    is_to_organise = request.POST.get("role") == Membership.Role.ORGANISER
    role = Membership.Role.ORGANISER if is_to_organise else Membership.Role.MEMBER
    try:
        people.set_role(membership=membership, role=role, by=user, at=timezone.now())
    except people.LastOrganiser as refusal:
        messages.error(request, str(refusal))
    return redirect("loops:cohort", cohort_id)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Let a person into a cohort by its link; a stranger is led to sign up first.

    The token is kept in the session, which is what opens sign-up where SIGNUP=invitation.
    """
    now = timezone.now()
    invitation = access.invitation_to_use(token, now)
    if invitation is None:
        return render(request, "loops/people/join_closed.html", status=410)
    if not request.user.is_authenticated:
        request.session["invitation_token"] = token
        return render(request, "loops/people/join_stranger.html", {"invitation": invitation})
    user = signed_in(request)
    if Membership.objects.filter(cohort=invitation.cohort, user=user).exists():
        messages.info(request, _("You are in %(cohort)s.") % {"cohort": invitation.cohort.name})
        return redirect("loops:cohort", invitation.cohort.public_id)
    if request.method == "POST":
        people.join(invitation=invitation, by=user, at=now)
        request.session.pop("invitation_token", None)
        messages.success(
            request,
            _("You are in %(cohort)s.") % {"cohort": invitation.cohort.name},
        )
        return redirect("loops:cohort", invitation.cohort.public_id)
    return render(
        request,
        "loops/people/join.html",
        {"invitation": invitation},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and keep a person's own facts."""
    user = signed_in(request)
    form = ProfileForm(
        request.POST if request.method == "POST" else None,
        initial={"name": user.name, "time_zone": user.time_zone},
    )
    if form.is_valid():
        people.save_profile(
            user=user,
            name=form.cleaned_data["name"],
            time_zone=form.cleaned_data["time_zone"],
            by=user,
            at=timezone.now(),
        )
        messages.success(request, _("Your profile is saved."))
        return redirect("loops:profile")
    return render(
        request,
        "loops/people/profile.html",
        {
            "form": form,
            "follow": follow_of(user, timezone.now()),
            "blocked": blocked_by(user),
            "room": room_of(user),
        },
        status=422 if form.is_bound else 200,
    )
