"""Rubric files: what is read from a right one, and every mistake by file, line and words."""

from typing import NamedTuple

import pytest

from rubrics import schema
from tests.rubrics import texts

LONG = "x" * 61


class Mistake(NamedTuple):
    """One text of the small rubric replaced by another, and what is said of it."""

    name: str
    old: str
    new: str
    said: list[str]


MISTAKES = [
    # the file as a whole
    Mistake("empty", texts.RUBRIC, "", ["1: the file is empty"]),
    Mistake("only comments", texts.RUBRIC, "# later\n", ["1: the file is empty"]),
    Mistake(
        "a list",
        texts.RUBRIC,
        "\n- kind: coding\n",
        ["2: the file must be a mapping of keys, not a list"],
    ),
    Mistake(
        "two documents",
        "prompts:\n",
        "---\nprompts:\n",
        [
            "49: the file is not YAML: expected a single document in the stream, "
            "but found another document"
        ],
    ),
    Mistake(
        "a bracket left open",
        "{name: Code, minutes: 35}",
        "{name: Code, minutes: 35",
        [
            "45: the file is not YAML: while parsing a flow mapping, "
            "expected ',' or '}', but got ':'"
        ],
    ),
    Mistake(
        "tabs",
        "  - Write one function a day.\nprobes:\n  - What",
        "\t- Write one function a day.\nprobes:\n \t- What",
        [
            "46: a tab indents this line; YAML takes spaces only",
            "48: a tab indents this line; YAML takes spaces only",
        ],
    ),
    Mistake(
        "a control character",
        "title: Coding",
        "title: Cod\x00ing",
        ["4: the file is not YAML: character U+0000 is not allowed"],
    ),
    # keys
    Mistake(
        "a key twice",
        "weight_note: A gate.\n",
        "weight_note: A gate.\nminutes: 50\n",
        ["13: 'minutes' stands twice, first on line 8"],
    ),
    Mistake(
        "an anchor twice",
        "      l5: Names things well.\n",
        "      l5: Names things well.\n      l5: Names them badly.\n",
        ["25: 'l5' stands twice in anchors of dimension 'shape', first on line 24"],
    ),
    Mistake(
        "an unknown key",
        "summary:",
        "sumary:",
        ["1: 'summary' is missing", "6: unknown key 'sumary'; did you mean 'summary'?"],
    ),
    Mistake(
        "an unknown key far from any",
        "weight_note: A gate.\n",
        "weight_note: A gate.\ncolour: red\n",
        ["13: unknown key 'colour'"],
    ),
    Mistake(
        "an unknown key in a dimension",
        "    is_key: true\n",
        "    weight: 2\n",
        ["16: unknown key 'weight' in dimension 'contract'"],
    ),
    Mistake(
        "a missing key",
        "grades: >-\n  Whether the code is fit\n  to live in a repository.\n",
        "",
        ["1: 'grades' is missing"],
    ),
    Mistake(
        "a phase without a name",
        "{name: Code, minutes: 35}",
        "{minutes: 35}",
        ["44: 'name' is missing from phase 2"],
    ),
    # types
    Mistake(
        "a title that is a number",
        "title: Coding\nshort",
        "title: 2026\nshort",
        ["4: title must be text, not a number; put it in quotes"],
    ),
    Mistake(
        "a label that YAML takes for no",
        "label: Speed",
        "label: no",
        ["31: label of dimension 'speed' must be text, not yes or no; put it in quotes"],
    ),
    Mistake(
        "a date",
        "text: Build a cache.",
        "text: 2026-01-01",
        ["61: text of prompt 'cache' must be text, not a date; put it in quotes"],
    ),
    Mistake("a title with nothing", "title: Coding\nshort", "title:\nshort", ["4: title is empty"]),
    Mistake("an empty text", "title: Coding\nshort", "title: ' '\nshort", ["4: title is empty"]),
    Mistake(
        "a text that is a list",
        "weight_note: A gate.",
        "weight_note: [A gate.]",
        ["12: weight_note must be text, not a list"],
    ),
    Mistake(
        "minutes in words",
        "minutes: 45",
        "minutes: an hour",
        ["8: minutes must be a whole number, not text"],
    ),
    Mistake(
        "minutes as a clock",
        "minutes: 45",
        "minutes: 1:30",
        ["8: minutes must be a whole number, not '1:30'"],
    ),
    Mistake("no minutes", "minutes: 45", "minutes: 0", ["8: minutes must be from 1 to 240, not 0"]),
    Mistake("a position", "position: 1", "position: 7", ["3: position must be from 1 to 6, not 7"]),
    Mistake(
        "a flag in words",
        "is_key: true",
        "is_key: very",
        ["16: is_key of dimension 'contract' must be true or false, not text"],
    ),
    Mistake(
        "the wording flag in words",
        "weight_note: A gate.\n",
        "weight_note: A gate.\nwording_only: maybe\n",
        ["13: wording_only must be true or false, not text"],
    ),
    Mistake(
        "a checklist that is text",
        "checklist:\n  - Write",
        "checklist: Write",
        ["45: checklist must be a list, not text"],
    ),
    Mistake(
        "an empty list",
        "probes:\n  - What would you test first?",
        "probes: []",
        ["47: probes is an empty list"],
    ),
    Mistake(
        "an item with nothing",
        "  - Write one function a day.",
        "  - Write one function a day.\n  -",
        ["47: item 2 of checklist is empty"],
    ),
    Mistake(
        "a tagged value",
        "title: Coding\nshort",
        "title: !!python/name:os.system\nshort",
        ["4: title must be text, not a value tagged !!python/name:os.system"],
    ),
    # words
    Mistake("a ladder", "ladder: ic", "ladder: pm", ["2: ladder must be one of ic, em, not 'pm'"]),
    Mistake(
        "a key in capitals",
        "key: contract",
        "key: The Contract",
        [
            "14: key of dimension 'The Contract' must be lower-case letters, digits and _, "
            "at most 40, not 'The Contract'"
        ],
    ),
    Mistake(
        "a long short title",
        "short_title: Coding",
        "short_title: Coding in the large and small",
        ["5: short_title has 29 characters, at most 22 fit"],
    ),
    Mistake(
        "a long summary",
        "Code that a colleague would merge",
        LONG,
        ["6: summary has 61 characters, at most 60 fit"],
    ),
    # dimensions
    Mistake(
        "too few dimensions",
        "  - key: speed\n    label: Speed\n"
        "    anchors: {l5: Finishes late., l6: Finishes in time., l7: Finishes and reviews.}\n",
        "",
        ["13: dimensions must be 4 to 6, here are 3"],
    ),
    Mistake(
        "a dimension twice",
        "key: speed",
        "key: shape",
        ["30: key 'shape' stands twice, first on line 21"],
    ),
    Mistake(
        "a label twice",
        "label: Speed",
        "label: Checking",
        ["30: label 'Checking' stands twice, first on line 27"],
    ),
    Mistake(
        "an anchor missing",
        "      l7: Leaves a seam for what comes.\n",
        "",
        ["23: 'l7' is missing from anchors of dimension 'shape'"],
    ),
    Mistake(
        "an anchor for no level",
        "      l7: Leaves",
        "      l8: Leaves",
        [
            "23: 'l7' is missing from anchors of dimension 'shape'",
            "26: unknown key 'l8' in anchors of dimension 'shape'",
        ],
    ),
    Mistake(
        "two anchors alike",
        "l6: Parts pure from impure.",
        "l6: names  things well",
        [
            "25: l6 of anchors of dimension 'shape' says the same as "
            "l5 of anchors of dimension 'shape' (line 24)"
        ],
    ),
    # downcodes
    Mistake(
        "a downcode for no dimension",
        "applies_to: checking",
        "applies_to: cheking",
        [
            "40: applies_to of downcode 'untested' names no dimension: 'cheking'; "
            "did you mean 'checking'?"
        ],
    ),
    Mistake(
        "a cap that caps nothing",
        "cap: below",
        "cap: l7",
        ["41: cap of downcode 'untested' must be one of below, l5, l6, not 'l7'"],
    ),
    Mistake(
        "a downcode twice",
        "key: untested",
        "key: hackathon",
        ["38: key 'hackathon' stands twice, first on line 34"],
    ),
    # phases
    Mistake(
        "phases that do not sum",
        "minutes: 35}",
        "minutes: 33}",
        ["42: phase minutes sum to 43, the round has 45"],
    ),
    Mistake(
        "a phase that takes no time",
        "minutes: 35}",
        "minutes: -5}",
        ["44: minutes of phase 2 must be at least 1, not -5"],
    ),
    # prompts
    Mistake(
        "a prompt twice",
        "key: cache",
        "key: limiter",
        ["60: key 'limiter' stands twice, first on line 50"],
    ),
    Mistake(
        "a prompt's text twice",
        "text: Build a cache.",
        "text: Build a limiter.",
        ["60: text 'Build a limiter.' stands twice, first on line 50"],
    ),
    Mistake(
        "a kit without hints",
        "      hints:\n        - Who knows the time?\n",
        "",
        ["52: 'hints' is missing from kit of prompt 'limiter'"],
    ),
    Mistake(
        "a kit with an empty ladder",
        "hints:\n        - Who knows the time?",
        "hints: []",
        ["56: hints of kit of prompt 'limiter' is an empty list"],
    ),
    Mistake(
        "a kit that is text",
        "  - key: cache\n    text: Build a cache.\n",
        "  - key: cache\n    text: Build a cache.\n    kit: soon\n",
        ["62: kit of prompt 'cache' must be a mapping of keys, not text"],
    ),
]


def mistakes_in(text: str, name: str = "coding.yaml") -> list[str]:
    """Return what is said of a file, without its name."""
    try:
        schema.parse(text, name)
    except schema.Problems as found:
        said = [str(problem) for problem in found.problems]
        assert all(line.startswith(f"{name}:") for line in said)
        return [line.removeprefix(f"{name}:") for line in said]
    return []


def test_parse_reads_the_whole_file() -> None:
    rubric = schema.parse(texts.RUBRIC, "coding.yaml")

    assert (rubric.kind, rubric.ladder, rubric.position, rubric.twin, rubric.minutes) == (
        "coding",
        "ic",
        1,
        "em_technical",
        45,
    )
    assert rubric.grades == "Whether the code is fit to live in a repository."
    assert rubric.dimensions[0] == schema.Dimension(
        key="contract",
        label="Contract",
        is_key=True,
        anchors=("Restates the task.", "Fixes signature and sizes.", "Challenges the interface."),
    )
    assert [dimension.is_key for dimension in rubric.dimensions] == [True, False, False, False]
    assert rubric.downcodes == (
        schema.Downcode("hackathon", "One-letter names throughout", None, 1),
        schema.Downcode("untested", "Runs nothing", "checking", 0),
    )
    assert [(phase.name, phase.minutes) for phase in rubric.phases] == [
        ("Contract: what and how large", 10),
        ("Code", 35),
    ]
    assert rubric.prompts == (
        schema.Prompt(
            "limiter",
            "Build a limiter.",
            schema.Kit(
                "Sees whether time is passed in.",
                ("How many calls?",),
                ("Who knows the time?",),
                ("Reads the clock inside.",),
            ),
        ),
        schema.Prompt("cache", "Build a cache.", None),
    )
    assert (rubric.is_wording_only, rubric.source) == (False, texts.RUBRIC)


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.name for mistake in MISTAKES])
def test_parse_names_the_line_of_each_mistake(mistake: Mistake) -> None:
    assert mistake.old in texts.RUBRIC

    assert mistakes_in(texts.RUBRIC.replace(mistake.old, mistake.new, 1)) == mistake.said


def test_parse_reports_all_mistakes_of_a_file_at_once() -> None:
    text = (
        texts.RUBRIC.replace("ladder: ic", "ladder: pm")
        .replace("minutes: 35", "minutes: 30")
        .replace("applies_to: checking", "applies_to: nothing")
        .replace("key: cache", "key: limiter")
    )

    assert mistakes_in(text) == [
        "2: ladder must be one of ic, em, not 'pm'",
        "40: applies_to of downcode 'untested' names no dimension: 'nothing'",
        "42: phase minutes sum to 40, the round has 45",
        "60: key 'limiter' stands twice, first on line 50",
    ]


def test_parse_reads_windows_lines_and_a_null_twin() -> None:
    text = texts.RUBRIC.replace("twin: em_technical", "twin: null").replace("\n", "\r\n")

    rubric = schema.parse(text, "coding.yaml")

    assert rubric.twin is None
    assert rubric.digest == schema.parse(texts.RUBRIC, "coding.yaml").digest


@pytest.mark.parametrize(
    "other",
    [
        "# A comment.\n" + texts.RUBRIC,
        texts.RUBRIC.replace(
            "    label: Contract\n    is_key: true\n", "    is_key: yes\n    label: 'Contract'\n"
        ),
        texts.RUBRIC.replace(
            "l5: Restates the task.", "l5: >-\n        Restates\n        the task."
        ),
        texts.RUBRIC.replace("summary: Code that", "summary: Work that"),
        texts.RUBRIC.replace("weight_note: A gate.", "wording_only: true\nweight_note: A gate."),
    ],
    ids=["comment", "order and quotes", "folding", "the kind's own facts", "the wording flag"],
)
def test_digest_ignores_what_is_not_the_editions_content(other: str) -> None:
    assert other != texts.RUBRIC

    assert schema.parse(other, "a").digest == schema.parse(texts.RUBRIC, "b").digest


@pytest.mark.parametrize(
    ("old", "new", "is_same_structure"),
    [
        ("Restates the task.", "Restates the task", False),
        ("is_key: true", "is_key: false", False),
        ("cap: below", "cap: l6", False),
        ("Runs nothing", "Runs not a thing", False),
        ("label: Speed", "label: Pace", True),
        ("text: Build a cache.", "text: Build a queue.", True),
        ("- Write one function a day.", "- Write two.", True),
        ("minutes: 10}", "minutes: 10 }", True),
    ],
)
def test_structure_digest_changes_with_what_ratings_mean(
    old: str, new: str, is_same_structure: bool
) -> None:
    before = schema.parse(texts.RUBRIC, "a")

    after = schema.parse(texts.RUBRIC.replace(old, new, 1), "a")

    assert (after.structure_digest == before.structure_digest) == is_same_structure
    assert (after.digest == before.digest) == (old == "minutes: 10}")


def test_structure_digest_ignores_the_order_of_dimensions() -> None:
    rubric = schema.parse(texts.RUBRIC, "a")

    turned = schema.structure_digest(rubric.dimensions[::-1], rubric.downcodes[::-1])

    assert turned == rubric.structure_digest


# Levels


def test_parse_levels_reads_both_ladders() -> None:
    levels = schema.parse_levels(texts.LEVELS, "levels.yaml")

    assert [level.labels["default"] for level in levels.ladders["em"]] == [
        "below",
        "EM-5",
        "EM-6",
        "EM-7",
    ]
    assert levels.ladders["ic"][2] == schema.Level(
        2, "groups", "three", "orders", {"default": "L6", "meta": "E6"}
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  em:\n", "  pm:\n", ["1: 'em' is missing from ladders",
                                "9: unknown key 'pm' in ladders"]),
        ("rank: 3", "rank: 2", ["4: levels of ic of ladders must have the ranks 0, 1, 2, 3 "
                                "in this order, not [0, 1, 2, 2]"]),
        ("rank: 3", "rank: 4", ["4: levels of ic of ladders must have the ranks 0, 1, 2, 3 "
                                "in this order, not [0, 1, 2, 0]",
                                "8: rank of level 4 must be from 0 to 3, not 4"]),
        ("{default: L6, meta: E6}", "{meta: E6}",
         ["7: labels of level 3 lack 'default', which stands in for every other company"]),
        ("meta: E6", "meta: E5", ["7: label for meta 'E5' stands twice, first on line 6"]),
        ("meta: E6", "Meta Inc: E6", ["7: Meta Inc of labels of level 3 must be under a company "
                                      "in lower-case letters, digits and _"]),
        ("width: three, ", "", ["7: 'width' is missing from level 3"]),
    ],
)  # fmt: skip
def test_parse_levels_names_each_mistake(old: str, new: str, said: list[str]) -> None:
    with pytest.raises(schema.Problems) as caught:
        schema.parse_levels(texts.LEVELS.replace(old, new, 1), "levels.yaml")

    assert [str(problem) for problem in caught.value.problems] == [f"levels.yaml:{s}" for s in said]


# Presets


def test_parse_presets_reads_rounds_with_and_without_their_own_facts() -> None:
    presets = schema.parse_presets(texts.PRESETS, "presets.yaml").presets

    assert presets == (
        schema.Preset(
            key="short",
            ladder="ic",
            title="Short loop",
            description="Two rounds of code.",
            target_rank=2,
            rounds=(
                schema.PresetRound("coding", "", None, "", line=8),
                schema.PresetRound("coding", "Code review", 15, "Read, do not write.", line=9),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("target_rank: 2", "target_rank: 0", ["6: target_rank of preset 'short' must be "
                                              "from 1 to 3, not 0"]),
        ("minutes: 15", "minutes: 0", ["11: minutes of round 2 must be from 1 to 240, not 0"]),
        ("      - kind: coding\n        title", "      - title",
         ["9: 'kind' is missing from round 2"]),
        ("rounds:\n", "rounds: []\n  - key: short\n    ladder: ic\n    title: T\n"
                      "    description: D\n    target_rank: 1\n    rounds:\n",
         ["7: rounds of preset 'short' is an empty list", "8: key 'short' stands twice, "
                                                          "first on line 2"]),
    ],
)  # fmt: skip
def test_parse_presets_names_each_mistake(old: str, new: str, said: list[str]) -> None:
    with pytest.raises(schema.Problems) as caught:
        schema.parse_presets(texts.PRESETS.replace(old, new, 1), "presets.yaml")

    assert [str(problem) for problem in caught.value.problems] == [
        f"presets.yaml:{s}" for s in said
    ]


# Files held against each other


def test_parse_catalogue_takes_files_that_fit_together() -> None:
    catalogue = schema.parse_catalogue(texts.catalogue())

    assert [rubric.kind for rubric in catalogue.rubrics] == ["coding", "em_technical"]
    assert catalogue.levels is not None
    assert catalogue.presets is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"copy.yaml": texts.RUBRIC}, ["copy.yaml:1: kind 'coding' is already in coding.yaml"]),
        ({"em_technical.yaml": texts.twin().replace("twin: coding", "twin: codin")},
         ["coding.yaml:7: twin 'em_technical' names 'codin' as its own twin",
          "em_technical.yaml:7: twin 'codin' is no known round kind; did you mean 'coding'?"]),
        ({"em_technical.yaml": texts.twin().replace("twin: coding", "twin: null")},
         ["coding.yaml:7: twin 'em_technical' names None as its own twin"]),
        ({"em_technical.yaml": texts.twin().replace("ladder: em", "ladder: ic")},
         ["coding.yaml:3: position 1 of the ic ladder is also em_technical's",
          "coding.yaml:7: twin 'em_technical' stands on the same ladder",
          "em_technical.yaml:3: position 1 of the ic ladder is also coding's",
          "em_technical.yaml:7: twin 'coding' stands on the same ladder"]),
        ({"presets.yaml": texts.PRESETS.replace("kind: coding", "kind: codng", 1)},
         ["presets.yaml:8: preset 'short' names no known round kind: 'codng'; "
          "did you mean 'coding'?"]),
        ({"presets.yaml": texts.PRESETS.replace("kind: coding", "kind: em_technical", 1)},
         ["presets.yaml:8: preset 'short' is for the ic ladder, em_technical is not"]),
        ({"coding.yaml": "", "levels.yaml": "ladders: 5\n"},
         ["coding.yaml:1: the file is empty",
          "levels.yaml:1: ladders must be a mapping of keys, not a number"]),
    ],
    ids=["kind", "twin", "one-sided", "ladder", "preset", "preset's ladder", "several files"],
)  # fmt: skip
def test_parse_catalogue_names_what_does_not_fit(changes: dict[str, str], said: list[str]) -> None:
    with pytest.raises(schema.Problems) as caught:
        schema.parse_catalogue(texts.catalogue() | changes)

    assert [str(problem) for problem in caught.value.problems] == said


def test_parse_catalogue_holds_a_single_file_against_known_kinds() -> None:
    known = [
        schema.KnownKind("coding", "em", 1, None),
        schema.KnownKind("em_technical", "em", 1, "coding"),
        schema.KnownKind("xfn", "ic", 1, None),
    ]

    with pytest.raises(schema.Problems) as caught:
        schema.parse_catalogue({"coding.yaml": texts.RUBRIC}, known)

    assert [str(problem) for problem in caught.value.problems] == [
        "coding.yaml:2: coding stands on the em ladder, a round kind cannot move",
        "coding.yaml:3: position 1 of the ic ladder is also xfn's",
    ]
