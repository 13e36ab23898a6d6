"""Mocks: what is proposed, how it is answered, where the two talk."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from loops.models import Mock

ONLY_INTERVIEW = "none"
SLOT_MINUTES = 15
YEARS = range(1900, 3000)
"""A time near the ends of the calendar is none of a page, and no clock could move it."""


class StartField(forms.Field):
    """The start of a slot, as the page's own form sends it: an instant with its offset."""

    default_error_messages = {
        "required": _("Choose one of the times."),
        "invalid": _("This is none of the times on the page. Choose one of them."),
    }

    def to_python(self, value: object) -> datetime | None:
        """Return the instant in UTC."""
        if value in self.empty_values:
            return None
        try:
            instant = datetime.fromisoformat(str(value))
            if instant.tzinfo is None:
                raise ValueError("a local time")
            if instant.year not in YEARS:
                raise ValueError("no year to reckon in")
            instant = instant.astimezone(UTC)
            if instant.minute % SLOT_MINUTES or instant.second or instant.microsecond:
                raise ValueError("between two slots")
            return instant
        except (ValueError, OverflowError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class VideoRoomField(forms.URLField):
    """The address of a page on the web. Whose page it is must be plain to see: no names in it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("max_length", Mock._meta.get_field("video_url").max_length)
        super().__init__(assume_scheme="https", **kwargs)
        self.validators = [
            URLValidator(schemes=["http", "https"]) if isinstance(one, URLValidator) else one
            for one in self.validators
        ]
        self.error_messages["invalid"] = _(
            "This is not the address of a page. It begins with https:// and names a site, as in "
            "https://meet.example.org/our-room."
        )

    def clean(self, value: object) -> str:
        """Refuse an address that carries a name or a password before its host."""
        url = str(super().clean(value) or "")
        if url and (urlsplit(url).username is not None or not video_host(url)):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return url


def video_host(url: str) -> str:
    """Return the host that a video room is on, as people should read it; empty for none."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme in {"http", "https"} else ""
    except ValueError:
        return ""


class TimeForm(forms.Form):
    """A time out of those on the page."""

    starts_at = StartField()


class ProposeForm(TimeForm):
    """A new mock: the time, and what the partner should know."""

    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=Mock._meta.get_field("note").max_length,
        help_text=_("For your partner: what you want to be pushed on, for example."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    video_url = VideoRoomField(
        label=_("Video room"),
        help_text=_("A link to the room you both join. Either of you can set it later."),
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
    )


class RoomForm(forms.Form):
    """Where the two of a mock talk."""

    video_url = VideoRoomField(
        label=_("Address"),
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
    )


class AnswerForm(forms.Form):
    """What somebody says to a proposal. `round` is asked where roles may be swapped."""

    ANSWERS = ("accept", "decline", "take_back")

    proposal = forms.UUIDField()
    answer = forms.ChoiceField(choices=[(one, one) for one in ANSWERS])
    round = forms.CharField(required=False)

    def __init__(
        self, *args: Any, rounds: Iterable[UUID] = (), asks_round: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._rounds = {str(one) for one in rounds}
        self._asks_round = asks_round

    def clean(self) -> dict[str, Any]:
        """Have who accepts an offer to swap say what they answer, or that they only ask."""
        cleaned = super().clean() or self.cleaned_data
        chosen = cleaned.get("round", "")
        if self._asks_round and cleaned.get("answer") == "accept":
            if chosen not in self._rounds | {ONLY_INTERVIEW}:
                self.add_error(
                    "round",
                    _("Choose which round you answer, or that you only interview this time."),
                )
        elif chosen not in self._rounds:
            chosen = ""
        cleaned["round"] = "" if chosen == ONLY_INTERVIEW else chosen
        return cleaned
