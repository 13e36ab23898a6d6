"""One world for all looks at whole pages: making it takes as long as looking at thirty of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.world import World, committed_world

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker


@pytest.fixture(scope="package")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The demo cohort and every state that it does not show, committed."""
    with committed_world(django_db_blocker) as made:
        yield made
