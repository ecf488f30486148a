"""Estimate the width of text whose font is unknown, so that it fits its place in a picture."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

ELLIPSIS = "…"

#: Character widths as a share of the font size: those of DejaVu Sans, the widest of the usual system fonts.
_NARROW, _SLIM, _USUAL, _CAPITAL, _BROAD, _SQUARE = 0.36, 0.46, 0.64, 0.75, 1.0, 1.02
_BOLD = 1.12
_CLASSES = {
    **dict.fromkeys("ijl.,:;'|!·", _NARROW),
    **dict.fromkeys('frt()[]/- I"', _SLIM),
    **dict.fromkeys("mwMW@%", _BROAD),
}


def text_width(text: str, size: float, *, is_bold: bool = False) -> float:
    """Return an upper estimate of the width of ``text`` in a font of ``size``."""
    return sum(map(_share, text)) * size * (_BOLD if is_bold else 1)


def fit(text: str, room: float, size: float, *, is_bold: bool = False) -> str:
    """Return ``text``, shortened if it is estimated to be wider than ``room``."""
    if text_width(text, size, is_bold=is_bold) <= room:
        return text
    while text and text_width(text + ELLIPSIS, size, is_bold=is_bold) > room:
        text = text[:-1]
    # An isolated name must keep its closing mark, or the direction of the following text would change.
    return text.rstrip() + ELLIPSIS + ("\u2069" if "\u2068" in text else "")


# Cached, because names consist of few distinct characters.
@lru_cache(maxsize=1000)
def _share(char: str) -> float:
    if char in _CLASSES:
        return _CLASSES[char]
    if unicodedata.category(char) in ("Cf", "Mn", "Me"):
        return 0.0
    if unicodedata.east_asian_width(char) in ("W", "F"):
        return _SQUARE
    return _CAPITAL if char.isupper() else _USUAL
