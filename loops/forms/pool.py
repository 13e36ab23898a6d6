"""Asking the pool, standing by, meeting somebody who does, and appeals."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from loops.models import Round

STANDBY_HOURS = (1, 2, 3)
APPEAL_LENGTH = 1500
ANSWER_LENGTH = 280


class AskForm(forms.Form):
    """What to ask the pool for: rounds, roles, when, and whether to be asked first."""

    rounds = forms.MultipleChoiceField(
        label=_("What you would answer"),
        error_messages={
            "required": _("Choose at least one round."),
            "invalid_choice": _("This round cannot be asked for any more. Choose another one."),
        },
    )
    wants_swap = forms.TypedChoiceField(
        label=_("Roles"),
        coerce=lambda value: value == "1",
        choices=[("1", _("We swap: both of us answer once")), ("0", _("One of us answers"))],
    )
    is_urgent = forms.TypedChoiceField(
        label=_("When"),
        coerce=lambda value: value == "1",
        choices=[("0", _("With everybody")), ("1", _("At once, I cannot wait"))],
    )
    books_at_once = forms.BooleanField(required=False)

    def __init__(self, *args: Any, rounds: Sequence[Round], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rounds = {str(one.public_id): one for one in rounds}
        field = cast("forms.MultipleChoiceField", self.fields["rounds"])
        field.choices = [(pk, one.title) for pk, one in self._rounds.items()]

    def clean_rounds(self) -> list[Round]:
        """Return the rounds themselves."""
        return [self._rounds[pk] for pk in self.cleaned_data["rounds"]]


class OneRoundForm(forms.Form):
    """One of one's own rounds, or none."""

    round = forms.ChoiceField(
        required=False,
        error_messages={"invalid_choice": _("Choose one of your rounds.")},
    )

    def __init__(self, *args: Any, rounds: Sequence[Round], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rounds = {str(one.public_id): one for one in rounds}
        field = cast("forms.ChoiceField", self.fields["round"])
        field.choices = [("", "")] + [(pk, one.title) for pk, one in self._rounds.items()]

    def clean_round(self) -> Round | None:
        """Return the round itself."""
        return self._rounds.get(self.cleaned_data["round"])


class StandbyForm(OneRoundForm):
    """For how long somebody is ready, and what they would answer."""

    hours = forms.TypedChoiceField(
        coerce=int,
        choices=[(hours, hours) for hours in STANDBY_HOURS],
        error_messages={
            "required": _("Choose for how long you are ready."),
            "invalid_choice": _("Choose one, two or three hours."),
        },
    )


class AppealForm(forms.Form):
    """A member's word for themselves."""

    text = forms.CharField(
        label=_("What kept you?"),
        max_length=APPEAL_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("The organisers of your cohort read this, and nobody else."),
        error_messages={"required": _("Say what kept you: an organiser decides by it.")},
    )


class DecideForm(forms.Form):
    """An organiser's answer to an appeal."""

    decision = forms.ChoiceField(choices=[("grant", _("Excuse it")), ("refuse", _("Let it stand"))])
    answer = forms.CharField(max_length=ANSWER_LENGTH, required=False)
