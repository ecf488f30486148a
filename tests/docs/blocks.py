"""Generated parts of Markdown pages: the text between ``<!-- NAME -->`` and ``<!-- end of NAME -->``."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
BENCHMARKS = DOCS / "explanation" / "benchmarks.md"


def read_block(page: Path, name: str) -> str:
    """Return the part ``name`` of ``page``."""
    return _split(page, name)[1]


def replace_block(page: Path, name: str, text: str) -> None:
    """Write ``text`` in place of the part ``name`` of ``page``."""
    before, _, after = _split(page, name)
    page.write_text(f"{before}{text}{after}", encoding="utf-8")


def _split(page: Path, name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    inside, found, after = rest.partition(end)
    assert found, f"{page} has no part {name}"
    return before + begin, inside, end + after
