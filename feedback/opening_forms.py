"""Forms of a candidate's results: how useful each review is, and one line of reflection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.actions.opening import Word
from feedback.models import Reflection, Usefulness
from feedback.queries.results import WordsOfReview

SKIP = "skip"
NOTE_CHARACTERS = 500
CHOICES = (
    (str(Usefulness.Mark.VERY.value), _("Very")),
    (str(Usefulness.Mark.SOMEWHAT.value), _("Somewhat")),
    (str(Usefulness.Mark.NOT.value), _("Not")),
    (SKIP, _("Skip")),
)


@dataclass(frozen=True)
class Line:
    """One review as the form shows it, with its two fields."""

    words: WordsOfReview
    mark: forms.BoundField
    note: forms.BoundField


class OpeningForm(forms.Form):
    """A word on each review that waits to be opened.

    The page sends along which reviews it showed, as `shown`: one that came in since is in the
    form with nothing chosen, and no mistake.
    """

    def __init__(self, waiting: Sequence[WordsOfReview], data: Any = None) -> None:
        super().__init__(data)
        self._waiting = waiting
        self._shown = set(data.getlist("shown")) if data is not None else set()
        for words in waiting:
            name = str(words.review.public_id)
            self.fields[f"mark-{name}"] = forms.ChoiceField(
                label=_("How useful is this?"),
                choices=CHOICES,
                required=data is None or name in self._shown,
                error_messages={"required": _("Choose one of the four. Skip is one, too.")},
            )
            self.fields[f"note-{name}"] = forms.CharField(
                label=_("A note to the grader"), required=False, max_length=NOTE_CHARACTERS
            )

    @property
    def lines(self) -> Iterator[Line]:
        """Return the reviews in their order, each with its fields."""
        for words in self._waiting:
            name = str(words.review.public_id)
            yield Line(words, self[f"mark-{name}"], self[f"note-{name}"])

    @property
    def words(self) -> dict[UUID, Word]:
        """Return what was said of the reviews that the page showed, once the form is valid."""
        given = self.cleaned_data
        said = {}
        for words in self._waiting:
            name = str(words.review.public_id)
            mark = given[f"mark-{name}"]
            if name in self._shown and mark:
                note = given[f"note-{name}"].replace("\r\n", "\n")
                said[words.review.public_id] = Word(None if mark == SKIP else int(mark), note)
        return said


class ReflectionForm(forms.Form):
    """One line on what was predicted and what came; an empty one takes it away."""

    text = forms.CharField(
        label=_("Why the difference, in one line"),
        required=False,
        max_length=Reflection.LIMIT_CHARACTERS,
    )

    def clean_text(self) -> str:
        """Keep it one line."""
        return " ".join(self.cleaned_data["text"].split())
