"""Importing vignettes: what is written, what stays, what is retired, what cannot be changed."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models import Model

from rubrics import actions, schema
from rubrics.actions import Imported, Outcome
from rubrics.models import Reference, RubricVersion, Vignette
from tests.factories import NOW
from tests.rubrics import vignette_texts

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)
NAME = "vignettes/coding.yaml"


@pytest.fixture
def with_vignettes(folder: Path) -> Path:
    """The small catalogue, with a trap pair for one of its kinds; nothing imported yet."""
    (folder / "vignettes").mkdir()
    (folder / NAME).write_text(vignette_texts.pair())
    return folder


def change(path: Path, old: str, new: str) -> None:
    """Change a text of a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def of_vignettes(imported: list[Imported]) -> list[Imported]:
    """Return what became of vignettes."""
    return [entry for entry in imported if entry.name.startswith("vignettes/")]


def in_force() -> list[Vignette]:
    """Return the vignettes that members are trained on."""
    return list(Vignette.objects.in_force())


def test_vignettes_are_written_with_the_references_of_the_edition_in_force(
    with_vignettes: Path,
) -> None:
    change(with_vignettes / NAME, "level: l5", "level: not_observed")
    imported = actions.import_folder(folder=with_vignettes, at=NOW)

    assert of_vignettes(imported) == [Imported(NAME, Outcome.UPDATED, fresh=2)]
    first, other = in_force()
    assert (first.key, first.position, first.title, first.shows, first.pair_key) == (
        "first-one",
        1,
        "Title of first-one",
        "fluent-and-empty",
        "other-one",
    )
    assert (other.key, other.position) == ("other-one", 2)
    assert first.version == RubricVersion.objects.get(round_kind__key="coding")
    assert first.round_kind == first.version.round_kind
    references = Reference.objects.filter(vignette=first).order_by("dimension__position")
    assert [(one.dimension.key, one.rank, one.reason) for one in references] == [
        ("contract", None, "Because of it."),
        ("shape", 1, "Because of it."),
        ("checking", 1, "Because of it."),
        ("speed", 1, "Because of it."),
    ]
    assert {one.dimension.version for one in references} == {first.version}


def test_the_same_file_again_changes_nothing(with_vignettes: Path) -> None:
    actions.import_folder(folder=with_vignettes, at=NOW)
    before = in_force()

    for path in (with_vignettes, with_vignettes / "vignettes", with_vignettes / NAME):
        imported = actions.import_paths(paths=[path], at=LATER)
        assert of_vignettes(imported) == [Imported(NAME, Outcome.UNCHANGED)]
    assert in_force() == before
    assert Vignette.objects.count() == 2


def test_a_changed_text_is_a_new_row_and_the_old_one_keeps_what_was_said(
    with_vignettes: Path,
) -> None:
    actions.import_folder(folder=with_vignettes, at=NOW)
    old, other = in_force()
    change(with_vignettes / NAME, "word0", "word")

    imported = actions.import_folder(folder=with_vignettes, at=LATER)

    assert of_vignettes(imported) == [Imported(NAME, Outcome.UPDATED, fresh=1, retired=1)]
    new, same = in_force()
    assert same == other
    assert new != old
    assert new.text.startswith("word word1")
    old.refresh_from_db()
    assert (old.retired_at, old.text.split()[0]) == (LATER, "word0")
    assert old.references.count() == 4


def test_what_leaves_the_file_is_retired_and_what_moves_in_it_moves(with_vignettes: Path) -> None:
    actions.import_folder(folder=with_vignettes, at=NOW)
    text = vignette_texts.file(
        vignette_texts.vignette("new-one"),
        vignette_texts.vignette("last-one", level="l7"),
    )
    (with_vignettes / NAME).write_text(text)
    imported = actions.import_folder(folder=with_vignettes, at=LATER)
    assert of_vignettes(imported) == [Imported(NAME, Outcome.UPDATED, fresh=2, retired=2)]

    (with_vignettes / NAME).write_text(
        vignette_texts.file(
            vignette_texts.vignette("last-one", level="l7"),
            vignette_texts.vignette("new-one"),
        )
    )
    imported = actions.import_folder(folder=with_vignettes, at=LATER)

    assert of_vignettes(imported) == [Imported(NAME, Outcome.UPDATED)]
    assert [one.key for one in in_force()] == ["last-one", "new-one"]
    assert Vignette.objects.count() == 4


def test_another_structure_without_its_vignettes_retires_them_with_a_line(
    with_vignettes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    actions.import_folder(folder=with_vignettes, at=NOW)
    change(with_vignettes / "coding.yaml", "l5: Restates the task.", "l5: Repeats the task.")

    call_command("import_rubrics", str(with_vignettes / "coding.yaml"))

    assert capsys.readouterr().out == (
        "coding.yaml: published as edition 2\n"
        "vignettes/coding.yaml: not written for edition 2, which is in force: 2 retired; "
        "import those written for it\n"
        "2 files, 0 unchanged.\n"
    )
    assert in_force() == []

    imported = actions.import_folder(folder=with_vignettes, at=LATER)
    assert of_vignettes(imported) == [Imported(NAME, Outcome.UPDATED, fresh=2)]
    assert {one.version.edition for one in in_force()} == {2}


def test_another_wording_leaves_them_and_their_file_binds_them_to_it(with_vignettes: Path) -> None:
    actions.import_folder(folder=with_vignettes, at=NOW)
    path = with_vignettes / "coding.yaml"
    change(path, "l5: Restates the task.", "l5: Says the task again.")
    change(path, "minutes: 45\n", "minutes: 45\nwording_only: true\n")

    alone = actions.import_paths(paths=[path], at=LATER)
    assert of_vignettes(alone) == []
    assert {one.version.edition for one in in_force()} == {1}

    together = actions.import_folder(folder=with_vignettes, at=LATER)
    assert of_vignettes(together) == [Imported(NAME, Outcome.UPDATED, fresh=2, retired=2)]
    assert {one.version.edition for one in in_force()} == {2}


def test_a_file_that_fits_no_more_is_refused_and_nothing_changes(with_vignettes: Path) -> None:
    actions.import_folder(folder=with_vignettes, at=NOW)
    before = in_force()
    change(with_vignettes / "coding.yaml", "  - key: speed", "  - key: pace")

    with pytest.raises(schema.Problems) as together:
        actions.import_folder(folder=with_vignettes, at=LATER)
    assert "name no dimension of coding: 'speed'" in str(together.value)
    assert in_force() == before

    actions.import_paths(paths=[with_vignettes / "coding.yaml"], at=LATER)
    with pytest.raises(schema.Problems) as alone:
        actions.import_paths(paths=[with_vignettes / NAME], at=LATER)
    assert str(together.value) == str(alone.value)


def test_a_shipped_file_leaves_an_instance_with_an_edition_of_its_own_alone(
    with_vignettes: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    actions.import_folder(folder=with_vignettes, at=NOW)
    own = tmp_path_factory.mktemp("own")
    (own / "vignettes").mkdir()
    (own / "coding.yaml").write_text(
        (with_vignettes / "coding.yaml").read_text().replace("  - key: speed", "  - key: pace")
    )
    (own / NAME).write_text(vignette_texts.file().replace("      speed:", "      pace:"))
    actions.import_folder(folder=own, at=LATER)
    before = in_force()

    imported = actions.import_folder(folder=with_vignettes, at=LATER)

    assert of_vignettes(imported) == [Imported(NAME, Outcome.OLDER, 1)]
    assert in_force() == before
    assert [one.key for one in before] == ["first-one"]


def test_retiring_an_edition_retires_the_vignettes_that_speak_of_it(with_vignettes: Path) -> None:
    actions.import_folder(folder=with_vignettes, at=NOW)
    change(with_vignettes / "coding.yaml", "l5: Restates the task.", "l5: Repeats the task.")
    actions.import_folder(folder=with_vignettes, at=LATER)
    newest = RubricVersion.objects.get(round_kind__key="coding", edition=2)

    actions.retire_version(version=newest, at=LATER)

    assert in_force() == []


def test_rungs_and_why_chain_make_a_new_edition_of_the_same_structure(folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    path = folder / "coding.yaml"
    change(path, "minutes: 45\n", "minutes: 45\ndepth_rungs: true\nwhy_chain: true\n")

    actions.import_folder(folder=folder, at=LATER)

    first, second = RubricVersion.objects.filter(round_kind__key="coding").order_by("edition")
    assert (first.has_rungs, first.has_why_chain) == (False, False)
    assert (second.has_rungs, second.has_why_chain) == (True, True)
    assert second.structure_digest == first.structure_digest
    assert second.digest != first.digest
    plain = schema.parse(path.read_text().replace(": true\nwhy_", ": false\n#"), "coding.yaml")
    assert plain.digest == first.digest


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [(Vignette, "text", "other"), (Vignette, "digest", "other"), (Reference, "rank", 3)],
)
def test_what_is_written_stays(
    with_vignettes: Path, table: type[Model], column: str, value: object
) -> None:
    actions.import_folder(folder=with_vignettes, at=NOW)
    rows = table._default_manager.all()

    refused = "A vignette does not change: {} on "
    with pytest.raises(IntegrityError, match=refused.format("UPDATE")), transaction.atomic():
        rows.update(**{column: value})
    with pytest.raises(IntegrityError, match=refused.format("DELETE")), transaction.atomic():
        rows._raw_delete(using=rows.db)


def test_a_key_is_in_force_once_and_a_dimension_has_one_reference(with_vignettes: Path) -> None:
    actions.import_folder(folder=with_vignettes, at=NOW)
    row, reference = in_force()[0], Reference.objects.first()
    assert reference is not None
    row.pk = None
    reference.pk = None

    with pytest.raises(IntegrityError, match="vignette_key_once"), transaction.atomic():
        row.save()
    with pytest.raises(IntegrityError, match="reference_once"), transaction.atomic():
        reference.save()


def test_import_and_its_rehearsal_say_what_is_new(
    with_vignettes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_rubrics", str(with_vignettes), "--check")
    assert "vignettes/coding.yaml: would be updated (2 new)\n" in capsys.readouterr().out
    assert in_force() == []

    call_command("import_rubrics", str(with_vignettes))
    assert "vignettes/coding.yaml: updated (2 new)\n5 files, 0" in capsys.readouterr().out
