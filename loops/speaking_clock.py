"""Draws recordings for the demo and the tests: a clock, a swinging plumb line and a soft tune."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 180
FRAMES_A_SECOND = 5
SAMPLES_A_SECOND = 16_000
KEY_FRAME_SECONDS = 5

INK = (22, 28, 38)
CHALK_DUST = (46, 56, 72)
PAPER = (236, 233, 226)
CHALK = (122, 163, 245)
LINE = (238, 122, 102)

# The segments that are lit for each figure: top, upper left, upper right, middle, lower left,
# lower right, bottom.
SEGMENTS = "1110111 0010010 1011101 1011011 0111010 1101011 1101111 1010010 1111111 1111011".split()
CORD = 84  # pixels from the top to the bob
BOB = np.abs(np.arange(16) - 7.5)[np.newaxis, :] < np.minimum(8, 12 - np.arange(24) / 2)[:, None]
PENTATONIC_HZ = (220.0, 246.9, 277.2, 329.6, 370.0, 440.0)
NOTE_SECONDS = 2

Image = NDArray[np.uint8]
Sound = NDArray[np.float32]


def draw(path: Path, seconds: int, *, seed: int, has_picture: bool, hush: range) -> None:
    """Write a webm file of whole seconds: VP8 and Opus, or Opus alone, with its index in front.

    During the seconds of `hush` nothing is to be heard.
    """
    options = {"cues_to_front": "1", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="webm", container_options=options) as out:
        video = _video_stream(out) if has_picture else None
        audio = _audio_stream(out)
        pictures = _frames(_pictures(seed))
        sounds = _sounds(seed)
        for second in range(seconds):
            if video is not None:
                _encode_pictures(out, video, pictures, second)
            _encode_sound(out, audio, next(sounds) * (second not in hush), second)
        for stream in (video, audio):
            if stream is not None:
                out.mux(stream.encode(None))


def _video_stream(out: Any) -> Any:
    stream = out.add_stream("libvpx", rate=FRAMES_A_SECOND)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.bit_rate = 12_000
    stream.codec_context.thread_count = 1
    stream.codec_context.gop_size = FRAMES_A_SECOND * KEY_FRAME_SECONDS
    # A speed below zero is fixed; one above zero would follow the clock of the machine.
    stream.options = {"deadline": "realtime", "cpu-used": "-12", "lag-in-frames": "0"}
    return stream


def _audio_stream(out: Any) -> Any:
    stream = out.add_stream("libopus", rate=SAMPLES_A_SECOND, layout="mono")
    stream.bit_rate = 12_000
    stream.options = {"compression_level": "0", "application": "audio"}
    return stream


def _encode_pictures(out: Any, stream: Any, pictures: Iterator[Any], second: int) -> None:
    for number in range(FRAMES_A_SECOND):
        frame = next(pictures)
        frame.pts = second * FRAMES_A_SECOND + number
        frame.time_base = Fraction(1, FRAMES_A_SECOND)
        out.mux(stream.encode(frame))


def _encode_sound(out: Any, stream: Any, sound: Sound, second: int) -> None:
    samples = (sound * 32767).astype(np.int16)[np.newaxis, :]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = SAMPLES_A_SECOND
    frame.pts = second * SAMPLES_A_SECOND
    frame.time_base = Fraction(1, SAMPLES_A_SECOND)
    out.mux(stream.encode(frame))


def _frames(pictures: Iterator[Image]) -> Iterator[Any]:
    reformatter = av.video.reformatter.VideoReformatter()
    for picture in pictures:
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        yield reformatter.reformat(frame, format="yuv420p")


def _pictures(seed: int) -> Iterator[Image]:
    """Give the frames in order, for ever."""
    number = 0
    stage = _stage(seed)
    while True:
        second, part = divmod(number, FRAMES_A_SECOND)
        if part == 0:
            with_clock = stage.copy()
            _draw_clock(with_clock, second)
        image = with_clock.copy()
        _draw_plumb_line(image, number / FRAMES_A_SECOND, seed)
        _draw_level(image, number / FRAMES_A_SECOND, seed)
        yield image
        number += 1


def _stage(seed: int) -> Image:
    """Draw what does not move: the ground, and the ruler with its four zones and a target."""
    image = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    image[:] = INK
    _fill(image, (24, 150, 272, 2), CHALK_DUST)
    for zone in range(5):
        _fill(image, (24 + zone * 68 - (zone == 4) * 2, 142, 2, 10), CHALK_DUST)
    _fill(image, (24 + (1 + seed % 3) * 68, 136, 2, 22), LINE)
    return image


def _draw_clock(image: Image, second: int) -> None:
    minutes, rest = divmod(second, 60)
    left = 24
    for place, figure in enumerate(f"{minutes:02d}{rest:02d}"):
        _draw_figure(image, left, 44, int(figure))
        left += 46
        if place == 1:
            _fill(image, (left, 62, 6, 6), PAPER)
            _fill(image, (left, 88, 6, 6), PAPER)
            left += 16


def _draw_figure(image: Image, left: int, top: int, figure: int) -> None:
    bars = (
        (6, 0, 24, 6),
        (0, 6, 6, 26),
        (30, 6, 6, 26),
        (6, 32, 24, 6),
        (0, 38, 6, 26),
        (30, 38, 6, 26),
        (6, 64, 24, 6),
    )
    for is_lit, (x, y, width, height) in zip(SEGMENTS[figure], bars, strict=True):
        if is_lit == "1":
            _fill(image, (left + x, top + y, width, height), PAPER)


def _draw_plumb_line(image: Image, at: float, seed: int) -> None:
    sway = 22 * np.sin(2 * np.pi * at / (7 + seed % 4))
    down = np.arange(CORD)
    across = np.rint(268 + sway * down / CORD).astype(int)
    image[down, across] = LINE
    image[down, across + 1] = LINE
    left, top = round(268 + sway) + 1 - BOB.shape[1] // 2, CORD
    image[top : top + BOB.shape[0], left : left + BOB.shape[1]][BOB] = PAPER


def _draw_level(image: Image, at: float, seed: int) -> None:
    middle = 160 + 90 * np.sin(2 * np.pi * (at / 47 + seed / 7))
    _fill(image, (round(middle) - 24, 147, 48, 8), CHALK)
    _fill(image, (round(middle) - 1, 140, 3, 22), PAPER)


def _fill(image: Image, box: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
    """Paint a box, given as left, top, width and height in pixels."""
    left, top, width, height = box
    image[top : top + height, left : left + width] = colour


def _sounds(seed: int) -> Iterator[Sound]:
    """Give one second of sound after the other: a slow tune and a tick on each full second."""
    chance = np.random.default_rng(seed)
    time = np.arange(NOTE_SECONDS * SAMPLES_A_SECOND, dtype=np.float32) / SAMPLES_A_SECOND
    swell = (np.sin(np.pi * time / NOTE_SECONDS) ** 2).astype(np.float32)
    tick = _tick()
    while True:
        pitch = PENTATONIC_HZ[int(chance.integers(len(PENTATONIC_HZ)))]
        wave = np.sin(2 * np.pi * pitch * time) + 0.4 * np.sin(4 * np.pi * pitch * time)
        note = (0.06 * swell * wave).astype(np.float32)
        for second in range(NOTE_SECONDS):
            start = second * SAMPLES_A_SECOND
            note[start : start + tick.size] += tick
            yield note[start : start + SAMPLES_A_SECOND]


def _tick() -> Sound:
    time = np.arange(SAMPLES_A_SECOND // 40, dtype=np.float32) / SAMPLES_A_SECOND
    return (0.1 * np.sin(2 * np.pi * 880 * time) * np.exp(-160 * time)).astype(np.float32)
