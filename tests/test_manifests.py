"""Reading of package names from manifests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.manifests import Manifest, parse_manifest


@pytest.mark.parametrize(
    ("file", "text", "manifest"),
    [
        ("pyproject.toml", '[project]\nname = "x"', Manifest("x")),
        ("pyproject.toml", '[tool.poetry]\nname = "x"', Manifest("x")),
        ("pyproject.toml", "[tool.ruff]\n", Manifest()),
        (
            "pyproject.toml",
            '[project]\nname = "x"\nclassifiers = ["Private :: Do Not Upload"]\n[tool.uv.workspace]\nmembers = ["a/*"]',
            Manifest("x", is_private=True, members=("a/*",)),
        ),
        ("setup.cfg", "[metadata]\nname = x\n", Manifest("x")),
        ("setup.cfg", "[metadata]\nname = attr: x.NAME\n", Manifest()),
        ("setup.cfg", "[flake8]\n", Manifest()),
        ("package.json", '{"name": "@s/n", "version": "1.0.0"}', Manifest("@s/n")),
        (
            "package.json",
            '{"name": "n", "private": true, "workspaces": ["p/*"]}',
            Manifest("n", is_private=True, members=("p/*",)),
        ),
        ("package.json", '{"workspaces": {"packages": ["p/*"]}}', Manifest(members=("p/*",))),
        ("Cargo.toml", '[package]\nname = "x"\npublish = false', Manifest("x", is_private=True)),
        ("Cargo.toml", '[package]\nname = "x"\npublish = []', Manifest("x", is_private=True)),
        ("Cargo.toml", '[package]\nname = "x"\npublish = ["crates-io"]', Manifest("x")),
        (
            "Cargo.toml",
            '[workspace]\nmembers = ["crates/*"]\nexclude = ["crates/x"]',
            Manifest(members=("crates/*",), excluded=("crates/x",)),
        ),
        ("Cargo.toml", "[package", Manifest()),
        ("package.json", "[]", Manifest()),
        ("package.json", '{"name": 7, "workspaces": "p"}', Manifest()),
    ],
)
def test_manifest(file: str, text: str, manifest: Manifest):
    assert parse_manifest(file, text) == manifest


@given(st.sampled_from(["pyproject.toml", "setup.cfg", "package.json", "Cargo.toml"]), st.text(max_size=60))
def test_any_manifest(file: str, text: str):
    """An unreadable manifest has no package name and causes no error."""
    assert isinstance(parse_manifest(file, text), Manifest)
