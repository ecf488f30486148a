"""Run a job, report and print its result, and exit."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import typer

from cmetrics.cli.exit_codes import RUN_EXITS
from cmetrics.cli.output import print_json, print_warning
from cmetrics.cli.progress import make_progress
from cmetrics.cli.summary import print_errors, print_summary
from cmetrics.domain.errors import CmetricsError
from cmetrics.domain.run import RunSummary
from cmetrics.ingest.progress import NoProgress
from cmetrics.ops.run_report import RunReport, build_run_document


def run_job(
    run: Callable[[NoProgress], RunSummary],
    *,
    json: bool,
    quiet: bool,
    report: RunReport | None = None,
) -> NoReturn:
    """Call ``run`` with a progress display, and exit with the exit code of its result.

    If ``run`` raises a CmetricsError, the run ended before its first metric: report it and re-raise it.
    """
    progress = make_progress(quiet=quiet)
    try:
        summary = run(progress)
    except CmetricsError as error:
        progress.close()
        for text in report.send_failure(error) if report else ():
            print_warning(text)
        raise
    finally:
        progress.close()
    # Report before printing: if the report is interrupted, nothing may follow the JSON object on stdout.
    problems = report.send_result(summary) if report else ()
    if json:
        print_json(build_run_document(summary))
    elif not quiet:
        print_summary(summary)
    print_errors(summary)
    for text in (*summary.warnings, *summary.anomalies, *problems):
        print_warning(text)
    raise typer.Exit(RUN_EXITS[summary.status])
