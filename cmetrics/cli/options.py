"""Options that several commands share, and parsers for their values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from cmetrics.domain.days import parse_day
from cmetrics.domain.errors import UsageError
from cmetrics.domain.sanitize import sanitize


def whole_number(option: str, unit: str, *, least: int = 0, most: int | None = None) -> Callable[[str | int], int]:
    """Return a parser of whole numbers from ``least`` to ``most``; it raises UsageError that names ``option``."""

    def parse(text: str | int) -> int:
        shown = sanitize(str(text), limit=40)
        try:
            number = int(text)
        except ValueError:
            msg = (
                f"{option}: `{shown}` is not a whole number of {unit}"
                if unit
                else f"{option}: `{shown}` is not a whole number"
            )
            raise UsageError(msg) from None
        if number < least or (most is not None and number > most):
            bounds = f"from {least} to {most}" if most is not None else f"{least} or more"
            msg = f"{option}: `{shown}` is out of range; use {bounds}"
            raise UsageError(msg)
        return number

    return parse


def iso_day(option: str) -> Callable[[str], date]:
    """Return a parser of days written YYYY-MM-DD; it raises UsageError that names ``option``."""

    def parse(text: str) -> date:
        try:
            return parse_day(text)
        except ValueError:
            msg = f"`{option} {sanitize(text, limit=40)}` is not a valid date; use YYYY-MM-DD"
            raise UsageError(msg) from None

    return parse


Db = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URI",
        help="Store: a folder or a LanceDB URI (s3://, gs://, az://, db://); data/lancedb if not set.",
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Catalogue; default: ./cmetrics.toml, else the built-in one.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors and warnings only.")]
Only = Annotated[
    str | None,
    typer.Option("--only", metavar="COUNT", help="Limit the run to one count, such as downloads.", show_default=False),
]


class MetricId(str):
    """The id of a metric; the help shows this name instead of a Python type."""

    __slots__ = ()


MetricIds = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="ID", help="Limit the run to this metric; repeatable.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
MaxAge = Annotated[
    int,
    typer.Option(
        "--max-age-days",
        metavar="DAYS",
        parser=whole_number("--max-age-days", "days"),
        help="Metrics older than this are stale.",
    ),
]
AllowLoss = Annotated[
    bool,
    typer.Option("--allow-loss", help="Drop rows of the export that are not in the store."),
]
ExportFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the export.")]
CloneFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Clone of the data branch.")]

DEFAULT_EXPORT = Path("data/export")
DEFAULT_CLONE = Path("data/ledger")
