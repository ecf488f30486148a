"""Generated code of templates: escaping, and attribute access."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pytest
from jinja2 import DictLoader
from markupsafe import Markup, escape

from cmetrics.site.output_code import output_text
from cmetrics.site.templates import open_templates


class Tone(StrEnum):
    """A subclass of str."""

    SHARP = "<sharp>"


@dataclass(frozen=True)
class Thing:
    """An object with an attribute that is also a method of dicts."""

    items: str = "an attribute"


@pytest.mark.parametrize(
    "value", [0, -1.5, True, None, "plain", "", *"&<>\"'", "a 'b' <c>", Markup("<b>&</b>"), Tone.SHARP, [1, "<"]]
)
def test_values(value: object):
    """Values are written as by Jinja."""
    assert output_text(value) == str(escape(value))


def rendered(source: str, **context: object) -> str:
    """Render a template in the environment of the site."""
    environment = open_templates().overlay(loader=DictLoader({"one": source}), cache_size=0, bytecode_cache=None)
    return environment.get_template("one").render(context)


def test_attributes():
    """Attributes of list items, in loops, and of computed values work."""
    source = "{{ a.items }}, {{ b[0].items }}, {% for c in b %}{{ c.items }} {{ loop.index }}{% endfor %}, "
    source += "{{ a.items.upper() }}"
    expected = "an attribute, an attribute, an attribute 1, AN ATTRIBUTE"
    assert rendered(source, a=Thing(), b=[Thing()]) == expected


def test_attribute_access_does_not_use_keys():
    """Keys need quotes, because a dictionary with the key "items" would be ambiguous."""
    with pytest.raises(AttributeError, match="nothing"):
        rendered("{{ a.nothing }}", a={"nothing": 1})
