"""The words of a recording as they are kept, with what tells their state from every other."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from loops.cues import Cue as SpokenLine
from loops.models import Cue, Recording, Transcript

LANGUAGE = "en"
NONE_YET = ""
"""The version of words that are not there."""


@dataclass(frozen=True)
class Words:
    """What is said in a recording; without cues there is no transcript, nor a date of one."""

    cues: list[SpokenLine]
    version: str = NONE_YET
    language: str = LANGUAGE
    source: str = ""
    made_at: datetime | None = None


def words_of(recording: Recording) -> Words:
    """Return the words of a recording; without a transcript they are none."""
    kept = Transcript.objects.filter(recording=recording).prefetch_related("cues").first()
    if kept is None:
        return Words([])
    return Words(
        cues=spoken(kept.cues.all()),
        version=kept.token,
        language=kept.language,
        source=kept.source,
        made_at=kept.made_at,
    )


def spoken(rows: Iterable[Cue]) -> list[SpokenLine]:
    """Return rows as the lines that loops.cues reads and writes."""
    return [SpokenLine(row.start_ms, row.end_ms, row.text, row.speaker) for row in rows]
