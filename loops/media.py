"""Looks into recordings and makes them seekable, in a child process with limits.

The codecs run in the child alone (`loops.remuxing`); this module imports none of them, so the
web process may use it to judge the first bytes of an upload.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MAX_MINUTES = 90
MAX_SECONDS = MAX_MINUTES * 60 + 120  # a little grace: nobody loses an answer by a breath
WALL_SECONDS = 60
WALL_BYTES_A_SECOND = 2 * 1024 * 1024
WALL_MOST_SECONDS = 480  # the worker ends a task that takes longer than 540 s
HEAD_BYTES = 12

ERROR_CODES = frozenset(
    {
        "crashed",  # the child died or ran out of memory
        "disk_full",  # no room for the result: worth another try later
        "empty",  # no bytes, or nothing in them can be played
        "no_streams",  # neither picture nor sound
        "not_media",  # not a file of a kind that is taken
        "picture_too_large",
        "timed_out",
        "too_long",
        "truncated",  # cut off before anything could be played
        "unsupported_codec",
    }
)
PASSING_CODES = frozenset({"crashed", "disk_full", "timed_out"})
"""The codes that blame the machine and not the file: another try may go better."""


class MediaError(Exception):
    """A file cannot be made playable. `code` is one of ERROR_CODES; the text is for the log."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Media:
    """What is known of a file. Times are whole ms of media time."""

    content_type: str
    """Of the remuxed file; audio/… where there is no picture."""
    suffix: str
    """Of the remuxed file, with its dot."""
    duration_ms: int
    size_bytes: int
    video_codec: str
    """Empty where there is no picture; so with `audio_codec` and no sound."""
    audio_codec: str
    width: int
    height: int
    max_gap_ms: int
    """The longest time in which neither picture nor sound has anything."""
    is_partial: bool
    """The end is missing or could not be read; what comes before it is whole."""


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


def probe(path: Path, *, max_seconds: int = MAX_SECONDS) -> Media:
    """Read a whole file without decoding more than its first frames. Raises MediaError."""
    return _in_child([path], path, max_seconds)


def remux(source: Path, target: Path, *, max_seconds: int = MAX_SECONDS) -> Media:
    """Copy the streams of `source` into a seekable file at `target` and describe that file.

    Nothing is transcoded. The target has a duration and its index in front; it holds one picture
    and one sound at most, and none of the source's metadata. Of a damaged file the good part is
    kept. Raises MediaError, and leaves no target then.
    """
    try:
        return _in_child([source, target], source, max_seconds)
    except MediaError:
        target.unlink(missing_ok=True)
        raise


def synthesise_demo(path: Path, seconds: int, *, seed: int = 0, has_picture: bool = True) -> None:
    """Draw a speaking-clock recording of whole seconds: the same bytes for the same arguments."""
    from loops import speaking_clock  # noqa: PLC0415 - numpy and the codecs, only where drawn

    speaking_clock.draw(path, seconds, seed=seed, has_picture=has_picture)


def _is_mp3_frame(head: bytes) -> bool:
    if len(head) < HEAD_BYTES or head[0] != 0xFF:
        return False
    is_layer_3 = head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    return is_layer_3 and bit_rate not in {0, 15} and sample_rate != 3


def _in_child(paths: list[Path], source: Path, max_seconds: int) -> Media:
    arguments = [*(str(path.resolve()) for path in paths), f"--max-seconds={max_seconds}"]
    try:
        ended = subprocess.run(  # noqa: S603 - our own module, with paths made from our keys
            [sys.executable, "-m", "loops.remuxing", *arguments],
            cwd=Path(__file__).resolve().parent.parent,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=min(
                WALL_SECONDS + source.stat().st_size / WALL_BYTES_A_SECOND, WALL_MOST_SECONDS
            ),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MediaError("timed_out") from error
    except FileNotFoundError as error:
        raise MediaError("empty", "the file is gone") from error
    if ended.returncode != 0:
        last_words = ended.stderr[-500:].decode(errors="replace")
        raise MediaError("crashed", f"exit {ended.returncode} {last_words}")
    facts = json.loads(ended.stdout)
    if "error" in facts:
        raise MediaError(facts["error"], facts["detail"])
    return Media(**facts)
