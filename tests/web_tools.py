"""What the page is checked with that comes from npm: installed into tests/web by `python -m tests.web_tools`.

A test that finds it missing installs it too.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest
from filelock import FileLock, Timeout

FOLDER = Path(__file__).parent / "web"
MODULES = FOLDER / "node_modules"
#: Names the package.json that was installed to the end. A folder without it is half of an
#: installation, or an older one.
STAMP = MODULES / ".installed"
#: Seconds. 200 MB over a slow line, and for the other workers the wait for the one who installs.
INSTALL_TIMEOUT = 600


def web_tools() -> Path:
    """The folder that holds node_modules, after one of the workers that ask has installed them."""
    wanted = hashlib.sha256((FOLDER / "package.json").read_bytes()).hexdigest()
    if _installed() == wanted:
        return FOLDER
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        missing("no npm on this machine; install Node.js 18.19 or later, which brings it")
    # Inside what git ignores anyway, and gone with it.
    MODULES.mkdir(exist_ok=True)
    try:
        with FileLock(MODULES / ".install.lock", timeout=INSTALL_TIMEOUT + 60):
            if _installed() != wanted:
                _install(npm)
                STAMP.write_text(wanted)
    except Timeout:
        pytest.fail(f"another process has been installing {FOLDER} for more than {INSTALL_TIMEOUT} s")
    return FOLDER


def missing(what: str) -> NoReturn:
    """Skips where an engineer works without the tool; where changes are decided on, nothing is left out."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def web_command(name: str, *args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """An installed command, run to its end; its exit code and stderr are the caller's to judge."""
    return _run([str(web_tools() / "node_modules" / ".bin" / name), *args], env)


def web_script(name: str, *args: str) -> subprocess.CompletedProcess[str]:
    """A script of tests/web, run to its end; its exit code and stderr are the caller's to judge."""
    return _run(["node", str(web_tools() / name), *args])


def _run(command: list[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        cwd=FOLDER,
        env=os.environ | (env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def plotly_basic() -> Path:
    """plotly.js with lines, bars and pies only, of the same version as the one that Plotly for Python brings."""
    return web_tools() / "node_modules" / "plotly.js-basic-dist-min" / "plotly-basic.min.js"


def axe_source() -> str:
    """axe-core as one script. To be evaluated in a page, after which ``axe.run()`` is there."""
    return (web_tools() / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def validate_html(folder: Path) -> list[str]:
    """What html-validate objects to in the pages of a folder, one line each. Nothing is fetched for it."""
    pages = sorted(str(path.resolve()) for path in folder.rglob("*.html"))
    assert pages, f"no page in {folder}"
    with tempfile.TemporaryDirectory() as scratch:
        # Into a file: what it prints into a pipe is cut off when it exits.
        report = Path(scratch) / "report.json"
        done = web_command("html-validate", "--config", ".htmlvalidate.mjs", "--formatter", f"json={report}", *pages)
        text = report.read_text(encoding="utf-8") if report.is_file() else ""
    try:
        reports = json.loads(text)
    except ValueError:
        pytest.fail(f"html-validate gave no report: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    found = [
        f"{Path(report['filePath']).relative_to(folder.resolve())}:{at['line']}:{at['column']}: "
        f"{at['message']} ({at['ruleId']})"
        for report in reports
        for at in report["messages"]
    ]
    # An exit code without a message would be a trouble that is not about the pages.
    assert found or done.returncode == 0, f"exit {done.returncode}\n{done.stderr}"
    return found


def _installed() -> str | None:
    try:
        return STAMP.read_text()
    except FileNotFoundError:
        return None


def _install(npm: str) -> None:
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", str(FOLDER)]
    # Lighthouse drives the Chromium of the machine; puppeteer is not to bring another one.
    environment = os.environ | {"PUPPETEER_SKIP_DOWNLOAD": "1"}
    try:
        done = subprocess.run(
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        pytest.fail(f"not done after {INSTALL_TIMEOUT} s: {' '.join(command)}")
    if done.returncode != 0:
        # npm warns at length; its reasons come last.
        last = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        pytest.fail(f"exit {done.returncode}: {' '.join(command)}\n{last}")


if __name__ == "__main__":
    if shutil.which("npm") and shutil.which("node"):
        web_tools()
    else:
        print("npm is not on this machine yet; the tests will install what they need with it")
