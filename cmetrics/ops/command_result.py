"""Read the `--json` output of an earlier command, to report its failure."""

from __future__ import annotations

import json
from pathlib import Path


def load_failure(path: Path) -> str | None:
    """Return the error in the JSON output of a command in ``path``; None if the command succeeded.

    A missing, empty or invalid file is a failure too, because the command did not finish.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "the command did not finish"
    if not isinstance(document, dict):
        return "the command did not finish"
    error = document.get("error")
    if error is None:
        return None
    if not isinstance(error, dict):
        return str(error)
    parts = (error.get("message"), error.get("hint"))
    return "; ".join(str(part) for part in parts if part) or "no reason was given"
