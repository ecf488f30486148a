"""A check of `doctor` and its severity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cmetrics.domain.sanitize import sanitize

_LONGEST = 1000


class Level(StrEnum):
    """The severity of a result."""

    OK = "ok"
    #: It works, but should be reviewed.
    WARNING = "warning"
    #: It does not work.
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """The subject of a check, its result, and the next step."""

    area: str
    level: Level
    text: str
    #: The next step; empty if there is none.
    advice: str = ""
    #: The page for the next step.
    link: str = ""


def ok(area: str, text: str) -> Check:
    """Return a check without findings."""
    return _check(area, Level.OK, text)


def warning(area: str, text: str, advice: str, link: str = "") -> Check:
    """Return a check with a warning."""
    return _check(area, Level.WARNING, text, advice, link)


def problem(area: str, text: str, advice: str, link: str = "") -> Check:
    """Return a check that failed."""
    return _check(area, Level.PROBLEM, text, advice, link)


def worst(checks: Iterable[Check]) -> Level:
    """Return the highest severity of all checks."""
    levels = {check.level for check in checks}
    return next((level for level in (Level.PROBLEM, Level.WARNING) if level in levels), Level.OK)


def _check(area: str, level: Level, text: str, advice: str = "", link: str = "") -> Check:
    """Return a check with sanitized texts, which may include text from services."""
    clean = (sanitize(part, limit=_LONGEST) for part in (text, advice, link))
    return Check(area, level, *clean)
