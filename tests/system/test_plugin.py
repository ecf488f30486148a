"""A source of another package, installed next to the command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Workspace, catalog_text
from tests.world.counters import EXAMPLE
from tests.world.services import Reply
from tests.world.truth import World

PACKAGE = Path(__file__).parents[1] / "plugin"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package of `tests/plugin` into a folder. Return the folder."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.fail("this project is built with uv, which is not installed")
    folder = tmp_path_factory.mktemp("plugin")
    source = folder / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--target", str(folder / "installed"), str(source)]
    subprocess.run(command, check=True)
    return folder / "installed"


def run(workspace: Workspace, plugin: Path | None, *args: str) -> subprocess.CompletedProcess[str]:
    path = {"PYTHONPATH": str(plugin)} if plugin else {}
    return subprocess.run(
        [sys.executable, "-m", "cmetrics", *args],
        cwd=workspace.folder,
        env={**workspace.environment, **path, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def test_source_of_an_installed_package(workspace: Workspace, world: World, installed: Path):
    """Catalogue, run, status and doctor handle the source like a built-in one."""
    file = workspace.folder / "cmetrics.toml"
    file.write_text(catalog_text(("example", "lens"), ("cratesio", "lance")))
    done = run(workspace, installed, "refresh", "--quiet")
    assert done.returncode == 0, done.stderr
    assert workspace.daily()["installs:p:example"] == {world.yesterday: world.today.toordinal()}
    assert run(workspace, installed, "status").returncode == 0
    shown = run(workspace, installed, "doctor").stdout
    assert "counts.example.com answers" in shown

    world.faults[EXAMPLE] = lambda _, __: Reply(200, b"{}")
    file.write_text(catalog_text(("example", "lens"), ("example", "nothing"), ("cratesio", "lance")))
    done = run(workspace, installed, "refresh", "--quiet")
    assert done.returncode == 3, done.stderr
    assert "counts.example.com, app nothing sent an unexpected response" in done.stderr


def test_catalogue_without_the_package(workspace: Workspace):
    """Without the package, its source is unknown, and the error lists the built-in ones."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("example", "lens")))
    done = run(workspace, None, "refresh")
    assert done.returncode == 2
    assert "'example' is not a source; available: " in done.stderr
    assert "Traceback" not in done.stderr


def test_package_that_cannot_be_imported(workspace: Workspace, installed: Path, tmp_path: Path):
    """A broken package affects only its own source, and doctor names it."""
    broken = tmp_path / "broken"
    shutil.copytree(installed, broken)
    (broken / "cmetrics_example.py").write_text("import a_module_that_does_not_exist\n")
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance")))
    assert run(workspace, broken, "refresh", "--quiet").returncode == 0
    shown = run(workspace, broken, "doctor").stdout
    assert "source example of package cmetrics-example cannot be used (ModuleNotFoundError" in " ".join(shown.split())


def test_catalogue_with_a_package_that_breaks(workspace: Workspace, installed: Path, tmp_path: Path):
    """Its metrics fail and stay active, and the others are collected. After a repair, it continues."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("example", "lens"), ("cratesio", "lance")))
    broken = tmp_path / "broken"
    shutil.copytree(installed, broken)
    module = broken / "cmetrics_example.py"
    code = module.read_text()
    module.write_text("import a_module_that_does_not_exist\n")
    done = run(workspace, broken, "refresh", "--quiet")
    assert done.returncode == 3, done.stderr
    assert "unknown:p:example: package cmetrics-example cannot be used (ModuleNotFoundError" in done.stderr
    assert set(workspace.daily()) == {"downloads:p:rust"}
    module.write_text(code)
    assert run(workspace, broken, "refresh", "--quiet").returncode == 0
    module.write_text("import a_module_that_does_not_exist\n")
    done = run(workspace, broken, "refresh", "--quiet")
    assert done.returncode == 3, done.stderr
    assert "installs:p:example: package cmetrics-example cannot be used" in done.stderr
    assert run(workspace, broken, "build-site", "--quiet").returncode == 0
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("example", "lens")))
    done = run(workspace, broken, "refresh")
    assert done.returncode == 2
    assert "no source can be used: package cmetrics-example" in done.stderr
