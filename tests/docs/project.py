"""The documentation as files: its pages, its navigation, and the built site."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CONFIG = ROOT / "zensical.toml"
SITE = Path("build") / "docs"


def pages() -> list[Path]:
    """Return the Markdown files under docs/."""
    return sorted(DOCS.rglob("*.md"))


def navigation() -> list[str]:
    """Return the pages in the navigation, in its order, relative to docs/."""
    return list(_leaves(tomllib.loads(CONFIG.read_text(encoding="utf-8"))["project"]["nav"]))


def _leaves(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, list):
        for child in entry:
            yield from _leaves(child)
    else:
        for child in entry.values():
            yield from _leaves(child)


def build(folder: Path) -> Path:
    """Build the documentation in a copy of its sources under ``folder``; return the site's folder.

    Raises CalledProcessError, with the output of the generator, for any warning.
    """
    shutil.copytree(DOCS, folder / "docs")
    shutil.copyfile(CONFIG, folder / CONFIG.name)
    generator = Path(sys.executable).parent / "zensical"
    subprocess.run([generator, "build", "--strict"], cwd=folder, check=True, capture_output=True, text=True)
    return folder / SITE


#: Attributes with addresses that the browser requests automatically.
_LOADING = {
    ("script", "src"), ("img", "src"), ("img", "srcset"), ("source", "src"), ("source", "srcset"), ("iframe", "src"),
    ("embed", "src"), ("object", "data"), ("video", "src"), ("video", "poster"), ("audio", "src"), ("form", "action"),
    ("input", "src"), ("track", "src"), ("body", "background"),
}  # fmt: skip
#: Values of `rel` of a <link> that is not requested.
_PASSIVE = {"canonical", "next", "prev", "alternate", "edit", "license"}


@dataclass
class Document(HTMLParser):
    """A built page: its ids, its links, and what it loads."""

    text: str
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)
        self.loads += re.findall(r"url\(\s*['\"]?([^'\")]+)", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the addresses of an element."""
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and not set(given.get("rel", "").split()) <= _PASSIVE:
            self.loads.append(given.get("href", ""))
        for name, value in given.items():
            if (tag, name) in _LOADING:
                self.loads += [part.split()[0] for part in value.split(",") if part.strip()]
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.loads.append(given.get("content", ""))


def is_foreign(address: str) -> bool:
    """Return whether requesting ``address`` leaves the site."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in {"", "data"}
