"""Filters for the store, as SQL text with every value escaped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from cmetrics.domain.days import Span


def text(value: str) -> str:
    """Return a SQL string literal. A quote is the only character that can end one."""
    return "'" + value.replace("'", "''") + "'"


def is_key(key: tuple[str, date]) -> str:
    """Return the filter for the rows of one key of ``stats``."""
    return f"metric_id = {text(key[0])} AND period_end = '{key[1].isoformat()}'"


def among(column: str, values: Sequence[str]) -> str:
    """Return the filter for rows in which ``column`` is one of ``values``."""
    return f"{column} IN ({', '.join(text(value) for value in values)})"


def within(column: str, span: Span) -> str:
    """Return the filter for rows whose day in ``column`` lies in ``span``."""
    return f"{column} >= '{span.first.isoformat()}' AND {column} <= '{span.last.isoformat()}'"


def moment(value: datetime) -> str:
    """Return a SQL timestamp literal in UTC."""
    return f"timestamp '{value.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%f')}+00:00'"
