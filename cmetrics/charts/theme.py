"""All colours of page, charts, badges, embeds and social card, in light and dark. No other module defines colours.

A tone is the colour of a series. Every metric has one tone, which is the same in all pictures. Tones have
a contrast of at least 3:1 to both backgrounds of their scheme, and at least 4.5:1 to the text of badges.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Color(NamedTuple):
    """One colour for each scheme, as ``#rrggbb``."""

    light: str
    dark: str


#: Surfaces, lines and text, by the name of their custom property in the stylesheet.
SURFACES: Mapping[str, Color] = {
    "ground": Color("#fafaf7", "#101618"),
    "panel": Color("#ffffff", "#182023"),
    "line": Color("#e1e3df", "#2e393d"),
    "text": Color("#17211f", "#e8edea"),
    "muted": Color("#56615d", "#a4b0ac"),
    "link": Color("#0b5cad", "#82bdf2"),
    "accent": Color("#12343b", "#d5e7e2"),
    "on-accent": Color("#ffffff", "#101618"),
    "up": Color("#176b3a", "#6fce93"),
    "down": Color("#a8321c", "#f39077"),
    "warn": Color("#6e4f00", "#f0cb78"),
    "warn-ground": Color("#fff1cc", "#3a2f12"),
}

#: The colours of series: by SDK, numbered, of totals, of events.
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
}

#: The colours of products in the chart of all downloads: the largest, and the next one.
PRODUCTS: Mapping[str, Color] = {
    "a0": Color("#1d5ba4", "#4f9bea"),
    "a1": Color("#5590d3", "#a9cff7"),
}

#: The states of a day in the calendar.
DAYS: Mapping[str, Color] = {
    "observed": Color("#4c8f6b", "#4a9a70"),
    "reconstructed": Color("#8fbfa5", "#2f6147"),
    "estimated": Color("#c8b560", "#92823a"),
    "seeded": Color("#7f9dc9", "#56739e"),
    "pending": Color("#e3a530", "#e0a93f"),
    "missing": Color("#c7402a", "#e2634d"),
}

#: The icon of the page, on any background.
ICON_GROUND, ICON_BARS = SURFACES["accent"].light, "#ffb454"
#: A badge without a number.
NO_DATA = SURFACES["muted"]
#: The label of a badge and its text; on dark pages the label is light.
BADGE_LABEL = Color("#3f4549", "#d5d9dc")
BADGE_LABEL_TEXT = Color("#ffffff", "#17211f")
#: The message, on a tone.
BADGE_MESSAGE_TEXT = Color("#ffffff", "#101618")


def stylesheet() -> str:
    """Return every colour as a custom property of the stylesheet."""
    properties = {
        **SURFACES,
        **{f"tone-{name}": color for name, color in {**TONES, **PRODUCTS}.items()},
        **{f"day-{name}": color for name, color in DAYS.items()},
    }
    lines = [f"  --{name}: light-dark({color.light}, {color.dark});" for name, color in properties.items()]
    tones = [f".tone-{name} {{ --tone: var(--tone-{name}); }}" for name in (*TONES, *PRODUCTS)]
    return "\n".join([":root {", *lines, "}", "", *tones, ""])


def tone(name: str) -> Color:
    """Return the colour of a series or of a product."""
    return TONES.get(name) or PRODUCTS[name]


def mix(color: str, ground: str, share: float) -> str:
    """Return a colour with opacity ``share`` on a background."""
    return "#" + "".join(
        f"{round(above * share + below * (1 - share)):02x}"
        for above, below in zip(channels(color), channels(ground), strict=True)
    )


def channels(color: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
        for value in (channel / 255 for channel in channels(color))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
