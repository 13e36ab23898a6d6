"""Keep the words of a recording: a file's, a person's own, the browser's, a speech engine's.

A person's own words are replaced by a person alone. Their candidate may put them right as long as
the recording is there, after handing in too: captions are for who cannot hear it.
"""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Min
from django.utils.translation import gettext_lazy as _

from loops import media, speech
from loops.actions.events import record
from loops.cues import Cue as SpokenLine
from loops.cues import fitting, language_tag
from loops.errors import Refused
from loops.models import Cue, Recording, Rendition, Track, Transcript, User
from loops.queries.transcripts import LANGUAGE, NONE_YET, spoken
from loops.states import RecordingState

GONE = frozenset({RecordingState.DISCARDED, RecordingState.ERASED})
SPOKEN = frozenset({Track.Role.CAMERA, Track.Role.MICROPHONE, Track.Role.UPLOAD})
"""The tracks on which a member speaks."""
BETTER = {
    Transcript.Source.BROWSER: frozenset(
        {Transcript.Source.FILE, Transcript.Source.TYPED, Transcript.Source.ENGINE}
    ),
    Transcript.Source.ENGINE: frozenset({Transcript.Source.FILE, Transcript.Source.TYPED}),
}
"""What the words of a machine do not replace."""


class TranscriptConflict(Refused):
    """The words were changed in another window since the page was loaded."""

    code = "transcript_conflict"
    message = _(
        "These words were changed since you opened this page, perhaps in another window. Nothing "
        "was overwritten, and what you typed is still here: copy what you need, load the page "
        "again and put it in."
    )


class RecordingGone(Refused):
    """The recording was discarded or erased, and its words with it."""

    code = "gone"
    status = 410
    message = _("This recording was erased, and its words with it. Nothing was kept.")


def longest_ms(recording: Recording) -> int:
    """Return how far words may reach: its length, or that of the longest one until it is known."""
    return recording.duration_ms or media.MAX_MINUTES * 60_000


@transaction.atomic
def replace(
    *,
    recording: Recording,
    cues: Sequence[SpokenLine],
    language: str,
    source: Transcript.Source,
    version: str,
    by: User,
    at: datetime,
) -> Transcript:
    """Keep a person's words in place of what there is; the same words twice are one change.

    `version` is `Transcript.token`, or NONE_YET, as the page was made with it. Raises
    TranscriptConflict or RecordingGone.
    """
    kept = _locked(recording)
    if kept and kept.language == language and spoken(kept.cues.all()) == list(cues):
        return kept
    _check_version(kept, version)
    return _write(recording, kept, cues, language, source, by=by, at=at)


@transaction.atomic
def remove(*, recording: Recording, version: str, by: User, at: datetime) -> None:
    """Take the words away; what is gone stays gone. Raises TranscriptConflict or RecordingGone."""
    kept = _locked(recording)
    if kept is None:
        return
    _check_version(kept, version)
    record("words_removed", recording, by=by, at=at, source=kept.source)
    kept.delete()


@transaction.atomic
def take_browser_cues(
    *, recording: Recording, cues: Sequence[SpokenLine], language: str, by: User, at: datetime
) -> None:
    """Keep what the browser understood while it recorded, where there is nothing better.

    What breaks a limit is dropped, and nothing refused: a caption must not cost a recording.
    """
    _take(recording, cues, language, Transcript.Source.BROWSER, by=by, at=at)


@transaction.atomic
def take_engine_cues(
    *, recording: Recording, cues: Sequence[SpokenLine], language: str, at: datetime
) -> None:
    """Keep what a speech engine understood, unless a person's own words are there."""
    _take(recording, cues, language, Transcript.Source.ENGINE, by=None, at=at)


def hear(
    *, track: Track, path: Path, on_progress: Callable[[float], None], now: Callable[[], datetime]
) -> None:
    """Let the speech engine write down a track of which `path` is the playable file.

    Does nothing where there is no engine, nobody speaks on the track, or a person has written
    the words already. What the engine raises goes on to the step.
    """
    engine = speech.engine()
    kept = Transcript.objects.filter(recording=track.recording_id).first()
    is_settled = kept is not None and kept.source in BETTER[Transcript.Source.ENGINE]
    if engine is None or track.role not in SPOKEN or is_settled:
        return
    language = kept.language if kept else ""
    made = Rendition.Kind.PLAYABLE
    playable = Track.objects.filter(recording=track.recording_id, renditions__kind=made)
    begins = track.start_ms - (playable.aggregate(first=Min("start_ms"))["first"] or 0)
    heard = [
        dataclasses.replace(line, start_ms=line.start_ms + begins, end_ms=line.end_ms + begins)
        for line in engine.transcribe(path, language=language, on_progress=on_progress)
    ]
    take_engine_cues(recording=track.recording, cues=heard, language=language, at=now())


def _take(
    recording: Recording,
    cues: Sequence[SpokenLine],
    language: str,
    source: Transcript.Source,
    *,
    by: User | None,
    at: datetime,
) -> None:
    try:
        kept = _locked(recording)
    except RecordingGone:
        return
    fits = fitting(cues, most_ms=longest_ms(recording))
    if fits and not (kept and kept.source in BETTER[source]):
        _write(recording, kept, fits, language_tag(language) or LANGUAGE, source, by=by, at=at)


def _locked(recording: Recording) -> Transcript | None:
    """Hold the recording, so that two windows write in turn, and return its words."""
    state = Recording.objects.select_for_update().values_list("state", flat=True)
    if state.get(pk=recording.pk) in GONE:
        raise RecordingGone
    return Transcript.objects.filter(recording=recording).first()


def _check_version(kept: Transcript | None, version: str) -> None:
    if (kept.token if kept else NONE_YET) != version:
        raise TranscriptConflict


def _write(
    recording: Recording,
    kept: Transcript | None,
    cues: Sequence[SpokenLine],
    language: str,
    source: Transcript.Source,
    *,
    by: User | None,
    at: datetime,
) -> Transcript:
    transcript = kept or Transcript(recording=recording, version=0)
    transcript.version += 1
    transcript.language = language
    transcript.source = source
    transcript.made_by = by
    transcript.made_at = at
    transcript.save()
    transcript.cues.all().delete()
    Cue.objects.bulk_create(
        Cue(
            transcript=transcript,
            position=position,
            start_ms=cue.start_ms,
            end_ms=cue.end_ms,
            speaker=cue.speaker,
            text=cue.text,
        )
        for position, cue in enumerate(cues, start=1)
    )
    record("words_kept", recording, by=by, at=at, source=source.value, cues=len(cues))
    return transcript
