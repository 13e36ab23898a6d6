"""[pure] Media time as people write it: 95 000 ms is 1:35. Dates and clocks are not here."""

import re

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
