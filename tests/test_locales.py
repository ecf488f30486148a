"""Languages: the page, its script and `Intl` of a browser format numbers and dates alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from cmetrics.domain import formats
from cmetrics.domain.sanitize import isolate
from cmetrics.locales import languages, load_formats
from cmetrics.site.folders import templates_folder
from tests.locales import FILE, LANGUAGES, read_table

DAYS = [date(2026, month, 1 + 2 * month) for month in range(1, 13)]
NUMBERS = [0, 7, 999, 1000, 1234, 12_345, 949_999, 999_950, 7_624_793, 7_000_000, 1_234_567_890, 98_765_432_101, -4321]
PERCENTS = [0, 0.04, 5, 12.34, 12.25, 12.75, 100.5, -3.21, -0.01, 260_900.5]
#: A Python function, the JavaScript function that must equal it, and their arguments.
PAIRS = [
    *[("number", "formatNumber", NUMBERS), ("signed", "formatSigned", NUMBERS), ("compact", "formatCompact", NUMBERS)],
    *[
        ("percent", "formatPercent", PERCENTS),
        ("factor", "formatFactor", PERCENTS),
        ("decimal", "formatDecimal", PERCENTS),
    ],
    *[("long_day", "formatDay", DAYS), ("short_day", "formatShortDay", DAYS), ("day_month", "formatDayMonth", DAYS)],
    *[("month", "formatMonth", DAYS), ("short_month", "formatShortMonth", DAYS)],
    *[("month_name", "formatMonthName", DAYS), ("short_month_name", "formatShortMonthName", DAYS)],
]
_CALL = """([table, pairs, periods]) => {
  const FORMATS = table;
  SCRIPT
  const functions = { NAMES };
  return [...pairs.map(([name, values]) => values.map((value) => functions[name](value))),
    periods.map(([from, to]) => formatPeriod(from, to))];
}"""
_INTL = """([lang, days, numbers]) => {
  const write = (options) => {
    const format = new Intl.DateTimeFormat(lang, { timeZone: "UTC", calendar: "gregory", ...options });
    return days.map((day) => format.format(day));
  };
  return {
    number: numbers.map((value) => new Intl.NumberFormat(lang).format(value)),
    long_day: write({ day: "numeric", month: "long", year: "numeric" }),
    short_day: write({ day: "numeric", month: "short", year: "numeric" }),
    month: write({ month: "long", year: "numeric" }),
    month_name: write({ month: "long" }),
  };
}"""


@pytest.fixture(scope="module")
def page(chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page()
        browser.close()


def time_of(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def bare(text: str) -> str:
    """Return the text without the characters that isolate its direction."""
    return text.removeprefix("\u2068").removesuffix("\u2069")


@pytest.mark.parametrize("lang", languages())
def test_right_to_left_text_is_isolated(lang: str) -> None:
    """Text with right-to-left letters is isolated exactly once; other text is unchanged."""
    found = load_formats(lang)
    with formats.use(found):
        shown = [formats.long_day(DAYS[0]), formats.short_month_name(DAYS[0]), formats.compact(7_624_793)]
    for text in shown:
        assert text == isolate(bare(text))
    is_rtl = lang in {"ar", "fa", "he"}
    assert [text.startswith("\u2068") for text in shown[:2]] == [is_rtl, is_rtl]


def plain(values: list[Any]) -> list[Any]:
    return [time_of(value) if isinstance(value, date) else value for value in values]


@pytest.mark.parametrize("lang", languages())
def test_script(page: Page, lang: str) -> None:
    """The functions of the script and of Python return the same text."""
    script = (templates_folder() / "app" / "format.js").read_text()
    call = _CALL.replace("SCRIPT", script).replace("NAMES", ", ".join(name for _, name, _ in PAIRS))
    periods = [
        (DAYS[0], DAYS[0]),
        (DAYS[0], DAYS[1]),
        (date(2026, 11, 2), date(2026, 11, 8)),
        (date(2025, 12, 29), DAYS[0]),
    ]
    found = load_formats(lang)
    shown = page.evaluate(
        call,
        [found.table(), [(name, plain(values)) for _, name, values in PAIRS], [plain(list(pair)) for pair in periods]],
    )
    with formats.use(found):
        for (name, _, values), texts in zip(PAIRS, shown, strict=False):
            assert [getattr(formats, name)(value) for value in values] == texts, name
        assert [formats.period(*pair) for pair in periods] == shown[-1]


@pytest.mark.parametrize("lang", ["de", "fr", "ja", "ar", "fa", "hi", "es"])
def test_intl(page: Page, lang: str) -> None:
    """Numbers and dates are formatted as `Intl` does."""
    numbers = [value for value in NUMBERS if value >= 0]
    known = page.evaluate(_INTL, [lang, plain(DAYS), numbers])
    with formats.use(load_formats(lang)):
        assert [formats.number(value) for value in numbers] == known.pop("number")
        for name, texts in known.items():
            assert [bare(getattr(formats, name)(day)) for day in DAYS] == texts, name


def test_examples() -> None:
    """A few formats of four languages."""
    day, value = date(2026, 11, 24), 7_624_793
    written = {}
    for lang in ("de", "fr", "ja", "fa"):
        with formats.use(load_formats(lang)):
            written[lang] = (
                formats.number(value),
                formats.short_day(day),
                formats.signed_percent(12.3),
                formats.compact(value),
            )
    assert written == {
        "de": ("7.624.793", "24. Nov. 2026", "+12,3\u00a0%", "7,6\u00a0Mio."),
        "fr": ("7\u202f624\u202f793", "24 nov. 2026", "+12,3\u00a0%", "7,6\u00a0M"),
        "ja": ("7,624,793", "2026年11月24日", "+12.3%", "762.5万"),
        "fa": ("۷٬۶۲۴٬۷۹۳", "\u2068۲۴ نوامبر ۲۰۲۶\u2069", "+۱۲٫۳٪", "\u2068۷٫۶\u00a0میلیون\u2069"),
    }


def test_file(page: Page) -> None:
    """`locales.json` has every language and equals Chromium's data. If it differs, run `tests.locales`."""
    tables = json.loads(FILE.read_text(encoding="utf-8"))
    assert sorted(tables) == sorted(LANGUAGES)
    assert languages() == tuple(sorted(("en", *LANGUAGES)))
    guide = (Path(__file__).parents[1] / "docs" / "how-to" / "theme-and-language.md").read_text(encoding="utf-8")
    listed = guide.partition("Supported languages:")[2].partition(".")[0]
    assert re.findall(r"`([a-z]{2})`", listed) == list(languages())
    assert json.loads(json.dumps(read_table(page, "de"))) == tables["de"]
