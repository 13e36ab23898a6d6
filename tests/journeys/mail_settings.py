"""The settings of the worker and the beat that mail for a test: a real mail server, no patience."""

from tests.settings import *  # noqa: F403
from tests.settings import CELERY_BEAT_SCHEDULE

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # EMAIL_URL says where
CELERY_BEAT_SCHEDULE = {"loops-sweep": {**CELERY_BEAT_SCHEDULE["loops-sweep"], "schedule": 1}}
