"""Joining the parts of a track: where they lie, what is left out, what counts as a gap."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from loops.media import HEAD_BYTES, Media, MediaError, Part, probe, remux, sniff
from tests.loops.corpus import SECONDS, Drawing, encode, grainy, grey

MS = SECONDS * 1000
CLUSTER = b"\x1f\x43\xb6\x75"
LIVE: dict[str, Any] = {"live": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="module")
def camera(folder: Path) -> Path:
    return encode(folder / "camera", "webm", video="libvpx", audio="libopus", **LIVE)


@pytest.fixture(scope="module")
def microphone(folder: Path) -> Path:
    return encode(folder / "microphone", "webm", audio="libopus", **LIVE)


@pytest.fixture(scope="module")
def long_take(folder: Path) -> Path:
    """Ten seconds and more than a megabyte, with a key frame, so a cluster, a second."""
    frames = grainy((320, 180), 10)
    return encode(
        folder / "long", "webm", video="libvpx", audio="libopus", size=(320, 180), seconds=10,
        frames=frames, codec_options={"g": "10", "b": "2M"}, **LIVE,
    )  # fmt: skip


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def times_of(path: Path, kind: str) -> list[float]:
    """Return when the packets of a stream are to be seen or heard, in ms."""
    with av.open(str(path), format=sniff(path.read_bytes()[:HEAD_BYTES])) as container:
        stream: Any = next(stream for stream in container.streams if stream.type == kind)
        return [
            1000 * float(packet.pts * packet.time_base)
            for packet in container.demux(stream)
            if packet.size and packet.pts is not None
        ]


def places_of(path: Path, kind: str) -> list[int]:
    """Return where in a Matroska file the blocks of a stream begin."""
    with av.open(str(path), format="matroska") as container:
        packets: list[Any] = list(container.demux(**{kind: 0}))
    return [packet.pos for packet in packets if packet.size]


def written(path: Path, content: bytes | bytearray) -> Path:
    path.write_bytes(content)
    return path


def test_parts_lie_where_they_were_recorded(camera: Path, target: Path) -> None:
    made = remux([Part(camera, 2000), Part(camera, 9000), Part(camera, 13_100)], target)

    assert made.duration_ms == pytest.approx(11_100 + MS, abs=50)
    assert (made.start_ms, made.left_out, made.is_partial) == (2000, [], False)
    assert made.gaps == [[pytest.approx(MS, abs=50), pytest.approx(7000, abs=50)]]
    alone = times_of(camera, "video")
    assert times_of(target, "video") == pytest.approx(
        [at + shift for shift in (0, 7000, 11_100) for at in alone], abs=15
    )


def test_part_that_overlaps_follows_what_came_before(camera: Path, target: Path) -> None:
    made = remux([Part(camera), Part(camera, MS - 1500)], target)

    assert made.duration_ms == pytest.approx(2 * MS, abs=50)
    assert made.gaps == []
    assert not made.is_partial
    times = times_of(target, "audio")
    assert times == sorted(times)
    assert len(times) == 2 * len(times_of(camera, "audio"))


def test_joined_file_can_be_decoded_and_sought(camera: Path, target: Path) -> None:
    remux([Part(camera), Part(camera, 6000)], target)

    with av.open(str(target), format="matroska") as container:
        assert sum(1 for _ in container.decode(video=0)) == 2 * SECONDS * 10
        container.seek(6_500_000)
        packet: Any = next(container.demux(video=0))
        assert float(packet.pts * packet.time_base) == pytest.approx(6, abs=0.1)


def test_part_without_a_picture_goes_on_in_the_same_file(
    camera: Path, microphone: Path, target: Path
) -> None:
    for parts in ([camera, microphone], [microphone, camera]):
        made = remux([Part(parts[0]), Part(parts[1], MS)], target)

        assert (made.content_type, made.left_out) == ("video/webm", [])
        assert made.duration_ms == pytest.approx(2 * MS, abs=50)
        assert (made.width, made.height) == (160, 90)
        assert max(times_of(target, "audio")) == pytest.approx(2 * MS, abs=100)


def test_part_of_another_size_goes_on(camera: Path, folder: Path, target: Path) -> None:
    other = encode(folder / "wide", "webm", video="libvpx", audio="libopus", size=(320, 90))

    made = remux([Part(camera), Part(other, MS)], target)

    assert made.left_out == []
    with av.open(str(target), format="matroska") as container:
        assert {frame.width for frame in container.decode(video=0)} == {160, 320}


@pytest.mark.parametrize(
    ("muxer", "codecs"),
    [
        ("mp4", {"video": "libx264", "audio": "aac"}),
        ("webm", {"video": "libvpx-vp9"}),
        ("wav", {"audio": "pcm_s16le"}),
    ],
)
def test_part_that_does_not_fit_is_left_out(
    camera: Path, tmp_path: Path, target: Path, muxer: str, codecs: dict[str, Any]
) -> None:
    other = encode(tmp_path / "other", muxer, seconds=1, **codecs)

    made = remux([Part(camera), Part(other, MS), Part(camera, 2 * MS)], target)

    assert (made.left_out, made.is_partial) == ([1], True)
    assert made.gaps == [[pytest.approx(MS, abs=50), 2 * MS]]


def test_parts_of_mp4_are_joined_where_their_headers_agree(tmp_path: Path, target: Path) -> None:
    one, other = (
        encode(tmp_path / str(width), "mp4", video="libx264", audio="aac", size=(width, 90))
        for width in (160, 320)
    )

    made = remux([Part(one), Part(other, MS), Part(one, 2 * MS)], target)

    assert (made.content_type, made.left_out) == ("video/mp4", [1])
    assert made.duration_ms == pytest.approx(3 * MS, abs=50)


def test_nothing_is_joined_to_a_container_without_times(tmp_path: Path, target: Path) -> None:
    sound = encode(tmp_path / "sound", "wav", audio="pcm_s16le")

    made = remux([Part(sound), Part(sound, 9000)], target)

    assert (made.left_out, made.is_partial) == ([1], True)
    assert made.duration_ms == pytest.approx(MS, abs=50)


def test_part_that_cannot_be_read_is_left_out(camera: Path, tmp_path: Path, target: Path) -> None:
    noise = written(tmp_path / "noise", b"\x1a\x45\xdf\xa3" + np.random.default_rng(1).bytes(9000))
    bad = [Part(noise, MS), Part(tmp_path / "gone", MS), Part(written(tmp_path / "none", b""), MS)]

    made = remux([Part(camera), *bad, Part(camera, MS)], target)

    assert (made.left_out, made.is_partial, made.gaps) == ([1, 2, 3], True, [])
    assert made.duration_ms == pytest.approx(2 * MS, abs=50)


def test_file_begins_with_the_first_part_that_can_be_read(
    camera: Path, tmp_path: Path, target: Path
) -> None:
    made = remux([Part(tmp_path / "gone", 500), Part(camera, 9000)], target)

    assert (made.start_ms, made.left_out, made.gaps) == (9000, [0], [])
    assert made.duration_ms == pytest.approx(MS, abs=50)
    assert times_of(target, "video")[0] == pytest.approx(0, abs=20)


def test_nothing_but_bad_parts_is_refused_by_the_first_one_s_code(
    tmp_path: Path, target: Path
) -> None:
    page = written(tmp_path / "page", b"<!doctype html><title>Not a film</title>" * 9)

    with pytest.raises(MediaError) as failure:
        remux([Part(page), Part(tmp_path / "gone", 10)], target)

    assert failure.value.code == "not_media"
    assert not target.exists()


def test_part_beyond_the_longest_recording_is_left_out(camera: Path, target: Path) -> None:
    made = remux([Part(camera), Part(camera, 10**9)], target, max_seconds=10)

    assert (made.left_out, made.is_partial) == ([1], True)


def test_same_parts_give_the_same_bytes(camera: Path, tmp_path: Path) -> None:
    made = [remux([Part(camera), Part(camera, 6000)], tmp_path / name) for name in "ab"]

    assert made[0] == made[1]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# What is a gap


def test_hole_of_half_a_megabyte_is_a_gap(long_take: Path, tmp_path: Path, target: Path) -> None:
    content = bytearray(long_take.read_bytes())
    assert len(content) > 1_200_000
    content[300_000:800_000] = bytes(500_000)

    made = remux([Part(written(tmp_path / "holed", content))], target)

    assert made.duration_ms == pytest.approx(10_000, abs=50)
    assert made.is_partial
    [(start, end)] = made.gaps
    assert not any(start + 60 < at < end - 60 for at in times_of(target, "audio"))
    assert not any(start + 60 < at < end - 60 for at in times_of(target, "video"))


def test_end_that_is_damaged_makes_the_recording_partial(
    long_take: Path, tmp_path: Path, target: Path
) -> None:
    content = bytearray(long_take.read_bytes())
    content[-100_000:] = bytes(100_000)

    assert remux([Part(written(tmp_path / "holed", content))], target).is_partial


def test_still_screen_is_no_gap(tmp_path: Path, target: Path) -> None:
    shown = [(at, grey((160, 90), 40)) for at in (0, 0.1, 6, 15.5, 15.6, 20)]
    still = encode(tmp_path / "still", "webm", video="libvpx", frames=shown, **LIVE)

    made = remux([Part(still)], target)

    assert (made.gaps, made.is_partial) == ([], False)
    assert made.duration_ms == pytest.approx(20_000, abs=150)


def test_damage_to_a_picture_without_sound_is_a_gap(tmp_path: Path, target: Path) -> None:
    options = {"g": "10", "b": "2M"}
    screen = encode(
        tmp_path / "screen", "webm", video="libvpx", size=(320, 180), frames=grainy((320, 180), 6),
        codec_options=options, **LIVE,
    )  # fmt: skip
    content = bytearray(screen.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = bytes(third)

    made = remux([Part(written(tmp_path / "holed", content))], target)

    assert made.is_partial
    assert len(made.gaps) == 1


def test_variable_frame_rate_beside_a_sound_is_kept_as_it_is(tmp_path: Path, target: Path) -> None:
    chance = np.random.default_rng(3)
    shown: list[tuple[float, Drawing]] = []
    at = 0.0
    while at < 8:
        shown.append((round(at, 3), grey((160, 90), len(shown) * 3 % 250)))
        at += float(chance.choice((0.033, 0.05, 0.14, 0.4, 2.1)))
    source = encode(
        tmp_path / "source", "webm", video="libvpx", audio="libopus", seconds=8, frames=shown,
        **LIVE,
    )  # fmt: skip

    made = remux([Part(source)], target)

    assert (made.gaps, made.is_partial) == ([], False)
    assert made.duration_ms == pytest.approx(probe(source).duration_ms, abs=50)
    assert times_of(target, "video") == pytest.approx([at * 1000 for at, _ in shown], abs=10)


def test_cluster_with_a_wrong_time_costs_that_cluster_alone(
    long_take: Path, tmp_path: Path, target: Path
) -> None:
    content = bytearray(long_take.read_bytes())
    places = [at for at in range(len(content)) if content.startswith(CLUSTER, at)]
    assert len(places) >= 9
    for place in (places[2], places[6]):
        at = content.index(b"\xe7", place)
        width = content[at + 1] & 0x7F
        content[at + 2 : at + 2 + width] = (3_000_000).to_bytes(4)[-width:]

    made = remux([Part(written(tmp_path / "moved", content))], target)

    assert made.duration_ms == pytest.approx(10_000, abs=60)
    assert made.is_partial
    assert sum(end - start for start, end in made.gaps) < 2500


def test_packet_with_a_damaged_time_costs_that_packet_alone(tmp_path: Path, target: Path) -> None:
    source = encode(
        tmp_path / "source", "matroska", video="libx264", audio="aac",
        codec_options={"x264-params": "bframes=3:b-adapt=0"},
    )  # fmt: skip
    content, places = bytearray(source.read_bytes()), places_of(source, "video")
    time = slice(places[20] + 1, places[20] + 3)
    earlier = int.from_bytes(content[time], signed=True) - 512
    content[time] = earlier.to_bytes(2, signed=True)

    made = remux([Part(written(tmp_path / "moved", content))], target)

    assert made.is_partial
    assert made.duration_ms == pytest.approx(MS, abs=50)
    assert len(times_of(target, "video")) == len(places) - 1


def test_packet_that_the_container_refuses_costs_little(tmp_path: Path, target: Path) -> None:
    source = encode(tmp_path / "source", "matroska", video="libx264", audio="aac")
    content, places = bytearray(source.read_bytes()), places_of(source, "audio")
    like_adts = b"\xff\xf1" + bytes(5)
    content[places[0] + 4 : places[0] + 4 + len(like_adts)] = like_adts

    made = remux([Part(written(tmp_path / "odd", content))], target)

    assert made.is_partial
    assert made.duration_ms == pytest.approx(MS, abs=50)
    assert len(places) - 3 <= len(times_of(target, "audio")) < len(places)


@pytest.mark.parametrize("is_last", [False, True])
def test_damage_to_a_fragmented_mp4_costs_its_fragments_alone(
    tmp_path: Path, target: Path, is_last: bool
) -> None:
    source = encode(
        tmp_path / "source", "mp4", video="libx264", audio="aac", seconds=8,
        codec_options={"g": "10", "bf": "0"}, movflags="frag_keyframe+empty_moov+skip_trailer",
    )  # fmt: skip
    content = bytearray(source.read_bytes())
    starts = [at - 4 for at in range(len(content)) if content.startswith(b"moof", at)]
    assert not remux([Part(source)], target).is_partial
    hole = slice(starts[2] - 200, None if is_last else starts[4] + 200)
    content[hole] = bytes(len(content[hole]))

    made = remux([Part(written(tmp_path / "broken", content))], target)

    assert made.is_partial
    if is_last:
        assert made.duration_ms == pytest.approx(2000, abs=200)
    else:
        assert made.duration_ms == pytest.approx(8000, abs=50)
        assert made.gaps == [[pytest.approx(2000, abs=200), pytest.approx(5000, abs=200)]]


@pytest.mark.parametrize("seed", range(3))
def test_drawn_parts_last_as_long_as_their_scans_say(
    camera: Path, microphone: Path, tmp_path: Path, target: Path, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    content = camera.read_bytes()
    parts, at = [], int(chance.integers(5000))
    for number in range(3):
        source = microphone
        if chance.random() < 0.7:
            cut = content[: chance.integers(len(content) // 3, len(content))]
            source = written(tmp_path / f"part-{number}", cut)
        parts.append(Part(source, at))
        at += int(chance.integers(1000, 7000))

    made = remux(parts, target)

    expected = 0
    for part in parts:
        expected = max(expected, part.start_ms - parts[0].start_ms) + probe(part.path).duration_ms
    assert made.duration_ms == pytest.approx(expected, abs=50)
    assert _length_of(target, made) == pytest.approx(made.duration_ms, abs=50)


def _length_of(path: Path, made: Media) -> float:
    with av.open(str(path), format=sniff(path.read_bytes()[:HEAD_BYTES])) as container:
        assert container.duration is not None
        return container.duration / 1000
