"""Where a recording stands between its last byte and its player, in figures and in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from loops import media
from loops.models import Recording, Rendition, Step, Track, Upload
from loops.states import RecordingState

WAS_LEFT = "left"
"""Stands in a recording's error_code where it was closed because nobody went on with it."""

RAW_KEPT = timedelta(days=30)
"""So long after it was found to play in part, or not at all, a recording's original is kept."""

AGAIN = _("Record again, or hand in another file.")
LATER = _("Try again later, or hand in another file.")
FAILURES: dict[str, tuple[str | Promise, str | Promise]] = {
    "bad_log": (_("Its log of events cannot be read."), AGAIN),
    "crashed": (
        _("The server could not read it: it may be damaged, or too large to be read."),
        LATER,
    ),
    "disk_full": (
        _("The server's disk is full."),
        _("Tell your organiser, then try again."),
    ),
    "empty": (
        _("There was nothing in it that could be played."),
        _("Look at the level meter, and record again."),
    ),
    "gave_up": (_("The server tried three times and gave up."), LATER),
    "lost": (_("The server has lost what had arrived of it."), AGAIN),
    "no_streams": (_("It has neither picture nor sound."), AGAIN),
    "not_media": (
        _(
            "It is not a video or sound file of a kind we can play: WebM, MP4, MOV, M4A, Ogg, "
            "MP3 and WAV are."
        ),
        _("Export it as one of these and hand that in."),
    ),
    "picture_too_large": (
        _("Its picture is larger than we can play."),
        _("Export it 1920 points wide or less, and hand that in."),
    ),
    "storage_down": (
        _("The server could not reach its storage."),
        _("Try again in some minutes."),
    ),
    "timed_out": (_("Reading it took too long."), LATER),
    "too_large": (_("Its log of events is larger than the server takes."), AGAIN),
    "too_long": (
        _("It is longer than the %(minutes)s minutes that the server takes."),
        _("Cut it, and hand in the part that matters."),
    ),
    "too_short": (
        _("It was left before five seconds of it had arrived."),
        _("Record again; or try again, to keep even so little."),
    ),
    "truncated": (
        _("It was cut off before anything could be played."),
        _("Hand in the whole file if you have it; else record again."),
    ),
    "unsupported_codec": (
        _("It is coded in a way that browsers cannot play."),
        _("Export it with H.264 and AAC, or VP9 and Opus, and hand that in."),
    ),
}
"""By error code why a recording could not be made playable, and what its candidate can do."""

WORDS: dict[str, str | Promise] = {
    RecordingState.RECORDING: _("It is being recorded or sent; what arrived is safe."),
    RecordingState.UPLOADED: _("It is safe on the server and waits for its turn."),
    RecordingState.READY: _("It is ready to play."),
    RecordingState.READY_PARTIAL: _("It plays, but not all of it is there."),
    RecordingState.DISCARDED: _("It was discarded."),
    RecordingState.ERASED: _("It was erased."),
}


@dataclass(frozen=True)
class RawPart:
    """Bytes as they came that their owner may download."""

    upload_id: UUID
    label: str
    size_bytes: int


@dataclass(frozen=True)
class Standing:
    """How far a recording is on its way to the player.

    `share` goes from 0 to 1 until it plays. `missing` says what a recording that plays in part
    lacks. `received` counts the bytes that arrived, by upload.
    """

    state: str
    share: float
    words: str
    missing: tuple[str, ...]
    raw: tuple[RawPart, ...]
    can_try_again: bool
    received: dict[UUID, int]

    @property
    def percent(self) -> int:
        """Return the share in hundredths."""
        return int(self.share * 100)


@dataclass(frozen=True)
class _Way:
    """A track with its parts, and how far making it seekable is."""

    track: Track
    parts: list[Any]

    @property
    def size(self) -> int:
        return sum(part.received_bytes for part in self.parts)

    @property
    def state(self) -> str:
        return self.parts[0].step_state or ""

    @property
    def share(self) -> float:
        is_over = self.state in {Step.State.DONE, Step.State.FAILED}
        return 1.0 if is_over else self.parts[0].step_progress or 0.0

    @property
    def code(self) -> str:
        return self.parts[0].step_code or ""

    @property
    def is_playable(self) -> bool:
        return bool(self.parts[0].is_playable)


def failure_words(code: str) -> str:
    """Say why a recording could not be made playable, and what to do."""
    return f"{failure_reason(code)} {_failure(code)[1]}"


def failure_reason(code: str) -> str:
    """Say why a recording could not be made playable."""
    return str(_failure(code)[0]) % {"minutes": media.MAX_MINUTES}


def _failure(code: str) -> tuple[str | Promise, str | Promise]:
    return FAILURES.get(code, FAILURES["gave_up"])


def standing(recording: Recording) -> Standing:
    """Return where a recording stands. Asks the database once."""
    ways = _ways(recording)
    missing = _missing(recording, ways) if recording.is_partial else []
    raw = [part for way in ways for part in way.parts if part.is_kept and part.received_bytes]
    return Standing(
        state=recording.state,
        share=_share(recording, ways),
        words=_words(recording, ways),
        missing=tuple(missing),
        raw=tuple(_raw_part(part, len(raw)) for part in raw),
        can_try_again=_can_try_again(recording, ways),
        received={part.public_id: part.received_bytes for way in ways for part in way.parts},
    )


def standing_to_show(recording: Recording | None) -> Standing | None:
    """Return where a recording stands, None where there is nothing to say: it plays, or is gone."""
    is_told = recording is not None and recording.state not in {
        RecordingState.RECORDING,
        RecordingState.READY,
        RecordingState.DISCARDED,
        RecordingState.ERASED,
    }
    return standing(recording) if recording and is_told else None


def waiting_since(moment: datetime) -> QuerySet[Recording]:
    """Return the recordings that came in by then and that no worker has begun."""
    return Recording.objects.filter(state=RecordingState.UPLOADED, state_at__lte=moment)


def _ways(recording: Recording) -> list[_Way]:
    playable = [Rendition.Kind.PLAYABLE, Rendition.Kind.LOG]
    made = Rendition.objects.filter(track=OuterRef("track"), kind__in=playable)
    parts = (
        Upload.objects.filter(track__recording=recording)
        .select_related("track")
        .annotate(
            step=FilteredRelation("track__steps", condition=Q(track__steps__name=Step.Name.REMUX)),
            step_state=F("step__state"),
            step_progress=F("step__progress"),
            step_code=F("step__error_code"),
            is_playable=Exists(made),
        )
        .order_by("track_id", "part_no")
    )
    tracks = groupby(parts, key=lambda part: part.track_id)
    return [_Way(found[0].track, found) for _pk, these in tracks if (found := list(these))]


def _share(recording: Recording, ways: Iterable[_Way]) -> float:
    """Weigh the tracks by their bytes, which is what the work goes by."""
    if recording.state in {RecordingState.RECORDING, RecordingState.UPLOADED}:
        return 0.0
    if recording.state != RecordingState.PROCESSING:
        return 1.0
    whole = sum(way.size for way in ways)
    done = sum(way.size * way.share for way in ways)
    return round(done / whole, 3) if whole else 0.0


def _words(recording: Recording, ways: list[_Way]) -> str:
    if recording.state == RecordingState.FAILED:
        # What was handed in is not recorded again: then only trying again is left.
        say = failure_words if recording.attempt.is_draft else failure_reason
        return say(recording.error_code)
    if recording.state != RecordingState.PROCESSING:
        return str(WORDS[recording.state])
    at_work = [way for way in ways if way.share < 1]
    running = [way for way in at_work if way.state == Step.State.RUNNING]
    if at_work and not running and any(way.code for way in at_work):
        return str(_("The last try did not work. It is tried again by itself; nothing is lost."))
    label = Step.Name.REMUX.label
    words = str(label)[:1].upper() + str(label)[1:]
    named = running or at_work
    if len(ways) > 1 and named:
        words = f"{words}: {named[0].track.get_role_display()}"
    return words


def _missing(recording: Recording, ways: list[_Way]) -> list[str]:
    missing: list[str] = []
    if recording.error_code == WAS_LEFT:
        missing.append(
            str(_("It was left unfinished for three days, and closed with what had arrived."))
        )
    elif recording.is_interrupted:
        missing.append(
            str(_("It was not finished by its recorder. It holds what had arrived on the server."))
        )
    for way in ways:
        prefix = f"{way.track.get_role_display()}: " if len(ways) > 1 else ""
        missing += [(prefix + words)[:1].upper() + (prefix + words)[1:] for words in _lacks(way)]
    return missing


def _lacks(way: _Way) -> list[str]:
    track = way.track
    if not way.is_playable:
        return [failure_reason(way.code or track.error_code)]
    found: list[str] = []
    if track.error_code == "left_out":
        words = _("a part of it could not be read, or did not fit the others, and is left out.")
        found.append(str(words))
    if track.gaps:
        seconds = round(sum(end - start for start, end in track.gaps) / 1000)
        gaps = ngettext(
            "there is a gap of %(seconds)s s, marked on the bar.",
            "there are %(count)s gaps, %(seconds)s s in all, marked on the bar.",
            len(track.gaps),
        )
        found.append(gaps % {"count": len(track.gaps), "seconds": seconds})
    if track.is_partial and not found:
        found.append(str(_("a damaged stretch, or its end, is missing.")))
    return found


def _can_try_again(recording: Recording, ways: list[_Way]) -> bool:
    """Say whether another try may bring more, and the bytes for it are there."""
    parts = [part for way in ways for part in way.parts if part.received_bytes]
    may_help = recording.state == RecordingState.FAILED or (
        recording.is_partial and any(way.track.error_code for way in ways)
    )
    return may_help and bool(parts) and all(part.is_kept for part in parts)


def _raw_part(part: Any, count: int) -> RawPart:
    label = str(part.track.get_role_display())
    if count > 1 and part.part_no > 1:
        label = _("%(what)s, part %(number)s") % {"what": label, "number": part.part_no}
    return RawPart(part.public_id, label, part.received_bytes)
