"""Badges and small charts of single metrics, for READMEs elsewhere: geometry here, markup in templates."""

from __future__ import annotations

from dataclasses import dataclass

from cmetrics.analytics.model import DownloadItem, Item
from cmetrics.charts.spark import month_sparkline, star_sparkline
from cmetrics.charts.theme import OTHER_COLORS, color_of
from cmetrics.site import format as fmt

#: Average width of a character of 11 px Verdana, as badges are set; good to a few percent.
_CHARACTER = 6.7
_PADDING = 12
NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Badge:
    """Two fields of text and their widths in pixels."""

    label: str
    message: str
    color: str
    label_width: int
    message_width: int

    @property
    def width(self) -> int:
        """The whole badge."""
        return self.label_width + self.message_width

    @property
    def label_middle(self) -> float:
        """Where the label is centred."""
        return self.label_width / 2

    @property
    def message_middle(self) -> float:
        """Where the message is centred."""
        return self.label_width + self.message_width / 2

    def endpoint(self) -> dict[str, object]:
        """The schema of shields.io/badges/endpoint-badge."""
        return {"schemaVersion": 1, "label": self.label, "message": self.message, "color": self.color.lstrip("#")}


@dataclass(frozen=True, slots=True)
class Embed:
    """A small chart: what it shows, in words and as polylines in a 120 x 32 box."""

    title: str
    headline: str
    note: str
    lines: tuple[str, ...]
    color: str


def build_badge(item: Item) -> Badge:
    """The headline number of a metric; an incomplete month says so."""
    label = _label(item)
    message, color = _message(item)
    return Badge(label, message, color, _width(label), _width(message))


def build_embed(item: Item) -> Embed:
    """The same number with its history."""
    title = f"{item.metric.subject}: {_label(item)}"
    if isinstance(item, DownloadItem):
        month = item.month
        missing = f", {month.days_observed} of {month.days_expected} days" if month and not month.is_complete else ""
        note = f"{fmt.month(item.month_end)}{missing}; {item.source_title}"
        color = color_of(item.metric.sdk, 0)
        return Embed(title, fmt.number(month.value if month else None), note, month_sparkline(item.points), color)
    latest = item.latest
    note = f"{fmt.day(latest.day)}; {item.source_title}" if latest else NO_DATA
    headline = fmt.number(latest.value if latest else None)
    return Embed(title, headline, note, star_sparkline(item.points), OTHER_COLORS[0])


def _label(item: Item) -> str:
    return f"{item.metric.display_name} downloads" if isinstance(item, DownloadItem) else item.metric.display_name


def _message(item: Item) -> tuple[str, str]:
    if isinstance(item, DownloadItem):
        month = item.month
        if month is None:
            return NO_DATA, "#8a8f94"
        days = "" if month.is_complete else f" ({month.days_observed} of {month.days_expected} days)"
        return f"{fmt.short(month.value)} in {month.period_start:%b %Y}{days}", color_of(item.metric.sdk, 0)
    return (fmt.short(item.latest.value), OTHER_COLORS[0]) if item.latest else (NO_DATA, "#8a8f94")


def _width(text: str) -> int:
    return round(len(text) * _CHARACTER) + _PADDING
