"""The boxes of MP4 and the elements of Matroska: whether they fill their file. Knows no codecs."""

from collections.abc import Iterator
from pathlib import Path

BOX_HEAD_BYTES = 16
ELEMENT_HEAD_BYTES = 12
MASTERS = (b"\x1f\x43\xb6\x75", b"\xa0")
"""Clusters and groups of blocks, which are walked through: one being recorded tells no length."""


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


def _boxes(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Give the kind of each outer box, and whether all of it is there; at last b"" for none."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            head = file.read(BOX_HEAD_BYTES)
            length, kind = int.from_bytes(head[:4]), head[4:8]
            if length == 0:
                length = size - at  # up to the end
            elif length == 1:
                length = int.from_bytes(head[8:16])
            if length < 8 or not kind.isalnum():
                yield b"", False
                return
            at += length
            yield kind, at <= size


def _element(head: bytes) -> tuple[int, int]:
    """Tell the lengths of an element's head and content, or zeros where none begins."""
    id_bytes = 9 - head[0].bit_length()
    length_bytes = 9 - head[id_bytes].bit_length() if len(head) > id_bytes else 9
    if id_bytes > 4 or length_bytes > 8 or len(head) < id_bytes + length_bytes:
        return 0, 0
    length = int.from_bytes(head[id_bytes : id_bytes + length_bytes])
    return id_bytes + length_bytes, length & (1 << 7 * length_bytes) - 1
