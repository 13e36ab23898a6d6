"""[pure] What the catalogue's files say: rubrics, levels, presets. Typed, or every mistake by line.

How YAML is read by line is in `marked_yaml.py`; what becomes of a file is in `actions.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rubrics.marked_yaml import (
    SLUG,
    Problem,
    Problems,
    Report,
    Value,
    check_unique,
    hint,
    read,
)

__all__ = ["Problem", "Problems", "parse", "parse_catalogue", "parse_levels", "parse_presets"]

LEVELS_FILE = "levels.yaml"
PRESETS_FILE = "presets.yaml"
LADDERS = {"ic": "ic", "em": "em"}
ANCHOR_RANKS = {"l5": 1, "l6": 2, "l7": 3}
CAP_RANKS = {"below": 0, "l5": 1, "l6": 2}
WHOLE_ROUND = "round"
SHORT_TITLE_LENGTH = 22
SUMMARY_LENGTH = 60
TITLE_LENGTH = 120
PHASE_LENGTH = 200
LABEL_LENGTH = 40
DIMENSIONS_LEAST, DIMENSIONS_MOST = 4, 6
KINDS_A_LADDER = 6

RUBRIC_KEYS = (
    "kind",
    "ladder",
    "position",
    "title",
    "short_title",
    "summary",
    "minutes",
    "grades",
    "weight_note",
    "dimensions",
    "downcodes",
    "phases",
    "checklist",
    "probes",
    "prompts",
)
FLAGS = ("depth_rungs", "why_chain")
KIT_KEYS = ("intent", "probes", "hints", "wrong_turns")


@dataclass(frozen=True)
class Dimension:
    """One row of the rubric; `anchors` are the texts of ranks 1, 2 and 3."""

    key: str
    label: str
    is_key: bool
    anchors: tuple[str, ...]

    @property
    def structure_digest(self) -> str:
        """Digest what gives the dimension its meaning: its key, its anchors, whether it is key."""
        return digest_of([self.key, self.is_key, self.anchors])


@dataclass(frozen=True)
class Downcode:
    """A failure signal; `dimension` is None where it caps the whole round."""

    key: str
    text: str
    dimension: str | None
    cap_rank: int


@dataclass(frozen=True)
class Phase:
    """A span of the time guide."""

    name: str
    minutes: int


@dataclass(frozen=True)
class Kit:
    """What the interviewer of a prompt holds: probes in order, hints from a nudge to a giveaway."""

    intent: str
    probes: tuple[str, ...]
    hints: tuple[str, ...]
    wrong_turns: tuple[str, ...]


@dataclass(frozen=True)
class Prompt:
    """A question; `key` is stable for ever."""

    key: str
    text: str
    kit: Kit | None


@dataclass(frozen=True)
class RubricFile:
    """One rubric file: the facts of its round kind, then the content of one edition."""

    kind: str
    ladder: str
    position: int
    short_title: str
    summary: str
    twin: str | None

    title: str
    minutes: int
    grades: str
    weight_note: str
    dimensions: tuple[Dimension, ...]
    downcodes: tuple[Downcode, ...]
    phases: tuple[Phase, ...]
    checklist: tuple[str, ...]
    probes: tuple[str, ...]
    prompts: tuple[Prompt, ...]

    has_rungs: bool
    has_why_chain: bool
    is_wording_only: bool
    name: str
    source: str = field(repr=False)
    lines: Mapping[str, int] = field(repr=False)

    def problem(self, key: str, mistake: str) -> Problem:
        """Say a mistake at the line of one of the outermost keys."""
        return Problem(self.name, self.lines.get(key, 1), mistake)

    @property
    def digest(self) -> str:
        """Digest the edition's content, whatever the order of keys, the comments or the folding.

        The facts of the round kind (its place, short title, summary and twin) are not of the
        edition, and the wording flag says how an edition came about, not what it holds. What
        graders are asked to count while they listen is of it where it is asked for, so that
        editions without it keep the digest that they had before it could be asked for.
        """
        asked_for = {"has_rungs": self.has_rungs, "has_why_chain": self.has_why_chain}
        return digest_of(
            {
                **{flag: True for flag, is_set in asked_for.items() if is_set},
                "title": self.title,
                "minutes": self.minutes,
                "grades": self.grades,
                "weight_note": self.weight_note,
                "dimensions": [asdict(dimension) for dimension in self.dimensions],
                "downcodes": [asdict(downcode) for downcode in self.downcodes],
                "phases": [asdict(phase) for phase in self.phases],
                "checklist": self.checklist,
                "probes": self.probes,
                "prompts": [asdict(prompt) for prompt in self.prompts],
            }
        )

    @property
    def structure_digest(self) -> str:
        """Digest what ratings mean here: all dimensions and downcodes, in any order."""
        return structure_digest(self.dimensions, self.downcodes)


@dataclass(frozen=True)
class Level:
    """A band of a ladder; `labels` maps a company, or "default", to its word for it."""

    rank: int
    scope: str
    width: str
    looks_for: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class LevelsFile:
    """The levels of each ladder, by rank."""

    ladders: Mapping[str, tuple[Level, ...]]


@dataclass(frozen=True)
class PresetRound:
    """A round of a preset; `minutes` is None where the rubric's own length holds."""

    kind: str
    title: str
    minutes: int | None
    focus: str
    line: int = field(compare=False)


@dataclass(frozen=True)
class Preset:
    """A named list of rounds."""

    key: str
    ladder: str
    title: str
    description: str
    target_rank: int
    rounds: tuple[PresetRound, ...]


@dataclass(frozen=True)
class PresetsFile:
    """The presets in their order."""

    name: str
    presets: tuple[Preset, ...]


@dataclass(frozen=True)
class KnownKind:
    """What the cross checks need of a round kind that is in force but not among the files."""

    key: str
    ladder: str
    position: int
    twin: str | None


@dataclass(frozen=True)
class Catalogue:
    """Files that fit together. Levels and presets are None where no such file was given."""

    rubrics: tuple[RubricFile, ...]
    levels: LevelsFile | None
    presets: PresetsFile | None


def parse_catalogue(files: Mapping[str, str], known: Iterable[KnownKind] = ()) -> Catalogue:
    """Parse files by name (no folder), and hold them against each other and the known kinds.

    Raises `Problems` with the mistakes of all files. Files are held against each other only once
    each is sound by itself, so that one mistake is not reported as several.
    """
    problems: list[Problem] = []
    rubrics: list[RubricFile] = []
    levels: LevelsFile | None = None
    presets: PresetsFile | None = None
    for name, text in sorted(files.items()):
        try:
            if name == LEVELS_FILE:
                levels = parse_levels(text, name)
            elif name == PRESETS_FILE:
                presets = parse_presets(text, name)
            else:
                rubrics.append(parse(text, name))
        except Problems as found:
            problems.extend(found.problems)
    if not problems:
        problems = _cross_checked(rubrics, presets, list(known))
    if problems:
        raise Problems(problems)
    return Catalogue(tuple(rubrics), levels, presets)


def parse(text: str, name: str) -> RubricFile:
    """Parse one rubric file; `name` stands before each mistake. Raises `Problems` with them all."""
    report = Report(name)
    root = read(text, report)
    fields = root.fields(RUBRIC_KEYS, optional=("twin", "wording_only", *FLAGS))
    dimensions = _dimensions(fields["dimensions"])
    rubric = RubricFile(
        kind=fields["kind"].slug(),
        ladder=fields["ladder"].one_of(LADDERS) or "",
        position=fields["position"].whole_number(least=1, most=KINDS_A_LADDER),
        short_title=fields["short_title"].text(at_most=SHORT_TITLE_LENGTH),
        summary=fields["summary"].text(at_most=SUMMARY_LENGTH),
        twin=None if fields["twin"].is_null() else fields["twin"].slug(),
        title=fields["title"].text(at_most=TITLE_LENGTH),
        minutes=fields["minutes"].whole_number(least=1, most=240),
        grades=fields["grades"].paragraphs(),
        weight_note=fields["weight_note"].paragraphs(),
        dimensions=dimensions,
        downcodes=_downcodes(fields["downcodes"], [dimension.key for dimension in dimensions]),
        phases=_phases(fields["phases"]),
        checklist=fields["checklist"].texts(),
        probes=fields["probes"].texts(),
        prompts=_prompts(fields["prompts"]),
        has_rungs=fields["depth_rungs"].flag(),
        has_why_chain=fields["why_chain"].flag(),
        is_wording_only=fields["wording_only"].flag(),
        name=name,
        source=text,
        lines={key: value.line for key, value in fields.items()},
    )
    _check_minutes(rubric, fields["phases"])
    report.close()
    return rubric


def parse_levels(text: str, name: str) -> LevelsFile:
    """Parse the levels of both ladders. Raises `Problems` with every mistake."""
    report = Report(name)
    ladders = read(text, report).fields(("ladders",))["ladders"].fields(tuple(LADDERS))
    levels = {key: _ladder(ladder) for key, ladder in ladders.items()}
    report.close()
    return LevelsFile(levels)


def parse_presets(text: str, name: str) -> PresetsFile:
    """Parse the loop presets. Raises `Problems` with every mistake.

    Whether their round kinds exist is for `parse_catalogue`, which knows the other files.
    """
    report = Report(name)
    items = read(text, report).fields(("presets",))["presets"].items("preset")
    presets = tuple(_preset(item) for item in items)
    check_unique(items, [preset.key for preset in presets], "key")
    report.close()
    return PresetsFile(name, presets)


def structure_digest(dimensions: Iterable[Dimension], downcodes: Iterable[Downcode]) -> str:
    """Digest what ratings mean where these stand, in whatever order."""
    return digest_of(
        [
            sorted(dimension.structure_digest for dimension in dimensions),
            sorted(digest_of(asdict(downcode)) for downcode in downcodes),
        ]
    )


def digest_of(content: Any) -> str:
    """Return the SHA-256, in hex, of content as canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _dimensions(value: Value) -> tuple[Dimension, ...]:
    items = value.items("dimension")
    if items and not DIMENSIONS_LEAST <= len(items) <= DIMENSIONS_MOST:
        value.fault(f"must be {DIMENSIONS_LEAST} to {DIMENSIONS_MOST}, here are {len(items)}")
    dimensions = []
    labels = []
    anchors: list[tuple[Value, str]] = []
    for item in items:
        fields = item.fields(("key", "label", "anchors"), optional=("is_key",))
        levels = fields["anchors"].fields(tuple(ANCHOR_RANKS))
        texts = [level.text() for level in levels.values()]
        anchors.extend(zip(levels.values(), texts, strict=True))
        labels.append(fields["label"].text(at_most=TITLE_LENGTH))
        dimensions.append(
            Dimension(fields["key"].slug(), labels[-1], fields["is_key"].flag(), tuple(texts))
        )
    check_unique(items, [dimension.key for dimension in dimensions], "key")
    check_unique(items, labels, "label")
    _check_anchors_differ(anchors)
    return tuple(dimensions)


def _check_anchors_differ(anchors: list[tuple[Value, str]]) -> None:
    first: dict[str, Value] = {}
    for value, text in anchors:
        said = text.casefold().rstrip(".")
        if said and said in first:
            value.fault(f"says the same as {first[said].what} (line {first[said].line})")
        first.setdefault(said, value)


def _downcodes(value: Value, dimensions: list[str]) -> tuple[Downcode, ...]:
    items = value.items("downcode")
    downcodes = []
    for item in items:
        fields = item.fields(("key", "text", "applies_to", "cap"))
        target = fields["applies_to"].text()
        if target and target != WHOLE_ROUND and target not in dimensions:
            known = [WHOLE_ROUND, *dimensions]
            fields["applies_to"].fault(f"names no dimension: {target!r}{hint(target, known)}")
        downcodes.append(
            Downcode(
                key=fields["key"].slug(),
                text=fields["text"].text(),
                dimension=None if target == WHOLE_ROUND else target,
                cap_rank=fields["cap"].one_of(CAP_RANKS) or 0,
            )
        )
    check_unique(items, [downcode.key for downcode in downcodes], "key")
    return tuple(downcodes)


def _phases(value: Value) -> tuple[Phase, ...]:
    phases = []
    for item in value.items("phase"):
        fields = item.fields(("name", "minutes"))
        name = fields["name"].text(at_most=PHASE_LENGTH)
        phases.append(Phase(name, fields["minutes"].whole_number(least=1)))
    return tuple(phases)


def _check_minutes(rubric: RubricFile, phases: Value) -> None:
    readable = rubric.minutes and rubric.phases and all(phase.minutes for phase in rubric.phases)
    total = sum(phase.minutes for phase in rubric.phases)
    if readable and total != rubric.minutes:
        phases.report.add(
            phases.line, f"phase minutes sum to {total}, the round has {rubric.minutes}"
        )


def _prompts(value: Value) -> tuple[Prompt, ...]:
    items = value.items("prompt")
    prompts = []
    for item in items:
        fields = item.fields(("key", "text"), optional=("kit",))
        kit = None if fields["kit"].is_null() else _kit(fields["kit"])
        prompts.append(Prompt(fields["key"].slug(), fields["text"].paragraphs(), kit))
    check_unique(items, [prompt.key for prompt in prompts], "key")
    check_unique(items, [prompt.text for prompt in prompts], "text")
    return tuple(prompts)


def _kit(value: Value) -> Kit:
    fields = value.fields(KIT_KEYS)
    return Kit(
        intent=fields["intent"].paragraphs(),
        probes=fields["probes"].texts(),
        hints=fields["hints"].texts(),
        wrong_turns=fields["wrong_turns"].texts(),
    )


def _ladder(value: Value) -> tuple[Level, ...]:
    fields = value.fields(("title", "levels"))
    fields["title"].text(at_most=TITLE_LENGTH)
    items = fields["levels"].items("level")
    levels = tuple(_level(item) for item in items)
    ranks = [level.rank for level in levels]
    if items and ranks != [0, 1, 2, 3]:
        fields["levels"].fault(f"must have the ranks 0, 1, 2, 3 in this order, not {ranks}")
    companies = {company for level in levels for company in level.labels}
    for company in sorted(companies):
        labels = [level.labels.get(company, "") for level in levels]
        check_unique(items, labels, f"label for {company}")
    return levels


def _level(value: Value) -> Level:
    fields = value.fields(("rank", "scope", "width", "looks_for", "labels"))
    labels = fields["labels"].entries()
    if fields["labels"] and "default" not in labels:
        fields["labels"].fault("lack 'default', which stands in for every other company")
    for company, label in labels.items():
        if not SLUG.fullmatch(company):
            label.fault("must be under a company in lower-case letters, digits and _")
    return Level(
        rank=fields["rank"].whole_number(least=0, most=3),
        scope=fields["scope"].paragraphs(),
        width=fields["width"].paragraphs(),
        looks_for=fields["looks_for"].paragraphs(),
        labels={company: label.text(at_most=LABEL_LENGTH) for company, label in labels.items()},
    )


def _preset(value: Value) -> Preset:
    fields = value.fields(("key", "ladder", "title", "description", "target_rank", "rounds"))
    return Preset(
        key=fields["key"].slug(),
        ladder=fields["ladder"].one_of(LADDERS) or "",
        title=fields["title"].text(at_most=TITLE_LENGTH),
        description=fields["description"].paragraphs(),
        target_rank=fields["target_rank"].whole_number(least=1, most=3),
        rounds=tuple(_preset_round(item) for item in fields["rounds"].items("round")),
    )


def _preset_round(value: Value) -> PresetRound:
    fields = value.fields(("kind",), optional=("title", "minutes", "focus"))
    minutes = fields["minutes"]
    return PresetRound(
        kind=fields["kind"].slug(),
        title="" if fields["title"].is_null() else fields["title"].text(at_most=TITLE_LENGTH),
        minutes=None if minutes.is_null() else minutes.whole_number(least=1, most=240),
        focus="" if fields["focus"].is_null() else fields["focus"].text(),
        line=fields["kind"].line,
    )


def _cross_checked(
    rubrics: list[RubricFile], presets: PresetsFile | None, known: list[KnownKind]
) -> list[Problem]:
    given = {rubric.kind for rubric in rubrics}
    kinds = {kind.key: kind for kind in known if kind.key not in given}
    kinds |= {
        rubric.kind: KnownKind(rubric.kind, rubric.ladder, rubric.position, rubric.twin)
        for rubric in rubrics
    }
    before = {kind.key: kind for kind in known}
    problems = [
        *_kinds_given_twice(rubrics),
        *_places_taken_twice(rubrics, kinds),
        *_ladders_moved(rubrics, before),
    ]
    for rubric in rubrics:
        problems.extend(_twin_mistakes(rubric, kinds))
    if presets is not None:
        problems.extend(_preset_mistakes(presets, kinds))
    return problems


def _kinds_given_twice(rubrics: list[RubricFile]) -> Iterable[Problem]:
    first: dict[str, RubricFile] = {}
    for rubric in rubrics:
        other = first.setdefault(rubric.kind, rubric)
        if other is not rubric:
            yield rubric.problem("kind", f"kind {rubric.kind!r} is already in {other.name}")


def _places_taken_twice(
    rubrics: list[RubricFile], kinds: Mapping[str, KnownKind]
) -> Iterable[Problem]:
    taken = Counter((kind.ladder, kind.position) for kind in kinds.values())
    for rubric in rubrics:
        if taken[rubric.ladder, rubric.position] > 1:
            others = ", ".join(
                kind.key
                for kind in kinds.values()
                if (kind.ladder, kind.position) == (rubric.ladder, rubric.position)
                and kind.key != rubric.kind
            )
            yield rubric.problem(
                "position",
                f"position {rubric.position} of the {rubric.ladder} ladder is also {others}'s",
            )


def _ladders_moved(rubrics: list[RubricFile], before: Mapping[str, KnownKind]) -> Iterable[Problem]:
    for rubric in rubrics:
        known = before.get(rubric.kind)
        if known is not None and known.ladder != rubric.ladder:
            yield rubric.problem(
                "ladder",
                f"{rubric.kind} stands on the {known.ladder} ladder, a round kind cannot move",
            )


def _twin_mistakes(rubric: RubricFile, kinds: Mapping[str, KnownKind]) -> Iterable[Problem]:
    if rubric.twin is None:
        return
    twin = kinds.get(rubric.twin)
    if twin is None:
        mistake = f"twin {rubric.twin!r} is no known round kind{hint(rubric.twin, kinds)}"
        yield rubric.problem("twin", mistake)
    elif twin.ladder == rubric.ladder:
        yield rubric.problem("twin", f"twin {rubric.twin!r} stands on the same ladder")
    elif twin.twin != rubric.kind:
        yield rubric.problem("twin", f"twin {rubric.twin!r} names {twin.twin!r} as its own twin")


def _preset_mistakes(presets: PresetsFile, kinds: Mapping[str, KnownKind]) -> Iterable[Problem]:
    for preset in presets.presets:
        for planned in preset.rounds:
            kind = kinds.get(planned.kind)
            where = f"preset {preset.key!r}"
            if kind is None:
                mistake = f"{where} names no known round kind: {planned.kind!r}"
                yield Problem(presets.name, planned.line, mistake + hint(planned.kind, kinds))
            elif kind.ladder != preset.ladder:
                mistake = f"{where} is for the {preset.ladder} ladder, {kind.key} is not"
                yield Problem(presets.name, planned.line, mistake)
