"""`cmetrics alert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypedDict

import typer

from cmetrics.cli.options import AsJson, Config, Db, MaxAge, Quiet
from cmetrics.cli.runtime import get_runtime


class AlertDocument(TypedDict):
    """The output of `alert --json`."""

    #: `opened`, `updated`, `closed` or `none`.
    action: str
    #: Why the action is `none`: `healthy`, `unchanged`, `off`, `no-repository`, `no-token` or `issues-disabled`.
    reason: str | None
    #: Number of the issue, if there is one.
    issue: int | None
    #: Title of the issue, if there is one.
    title: str | None
    #: A sentence that describes the action.
    text: str


def alert(
    context: typer.Context,
    max_age_days: MaxAge = 3,
    pull_result: Annotated[
        Path | None,
        typer.Option(
            "--pull-result",
            metavar="FILE",
            help="Output of `pull-data --json`; failures are reported.",
            show_default=False,
        ),
    ] = None,
    push_result: Annotated[
        Path | None,
        typer.Option(
            "--push-result",
            metavar="FILE",
            help="Output of `push-data --json`; failures are reported.",
            show_default=False,
        ),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Do nothing, same as CMETRICS_ALERTS=off.")] = False,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Open or close an issue on GitHub.

    Keeps one issue open in the repository of the workflow while a metric is stale, while nightly runs fail,
    or while the configuration, the store or the data branch cannot be used. Needs
    GITHUB_REPOSITORY and GITHUB_TOKEN.
    """
    from cmetrics.cli.output import print_json, print_result, print_warning
    from cmetrics.ops.send_alert import Results, send_alert

    now = get_runtime(context).clock()
    results = Results(pull_result, push_result)
    sent = send_alert(db, config, results=results, off=off, max_age_days=max_age_days, now=now)
    for text in sent.warnings:
        print_warning(text)
    if json:
        document: AlertDocument = {
            "action": sent.action.value,
            "reason": sent.reason.value if sent.reason else None,
            "issue": sent.issue,
            "title": sent.title,
            "text": sent.text,
        }
        print_json(document)
    elif not quiet:
        print_result(sent.text)
