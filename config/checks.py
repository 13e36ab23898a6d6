"""System checks: what would otherwise be found out in production, at the worst time."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import tzdata
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string, module_has_submodule

from config.celery import app


@register(Tags.compatibility)
def tzdata_wins(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """See that time zones come from the package that is pinned, not from each machine."""
    if not zoneinfo.TZPATH:
        return []
    hint = (
        "PYTHONTZPATH must stay empty: settings.py calls zoneinfo.reset_tzpath(to=()), and "
        "something has set the path again."
    )
    told = (
        f"Time zones are read from the system's files in {zoneinfo.TZPATH[0]}, not from the "
        f"package tzdata ({tzdata.IANA_VERSION})."
    )
    return [Error(told, hint=hint, id="plumbline.E001")]


@register(Tags.security)
def media_are_private(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """See that no recording lies in a folder that is served to anybody."""
    served = [Path(settings.STATIC_ROOT), *map(Path, settings.STATICFILES_DIRS)]
    media = Path(settings.MEDIA_DIR)
    return [
        Error(
            f"MEDIA_DIR {media} and the static folder {folder} lie within each other.",
            hint="Recordings are private: give them a folder of their own.",
            id="plumbline.E002",
        )
        for folder in served
        if media.is_relative_to(folder) or folder.is_relative_to(media)
    ]


@register(Tags.async_support)
def no_task_outlives_its_message(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """See that a task ends before Redis hands its message to a second worker."""
    visible_again_s: Any = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    return [
        Error(
            f"{name} may run for {limit_s} s, more than half of the visibility timeout "
            f"of {visible_again_s} s.",
            hint="Lower its time_limit, or raise the visibility timeout.",
            id="plumbline.E003",
        )
        for name, limit_s in _time_limits()
        if limit_s * 2 >= visible_again_s
    ]


def _time_limits() -> Iterator[tuple[str, float]]:
    for package in apps.get_app_configs():
        if module_has_submodule(package.module, "tasks"):
            import_module(f"{package.name}.tasks")
    for name, task in sorted(app.tasks.items()):
        yield name, float(task.time_limit or settings.CELERY_TASK_TIME_LIMIT)


@register(Tags.compatibility)
def speech_engine_is_there(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """See that the speech engine can be had, without making one: it may be large."""
    if not settings.SPEECH_ENGINE:
        return []
    hint = "docs/speech_engine.md shows what an engine looks like."
    try:
        found = import_string(settings.SPEECH_ENGINE)
    except ImportError as error:
        told = f"SPEECH_ENGINE {settings.SPEECH_ENGINE} cannot be imported: {error}"
        return [Error(told, hint=hint, id="plumbline.E004")]
    if callable(getattr(found, "transcribe", None)):
        return []
    told = f"SPEECH_ENGINE {settings.SPEECH_ENGINE} has no method transcribe."
    return [Error(told, hint=hint, id="plumbline.E004")]


@register(Tags.security, deploy=True)
def mail_can_be_sent(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """See that a forgotten password can be reset."""
    if "dummy" not in settings.EMAIL_BACKEND:
        return []
    hint = "EMAIL_URL=smtp+tls://user:password@host:587"
    return [Warning("No mail leaves this app.", hint=hint, id="plumbline.W001")]


@register(Tags.security, deploy=True)
def servers_are_real(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """See that production does not live on the servers meant for one machine's trial."""
    if settings.EMBEDDED is None:
        return []
    hint = "Set DATABASE_URL and REDIS_URL."
    return [Warning("The embedded servers are used.", hint=hint, id="plumbline.W002")]
