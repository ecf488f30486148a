"""Colours of pictures that stand alone; on the page the stylesheet decides, by tone."""

from __future__ import annotations

#: One colour per SDK wherever it is drawn, then a row for anything else. All of them reach a
#: contrast of 3:1 on the light and on the dark background.
SDK_COLORS = {"python": "#3b82c4", "rust": "#d9622b", "nodejs": "#3c9a5f"}
OTHER_COLORS = ("#8b6fd6", "#c2528b", "#1f9aa8", "#a5832a", "#7a7f87")


def color_of(sdk: str | None, index: int) -> str:
    """The colour of a series."""
    return SDK_COLORS.get(sdk or "", OTHER_COLORS[index % len(OTHER_COLORS)])
