"""What a player must know of a recording: its sources on one clock, its gaps and its words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, When
from django.db.models.functions import JSONObject

from loops.models import Cue, Recording, Rendition, Track

Sign = Callable[[Rendition], str]
"""Gives the address at which this reader may fetch a file."""

ORDER = {
    Track.Role.CAMERA: 0,
    Track.Role.UPLOAD: 1,
    Track.Role.MICROPHONE: 2,
    Track.Role.SCREEN: 3,
}


@dataclass(frozen=True)
class Strip:
    """A picture of thumbnails: `count` of them, one each `every_ms`, `width` by `height` each."""

    src: str
    columns: int
    rows: int
    count: int
    every_ms: int
    width: int
    height: int


@dataclass(frozen=True)
class Source:
    """One track to play. `start_ms` is where it begins on the recording's clock."""

    role: str
    label: str
    src: str
    content_type: str
    start_ms: int
    duration_ms: int
    poster_src: str
    strip: Strip | None

    @property
    def is_sound(self) -> bool:
        """Say whether it has no picture."""
        return self.content_type.startswith("audio/")


@dataclass(frozen=True)
class Line:
    """One line of the transcript."""

    start_ms: int
    end_ms: int
    speaker: str
    text: str


@dataclass(frozen=True)
class Playback:
    """A recording as a player takes it. The first source is the main one; times are ms."""

    recording_id: UUID
    duration_ms: int
    sources: tuple[Source, ...]
    peaks_src: str
    gaps: tuple[tuple[int, int], ...]
    silences: tuple[tuple[int, int], ...]
    is_partial: bool
    lines: tuple[Line, ...]
    language: str

    @property
    def main(self) -> Source:
        """Return the source that leads the others."""
        return self.sources[0]


def playback(recording: Recording, sign: Sign) -> Playback | None:
    """Return what plays of a recording, None where nothing does. Asks the database once."""
    if not recording.is_ready:
        return None
    tracks = [track for track in _tracks(recording) if Rendition.Kind.PLAYABLE in track.made]
    if not tracks:
        return None
    main = tracks[0]
    begins = min(track.row.start_ms for track in tracks)
    spoken = main.made[Rendition.Kind.PLAYABLE]
    lines: list[dict[str, Any]] = spoken.lines or []  # type: ignore[attr-defined]
    return Playback(
        recording_id=recording.public_id,
        duration_ms=recording.duration_ms or 0,
        sources=tuple(_source(track, begins, sign) for track in tracks),
        peaks_src=_address(main, Rendition.Kind.PEAKS, sign),
        gaps=tuple(sorted(gap for track in tracks for gap in _of(track, "gaps", begins))),
        silences=_of(main, "silences", begins),
        is_partial=recording.is_partial,
        lines=tuple(Line(**line) for line in lines),
        language=(spoken.language or "") if lines else "",  # type: ignore[attr-defined]
    )


@dataclass(frozen=True)
class _Made:
    """A track with its files by kind."""

    row: Track
    made: dict[str, Rendition]


def _tracks(recording: Recording) -> list[_Made]:
    """Return the tracks that a player shows, the main one first, the words with what plays."""
    cues = Cue.objects.filter(transcript__recording=recording.pk).order_by("position")
    names = ("start_ms", "end_ms", "speaker", "text")
    words = ArraySubquery(cues.values(row=JSONObject(**{name: name for name in names})))
    made = Rendition.objects.filter(track__recording=recording, track__role__in=ORDER).annotate(
        lines=Case(When(kind=Rendition.Kind.PLAYABLE, then=words)),
        language=F("track__recording__transcript__language"),
    )
    tracks: dict[int, _Made] = {}
    for rendition in made.select_related("track").order_by("pk"):
        rendition.track.recording = recording
        track = tracks.setdefault(rendition.track_id, _Made(rendition.track, {}))
        track.made[rendition.kind] = rendition
    return sorted(tracks.values(), key=lambda track: ORDER[Track.Role(track.row.role)])


def _source(track: _Made, begins: int, sign: Sign) -> Source:
    playable, strip = track.made[Rendition.Kind.PLAYABLE], track.made.get(Rendition.Kind.STRIP)
    return Source(
        role=track.row.role,
        label=track.row.get_role_display(),
        src=sign(playable),
        content_type=playable.content_type,
        start_ms=track.row.start_ms - begins,
        duration_ms=track.row.duration_ms or 0,
        poster_src=_address(track, Rendition.Kind.POSTER, sign),
        strip=Strip(src=sign(strip), **strip.facts) if strip else None,
    )


def _address(track: _Made, kind: str, sign: Sign) -> str:
    return sign(track.made[kind]) if kind in track.made else ""


def _of(track: _Made, name: str, begins: int) -> tuple[tuple[int, int], ...]:
    """Return spans of a track on the player's clock."""
    by_ms = track.row.start_ms - begins
    return tuple((start + by_ms, end + by_ms) for start, end in getattr(track.row, name))
