"""The appearance of a site: accent, logo, links."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum

from cmetrics.domain.color import (
    GROUND,
    PANEL,
    TEXT_CONTRAST,
    Color,
    contrast,
    lowest_contrast,
    with_contrast,
)

#: The contrast of the derived accent of the dark scheme. The minimum would look dull.
_DARK_CONTRAST = 6.0


class LogoKind(StrEnum):
    """The format of a logo; the value is the extension of its file."""

    SVG = "svg"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture next to the title of the site."""

    kind: LogoKind
    content: bytes
    #: Width and height in the units of the file.
    size: tuple[float, float]

    def width(self, height: int) -> int:
        """Return the width at a height, both in pixels."""
        return max(1, round(self.size[0] / self.size[1] * height))

    @property
    def path(self) -> str:
        """The path in the site."""
        return f"assets/logo.{self.kind}"

    @property
    def data_url(self) -> str:
        """The picture as a data URL, for a page that must work at any address."""
        kind = "svg+xml" if self.kind is LogoKind.SVG else "png"
        return f"data:image/{kind};base64,{b64encode(self.content).decode()}"


@dataclass(frozen=True, slots=True)
class SiteLink:
    """A link that every page has."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class SiteTheme:
    """The settings of a site's appearance."""

    accent: Color | None = None
    logo: Logo | None = None
    links: tuple[SiteLink, ...] = ()


DEFAULT_THEME = SiteTheme()


def check_accent(color: str, *, dark: bool = False) -> str:
    """Return the accent of a scheme in lower case. Raises ValueError with the nearest accessible colour."""
    color = color.lower()
    found = lowest_contrast(color, dark=dark)
    if found >= TEXT_CONTRAST:
        return color
    grounds = [ground.dark if dark else ground.light for ground in (GROUND, PANEL)]
    ground = min(grounds, key=lambda ground: contrast(color, ground))
    near = with_contrast(color, TEXT_CONTRAST, dark=dark)
    # Rounded down: 4.46 is not 4.5.
    msg = (
        f"has {int(found * 10) / 10}:1 against the {'dark' if dark else 'light'} ground ({ground}), where text and "
        f"links need {TEXT_CONTRAST}:1. Use {near!r} or a {'lighter' if dark else 'darker'} one"
    )
    raise ValueError(msg)


def build_accent(light: str | None, dark: str | None) -> Color | None:
    """Return the accent of both schemes. A missing one is derived from the other."""
    if light is None and dark is None:
        return None
    if light is None:
        light = with_contrast(dark or "", TEXT_CONTRAST, dark=False)
    return Color(light, dark or with_contrast(light, _DARK_CONTRAST, dark=True))
