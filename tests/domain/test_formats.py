"""Numbers and dates in English; tests/test_locales.py compares other languages with a browser."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from threading import Thread

import pytest

import cmetrics
from cmetrics.domain import formats
from cmetrics.domain.formats import ENGLISH, from_table
from cmetrics.locales import load_formats
from cmetrics.site.folders import templates_folder


def test_numbers() -> None:
    """Numbers have a true minus sign, no space before %, and the units k, M and B."""
    assert [formats.number(value) for value in (0, 999, 1000, 7_624_793, -1234)] == [
        *("0", "999", "1,000", "7,624,793", "−1,234"),
    ]
    assert [formats.signed(value) for value in (386, 0, -22)] == ["+386", "+0", "−22"]
    assert [formats.percent(value) for value in (12.3, -0.04, 1234.5)] == ["12.3%", "0.0%", "1,234.5%"]
    assert [formats.signed_percent(value) for value in (10, -3.21)] == ["+10.0%", "−3.2%"]
    assert (formats.factor(3.31), formats.decimal(1234.56, 2), formats.signed_decimal(-5.25)) == (
        *("×3.3", "1,234.56", "−5.2"),
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (999, "999"),
        (1234, "1.2k"),
        (999_949, "999.9k"),
        (999_950, "1.0M"),
        (1_234_567_890, "1.2B"),
        (-7_624_793, "−7.6M"),
    ],
)
def test_compact(value: int, text: str) -> None:
    """Compact numbers have one decimal, and a number just below a unit is rounded to it."""
    assert formats.compact(value) == text


def test_compact_decimals() -> None:
    """More decimals are possible, and zeros can be omitted."""
    assert formats.compact(7_624_793, 2) == "7.62M"
    assert [formats.compact(value, trim=True) for value in (2_000_000, 2_500_000, 0)] == ["2M", "2.5M", "0"]


def test_dates() -> None:
    """Dates have the order day, month, year."""
    day = date(2026, 11, 4)
    assert (formats.long_day(day), formats.short_day(day), formats.day_month(day)) == (
        *("4 November 2026", "4 Nov 2026", "4 Nov"),
    )
    assert (formats.month(day), formats.short_month(day)) == ("November 2026", "Nov 2026")
    assert (formats.month_name(day), formats.short_month_name(day)) == ("November", "Nov")
    assert formats.short_day(date(2026, 9, 1)) == "1 Sep 2026"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (date(2026, 11, 22), date(2026, 11, 22), "22 Nov 2026"),
        (date(2026, 11, 16), date(2026, 11, 22), "16 to 22 Nov 2026"),
        (date(2026, 10, 26), date(2026, 11, 1), "26 Oct to 1 Nov 2026"),
        (date(2025, 12, 29), date(2026, 1, 4), "29 Dec 2025 to 4 Jan 2026"),
    ],
)
def test_period(start: date, end: date, text: str) -> None:
    """Parts that are equal at both ends are written once."""
    assert formats.period(start, end) == text


def test_use() -> None:
    """Another language applies only within the context, and only in its thread."""
    seen = []
    with formats.use(load_formats("de")):
        assert (formats.number(7_624_793), formats.short_day(date(2026, 11, 24))) == ("7.624.793", "24. Nov. 2026")
        thread = Thread(target=lambda: seen.append(formats.number(1000)))
        thread.start()
        thread.join()
    assert seen == [formats.number(1000)] == ["1,000"]
    assert formats.current() is ENGLISH


def test_table() -> None:
    """The formats of a language can be converted to a table and back."""
    assert from_table(ENGLISH.table()).table() == ENGLISH.table()


#: Code that formats by itself: separators, decimals with a percent sign, names of months.
OWN_FORMAT = re.compile(
    r"\{[^{}]*:[+]?,[^{}]*\}|\{[^{}]*:[+]?\.\d+f\}(?:%| points)|\{[^{}]*:[^{}]*%[bB][^{}]*\}|%[bB] "
)


@pytest.mark.parametrize("folder", ["analytics", "charts", "site"])
def test_other_modules_do_not_format(folder: str) -> None:
    """All formatting for readers is in this module, so that it has their language."""
    for path in sorted((Path(cmetrics.__file__).parent / folder).rglob("*.py")):
        assert OWN_FORMAT.findall(path.read_text(encoding="utf-8")) == [], path


def test_other_scripts_do_not_format() -> None:
    """Only one script formats numbers and dates."""
    for path in sorted((templates_folder() / "app").glob("*.js")):
        found = re.findall(r"\bIntl\.(?!Collator).*|toLocale\w+", path.read_text(encoding="utf-8"))
        assert path.name == "format.js" or found == [], path
    for path in sorted(templates_folder().glob("*.j2")):
        assert re.findall(r"strftime|%[bB]\b|:,\}", path.read_text(encoding="utf-8")) == [], path
