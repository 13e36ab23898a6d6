"""The catalogue in the API: what it holds, who may read it, that nobody may write."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rubrics import actions
from rubrics.models import Preset, PresetRound
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

ROOT = "/api/v1"
ADDRESSES = ["rubrics", "rubrics/coding", "rubrics/coding/editions", "rubrics/coding/editions/1",
             "levels", "presets", "presets/staff"]  # fmt: skip


@pytest.fixture(autouse=True)
def catalogue() -> None:
    """Two round kinds, one of them in two editions, and a preset."""
    coding = factories.edition("coding").round_kind
    factories.edition("xfn")
    factories.edition("xfn")
    preset = Preset.objects.create(
        key="staff", ladder="ic", position=1, title="Staff", description="d", target_rank=2
    )
    PresetRound.objects.create(preset=preset, position=1, round_kind=coding, minutes=30)


def test_rubrics_are_listed_by_the_edition_in_force(reader: Client) -> None:
    found = reader.get(f"{ROOT}/rubrics/").json()

    assert [(row["key"], row["edition"]) for row in found["results"]] == [("coding", 1), ("xfn", 2)]
    assert reader.get(f"{ROOT}/rubrics/coding/").json() == {
        "key": "coding",
        "ladder": "ic",
        "position": 1,
        "title": "Coding",
        "short_title": "Coding",
        "summary": "What the round is about",
        "twin": None,
        "edition": 1,
        "minutes": 45,
        "grades": "Whether a request becomes a problem before it becomes a system.",
    }


def test_editions_are_listed_newest_first(reader: Client) -> None:
    found = reader.get(f"{ROOT}/rubrics/xfn/editions/").json()

    assert [(row["kind"], row["edition"]) for row in found["results"]] == [("xfn", 2), ("xfn", 1)]


def test_an_edition_holds_all_that_stands_in_it(reader: Client) -> None:
    found = reader.get(f"{ROOT}/rubrics/xfn/editions/1/").json()

    assert found["edition"] == 1
    assert found["dimensions"][0]["key"] == "discovery"
    assert found["dimensions"][0]["anchors"][2] == {
        "rank": 3,
        "text": "Discovery as rank 3 does it.",
    }
    assert [(row["key"], row["dimension"]) for row in found["downcodes"]] == [
        ("draws_first", "discovery"),
        ("unbounded", None),
    ]
    assert found["phases"] == [
        {"name": "Discovery", "minutes": 15},
        {"name": "First slice", "minutes": 30},
    ]
    assert found["prompts"][0]["hints"] == ["Who reads the report?"]
    assert "source" not in found


def test_levels_have_a_label_for_each_company(reader: Client) -> None:
    found = reader.get(f"{ROOT}/levels/").json()

    assert [(row["rank"], row["label"], row["labels"]) for row in found["results"]] == [
        (0, "below", {"default": "below"}),
        (1, "L5", {"default": "L5"}),
        (2, "L6", {"default": "L6"}),
        (3, "L7", {"default": "L7"}),
    ]


def test_presets_hold_their_rounds(reader: Client) -> None:
    found = reader.get(f"{ROOT}/presets/staff/").json()

    assert (found["key"], found["target_rank"]) == ("staff", 2)
    assert found["rounds"] == [{"kind": "coding", "title": "", "minutes": 30, "focus": ""}]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_catalogue_is_read_by_people_signed_in_only(
    client: Client, reader: Client, address: str
) -> None:
    assert reader.get(f"{ROOT}/{address}/").status_code == 200
    for verb in (reader.post, reader.put, reader.patch, reader.delete):
        assert verb(f"{ROOT}/{address}/").status_code == 405
    client.logout()
    assert client.get(f"{ROOT}/{address}/").status_code == 403


@pytest.mark.parametrize(
    "address",
    ["rubrics/nothing", "rubrics/coding/editions/2", "presets/nothing"],
)
def test_what_is_not_there_is_not_found(reader: Client, address: str) -> None:
    assert reader.get(f"{ROOT}/{address}/").status_code == 404


def test_a_replaced_edition_stays_readable(reader: Client) -> None:
    actions.retire_version(version=factories.edition("coding"), at=NOW)

    assert reader.get(f"{ROOT}/rubrics/coding/").json()["edition"] == 1
    assert reader.get(f"{ROOT}/rubrics/coding/editions/2/").status_code == 200


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_api_takes_the_same_queries_with_more_rows(reader: Client, address: str) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert reader.get(f"{ROOT}/{address}/").status_code == 200
        return len(captured)

    before = count()
    for key in ("coding", "sd_classic", "deep_dive"):
        factories.edition(key, prompts=3)

    assert count() == before
