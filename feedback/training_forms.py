"""The form on which a vignette is rated: a level, or *not observed*, for every dimension."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from rubrics.models import Dimension

NOT_OBSERVED = "none"
DIMENSION = "dimension-"


class RatingsForm(forms.Form):
    """A field for each dimension, called `dimension-<key>`; its values are the ranks and "none"."""

    def __init__(
        self, *args: Any, dimensions: Iterable[Dimension], labels: Sequence[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        ranks = [(str(rank), label) for rank, label in enumerate(labels)]
        for dimension in dimensions:
            self.fields[f"{DIMENSION}{dimension.key}"] = forms.ChoiceField(
                label=dimension.label,
                choices=[*ranks, (NOT_OBSERVED, _("Not observed"))],
                widget=forms.RadioSelect,
                error_messages={
                    "required": _("Choose a level, or “not observed”."),
                    "invalid_choice": _("Choose one of these levels, or “not observed”."),
                },
            )

    @property
    def ratings(self) -> dict[str, int | None]:
        """Return the ranks by dimension, once the form is valid."""
        return {
            name.removeprefix(DIMENSION): None if value == NOT_OBSERVED else int(value)
            for name, value in self.cleaned_data.items()
        }
