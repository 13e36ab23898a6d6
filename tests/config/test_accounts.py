"""Who may sign up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from loops.models import Cohort, Invitation, User

CLOSED = "account/signup_closed.html"


def is_closed(client: Client) -> bool:
    return CLOSED in [template.name for template in client.get("/accounts/signup/").templates]


@pytest.mark.django_db
def test_sign_up_is_closed_without_an_invitation(client: Client) -> None:
    assert is_closed(client)


@pytest.mark.parametrize(("days", "is_open"), [(1, True), (-1, False)])
def test_an_open_invitation_opens_sign_up(
    client: Client, cohort: Cohort, organiser: User, days: int, is_open: bool
) -> None:
    now = timezone.now()
    invitation = Invitation.objects.create(
        cohort=cohort,
        created_by=organiser,
        created_at=now - timedelta(days=7),
        expires_at=now + timedelta(days=days),
    )
    session = client.session
    session["invitation_token"] = invitation.token
    session.save()

    assert is_closed(client) is not is_open


@pytest.mark.django_db
def test_sign_up_may_be_open_to_all(client: Client, settings: Settings) -> None:
    settings.SIGNUP = "open"

    assert not is_closed(client)
