"""Importing and retiring: what is published, what stays, what is refused and changes nothing."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from rubrics import actions, schema
from rubrics.actions import Imported, Outcome
from rubrics.models import (
    Anchor,
    Dimension,
    Downcode,
    Level,
    LevelLabel,
    Phase,
    Preset,
    PresetRound,
    Prompt,
    RoundKind,
    RubricVersion,
)
from tests import factories
from tests.factories import NOW
from tests.rubrics import texts
from tests.threads import together

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)


def change(folder: Path, old: str, new: str, name: str = "coding.yaml") -> None:
    """Change a text of a file."""
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def outcomes(imported: list[Imported]) -> dict[str, tuple[str, int | None]]:
    """Return what became of each file."""
    return {entry.name: (entry.outcome.value, entry.edition) for entry in imported}


def everything() -> list[object]:
    """Return every row of the catalogue, to see whether anything changed."""
    models: list[type[Model]] = [
        Level, LevelLabel, RoundKind, RubricVersion, Dimension, Anchor, Downcode, Phase, Prompt,
        Preset, PresetRound,
    ]  # fmt: skip
    return [row for model in models for row in model._default_manager.order_by("pk").values()]


def version(key: str = "coding", edition: int = 1) -> RubricVersion:
    """Return an edition with all that stands in it."""
    return RubricVersion.objects.with_content().get(round_kind__key=key, edition=edition)


def test_import_folder_writes_all_that_the_files_say(folder: Path) -> None:
    imported = actions.import_folder(folder=folder, at=NOW)

    assert outcomes(imported) == {
        "coding.yaml": ("published", 1),
        "em_technical.yaml": ("published", 1),
        "levels.yaml": ("updated", None),
        "presets.yaml": ("updated", None),
    }
    kind = RoundKind.objects.get(key="coding")
    assert (kind.ladder, kind.position, kind.title, kind.twin) == (
        "ic",
        1,
        "Coding",
        RoundKind.objects.get(key="em_technical"),
    )
    coding = version()
    assert (coding.minutes, coding.weight_note, coding.published_at, coding.retired_at) == (
        45,
        "A gate.",
        NOW,
        None,
    )
    assert (coding.source, coding.checklist) == (texts.RUBRIC, ["Write one function a day."])
    assert [(row.key, row.is_key) for row in coding.dimensions.all()] == [
        ("contract", True),
        ("shape", False),
        ("checking", False),
        ("speed", False),
    ]
    assert [(anchor.rank, anchor.text) for anchor in coding.dimensions.all()[1].anchors.all()] == [
        (1, "Names things well."),
        (2, "Parts pure from impure."),
        (3, "Leaves a seam for what comes."),
    ]
    assert [
        (row.key, row.dimension and row.dimension.key, row.cap_rank)
        for row in coding.downcodes.all()
    ] == [("hackathon", None, 1), ("untested", "checking", 0)]
    assert [(row.position, row.minutes) for row in coding.phases.all()] == [(1, 10), (2, 35)]
    assert [(row.key, row.has_kit, row.hints) for row in coding.prompts.all()] == [
        ("limiter", True, ["Who knows the time?"]),
        ("cache", False, []),
    ]


def test_import_folder_writes_levels_and_presets(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)

    level = Level.objects.get(ladder="ic", rank=2)
    assert (level.label, level.label_for("meta"), level.label_for("google")) == ("L6", "E6", "L6")
    assert Level.objects.get(ladder="em", rank=3).label == "EM-7"
    preset = Preset.objects.get()
    assert (preset.key, preset.position, preset.target_rank) == ("short", 1, 2)
    assert list(preset.rounds.values_list("position", "round_kind__key", "title", "minutes")) == [
        (1, "coding", "", None),
        (2, "coding", "Code review", 15),
    ]


def test_import_folder_again_changes_nothing(
    folder: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    actions.import_folder(folder=folder, at=NOW)
    before = everything()

    with django_assert_max_num_queries(10):
        imported = actions.import_folder(folder=folder, at=LATER)

    assert {entry.outcome for entry in imported} == {Outcome.UNCHANGED}
    assert everything() == before


def test_import_takes_the_same_number_of_queries_for_more_files(folder: Path) -> None:
    def add(*positions: int) -> int:
        for position in positions:
            text = texts.RUBRIC.replace("kind: coding", f"kind: more_{position}")
            text = text.replace("position: 1", f"position: {position}")
            path = folder / f"more_{position}.yaml"
            path.write_text(text.replace("twin: em_technical\n", ""))
        with CaptureQueriesContext(connection) as captured:
            actions.import_folder(folder=folder, at=NOW)
        return len(captured)

    actions.import_folder(folder=folder, at=NOW)

    assert add(2) == add(3, 4, 5)
    assert RubricVersion.objects.count() == 6


def test_changed_file_becomes_edition_2_and_leaves_edition_1(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    before = everything()
    change(folder, "Names things well.", "Names things for what they are.")

    imported = actions.import_folder(folder=folder, at=LATER)

    assert outcomes(imported)["coding.yaml"] == ("published", 2)
    assert outcomes(imported)["em_technical.yaml"] == ("unchanged", 1)
    first, second = version(edition=1), version(edition=2)
    assert first.dimensions.all()[1].anchors.all()[0].text == "Names things well."
    assert second.dimensions.all()[1].anchors.all()[0].text == "Names things for what they are."
    assert [row for row in everything() if row in before] == before
    assert RubricVersion.objects.in_force().get(round_kind__key="coding") == second


def test_new_edition_keeps_the_digest_of_what_means_the_same(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    change(folder, "Names things well.", "Names things for what they are.")
    actions.import_folder(folder=folder, at=LATER)

    first = {row.key: row.structure_digest for row in version(edition=1).dimensions.all()}
    second = {row.key: row.structure_digest for row in version(edition=2).dimensions.all()}

    assert {key for key in first if first[key] != second[key]} == {"shape"}
    assert version(edition=1).structure_digest != version(edition=2).structure_digest


def test_wording_only_carries_the_digests_over(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    change(folder, "Names things well.", "Names things aptly.")
    change(folder, "minutes: 45\n", "minutes: 45\nwording_only: true\n")

    actions.import_folder(folder=folder, at=LATER)

    first, second = version(edition=1), version(edition=2)
    assert (first.is_wording_only, second.is_wording_only) == (False, True)
    assert second.structure_digest == first.structure_digest
    assert [row.structure_digest for row in second.dimensions.all()] == [
        row.structure_digest for row in first.dimensions.all()
    ]
    assert second.digest != first.digest


def test_wording_stays_carried_over_when_something_else_changes_later(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    change(folder, "Names things well.", "Names things aptly.")
    change(folder, "minutes: 45\n", "minutes: 45\nwording_only: true\n")
    actions.import_folder(folder=folder, at=LATER)
    change(folder, "wording_only: true\n", "")
    change(folder, "Build a cache.", "Build a queue.")

    actions.import_folder(folder=folder, at=LATER)

    first, third = version(edition=1), version(edition=3)
    assert [row.structure_digest for row in third.dimensions.all()] == [
        row.structure_digest for row in first.dimensions.all()
    ]
    assert third.structure_digest == first.structure_digest


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ("is_key: true\n", "is_key: false\n", "contract"),
        ("cap: below", "cap: l6", "untested"),
        ("applies_to: checking", "applies_to: round", "untested"),
        ("key: speed", "key: pace", "pace, speed"),
    ],
)
def test_wording_only_refuses_more_than_wording(
    folder: Path, old: str, new: str, keys: str
) -> None:
    actions.import_folder(folder=folder, at=NOW)
    before = everything()
    change(folder, old, new)
    change(folder, "minutes: 45\n", "minutes: 45\nwording_only: true\n")

    with pytest.raises(schema.Problems) as caught:
        actions.import_folder(folder=folder, at=LATER)

    assert [str(problem) for problem in caught.value.problems] == [
        f"coding.yaml:9: wording_only is set, but edition 1 differs in more than wording: {keys}"
    ]
    assert everything() == before


def test_first_edition_of_a_database_is_never_one_of_wording(folder: Path) -> None:
    change(folder, "minutes: 45\n", "minutes: 45\nwording_only: true\n")

    actions.import_folder(folder=folder, at=NOW)

    assert version().is_wording_only is False
    assert version().structure_digest == schema.parse(texts.RUBRIC, "a").structure_digest


def test_facts_of_the_kind_are_updated_without_an_edition(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    change(folder, "summary: Code that", "summary: Work that")

    imported = actions.import_folder(folder=folder, at=LATER)

    assert outcomes(imported)["coding.yaml"] == ("updated", 1)
    assert RoundKind.objects.get(key="coding").summary == "Work that a colleague would merge"
    assert RubricVersion.objects.filter(round_kind__key="coding").count() == 1


def test_two_kinds_may_change_places(folder: Path) -> None:
    second = texts.RUBRIC.replace("kind: coding", "kind: second").replace(
        "position: 1", "position: 2"
    )
    (folder / "second.yaml").write_text(second.replace("twin: em_technical\n", ""))
    actions.import_folder(folder=folder, at=NOW)
    change(folder, "position: 1", "position: 2")
    change(folder, "position: 2", "position: 1", "second.yaml")

    actions.import_folder(folder=folder, at=LATER)

    places = (
        RoundKind.objects.filter(ladder="ic").order_by("position").values_list("key", flat=True)
    )
    assert list(places) == ["second", "coding"]


def test_one_bad_file_changes_nothing_and_all_mistakes_are_named(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    before = everything()
    change(folder, "Names things well.", "Names things for what they are.")
    change(folder, "minutes: 35}", "minutes: 30}", "em_technical.yaml")
    change(folder, "rank: 3", "rank: 2", "levels.yaml")

    with pytest.raises(schema.Problems) as caught:
        actions.import_folder(folder=folder, at=LATER)

    assert [str(problem) for problem in caught.value.problems] == [
        "em_technical.yaml:42: phase minutes sum to 40, the round has 45",
        "levels.yaml:4: levels of ic of ladders must have the ranks 0, 1, 2, 3 in this order, "
        "not [0, 1, 2, 2]",
    ]
    assert everything() == before


def test_files_that_cannot_be_read_are_named(folder: Path) -> None:
    (folder / "coding.yaml").write_bytes(b"kind: coding\ntitle: caf\xe9\n")
    (folder / "empty").mkdir()

    with pytest.raises(schema.Problems) as caught:
        actions.import_paths(paths=[folder, folder / "empty", folder / "missing.yaml"], at=NOW)

    assert [str(problem) for problem in caught.value.problems] == [
        f"{folder / 'empty'}:1: the folder has no *.yaml file",
        f"{folder / 'missing.yaml'}:1: cannot be read: No such file or directory",
        "coding.yaml:2: the file is not UTF-8 text",
    ]


def test_one_file_is_held_against_what_is_there(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    change(folder, "Build a cache.", "Build a queue.")

    imported = actions.import_file(path=folder / "coding.yaml", at=LATER)

    assert outcomes(imported) == {"coding.yaml": ("published", 2)}
    assert Preset.objects.count() == 1


def test_rehearsal_reports_and_changes_nothing(folder: Path) -> None:
    imported = actions.import_folder(folder=folder, at=NOW, is_rehearsal=True)

    assert outcomes(imported)["coding.yaml"] == ("published", 1)
    assert everything() == []


def test_file_turned_back_to_a_replaced_edition_says_so(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    change(folder, "Build a cache.", "Build a queue.")
    actions.import_folder(folder=folder, at=NOW)
    change(folder, "Build a queue.", "Build a cache.")
    before = everything()

    imported = actions.import_folder(folder=folder, at=LATER)

    assert outcomes(imported)["coding.yaml"] == ("older", 1)
    assert everything() == before


def test_labels_and_presets_that_went_are_gone(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    change(folder, ", meta: E6", "", "levels.yaml")
    change(folder, "key: short", "key: brief", "presets.yaml")

    imported = actions.import_folder(folder=folder, at=LATER)

    assert outcomes(imported)["levels.yaml"] == ("updated", None)
    assert outcomes(imported)["presets.yaml"] == ("updated", None)
    assert Level.objects.get(ladder="ic", rank=2).label_for("meta") == "L6"
    assert list(Preset.objects.values_list("key", flat=True)) == ["brief"]
    assert PresetRound.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_imports_at_once_publish_an_edition_once(folder: Path) -> None:
    def work() -> list[Imported]:
        return actions.import_folder(folder=folder, at=NOW)

    results = together([work, work])

    assert [type(result) for result in results] == [list, list]
    assert sorted(outcomes(result)["coding.yaml"] for result in results) == [
        ("published", 1),
        ("unchanged", 1),
    ]
    assert RubricVersion.objects.count() == 2


# Retiring


def test_retire_version_puts_the_one_before_in_force() -> None:
    first, second = factories.edition(), factories.edition()

    actions.retire_version(version=second, at=LATER)

    assert RubricVersion.objects.in_force().get() == first
    assert RubricVersion.objects.get(id=second.id).retired_at == LATER


def test_retire_version_refuses_the_last_in_force() -> None:
    first, second = factories.edition(), factories.edition()
    actions.retire_version(version=second, at=NOW)

    with pytest.raises(actions.LastInForce) as refusal:
        actions.retire_version(version=first, at=LATER)

    assert str(refusal.value).startswith("This is the only edition in force")
    assert RubricVersion.objects.in_force().get() == first


def test_retire_version_again_keeps_the_first_time() -> None:
    factories.edition()
    second = factories.edition()
    actions.retire_version(version=second, at=NOW)

    retired = actions.retire_version(version=second, at=LATER)

    assert retired.retired_at == NOW


@pytest.mark.django_db(transaction=True)
def test_retiring_both_editions_at_once_leaves_one_in_force() -> None:
    first, second = factories.edition(), factories.edition()

    results = together(
        [
            lambda: actions.retire_version(version=first, at=LATER),
            lambda: actions.retire_version(version=second, at=LATER),
        ]
    )

    assert sorted(type(result).__name__ for result in results) == ["LastInForce", "RubricVersion"]
    assert RubricVersion.objects.in_force().count() == 1


# What PostgreSQL holds


CHANGES: dict[type[Model], dict[str, object]] = {
    RubricVersion: {"title": "Other"},
    Dimension: {"label": "Other"},
    Anchor: {"text": "Other"},
    Downcode: {"cap_rank": 2},
    Phase: {"minutes": 1},
    Prompt: {"text": "Other"},
}


@pytest.mark.parametrize("table", CHANGES)
def test_published_rows_refuse_an_update(table: type[Model]) -> None:
    factories.edition()
    before = everything()

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        table._default_manager.update(**CHANGES[table])

    assert str(refusal.value).startswith(
        "A published rubric edition does not change: "
        f"UPDATE on {table._meta.db_table} refused. Publish a new edition."
    )
    assert everything() == before


@pytest.mark.parametrize("table", CHANGES)
def test_published_rows_refuse_to_be_deleted(table: type[Model]) -> None:
    factories.edition()
    rows = table._default_manager.all()

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        rows._raw_delete(using=rows.db)

    assert str(refusal.value).startswith(
        "A published rubric edition does not change: "
        f"DELETE on {table._meta.db_table} refused. Publish a new edition."
    )


@pytest.mark.django_db(transaction=True)
def test_test_databases_can_still_be_emptied() -> None:
    factories.edition()

    call_command("flush", interactive=False, verbosity=0)

    assert everything() == []


def test_retired_at_alone_may_change() -> None:
    made = factories.edition()

    RubricVersion.objects.filter(id=made.id).update(retired_at=LATER)

    with pytest.raises(IntegrityError), transaction.atomic():
        RubricVersion.objects.filter(id=made.id).update(retired_at=NOW, minutes=50)
    assert RubricVersion.objects.get(id=made.id).retired_at == LATER


def _second_edition_of_the_same_number(made: RubricVersion) -> None:
    RubricVersion.objects.create(
        round_kind=made.round_kind, edition=1, digest="other", minutes=1, published_at=NOW
    )


def _same_digest_twice(made: RubricVersion) -> None:
    RubricVersion.objects.create(
        round_kind=made.round_kind, edition=2, digest=made.digest, minutes=1, published_at=NOW
    )


def _no_minutes(made: RubricVersion) -> None:
    RubricVersion.objects.create(
        round_kind=made.round_kind, edition=2, digest="other", minutes=0, published_at=NOW
    )


def _edition_0(made: RubricVersion) -> None:
    RubricVersion.objects.create(
        round_kind=made.round_kind, edition=0, digest="other", minutes=1, published_at=NOW
    )


def _retired_before_published(made: RubricVersion) -> None:
    RubricVersion.objects.filter(id=made.id).update(retired_at=NOW - timedelta(days=1))


def _dimension_twice(made: RubricVersion) -> None:
    Dimension.objects.create(version=made, key="discovery", position=9, label="Again")


def _anchor_of_rank_0(made: RubricVersion) -> None:
    Anchor.objects.create(dimension=made.dimensions.all()[0], rank=0, text="Does nothing")


def _downcode_that_caps_at_the_top(made: RubricVersion) -> None:
    Downcode.objects.create(version=made, key="none", text="Nothing", cap_rank=3)


def _phase_without_minutes(made: RubricVersion) -> None:
    Phase.objects.create(version=made, position=9, name="None", minutes=0)


def _half_a_kit(made: RubricVersion) -> None:
    Prompt.objects.create(version=made, key="half", position=9, text="t", intent="i", probes=["p"])


def _rank_4(made: RubricVersion) -> None:
    Level.objects.create(ladder="ic", rank=4)


def _own_twin(made: RubricVersion) -> None:
    RoundKind.objects.filter(id=made.round_kind_id).update(twin=made.round_kind_id)


def _third_ladder(made: RubricVersion) -> None:
    RoundKind.objects.filter(id=made.round_kind_id).update(ladder="pm")


def _label_without_text(made: RubricVersion) -> None:
    LevelLabel.objects.create(level=Level.objects.get(ladder="ic", rank=1), company="acme", text="")


def _preset_for_rank_0(made: RubricVersion) -> None:
    Preset.objects.create(key="zero", ladder="ic", position=1, title="t", target_rank=0)


@pytest.mark.parametrize(
    ("broken", "constraint"),
    [
        (_second_edition_of_the_same_number, "rubric_version_edition_once"),
        (_same_digest_twice, "rubric_version_digest_once"),
        (_no_minutes, "rubric_version_has_minutes"),
        (_edition_0, "rubric_version_edition_from_1"),
        (_retired_before_published, "rubric_version_retired_after_published"),
        (_dimension_twice, "dimension_key_once"),
        (_anchor_of_rank_0, "anchor_rank_1_to_3"),
        (_downcode_that_caps_at_the_top, "downcode_cap_0_to_2"),
        (_phase_without_minutes, "phase_has_minutes"),
        (_half_a_kit, "prompt_kit_whole_or_absent"),
        (_rank_4, "level_rank_0_to_3"),
        (_own_twin, "round_kind_not_its_own_twin"),
        (_third_ladder, "round_kind_ladder_known"),
        (_label_without_text, "level_label_not_empty"),
        (_preset_for_rank_0, "preset_target_1_to_3"),
    ],
)
def test_constraint_refuses(broken: Callable[[RubricVersion], None], constraint: str) -> None:
    made = factories.edition()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        broken(made)
