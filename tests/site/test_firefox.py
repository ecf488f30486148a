"""The page in Firefox: no feature depends on one browser."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.site.test_look import pages
from tests.web_tools import web_script


@pytest.fixture(scope="session")
def firefox() -> str:
    """Return the path of Firefox."""
    for name in ("firefox-esr", "firefox"):
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail("no Firefox on this machine; install Debian's package firefox-esr")
    pytest.skip("no Firefox on this machine; install Debian's package firefox-esr")


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_reader_with_firefox(firefox: str, data_site, tmp_path: Path, width: int, height: int) -> None:
    """Pointer and keys show values without Plotly, weeks are drawn by Plotly, and the console stays empty."""
    picture = tmp_path / "page.png"
    done = web_script("firefox.mjs", firefox, data_site("rich").url, str(picture), str(width), str(height))
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert results["errors"] == []
    assert results["overflow"] <= 0
    assert results["hovered"]["isVisible"]
    assert results["hovered"]["text"].startswith("October 2026")
    assert not results["escaped"]["isVisible"]
    assert results["moved"]["isVisible"]
    assert results["moved"]["text"].startswith("October 2026")
    assert [url for url in results["requestedBefore"] if "plotly" in url] == []
    assert results["bars"] > 100
    assert picture.stat().st_size > 20_000


def test_every_kind_of_page(firefox: str, data_site, tmp_path: Path) -> None:
    """Each kind of page opens without a console message, and none is wider than a phone."""
    site = data_site("rich")
    paths = [*pages(site, 1), "compare.html?m=downloads-lancedb-python,downloads-lance-python", "changes.html#news"]
    done = web_script("firefox.mjs", firefox, site.url, str(tmp_path / "page.png"), "390", "844", *paths)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert results["errors"] == []
    assert list(results["pages"]) == paths
    assert {
        path: found for path, found in results["pages"].items() if found["overflow"] > 0 or not found["title"]
    } == {}
