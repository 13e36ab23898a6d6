"""The colours: each pair of text or edge and ground is readable in both themes (WCAG 2.2 AA)."""

import math
import re
from pathlib import Path

import pytest
from django.conf import settings

TOKENS = Path(settings.BASE_DIR, "static/css/tokens.css").read_text()
COLOUR = r"oklch\(([\d.]+)% ([\d.]+) ([\d.]+)(?: / ([\d.]+))?\)"
Rgb = tuple[float, float, float]

TEXT = 4.5
EDGE = 3.0
SURFACES = ["paper", "sheet", "raised", "sunken"]
PAIRS = [
    *[(ink, surface, TEXT) for ink in ("ink", "ink-2", "ink-3") for surface in SURFACES],
    *[(ink, "sheet", TEXT) for ink in ("chalk", "chalk-strong", "line", "good", "warn")],
    *[(ink, "paper", TEXT) for ink in ("chalk", "chalk-strong", "line", "good", "warn")],
    *[
        (ink, f"{wash}-wash", TEXT)
        for ink in ("ink", "ink-2")
        for wash in ("chalk", "line", "good", "warn")
    ],
    *[(name, f"{name}-wash", TEXT) for name in ("chalk", "line", "good", "warn")],
    ("chalk-strong", "chalk-wash", TEXT),
    ("ink-3", "chalk-wash", TEXT),
    ("chalk", "sunken", TEXT),
    ("line", "chalk-wash", TEXT),
    ("on-ink", "ink", TEXT),
    ("screen-ink", "screen", TEXT),
    ("screen-ink", "screen-lit", TEXT),
    *[("edge", surface, EDGE) for surface in SURFACES],
    *[("chalk", surface, EDGE) for surface in SURFACES],
    ("sheet", "chalk", EDGE),
    ("line", "chalk-wash", EDGE),
]


def linear_rgb(lightness: float, chroma: float, hue: float) -> Rgb:
    """Turn OKLCH (lightness 0..1) into linear sRGB, cut to the gamut; Ottosson 2020."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    return tuple(min(max(part, 0.0), 1.0) for part in (red, green, blue))  # type: ignore[return-value]


def luminance(colour: Rgb) -> float:
    """Return WCAG's relative luminance of a linear colour."""
    red, green, blue = colour
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Return WCAG's contrast ratio."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def token(name: str, theme: str) -> Rgb:
    """Return a token's colour in a theme."""
    found = re.search(rf"--{name}: (?:light-dark\({COLOUR}, {COLOUR}\)|{COLOUR});", TOKENS)
    assert found, name
    groups = found.groups()
    parts = groups[8:11] if groups[8] else groups[0:3] if theme == "light" else groups[4:7]
    lightness, chroma, hue = (float(part) for part in parts)
    return linear_rgb(lightness / 100, chroma, hue)


def test_contrast_agrees_with_known_values() -> None:
    white, black = linear_rgb(1, 0, 0), linear_rgb(0, 0, 0)

    assert contrast(white, black) == pytest.approx(21, abs=0.01)
    assert contrast(white, linear_rgb(0.6279, 0.2577, 29.23)) == pytest.approx(4.0, abs=0.03)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "surface", "least"), PAIRS)
def test_pair_is_readable(ink: str, surface: str, least: float, theme: str) -> None:
    ratio = contrast(token(ink, theme), token(surface, theme))

    assert ratio >= least, f"{ink} on {surface} is {ratio:.2f}:1 in the {theme} theme"


def test_every_colour_has_both_themes() -> None:
    declared = re.findall(r"--([\w-]+): ([^;]*oklch[^;]*);", TOKENS)

    single = [name for name, value in declared if "light-dark(" not in value]

    assert [name for name in single if not name.startswith("screen")] == []
