"""The pages of monthly reports: their place in the site, and their list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cmetrics.analytics.report import MonthReport
from cmetrics.domain import formats
from cmetrics.domain.days import Month
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import isolate
from cmetrics.site.folders import report_path
from cmetrics.site.format import NONE, number, tone_of
from cmetrics.site.page import Page, Site
from cmetrics.site.report_format import signed_number


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A report in the list: its numbers as texts, with the tone of each change."""

    month: Month
    name: str
    downloads: str
    #: Percent of the largest month of the list.
    percent: float
    is_complete: bool
    #: The number of days with data, if some are missing.
    days: str
    moved: str
    tone: str
    moved_in_year: str
    year_tone: str
    stars: str
    net: str
    net_tone: str
    state: str


def build_report_page(site: Site, report: MonthReport) -> Page:
    """Return the page of a report."""
    return Page(
        site=site,
        path=report_path(report.month),
        template="report.html.j2",
        title=f"{report.name} · {isolate(site.board.title)}",
        description=report.headline or f"{report.name}: no data for this month.",
        card=report_path(report.month, "png"),
    )


def build_reports_page(site: Site, reports: Iterable[MonthReport]) -> Page:
    """Return the page that lists the reports; the newest comes first."""
    lines = tuple(_lines(list(reports)))
    return Page(
        site=site,
        path=report_path(None),
        template="reports.html.j2",
        title=f"Monthly reports · {isolate(site.board.title)}",
        description=f"{isolate(site.board.title)}: reports of the last {plural(len(lines), 'full month')}.",
        reports=lines,
    )


def _lines(reports: list[MonthReport]) -> Iterator[ReportLine]:
    most = max((report.total.value or 0 for report in reports), default=0) or 1
    for report in reports:
        total, stars = report.total, report.all_stars
        days = f"{formats.number(total.before.observed)} of {formats.number(total.days_expected)} package-days"
        day = formats.short_day(report.final_on)
        yield ReportLine(
            month=report.month,
            name=report.name,
            downloads=number(total.value),
            percent=round(100 * (total.value or 0) / most, 1),
            is_complete=total.is_complete,
            days="" if total.is_complete or total.value is None else days,
            moved=total.before.moved or NONE,
            tone=_tone(total.before.change),
            moved_in_year=total.year.moved or NONE,
            year_tone=_tone(total.year.change),
            stars=number(stars.stars),
            net=signed_number(stars.net),
            net_tone=_tone(stars.net),
            state="Final" if report.is_final else f"Provisional until {day}",
        )


def _tone(change: int | None) -> str:
    """Return the class of a change; empty if it is unknown."""
    return tone_of(change or 0, same="plain")
