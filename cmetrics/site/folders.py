"""The folder of the templates, and the paths of pages and pictures."""

from __future__ import annotations

from pathlib import Path

from cmetrics.domain.days import Month

INDEX, CHANGES, COMPARE, QUALITY = "index.html", "changes.html", "compare.html", "quality.html"


def templates_folder() -> Path:
    """Return the template folder: inside the installed package, or next to it in a checkout."""
    installed = Path(__file__).parent.parent / "templates"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "templates"


def report_path(month: Month | None, suffix: str = "html") -> str:
    """Return the path of the report of a month, or of the list of reports for None."""
    return f"reports/{month or 'index'}.{suffix}"


def card_path(product: str | None) -> str:
    """Return the path of the preview picture of a product, or of the site for None."""
    return "assets/card.png" if product is None else f"cards/{product}.png"
