"""What is seen in a file: a poster that is not black, and thumbnails at their times."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from loops.media import MediaError, Part, Picture, picture, remux, synthesise_demo
from tests.loops.corpus import encode, grey

VP8_KEY_FRAME = b"\x9d\x01\x2a"


@pytest.fixture
def poster(tmp_path: Path) -> Path:
    return tmp_path / "poster.jpg"


@pytest.fixture
def strip(tmp_path: Path) -> Path:
    return tmp_path / "strip.jpg"


def seen(path: Path) -> NDArray[np.uint8]:
    """Decode a JPEG, as shades of grey."""
    content = path.read_bytes()
    assert content.startswith(b"\xff\xd8\xff")
    assert content.endswith(b"\xff\xd9")
    decoder: Any = av.CodecContext.create("mjpeg", "r")
    frames = [*decoder.decode(av.Packet(content)), *decoder.decode(None)]
    shades: NDArray[np.uint8] = frames[0].to_ndarray(format="gray")
    return shades


def shade_of(sheet: NDArray[np.uint8], facts: dict[str, int], number: int) -> float:
    """Tell how light one thumbnail is."""
    row, column = divmod(number, facts["columns"])
    top, left = row * facts["height"], column * facts["width"]
    return float(sheet[top : top + facts["height"], left : left + facts["width"]].mean())


def test_poster_is_wide_and_not_black(tmp_path: Path, poster: Path, strip: Path) -> None:
    shown = [(number / 10, grey((160, 90), 0 if number < 30 else 160)) for number in range(100)]
    source = encode(tmp_path / "dark", "webm", video="libvpx", seconds=10, frames=shown)

    taken = picture(source, poster, strip)

    assert taken.has_picture
    assert taken.poster == {"width": 640, "height": 360}
    assert seen(poster).shape == (360, 640)
    assert seen(poster).mean() > 100


def test_black_recording_has_a_poster_all_the_same(
    tmp_path: Path, poster: Path, strip: Path
) -> None:
    shown = [(number / 10, grey((160, 90), 0)) for number in range(20)]

    assert picture(encode(tmp_path / "x", "webm", video="libvpx", frames=shown), poster, strip)

    assert seen(poster).mean() < 30


def test_thumbnails_stand_at_their_times(tmp_path: Path, poster: Path, strip: Path) -> None:
    shown = [(number / 10, grey((160, 90), 20 + 10 * (number // 10))) for number in range(230)]
    source = encode(
        tmp_path / "steps", "webm", video="libvpx", frames=shown, codec_options={"g": "10"}
    )

    taken = picture(source, poster, strip)

    assert taken.strip == {
        "columns": 10, "rows": 3, "count": 23, "every_ms": 1000, "width": 160, "height": 90
    }  # fmt: skip
    sheet = seen(strip)
    assert sheet.shape == (3 * 90, 10 * 160)
    for number in range(23):
        assert shade_of(sheet, taken.strip, number) == pytest.approx(20 + 10 * number, abs=9)


def test_long_recording_has_120_thumbnails_at_most(
    tmp_path: Path, poster: Path, strip: Path
) -> None:
    shown = [(float(at), grey((32, 18), at * 2 % 250)) for at in range(0, 600, 5)]
    source = encode(
        tmp_path / "long", "webm", video="libvpx", size=(32, 18), frames=shown,
        codec_options={"g": "3"},
    )  # fmt: skip

    taken = picture(source, poster, strip)

    assert 100 < taken.strip["count"] <= 120
    assert taken.strip["count"] * taken.strip["every_ms"] >= 595_000
    height, width = seen(strip).shape
    assert height == taken.strip["rows"] * taken.strip["height"]
    assert width == taken.strip["columns"] * taken.strip["width"]


@pytest.mark.parametrize(
    ("muxer", "codec"), [("mp4", "libx264"), ("webm", "libvpx-vp9"), ("mp4", "libsvtav1")]
)
def test_every_codec_gives_pictures(
    tmp_path: Path, poster: Path, strip: Path, muxer: str, codec: str
) -> None:
    taken = picture(encode(tmp_path / "film", muxer, video=codec), poster, strip)

    assert taken.strip["count"] == 4
    assert seen(poster).shape == (360, 640)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_film_of_a_turned_phone_is_seen_upright(
    tmp_path: Path, poster: Path, strip: Path, rotation: int
) -> None:
    half = grey((160, 90), 30)
    half[:, :80] = 200
    source = encode(
        tmp_path / "phone", "mp4", video="libx264", rotation=rotation,
        frames=[(number / 10, half) for number in range(20)],
    )  # fmt: skip
    remux([Part(source)], tmp_path / "playable")

    taken = picture(tmp_path / "playable", poster, strip)

    upright = np.rot90(half, rotation // 90)
    wide, high = upright.shape[1], upright.shape[0]
    assert taken.poster == {"width": 640, "height": pytest.approx(640 * high / wide, abs=2)}
    shown = seen(poster)
    for down in (0.25, 0.75):
        for right in (0.25, 0.75):
            wanted = upright[int(high * down), int(wide * right)]
            assert shown[int(shown.shape[0] * down), int(640 * right)] == pytest.approx(
                wanted, abs=25
            )


def test_file_without_a_picture_says_so(tmp_path: Path, poster: Path, strip: Path) -> None:
    source = encode(tmp_path / "talk", "webm", audio="libopus", seconds=1)

    assert picture(source, poster, strip) == Picture(has_picture=False, poster={}, strip={})
    assert not poster.exists()
    assert not strip.exists()


def test_huge_picture_is_refused_before_it_is_decoded(
    tmp_path: Path, poster: Path, strip: Path
) -> None:
    shown = [(0.0, grey((8192, 64), 40))]
    source = encode(
        tmp_path / "huge", "mp4", video="libx264", size=(8192, 64), frames=shown, seconds=1
    )  # fmt: skip

    for look in (
        lambda: picture(source, poster, strip),
        lambda: remux([Part(source)], tmp_path / "to"),
    ):
        with pytest.raises(MediaError) as failure:
            look()
        assert failure.value.code == "picture_too_large"


def test_frames_larger_than_their_header_says_are_not_decoded(
    tmp_path: Path, poster: Path, strip: Path
) -> None:
    synthesise_demo(tmp_path / "film", 2)
    content = bytearray((tmp_path / "film").read_bytes())
    at = content.index(VP8_KEY_FRAME) + len(VP8_KEY_FRAME)
    content[at : at + 4] = (8192).to_bytes(2, "little") * 2
    (tmp_path / "film").write_bytes(content)

    assert not picture(tmp_path / "film", poster, strip).has_picture


def test_looking_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    source = encode(tmp_path / "film", "webm", video="libvpx")

    for name in "ab":
        picture(source, tmp_path / f"poster-{name}", tmp_path / f"strip-{name}")

    for kind in ("poster", "strip"):
        assert (tmp_path / f"{kind}-a").read_bytes() == (tmp_path / f"{kind}-b").read_bytes()
