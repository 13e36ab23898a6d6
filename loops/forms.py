"""Forms of loops: what people type, checked for shape. Rules that need rows are in the actions."""

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from loops.models import Artifact, Cohort, User
from rubrics.models import Preset, Rank

ENERGY_WORDS = {
    -2: _("Drained: I wanted it to end"),
    -1: _("Tired by it"),
    0: _("Neither"),
    1: _("Lively"),
    2: _("I forgot the clock"),
}


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
        max_length=64, required=False, widget=forms.HiddenInput(attrs={"data-behaviour": "time_zone"})
    )

    def signup(self, request: object, user: User) -> None:
        """Keep name and zone with the new person; a zone we do not know is UTC."""
        user.name = self.cleaned_data["name"]
        zone = self.cleaned_data["time_zone"]
        user.time_zone = zone if zone in zoneinfo.available_timezones() else "UTC"
        user.save(update_fields=["name", "time_zone"])


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
        zones = sorted(zoneinfo.available_timezones())
        self.fields["time_zone"].choices = [  # type: ignore[attr-defined]
            (zone, zone.replace("_", " ")) for zone in zones
        ]


class LoopForm(forms.Form):
    """A new loop: which preset, at which level, in which cohort, for when."""

    preset = forms.ModelChoiceField(
        Preset.objects.none(),
        label=_("Which loop"),
        to_field_name="key",
        empty_label=None,
        widget=forms.RadioSelect,
    )
    target_rank = forms.TypedChoiceField(
        label=_("Target level"), coerce=int, widget=forms.RadioSelect
    )
    cohort = forms.ModelChoiceField(
        Cohort.objects.none(),
        label=_("Cohort"),
        to_field_name="public_id",
        empty_label=None,
        help_text=_("Its members grade your answers, and nobody else sees them."),
    )
    interview_on = forms.DateField(
        label=_("Real interview on"),
        required=False,
        help_text=_("If you know the day. It helps to choose what comes first."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["preset"].queryset = Preset.objects.order_by(  # type: ignore[attr-defined]
            "position", "pk"
        )
        cohorts = Cohort.objects.of(user)
        self.fields["cohort"].queryset = cohorts  # type: ignore[attr-defined]
        if len(cohorts) == 1:
            self.fields["cohort"].initial = cohorts[0].public_id
            self.fields["cohort"].widget = forms.HiddenInput()
        self.fields["target_rank"].choices = [  # type: ignore[attr-defined]
            (Rank.SENIOR.value, _("L5 · EM-5, senior")),
            (Rank.STAFF.value, _("L6 · EM-6, staff")),
            (Rank.PRINCIPAL.value, _("L7 · EM-7, principal")),
        ]

    def clean_interview_on(self) -> object:
        """Refuse a day that has passed."""
        day = self.cleaned_data["interview_on"]
        if day and day < timezone.localdate():
            raise forms.ValidationError(
                _("This day has passed. Leave it empty if you do not know.")
            )
        return day


class PredictForm(forms.Form):
    """The level the candidate expects."""

    rank = forms.TypedChoiceField(
        label=_("Which level will your answer show?"),
        coerce=int,
        choices=[(rank.value, rank.label) for rank in Rank],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the level you expect.")},
    )

    def __init__(self, *args: Any, labels: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rank"].choices = list(enumerate(labels))  # type: ignore[attr-defined]


class ArtifactForm(forms.Form):
    """Code or notes of an answer."""

    kind = forms.ChoiceField(choices=Artifact.Kind, widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("Text"),
        required=False,
        strip=False,
        max_length=Artifact.LIMIT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
    )


class UploadForm(forms.Form):
    """A recording made elsewhere, handed in as a file."""

    file = forms.FileField(
        label=_("Video or audio file"),
        widget=forms.FileInput(
            attrs={"accept": "video/webm,video/mp4,audio/*,.webm,.mp4,.mov,.m4a,.ogg,.mp3,.wav"}
        ),
        error_messages={
            "required": _("Choose a file first."),
            "empty": _("This file is empty. Nothing was kept; choose another one."),
        },
    )

    def clean_file(self) -> UploadedFile:
        """Refuse a file over the limit before anything of it is kept."""
        file: UploadedFile = self.cleaned_data["file"]
        limit = settings.UPLOAD_MAX_BYTES
        if (file.size or 0) > limit:
            raise forms.ValidationError(
                _(
                    "This file has %(size)s, and the limit is %(limit)s. Nothing was kept. Export "
                    "it at a lower quality, or hand in the sound alone."
                ),
                params={"size": filesizeformat(file.size), "limit": filesizeformat(limit)},
            )
        return file


class SubmitForm(forms.Form):
    """Energy, asked before anything is revealed."""

    energy = forms.TypedChoiceField(
        label=_("How did the round feel?"),
        coerce=int,
        choices=[(str(value), words) for value, words in ENERGY_WORDS.items()],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Say how it felt: it cannot be asked once results are in."),
        },
    )
