"""Find the plotly.js for the site; the repository contains no copy."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from cmetrics.domain.errors import ConfigError
from cmetrics.domain.sanitize import sanitize

#: The result of `npm install plotly.js-basic-dist-min` in the working directory: a quarter of the size, with
#: all chart types that the page needs.
INSTALLED = Path("node_modules/plotly.js-basic-dist-min/plotly-basic.min.js")
_LOOKS_LIKE = b"plotly.js"


def plotly_script(path: Path | None = None) -> bytes:
    """Return plotly.js from the given file, else the installed basic bundle, else the full one of the Python package.

    Raises ConfigError if the file cannot be read or is not plotly.js.
    """
    if path is None:
        path = INSTALLED if INSTALLED.is_file() else _packaged()
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"plotly.js cannot be read from {sanitize(str(path), limit=120)} ({error.strerror})"
        raise ConfigError(msg) from error
    if _LOOKS_LIKE not in content[:500]:
        msg = f"{sanitize(str(path), limit=120)} is not plotly.js; give the file plotly-basic.min.js"
        raise ConfigError(msg)
    return content


def _packaged() -> Path:
    # Located without importing plotly, because the import takes longer than rendering the page.
    spec = find_spec("plotly")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"
