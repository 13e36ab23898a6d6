"""Static files as they are served, and media as they are not."""

from __future__ import annotations

import gzip
import re
import stat
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.test import override_settings

from config.storage import HashedStaticStorage, PrivateStorage, joined


@pytest.fixture(scope="module")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("static")


@pytest.fixture(scope="module")
def collected(static_root: Path) -> HashedStaticStorage:
    """The product's own static files, collected as `make run` and the image do."""
    static = {"BACKEND": "config.storage.HashedStaticStorage"}
    with override_settings(STATIC_ROOT=static_root, STORAGES={"staticfiles": static}):
        call_command("collectstatic", interactive=False, verbosity=0)
        return HashedStaticStorage(location=str(static_root), base_url="/static/")


def test_one_stylesheet_holds_them_all(collected: HashedStaticStorage, static_root: Path) -> None:
    url = collected.url("css/site.css")

    assert re.fullmatch(r"/static/css/site\.[0-9a-f]{12}\.css", url)
    served = (static_root / url.removeprefix("/static/")).read_text()
    assert "@import" not in served
    assert served.startswith("@layer reset, tokens, base, layout, parts, pages;")
    assert [f"@layer {name} {{" in served for name in ("tokens", "base", "parts", "pages")] == [
        True
    ] * 4


def test_the_stylesheet_names_hashed_files_that_exist(
    collected: HashedStaticStorage, static_root: Path
) -> None:
    sheet = static_root / collected.url("css/site.css").removeprefix("/static/")

    named = re.findall(r"""url\(["']?(\.\./[^"')]+)""", sheet.read_text())

    assert named != []
    assert all(re.search(r"\.[0-9a-f]{12}\.\w+$", name) for name in named)
    assert [name for name in named if not (sheet.parent / name).is_file()] == []


def test_modules_import_hashed_modules(collected: HashedStaticStorage, static_root: Path) -> None:
    site = static_root / collected.url("js/site.js").removeprefix("/static/")

    imported = re.findall(r"""import\(?\s*["'](\./[^"']+)["']""", site.read_text())

    assert imported != []
    assert [name for name in imported if not re.search(r"\.[0-9a-f]{12}\.js$", name)] == []
    assert [name for name in imported if not (site.parent / name).is_file()] == []


def test_collected_text_lies_there_compressed(
    collected: HashedStaticStorage, static_root: Path
) -> None:
    sheet = static_root / collected.url("css/site.css").removeprefix("/static/")

    assert gzip.decompress(Path(f"{sheet}.gz").read_bytes()) == sheet.read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> StaticFilesStorage:
    (tmp_path / "css").mkdir()
    return StaticFilesStorage(location=str(tmp_path), base_url="/static/")


def sheet(folder: StaticFilesStorage, **files: str) -> str:
    for name, text in files.items():
        folder.save(f"css/{name}.css", ContentFile(text.encode()))
    return joined({f"css/{name}.css": (folder, f"css/{name}.css") for name in files}, "css/a.css")


def test_an_import_keeps_its_layer_and_its_medium(folder: StaticFilesStorage) -> None:
    text = sheet(
        folder,
        a='/* @import url("gone.css"); */\n@layer x;\n@import url("b.css") layer(x) print;\na {}',
        b="b {} /* said */",
    )

    assert text == "@layer x;@layer x {@media print {b {}}}a {}\n"


def test_imports_are_followed_to_the_end(folder: StaticFilesStorage) -> None:
    assert sheet(folder, a="@import url(b.css);", b="@import url('c.css');\nb {}", c="c {}") == (
        "c {}b {}\n"
    )


def test_lines_are_joined_where_nothing_is_parted_by_them(folder: StaticFilesStorage) -> None:
    text = sheet(folder, a="a,\n  b\n  c {\n  margin: 0\n    1px;\n  color: red;\n}\n")

    assert text == "a,b\n  c {margin: 0\n    1px;color: red;}\n"


@pytest.mark.parametrize("target", ["missing.css", "../b.css", "sub/b.css"])
def test_an_import_of_what_is_not_beside_it_fails(folder: StaticFilesStorage, target: str) -> None:
    with pytest.raises(ValueError, match=r"^css/a\.css imports .* which is no file beside it\.$"):
        sheet(folder, a=f'@import url("{target}");')


@pytest.mark.parametrize("alias", ["default", "recordings", "staging"])
def test_media_have_no_address(alias: str) -> None:
    storage = storages[alias]

    assert isinstance(storage, PrivateStorage)
    with pytest.raises(ValueError, match=r"^A private file has no URL\.$"):
        storage.url("x.webm")


def test_media_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    storage = PrivateStorage(location=str(tmp_path))
    name = storage.save("a/b.webm", ContentFile(b"x"))

    modes = [stat.S_IMODE((tmp_path / path).stat().st_mode) for path in (name, "a")]

    assert modes == [0o600, 0o700]
