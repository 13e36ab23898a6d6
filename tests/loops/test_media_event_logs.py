"""Event logs: what a line is, what is packed, what is refused and where."""

import gzip
import json
from pathlib import Path

import pytest

from loops import media
from loops.media import EventLog, MediaError, event_log, may_be_event_log

LINES = b'[0,"begin",{"width":1280}]\n[40,"stroke",[[1,2],[3,4]]]\n[40,"undo"]\n[61000,"end"]\n'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "log.gz"


def test_log_is_packed_and_counted(log: Path, target: Path) -> None:
    log.write_bytes(LINES)

    made = event_log(log, target)

    assert made == EventLog(4, 61_000, target.stat().st_size, is_partial=False)
    assert gzip.decompress(target.read_bytes()) == LINES


def test_line_that_broke_off_is_left_out(log: Path, target: Path) -> None:
    log.write_bytes(LINES + b'[62000,"stro')

    made = event_log(log, target)

    assert (made.count, made.duration_ms, made.is_partial) == (4, 61_000, True)
    assert gzip.decompress(target.read_bytes()) == LINES


def test_last_line_needs_no_end(log: Path, target: Path) -> None:
    log.write_bytes(LINES.rstrip())

    assert event_log(log, target).count == 4
    assert gzip.decompress(target.read_bytes()) == LINES


def test_packing_twice_gives_the_same_bytes(log: Path, target: Path, tmp_path: Path) -> None:
    log.write_bytes(LINES)

    event_log(log, target)
    event_log(log, tmp_path / "again.gz")

    assert target.read_bytes() == (tmp_path / "again.gz").read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"[50]",
        b'["50","undo"]',
        b'[50.5,"undo"]',
        b'[true,"undo"]',
        b'[-1,"undo"]',
        b'[39,"undo"]',
        b'[99999999999,"undo"]',
        b"[50,7]",
        b'[50,""]',
        b'[50,"Undo it!"]',
        b'[50,"undo",NaN]',
        b'[50,"undo"] x',
        b'[50,"\xff"]',
        b'[50,"undo",' + b"[" * 100_000 + b"]" * 100_000 + b"]",
        b'[50,"undo","' + b"x" * (1024 * 1024) + b'"]',
        b"\0" * 40,
    ],
    ids=lambda line: repr(line[:20]),
)
def test_bad_line_is_named(log: Path, target: Path, line: bytes) -> None:
    first, second, *rest = LINES.splitlines(keepends=True)
    log.write_bytes(first + second + line + b"\n" + b"".join(rest))

    with pytest.raises(MediaError) as failure:
        event_log(log, target)

    assert failure.value.code == "bad_log"
    assert failure.value.detail.startswith("line 3: ")
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty"), (b"[0", "truncated"), (b"hello", "truncated")]
)
def test_log_without_a_line_is_refused(log: Path, target: Path, content: bytes, code: str) -> None:
    log.write_bytes(content)

    with pytest.raises(MediaError) as failure:
        event_log(log, target)

    assert failure.value.code == code
    assert not target.exists()


def test_log_that_is_too_large_is_refused(log: Path, target: Path) -> None:
    with log.open("wb") as file:
        file.truncate(media.EVENT_LOG_MAX_BYTES + 1)

    with pytest.raises(MediaError) as failure:
        event_log(log, target)

    assert failure.value.code == "too_large"


@pytest.mark.parametrize(
    ("head", "may"),
    [
        (b"", True),
        (b"[", True),
        (b"[12", True),
        (b'[0,"begin",{', True),
        (b'[ 120 , "be"', True),
        (b"[\n 0,", True),
        (b"{", False),
        (b'["begin",0]', False),
        (b"[0 0]", False),
        (b"[-1,", False),
        (b"\x1a\x45\xdf\xa3", False),
        (b"<!doctype html>", False),
        (b"#EXTM3U", False),
    ],
)
def test_log_is_told_by_its_beginning(head: bytes, may: bool) -> None:
    assert may_be_event_log(head) is may


def test_no_kind_is_both_media_and_a_log() -> None:
    assert not media.may_be_media(json.dumps([0, "begin", 1]).encode())
    assert not may_be_event_log(b"\x1a\x45\xdf\xa3" + bytes(8))
