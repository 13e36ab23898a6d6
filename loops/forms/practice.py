"""Loops, and an answer from its prediction to its energy."""

import uuid
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxLengthValidator
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from loops.models import Artifact, Cohort
from rubrics.models import Preset, Rank

ENERGY_WORDS = {
    -2: _("Drained: I wanted it to end"),
    -1: _("Tired by it"),
    0: _("Neither"),
    1: _("Lively"),
    2: _("I forgot the clock"),
}


class LoopForm(forms.Form):
    """A new loop: which preset, at which level, in which cohort, for when.

    `form_id` is drawn with the form, so that one form sent twice starts one loop.
    """

    form_id = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=uuid.uuid4)
    preset = forms.ModelChoiceField(
        Preset.objects.none(),
        label=_("Which loop"),
        to_field_name="key",
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a loop."),
            "invalid_choice": _("This loop is not in the catalogue. Choose another one."),
        },
    )
    target_rank = forms.TypedChoiceField(
        label=_("Target level"),
        coerce=int,
        empty_value=None,
        required=False,
        choices=[
            ("", _("The level the loop is made for")),
            (Rank.SENIOR.value, _("L5 · EM-5, senior")),
            (Rank.STAFF.value, _("L6 · EM-6, staff")),
            (Rank.PRINCIPAL.value, _("L7 · EM-7, principal")),
        ],
        widget=forms.RadioSelect,
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
        help_text=_("If you know the day."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, cohorts: Sequence[Cohort], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        preset = cast("forms.ModelChoiceField[Preset]", self.fields["preset"])
        preset.queryset = Preset.objects.order_by("position", "pk")
        cohort = cast("forms.ModelChoiceField[Cohort]", self.fields["cohort"])
        cohort.queryset = Cohort.objects.filter(pk__in=[one.pk for one in cohorts]).order_by(
            "name", "pk"
        )
        if len(cohorts) == 1:
            cohort.initial = cohorts[0].public_id
            cohort.widget = forms.HiddenInput()

    def clean_interview_on(self) -> object:
        """Refuse a day that has passed."""
        day = self.cleaned_data["interview_on"]
        if day and day < timezone.localdate():
            raise forms.ValidationError(
                _("This day has passed. Leave it empty if you do not know.")
            )
        return day

    def clean(self) -> dict[str, Any]:
        """Aim where the preset aims unless another level was chosen."""
        cleaned = super().clean() or self.cleaned_data
        preset = cleaned.get("preset")
        if preset and cleaned.get("target_rank") is None:
            cleaned["target_rank"] = preset.target_rank
        return cleaned


class PredictForm(forms.Form):
    """The level the candidate expects."""

    rank = forms.TypedChoiceField(
        label=_("Which level will your answer show?"),
        coerce=int,
        choices=[(rank.value, rank.label) for rank in Rank],
        error_messages={"required": _("Choose the level you expect.")},
    )


class ArtifactForm(forms.Form):
    """Code or notes of an answer."""

    LABELS = {Artifact.Kind.CODE: _("Code"), Artifact.Kind.NOTES: _("Notes")}

    kind = forms.ChoiceField(choices=Artifact.Kind, widget=forms.HiddenInput)
    text = forms.CharField(
        required=False,
        strip=False,
        validators=[
            MaxLengthValidator(
                Artifact.LIMIT_CHARACTERS,
                _(
                    "This is longer than the %(limit_value)d characters that are kept. It was not "
                    "saved; your text is still here. Shorten it and save again."
                ),
            )
        ],
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
    )

    def __init__(self, data: QueryDict | None = None, *, kind: str, kept: str = "") -> None:
        super().__init__(data, initial={"kind": kind, "text": kept}, auto_id=f"id_{kind}_%s")
        self.fields["text"].label = self.LABELS[Artifact.Kind(kind)]
        if kind == Artifact.Kind.CODE:
            self.fields["text"].widget.attrs["class"] = "input--code"

    def clean_text(self) -> str:
        """Count a line's end once: browsers send two characters for it."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")


class UploadForm(forms.Form):
    """A recording made elsewhere, handed in as a file.

    `sent_bytes` is the length of the request: of one that is over the limit the file was not
    even taken in (see config.uploads), and the field says why.
    """

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

    def __init__(self, *args: Any, sent_bytes: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sent_bytes > settings.UPLOAD_MAX_BYTES:
            self.fields["file"].error_messages["required"] = _too_large(sent_bytes)

    def clean_file(self) -> "UploadedFile[bytes]":
        """Refuse a file over the limit before anything of it is kept."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > settings.UPLOAD_MAX_BYTES:
            raise forms.ValidationError(_too_large(file.size or 0))
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


def _too_large(size: int) -> str:
    return gettext(
        "This file has %(size)s, and the limit is %(limit)s. Nothing was kept. Export it at a "
        "lower quality, or hand in the sound alone."
    ) % {"size": filesizeformat(size), "limit": filesizeformat(settings.UPLOAD_MAX_BYTES)}
