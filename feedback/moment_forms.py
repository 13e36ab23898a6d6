"""The form of a moment: what began, and when in the recording or how long ago in a mock."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.actions.moments import Press
from feedback.forms import OLDEST_STAMP, MediaTimeField

PRESSED = re.compile(r"(?P<kind>phase|rung|why)(?::(?P<key>new|[1-9]\d?))?(?:@(?P<ms>\d{1,9}))?")


class MomentForm(forms.Form):
    """What was pressed: a phase ("phase:2", or "phase" for the next), a rung, a why ("why:new").

    A script says when in `ms`, a person in `at` as m:ss, a page of a mock by `stamp` and `age_ms`.
    What is put back after it was removed says it beside the key: "phase:2@95000".
    """

    prefix = "moment"

    what = forms.RegexField(
        PRESSED, error_messages={"required": _("Press what begins then, such as a phase’s name.")}
    )
    at = MediaTimeField(label=_("At"), required=False)
    ms = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    stamp = forms.UUIDField(required=False)
    age_ms = forms.IntegerField(
        required=False, min_value=0, max_value=OLDEST_STAMP // timedelta(milliseconds=1)
    )

    @classmethod
    def is_in(cls, data: Mapping[str, Any]) -> bool:
        """Say whether a moment was pressed."""
        return f"{cls.prefix}-what" in data

    def clean_what(self) -> Press:
        """Read what was pressed."""
        found = PRESSED.fullmatch(self.cleaned_data["what"])
        kind, key = found.group("kind", "key") if found else ("", None)
        is_new_line = kind == "why" and key == "new"
        is_rung = kind == "rung" and key in {"1", "2", "3", "4"}
        is_phase = kind == "phase" and key != "new"
        if not (is_rung or is_phase or kind == "why"):
            raise forms.ValidationError(_("There is no such thing to mark. Nothing was changed."))
        return Press(kind, int(key) if key and not is_new_line else None, is_new_line)

    def clean(self) -> dict[str, Any]:
        """Ask for a time, of one kind or another."""
        given = self.cleaned_data
        if not self.errors and self.at_ms is None and not self.is_stamp:
            self.add_error("at", _("Say when it begins: a time in the recording."))
        return given

    @property
    def is_stamp(self) -> bool:
        """Say whether it was pressed in a mock, as it happened."""
        return self.cleaned_data.get("stamp") is not None

    @property
    def at_ms(self) -> int | None:
        """Return the media time that was given."""
        found = PRESSED.fullmatch(self.data.get(self.add_prefix("what"), ""))
        if found and found["ms"]:
            return int(found["ms"])
        exact: int | None = self.cleaned_data.get("ms")
        typed: int | None = self.cleaned_data.get("at")
        return typed if exact is None else exact

    @property
    def press(self) -> Press:
        """Return what was pressed, once the form is valid."""
        press: Press = self.cleaned_data["what"]
        return press

    @property
    def age(self) -> timedelta:
        """Return how long ago a stamp was pressed."""
        return timedelta(milliseconds=self.cleaned_data["age_ms"] or 0)
