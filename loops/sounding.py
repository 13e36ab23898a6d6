"""The child's side of `loops.media.sound`: listens to a file once."""

import json
import math
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from loops.confined import Meter, Packets, decoded, opened, serve, sound_of
from loops.media import MAX_SECONDS, Sound

SAMPLES_A_SECOND = 48_000
BLOCK_MS = 20
BLOCK_SAMPLES = SAMPLES_A_SECOND * BLOCK_MS // 1000
BLOCKS_MOST = MAX_SECONDS * 1000 // BLOCK_MS
PEAKS_MOST = 2000
SILENT_POWER = 10 ** (-50 / 10)  # a mean square of -50 dBFS
WINDOW_BLOCKS = 5  # over which it is taken: a single tick of the mouse in it is no speech
SILENCE_LEAST_MS = 5000
LOUDNESS_FLOOR = -70.0  # EBU R 128 leaves out what is below

Blocks = NDArray[np.float32]


def work(request: dict[str, Any], meter: Meter) -> Sound:
    """Listen to the file and write its peaks. Raises MediaError."""
    listener = Listener()
    with opened(Path(request["path"])) as container:
        stream = sound_of(container)
        if stream is not None:
            for packet in Packets(container, [stream], meter):
                for frame in decoded(packet):
                    listener.hear(frame)
            listener.hear(None)
    if not listener.count:
        return Sound(has_sound=False, loudness_lufs=None, silences=[], silent_share=0.0, peaks={})
    bucket_ms, peaks = _buckets(listener.peaks[: listener.count])
    written = json.dumps({"version": 1, "bucket_ms": bucket_ms, "peaks": peaks})
    Path(request["target"]).write_text(written)
    silences = _silences(listener.powers[: listener.count])
    silent_ms = sum(end - start for start, end in silences)
    return Sound(
        has_sound=True,
        loudness_lufs=listener.loudness,
        silences=silences,
        silent_share=round(silent_ms / (listener.count * BLOCK_MS), 4),
        peaks={"bucket_ms": bucket_ms, "count": len(peaks)},
    )


class Listener:
    """Hears a sound through the meter of EBU R 128, and notes each 20 ms of it at their time.

    What nobody recorded stays silent.
    """

    def __init__(self) -> None:
        self.peaks: Blocks = np.zeros(BLOCKS_MOST, dtype=np.float32)
        self.powers: Blocks = np.zeros(BLOCKS_MOST, dtype=np.float32)
        self.count = 0
        self.loudness: float | None = None
        self._graph: Any = None

    def hear(self, frame: Any | None) -> None:
        """Hear what was decoded next, or that there is no more."""
        if self._graph is None:
            if frame is None:
                return
            self._graph = _meter_of_loudness(frame)
        try:
            self._graph.push(frame)
        except (av.FFmpegError, ValueError):
            return  # damage has made another kind of sound of it
        while True:
            try:
                self._note(self._graph.pull())
            except (av.BlockingIOError, av.EOFError):
                return

    def _note(self, frame: Any) -> None:
        channels = len(frame.layout.channels)
        samples = frame.to_ndarray().reshape(-1, channels).astype(np.float32)
        first = self.count if frame.time is None else max(round(frame.time * 1000 / BLOCK_MS), 0)
        count = min(math.ceil(len(samples) / BLOCK_SAMPLES), BLOCKS_MOST - first)
        if count <= 0:
            return
        samples = samples[: count * BLOCK_SAMPLES]
        if len(samples) < count * BLOCK_SAMPLES:  # the last one
            samples = np.pad(samples, ((0, count * BLOCK_SAMPLES - len(samples)), (0, 0)))
        blocks = samples.reshape(count, BLOCK_SAMPLES, channels)
        place = slice(first, first + count)
        self.peaks[place] = np.maximum(self.peaks[place], np.abs(blocks).max(axis=(1, 2)))
        self.powers[place] = np.square(blocks).mean(axis=1).max(axis=1)
        self.count = max(self.count, first + count)
        loudness = float(frame.metadata.get("lavfi.r128.I", "nan"))
        if loudness > LOUDNESS_FLOOR:
            self.loudness = round(loudness, 1)


def _meter_of_loudness(frame: Any) -> Any:
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=frame.time_base,
    )
    evenly = graph.add("aformat", f"sample_rates={SAMPLES_A_SECOND}")
    meter = graph.add("ebur128", "metadata=1")
    graph.link_nodes(source, evenly, meter, graph.add("abuffersink")).configure()
    return graph


def _buckets(peaks: Blocks) -> tuple[int, list[int]]:
    """Gather the peaks of the blocks in few enough buckets; give their ms and 0..255 for each."""
    blocks = math.ceil(len(peaks) / PEAKS_MOST)
    padded = np.pad(peaks, (0, -len(peaks) % blocks)).reshape(-1, blocks)
    highest = np.rint(255 * np.clip(padded.max(axis=1), 0, 1)).astype(int)
    return blocks * BLOCK_MS, highest.tolist()


def _silences(powers: Blocks) -> list[list[int]]:
    """Find the long stretches without anything to be heard: starts and ends in ms."""
    window_ms = WINDOW_BLOCKS * BLOCK_MS
    windows = np.pad(powers, (0, -len(powers) % WINDOW_BLOCKS)).reshape(-1, WINDOW_BLOCKS)
    is_silent = windows.mean(axis=1) < SILENT_POWER
    edges = np.flatnonzero(np.diff(is_silent.astype(np.int8), prepend=0, append=0)) * window_ms
    pairs = edges.reshape(-1, 2).clip(max=len(powers) * BLOCK_MS).tolist()
    return [[start, end] for start, end in pairs if end - start >= SILENCE_LEAST_MS]


if __name__ == "__main__":
    serve(work)
