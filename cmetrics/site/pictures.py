"""Which pictures of charts are published, and the names of their files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cmetrics.analytics.chart import Chart, group_charts, is_metric, item_chart, total_stars_chart
from cmetrics.analytics.model import CountItem, Dashboard, Group
from cmetrics.analytics.overview import all_downloads_chart
from cmetrics.site.chart_picture import Picture, build_chart_picture, build_count_picture

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


def overall_pictures(board: Dashboard, names: Mapping[str, str], url: str | None) -> Iterator[tuple[str, Picture]]:
    """Yield the pictures of all downloads and of all stars, each if there is such a chart, with their names."""
    for chart in (all_downloads_chart(board), total_stars_chart(board)):
        if chart is not None:
            yield picture_name(chart, names), build_chart_picture(chart, board, url)


def group_pictures(
    board: Dashboard, group: Group, names: Mapping[str, str], url: str | None
) -> Iterator[tuple[str, Picture]]:
    """Yield the pictures of a product and of each of its metrics, with their names."""
    charts = group_charts(board, group)
    for chart in charts:
        yield picture_name(chart, names), build_chart_picture(chart, board, url)
    for item in group.items:
        name = names[item.metric.metric_id]
        if isinstance(item, CountItem):
            yield name, build_count_picture(item, board, url)
        else:
            yield name, build_chart_picture(item_chart(board, item, charts), board, url)
