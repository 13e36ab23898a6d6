"""The Celery app and its queues. Its settings stand in settings.py; the tasks in the apps."""

import os
import warnings
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# As root on one's own machine, `make run` runs the worker as root too; the image does not.
warnings.filterwarnings("ignore", "You're running the worker with superuser privileges")

app = Celery("plumbline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # else the threads of a web process would ring at an app without a broker
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Leave logging as the settings made it; a receiver of this signal stops Celery's own."""


@worker_init.connect
@beat_init.connect
def start_embedded_servers(**_: Any) -> None:
    """Start the embedded servers for a worker started by hand, before it asks for Redis."""
    from django.conf import settings  # noqa: PLC0415 - the app is made while settings are imported

    if settings.EMBEDDED is not None:
        settings.EMBEDDED.ensure()
