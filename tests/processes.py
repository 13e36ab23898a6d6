"""Where the processes that a test starts find this run's own database, queue and files."""

from urllib.parse import quote

from django.conf import settings
from django.db import connection


def addresses() -> dict[str, str]:
    """Return the environment by which a process of the app works on the test's rows."""
    at = connection.settings_dict
    login = quote(at["USER"]) + (f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else "")
    port = f"&port={at['PORT']}" if at["PORT"] else ""
    return {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"postgresql://{login}@/{at['NAME']}?host={quote(at['HOST'])}{port}",
        "REDIS_URL": settings.REDIS_URL,
        "MEDIA_DIR": str(settings.MEDIA_DIR),
    }
