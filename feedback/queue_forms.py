"""Forms around the queue: whom one cannot grade, a cohort's rules, reports; for shape."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.models import GradingRules, Report

WORDS_MOST = 500


class DeclareForm(forms.Form):
    """Whom the member cannot fairly grade."""

    person = forms.ChoiceField(
        label=_("Who it is"),
        error_messages={
            "required": _("Choose somebody."),
            "invalid_choice": _("Choose somebody of the list. Nothing was declared."),
        },
    )

    def __init__(self, *args: Any, others: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("Choose a member")), *others]
        self.fields["person"].choices = choices  # type: ignore[attr-defined]


class RulesForm(forms.Form):
    """How many reviews an answer gets, and whether only trained members give them."""

    reviews_wanted = forms.TypedChoiceField(
        coerce=int,
        choices=[
            (str(n), str(n))
            for n in range(GradingRules.REVIEWS_LEAST, GradingRules.REVIEWS_MOST + 1)
        ],
        error_messages={
            "required": _("Choose two, three or four."),
            "invalid_choice": _("Choose two, three or four. The rules stay as they were."),
        },
    )
    requires_unlock = forms.BooleanField(required=False)


class OfReviewForm(forms.Form):
    """The review whose candidate is declared."""

    review = forms.UUIDField()


class WordsField(forms.CharField):
    """A few words of the person's own, which may be none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "max_length": WORDS_MOST, **kwargs})

    def to_python(self, value: Any) -> str:
        """Keep one kind of line end, as browsers count it."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


class ReportForm(forms.Form):
    """What is wrong with an answer."""

    prefix = "report"

    kind = forms.ChoiceField(choices=Report.Kind)
    note = WordsField()


class ContestForm(forms.Form):
    """Why a report is contested."""

    prefix = "contest"

    because = WordsField()
