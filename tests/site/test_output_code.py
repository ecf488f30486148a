"""Code of templates: what is escaped, and what a name after a dot is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pytest
from jinja2 import DictLoader
from markupsafe import Markup, escape

from cmetrics.site.output_code import output_text
from cmetrics.site.templates import open_templates


class Tone(StrEnum):
    """A text that is not a plain one."""

    SHARP = "<sharp>"


@dataclass(frozen=True)
class Thing:
    """Something with an attribute."""

    items: str = "an attribute"


@pytest.mark.parametrize(
    "value", [0, -1.5, True, None, "plain", "", *"&<>\"'", "a 'b' <c>", Markup("<b>&</b>"), Tone.SHARP, [1, "<"]]
)
def test_values(value: object):
    """They are written as Jinja writes them."""
    assert output_text(value) == str(escape(value))


def rendered(source: str, **context: object) -> str:
    """What a template of the site's environment gives."""
    environment = open_templates().overlay(loader=DictLoader({"one": source}), cache_size=0, bytecode_cache=None)
    return environment.get_template("one").render(context)


def test_attributes():
    """Also of what is in a list, in a loop, and computed."""
    source = "{{ a.items }}, {{ b[0].items }}, {% for c in b %}{{ c.items }} {{ loop.index }}{% endfor %}, "
    source += "{{ a.items.upper() }}"
    expected = "an attribute, an attribute, an attribute 1, AN ATTRIBUTE"
    assert rendered(source, a=Thing(), b=[Thing()]) == expected


def test_a_name_after_a_dot_is_no_key():
    """A key has its quotes: a dictionary with the key "items" would be read in one way or the other."""
    with pytest.raises(AttributeError, match="nothing"):
        rendered("{{ a.nothing }}", a={"nothing": 1})
