"""Bytes on their way in and at rest: staging files that grow by appends, and kept files in storage.

Who may write, and how many bytes are acknowledged, is known by the rows and not here.
"""

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol, cast
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages

BLOCK_BYTES = 64 * 1024
APPEND_MAX_BYTES = 8 * 1024 * 1024
DRAIN_MAX_BYTES = 16 * 1024 * 1024
LATE_WRITER_S = 10
CHECKSUMS = ("sha256", "sha1")
SCRATCH = "scratch-"

_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}/[a-z]+\.[a-z0-9]{2,5}", re.ASCII)
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class BlobError(Exception):
    """Bytes were not taken. What was acknowledged before is still there."""


class Busy(BlobError):
    """Somebody else is writing the same staging file."""


class Lost(BlobError):
    """The staging file is gone, or holds less than was acknowledged."""


class WrongOffset(BlobError):
    """The bytes do not begin where the acknowledged ones end; `offset` is where that is."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"The next byte is number {offset}.")
        self.offset = offset


class TooLarge(BlobError):
    """One append, or the whole file, would be longer than allowed."""


class WrongType(BlobError):
    """The first bytes are not those of a kind that is taken."""


class WrongChecksum(BlobError):
    """The bytes are not those that were announced; nothing of this append was kept."""


class DiskFull(BlobError):
    """There is no room; nothing of this append was kept."""


@dataclass(frozen=True)
class Checksum:
    """What an append's bytes must hash to. `algorithm` is one of CHECKSUMS."""

    algorithm: str
    digest: bytes


Judge = Callable[[bytes], bool]
"""Says of a file's first block whether a file that begins so is taken."""


class Readable(Protocol):
    """A request, or anything else that gives bytes in order."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none at the end."""


class Span(Readable, Protocol):
    """A stretch of a kept file on its way here."""

    def close(self) -> None:
        """Let go of where it comes from."""


class Bucket(Protocol):
    """A storage whose files lie elsewhere."""

    def open_span(self, name: str, start: int, stop: int) -> Span:
        """Open the bytes of a file from `start` up to `stop`."""

    def size(self, name: str) -> int:
        """Return how many bytes a file has."""


class Staged:
    """One staging file, locked for its only writer. Made by `writing`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @property
    def size(self) -> int:
        """Count the bytes on the disk; those past the acknowledged offset do not count."""
        return self._file.seek(0, os.SEEK_END)

    def cut(self, size: int) -> None:
        """Throw away what lies beyond the acknowledged bytes. Raises Lost where fewer are there."""
        if self.size < size:
            raise Lost
        self._file.truncate(size)

    def append(
        self,
        stream: Readable,
        *,
        offset: int,
        acknowledged: int,
        size: int,
        limit: int,
        accepts: Judge | None = None,
        checksum: Checksum | None = None,
    ) -> int:
        """Write up to `size` bytes of the stream at `offset` and return the new offset.

        `acknowledged` is the offset on the row, read after the lock was taken: whatever the file
        holds beyond it was left by a crash and is cut off. `limit` is the most bytes the whole
        file may have. `accepts` judges the first block of the file. A stream that ends early is
        no error: the bytes that came are kept and the new offset tells how many they were;
        with a `checksum` it is one, for half of the bytes cannot be told from wrong ones.

        Raises WrongOffset, TooLarge, Lost, WrongType, WrongChecksum or DiskFull; nothing is
        kept then.
        """
        if offset != acknowledged:
            raise WrongOffset(acknowledged)
        if size > APPEND_MAX_BYTES or offset + size > limit:
            raise TooLarge
        if not has_room(size):
            raise DiskFull
        self.cut(offset)
        self._file.seek(offset)
        try:
            taken = self._copy(stream, size, accepts if offset == 0 else None, checksum)
            os.fdatasync(self._file.fileno())
        except OSError as error:
            self._file.truncate(offset)
            if error.errno in _NO_ROOM:
                raise DiskFull from error
            raise
        except BaseException:
            self._file.truncate(offset)
            raise
        return offset + taken

    def _copy(
        self, stream: Readable, size: int, accepts: Judge | None, checksum: Checksum | None
    ) -> int:
        taken = 0
        digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
        while taken < size:
            block = _read(stream, min(BLOCK_BYTES, size - taken))
            if not block:
                break
            if taken == 0 and accepts is not None and not accepts(block):
                raise WrongType
            self._write(block)
            if digest is not None:
                digest.update(block)
            taken += len(block)
        if digest is not None and checksum is not None and digest.digest() != checksum.digest:
            raise WrongChecksum
        return taken

    def _write(self, block: bytes) -> None:
        left = memoryview(block)
        while left:
            left = left[self._file.write(left) :]


def create() -> str:
    """Make an empty staging file and return its key, which is random and safe in a path."""
    key = secrets.token_hex(16)
    path = staged_path(key)
    _made(_staging())
    _made(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return key


@contextmanager
def writing(key: str) -> Iterator[Staged]:
    """Hold the staging file as its only writer, in this process and all others.

    Read the acknowledged offset from the row inside, and write the new one before leaving:
    then no two writers ever believe in the same offset. Raises Busy or Lost.
    """
    try:
        file = staged_path(key).open("r+b", buffering=0)
    except FileNotFoundError as error:
        raise Lost from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy from error
        if os.fstat(file.fileno()).st_nlink == 0:
            raise Lost
        yield Staged(file)


def staged_path(key: str) -> Path:
    """Return where a staging file lies. Raises ValueError for what is no key of ours."""
    if not _KEY.fullmatch(key):
        raise ValueError("Not the key of a staging file.")
    return _staging() / key[:2] / key


def whole(key: str, size: int) -> Path:
    """Return where a finished staging file lies, cut to its acknowledged bytes.

    A crash, or a writer that came too late, may have left more. Waits a while for such a writer;
    raises Busy where it stays, Lost where bytes are missing.
    """
    deadline = time.monotonic() + LATE_WRITER_S
    while True:
        try:
            with writing(key) as staged:
                staged.cut(size)
            return staged_path(key)
        except Busy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def delete_staged(key: str) -> None:
    """Throw a staging file away; one that is gone already is no error."""
    staged_path(key).unlink(missing_ok=True)


def name_for(owner: UUID, kind: str, suffix: str) -> str:
    """Return the one name under which a file of that kind is kept for its owner.

    What is made again takes the place of what was there, so a worker that dies between
    storing a file and writing down that it did leaves nothing behind.
    """
    return f"{owner.hex[:2]}/{owner.hex}/{kind}{suffix}"


def keep(path: Path, name: str) -> None:
    """Move a local file into the storage "recordings" under a name of `name_for`.

    A storage on the same disk takes the file over without a copy; `path` is gone afterwards.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("Not the name of a kept file.")
    with path.open("rb") as file:
        os.fsync(file.fileno())
        kept = stored().save(name, _Movable(file, path))
    if kept != name:
        raise RuntimeError(f"The storage of recordings renamed {name} to {kept}.")
    path.unlink(missing_ok=True)


def open_stored(name: str) -> IO[bytes]:
    """Open a kept file for reading. Raises FileNotFoundError."""
    return cast("IO[bytes]", stored().open(name, "rb"))


@contextmanager
def local_copy(name: str) -> Iterator[Path]:
    """Lend a kept file as a path to read: itself where it lies here, else a copy for the while.

    Raises FileNotFoundError, or OSError where the storage does not answer.
    """
    try:
        path = Path(stored().path(name))
    except NotImplementedError:  # it lies in a bucket
        path = None
    if path is not None:
        yield path
        return
    with scratch() as folder:
        copy = folder / name.rpartition("/")[2]
        bucket = cast("Bucket", stored())
        with (
            closing(bucket.open_span(name, 0, bucket.size(name))) as source,
            copy.open("wb") as target,
        ):
            while block := source.read(BLOCK_BYTES):
                target.write(block)
        yield copy


def size_stored(name: str) -> int:
    """Return how many bytes a kept file has. Raises FileNotFoundError."""
    return stored().size(name)


def delete_stored(name: str) -> None:
    """Erase a kept file; one that is gone already is no error."""
    if name:
        stored().delete(name)


def delete_stored_of(owner: UUID) -> None:
    """Erase every file that is kept for an owner, those too that no row names (yet)."""
    folder = name_for(owner, "", "").rstrip("/")
    try:
        _folders, files = stored().listdir(folder)
    except FileNotFoundError:
        return
    for file in files:
        stored().delete(f"{folder}/{file}")


def stored() -> Storage:
    """Return the private storage of recordings."""
    return storages["recordings"]


@contextmanager
def scratch() -> Iterator[Path]:
    """Lend a folder on the staging disk for files in the making; it is emptied afterwards."""
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=_made(_staging())) as folder:
        yield Path(folder)


def staged_before(moment: datetime) -> list[str]:
    """Return the keys of the staging files to which nothing was added since a moment."""
    files = (entry for folder in _entries(_staging()) for entry in _entries(Path(folder)))
    return [
        entry.name for entry in files if _KEY.fullmatch(entry.name) and _is_older(entry, moment)
    ]


def clear_scratch(moment: datetime) -> None:
    """Remove the scratch folders that were lent before a moment and never given back."""
    for entry in _entries(_staging()):
        if entry.name.startswith(SCRATCH) and _is_older(entry, moment):
            shutil.rmtree(entry, ignore_errors=True)


def has_room(size: int) -> bool:
    """Say whether `size` more bytes leave the staging disk above its floor.

    The floor is a setting, or a tenth of a small disk.
    """
    return size <= room_bytes()


def room_bytes() -> int:
    """Return how many bytes may come before the staging disk is at its floor; below it, fewer
    than none.
    """
    disk = shutil.disk_usage(_made(_staging()))
    return disk.free - min(settings.DISK_FLOOR_BYTES, disk.total // 10)


def drain(stream: Readable) -> None:
    """Read and forget what is left of a refused body.

    Without this the server closes the connection under a client that is still sending, and
    the client never sees the answer.
    """
    left = DRAIN_MAX_BYTES
    while left > 0:
        block = _read(stream, min(BLOCK_BYTES, left))
        if not block:
            return
        left -= len(block)


class _Movable(File):  # type: ignore[type-arg]
    """A local file that a storage on the same disk may rename instead of copying."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        super().__init__(file, name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        """Tell Django where the file lies."""
        return str(self._path)


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    """List a folder; one that is gone, or none, holds nothing."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_older(entry: "os.DirEntry[str]", moment: datetime) -> bool:
    try:
        return entry.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:
        return False


def _staging() -> Path:
    return Path(settings.MEDIA_DIR) / "staging"


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _read(stream: Readable, size: int) -> bytes:
    """Read a block; a connection that broke has ended."""
    try:
        return stream.read(size)
    except OSError:
        return b""
