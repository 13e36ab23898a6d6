"""Forms of feedback: the scorecard, the mark and the stamp, the interviewer's card; for shape.

What a review needs to be handed in is for the actions to say.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.actions.reviews import Draft
from feedback.media_time import media_time_words, parse_media_time
from feedback.models import InterviewerCard, Review
from feedback.queries.grading import DimensionCard, GradingPage, Rubric
from rubrics.models import Dimension, Downcode

NOT_OBSERVED = "none"
DIMENSION = "dimension-"
SUMMARY_CHARACTERS = 4000
NOTE_CHARACTERS = 500
CARD_CHARACTERS = 1000
OLDEST_STAMP = timedelta(hours=12)
QUOTE_CHARACTERS = 2000


class ClaimForm(forms.Form):
    """Which round kind the next answer should be of; an unknown one means any."""

    kind = forms.SlugField(required=False)


class MediaTimeField(forms.CharField):
    """A time in the recording typed as minutes and seconds; cleans to ms, or None when empty."""

    default_error_messages = {
        "invalid": _("“%(value)s” is not a time. Write minutes and seconds, such as 12:05.")
    }

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(
            attrs={"inputmode": "text", "placeholder": "m:ss", "autocomplete": "off", "size": 7}
        )
        super().__init__(**{"widget": widget, "max_length": 12, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        """Show ms as people write them."""
        return media_time_words(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        """Return the time in ms."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_media_time(text)
        except ValueError as error:
            raise forms.ValidationError(
                self.error_messages["invalid"], code="invalid", params={"value": text}
            ) from error


class ScorecardForm(forms.Form):
    """The whole scorecard. Everything may be left open: it is a draft until it is handed in.

    A field for each dimension is called `dimension-<key>`; its values are the ranks and
    "none" for *not observed*.
    """

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    downcodes = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    verdict = forms.ChoiceField(
        choices=Review.Verdict, required=False, widget=forms.RadioSelect, label=_("Verdict")
    )
    level_given = forms.TypedChoiceField(
        coerce=int, empty_value=None, required=False, widget=forms.RadioSelect
    )
    confidence = forms.ChoiceField(
        choices=Review.Confidence, required=False, widget=forms.RadioSelect, label=_("Confidence")
    )
    summary = forms.CharField(
        label=_("Summary for the candidate"),
        required=False,
        max_length=SUMMARY_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def __init__(self, *args: Any, rubric: Rubric, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ranks = [(str(rank), label) for rank, label in enumerate(rubric.labels)]
        for dimension in rubric.dimensions:
            self.fields[f"{DIMENSION}{dimension.key}"] = forms.ChoiceField(
                label=dimension.label,
                choices=[*ranks, (NOT_OBSERVED, _("Not observed"))],
                required=False,
                widget=forms.RadioSelect,
            )
        signals = [(downcode.key, downcode.text) for downcode in rubric.downcodes]
        self.fields["downcodes"].choices = signals  # type: ignore[attr-defined]
        self.fields["level_given"].choices = ranks  # type: ignore[attr-defined]

    @classmethod
    def of(cls, page: GradingPage) -> "ScorecardForm":
        """Return the form with what is kept of the review."""
        return cls(rubric=page.rubric, initial=_initial(page))

    def clean_summary(self) -> str:
        """Keep one kind of line end: browsers send another with a form than with a script."""
        summary: str = self.cleaned_data["summary"]
        return summary.replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """Refuse ratings of dimensions that this edition does not have."""
        sent = {name for name in self.data if name.startswith(DIMENSION)}
        if sent - set(self.fields):
            raise forms.ValidationError(
                _(
                    "This form rates something that the rubric of this answer does not have. "
                    "Nothing was changed. Load the page again."
                )
            )
        return super().clean() or self.cleaned_data

    @property
    def draft(self) -> Draft:
        """Return what the form says, once it is valid."""
        given = self.cleaned_data
        rated = {
            name.removeprefix(DIMENSION): value
            for name, value in given.items()
            if name.startswith(DIMENSION) and value
        }
        return Draft(
            ratings={
                key: None if value == NOT_OBSERVED else int(value) for key, value in rated.items()
            },
            downcodes=frozenset(given["downcodes"]),
            verdict=given["verdict"],
            confidence=given["confidence"],
            level_given_rank=given["level_given"],
            summary=given["summary"],
        )


class MarkForm(forms.Form):
    """A piece of evidence: when in the recording, which words or both, and what it is about."""

    prefix = "mark"

    start = MediaTimeField(label=_("From"), required=False)
    end = MediaTimeField(label=_("To"), required=False)
    about = forms.ChoiceField(label=_("About"))
    note = forms.CharField(
        label=_("What you saw"),
        required=False,
        max_length=NOTE_CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    quote = forms.CharField(
        label=_("Quote"),
        required=False,
        max_length=QUOTE_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, rubric: Rubric, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False  # the scorecard around it is saved without a mark too
        self._abouts = _abouts(rubric)
        self.fields["about"].choices = _about_choices(self._abouts)  # type: ignore[attr-defined]

    @property
    def is_filled(self) -> bool:
        """Say whether somebody has begun a mark: `about` alone is only where the page stood."""
        names = ("start", "end", "note", "quote")
        return any(self.data.get(self.add_prefix(name), "").strip() for name in names)

    def clean_quote(self) -> str:
        """Keep one kind of line end."""
        quote: str = self.cleaned_data["quote"]
        return quote.replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        """Ask for a time, a quote, or words said at a time; the end after the start."""
        given = self.cleaned_data
        start, end, quote = (given.get(name) for name in ("start", "end", "quote"))
        if not self.errors:
            if start is None and end is not None:
                self.add_error("start", _("Say where it begins, too."))
            elif start is None and not quote:
                self.add_error("start", _("Give a time in the recording, or quote some words."))
            elif start is not None and end is not None and end < start:
                self.add_error("end", _("The end lies before the beginning."))
        return given

    @property
    def mark(self) -> dict[str, Any]:
        """Return what `mark_evidence` takes, once the form is valid."""
        about = self._abouts[self.cleaned_data["about"]]
        return {
            "dimension" if isinstance(about, Dimension) else "downcode": about,
            "start_ms": self.cleaned_data["start"],
            "end_ms": self.cleaned_data["end"],
            "note": self.cleaned_data["note"],
            "quote": self.cleaned_data["quote"],
        }

    @property
    def downcode_key(self) -> str:
        """Return the key of the signal that the mark points at, if it points at one."""
        about = self._abouts[self.cleaned_data["about"]]
        return about.key if isinstance(about, Downcode) else ""


class StampForm(forms.Form):
    """The mark of a mock: the instant of the press, what it is about, and a note.

    `stamp` is drawn with the form, or by a script for each press. `age_ms` is for how long it
    had to wait, by the clock of the browser, until it could be sent.
    """

    prefix = "mark"

    stamp = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    age_ms = forms.IntegerField(
        required=False, min_value=0, max_value=OLDEST_STAMP // timedelta(milliseconds=1)
    )
    about = forms.ChoiceField(label=_("About"))
    note = forms.CharField(
        label=_("What you saw"),
        required=False,
        max_length=NOTE_CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, rubric: Rubric, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False  # as the mark's
        self._abouts = _abouts(rubric)
        self.fields["about"].choices = _about_choices(self._abouts)  # type: ignore[attr-defined]

    @classmethod
    def is_in(cls, data: Mapping[str, Any]) -> bool:
        """Say whether what was sent comes from a page with stamps."""
        return f"{cls.prefix}-stamp" in data

    @property
    def is_filled(self) -> bool:
        """Say whether something was typed for it, though no stamp was pressed."""
        return bool(self.data.get(self.add_prefix("note"), "").strip())

    @property
    def mark(self) -> dict[str, Any]:
        """Return what `stamp` takes, once the form is valid."""
        about = self._abouts[self.cleaned_data["about"]]
        return {
            "stamp_id": self.cleaned_data["stamp"],
            "age": timedelta(milliseconds=self.cleaned_data["age_ms"] or 0),
            "dimension" if isinstance(about, Dimension) else "downcode": about,
            "note": self.cleaned_data["note"],
        }

    @property
    def downcode_key(self) -> str:
        """Return the key of the signal that the stamp points at, if it points at one."""
        about = self._abouts[self.cleaned_data["about"]]
        return about.key if isinstance(about, Downcode) else ""


class CardForm(forms.Form):
    """What a candidate says of their interviewer: four items and a note."""

    note = forms.CharField(
        label=_("What helped, and what to do otherwise"),
        required=False,
        max_length=CARD_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        note = self.fields.pop("note")
        for item, label in InterviewerCard.LABELS.items():
            self.fields[item] = forms.TypedChoiceField(
                label=label,
                help_text=CARD_HELP[item],
                coerce=int,
                choices=[*reversed(InterviewerCard.Mark.choices)],
                widget=forms.RadioSelect,
                error_messages={"required": _("Choose one of the three.")},
            )
        self.fields["note"] = note

    @property
    def items(self) -> list[forms.BoundField]:
        """Return the fields of the four items."""
        return [self[item] for item in InterviewerCard.ITEMS]

    @property
    def marks(self) -> dict[str, int]:
        """Return what was chosen, by item, once the form is valid."""
        return {item: self.cleaned_data[item] for item in InterviewerCard.ITEMS}

    def clean_note(self) -> str:
        """Keep one kind of line end."""
        note: str = self.cleaned_data["note"]
        return note.replace("\r\n", "\n")


CARD_HELP = {
    "kept_time": _("Began on time, moved on where a phase ran over, left time to talk."),
    "fair_hints": _("Let you think first, and helped by steps rather than by the answer."),
    "probed_for_level": _("Asked on until it showed how far you reach, not only that it works."),
    "feedback_specific": _("Named moments and words, so that you know what to do next time."),
}


class AbsentForm(forms.Form):
    """How the evening goes on without the other: with somebody on standby, or alone."""

    STANDBY, ALONE = "standby", "alone"

    way = forms.ChoiceField(choices=[(STANDBY, STANDBY), (ALONE, ALONE)])
    round = forms.UUIDField(required=False)


def dimension_field(card: DimensionCard) -> str:
    """Return the name of a dimension's field on the scorecard."""
    return f"{DIMENSION}{card.dimension.key}"


def _initial(page: GradingPage) -> dict[str, Any]:
    review = page.review
    ratings = {
        f"{DIMENSION}{key}": NOT_OBSERVED if rank is None else str(rank)
        for key, rank in page.kept.ranks.items()
    }
    return {
        **ratings,
        "version": review.draft_version,
        "downcodes": sorted(page.kept.ticked),
        "verdict": review.verdict,
        "confidence": review.confidence,
        "level_given": "" if review.level_given_rank is None else str(review.level_given_rank),
        "summary": review.summary,
    }


def _abouts(rubric: Rubric) -> dict[str, Dimension | Downcode]:
    return {
        **{f"dimension:{one.key}": one for one in rubric.dimensions},
        **{f"signal:{one.key}": one for one in rubric.downcodes},
    }


def _about_choices(abouts: Mapping[str, Dimension | Downcode]) -> list[Any]:
    return [
        (_("Dimensions"), _choices(abouts, Dimension)),
        (_("Signals"), _choices(abouts, Downcode)),
    ]


def _choices(
    abouts: Mapping[str, Dimension | Downcode], kind: type[Dimension | Downcode]
) -> Iterable[tuple[str, str]]:
    return [(value, str(about)) for value, about in abouts.items() if isinstance(about, kind)]
