"""Check the logo of a site: a small PNG, or an SVG without scripts and external references. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn
from xml.parsers import expat

from cmetrics.domain.site_theme import Logo, LogoKind

#: The maximum size in bytes: every page of the site loads it.
MOST_BYTES = 50_000
_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = "http://www.w3.org/2000/svg"
_FORBIDDEN = frozenset(
    {"script", "foreignObject", "iframe", "object", "embed", "audio", "video", "handler", "listener"}
)
#: The maximum ratio of the longer side to the shorter one.
_LONGEST = 8
#: A reference to another file, in an attribute or in a style.
_FOREIGN = re.compile(r"""url\(\s*['"]?(?!\s*\#|\s*data:image/(?:png|jpeg);)|@import|javascript:""", re.IGNORECASE)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_INSIDE = re.compile(r"#|data:image/(?:png|jpeg);")


def parse_logo(data: bytes) -> Logo:
    """Return the logo in ``data``, the content of a file. Raises ValueError with the reason if it is not valid."""
    if len(data) > MOST_BYTES:
        msg = f"has {len(data):,} bytes; at most {MOST_BYTES:,} are allowed"
        raise ValueError(msg)
    if data.startswith(_PNG):
        return Logo(LogoKind.PNG, data, _checked_size(*_png_size(data)))
    if b"<svg" not in data:
        msg = "is neither an SVG nor a PNG file"
        raise ValueError(msg)
    return Logo(LogoKind.SVG, data, _checked_size(*_svg_size(_check_svg(data))))


def _png_size(data: bytes) -> tuple[float, float]:
    header = data[12:24]
    if len(header) < 12 or not header.startswith(b"IHDR"):  # noqa: PLR2004
        _refuse("is damaged: it has no valid PNG header")
    return int.from_bytes(header[4:8]), int.from_bytes(header[8:12])


def _svg_size(root: Mapping[str, str]) -> tuple[float, float]:
    """Return width and height from the attributes of the root."""
    box = re.fullmatch(rf"{_NUMBER}[\s,]+{_NUMBER}[\s,]+({_NUMBER})[\s,]+({_NUMBER})", root.get("viewBox", "").strip())
    if box:
        return float(box[1]), float(box[2])
    sides = [re.match(_NUMBER, root.get(name, "").strip()) for name in ("width", "height")]
    if not all(sides):
        _refuse("has no size: its root needs viewBox, or width and height")
    width, height = (float(side[0]) for side in sides if side)
    return width, height


def _checked_size(width: float, height: float) -> tuple[float, float]:
    if not (width > 0 and height > 0 and 1 / _LONGEST <= width / height <= _LONGEST):
        _refuse(f"is {width:g} x {height:g}; one side may have at most {_LONGEST} times the length of the other")
    return width, height


def _check_svg(data: bytes) -> Mapping[str, str]:
    """Return the attributes of the root. Raises ValueError unless the SVG is well-formed and self-contained."""
    parser = expat.ParserCreate(namespace_separator=" ")
    names: list[str] = []
    root: dict[str, str] = {}

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        if not names and (name, namespace) != ("svg", _SVG):
            _refuse(f"is not an SVG file: its root is {name!r}; it needs <svg xmlns='{_SVG}'>")
        if not names and not root:
            root.update(attributes)
        names.append(name)
        _check_element(name, attributes)

    def text(content: str) -> None:
        if names and names[-1] == "style" and _FOREIGN.search(content):
            _refuse("refers to another file in 'style'; a logo must be self-contained")

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: names.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = lambda name, *_: _refuse_doctype(name)
    parser.ProcessingInstructionHandler = lambda name, _: _refuse(f"contains <?{name}?>, which is not allowed")
    try:
        parser.Parse(data, True)  # noqa: FBT003
    except expat.ExpatError as error:
        _refuse(f"is not well-formed XML: {error}")
    return root


def _check_element(name: str, attributes: Mapping[str, str]) -> None:
    if name in _FORBIDDEN:
        _refuse(f"contains the element {name!r}, which is not allowed")
    for attribute, value in attributes.items():
        local = attribute.rpartition(" ")[2]
        if local.lower().startswith("on"):
            _refuse(f"contains the script {local!r}, which is not allowed")
        is_foreign = local in ("href", "src") and not _INSIDE.match(value.strip())
        if is_foreign or _FOREIGN.search(value):
            _refuse(f"refers to another file in {local!r}; a logo must be self-contained")


def _refuse_doctype(_: str) -> None:
    _refuse("contains <!DOCTYPE>, which is not allowed")


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)
