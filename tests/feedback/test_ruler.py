"""The level ruler: places, words and the drawing."""

import math
import re
from typing import Any

import pytest
from django.template import Context, Template
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from feedback.ruler import draw, place
from feedback.templatetags.ruler import band_words, place_words

LABELS = ["below", "L5", "L6", "L7"]


def drawn(**values: Any) -> str:
    arguments = " ".join(f"{name}={name}" for name in values)
    return Template(f"{{% load ruler %}}{{% ruler {arguments} %}}").render(Context(values))


def text_of(svg: str, tag: str) -> str:
    found = re.search(f"<{tag}>(.*?)</{tag}>", svg)
    return found.group(1) if found else ""


# Places


@pytest.mark.parametrize(
    ("level", "percent"),
    [(0, 3.0), (1, 26.5), (2, 50.0), (3, 73.5), (4, 97.0), (-1, 3.0), (9, 97.0), (2.5, 61.75)],
)
def test_place_is_linear_and_cut_to_the_scale(level: float, percent: float) -> None:
    assert place(level) == percent


@given(st.lists(st.floats(0, 4), min_size=2, max_size=2))
def test_place_keeps_the_order(levels: list[float]) -> None:
    low, high = sorted(levels)

    assert place(low) <= place(high)


def test_draw_puts_the_bar_at_the_start_of_the_targets_zone() -> None:
    ruler = draw(labels=LABELS, target_rank=2, level=2.5)

    assert ruler.bar == ruler.zones[2].start == 50.0
    assert [zone.is_target for zone in ruler.zones] == [False, False, True, False]
    assert ruler.bob == ruler.zones[2].x


def test_draw_without_anything_is_empty() -> None:
    ruler = draw(labels=LABELS, target_rank=1)

    assert ruler.is_empty
    assert (ruler.bob, ruler.band, ruler.marks) == (None, None, ())


@pytest.mark.parametrize(
    ("low", "high", "cut"),
    [
        (1.0, 3.0, (False, False)),
        (-0.5, 1.0, (True, False)),
        (3.0, 4.5, (False, True)),
        (-math.inf, math.inf, (True, True)),
        (0.0, 4.0, (False, False)),
    ],
)
def test_draw_cuts_the_band_to_the_scale(low: float, high: float, cut: tuple[bool, bool]) -> None:
    band = draw(labels=LABELS, low=low, high=high).band

    assert band is not None
    assert (band.is_cut_low, band.is_cut_high) == cut
    assert band.start >= 3.0
    assert band.end <= 97.0
    assert band.width == pytest.approx(band.end - band.start)


def test_draw_with_one_end_of_a_band_draws_none() -> None:
    assert draw(labels=LABELS, low=1.0).band is None


def test_draw_sets_marks_of_one_place_side_by_side() -> None:
    ruler = draw(labels=LABELS, marks=[(2.5, ""), (1.5, ""), (2.5, ""), (2.5, "")])

    assert [(mark.x, mark.shift_px) for mark in ruler.marks] == [
        (place(1.5), 0.0),
        (place(2.5), -4.0),
        (place(2.5), 0.0),
        (place(2.5), 4.0),
    ]


def test_draw_keeps_many_marks_within_24_px() -> None:
    marks = draw(labels=LABELS, marks=[(2.5, "")] * 40).marks

    assert marks[-1].shift_px - marks[0].shift_px == pytest.approx(24.0)


def test_draw_gives_labels_that_would_touch_a_lane_each() -> None:
    ruler = draw(labels=LABELS, marks=[(1.5, "teal-17"), (1.5, "wren-08"), (3.5, "heron-417")])

    first, second, third = ruler.marks
    assert second.label_y > first.label_y
    assert third.label_y == first.label_y
    assert ruler.label_y > second.label_y


def test_draw_keeps_a_label_inside_the_picture() -> None:
    ruler = draw(labels=LABELS, marks=[(0.0, "fieldfare-900"), (4.0, "fieldfare-901")])

    assert ruler.marks[0].label_x > ruler.marks[0].x
    assert ruler.marks[1].label_x < ruler.marks[1].x


def test_draw_grows_with_the_lanes() -> None:
    plain = draw(labels=LABELS, marks=[(1.5, "")])
    named = draw(labels=LABELS, marks=[(1.5, "teal-17"), (1.5, "wren-08")])

    assert named.height == plain.height + 28


def test_draw_small_has_no_labels() -> None:
    ruler = draw(labels=LABELS, marks=[(1.5, "teal-17")], size="small")

    assert ruler.marks[0].label == ""
    assert ruler.height < draw(labels=LABELS).height


def test_draw_shortens_a_label_that_has_no_room() -> None:
    zones = draw(labels=["below", "Senior", "Principal", "Distinguished Engineer"]).zones

    assert [zone.label for zone in zones] == ["below", "Senior", "Principal", "Distingu…"]


@pytest.mark.parametrize(
    "values",
    [
        {"labels": LABELS[:3]},
        {"labels": LABELS, "target_rank": 4},
        {"labels": LABELS, "target_rank": -1},
        {"labels": LABELS, "level": math.nan},
        {"labels": LABELS, "level": math.inf},
        {"labels": LABELS, "low": 2.0, "high": 1.0},
        {"labels": LABELS, "low": math.nan, "high": 1.0},
        {"labels": LABELS, "marks": [(math.nan, "")]},
    ],
)
def test_draw_refuses_what_cannot_be_drawn(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^A|^An"):
        draw(**values)


# Words


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (0.0, "well below L5"),
        (0.5, "below L5"),
        (0.9, "just below L5"),
        (1.0, "low L5"),
        (1.5, "middle of L5"),
        (1.99, "high L5"),
        (2.0, "low L6"),
        (3.9, "high L7"),
        (4.0, "high L7"),
        (7.0, "high L7"),
        (-2.0, "well below L5"),
    ],
)
def test_place_words(level: float, words: str) -> None:
    assert place_words(level, LABELS) == words


def test_place_words_use_the_labels_of_the_ladder() -> None:
    assert place_words(1.5, ["below", "EM-5", "EM-6", "EM-7"]) == "middle of EM-5"


def test_band_words_name_one_place_once() -> None:
    assert band_words(1.7, 2.1, LABELS) == "from high L5 to low L6"
    assert band_words(2.0, 2.1, LABELS) == "within low L6"


def test_ruler_says_everything_in_words() -> None:
    svg = drawn(
        name="Coding", labels=LABELS, target_rank=2, level=2.3, low=1.9, high=2.6, marks=[1.5, 2.5]
    )

    assert 'role="img"' in svg
    assert (
        text_of(svg, "title") == "Coding: estimate low L6; 80 % band from high L5 to middle of L6"
    )
    assert text_of(svg, "desc") == "Target: the bar of L6. 2 answers: middle of L5, middle of L6."


def test_ruler_without_evidence_says_so() -> None:
    svg = drawn(target_rank=2)

    assert text_of(svg, "title") == "No evidence yet"
    assert text_of(svg, "desc") == "Target: the bar of L6."
    assert "ruler__none" in svg


def test_ruler_names_each_grader_and_escapes_the_names() -> None:
    svg = drawn(labels=LABELS, marks=[(1.5, "<b>wren")], noun="review")

    assert text_of(svg, "desc") == "1 review: &lt;b&gt;wren middle of L5."
    assert ">&lt;b&gt;wren</text>" in svg
    assert "<b>" not in svg


def test_ruler_needs_no_inline_style() -> None:
    svg = drawn(
        labels=LABELS, target_rank=2, level=2.3, low=-1.0, high=5.0, marks=[(1.5, "a"), (1.5, "b")]
    )

    assert "style=" not in svg


def test_ruler_writes_numbers_for_machines_in_every_language() -> None:
    with translation.override("de"):
        svg = drawn(labels=LABELS, target_rank=2, level=2.35)

    assert re.findall(r'="\d+,\d+', svg) == []
