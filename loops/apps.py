"""Names the app for Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoopsConfig(AppConfig):
    """The app in which people practise."""

    name = "loops"
    verbose_name = _("Loops")
    default_auto_field = "django.db.models.BigAutoField"
