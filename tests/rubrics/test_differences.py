"""How texts and parts differ: runs of words, and what came, went or changed by key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubrics.differences import Line, Part, PartChange, Segment, lines_changed, parts_changed
from rubrics.differences import words_changed as words


def shown(older: str, newer: str) -> str:
    """Write a difference in one line: [-gone-] {+come+}."""
    marks = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(marks[part.change].format(part.text) for part in words(older, newer))


@pytest.mark.parametrize(
    ("older", "newer", "expected"),
    [
        ("Names the measure.", "Names the measure.", "Names the measure."),
        ("Names the measure.", "Names one measure.", "Names [-the-]{+one+} measure."),
        ("Names a measure", "Names a good measure", "Names a {+good +}measure"),
        ("Asks who decides, early", "Asks who decides", "Asks who decides[-, early-]"),
        (
            "Asks the two old teams what they need now",
            "Asks the three new teams what they need now",
            "Asks the [-two old-]{+three new+} teams what they need now",
        ),
        ("Draws boxes first", "Never asks why", "[-Draws boxes first-]{+Never asks why+}"),
        ("", "Names a measure", "{+Names a measure+}"),
        ("Names a measure", "", "[-Names a measure-]"),
        ("60", "45", "[-60-]{+45+}"),
    ],
)  # fmt: skip
def test_words_changed_reads_as_phrases(older: str, newer: str, expected: str) -> None:
    assert shown(older, newer) == expected


@given(st.text("ab ,.\n", max_size=30), st.text("ab ,.\n", max_size=30))
def test_words_changed_loses_no_character(older: str, newer: str) -> None:
    segments = words(older, newer)

    assert "".join(part.text for part in segments if part.change != "added") == older
    assert "".join(part.text for part in segments if part.change != "removed") == newer
    assert all(part.text for part in segments)


def test_parts_changed_goes_by_key() -> None:
    older = [
        Part("same", "Same", (("L5", "Names it"),)),
        Part("moved", "Moved", (("L5", "Asks who"), ("L6", "Asks why"))),
        Part("gone", "Gone", (("L5", "Was there"),)),
    ]
    newer = [
        Part("come", "Come", (("L5", "Is there"),)),
        Part("moved", "Moved", (("L5", "Asks who"), ("L6", "Asks how"))),
        Part("same", "Same", (("L5", "Names it"),)),
    ]

    changes = parts_changed(older, newer)

    assert changes == (
        PartChange(
            "come",
            "added",
            (Segment("added", "Come"),),
            (Line("L5", (Segment("added", "Is there"),)),),
        ),
        PartChange(
            "moved",
            "changed",
            (Segment("same", "Moved"),),
            (
                Line(
                    "L6",
                    (
                        Segment("same", "Asks "),
                        Segment("removed", "why"),
                        Segment("added", "how"),
                    ),
                ),
            ),
        ),
        PartChange(
            "gone",
            "removed",
            (Segment("removed", "Gone"),),
            (Line("L5", (Segment("removed", "Was there"),)),),
        ),
    )


def test_lines_changed_leaves_out_what_is_the_same() -> None:
    changes = lines_changed(
        ["Read one page.", "Talk for ten minutes.", "Sleep."],
        ["Read one page.", "Talk for two minutes.", "Sleep.", "Walk."],
    )

    assert [(change.change, [part.text for part in change.title]) for change in changes] == [
        ("changed", ["Talk for ", "ten", "two", " minutes."]),
        ("added", ["Walk."]),
    ]


def test_nothing_differs_from_itself() -> None:
    parts = [Part("a", "A", (("L5", "Names it"),))]

    assert parts_changed(parts, parts) == ()
    assert lines_changed(["a", "b"], ["a", "b"]) == ()
