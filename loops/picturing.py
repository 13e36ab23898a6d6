"""The child's side of `loops.media.picture`: takes a poster and a strip of thumbnails."""

import math
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from loops.confined import Meter, Packets, check_picture, decoded, opened, picture_of, serve
from loops.media import Picture

POSTER_WIDTH = 640
POSTER_SHARES = (
    0.05,
    0.1,
    0.25,
    0.5,
    0.75,
    0.9,
    0.01,
)  # of the duration: the first that is not dark
POSTER_WORK = 0.2  # of all the work
DARK = 48  # of 255: what the brightest hundredth of a black picture stays below
PACKETS_TO_A_POSTER = 150  # decoded at most from a key frame on
THUMBNAIL_WIDTH = 160
THUMBNAILS_MOST = 120
THUMBNAIL_LEAST_MS = 1000
COLUMNS = 10
TALLEST = 3  # times the width: what is taller is pressed together
QUALITY = 5  # of JPEG, from 2 (best) to 31
LAMBDA = 118  # FFmpeg's unit of quality

Image = NDArray[np.uint8]


def work(request: dict[str, Any], meter: Meter) -> Picture:
    """Write the poster and the strip. Raises MediaError."""
    with opened(Path(request["path"])) as container:
        stream = picture_of(container)
        camera = None if stream is None else Camera(container, stream)
        poster = None if camera is None else _poster(camera, meter)
        if camera is None or poster is None:
            return Picture(has_picture=False, poster={}, strip={})
        strip, facts = _strip(camera, meter)
    Path(request["poster"]).write_bytes(_jpeg(poster))
    Path(request["strip"]).write_bytes(_jpeg(strip))
    height, width, _ = poster.shape
    return Picture(has_picture=True, poster={"width": width, "height": height}, strip=facts)


class Camera:
    """Finds frames of a stream by their time, and gives them as they are to be seen."""

    def __init__(self, container: Any, stream: Any) -> None:
        self._container = container
        self._stream = stream
        self._reformatter = VideoReformatter()
        self._height_to_width: float | None = None
        self._key: tuple[int | None, Any] = (None, None)
        self.seconds = (container.duration or 0) / 1_000_000

    def frame_near(self, second: float) -> Any | None:
        """Decode the key frame before a time or, where that is far off, a frame of the time."""
        found = None
        for count, packet in enumerate(self._packets_from(second)):
            for frame in decoded(packet):
                is_near = (frame.time or 0) >= (second / 2 if found is None else second)
                found = frame
                if is_near:
                    return found
            if count >= PACKETS_TO_A_POSTER:
                break
        return found

    def key_frame_at(self, second: float) -> Any | None:
        """Decode the last key frame before a time, and nothing else."""
        for packet in self._packets_from(second):
            if packet.is_keyframe:
                if packet.pts != self._key[0]:
                    frames = decoded(packet) or self._drained()
                    self._key = (packet.pts, frames[0] if frames else None)
                return self._key[1]
        return None

    def height_for(self, width: int) -> int:
        """Tell the height of an image of such a width, which is even."""
        return max(2 * round(width * (self._height_to_width or 0) / 2), 2)

    def image(self, frame: Any, width: int) -> Image:
        """Turn and scale a frame; all frames get the shape of the first."""
        check_picture(frame.width, frame.height)
        turns = round(frame.rotation / 90) % 4
        wide, high = (frame.width, frame.height) if turns % 2 == 0 else (frame.height, frame.width)
        if self._height_to_width is None:
            self._height_to_width = min(high / wide, TALLEST)
        height = self.height_for(width)
        size = (width, height) if turns % 2 == 0 else (height, width)
        scaled = self._reformatter.reformat(frame, *size, format="rgb24").to_ndarray()
        return np.rot90(scaled, turns)

    def _packets_from(self, second: float) -> Packets:
        with suppress(av.FFmpegError):  # without an index the packets go on from here
            self._container.seek(round(second / self._stream.time_base), stream=self._stream)
        return Packets(self._container, [self._stream])

    def _drained(self) -> list[Any]:
        """Give what the decoder holds back; the next seek makes it ready again."""
        try:
            return list(self._stream.codec_context.decode(None))
        except (av.FFmpegError, ValueError):
            return []


def _poster(camera: Camera, meter: Meter) -> Image | None:
    """Take a picture a little after the beginning; of a dark one's fellows the brightest."""
    best: Image | None = None
    most = -1.0
    for number, share in enumerate(POSTER_SHARES):
        frame = camera.frame_near(share * camera.seconds)
        meter.reach(POSTER_WORK * (number + 1) / len(POSTER_SHARES))
        if frame is None:
            continue
        image = camera.image(frame, POSTER_WIDTH)
        brightness = float(np.percentile(image, 99))
        if brightness > most:
            best, most = image, brightness
        if brightness >= DARK:
            break
    return best


def _strip(camera: Camera, meter: Meter) -> tuple[Image, dict[str, int]]:
    """Lay thumbnails side by side; each shows the key frame before the middle of its time."""
    duration_ms = max(round(camera.seconds * 1000), 1)
    every_ms = max(math.ceil(duration_ms / THUMBNAILS_MOST), THUMBNAIL_LEAST_MS)
    count = math.ceil(duration_ms / every_ms)
    columns, rows = min(count, COLUMNS), math.ceil(count / COLUMNS)
    width, height = THUMBNAIL_WIDTH, camera.height_for(THUMBNAIL_WIDTH)
    sheet: Image = np.zeros((rows * height, columns * width, 3), dtype=np.uint8)
    image: Image = sheet[:height, :width]
    for number in range(count):
        frame = camera.key_frame_at(min((number + 0.5) * every_ms, duration_ms) / 1000)
        if frame is not None:
            image = camera.image(frame, width)
        top, left = number // columns * height, number % columns * width
        sheet[top : top + height, left : left + width] = image
        meter.reach(POSTER_WORK + (1 - POSTER_WORK) * (number + 1) / count)
    facts = {"columns": columns, "rows": rows, "count": count}
    return sheet, {**facts, "every_ms": every_ms, "width": width, "height": height}


def _jpeg(image: Image) -> bytes:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = frame.width, frame.height
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    encoder.qscale, encoder.global_quality = True, QUALITY * LAMBDA
    frame = frame.reformat(format="yuvj420p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


if __name__ == "__main__":
    serve(work)
