"""Format numbers and dates for people in the current language.

A language is a table (`Formats`): separators, names of months, patterns. The script of the page uses the same table
and the same functions (``templates/app/format.js``), so that page and script agree in every browser. English is the
default, in the house style. Files for programs (CSV, JSON fields, ids) have plain numbers and ISO dates instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from cmetrics.domain.sanitize import isolate

MINUS = "\N{MINUS SIGN}"
_LATIN = "0123456789"
#: Digits of the last group of a number.
_GROUP = 3


@dataclass(frozen=True, slots=True)
class Pattern:
    """The pattern of a date: ``{d}``, ``{m}`` and ``{y}`` are the day, the name of the month and the year."""

    text: str
    #: The names of the months in the form for this pattern.
    months: tuple[str, ...]


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SHORT = tuple(name[:3] for name in _MONTHS)


# Compared and hashed by identity: there is one object per language.
@dataclass(frozen=True, slots=True, eq=False)
class Formats:
    """The formats of numbers and dates in one language."""

    lang: str = "en"
    #: Ten characters.
    digits: str = _LATIN
    decimal: str = "."
    group: str = ","
    #: Digits of the groups before the last one.
    later_group: int = _GROUP
    #: The minimum number of digits before the first separator.
    first_group: int = 1
    percent: str = "{}%"
    #: Units, largest first, each with its pattern.
    units: tuple[tuple[int, str], ...] = ((10**9, "{}B"), (10**6, "{}M"), (10**3, "{}k"))
    #: 24 November 2026, 24 Nov 2026, 24 Nov.
    long_day: Pattern = Pattern("{d} {m} {y}", _MONTHS)
    short_day: Pattern = Pattern("{d} {m} {y}", _SHORT)
    day_month: Pattern = Pattern("{d} {m}", _SHORT)
    #: October 2026, Oct 2026, October, Oct.
    month: Pattern = Pattern("{m} {y}", _MONTHS)
    short_month: Pattern = Pattern("{m} {y}", _SHORT)
    month_name: Pattern = Pattern("{m}", _MONTHS)
    short_month_name: Pattern = Pattern("{m}", _SHORT)

    def table(self) -> dict[str, Any]:
        """Return the table for the script of the page."""
        return asdict(self)


_PATTERNS = ("long_day", "short_day", "day_month", "month", "short_month", "month_name", "short_month_name")


def from_table(table: Mapping[str, Any]) -> Formats:
    """Return the formats of a table.

    Dates and numbers with right-to-left letters are isolated, so that they do not reorder the English sentences
    around them.
    """
    patterns = {name: _isolated(Pattern(table[name]["text"], tuple(table[name]["months"]))) for name in _PATTERNS}
    return Formats(**{**table, **patterns, "units": tuple((size, isolate(text)) for size, text in table["units"])})


def _isolated(pattern: Pattern) -> Pattern:
    is_rtl = any(isolate(name) != name for name in pattern.months)
    return Pattern(f"\u2068{pattern.text}\u2069", pattern.months) if is_rtl else pattern


ENGLISH = Formats()
_CURRENT: ContextVar[Formats] = ContextVar("formats", default=ENGLISH)


def current() -> Formats:
    """Return the formats in use."""
    return _CURRENT.get()


@contextmanager
def use(formats: Formats) -> Iterator[None]:
    """Use ``formats`` within the block."""
    # Generators may end in another context than they began in, in which a token cannot be reset.
    before = _CURRENT.get()
    _CURRENT.set(formats)
    try:
        yield
    finally:
        _CURRENT.set(before)


# -- numbers ----------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Return a whole number such as ``1,234,567``, with a true minus sign."""
    formats = _CURRENT.get()
    if formats is ENGLISH:
        return f"{round(value):,}".replace("-", MINUS)
    return _sign(value < 0 and round(value) != 0) + _local(f"{abs(round(value))}", formats)


def decimal(value: float, digits: int = 1) -> str:
    """Return a number with ``digits`` decimals, such as ``1,234.5``, with a true minus sign."""
    formats = _CURRENT.get()
    text = f"{abs(value):.{digits}f}"
    return _sign(value < 0 and float(text) != 0) + _local(text, formats)


def percent(value: float, digits: int = 1) -> str:
    """Return a percentage such as ``12.3%``, with a true minus sign."""
    text = f"{abs(value):.{digits}f}"
    formats = _CURRENT.get()
    return _sign(value < 0 and float(text) != 0) + formats.percent.format(_local(text, formats))


def signed(value: float) -> str:
    """Return a whole number with its sign, such as ``+1,234``. Zero has a sign too."""
    return number(value) if value < 0 else f"+{number(value)}"


def signed_decimal(value: float, digits: int = 1) -> str:
    """Return a number with its sign and ``digits`` decimals, such as ``+5.2``. Zero has a sign too."""
    text = decimal(value, digits)
    return text if text.startswith(MINUS) else f"+{text}"


def signed_percent(value: float, digits: int = 1) -> str:
    """Return a percentage with its sign, such as ``+12.3%``. Zero has a sign too."""
    text = percent(value, digits)
    return text if text.startswith(MINUS) else f"+{text}"


def factor(value: float, digits: int = 1) -> str:
    """Return a factor such as ``×3.3``."""
    return f"×{decimal(value, digits)}"


def compact(value: float, digits: int = 1, *, trim: bool = False) -> str:
    """Return a whole number such as ``1.2M``; small numbers are not shortened.

    ``trim`` leaves out decimals that are zero: ``2M``.
    """
    formats = _CURRENT.get()
    for size, text in formats.units:
        # The limit is slightly below the unit, so that 999,950 becomes 1.0M and not 1000.0k.
        if abs(value) >= size * 0.99995:
            shown = f"{abs(value) / size:.{digits}f}"
            shown = shown.rstrip("0").rstrip(".") if trim else shown
            return _sign(value < 0) + text.format(_local(shown, formats))
    return number(value)


def _sign(is_negative: bool) -> str:  # noqa: FBT001
    return MINUS if is_negative else ""


def _local(text: str, formats: Formats) -> str:
    """Return ``1234567.5`` with the separators and digits of a language."""
    whole, _, decimals = text.partition(".")
    if len(whole) >= _GROUP + formats.first_group:
        groups, rest = [whole[-_GROUP:]], whole[:-_GROUP]
        while rest:
            groups.append(rest[-formats.later_group :])
            rest = rest[: -formats.later_group]
        whole = formats.group.join(reversed(groups))
    text = f"{whole}{formats.decimal}{decimals}" if decimals else whole
    return text if formats.digits == _LATIN else text.translate(str.maketrans(_LATIN, formats.digits))


# -- dates ------------------------------------------------------------------------------------------------


def long_day(day: date) -> str:
    """Return ``24 November 2026``."""
    return _write(day, _CURRENT.get(), "long_day")


def short_day(day: date) -> str:
    """Return ``24 Nov 2026``, for narrow places."""
    return _write(day, _CURRENT.get(), "short_day")


def day_month(day: date) -> str:
    """Return ``24 Nov``, for places that show the year next to it."""
    return _write(day, _CURRENT.get(), "day_month")


def month(day: date) -> str:
    """Return ``October 2026``."""
    return _write(day, _CURRENT.get(), "month")


def short_month(day: date) -> str:
    """Return ``Oct 2026``."""
    return _write(day, _CURRENT.get(), "short_month")


def month_name(day: date) -> str:
    """Return ``October``."""
    return _write(day, _CURRENT.get(), "month_name")


def short_month_name(day: date) -> str:
    """Return ``Oct``."""
    return _write(day, _CURRENT.get(), "short_month_name")


def period(start: date, end: date) -> str:
    """Return a period such as ``16 to 22 Nov 2026``."""
    if start == end:
        return short_day(end)
    if start.year != end.year:
        return f"{short_day(start)} to {short_day(end)}"
    if start.month == end.month and _CURRENT.get() is ENGLISH:
        return f"{start.day} to {short_day(end)}"
    return f"{day_month(start)} to {short_day(end)}"


@lru_cache(maxsize=50_000)
def _write(day: date, formats: Formats, name: str) -> str:
    pattern: Pattern = getattr(formats, name)
    day_of_month, year = (
        text if formats.digits == _LATIN else text.translate(str.maketrans(_LATIN, formats.digits))
        for text in (str(day.day), str(day.year))
    )
    return pattern.text.format(d=day_of_month, m=pattern.months[day.month - 1], y=year)
