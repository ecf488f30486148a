"""Badges of single metrics, for embedding in READMEs. The markup is in a template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from cmetrics.analytics.model import STALE_DAYS, CountItem, DownloadItem, Item
from cmetrics.charts import count_words
from cmetrics.charts.theme import NO_DATA as NO_DATA_COLOR
from cmetrics.charts.theme import TONES, Color
from cmetrics.domain import formats
from cmetrics.domain.notice import mark
from cmetrics.domain.sanitize import isolate
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


def badge_labels(items: Iterable[Item]) -> dict[str, str]:
    """Return the label of the badge of each metric by its id.

    A label names the package or repository. If several metrics would have the same label, it also names the source,
    and then the display name.
    """
    labels: dict[str, str] = {}
    waiting = list(items)
    for name in (_short_label, _source_label, _full_label):
        counts = Counter(name(item).casefold() for item in waiting)
        labels |= {item.metric.metric_id: name(item) for item in waiting}
        waiting = [item for item in waiting if counts[name(item).casefold()] > 1]
    return labels


def build_badge(item: Item, label: str, notice: str = "") -> Badge:
    """Return the badge of a metric with its headline number. An incomplete month is marked.

    ``notice`` is shown before the label.
    """
    label, message = mark(label, notice), _message(item)
    color = NO_DATA_COLOR if message is None else TONES[item.tone]
    message = NO_DATA if message is None else message
    return Badge(label, message, color, _width(label), _width(message))


def _short_label(item: Item) -> str:
    counted = count_words.name(item) if isinstance(item, CountItem) else _noun(item)
    return f"{isolate(item.metric.subject)} {counted}"


def _source_label(item: Item) -> str:
    return f"{isolate(item.metric.subject)} ({item.source_title}) {_noun(item)}"


def _full_label(item: Item) -> str:
    return f"{isolate(item.metric.subject)} ({isolate(item.metric.display_name)}) {_noun(item)}"


def _noun(item: Item) -> str:
    return item.metric.measure.badge_label


def _message(item: Item) -> str | None:
    if not isinstance(item, DownloadItem):
        if item.latest is None:
            return None
        is_old = (item.freshness.overdue_days or 0) >= STALE_DAYS
        return formats.compact(item.latest.value) + (f" on {fmt.short_day(item.latest.day)}" if is_old else "")
    month = item.month
    if month is None:
        return None
    days = "" if month.is_complete else f" ({month.days_observed} of {month.days_expected} days)"
    return f"{formats.compact(month.value)} in {formats.short_month(month.period_start)}{days}"


def _width(text: str) -> int:
    return round(len(text) * _CHARACTER) + _PADDING
