"""`docs/explanation/faults.md` says what happens: every row is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import fault_table, machine_faults

WRITE_IT = f"run `{fault_table.COMMAND}` and read what changed"


@pytest.fixture(scope="module")
def store_template() -> Iterator[fault_table.StoreTemplate]:
    with fault_table.simulated_services() as template:
        yield template


@pytest.fixture(scope="module")
def machine_template() -> Iterator[machine_faults.MachineTemplate]:
    with fault_table.machine_template() as template:
        yield template


def test_the_table_holds_every_fault_and_no_other():
    columns = [columns.split(" | ")[0] for columns in (fault_table.COLUMNS, fault_table.TROUBLE_COLUMNS)]
    wanted = [columns[0], *fault_table.CASES, columns[1], *machine_faults.MACHINE_FAULTS]
    assert list(fault_table.committed()) == wanted, WRITE_IT


def test_the_page_is_what_its_rows_say():
    """Headings and summary follow from the rows."""
    rows = fault_table.committed()
    parts = [[rows[name] for name in names] for names in (fault_table.CASES, machine_faults.MACHINE_FAULTS)]
    assert fault_table.FILE.read_text(encoding="utf-8") == fault_table.render_page(*parts), WRITE_IT


@pytest.mark.parametrize("name", fault_table.CASES)
def test_a_service_s_fault_costs_what_the_table_says(name: str, store_template: fault_table.StoreTemplate):
    assert fault_table.reproduce(name, store_template.copy()) == fault_table.committed()[name], WRITE_IT


@pytest.mark.parametrize("name", machine_faults.MACHINE_FAULTS)
def test_a_machine_s_trouble_costs_what_the_table_says(
    name: str, machine_template: machine_faults.MachineTemplate, tmp_path: Path
):
    if not machine_faults.is_possible(name, tmp_path):
        pytest.skip(f"not allowed on this machine: {machine_faults.NEEDS[name]}")
    assert machine_faults.reproduce(name, machine_template.machine()) == fault_table.committed()[name], WRITE_IT
