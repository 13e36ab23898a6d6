"""Templates and style sheets as text: nothing inline, and every name leads somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
INLINE = re.compile(r"""\sstyle=|\son[a-z]+=["']|<style[\s>]|javascript:|<script(?![^>]*\bsrc=)""")


def templates() -> Iterator[Path]:
    """Yield every page and fragment, mails aside."""
    yield from (path for path in (ROOT / "templates").rglob("*.html") if "email" not in path.parts)


def test_templates_hold_nothing_inline() -> None:
    guilty = [
        f"{path.relative_to(ROOT)}: {match.group().strip()}"
        for path in templates()
        for match in INLINE.finditer(path.read_text())
    ]

    assert guilty == []


def test_every_behaviour_in_a_template_is_in_the_table() -> None:
    table = set(
        re.findall(r"^  (\w+): \(\) => import\(", (ROOT / "static/js/site.js").read_text(), re.M)
    )
    used = {
        name
        for path in templates()
        for names in re.findall(r'data-behaviour="([\w ]+)"', path.read_text())
        for name in names.split()
    }

    assert used - table == set()


def test_every_module_in_the_table_is_there_and_attaches() -> None:
    script = (ROOT / "static/js/site.js").read_text()

    rows = re.findall(r'^  (\w+): \(\) => import\("\./([\w.]+)"\),$', script, re.M)

    assert rows
    for name, file in rows:
        assert file == f"{name}.js"
        assert re.search(
            r"^export (async )?function attach\(", (ROOT / "static/js" / file).read_text(), re.M
        )


def test_every_included_icon_is_there() -> None:
    missing = {
        icon
        for path in templates()
        for icon in re.findall(r'"(parts/icons/[\w-]+\.svg)"', path.read_text())
        if not (ROOT / "templates" / icon).is_file()
    }

    assert missing == set()


def test_style_sheets_use_only_tokens_that_are_there() -> None:
    sheets = {path.name: path.read_text() for path in (ROOT / "static/css").glob("*.css")}
    declared = {name for text in sheets.values() for name in re.findall(r"(--[\w-]+):", text)}
    used = {name for text in sheets.values() for name in re.findall(r"var\((--[\w-]+)\)", text)}

    assert used - declared == set()


def test_style_sheets_name_colours_only_as_tokens() -> None:
    literal = re.compile(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(|oklch\(")

    guilty = [
        f"{path.name}: {line.strip()}"
        for path in (ROOT / "static/css").glob("*.css")
        if path.name != "tokens.css"
        for line in path.read_text().splitlines()
        if literal.search(line) and "url(" not in line
    ]

    assert guilty == []
