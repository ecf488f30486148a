"""Logos: which files are allowed."""

from __future__ import annotations

import struct

import pytest

from cmetrics.domain.site_theme import LogoKind
from cmetrics.logo import MOST_BYTES, parse_logo

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 64 32">{}</svg>'


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)


def test_svg() -> None:
    """Shapes, gradients by reference, embedded bitmaps, and additions of drawing programs are allowed."""
    data = SVG.format(
        '<defs><linearGradient id="g"/></defs><style>path { fill: url(#g) }</style><path fill="url(#g)" d="M0 0h9"/>'
        '<use xlink:href="#g"/><image href="data:image/png;base64,AA=="/>'
    ).encode()
    logo = parse_logo(data)
    assert (logo.kind, logo.content, logo.path, logo.width(28)) == (LogoKind.SVG, data, "assets/logo.svg", 56)


def test_png() -> None:
    """The size is read from the header."""
    logo = parse_logo(png(300, 100))
    assert (logo.kind, logo.path, logo.width(28)) == (LogoKind.PNG, "assets/logo.png", 84)


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("<script>alert(1)</script>", "contains the element 'script', which is not allowed"),
        ("<foreignObject/>", "contains the element 'foreignObject', which is not allowed"),
        ('<rect onclick="x()"/>', "contains the script 'onclick', which is not allowed"),
        ('<image href="https://example.com/x.png"/>', "refers to another file in 'href'"),
        ('<use xlink:href="other.svg#a"/>', "refers to another file in 'href'"),
        ('<a href="javascript:x()"/>', "refers to another file in 'href'"),
        ('<rect fill="url(https://example.com/#a)"/>', "refers to another file in 'fill'"),
        ("<style>@import 'x.css';</style>", "refers to another file in 'style'"),
        ("<style>a { fill: url( 'x.svg#a' ) }</style>", "refers to another file in 'style'"),
        ("<rect>", "is not well-formed XML: mismatched tag"),
    ],
)
def test_unsafe_svg(inside: str, reason: str) -> None:
    """An SVG file with scripts or references to other files is rejected."""
    with pytest.raises(ValueError, match="^" + reason.replace("(", r"\(")):
        parse_logo(SVG.format(inside).encode())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GIF89a", "is neither an SVG nor a PNG file"),
        (png(300, 100)[:20], "is damaged"),
        (png(900, 100), "is 900 x 100; one side may have at most 8 times"),
        (b" " * (MOST_BYTES + 1), "has 50,001 bytes; at most 50,000 are allowed"),
        (b'<!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg"/>', "contains <!DOCTYPE>"),
        (b'<?xml-stylesheet href="x"?><svg xmlns="http://www.w3.org/2000/svg"/>', "contains <.xml-stylesheet.>"),
        (b"<html><svg/></html>", "is not an SVG file: its root is 'html'"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "has no size"),
    ],
)
def test_invalid_logo(data: bytes, reason: str) -> None:
    """The error is a phrase to which the caller adds the name of the file."""
    with pytest.raises(ValueError, match=f"^{reason}"):
        parse_logo(data)
