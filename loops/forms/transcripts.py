"""Words of a recording as a person gives them: a captions file, or typed; for shape and limits."""

from typing import Any

from django import forms
from django.conf.locale import LANG_INFO
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from loops import cues
from loops.cues import BadCues, Cue, Mistake, time_words
from loops.models import Transcript
from loops.queries.transcripts import Words

MISTAKES = {
    Mistake.TOO_LARGE: _("This holds more than %(size)s. Nothing was changed. Make it shorter."),
    Mistake.NOT_TEXT: _(
        "Line %(line)s is not text in UTF-8. Nothing was changed. Is this a captions file? Then "
        "open it in an editor and save it as UTF-8."
    ),
    Mistake.NO_CUES: _(
        "There are no words with a time in it. Nothing was changed. A captions file has lines such "
        "as 00:01:35.000 --> 00:01:38.000 with words below them."
    ),
    Mistake.TOO_MANY: _("From line %(line)s on there are more than the %(cues)s cues we keep."),
    Mistake.TOO_LONG: _(
        "What begins in line %(line)s, “%(shown)s”, is longer than %(characters)s signs. Give it "
        "more times, so that it can be followed."
    ),
    Mistake.NO_SPAN: _(
        "Line %(line)s, “%(shown)s”, is no span of time. Write it as 00:01:35.000 --> 00:01:38.000."
    ),
    Mistake.ENDS_FIRST: _("In line %(line)s, “%(shown)s”, the end lies before the beginning."),
    Mistake.NO_TIME: _(
        "Line %(line)s, “%(shown)s”, comes before any time. Begin it with one, such as 0:00."
    ),
    Mistake.NOT_A_TIME: _(
        "Line %(line)s begins with “%(shown)s”, which is not a time. Write minutes and seconds, "
        "such as 1:05, or begin the line with a word."
    ),
    Mistake.OUT_OF_ORDER: _(
        "The time of line %(line)s, %(shown)s, lies before the one above it. Which is right?"
    ),
    Mistake.BEYOND_THE_END: _(
        "Line %(line)s begins at %(shown)s, and the recording ends at %(end)s."
    ),
}
NO_WORDS = _(
    "There is no line with words. Write one such as “0:00 Good evening.”, or take all words away "
    "with the button below."
)


class WordsForm(forms.Form):
    """What both ways of giving words have in common. `cues` is what was read, once valid.

    `version` tells which words the form was made with.
    """

    version = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    language = forms.ChoiceField(label=_("Language"))

    source: Transcript.Source

    def __init__(self, *args: Any, most_ms: int, kept: Words, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.most_ms = most_ms
        self.kept = kept
        self.cues: list[Cue] = []
        self.fields["version"].initial = kept.version
        self.fields["language"].initial = kept.language
        self.fields["language"].choices = _languages(kept.language)  # type: ignore[attr-defined]

    def refuse(self, field: str, error: BadCues) -> forms.ValidationError:
        """Say what is the matter, and where."""
        no_words = error.mistake == Mistake.NO_CUES and field == "text"
        words = NO_WORDS if no_words else MISTAKES[error.mistake]
        facts = {
            "line": error.line or 1,
            "shown": error.shown,
            "size": filesizeformat(cues.FILE_BYTES),
            "cues": cues.MOST_CUES,
            "characters": cues.TEXT_CHARACTERS,
            "end": time_words(self.most_ms // 1000 * 1000),
        }
        return forms.ValidationError(words, code=error.mistake, params=facts)


class CaptionsFileForm(WordsForm):
    """A WebVTT or SRT file."""

    source = Transcript.Source.FILE
    prefix = "captions"

    file = forms.FileField(
        label=_("Captions file"),
        help_text=_("WebVTT or SRT, up to 1 MB. It replaces the words that are there."),
        widget=forms.FileInput(attrs={"accept": ".vtt,.srt,text/vtt"}),
        error_messages={
            "required": _("Choose a file first."),
            "empty": _("This file is empty. Nothing was changed; choose another one."),
        },
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        """Read the file."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        content = file.read(cues.FILE_BYTES + 1)
        try:
            self.cues = cues.read_file(content, most_ms=self.most_ms)
        except BadCues as error:
            raise self.refuse("file", error) from error
        return file


class TypedForm(WordsForm):
    """A transcript as text, a line such as "1:35 Mara: Who decides?" for each thing said."""

    source = Transcript.Source.TYPED
    text = forms.CharField(
        label=_("A line for each thing said"),
        help_text=_(
            "Begin it with its time, and with a name where several speak: “1:35 Mara: Who "
            "decides?” A line without a time goes on with the one above."
        ),
        strip=False,
        error_messages={"required": NO_WORDS},
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "true", "class": "input--words"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].initial = cues.write_typed(self.kept.cues)

    def clean_text(self) -> str:
        """Read what was typed."""
        text: str = self.cleaned_data["text"]
        try:
            self.cues = cues.read_typed(text, most_ms=self.most_ms, before=self.kept.cues)
        except BadCues as error:
            raise self.refuse("text", error) from error
        return text


def _languages(kept: str) -> list[tuple[str, Any]]:
    """Return languages by their own names, and the one that is kept should it be another."""
    known = {tag: info["name_local"] for tag, info in LANG_INFO.items() if "name_local" in info}
    named = sorted(known.items(), key=lambda one: one[1].casefold())
    return named if kept in known else [(kept, kept), *named]
