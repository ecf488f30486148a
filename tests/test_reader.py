"""The Python API: tables of a store as Arrow, and an import that loads no library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

import cmetrics
from cmetrics.domain.errors import StoreMissing
from cmetrics.ops.demo import sample_store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PYTHON = "downloads:heron:python"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("reader") / "sample"
    with sample_store(folder, NOW):
        yield folder / "lancedb"


def test_every_table(store: Path):
    """Each table can be read; days are dates and times are UTC."""
    reader = cmetrics.open(store)
    tables = {
        "metrics": reader.metrics(),
        "stats": reader.stats(),
        "runs": reader.runs(),
        "outcomes": reader.outcomes(),
        "events": reader.events(),
        "readings": reader.readings(),
    }
    assert [name for name, table in tables.items() if table.num_rows == 0] == []
    assert reader.revisions().num_rows == 0
    assert tables["stats"].schema.field("period_end").type == pa.date32()
    assert tables["outcomes"].schema.field("requested_from").type == pa.date32()
    assert tables["runs"].schema.field("started_at").type == pa.timestamp("us", tz="UTC")
    assert set(tables["stats"]["metric_id"].to_pylist()) == set(tables["metrics"]["metric_id"].to_pylist())


def test_daily_values(store: Path):
    """There is one row per metric and day, between the two given days."""
    reader = cmetrics.open(str(store))
    rows = reader.daily(PYTHON, start=date(2026, 11, 1), end=date(2026, 11, 23))
    assert rows.column_names == ["metric_id", "day", "value"]
    assert rows["day"].to_pylist() == [date(2026, 11, day) for day in range(1, 24)]
    assert reader.daily(["stars:heron:github"]).num_rows == 0
    assert reader.stats(["no:such:metric"]).num_rows == 0


def test_no_store(tmp_path: Path):
    with pytest.raises(StoreMissing, match="there is no store"):
        cmetrics.open(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_the_import_loads_nothing():
    code = (
        "import sys, cmetrics; print(sorted({'lancedb', 'pyarrow', 'numpy', 'pydantic', 'typer'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_the_package_is_typed():
    """The package is marked as typed, so that type checkers read its annotations."""
    assert (Path(cmetrics.__file__).parent / "py.typed").is_file()
