"""Render the reports of months as HTML (six slides, or A4 pages) and as Markdown. Nothing is computed here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from markupsafe import Markup

from cmetrics.analytics.report import DownloadsRow, MonthReport, ReleaseRow, StarsRow, month_name
from cmetrics.charts import theme
from cmetrics.charts.report_figures import SHAPES, month_charts, net_chart, row_bars, shares
from cmetrics.domain import formats
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import sanitize
from cmetrics.site.folders import templates_folder
from cmetrics.site.format import NONE, number
from cmetrics.site.page import Page
from cmetrics.site.report_format import later_text, points, signed_number
from cmetrics.site.templates import open_templates

#: The colours of products, as on the overview, and of SDKs without one of their own; of all smaller ones.
TONES, SMALLER = ("a0", "a1", "n0", "n3", "n2", "n1", "n5", "n6"), "n4"
#: The maximum length of sentences and notes.
_LONGEST = 2000
#: Characters with a meaning in Markdown (CommonMark 0.31, and GitHub's tables, mentions and links).
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&$])")
#: At the beginning of a line.
_BLOCK = re.compile(r"^(\d+)([.)])|^([-+=:])")
#: An invisible character (word joiner) that prevents a mention on GitHub.
_JOINER = "\u2060"


@dataclass(frozen=True, slots=True)
class Limits:
    """The maximum numbers of rows on a slide. Screen, A4 pages and Markdown show everything."""

    packages: int = 7
    repositories: int = 4
    #: Entries of a legend, and metrics that are not compared.
    legend: int = 6
    reasons: int = 3
    changes: int = 3
    releases: int = 2
    #: Packages after a release.
    effects: int = 3
    notes: int = 1
    #: Characters of a note.
    note: int = 220
    later: int = 3
    missing: int = 8


def render_report_html(
    report: MonthReport, page: Page | None = None, *, palette: theme.Palette = theme.DEFAULT
) -> bytes:
    """Return a report as one HTML file, which needs no script. ``page`` is its place in a site; None without one."""
    environment = open_templates()
    month = report.month
    order = _by_size(report.products)
    products = [report.products[place] for place in order]
    history = [replace(bar, parts=tuple(bar.parts[place] for place in order)) for bar in report.history]
    tones = _tones(len(products))
    names = [row.name for row in products]
    sdk_tones = _sdk_tones(report.sdks)
    star_rows = (report.all_stars, *report.repositories) if len(report.repositories) != 1 else report.repositories
    context = {
        "report": report,
        "page": page,
        "css": _css(palette, has_masthead=page is not None),
        "limits": Limits(),
        "before": month_name(month.plus(-1)),
        "year_before": month_name(month.plus(-12)),
        "before_short": formats.short_month(month.plus(-1).first),
        "year_short": formats.short_month(month.plus(-12).first),
        "missing_days": sum(row.days for row in report.missing),
        "charts": month_charts(history, tones, names),
        "names": report.names,
        "products": list(zip(products, tones, strict=True)),
        "package_tones": [report.tones[row.metric_id or ""] for row in report.packages],
        "package_bars": row_bars([row.history for row in report.packages]),
        "reasons": [row for row in report.packages if row.reason],
        "star_rows": star_rows,
        "star_bars": row_bars([row.history for row in star_rows]),
        "net": [(shape, net_chart(report.all_stars.history, month, shape)) for shape in SHAPES],
        "compositions": list(_compositions(products, tones, report.sdks, sdk_tones)),
    }
    return _clean(environment.get_template("report.html.j2").render(context))


def render_report_list(page: Page) -> bytes:
    """Return the page that lists the reports."""
    template = open_templates().get_template(page.template)
    return template.render(page=page, site=page.site, board=page.site.board).encode()


def _clean(page: str) -> bytes:
    """Return a page without white space at the end of lines."""
    *lines, last = page.split("\n")
    return "\n".join([*(line.rstrip(" \t") for line in lines), last]).encode()


def render_report_markdown(report: MonthReport) -> str:
    """Return a report as Markdown. Names, labels and notes cannot contain markup."""
    before, year_before = month_name(report.month.plus(-1)), month_name(report.month.plus(-12))
    state = "Final since" if report.is_final else "Provisional; final on"
    lines = [
        f"# {_escape(report.title)}: {report.name}",
        "",
        _escape(report.headline) or "No data for this month.",
        "",
        f"{state} {formats.short_day(report.final_on)}.",
    ]
    if report.has_downloads:
        lines += ["", "## Downloads", "", *_downloads_table(report, before, year_before)]
        lines += ["", "## Composition", "", *_composition_table(report, before)]
        lines += ["", "## All downloads by month", "", *_history_table(report)]
    if report.has_stars:
        lines += ["", "## GitHub stars", "", *_stars_table(report, before)]
    lines += ["", "## What changed", ""]
    lines += [f"- {_escape(text)}" for text in report.changes] or ["Nothing unusual."]
    lines += ["", "## Releases and events", ""]
    lines += [line for row in report.releases for line in _release_lines(row)] or ["None this month."]
    if report.judged:
        lines += ["", f"Earlier releases and events, with results through {formats.short_day(report.as_of)}:", ""]
        lines += [line for row in report.judged for line in _release_lines(row)]
    if report.notes:
        lines += ["", "## Notes", ""]
        lines += [
            f"- {formats.short_day(note.day)}, note by {_escape(note.author)}: {_escape(note.text)}"
            for note in report.notes
        ]
    lines += ["", "## Data quality", ""]
    lines += [f"- {_escape(row.name)}: {plural(row.days, 'day')} missing" for row in report.missing] or [
        "No days are missing."
    ]
    if report.later:
        lines += ["", f"## Changed since {formats.short_day(report.final_on)}", ""]
        lines += [f"- {_escape(later_text(change, report))}" for change in report.later]
        lines += ["", "The report shows the numbers as they were on that day."]
    lines += ["", "## Method", "", *(f"- {_escape(text)}" for text in report.method)]
    return "\n".join(lines) + "\n"


def _downloads_table(report: MonthReport, before: str, year_before: str) -> list[str]:
    lines = [
        f"| Package | Downloads | vs {before} | vs {year_before} | Share | Days |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    for row in (report.total, *report.products, *report.packages):
        name = _escape(row.name) if row.metric_id else f"**{_escape(row.name)}**"
        lines.append(
            f"| {name} | {number(row.value)} | {row.before.moved or NONE} | {row.year.moved or NONE} | "
            f"{_percent(row.share)} | {formats.number(row.before.observed)} of {formats.number(row.days_expected)} |"
        )
    reasons = [f"{_escape(row.name)} ({_escape(row.reason)})" for row in report.packages if row.reason]
    return [*lines, "", f"Not compared: {'; '.join(reasons)}."] if reasons else lines


def _composition_table(report: MonthReport, before: str) -> list[str]:
    rows = (*report.products, *report.sdks)
    if all(row.share is None for row in rows):
        return ["No shares: too many metrics have missing days in one of the two months."]
    lines = [f"| Part | Share | {before} | Change |", "| --- | --: | --: | --: |"]
    for row in rows:
        change = NONE if row.share_change is None else points(row.share_change)
        lines.append(f"| {_escape(row.name)} | {_percent(row.share)} | {_percent(row.previous_share)} | {change} |")
    return lines


def _history_table(report: MonthReport) -> list[str]:
    names = [_escape(row.name) for row in report.products]
    lines = [
        f"| Month | All | {' | '.join(names)} | Days |",
        f"| --- | --: | {' | '.join('--:' for _ in names)} | --: |",
    ]
    for bar in reversed(report.history):
        if bar.value:
            parts = " | ".join(number(part) for part in bar.parts)
            days = f"{formats.number(bar.days_observed)} of {formats.number(bar.days_expected)}"
            lines.append(f"| {month_name(bar.month)} | {formats.number(bar.value)} | {parts} | {days} |")
    return lines


def _stars_table(report: MonthReport, before: str) -> list[str]:
    lines = [
        f"| Repository | Stars | Net | Gained | Lost | Net in {before} |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    rows: list[StarsRow] = [*report.repositories]
    if len(rows) != 1:
        rows = [report.all_stars, *rows]
    for row in rows:
        stars = number(row.stars)
        if row.day is not None and row.day != report.month.last:
            stars += f" ({formats.short_day(row.day)})"
        lines.append(
            f"| {_escape(row.name)} | {stars} | {signed_number(row.net)} | {number(row.gained)} | {number(row.lost)} | "
            f"{signed_number(row.previous_net)} |"
        )
    return lines


def _release_lines(row: ReleaseRow) -> Iterator[str]:
    label = _escape(row.event.label)
    # A URL of the catalogue or of GitHub has neither spaces nor angle brackets.
    shown = f"[{label}](<{row.event.url}>)" if row.event.url else label
    yield f"- {shown}, {formats.short_day(row.event.day)}"
    for effect in row.effects:
        yield f"  - {_escape(effect.text)}"


def _compositions(
    products: Sequence[DownloadsRow],
    tones: Sequence[str],
    sdks: Sequence[DownloadsRow],
    sdk_tones: Mapping[str | None, str],
) -> Iterator[object]:
    by_sdk = [sdk_tones[row.sdk] for row in sdks]
    for title, rows, colours in (("By product", products, tones), ("By SDK", sdks, by_sdk)):
        pairs = list(zip(rows, colours, strict=True))
        yield title, pairs, shares(rows, colours), shares(rows, colours, before=True)


def _by_size(rows: Sequence[DownloadsRow]) -> list[int]:
    """Return the indices of rows, largest first, which is the order of stacked bars, coloured as on the site."""
    return sorted(range(len(rows)), key=lambda place: -(rows[place].value or 0))


def _tones(count: int) -> list[str]:
    return [TONES[number] if number < len(TONES) else SMALLER for number in range(count)]


def _sdk_tones(rows: Sequence[DownloadsRow]) -> dict[str | None, str]:
    others = _tones(len(rows))
    return {
        row.sdk: row.sdk if row.sdk in theme.TONES and row.sdk is not None else others[number]
        for number, row in enumerate(sorted(rows, key=lambda row: row.sdk or ""))
    }


def _css(palette: theme.Palette, *, has_masthead: bool) -> Markup:
    files = ["style/masthead.css", "report.css"] if has_masthead else ["report.css"]
    text = palette.stylesheet() + "".join((templates_folder() / name).read_text(encoding="utf-8") for name in files)
    return Markup(text)  # noqa: S704 our own files


def _percent(value: float | None) -> str:
    return NONE if value is None else formats.percent(value)


# Names occur in every report.
@lru_cache(maxsize=20_000)
def _escape(text: str) -> str:
    """Return text as Markdown without markup, on one line."""
    text = _MARKDOWN.sub(r"\\\1", sanitize(text, limit=_LONGEST))
    # An address without angle brackets is a link on GitHub.
    text = text.replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", f"@{_JOINER}")
    return _BLOCK.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", text)
