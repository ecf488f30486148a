"""Tools from npm for tests of the page: installed into tests/web by `python -m tests.web_tools` or the first test."""

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
#: Contains the hash of the package.json that was installed completely. Without it, the installation is incomplete
#: or outdated.
STAMP = MODULES / ".installed"
#: In seconds: the time for 200 MB over a slow connection, and for other workers to wait.
INSTALL_TIMEOUT = 600


def web_tools() -> Path:
    """Return the folder that contains node_modules, after installing them if necessary. One worker installs."""
    expected = hashlib.sha256((FOLDER / "package.json").read_bytes()).hexdigest()
    if _installed() == expected:
        return FOLDER
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        missing("no npm on this machine; install Node.js 18.19 or later, which brings it")
    # Inside a folder that git ignores.
    MODULES.mkdir(exist_ok=True)
    try:
        with FileLock(MODULES / ".install.lock", timeout=INSTALL_TIMEOUT + 60):
            if _installed() != expected:
                _install(npm)
                STAMP.write_text(expected)
    except Timeout:
        pytest.fail(f"another process has been installing {FOLDER} for more than {INSTALL_TIMEOUT} s")
    return FOLDER


def missing(what: str) -> NoReturn:
    """Skip the test where a tool is missing. Fail it on CI, where nothing may be skipped."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def web_command(name: str, *args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run an installed command. The caller checks exit code and stderr."""
    return _run([str(web_tools() / "node_modules" / ".bin" / name), *args], env)


def web_script(name: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a script of tests/web. The caller checks exit code and stderr."""
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
    """Return the path of plotly.js with lines, bars and pies only, in the version that Plotly for Python bundles."""
    return web_tools() / "node_modules" / "plotly.js-basic-dist-min" / "plotly-basic.min.js"


def axe_source() -> str:
    """Return the script of axe-core, which defines ``axe.run()`` in a page."""
    return (web_tools() / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def validate_html(folder: Path) -> list[str]:
    """Return the messages of html-validate about the pages of a folder. Nothing is fetched."""
    pages = sorted(str(path.resolve()) for path in folder.rglob("*.html"))
    assert pages, f"no page in {folder}"
    with tempfile.TemporaryDirectory() as scratch:
        # Into a file, because html-validate exits before all of its output has been written to a pipe.
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
    # An exit code without a message is an error of the tool.
    assert found or done.returncode == 0, f"exit {done.returncode}\n{done.stderr}"
    return found


def _installed() -> str | None:
    try:
        return STAMP.read_text()
    except FileNotFoundError:
        return None


def _install(npm: str) -> None:
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", str(FOLDER)]
    # Lighthouse uses the Chromium of the machine, so Puppeteer need not download one.
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
        # npm prints many warnings before the reason.
        last = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        pytest.fail(f"exit {done.returncode}: {' '.join(command)}\n{last}")


if __name__ == "__main__":
    if shutil.which("npm") and shutil.which("node"):
        web_tools()
    else:
        print("npm is not installed; the tests that need it will be skipped")
