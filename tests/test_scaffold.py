from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.catalog import load_catalog
from cmetrics.domain.errors import UsageError
from cmetrics.scaffold import Names, plan_scaffold, render_scaffold
from cmetrics.sources import SPECS

WHO = "https://example.com/contact"


#: The source for each keyword argument of `names_of`.
SOURCES = {"pypi": "pypistats", "crates": "cratesio", "repositories": "github"}


def names_of(owners: tuple[str, ...] = (), **names: tuple[str, ...]) -> Names:
    return Names(owners, {SOURCES.get(key, key): subjects for key, subjects in names.items()})


def grouped(**names: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the subjects by product, both in the order of the file."""
    scaffold = plan_scaffold(names_of(**names), SPECS, product=None, title=None, contact=WHO)
    return {key: [e.subject for e in scaffold.entries if e.product == key] for key in scaffold.products}


def test_packages_join_the_repository_that_they_are_named_after():
    assert grouped(
        pypi=("pylance", "lancedb"),
        npm=("@lancedb/lancedb",),
        crates=("lance", "lancedb", "lance-index"),
        repositories=("lance-format/lance", "lancedb/lancedb"),
    ) == {
        "lance": ["pylance", "lance", "lance-index", "lance-format/lance"],
        "lancedb": ["lancedb", "@lancedb/lancedb", "lancedb", "lancedb/lancedb"],
    }


def test_with_one_repository_there_is_one_product():
    assert grouped(pypi=("something",), npm=("@x/else",), repositories=("o/Thing",)) == {
        "thing": ["something", "@x/else", "o/Thing"]
    }


def test_further_subjects_join_the_product_of_their_name():
    """Kinds, publishers and namespaces of a subject are ignored."""
    assert grouped(
        repositories=("acme/db",),
        npm=("other",),
        dockerhub=("acme/db-server",),
        huggingface=("spaces/acme/db",),
        homebrew=("cask/db",),
        vscode=("acme.db-viewer",),
        duckdb=("db",),
    ) == {"db": ["other", "cask/db", "acme/db-server", "spaces/acme/db", "db", "acme.db-viewer", "acme/db"]}


def test_space_has_likes_only():
    """An entry whose subject lacks the default count names another one."""
    scaffold = plan_scaffold(
        names_of(huggingface=("spaces/acme/db",)), SPECS, product=None, title=None, contact="https://example.com/"
    )
    assert 'count = "likes"' in render_scaffold(scaffold, SPECS)


def test_without_a_repository_products_are_named_after_scopes_and_packages():
    assert grouped(pypi=("requests", "numpy"), npm=("@acme/one", "@acme/two"), crates=("numpy",)) == {
        "requests": ["requests"],
        "numpy": ["numpy", "numpy"],
        "acme": ["@acme/one", "@acme/two"],
    }


def test_a_given_product_gets_all_subjects():
    scaffold = plan_scaffold(
        names_of(pypi=("a", "b"), repositories=("o/c", "o/d")), SPECS, product="All of It", title=None, contact=None
    )
    assert dict(scaffold.products) == {"all-of-it": "All of It"}
    assert scaffold.title == "All of It metrics"
    assert scaffold.contact == "https://github.com/o/c"
    assert [(e.subject, e.metric_id) for e in scaffold.entries] == [
        ("a", None),
        ("b", "downloads:all-of-it:python:b"),
        ("o/c", None),
        ("o/d", "stars:all-of-it:github:o-d"),
    ]


def test_duplicate_names_are_removed():
    assert grouped(pypi=("Foo_Bar", "foo-bar"), repositories=("O/R", "o/r")) == {"r": ["Foo_Bar", "O/R"]}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"pypi": ("no such",)}, "--pypi 'no such' is not a name that PyPI allows"),
        ({"repositories": ("o",)}, "--repo 'o' is not a repository written owner/name"),
        ({"npm": ("@x",)}, "--npm"),
        ({"crates": ("1x",)}, "--crate"),
        ({}, "no package or repository given"),
    ],
)
def test_an_invalid_name_is_reported_with_its_option(names: dict, message: str):
    with pytest.raises(UsageError, match=message):
        plan_scaffold(names_of(**names), SPECS, product=None, title=None, contact=WHO)


def test_a_contact_is_required():
    with pytest.raises(UsageError, match="--contact"):
        plan_scaffold(names_of(pypi=("x",)), SPECS, product=None, title=None, contact=None)


WORDS = st.text("aZ09-_.", min_size=1, max_size=8).map(lambda text: f"a{text}b")


@given(
    st.lists(WORDS, max_size=4),
    st.lists(st.one_of(WORDS, st.tuples(WORDS, WORDS).map("@{0[0]}/{0[1]}".format)), max_size=4),
    st.lists(st.tuples(st.text("aZ9", min_size=1, max_size=6), WORDS).map("/".join), min_size=1, max_size=4),
    st.one_of(st.none(), st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30).filter(str.strip)),
)
def test_every_generated_file_is_valid(pypi: list, npm: list, repositories: list, product: str | None):
    names = names_of(pypi=tuple(pypi), npm=tuple(npm), repositories=tuple(repositories))
    scaffold = plan_scaffold(names, SPECS, product=product, title=product, contact=WHO)
    with NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as written:
        written.write(render_scaffold(scaffold, SPECS))
        written.flush()
        catalog = load_catalog(Path(written.name), SPECS)
    assert [(m.source, m.subject) for m in catalog.metrics] == [(e.source, e.subject) for e in scaffold.entries]
    assert {m.product for m in catalog.metrics} == set(scaffold.products)
