"""Where files are kept: static files joined, hashed and compressed; private media."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT = re.compile(
    r"""@import\s+url\(\s*["']?(?P<file>[^"')]+)["']?\s*\)"""
    r"""(?:\s+layer\((?P<layer>[\w.-]+)\))?\s*(?P<media>[^;]*);"""
)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
BREAK = re.compile(r"(?<=[{};,])\s*\n\s*|\s*\n\s*(?=\})")
"""A line's end and what indents the next, where nothing is parted by them."""
Sources = dict[str, tuple[Storage, str]]


class PrivateStorage(FileSystemStorage):
    """Files of people: readable by this user only, and without any address."""

    def __init__(self, location: str) -> None:
        super().__init__(
            location=location,
            file_permissions_mode=0o600,
            directory_permissions_mode=0o700,
            allow_overwrite=True,
        )

    def url(self, name: str | None) -> str:
        """Refuse: a private file is given out by a view that asks who wants it."""
        raise ValueError("A private file has no URL.")

    def open_span(self, name: str, start: int, stop: int) -> BinaryIO:
        """Open a file's bytes from `start` on; who reads stops at `stop`.

        Raises FileNotFoundError.
        """
        file = Path(self.path(name)).open("rb")  # noqa: SIM115 - the reader closes it
        file.seek(start)
        return file


class HashedStaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Static files under names that carry their hash, so that they are cached for good.

    A stylesheet of ours is served as one file with its `@import`s joined, and the imports
    of our modules lead to hashed names. Other packages' scripts are left as they are: theirs
    may import what no file is called.
    """

    keep_intermediate_files = False
    patterns = (
        *HashedFilesMixin.patterns,
        ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1]),  # type: ignore[attr-defined]
    )

    def url(self, name: str, force: bool = True) -> str:
        """Return the hashed address, in development too: one storage, one behaviour."""
        return str(super().url(name, force=force))

    def post_process(self, paths: Sources, dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Join the stylesheets, then hash and compress every file."""
        if not dry_run:
            self._join_stylesheets(paths)
        yield from super().post_process(paths, dry_run=dry_run, **options)

    def _join_stylesheets(self, paths: Sources) -> None:
        for name in [name for name in paths if re.fullmatch(r"css/[\w-]+\.css", name)]:
            text = _read(paths, name)
            if IMPORT.search(COMMENT.sub("", text)):
                self.delete(name)
                self._save(name, ContentFile(joined(paths, name).encode()))
                paths[name] = (self, name)


def joined(paths: Mapping[str, tuple[Storage, str]], name: str) -> str:
    """Return a stylesheet without comments and line breaks, each `@import` as what it names.

    A layer and a media query of the import are wrapped around. Addresses inside stay right
    because an imported file has to lie in the same folder.
    """
    folder = posixpath.dirname(name)

    def imported(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match["file"]))
        if posixpath.dirname(target) != folder or target not in paths:
            raise ValueError(f"{name} imports {match['file']}, which is no file beside it.")
        text = joined(paths, target).strip()
        if match["media"].strip():
            text = f"@media {match['media'].strip()} {{\n{text}\n}}"
        return f"@layer {match['layer']} {{\n{text}\n}}" if match["layer"] else text

    whole = IMPORT.sub(imported, COMMENT.sub("", _read(paths, name)))
    return BREAK.sub("", whole).strip() + "\n"


def _read(paths: Mapping[str, tuple[Storage, str]], name: str) -> str:
    storage, path = paths[name]
    with storage.open(path) as file:
        return str(file.read(), "utf-8")
