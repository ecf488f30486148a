from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cmetrics.analytics.dashboard import build_dashboard
from cmetrics.analytics.month_total import month_total
from cmetrics.analytics.news import NewsItem, NewsKind, build_news
from cmetrics.catalog import Catalog
from cmetrics.domain.days import DAY, Month, day_range
from cmetrics.domain.metric import Metric, Product
from cmetrics.domain.outcome import Outcome, OutcomeLog
from cmetrics.domain.run import Run, RunStatus
from tests.samples import a_metric, a_row, a_snapshot, a_table, an_outcome

AS_OF = date(2026, 11, 22)
SETTLED = date(2026, 11, 14)
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
TITLES = {"npm": "api.npmjs.org", "pypistats": "pypistats.org", "github": "api.github.com"}
NODE = a_metric("npm", metric_id="downloads:one:nodejs", product="one", daily_from=date(2026, 8, 1))
PYTHON = a_metric("pypistats", metric_id="downloads:one:python", product="one", daily_from=date(2026, 8, 1))
OTHER = a_metric("npm", metric_id="downloads:two:nodejs", product="two")
STARS = a_metric("github", metric_id="stars:one:github", product="one")
MONTHS = [date(2026, month, 1) for month in (8, 9, 10)]


def dashboard(rows, metrics=(NODE, STARS), as_of: date = AS_OF):
    products = (Product("one", "One"), Product("two", "Two"))
    catalog = Catalog(Path("cmetrics.toml"), "All", "contact", products, tuple(metrics), {})
    return build_dashboard(catalog, TITLES, a_table(rows), [], as_of=as_of, days=7300, generated_at=NOW)


def news(rows=(), metrics=(NODE, STARS), runs=(), as_of: date = AS_OF, outcomes=()) -> tuple[NewsItem, ...]:
    found = build_news(dashboard(rows, metrics, as_of), runs, OutcomeLog(runs, outcomes))
    assert len({item.slug for item in found}) == len(found)
    assert [item.day for item in found] == sorted((item.day for item in found), reverse=True)
    return found


def of(kind: NewsKind, found) -> list[NewsItem]:
    return [item for item in found if item.kind is kind]


def month(metric: Metric, first: date, total: int, *, but: tuple[int, ...] = ()):
    """Return a month with this total on its last day and 0 on others, without the days of ``but``."""
    last = Month.of(first).last
    return [a_row(metric, day, total if day == last else 0) for day in day_range(first, last) if day.day not in but]


def stars(*values: int | None, last: date = AS_OF):
    first = last - (len(values) - 1) * DAY
    return [a_row(STARS, first + n * DAY, value) for n, value in enumerate(values) if value is not None]


@dataclass(frozen=True)
class Night:
    """The result of a night: the status of the run, its text, and errors of metrics."""

    status: RunStatus
    text: str | None = None
    errors: tuple[tuple[str, str], ...] = ()


def nights(*planned: Night | None, last: date = AS_OF + DAY) -> tuple[list[Run], list[Outcome]]:
    """Return one refresh of both metrics per night, newest first; ``planned`` is oldest first."""
    runs: list[Run] = []
    outcomes: list[Outcome] = []
    for back, night in enumerate(reversed(planned)):
        if night is None:
            continue
        at = datetime.combine(last - back * DAY, datetime.min.time(), UTC) + timedelta(hours=2)
        run = Run(f"r{back}", "refresh", night.status, at, at, error_summary=night.text)
        runs.append(run)
        if night.status in (RunStatus.SUCCESS, RunStatus.PARTIAL):
            errors = dict(night.errors)
            ids = {NODE.metric_id, STARS.metric_id, *errors}
            outcomes += [an_outcome(run, metric_id, errors.get(metric_id)) for metric_id in sorted(ids)]
    return runs, outcomes


FAILED = Night(RunStatus.FAILED, "the store is locked")
FINE = Night(RunStatus.SUCCESS)
PARTIAL = Night(RunStatus.PARTIAL, "texts", ((NODE.metric_id, "npm answered 503"), (STARS.metric_id, "moved")))
PARTIAL_STARS = Night(RunStatus.PARTIAL, "texts", ((STARS.metric_id, "moved"),))


def test_an_empty_store_has_no_news():
    assert news() == ()


# -- months --------------------------------------------------------------------------------------


def test_a_month_is_reported_on_the_first_day_of_the_next_one():
    found = news([*month(NODE, MONTHS[1], 1000), *month(NODE, MONTHS[2], 1500)])
    assert found[0] == NewsItem(
        slug="month-2026-10",
        since=date(2026, 11, 1),
        day=date(2026, 11, 1),
        title="October 2026: 1,500 downloads",
        text="1,500 downloads in October 2026 (+50.0% vs September 2026).",
        kind=NewsKind.MONTH,
        note="+50.0% vs September 2026.",
    )
    assert (found[1].text, found[1].note) == ("1,000 downloads in September 2026.", "")
    assert len(found) == 2


def test_a_month_lists_products_in_descending_order():
    rows = [*month(NODE, MONTHS[1], 10), *month(NODE, MONTHS[2], 5)]
    rows += [*month(OTHER, MONTHS[1], 0), *month(OTHER, MONTHS[2], 2000)]
    assert news(rows, (NODE, OTHER))[0].text == (
        "2,005 downloads in October 2026 (×200 vs September 2026). Two 2,000 (+2,000), One 5 (−50.0%)."
    )


def test_a_month_is_reported_after_its_last_day():
    rows = month(NODE, MONTHS[2], 7)
    assert news(rows, as_of=date(2026, 10, 30)) == ()
    assert [item.slug for item in news(rows, as_of=date(2026, 10, 31))] == ["month-2026-10"]


def test_a_month_with_missing_days_is_reported_two_weeks_later():
    rows = [*month(NODE, MONTHS[1], 5), *month(NODE, MONTHS[2], 7, but=(3, 4))]
    before, after = news(rows, as_of=SETTLED - DAY), news(rows, as_of=SETTLED)
    assert [item.slug for item in before] == ["month-2026-09"]
    assert after[0].title == "October 2026: 7 downloads (incomplete)"
    assert after[0].text == "7 downloads in October 2026. 29 of 31 package-days have data."


def test_a_month_without_data_of_a_package_is_not_reported():
    rows = [row for first in MONTHS for row in month(NODE, first, 5)] + month(PYTHON, MONTHS[0], 5)
    assert [item.slug for item in news(rows, (NODE, PYTHON))] == ["month-2026-08"]


def test_a_later_package_does_not_affect_earlier_months():
    rows = [row for first in MONTHS for row in month(NODE, first, 5)] + month(PYTHON, MONTHS[2], 100)
    october, september, _ = news(rows, (NODE, PYTHON))
    assert october.text == "105 downloads in October 2026."
    assert september.text == "5 downloads in September 2026 (+0.0% vs August 2026). 1 package had no data yet."


def test_snapshots_are_reported_as_published_totals():
    rows = [a_snapshot(NODE, date(2026, 7, 31), 900), *month(NODE, MONTHS[0], 1000)]
    august, july = news(rows)
    assert july.text == (
        "900 downloads in July 2026. The figures are published totals of about 30 days, not sums of daily data."
    )
    assert august.text == "1,000 downloads in August 2026."
    both = news([a_snapshot(NODE, date(2026, 7, 31), 900), *month(PYTHON, date(2026, 7, 1), 50)], (NODE, PYTHON))
    assert both[0].text.startswith("950 downloads in July 2026. The figures of 1 of 2 packages are published totals")


@pytest.mark.parametrize(("day", "value"), [(24, None), (25, 900), (31, 900)])
def test_a_snapshot_represents_its_month_from_the_last_week_on(day, value):
    found = dashboard([a_snapshot(NODE, date(2026, 7, day), 900)])
    sums = month_total(found.groups[0].downloads, Month(2026, 7))
    assert (sums.value or None, sums.is_whole, sums.is_counted) == (value, value is not None, False)


def test_a_month_that_an_sdk_lacks_is_not_whole():
    rows = [row for first in MONTHS for row in month(NODE, first, 5)] + month(PYTHON, MONTHS[0], 5)
    items = dashboard(rows, (NODE, PYTHON)).groups[0].downloads
    assert [month_total(items, Month.of(first)).is_whole for first in MONTHS] == [True, False, False]
    assert month_total(items, Month(2026, 9)).lost == (PYTHON.metric_id,)


def test_the_newest_snapshot_represents_the_month():
    rows = [a_snapshot(NODE, date(2026, 7, day), day) for day in (26, 30)]
    assert month_total(dashboard(rows).groups[0].downloads, Month(2026, 7)).value == 30


def test_two_years_are_reported():
    first = date(2024, 8, 1)
    rows = [a_row(OTHER, day, 1) for day in day_range(first, AS_OF)]
    slugs = [item.slug for item in news(rows, (OTHER,))]
    assert (slugs[0], slugs[-1], len(slugs)) == ("month-2026-10", "month-2024-11", 24)
    assert news(rows, (OTHER,))[-1].text == "30 downloads in November 2024 (−3.2% vs October 2024)."


# -- milestones ----------------------------------------------------------------------------------


def milestones(rows, metrics=(NODE, STARS)) -> list[tuple[str, date]]:
    return [(item.slug, item.day) for item in of(NewsKind.MILESTONE, news(rows, metrics))]


def test_a_milestone_is_reported_for_the_first_day_above_it():
    found = of(NewsKind.MILESTONE, news(stars(998, 999, 1000, 1001)))
    assert [(item.slug, item.day) for item in found] == [("milestone-stars-one-github-1000", AS_OF - DAY)]
    assert found[0].text == "owner/name had 1,000 stars on 21 November 2026."
    assert found[0].note == "1,000 stars on 21 November 2026."


def test_milestones_before_the_first_count_are_not_reported():
    assert milestones(stars(1000, 1500, 1999)) == []
    assert milestones(stars(1000, 1500, 2000)) == [("milestone-stars-one-github-2000", AS_OF)]


def test_a_milestone_is_reported_once():
    assert milestones(stars(999, 1000, 999, 1000)) == [("milestone-stars-one-github-1000", AS_OF - 2 * DAY)]
    assert milestones(stars(1000, 999, 1000)) == []


def test_several_steps_on_one_day_are_one_milestone():
    assert milestones(stars(999, 5500)) == [("milestone-stars-one-github-5000", AS_OF)]


@pytest.mark.parametrize("step", [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 1_000_000])
def test_the_steps_are_one_two_and_five(step):
    assert milestones(stars(step - 1, step)) == [(f"milestone-stars-one-github-{step}", AS_OF)]
    assert milestones(stars(step, step + step // 2 - 1)) == []


def test_a_milestone_after_missing_days_states_the_last_count():
    found = of(NewsKind.MILESTONE, news(stars(990, None, None, 1003)))
    assert found[0].text == (
        "owner/name had 1,003 stars on 22 November 2026; the previous value is from 19 November 2026."
    )


def test_a_milestone_of_downloads_needs_a_complete_month():
    totals = (90_000, 210_000, 200_000)
    rows = [row for first, total in zip(MONTHS, totals, strict=True) for row in month(NODE, first, total)]
    found = of(NewsKind.MILESTONE, news(rows))
    assert [(item.slug, item.day) for item in found] == [("milestone-downloads-one-nodejs-200000", date(2026, 10, 1))]
    assert found[0].title == "@scope/name (One, Node.js): 200,000 downloads in a month"
    assert found[0].note == "210,000 downloads in September 2026, the first complete month above 200,000."
    assert found[0].text.endswith(found[0].note)


def test_incomplete_months_and_snapshots_are_not_milestones():
    totals = (90_000, 99_999, 200_000)
    rows = [row for first, total in zip(MONTHS, totals, strict=True) for row in month(NODE, first, total)]
    assert milestones(rows[:-5] + rows[-4:]) == []
    seeded = [a_snapshot(NODE, date(2026, 6, 30), 10), a_snapshot(NODE, date(2026, 7, 31), 500_000)]
    assert milestones(seeded) == []
    assert milestones([*seeded, *rows]) == []


def test_there_is_no_milestone_after_unknown_months():
    rows = [*month(NODE, MONTHS[0], 90_000), *month(NODE, MONTHS[2], 100_000)]
    assert milestones(rows) == []


def test_a_product_has_milestones_unless_a_new_package_causes_them():
    node = [row for first in MONTHS for row in month(NODE, first, 60_000)]
    grown = [*month(PYTHON, MONTHS[0], 10_000), *month(PYTHON, MONTHS[1], 20_000), *month(PYTHON, MONTHS[2], 50_000)]
    assert milestones([*node, *grown], (NODE, PYTHON)) == [("milestone-product-one-100000", date(2026, 11, 1))]
    assert milestones([*node, *month(PYTHON, MONTHS[2], 50_000)], (NODE, PYTHON)) == []


# -- outages -------------------------------------------------------------------------------------


def outages(*planned: Night | None, **more) -> list[NewsItem]:
    runs, outcomes = nights(*planned, **more)
    return of(NewsKind.OUTAGE, news(runs=runs, outcomes=outcomes))


def test_three_failed_nights_are_one_outage():
    assert outages(FINE, FAILED, FAILED, FINE) == []
    (found,) = outages(FINE, FAILED, FAILED, Night(RunStatus.FAILED, "no space"), FINE)
    assert found == NewsItem(
        slug="outage-all-2026-11-20",
        since=date(2026, 11, 20),
        day=date(2026, 11, 22),
        title="All sources: collection failed 3 nights running",
        text="Collection failed every night from 20 November 2026 to 22 November 2026 (UTC). Last error: no space",
        kind=NewsKind.OUTAGE,
    )


def test_a_continuing_outage_keeps_its_id():
    three = outages(FAILED, FAILED, FAILED, last=AS_OF - DAY)
    five = outages(*[FAILED] * 5)
    assert [item.slug for item in three] == [item.slug for item in five] == ["outage-all-2026-11-19"]
    assert five[0].day == AS_OF + DAY


def test_a_day_without_a_run_or_a_success_ends_an_outage():
    assert outages(FAILED, FAILED, None, FAILED, FAILED) == []
    again, _ = nights(FAILED, FAILED, FAILED, FAILED)
    worked = Run("later", "backfill", RunStatus.SUCCESS, again[1].started_at + timedelta(hours=1), None)
    assert of(NewsKind.OUTAGE, news(runs=[again[0], worked, *again[1:]])) == []
    restored = Run("later", "restore", RunStatus.SUCCESS, worked.started_at, None)
    assert len(of(NewsKind.OUTAGE, news(runs=[again[0], restored, *again[1:]]))) == 1


def test_a_single_failing_metric_has_its_own_outage():
    (found,) = outages(PARTIAL_STARS, PARTIAL_STARS, PARTIAL, FINE)
    assert (found.slug, found.since) == ("outage-stars-one-github-2026-11-20", date(2026, 11, 20))
    assert found.title == "owner/name on api.github.com: collection failed 3 nights running"
    assert found.text.endswith("(UTC). Last error: moved")


def test_failed_nights_are_reported_once_and_count_for_every_metric():
    assert [item.slug for item in outages(FAILED, FAILED, FAILED, FINE, PARTIAL)] == ["outage-all-2026-11-19"]
    (mixed,) = outages(PARTIAL_STARS, FAILED, FAILED)
    assert mixed.slug == "outage-stars-one-github-2026-11-21"
    assert mixed.text.endswith("Last error: moved")


def test_warnings_and_unknown_metrics_are_not_outages():
    odd = Night(RunStatus.PARTIAL, "texts", (("downloads:gone:npm", "404"),))
    warned = Night(RunStatus.SUCCESS, f"{NODE.metric_id}: late")
    only_text = Night(RunStatus.PARTIAL, f"{NODE.metric_id}: a text is no outcome")
    running = Night(RunStatus.RUNNING)
    assert outages(odd, odd, odd) == outages(warned, warned, warned) == outages(running, running, running) == []
    runs, _ = nights(only_text, only_text, only_text)
    assert of(NewsKind.OUTAGE, news(runs=runs)) == []


def test_a_run_for_other_metrics_does_not_end_the_outage_of_one():
    """A refresh of other metrics has no outcome of the failing one; a backfill that stores it has one."""
    runs, outcomes = nights(PARTIAL_STARS, PARTIAL_STARS, PARTIAL_STARS)
    other = replace(runs[1], ingestion_run_id="narrow", status=RunStatus.SUCCESS)
    narrow = [an_outcome(other, NODE.metric_id)]
    assert len(of(NewsKind.OUTAGE, news(runs=[*runs, other], outcomes=[*outcomes, *narrow]))) == 1
    got = [an_outcome(other, STARS.metric_id)]
    assert of(NewsKind.OUTAGE, news(runs=[*runs, other], outcomes=[*outcomes, *got])) == []


def test_an_outage_older_than_the_window_is_not_reported_again():
    assert outages(*[FAILED] * 90) == []
    assert len(outages(*[FAILED] * 80)) == 1


def test_an_error_text_is_one_short_line_without_controls():
    evil = Night(RunStatus.FAILED, "\x1b[31m<b>\x00\u202e\n" + "long " * 200)
    (found,) = outages(evil, evil, evil)
    assert found.text.isprintable()
    assert "Last error: <b> long long" in found.text
    assert len(found.text) < 450


def test_days_are_utc_days():
    shifted = [
        Run(run.ingestion_run_id, "refresh", run.status, run.started_at.astimezone(_zone(hours)), None)
        for run, hours in zip(nights(FAILED, FAILED, FAILED)[0], (-11, 0, 13), strict=True)
    ]
    assert [item.slug for item in of(NewsKind.OUTAGE, news(runs=shifted))] == ["outage-all-2026-11-21"]


def _zone(hours: int):
    from datetime import timezone

    return timezone(timedelta(hours=hours))
