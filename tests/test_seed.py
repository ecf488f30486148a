from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cmetrics.catalog import Catalog, load_catalog
from cmetrics.domain.errors import ConfigError
from cmetrics.domain.metric import Product
from cmetrics.seed import load_seed
from cmetrics.sources import SPECS
from tests.samples import a_metric

NODE, RUST = a_metric("npm"), a_metric("cratesio")
HEAD = "metric_id,date,value\n"
GOOD = HEAD + f"{NODE.metric_id},2025-10-31,70\n{RUST.metric_id},2025-10-31,5\n{NODE.metric_id},2025-11-30,80\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "seed.csv"


def catalog(*seeds: tuple[str, Path]) -> Catalog:
    return Catalog(Path("cmetrics.toml"), "All", "contact", (Product("p", "P"),), (NODE, RUST), dict(seeds))


def load(path: Path, content: str | bytes) -> list:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_seed(catalog((NODE.metric_id, path), (RUST.metric_id, path)), "run-1")


def rejection(path: Path, content: str | bytes) -> str:
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(path))}[,:] ") as caught:
        load(path, content)
    message = str(caught.value).removeprefix(str(path))
    assert message.isprintable()
    return message


def test_a_snapshot_is_a_row_of_one_day_with_its_file(path):
    rows = load(path, GOOD)
    assert [row.key for row in rows] == [
        (NODE.metric_id, date(2025, 10, 31)),
        (RUST.metric_id, date(2025, 10, 31)),
        (NODE.metric_id, date(2025, 11, 30)),
    ]
    row = rows[0]
    assert (row.period_start, row.value, row.ingestion_run_id) == (date(2025, 10, 31), 70, "run-1")
    assert (row.provenance, row.source_window, row.source_ref) == ("csv_seed", "discrete_snapshot", "seed:seed.csv")
    assert row.observed_at == datetime(2025, 10, 31, tzinfo=UTC)
    assert row.is_seed


def test_only_metrics_that_name_the_file_get_its_rows(path):
    path.write_text(GOOD)
    rows = load_seed(catalog((RUST.metric_id, path)), "run-1")
    assert [row.metric_id for row in rows] == [RUST.metric_id]
    assert load_seed(catalog(), "run-1") == []


def test_each_file_is_read_for_its_own_metrics(path):
    path.write_text(GOOD)
    other = path.with_name("other.csv")
    other.write_text(HEAD + f"{NODE.metric_id},2025-09-30,1\n{RUST.metric_id},2025-09-30,2\n")
    rows = load_seed(catalog((NODE.metric_id, path), (RUST.metric_id, other)), "run-1")
    assert {row.key: row.value for row in rows} == {
        (NODE.metric_id, date(2025, 10, 31)): 70,
        (NODE.metric_id, date(2025, 11, 30)): 80,
        (RUST.metric_id, date(2025, 9, 30)): 2,
    }


@pytest.mark.parametrize(
    "head", ["", "metric_id,date\n", "date,metric_id,value\n", "\ufeff" + HEAD, "x,2025-10-31,1\n"]
)
def test_an_invalid_header_is_rejected(path, head):
    assert rejection(path, head).startswith(", line 1: ")


@pytest.mark.parametrize(
    "line",
    [
        "x,2025-10-31",
        "x,2025-10-31,1,2",
        "",
        "x,2025-02-29,1",
        "x,20251101,1",
        "x,2025-W44-5,1",
        "x,31.10.2025,1",
        "x,,1",
        "x,2025-10-31,",
        "x,2025-10-31,-1",
        "x,2025-10-31,+1",
        "x,2025-10-31,1.0",
        "x,2025-10-31,1_000",
        "x,2025-10-31, 1",
        "x,2025-10-31,١",
        "x,2025-10-31,many",
        "x,2025-10-31," + "9" * 16,
        "x,2025-10-31," + "9" * 5000,
        "x,\x1b[31mday,1",
    ],
)
def test_an_invalid_line_is_rejected_with_its_number(path, line):
    assert rejection(path, f"{HEAD}y,2025-10-31,1\n{line}\n").startswith(", line 3: ")


def test_a_second_value_for_a_day_is_rejected_with_its_line(path):
    message = rejection(path, f"{HEAD}x,2025-10-31,1\ny,2025-10-31,1\nx,2025-10-31,1\n")
    assert message == ", line 4: x has a second value for 2025-10-31"


@pytest.mark.parametrize("content", [HEAD.encode() + b"caf\xe9,2025-10-31,1\n", HEAD + "x" * 200_000])
def test_a_file_that_is_not_utf_8_csv_is_rejected(path, content):
    assert "cannot be read" in rejection(path, content)


def test_a_missing_file_is_reported(path):
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(path))}: .*cannot be read"):
        load_seed(catalog((NODE.metric_id, path)), "run-1")


def test_default_snapshots_end_before_the_daily_values():
    defaults = load_catalog(None, SPECS)
    rows = load_seed(defaults, "run-1")
    assert {row.metric_id for row in rows} == {m.metric_id for m in defaults.metrics if m.family == "downloads"}
    assert len(rows) == len({row.key for row in rows}) == 75
    assert max(row.period_end for row in rows) <= date(2025, 11, 30)
    assert all(row.value > 0 for row in rows)
