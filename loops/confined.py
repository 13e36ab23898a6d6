"""What the child programs of `loops.media` share: limits, words to the parent, opened files."""

import errno
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import av

from loops.boxes import Mended, is_begun_mp4, is_broken_mp4
from loops.media import HEAD_BYTES, MediaError, sniff

MEMORY_BYTES = 1536 * 1024 * 1024
CPU_SECONDS = 600
TELL_EVERY_SECONDS = 0.25
MAX_SIDE = 3840
MAX_PIXELS = 3840 * 2160
ERRORS_TAKEN = 100  # while reading one file: behind a damaged stretch a good one may follow
SHORTEST_BYTES = 300
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Meter:
    """Tells the parent, now and then, which share of the work is done."""

    def __init__(self) -> None:
        self._low, self._high = 0.0, 1.0
        self._told, self._told_at = 0.0, time.monotonic()

    def between(self, low: float, high: float) -> None:
        """Begin a piece of the work that is such a stretch of the whole."""
        self._low, self._high = low, high

    def reach(self, share: float) -> None:
        """Note which share of the piece is done."""
        now = time.monotonic()
        if now - self._told_at < TELL_EVERY_SECONDS:
            return
        self._told = max(self._told, self._low + min(share, 1.0) * (self._high - self._low))
        self._told_at = now
        _tell({"progress": round(self._told, 4)})


class Packets:
    """The packets of some streams of an open file; a damaged stretch is skipped where it can be."""

    def __init__(self, container: Any, streams: Sequence[Any], meter: Meter | None = None) -> None:
        self.is_damaged = False
        self._container = container
        self._streams = streams
        self._meter = meter

    def __iter__(self) -> Iterator[Any]:
        """Give those that hold something."""
        size = max(self._container.size, 1)
        for _ in range(ERRORS_TAKEN):
            try:
                for packet in self._container.demux(*self._streams):
                    if packet.is_corrupt:
                        self.is_damaged = True
                    elif packet.size:
                        if self._meter is not None:
                            self._meter.reach((packet.pos or 0) / size)
                        yield packet
            except (av.FFmpegError, ValueError):
                self.is_damaged = True
            else:
                return


def serve(work: Callable[[dict[str, Any], Meter], Any]) -> None:
    """Do as the child process what its argument asks, and tell the result: a dataclass."""
    request = json.loads(sys.argv[1])
    _limit_this_process(request["most_bytes"])
    _end_with_the_parent()
    try:
        result = work(request, Meter())
    except MediaError as error:
        _tell({"error": error.code, "detail": error.detail})
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _tell({"error": "disk_full", "detail": str(error)})
    else:
        _tell({"result": asdict(result)})


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file with the demuxer that its first bytes name. Raises MediaError."""
    demuxer = _demuxer_of(path)
    mended = Mended(path) if demuxer == "mov" and is_broken_mp4(path) else None
    try:
        container = av.open(
            mended if mended is not None and mended.is_worth_it else f"file:{path}",
            format=demuxer,
            options={"protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)},
            metadata_errors="replace",
        )
    except (av.FFmpegError, ValueError) as error:
        raise MediaError("truncated" if _is_cut(path) else "not_media", str(error)) from error
    with container:
        yield container


def beginning_of(path: Path) -> bytes:
    """Read the first HEAD_BYTES bytes. Raises MediaError where there are none."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise MediaError("empty", "the file is gone") from error
    if not head:
        raise MediaError("empty", "no bytes")
    return head


def picture_of(container: Any) -> Any | None:
    """Return the first stream of pictures that is no cover, of a size that may be decoded."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            context = stream.codec_context
            if context is not None:
                check_picture(context.width, context.height)
                context.thread_count = 1
                context.options = {"max_pixels": str(MAX_PIXELS)}
            return stream
    return None


def sound_of(container: Any) -> Any | None:
    """Return the first stream of sound."""
    return next(iter(container.streams.audio), None)


def check_picture(width: int, height: int) -> None:
    """Raise MediaError for a picture that would take too much to decode."""
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise MediaError("picture_too_large", f"{width} × {height}")


def decoded(packet: Any) -> list[Any]:
    """Decode a packet; one that is damaged gives nothing."""
    try:
        return list(packet.decode())
    except (av.FFmpegError, ValueError):
        return []


def _limit_this_process(most_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)


def _end_with_the_parent() -> None:
    """End at once when the parent does, whatever it died of: its end of our stdin closes then."""

    def watch() -> None:
        os.read(sys.stdin.fileno(), 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _tell(facts: dict[str, Any]) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201 - the parent reads it


def _demuxer_of(path: Path) -> str:
    head = beginning_of(path)
    demuxer = sniff(head)
    if demuxer is None:
        raise MediaError("not_media", "no kind of file begins so")
    return demuxer


def _is_cut(path: Path) -> bool:
    """Say whether an unreadable file may be the beginning of a good one."""
    is_short = path.stat().st_size < SHORTEST_BYTES
    return is_short or (sniff(beginning_of(path)) == "mov" and is_begun_mp4(path))
