"""Probing and remuxing on a corpus of good and bad files, and the speaking clock they share."""

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from loops import media
from loops.media import (
    MAX_SECONDS,
    Media,
    MediaError,
    Part,
    may_be_media,
    probe,
    sniff,
    synthesise_demo,
)
from tests.loops.corpus import SECONDS, encode

CLUSTER, CUES = b"\x1f\x43\xb6\x75", b"\x1c\x53\xbb\x6b"

Maker = Callable[..., Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Encode a few seconds of picture and sound with any codecs into any container."""
    folder = tmp_path_factory.mktemp("corpus")

    def make(name: str, muxer: str, **options: Any) -> Path:
        return encode(folder / name, muxer, **options)

    return make


@pytest.fixture(scope="module")
def recorded(make: Maker) -> Path:
    """A file as MediaRecorder leaves it: no duration, no index."""
    return make("recorded.webm", "webm", video="libvpx", audio="libopus", live="1")


@pytest.fixture(scope="module")
def phone(make: Maker) -> Path:
    """A file as a phone writes it: the index at the end, and where it was taken."""
    return make(
        "phone.mp4",
        "mp4",
        video="libx264",
        audio="aac",
        metadata={"location": "+48.2000+016.3667/", "title": "Kitchen"},
    )


def remux(source: Path, target: Path, *, max_seconds: int = MAX_SECONDS) -> Media:
    return media.remux([Part(source)], target, max_seconds=max_seconds)


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "written.webm"
    path.write_bytes(content)
    return path


def code_of(path: Path, *, max_seconds: int = MAX_SECONDS) -> str:
    target = path.with_name("target")
    with pytest.raises(MediaError) as failure:
        remux(path, target, max_seconds=max_seconds)
    assert failure.value.code in media.ERROR_CODES
    assert not target.exists()
    return failure.value.code


def reopened(path: Path, description: Media) -> Any:
    demuxers = {"video/webm": "matroska", "audio/webm": "matroska", "video/mp4": "mov",
               "audio/mp4": "mov", "audio/mpeg": "mp3", "audio/wav": "wav"}  # fmt: skip
    return av.open(str(path), format=demuxers[description.content_type])


def test_recorded_file_tells_nothing_before_remuxing(recorded: Path) -> None:
    with av.open(str(recorded), format="matroska") as container:
        assert container.duration is None
    assert CUES not in recorded.read_bytes()


def test_probe_measures_the_true_duration(recorded: Path) -> None:
    found = probe(recorded)

    assert found.duration_ms == pytest.approx(SECONDS * 1000, abs=50)
    assert (found.video_codec, found.audio_codec) == ("vp8", "opus")
    assert (found.width, found.height) == (160, 90)
    assert (found.gaps, found.is_partial) == ([], False)
    assert found.size_bytes == recorded.stat().st_size


def test_remuxed_file_has_a_duration_and_its_index_in_front(recorded: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.webm"

    made = remux(recorded, target)

    content = target.read_bytes()
    assert made.duration_ms == pytest.approx(probe(recorded).duration_ms, abs=50)
    assert made.size_bytes == len(content)
    assert (made.content_type, made.suffix) == ("video/webm", ".webm")
    assert 0 < content.index(CUES) < content.index(CLUSTER)
    with reopened(target, made) as container:
        assert container.duration / 1000 == pytest.approx(made.duration_ms, abs=50)


def test_remuxed_file_can_be_sought(tmp_path: Path) -> None:
    source, target = tmp_path / "clock.webm", tmp_path / "target.webm"
    synthesise_demo(source, 21)

    made = remux(source, target)

    with reopened(target, made) as container:
        container.seek(17_000_000)
        packet = next(container.demux(video=0))
        assert packet.is_keyframe
        assert float(packet.pts * packet.time_base) == pytest.approx(15, abs=0.3)


def test_streams_are_copied_and_not_encoded_again(recorded: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.webm"

    remux(recorded, target)

    packets = []
    for path in (recorded, target):
        with av.open(str(path), format="matroska") as container:
            packets.append([bytes(packet) for packet in container.demux(video=0) if packet.size])
    assert packets[0] == packets[1]


def test_metadata_of_the_source_is_left_behind(phone: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.mp4"

    remux(phone, target)

    assert b"Kitchen" in phone.read_bytes()
    assert b"loci" in phone.read_bytes()
    assert b"Kitchen" not in target.read_bytes()
    assert b"loci" not in target.read_bytes()


def test_mp4_gets_its_index_in_front(phone: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.mp4"

    made = remux(phone, target)

    content = target.read_bytes()
    assert made.content_type == "video/mp4"
    assert phone.read_bytes().index(b"mdat") < phone.read_bytes().index(b"moov")
    assert content.index(b"moov") < content.index(b"mdat")


def test_recording_that_starts_late_starts_at_zero(tmp_path: Path) -> None:
    source, target = tmp_path / "late.webm", tmp_path / "target.webm"
    synthesise_demo(tmp_path / "clock.webm", 3)
    with (
        av.open(str(tmp_path / "clock.webm"), format="matroska") as clock,
        av.open(str(source), "w", format="webm") as out,
    ):
        copies = [out.add_stream_from_template(stream, opaque=True) for stream in clock.streams]
        packets: list[Any] = list(clock.demux())
        for packet in packets:
            if packet.size:
                packet.pts += 7000
                packet.dts += 7000
                packet.stream = copies[packet.stream.index]
                out.mux(packet)

    made = remux(source, target)

    assert made.duration_ms == pytest.approx(3000, abs=50)


@pytest.mark.parametrize(
    ("source", "content_type"),
    [
        (("a.webm", "webm", {"video": "libvpx"}), "video/webm"),
        (("b.webm", "webm", {"audio": "libopus"}), "audio/webm"),
        (("c.ogg", "ogg", {"audio": "libopus"}), "audio/webm"),
        (("d.mkv", "matroska", {"video": "libx264", "audio": "aac"}), "video/mp4"),
        (("e.mov", "mov", {"video": "libx264", "audio": "aac"}), "video/mp4"),
        (("f.m4a", "mp4", {"audio": "aac"}), "audio/mp4"),
        (("g.mp3", "mp3", {"audio": "libmp3lame", "rate": 44_100}), "audio/mpeg"),
        (("h.wav", "wav", {"audio": "pcm_s16le"}), "audio/wav"),
    ],
)
def test_each_kind_becomes_a_file_that_browsers_play(
    make: Maker, tmp_path: Path, source: tuple[str, str, dict[str, Any]], content_type: str
) -> None:
    name, muxer, codecs = source
    target = tmp_path / "target"

    made = remux(make(name, muxer, **codecs), target)

    assert made.content_type == content_type
    assert made.duration_ms == pytest.approx(SECONDS * 1000, abs=50)
    assert not made.is_partial
    with reopened(target, made) as container:
        stream = container.streams[0]
        assert sum(1 for _ in container.decode(stream)) > 10


def test_truncated_file_that_told_its_duration_is_partial(tmp_path: Path) -> None:
    whole = tmp_path / "clock.webm"
    synthesise_demo(whole, 10)
    source = written(tmp_path, whole.read_bytes()[: whole.stat().st_size // 2])

    made = remux(source, tmp_path / "target.webm")

    assert made.is_partial
    assert 3000 < made.duration_ms < 7000


NOISE = np.random.default_rng(1).bytes(50_000)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\x1a\x45\xdf\xa3", "truncated"),
        (b"\x1a\x45\xdf\xa3" + NOISE, "not_media"),
        (b"\0\0\0\x18ftypisom" + NOISE, "not_media"),
        (b"OggS" + NOISE, "not_media"),
        (b"RIFF\x24\0\0\0WAVE" + NOISE, "not_media"),
        (b"ID3\x04\0\0\0\0\0\x21" + NOISE, "not_media"),
        (b"\xff\xfb\x90\x64" + NOISE, "not_media"),
        (NOISE, "not_media"),
        (b"<!doctype html><title>Not a film</title>" * 100, "not_media"),
        (b"An essay that calls itself an mp4.\n" * 100, "not_media"),
        (b"#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n", "not_media"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not_media"),
    ],
    ids=lambda value: repr(value[:16]),
)
def test_what_is_no_media_is_refused_by_code(tmp_path: Path, content: bytes, code: str) -> None:
    assert code_of(written(tmp_path, content)) == code


def test_file_that_is_gone_is_empty(tmp_path: Path) -> None:
    assert code_of(tmp_path / "gone.webm") == "empty"


@pytest.mark.parametrize("tenths", [1, 5, 9])
def test_mp4_cut_before_its_index_is_truncated(phone: Path, tmp_path: Path, tenths: int) -> None:
    content = phone.read_bytes()

    assert code_of(written(tmp_path, content[: len(content) * tenths // 10])) == "truncated"


def test_fragmented_mp4_keeps_its_good_part(make: Maker, tmp_path: Path) -> None:
    whole = make("fragments.mp4", "mp4", audio="aac", movflags="frag_keyframe+empty_moov")
    content = whole.read_bytes()

    made = remux(written(tmp_path, content[: len(content) // 2]), tmp_path / "target.mp4")

    assert 1000 < made.duration_ms < 3000


@pytest.mark.parametrize(
    ("name", "muxer", "codecs"),
    [
        ("x.flac.ogg", "ogg", {"audio": "flac"}),
        ("x.mulaw.wav", "wav", {"audio": "pcm_mulaw", "rate": 8000}),
        ("x.both.mkv", "matroska", {"video": "libvpx", "audio": "aac"}),
        ("x.mpeg4.mp4", "mp4", {"video": "mpeg4"}),
    ],
)
def test_codec_that_browsers_do_not_play_is_refused(
    make: Maker, name: str, muxer: str, codecs: dict[str, Any]
) -> None:
    assert code_of(make(name, muxer, **codecs)) == "unsupported_codec"


@pytest.mark.parametrize("size", [(4000, 32), (32, 4000), (3000, 3000)])
def test_huge_picture_is_refused(make: Maker, size: tuple[int, int]) -> None:
    path = make("huge.mp4", "mp4", video="libx264", size=size, seconds=1)

    assert code_of(path) == "picture_too_large"


def test_too_long_recording_is_refused(recorded: Path) -> None:
    assert code_of(recorded, max_seconds=3) == "too_long"


def test_file_without_picture_or_sound_is_refused(tmp_path: Path) -> None:
    words, source = tmp_path / "words.srt", tmp_path / "words.mkv"
    words.write_text("1\n00:00:00,000 --> 00:00:02,000\nhello\n\n")
    with av.open(str(words)) as lines, av.open(str(source), "w", format="matroska") as out:
        copy = out.add_stream_from_template(lines.streams.subtitles[0])
        for packet in lines.demux():
            if packet.size:
                packet.stream = copy
                out.mux(packet)

    assert code_of(source) == "no_streams"


def test_child_that_dies_is_a_passing_failure(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    assert code_of(recorded) == "crashed"
    assert "crashed" in media.PASSING_CODES


def test_child_that_hangs_is_stopped(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "WALL_SECONDS", 0.01)
    monkeypatch.setattr(media, "WALL_BYTES_A_SECOND", 1 << 40)

    assert code_of(recorded) == "timed_out"


def test_child_does_not_inherit_secrets(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = tmp_path / "teller"
    teller.write_text("#!/bin/sh\nenv >&2\nexit 1\n")
    teller.chmod(0o700)
    monkeypatch.setenv("SECRET_KEY", "hush")
    monkeypatch.setattr(sys, "executable", str(teller))

    with pytest.raises(MediaError) as failure:
        probe(recorded)

    assert "LANG=C.UTF-8" in failure.value.detail
    assert "hush" not in failure.value.detail


@pytest.mark.parametrize(
    ("head", "demuxer"),
    [
        (b"\x1a\x45\xdf\xa3" + b"\0" * 8, "matroska"),
        (struct.pack(">I", 24) + b"ftypisom", "mov"),
        (b"OggS" + b"\0" * 8, "ogg"),
        (b"RIFF\0\0\0\0WAVE", "wav"),
        (b"RIFF\0\0\0\0AVI ", None),
        (b"ID3\x04" + b"\0" * 8, "mp3"),
        (b"\xff\xfb\x90\x64" + b"\0" * 8, "mp3"),
        (b"\xff\xfb\xf0\x64" + b"\0" * 8, None),
        (b"\xff\xff\xff\xff" + b"\xff" * 8, None),
        (b"GIF89a" + b"\0" * 6, None),
        (b"hello, mp4!!", None),
        (b"", None),
    ],
)
def test_kind_is_told_by_the_first_bytes(head: bytes, demuxer: str | None) -> None:
    assert sniff(head) == demuxer


def test_beginning_too_short_to_tell_may_be_media() -> None:
    assert may_be_media(b"\x1a")
    assert may_be_media(b"\x1a\x45\xdf\xa3" + b"\0" * 8)
    assert not may_be_media(b"<!doctype html>")


def test_media_module_loads_no_codecs() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, loops.media; print('av' in sys.modules)"],
        cwd=Path(media.__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert loaded.stdout == "False\n"


def test_speaking_clock_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        synthesise_demo(tmp_path / name, 3, seed=seed)
        contents.append((tmp_path / name).read_bytes())

    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_speaking_clock_shows_the_time(tmp_path: Path) -> None:
    path = tmp_path / "clock.webm"
    synthesise_demo(path, 12)

    found = probe(path)

    assert found.duration_ms == pytest.approx(12_000, abs=50)
    assert (found.content_type, found.width, found.height) == ("video/webm", 320, 180)
    with av.open(str(path), format="matroska") as container:
        frames = {
            frame.time: frame.to_ndarray(format="gray") for frame in container.decode(video=0)
        }
    # The last figure of 00:08 has all its segments, that of 00:11 the two on the right.
    assert frames[8.0][44 + 35, 178 + 18] > 150
    assert frames[11.0][44 + 35, 178 + 18] < 80


def test_speaking_clock_may_be_heard_only(tmp_path: Path) -> None:
    path = tmp_path / "clock.webm"
    synthesise_demo(path, 5, has_picture=False)

    found = probe(path)

    assert found.content_type == "audio/webm"
    assert found.duration_ms == pytest.approx(5000, abs=50)
    assert (found.width, found.height, found.video_codec) == (0, 0, "")
