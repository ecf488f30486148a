"""Draw text and shapes in a picture. The only module that uses Pillow."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from io import BytesIO
from math import ceil

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

ELLIPSIS = "…"
Place = tuple[float, float]

# Pillow smooths letters but not lines, so lines are drawn in a mask of this many times their size.
_SMOOTH = 3
_COLORS = 64
# Text of at least this size is a heading. The bundled font has one weight; an outline makes it bolder.
_HEADING, _BOLDNESS = 40, 0.012
# Characters without a Unicode decomposition.
_PLAIN = str.maketrans(
    {"–": "-", "—": "-", "−": "-", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O"}
    | {"đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ı": "i"}
)


class Canvas:
    """A picture to draw on. Positions and sizes are in pixels of the final picture."""

    def __init__(self, width: int, height: int, ground: str) -> None:
        self._image = Image.new("RGB", (width, height), ground)
        self._draw = ImageDraw.Draw(self._image)

    def png(self, comment: str = "") -> bytes:
        """Return the picture as a PNG file without timestamp and file name. It may have a comment."""
        out = BytesIO()
        # Passing the format saves Pillow from loading five codecs, which halves the time.
        out.name = "picture.png"
        info = PngInfo()
        if comment:
            info.add_itxt("Comment", comment)
        # A palette reduces the file to a third.
        self._image.quantize(_COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, pnginfo=info)
        return out.getvalue()

    def plain(self, text: str, fallback: str) -> str:
        """Return ``text`` without characters missing in the font; ``fallback`` if more than half are missing."""
        kept: list[str] = []
        letters = 0
        for char in text:
            letters += char.isalpha()
            spelled = char if _has(char) else unicodedata.normalize("NFKD", char.translate(_PLAIN))
            kept.append("".join(part for part in spelled if _has(part)))
        drawn = " ".join("".join(kept).split())
        return drawn if drawn and 2 * sum(map(str.isalpha, drawn)) >= letters else fallback

    def width(self, text: str, size: int) -> float:
        """Return the width of ``text`` in pixels."""
        return _font(size).getlength(text) + 2 * _outline(size)

    def fit(self, text: str, room: float, size: int, smallest: int) -> tuple[str, int]:
        """Return ``text`` and the largest size up to ``size`` that fits; shorten the text at size ``smallest``."""
        while size > smallest and self.width(text, size) > room:
            size -= 1
        if self.width(text, size) <= room:
            return text, size
        while text and self.width(text + ELLIPSIS, size) > room:
            text = text[:-1]
        return text.rstrip() + ELLIPSIS, size

    def write(self, at: Place, text: str, size: int, color: str, anchor: str = "l") -> None:
        """Draw a line of text whose baseline starts, ends (``r``) or is centred (``m``) at ``at``."""
        self._draw.text(
            at,
            text,
            fill=color,
            font=_font(size),
            anchor=f"{anchor}s",
            stroke_width=_outline(size),
            stroke_fill=color,
        )

    def box(self, left: float, top: float, right: float, bottom: float, color: str) -> None:
        """Draw a filled rectangle. The right and bottom edges are exclusive."""
        # In Pillow they are inclusive.
        corner = (round(right) - 1, round(bottom) - 1)
        start = (round(left), round(top))
        if corner[0] >= start[0] and corner[1] >= start[1]:
            self._draw.rectangle([start, corner], fill=color)

    def area(self, places: Sequence[Place], color: str) -> None:
        """Draw a filled polygon."""
        self._draw.polygon(list(places), fill=color)

    def line(self, places: Sequence[Place], color: str, width: int) -> None:
        """Draw a line through ``places``."""
        left, top = (int(min(axis)) - width for axis in zip(*places, strict=True))
        right, bottom = (ceil(max(axis)) + width for axis in zip(*places, strict=True))
        mask = Image.new("L", ((right - left) * _SMOOTH, (bottom - top) * _SMOOTH))
        scaled = [((x - left) * _SMOOTH, (y - top) * _SMOOTH) for x, y in places]
        ImageDraw.Draw(mask).line(scaled, fill=255, width=width * _SMOOTH, joint="curve")
        self._image.paste(color, (left, top), mask.reduce(_SMOOTH))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    # Scalable since Pillow 10.1 with FreeType, which every wheel includes.
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


@lru_cache(maxsize=10_000)
def _has(char: str) -> bool:
    """Return whether the font has the character. Pillow's (a subset of Aileron) has little more than ASCII."""
    missing, mask = _font(20).getmask("\ue000"), _font(20).getmask(char)
    same = (mask.size, bytes(mask)) == (missing.size, bytes(missing))
    return char.isprintable() and not same


def _outline(size: int) -> int:
    return round(size * _BOLDNESS) if size >= _HEADING else 0
