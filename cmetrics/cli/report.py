"""`cmetrics report`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cmetrics.cli.options import AsJson, Config, Db, Quiet
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.days import Month
from cmetrics.domain.errors import UsageError
from cmetrics.domain.sanitize import sanitize

if TYPE_CHECKING:
    from cmetrics.analytics.report import MonthReport
    from cmetrics.analytics.report_inputs import ReportInputs


class Format(StrEnum):
    """The format of the report."""

    MARKDOWN = "md"
    HTML = "html"


def _month(option: str) -> Callable[[str], Month]:
    def parse(text: str) -> Month:
        if re.fullmatch(r"[1-9]\d{3}-(0[1-9]|1[0-2])", text) is None:
            msg = f"`{option} {sanitize(text, limit=40)}` is not a month; use YYYY-MM"
            raise UsageError(msg)
        return Month(int(text[:4]), int(text[5:]))

    return parse


def report(
    context: typer.Context,
    month: Annotated[
        Month | None,
        typer.Option(
            "--month",
            metavar="YYYY-MM",
            parser=_month("--month"),
            help="One of the last 12 full months; the newest if not set.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", metavar="md|html", help="Markdown, or HTML that prints as slides.")
    ] = Format.MARKDOWN,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Print the report of a month.

    The HTML report is one file without scripts. It prints as six slides, or as A4 pages if its address ends with #a4.
    `build-site` writes the reports of the last 12 full months into reports/. `--json` prints the document
    of the API.
    """
    from cmetrics.charts.theme import palette
    from cmetrics.cli.configuration import announce_default_catalog, load_configuration
    from cmetrics.cli.output import print_json, print_text
    from cmetrics.domain import formats
    from cmetrics.locales import load_formats
    from cmetrics.queries import Queries
    from cmetrics.report_documents import build_report_document
    from cmetrics.site.publish import build_time
    from cmetrics.site.report import render_report_html, render_report_markdown
    from cmetrics.sources import SPECS
    from cmetrics.store.lance_store import LanceStore

    settings, catalog = load_configuration(db, config)
    now = build_time(os.environ, get_runtime(context).clock())
    with formats.use(load_formats(catalog.lang)):
        found = _find(Queries(LanceStore.open(settings.store), catalog, SPECS, now=now).report_inputs(), month)
        announce_default_catalog(settings, catalog, quiet=quiet)()
        if json:
            print_json(build_report_document(found).model_dump(mode="json"))
        elif form is Format.HTML:
            print_text(render_report_html(found, palette=palette(catalog.theme.accent)).decode())
        else:
            print_text(render_report_markdown(found))


def _find(inputs: ReportInputs, month: Month | None) -> MonthReport:
    from cmetrics.analytics.report import build_report, report_months

    known = report_months(inputs)
    if not known:
        msg = "no report yet: no full month has data"
        raise UsageError(msg, hint="run `cmetrics refresh` first")
    if month is None:
        return build_report(inputs, known[0])
    if month not in known:
        months = f"{known[-1]} to {known[0]}" if len(known) > 1 else str(known[0])
        msg = f"--month {month}: there is no report for this month; choose a month from {months}"
        raise UsageError(msg)
    return build_report(inputs, month)
