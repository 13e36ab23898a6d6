"""The catalogue's pages as a browser gets them."""

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from rubrics import actions
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

READ = reverse("rubrics:read", args=["sd_ambiguous"])
COMPARE = reverse("rubrics:compare", args=["sd_ambiguous"])


def words(client: Client, address: str) -> str:
    """Return the words of a page, a space between them."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(strip_tags(response.content.decode()).split())


def test_browse_lists_kinds_with_minutes_and_dimensions(reader: Client) -> None:
    factories.edition()
    factories.edition("coding", dimensions=("one",))

    page = words(reader, reverse("rubrics:browse"))

    assert "System design, ambiguous What the round is about 45 minutes · 4 dimensions" in page
    assert "Coding What the round is about 45 minutes · 1 dimension " in page


def test_browse_without_a_catalogue_says_how_to_load_it(reader: Client) -> None:
    assert "manage.py import_rubrics" in words(reader, reverse("rubrics:browse"))


def test_read_shows_levels_across_and_dimensions_down(reader: Client) -> None:
    factories.edition()

    html = reader.get(READ).content.decode()

    assert [f'<th scope="col">{label}</th>' in html for label in ("L5", "L6", "L7")] == [True] * 3
    assert '<tr id="dimension-discovery">' in html
    assert '<td data-label="L6">Discovery as rank 2 does it.</td>' in html
    assert '<a class="caps__where" href="#dimension-discovery">Discovery</a>' in html


def test_read_keeps_prompts_closed_under_a_warning(reader: Client) -> None:
    factories.edition()

    html = reader.get(READ).content.decode()

    before, _start, prompts = html.partition('<details class="more prompts">')
    assert "Reading a prompt spoils it for practice" in before
    assert "Help the reliability group" not in before
    assert "Help the reliability group get fewer incidents, case 2." in prompts
    assert "<details open" not in html
    assert prompts.count('<details class="more kit">') == 1


def test_read_of_the_edition_in_force_has_no_notice(reader: Client) -> None:
    factories.edition()
    factories.edition()

    assert "has been replaced" not in words(reader, READ)
    assert "Edition 1 has been replaced." in words(reader, f"{READ}1/")


def test_read_of_a_retired_edition_links_to_the_one_in_force(reader: Client) -> None:
    factories.edition()
    actions.retire_version(version=factories.edition(), at=NOW)

    response = reader.get(f"{READ}2/")

    assert "Edition 2 was retired on 2 March 2026." in response.content.decode()
    assert f'<a class="button" href="{READ}">Read edition 1, in force</a>' in (
        response.content.decode()
    )


def test_compare_marks_words_that_went_and_came(reader: Client, folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    path = folder / "coding.yaml"
    path.write_text(
        path.read_text()
        .replace("Names things well.", "Names things aptly.")
        .replace("Build a cache.", "Build a queue.")
    )
    actions.import_folder(folder=folder, at=NOW)

    html = reader.get(reverse("rubrics:compare", args=["coding"])).content.decode()

    assert "Names things <del>well</del><ins>aptly</ins>." in html
    assert html.index("Reading a prompt spoils it") < html.index("Build a <del>cache</del>")
    assert '<option value="1" selected>' in html.partition('id="to"')[0]
    assert '<option value="2" selected>' in html.partition('id="to"')[2]


def test_compare_escapes_what_the_files_say(reader: Client, folder: Path) -> None:
    actions.import_folder(folder=folder, at=NOW)
    path = folder / "coding.yaml"
    path.write_text(path.read_text().replace("Names things well.", "Names <b>things</b> well."))
    actions.import_folder(folder=folder, at=NOW)

    html = reader.get(reverse("rubrics:compare", args=["coding"])).content.decode()

    assert "<b>things" not in html
    assert "&lt;b&gt;" in html


def test_compare_of_a_single_edition_says_so(reader: Client) -> None:
    factories.edition()

    assert "There is only one edition so far" in words(reader, COMPARE)


@pytest.mark.parametrize(
    "address",
    [
        "/rubrics/nothing/",
        "/rubrics/nothing/1/",
        "/rubrics/nothing/compare/",
        f"{READ}2/",
        f"{READ}0/",
        f"{READ}99999999999999999999/",
        f"{COMPARE}?from=1&to=2",
        f"{COMPARE}?from=one",
        f"{COMPARE}?to=-1",
        f"{COMPARE}?from=²",
        f"{COMPARE}?from={'9' * 5000}",
    ],
)
def test_unknown_kinds_and_editions_are_not_found(reader: Client, address: str) -> None:
    factories.edition()

    assert reader.get(READ).status_code == 200
    assert reader.get(address).status_code == 404


@pytest.mark.parametrize("address", [reverse("rubrics:browse"), READ, COMPARE])
def test_pages_are_for_people_signed_in_and_only_read(
    client: Client, reader: Client, address: str
) -> None:
    factories.edition()

    assert reader.post(address).status_code == 405
    client.logout()
    assert client.get(address).status_code == 302


@pytest.mark.parametrize("address", [reverse("rubrics:browse"), READ, f"{READ}1/", COMPARE])
def test_pages_keep_to_eight_queries(reader: Client, address: str) -> None:
    for key in ("sd_ambiguous", "coding", "sd_ambiguous"):
        factories.edition(key)

    with CaptureQueriesContext(connection) as captured:
        reader.get(address)

    assert len(captured) <= 8, [query["sql"] for query in captured]
