"""Accent colours: required contrast, and suggestions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.domain.color import TEXT_CONTRAST, contrast, lowest_contrast, mix, with_contrast
from cmetrics.domain.site_theme import build_accent, check_accent

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def test_proposal() -> None:
    """A yellow with too little contrast is rejected with the nearest valid colour and the background."""
    with pytest.raises(
        ValueError,
        match=r"^has 1\.0:1 against the light ground \(#fafaf7\), where text and links need 4\.5:1\. "
        r"Use '#777705' or a darker one$",
    ):
        check_accent("#ffff00")
    assert check_accent("#777705") == "#777705"


@given(COLORS)
def test_nearest(color: str) -> None:
    """A suggestion is valid, and a valid colour is its own suggestion."""
    for dark in (False, True):
        near = with_contrast(color, TEXT_CONTRAST, dark=dark)
        assert check_accent(near, dark=dark) == near
        assert with_contrast(near, TEXT_CONTRAST, dark=dark) == near
        # The contrast is hardly more than required: a step of one channel.
        if near != color:
            assert lowest_contrast(near, dark=dark) <= TEXT_CONTRAST + 0.2


def test_schemes() -> None:
    """The accent of the dark scheme is derived from the light one unless it is set, and vice versa."""
    assert build_accent(None, None) is None
    derived = build_accent("#0969da", None)
    assert derived is not None
    assert derived.light == "#0969da"
    assert lowest_contrast(derived.dark, dark=True) >= 6
    assert build_accent("#0969da", "#99ccff") == ("#0969da", "#99ccff")
    stated = build_accent(None, "#99ccff")
    assert stated is not None
    assert lowest_contrast(stated.light, dark=False) >= TEXT_CONTRAST


def test_contrast() -> None:
    """The ratio follows WCAG: 21 for black on white, and symmetric."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)


def test_mix() -> None:
    """A colour is mixed with a background by a share."""
    assert (mix("#ff0000", "#ffffff", 1), mix("#ff0000", "#ffffff", 0)) == ("#ff0000", "#ffffff")
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
