"""`cmetrics doctor`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

import typer

from cmetrics.cli.exit_codes import DONE, FAILED
from cmetrics.cli.options import DEFAULT_CLONE, AsJson, Config, Db, MaxAge, Quiet
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.plural import plural

if TYPE_CHECKING:
    from cmetrics.ops.check import Check


class CheckDocument(TypedDict):
    """One check."""

    area: str
    #: `ok`, `warning` or `problem`.
    level: str
    text: str
    advice: str | None
    link: str | None


class DoctorDocument(TypedDict):
    """The output of `doctor --json`."""

    #: The worst level of all checks.
    status: str
    checks: list[CheckDocument]


def doctor(
    context: typer.Context,
    max_age_days: MaxAge = 3,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check store, services and schedule.

    Changes nothing. Exits with 1 if there is a problem. With --quiet, prints warnings and problems only.
    """
    from cmetrics.cli.output import print_json
    from cmetrics.ops.check import Level, worst
    from cmetrics.ops.doctor import examine

    checks = examine(db, config, DEFAULT_CLONE, max_age_days=max_age_days, clock=get_runtime(context).clock)
    if json:
        document: DoctorDocument = {"status": worst(checks).value, "checks": [_document(check) for check in checks]}
        print_json(document)
    else:
        _print(checks, quiet=quiet)
    raise typer.Exit(FAILED if worst(checks) is Level.PROBLEM else DONE)


#: Long lines continue below their text if it keeps this width, and below the area otherwise.
LEAST_TEXT = 42


def _document(check: Check) -> CheckDocument:
    return {
        "area": check.area,
        "level": check.level.value,
        "text": check.text,
        "advice": check.advice or None,
        "link": check.link or None,
    }


def _print(checks: Sequence[Check], *, quiet: bool) -> None:
    from rich.text import Text

    from cmetrics.cli.output import print_line, print_result, stdout
    from cmetrics.domain.redaction import redact
    from cmetrics.ops.check import Level

    styles = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}
    width = max((len(check.area) for check in checks), default=0)
    longest = max((len(word) for check in checks for word in f"{check.text} {check.advice}".split()), default=0)
    indent = 8 + width + 2
    if stdout().width - indent < max(LEAST_TEXT, longest):
        indent = 8
    for check in checks:
        if quiet and check.level is Level.OK:
            continue
        line = Text.assemble((f"{check.level.value:<8}", styles[check.level]), f"{check.area:<{width}}  {check.text}")
        print_line(stdout(), line, indent)
        if check.advice:
            advice = f"{'':<{indent}}→ {check.advice}{f': {check.link}' if check.link else ''}"
            print_line(stdout(), Text(redact(advice)), indent + 2)
    if not quiet:
        counts = Counter(check.level for check in checks)
        parts = {
            Level.OK: f"{counts[Level.OK]} ok",
            Level.WARNING: plural(counts[Level.WARNING], "warning"),
            Level.PROBLEM: plural(counts[Level.PROBLEM], "problem"),
        }
        print_result(", ".join(text for level, text in parts.items() if counts[level]))
