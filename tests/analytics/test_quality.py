from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from cmetrics.analytics.anomalies import RegistryDip
from cmetrics.analytics.gaps import Reason
from cmetrics.analytics.intervals import build_intervals
from cmetrics.analytics.quality import DamagedDays, build_quality
from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.kind import counter, stock
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run, RunStatus
from cmetrics.sources import SPECS
from tests.samples import a_metric, a_row, a_table

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
NPM, STARS = a_metric("npm", daily_from=AS_OF - 90 * DAY), a_metric("github")
RUNS = [Run("r", "refresh", RunStatus.SUCCESS, NOW, NOW)]


def findings(rows=(), revisions=()):
    table = a_table(rows)
    return build_quality([NPM, STARS], SPECS, table, table, OutcomeLog(RUNS, []), revisions, as_of=AS_OF)


def daily(metric, value: int = 500, **changes):
    return [a_row(metric, day, value, **changes) for day in day_range(AS_OF - 90 * DAY, AS_OF)]


def test_gaps_and_anomalies_of_every_metric_are_found():
    rows = [row for row in daily(NPM) if row.period_end != AS_OF - 5 * DAY]
    rows[-1] = a_row(NPM, AS_OF, 0)
    found = findings([*rows, a_row(NPM, AS_OF + DAY, 0)])
    assert [(gap.first_day, gap.reason) for gap in found.gaps[NPM.metric_id]] == [(AS_OF - 5 * DAY, Reason.LOST)]
    assert [gap.days for gap in found.gaps[STARS.metric_id]] == [730]
    assert [(outlier.day, outlier.value) for outlier in found.outliers] == [(AS_OF, 0)]
    assert found.registry_dips == ()


def test_revisions_of_stars_are_never_unusual():
    day = AS_OF - 30 * DAY
    large = [Revision(metric.metric_id, day, day, 500, 5, "r", NOW) for metric in (STARS, NPM)]
    small = Revision(NPM.metric_id, day, day, 500, 499, "r", NOW)
    assert findings(revisions=[*large, small]).unusual_revisions == (large[1],)


def test_a_renamed_repository_is_reported():
    rows = daily(STARS, source_ref="github-history:owner/name#5")
    assert findings(rows).renamed == {}
    rows[-1] = a_row(STARS, AS_OF, 500, source_ref="github:new/home#5; gained 1")
    assert findings(rows).renamed == {STARS.metric_id: "new/home"}
    rows[-1] = a_row(STARS, AS_OF, 500, source_ref="github:Owner/Name#5")
    assert findings(rows).renamed == {}


def test_future_days_are_reported_and_are_not_gaps():
    rows = daily(NPM)
    assert findings(rows).future_days == {}
    rows += [a_row(NPM, AS_OF + 3 * DAY, 500), a_row(NPM, AS_OF + DAY, 500)]
    found = findings(rows)
    assert found.future_days == {NPM.metric_id: (AS_OF + DAY, AS_OF + 3 * DAY)}
    assert found.gaps[NPM.metric_id] == ()
    (text,) = found.anomalies
    assert "the values of 2 days that have not ended (2026-11-23 to 2026-11-25)" in text


def test_damaged_days_are_reported():
    """Days that were replaced by another service's count are excluded: one of four damaged days."""
    metric = a_metric("pypistats")
    first = date(2024, 6, 18)
    rows = [a_row(metric, first + n * DAY, 40) for n in range(-1, 5)]
    rows[2] = a_row(metric, first + DAY, 500, source_ref="clickpy:pylance; overlap +0.4% over 181 days")
    table = a_table(rows)
    found = build_quality([metric], SPECS, table, table, OutcomeLog(RUNS, []), (), as_of=AS_OF)
    (damaged,) = found.damaged
    assert damaged.days == (first, first + 2 * DAY, first + 3 * DAY)
    (text,) = found.published_anomalies
    assert text == (
        "damaged: downloads:p:python, 3 days from 2024-06-18 to 2024-06-21: pypistats.org counted only part of the "
        "downloads; `cmetrics backfill --full` may replace the value"
    )


def test_a_future_value_is_not_a_published_anomaly():
    """Only `status` names it, because it is not on the page."""
    found = findings([*daily(NPM), a_row(NPM, AS_OF + DAY, 500)])
    assert found.published_anomalies == ()
    assert [text.partition(":")[0] for text in found.anomalies] == ["ahead"]


# -- counters ------------------------------------------------------------------------------------


def test_a_counter_that_falls_is_reported_for_four_weeks():
    """A counter that falls was corrected by its service; a stock may fall."""
    pulls = a_metric("npm", metric_id="pulls:p:hub", measure=counter("pulls"))
    likes = a_metric("npm", metric_id="likes:p:hub", measure=stock("likes"))
    as_of = date(2026, 11, 24)

    def breaks(days_ago: int) -> list[str]:
        rows = [
            a_row(metric, as_of - ago * DAY, value, source_window="cumulative_snapshot")
            for metric in (pulls, likes)
            for ago, value in ((days_ago + 1, 821), (days_ago, 789))
        ]
        table = a_table(rows)
        intervals = build_intervals(table.where(table.owned_by({pulls.metric_id})))
        found = build_quality(
            [pulls, likes], SPECS, table, table, OutcomeLog((), ()), [], as_of=as_of, intervals=intervals
        )
        return [text for text in found.published_anomalies if "fell" in text]

    assert breaks(0) == ["reset: the count of pulls:p:hub fell (2026-11-24); the increase in that interval is unknown"]
    assert len(breaks(27)) == 1
    assert breaks(28) == []


def test_findings_have_the_names_and_days_of_their_reader():
    """`status` states ids and ISO dates, the page names and days; nothing else differs."""
    pulls = a_metric("npm", metric_id="pulls:p:hub", measure=counter("pulls"))
    rows = [row for row in daily(NPM) if row.period_end != AS_OF]
    rows += [a_row(NPM, AS_OF, 0)]
    rows += [a_row(pulls, AS_OF - n * DAY, 821 - 30 * (n == 0), source_window="cumulative_snapshot") for n in (1, 0)]
    rows += daily(STARS, source_ref="github:new/home#5")
    table = a_table(rows)
    revision = Revision(NPM.metric_id, AS_OF - 31 * DAY, AS_OF - 30 * DAY, 5000, 5, "r", NOW)
    found = build_quality(
        [NPM, STARS, pulls],
        SPECS,
        table,
        table,
        OutcomeLog(RUNS, []),
        [revision],
        as_of=AS_OF,
        intervals=build_intervals(table.where(table.owned_by({pulls.metric_id}))),
    )
    dip = RegistryDip("npm", AS_OF, (NPM.metric_id,), 5, frozenset())
    damaged = DamagedDays(NPM.metric_id, (AS_OF - DAY, AS_OF), "counted in part")
    found = replace(found, registry_dips=(dip,), damaged=(damaged,))
    names = {NPM.metric_id: "a name", STARS.metric_id: "a repository", pulls.metric_id: "a hub", "npm": "a registry"}
    texts = found.describe_published(lambda identifier: names[identifier], lambda day: f"<{day:%d %b}>")
    assert len(texts) == len(found.published_anomalies) == 6
    for text, plain in zip(texts, found.published_anomalies, strict=True):
        assert "2026" not in text
        assert not any(metric.metric_id in text for metric in (NPM, STARS, pulls))
        assert any(name in text for name in names.values())
        days = {f"<{day:%d %b}>": str(day) for day in day_range(AS_OF - 40 * DAY, AS_OF)}
        ids = {name: identifier for identifier, name in names.items()}
        same = text
        for named, identifier in (ids | days).items():
            same = same.replace(named, identifier)
        assert same == plain
