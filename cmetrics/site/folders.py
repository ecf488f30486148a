"""Where the files are that a site is made from."""

from __future__ import annotations

from pathlib import Path


def templates_folder() -> Path:
    """Return the template folder: inside the installed package, or next to it in a checkout."""
    installed = Path(__file__).parent.parent / "templates"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "templates"
