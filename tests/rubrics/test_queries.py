"""What the catalogue's pages are made of, and that it takes the same queries however much it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rubrics import actions, queries
from rubrics.differences import Line
from rubrics.models import Level, LevelLabel, Prompt, RoundKind, RubricVersion
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def count(read: Callable[[], object]) -> int:
    """Return how many queries a read takes."""
    with CaptureQueriesContext(connection) as captured:
        read()
    return len(captured)


def test_version_in_force_is_the_newest_not_retired() -> None:
    first, second, third = (factories.edition() for _ in range(3))
    factories.edition("coding")
    actions.retire_version(version=third, at=NOW)

    assert queries.version_in_force("sd_ambiguous") == second
    assert queries.version_in_force(first.round_kind) == second
    assert queries.version_in_force("nothing") is None


def test_in_force_of_all_kinds_is_one_each() -> None:
    newest = {factories.edition(key) for key in ("coding", "xfn", "sd_ambiguous")}
    older = [factories.edition("coding"), factories.edition("coding")]

    found = set(RubricVersion.objects.in_force())

    assert {version.round_kind_id for version in found} == {v.round_kind_id for v in newest}
    assert older[1] in found
    assert len(found) == 3


def test_level_labels_fall_back_to_the_default() -> None:
    factories.levels("ic")
    factories.levels("em")
    staff = Level.objects.get(ladder="ic", rank=2)
    LevelLabel.objects.create(level=staff, company="meta", text="E6")

    assert queries.level_labels("ic") == ("below", "L5", "L6", "L7")
    assert queries.level_labels("ic", "meta") == ("below", "L5", "E6", "L7")
    assert queries.level_labels("ic", "acme") == ("below", "L5", "L6", "L7")
    assert queries.level_labels("em", "meta") == ("below", "EM-5", "EM-6", "EM-7")
    assert queries.ladder_labels("meta") == {
        "ic": ("below", "L5", "E6", "L7"),
        "em": ("below", "EM-5", "EM-6", "EM-7"),
    }
    assert [(level.rank, text) for level, text in queries.levels_as_said("ic", "meta")] == [
        (0, "below"),
        (1, "L5"),
        (2, "E6"),
        (3, "L7"),
    ]
    assert queries.label_companies() == ["default", "meta"]


def test_catalogue_page_puts_twins_side_by_side() -> None:
    coding = factories.edition("coding").round_kind
    factories.edition("xfn")
    technical = factories.edition("em_technical", ladder="em", dimensions=("one", "two")).round_kind
    factories.edition("em_people", ladder="em")
    RoundKind.objects.filter(id=coding.id).update(twin=technical)
    RoundKind.objects.filter(id=technical.id).update(twin=coding)
    factories.round_kind("sd_classic")

    page = queries.catalogue_page()

    assert [(row.ic and row.ic.key, row.em and row.em.key) for row in page.rows] == [
        ("coding", "em_technical"),
        ("xfn", None),
        (None, "em_people"),
    ]
    assert page.rows[0].em == queries.KindCard(
        key="em_technical",
        ladder="em",
        title="Em Technical",
        summary="What the round is about",
        minutes=45,
        dimension_count=2,
        edition=1,
    )
    assert [
        (ladder.title, [level.label for level in ladder.levels]) for ladder in page.ladders
    ] == [("Engineer", ["L5", "L6", "L7"]), ("Engineering manager", ["EM-5", "EM-6", "EM-7"])]


def test_edition_page_shows_grid_downcodes_and_times() -> None:
    factories.edition()

    page = queries.edition_page("sd_ambiguous")

    assert [(row.key, row.is_key) for row in page.content.grid] == [
        ("discovery", True),
        ("bounding", False),
        ("options", False),
        ("adoption", False),
    ]
    assert page.content.grid[1].anchors == (
        queries.AnchorCell(1, "L5", "Bounding as rank 1 does it."),
        queries.AnchorCell(2, "L6", "Bounding as rank 2 does it."),
        queries.AnchorCell(3, "L7", "Bounding as rank 3 does it."),
    )
    assert page.content.round_downcodes == (
        queries.Signal("unbounded", "Draws the design before the problem has a bound", "", "L5"),
    )
    assert [[signal.key for signal in row.downcodes] for row in page.content.grid] == [
        ["draws_first"],
        [],
        [],
        [],
    ]
    assert [
        (span.name, span.start_minutes, span.end_minutes, span.start_share, span.share)
        for span in page.content.spans
    ] == [("Discovery", 0, 15, "0.00%", "33.33%"), ("First slice", 15, 45, "33.33%", "66.67%")]
    assert [prompt.key for prompt in page.content.prompts] == ["prompt_1", "prompt_2"]
    assert page.kit_count == 1


def test_edition_page_knows_which_edition_is_in_force() -> None:
    factories.edition()
    factories.edition()
    third = factories.edition()
    actions.retire_version(version=third, at=NOW)

    page = queries.edition_page("sd_ambiguous", 1)

    assert (page.version.edition, page.is_in_force) == (1, False)
    assert [(link.edition, link.is_in_force, link.retired_at) for link in page.editions] == [
        (3, False, NOW),
        (2, True, None),
        (1, False, None),
    ]
    assert queries.edition_page("sd_ambiguous").version.edition == 2
    assert queries.edition_page("sd_ambiguous").is_in_force


def test_comparison_names_what_changed(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    path = folder / "coding.yaml"
    text = path.read_text()
    for old, new in [
        ("l6: Parts pure from impure.", "l6: Parts pure code from impure."),
        ("key: speed\n    label: Speed", "key: pace\n    label: Pace"),
        ("is_key: true", "is_key: false"),
        ("cap: l5", "cap: l6"),
        ("Runs nothing", "Runs no test"),
        ("name: Code, minutes: 35", "name: Code and talk, minutes: 35"),
        ("What would you test first?", "What would you test last?"),
        ("intent: Sees whether time is passed in.", "intent: Sees whether time is given."),
        ("weight_note: A gate.", "weight_note: A low gate."),
    ]:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    actions.import_folder(folder=folder, at=NOW)

    page = queries.comparison("coding")

    assert (page.older.edition, page.newer.edition, page.is_same) == (1, 2, False)
    assert [(change.key, change.change) for change in page.dimensions] == [
        ("contract", "changed"),
        ("shape", "changed"),
        ("pace", "added"),
        ("speed", "removed"),
    ]
    assert [_shown(line) for line in page.dimensions[0].lines] == ["Key dimension: -yes +no"]
    assert [_shown(line) for line in page.dimensions[1].lines] == [
        "L6: =Parts pure + code = from impure."
    ]
    assert [(change.key, change.change) for change in page.downcodes] == [
        ("hackathon", "changed"),
        ("untested", "changed"),
    ]
    assert [_shown(line) for line in page.downcodes[0].lines] == ["Caps: =the round at  -L5 +L6"]
    assert [change.key for change in page.prompts] == ["limiter"]
    assert [_shown(line) for line in page.prompts[0].lines] == [
        "Intent: =Sees whether time is  -passed in +given =."
    ]
    assert [change.key for change in page.facts] == ["How it weighs"]
    assert len(page.phases) == len(page.probes) == 1
    assert page.checklist == ()


def test_comparison_of_one_edition_with_itself_is_the_same() -> None:
    factories.edition()

    page = queries.comparison("sd_ambiguous")

    assert (page.older.edition, page.newer.edition, page.is_same) == (1, 1, True)


def test_comparison_takes_the_one_before_the_named_one() -> None:
    for _ in range(3):
        factories.edition()

    assert queries.comparison("sd_ambiguous", None, 2).older.edition == 1
    assert queries.comparison("sd_ambiguous", 3, 1).newer.edition == 1


@pytest.mark.parametrize("edition", [0, 3, 10**12])
def test_editions_that_are_not_there_are_not_found(edition: int) -> None:
    factories.edition()
    factories.edition()

    if edition:
        with pytest.raises(RubricVersion.DoesNotExist):
            queries.edition_page("sd_ambiguous", edition)
        with pytest.raises(RubricVersion.DoesNotExist):
            queries.comparison("sd_ambiguous", 1, edition)
    with pytest.raises(RubricVersion.DoesNotExist):
        queries.edition_page("nothing", edition)
    with pytest.raises(RubricVersion.DoesNotExist):
        queries.comparison("nothing", 1, edition)


def test_pages_take_the_same_queries_with_1_and_with_3() -> None:
    factories.edition(dimensions=("one",), prompts=1)
    factories.edition(dimensions=("one",), prompts=1)
    reads: list[Callable[[], object]] = [
        queries.catalogue_page,
        lambda: queries.edition_page("sd_ambiguous"),
        lambda: queries.comparison("sd_ambiguous"),
        lambda: RubricVersion.objects.with_content().order_by("id").last(),
        lambda: queries.version_in_force("sd_ambiguous"),
        lambda: queries.level_labels("ic"),
    ]
    with_1 = [count(read) for read in reads]
    for key in ("coding", "xfn", "sd_ambiguous"):
        factories.edition(key, dimensions=("one", "two", "three"), prompts=3)

    with_3 = [count(read) for read in reads]

    assert with_3 == with_1
    assert with_1 == [3, 4, 4, 7, 1, 1]
    assert Prompt.objects.count() > 3


def _shown(line: Line) -> str:
    marks = {"same": "=", "added": "+", "removed": "-"}
    return f"{line.label}: " + " ".join(marks[part.change] + part.text for part in line.segments)
