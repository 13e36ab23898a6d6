"""Django's settings in the order of its documentation. Production's, but for what is set."""

import zoneinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from config import env as environment
from config import logs
from config.embedded import Embedded

BASE_DIR = Path(__file__).resolve().parent.parent
env = environment.load(BASE_DIR)

# Core

DEBUG = env.flag("DEBUG", False)
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
LOCAL_DIR = (BASE_DIR / env.text("LOCAL_DIR", ".local")).absolute()
HOST = env.text("HOST", "127.0.0.1")
PORT = env.number("PORT", 8000, least=1, most=65535)
WEB_WORKERS = env.number("WEB_WORKERS", 2, least=1)
WEB_THREADS = env.number("WEB_THREADS", 8, least=2)
SITE_URL = env.text("SITE_URL", f"http://127.0.0.1:{PORT}" if DEBUG else None).rstrip("/")
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
CALENDAR_HOST = env.text("CALENDAR_HOST", SITE_HOST)
SECRET_KEY = env.secret("SECRET_KEY", "development-only-" + "x" * 48 if DEBUG else None)
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", [SITE_HOST])
if DEBUG:
    ALLOWED_HOSTS += LOOPBACK
SIGNUP = env.text("SIGNUP", "invitation", choices=["invitation", "open"])
UPLOAD_MAX_BYTES = env.number("UPLOAD_MAX_BYTES", 2 * 1024**3, least=1)
MEMBER_QUOTA_BYTES = env.number("MEMBER_QUOTA_BYTES", 20 * 1024**3, least=0)
DISK_FLOOR_BYTES = env.number("DISK_FLOOR_BYTES", 5 * 1024**3, least=0)
CHUNK_MAX_BYTES = env.number("CHUNK_MAX_BYTES", 8 * 1024**2, least=1)
SPEECH_ENGINE = env.text("SPEECH_ENGINE", "")

INSTALLED_APPS = [
    "config",
    "rubrics",
    "loops",
    "feedback",
    "allauth",
    "allauth.account",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.forms",
]

MIDDLEWARE = [
    "config.middleware.request_id",
    "config.middleware.security_headers",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.CompressPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.middleware.readable_addresses",
    "config.uploads.leave_room",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "config.middleware.time_zone",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.refusals.RefusalMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

# Templates

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.frame",
            ],
        },
    }
]

FORM_RENDERER = "config.forms.Renderer"

# Databases

ALLOW_EMBEDDED = env.flag("ALLOW_EMBEDDED", DEBUG)
EMBEDDED = None
if not (env.has("DATABASE_URL") and env.has("REDIS_URL")):
    if not ALLOW_EMBEDDED:
        missing = " and ".join(n for n in ("DATABASE_URL", "REDIS_URL") if not env.has(n))
        raise environment.EnvError(
            f"{missing} must be set when DEBUG is off (or ALLOW_EMBEDDED=on: embedded servers)."
        )
    EMBEDDED = Embedded(
        LOCAL_DIR,
        with_postgres=not env.has("DATABASE_URL"),
        with_redis=not env.has("REDIS_URL"),
        is_durable=env.flag("EMBEDDED_DURABLE", True),
    )

DATABASE_URL = env.secret("DATABASE_URL", EMBEDDED.database_url if EMBEDDED else None)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": (
            "django.db.backends.postgresql" if env.has("DATABASE_URL") else "config.database"
        ),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        **environment.database_from_url(DATABASE_URL, is_pooled=env.flag("DATABASE_POOLED", False)),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Cache: the database of Redis after the queue's, since clearing it empties the whole database

REDIS_URL = env.secret("REDIS_URL", EMBEDDED.redis_url if EMBEDDED else None)
REDIS_PREFIX = env.text("REDIS_PREFIX", "plumbline")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": environment.redis_database(REDIS_URL, 1),
        "KEY_PREFIX": REDIS_PREFIX,
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 5},
    }
}

# Who people are. Sign-up is by an invitation link, which somebody in the cohort handed over:
# an address is confirmed when its mail is opened, and a lost confirmation mail locks nobody out.

AUTH_USER_MODEL = "loops.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "feedback:readiness"
ACCOUNT_ADAPTER = "config.accounts.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "loops.forms.people.SignUpForm"
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_REDIRECT_URL = "landing"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(SITE_URL).scheme

# Sessions, cookies and transport. `__Host-` binds a cookie to this very host over TLS.

HAS_TLS = env.flag("HAS_TLS", not DEBUG)
SESSION_COOKIE_NAME = "__Host-session" if HAS_TLS else "session"
SESSION_COOKIE_SECURE = HAS_TLS
SESSION_COOKIE_AGE = env.duration_s("SESSION_AGE", 14 * 86400)
SESSION_SAVE_EVERY_REQUEST = False
CSRF_COOKIE_NAME = "__Host-csrf" if HAS_TLS else "csrf"
CSRF_COOKIE_SECURE = HAS_TLS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "config.errors.stale_key"
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECURE_SSL_REDIRECT = HAS_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = env.duration_s("HSTS_AGE", 2 * 365 * 86400) if HAS_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HAS_TLS
SECURE_HSTS_PRELOAD = HAS_TLS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
PROXIES = env.number("PROXIES", 0)
HAS_BUFFERED_BODIES = env.flag("HAS_BUFFERED_BODIES", False)
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
if PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "media-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# Languages and time

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True
zoneinfo.reset_tzpath(to=())  # the pinned package tzdata wins over each machine's own files

# Files. Recordings are private: no storage of media has a URL, a view plays them to whom it may.

MEDIA_DIR = (BASE_DIR / env.text("MEDIA_DIR", str(LOCAL_DIR / "media"))).absolute()
MEDIA_ROOT = MEDIA_DIR
STATIC_URL = "/static/"
STATIC_ROOT = (BASE_DIR / env.text("STATIC_ROOT", str(LOCAL_DIR / "static"))).absolute()
STATICFILES_DIRS = [BASE_DIR / "static"]
HAS_HASHED_STATIC = env.flag("HAS_HASHED_STATIC", not DEBUG)
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not HAS_HASHED_STATIC
FILE_UPLOAD_HANDLERS = [
    "config.uploads.SkipFiles",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]


def _private(folder: str) -> dict[str, Any]:
    options = {"location": MEDIA_DIR / folder}
    return {"BACKEND": "config.storage.PrivateStorage", "OPTIONS": options}


def _bucket() -> dict[str, Any]:
    options = {
        "bucket": env.text("S3_BUCKET"),
        "endpoint": env.text("S3_ENDPOINT", ""),
        "region": env.text("S3_REGION", ""),
        "access_key": env.secret("S3_ACCESS_KEY", ""),
        "secret_key": env.secret("S3_SECRET_KEY", ""),
    }
    return {"BACKEND": "config.bucket.PrivateBucket", "OPTIONS": options}


MEDIA_SENDER = env.text("MEDIA_SENDER", "django", choices=["django", "nginx"])
STORAGES: dict[str, dict[str, Any]] = {
    "default": _private("files"),
    "recordings": _bucket() if env.has("S3_BUCKET") else _private("recordings"),
    "staging": _private("staging"),
    "staticfiles": {
        "BACKEND": (
            "config.storage.HashedStaticStorage"
            if HAS_HASHED_STATIC
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}

# Mail

MAIL_DIR = LOCAL_DIR / "mail"
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "Plumbline <plumbline@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 10
if env.has("EMAIL_URL"):
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    globals().update(environment.mail_from_url(env.secret("EMAIL_URL")))
elif DEBUG:
    EMAIL_BACKEND = "config.mail.EmailBackend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

# Logging

LOGGING = logs.configuration(is_readable=DEBUG, level=env.text("LOG_LEVEL", "INFO"))

# Background work. The rows are the truth and the queue is a doorbell: no result is kept, nothing
# is retried while a request waits, and a task that was lost with its worker is delivered again.

CELERY_BROKER_URL = environment.redis_broker(REDIS_URL)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = 540, 600
CELERY_TASK_ANNOTATIONS = {  # one step on 90 minutes, and bringing its files to a slow storage
    "loops.tasks.process_recording": {"soft_time_limit": 3000, "time_limit": 3060}
}
CELERY_WORKER_CONCURRENCY = env.number("WORKER_PROCESSES", 2, least=1)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 7200,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "health_check_interval": 25,
    "global_keyprefix": f"{REDIS_PREFIX}:",
}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_QUEUES = {name: {"exchange": name} for name in ("default", "media", "calibration")}
CELERY_TASK_ROUTES = {
    "loops.tasks.process_*": {"queue": "media"},
    "feedback.tasks.calibrate": {"queue": "calibration"},
}
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(LOCAL_DIR / "beat-schedule")
SWEEP_EVERY_S = 15
CELERY_BEAT_SCHEDULE = {
    f"{name}-sweep": {
        "task": f"{name}.tasks.sweep",
        "schedule": SWEEP_EVERY_S,
        "options": {"expires": SWEEP_EVERY_S},
    }
    for name in ("loops", "feedback")
}

# The API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "config.pagination.Pages",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.one_error_shape",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Plumbline",
    "DESCRIPTION": (
        "Rubrics, loops, attempts, the grading queue and readiness, behind the same doors as "
        "the pages."
    ),
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "ENUM_NAME_OVERRIDES": {
        "Rank": "rubrics.models.Rank",
        "Ladder": "rubrics.models.Ladder",
        "AttemptState": "loops.models.Attempt.State",
        "AttemptKind": "loops.models.Attempt.Kind",
        "ArtifactKind": "loops.models.Artifact.Kind",
        "RecordingState": "loops.models.Recording.State",
        "TrackRole": "loops.models.Track.Role",
        "MembershipRole": "loops.models.Membership.Role",
        "ReviewState": "feedback.models.Review.State",
    },
}
