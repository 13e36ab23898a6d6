"""What holds for the whole API: its committed schema, its errors, its pages."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from loops.models import Cohort, User
from tests import factories


def test_the_committed_schema_is_fresh_and_gives_no_warning() -> None:
    """After a change to the API: make schema."""
    written = StringIO()

    call_command("spectacular", validate=True, fail_on_warn=True, stdout=written)

    assert written.getvalue() == (Path(settings.BASE_DIR) / "config/openapi.yaml").read_text()


def test_every_address_in_the_schema_is_read_only() -> None:
    written = StringIO()

    call_command("spectacular", stdout=written)

    lines = written.getvalue().splitlines()
    methods = {line.strip() for line in lines if line in {f"    {name}:" for name in METHODS}}
    assert methods == {"get:"}


METHODS = ("get", "post", "put", "patch", "delete")


@pytest.mark.django_db
def test_a_stranger_is_refused_in_the_one_shape(client: Client) -> None:
    response = client.get("/api/v1/loops/")

    assert response.status_code == 403
    assert response.json() == {
        "error": {
            "code": "not_authenticated",
            "message": "Authentication credentials were not provided.",
            "fields": {},
        }
    }


def test_a_missing_row_is_refused_in_the_one_shape(client: Client, candidate: User) -> None:
    client.force_login(candidate)

    response = client.get("/api/v1/loops/00000000-0000-4000-8000-000000000000/")

    assert response.status_code == 404
    assert response.json() == {
        "error": {"code": "not_found", "message": "No such loop.", "fields": {}}
    }


@pytest.mark.parametrize(
    "path",
    [
        "loops/x",
        "rounds/1",
        "attempts/None",
        "reviews/00000000",
        "readiness/x",
        "rubrics/%00",
        "presets/%00",
        "rubrics/coding/editions/x",
    ],
)
def test_a_malformed_id_is_not_found(client: Client, candidate: User, path: str) -> None:
    client.force_login(candidate)

    response = client.get(f"/api/v1/{path}/", HTTP_ACCEPT="application/json")

    expected = (400, "bad_request") if "%00" in path else (404, "not_found")
    assert (response.status_code, response.json()["error"]["code"]) == expected


def test_a_wrong_filter_names_its_field(client: Client, candidate: User) -> None:
    client.force_login(candidate)

    response = client.get("/api/v1/rounds/?loop=nonsense")

    assert response.status_code == 400
    assert response.json() == {
        "error": {
            "code": "invalid",
            "message": "Enter a valid UUID.",
            "fields": {"loop": ["Enter a valid UUID."]},
        }
    }


@pytest.mark.parametrize("method", METHODS[1:])
def test_writing_is_refused_in_the_one_shape(client: Client, candidate: User, method: str) -> None:
    client.force_login(candidate)

    response = getattr(client, method)("/api/v1/loops/")

    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"


def test_a_page_has_a_limit_that_nobody_exceeds(
    client: Client, candidate: User, cohort: Cohort
) -> None:
    for _loop in range(3):
        factories.loop(candidate, cohort)
    client.force_login(candidate)

    first = client.get("/api/v1/loops/?limit=2").json()
    rest = client.get(first["next"]).json()
    greedy = client.get("/api/v1/rounds/?limit=100000").json()

    assert (first["count"], len(first["results"]), len(rest["results"])) == (3, 2, 1)
    assert rest["next"] is None
    assert greedy["next"] is None
    assert "limit=200" in client.get("/api/v1/loops/?limit=100000&offset=300").json()["previous"]
