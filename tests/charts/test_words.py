from __future__ import annotations

from datetime import date

import pytest

from cmetrics.analytics.chart import ChartKind, item_chart
from cmetrics.analytics.model import PeriodPoint, PointKind
from cmetrics.charts.words import alternative, provenance_text
from cmetrics.domain import formats
from cmetrics.domain.days import Month, week_of
from tests.boards import AS_OF, a_board, a_chart, a_package, a_repository, a_series, rows_of

FLOW, STOCK = ChartKind.FLOW, ChartKind.STOCK
OCTOBER = Month(2026, 10)
PACKAGE, STARS = a_package("lance", display_name="NodeJS"), a_repository("a")


def a_week(day: date, observed: int | None = 7, expected: int = 7, *, running: bool = False) -> PeriodPoint:
    span = week_of(day)
    return PeriodPoint(*span, 7, PointKind.OBSERVED, "api_daily", observed, expected, is_running=running)


# -- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "provenance", "text"),
    [
        (PointKind.OBSERVED, "api_daily", "collected by the nightly run"),
        (PointKind.OBSERVED, "recomputed", "collected by a backfill"),
        (PointKind.OBSERVED, "csv_seed", "loaded from a file"),
        (PointKind.OBSERVED, "", ""),
        (PointKind.RECONSTRUCTED, "recomputed", "reconstructed from the star history"),
        (PointKind.ESTIMATED, "", "interpolated between two counts"),
        (PointKind.SEEDED, "csv_seed", "a total published before daily data"),
    ],
)
def test_the_origin_of_a_value_is_described(kind, provenance, text):
    assert provenance_text(kind, provenance) == text


def test_days_have_no_leading_zero():
    assert formats.long_day(date(2026, 3, 1)) == "1 March 2026"


# -- text alternatives of charts -----------------------------------------------------------------


def test_the_text_of_downloads_has_first_last_peak_and_change():
    rows = [
        *rows_of(PACKAGE, date(2026, 7, 1), date(2026, 7, 31), 10),
        *rows_of(PACKAGE, date(2026, 8, 1), date(2026, 8, 31), 90),
        *rows_of(PACKAGE, date(2026, 9, 1), AS_OF, 20),
    ]
    board = a_board([PACKAGE], rows)
    assert alternative(item_chart(board, board.items[0])) == (
        "Downloads of lance (Node.js), by month. "
        "Node.js (lance): from 310 downloads (July 2026) to 620 (October 2026), a change of +310 (×2.0); "
        "peak 2,790 (August 2026)."
    )


def test_only_the_visible_range():
    """The text covers the 24 months of the chart, and a package that ended earlier has no value."""
    rows = rows_of(PACKAGE, date(2022, 1, 1), AS_OF, 10)
    board = a_board([PACKAGE], rows, days=2000)
    assert "from 310 downloads (December 2024) to 310 (October 2026)" in alternative(item_chart(board, board.items[0]))
    ended = a_board([PACKAGE], rows_of(PACKAGE, date(2022, 1, 1), date(2023, 5, 1), 10), days=2000)
    assert alternative(item_chart(ended, ended.items[0])).endswith("Node.js (lance): no complete period.")


def test_the_text_of_stars_has_days():
    board = a_board([STARS], rows_of(STARS, date(2026, 11, 1), AS_OF, 1000, grows=-1))
    assert alternative(item_chart(board, board.items[0])) == (
        "GitHub stars of owner/a, by day. "
        "owner/a: from 1,000 stars (1 November 2026) to 979 (22 November 2026), a change of −21 (−2.1%); "
        "peak 1,000 (1 November 2026)."
    )


def test_a_change_from_nothing_has_no_percentage():
    board = a_board([STARS], rows_of(STARS, date(2026, 11, 1), AS_OF, 0, grows=1))
    assert "a change of +21; peak 21" in alternative(item_chart(board, board.items[0]))


def test_a_single_value_has_no_change():
    board = a_board([STARS], rows_of(STARS, AS_OF, AS_OF, 1234))
    assert alternative(item_chart(board, board.items[0])).endswith("owner/a: 1,234 stars, 22 November 2026.")


def test_every_series_has_a_text_also_without_values():
    board = a_board([STARS], rows_of(STARS, AS_OF, AS_OF, 5))
    (known,) = item_chart(board, board.items[0]).series
    text = alternative(a_chart(STOCK, known, a_series("owner/empty")))
    assert "owner/a: 5 stars, 22 November 2026. owner/empty: no complete period." in text
