"""How long a recording takes from stop to ready: ten minutes and 1 GiB of drawn 720p.

Each step is a child process of its own; its CPU time and its most memory are the system's figures
for it. As machines differ and are shared, the time is also given as a multiple of what a plain
copy of the same file took in the same run. How a browser seeks in it: benchmarks.seeking.
"""

import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import av
import numpy as np

from loops import media

READY_WITHIN_S = 20
PEAK_WITHIN_MB = 150
REPEATS = 3  # of the ten minutes; of each step the best is taken

WIDTH, HEIGHT, FRAMES_A_SECOND = 1280, 720, 24
BITS_A_SECOND = 2_500_000
LOOP_SECONDS = 4
TEN_MINUTES = 600
GIBIBYTE = 1024**3


@dataclass(frozen=True)
class Cost:
    """What a step took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> int:
    """Print a line for each step; say whether the promised figures held."""
    with tempfile.TemporaryDirectory(prefix="bench-media-") as name:
        folder = Path(name)
        loop = folder / "loop.webm"
        draw_loop(loop)
        record(loop, folder / "long", seconds=TEN_MINUTES)
        steps = run_steps(folder / "long", folder, REPEATS)
        wall_s = sum(cost.wall_s for cost in steps)
        peak_mb = max(cost.peak_mb for cost in steps)
        is_held = wall_s <= READY_WITHIN_S and peak_mb <= PEAK_WITHIN_MB
        print(
            f"Stop to ready: {wall_s:.1f} s of {READY_WITHIN_S}, {peak_mb:.0f} MB of "
            f"{PEAK_WITHIN_MB}: {'held' if is_held else 'MISSED'}.\n"
        )
        (folder / "long").unlink()
        record(loop, folder / "large", most_bytes=GIBIBYTE)
        steps = run_steps(folder / "large", folder, repeats=1)
        is_flat = max(cost.peak_mb for cost in steps) <= PEAK_WITHIN_MB
        print(f"{PEAK_WITHIN_MB} MB at any length: {'held' if is_flat else 'MISSED'}.")
    return 0 if is_held and is_flat else 1


def run_steps(source: Path, folder: Path, repeats: int) -> list[Cost]:
    """Process a recording as the worker does, and print what each step took."""
    playable = folder / "playable"
    minutes = media.probe(source).duration_ms / 60_000
    print(f"{source.stat().st_size / 2**20:,.0f} MiB, {minutes:.0f} minutes of {HEIGHT}p")
    print("  step       wall s   CPU s   wall / copy   peak MB")
    copy_s = min(copied(source, folder / "copy") for _ in range(repeats))
    print(f"  {'copy':8}{copy_s:9.2f}{'':8}{1:14.1f}")
    costs = []
    for name, step, arguments in (
        ("remux", media.remux, ([media.Part(source)], playable)),
        ("sound", media.sound, (playable, folder / "peaks")),
        ("picture", media.picture, (playable, folder / "poster", folder / "strip")),
    ):
        tries = [measured(step, arguments) for _ in range(repeats)]
        best = min(tries, key=lambda cost: cost.wall_s)
        costs.append(best)
        print(
            f"  {name:8}{best.wall_s:9.2f}{best.cpu_s:8.2f}"
            f"{best.wall_s / copy_s:14.1f}{best.peak_mb:10.0f}"
        )
    return costs


def copied(source: Path, target: Path) -> float:
    """Copy a file; return the seconds that it took."""
    started = time.perf_counter()
    shutil.copyfile(source, target)
    took = time.perf_counter() - started
    target.unlink()
    return took


def measured(step: Callable[..., object], arguments: tuple[object, ...]) -> Cost:
    """Run a step from a fresh process, whose only child is then the one that is measured."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as process:
        return process.submit(cost_of, step, arguments).result()


def cost_of(step: Callable[..., object], arguments: tuple[object, ...]) -> Cost:
    """Run a step whose work is done by child processes."""
    started = time.perf_counter()
    step(*arguments)
    took = time.perf_counter() - started
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1_000_000)


def draw_loop(path: Path) -> None:
    """Encode a few seconds of a grainy picture and a tone that comes and goes, VP8 and Opus."""
    random = np.random.default_rng(1)
    rows, columns = np.arange(HEIGHT), np.arange(WIDTH)
    ground = (np.add.outer(rows, columns) // 12 % 200).astype(np.uint8)
    grain = random.integers(0, 16, (HEIGHT + 64, WIDTH + 64), dtype=np.uint8)
    image = np.full((HEIGHT * 3 // 2, WIDTH), 128, dtype=np.uint8)
    with av.open(str(path), "w", format="webm") as out:
        video: Any = out.add_stream("libvpx", rate=FRAMES_A_SECOND)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.bit_rate = BITS_A_SECOND
        video.codec_context.gop_size = FRAMES_A_SECOND * LOOP_SECONDS
        video.options = {"deadline": "realtime", "cpu-used": "-12", "lag-in-frames": "0"}
        audio: Any = out.add_stream("libopus", rate=48_000, layout="mono")
        for number in range(FRAMES_A_SECOND * LOOP_SECONDS):
            down, right = random.integers(0, 64, 2)
            image[:HEIGHT] = ground + grain[down : down + HEIGHT, right : right + WIDTH]
            frame: Any = av.VideoFrame.from_ndarray(image, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_A_SECOND)
            out.mux(video.encode(frame))
        seconds = np.arange(48_000 * LOOP_SECONDS) / 48_000
        wave = np.sin(600 * np.pi * seconds) * 9000 * (np.sin(np.pi * seconds) > 0)
        sound: Any = av.AudioFrame.from_ndarray(wave.astype(np.int16)[np.newaxis], format="s16",
                                                layout="mono")  # fmt: skip
        sound.sample_rate, sound.pts, sound.time_base = 48_000, 0, Fraction(1, 48_000)
        out.mux(audio.encode(sound))
        out.mux([*video.encode(None), *audio.encode(None)])


def record(loop: Path, path: Path, *, seconds: float = 1e9, most_bytes: float = 1e12) -> None:
    """Repeat the loop's packets in a file as MediaRecorder leaves it: no duration, no index."""
    with (
        av.open(str(loop), format="matroska") as source,
        av.open(str(path), "w", format="webm", container_options={"live": "1"}) as out,
    ):
        copies: dict[str, Any] = {
            stream.type: out.add_stream_from_template(stream, opaque=True)
            for stream in source.streams
        }
        drawn: list[tuple[str, bytes, int, bool]] = [
            (packet.stream.type, bytes(packet), packet.pts, packet.is_keyframe)
            for packet in source.demux()
            if packet.size and packet.pts is not None and 0 <= packet.pts < LOOP_SECONDS * 1000
        ]
        written = 0
        for kind, content, at_ms, is_key in repeated(drawn):
            written += len(content)
            if at_ms >= seconds * 1000 or written > most_bytes:
                return
            packet = av.Packet(content)
            packet.pts = packet.dts = at_ms
            packet.time_base = Fraction(1, 1000)
            packet.is_keyframe = is_key
            packet.stream = copies[kind]
            out.mux(packet)


def repeated(drawn: list[tuple[str, bytes, int, bool]]) -> Iterator[tuple[str, bytes, int, bool]]:
    """Give the packets again and again, each time later."""
    for turn in count():
        for kind, content, at_ms, is_key in drawn:
            yield kind, content, at_ms + turn * LOOP_SECONDS * 1000, is_key


if __name__ == "__main__":
    sys.exit(main())
