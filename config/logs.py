"""How records are written: one JSON line each with its request's id, readable in development."""

from __future__ import annotations

import logging
import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_PART = re.compile(
    r"(/(?:calendar|join|answers|accounts/password/reset/key|accounts/confirm-email)/)"
    r"[\w.:=~-]{16,}"
)
"""The part of an address that lets in whoever has it; what it begins with stays readable."""


def configuration(*, is_readable: bool, level: str) -> dict[str, Any]:
    """Return Django's LOGGING and set structlog up to go through it."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        _without_arguments,
        _without_secrets,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: list[Processor] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            )
        ]
        if is_readable
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *renderer,
                ],
            }
        },
        "filters": {"no_sweeps": {"()": "config.logs.NoSweeps"}},
        "handlers": {
            "stream": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["no_sweeps"],
            }
        },
        "root": {"handlers": ["stream"], "level": level},
        "loggers": {
            # Django would add handlers of its own for the console and for mail to the admins.
            "django": {"handlers": [], "level": level},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            "gunicorn.error": {"handlers": [], "level": level, "propagate": True},
        },
    }


class NoSweeps(logging.Filter):
    """Drops what Celery says of each sweep: four times a minute, that all went well."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a record unless it is a sweep's and no warning."""
        return record.levelno > logging.INFO or "tasks.sweep" not in record.getMessage()


def _without_arguments(logger: WrappedLogger, name: str, record: EventDict) -> EventDict:
    """Leave out the copy of a task's arguments that Celery adds to each of its records."""
    record.pop("data", None)
    return record


def _without_secrets(logger: WrappedLogger, name: str, record: EventDict) -> EventDict:
    """Leave the secret part of an address out of what is told, and out of its request."""
    for key in ("event", "path", "request"):
        if key in record:
            record[key] = SECRET_PART.sub(r"\1[secret]", str(record[key]))
    return record
