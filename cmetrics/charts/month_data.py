"""The monthly values of a metric as a small script file, for comparisons. Pure."""

from __future__ import annotations

import orjson

from cmetrics.analytics.model import DownloadItem, Item, PointKind
from cmetrics.analytics.periods import MONTHS, flow_periods, stock_periods
from cmetrics.domain.days import Month, months
from cmetrics.domain.kind import Kind


def months_script(name: str, item: Item, title: str, unit: str) -> bytes | None:
    """Return the script with the values of ``item`` by full month; None without any.

    A call of ``cmetricsMonths`` with its name and its document: ``values`` starts at the month ``start``, with null
    for months with missing days or without a value. Published totals are left out, because they do not cover a month.
    """
    values = _values(item)
    if not values:
        return None
    span = list(months(min(values), max(values)))
    measure = item.metric.measure
    document = {
        "title": title,
        "source": item.source_title,
        "unit": unit,
        "flow": measure.is_flow and measure.kind is not Kind.COUNTER,
        "start": f"{span[0]}",
        "values": [values.get(month) for month in span],
    }
    return b"cmetricsMonths(" + orjson.dumps(name) + b"," + orjson.dumps(document) + b");\n"


def _values(item: Item) -> dict[Month, int]:
    if isinstance(item, DownloadItem):
        return {
            Month.of(point.period_start): point.value
            for point in item.points
            if point.is_complete and point.kind is not PointKind.SEEDED and not point.is_running
        }
    if item.metric.measure.kind is Kind.FLOW:
        sums = flow_periods(item.points, MONTHS, item.points[-1].day) if item.points else ()
        return {Month.of(point.period_start): point.value for point in sums if point.is_complete}
    known = item.points.known
    if not known:
        return {}
    periods = stock_periods(known, MONTHS, known[-1].day)
    return {Month.of(point.period_start): point.value for point in periods if not point.is_running}
