"""The boxes of MP4 and the elements of Matroska: whether they fill their file. Knows no codecs."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

BOX_HEAD_BYTES = 16
ELEMENT_HEAD_BYTES = 12
WINDOW_BYTES = 1024 * 1024
MASTERS = (b"\x1f\x43\xb6\x75", b"\xa0")
"""Clusters and groups of blocks, which are walked through: one being recorded tells no length."""
IN_A_CLUSTER = (*MASTERS, b"\xa3", b"\xe7", b"\xa7", b"\xab", b"\xec")
LENGTHLESS = re.compile(rb"\x18\x53\x80\x67(\x01\xff{7}|\xff)")
"""The head of a segment whose length is not told."""


def is_begun_mp4(path: Path) -> bool:
    """Say whether an MP4 file is sound, but ends before its index, the `moov` box, does."""
    boxes = list(_boxes(path))
    return all(kind for kind, _ in boxes) and (b"moov", True) not in boxes


def is_broken_mp4(path: Path) -> bool:
    """Say whether an MP4 file that was written in fragments is no row of whole boxes.

    In others the index tells what is missing, and cameras leave words of their own at the end.
    """
    boxes = list(_boxes(path))
    return (b"moof", True) in boxes and not all(is_whole for _, is_whole in boxes)


def is_broken_matroska(path: Path, at: int, until: int) -> bool:
    """Say whether something else than whole elements lies between two places.

    The second is the end of the file, or where the content of a block begins.
    """
    with path.open("rb") as file:
        while at < until:
            file.seek(at)
            head = file.read(ELEMENT_HEAD_BYTES)
            head_bytes, length = _element(head)
            if not head_bytes:
                return True
            at += head_bytes
            if at != until and not head.startswith(MASTERS):
                at += length
    return at != until


def is_still_recorded(path: Path, at: int) -> bool:
    """Say whether a Matroska file ends, after whole elements, in the middle of its last one.

    Of a file that tells its length, the rest is missing. A browser's recording tells none: it
    ends where its recorder did, or was killed, and what it made may all be there.
    """
    until = path.stat().st_size
    with path.open("rb") as file:
        if not LENGTHLESS.search(file.read(WINDOW_BYTES)):
            return False
        while at < until:
            file.seek(at)
            head = file.read(ELEMENT_HEAD_BYTES)
            head_bytes, length = _element(head)
            if not head.startswith(IN_A_CLUSTER):
                return False
            if not head_bytes:
                return until - at < ELEMENT_HEAD_BYTES
            at += head_bytes if head.startswith(MASTERS) else head_bytes + length
    return True


class Mended:
    """An MP4 file in fragments, read as if a box to be skipped covered each damaged stretch.

    FFmpeg ends at a box that is none. Behind it whole fragments may follow, which know their time.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._heads = list(_heads_to_skip(self._file, path.stat().st_size))

    @property
    def is_worth_it(self) -> bool:
        """Say whether anything follows a damaged stretch."""
        return bool(self._heads)

    def read(self, size: int = -1) -> bytes:
        """Read on, at most so many bytes."""
        at = self._file.tell()
        block = bytearray(self._file.read(size))
        for place, byte in self._heads:
            if at <= place < at + len(block):
                block[place - at] = byte
        return bytes(block)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go elsewhere."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Tell where the next byte is read."""
        return self._file.tell()

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


def _heads_to_skip(file: IO[bytes], size: int) -> Iterator[tuple[int, int]]:
    """Give, byte by byte and with its place, the head of a box over each damaged stretch."""
    at = 0
    while at < size:
        kind, end = _box(file, at, size)
        if kind and end <= size:
            at = end
            continue
        fragment = _next_fragment(file, at + BOX_HEAD_BYTES, size)
        if fragment is None:
            return
        yield from enumerate((fragment - at).to_bytes(4) + b"free", start=at)
        at = fragment


def _next_fragment(file: IO[bytes], at: int, size: int) -> int | None:
    """Find where the next fragment begins, both boxes of which are whole."""
    while at < size:
        file.seek(at)
        window = file.read(WINDOW_BYTES)
        found = window.find(b"moof")
        if found < 0:
            at += max(len(window) - len(b"moof"), 1)
            continue
        start = at + found - 4
        kind, end = _box(file, start, size)
        if kind == b"moof" and end < size and _box(file, end, size)[0] == b"mdat":
            return start
        at += found + 1
    return None


def _boxes(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Give the kind of each outer box, and whether all of it is there; at last b"" for none."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < size:
            kind, at = _box(file, at, size)
            yield kind, bool(kind) and at <= size
            if not kind:
                return


def _box(file: IO[bytes], at: int, size: int) -> tuple[bytes, int]:
    """Tell the kind of a box and where it ends; b"" where none begins."""
    file.seek(at)
    head = file.read(BOX_HEAD_BYTES)
    length, kind = int.from_bytes(head[:4]), head[4:8]
    if length == 0:
        length = size - at  # up to the end
    elif length == 1:
        length = int.from_bytes(head[8:16])
    if length < 8 or not kind.isalnum():
        return b"", at
    return kind, at + length


def _element(head: bytes) -> tuple[int, int]:
    """Tell the lengths of an element's head and content, or zeros where none begins."""
    id_bytes = 9 - head[0].bit_length()
    length_bytes = 9 - head[id_bytes].bit_length() if len(head) > id_bytes else 9
    if id_bytes > 4 or length_bytes > 8 or len(head) < id_bytes + length_bytes:
        return 0, 0
    length = int.from_bytes(head[id_bytes : id_bytes + length_bytes])
    return id_bytes + length_bytes, length & (1 << 7 * length_bytes) - 1
