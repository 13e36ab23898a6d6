"""Files of other people: unchanged, and none without its line, its hash and its licence."""

import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC = Path(settings.BASE_DIR, "static")
ROWS = re.findall(
    r"^\| ([\w./-]+) \| ([\w.@/-]+) \| ([\d.]+) \| \S+ "
    r"\| [\w.-]+ \(([\w./-]+)\) \| ([0-9a-f]{64}) \|$",
    (STATIC / "vendor/README.md").read_text(),
    re.MULTILINE,
)


@pytest.mark.parametrize(("file", "package", "version", "licence", "digest"), ROWS)
def test_vendored_file_is_what_was_published(
    file: str, package: str, version: str, licence: str, digest: str
) -> None:
    assert hashlib.sha256((STATIC / file).read_bytes()).hexdigest() == digest
    assert (STATIC / licence).read_text().strip()


def test_every_vendored_file_has_a_line() -> None:
    files = [*(STATIC / "vendor").rglob("*"), *(STATIC / "fonts").rglob("*")]
    foreign = {str(f.relative_to(STATIC)) for f in files if f.is_file()}
    licences = {licence for *_, licence, _ in ROWS}

    assert foreign - licences - {"vendor/README.md"} == {file for file, *_ in ROWS}


def test_font_stays_within_its_budget() -> None:
    assert (STATIC / "fonts/inter-latin-wght-normal.woff2").stat().st_size <= 50_000


def test_htmx_is_of_the_second_line() -> None:
    assert {package: version.split(".")[0] for _, package, version, *_ in ROWS}["htmx.org"] == "2"
