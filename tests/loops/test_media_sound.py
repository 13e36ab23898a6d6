"""What is heard in a file: loudness by the signals of EBU Tech 3341, silences, peaks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from loops.media import MediaError, Part, remux, sound
from tests.loops.corpus import encode, tone, write_wav

STEREO_KHZ: dict[str, Any] = {"hertz": 1000, "channels": 2}


@pytest.fixture
def peaks(tmp_path: Path) -> Path:
    return tmp_path / "peaks.json"


def dbfs(level: float) -> float:
    return float(10 ** (level / 20))


def in_a_row(*stretches: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate(stretches, axis=1)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
    ids=["case 1", "case 2", "case 3", "case 4", "case 5"],
)
def test_loudness_is_that_of_the_published_signals(
    tmp_path: Path, peaks: Path, levels: list[tuple[float, float]], expected: float
) -> None:
    tones = [tone(seconds, 16_000, peak=dbfs(level), **STEREO_KHZ) for level, seconds in levels]
    source = write_wav(tmp_path / "tones.wav", in_a_row(*tones), 16_000)

    assert sound(source, peaks).loudness_lufs == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000])
def test_loudness_does_not_hang_on_the_sample_rate(tmp_path: Path, peaks: Path, rate: int) -> None:
    source = write_wav(tmp_path / "tone.wav", tone(10, rate, peak=dbfs(-20), **STEREO_KHZ), rate)

    heard = sound(source, peaks)

    assert heard.loudness_lufs == pytest.approx(-20.0, abs=0.2)
    assert heard.peaks["count"] * heard.peaks["bucket_ms"] == pytest.approx(10_000, abs=40)


def test_silences_are_told_where_they_last(tmp_path: Path, peaks: Path) -> None:
    chance = np.random.default_rng(1)
    hush = [chance.normal(0, dbfs(-60), (1, seconds * 48_000)) for seconds in (6, 4, 7)]
    source = write_wav(
        tmp_path / "talk.wav", in_a_row(tone(3), hush[0], tone(2), hush[1], tone(2), hush[2])
    )

    heard = sound(source, peaks)

    assert heard.silences == [
        [pytest.approx(3000, abs=100), pytest.approx(9000, abs=100)],
        [pytest.approx(17_000, abs=100), pytest.approx(24_000, abs=100)],
    ]
    assert heard.silent_share == pytest.approx(13 / 24, abs=0.01)


def test_soft_speech_and_a_click_are_no_silence(tmp_path: Path, peaks: Path) -> None:
    soft = tone(8, peak=dbfs(-44))
    click = np.zeros((1, 10 * 48_000))
    click[0, 5 * 48_000 : 5 * 48_000 + 480] = 0.5

    assert sound(write_wav(tmp_path / "soft.wav", soft), peaks).silences == []
    clicked = sound(write_wav(tmp_path / "click.wav", click), peaks).silences
    assert [end - start for start, end in clicked] == [pytest.approx(5000, abs=200)]


def test_nothing_but_silence_has_no_loudness(tmp_path: Path, peaks: Path) -> None:
    heard = sound(write_wav(tmp_path / "mute.wav", np.zeros((1, 6 * 48_000))), peaks)

    assert heard.has_sound
    assert (heard.loudness_lufs, heard.silences, heard.silent_share) == (None, [[0, 6000]], 1.0)
    assert set(json.loads(peaks.read_text())["peaks"]) == {0}


@pytest.mark.parametrize("seconds", [1, 39, 41, 200])
def test_peaks_are_few_and_cover_the_whole(tmp_path: Path, peaks: Path, seconds: int) -> None:
    ramp = np.linspace(0, 1, seconds * 8000)[np.newaxis] * tone(seconds, 8000, peak=1)

    heard = sound(write_wav(tmp_path / "ramp.wav", ramp, 8000), peaks)

    written = json.loads(peaks.read_text())
    assert set(written) == {"version", "bucket_ms", "peaks"}
    assert written["version"] == 1
    assert heard.peaks == {"bucket_ms": written["bucket_ms"], "count": len(written["peaks"])}
    assert len(written["peaks"]) <= 2000
    covered_ms = len(written["peaks"]) * written["bucket_ms"]
    assert seconds * 1000 <= covered_ms + 20
    assert covered_ms < seconds * 1000 + written["bucket_ms"] + 20
    assert all(0 <= peak <= 255 for peak in written["peaks"])
    middle = written["peaks"][len(written["peaks"]) // 2]
    assert middle == pytest.approx(128, abs=12)
    assert max(written["peaks"]) > 240


def test_peaks_stand_at_their_time_after_a_gap(tmp_path: Path, peaks: Path) -> None:
    part = encode(tmp_path / "part.webm", "webm", audio="libopus", seconds=2)
    remux([Part(part), Part(part, 12_000)], tmp_path / "joined.webm")

    heard = sound(tmp_path / "joined.webm", peaks)

    assert heard.silences == [[pytest.approx(2000, abs=120), pytest.approx(12_000, abs=120)]]
    written = json.loads(peaks.read_text())
    at = [number * written["bucket_ms"] for number, peak in enumerate(written["peaks"]) if peak > 9]
    assert not any(2200 < ms < 11_800 for ms in at)
    assert any(ms > 12_100 for ms in at)


def test_file_without_a_sound_says_so(tmp_path: Path, peaks: Path) -> None:
    heard = sound(encode(tmp_path / "mute.webm", "webm", video="libvpx", seconds=1), peaks)

    assert (heard.has_sound, heard.loudness_lufs, heard.silences) == (False, None, [])
    assert (heard.peaks, heard.silent_share) == ({}, 0)
    assert not peaks.exists()


def test_no_media_is_refused_by_code(tmp_path: Path, peaks: Path) -> None:
    page = tmp_path / "page"
    page.write_text("<!doctype html>" * 40)

    with pytest.raises(MediaError) as failure:
        sound(page, peaks)

    assert failure.value.code == "not_media"


def test_hearing_twice_gives_the_same(tmp_path: Path) -> None:
    source = encode(tmp_path / "talk.webm", "webm", audio="libopus", seconds=2)

    heard = [sound(source, tmp_path / name) for name in "ab"]

    assert heard[0] == heard[1]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
