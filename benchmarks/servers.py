"""Django on servers of a measurement's own, which end with it."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_servers(folder: Path, **given: str) -> Iterator[None]:
    """Set Django up on an empty PostgreSQL and a Redis in this folder; stop and remove them after.

    `given` settings, as the environment names them, win over those of a deployment.
    """
    shutil.rmtree(folder, ignore_errors=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": "none",
        "DEBUG": "off",
        "ALLOW_EMBEDDED": "on",
        "LOCAL_DIR": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        **given,
    }
    import django  # noqa: PLC0415 - the environment is chosen first

    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    embedded = settings.EMBEDDED
    if embedded is None:
        raise SystemExit("DATABASE_URL and REDIS_URL are not for this: it has servers of its own.")
    try:
        embedded.ensure(needs_redis=True)
        call_command("migrate", verbosity=0, interactive=False)
        yield
        connections.close_all()
    finally:
        embedded.release()
        shutil.rmtree(folder, ignore_errors=True)
