"""Find sources of other packages, registered in the entry point group ``cmetrics.sources``.

An entry point refers to a :class:`Registration`. Packages are searched and imported only when a source is needed that
is not built in. A package that cannot be used affects only its own source, which is left out and reported by
`doctor`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from cmetrics.domain.errors import SourceError
from cmetrics.domain.kind import flow
from cmetrics.domain.metric import SourceSpec
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.service import Service
from cmetrics.sources.base import FetchRequest, FetchResult, Source
from cmetrics.sources.registration import Registration

GROUP = "cmetrics.sources"
#: The form of a name in ``source_ref``.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """An entry point whose source cannot be used."""

    #: The name of the entry point and its package.
    name: str
    package: str
    reason: str


class Registry(Mapping[str, Registration]):
    """The sources by name: built-in ones, and those of installed packages.

    ``modules`` are the modules of the built-in sources by name. Looking up one of them imports its module only.
    ``points`` are the entry points; by default those of the environment.
    """

    def __init__(self, modules: Mapping[str, str], points: Iterable[EntryPoint] | None = None) -> None:
        self._modules = modules
        self._built_in: dict[str, Registration] = {}
        self._points = points

    def __reduce__(self) -> tuple[object, ...]:
        """Return how another process gets the registry: it imports the sources itself, as they contain functions."""
        return Registry, (self._modules, self._points)

    @property
    def failures(self) -> tuple[PluginFailure, ...]:
        """The entry points that cannot be used, with the reason."""
        return self._plugins[1]

    @cached_property
    def _plugins(self) -> tuple[dict[str, Registration], tuple[PluginFailure, ...]]:
        found, failures = dict[str, Registration](), list[PluginFailure]()
        points = entry_points(group=GROUP) if self._points is None else self._points
        for point in sorted(points, key=lambda point: (point.name, point.value)):
            package = point.dist.name if point.dist else point.module
            try:
                entry = _check(point.load(), self._modules.keys() | found.keys())
            except Exception as error:  # noqa: BLE001 - the code of another package may raise anything
                reason = sanitize(f"{type(error).__name__}: {error}", limit=200)
                failures.append(PluginFailure(sanitize(point.name, limit=60), sanitize(package, limit=80), reason))
            else:
                found[entry.spec.name] = _guard(entry, package)
        return found, tuple(failures)

    def __getitem__(self, name: str) -> Registration:
        if (known := self._built_in.get(name)) is not None:
            return known
        module = self._modules.get(name)
        if module is None:
            return self._plugins[0][name]
        found: Registration = import_module(module).REGISTRATION
        self._built_in[name] = found
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._modules or name in self._plugins[0]

    def __iter__(self) -> Iterator[str]:
        yield from self._modules
        yield from self._plugins[0]

    def __len__(self) -> int:
        return len(self._modules) + len(self._plugins[0])


class Specs(Mapping[str, SourceSpec]):
    """The descriptions of the sources of a registry by name.

    A source whose package cannot be used is described as unavailable, so that a catalogue with it stays valid.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __getitem__(self, name: str) -> SourceSpec:
        try:
            return self._registry[name].spec
        except KeyError:
            failure = next((failure for failure in self._registry.failures if failure.name == name), None)
            if failure is None:
                raise
            return _unavailable(failure)

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry)

    def __len__(self) -> int:
        return len(self._registry)


def _unavailable(failure: PluginFailure) -> SourceSpec:
    return SourceSpec(
        name=failure.name,
        title=failure.package,
        measures={"counts": flow("counts")},
        sdk=None,
        display_name=failure.name,
        subject_pattern=r"(?s:.*)",
        subject_hint="any text",
        page="",
        counts="",
        unavailable=f"package {failure.package} cannot be used ({failure.reason})",
    )


def _check(entry: object, taken: AbstractSet[str]) -> Registration:
    """Return the registration that an entry point refers to. Raises TypeError or ValueError if it cannot be used."""
    if not isinstance(entry, Registration):
        msg = f"expected a Registration, got {type(entry).__name__}"
        raise TypeError(msg)
    name = entry.spec.name
    if not _NAME.fullmatch(name):
        msg = f"{name!r} is not a name of lower-case letters, digits and '-'"
        raise ValueError(msg)
    if name in taken:
        msg = f"the name {name!r} belongs to another source"
        raise ValueError(msg)
    if entry.archive is not None or entry.spec.archive is not None:
        msg = "an archive is for built-in sources only"
        raise ValueError(msg)
    re.compile(entry.spec.subject_pattern)
    return entry


def _guard(entry: Registration, package: str) -> Registration:
    return replace(entry, open=lambda client: GuardedSource(entry, client, package))


class GuardedSource:
    """A source of another package. Exceptions and missing results become errors of its own metrics."""

    def __init__(self, entry: Registration, client: Service, package: str) -> None:
        self.spec = entry.spec
        self._entry = entry
        self._client = client
        self._package = package

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield the results of the source, and an error for each request without a result."""
        open_requests = {request.metric.metric_id: request for request in requests}
        reason = "returned no result"
        try:
            source: Source = self._entry.open(self._client)
            async for result in source.fetch(requests):
                if open_requests.pop(result.request.metric.metric_id, None) is not None:
                    yield replace(result, is_final=True)
        except SourceError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - the code of another package may raise anything
            reason = sanitize(f"failed with {type(error).__name__}: {error}", limit=200)
        for request in open_requests.values():
            yield FetchResult(
                request,
                error=SourceError(f"source {self.spec.name} of {self._package}: {reason}", service=self.spec.title),
            )
