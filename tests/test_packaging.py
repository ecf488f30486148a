"""The wheel is complete: it is built, installed elsewhere, and run outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


def test_the_wheel_runs_outside_the_checkout(tmp_path: Path):
    uv = shutil.which("uv")
    if uv is None:
        pytest.fail("this project is built with uv, which is not installed")
    dist = tmp_path / "dist"
    # First the source distribution, and from it the wheel.
    subprocess.run([uv, "build", "--quiet", "--out-dir", str(dist)], cwd=CHECKOUT, check=True)
    (wheel,) = dist.glob("*.whl")
    target = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    # The dependencies come from this environment, and cmetrics only from the wheel: -I excludes the working directory,
    # and the first entry of sys.path precedes the editable install.
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
            [sys.executable, "-I", "-c", code, *args],
            check=False,
            cwd=home,
            env=env,
            capture_output=True,
            text=True,
        )

    done = run("bootstrap")
    assert done.returncode == 0, done.stderr
    done = run("build-site")
    assert done.returncode == 0, done.stderr
    assert "2,037,341" in (home / "site" / "products" / "lance.html").read_text()
    assert (home / "site" / "assets" / "plotly.min.js").stat().st_size > 1_000_000
    done = run("demo", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "Sample data" in (home / "site-demo" / "index.html").read_text()
    version = wheel.name.split("-")[1]
    assert run("--version").stdout == f"cmetrics {version}\n"
    done = run("refresh")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert (target / "cmetrics" / "py.typed").is_file()
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        top = {name.split("/")[1] for name in archive.getnames()}
    # hatchling adds .gitignore; uv.lock names a registry.
    assert top == {"PKG-INFO", "pyproject.toml", "cmetrics", "templates", *_TEXTS, ".gitignore"}


_TEXTS = ("README.md", "CHANGELOG.md", "LICENSE")


@pytest.mark.parametrize(
    ("tags", "version"),
    [((), "0.1.0.dev1"), (("v1.2.3", "v1"), "1.2.3"), (("v1.2.3rc1",), "1.2.3rc1")],
)
def test_the_version_is_taken_from_the_tag(tmp_path: Path, tags: tuple[str, ...], version: str):
    """The moving tag of the Action is ignored, and a clone without tags has a development version."""
    project = copy_of_sources(tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgSign=false")
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    subprocess.run(["git", *identity, "commit", "--quiet", "-m", "Start"], cwd=project, check=True)
    for tag in tags:
        subprocess.run(["git", "tag", tag], cwd=project, check=True)
    assert built_version(project) == version


def test_a_copy_without_git_can_be_built(tmp_path: Path):
    """This is so in a Docker context; the version can be set by a variable."""
    project = copy_of_sources(tmp_path)
    assert built_version(project) == "0.1.0.dev0"
    assert built_version(project, SETUPTOOLS_SCM_PRETEND_VERSION="3.2.1") == "3.2.1"


def copy_of_sources(tmp_path: Path) -> Path:
    """Return a folder with the files that the build needs, and one module."""
    project = tmp_path / "project"
    (project / "cmetrics").mkdir(parents=True)
    (project / "templates").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore", "cmetrics/__init__.py"):
        shutil.copy(CHECKOUT / name, project / name)
    return project


def built_version(project: Path, **environment: str) -> str:
    dist = project.with_name("dist")
    shutil.rmtree(dist, ignore_errors=True)
    # Git must not find a repository above the copy.
    env = os.environ | {"GIT_CEILING_DIRECTORIES": str(project.parent)} | environment
    subprocess.run(["uv", "build", "--wheel", "--quiet", "--out-dir", str(dist)], cwd=project, env=env, check=True)
    (wheel,) = dist.glob("*.whl")
    return wheel.name.split("-")[1]
