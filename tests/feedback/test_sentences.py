"""The sentences of boards and results, by tables."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from feedback import sentences
from feedback.readiness import State
from feedback.verdict import Cap, DimensionRanks, mechanical_verdict

LABELS = ("below", "L5", "L6", "L7")
AT, BELOW, OPEN = State.AT_BAR, State.BELOW_BAR, State.CANNOT_TELL
THIN, NONE = State.TOO_LITTLE_EVIDENCE, State.NO_EVIDENCE


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([NONE, NONE], "No round has a graded answer yet."),
        ([AT, AT], "Every round is at the L6 bar."),
        (
            [AT, OPEN, BELOW, OPEN, THIN, NONE],
            "One of six rounds is at the L6 bar; one is below it, two cannot be told yet, "
            "one has too little evidence and one has no evidence.",
        ),
        ([AT, AT, NONE], "Two of three rounds are at the L6 bar; one has no evidence."),
        (
            [THIN, THIN, BELOW, BELOW],
            "No round is at the L6 bar yet; two are below it and two have too little evidence.",
        ),
        ([AT] * 13 + [OPEN], "13 of 14 rounds are at the L6 bar; one cannot be told yet."),
    ],
)
def test_board_sentence_counts_the_states(states: list[State], said: str) -> None:
    assert sentences.board_sentence(states, "L6") == said


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-1, "interview was on 4 March"),
        (0, "interview today"),
        (1, "interview tomorrow"),
        (2, "interview in 2 days, on 7 March"),
        (330, "interview in 330 days, on 29 January 2027"),
    ],
)
def test_countdown_says_how_far_off_it_is(days: int, said: str) -> None:
    today = date(2026, 3, 5)

    assert sentences.countdown(today + timedelta(days=days), today) == said


@pytest.mark.parametrize(
    ("severity_levels", "graders", "said"),
    [
        (0.09, 2, ""),
        (-0.09, 2, ""),
        (0.1, 2, "Your two graders were a little strict; that is taken out."),
        (0.3, 3, "Your three graders were strict; that is taken out."),
        (-0.2, 1, "Your grader was a little lenient; that is taken out."),
        (-0.4, 2, "Your two graders were lenient; that is taken out."),
    ],
)
def test_severity_is_said_from_a_tenth_of_a_level_on(
    severity_levels: float, graders: int, said: str
) -> None:
    assert sentences.severity_sentence(severity_levels, graders) == said


@pytest.mark.parametrize(
    ("predicted_rank", "level", "said"),
    [
        (2, 2.0, "You predicted L6, and that is what it was."),
        (2, 1.99, "You predicted L6, one level above."),
        (3, 1.2, "You predicted L7, two levels above."),
        (1, 2.5, "You predicted L5, one level under it."),
        (0, -0.3, "You predicted below, and that is what it was."),
        (3, 4.2, "You predicted L7, and that is what it was."),
    ],
)
def test_a_prediction_is_compared_with_the_zone(
    predicted_rank: int, level: float, said: str
) -> None:
    assert sentences.prediction_sentence(predicted_rank, level, LABELS) == said


@pytest.mark.parametrize(
    ("verdict", "given", "target", "said"),
    [
        ("No", 1, 2, "No at L6, yes at L5"),
        ("Strong no", 0, 2, "Strong no at L6, no at L5"),
        ("No", 0, 1, "No at L5"),
        ("Yes", 2, 2, "Yes at L6"),
        ("Strong yes", 3, 2, "Strong yes at L6, yes at L7"),
    ],
)
def test_an_opinion_names_the_target_and_the_level_given(
    verdict: str, given: int, target: int, said: str
) -> None:
    assert sentences.opinion_words(verdict, given, target, LABELS) == said


def test_every_reason_of_the_verdict_has_its_sentence() -> None:
    names = {"a": "Discovery", "b": "Bounding", "c": "Options", "cap": "Draws first"}
    verdict = mechanical_verdict(
        [
            DimensionRanks("a", (1, 1), is_key=True),
            DimensionRanks("b", (None,), is_key=True),
            DimensionRanks("c", (2,)),
        ],
        target_rank=2,
        caps=[Cap("cap", 1)],
    )

    assert sentences.verdict_sentences(verdict, names, "L6") == [
        "Only two dimensions were observed; a yes needs four.",
        "“Draws first” is in force and caps the round.",
        "Bounding is a key dimension and was not observed.",
        "Discovery is a key dimension and stands below L6.",
        "One dimension is at L6 or higher; two thirds would be two.",
    ]


def test_a_met_verdict_says_why() -> None:
    verdict = mechanical_verdict(
        [DimensionRanks(name, (2,), is_key=name == "a") for name in "abcd"], target_rank=2
    )

    assert sentences.verdict_sentences(verdict, {}, "L6") == [
        "Every key dimension is at L6 or higher, as are four of the four observed, "
        "and nothing in force caps the round."
    ]
