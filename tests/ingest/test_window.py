"""The days that a backfill recomputes."""

from __future__ import annotations

from datetime import date

import pytest

from cmetrics.domain.days import Span
from cmetrics.domain.errors import UsageError
from cmetrics.ingest.plan import LONG_AGO
from cmetrics.ingest.window import choose_window

LAST = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("options", "first", "last", "deep"),
    [
        ({}, date(2026, 8, 25), LAST, False),
        ({"lookback_days": 1}, LAST, LAST, False),
        ({"start": date(2026, 1, 1)}, date(2026, 1, 1), LAST, True),
        ({"start": date(2026, 1, 1), "end": date(2026, 1, 2)}, date(2026, 1, 1), date(2026, 1, 2), True),
        ({"full": True}, LONG_AGO, LAST, True),
    ],
)
def test_window(options, first, last, deep):
    usual = {"lookback_days": None, "start": None, "end": None, "full": False}
    assert choose_window(LAST, **(usual | options)) == (Span(first, last), deep)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": date(2026, 2, 2), "end": date(2026, 2, 1)}, "--start 2026-02-02 is after --end 2026-02-01"),
        ({"start": date(2026, 11, 23)}, "--start 2026-11-23 is in the future"),
        ({"end": date(2026, 2, 1)}, "--end needs --start"),
        ({"start": date(2026, 2, 1), "lookback_days": 3}, "cannot be used together"),
        ({"full": True, "lookback_days": 3}, "--full covers the whole history"),
    ],
)
def test_invalid_windows_are_rejected(options: dict, message: str):
    usual = {"lookback_days": None, "start": None, "end": None, "full": False}
    with pytest.raises(UsageError, match=message):
        choose_window(LAST, **(usual | options))
