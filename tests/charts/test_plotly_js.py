from __future__ import annotations

import re
from pathlib import Path

import pytest

from cmetrics.charts.plotly_js import INSTALLED, plotly_script
from cmetrics.domain.errors import ConfigError

BASIC = b"/**\n* plotly.js (basic - minified) v3\n*/\n!function(){}();"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def install(folder: Path, content: bytes) -> None:
    (folder / INSTALLED).parent.mkdir(parents=True)
    (folder / INSTALLED).write_bytes(content)


def test_a_named_file_takes_precedence_over_an_installed_one(folder):
    install(folder, BASIC)
    named = folder / "other.js"
    named.write_bytes(BASIC + b"// named")
    assert plotly_script(named) == BASIC + b"// named"


def test_an_installed_basic_bundle_takes_precedence_over_the_full_one(folder):
    install(folder, BASIC)
    assert plotly_script() == BASIC


def test_without_an_installed_bundle_the_full_one_of_the_plotly_package_is_used():
    found = plotly_script()
    assert b"plotly.js v" in found[:500]
    assert len(found) > 2_000_000


def test_an_invalid_installed_file_is_rejected_and_not_skipped(folder):
    install(folder, b"<!doctype html>not found")
    with pytest.raises(ConfigError, match=rf"{re.escape(str(INSTALLED))} is not plotly\.js"):
        plotly_script()


@pytest.mark.parametrize("content", [b"", b"<!doctype html>", b" " * 600 + b"plotly.js"])
def test_an_invalid_file_is_rejected_by_name(folder, content):
    named = folder / "page.js"
    named.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{re.escape(str(named))} is not plotly\.js; give"):
        plotly_script(named)


@pytest.mark.parametrize("make", [lambda _: None, Path.mkdir], ids=["absent", "a folder"])
def test_an_unreadable_file_is_rejected(folder, make):
    make(folder / "plotly.js")
    with pytest.raises(ConfigError, match=r"cannot be read from .*plotly\.js \("):
        plotly_script(folder / "plotly.js")


def test_control_characters_in_a_file_name_are_escaped(folder):
    with pytest.raises(ConfigError) as caught:
        plotly_script(folder / "\x1b[2J\nplotly.js")
    assert str(caught.value).isprintable()
