"""Colours: what can be told apart, and what is declared where."""

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
    """Marks have 3:1 on both grounds of both schemes (WCAG 1.4.11)."""
    assert contrast(TONES[tone].light, SURFACES[ground].light) >= 3
    assert contrast(TONES[tone].dark, SURFACES[ground].dark) >= 3


@pytest.mark.parametrize("ground", ["ground", "panel"])
@pytest.mark.parametrize("name", ["text", "muted", "link", "up", "down"])
def test_text(name: str, ground: str) -> None:
    """Text has 4.5:1 on both grounds of both schemes (WCAG 1.4.3)."""
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
    """The small text of badges has 4.5:1 in both schemes."""
    assert contrast(text.light, ground.light) >= 4.5
    assert contrast(text.dark, ground.dark) >= 4.5


def test_every_tone_has_a_colour() -> None:
    """The view-model names no tone that the theme lacks."""
    assert {*KNOWN_TONES, *(f"n{n}" for n in range(NUMBERED_TONES)), TOTAL} <= TONES.keys()


def test_tones_differ() -> None:
    """No two tones of series share a colour in either scheme."""
    series = [color for name, color in TONES.items() if name != "event"]
    assert len({color.light for color in series}) == len({color.dark for color in series}) == len(series)


def test_declared_once() -> None:
    """No template, stylesheet or script names a colour of its own."""
    for path in templates_folder().rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            # Black with an alpha is a shadow, no colour of the theme.
            assert re.findall(r"#(?!000[0-9a-f]\b)[0-9a-fA-F]{3,8}\b(?=[;\"' )])", text) == [], path


def test_stylesheet() -> None:
    """Every custom property that the stylesheet uses is declared, each once."""
    declared = re.findall(r"^  (--[\w-]+):", stylesheet(), re.MULTILINE)
    assert len(declared) == len(set(declared))
    parts = sorted((templates_folder() / "style").glob("*.css"))
    css = "".join(path.read_text(encoding="utf-8") for path in parts)
    own = set(re.findall(r"(--[\w-]+):", css + scale.stylesheet()))
    assert set(re.findall(r"var\((--[\w-]+)\)", css)) <= {*declared, *own, "--tone"}


@pytest.mark.parametrize("accent", ["#0969da", "#7c3aed", "#0f766e", "#777705", "#000000", "#b00020", "#5c2d00"])
def test_accent(accent: str) -> None:
    """Of any accent: text in it and on it can be read, marks of products can be seen and told apart."""
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
    """Without an accent nothing changes; the colours of SDKs never do."""
    assert palette(None).stylesheet() == stylesheet()
    colors = palette(build_accent("#7c3aed", None))
    assert {name: colors.tones[name] for name in TONES} == dict(TONES)
