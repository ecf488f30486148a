"""`doctor` as lines and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.text import Text

from cmetrics.cli.output import print_result, stdout
from cmetrics.domain.sanitize import sanitize
from cmetrics.ops.check import Check, Level

_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


def clean(checks: Iterable[Check]) -> list[Check]:
    """The same with every text on one line and without a secret."""

    def said(text: str) -> str:
        return sanitize(text, limit=1000)

    return [Check(check.area, check.level, said(check.text), said(check.advice), said(check.link)) for check in checks]


def worst(checks: Sequence[Check]) -> Level:
    """The level of the whole."""
    found = {check.level for check in checks}
    return next((level for level in (Level.PROBLEM, Level.WARNING) if level in found), Level.OK)


def doctor_json(checks: Sequence[Check]) -> dict[str, Any]:
    """The one object of `doctor --json`."""
    return {
        "status": worst(checks).value,
        "checks": [
            {"area": c.area, "level": c.level.value, "text": c.text, "advice": c.advice or None, "link": c.link or None}
            for c in checks
        ],
    }


def print_doctor(checks: Sequence[Check], *, quiet: bool) -> None:
    """One line per check, and below it what to do; with ``quiet`` only what is not ok."""
    width = max((len(check.area) for check in checks), default=0)
    for check in checks:
        if quiet and check.level is Level.OK:
            continue
        line = Text.assemble((f"{check.level.value:<8}", _STYLES[check.level]), f"{check.area:<{width}}  {check.text}")
        stdout().print(line, soft_wrap=True)
        if check.advice:
            print_result(f"{'':<{8 + width}}  → {check.advice}{f': {check.link}' if check.link else ''}")
    if not quiet:
        counts = Counter(check.level for check in checks)
        print_result(", ".join(f"{counts[level]} {level.value}" for level in Level if counts[level]))
