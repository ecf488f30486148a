"""Sources of other packages: entry points, validation and isolation of failures."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cmetrics.domain.errors import SourceError
from cmetrics.domain.metric import ArchiveSpec
from cmetrics.http.service import Service
from cmetrics.sources import MODULES, REGISTRY, Registration, npm
from cmetrics.sources.base import FetchRequest, FetchResult
from cmetrics.sources.plugins import GROUP, Registry, Specs
from tests.samples import a_metric, a_request
from tests.sources.test_any_answer import LAST

BUILT_IN = {"npm": npm.__name__}
OTHER = replace(npm.SPEC, name="other", title="other.example.com")


class Fetches:
    """A source that yields the given results and then raises."""

    spec = OTHER

    def __init__(self, answered: int, error: Exception | None = None) -> None:
        self._answered, self._error = answered, error

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        for request in requests[: self._answered]:
            yield FetchResult(request)
        if self._error is not None:
            raise self._error


def registration(source: Any = None, **changes: Any) -> Registration:
    return Registration(replace(OTHER, **changes), lambda _: npm.POLICY, lambda _: source or Fetches(9))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch):
    """Return a function that creates a registry with entry points for the given objects."""

    def build(**objects: object) -> Registry:
        module = ModuleType("a_plugin")
        for name, value in objects.items():
            setattr(module, name, value)
        monkeypatch.setitem(sys.modules, "a_plugin", module)
        return Registry(BUILT_IN, [EntryPoint(name, f"a_plugin:{name}", GROUP) for name in objects])

    return build


def fetch(found: Registry, count: int = 3) -> list[FetchResult]:
    metrics = [replace(a_metric("npm"), metric_id=f"downloads:p:{number}") for number in range(count)]
    requests = [a_request(metric, LAST, LAST) for metric in metrics]

    async def work() -> list[FetchResult]:
        client: Service = None  # type: ignore[assignment]
        return [result async for result in found["other"].open(client).fetch(requests)]

    return asyncio.run(work())


def test_source_of_another_package(registry):
    """A source registered by another package works like a built-in one."""
    found = registry(mine=registration())
    assert list(found) == ["npm", "other"]
    assert list(Specs(found)) == ["npm", "other"]
    assert Specs(found)["other"].title == "other.example.com"
    assert found.failures == ()
    assert [result.error for result in fetch(found)] == [None] * 3


def test_sources_in_another_process(registry):
    """Specifications are pickled without their functions, which the other process imports itself."""
    specs = Specs(registry(mine=registration()))
    sent = pickle.loads(pickle.dumps(specs))
    assert dict(sent) == dict(specs)


def test_built_in_source_loads_no_package():
    """Looking up a built-in source does not import plugin packages."""
    found = Registry(BUILT_IN, [EntryPoint("mine", "a_module_that_does_not_exist:X", GROUP)])
    assert found["npm"] is npm.REGISTRATION
    assert "_plugins" not in vars(found)
    assert found.failures[0].reason == "ModuleNotFoundError: No module named 'a_module_that_does_not_exist'"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (npm.SPEC, "expected a Registration, got SourceSpec"),
        (registration(name="npm"), "the name 'npm' belongs to another source"),
        (registration(name="Other One"), "'Other One' is not a name"),
        (registration(subject_pattern="["), "unterminated character set"),
        (registration(archive=ArchiveSpec("a", "a", LAST)), "an archive is for built-in sources only"),
    ],
)
def test_invalid_registration(registry, entry, reason):
    """An invalid registration is ignored with a reason, and other sources are not affected."""
    found = registry(bad=entry, good=registration(name="good"))
    assert list(found) == ["npm", "good"]
    ((name, package, text),) = [(f.name, f.package, f.reason) for f in found.failures]
    assert (name, package) == ("bad", "a_plugin")
    assert reason in text


def test_two_packages_with_one_name(registry):
    """The first entry point by name provides the source."""
    found = registry(b=registration(title="second"), a=registration(title="first"))
    assert found["other"].spec.title == "first"
    assert [failure.name for failure in found.failures] == ["b"]


@pytest.mark.parametrize("error", [ValueError("an error of the package"), KeyError("x"), SourceError("is down"), None])
def test_failing_source(registry, error):
    """An exception or a missing result is an error of the unanswered metrics only."""
    results = fetch(registry(mine=registration(Fetches(1, error))))
    assert [result.error is None for result in results] == [True, False, False]
    message = results[1].error.message
    assert message.startswith("source other of a_plugin: ")
    assert (str(error) if error else "returned no result") in message


def test_source_that_cannot_be_opened(registry):
    """An exception in the constructor is an error of all metrics of the source."""

    def refuse(_: Service) -> Any:
        msg = "no"
        raise RuntimeError(msg)

    results = fetch(registry(mine=replace(registration(), open=refuse)))
    assert ["failed with RuntimeError: no" in str(result.error) for result in results] == [True] * 3


def test_documented_example():
    """The example in the guide is the package that the tests install."""
    folder, guide = (
        Path(__file__).parents[1] / "plugin",
        Path(__file__).parents[2] / "docs" / "how-to" / "source-plugin.md",
    )
    text = guide.read_text()
    for name in ("pyproject.toml", "cmetrics_example.py"):
        assert (folder / name).read_text().strip() in text, name


def test_unavailable_source(registry):
    """A catalogue with a source that cannot be loaded is valid; an unregistered source is unknown."""
    specs = Specs(registry(broken=object()))
    assert (
        specs["broken"].unavailable
        == "package a_plugin cannot be used (TypeError: expected a Registration, got object)"
    )
    assert list(specs) == ["npm"]
    assert "nothing" not in specs


def test_built_in_sources_by_name():
    """Every entry of the table refers to the source of that name."""
    assert [REGISTRY[name].spec.name for name in MODULES] == list(MODULES)


def test_only_sources_in_use_are_imported():
    """Looking up a source imports only its module."""
    code = "import sys; from cmetrics.sources import SPECS; SPECS['npm']; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {name.rpartition(".")[2] for name in done.stdout.split() if name.startswith("cmetrics.sources.")}
    assert imported & set(MODULES.values()) == {"npm"}
