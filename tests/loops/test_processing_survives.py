"""A recording is made ready by real workers that die, beside bells that ring twice and late."""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from loops import blobs
from loops.actions import processing
from loops.background import enqueue
from loops.models import Attempt, Recording, Rendition, Step, Upload
from tests import factories
from tests.processes import addresses
from tests.waiting import wait_until

DEATHS = [
    ("remux", "made"),
    ("remux", "kept"),
    ("remux", "written"),
    ("sound", "kept"),
    ("sound", "made"),
    ("picture", "made"),
    ("picture", "kept"),
]
OF_THE_APP = Path(settings.MEDIA_DIR)


def test_it_is_done_once_and_nothing_is_left_over(
    transactional_db: None, draft: Attempt, film: bytes, request: pytest.FixtureRequest
) -> None:
    then = timezone.now() - timedelta(minutes=5)
    recording = factories.recording(draft, state="uploaded", state_at=then, duration_ms=None)
    for role in ("camera", "screen"):
        factories.upload(recording, film, role=role)

    for step, moment in DEATHS:
        _die(recording, step, moment)
        Step.objects.filter(state="running").update(lease_until=timezone.now())
    request.getfixturevalue("worker")
    Recording.objects.update(state_at=then)
    for _bell in range(3):
        assert processing.ring_due(at=timezone.now()) == 1
        enqueue("loops.tasks.process_recording", recording_id=recording.pk)
    wait_until(lambda: not Step.objects.exclude(state="done").exists(), seconds=30)

    recording.refresh_from_db()
    assert recording.state == Recording.State.READY
    tries = {(step.track.role, step.name): step.tries for step in Step.objects.all()}
    assert tries["screen", "remux"] == tries["screen", "sound"] == 1, "nobody died of these"
    assert max(tries.values()) == processing.MOST_TRIES
    kinds = Counter(Rendition.objects.values_list("kind", flat=True))
    assert kinds == {"playable": 2, "peaks": 2, "poster": 2, "strip": 2}
    stored = {path for path in (OF_THE_APP / "recordings").rglob("*.*") if path.is_file()}
    names = Rendition.objects.values_list("name", flat=True)
    mine = {OF_THE_APP / "recordings" / name for name in names}
    folders = {path.parent for path in mine}
    assert {path for path in stored if path.parent in folders} == mine
    processing.clear_raw(at=timezone.now() + timedelta(hours=3))
    assert not list((OF_THE_APP / "staging").glob("scratch-*"))
    for upload in Upload.objects.all():
        assert not upload.is_kept
        assert not blobs.staged_path(upload.staging_key).exists()


def _die(recording: Recording, step: str, moment: str) -> None:
    """Run a worker that is killed at that moment."""
    command = [sys.executable, "-m", "tests.loops.dying_worker", str(recording.pk), step, moment]
    died = subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env={**os.environ, **addresses(), "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
