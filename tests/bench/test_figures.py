"""The table of figures and its copy in the documentation."""

from __future__ import annotations

import pytest

from tests.bench.figures import HEADING, Figure, in_bytes, in_seconds, merge_tables, render_table
from tests.docs.blocks import BENCHMARKS, read_block


def test_growth_is_relative_to_the_smaller_size():
    figures = [
        Figure("read", "7 metrics", 0.5, 7, 2_000_000, "two files"),
        Figure("write", "7 metrics", 9.0, 7),
        Figure("read", "70 metrics", 4.0, 70),
        Figure("read", "far away", 4.0),
    ]
    assert render_table(figures).splitlines()[2:] == [
        "| read | 7 metrics | 500 ms | 2 MB | two files |  |",
        "| write | 7 metrics | 9.0 s |  |  |  |",
        "| read | 70 metrics | 4.0 s |  |  | x 8 for x 10 |",
        "| read | far away | 4.0 s |  |  |  |",
    ]


def test_new_figures_replace_old_ones():
    old = render_table([Figure("read", "7", 0.5), Figure("write", "7", 9.0), Figure("read", "70", 4.0)])
    new = render_table([Figure("read", "70", 3.0), Figure("erase", "7", 1.0)])
    both = [Figure("read", "7", 0.5), Figure("write", "7", 9.0), Figure("read", "70", 3.0), Figure("erase", "7", 1.0)]
    assert merge_tables(old, new) == render_table(both)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.00123, "1.23 ms"), (0.0456, "46 ms"), (1.26, "1.3 s"), (126.4, "126 s")]
)
def test_times_have_significant_digits(seconds: float, text: str):
    assert in_seconds(seconds) == text


@pytest.mark.parametrize(("size", "text"), [(17, "17 B"), (1_230, "1.23 kB"), (123_456, "123 kB"), (2e9, "2 GB")])
def test_sizes_have_suitable_units(size: float, text: str):
    assert in_bytes(size) == text


def test_the_page_shows_the_table_of_every_part():
    block = read_block(BENCHMARKS, "figures")
    assert block.startswith(f"| {' | '.join(HEADING)} |\n")
    for part in (
        "`import lancedb`",
        "next night",
        "10,000 x 730",
        "`build-site`",
        "8 clients",
        "1,095 nights",
        "`restore`",
    ):
        assert part in block, f"nothing of {part}: run `uv run --group dev python -m tests.bench --write`"
