"""Draws recordings of every kind, good and bad, for the tests of what looks into files."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

SECONDS = 4
FRAMES_A_SECOND = 10
QUICK = {
    "libvpx": {"deadline": "realtime", "cpu-used": "12"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libx264": {"preset": "ultrafast"},
    "libsvtav1": {"preset": "12"},
}

Drawing = NDArray[np.uint8]


def encode(
    path: Path,
    muxer: str,
    *,
    video: str = "",
    audio: str = "",
    size: tuple[int, int] = (160, 90),
    seconds: int = SECONDS,
    rate: int = 48_000,
    layout: str = "mono",
    codec_options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    rotation: int = 0,
    frames: Sequence[tuple[float, Drawing]] | None = None,
    samples: NDArray[np.float64] | None = None,
    **options: str,
) -> Path:
    """Encode a picture that turns lighter and a tone, or what is given.

    `frames` are times in seconds, each with a grey picture; `samples` are channels of -1..1.
    """
    with av.open(str(path), "w", format=muxer, container_options=options) as out:
        out.metadata.update(metadata or {})
        streams: list[Any] = []
        if video:
            settings = QUICK.get(video, {}) | (codec_options or {})
            streams.append(out.add_stream(video, rate=FRAMES_A_SECOND, options=settings))
            streams[-1].width, streams[-1].height = size
            streams[-1].pix_fmt = "yuv420p"
            if frames is not None:
                streams[-1].codec_context.time_base = Fraction(1, 1000)
            if rotation:
                streams[-1].set_display_rotation(rotation)
        if audio:
            streams.append(out.add_stream(audio, rate=rate, layout=layout))
        pictures = list(lightening(size, seconds) if frames is None else frames)
        sound = tone(seconds, rate) if samples is None else samples
        last = max(seconds, int(pictures[-1][0]) + 1 if video else 0)
        for second in range(last):
            for stream in streams:
                now = _pictures(pictures, second) if stream.type == "video" else _sound(
                    sound, second, rate, layout
                )  # fmt: skip
                for frame in now:
                    out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode(None))
    return path


def lightening(size: tuple[int, int], seconds: int) -> Iterator[tuple[float, Drawing]]:
    """Give grey pictures in order, each a little lighter."""
    for number in range(seconds * FRAMES_A_SECOND):
        yield number / FRAMES_A_SECOND, grey(size, number * 4 % 250)


def grey(size: tuple[int, int], shade: int) -> Drawing:
    """Draw a picture of one shade."""
    return np.full((size[1], size[0]), shade, dtype=np.uint8)


def grainy(size: tuple[int, int], seconds: int) -> list[tuple[float, Drawing]]:
    """Draw pictures that take many bytes."""
    chance = np.random.default_rng(1)
    return [
        (number / FRAMES_A_SECOND, chance.integers(0, 255, size[::-1], dtype=np.uint8))
        for number in range(seconds * FRAMES_A_SECOND)
    ]


def tone(
    seconds: float, rate: int = 48_000, *, hertz: float = 440, peak: float = 0.25, channels: int = 1
) -> NDArray[np.float64]:
    """Draw a sine, the same on each channel."""
    wave = peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.tile(wave, (channels, 1))


def write_wav(path: Path, samples: NDArray[np.float64], rate: int = 48_000) -> Path:
    """Write samples of -1..1 as they are."""
    layout = {1: "mono", 2: "stereo"}[len(samples)]
    seconds = -(-samples.shape[1] // rate)
    return encode(
        path, "wav", audio="pcm_s16le", rate=rate, layout=layout, samples=samples, seconds=seconds
    )


def _pictures(pictures: Sequence[tuple[float, Drawing]], second: int) -> Iterator[Any]:
    for at, drawing in pictures:
        if second <= at < second + 1:
            frame: Any = av.VideoFrame.from_ndarray(drawing, format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = round(at * 1000), Fraction(1, 1000)
            yield frame


def _sound(samples: NDArray[np.float64], second: int, rate: int, layout: str) -> Iterator[Any]:
    now = samples[:, second * rate : (second + 1) * rate]
    if now.size:
        packed = np.ascontiguousarray((now.T * 32767).round().astype(np.int16).reshape(1, -1))
        frame: Any = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.sample_rate, frame.pts = rate, second * rate
        frame.time_base = Fraction(1, rate)
        yield frame
