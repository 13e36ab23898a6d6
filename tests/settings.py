"""The product's settings in a test's environment: servers of its own, nothing from `.env`."""

import os

os.environ["ENV_FILE"] = "none"
os.environ.setdefault("DEBUG", "on")
os.environ.setdefault("SITE_URL", "http://testserver")
os.environ.setdefault("LOG_LEVEL", "WARNING")
os.environ.setdefault("LOCAL_DIR", ".local/tests")
os.environ.setdefault("EMBEDDED_DURABLE", "off")
os.environ.setdefault("REDIS_PREFIX", f"test-{os.getpid()}")
os.environ.setdefault("MEDIA_DIR", f".local/tests/media-{os.getpid()}")

from config.env import redis_broker, redis_database
from config.settings import *  # noqa: F403
from config.settings import CACHES, DATABASES, EMBEDDED

# Several runs may go on at once: each has a database and a pair of Redis databases of its own.
# Runs that are started together are told their lanes, since two process ids may share one.
if EMBEDDED is not None:
    lane = int(os.environ.get("TEST_LANE", os.getpid() % 31))
    DATABASES["default"]["TEST"] = {"NAME": f"test_plumbline_{os.getpid()}"}
    REDIS_URL = redis_database(EMBEDDED.redis_url, 2 + lane * 2)
    CELERY_BROKER_URL = redis_broker(REDIS_URL)
    CACHES["default"]["LOCATION"] = redis_database(REDIS_URL, 1)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
