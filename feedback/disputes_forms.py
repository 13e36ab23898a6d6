"""Forms of appeals and debriefs; for shape. Whether one may, and when, the actions say."""

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.actions.debriefs import Now
from feedback.forms import DIMENSION, NOT_OBSERVED, MediaTimeField
from feedback.models import DebriefMessage, GradeAppeal, Review
from feedback.queries.side_by_side import Column, SideBySide
from rubrics.models import Dimension

ANSWER_LEAST = 40
ANSWER_MOST = 3000


class TextField(forms.CharField):
    """A text of several lines; kept with one kind of line end, so that it counts as it is read."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), **kwargs)

    def to_python(self, value: Any) -> Any:
        """Return the text with its line ends made one kind."""
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class AppealForm(forms.Form):
    """Why another reader should look, and at which part of the recording."""

    start = MediaTimeField(
        label=_("From"), error_messages={"required": _("Say where it begins, such as 12:30.")}
    )
    end = MediaTimeField(
        label=_("To"), error_messages={"required": _("Say where it ends, such as 14:05.")}
    )
    text = TextField(
        label=_("What was missed, or read otherwise than you meant it"),
        rows=7,
        min_length=GradeAppeal.CHARACTERS_LEAST,
        max_length=GradeAppeal.CHARACTERS_MOST,
        error_messages={
            "required": _("Say what another reader should look at."),
            "min_length": _(
                "At least %(limit_value)d characters, please; these are %(show_value)d. Name the "
                "moment, what a review says of it, and what you think it shows."
            ),
        },
    )

    def clean(self) -> dict[str, Any]:
        """Ask for a part that has a length."""
        given = self.cleaned_data
        start, end = given.get("start"), given.get("end")
        if start is not None and end is not None and end <= start:
            self.add_error("end", _("The end does not lie after the beginning."))
        return given


class AnswerForm(forms.Form):
    """How a handler reads the answer beside the first graders, and why."""

    outcome = forms.ChoiceField(
        label=_("Beside the reviews appealed against"),
        choices=GradeAppeal.Outcome,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of the three.")},
    )
    text = TextField(
        label=_("Your answer to the candidate"),
        rows=6,
        min_length=ANSWER_LEAST,
        max_length=ANSWER_MOST,
        error_messages={
            "required": _("Say in a few sentences what you found."),
            "min_length": _(
                "At least %(limit_value)d characters, please; these are %(show_value)d. Say what "
                "you saw in the part they name."
            ),
        },
    )


class MessageForm(forms.Form):
    """A message to the other graders; `key` is drawn with the form, so that it is sent once."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    text = TextField(
        label=_("Your message"),
        rows=4,
        max_length=DebriefMessage.LIMIT_CHARACTERS,
        error_messages={"required": _("Write something first.")},
    )


class RevisionForm(forms.Form):
    """What a grader would say now; it begins with what they said last.

    A field for each dimension is called `dimension-<key>`, as on the scorecard.
    """

    verdict = forms.ChoiceField(
        label=_("Verdict"),
        choices=Review.Verdict,
        widget=forms.RadioSelect,
        error_messages={"required": _("Give your verdict at the target level.")},
    )
    level_given = forms.TypedChoiceField(
        label=_("Highest level at which you would say yes"),
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a level.")},
    )

    def __init__(self, *args: Any, beside: SideBySide, **kwargs: Any) -> None:
        mine = beside.mine
        if mine is not None:
            kwargs.setdefault("initial", _said_last(mine))
        super().__init__(*args, **kwargs)
        ranks = [(str(rank), label) for rank, label in enumerate(beside.labels)]
        self.fields["level_given"].choices = ranks  # type: ignore[attr-defined]
        self._dimensions: Mapping[str, Dimension] = {
            f"{DIMENSION}{row.dimension.key}": row.dimension for row in beside.rows
        }
        for name, dimension in self._dimensions.items():
            self.fields[name] = forms.ChoiceField(
                label=dimension.label,
                choices=[*ranks, (NOT_OBSERVED, _("Not observed"))],
                widget=forms.RadioSelect,
                error_messages={"required": _("Choose a level, or “not observed”.")},
            )

    @property
    def dimensions(self) -> list[tuple[Dimension, forms.BoundField]]:
        """Return each dimension with its field, in the rubric's order."""
        return [(dimension, self[name]) for name, dimension in self._dimensions.items()]

    @property
    def now(self) -> Now:
        """Return what `revise` takes, once the form is valid."""
        given = self.cleaned_data
        return Now(
            verdict=given["verdict"],
            level_given_rank=given["level_given"],
            ratings={
                dimension.key: None if given[name] == NOT_OBSERVED else int(given[name])
                for name, dimension in self._dimensions.items()
            },
        )


def _said_last(mine: Column) -> dict[str, Any]:
    said = mine.review.revision if mine.is_revised else mine.review
    ranks = mine.revised_ranks if mine.is_revised else mine.ranks
    return {
        "verdict": said.verdict,
        "level_given": str(said.level_given_rank),
        **{
            f"{DIMENSION}{key}": NOT_OBSERVED if rank is None else str(rank)
            for key, rank in ranks.items()
        },
    }
