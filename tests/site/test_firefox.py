"""The page in Firefox: nothing in it is meant for one browser only."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.web_tools import web_script


@pytest.fixture(scope="session")
def firefox() -> str:
    """Debian's Firefox, or another one on the machine."""
    for name in ("firefox-esr", "firefox"):
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail("no Firefox on this machine; install Debian's package firefox-esr")
    pytest.skip("no Firefox on this machine; install Debian's package firefox-esr")


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_reader_with_firefox(firefox: str, data_site, tmp_path: Path, width: int, height: int) -> None:
    """Pointer and keys show the values before Plotly is asked for, and weeks are drawn by it; nothing is reported."""
    picture = tmp_path / "page.png"
    done = web_script("firefox.mjs", firefox, data_site("rich").url, str(picture), str(width), str(height))
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["errors"] == []
    assert seen["sideways"] <= 0
    assert seen["hovered"]["isVisible"]
    assert seen["hovered"]["text"].startswith("October 2026")
    assert not seen["escaped"]["isVisible"]
    assert seen["moved"]["isVisible"]
    assert seen["moved"]["text"].startswith("October 2026")
    assert [url for url in seen["askedBefore"] if "plotly" in url] == []
    assert seen["bars"] > 100
    assert picture.stat().st_size > 20_000
