"""Looks into what was recorded and makes it playable, in child processes with limits.

The codecs run in the children alone (`loops.remuxing`, `loops.sounding`, `loops.picturing` and
`loops.event_logs`); this module imports none of them, so the web process may use it to judge the
first bytes of an upload.
"""

import json
import os
import re
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

MAX_MINUTES = 90
MAX_SECONDS = MAX_MINUTES * 60 + 120  # a little grace: nobody loses an answer by a breath
WALL_SECONDS = 120
WALL_BYTES_A_SECOND = 2 * 1024 * 1024
WALL_MOST_SECONDS = 840  # of one step; settings give the task of several fifty minutes
TELL_LEAST_SECONDS = 10
HEAD_BYTES = 12
EVENT_LOG_MAX_BYTES = 50 * 1024 * 1024

ROOM_BYTES = 16 * 1024 * 1024  # that a child may write beyond the size of its sources
LONGEST_LINE_BYTES = 1024 * 1024  # of what a child tells
LAST_WORDS_BYTES = 500

ERROR_CODES = frozenset(
    {
        "bad_log",  # a line of an event log is none; the detail names it
        "crashed",  # the child died or ran out of memory
        "disk_full",  # no room for the result: worth another try later
        "empty",  # no bytes, or nothing in them can be played
        "no_streams",  # neither picture nor sound
        "not_media",  # not a file of a kind that is taken
        "picture_too_large",
        "timed_out",
        "too_large",  # an event log above EVENT_LOG_MAX_BYTES
        "too_long",
        "truncated",  # cut off before anything could be played
        "unsupported_codec",
    }
)
PASSING_CODES = frozenset({"crashed", "disk_full", "timed_out"})
"""The codes that blame the machine and not the file: another try may go better."""

Result = TypeVar("Result")
Progress = Callable[[float], object]
"""Is told a few times a second which share of the work is done, from 0 to 1.

While nothing can be told, as an index is moved to the front of a large file, it is told the same
share every few seconds: who holds the work by a lease holds on.
"""

_EVENT_LOG_HEAD = re.compile(rb"\[\s*(\d+\s*(,.*)?)?", re.DOTALL)


class MediaError(Exception):
    """A file cannot be made playable. `code` is one of ERROR_CODES; the text is for the log."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Part:
    """One of the files that make a track, and where on the recording's clock it begins."""

    path: Path
    start_ms: int = 0


@dataclass(frozen=True)
class Media:
    """What is known of a file. Times are whole ms of media time, from the file's beginning."""

    content_type: str
    """Of the remuxed file; audio/… where there is no picture."""
    suffix: str
    """Of the remuxed file, with its dot."""
    start_ms: int
    """Of the first part that is in the file, on the recording's clock."""
    duration_ms: int
    size_bytes: int
    video_codec: str
    """Empty where there is no picture; so with `audio_codec` and no sound."""
    audio_codec: str
    width: int
    height: int
    gaps: list[list[int]]
    """Starts and ends of the stretches of a second or more that hold nothing at all.

    A picture without sound stands until the next one: there a stretch counts where bytes are
    damaged, or between two parts.
    """
    is_partial: bool
    """Something that was recorded is missing: an end, a damaged stretch, a whole part."""
    left_out: list[int]
    """Positions, from 0, of the parts that cannot be read or do not fit the others."""


@dataclass(frozen=True)
class Sound:
    """What can be heard in a file. Without a sound all is empty, and no peaks are written."""

    has_sound: bool
    loudness_lufs: float | None
    """Integrated, after EBU R 128; None where nothing is loud enough to be measured."""
    silences: list[list[int]]
    """Starts and ends, in ms, of five seconds or more without anything to be heard."""
    silent_share: float
    """The silences' share of the sound's length, from 0 to 1."""
    peaks: dict[str, int]
    """The facts of the peaks: bucket_ms and count."""


@dataclass(frozen=True)
class Picture:
    """What can be seen in a file. Without a picture all is empty, and nothing is written."""

    has_picture: bool
    poster: dict[str, int]
    """The facts of the poster: width and height."""
    strip: dict[str, int]
    """The facts of the strip: columns, rows, count, every_ms, width and height of a thumbnail."""


@dataclass(frozen=True)
class EventLog:
    """A replayable log of events, checked and packed."""

    count: int
    duration_ms: int
    size_bytes: int
    """Of the packed file."""
    is_partial: bool
    """The last line was cut off and is left out."""


def sniff(head: bytes) -> str | None:
    """Name the demuxer for a file by its first HEAD_BYTES bytes, or None where no kind fits.

    A name or a claimed type is never asked, and FFmpeg is never left to guess: a playlist in
    disguise would make it open other files.
    """
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if head[4:8] == b"ftyp":
        return "mov"
    if head.startswith(b"OggS"):
        return "ogg"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    if head.startswith(b"ID3") or _is_mp3_frame(head):
        return "mp3"
    return None


def may_be_media(head: bytes) -> bool:
    """Say whether a file that begins so may be taken; a beginning too short to tell may."""
    return len(head) < HEAD_BYTES or sniff(head) is not None


def may_be_event_log(head: bytes) -> bool:
    """Say whether a log of events may begin so; a beginning too short to tell may."""
    return not head or _EVENT_LOG_HEAD.fullmatch(head[:HEAD_BYTES]) is not None


def probe(path: Path, *, max_seconds: int = MAX_SECONDS) -> Media:
    """Read a whole file without decoding more than its first frames. Raises MediaError."""
    request = {"parts": [[str(path.resolve()), 0]], "target": None, "max_seconds": max_seconds}
    return _in_child("remuxing", Media, request, [path], [])


def remux(
    sources: Sequence[Part],
    target: Path,
    *,
    on_progress: Progress | None = None,
    max_seconds: int = MAX_SECONDS,
) -> Media:
    """Join the parts of a track in one seekable file at `target` and describe that file.

    Nothing is transcoded. The target has a duration and its index in front; it holds one picture
    and one sound at most, and none of the sources' metadata. It begins with the first part; each
    other part lies where its `start_ms` says, or at the end of what came before where that is
    later. Of a damaged part the good stretches are kept; a part that cannot be read, or does not
    fit those before it, is left out. Raises MediaError where nothing is left, and leaves no
    target then.
    """
    request = {
        "parts": [[str(part.path.resolve()), part.start_ms] for part in sources],
        "target": str(target.resolve()),
        "max_seconds": max_seconds,
    }
    paths = [part.path for part in sources]
    return _in_child("remuxing", Media, request, paths, [target], on_progress=on_progress)


def sound(path: Path, peaks_target: Path, *, on_progress: Progress | None = None) -> Sound:
    """Listen to a file once: how loud it is, where it is silent, and its waveform.

    `peaks_target` gets JSON {"version": 1, "bucket_ms": …, "peaks": [0..255, …]}, at most 2,000
    of them. Raises MediaError, and leaves no target then.
    """
    request = {"path": str(path.resolve()), "target": str(peaks_target.resolve())}
    return _in_child("sounding", Sound, request, [path], [peaks_target], on_progress=on_progress)


def picture(
    path: Path,
    poster_target: Path,
    strip_target: Path,
    *,
    on_progress: Progress | None = None,
) -> Picture:
    """Take a poster and a strip of thumbnails, both JPEG. Raises MediaError, no target then."""
    request = {
        "path": str(path.resolve()),
        "poster": str(poster_target.resolve()),
        "strip": str(strip_target.resolve()),
    }
    targets = [poster_target, strip_target]
    return _in_child("picturing", Picture, request, [path], targets, on_progress=on_progress)


def event_log(path: Path, target: Path, *, on_progress: Progress | None = None) -> EventLog:
    """Check a log of lines [t_ms, operation, …] and pack it with gzip into `target`.

    Raises MediaError; the detail of its code "bad_log" begins with the line's number. No target
    is left then.
    """
    request = {"path": str(path.resolve()), "target": str(target.resolve())}
    return _in_child("event_logs", EventLog, request, [path], [target], on_progress=on_progress)


def synthesise_demo(
    path: Path, seconds: int, *, seed: int = 0, has_picture: bool = True, hush: range = range(0)
) -> None:
    """Draw a speaking-clock recording of whole seconds: the same bytes for the same arguments.

    Nothing is to be heard during the seconds of `hush`.
    """
    from loops import speaking_clock  # noqa: PLC0415 - numpy and the codecs, only where drawn

    speaking_clock.draw(path, seconds, seed=seed, has_picture=has_picture, hush=hush)


def _is_mp3_frame(head: bytes) -> bool:
    if len(head) < HEAD_BYTES or head[0] != 0xFF:
        return False
    is_layer_3 = head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    return is_layer_3 and bit_rate not in {0, 15} and sample_rate != 3


def _in_child(
    program: str,
    shape: type[Result],
    request: dict[str, Any],
    sources: Sequence[Path],
    targets: Sequence[Path],
    *,
    on_progress: Progress | None = None,
) -> Result:
    """Run one of the child programs; whatever goes wrong, neither it nor a target is left."""
    try:
        facts = _run(program, request, sources, on_progress)
        try:
            return shape(**facts)
        except TypeError as error:
            raise MediaError("crashed", f"it tells another result: {error}") from error
    except BaseException:
        for target in targets:
            target.unlink(missing_ok=True)
        raise


def _run(
    program: str,
    request: dict[str, Any],
    sources: Sequence[Path],
    on_progress: Progress | None,
) -> dict[str, Any]:
    size = sum(path.stat().st_size for path in sources if path.exists())
    deadline = time.monotonic() + min(WALL_SECONDS + size / WALL_BYTES_A_SECOND, WALL_MOST_SECONDS)
    request = {**request, "most_bytes": size + size // 4 + ROOM_BYTES}
    with (
        tempfile.TemporaryFile() as last_words,
        subprocess.Popen(  # noqa: S603 - our own module, with paths made from our keys
            [sys.executable, "-m", f"loops.{program}", json.dumps(request)],
            cwd=Path(__file__).resolve().parent.parent,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            stdin=subprocess.PIPE,  # never written: it ends when this process does
            stdout=subprocess.PIPE,
            stderr=last_words,
        ) as child,
    ):
        try:
            told = _listen(child, deadline, on_progress or (lambda share: None))
            status = child.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired as error:
            raise MediaError("timed_out") from error
        finally:
            child.kill()
        if status != 0 or told is None or "progress" in told:
            raise MediaError("crashed", f"exit {status} {_end_of(last_words)}")
    if "error" in told:
        raise MediaError(told["error"], told["detail"])
    facts: dict[str, Any] = told["result"]
    return facts


def _listen(
    child: subprocess.Popen[bytes], deadline: float, on_progress: Progress
) -> dict[str, Any] | None:
    """Read the lines that a child tells until it ends; return the last one, its result."""
    assert child.stdout is not None  # noqa: S101 - a pipe was asked for
    told, unread, share = None, b"", 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(min(left, TELL_LEAST_SECONDS)):
                on_progress(share)
                continue
            block = os.read(child.stdout.fileno(), 64 * 1024)
            if not block:
                return told
            *lines, unread = (unread + block).split(b"\n")
            if len(unread) > LONGEST_LINE_BYTES:
                raise MediaError("crashed", "it tells a line without an end")
            for line in lines:
                told = _understood(line)
                if "progress" in told:
                    share = min(max(float(told["progress"]), 0.0), 1.0)
                    on_progress(share)
    raise MediaError("timed_out")


def _understood(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError as error:
        raise MediaError("crashed", f"it tells no JSON: {line[:100]!r}") from error
    is_known = isinstance(told, dict) and (
        isinstance(told.get("progress"), int | float)
        or isinstance(told.get("result"), dict)
        or (told.get("error") in ERROR_CODES and isinstance(told.get("detail"), str))
    )
    if not is_known:
        raise MediaError("crashed", f"it tells what nobody asked: {line[:100]!r}")
    facts: dict[str, Any] = told
    return facts


def _end_of(file: IO[bytes]) -> str:
    file.seek(max(file.seek(0, os.SEEK_END) - LAST_WORDS_BYTES, 0))
    return file.read().decode(errors="replace")
