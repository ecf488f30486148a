"""Every row of `docs/explanation/faults.md` is reproduced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import fault_table, machine_faults

WRITE_IT = f"run `{fault_table.COMMAND}` and review the changes"


@pytest.fixture(scope="module")
def store_template() -> Iterator[fault_table.StoreTemplate]:
    with fault_table.simulated_services() as template:
        yield template


@pytest.fixture(scope="module")
def machine_template() -> Iterator[machine_faults.MachineTemplate]:
    with fault_table.machine_template() as template:
        yield template


def test_the_table_has_exactly_the_faults():
    columns = [columns.split(" | ")[0] for columns in (fault_table.COLUMNS, fault_table.TROUBLE_COLUMNS)]
    expected = [columns[0], *fault_table.CASES, columns[1], *machine_faults.MACHINE_FAULTS]
    assert list(fault_table.committed()) == expected, WRITE_IT


def test_the_page_is_up_to_date():
    """Headings and summary follow from the rows."""
    rows = fault_table.committed()
    parts = [[rows[name] for name in names] for names in (fault_table.CASES, machine_faults.MACHINE_FAULTS)]
    assert fault_table.FILE.read_text(encoding="utf-8") == fault_table.render_page(*parts), WRITE_IT


@pytest.mark.parametrize("name", fault_table.CASES)
def test_effects_of_service_faults(name: str, store_template: fault_table.StoreTemplate):
    assert fault_table.reproduce(name, store_template.copy()) == fault_table.committed()[name], WRITE_IT


@pytest.mark.parametrize("name", machine_faults.MACHINE_FAULTS)
def test_effects_of_machine_faults(name: str, machine_template: machine_faults.MachineTemplate, tmp_path: Path):
    if not machine_faults.is_possible(name, tmp_path):
        pytest.skip(f"not allowed on this machine: {machine_faults.NEEDS[name]}")
    assert machine_faults.reproduce(name, machine_template.machine()) == fault_table.committed()[name], WRITE_IT
