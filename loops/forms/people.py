"""Sign-up and the profile."""

from contextlib import suppress
from typing import Any, cast

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from loops.access import invitation_to_use
from loops.actions.people import InvitationClosed, join, save_profile
from loops.models import User
from loops.models.people import time_zones


class SignUpForm(forms.Form):
    """What sign-up asks beside e-mail and password; allauth calls `signup`."""

    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("Peers see a handle such as heron-417 unless your cohort shows names."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    time_zone = forms.CharField(
        max_length=64,
        required=False,
        widget=forms.HiddenInput(attrs={"data-behaviour": "time_zone"}),
    )

    def signup(self, request: HttpRequest, user: User) -> None:
        """Keep name and zone with the new person, and let them in by the link they came by.

        A zone we do not know is UTC.
        """
        now = timezone.now()
        zone = self.cleaned_data["time_zone"]
        save_profile(
            user=user,
            name=self.cleaned_data["name"],
            time_zone=zone if zone in time_zones() else "UTC",
            by=user,
            at=now,
        )
        token = request.session.pop("invitation_token", "")
        invitation = invitation_to_use(token, now) if token else None
        if invitation:
            with suppress(InvitationClosed):  # its last place went meanwhile; the next page says so
                join(invitation=invitation, by=user, at=now)


class ProfileForm(forms.Form):
    """A person's own facts."""

    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("Only cohorts that show names show it; elsewhere peers see your handle."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_("Every date and time is shown in this zone."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["time_zone"]).choices = [
            (zone, zone.replace("_", " ")) for zone in time_zones()
        ]
