"""How Django finds the rubrics app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RubricsConfig(AppConfig):
    """The catalogue of what good looks like."""

    name = "rubrics"
    verbose_name = _("Rubrics")
    default_auto_field = "django.db.models.BigAutoField"
