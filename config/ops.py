"""What an operator's machines ask: is the process alive, can it do its work. No secret is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import tzdata
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from loops.blobs import has_room
from loops.queries.progress import waiting_since

STUCK_AFTER = timedelta(minutes=10)


class NotReady(Exception):
    """A part does not do its work; the message may be shown to anybody."""


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that this process takes requests; asks nothing of any other part."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when every part works, else 503 with the parts that do not.

    Beside them stand the edition of the time zones by which local hours are read, whether the
    disk takes recordings, and how many of these no worker has begun for ten minutes: a full disk
    and a dead worker stop those, and nothing else that this process does.
    """
    parts = {name: _state(probe) for name, probe in PROBES.items()}
    is_ready = all(state == "ok" for state in parts.values())
    told = {
        "ready": is_ready,
        "parts": parts,
        "has_room": has_room(0),
        "recordings_stuck": _stuck() if parts["database"] == "ok" else None,
        "time_zones": tzdata.IANA_VERSION,
    }
    return JsonResponse(told, status=200 if is_ready else 503)


def _state(probe: Callable[[], None]) -> str:
    try:
        probe()
    except NotReady as reason:
        return str(reason)
    except Exception:
        return "failed"
    return "ok"


def _stuck() -> int | None:
    try:
        return waiting_since(timezone.now() - STUCK_AFTER).count()
    except DatabaseError:  # not migrated yet
        return None


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    key = f"readyz-{uuid.uuid4().hex}"
    cache.set(key, "1", timeout=10)
    if cache.get(key) != "1":
        raise NotReady("what was written could not be read")
    cache.delete(key)


def _storage() -> None:
    for alias in ("recordings", "staging"):
        storage = storages[alias]
        storage.delete(storage.save(f"readyz-{uuid.uuid4().hex}", ContentFile(b"ok")))


def _migrations() -> None:
    executor = MigrationExecutor(connection)
    count = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if count:
        raise NotReady(f"{count} not applied")


PROBES: dict[str, Callable[[], None]] = {
    "database": _database,
    "redis": _redis,
    "storage": _storage,
    "migrations": _migrations,
}
