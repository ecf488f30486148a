"""Parse the manifests of packages: pyproject.toml, setup.cfg, package.json, Cargo.toml. Pure."""

from __future__ import annotations

import configparser
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: PyPI rejects every upload with this classifier.
_PRIVATE = "Private :: Do Not Upload"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest."""

    #: None if it names no package, or takes the name from another file.
    name: str | None = None
    is_private: bool = False
    #: Folders of a workspace, relative to the manifest; the last part may contain wildcards.
    members: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


def parse_manifest(file_name: str, text: str) -> Manifest:
    """Return the parsed manifest; an empty one if the file is not valid."""
    try:
        return _PARSERS[file_name](text)
    except (ValueError, configparser.Error, RecursionError):
        return Manifest()


def _pyproject(text: str) -> Manifest:
    document = tomllib.loads(text)
    project, tool = _table(document, "project"), _table(document, "tool")
    poetry, workspace = _table(tool, "poetry"), _table(_table(tool, "uv"), "workspace")
    classifiers = (*_texts(project.get("classifiers")), *_texts(poetry.get("classifiers")))
    return Manifest(
        _text(project.get("name")) or _text(poetry.get("name")),
        any(text.startswith(_PRIVATE) for text in classifiers),
        _texts(workspace.get("members")),
        _texts(workspace.get("exclude")),
    )


def _setup_cfg(text: str) -> Manifest:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    name = parser.get("metadata", "name", fallback=None)
    # `attr:` and `file:` refer to another place.
    return Manifest(
        None if name is None or ":" in name else _text(name),
        _PRIVATE in parser.get("metadata", "classifiers", fallback=""),
    )


def _package_json(text: str) -> Manifest:
    document = json.loads(text)
    if not isinstance(document, dict):
        return Manifest()
    workspaces = document.get("workspaces")
    members = workspaces.get("packages") if isinstance(workspaces, dict) else workspaces
    return Manifest(_text(document.get("name")), document.get("private") is True, _texts(members))


def _cargo(text: str) -> Manifest:
    document = tomllib.loads(text)
    package, workspace = _table(document, "package"), _table(document, "workspace")
    return Manifest(
        _text(package.get("name")),
        # False, or the list of registries to which it may be published.
        package.get("publish") in (False, []),
        _texts(workspace.get("members")),
        _texts(workspace.get("exclude")),
    )


_PARSERS: Mapping[str, Callable[[str], Manifest]] = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "package.json": _package_json,
    "Cargo.toml": _cargo,
}


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
