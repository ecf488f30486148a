"""Badges and small charts of single metrics, for embedding in READMEs. The markup is in templates."""

from __future__ import annotations

from dataclasses import dataclass

from cmetrics.analytics.model import STALE_DAYS, CountItem, DownloadItem, Item
from cmetrics.charts import count_words
from cmetrics.charts.spark import Spark, month_sparkline, star_sparkline
from cmetrics.charts.theme import NO_DATA as NO_DATA_COLOR
from cmetrics.charts.theme import TONES, Color
from cmetrics.domain import formats
from cmetrics.domain.notice import mark
from cmetrics.site import format as fmt

#: The average width of a character in 11 px Verdana, the font of badges; accurate to a few percent.
_CHARACTER = 6.7
_PADDING = 12
NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Badge:
    """Two text fields and their widths in pixels."""

    label: str
    message: str
    color: Color
    label_width: int
    message_width: int

    @property
    def width(self) -> int:
        """The total width."""
        return self.label_width + self.message_width

    @property
    def label_middle(self) -> float:
        """The centre of the label."""
        return self.label_width / 2

    @property
    def message_middle(self) -> float:
        """The centre of the message."""
        return self.label_width + self.message_width / 2

    def endpoint(self) -> dict[str, object]:
        """Return the JSON document for https://shields.io/badges/endpoint-badge."""
        return {"schemaVersion": 1, "label": self.label, "message": self.message, "color": self.color.light.lstrip("#")}


@dataclass(frozen=True, slots=True)
class Embed:
    """A small chart: a description, and a sparkline in a 120 x 32 box."""

    title: str
    headline: str
    note: str
    spark: Spark
    color: Color


def build_badge(item: Item, notice: str = "") -> Badge:
    """Return the badge of a metric with its headline number. An incomplete month is marked.

    ``notice`` is shown before the label.
    """
    label, message = mark(_label(item), notice), _message(item)
    color = NO_DATA_COLOR if message is None else TONES[item.tone]
    message = NO_DATA if message is None else message
    return Badge(label, message, color, _width(label), _width(message))


def build_embed(item: Item, notice: str = "") -> Embed:
    """Return the small chart of a metric with its headline number. ``notice`` is shown before the title."""
    title = mark(f"{item.metric.subject}: {_label(item)}", notice)
    if isinstance(item, DownloadItem):
        month = item.month
        missing = f", {month.days_observed} of {month.days_expected} days" if month and not month.is_complete else ""
        note = f"{fmt.month(item.month_end)}{missing}; {item.source_title}"
        headline = fmt.number(month.value if month else None)
        return Embed(title, headline, note, month_sparkline(item.points), TONES[item.tone])
    latest = item.latest
    when = count_words.period(item) if isinstance(item, CountItem) else fmt.day(latest.day if latest else None)
    note = f"{when}; {item.source_title}" if latest else NO_DATA
    headline = fmt.number(latest.value if latest else None)
    return Embed(title, headline, note, star_sparkline(item.points), TONES[item.tone])


def _label(item: Item) -> str:
    if isinstance(item, CountItem):
        return count_words.name(item)
    return f"{item.metric.label} downloads" if isinstance(item, DownloadItem) else item.metric.label


def _message(item: Item) -> str | None:
    if not isinstance(item, DownloadItem):
        if item.latest is None:
            return None
        is_old = (item.freshness.overdue_days or 0) >= STALE_DAYS
        return fmt.short(item.latest.value) + (f" on {fmt.short_day(item.latest.day)}" if is_old else "")
    month = item.month
    if month is None:
        return None
    days = "" if month.is_complete else f" ({month.days_observed} of {month.days_expected} days)"
    return f"{fmt.short(month.value)} in {formats.short_month(month.period_start)}{days}"


def _width(text: str) -> int:
    return round(len(text) * _CHARACTER) + _PADDING
