"""The names of the files of charts."""

from __future__ import annotations

from collections.abc import Mapping

from cmetrics.analytics.chart import Chart, is_metric

#: The folder of the pictures.
FOLDER = "chart"


def picture_name(chart: Chart, names: Mapping[str, str]) -> str:
    """Return the name of the files of a chart, without suffix. ``names`` are the file names of metrics by id.

    A chart of several series is named by its key, or by its key after "_" if a metric has that name.
    """
    if is_metric(chart):
        return names[chart.series[0].metric_id or ""]
    taken = {name.casefold() for name in names.values()}
    return f"_{chart.key}" if chart.key.casefold() in taken else chart.key
