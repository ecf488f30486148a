"""All colours of page, charts, badges, embeds and social card, in light and dark. No other module defines colours.

A tone is the colour of a series. Every metric has one tone, which is the same in all pictures. Tones have
a contrast of at least 3:1 to both backgrounds of their scheme, and at least 4.5:1 to the text of badges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from cmetrics.domain.color import (
    GROUND,
    MARK_CONTRAST,
    PANEL,
    Color,
    channels,
    contrast,
    lowest_contrast,
    mix,
    with_contrast,
    with_exact_contrast,
)

__all__ = ["Color", "Palette", "channels", "contrast", "mix", "palette", "stylesheet"]


#: Surfaces, lines and text, by the name of their custom property in the stylesheet.
SURFACES: Mapping[str, Color] = {
    "ground": GROUND,
    "panel": PANEL,
    "line": Color("#e1e3df", "#2e393d"),
    "text": Color("#17211f", "#e8edea"),
    "muted": Color("#56615d", "#a4b0ac"),
    "link": Color("#0b5cad", "#82bdf2"),
    "focus": Color("#0b5cad", "#82bdf2"),
    "accent": Color("#17211f", "#e8edea"),
    "on-accent": Color("#ffffff", "#101618"),
    "up": Color("#176b3a", "#6fce93"),
    "down": Color("#a8321c", "#f39077"),
    "warn": Color("#6e4f00", "#f0cb78"),
    "warn-ground": Color("#fff1cc", "#3a2f12"),
}

#: The colours of series: by SDK, numbered, of totals, of events, of losses.
TONES: Mapping[str, Color] = {
    "python": Color("#2f6fb3", "#6ba8e5"),
    "rust": Color("#c4541f", "#ef8a55"),
    "nodejs": Color("#2b8350", "#63c48a"),
    "n0": Color("#7654c9", "#ab91f0"),
    "n1": Color("#b23f7d", "#e581b5"),
    "n2": Color("#16828f", "#52bfcb"),
    "n3": Color("#8d6d1c", "#d3b052"),
    "n4": Color("#6a727a", "#a3abb3"),
    "n5": Color("#3f6212", "#a3c75c"),
    "n6": Color("#9f1d35", "#f0849a"),
    "n7": Color("#31489c", "#8ea3f5"),
    "total": SURFACES["text"],
    "event": SURFACES["muted"],
    "loss": SURFACES["down"],
}

#: The colours of products in the chart of all downloads: the largest, and the next one.
PRODUCTS: Mapping[str, Color] = {
    "a0": Color("#1d5ba4", "#4f9bea"),
    "a1": Color("#5590d3", "#a9cff7"),
}

#: The colours of the states of a day in the calendar.
DAYS: Mapping[str, Color] = {
    "observed": Color("#4c8f6b", "#4a9a70"),
    "reconstructed": Color("#8fbfa5", "#2f6147"),
    "estimated": Color("#c8b560", "#92823a"),
    "seeded": Color("#7f9dc9", "#56739e"),
    "pending": Color("#e3a530", "#e0a93f"),
    "missing": Color("#c7402a", "#e2634d"),
}

#: The contrast between the two tints of an accent, and the maximum contrast of a derived colour with the background.
_TINTS_APART, _STRONGEST = 1.8, 15.0

#: A badge without a number.
NO_DATA = SURFACES["muted"]
#: The label of a badge and its text. On dark pages, the label is light.
BADGE_LABEL = Color("#3f4549", "#d5d9dc")
BADGE_LABEL_TEXT = Color("#ffffff", "#17211f")
#: The text of the message, on a tone.
BADGE_MESSAGE_TEXT = Color("#ffffff", "#101618")


# Compared and hashed by identity: there is one object per accent.
@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The colours of a site: the default ones, or those that follow from its accent."""

    surfaces: Mapping[str, Color] = field(default_factory=lambda: SURFACES)
    products: Mapping[str, Color] = field(default_factory=lambda: PRODUCTS)

    @property
    def tones(self) -> Mapping[str, Color]:
        """The colours of all series."""
        return {**TONES, **self.products}

    def stylesheet(self) -> str:
        """Return every colour as a custom property of the stylesheet."""
        properties = {
            **self.surfaces,
            **{f"tone-{name}": color for name, color in self.tones.items()},
            **{f"day-{name}": color for name, color in DAYS.items()},
        }
        lines = [f"  --{name}: light-dark({color.light}, {color.dark});" for name, color in properties.items()]
        tones = [f".tone-{name} {{ --tone: var(--tone-{name}); }}" for name in self.tones]
        return "\n".join([":root {", *lines, "}", "", *tones, ""])


DEFAULT = Palette()


@lru_cache(maxsize=8)
def palette(accent: Color | None) -> Palette:
    """Return the colours of a site with that accent. The colours of SDKs and of numbered series do not change."""
    if accent is None:
        return DEFAULT
    on_accent = Color("#ffffff", GROUND.dark)
    surfaces = {**SURFACES, "link": accent, "focus": accent, "accent": accent, "on-accent": on_accent}
    second = Color(_tint(accent.light, dark=False), _tint(accent.dark, dark=True))
    return Palette(surfaces, {"a0": accent, "a1": second})


def _tint(accent: str, *, dark: bool) -> str:
    """Return the colour of the second product: of the same hue, but with another lightness.

    It is paler if that has enough contrast and differs enough, else stronger.
    """
    paler = with_exact_contrast(accent, MARK_CONTRAST + 0.2, dark=dark)
    if contrast(paler, accent) >= _TINTS_APART:
        return paler
    return with_contrast(accent, min(lowest_contrast(accent, dark=dark) * _TINTS_APART, _STRONGEST), dark=dark)


def stylesheet() -> str:
    """Return the colours of a site without an accent as custom properties of the stylesheet."""
    return DEFAULT.stylesheet()
