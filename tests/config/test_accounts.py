"""Who may sign up."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db
CLOSED = "account/signup_closed.html"


def templates_of(client: Client) -> list[str | None]:
    return [template.name for template in client.get("/accounts/signup/").templates]


def test_sign_up_is_closed_without_an_invitation(client: Client) -> None:
    assert CLOSED in templates_of(client)


def test_an_invitation_opens_sign_up(client: Client) -> None:
    session = client.session
    session["invitation_token"] = "given"
    session.save()

    assert CLOSED not in templates_of(client)


def test_sign_up_may_be_open_to_all(client: Client, settings: Settings) -> None:
    settings.SIGNUP = "open"

    assert CLOSED not in templates_of(client)
