from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.project import Document, build


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="session")
def documents(site: Path) -> dict[str, Document]:
    """Return the built pages by path. `404.html` is served under any address, so its links are absolute."""
    return {
        path.relative_to(site).as_posix(): Document(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html"
    }
