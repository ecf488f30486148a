"""The catalogue: what is collected, read from ``cmetrics.toml`` and checked before anything runs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cmetrics.domain.errors import ConfigError, UsageError
from cmetrics.domain.metric import Event, Family, Metric, Product, SourceSpec
from cmetrics.domain.sanitize import sanitize
from cmetrics.settings import is_file

DEFAULT_PATH = Path(__file__).parent / "default" / "cmetrics.toml"

_ID = r"[a-z0-9][a-z0-9._-]*"
_METRIC_ID = re.compile(rf"{_ID}(:{_ID}){{1,4}}")

Identifier = Annotated[str, StringConstraints(pattern=rf"^{_ID}$", max_length=60)]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
#: An address that a reader of the page can follow; nothing that would run in it.
WebAddress = Annotated[
    str,
    StringConstraints(
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(?:[/?#][\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]*)?$", max_length=500
    ),
]
_FOLDER_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)?")
_LONGEST_ADDRESS = 500


def normalize_site_url(text: str) -> str:
    """Return the address of a published folder with one slash at its end; a trailing ``index.html`` is cut off.

    Raises ValueError with the reason for anything else.
    """
    address = text.strip()
    scheme, separator, rest = address.partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        msg = "is not an address that begins with http:// or https://"
        raise ValueError(msg)
    address = f"{scheme.lower()}://{rest}"
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not host.isascii():
        msg = "has a host name with letters beyond ASCII; write it in its xn--… form"
        raise ValueError(msg)
    if "@" in host:
        msg = "contains a user name; the address is published, leave it out"
        raise ValueError(msg)
    if "?" in rest or "#" in rest:
        msg = "contains a query or a fragment; give the address of the folder only"
        raise ValueError(msg)
    if len(address) > _LONGEST_ADDRESS:
        msg = f"is longer than {_LONGEST_ADDRESS} characters"
        raise ValueError(msg)
    if not _FOLDER_ADDRESS.fullmatch(address):
        msg = "contains a character that an address cannot have, or no host name; percent-encode special characters"
        raise ValueError(msg)
    return f"{address.removesuffix('/index.html').rstrip('/')}/"


#: The address of a folder: neither a query nor a fragment.
FolderAddress = Annotated[str, AfterValidator(normalize_site_url)]
#: Goes into an HTTP header and a URL.
AsciiText = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", min_length=3, max_length=200)]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Products and metrics in the order of the file, which is the order of the page."""

    path: Path
    title: str
    contact: str
    products: tuple[Product, ...]
    metrics: tuple[Metric, ...]
    #: metric id → file of its seeded snapshots.
    seeds: Mapping[str, Path]
    #: By day.
    events: tuple[Event, ...] = ()
    #: Where the site is published, with a slash at its end; None when nobody said.
    url: str | None = None

    def metric(self, metric_id: str) -> Metric | None:
        """The metric of that id, None when the catalogue has none."""
        return next((m for m in self.metrics if m.metric_id == metric_id), None)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Product(_Entry):
    id: Identifier
    title: Text


class _Metric(_Entry):
    id: str | None = None
    product: Identifier
    source: str
    subject: Text
    sdk: Identifier | None = None
    display_name: Text | None = None
    mirrors: bool | None = None
    daily_from: date | None = None
    seed: Text | None = None


class _Event(_Entry):
    date: date
    label: Text
    url: WebAddress | None = None
    products: Annotated[list[Identifier], Field(min_length=1)] | None = None


class _File(_Entry):
    title: Text = "Community metrics"
    contact: AsciiText
    url: FolderAddress | None = None
    products: Annotated[list[_Product], Field(min_length=1)]
    metrics: Annotated[list[_Metric], Field(min_length=1)]
    events: list[_Event] = Field(default_factory=list)


def load_catalog(path: Path | None, sources: Mapping[str, SourceSpec]) -> Catalog:
    """The catalogue in ``path`` (None: the one that comes with the package).

    Raises ConfigError naming file, entry and field.
    """
    path = path or DEFAULT_PATH
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({sanitize(str(error))})"
        raise ConfigError(msg) from error
    except (ValueError, RecursionError) as error:
        # tomllib lets through what Python says of numbers and nesting beyond its limits.
        msg = f"{path}: not valid TOML: {sanitize(str(error))}"
        raise ConfigError(msg) from error
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(_explain(path, raw, error)) from None
    return _build(path, file, sources)


def _build(path: Path, file: _File, sources: Mapping[str, SourceSpec]) -> Catalog:
    products: dict[str, Product] = {}
    for number, entry in enumerate(file.products, 1):
        if entry.id in products:
            raise _mistake(path, f"products[{number}]", "id", f"{entry.id!r} is used twice")
        products[entry.id] = Product(entry.id, entry.title)
    for name in sorted({item.source for item in file.metrics} & sources.keys()):
        refuses = sources[name].refuses_contact
        if refuses is not None and (reason := refuses(file.contact)) is not None:
            raise _mistake(path, "top level", "contact", reason)
    metrics: list[Metric] = []
    seeds: dict[str, Path] = {}
    taken: dict[str, str] = {}
    subjects: dict[tuple[str, str, bool], str] = {}
    for number, item in enumerate(file.metrics, 1):
        where = f"metrics[{number}]"
        metric = _metric(path, where, item, products, sources)
        if metric.slug in taken:
            note = f"{metric.metric_id!r} is already taken by {taken[metric.slug]}; give this entry an id of its own"
            raise _mistake(path, where, "id", note)
        subject = (metric.source, sources[metric.source].canonical(metric.subject), metric.mirrors)
        if subject in subjects:
            note = f"{metric.subject!r} at {metric.source} is already {subjects[subject]}"
            raise _mistake(path, where, "subject", note)
        taken[metric.slug] = subjects[subject] = where
        metrics.append(metric)
        if item.seed:
            seed = path.parent / item.seed
            if not is_file(seed):
                raise _mistake(path, where, "seed", f"there is no file {sanitize(str(seed))}")
            seeds[metric.metric_id] = seed
    return Catalog(
        path=path,
        title=file.title,
        contact=file.contact,
        products=tuple(products.values()),
        metrics=tuple(metrics),
        seeds=seeds,
        events=_events(path, file, products),
        url=file.url,
    )


def parse_address(name: str, text: str) -> str:
    """Return the address of a published folder; raise UsageError that begins with ``name`` for anything else."""
    try:
        return normalize_site_url(text)
    except ValueError as error:
        msg = f"{name}: {sanitize(text, limit=80)!r} {error}"
        raise UsageError(msg) from None


def _events(path: Path, file: _File, products: Mapping[str, Product]) -> tuple[Event, ...]:
    events: list[Event] = []
    for number, entry in enumerate(file.events, 1):
        for product in entry.products or ():
            if product not in products:
                note = f"{product!r} is no product of this file; there are {', '.join(products)}"
                raise _mistake(path, f"events[{number}]", "products", note)
        events.append(Event(entry.date, entry.label, entry.url, tuple(entry.products or products)))
    return tuple(sorted(events, key=lambda event: event.day))


def _metric(
    path: Path,
    where: str,
    item: _Metric,
    products: Mapping[str, Product],
    sources: Mapping[str, SourceSpec],
) -> Metric:
    spec = sources.get(item.source)
    if spec is None:
        note = f"{sanitize(item.source, limit=60)!r} is no source; there are {', '.join(sorted(sources))}"
        raise _mistake(path, where, "source", note)
    if item.product not in products:
        note = f"{item.product!r} is no product of this file; there are {', '.join(products)}"
        raise _mistake(path, where, "product", note)
    if not re.fullmatch(spec.subject_pattern, item.subject):
        note = f"{sanitize(item.subject, limit=80)!r} is not {spec.subject_hint}"
        raise _mistake(path, where, "subject", note)
    if item.mirrors is not None and "mirrors" not in spec.options:
        raise _mistake(path, where, "mirrors", f"source {spec.name} has no such option")
    if spec.family is Family.STARS and (item.sdk or item.seed or item.daily_from):
        field = "sdk" if item.sdk else "seed" if item.seed else "daily_from"
        raise _mistake(path, where, field, "is for downloads; this source counts stars")
    sdk = item.sdk or spec.sdk
    metric_id = item.id or f"{spec.family.value}:{item.product}:{sdk or spec.name}"
    if not _METRIC_ID.fullmatch(metric_id) or len(metric_id) > 120:  # noqa: PLR2004
        note = f"{sanitize(metric_id, limit=80)!r} is no metric id; write it like downloads:lance:python"
        raise _mistake(path, where, "id", note)
    return Metric(
        metric_id=metric_id,
        family=spec.family,
        product=item.product,
        subject=item.subject,
        sdk=sdk,
        source=spec.name,
        display_name=item.display_name or spec.display_name,
        page_url=spec.page.format(subject=quote(item.subject, safe="@/")),
        mirrors=bool(item.mirrors),
        daily_from=item.daily_from,
    )


def _mistake(path: Path, where: str, field: str, note: str) -> ConfigError:
    return ConfigError(f"{path}: {where}, field {field!r}: {note}")


def _explain(path: Path, raw: Mapping[str, Any], error: ValidationError) -> str:
    """The first mistake of a file in one line: file, entry (with its id or subject), field, reason."""
    first = error.errors(include_url=False)[0]
    where, place = "top level", list(first["loc"])
    if len(place) > 1 and isinstance(place[1], int):
        section, index = str(place[0]), place[1]
        where = f"{section}[{index + 1}]"
        entry = raw[section][index]
        name = next((entry[k] for k in ("id", "subject") if k in entry), None) if isinstance(entry, dict) else None
        where += f" ({sanitize(str(name), limit=60)})" if name else ""
        place = place[2:]
    field = sanitize(".".join(str(part) for part in place) or "(entry)", limit=60)
    if first["type"] == "extra_forbidden":
        reason = "is not a known field"
    elif first["type"] == "missing":
        reason = "is missing"
    else:
        got = _shown(first["input"])
        reason = f"{first['msg'][0].lower()}{first['msg'][1:]}, but it is {got}"
    return f"{path}: {where}, field {field!r}: {reason}"


def _shown(value: object) -> str:
    try:
        return sanitize(repr(value), limit=80)
    except (ValueError, RecursionError):
        return "a value too large to show"
