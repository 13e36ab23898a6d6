"""Staging files and kept files: appends that lose nothing, and what they refuse."""

import errno
import io
import os
import shutil
import threading
from pathlib import Path
from uuid import UUID

import pytest
from pytest_django import Settings

from loops import blobs

LIMIT = 1 << 30


@pytest.fixture(autouse=True)
def media_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_DIR = tmp_path / "media"
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": {
            **settings.STORAGES["recordings"],
            "OPTIONS": {"location": str(tmp_path / "media" / "recordings")},
        },
    }
    return tmp_path / "media"


class Row:
    """Stands in for the row that knows how many bytes are acknowledged."""

    def __init__(self) -> None:
        self.received_bytes = 0

    def append(self, key: str, body: bytes, *, offset: int, limit: int = LIMIT) -> int:
        with blobs.writing(key) as staged:
            self.received_bytes = staged.append(
                io.BytesIO(body),
                offset=offset,
                acknowledged=self.received_bytes,
                size=len(body),
                limit=limit,
            )
        return self.received_bytes


class CutStream(io.BytesIO):
    """A connection that breaks after its bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        if not block:
            raise ConnectionResetError
        return block


class FullDisk(io.FileIO):
    """A disk with room for so many bytes of a file and no more."""

    room = 0

    def write(self, block: object, /) -> int:
        data = bytes(memoryview(block))  # type: ignore[arg-type]
        left = self.room - self.tell()
        if left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data[:left])


def test_appends_in_order_make_the_file() -> None:
    key, row = blobs.create(), Row()

    offsets = [row.append(key, b"abc", offset=0), row.append(key, b"defg", offset=3)]

    assert offsets == [3, 7]
    assert blobs.staged_path(key).read_bytes() == b"abcdefg"


def test_append_is_read_in_blocks() -> None:
    class Counting(io.BytesIO):
        asked: list[int] = []

        def read(self, size: int | None = -1, /) -> bytes:
            self.asked.append(size or 0)
            return super().read(size)

    body = os.urandom(200_000)
    stream = Counting(body)
    key = blobs.create()

    with blobs.writing(key) as staged:
        staged.append(stream, offset=0, acknowledged=0, size=len(body), limit=LIMIT)

    assert max(stream.asked) == blobs.BLOCK_BYTES
    assert blobs.staged_path(key).read_bytes() == body


def test_no_more_than_the_told_size_is_taken() -> None:
    key = blobs.create()

    with blobs.writing(key) as staged:
        offset = staged.append(io.BytesIO(b"abcdef"), offset=0, acknowledged=0, size=4, limit=LIMIT)

    assert offset == 4
    assert blobs.staged_path(key).read_bytes() == b"abcd"


def test_duplicate_is_refused_and_tells_where_to_go_on() -> None:
    key, row = blobs.create(), Row()
    row.append(key, b"abc", offset=0)

    with pytest.raises(blobs.WrongOffset) as refusal:
        row.append(key, b"abc", offset=0)

    assert refusal.value.offset == 3
    assert blobs.staged_path(key).read_bytes() == b"abc"


def test_gap_is_refused() -> None:
    key, row = blobs.create(), Row()
    row.append(key, b"abc", offset=0)

    with pytest.raises(blobs.WrongOffset) as refusal:
        row.append(key, b"xyz", offset=10)

    assert refusal.value.offset == 3
    assert blobs.staged_path(key).read_bytes() == b"abc"


def test_cut_body_keeps_what_came() -> None:
    key = blobs.create()

    with blobs.writing(key) as staged:
        offset = staged.append(
            CutStream(b"ab" * 40_000), offset=0, acknowledged=0, size=100_000, limit=LIMIT
        )

    assert offset == 80_000
    assert blobs.staged_path(key).stat().st_size == 80_000


def test_finished_file_is_cut_to_what_was_acknowledged_once_its_last_writer_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, row = blobs.create(), Row()
    row.append(key, b"abc", offset=0)
    with blobs.staged_path(key).open("ab") as file:
        file.write(b"never acknowledged")
    monkeypatch.setattr(blobs, "LATE_WRITER_S", 0.1)

    with blobs.writing(key), pytest.raises(blobs.Busy):
        blobs.whole(key, 3)

    assert blobs.whole(key, 3).read_bytes() == b"abc"
    with pytest.raises(blobs.Lost):
        blobs.whole(key, 4)


def test_bytes_left_by_a_crash_are_cut_off() -> None:
    key, row = blobs.create(), Row()
    row.append(key, b"abc", offset=0)
    with blobs.staged_path(key).open("ab") as file:
        file.write(b"never acknowledged")

    row.append(key, b"d", offset=3)

    assert blobs.staged_path(key).read_bytes() == b"abcd"


@pytest.mark.parametrize(("size", "limit"), [(5, 4), (blobs.APPEND_MAX_BYTES + 1, LIMIT)])
def test_too_much_is_refused(size: int, limit: int) -> None:
    key = blobs.create()

    with blobs.writing(key) as staged, pytest.raises(blobs.TooLarge):
        staged.append(io.BytesIO(b"abcde"), offset=0, acknowledged=0, size=size, limit=limit)

    assert blobs.staged_path(key).read_bytes() == b""


def test_last_bytes_up_to_the_limit_are_taken() -> None:
    key, row = blobs.create(), Row()

    assert row.append(key, b"abcde", offset=0, limit=5) == 5


def test_wrong_first_bytes_are_refused_and_not_kept() -> None:
    key = blobs.create()

    with blobs.writing(key) as staged, pytest.raises(blobs.WrongType):
        staged.append(
            io.BytesIO(b"#EXTM3U"),
            offset=0,
            acknowledged=0,
            size=7,
            limit=LIMIT,
            accepts=lambda head: head.startswith(b"OggS"),
        )

    assert blobs.staged_path(key).read_bytes() == b""


def test_only_the_first_bytes_of_a_file_are_judged() -> None:
    key, row = blobs.create(), Row()
    row.append(key, b"OggS", offset=0)

    with blobs.writing(key) as staged:
        offset = staged.append(
            io.BytesIO(b"more"),
            offset=4,
            acknowledged=4,
            size=4,
            limit=LIMIT,
            accepts=lambda head: head.startswith(b"OggS"),
        )

    assert offset == 8


def test_full_disk_keeps_what_was_acknowledged() -> None:
    key, row = blobs.create(), Row()
    row.append(key, b"a" * 100_000, offset=0)

    with FullDisk(blobs.staged_path(key), "r+b") as file:
        file.room = 170_000
        body = io.BytesIO(b"b" * 100_000)
        with pytest.raises(blobs.DiskFull):
            blobs.Staged(file).append(
                body, offset=100_000, acknowledged=100_000, size=100_000, limit=LIMIT
            )

    assert blobs.staged_path(key).read_bytes() == b"a" * 100_000
    assert row.append(key, b"c", offset=100_000) == 100_001


def test_floor_of_free_space_is_held(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is a tenth of a disk where the setting is more: here two bytes are above it."""
    key, row = blobs.create(), Row()
    settings.DISK_FLOOR_BYTES = 1 << 62
    usage = shutil._ntuple_diskusage(1 << 30, 1 << 29, 107_374_184)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    with pytest.raises(blobs.DiskFull):
        row.append(key, b"abc", offset=0)
    row.append(key, b"ab", offset=0)

    assert row.received_bytes == 2


def test_racing_writers_have_one_winner() -> None:
    key, row = blobs.create(), Row()
    start = threading.Barrier(8)
    answers: list[str] = []

    def write(letter: bytes) -> None:
        start.wait()
        try:
            row.append(key, letter * 300_000, offset=0)
            answers.append("won")
        except blobs.Busy:
            answers.append("busy")
        except blobs.WrongOffset:
            answers.append("late")

    threads = [threading.Thread(target=write, args=(bytes([65 + n]),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    content = blobs.staged_path(key).read_bytes()
    assert answers.count("won") == 1
    assert len(answers) == 8
    assert len(content) == 300_000
    assert len(set(content)) == 1


def test_second_writer_is_busy_until_the_first_has_left() -> None:
    key = blobs.create()

    with blobs.writing(key), pytest.raises(blobs.Busy), blobs.writing(key):
        pass

    with blobs.writing(key) as staged:
        assert staged.size == 0


def test_deleted_staging_file_is_lost() -> None:
    key, row = blobs.create(), Row()
    blobs.delete_staged(key)
    blobs.delete_staged(key)

    with pytest.raises(blobs.Lost):
        row.append(key, b"abc", offset=0)


def test_file_shorter_than_acknowledged_is_lost() -> None:
    key, row = blobs.create(), Row()
    row.received_bytes = 10

    with pytest.raises(blobs.Lost):
        row.append(key, b"abc", offset=10)


@pytest.mark.parametrize(
    "key",
    ["", "..", "../../etc/passwd", "/etc/passwd", "a" * 31, "A" * 32, "a" * 32 + "\n", "a/b" * 11],
)
def test_key_that_is_not_ours_reaches_no_path(key: str) -> None:
    with pytest.raises(ValueError, match="Not the key"):
        blobs.staged_path(key)


def test_staging_is_private_to_the_process(media_dir: Path) -> None:
    key = blobs.create()

    assert blobs.staged_path(key).stat().st_mode & 0o777 == 0o600
    assert (media_dir / "staging").stat().st_mode & 0o777 == 0o700


NAME = "0a/0a000000000000000000000000000000/playable.webm"


def made(folder: Path, content: bytes = b"abc") -> Path:
    path = folder / "made.webm"
    path.write_bytes(content)
    return path


def test_a_file_moves_into_the_storage_and_takes_the_place_of_an_older_one(
    media_dir: Path,
) -> None:
    with blobs.scratch() as folder:
        blobs.keep(made(folder, b"older"), NAME)
        newer = made(folder)
        inode = newer.stat().st_ino
        blobs.keep(newer, NAME)
        assert not newer.exists()

    assert (media_dir / "recordings" / NAME).stat().st_ino == inode
    with blobs.open_stored(NAME) as file:
        assert file.read() == b"abc"


def test_file_is_copied_into_a_storage_that_cannot_take_it_over(settings: Settings) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }
    with blobs.scratch() as folder:
        path = made(folder)
        blobs.keep(path, NAME)
        assert not path.exists()

    with blobs.open_stored(NAME) as file:
        assert file.read() == b"abc"


def test_names_are_of_an_owner_and_a_kind_and_nothing_else_is_a_name(tmp_path: Path) -> None:
    owner = UUID(NAME.split("/")[1])

    assert blobs.name_for(owner, "playable", ".webm") == NAME
    for name in ("", "made.webm", "../" + NAME, NAME + "/x", NAME.replace("webm", "WEBM")):
        with pytest.raises(ValueError, match="Not the name"):
            blobs.keep(made(tmp_path), name)


def test_deleted_file_is_gone_and_may_be_deleted_again() -> None:
    with blobs.scratch() as folder:
        blobs.keep(made(folder), NAME)

    for _press in range(2):
        blobs.delete_stored(NAME)

    assert not blobs.stored().exists(NAME)


def test_scratch_is_on_the_staging_disk_and_emptied(media_dir: Path) -> None:
    with blobs.scratch() as folder:
        (folder / "half").write_bytes(b"abc")
        assert folder.parent == media_dir / "staging"

    assert not folder.exists()


def test_drained_body_is_read_to_its_end_or_the_most_we_read() -> None:
    short, endless = io.BytesIO(b"a" * 100_000), io.BytesIO(bytes(blobs.DRAIN_MAX_BYTES + 1000))

    blobs.drain(short)
    blobs.drain(endless)
    blobs.drain(CutStream(b"abc"))

    assert short.read() == b""
    assert len(endless.read()) == 1000
