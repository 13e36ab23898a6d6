"""Whatever is sent, in whatever order, cut, damaged, raced or crashed: the file is what was taken.

A model of what the server has acknowledged runs beside the door, on a real database and disk.
"""

import base64
import errno
import hashlib
import io
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.test import Client
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from loops import blobs, tus
from loops.actions import recordings
from loops.models import Attempt, Recording, Upload, User
from tests import factories
from tests.factories import NOW
from tests.threads import together

EBML = b"\x1a\x45\xdf\xa3"
MIB = 1024 * 1024
MOST_BYTES = 700_000
QUOTA_BYTES = 1_000_000
SIZES = st.one_of(
    st.sampled_from([0, 1, 11, 12, 65_535, 65_536, 65_537, 200_000]), st.integers(1, 100_000)
)
ELSEWHERE = ["append", "finish", "discard", "terminate"]
SELDOM = st.sampled_from([False, False, True])


@dataclass
class Sent:
    """What the model knows of one upload."""

    path: str
    key: str
    length: int | None
    acknowledged: bytearray = field(default_factory=bytearray)

    @property
    def is_whole(self) -> bool:
        return self.length == len(self.acknowledged)


class Body(io.BytesIO):
    """A request's body: it may break off, and something may happen while it comes in."""

    def __init__(self, content: bytes, *, meanwhile: Callable[[], object] | None = None) -> None:
        super().__init__(content)
        self.meanwhile = meanwhile

    def read(self, size: int | None = -1, /) -> bytes:
        if self.meanwhile:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        block = super().read(size)
        if not block and size:
            raise ConnectionResetError
        return block


class Uploads(RuleBasedStateMachine):
    """One member, who records with one or more uploads; `state` is recording, finished or gone."""

    def __init__(self) -> None:
        super().__init__()
        self.noise = Random(7)  # noqa: S311 - nobody is to guess them
        self.keys: set[str] = set()
        self.uploads: list[Sent] = []
        self.state = "gone"
        self.recording = ""

    @initialize()
    def join(self) -> None:
        """Let a member join who has a draft, and begin."""
        person = factories.person(quota_bytes=QUOTA_BYTES)
        round_ = factories.loop(person, factories.cohort(person)).rounds.get()
        self.attempt = factories.attempt(round_, state="draft", predicted_rank=2)
        self.client = Client(raise_request_exception=False)
        self.client.force_login(person)
        self.begin_anew(None)

    # Asking

    def ask(
        self, method: str, path: str, body: Body | None = None, size: int = 0, **told: Any
    ) -> Any:
        """Ask as a browser does, on whatever thread; a fault of the server answers 500."""
        client = Client(raise_request_exception=False)
        client.handler, client.cookies = self.client.handler, self.client.cookies
        return client.request(
            REQUEST_METHOD=method,
            PATH_INFO=path,
            CONTENT_LENGTH=str(size),
            HTTP_TUS_RESUMABLE=tus.VERSION,
            **{"CONTENT_TYPE": tus.APPEND_TYPE, "wsgi.input": body or io.BytesIO(b""), **told},
        )

    def patch(self, sent: Sent, content: bytes, **told: Any) -> Any:
        """Append, at the right offset unless told otherwise."""
        told.setdefault("HTTP_UPLOAD_OFFSET", str(len(sent.acknowledged)))
        body = told.pop("body", None) or Body(content)
        return self.ask("PATCH", sent.path, body, len(content), **told)

    def post(self, path: str, facts: object = None) -> Any:
        """Post a recorder's JSON, or a person's form."""
        text = b"" if facts is None else json.dumps(facts).encode()
        kind = "application/x-www-form-urlencoded" if facts is None else "application/json"
        return self.ask("POST", path, Body(text), len(text), CONTENT_TYPE=kind)

    def bytes_for(self, sent: Sent, size: int) -> bytes:
        """Return bytes never sent before; a file's first ones are a recording's."""
        noise = self.noise.randbytes(size)
        return noise if sent.acknowledged else (EBML + noise)[:size]

    # What the model expects

    def limit_of(self, sent: Sent) -> int:
        """Return where an upload must end, of all that limits it but its own length."""
        others = sum(len(one.acknowledged) for one in self.uploads if one is not sent)
        return min(MOST_BYTES, QUOTA_BYTES - others)

    def take(self, sent: Sent, content: bytes, length: int | None) -> None:
        """Note that bytes were acknowledged; the last ones finish the recording."""
        sent.acknowledged += content
        sent.length = length
        if sent.is_whole and all(one.is_whole for one in self.uploads):
            self.state = "finished"

    def close(self) -> None:
        """Note that the recording was closed with what had arrived."""
        self.state = "finished"
        self.uploads = [one for one in self.uploads if one.acknowledged]
        for one in self.uploads:
            one.length = len(one.acknowledged)

    def put_away(self) -> None:
        """Note that all of the recording is gone."""
        self.state = "gone"

    @property
    def has_bytes(self) -> bool:
        return any(one.acknowledged for one in self.uploads)

    def one(self, data: st.DataObject) -> Sent:
        return data.draw(st.sampled_from(self.uploads))

    # What may be done

    def begin(self, length: int | None, recording: str = "") -> Sent:
        """Open an upload and note it."""
        role = "upload" if not recording else ("camera", "screen", "upload")[len(self.uploads) % 3]
        facts = {"role": role, "filetype": "video/webm", "consent": "yes"}
        facts |= {"recording": recording} if recording else {}
        pairs = (f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in facts.items())
        told: dict[str, Any] = (
            {"HTTP_UPLOAD_LENGTH": str(length)} if length else {"HTTP_UPLOAD_DEFER_LENGTH": "1"}
        )
        answer = self.ask(
            "POST",
            f"/attempts/{self.attempt.public_id}/tracks/",
            HTTP_UPLOAD_METADATA=",".join(pairs),
            **told,
        )
        assert answer.status_code == 201, answer.content
        opened = answer.json()
        self.recording = f"/recordings/{opened['recording']}/"
        key = Upload.objects.get(public_id=opened["upload"]).staging_key
        self.keys.add(key)
        return Sent(opened["append_url"], key, length)

    @precondition(lambda self: self.state == "gone" or not self.has_bytes)
    @rule(length=st.none() | st.integers(1, 300_000))
    def begin_anew(self, length: int | None) -> None:
        """Begin again, where there is nothing to lose."""
        self.uploads = []
        self.uploads = [self.begin(length)]
        self.state = "recording"

    @precondition(lambda self: self.state == "recording" and len(self.uploads) < 3)
    @rule(length=st.none() | st.integers(1, 300_000))
    def add_a_part(self, length: int | None) -> None:
        """Add a track, or a further part of one."""
        self.uploads.append(self.begin(length, self.recording.split("/")[2]))

    @rule(
        data=st.data(),
        size=SIZES,
        at=st.sampled_from(["here"] * 6 + ["again", "from the start", "further on"]),
        check=st.sampled_from(["none", "right", "wrong", "sha1"]),
        cut=st.none() | st.floats(0, 1),
        told=st.sampled_from(["nothing"] * 6 + ["its end", "more", "less", "too much"]),
        room=st.none() | st.integers(0, 210_000),
        is_media=st.sampled_from([True] * 5 + [False]),
    )
    def append(
        self,
        *,
        data: st.DataObject,
        size: int,
        at: str,
        check: str,
        cut: float | None,
        told: str,
        room: int | None,
        is_media: bool,
    ) -> None:
        """Send bytes: in order or not, whole or cut, sound or damaged, to a disk that may fill."""
        sent = self.one(data)
        here = len(sent.acknowledged)
        content = self.bytes_for(sent, size) if is_media else b"<!doctype html>"[:size]
        size = len(content)
        offset = {"here": here, "again": max(0, here - 1), "from the start": 0}.get(at, here + 1)
        came = content if cut is None else content[: int(size * cut)]
        length = {"its end": here + size, "more": here + size + 9, "too much": MOST_BYTES + 1}.get(
            told, max(0, here - 1) if told == "less" else None
        )
        headers = {"HTTP_UPLOAD_OFFSET": str(offset)}
        if check != "none":
            digest = hashlib.sha1 if check == "sha1" else hashlib.sha256
            summed = content + b"!" if check == "wrong" else content
            name = "sha1" if check == "sha1" else "sha256"
            told_digest = base64.b64encode(digest(summed).digest()).decode()
            headers["HTTP_UPLOAD_CHECKSUM"] = f"{name} {told_digest}"
        if length is not None:
            headers["HTTP_UPLOAD_LENGTH"] = str(length)

        with disk_with_room(room):
            answer = self.patch(sent, content, body=Body(came), **headers)

        end = sent.length if length is None else length
        is_retold = length is not None and length != sent.length
        is_wrong_length = is_retold and (sent.length is not None or length < max(here, 1))  # type: ignore[operator]
        is_damaged = check != "none" and (check == "wrong" or came != content)
        is_refused_type = not here and came and not is_media and len(came) >= 12
        expected = next(
            status
            for status, is_so in [
                (410, self.state == "gone"),
                (409, self.state == "finished"),
                (400, is_wrong_length),
                (413, is_retold and length is not None and length > MOST_BYTES),
                (409, offset != here),
                (400, end is not None and offset + size > end),
                (413, offset + size > self.limit_of(sent)),
                (415, is_refused_type),
                (507, room is not None and len(came) > room),
                (460, is_damaged),
                (204, True),
            ]
            if is_so
        )
        event(f"append {expected}")
        assert answer.status_code == expected, (answer.status_code, answer.content)
        if expected == 204:
            self.take(sent, came, end)
            assert answer["Upload-Offset"] == str(len(sent.acknowledged))
        elif "Upload-Offset" in answer:
            assert answer["Upload-Offset"] == str(here)
        if expected == 409:
            assert "Upload-Offset" in answer

    @precondition(lambda self: self.state == "recording")
    @rule(data=st.data(), size=st.sampled_from([1, 5000, 70_000]), writers=st.integers(2, 4))
    def race(self, data: st.DataObject, size: int, writers: int) -> None:
        """Send different bytes to one offset from several windows at one instant."""
        sent = self.one(data)
        here, limit = len(sent.acknowledged), self.limit_of(sent)
        size = min(size, limit - here if sent.length is None else min(limit, sent.length) - here)
        if size < 1:
            return
        bodies = [self.bytes_for(sent, size) for _writer in range(writers)]

        def send(body: bytes) -> Callable[[], int]:
            return lambda: self.patch(sent, body, HTTP_UPLOAD_OFFSET=str(here)).status_code

        told = together([send(body) for body in bodies])

        event(f"race {sorted(told)}")
        assert told.count(204) == 1, told
        assert {*told} <= {204, 409, 423}
        self.take(sent, bodies[told.index(204)], sent.length)

    @precondition(lambda self: self.state == "recording")
    @rule(data=st.data(), size=st.integers(1, 150_000), happens=st.sampled_from(ELSEWHERE))
    def meanwhile(self, data: st.DataObject, size: int, happens: str) -> None:
        """Let something else happen in another window while bytes come in."""
        self.send_while(data, size, happens)

    @precondition(lambda self: self.state == "recording" and self.has_bytes)
    @rule(data=st.data(), size=st.integers(1, 150_000))
    def finish_meanwhile(self, data: st.DataObject, size: int) -> None:
        """Close the recording by hand while bytes come in; they are too late."""
        self.send_while(data, size, "finish")

    def send_while(self, data: st.DataObject, size: int, happens: str) -> None:
        """Append, and let something else happen between its first look and its first byte."""
        sent = self.one(data)
        here = len(sent.acknowledged)
        if here + size > self.limit_of(sent) or (sent.length and here + size > sent.length):
            return
        inner: list[Any] = []
        does: dict[str, Callable[[], Any]] = {
            "append": lambda: self.patch(sent, b"another window's", HTTP_UPLOAD_OFFSET=str(here)),
            "finish": lambda: self.post(self.recording + "finish/"),
            "discard": lambda: self.post(self.recording + "discard/", {}),
            "terminate": lambda: self.ask("DELETE", sent.path),
        }
        content = self.bytes_for(sent, size)
        body = Body(content, meanwhile=lambda: inner.extend(together([does[happens]])))

        status = self.patch(sent, content, body=body).status_code

        event(f"{happens} meanwhile {inner[0].status_code} {status}")
        is_alone = len(self.uploads) == 1
        if happens == "append" or (happens == "finish" and not self.has_bytes):
            assert (inner[0].status_code, status) == (423 if happens == "append" else 302, 204)
            self.take(sent, content, sent.length)
        elif happens == "finish":
            assert (inner[0].status_code, status) == (302, 409)
            self.close()
        elif happens == "terminate" and not is_alone:
            assert (inner[0].status_code, status) == (204, 409)
            self.uploads.remove(sent)
        else:
            assert inner[0].status_code in {200, 204}
            assert status in {204, 409}  # too late to be seen, and as gone
            self.put_away()

    @precondition(lambda self: self.state == "recording")
    @rule(data=st.data(), size=st.integers(1, 90_000), dies=st.sampled_from(["database", "disk"]))
    def break_down(self, data: st.DataObject, size: int, dies: str) -> None:
        """Lose the database or the disk when the bytes are written and nobody knows yet."""
        sent = self.one(data)
        here = len(sent.acknowledged)
        if here + size > self.limit_of(sent) or (sent.length and here + size > sent.length):
            return
        content = self.bytes_for(sent, size)
        where, error = {
            "database": ("loops.actions.recordings._acknowledge", OperationalError()),
            "disk": ("os.fdatasync", OSError(errno.EIO, "broken")),
        }[dies]

        with mock.patch(where, side_effect=error):
            answer = self.patch(sent, content)

        assert answer.status_code == 500

    @precondition(lambda self: self.uploads)
    @rule(data=st.data())
    def ask_where(self, data: st.DataObject) -> None:
        """Ask where an upload goes on."""
        sent = self.one(data)

        answer = self.ask("HEAD", sent.path)

        if self.state == "gone":
            assert answer.status_code == 410
        else:
            assert answer["Upload-Offset"] == str(len(sent.acknowledged))
            assert answer.get("Upload-Length", "") == str(sent.length or "")

    @precondition(lambda self: self.uploads)
    @rule(data=st.data(), size=st.integers(1, 100_000))
    def crash(self, data: st.DataObject, size: int) -> None:
        """Be killed with bytes on the disk that nobody acknowledged, and start anew."""
        path = blobs.staged_path(self.one(data).key)
        if path.exists():
            with path.open("ab") as file:
                file.write(self.noise.randbytes(size))
        connection.close()

    @precondition(lambda self: self.state == "recording")
    @rule(by=st.sampled_from(["recorder", "recorder too early", "hand"]))
    def finish(self, by: str) -> None:
        """Close the recording, as its recorder or by hand."""
        lengths = {one.path.split("/")[2]: len(one.acknowledged) for one in self.uploads}
        if by == "recorder too early":
            lengths = {pk: length + 1 for pk, length in lengths.items()}
        facts = None if by == "hand" else {"uploads": lengths}

        answer = self.post(self.recording + "finish/", facts)

        if by == "hand":
            assert answer.status_code == 302
        else:
            is_done = self.has_bytes and by == "recorder"
            assert answer.status_code == (200 if is_done else 409), answer.content
        if self.has_bytes and by != "recorder too early":
            self.close()

    @precondition(lambda self: self.state != "gone")
    @rule(is_meant=SELDOM)
    def discard(self, is_meant: bool) -> None:
        """Throw the recording away."""
        if not is_meant:
            return
        assert self.post(self.recording + "discard/", {}).json()["state"] == "discarded"
        self.put_away()

    @rule(data=st.data(), is_meant=SELDOM)
    def terminate(self, data: st.DataObject, is_meant: bool) -> None:
        """Take one upload away; the last one takes the recording along."""
        if not is_meant:
            return
        sent = self.one(data)

        status = self.ask("DELETE", sent.path).status_code

        assert status == {"recording": 204, "finished": 409, "gone": 410}[self.state]
        if self.state == "recording" and len(self.uploads) > 1:
            self.uploads.remove(sent)
        elif self.state == "recording":
            self.put_away()

    # What holds

    @invariant()
    def what_was_acknowledged_is_what_the_file_holds(self) -> None:
        if self.state == "gone":
            return
        rows = {row.staging_key: row for row in Upload.objects.filter(staging_key__in=self.keys)}
        for sent in self.uploads:
            row, path = rows[sent.key], blobs.staged_path(sent.key)
            assert (row.received_bytes, row.length_bytes) == (len(sent.acknowledged), sent.length)
            if self.state == "finished":
                assert row.length_bytes == row.received_bytes
                assert blobs.whole(sent.key, row.received_bytes).read_bytes() == sent.acknowledged
            with path.open("rb") as file:
                assert file.read(row.received_bytes) == sent.acknowledged

    @invariant()
    def nothing_is_left_of_what_is_gone(self) -> None:
        live = {one.key for one in self.uploads} if self.state != "gone" else set()
        assert {key for key in self.keys if blobs.staged_path(key).exists()} == live

    @invariant()
    def the_recording_stands_as_the_model_says(self) -> None:
        if self.recording:
            row = Recording.objects.get(public_id=self.recording.split("/")[2])
            states = {"recording": "recording", "finished": "uploaded", "gone": "discarded"}
            assert row.state == states[self.state]


@contextmanager
def disk_with_room(room: int | None) -> Iterator[None]:
    """Let the disk be full after so many bytes more."""
    left = room

    def write(staged: blobs.Staged, block: bytes) -> None:
        nonlocal left
        if left is not None and len(block) > left:
            real(staged, block[:left])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left = None if left is None else left - len(block)
        real(staged, block)

    real = blobs.Staged._write
    with mock.patch.object(blobs.Staged, "_write", write):
        yield


@pytest.mark.django_db(transaction=True)
def test_uploads(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.UPLOAD_MAX_BYTES = MOST_BYTES
    settings.DISK_FLOOR_BYTES = 0
    monkeypatch.setattr(
        os, "fdatasync", lambda _file: None
    )  # no power is cut here, and disks are slow
    monkeypatch.setattr(recordings, "enqueue", lambda *_task, **_ids: None)
    monkeypatch.setattr(recordings, "QUOTA_STEP_BYTES", 1)
    run_state_machine_as_test(Uploads, settings=PLAN)


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder that holds no file above 6 MiB: a small disk, or a limit on files."""
    if request.param == "limit":
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6 * MIB, limits[1]))
        yield tmp_path
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("Only root may mount a small disk; the other case limits the file instead.")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize("small_disk", ["disk", "limit"], indirect=True)
def test_a_disk_that_fills_up_keeps_what_it_acknowledged(
    small_disk: Path, settings: Any, draft: Attempt, candidate: User
) -> None:
    settings.MEDIA_DIR, settings.DISK_FLOOR_BYTES = small_disk, 0
    upload = recordings.begin(
        attempt=draft, role="upload", content_type="video/webm", by=candidate, at=NOW
    )
    sent = (EBML + os.urandom(8 * MIB))[: 8 * MIB]

    def append(offset: int, size: int) -> int:
        body = io.BytesIO(sent[offset : offset + size])
        return recordings.append(
            upload=upload, stream=body, offset=offset, size=size, by=candidate, at=NOW
        )

    reached = append(0, 5 * MIB)
    with (
        mock.patch.object(blobs, "has_room", return_value=True),
        pytest.raises(recordings.ServerFull) as refusal,
    ):
        append(reached, 2 * MIB)

    upload.refresh_from_db()
    path = blobs.staged_path(upload.staging_key)
    assert refusal.value.offset == upload.received_bytes == 5 * MIB
    assert path.read_bytes() == sent[: 5 * MIB]
    assert append(5 * MIB, 64 * 1024) == 5 * MIB + 64 * 1024
    assert path.read_bytes() == sent[: 5 * MIB + 64 * 1024]


PLAN = settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
