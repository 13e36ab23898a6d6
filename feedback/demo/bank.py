"""The texts of the demo: what graders note, what they sum up, what candidates wrote. [pure]"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from feedback.demo.chance import fraction

FOLDER = Path(__file__).parent / "notes"


@dataclass(frozen=True)
class Quote:
    """A passage of an artifact and what a grader makes of it; `side` is good or weak."""

    dimension: str
    side: str
    quote: str
    note: str


@dataclass(frozen=True)
class Paper:
    """Code or notes that belong to an answer to the prompt; `kind` is that of an artifact."""

    prompt: str
    kind: str
    text: str
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True)
class Bank:
    """The texts of one round kind, by dimension and side: good, weak, and top for the best."""

    notes: Mapping[str, Mapping[str, Sequence[str]]]
    notes_on_prompts: Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]]
    repairs: Mapping[str, str]
    signals: Mapping[str, Sequence[str]]
    verdicts: Mapping[str, Sequence[str]]
    papers: Sequence[Paper]

    def notes_for(self, prompt: str, dimension: str, side: str) -> list[tuple[str, bool]]:
        """Return the notes that fit, each with whether it is about this very prompt."""
        special = self.notes_on_prompts.get(prompt, {}).get(dimension, {}).get(side, [])
        general = self.notes[dimension].get(side, [])
        return [(text, True) for text in special] + [(text, False) for text in general]

    def paper_for(self, prompt: str) -> Paper | None:
        """Return what was written in answer to the prompt, if anything was."""
        return next((paper for paper in self.papers if paper.prompt == prompt), None)


@cache
def bank_of(kind: str) -> Bank:
    """Read the texts of a round kind."""
    data: dict[str, Any] = yaml.safe_load((FOLDER / f"{kind}.yaml").read_text())
    return Bank(
        notes=data["dimensions"],
        notes_on_prompts=data.get("prompts", {}),
        repairs={key: texts["repair"] for key, texts in data["dimensions"].items()},
        signals=data["downcodes"],
        verdicts=data["verdicts"],
        papers=[
            Paper(
                prompt=one["prompt"],
                kind=one["kind"],
                text=one["text"],
                quotes=tuple(Quote(**quote) for quote in one.get("quotes", [])),
            )
            for one in data.get("artifacts", [])
        ],
    )


class Picker:
    """Picks texts so that a candidate reads none twice before they have read all that fit."""

    def __init__(self) -> None:
        self._read: Counter[tuple[str, str]] = Counter()

    def pick(self, reader: str, choices: Sequence[tuple[str, bool]]) -> str:
        """Take the text this reader has met least; among equals, first the ones set before others.

        Each choice is a text and whether it goes before those that chance would prefer.
        """
        text, _is_first = min(
            choices,
            key=lambda choice: (
                self._read[reader, choice[0]],
                not choice[1],
                fraction("pick", reader, choice[0]),
            ),
        )
        self._read[reader, text] += 1
        return text
