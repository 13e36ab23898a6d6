"""The admin shows the catalogue and changes none of it."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from loops.models import User
from rubrics.models import Dimension, Level, Preset, RoundKind, RubricVersion
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    """A browser in which a superuser is signed in."""
    user = factories.person("operator-106")
    User.objects.filter(id=user.id).update(is_staff=True, is_superuser=True)
    user.refresh_from_db()
    client.force_login(user)
    return client


@pytest.mark.parametrize("model", [Level, RoundKind, RubricVersion, Dimension, Preset])
def test_admin_shows_and_does_not_change(operator: Client, model: type) -> None:
    version = factories.edition()
    Preset.objects.create(key="staff", ladder="ic", position=1, title="Staff", target_rank=2)
    row = model.objects.order_by("pk").first()  # type: ignore[attr-defined]
    base = f"admin:rubrics_{model.__name__.lower()}"

    assert operator.get(reverse(f"{base}_changelist")).status_code == 200
    assert operator.get(reverse(f"{base}_change", args=[row.pk])).status_code == 200
    assert operator.post(reverse(f"{base}_change", args=[row.pk]), {}).status_code == 403
    assert operator.get(reverse(f"{base}_add")).status_code == 403
    assert operator.post(reverse(f"{base}_delete", args=[row.pk]), {}).status_code == 403
    assert admin.site.is_registered(model)
    assert RubricVersion.objects.get() == version
