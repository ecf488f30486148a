"""Build the news: completed months, milestones, and nights on which the collection failed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from enum import StrEnum

from cmetrics.analytics import phrases
from cmetrics.analytics.model import CountItem, Dashboard, DownloadItem, Group, Item, StarItem
from cmetrics.analytics.month_total import MonthTotal, month_total
from cmetrics.analytics.series import change
from cmetrics.domain import formats
from cmetrics.domain.day_set import DaySet
from cmetrics.domain.days import DAY, Month, Span, last_full_month, months
from cmetrics.domain.event import REPORT, StoredEvent
from cmetrics.domain.kind import Kind
from cmetrics.domain.metric import PUBLISHED_WITHIN
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.plural import plural
from cmetrics.domain.run import Job, Run, RunStatus
from cmetrics.domain.sanitize import isolate, sanitize

MONTHS_SHOWN = 24
#: The delay in days before a month with missing days is published, because news is read only once.
SETTLED_AFTER = PUBLISHED_WITHIN
FIRST_STARS, FIRST_DOWNLOADS = 1_000, 100_000
#: The minimum number of consecutive days. The next run repairs a single failed night.
OUTAGE_DAYS = 3
#: Runs are read for 90 days. An outage that may have begun earlier is left out, because its start would seem to
#: change every night, and it would be news again.
OUTAGES_WITHIN = timedelta(days=85)
PRODUCTS_NAMED = 12


_SIGNAL_TITLES = {
    "spike": "More downloads than usual",
    "drop": "Fewer downloads than usual",
    "growth": "Growing for months",
    "decline": "Declining for months",
    "share_shift": "Share of the product changed",
    "record": "Record",
    "star_burst": "More stars than usual",
    "unstar_wave": "Stars removed",
}


class NewsKind(StrEnum):
    """The kind of a news item. Items of the same day are in this order."""

    MONTH = "month"
    MILESTONE = "milestone"
    OUTAGE = "outage"
    SIGNAL = "signal"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One news item, as plain text."""

    #: The same in every build, and safe in a URL, a URN and an HTML id.
    slug: str
    #: The first day of the news; never changes for a ``slug``.
    since: date
    #: The day of the news; for a month, the first day of the next one.
    day: date
    title: str
    text: str
    kind: NewsKind
    #: Its page, relative to the site; None if it is shown only in the list of news.
    href: str | None = None
    #: Its product; None for all products.
    product: str | None = None
    #: The part of the text that is not in the title, for pages that show both; None for the whole text.
    note: str | None = None


def build_news(dashboard: Dashboard, runs: Sequence[Run], log: OutcomeLog | None = None) -> tuple[NewsItem, ...]:
    """Return all news up to the dashboard's day, newest first.

    ``dashboard`` has the whole history, and ``runs`` are newest first. The news items are

    * each of the last 24 full months in which every SDK has data; a month with missing days only two weeks after its
    * end, with their number;
    * the first day on which a repository had 1,000, 2,000, 5,000, 10,000 … stars, and the first
      completely counted month in which a metric or a product reached 100,000, 200,000, 500,000 … downloads. Several
      steps at once are one item. Numbers that the first stored value had already reached are left out, because their
      day is unknown;
    * outages: at least three consecutive days on which no run fetched anything, or no run fetched a certain metric.
    """
    news = [*_month_news(dashboard), *_milestones(dashboard), *_outages(dashboard, runs, log or OutcomeLog(runs, ()))]
    return sort_news(news)


def sort_news(news: Iterable[NewsItem]) -> tuple[NewsItem, ...]:
    """Return the news, newest first."""
    order = list(NewsKind)
    return tuple(sorted(news, key=lambda n: (-n.day.toordinal(), order.index(n.kind), n.slug)))


def build_announced_news(announced: Iterable[StoredEvent], dashboard: Dashboard) -> tuple[NewsItem, ...]:
    """Return the signals and reports that runs have announced, including signals that have ended.

    Signals of metrics that were removed from the catalogue are left out.
    """
    titles = {item.metric.metric_id: _title(group, item) for group in dashboard.groups for item in group.items}
    products = {item.metric.metric_id: item.metric.product for item in dashboard.items}
    found = []
    for row in announced:
        if row.source == REPORT:
            title = row.label.removesuffix(" is final.")
            text = f"{row.label} It covers packages, composition, stars, and what changed."
            item = NewsItem(
                f"report-{row.tag}", row.day, row.day, title, text, NewsKind.REPORT, f"reports/{row.tag}.html"
            )
            found.append(item)
            continue
        kind, _, metric_id = row.tag.partition(" ")
        if metric_id in titles:
            slug = row.event_id.replace(":", "-", 1)
            title = f"{_SIGNAL_TITLES.get(kind, 'Signal')}: {titles[metric_id]}"
            product = products[metric_id]
            item = NewsItem(slug, row.day, row.day, title, row.label, NewsKind.SIGNAL, product=product)
            found.append(item)
    return tuple(found)


# -- months --------------------------------------------------------------------------------------


def _month_news(dashboard: Dashboard) -> Iterator[NewsItem]:
    items = [item for item in dashboard.items if isinstance(item, DownloadItem)]
    groups = [group for group in dashboard.groups if group.downloads]
    last = last_full_month(dashboard.as_of)
    for month in months(last.plus(1 - MONTHS_SHOWN), last):
        now, before = month_total(items, month), month_total(items, month.plus(-1))
        if not now.known or now.lost or not (now.is_whole or dashboard.as_of - month.last >= SETTLED_AFTER):
            continue
        parts = [(group, month_total(group.downloads, month)) for group in groups]
        shown = sorted((part for part in parts if part[1].known), key=lambda part: -part[1].value)
        products = [
            f"{isolate(group.title)} {formats.number(part.value)}{_missing(part)}{_change(part, earlier)}"
            for group, part in shown[:PRODUCTS_NAMED]
            for earlier in [month_total(group.downloads, month.plus(-1))]
        ]
        if len(shown) > PRODUCTS_NAMED:
            products.append(f"and {len(shown) - PRODUCTS_NAMED} smaller products")
        percent = _percent(now, before)
        moved = f"{percent} vs {_name(before.month)}" if percent else ""
        notes = [
            ""
            if now.is_whole
            else f"{formats.number(now.observed)} of {formats.number(now.expected)} package-days have data.",
            f"{', '.join(products)}." if len(parts) > 1 else "",
            _snapshot_note(now),
            f"{plural(len(now.later), 'package')} had no data yet." if now.later else "",
        ]
        day = month.plus(1).first
        title = f"{_name(month)}: {formats.number(now.value)} downloads{'' if now.is_whole else ' (incomplete)'}"
        total = f"{formats.number(now.value)} downloads in {_name(month)}"
        text = " ".join(filter(None, [f"{total} ({moved})." if moved else f"{total}.", *notes]))
        note = " ".join(filter(None, [f"{moved}." if moved else "", *notes]))
        yield NewsItem(f"month-{month}", day, day, title, text, NewsKind.MONTH, note=note)


def _missing(found: MonthTotal) -> str:
    return "" if found.is_whole else f" ({formats.number(found.observed)} of {formats.number(found.expected)} days)"


def _change(now: MonthTotal, before: MonthTotal) -> str:
    percent = _percent(now, before)
    return f" ({percent})" if percent else ""


def _percent(now: MonthTotal, before: MonthTotal) -> str:
    """Return the change as text; empty unless both months have complete data for the same SDKs."""
    if not (now.is_counted and before.is_counted and now.known == before.known):
        return ""
    found = change(before.value, now.value)
    return formats.signed(found.absolute) if found.percent is None else phrases.relative(found.percent)


def _snapshot_note(found: MonthTotal) -> str:
    count, all_of_them = len(found.snapshots), len(found.known)
    if not count:
        return ""
    which = "The figures are" if count == all_of_them else f"The figures of {count} of {all_of_them} packages are"
    return f"{which} published totals of about 30 days, not sums of daily data."


# -- milestones ----------------------------------------------------------------------------------


def _milestones(dashboard: Dashboard) -> Iterator[NewsItem]:
    for group in dashboard.groups:
        counted: tuple[StarItem | CountItem, ...] = (*group.stars, *group.counts)
        for item in counted:
            # A rolling window rises and falls as days leave it, and the record of a day is not a milestone.
            if item.metric.measure.kind in (Kind.STOCK, Kind.COUNTER):
                yield from _count_milestones(item)
        for one in group.downloads:
            yield from _download_milestones([one], one.metric.slug, _title(group, one), dashboard.as_of)
        # For a product with one SDK, both would be the same.
        if len(group.downloads) > 1:
            name = f"{isolate(group.title)}, all packages"
            yield from _download_milestones(group.downloads, f"product-{group.product}", name, dashboard.as_of)


def _count_milestones(item: StarItem | CountItem) -> Iterator[NewsItem]:
    noun = item.metric.measure.noun
    highest: int | None = None
    before: date | None = None
    for point in item.points:
        step = _step(highest, point.value, FIRST_STARS)
        if step is not None and before is not None:
            missed = "" if point.day - before == DAY else f"; the previous value is from {formats.long_day(before)}"
            value = f"{formats.number(point.value)} {noun}"
            when = f"on {formats.long_day(point.day)}{missed}."
            yield NewsItem(
                f"milestone-{item.metric.slug}-{step}",
                point.day,
                point.day,
                f"{item.metric.subject}: {formats.number(step)} {noun}",
                f"{item.metric.subject} had {value} {when}",
                NewsKind.MILESTONE,
                product=item.metric.product,
                note=f"{value} {when}",
            )
        highest, before = max(highest or 0, point.value), point.day


def _download_milestones(items: Sequence[DownloadItem], slug: str, name: str, as_of: date) -> Iterator[NewsItem]:
    first = min((point.period_end for item in items for point in item.points), default=None)
    last = last_full_month(as_of)
    highest: int | None = None
    before: tuple[str, ...] = ()
    for month in months(Month.of(first), last) if first else ():
        found = month_total(items, month)
        if found.lost or not found.known:
            # What was reached in the meantime is unknown.
            before = ()
        if not found.is_whole:
            continue
        step = _step(highest, found.value, FIRST_DOWNLOADS)
        # An additional SDK would make the number grow.
        if step is not None and found.is_counted and found.known == before:
            day = month.plus(1).first
            reached = (
                f"{formats.number(found.value)} downloads in {_name(month)}, "
                f"the first complete month above {phrases.large(step)}."
            )
            yield NewsItem(
                f"milestone-{slug}-{step}",
                day,
                day,
                f"{name}: {formats.number(step)} downloads in a month",
                f"{name}: {reached}",
                NewsKind.MILESTONE,
                product=items[0].metric.product,
                note=reached,
            )
        highest, before = max(highest or 0, found.value), found.known


def _step(highest: int | None, value: int, first: int) -> int | None:
    """Return the largest of 1, 2, 5 times a power of ten, at least ``first``, that ``value`` is the first to reach."""
    if highest is None or value < first:
        return None
    step = phrases.round_number(value)
    return step if highest < step else None


# -- outages -------------------------------------------------------------------------------------


def _outages(dashboard: Dashboard, runs: Sequence[Run], log: OutcomeLog) -> Iterator[NewsItem]:
    titles = {item.metric.metric_id: f"{item.metric.subject} on {item.source_title}" for item in dashboard.items}
    slugs = {item.metric.metric_id: item.metric.slug for item in dashboard.items}
    by_day: dict[date, list[Run]] = {}
    for run in runs:
        # Other jobs request nothing from a source.
        if run.job_name in (Job.REFRESH, Job.BACKFILL) and run.status != RunStatus.RUNNING:
            by_day.setdefault(run.started_at.astimezone(UTC).date(), []).append(run)
    earliest = dashboard.as_of - OUTAGES_WITHIN

    def streaks(days: Iterable[date]) -> list[Span]:
        found = (Span(*map(date.fromordinal, run)) for run in DaySet(days).runs())
        return [streak for streak in found if streak.days >= OUTAGE_DAYS and streak.first >= earliest]

    failed_days = {day for day, of_day in by_day.items() if all(run.status == RunStatus.FAILED for run in of_day)}
    overall = streaks(failed_days)
    for days in overall:
        yield _outage("outage-all", "All sources", days, by_day[days.last][0].error_summary)
    for metric_id, errors in sorted(_errors(by_day, log).items()):
        for days in streaks(failed_days | errors.keys()) if metric_id in slugs else ():
            if not any(days.first in other and days.last in other for other in overall):
                last = errors.get(max((day for day in errors if day in days), default=days.last))
                yield _outage(f"outage-{slugs[metric_id]}", titles[metric_id], days, last)


def _errors(by_day: Mapping[date, Sequence[Run]], log: OutcomeLog) -> Mapping[str, Mapping[date, str]]:
    """Return by metric the last error of each day on which it failed and no run had a response for it."""
    errors: dict[str, dict[date, str]] = {}
    for day, runs in by_day.items():
        for run in runs:
            for metric_id, error in log.failures(run).items():
                if not any(log.has_answer(other, metric_id) for other in runs):
                    errors.setdefault(metric_id, {}).setdefault(day, error)
    return errors


def _outage(slug: str, what: str, days: Span, error: str | None) -> NewsItem:
    first, last = days
    reason = f" Last error: {sanitize(error, limit=300)}" if error else ""
    return NewsItem(
        f"{slug}-{first}",
        first,
        last,
        f"{what}: collection failed {days.days} nights running",
        f"Collection failed every night from {formats.long_day(first)} to {formats.long_day(last)} (UTC).{reason}",
        NewsKind.OUTAGE,
    )


# -- words ---------------------------------------------------------------------------------------


def _title(group: Group, item: Item) -> str:
    return f"{item.metric.subject} ({isolate(group.title)}, {isolate(item.metric.label)})"


def _name(month: Month) -> str:
    return formats.month(month.first)
