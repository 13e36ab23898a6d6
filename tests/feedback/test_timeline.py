"""The timeline of a recording: places in percent, names where they have room."""

from django.template import Context, Template

from feedback.templatetags.timeline import spans_in_words
from feedback.timeline import Mark, Phase, lay_out


def test_lay_out_places_phases_and_marks_in_percent() -> None:
    timeline = lay_out(
        100_000,
        [Phase("Discovery", 0, 25_000), Phase("Options", 25_000, 100_000, "long")],
        [Mark(10_000, 30_000), Mark(50_000, kind="signal")],
    )

    assert [(p.start, p.width, p.kind) for p in timeline.phases] == [(0, 25, ""), (25, 75, "long")]
    assert [(m.start, m.width, m.kind) for m in timeline.marks] == [
        (10, 20, "evidence"),
        (50, 0, "signal"),
    ]


def test_lay_out_cuts_what_lies_beyond_the_end() -> None:
    timeline = lay_out(
        100_000, [Phase("Long", 50_000, 300_000), Phase("Never", 200_000, 300_000)], [Mark(400_000)]
    )

    assert [(p.name, p.start, p.width) for p in timeline.phases] == [("Long", 50, 50)]
    assert timeline.marks[0].start == 100


def test_lay_out_leaves_out_a_name_without_room() -> None:
    phases = [
        Phase("Discovery: who hurts, how it is known", 0, 30_000),
        Phase("Problem, measure, baseline", 30_000, 33_000),
    ]

    names = [phase.shown_name for phase in lay_out(100_000, phases, []).phases]

    assert names == ["Discovery", ""]


def test_lay_out_bears_an_unknown_length() -> None:
    assert lay_out(0, [Phase("All", 0, 10)], []).phases[0].width == 100


def test_marks_that_lie_close_go_a_row_up_and_no_row_is_crowded() -> None:
    starts = [0, 1000, 2000, 3000, 50_000]

    timeline = lay_out(100_000, marks=[Mark(start) for start in starts])

    assert [mark.row for mark in timeline.marks] == [0, 1, 0, 1, 0]
    assert timeline.rows == 2
    crowd = lay_out(100_000, marks=[Mark(500 * place) for place in range(60)])
    assert {mark.row for mark in crowd.marks} == {0, 1, 2}


def test_gaps_are_placed_and_what_lies_beyond_the_end_is_left_out() -> None:
    gaps = lay_out(100_000, gaps=[(10_000, 14_000), (98_000, 120_000), (200_000, 210_000)]).gaps

    assert [(gap.start, gap.width) for gap in gaps] == [(10, 4), (98, 2)]
    assert spans_in_words([(130_000, 134_000), (181_000, 200_000)]) == "2:10–2:14, 3:01–3:20"


def test_timeline_links_its_marks_and_escapes_their_words() -> None:
    page = Template("{% load timeline %}{% timeline duration_ms=1000 phases=phases marks=marks %}")

    svg = page.render(
        Context(
            {
                "phases": [Phase("<i>", 0, 1000)],
                "marks": [Mark(100, 200, "evidence", "<b>", "#note-1")],
            }
        )
    )

    assert 'href="#note-1"' in svg
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg
    assert "style=" not in svg
