"""The rule of a cohort: for how many days its recordings are kept."""

from django import forms
from django.utils.translation import gettext_lazy as _

from loops.queries.keeping import DAYS_LEAST, DAYS_MOST


class KeepingForm(forms.Form):
    """A number of days; left empty, recordings stay until they are erased."""

    days = forms.IntegerField(
        label=_("Days after handing in"),
        required=False,
        min_value=DAYS_LEAST,
        max_value=DAYS_MOST,
        help_text=_("From 7 to 1095. Empty: recordings stay until their candidates erase them."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
