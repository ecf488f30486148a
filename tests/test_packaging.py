"""The wheel carries everything: it is built, installed elsewhere, and run outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


def test_the_wheel_runs_outside_the_checkout(tmp_path: Path):
    uv = shutil.which("uv")
    if uv is None:
        pytest.fail("uv is what this project is built and run with")
    dist = tmp_path / "dist"
    subprocess.run([uv, "build", "--wheel", "--quiet", "--out-dir", str(dist)], cwd=CHECKOUT, check=True)
    (wheel,) = dist.glob("*.whl")
    target = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    # The dependencies come from this environment, cmetrics itself only from the wheel: -I leaves
    # the working directory out, and the editable install is not consulted before the first entry.
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "import cmetrics, cmetrics.cli\n"
        f"assert cmetrics.__file__.startswith({str(target)!r}), cmetrics.__file__\n"
        "from cmetrics.site.folders import templates_folder\n"
        f"assert str(templates_folder()).startswith({str(target)!r})\n"
        "sys.argv = ['cmetrics', *sys.argv[1:]]\n"
        "cmetrics.cli.main()\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "HTTPS_PROXY": "http://127.0.0.1:9"}

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "-c", code, *args], check=False, cwd=home, env=env, capture_output=True, text=True
        )

    done = run("bootstrap")
    assert done.returncode == 0, done.stderr
    done = run("build-site")
    assert done.returncode == 0, done.stderr
    assert "2,037,341" in (home / "site" / "index.html").read_text()
    assert (home / "site" / "assets" / "plotly.min.js").stat().st_size > 1_000_000
