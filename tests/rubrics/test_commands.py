"""The operators' commands: what is printed where, and how they end."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from rubrics.models import RubricVersion
from tests import factories

pytestmark = pytest.mark.django_db


def run(*arguments: object) -> tuple[str, str, str]:
    """Run a command; return stdout, stderr and what it failed with."""
    out, err = StringIO(), StringIO()
    failure = ""
    try:
        call_command(*map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        failure = f"{error.returncode}: {error}"
    return out.getvalue(), err.getvalue(), failure


def test_import_rubrics_says_what_was_new(folder: Path) -> None:
    assert run("import_rubrics", folder) == (
        "coding.yaml: published as edition 1\n"
        "em_technical.yaml: published as edition 1\n"
        "levels.yaml: updated\n"
        "presets.yaml: updated\n"
        "4 files, 0 unchanged.\n",
        "",
        "",
    )
    assert run("import_rubrics", folder) == ("4 files, 4 unchanged.\n", "", "")


def test_import_rubrics_checks_without_a_change(folder: Path) -> None:
    out, _err, _failure = run("import_rubrics", folder / "levels.yaml", "--check")

    assert out == "levels.yaml: would be updated\n1 files, 0 unchanged.\n"
    assert RubricVersion.objects.count() == 0


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_import_rubrics_puts_each_mistake_on_stderr(folder: Path, arguments: list[str]) -> None:
    path = folder / "coding.yaml"
    path.write_text(path.read_text().replace("ladder: ic", "ladder: pm").replace("35}", "30}"))

    assert run("import_rubrics", folder, *arguments) == (
        "",
        "coding.yaml:2: ladder must be one of ic, em, not 'pm'\n"
        "coding.yaml:42: phase minutes sum to 40, the round has 45\n",
        "1: Nothing was imported: 2 mistakes.",
    )
    assert RubricVersion.objects.count() == 0


def test_retire_rubric_retires_all_but_the_last() -> None:
    factories.edition()
    factories.edition()

    assert run("retire_rubric", "sd_ambiguous", 2) == (
        "System design, ambiguous, edition 2 is retired.\n",
        "",
        "",
    )
    assert run("retire_rubric", "sd_ambiguous", 1)[2] == (
        "1: This is the only edition in force, so it was not retired. Publish another one first."
    )
    assert run("retire_rubric", "sd_ambiguous", 3)[2] == "1: There is no edition 3 of sd_ambiguous."
    assert RubricVersion.objects.in_force().get().edition == 1
