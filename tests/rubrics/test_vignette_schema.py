"""Files of vignettes: what is read from a right one, and every mistake by line and words."""

from typing import NamedTuple

import pytest

from rubrics import schema, vignette_schema
from tests.rubrics import texts, vignette_texts

NAME = "vignettes/coding.yaml"
ONE = vignette_texts.file()
PAIR = vignette_texts.pair()


class Mistake(NamedTuple):
    """One text of a file replaced by another, and what is said of it."""

    name: str
    file: str
    old: str
    new: str
    said: list[str]


MISTAKES = [
    Mistake("empty", ONE, ONE, "", ["1: the file is empty"]),
    Mistake("no vignettes", ONE, ONE, "kind: coding\nvignettes: []\n", [
        "2: vignettes is an empty list"
    ]),
    Mistake("an unknown key", ONE, "title:", "titel:", [
        "3: 'title' is missing from vignette 'first-one'",
        "4: unknown key 'titel' in vignette 'first-one'; did you mean 'title'?",
    ]),
    Mistake("a key with capitals", ONE, "key: first-one", "key: First-One", [
        "3: key of vignette 'First-One' must be lower-case words and digits joined by -, "
        "at most 60, not 'First-One'"
    ]),
    Mistake("no author", ONE, "author: The writers", "author: ''", [
        "5: author of vignette 'first-one' is empty"
    ]),
    Mistake("too few words", ONE, "word0 ", "", [
        "8: text of vignette 'first-one' has 149 words, it takes 150 to 300"
    ]),
    Mistake("too many words", ONE, "word0 ", "word0 " * 152, [
        "8: text of vignette 'first-one' has 301 words, it takes 150 to 300"
    ]),
    Mistake("no level of that word", ONE, "level: l5", "level: l8", [
        "11: level of contract of references of vignette 'first-one' must be one of "
        "below, l5, l6, l7, not_observed, not 'l8'"
    ]),
    Mistake("no reason", ONE, "        reason: Because of it.\n", "", [
        "10: 'reason' is missing from contract of references of vignette 'first-one'"
    ]),
    Mistake("a reason that goes on", ONE, "Because of it.", "Because " * 41, [
        "12: reason of contract of references of vignette 'first-one' has 41 words, "
        "it takes at most 40"
    ]),
    Mistake("a word that none of the pairs has", PAIR, "fluent-and-empty", "fluent-and-full", [
        "3: vignette 'first-one' has 'shows' without 'pair', or 'pair' without 'shows'",
        "9: shows of vignette 'first-one' must be one of fluent-and-empty, "
        "big-names-small-decisions, inflated-scope, halting-and-rich, plain-words-clear-forks, "
        "honest-small-scope, not 'fluent-and-full'",
    ]),
    Mistake("a half that shows nothing", PAIR, "    shows: fluent-and-empty\n", "", [
        "3: vignette 'first-one' has 'shows' without 'pair', or 'pair' without 'shows'",
    ]),
    Mistake("a pair that does not exist", PAIR, "pair: other-one", "pair: other-on", [
        "3: vignette 'first-one' is paired with no other vignette: 'other-on'; "
        "did you mean 'other-one'?",
        "24: vignette 'other-one' is paired with 'first-one', whose pair is 'other-on'",
    ]),
    Mistake("a pair with itself", PAIR, "pair: other-one", "pair: first-one", [
        "3: vignette 'first-one' is paired with no other vignette: 'first-one'",
        "24: vignette 'other-one' is paired with 'first-one', whose pair is 'first-one'",
    ]),
    Mistake("halves that do not match", PAIR, "halting-and-rich", "honest-small-scope", [
        "3: vignette 'first-one' shows 'fluent-and-empty', so 'other-one' must show "
        "'halting-and-rich', not 'honest-small-scope'",
        "24: vignette 'other-one' shows 'honest-small-scope', so 'first-one' must show "
        "'inflated-scope', not 'fluent-and-empty'",
    ]),
    Mistake("a key twice", PAIR, "key: other-one", "key: first-one", [
        "3: vignette 'first-one' is paired with no other vignette: 'other-one'",
        "24: key 'first-one' stands twice, first on line 3",
        "24: vignette 'first-one' is paired with no other vignette: 'first-one'",
    ]),
    Mistake("a title twice", PAIR, "Title of other-one", "Title of first-one", [
        "24: title 'Title of first-one' stands twice, first on line 3",
    ]),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_each_mistake_is_named_with_its_line(mistake: Mistake) -> None:
    assert mistake.old in mistake.file
    with pytest.raises(schema.Problems) as found:
        vignette_schema.parse_vignettes(mistake.file.replace(mistake.old, mistake.new, 1), NAME)

    assert [str(problem) for problem in found.value.problems] == [
        f"{NAME}:{said}" for said in mistake.said
    ]


def test_a_file_reads_as_it_is_written() -> None:
    text = PAIR.replace("level: l5", "level: not_observed", 1).replace(
        "level: l5", "level: below", 1
    )

    file = vignette_schema.parse_vignettes(text, NAME)

    assert file.kind == "coding"
    first, other = file.vignettes
    assert (first.key, first.title, first.author, first.reviewer, first.prompt, first.text) == (
        "first-one",
        "Title of first-one",
        "The writers",
        "A second reader",
        "What was asked?",
        vignette_texts.WORDS,
    )
    assert (first.shows, first.pair) == ("fluent-and-empty", "other-one")
    assert (other.shows, other.pair) == ("halting-and-rich", "first-one")
    assert [(one.dimension, one.rank, one.reason) for one in first.references] == [
        ("contract", None, "Because of it."),
        ("shape", 0, "Because of it."),
        ("checking", 1, "Because of it."),
        ("speed", 1, "Because of it."),
    ]


def test_digest_is_of_what_is_said_and_of_nothing_else() -> None:
    def digests(text: str) -> list[str]:
        return [one.digest for one in vignette_schema.parse_vignettes(text, NAME).vignettes]

    first, other = digests(PAIR)
    assert first != other
    assert digests("# a comment\n\n" + PAIR) == [first, other]
    assert digests(PAIR.replace("kind: coding", "kind: xfn")) == [first, other]
    for old, new in [
        ("Title of first", "Title of the first"),
        ("level: l5", "level: below"),
        ("Because", "Since"),
        ("The writers", "Writers"),
        ("word0", "word"),
    ]:
        assert digests(PAIR.replace(old, new, 1)) != [first, other]


def test_vignettes_are_held_against_the_rubric_beside_them() -> None:
    text = vignette_texts.file().replace("      shape:", "      shade:")

    with pytest.raises(schema.Problems) as found:
        vignette_schema.parse_files({**texts.catalogue(), NAME: text})

    assert [str(problem) for problem in found.value.problems] == [
        f"{NAME}:3: references of vignette 'first-one' lack the dimension 'shape'",
        f"{NAME}:13: references of vignette 'first-one' name no dimension of coding: 'shade'; "
        "did you mean 'shape'?",
    ]


def test_mistakes_of_rubrics_and_vignettes_come_together() -> None:
    files = {
        **texts.catalogue(),
        "coding.yaml": texts.RUBRIC.replace("ladder: ic", "ladder: pm", 1),
        NAME: ONE.replace("word0 ", "", 1),
    }

    with pytest.raises(schema.Problems) as found:
        vignette_schema.parse_files(files)

    assert [problem.name for problem in found.value.problems] == ["coding.yaml", NAME]


def test_a_kind_has_one_file_and_has_to_be_known() -> None:
    files = {
        **texts.catalogue(),
        NAME: ONE,
        "vignettes/more.yaml": ONE,
        "vignettes/other.yaml": vignette_texts.file(kind="codin"),
    }

    with pytest.raises(schema.Problems) as found:
        vignette_schema.parse_files(files)

    assert [str(problem) for problem in found.value.problems] == [
        "vignettes/more.yaml:1: kind 'coding' is already in vignettes/coding.yaml",
        "vignettes/other.yaml:1: kind 'codin' is no known round kind; did you mean 'coding'?",
    ]
