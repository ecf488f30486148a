"""File names of metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cmetrics.domain.kind import DOWNLOADS
from cmetrics.domain.metric import HASH_LENGTH, Definition, Metric, definition, file_names, slug

START = datetime(2026, 1, 1, tzinfo=UTC)
IDS = st.lists(st.text("aAbB:-/.%", min_size=1, max_size=6), unique=True, max_size=12)


def defined(metric_id: str, age: int) -> Definition:
    at = START - timedelta(age)
    metric = Metric(metric_id, DOWNLOADS, "p", "s", None, "npm", "S", "https://example.org")
    return definition(metric, at)


def test_slug() -> None:
    """Without a collision, the file name is the slug."""
    names = file_names(["downloads:lance:python", "stars:a/b:github"])
    assert names == {"downloads:lance:python": "downloads-lance-python", "stars:a/b:github": "stars-a%2Fb-github"}


def test_collision() -> None:
    """Of two ids with one slug, the older definition has the plain name, whatever their order."""
    names = file_names(["a-b:x"], [defined("a:b-x", age=1)])
    assert names["a:b-x"] == "a-b-x"
    assert names["a-b:x"].startswith("a-b-x-")
    assert len(names["a-b:x"]) == len("a-b-x-") + HASH_LENGTH


def test_case() -> None:
    """File names of ids that differ only in case differ in more than case."""
    names = file_names(["a:X", "a:x"])
    assert len({name.casefold() for name in names.values()}) == 2


def test_hash_taken() -> None:
    """An id that equals the suffixed name of another one keeps its file."""
    suffixed = file_names(["a-b:x", "a:b-x"])["a:b-x"]
    names = file_names(["a-b:x", "a:b-x", suffixed])
    assert names[suffixed] == suffixed
    assert len(set(names.values())) == 3


@given(IDS)
def test_unique(ids: list[str]) -> None:
    """Names are unique, and start with their slug."""
    names = file_names(ids)
    assert len({name.casefold() for name in names.values()}) == len(ids)
    assert all(name.startswith(slug(metric_id)) for metric_id, name in names.items())


@given(IDS, st.text("aAbB:-", min_size=1, max_size=6))
def test_new_id(ids: list[str], new_id: str) -> None:
    """A new id does not rename files with plain slugs."""
    definitions = [defined(metric_id, age=len(ids) - number) for number, metric_id in enumerate(ids)]
    before = file_names([], definitions)
    after = file_names([new_id], definitions)
    assert {i: after[i] for i in ids if before[i] == slug(i)} == {i: before[i] for i in ids if before[i] == slug(i)}
