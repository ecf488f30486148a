"""`docs/explanation/faults.md` says what happens: every row is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import fault_table, troubles

WRITE_IT = f"run `{fault_table.COMMAND}` and read what changed"


@pytest.fixture(scope="module")
def stage() -> Iterator[fault_table.Stage]:
    with fault_table.running() as running:
        yield running


@pytest.fixture(scope="module")
def shop() -> Iterator[troubles.Workshop]:
    with fault_table.workshop() as workshop:
        yield workshop


def test_the_table_holds_every_fault_and_no_other():
    columns = [columns.split(" | ")[0] for columns in (fault_table.COLUMNS, fault_table.TROUBLE_COLUMNS)]
    wanted = [columns[0], *fault_table.CASES, columns[1], *troubles.TROUBLES]
    assert list(fault_table.committed()) == wanted, WRITE_IT


def test_the_page_is_what_its_rows_say():
    """Headings and summary follow from the rows."""
    rows = fault_table.committed()
    parts = [[rows[name] for name in names] for names in (fault_table.CASES, troubles.TROUBLES)]
    assert fault_table.FILE.read_text(encoding="utf-8") == fault_table.render_page(*parts), WRITE_IT


@pytest.mark.parametrize("name", fault_table.CASES)
def test_a_service_s_fault_costs_what_the_table_says(name: str, stage: fault_table.Stage):
    assert fault_table.try_out(name, stage.scene()) == fault_table.committed()[name], WRITE_IT


@pytest.mark.parametrize("name", troubles.TROUBLES)
def test_a_machine_s_trouble_costs_what_the_table_says(name: str, shop: troubles.Workshop, tmp_path: Path):
    if not troubles.is_possible(name, tmp_path):
        pytest.skip(f"not allowed on this machine: {troubles.NEEDS[name]}")
    assert troubles.try_out(name, shop.machine()) == fault_table.committed()[name], WRITE_IT
