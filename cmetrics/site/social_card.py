"""The social card: the preview picture for links to the page (Open Graph)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from cmetrics.analytics.dashboard import product_board
from cmetrics.analytics.model import Change, CountItem, Dashboard, DayPoint, DownloadItem, Group, Item, PointKind
from cmetrics.analytics.month_total import month_total
from cmetrics.analytics.overview import by_size
from cmetrics.charts import count_words
from cmetrics.charts.theme import SURFACES, TONES, Palette, mix, palette
from cmetrics.domain import formats
from cmetrics.domain.days import Month, last_full_month, months
from cmetrics.domain.plural import plural
from cmetrics.site import format as fmt
from cmetrics.site.canvas import ELLIPSIS, Canvas

if TYPE_CHECKING:
    from cmetrics.analytics.report import MonthReport

#: The usual size of Open Graph pictures, in pixels.
WIDTH, HEIGHT = 1200, 630
MONTHS_DRAWN = 24
PARTS_NAMED = 3
COUNTS_DRAWN = 2

# The light scheme, because a picture on another site cannot follow the user's setting.
_GROUND, _LINE, _TEXT, _MUTED, _UP, _DOWN = (
    SURFACES[name].light for name in ("ground", "line", "text", "muted", "up", "down")
)
_STARS = TONES["n0"].light
_PALE_STARS, _STAR_AREA = mix(_STARS, _GROUND, 0.4), mix(_STARS, _GROUND, 0.12)
_LEFT, _ROOM, _GAP = 64, WIDTH - 2 * 64, 64
_CHART_TOP, _CHART_BOTTOM = 366, 474
#: The minimum number of bars in the scale of a chart, so that a single month does not fill the width.
_FEWEST_BARS = 12


@dataclass(frozen=True, slots=True)
class _Bar:
    """A month. Pale if days are missing, or if it includes a published total."""

    month: Month
    value: int
    is_whole: bool
    has_snapshots: bool


@dataclass(frozen=True, slots=True)
class _Column:
    """One large number with its label, its change, and its history."""

    value: int | None
    label: str
    note: str
    color: str
    bars: tuple[_Bar, ...] = ()
    line: Sequence[DayPoint] = ()
    #: Net by month; None if unknown.
    gains: Sequence[int | None] = ()


def render_product_card(dashboard: Dashboard, group: Group) -> bytes:
    """Return the card of a product. Deterministic."""
    return render_social_card(product_board(dashboard, group), dashboard.title)


def render_social_card(dashboard: Dashboard, site: str = "") -> bytes:
    """Return a PNG of 1200 x 630 pixels: totals, history, a line per product or metric. Deterministic.

    ``site`` is the title of the site if the dashboard is that of a product.
    """
    canvas = Canvas(WIDTH, HEIGHT, _GROUND)
    accent = palette(dashboard.theme.accent).products["a0"].light
    canvas.box(0, 0, WIDTH, 10, accent)
    title, size = canvas.fit(canvas.plain(dashboard.title, "Downloads and stars"), _ROOM, 52, 40)
    canvas.write((_LEFT, 94), title, size, _TEXT)
    notice = canvas.plain(dashboard.notice, "Notice") if dashboard.notice else ""
    canvas.write((_LEFT + _ROOM, 138), notice, 28, _DOWN, "r")
    age = f" ({fmt.days(dashboard.age_days)} old)" if dashboard.is_stale else ""
    through, room = f"{fmt.through(dashboard)}{age}", _ROOM - (canvas.width(notice, 28) + 24 if notice else 0)
    canvas.write((_LEFT, 138), *canvas.fit(through, room, 28, 20), _DOWN if age else _MUTED)
    if site:
        start = _LEFT + canvas.width(f"{through}  ", 28)
        if start < _LEFT + room - 120:
            canvas.write((start, 138), *canvas.fit(canvas.plain(site, ""), _LEFT + room - start, 28, 28), _MUTED)
    if any(item.points for item in dashboard.items):
        columns = list(_columns(dashboard))
        for column, (left, wide) in zip(columns, _places(len(columns)), strict=True):
            _draw_column(canvas, column, left, wide, accent)
        _draw_parts(canvas, [group for group in dashboard.groups if group.items], dashboard.as_of)
    else:
        canvas.write((_LEFT, 370), "Nothing collected yet", 80, _TEXT)
    return canvas.png(dashboard.notice)


def render_report_card(report: MonthReport, colors: Palette) -> bytes:
    """Return the card of the report of a month: its numbers, its months, and its largest packages. Deterministic."""
    canvas = Canvas(WIDTH, HEIGHT, _GROUND)
    accent = colors.products["a0"].light
    canvas.box(0, 0, WIDTH, 10, accent)
    canvas.write((_LEFT, 94), *canvas.fit(canvas.plain(report.name, f"{report.month}"), _ROOM, 52, 40), _TEXT)
    canvas.write((_LEFT, 138), *canvas.fit(canvas.plain(report.title, "Monthly report"), _ROOM, 28, 20), _MUTED)
    columns = list(_report_columns(report))
    for column, (left, wide) in zip(columns, _places(len(columns)), strict=True):
        _draw_column(canvas, column, left, wide, accent)
    known = [row for row in report.packages if row.value is not None]
    rows = [
        (
            canvas.plain(row.name, row.product or ""),
            ", ".join(filter(None, (formats.compact(row.value or 0), row.before.moved))),
        )
        for row in known[:PARTS_NAMED]
    ]
    _draw_list(canvas, rows, len(known), "packages")
    return canvas.png()


def _report_columns(report: MonthReport) -> Iterator[_Column]:
    before = f"vs {formats.month(report.month.plus(-1).first)}"
    if report.has_downloads:
        total = report.total
        note, color = f"{total.before.moved} {before}" if total.before.moved else "", _sign(total.before.change)
        if not total.is_complete:
            note = f"{formats.number(total.before.observed)} of {formats.number(total.days_expected)} package-days"
            color = _MUTED
        bars = tuple(
            _Bar(bar.month, bar.value, bar.days_observed == bar.days_expected, bool(bar.snapshots))
            for bar in report.history
        )
        begun = next((number for number, bar in enumerate(bars) if bar.value), len(bars))
        yield _Column(total.value, "downloads", note, color, bars=bars[begun:])
    if report.has_stars:
        stars = report.all_stars
        note = "" if stars.net is None else f"{formats.signed(stars.net)} in the month"
        yield _Column(stars.stars, "GitHub stars", note, _sign(stars.net), gains=stars.history)


def _sign(change: int | None) -> str:
    return _MUTED if not change else _UP if change > 0 else _DOWN


def _columns(dashboard: Dashboard) -> Iterator[_Column]:
    downloads = [item for item in dashboard.items if isinstance(item, DownloadItem)]
    if downloads:
        last = last_full_month(dashboard.as_of)
        totals = [month_total(downloads, month) for month in months(last.plus(1 - MONTHS_DRAWN), last)]
        begun = next((number for number, bar in enumerate(totals) if bar.known), len(totals))
        bars = tuple(_Bar(one.month, one.value, one.is_whole, bool(one.snapshots)) for one in totals[begun:])
        total = dashboard.month_total
        note, color = _moved(dashboard.month_total_change, f"vs {formats.month_name(last.plus(-1).first)}")
        if total is None:
            note = "no data for that month"
        elif not (total.is_complete or note):
            known, expected = total.days_observed or 0, total.days_expected or 0
            note = f"{formats.number(known)} of {formats.number(expected)} package-days"
        value = None if total is None else total.value
        yield _Column(value, f"downloads in {fmt.month(last.first)}", note, color, bars=bars)
    if any(group.stars for group in dashboard.groups):
        stars = dashboard.total_stars
        note, color = _moved(dashboard.total_stars_change_30, "in 30 days", absolute=True)
        label = "GitHub stars"
        if stars is None:
            note = "no total yet: not every repository has data"
        elif stars.day != dashboard.data_through:
            label += f" on {fmt.day(stars.day)}"
        yield _Column(stars.value if stars else None, label, note, color, line=dashboard.total_stars_points)
    elif not downloads:
        for item in [item for item in dashboard.items if isinstance(item, CountItem) and item.latest][:COUNTS_DRAWN]:
            yield _count_column(item)


def _count_column(item: CountItem) -> _Column:
    label = f"{item.metric.measure.noun}, {count_words.period(item)}"
    note, color = _moved(item.change_30, "in 30 days", absolute=True)
    value = item.latest.value if item.latest else None
    return _Column(value, label, note or count_words.recent(item), color, line=item.points)


def _moved(change: Change | None, words: str, *, absolute: bool = False) -> tuple[str, str]:
    if change is None:
        return "", _MUTED
    color = _UP if change.absolute > 0 else _DOWN if change.absolute < 0 else _MUTED
    return f"{formats.signed(change.absolute) if absolute else fmt.percent(change)} {words}", color


def _places(count: int) -> list[tuple[float, float]]:
    """Return the left edge and the width of each of ``count`` columns; none for none."""
    if count == 0:
        return []
    gap = _GAP if count <= 2 else _GAP / 2  # noqa: PLR2004
    wide = (_ROOM - gap * (count - 1)) / count
    return [(_LEFT + number * (wide + gap), wide) for number in range(count)]


def _draw_column(canvas: Canvas, column: _Column, left: float, wide: float, accent: str) -> None:
    figure, size = canvas.fit(canvas.plain(fmt.number(column.value), "-"), wide, 96, 60)
    if figure.endswith(ELLIPSIS) and column.value is not None:
        # Numbers are rounded if they do not fit, never truncated.
        figure, size = canvas.fit(formats.compact(column.value), wide, 96, 20)
    canvas.write((left, 252), figure, size, _TEXT)
    canvas.write((left, 300), *canvas.fit(column.label, wide, 30, 20), _MUTED)
    canvas.write((left, 338), *canvas.fit(column.note, wide, 28, 18), column.color)
    _draw_bars(canvas, column.bars, left, wide, accent)
    _draw_line(canvas, column.line, left, wide)
    _draw_gains(canvas, column.gains, left, wide)


def _draw_bars(canvas: Canvas, bars: Sequence[_Bar], left: float, wide: float, accent: str) -> None:
    """Draw one bar per month; incomplete months are pale."""
    highest = max((bar.value for bar in bars), default=0)
    if not highest:
        return
    pale_color = mix(accent, _GROUND, 0.4)
    step = wide / max(len(bars), _FEWEST_BARS)
    thick = step * 0.75
    # The last bar ends at the edge of the column.
    stride = (wide - thick) / (len(bars) - 1) if len(bars) >= _FEWEST_BARS else step
    for number, bar in enumerate(bars):
        x, tall = left + number * stride, bar.value / highest * (_CHART_BOTTOM - _CHART_TOP)
        canvas.box(
            x,
            _CHART_BOTTOM - tall,
            x + thick,
            _CHART_BOTTOM,
            accent if bar.is_whole and not bar.has_snapshots else pale_color,
        )
    pale = {"snapshots" for bar in bars if bar.has_snapshots} | {"months with gaps" for bar in bars if not bar.is_whole}
    legend = f"pale: {', '.join(sorted(pale, reverse=True))}" if pale else ""
    first, last = bars[0].month.first, bars[-1].month.first
    if len(bars) >= _FEWEST_BARS:
        _draw_ends(canvas, first, last, left, wide)
        canvas.write((left + wide / 2, 500), legend, 18, _MUTED, "m")
    else:
        # Too few bars for a label at each end.
        ends = dict.fromkeys([formats.short_month(first), formats.short_month(last)])
        canvas.write((left, 500), ", ".join(filter(None, [" - ".join(ends), legend])), 18, _MUTED)


def _draw_line(canvas: Canvas, points: Sequence[DayPoint], left: float, wide: float) -> None:
    """Draw the stars with a scale from zero; estimates are pale."""
    highest = max((point.value for point in points), default=0)
    if not highest or points[0].day == points[-1].day:
        return
    step = max(1, len(points) // round(wide))
    drawn = [*points[:-1:step], points[-1]]
    first, days = points[0].day, (points[-1].day - points[0].day).days
    tall = (_CHART_BOTTOM - _CHART_TOP) / highest
    places = [(left + (p.day - first).days / days * wide, _CHART_BOTTOM - p.value * tall) for p in drawn]
    canvas.area([(left, _CHART_BOTTOM), *places, (left + wide, _CHART_BOTTOM)], _STAR_AREA)
    pairs = zip(pairwise(places), drawn[1:], strict=True)
    for estimated, run in groupby(pairs, key=lambda pair: pair[1].kind is PointKind.ESTIMATED):
        ends = [pair for pair, _ in run]
        canvas.line([ends[0][0], *(end for _, end in ends)], _PALE_STARS if estimated else _STARS, 3)
    _draw_ends(canvas, first, points[-1].day, left, wide)


def _draw_gains(canvas: Canvas, gains: Sequence[int | None], left: float, wide: float) -> None:
    """Draw the net gain of each month up or down from a line."""
    known = [value for value in gains if value]
    if not known:
        return
    highest, lowest = max(*known, 0), min(*known, 0)
    tall = (_CHART_BOTTOM - _CHART_TOP) / (highest - lowest)
    zero, step = _CHART_TOP + highest * tall, wide / len(gains)
    for number, value in enumerate(gains):
        ends = sorted([zero, zero - (value or 0) * tall])
        x = left + number * step
        canvas.box(x, ends[0], x + step * 0.75, ends[1], _STARS if (value or 0) > 0 else _DOWN)
    canvas.write((left, 500), f"net by month, last {plural(len(gains), 'month')}", 18, _MUTED)


def _draw_ends(canvas: Canvas, first: date, last: date, left: float, wide: float) -> None:
    canvas.write((left, 500), formats.short_month(first), 18, _MUTED)
    if (first.year, first.month) != (last.year, last.month):
        canvas.write((left + wide, 500), formats.short_month(last), 18, _MUTED, "r")


def _draw_parts(canvas: Canvas, groups: Sequence[Group], as_of: date) -> None:
    """Draw the products; of a single one, its metrics."""
    if len(groups) == 1:
        items = by_size(groups[0].items)
        named = [(canvas.plain(i.metric.subject, i.metric.product), _figure(i)) for i in items[:PARTS_NAMED]]
        _draw_list(canvas, named, len(items), "metrics")
    else:
        named = [(canvas.plain(group.title, group.product), _figures(group, as_of)) for group in groups[:PARTS_NAMED]]
        _draw_list(canvas, named, len(groups), "products")


def _draw_list(canvas: Canvas, first: Sequence[tuple[str, str]], count: int, what: str) -> None:
    """Draw the first names of ``count``, each with its numbers below it, and the number of those that do not fit."""
    if not first:
        return
    canvas.box(_LEFT, 522, _LEFT + _ROOM, 524, _LINE)
    shown = list(first if count <= PARTS_NAMED else first[: PARTS_NAMED - 1])
    if count > len(shown):
        shown.append((f"and {formats.number(count - len(shown))} more", what))
    for (title, figures), (left, wide) in zip(shown, _places(len(shown)), strict=True):
        canvas.write((left, 562), *canvas.fit(title, wide, 28, 22), _TEXT)
        canvas.write((left, 596), *canvas.fit(figures, wide, 24, 16), _MUTED)


def _figures(group: Group, as_of: date) -> str:
    month = month_total(group.downloads, last_full_month(as_of))
    stars = [item.latest.value for item in group.stars if item.latest]
    known = (
        [f"{formats.compact(month.value)} downloads{'' if month.is_whole else ' (incomplete)'}"] if month.known else []
    )
    known += [f"{formats.compact(sum(stars))} stars"] if stars else []
    return ", ".join(known) or "no total yet"


def _figure(item: Item) -> str:
    if isinstance(item, DownloadItem):
        month = item.month
        known = (
            f"{formats.compact(month.value)} downloads{'' if month.is_complete else ' (incomplete)'}"
            if month
            else "no data"
        )
        return f"{known}, {item.source_title}"
    if item.latest is None:
        return f"no data, {item.source_title}"
    return f"{formats.compact(item.latest.value)} {item.metric.measure.badge_label}, {item.source_title}"
