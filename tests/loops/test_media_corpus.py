"""Damaged recordings, looked into as the worker does it: each ends in a result or a code."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loops import media
from loops.media import Media, MediaError, Part, Picture, Sound
from tests.loops.corpus import SECONDS, encode

BLAMING_THE_FILE = media.ERROR_CODES - media.PASSING_CODES
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "camera": ("webm", {"video": "libvpx", "audio": "libopus", "live": "1"}),
    "microphone": ("webm", {"audio": "libopus", "live": "1"}),
    "screen": ("webm", {"video": "libvpx", "live": "1"}),
    "fragments": (
        "mp4",
        {"video": "libx264", "audio": "aac", "movflags": "frag_keyframe+empty_moov+skip_trailer",
         "codec_options": {"g": "10", "bf": "0"}},
    ),
    "phone": ("mov", {"video": "libx264", "audio": "aac"}),
    "m4a": ("mp4", {"audio": "aac"}),
    "mp3": ("mp3", {"audio": "libmp3lame", "rate": 44_100}),
    "ogg": ("ogg", {"audio": "libopus"}),
    "wav": ("wav", {"audio": "pcm_s16le"}),
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """All that was found out about a file that can be played."""

    media: Media
    sound: Sound
    picture: Picture


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("corpus")
    return {
        kind: encode(folder / kind, muxer, **options).read_bytes()
        for kind, (muxer, options) in KINDS.items()
    }


def look_into(content: bytes | bytearray, folder: Path) -> Seen:
    """Take every step; check that each leaves what it promises and nothing else."""
    source, playable, peaks, poster, strip = (
        folder / name for name in ("source", "playable", "peaks", "poster", "strip")
    )
    source.write_bytes(content)
    try:
        made = media.remux([Part(source)], playable)
        heard = media.sound(playable, peaks)
        seen = media.picture(playable, poster, strip)
    finally:
        assert source.read_bytes() == content
        left = {path for path in folder.iterdir() if path != source}
        assert left <= {playable, peaks, poster, strip}
    wanted = {playable}
    wanted |= {peaks} if heard.has_sound else set()
    wanted |= {poster, strip} if seen.has_picture else set()
    assert left == wanted
    assert made.size_bytes == playable.stat().st_size
    assert all(0 <= start < end <= made.duration_ms + 50 for start, end in made.gaps)
    return Seen(made, heard, seen)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_recording_is_whole(corpus: dict[str, bytes], tmp_path: Path, kind: str) -> None:
    seen = look_into(corpus[kind], tmp_path)

    assert seen.media.duration_ms == pytest.approx(SECONDS * 1000, abs=50)
    assert (seen.media.gaps, seen.media.is_partial) == ([], False)
    assert seen.sound.has_sound is ("audio" in KINDS[kind][1])
    assert seen.picture.has_picture is ("video" in KINDS[kind][1])


@pytest.mark.parametrize("tenths", range(1, 10))
def test_recording_cut_at_a_tenth_keeps_what_came_before(
    corpus: dict[str, bytes], tmp_path: Path, tenths: int
) -> None:
    content = corpus["camera"]

    seen = look_into(content[: len(content) * tenths // 10], tmp_path)

    assert seen.media.duration_ms == pytest.approx(SECONDS * 100 * tenths, abs=150)
    # It tells no length: where its recorder was killed it ends so too, and nothing is missing.
    assert not seen.media.is_partial
    assert seen.sound.has_sound
    assert seen.picture.has_picture


@pytest.mark.parametrize("kind", KINDS)
def test_recording_cut_in_two_ends_well(
    corpus: dict[str, bytes], tmp_path: Path, kind: str
) -> None:
    try:
        seen = look_into(corpus[kind][: len(corpus[kind]) // 2], tmp_path)
    except MediaError as error:
        assert (kind, error.code) in {("phone", "truncated"), ("m4a", "truncated")}  # noqa: PT017
    else:
        assert 1000 < seen.media.duration_ms < 3000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", ["hole", "flips"])
def test_damaged_recording_ends_well(
    corpus: dict[str, bytes], tmp_path: Path, kind: str, damage: str
) -> None:
    content = bytearray(corpus[kind])
    chance = np.random.default_rng(len(content))
    third = len(content) // 3
    if damage == "hole":
        content[third : 2 * third] = bytes(third)
    else:
        for place in chance.integers(len(content), size=60):
            content[place] ^= 1 << int(chance.integers(8))

    try:
        seen = look_into(content, tmp_path)
    except MediaError as error:
        assert error.code in BLAMING_THE_FILE  # noqa: PT017
    else:
        assert seen.media.duration_ms > 0
        if damage != "flips" and kind in {"camera", "microphone", "screen"}:
            assert seen.media.duration_ms == pytest.approx(SECONDS * 1000, abs=150)
            assert seen.media.is_partial
            assert sum(end - start for start, end in seen.media.gaps) > 1000


@pytest.fixture(autouse=True)
def _no_child_is_left() -> Iterator[None]:
    before = _children()
    yield
    assert _children() <= before


def _children() -> set[str]:
    return {
        line.split()[0]
        for path in Path("/proc/self/task").glob("*/children")
        for line in [path.read_text()]
        if line
    }
