"""One line of `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    #: It works, and somebody should see to it.
    WARNING = "warning"
    #: It does not work.
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, and what to do about it."""

    area: str
    level: Level
    text: str
    #: Empty when nothing has to be done.
    advice: str = ""
    #: Where in a browser it is done.
    link: str = ""


def ok(area: str, text: str) -> Check:
    """All is well."""
    return Check(area, Level.OK, text)


def warning(area: str, text: str, advice: str, link: str = "") -> Check:
    """It works, and somebody should see to it."""
    return Check(area, Level.WARNING, text, advice, link)


def problem(area: str, text: str, advice: str, link: str = "") -> Check:
    """It does not work."""
    return Check(area, Level.PROBLEM, text, advice, link)
