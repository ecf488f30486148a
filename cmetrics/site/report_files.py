"""Render the monthly reports to files: each one, and their list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cmetrics import documents
from cmetrics.analytics.report import MonthReport
from cmetrics.charts import theme
from cmetrics.report_documents import build_report_document, build_report_list
from cmetrics.site.folders import report_path
from cmetrics.site.page import Site
from cmetrics.site.report import render_report_html, render_report_list, render_report_markdown
from cmetrics.site.reports_page import build_report_page, build_reports_page
from cmetrics.site.social_card import render_report_card


def render_reports(site: Site, reports: Iterable[MonthReport]) -> Iterator[tuple[str, bytes]]:
    """Yield each report with its document and picture, then the list."""
    palette, rendered = theme.palette(site.board.theme.accent), []
    for report in reports:
        month = report.month
        yield report_path(month), render_report_html(report, build_report_page(site, report), palette=palette)
        yield report_path(month, "md"), render_report_markdown(report).encode()
        yield report_path(month, "png"), render_report_card(report, palette)
        yield f"api/v1/reports/{month}.json", documents.encode(build_report_document(report))
        rendered.append(report)
    yield report_path(None), render_report_list(build_reports_page(site, rendered))
    yield "api/v1/reports.json", documents.encode(build_report_list(rendered))
