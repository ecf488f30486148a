"""Roll-ups and events as Parquet, and the description of all data files."""

from __future__ import annotations

import io
import json
from datetime import date

import pyarrow.parquet

from cmetrics.analytics.insights import Period, ReasonKind, Rollup, Scope, Unit, Window
from cmetrics.domain.metric import Event
from cmetrics.export.data_package import data_package, events_parquet, rollups_parquet
from cmetrics.store.schema import STATS

WEEK = Rollup(
    scope=Scope.METRIC,
    unit=Unit.DOWNLOADS,
    metric_id="downloads:p:python",
    product="p",
    window=Window.DAYS_7,
    start=date(2026, 11, 16),
    end=date(2026, 11, 22),
    value=120,
    days_observed=7,
    days_expected=7,
    compared_value=120,
    previous=Period(date(2026, 11, 9), date(2026, 11, 15), 100),
    change=20,
    change_percent=20.0,
    share=60.0,
    previous_share=50.0,
    share_change=10.0,
    comparable=True,
    reason=None,
    reason_kind=None,
)
EMPTY = Rollup(
    scope=Scope.ALL,
    unit=Unit.STARS,
    metric_id=None,
    product=None,
    window=Window.MONTH,
    start=None,
    end=None,
    value=None,
    days_observed=0,
    days_expected=31,
    compared_value=None,
    previous=None,
    change=None,
    change_percent=None,
    share=None,
    previous_share=None,
    share_change=None,
    comparable=False,
    reason="no day of it is stored",
    reason_kind=ReasonKind.NO_DATA,
)


def test_rollups_have_the_fields_of_the_document():
    """The period before is three columns; what is unknown is null."""
    first, second = pyarrow.parquet.read_table(io.BytesIO(rollups_parquet([WEEK, EMPTY]))).to_pylist()
    assert (first["scope"], first["window"], first["value"], first["change_percent"]) == ("metric", "7d", 120, 20.0)
    assert [first[f"previous_{name}"] for name in ("start", "end", "value")] == [
        date(2026, 11, 9),
        date(2026, 11, 15),
        100,
    ]
    assert (first["previous_share"], first["share_change"]) == (50.0, 10.0)
    assert (second["value"], second["previous_value"], second["reason"]) == (None, None, "no day of it is stored")


def test_events_have_a_row_per_product():
    """As the table has."""
    release = Event(date(2026, 11, 1), "v1", "https://x.example", ("a", "b"), "github", "v1", event_id="github:7")
    talk = Event(date(2026, 11, 2), "Talk", None, ("a",))
    rows = pyarrow.parquet.read_table(io.BytesIO(events_parquet([release, talk]))).to_pylist()
    assert [(row["event_id"], row["product"], row["day"], row["url"]) for row in rows] == [
        ("github:7", "a", date(2026, 11, 1), "https://x.example"),
        ("github:7", "b", date(2026, 11, 1), "https://x.example"),
        ("catalogue:2026-11-02:Talk", "a", date(2026, 11, 2), None),
    ]


def test_the_description_names_every_column_of_every_file():
    """A reader finds types and meanings without opening the files."""
    package = json.loads(data_package("All", "Up to now.", None))
    assert "homepage" not in package
    resources = {resource["path"]: resource for resource in package["resources"]}
    columns = {
        "stats.csv": STATS.schema.names,
        "stats.parquet": STATS.schema.names,
        "rollups.parquet": pyarrow.parquet.read_schema(io.BytesIO(rollups_parquet([]))).names,
        "events.parquet": pyarrow.parquet.read_schema(io.BytesIO(events_parquet([]))).names,
    }
    assert {path: [field["name"] for field in r["schema"]["fields"]] for path, r in resources.items()} == columns
    assert resources["stats.csv"]["schema"]["primaryKey"] == ["metric_id", "period_end"]
    assert len({resource["name"] for resource in package["resources"]}) == 4
    assert json.loads(data_package("All", "Up to now.", "https://x.example/"))["homepage"] == "https://x.example/"
