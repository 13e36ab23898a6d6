"""What an operator's machines are told."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import tzdata
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from loops import blobs
from loops.models import Cohort, User
from tests import factories

ALL_OK = {"database": "ok", "redis": "ok", "storage": "ok", "migrations": "ok"}


def test_healthz_asks_nothing_of_other_parts(client: Client) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_answers_200_when_every_part_works(client: Client) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.json()) == (
        200,
        {
            "ready": True,
            "parts": ALL_OK,
            "has_room": True,
            "recordings_stuck": 0,
            "time_zones": tzdata.IANA_VERSION,
        },
    )
    assert re.fullmatch(r"20\d\d[a-z]", tzdata.IANA_VERSION)


@pytest.mark.django_db
def test_readyz_tells_that_the_disk_is_at_its_floor_and_stays_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages, grading and playing go on: nobody wants them taken out of service."""
    monkeypatch.setattr(blobs, "room_bytes", lambda: -1)

    response = client.get("/readyz")

    assert (response.status_code, response.json()["has_room"]) == (200, False)


@pytest.mark.django_db
def test_readyz_names_a_redis_that_is_gone(client: Client, settings: Settings) -> None:
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://:hush@127.0.0.1:9/0"}}

    response = client.get("/readyz")

    assert (response.status_code, response.json()) == (
        503,
        {
            "ready": False,
            "parts": {**ALL_OK, "redis": "failed"},
            "has_room": True,
            "recordings_stuck": 0,
            "time_zones": tzdata.IANA_VERSION,
        },
    )


@pytest.mark.parametrize(
    ("state", "minutes", "stuck"),
    [("uploaded", 11, 1), ("uploaded", 9, 0), ("processing", 11, 0), ("ready", 11, 0)],
)
def test_readyz_counts_recordings_that_no_worker_begins_and_stays_ready(
    *, client: Client, candidate: User, cohort: Cohort, state: str, minutes: int, stuck: int
) -> None:
    """The worker is dead: pages and uploads go on, and nobody wants them taken out of service."""
    state_at = timezone.now() - timedelta(minutes=minutes)
    round_ = factories.loop(candidate, cohort).rounds.get()
    factories.recording(factories.attempt(round_), state=state, state_at=state_at)

    response = client.get("/readyz")

    assert (response.status_code, response.json()["recordings_stuck"]) == (200, stuck)


@pytest.mark.django_db
def test_readyz_names_a_storage_that_cannot_be_written(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    options = {"location": tmp_path / "file" / "below"}
    storage = {"BACKEND": "config.storage.PrivateStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "recordings": storage}

    response = client.get("/readyz")

    assert (response.status_code, response.json()["parts"]) == (
        503,
        {**ALL_OK, "storage": "failed"},
    )


@pytest.mark.django_db
def test_readyz_counts_migrations_that_are_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")

    response = client.get("/readyz")

    assert (response.status_code, response.json()["parts"]) == (
        503,
        {**ALL_OK, "migrations": "1 not applied"},
    )
