"""Take the screenshot of the README and of the documentation: ``python -m tests.docs.screenshot``.

It shows the sample data of a fixed day, so that it changes only if the pages do. Chromium is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.docs.project import DOCS

PICTURE = DOCS / "images" / "page.png"
#: Noon of 24 November 2026.
EPOCH = "1795521600"
SIZE = {"width": 1280, "height": 900}


def build_sample(folder: Path) -> Path:
    """Build the site of the sample data below ``folder``; return its page."""
    program = Path(sys.executable).parent / "cmetrics"
    subprocess.run([program, "demo", "--quiet"], cwd=folder, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH})
    return folder / "site-demo" / "index.html"


def take(page: Path, picture: Path) -> None:
    """Write a picture of the first screen of ``page`` in the light scheme."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
        # The banner for old data depends on the current day.
        tab.clock.set_fixed_time(datetime.fromtimestamp(int(EPOCH), UTC))
        tab.goto(page.as_uri())
        tab.wait_for_load_state("networkidle")
        tab.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        take(build_sample(Path(temporary)), PICTURE)
    print(PICTURE)
