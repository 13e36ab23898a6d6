"""Registers the system checks when Django starts."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CompositionConfig(AppConfig):
    """The composition root."""

    name = "config"
    verbose_name = _("Composition")

    def ready(self) -> None:
        """Import the checks, which register themselves."""
        from config import checks  # noqa: F401, PLC0415 - needs the apps to be loaded
