"""[pure] Media time: as people write it (95 000 ms is 1:35), and where an instant lies in it.

The clock is not read here, and no local time is told.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SPOKEN = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5})")
SECONDS_A_MINUTE = 60


def media_time_words(ms: int) -> str:
    """Write a time, or a length, as m:ss, from one hour on as h:mm:ss. Parts of a second fall."""
    minutes, seconds = divmod(ms // 1000, SECONDS_A_MINUTE)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}"


def media_span_words(start_ms: int, end_ms: int) -> str:
    """Write a span as 1:35–2:20, an instant as 1:35."""
    start, end = media_time_words(start_ms), media_time_words(end_ms)
    return start if start == end else f"{start}–{end}"


def parse_media_time(text: str) -> int:
    """Read m:ss, h:mm:ss or plain seconds as ms. Raises ValueError for anything else.

    Minutes alone may pass 59 (90:00 is an hour and a half); seconds after minutes may not.
    """
    found = SPOKEN.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no media time.")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    has_minutes = found[2] is not None
    has_hours = found[1] is not None
    if (has_minutes and seconds >= SECONDS_A_MINUTE) or (has_hours and minutes >= 60):
        raise ValueError(f"{text!r} is no media time.")
    return ((hours * 60 + minutes) * SECONDS_A_MINUTE + seconds) * 1000


@dataclass(frozen=True)
class Moment:
    """Where an instant lies in a recording, in ms; its first or last one where it lies outside."""

    ms: int
    is_before: bool = False
    is_after: bool = False


def moment_of(
    instant: datetime,
    *,
    started_at: datetime,
    pauses: Sequence[Sequence[int]],
    duration_ms: int,
) -> Moment:
    """Find the media time of an instant, given when its recording started and paused.

    `pauses` are pairs of ms in the order of their media time: where the recorder paused, and how
    long it did. An instant inside a pause lies where the recording paused.
    """
    elapsed_ms = (instant - started_at) // timedelta(milliseconds=1)
    if elapsed_ms < 0:
        return Moment(0, is_before=True)
    paused_ms = 0
    for at_ms, length_ms in pauses:
        since_ms = elapsed_ms - paused_ms - at_ms
        if since_ms < 0:
            break
        if since_ms < length_ms:
            return Moment(min(at_ms, duration_ms))
        paused_ms += length_ms
    media_ms = elapsed_ms - paused_ms
    if media_ms > duration_ms:
        return Moment(duration_ms, is_after=True)
    return Moment(media_ms)
