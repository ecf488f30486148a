"""Accents: what can be read, and what is proposed for what cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.domain.color import TEXT_CONTRAST, contrast, lowest_contrast, mix, with_contrast
from cmetrics.domain.site_theme import build_accent, check_accent

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def test_proposal() -> None:
    """A yellow that cannot be read is refused with the nearest that can, and what it stands on."""
    with pytest.raises(
        ValueError,
        match=r"^has 1\.0:1 against the light ground \(#fafaf7\), where text and links need 4\.5:1\. "
        r"Use '#777705' or a darker one$",
    ):
        check_accent("#ffff00")
    assert check_accent("#777705") == "#777705"


@given(COLORS)
def test_nearest(color: str) -> None:
    """A proposal passes, and keeps a colour that passes already."""
    for dark in (False, True):
        near = with_contrast(color, TEXT_CONTRAST, dark=dark)
        assert check_accent(near, dark=dark) == near
        assert with_contrast(near, TEXT_CONTRAST, dark=dark) == near
        # Not much more than is needed: a step of one channel.
        if near != color:
            assert lowest_contrast(near, dark=dark) <= TEXT_CONTRAST + 0.2


def test_schemes() -> None:
    """The dark scheme's accent is derived unless it is stated, and the other way around."""
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
    """The ratio is that of WCAG: 21 of black on white, and the same both ways."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)


def test_mix() -> None:
    """A share of a colour on a ground."""
    assert (mix("#ff0000", "#ffffff", 1), mix("#ff0000", "#ffffff", 0)) == ("#ff0000", "#ffffff")
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
