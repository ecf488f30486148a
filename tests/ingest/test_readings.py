"""Counts of the parts of a subject: storage of changes, sums, export, merge and rename."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.intervals import build_intervals
from cmetrics.domain.days import DAY, Span
from cmetrics.domain.errors import InvalidResponse
from cmetrics.domain.kind import counter
from cmetrics.domain.metric import definition
from cmetrics.domain.observation import Provenance, Reading
from cmetrics.domain.removal import Removal
from cmetrics.export.restore import merge_export, restore
from cmetrics.export.tables import export_store, read_export
from cmetrics.ingest.observations import build_observations
from cmetrics.ingest.progress import NoProgress
from cmetrics.ingest.readings import record_readings
from cmetrics.ingest.reconcile import overwrite_rule
from cmetrics.ingest.removals import apply_removal
from cmetrics.settings import Settings, StoreKind, StoreTarget
from cmetrics.sources import SPECS
from cmetrics.sources.base import FetchRequest, FetchResult
from cmetrics.store.lance_store import LanceStore
from tests.samples import a_metric

FILES = replace(a_metric("npm"), metric_id="downloads:p:files", measure=counter("downloads"), sdk=None)
FIRST, OLD = date(2026, 11, 1), datetime(2020, 1, 1, tzinfo=UTC)


class Repository:
    """A store that is filled night by night."""

    def __init__(self, folder: Path) -> None:
        self.target = StoreTarget(StoreKind.EMBEDDED, str(folder))
        folder.mkdir()
        self.store = LanceStore.open(self.target)
        self.store.create_tables()
        self.store.save_definitions([definition(FILES, datetime(2026, 10, 1, tzinfo=UTC))])
        self.settings = Settings(self.target, catalog=None)

    def night(self, number: int, parts: Mapping[str, int], created_at: datetime | None = OLD) -> FetchResult:
        day = FIRST + number * DAY
        at = datetime.combine(day + DAY, time(3), UTC)
        readings = tuple(Reading(name, f"{name}.zip", value, at, created_at) for name, value in parts.items())
        request = FetchRequest(FILES, (day,), frozenset({day}), day, take_current=True)
        result = record_readings(self.store, FetchResult(request, readings=readings), f"refresh-{number}")
        rows = build_observations(FILES, result.values, provenance=Provenance.API_DAILY, run_id="r", at=at)
        self.store.upsert_observations(rows, overwrite_rule({FILES.metric_id: FILES}, SPECS))
        return result

    def values(self, metric_id: str = FILES.metric_id) -> list[int]:
        return [row.value for row in self.store.observations([metric_id], Span(FIRST, FIRST + 99 * DAY))]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "one")


def test_only_changed_counts_are_stored(repository: Repository):
    """A repository with a thousand files adds few rows per night."""
    repository.night(0, {"a": 100, "b": 7})
    repository.night(1, {"a": 100, "b": 8})
    repository.night(2, {"a": 100, "b": 8})
    assert [(r.identity, r.name, r.period_end, r.value) for r in repository.store.readings()] == [
        ("a", "a.zip", FIRST, 100),
        ("b", "b.zip", FIRST, 7),
        ("b", "b.zip", FIRST + DAY, 8),
    ]
    assert repository.values() == [107, 108, 108]


def test_a_sum_has_the_time_of_its_readings(repository: Repository):
    (value,) = repository.night(0, {"a": 100}).values
    assert (value.day, value.observed_at) == (FIRST, datetime(2026, 11, 2, 3, tzinfo=UTC))
    assert value.source_ref == "npm:@scope/name"


def test_the_sum_does_not_fall_with_an_absence(repository: Repository):
    """A missing, deleted or replaced file keeps its last count."""
    repository.night(0, {"a": 100, "b": 7})
    repository.night(1, {"b": 9})
    repository.night(2, {"a": 101, "b": 9})
    for night in range(3, 13):
        repository.night(night, {"b2": night}, created_at=datetime(2026, 11, 4, 12, tzinfo=UTC))
    assert repository.values() == [107, 109, 110, *range(113, 123)]


def test_a_failed_result_stores_nothing(repository: Repository):
    """With a part of a list, other files would seem to be missing."""
    request = FetchRequest(FILES, (FIRST,), frozenset({FIRST}), FIRST, take_current=True)
    reading = Reading("a", "a", 1, OLD)
    failed = FetchResult(request, readings=(reading,), error=InvalidResponse("cut off"))
    assert record_readings(repository.store, failed, "r").values == ()
    assert repository.store.readings() == []


def test_a_store_that_refuses_the_table_fails_the_metric(repository: Repository, tmp_path: Path):
    """Without the counts of the parts, the sum of the next night would be wrong."""
    (Path(repository.target.uri) / "readings.lance").write_text("a file where the table would be")
    result = repository.night(0, {"a": 100})
    assert result.error is not None
    assert "its readings were not stored" in str(result.error)
    assert result.values == ()


def flows(store: LanceStore, metric_id: str) -> list[int | None]:

    rows = store.read_observations([metric_id], Span(FIRST, FIRST + 99 * DAY))
    return [i.flow for i in build_intervals(SeriesTable.from_arrow(rows), store.readings([metric_id])).of(metric_id)]


def test_export_and_restore(repository: Repository, tmp_path: Path):
    """Restored readings are equal, and give the same flows."""
    repository.night(0, {"a": 100, "b": 7})
    repository.night(1, {"a": 103})
    repository.night(2, {"a": 103, "b": 11})
    export_store(repository.store, tmp_path / "export")
    assert list(read_export(tmp_path / "export").readings) == repository.store.readings()
    other = Repository(tmp_path / "two")
    restore(other.settings, tmp_path / "export", now=datetime(2026, 12, 1, tzinfo=UTC), progress=NoProgress())
    assert other.store.readings() == repository.store.readings()
    assert flows(other.store, FILES.metric_id) == flows(repository.store, FILES.metric_id) == [3, 4]


def test_two_stores_that_merge_each_other_agree(repository: Repository, tmp_path: Path):
    """The later reading of a night wins in both stores."""
    other = Repository(tmp_path / "two")
    repository.night(0, {"a": 100})
    other.night(0, {"a": 90})
    (row,) = other.store.readings()
    other.store.save_readings([replace(row, observed_at=row.observed_at - timedelta(hours=1))])
    repository.night(1, {"a": 120})
    for number, (one, two) in enumerate([(repository, other), (other, repository)] * 2):
        export_store(one.store, tmp_path / f"{number}")
        merge_export(two.settings, tmp_path / f"{number}", now=datetime(2026, 12, 1, tzinfo=UTC), progress=NoProgress())
    assert [row.value for row in other.store.readings()] == [100, 120]
    assert other.store.readings() == repository.store.readings()


def test_rename_moves_readings(repository: Repository):
    repository.night(0, {"a": 100, "b": 7})
    repository.night(1, {"a": 104})
    removal = Removal("rename-1", FILES.metric_id, "downloads:q:files", datetime(2026, 12, 1, tzinfo=UTC))
    apply_removal(repository.store, removal)
    assert {row.metric_id for row in repository.store.readings()} == {"downloads:q:files"}
    assert flows(repository.store, "downloads:q:files") == [4]
