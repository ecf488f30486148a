"""The generated parts of the reference match the code."""

from __future__ import annotations

import pytest

from cmetrics.environment import known_variables
from tests.docs import descriptions
from tests.docs.blocks import read_block
from tests.docs.comments import field_comments
from tests.docs.project import ROOT
from tests.docs.reference import EXIT_CODES, GENERATED, INTERNAL_VARIABLES, SECTIONS

PARTS = [(page, name) for page, parts in GENERATED.items() for name in parts]


@pytest.mark.parametrize(("page", "name"), PARTS, ids=[f"{page.stem}-{name}" for page, name in PARTS])
def test_generated_part_is_current(page, name):
    assert read_block(page, name) == GENERATED[page][name](), "run `uv run --group dev python -m tests.docs --write`"


def test_descriptions_are_complete():
    """`tests/docs/descriptions.py` describes exactly what has no comment in the code."""
    assert set(descriptions.VARIABLES) == set(known_variables()) - INTERNAL_VARIABLES
    assert set(descriptions.EXIT_CODES) == EXIT_CODES
    for section, model in SECTIONS.items():
        described = {name for name, field in model.model_fields.items() if field.description} | set(
            field_comments(model)
        )
        assert set(descriptions.CATALOGUE[section]) <= set(model.model_fields), section
        assert set(descriptions.CATALOGUE[section]) | described >= set(model.model_fields), section


def test_every_variable_is_in_the_example_file():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert [name for name in descriptions.VARIABLES if name not in text] == []
