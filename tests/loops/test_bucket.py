"""Recordings in a bucket: a real S3 server on loopback, real HTTP, the real storage class."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import boto3
import pytest
from django.core.files.base import File
from django.core.files.storage import storages
from django.test import Client, RequestFactory, TestCase
from moto.server import ThreadedMotoServer

from config.bucket import BucketDown, PrivateBucket
from config.servers.nginx import free_port
from loops import blobs
from loops.actions import recordings
from loops.links import link_to
from loops.models import Attempt, Recording, Rendition, User
from loops.queries.keeping import erasure_of
from loops.sending import BLOCK_BYTES
from tests import factories
from tests.factories import NOW

MIB = 2**20
CONTENT = bytes(range(256)) * 1024
KEYS = {"region": "eu-central-1", "access_key": "key", "secret_key": "secret"}


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of an S3 server."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def s3(server: str) -> Any:
    """Somebody who looks into the buckets from outside."""
    return boto3.client(
        "s3",
        endpoint_url=server,
        region_name=KEYS["region"],
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )


@pytest.fixture
def bucket(s3: Any) -> str:
    """The name of an empty bucket."""
    name = f"recordings-{uuid4().hex}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return name


@pytest.fixture
def storage(settings: Any, server: str, bucket: str) -> PrivateBucket:
    """The storage of recordings, kept in that bucket by the product's own settings."""
    options = {"bucket": bucket, "endpoint": server, **KEYS}
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": {"BACKEND": "config.bucket.PrivateBucket", "OPTIONS": options},
    }
    return cast("PrivateBucket", storages["recordings"])


@pytest.fixture
def played(recorded: Recording) -> Rendition:
    """What is played of the candidate's recording; no file is stored yet."""
    rendition: Rendition = recorded.tracks.get().renditions.get()
    rendition.size_bytes = len(CONTENT)
    rendition.save()
    return rendition


def keys(s3: Any, bucket: str) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def unfinished(s3: Any, bucket: str) -> list[Any]:
    found: list[Any] = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return found


def store(name: str, content: bytes, folder: Path) -> None:
    path = folder / "made"
    path.write_bytes(content)
    blobs.keep(path, name)


def link(client: Client, rendition: Rendition) -> str:
    request = RequestFactory().get("/")
    request.session = client.session
    return link_to(request, rendition)


# The storage


def test_a_kept_file_lies_in_the_bucket_alone_and_is_private(
    storage: PrivateBucket, s3: Any, bucket: str, tmp_path: Path
) -> None:
    name = blobs.name_for(uuid4(), "playable", ".webm")

    store(name, CONTENT, tmp_path)

    assert keys(s3, bucket) == [name]
    assert [*tmp_path.iterdir()] == []
    assert (storage.exists(name), storage.size(name)) == (True, len(CONTENT))
    with blobs.open_stored(name) as file:
        assert file.read() == CONTENT
    grants = s3.get_object_acl(Bucket=bucket, Key=name)["Grants"]
    assert {grant["Grantee"]["Type"] for grant in grants} == {"CanonicalUser"}
    with pytest.raises(ValueError, match="no URL"):
        storage.url(name)


def test_a_file_made_again_takes_the_place_of_the_first(
    storage: PrivateBucket, s3: Any, bucket: str, tmp_path: Path
) -> None:
    name = blobs.name_for(uuid4(), "playable", ".webm")

    for content in (b"first", b"second"):
        store(name, content, tmp_path)

    assert keys(s3, bucket) == [name]
    assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == b"second"


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (5, 70_000), (len(CONTENT) - 3, len(CONTENT))])
def test_a_span_is_fetched_by_itself(
    storage: PrivateBucket, tmp_path: Path, start: int, stop: int
) -> None:
    name = blobs.name_for(uuid4(), "playable", ".webm")
    store(name, CONTENT, tmp_path)

    span = storage.open_span(name, start, stop)
    blocks = [*iter(lambda: span.read(BLOCK_BYTES), b"")]
    span.close()

    assert b"".join(blocks) == CONTENT[start:stop]
    assert max(map(len, blocks)) <= BLOCK_BYTES


def test_a_large_file_is_stored_in_one_request(
    storage: PrivateBucket, s3: Any, bucket: str, tmp_path: Path
) -> None:
    """So a worker that is killed leaves no parts, which nobody sees and everybody pays for."""
    name = blobs.name_for(uuid4(), "playable", ".webm")

    store(name, os.urandom(20 * MIB), tmp_path)

    assert s3.head_object(Bucket=bucket, Key=name)["ContentLength"] == 20 * MIB
    assert "-" not in s3.head_object(Bucket=bucket, Key=name)["ETag"]
    assert unfinished(s3, bucket) == []


def test_a_file_that_breaks_while_it_is_stored_leaves_nothing(
    storage: PrivateBucket, s3: Any, bucket: str
) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 2 * MIB:
                raise OSError("the disk is gone")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is gone"):
        storage.save("aa/broken.webm", File(Broken(bytes(12 * MIB))))

    assert keys(s3, bucket) == []
    assert unfinished(s3, bucket) == []


def test_erasing_leaves_no_object(storage: PrivateBucket, s3: Any, bucket: str) -> None:
    storage.save("aa/one", File(io.BytesIO(b"1")))
    storage.save("aa/one-more", File(io.BytesIO(b"2")))

    blobs.delete_stored("aa/one")
    blobs.delete_stored("aa/one")

    assert keys(s3, bucket) == ["aa/one-more"]


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_erasing_leaves_no_version_either(
    storage: PrivateBucket, s3: Any, bucket: str, status: str
) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for content in (b"1", b"2"):
        storage.save("aa/one", File(io.BytesIO(content)))
    storage.save("aa/one-more", File(io.BytesIO(b"3")))
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})

    blobs.delete_stored("aa/one")

    found = s3.list_object_versions(Bucket=bucket)
    assert [version["Key"] for version in found.get("Versions", [])] == ["aa/one-more"]
    assert found.get("DeleteMarkers", []) == []


@pytest.mark.parametrize("broken", [{"bucket": "nobody-made-this"}, {"endpoint": "closed"}])
def test_a_bucket_that_is_down_is_an_error_of_the_disk_and_no_missing_file(
    server: str, bucket: str, broken: dict[str, str]
) -> None:
    options = {"bucket": bucket, "endpoint": server, **KEYS, **broken}
    if options["endpoint"] == "closed":
        options["endpoint"] = f"http://127.0.0.1:{free_port()}"
    storage = PrivateBucket(**options)

    for ask in (
        lambda: storage.open_span("aa/one", 0, 1),
        lambda: storage.save("aa/one", File(io.BytesIO(b"1"))),
        lambda: storage.delete("aa/one"),
    ):
        with pytest.raises(BucketDown):
            ask()


def test_what_is_not_there_is_a_missing_file(storage: PrivateBucket) -> None:
    for ask in (lambda: storage.open_span("aa/one", 0, 1), lambda: storage.size("aa/one")):
        with pytest.raises(FileNotFoundError):
            ask()
    assert not storage.exists("aa/one")


# The view


def test_a_player_seeks_in_a_recording_of_the_bucket(
    storage: PrivateBucket, played: Rendition, candidate: User, client: Client, tmp_path: Path
) -> None:
    """Through the app, which asks for session and permission each time: no link of the bucket's."""
    store(played.name, CONTENT, tmp_path)
    client.force_login(candidate)
    address = link(client, played)

    for header, start, stop in (
        ("bytes=0-", 0, len(CONTENT)),
        ("bytes=200000-200009", 200_000, 200_010),
        ("bytes=100-", 100, len(CONTENT)),
        ("bytes=-5", len(CONTENT) - 5, len(CONTENT)),
    ):
        response: Any = client.get(address, headers={"Range": header})
        assert response.status_code == 206
        assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
        blocks = [*response.streaming_content]
        assert b"".join(blocks) == CONTENT[start:stop]
        assert max(map(len, blocks)) <= BLOCK_BYTES
        assert not any("127.0.0.1" in value for value in response.headers.values())
    whole: Any = client.get(address)
    assert (whole.status_code, b"".join(whole.streaming_content)) == (200, CONTENT)
    head = client.head(address)
    assert (head.status_code, head["Content-Length"]) == (200, str(len(CONTENT)))
    assert client.get(address, headers={"Range": "bytes=999999-"}).status_code == 416


def test_an_object_that_is_gone_is_404(
    storage: PrivateBucket, played: Rendition, candidate: User, client: Client
) -> None:
    client.force_login(candidate)

    assert client.get(link(client, played)).status_code == 404


def test_nginx_is_left_out_where_recordings_lie_in_a_bucket(  # noqa: PLR0917 - fixtures
    storage: PrivateBucket,
    played: Rendition,
    candidate: User,
    client: Client,
    settings: Any,
    tmp_path: Path,
) -> None:
    settings.MEDIA_SENDER = "nginx"
    store(played.name, CONTENT, tmp_path)
    client.force_login(candidate)

    response: Any = client.get(link(client, played))

    assert "X-Accel-Redirect" not in response.headers
    assert b"".join(response.streaming_content) == CONTENT


def test_a_bucket_that_is_down_is_told_in_words(
    settings: Any, bucket: str, played: Rendition, candidate: User, client: Client
) -> None:
    options = {"bucket": bucket, "endpoint": f"http://127.0.0.1:{free_port()}", **KEYS}
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": {"BACKEND": "config.bucket.PrivateBucket", "OPTIONS": options},
    }
    client.force_login(candidate)

    response = client.get(link(client, played))

    assert response.status_code == 503
    assert response.json()["code"] == "storage_down"
    assert "Nothing is lost" in response.json()["message"]
    assert (response["Retry-After"], response["Cache-Control"]) == ("10", "no-store")


# Erasing an answer's recording


def test_an_erased_recording_leaves_nothing_in_the_bucket_or_on_the_disk(  # noqa: PLR0917 - fixtures
    storage: PrivateBucket,
    played: Rendition,
    candidate: User,
    s3: Any,
    bucket: str,
    tmp_path: Path,
) -> None:
    recording = played.track.recording
    store(played.name, CONTENT, tmp_path)
    upload = factories.upload(recording)
    blobs.staged_path(upload.staging_key).write_bytes(CONTENT)
    Attempt.objects.filter(pk=recording.attempt_id).update(
        state=Attempt.State.SUBMITTED, submitted_at=NOW, energy=0
    )

    recordings.erase(recording=recording, by=candidate, at=NOW)
    recordings.clear(recording_id=recording.pk)

    assert keys(s3, bucket) == []
    assert unfinished(s3, bucket) == []
    assert not blobs.staged_path(upload.staging_key).exists()
    assert not Rendition.objects.filter(pk=played.pk).exists()


def test_a_bucket_that_is_down_keeps_the_rows_that_name_its_objects(
    settings: Any, bucket: str, played: Rendition, candidate: User
) -> None:
    options = {"bucket": bucket, "endpoint": f"http://127.0.0.1:{free_port()}", **KEYS}
    settings.STORAGES = {
        **settings.STORAGES,
        "recordings": {"BACKEND": "config.bucket.PrivateBucket", "OPTIONS": options},
    }
    recordings.erase(recording=played.track.recording, by=candidate, at=NOW)

    with pytest.raises(BucketDown):
        recordings.clear(recording_id=played.track.recording_id)

    assert Rendition.objects.filter(pk=played.pk).exists()


def test_the_sweep_erases_in_the_bucket_what_was_left_while_it_was_down(  # noqa: PLR0917 - fixtures
    storage: PrivateBucket,
    settings: Any,
    s3: Any,
    bucket: str,
    played: Rendition,
    candidate: User,
    tmp_path: Path,
) -> None:
    recording = played.track.recording
    store(played.name, CONTENT, tmp_path)
    Attempt.objects.filter(pk=recording.attempt_id).update(
        state=Attempt.State.SUBMITTED, submitted_at=NOW, energy=0
    )
    there = settings.STORAGES
    options = {"bucket": bucket, "endpoint": f"http://127.0.0.1:{free_port()}", **KEYS}
    down = {"BACKEND": "config.bucket.PrivateBucket", "OPTIONS": options}
    settings.STORAGES = {**there, "recordings": down}
    with TestCase.captureOnCommitCallbacks(execute=True):
        recordings.erase(recording=recording, by=candidate, at=NOW)
    recordings.clear_left(at=NOW + timedelta(minutes=1))
    recording = Recording.objects.get(pk=recording.pk)
    erasure = erasure_of(recording)
    assert erasure is not None
    assert not erasure.is_over

    settings.STORAGES = there
    recordings.clear_left(at=NOW + timedelta(minutes=2))

    assert keys(s3, bucket) == []
    erasure = erasure_of(recording)
    assert erasure is not None
    assert erasure.is_over
