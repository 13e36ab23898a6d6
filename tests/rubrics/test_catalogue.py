"""The catalogue that we ship: it reads, it imports, and its words are its own."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import reverse

from feedback import training
from rubrics import actions, schema, vignette_schema
from rubrics.actions import CATALOGUE, Outcome
from rubrics.models import Level, Preset, RoundKind, RubricVersion, Vignette
from tests.factories import NOW
from tests.rubrics import seed_runs

KINDS = {
    "ic": ["coding", "sd_classic", "sd_ambiguous", "xfn", "ic_leadership", "deep_dive"],
    "em": ["em_technical", "em_design", "em_org", "em_xfn", "em_people", "em_retro"],
}
FILES = sorted(CATALOGUE.rglob("*.yaml"))


@pytest.fixture(scope="module")
def catalogue() -> schema.Catalogue:
    """The files as they are read."""
    return vignette_schema.parse_files(actions.read_texts([CATALOGUE])).catalogue


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


@pytest.fixture(scope="module")
def vignettes() -> dict[str, vignette_schema.VignettesFile]:
    """The files of vignettes as they are read, by round kind."""
    files = vignette_schema.parse_files(actions.read_texts([CATALOGUE])).vignettes
    return {file.kind: file for file in files}


def test_each_kind_has_its_vignettes(vignettes: dict[str, vignette_schema.VignettesFile]) -> None:
    counts = {kind: len(file.vignettes) for kind, file in vignettes.items()}

    assert counts == dict.fromkeys(KINDS["ic"], 6) | dict.fromkeys(KINDS["em"], 4)
    assert [file.name for kind, file in vignettes.items()] == [
        f"vignettes/{kind}.yaml" for kind in vignettes
    ]


@pytest.mark.parametrize("kind", [*KINDS["ic"], *KINDS["em"]])
def test_vignettes_are_uneven_and_have_a_trap_pair(
    kind: str, vignettes: dict[str, vignette_schema.VignettesFile]
) -> None:
    file = vignettes[kind]
    ranks = [[one.rank for one in vignette.references] for vignette in file.vignettes]
    given = Counter(rank for each in ranks for rank in each)

    assert all(len(set(each)) > 1 for each in ranks)
    assert given[0] >= 2
    assert given[None] >= 2
    assert sum(bool(vignette.shows) for vignette in file.vignettes) == 2


@pytest.mark.parametrize("rank", [0, 1, 2, 3, None])
@pytest.mark.parametrize("kind", [*KINDS["ic"], *KINDS["em"]])
def test_the_same_rating_everywhere_unlocks_nothing(
    kind: str, rank: int | None, vignettes: dict[str, vignette_schema.VignettesFile]
) -> None:
    """In whatever four items that follow each other, of the first reading or a repeat."""
    items = vignettes[kind].vignettes * 2
    scores = [
        training.score(
            {one.dimension: rank for one in item.references},
            {one.dimension: one.rank for one in item.references},
        )
        for item in items
    ]

    for read in range(4, len(scores) + 1):
        assert not training.standing(scores[:read]).is_unlocked


@pytest.mark.parametrize("kind", [*KINDS["ic"], *KINDS["em"]])
def test_nothing_that_is_read_first_names_a_level(
    kind: str, vignettes: dict[str, vignette_schema.VignettesFile]
) -> None:
    level = re.compile(r"\b(EM-?|L|E)[5-8]\b|not observed|below (the )?(bar|L)", re.IGNORECASE)
    for vignette in vignettes[kind].vignettes:
        for text in (vignette.key, vignette.title, vignette.prompt, vignette.text):
            assert not level.search(text), vignette.key


@pytest.mark.django_db
def test_catalogue_imports_and_imports_again() -> None:
    actions.import_folder(folder=CATALOGUE, at=NOW)
    imported = actions.import_folder(folder=CATALOGUE, at=NOW)

    assert {entry.outcome for entry in imported} == {Outcome.UNCHANGED}
    assert RoundKind.objects.count() == RubricVersion.objects.in_force().count() == 12
    assert Vignette.objects.in_force().count() == 60
    assert Level.objects.count() == 8
    assert Preset.objects.count() == len(set(Preset.objects.values_list("key", flat=True))) >= 5


@pytest.mark.django_db
def test_every_edition_of_the_catalogue_can_be_read(reader: Client) -> None:
    actions.import_folder(folder=CATALOGUE, at=NOW)

    for kind in (*KINDS["ic"], *KINDS["em"]):
        for name in ("read", "compare"):
            assert reader.get(reverse(f"rubrics:{name}", args=[kind])).status_code == 200
    assert reader.get(reverse("rubrics:browse")).status_code == 200


@pytest.mark.parametrize("name", [str(path.relative_to(CATALOGUE)) for path in FILES])
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
