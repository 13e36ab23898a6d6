"""Forms of asking and answering: a *why?*, its answer, a follow-up question; for shape alone."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.forms import MediaTimeField
from feedback.models import FollowUp, Question

ANSWER_CHARACTERS = 2000


def _text(characters: int, rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "maxlength": characters})


class AskForm(forms.Form):
    """A candidate's *why?*: whom, of which time in the recording, what."""

    review = forms.UUIDField(label=_("Whom you ask"))
    at_ms = MediaTimeField(
        label=_("At"),
        required=False,
        help_text=_("A time in the recording, such as 12:05. Empty asks of the whole answer."),
    )
    text = forms.CharField(
        label=_("Your question"),
        max_length=Question.LIMIT_CHARACTERS,
        widget=_text(Question.LIMIT_CHARACTERS, 3),
        error_messages={"required": _("Write what you want to know.")},
    )

    def __init__(self, data: Any, *, readers: Iterable[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["review"].widget = forms.Select(choices=list(readers))


class AnswerForm(forms.Form):
    """A grader's answer to a *why?*."""

    text = forms.CharField(
        label=_("Your answer"),
        max_length=ANSWER_CHARACTERS,
        widget=_text(ANSWER_CHARACTERS, 4),
        error_messages={"required": _("Write your answer.")},
    )


class FollowUpForm(forms.Form):
    """A grader's follow-up question."""

    text = forms.CharField(
        label=_("Your follow-up question"),
        max_length=FollowUp.CHARACTERS_MOST,
        widget=_text(FollowUp.CHARACTERS_MOST, 3),
        error_messages={"required": _("Write your question.")},
    )
