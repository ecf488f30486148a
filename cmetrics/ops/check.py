"""One check of `doctor`, and how bad the result is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cmetrics.domain.sanitize import sanitize

_LONGEST = 1000


class Level(StrEnum):
    """How bad a result is."""

    OK = "ok"
    #: It works, but somebody should look at it.
    WARNING = "warning"
    #: It does not work.
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """What was checked, the result, and what to do about it."""

    area: str
    level: Level
    text: str
    #: Empty if nothing has to be done.
    advice: str = ""
    #: Page on which it is done.
    link: str = ""


def ok(area: str, text: str) -> Check:
    """Return a check without findings."""
    return _check(area, Level.OK, text)


def warning(area: str, text: str, advice: str, link: str = "") -> Check:
    """Return a check that works, but that somebody should look at."""
    return _check(area, Level.WARNING, text, advice, link)


def problem(area: str, text: str, advice: str, link: str = "") -> Check:
    """Return a check that failed."""
    return _check(area, Level.PROBLEM, text, advice, link)


def worst(checks: Iterable[Check]) -> Level:
    """Return the worst level of all checks."""
    levels = {check.level for check in checks}
    return next((level for level in (Level.PROBLEM, Level.WARNING) if level in levels), Level.OK)


def _check(area: str, level: Level, text: str, advice: str = "", link: str = "") -> Check:
    """Return a check whose texts are one line each: they may hold words of services."""
    clean = (sanitize(part, limit=_LONGEST) for part in (text, advice, link))
    return Check(area, level, *clean)
