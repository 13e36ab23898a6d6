"""How a request that cannot be served is answered: pages for people, one shape for programs."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.test import Client, RequestFactory
from rest_framework import exceptions
from rest_framework.exceptions import ErrorDetail

from config import errors
from config.api import one_error_shape
from loops.errors import Refused
from loops.models import User


class TooLate(Refused):
    """A refusal for these tests."""

    code = "too_late"
    status = 409
    message = "The lease has run out; your draft was kept."


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (
            TooLate(),
            409,
            {
                "code": "too_late",
                "message": "The lease has run out; your draft was kept.",
                "fields": {},
            },
        ),
        (
            exceptions.NotFound(),
            404,
            {"code": "not_found", "message": "Not found.", "fields": {}},
        ),
        (
            exceptions.ValidationError({"rank": [ErrorDetail("Too high.", "max_value")]}),
            400,
            {"code": "invalid", "message": "Too high.", "fields": {"rank": ["Too high."]}},
        ),
        (
            exceptions.ValidationError(["Not so."]),
            400,
            {"code": "invalid", "message": "Not so.", "fields": {"": ["Not so."]}},
        ),
    ],
)
def test_the_api_answers_every_error_in_one_shape(
    error: Exception, status: int, body: dict[str, Any]
) -> None:
    response = one_error_shape(error, {"view": None, "request": None})

    assert response is not None
    assert (response.status_code, response.data) == (status, {"error": body})


def test_a_fault_of_our_own_is_not_dressed_up() -> None:
    assert one_error_shape(KeyError("x"), {"view": None, "request": None}) is None


@pytest.mark.django_db
def test_the_api_asks_who_is_there(client: Client) -> None:
    response, schema = client.get("/api/v1/"), client.get("/api/v1/schema/")

    assert (response.status_code, schema.status_code) == (403, 403)
    assert response.json()["error"]["code"] == "not_authenticated"


@pytest.mark.django_db
def test_a_signed_in_person_reads_the_schema(client: Client) -> None:
    client.force_login(User.objects.create_user("ann@example.org", "a long password"))

    response = client.get("/api/v1/schema/")

    assert response.status_code == 200


@pytest.mark.django_db
def test_an_unknown_address_is_a_page_or_json(client: Client) -> None:
    page, json = client.get("/nowhere/"), client.get("/api/v1/nowhere/")

    assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert (json.status_code, json.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("error", "status"), [(RequestDataTooBig(), 413), (SuspiciousOperation(), 400)]
)
def test_too_much_is_told_from_nonsense(rf: RequestFactory, error: Exception, status: int) -> None:
    page = errors.bad_request(rf.get("/"), error)
    json = errors.bad_request(rf.get("/api/v1/rubrics/"), error)

    assert (page.status_code, json.status_code) == (status, status)


@pytest.mark.django_db
def test_a_broken_view_is_a_page_or_json(rf: RequestFactory) -> None:
    page, json = errors.server_error(rf.get("/")), errors.server_error(rf.get("/api/v1/"))

    assert (page.status_code, json.status_code) == (500, 500)
    assert json.headers["Content-Type"] == "application/json"


@pytest.mark.django_db
def test_a_form_without_its_token_is_refused_with_a_page() -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a"})

    assert response.status_code == 403
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
