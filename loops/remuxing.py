"""The child's side of `loops.media.remux`: reads parts through, joins their packets in one file."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import av

from loops.boxes import is_broken_matroska, is_broken_mp4, is_still_recorded
from loops.confined import (
    NO_ROOM,
    Meter,
    Packets,
    check_picture,
    decoded,
    opened,
    picture_of,
    serve,
    sound_of,
)
from loops.media import Media, MediaError, Part

DECODE_TRIES = 600  # packets of a stream that may be undecodable before we give it up
MISSING_END_MS = 1000
GAP_MS = 1000
NEAR_BYTES = 64  # between two packets of Matroska: the heads of a cluster and of a block
BLOCK_HEAD_BYTES = 4  # of Matroska: the track, the time and flags
SCAN_SHARE = 0.3  # of the time that remuxing takes

WEBM = frozenset({"vp8", "vp9", "av1", "opus", "vorbis"})
MP4 = frozenset({"h264", "vp9", "av1", "aac", "opus", "mp3"})
WAV = frozenset({"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"})
ALLOWED = WEBM | MP4 | WAV
WITHOUT_HEADER = frozenset({"vp8", "vp9", "opus"})
"""Codecs whose packets can be decoded whatever the file's header says of them."""
UNTIMED = frozenset({"mp3", "wav"})
"""Containers that hold no times, so that nothing can be placed in them after a gap."""

OPTIONS = {
    "webm": {"cues_to_front": "1"},
    "mp4": {"movflags": "+faststart"},
    "mp3": {},
    "wav": {},
}


@dataclass
class Run:
    """Packets of one stream whose times follow each other. In ms of the part's own timeline."""

    start: float = float("inf")
    end: float = float("-inf")
    packets: int = 0
    is_told_apart: bool = True
    """Nothing before it means that something is missing there."""


@dataclass
class Reading:
    """What one pass over all packets of a part tells. Times in ms of the part's own timeline."""

    part: Part
    is_mp4: bool = False
    kinds: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """The codec of each kind of stream, and what else that of another part must share."""
    kept: dict[str, frozenset[int]] = field(default_factory=dict)
    """Of each kind, the numbers of the runs whose times are believed."""
    start: float = 0.0
    end: float = 0.0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    is_partial: bool = False
    width: int = 0
    height: int = 0
    at: float = 0.0
    """Where the part begins in the joined file."""

    @property
    def origin(self) -> float:
        """Tell which time of the part becomes `at`.

        Encoders' priming may begin before 0, and stays there in the first part.
        """
        return self.start if self.at else max(self.start, 0.0)

    @property
    def ends_at(self) -> float:
        """Tell where the part ends in the joined file."""
        return self.at + self.end - self.origin


def work(request: dict[str, Any], meter: Meter) -> Media:
    """Describe a file or, where there is a target, join the parts in it. Raises MediaError."""
    parts = [Part(Path(path), start_ms) for path, start_ms in request["parts"]]
    readings, left_out = _read(parts, request["max_seconds"], meter)
    muxer = _muxer_for(readings)
    if request["target"] is None:
        return _described(parts[0].path, muxer, readings, left_out)
    target = Path(request["target"])
    is_whole = _write(readings, target, muxer, meter)
    media = _described(target, muxer, readings, left_out)
    with opened(target) as container:
        told = container.duration  # what players will read
    return replace(
        media,
        duration_ms=round(told / 1000) if told else media.duration_ms,
        is_partial=media.is_partial or not is_whole,
    )


# Reading


def _read(parts: Sequence[Part], max_seconds: int, meter: Meter) -> tuple[list[Reading], list[int]]:
    """Read all parts through; return those to be joined, and the positions of the others."""
    readings: list[Reading] = []
    errors: dict[int, MediaError] = {}
    for position, (part, (low, high)) in enumerate(zip(parts, _shares(parts), strict=True)):
        meter.between(SCAN_SHARE * low, SCAN_SHARE * high)
        try:
            reading = _read_part(part, meter)
            _place(reading, readings, max_seconds)
        except MediaError as error:
            errors[position] = error
        else:
            readings.append(reading)
    if not readings:
        raise next(iter(errors.values()), MediaError("empty", "no parts"))
    return readings, list(errors)


def _shares(parts: Sequence[Part]) -> list[tuple[float, float]]:
    """Give each part its stretch of a piece of work, by its size."""
    sizes = [part.path.stat().st_size if part.path.exists() else 0 for part in parts]
    whole = max(sum(sizes), 1)
    return list(pairwise(end / whole for end in accumulate(sizes, initial=0)))


def _place(reading: Reading, before: Sequence[Reading], max_seconds: int) -> None:
    """Decide where a part begins. Raises MediaError where it does not fit those before it."""
    if before:
        if _muxer_for([*before, reading]) in UNTIMED:
            raise MediaError("unsupported_codec", "nothing can be joined to such a file")
        for other in before:
            for kind, shared in reading.kinds.items():
                if other.kinds.get(kind, shared) != shared:
                    raise MediaError("unsupported_codec", f"another {kind} than before")
        wanted = reading.part.start_ms - before[0].part.start_ms
        reading.at = max(wanted, before[-1].ends_at)
    if reading.ends_at > max_seconds * 1000:
        raise MediaError("too_long", f"more than {max_seconds} s")


def _read_part(part: Part, meter: Meter) -> Reading:
    reading = Reading(part)
    with opened(part.path) as container:
        streams = _choose(container)
        packets = Packets(container, list(streams.values()), meter)
        ledger = Ledger(part.path, container, streams)
        runs = _runs(packets, ledger, streams, reading)
        reading.is_mp4 = container.format.name.startswith("mov")
        reading.kept = {kind: _believed(row) for kind, row in runs.items()}
        kept = [runs[kind][number] for kind in runs for number in reading.kept[kind]]
        reading.start = min(run.start for run in kept)
        reading.end = max(run.end for run in kept)
        reading.gaps = _gaps(kept)
        declared = (container.duration or 0) / 1000
        reading.is_partial = (
            packets.is_damaged
            or not ledger.is_balanced
            or not ledger.ends_well()
            or bool(reading.gaps)
            or len(kept) < sum(len(row) for row in runs.values())
            or declared - (reading.end - reading.start) > MISSING_END_MS
        )
    return reading


def _choose(container: Any) -> dict[str, Any]:
    """Pick the streams that are kept, by kind: one picture and one sound at most."""
    found = {"video": picture_of(container), "audio": sound_of(container)}
    streams = {kind: stream for kind, stream in found.items() if stream is not None}
    if not streams:
        raise MediaError("no_streams")
    unknown = {_codec_of(stream) for stream in streams.values()} - ALLOWED
    if unknown:
        raise MediaError("unsupported_codec", ", ".join(sorted(unknown)))
    return streams


def _codec_of(stream: Any) -> str:
    """Name a stream's codec, whichever library decodes it."""
    if stream.codec_context is None:
        return "unknown"
    return str(stream.codec_context.codec.canonical_name)


def _shared(stream: Any) -> tuple[Any, ...]:
    codec = _codec_of(stream)
    if codec in WITHOUT_HEADER:
        return (codec,)
    context = stream.codec_context
    return (codec, context.extradata, getattr(context, "sample_rate", 0))


def _muxer_for(readings: Sequence[Reading]) -> str:
    """Choose the container that holds these codecs, keeping the first part's own where it can."""
    codecs = {shared[0] for reading in readings for shared in reading.kinds.values()}
    if codecs <= WAV:
        return "wav"
    if codecs == {"mp3"}:
        return "mp3"
    if codecs <= MP4 and (readings[0].is_mp4 or not codecs <= WEBM):
        return "mp4"
    if codecs <= WEBM:
        return "webm"
    raise MediaError("unsupported_codec", "no one file holds " + " and ".join(sorted(codecs)))


def _runs(
    packets: Packets, ledger: "Ledger", streams: dict[str, Any], reading: Reading
) -> dict[str, list[Run]]:
    """Read all packets, and decode each stream until a packet of it can be. Raises MediaError.

    A picture without sound stands until the next one: time alone tells nothing there, but bytes
    that belong to no packet do.
    """
    stands = "audio" not in streams
    runs: dict[str, list[Run]] = {}
    tries = dict.fromkeys(streams, DECODE_TRIES)
    is_decodable = False
    for number, packet in _numbered(_timed(packets)):
        kind = packet.stream.type
        is_after_skip = ledger.skips_to(packet)
        if kind not in runs:
            reading.kinds[kind] = _shared(packet.stream)
        row = runs.setdefault(kind, [])
        if number == len(row):
            row.append(Run(is_told_apart=is_after_skip or not stands))
        to_ms = 1000 * float(packet.time_base)
        row[number].start = min(row[number].start, packet.pts * to_ms)
        row[number].end = max(row[number].end, (packet.pts + (packet.duration or 0)) * to_ms)
        row[number].packets += 1
        if tries[kind]:
            is_decoded = _try_to_decode(packet, reading)
            is_decodable = is_decodable or is_decoded
            tries[kind] = 0 if is_decoded else tries[kind] - 1
    if not is_decodable:
        code = "truncated" if packets.is_damaged else "empty"
        raise MediaError(code, "nothing can be decoded")
    return runs


class Ledger:
    """Accounts for the bytes of a file as far as its container allows that.

    A damaged or broken stretch is no error to FFmpeg: in Matroska it looks for the next good one,
    in a fragmented MP4 it ends there. In Matroska packets lie close together.
    """

    def __init__(self, path: Path, container: Any, streams: dict[str, Any]) -> None:
        self.is_balanced = True
        self._path = path
        self._is_mp4 = container.format.name.startswith("mov")
        is_matroska = container.format.name.startswith("matroska")
        self._is_dense = is_matroska and len(container.streams) == len(streams)
        self._at = -1
        self._read_to: int | None = None

    def skips_to(self, packet: Any) -> bool:
        """Note the next packet; say whether bytes before it belong to none."""
        if not self._is_dense or packet.pos is None:
            return False
        if packet.pos == self._at:
            self._read_to = None  # several frames in one block: it may end anywhere from here
            return False
        read_to = packet.pos if self._read_to is None else self._read_to
        is_far = packet.pos - read_to > NEAR_BYTES
        is_skip = is_far and is_broken_matroska(self._path, read_to, packet.pos)
        self._at, self._read_to = packet.pos, packet.pos + BLOCK_HEAD_BYTES + packet.size
        self.is_balanced = self.is_balanced and not is_skip
        return is_skip

    def ends_well(self) -> bool:
        """Say whether nothing is broken behind the last packet."""
        if self._is_mp4:
            return not is_broken_mp4(self._path)
        size = self._path.stat().st_size
        return (
            self._read_to is None
            or not is_broken_matroska(self._path, self._read_to, size)
            or is_still_recorded(self._path, self._read_to)
        )


def _timed(packets: Packets) -> Iterator[Any]:
    """Give the packets that have a time, each with both its times."""
    waiting: dict[int, list[Any]] = {}
    is_timed: set[int] = set()
    for packet in packets:
        index = packet.stream.index
        if packet.pts is None:
            packet.pts = packet.dts
        if packet.pts is None:
            packets.is_damaged = True
            continue
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


def _numbered(packets: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    """Give each packet with the number of its stream's run."""
    numbers: dict[str, int] = {}
    last: dict[str, tuple[float, float]] = {}
    for packet in packets:
        kind = packet.stream.type
        to_ms = 1000 * float(packet.time_base)
        at, end = packet.dts * to_ms, (packet.dts + (packet.duration or 0)) * to_ms
        earliest, latest = last.get(kind, (float("inf"), 0.0))
        if not earliest <= at < latest + GAP_MS:
            numbers[kind] = numbers.get(kind, -1) + 1
        last[kind] = at, end
        yield numbers[kind], packet


def _believed(runs: Sequence[Run]) -> frozenset[int]:
    """Choose runs whose times do not run backwards; where two disagree, the longer is believed.

    A flipped bit in a time of Matroska moves a packet, or some seconds of them, far away.
    """
    kept: list[int] = []
    for number, run in enumerate(runs):
        later: list[int] = []
        while kept and runs[kept[-1]].start > run.start:
            later.insert(0, kept.pop())
        if sum(runs[other].packets for other in later) > run.packets:
            kept += later
        else:
            kept.append(number)
    return frozenset(kept)


def _gaps(runs: Sequence[Run]) -> list[tuple[float, float]]:
    """Find where no stream has anything, though something belongs there."""
    gaps = []
    covered = float("inf")
    for run in sorted(runs, key=lambda run: run.start):
        if run.is_told_apart and run.start - covered >= GAP_MS:
            gaps.append((covered, run.start))
        covered = run.end if covered == float("inf") else max(covered, run.end)
    return gaps


def _try_to_decode(packet: Any, reading: Reading) -> bool:
    frames = decoded(packet)
    for frame in frames:
        if packet.stream.type == "video":
            check_picture(frame.width, frame.height)
            reading.width, reading.height = frame.width, frame.height
    return bool(frames)


# Writing


def _write(readings: Sequence[Reading], target: Path, muxer: str, meter: Meter) -> bool:
    """Write the believed packets of all parts; say whether all of them went in.

    Where the muxer refuses a packet, a second pass leaves out those that it refuses.
    """
    try:
        return _copy(readings, target, muxer, meter, is_lenient=False)
    except (av.FFmpegError, ValueError, OSError) as error:
        _check_room(error)
    try:
        return _copy(readings, target, muxer, meter, is_lenient=True)
    except (av.FFmpegError, ValueError, OSError) as error:
        _check_room(error)
        raise MediaError("unsupported_codec", f"{muxer}: {error}") from error


def _check_room(error: Exception) -> None:
    if getattr(error, "errno", None) in NO_ROOM:
        raise MediaError("disk_full", str(error)) from error


def _copy(
    readings: Sequence[Reading], target: Path, muxer: str, meter: Meter, *, is_lenient: bool
) -> bool:
    options = {"fflags": "+bitexact", **OPTIONS[muxer]}
    is_whole = True
    with (
        ExitStack() as templates,
        av.open(str(target), "w", format=muxer, container_options=options) as out,
    ):
        copies: dict[str, Any] = {}
        for kind in ("video", "audio"):
            for reading in readings:
                if kind in reading.kinds and kind not in copies:
                    container = templates.enter_context(opened(reading.part.path))
                    template = _choose(container)[kind]
                    copies[kind] = out.add_stream_from_template(template, opaque=True)
        out.start_encoding()
        shares = _shares([reading.part for reading in readings])
        last = dict.fromkeys(copies, float("-inf"))
        for reading, (low, high) in zip(readings, shares, strict=True):
            meter.between(*(SCAN_SHARE + (1 - SCAN_SHARE) * share for share in (low, high)))
            for packet in _placed_packets(reading, meter):
                kind = packet.stream.type
                at = packet.dts * float(packet.time_base)
                packet.stream = copies[kind]
                if at <= last[kind]:
                    is_whole = False  # time cannot run backwards: the packet is left out
                    continue
                last[kind] = at
                try:
                    out.mux(packet)
                except (av.FFmpegError, ValueError) as error:
                    _check_room(error)
                    if not is_lenient:
                        raise
                    is_whole = False
    return is_whole


def _placed_packets(reading: Reading, meter: Meter) -> Iterator[Any]:
    """Give the believed packets of a part at their times in the joined file."""
    with opened(reading.part.path) as container:
        streams = _choose(container)
        kept = [stream for kind, stream in streams.items() if kind in reading.kinds]
        packets = Packets(container, kept, meter)
        for number, packet in _numbered(_timed(packets)):
            if number in reading.kept[packet.stream.type]:
                shift = round((reading.at - reading.origin) / 1000 / packet.time_base)
                packet.pts += shift
                packet.dts += shift
                yield packet


def _described(path: Path, muxer: str, readings: Sequence[Reading], left_out: list[int]) -> Media:
    codecs = {kind: shared[0] for reading in readings for kind, shared in reading.kinds.items()}
    seen = next((reading for reading in readings if reading.width), readings[0])
    subtype = "mpeg" if muxer == "mp3" else muxer
    return Media(
        content_type=f"{'video' if 'video' in codecs else 'audio'}/{subtype}",
        suffix=f".{muxer}",
        start_ms=readings[0].part.start_ms,
        duration_ms=round(readings[-1].ends_at - min(readings[0].start, 0)),
        size_bytes=path.stat().st_size,
        video_codec=codecs.get("video", ""),
        audio_codec=codecs.get("audio", ""),
        width=seen.width,
        height=seen.height,
        gaps=_joined_gaps(readings),
        is_partial=bool(left_out) or any(reading.is_partial for reading in readings),
        left_out=left_out,
    )


def _joined_gaps(readings: Sequence[Reading]) -> list[list[int]]:
    gaps: list[list[int]] = []
    ended = 0.0
    for reading in readings:
        if reading.at - ended >= GAP_MS:
            gaps.append([round(ended), round(reading.at)])
        shift = reading.at - reading.origin
        gaps += [[round(start + shift), round(end + shift)] for start, end in reading.gaps]
        ended = reading.ends_at
    return gaps


if __name__ == "__main__":
    serve(work)
