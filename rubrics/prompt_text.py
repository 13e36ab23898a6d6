"""[pure] A prompt's text as the catalogue writes it: prose, and code indented by four spaces."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

INDENT = " " * 4


@dataclass(frozen=True)
class Block:
    """A paragraph of prose on one line, or a piece of code with its lines as they are."""

    text: str
    is_code: bool


def blocks(text: str) -> list[Block]:
    """Part a prompt's text into paragraphs and pieces of code, in order.

    A blank line ends a paragraph. Code keeps the blank lines inside it and loses its indent.
    """
    return [
        Block(_code(lines) if is_code else " ".join(lines.split()), is_code)
        for lines, is_code in _pieces(text)
    ]


def opening(text: str) -> str:
    """Return the first paragraph on one line: what stands for the prompt in a list."""
    return next((block.text for block in blocks(text) if not block.is_code), "")


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    paragraphs = text.replace("\r\n", "\n").strip("\n").split("\n\n")
    for is_code, alike in groupby(filter(str.strip, paragraphs), key=_is_code):
        if is_code:
            yield "\n\n".join(alike), True
        else:
            yield from ((paragraph, False) for paragraph in alike)


def _is_code(paragraph: str) -> bool:
    return all(line.startswith(INDENT) for line in paragraph.splitlines() if line.strip())


def _code(lines: str) -> str:
    return "\n".join(line.removeprefix(INDENT) for line in lines.strip("\n").splitlines())
