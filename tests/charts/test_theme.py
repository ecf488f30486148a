"""Colours: contrasts, differences and declarations."""

from __future__ import annotations

import re

import pytest

from cmetrics.analytics.chart import TOTAL
from cmetrics.analytics.dashboard import KNOWN_TONES, NUMBERED_TONES
from cmetrics.charts import scale
from cmetrics.charts.theme import (
    BADGE_LABEL,
    BADGE_LABEL_TEXT,
    BADGE_MESSAGE_TEXT,
    NO_DATA,
    SURFACES,
    TONES,
    Color,
    contrast,
    palette,
    stylesheet,
)
from cmetrics.domain.color import lowest_contrast
from cmetrics.domain.site_theme import build_accent
from cmetrics.site.render import templates_folder


@pytest.mark.parametrize("ground", ["ground", "panel"])
@pytest.mark.parametrize("tone", TONES)
def test_marks(tone: str, ground: str) -> None:
    """Marks have a contrast of 3:1 on both backgrounds of both schemes (WCAG 1.4.11)."""
    assert contrast(TONES[tone].light, SURFACES[ground].light) >= 3
    assert contrast(TONES[tone].dark, SURFACES[ground].dark) >= 3


@pytest.mark.parametrize("ground", ["ground", "panel"])
@pytest.mark.parametrize("name", ["text", "muted", "link", "up", "down"])
def test_text(name: str, ground: str) -> None:
    """Text has a contrast of 4.5:1 on both backgrounds of both schemes (WCAG 1.4.3)."""
    assert contrast(SURFACES[name].light, SURFACES[ground].light) >= 4.5
    assert contrast(SURFACES[name].dark, SURFACES[ground].dark) >= 4.5


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        (BADGE_LABEL_TEXT, BADGE_LABEL),
        (BADGE_MESSAGE_TEXT, NO_DATA),
        *((BADGE_MESSAGE_TEXT, c) for c in TONES.values()),
    ],
)
def test_badges(text: Color, ground: Color) -> None:
    """The small text of badges has a contrast of 4.5:1 in both schemes."""
    assert contrast(text.light, ground.light) >= 4.5
    assert contrast(text.dark, ground.dark) >= 4.5


def test_every_tone_has_a_colour() -> None:
    """The theme has every tone of the view model."""
    assert {*KNOWN_TONES, *(f"n{n}" for n in range(NUMBERED_TONES)), TOTAL} <= TONES.keys()


def test_tones_differ() -> None:
    """All tones of series have different colours in both schemes."""
    series = [color for name, color in TONES.items() if name != "event"]
    assert len({color.light for color in series}) == len({color.dark for color in series}) == len(series)


def test_declared_once() -> None:
    """Colours are declared in the theme only, not in templates, stylesheets or scripts."""
    for path in templates_folder().rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            # Black with an alpha is a shadow, not a colour of the theme.
            assert re.findall(r"#(?!000[0-9a-f]\b)[0-9a-fA-F]{3,8}\b(?=[;\"' )])", text) == [], path


def test_stylesheet() -> None:
    """Every custom property used by the stylesheet is declared once."""
    declared = re.findall(r"^  (--[\w-]+):", stylesheet(), re.MULTILINE)
    assert len(declared) == len(set(declared))
    parts = sorted((templates_folder() / "style").glob("*.css"))
    css = "".join(path.read_text(encoding="utf-8") for path in parts)
    own = set(re.findall(r"(--[\w-]+):", css + scale.stylesheet()))
    assert set(re.findall(r"var\((--[\w-]+)\)", css)) <= {*declared, *own, "--tone"}


@pytest.mark.parametrize("accent", ["#0969da", "#7c3aed", "#0f766e", "#777705", "#000000", "#b00020", "#5c2d00"])
def test_accent(accent: str) -> None:
    """With any accent, text is readable, and marks of products are visible and distinct."""
    colors = palette(build_accent(accent, None))
    first, second = colors.products["a0"], colors.products["a1"]
    assert first.light == colors.surfaces["link"].light == accent
    for dark in (False, True):
        assert lowest_contrast(first[dark], dark=dark) >= 4.5
        assert lowest_contrast(second[dark], dark=dark) >= 3
        assert contrast(first[dark], second[dark]) >= 1.7
        assert contrast(colors.surfaces["on-accent"][dark], colors.surfaces["accent"][dark]) >= 4.5
    assert f"--accent: light-dark({accent}, {first.dark});" in colors.stylesheet()


def test_default() -> None:
    """Without an accent the default colours are used, and an accent never changes the colours of SDKs."""
    assert palette(None).stylesheet() == stylesheet()
    colors = palette(build_accent("#7c3aed", None))
    assert {name: colors.tones[name] for name in TONES} == dict(TONES)
