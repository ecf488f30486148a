"""Colours: contrast (WCAG 2.2), and lightness changed until the contrast is enough (OKLCH)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

#: The required contrast of text, and of marks, lines and focus rings (WCAG 2.2, 1.4.3 and 1.4.11).
TEXT_CONTRAST, MARK_CONTRAST = 4.5, 3.0


class Color(NamedTuple):
    """One colour for each scheme, as ``#rrggbb``."""

    light: str
    dark: str


#: The backgrounds: the page and the panels on it. Every mark and every text is on one of them.
GROUND, PANEL = Color("#fafaf7", "#101618"), Color("#ffffff", "#182023")


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


def lowest_contrast(color: str, *, dark: bool) -> float:
    """Return the lowest contrast to a background of a scheme."""
    return min(contrast(color, ground.dark if dark else ground.light) for ground in (GROUND, PANEL))


@lru_cache(maxsize=64)
def with_contrast(color: str, ratio: float, *, dark: bool) -> str:
    """Return the nearest colour of the same hue with that contrast to the backgrounds of a scheme.

    Only the lightness changes (OKLCH): darker on light backgrounds, lighter on dark ones; and the chroma if a screen
    cannot show it. A colour with enough contrast is returned unchanged.
    """
    if lowest_contrast(color, dark=dark) >= ratio:
        return color
    lightness, chroma, hue = _to_oklch(color)
    near, far = lightness, 1.0 if dark else 0.0
    for _ in range(24):
        middle = (near + far) / 2
        found = _from_oklch(middle, chroma, hue)
        near, far = (near, middle) if lowest_contrast(found, dark=dark) >= ratio else (middle, far)
    return _from_oklch(far, chroma, hue)


@lru_cache(maxsize=64)
def with_exact_contrast(color: str, ratio: float, *, dark: bool) -> str:
    """Return the colour of the same hue with exactly that contrast, whether it is lighter or darker."""
    _, chroma, hue = _to_oklch(color)
    # The lightness with the most contrast, and that of the background.
    low, high = (1.0, 0.0) if dark else (0.0, 1.0)
    for _ in range(24):
        middle = (low + high) / 2
        enough = lowest_contrast(_from_oklch(middle, chroma, hue), dark=dark) >= ratio
        low, high = (middle, high) if enough else (low, middle)
    return _from_oklch(low, chroma, hue)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # noqa: PLR2004


def _encoded(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055  # noqa: PLR2004


# https://bottosson.github.io/posts/oklab/, the matrices of 25 January 2021.


def _to_oklch(color: str) -> tuple[float, float, float]:
    """Return lightness (0 to 1), chroma, and hue in radians."""
    red, green, blue = (_linear(channel / 255) for channel in channels(color))
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return lightness, math.hypot(a, b), math.atan2(b, a)


def _from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """Return the colour, with less chroma if a screen cannot show as much."""
    while True:
        parts = _to_linear(lightness, chroma, hue)
        if all(-0.0005 <= part <= 1.0005 for part in parts) or chroma == 0:  # noqa: PLR2004
            return "#" + "".join(f"{round(255 * _encoded(min(max(part, 0), 1))):02x}" for part in parts)
        chroma = max(0, chroma - 0.004)


def _to_linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
