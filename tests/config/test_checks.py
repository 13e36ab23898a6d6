"""The system checks: each is silent as things are, and speaks when its fault is planted."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

import pytest
from pytest_django import Settings

from config import checks


def test_a_sound_installation_passes() -> None:
    for check in (
        checks.tzdata_wins,
        checks.media_are_private,
        checks.no_task_outlives_its_message,
        checks.mail_can_be_sent,
    ):
        assert check(None) == []


def test_the_systems_time_zones_are_noticed() -> None:
    zoneinfo.reset_tzpath(to=["/usr/share/zoneinfo"])
    try:
        found = checks.tzdata_wins(None)
    finally:
        zoneinfo.reset_tzpath(to=())

    assert [message.id for message in found] == ["plumbline.E001"]


@pytest.mark.parametrize(("media", "static"), [("static/media", "static"), ("m", "m/static")])
def test_media_in_a_served_folder_are_noticed(
    settings: Settings, tmp_path: Path, media: str, static: str
) -> None:
    settings.MEDIA_DIR = tmp_path / media
    settings.STATIC_ROOT = tmp_path / static

    assert [message.id for message in checks.media_are_private(None)] == ["plumbline.E002"]


def test_a_task_that_outlives_its_message_is_noticed(settings: Settings) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 1200}

    found = checks.no_task_outlives_its_message(None)

    assert {message.id for message in found} == {"plumbline.E003"}


def test_mail_that_goes_nowhere_is_noticed(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

    assert [message.id for message in checks.mail_can_be_sent(None)] == ["plumbline.W001"]


def test_embedded_servers_in_production_are_noticed(settings: Settings) -> None:
    settings.EMBEDDED = object()

    assert [message.id for message in checks.servers_are_real(None)] == ["plumbline.W002"]
