"""Colours: what can be told apart, and what is declared where."""

from __future__ import annotations

import re

import pytest

from cmetrics.analytics.chart import TOTAL
from cmetrics.analytics.dashboard import KNOWN_TONES, NUMBERED_TONES
from cmetrics.charts.theme import (
    BADGE_LABEL,
    BADGE_LABEL_TEXT,
    BADGE_MESSAGE_TEXT,
    NO_DATA,
    SURFACES,
    TONES,
    Color,
    contrast,
    mix,
    stylesheet,
)
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
            assert re.findall(r"#(?!0008)[0-9a-fA-F]{3,8}\b(?=[;\"' )])", text) == [], path


def test_stylesheet() -> None:
    """Every custom property that the stylesheet uses is declared, each once."""
    declared = re.findall(r"^  (--[\w-]+):", stylesheet(), re.MULTILINE)
    assert len(declared) == len(set(declared))
    parts = sorted((templates_folder() / "style").glob("*.css"))
    css = "".join(path.read_text(encoding="utf-8") for path in parts)
    own = set(re.findall(r"(--[\w-]+):", css))
    assert set(re.findall(r"var\((--[\w-]+)\)", css)) <= {*declared, *own, "--tone"}


def test_contrast() -> None:
    """The ratio is that of WCAG: 21 of black on white, and the same both ways."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)


def test_mix() -> None:
    """A share of a colour on a ground."""
    assert (mix("#ff0000", "#ffffff", 1), mix("#ff0000", "#ffffff", 0)) == ("#ff0000", "#ffffff")
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
