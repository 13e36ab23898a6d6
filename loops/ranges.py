"""HTTP byte ranges (RFC 9110, section 14): which bytes of a file a request asks for. [pure]"""

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"([0-9]*)-([0-9]*)", re.ASCII)
_MOST_DIGITS = 20  # more than any file has bytes, and cheap to read
_BEYOND_ANY_FILE: int = 10**20


class Unsatisfiable(Exception):
    """The range is well formed but names no byte of the file: the answer is 416."""


@dataclass(frozen=True)
class Span:
    """A half-open range of bytes: `start` is in, `stop` is not."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """Count the bytes."""
        return self.stop - self.start

    def content_range(self, size: int) -> str:
        """Write the span as the Content-Range of a file of `size` bytes."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def parse(header: str | None, size: int) -> Span | None:
    """Read a Range header for a file of `size` bytes.

    None means: send the whole file. That is the answer to no header, to a unit other than
    bytes, to more than one range and to what is malformed, as the RFC allows for all of them.
    Raises Unsatisfiable for a well-formed range outside the file.
    """
    unit, equals, text = (header or "").partition("=")
    wanted = [part.strip(" \t") for part in text.split(",")]
    wanted = [part for part in wanted if part]
    if not equals or unit.strip(" \t").lower() != "bytes" or len(wanted) != 1:
        return None
    match = _ONE_RANGE.fullmatch(wanted[0])
    if match is None:
        return None
    first, last = match.groups()
    if first:
        return _from_first(_number(first), _number(last) if last else None, size)
    if last:
        return _suffix(_number(last), size)
    return None


def may_use_range(if_range: str | None, etag: str) -> bool:
    """Say whether an If-Range header lets a range of the file with this entity tag be sent.

    Entity tags are compared strongly. A date never matches, for no Last-Modified is sent.
    """
    if if_range is None:
        return True
    return if_range.strip() == etag and etag.startswith('"')


def _from_first(first: int, last: int | None, size: int) -> Span | None:
    if last is not None and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return Span(first, size if last is None else min(last + 1, size))


def _suffix(length: int, size: int) -> Span:
    if length == 0 or size == 0:
        raise Unsatisfiable
    return Span(max(0, size - length), size)


def _number(digits: str) -> int:
    significant = digits.lstrip("0")
    if len(significant) > _MOST_DIGITS:
        return _BEYOND_ANY_FILE
    return int(significant or "0")
