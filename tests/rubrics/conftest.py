"""What the catalogue's tests share: a folder of files to import, and a signed-in reader."""

from pathlib import Path

import pytest
from django.test import Client

from loops.models import User
from tests.rubrics import texts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the small catalogue, nothing imported yet."""
    for name, text in texts.catalogue().items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def reader(client: Client, candidate: User) -> Client:
    """A browser in which the candidate is signed in."""
    client.force_login(candidate)
    return client
