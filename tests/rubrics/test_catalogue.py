"""The catalogue that we ship: it reads, it imports, and its words are its own."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import reverse

from rubrics import actions, schema
from rubrics.actions import CATALOGUE, Outcome
from rubrics.models import Level, Preset, RoundKind, RubricVersion
from tests.factories import NOW
from tests.rubrics import seed_runs

KINDS = {
    "ic": ["coding", "sd_classic", "sd_ambiguous", "xfn", "ic_leadership", "deep_dive"],
    "em": ["em_technical", "em_design", "em_org", "em_xfn", "em_people", "em_retro"],
}
FILES = sorted(CATALOGUE.glob("*.yaml"))


@pytest.fixture(scope="module")
def catalogue() -> schema.Catalogue:
    """The files as they are read."""
    return schema.parse_catalogue(actions.read_texts([CATALOGUE]))


def test_catalogue_has_the_twelve_kinds_in_their_places(catalogue: schema.Catalogue) -> None:
    places = sorted((rubric.ladder, rubric.position, rubric.kind) for rubric in catalogue.rubrics)

    assert places == [
        (ladder, position, kind)
        for ladder in ("em", "ic")
        for position, kind in enumerate(KINDS[ladder], start=1)
    ]


def test_each_file_is_named_for_its_kind(catalogue: schema.Catalogue) -> None:
    assert [rubric.name for rubric in catalogue.rubrics] == [
        f"{rubric.kind}.yaml" for rubric in catalogue.rubrics
    ]


def test_each_kind_faces_the_one_in_the_same_place(catalogue: schema.Catalogue) -> None:
    twins = {rubric.kind: rubric.twin for rubric in catalogue.rubrics}

    assert [twins[kind] for kind in KINDS["ic"]] == KINDS["em"]


def test_every_prompt_has_a_kit(catalogue: schema.Catalogue) -> None:
    without = [
        f"{rubric.kind}: {prompt.key}"
        for rubric in catalogue.rubrics
        for prompt in rubric.prompts
        if prompt.kit is None
    ]

    assert without == []


def test_each_kind_has_a_key_dimension(catalogue: schema.Catalogue) -> None:
    for rubric in catalogue.rubrics:
        assert any(dimension.is_key for dimension in rubric.dimensions), rubric.kind


def test_no_text_of_the_catalogue_stands_in_it_twice(catalogue: schema.Catalogue) -> None:
    said = Counter(
        text
        for rubric in catalogue.rubrics
        for dimension in rubric.dimensions
        for text in dimension.anchors
    )

    assert [text for text, times in said.items() if times > 1] == []


@pytest.mark.django_db
def test_catalogue_imports_and_imports_again() -> None:
    actions.import_folder(folder=CATALOGUE, at=NOW)
    imported = actions.import_folder(folder=CATALOGUE, at=NOW)

    assert {entry.outcome for entry in imported} == {Outcome.UNCHANGED}
    assert RoundKind.objects.count() == RubricVersion.objects.in_force().count() == 12
    assert Level.objects.count() == 8
    assert Preset.objects.count() == len(set(Preset.objects.values_list("key", flat=True))) >= 5


@pytest.mark.django_db
def test_every_edition_of_the_catalogue_can_be_read(reader: Client) -> None:
    actions.import_folder(folder=CATALOGUE, at=NOW)

    for kind in (*KINDS["ic"], *KINDS["em"]):
        for name in ("read", "compare"):
            assert reader.get(reverse(f"rubrics:{name}", args=[kind])).status_code == 200
    assert reader.get(reverse("rubrics:browse")).status_code == 200


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_catalogue_shares_no_run_of_seven_words_with_the_seed(name: str) -> None:
    known = seed_runs.known_runs()
    content = yaml.safe_load((CATALOGUE / name).read_text())

    shared = [
        run
        for text in _texts(content)
        for run in seed_runs.runs(text)
        if seed_runs.hashed(run) in known
    ]

    assert len(known) > 1000
    assert shared == []


def test_runs_go_by_words_alone() -> None:
    plain = list(seed_runs.runs("Ask who decides, who pays and who won't agree"))

    assert plain == ["ask who decides who pays and who", "who decides who pays and who wont",
                     "decides who pays and who wont agree"]  # fmt: skip
    assert list(seed_runs.runs("ask  WHO decides — who pays\nand who “won’t” agree.")) == plain
    assert list(seed_runs.runs("six words are not a run")) == []


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _texts(value)
    elif isinstance(content, list):
        for item in content:
            yield from _texts(item)
