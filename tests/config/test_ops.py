"""What an operator's machines are told."""

from __future__ import annotations

import pytest
from django.test import Client


def test_healthz_asks_nothing_of_other_parts(client: Client) -> None:
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response.content == b"ok\n"


@pytest.mark.django_db
def test_readyz_answers_200_when_every_part_works(client: Client) -> None:
    response = client.get("/readyz")

    assert response.json() == {
        "ready": True,
        "parts": {"database": "ok", "redis": "ok", "storage": "ok", "migrations": "ok"},
    }
    assert response.status_code == 200
