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


def test_vignettes_are_listed_without_their_key(operator: Client) -> None:
    vignette = factories.vignette(shows="fluent-and-empty", pair_key="other")
    base = "admin:rubrics_vignette"

    listed = operator.get(reverse(f"{base}_changelist"))
    assert vignette.title in listed.text
    for secret in ("The words of", "fluent", "discovery"):
        assert secret not in listed.text
    opened = operator.get(reverse(f"{base}_change", args=[vignette.pk]))
    assert "The words of first-one carry discovery." in opened.text
    assert operator.post(reverse(f"{base}_change", args=[vignette.pk]), {}).status_code == 403
    assert operator.get(reverse(f"{base}_add")).status_code == 403


def test_vignettes_in_the_admin_are_for_staff_alone(client: Client, peer: User) -> None:
    vignette = factories.vignette()
    client.force_login(peer)

    for name, arguments in (("changelist", []), ("change", [vignette.pk])):
        answer = client.get(reverse(f"admin:rubrics_vignette_{name}", args=arguments), follow=True)
        assert "The words of" not in answer.text
        assert vignette.title not in answer.text
