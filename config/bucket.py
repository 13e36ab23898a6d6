"""Recordings in an S3-compatible bucket. Loaded only where S3_BUCKET names one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Protocol

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

ONE_PUT_BYTES = 5 * 1024**3  # what S3 takes in one piece, and more than any recording has
READ_AHEAD_BYTES = 8 * 1024**2


class BucketDown(OSError):
    """The bucket did not answer, or refused us. The message is for the log."""


class Body(Protocol):
    """What boto3 gives of an object."""

    def read(self, amt: int | None = None) -> bytes:
        """Return the next bytes, none at the end."""

    def close(self) -> None:
        """Give the connection back."""


class PrivateBucket(S3Storage):  # type: ignore[misc]
    """Files of people in a bucket that only this app may read. No object has an address.

    A file is stored by one request, so a worker that dies while it stores leaves nothing, not
    even the parts of an upload that nobody sees.
    """

    def __init__(
        self, *, bucket: str, endpoint: str, region: str, access_key: str, secret_key: str
    ) -> None:
        super().__init__(
            bucket_name=bucket,
            endpoint_url=endpoint or None,
            region_name=region or None,
            access_key=access_key or None,
            secret_key=secret_key or None,
            default_acl=None,  # an object is its owner's alone, and many buckets refuse any other
            file_overwrite=True,
            max_memory_size=READ_AHEAD_BYTES,
            transfer_config=TransferConfig(multipart_threshold=ONE_PUT_BYTES, use_threads=False),
            client_config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if endpoint else "auto"},
                connect_timeout=3,
                read_timeout=30,
                retries={"mode": "standard", "total_max_attempts": 3},
                max_pool_connections=64,
                # Not every S3-compatible server knows the newer checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    @cached_property
    def connection(self) -> Any:
        """Return the one connection of this process: its client may be used by all threads."""
        return self._create_session().resource(
            "s3",
            region_name=self.region_name,
            endpoint_url=self.endpoint_url,
            config=self.client_config,
        )

    def url(self, *args: Any, **kwargs: Any) -> str:
        """Refuse: a private file is given out by a view that asks who wants it."""
        raise ValueError("A private file has no URL.")

    def open_span(self, name: str, start: int, stop: int) -> _Span:
        """Open the bytes from `start` up to `stop`, which is beyond it, to be read once.

        Raises FileNotFoundError, or BucketDown.
        """
        with _translated():
            answer = self._client.get_object(
                Bucket=self.bucket_name,
                Key=self._normalize_name(name),
                Range=f"bytes={start}-{stop - 1}",
            )
        return _Span(answer["Body"])

    def delete(self, name: str) -> None:
        """Erase an object for good; in a bucket that keeps versions, every one of them."""
        key = self._normalize_name(name)
        with _translated():
            told = self._client.delete_object(Bucket=self.bucket_name, Key=key)
            if told.get("DeleteMarker") or told.get("VersionId"):
                self._delete_versions(key)

    def _delete_versions(self, key: str) -> None:
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket_name, Prefix=key
        )
        for page in pages:
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if version["Key"] == key:
                    self._client.delete_object(
                        Bucket=self.bucket_name, Key=key, VersionId=version["VersionId"]
                    )

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        """Name what lies in a folder: its folders, its files. Raises BucketDown."""
        with _translated():
            folders, files = super().listdir(name)
        return list(folders), list(files)

    def exists(self, name: str) -> bool:
        """Say whether the object is there. Raises BucketDown."""
        with _translated():
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        """Return the object's size in bytes. Raises FileNotFoundError, or BucketDown."""
        with _translated():
            return int(super().size(name))

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        with _translated():
            file: File[bytes] = super()._open(name, mode)
            return file

    def _save(self, name: str, content: File[bytes]) -> str:
        with _translated():
            return str(super()._save(name, content))

    @property
    def _client(self) -> Any:
        return self.connection.meta.client


class _Span:
    """A stretch of an object on its way here."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes. Raises BucketDown where the connection broke."""
        with _translated():
            return self._body.read(size)

    def close(self) -> None:
        """Let the bucket's connection go."""
        self._body.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Raise boto3's errors as the OSErrors that a storage on a disk raises."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"NoSuchKey", "404"}:
            raise FileNotFoundError(str(error)) from error
        raise BucketDown(str(error)) from error
    except (BotoCoreError, Boto3Error) as error:
        raise BucketDown(str(error)) from error
