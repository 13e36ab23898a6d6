"""The child's side of `loops.media`: reads streams and copies them with PyAV, under limits."""

import argparse
import errno
import json
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import av

from loops.media import HEAD_BYTES, Media, MediaError, sniff

MEMORY_BYTES = 1536 * 1024 * 1024
CPU_SECONDS = 600
MAX_SIDE = 3840
MAX_PIXELS = 3840 * 2160
DECODE_TRIES = 60  # packets of a stream that may be undecodable before we give it up
MISSING_END_MS = 1000
SHORTEST_BYTES = 300

WEBM = frozenset({"vp8", "vp9", "av1", "opus", "vorbis"})
MP4 = frozenset({"h264", "vp9", "av1", "aac", "opus", "mp3"})
WAV = frozenset({"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"})
ALLOWED = WEBM | MP4 | WAV


OPTIONS = {
    "webm": {"cues_to_front": "1"},
    "mp4": {"movflags": "+faststart"},
    "mp3": {},
    "wav": {},
}


@dataclass
class Streams:
    """What is kept of an open file: at most one picture and one sound."""

    video: Any = None
    audio: Any = None

    @property
    def all(self) -> list[Any]:
        """List them, the picture first."""
        return [stream for stream in (self.video, self.audio) if stream is not None]

    @property
    def codecs(self) -> set[str]:
        """Name their codecs."""
        return {codec_of(stream) for stream in self.all}


@dataclass
class Scan:
    """What one pass over all packets tells. Times in ms of the file's own timeline."""

    start_ms: float = 0.0
    end_ms: float = 0.0
    max_gap_ms: float = 0.0
    packets: int = 0
    is_partial: bool = False
    width: int = 0
    height: int = 0
    decoded: set[int] = field(default_factory=set)


def main(arguments: Sequence[str]) -> None:
    """Run one step as the child process and write its result to stdout as JSON."""
    parser = argparse.ArgumentParser(prog="loops.remuxing")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path, nargs="?")
    parser.add_argument("--max-seconds", type=int, required=True)
    options = parser.parse_args(arguments)
    _limit_this_process()
    try:
        if options.target is None:
            media = probe(options.source, options.max_seconds)
        else:
            media = remux(options.source, options.target, options.max_seconds)
    except MediaError as error:
        _tell({"error": error.code, "detail": error.detail})
    else:
        _tell(asdict(media))


def probe(path: Path, max_seconds: int) -> Media:
    """Read the file through and describe it. Raises MediaError."""
    demuxer = _demuxer_of(path)
    with _opened(path, demuxer) as container:
        streams = _choose(container)
        scan = _scan(container, streams, max_seconds)
        muxer = _muxer_for(demuxer, streams)
        return _describe(path, muxer, streams, scan)


def remux(source: Path, target: Path, max_seconds: int) -> Media:
    """Copy the streams into a seekable file and describe it. Raises MediaError."""
    demuxer = _demuxer_of(source)
    with _opened(source, demuxer) as container:
        streams = _choose(container)
        scan = _scan(container, streams, max_seconds)
        muxer = _muxer_for(demuxer, streams)
    with _opened(source, demuxer) as container:
        streams = _choose(container)
        is_whole = _copy(container, streams, target, muxer, scan)
        scan.is_partial = scan.is_partial or not is_whole
        media = _describe(target, muxer, streams, scan)
    return _with_duration_of(target, muxer, media)


def codec_of(stream: Any) -> str:
    """Name a stream's codec, whichever library decodes it."""
    if stream.codec_context is None:
        return "unknown"
    return str(stream.codec_context.codec.canonical_name)


def _limit_this_process() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)


def _tell(facts: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(facts))


def _demuxer_of(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise MediaError("empty", "no bytes")
    demuxer = sniff(head)
    if demuxer is None:
        raise MediaError("not_media", "no kind of file begins so")
    return demuxer


@contextmanager
def _opened(path: Path, demuxer: str) -> Iterator[Any]:
    try:
        container = av.open(
            f"file:{path}",
            format=demuxer,
            options={"protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)},
            metadata_errors="replace",
        )
    except (av.FFmpegError, ValueError) as error:
        raise MediaError("truncated" if _is_cut(path) else "not_media", str(error)) from error
    with container:
        yield container


def _is_cut(path: Path) -> bool:
    """Say whether an unreadable file may be the beginning of a good one."""
    size = path.stat().st_size
    if size < SHORTEST_BYTES:
        return True
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES)) == "mov" and _breaks_off(file, size)


def _breaks_off(file: IO[bytes], size: int) -> bool:
    """Say whether an MP4 file's boxes are sound, but end before its index, the `moov` box."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4]), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16])
        if at + length > size:
            return kind.isalnum()
        if length < 8 or kind == b"moov" or not kind.isalnum():
            return False
        at += length
    return True


def _choose(container: Any) -> Streams:
    pictures = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]
    streams = Streams(next(iter(pictures), None), next(iter(container.streams.audio), None))
    if not streams.all:
        raise MediaError("no_streams")
    unknown = streams.codecs - ALLOWED
    if unknown:
        raise MediaError("unsupported_codec", ", ".join(sorted(unknown)))
    if streams.video is not None:
        _check_picture(streams.video.codec_context.width, streams.video.codec_context.height)
    return streams


def _check_picture(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise MediaError("picture_too_large", f"{width} × {height}")


def _muxer_for(demuxer: str, streams: Streams) -> str:
    """Choose the container that holds these codecs, keeping the source's own where it can."""
    codecs = streams.codecs
    if codecs <= WAV:
        return "wav"
    if codecs == {"mp3"}:
        return "mp3"
    if codecs <= MP4 and (demuxer == "mov" or not codecs <= WEBM):
        return "mp4"
    if codecs <= WEBM:
        return "webm"
    raise MediaError("unsupported_codec", "no one file holds " + " and ".join(sorted(codecs)))


def _packets(container: Any, streams: Streams, scan: Scan) -> Iterator[Any]:
    """Give the packets that hold something, each with both its times."""
    waiting: dict[int, list[Any]] = {}
    is_timed: set[int] = set()
    for packet in _readable_packets(container, streams, scan):
        index = packet.stream.index
        if packet.pts is None:
            packet.pts = packet.dts
        if index in is_timed and packet.dts is not None:
            yield packet
        elif packet.dts is None:
            waiting.setdefault(index, []).append(packet)
        else:
            is_timed.add(index)
            yield from _timed_backwards(waiting.pop(index, []), packet.dts)
            yield packet
    for index, left in waiting.items():
        if index not in is_timed:
            yield from _timed_backwards(left, left[0].pts + len(left))


def _timed_backwards(packets: list[Any], first_known: int) -> Iterator[Any]:
    """Give the packets before the first known decoding time theirs.

    Matroska stores none, so the first frames of a stream that reorders them come without.
    """
    for place, packet in enumerate(packets):
        packet.dts = first_known - (len(packets) - place) * (packet.duration or 1)
        yield packet


def _readable_packets(container: Any, streams: Streams, scan: Scan) -> Iterator[Any]:
    """Give what the demuxer gives; a file that breaks off ends here."""
    packets = container.demux(*streams.all)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.FFmpegError, ValueError):
            scan.is_partial = True
            return
        if packet.is_corrupt:
            scan.is_partial = True
        elif packet.size and (packet.pts is not None or packet.dts is not None):
            yield packet


def _scan(container: Any, streams: Streams, max_seconds: int) -> Scan:
    scan = Scan()
    ends: dict[int, float] = {}
    starts: dict[int, float] = {}
    tries: dict[int, int] = {}
    latest = None
    for packet in _packets(container, streams, scan):
        index = packet.stream.index
        to_ms = 1000 * float(packet.time_base)
        start = packet.pts * to_ms
        end = start + (packet.duration or 0) * to_ms
        starts[index] = min(start, starts.get(index, start))
        ends[index] = max(end, ends.get(index, end))
        decoded_at = packet.dts * to_ms
        if latest is not None:
            scan.max_gap_ms = max(scan.max_gap_ms, decoded_at - latest)
        latest = end if latest is None else max(latest, end)
        scan.packets += 1
        if latest - min(starts.values()) > max_seconds * 1000:
            raise MediaError("too_long", f"more than {max_seconds} s")
        if index not in scan.decoded and tries.get(index, 0) < DECODE_TRIES:
            tries[index] = tries.get(index, 0) + 1
            _try_to_decode(packet, scan)
    if not scan.decoded:
        raise MediaError("truncated" if scan.is_partial else "empty", "nothing can be decoded")
    scan.start_ms, scan.end_ms = min(starts.values()), max(ends.values())
    declared = (container.duration or 0) / 1000
    if declared - (scan.end_ms - scan.start_ms) > MISSING_END_MS:
        scan.is_partial = True
    return scan


def _try_to_decode(packet: Any, scan: Scan) -> None:
    try:
        frames = packet.decode()
    except (av.FFmpegError, ValueError):
        return
    for frame in frames:
        if packet.stream.type == "video":
            _check_picture(frame.width, frame.height)
            scan.width, scan.height = frame.width, frame.height
        scan.decoded.add(packet.stream.index)


def _copy(container: Any, streams: Streams, target: Path, muxer: str, scan: Scan) -> bool:
    """Write the packets from media time 0 on; say whether all of them went in."""
    try:
        out = av.open(
            str(target),
            "w",
            format=muxer,
            container_options={"fflags": "+bitexact", **OPTIONS[muxer]},
        )
        with out:
            copies = {
                stream.index: out.add_stream_from_template(stream, opaque=True)
                for stream in streams.all
            }
            out.start_encoding()
            return _copy_packets(container, streams, out, copies, scan)
    except (av.FFmpegError, ValueError, OSError) as error:
        if getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise MediaError("disk_full", str(error)) from error
        raise MediaError("unsupported_codec", f"{muxer}: {error}") from error


def _copy_packets(
    container: Any, streams: Streams, out: Any, copies: dict[int, Any], scan: Scan
) -> bool:
    is_whole = True
    late_ms = max(scan.start_ms, 0.0)  # encoders' priming may begin before 0, and stays there
    last: dict[int, int] = {}
    for packet in _packets(container, streams, scan):
        index = packet.stream.index
        shift = round(late_ms / 1000 / packet.time_base)
        packet.pts -= shift
        packet.dts -= shift
        if index in last and packet.dts <= last[index]:
            is_whole = False  # time cannot run backwards: the packet is left out
            continue
        last[index] = packet.dts
        packet.stream = copies[index]
        out.mux(packet)
    return is_whole


def _describe(path: Path, muxer: str, streams: Streams, scan: Scan) -> Media:
    kind = "audio" if streams.video is None else "video"
    subtype = "mpeg" if muxer == "mp3" else muxer
    return Media(
        content_type=f"{kind}/{subtype}",
        suffix=f".{muxer}",
        duration_ms=round(scan.end_ms - scan.start_ms),
        size_bytes=path.stat().st_size,
        video_codec="" if streams.video is None else codec_of(streams.video),
        audio_codec="" if streams.audio is None else codec_of(streams.audio),
        width=scan.width,
        height=scan.height,
        max_gap_ms=round(scan.max_gap_ms),
        is_partial=scan.is_partial,
    )


def _with_duration_of(target: Path, muxer: str, media: Media) -> Media:
    """Take the duration that players will read, which the copied file itself tells."""
    demuxer = {"webm": "matroska", "mp4": "mov"}.get(muxer, muxer)
    with _opened(target, demuxer) as container:
        if not container.duration:
            return media
        return Media(**{**vars(media), "duration_ms": round(container.duration / 1000)})


if __name__ == "__main__":
    main(sys.argv[1:])
