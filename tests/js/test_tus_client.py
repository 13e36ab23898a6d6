"""Our upload door as tus-js-client sees it: the client in Node, the app in a gunicorn."""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from loops import blobs
from loops.models import Upload, User
from tests import factories
from tests.js.node import NODE
from tests.processes import serving

HERE = Path(__file__).parent
VENDORED = HERE.parent / "vendor" / "tus-js-client"
MIB = 1024 * 1024
TOKEN = "k" * 32
TASKS = 6


def test_the_client_is_the_published_one() -> None:
    row = re.search(r"\| ([0-9a-f]{64}) \|$", (VENDORED / "README.md").read_text(), re.MULTILINE)

    assert row
    assert hashlib.sha256((VENDORED / "tus.min.js").read_bytes()).hexdigest() == row[1]
    assert "MIT License" in (VENDORED / "LICENSE.txt").read_text()


@pytest.mark.django_db(transaction=True)
def test_a_stranger_s_client_sends_resumes_streams_and_takes_away(
    candidate: User, cohort: Any, tmp_path: Path
) -> None:
    film = tmp_path / "film.webm"
    film.write_bytes(b"\x1a\x45\xdf\xa3" + os.urandom(4 * MIB))
    drafts = [
        factories.attempt(
            factories.loop(candidate, cohort).rounds.get(), state="draft", predicted_rank=2
        )
        for _task in range(TASKS)
    ]

    with serving(tmp_path / "server.log", WEB_WORKERS="1") as server:
        address = f"http://127.0.0.1:{server.port}"
        task = {
            "attempts": [f"{address}/attempts/{one.public_id}/tracks/" for one in drafts],
            "headers": {"Cookie": _cookies(candidate), "X-CSRFToken": TOKEN},
            "path": str(film),
        }
        ended = subprocess.run(
            [NODE, str(HERE / "tus_client.mjs")],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = json.loads(ended.stdout)

    size = film.stat().st_size
    pieces = [f"PATCH {offset} 204" for offset in range(0, size, MIB)]
    assert told["whole"]["asked"] == ["POST  201", *pieces]
    assert told["resumed"]["asked"] == ["HEAD  200", *pieces[2:]]
    # a stream's end is seen when nothing more comes, so its length is told with no bytes
    assert told["stream"]["asked"] == ["POST  201", *pieces, f"PATCH {size} 204"]
    # the answer to the second piece was lost: the client asks where to go on, and goes on there
    assert told["lost"]["asked"] == ["POST  201", *pieces[:2], "HEAD  200", *pieces[2:]]
    assert told["terminated"]["asked"] == ["POST  201", pieces[0], "DELETE  204"]
    assert told["refused"]["asked"] == ["POST  201", "PATCH 0 415"]
    assert "not a video or sound file" in told["refused"]["end"]
    for way in ("whole", "resumed", "stream", "lost"):
        assert told[way]["end"] == "sent"
        upload = _upload(told[way]["url"])
        assert upload.track.recording.state == "uploaded"
        assert blobs.staged_path(upload.staging_key).read_bytes() == film.read_bytes()
    gone = _upload(told["terminated"]["url"])
    assert gone.track.recording.state == "discarded"
    assert not blobs.staged_path(gone.staging_key).exists()


def _cookies(person: User) -> str:
    client = Client()
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME]
    return f"{session.key}={session.value}; {settings.CSRF_COOKIE_NAME}={TOKEN}"


def _upload(url: str) -> Upload:
    return Upload.objects.get(public_id=url.rstrip("/").rpartition("/")[2])
