"""Read what an earlier command printed with `--json`, to report its failure."""

from __future__ import annotations

import json
from pathlib import Path


def load_failure(path: Path) -> str | None:
    """Return the error in the JSON object that a command left in ``path``; None if it succeeded.

    A file that is missing, empty or no such object is a failure too: the command did not run to its end.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "the command was not run to its end"
    if not isinstance(document, dict):
        return "the command was not run to its end"
    error = document.get("error")
    if error is None:
        return None
    if not isinstance(error, dict):
        return str(error)
    parts = (error.get("message"), error.get("hint"))
    return "; ".join(str(part) for part in parts if part) or "no reason was given"
