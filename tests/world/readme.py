"""The README's generated parts: what stands between ``<!-- NAME -->`` and ``<!-- end of NAME -->``."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def read_block(name: str) -> str:
    """The part as it stands there."""
    return _split(name)[1]


def replace_block(name: str, text: str) -> None:
    """Put ``text`` in the part's place."""
    before, _, after = _split(name)
    README.write_text(f"{before}{text}{after}", encoding="utf-8")


def _split(name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = README.read_text(encoding="utf-8").partition(begin)
    inside, found, after = rest.partition(end)
    assert found, f"the README has no part {name}"
    return before + begin, inside, end + after
