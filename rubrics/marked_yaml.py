"""[pure] YAML read by line: typed values, and every mistake of a file collected, none thrown.

What the rubric files may say is in `schema.py`; here is only how a value is read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import yaml

T = TypeVar("T")

TAG = "tag:yaml.org,2002:"
KINDS = {
    TAG + "str": "text",
    TAG + "int": "a number",
    TAG + "float": "a number",
    TAG + "bool": "yes or no",
    TAG + "null": "nothing",
    TAG + "timestamp": "a date",
    TAG + "map": "a mapping",
    TAG + "seq": "a list",
}
TRUE_WORDS = {"true", "yes", "on"}
SLUG = re.compile(r"[a-z][a-z0-9_]{0,39}")
DASHED_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: the file it is in, the line (from 1) and what is wrong."""

    name: str
    line: int
    mistake: str

    def __str__(self) -> str:
        return f"{self.name}:{self.line}: {self.mistake}"


class Problems(Exception):
    """Every mistake found, in the order of files and lines."""

    def __init__(self, problems: Collection[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass
class Report:
    """Collects the mistakes of one file."""

    name: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, line: int, mistake: str) -> None:
        """Note a mistake at a line (from 1)."""
        self.problems.append(Problem(self.name, line, mistake))

    def close(self) -> None:
        """Raise `Problems` where anything was noted."""
        if self.problems:
            raise Problems(self.problems)


@dataclass(frozen=True)
class Value:
    """One value of a file, with the line that names it.

    A value that is missing, or of the wrong type, is noted once and then reads as empty ("", 0,
    False, no items), so that reading goes on and finds the next mistake.
    """

    report: Report
    what: str
    line: int
    node: yaml.Node | None

    def __bool__(self) -> bool:
        return self.node is not None

    def fault(self, mistake: str) -> None:
        """Note a mistake of this value; `mistake` goes on from its name."""
        self.report.add(self.line, f"{self.what} {mistake}")

    def text(self, *, at_most: int | None = None) -> str:
        """Read text of one line; runs of white space become one space."""
        return " ".join(self._written_text(at_most).split())

    def paragraphs(self) -> str:
        """Read text that may have several lines; only the white space around it goes."""
        lines = self._written_text(None).strip().splitlines()
        return "\n".join(line.rstrip() for line in lines)

    def slug(self) -> str:
        """Read a key: lower-case letters, digits and underscores."""
        text = self.text()
        if text and not SLUG.fullmatch(text):
            self.fault(f"must be lower-case letters, digits and _, at most 40, not {text!r}")
            return ""
        return text

    def dashed_slug(self, *, at_most: int) -> str:
        """Read a key whose words are joined by hyphens."""
        text = self.text()
        if text and (len(text) > at_most or not DASHED_SLUG.fullmatch(text)):
            self.fault(
                f"must be lower-case words and digits joined by -, at most {at_most}, not {text!r}"
            )
            return ""
        return text

    def whole_number(self, *, least: int, most: int | None = None) -> int:
        """Read a whole number within bounds; 0 where it is none."""
        written = self._scalar("int", "a whole number")
        if written is None:
            return 0
        if not WHOLE_NUMBER.fullmatch(written):
            self.fault(f"must be a whole number, not {written!r}")
            return 0
        number = int(written)
        if number < least or (most is not None and number > most):
            bounds = f"at least {least}" if most is None else f"from {least} to {most}"
            self.fault(f"must be {bounds}, not {number}")
            return 0
        return number

    def flag(self) -> bool:
        """Read true or false."""
        written = self._scalar("bool", "true or false")
        return written is not None and written.lower() in TRUE_WORDS

    def one_of(self, choices: Mapping[str, T]) -> T | None:
        """Read one of some words; None, and a mistake, where it is another."""
        word = self.text()
        if not word:
            return None
        if word not in choices:
            self.fault(f"must be one of {', '.join(choices)}, not {word!r}")
        return choices.get(word)

    def texts(self) -> tuple[str, ...]:
        """Read a list of texts, one line each; an empty list is a mistake."""
        return tuple(text for item in self.items("item") if (text := item.text()))

    def items(self, noun: str) -> list[Value]:
        """Read a list; an item is called by its `key` where it has one, else by its number."""
        if self.node is None:
            return []
        if not isinstance(self.node, yaml.SequenceNode):
            self.fault(f"must be a list, not {kind_of(self.node)}")
            return []
        if not self.node.value:
            self.fault("is an empty list")
        return [
            Value(self.report, self._name_of_item(noun, number, node), line_of(node), node)
            for number, node in enumerate(self.node.value, start=1)
        ]

    def fields(self, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Value]:
        """Read a mapping with these keys and no others; each key is in the answer."""
        entries = self.entries()
        known = (*required, *optional)
        for key, value in entries.items():
            if key not in known:
                self.report.add(
                    value.line, f"unknown key {key!r}{self._inside()}{hint(key, known)}"
                )
        if self.node is not None and isinstance(self.node, yaml.MappingNode):
            for key in required:
                if key not in entries:
                    self.report.add(self.line, f"{key!r} is missing{self._from()}")
        return {key: entries.get(key, self._nothing(key)) for key in known}

    def entries(self) -> dict[str, Value]:
        """Read a mapping with any keys; of a key that stands twice the first counts."""
        if self.node is None:
            return {}
        if not isinstance(self.node, yaml.MappingNode):
            self.fault(f"must be a mapping of keys, not {kind_of(self.node)}")
            return {}
        found: dict[str, Value] = {}
        for key_node, node in self.node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            line = line_of(key_node)
            if key in found:
                first = found[key].line
                self.report.add(
                    line, f"{key!r} stands twice{self._inside()}, first on line {first}"
                )
            else:
                found[key] = Value(self.report, self._name_of_field(key), line, node)
        return found

    def is_null(self) -> bool:
        """Whether nothing, or an explicit null, is written here."""
        return self.node is None or self.node.tag == TAG + "null"

    def _written_text(self, at_most: int | None) -> str:
        written = self._scalar("str", "text")
        if written is None:
            return ""
        if not written.strip():
            self.fault("is empty")
        if at_most is not None and len(written.strip()) > at_most:
            self.fault(f"has {len(written.strip())} characters, at most {at_most} fit")
        return written

    def _scalar(self, tag: str, wanted: str) -> str | None:
        if self.node is None:
            return None
        if self.is_null():
            self.fault("is empty")
            return None
        if self.node.tag != TAG + tag or not isinstance(self.node, yaml.ScalarNode):
            quotes = "; put it in quotes" if tag == "str" and is_plain(self.node) else ""
            self.fault(f"must be {wanted}, not {kind_of(self.node)}{quotes}")
            return None
        return str(self.node.value)

    def _nothing(self, key: str) -> Value:
        return Value(self.report, self._name_of_field(key), self.line, None)

    def _name_of_field(self, key: str) -> str:
        return f"{key}{' of ' + self.what if self.what else ''}"

    def _name_of_item(self, noun: str, number: int, node: yaml.Node) -> str:
        if isinstance(node, yaml.MappingNode):
            for key_node, value in node.value:
                if key_node.value == "key" and isinstance(value, yaml.ScalarNode) and value.value:
                    return f"{noun} {value.value!r}"
        return f"{noun} {number} of {self.what}" if noun == "item" else f"{noun} {number}"

    def _inside(self) -> str:
        return f" in {self.what}" if self.what else ""

    def _from(self) -> str:
        return f" from {self.what}" if self.what else ""


def read(text: str, report: Report) -> Value:
    """Read a file's text into its outermost value; a file that is no YAML reads as missing."""
    try:
        node = compose(text)
    except yaml.MarkedYAMLError as error:
        report_syntax(text, error, report)
        return Value(report, "", 1, None)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        report.add(line, f"the file is not YAML: character U+{code:04X} is not allowed")
        return Value(report, "", 1, None)
    if node is None:
        report.add(1, "the file is empty")
        return Value(report, "", 1, None)
    if not isinstance(node, yaml.MappingNode):
        report.add(line_of(node), f"the file must be a mapping of keys, not {kind_of(node)}")
        return Value(report, "", 1, None)
    return Value(report, "", line_of(node), node)


def compose(text: str) -> yaml.Node | None:
    """Compose the nodes by libyaml, ten times faster; what it refuses, PyYAML says better."""
    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return yaml.compose(text, Loader=yaml.SafeLoader)


def report_syntax(text: str, error: yaml.MarkedYAMLError, report: Report) -> None:
    """Note why a text is no YAML: the lines that a tab indents, or what the parser fell over."""
    tabbed = [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if "\t" in line[: len(line) - len(line.lstrip())]
    ]
    for number in tabbed:
        report.add(number, "a tab indents this line; YAML takes spaces only")
    if not tabbed:
        mark = error.problem_mark or error.context_mark
        why = ", ".join(part for part in (error.context, error.problem) if part)
        report.add(mark.line + 1 if mark else 1, f"the file is not YAML: {why}")


def check_unique(items: Sequence[Value], words: Sequence[str], noun: str) -> None:
    """Note each item whose word stands at an earlier one already."""
    first: dict[str, int] = {}
    for item, word in zip(items, words, strict=True):
        if word and word in first:
            item.report.add(item.line, f"{noun} {word!r} stands twice, first on line {first[word]}")
        first.setdefault(word, item.line)


def hint(word: str, choices: Collection[str]) -> str:
    """Say which of some words was probably meant, or nothing."""
    close = difflib.get_close_matches(word, choices, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def kind_of(node: yaml.Node) -> str:
    """Say in a word what a node holds."""
    return KINDS.get(node.tag, f"a value tagged {node.tag.replace(TAG, '!!')}")


def is_plain(node: yaml.Node) -> bool:
    """Whether the node is a bare word that YAML took for something else than text."""
    return isinstance(node, yaml.ScalarNode) and not node.style and node.tag in KINDS


def line_of(node: yaml.Node) -> int:
    """Return the line, from 1, at which a node starts."""
    mark = node.start_mark
    return int(mark.line) + 1 if mark else 1
