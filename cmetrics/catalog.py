"""The catalogue: what is collected, read from ``cmetrics.toml`` and checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cmetrics.catalog_file import ID, TOP_LEVEL, CatalogFile, MetricEntry, MistakeList, decode_toml, normalize_site_url
from cmetrics.domain.errors import ConfigError, Mistake, UsageError
from cmetrics.domain.metric import Event, Family, Metric, Product, SourceSpec
from cmetrics.domain.sanitize import sanitize
from cmetrics.settings import is_file

DEFAULT_PATH = Path(__file__).parent / "default" / "cmetrics.toml"

_METRIC_ID = re.compile(rf"{ID}(:{ID}){{1,4}}")
_LONGEST_ID = 120


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
        """Return the metric with that id, or None."""
        return next((m for m in self.metrics if m.metric_id == metric_id), None)


def load_catalog(path: Path | None, sources: Mapping[str, SourceSpec]) -> Catalog:
    """Return the catalogue in ``path`` (None: the one that comes with the package).

    Raises ConfigError with all mistakes.
    """
    path = path or DEFAULT_PATH
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = f"cannot be read ({sanitize(error.strerror or str(error))})"
        raise ConfigError(mistakes=(Mistake(path, None, None, reason),)) from error
    return parse_catalog(path, data, sources)


def parse_catalog(path: Path, data: bytes, sources: Mapping[str, SourceSpec]) -> Catalog:
    """Return the catalogue that ``data``, the content of ``path``, describes. Raises ConfigError with all mistakes."""
    return _Builder(path, CatalogFile(path, decode_toml(path, data)), sources).build()


class _Builder:
    """Checks what the entries of a file mean beside each other."""

    def __init__(self, path: Path, file: CatalogFile, sources: Mapping[str, SourceSpec]) -> None:
        self._path = path
        self._file = file
        self._sources = sources
        self._mistakes: MistakeList = file.mistakes
        self._product_ids = tuple(dict.fromkeys(file.product_ids()))

    def build(self) -> Catalog:
        """Return the catalogue. Raises ConfigError with all mistakes."""
        products = self._products()
        metrics, seeds = self._metrics()
        events = self._events()
        self._mistakes.raise_any()
        top = self._file.top_level
        assert top is not None
        return Catalog(
            path=self._path,
            title=top.title,
            contact=top.contact,
            products=products,
            metrics=metrics,
            seeds=seeds,
            events=events,
            url=top.url,
        )

    def _products(self) -> tuple[Product, ...]:
        products: dict[str, Product] = {}
        for where, entry in self._file.products():
            if entry.id in products:
                self._mistakes.add(where, "id", f"{entry.id!r} is used twice")
            products[entry.id] = Product(entry.id, entry.title)
        return tuple(products.values())

    def _metrics(self) -> tuple[tuple[Metric, ...], dict[str, Path]]:
        metrics: list[Metric] = []
        seeds: dict[str, Path] = {}
        taken: dict[str, str] = {}
        subjects: dict[tuple[str, str, bool], str] = {}
        used: set[str] = set()
        for where, item in self._file.metrics():
            used.add(item.source)
            metric = self._metric(where, item)
            if metric is None:
                continue
            number = where.partition(" ")[0]
            if metric.slug in taken:
                note = (
                    f"{metric.metric_id!r} is already taken by {taken[metric.slug]}; give this entry an id of its own"
                )
                self._mistakes.add(where, "id", note)
            subject = (metric.source, self._sources[metric.source].canonical(metric.subject), metric.mirrors)
            if subject in subjects:
                note = f"{metric.subject!r} at {metric.source} is already {subjects[subject]}"
                self._mistakes.add(where, "subject", note)
            taken.setdefault(metric.slug, number)
            subjects.setdefault(subject, number)
            metrics.append(metric)
            if item.seed:
                seed = self._path.parent / item.seed
                if not is_file(seed):
                    self._mistakes.add(where, "seed", f"there is no file {sanitize(str(seed))}")
                seeds[metric.metric_id] = seed
        self._check_contact(used)
        return tuple(metrics), seeds

    def _check_contact(self, used: set[str]) -> None:
        """Note why a source that is used refuses the contact in a User-Agent."""
        if self._file.top_level is None:
            return
        for name in sorted(used & self._sources.keys()):
            refuses = self._sources[name].refuses_contact
            if refuses is not None and (reason := refuses(self._file.top_level.contact)) is not None:
                self._mistakes.add(TOP_LEVEL, "contact", reason)

    def _events(self) -> tuple[Event, ...]:
        events: list[Event] = []
        for where, entry in self._file.events():
            for product in entry.products or ():
                self._check_product(where, "products", product)
            events.append(Event(entry.date, entry.label, entry.url, tuple(entry.products or self._product_ids)))
        return tuple(sorted(events, key=lambda event: event.day))

    def _check_product(self, where: str, field: str, product: str) -> None:
        # Without any product, their section is missing or misspelt, which is a mistake of its own.
        if self._product_ids and product not in self._product_ids:
            note = f"{product!r} is no product of this file; there are {sanitize(', '.join(self._product_ids))}"
            self._mistakes.add(where, field, note)

    def _metric(self, where: str, item: MetricEntry) -> Metric | None:
        """Return the metric; None if the entry is not usable, which is noted with every reason."""
        before = len(self._mistakes.found)
        self._check_product(where, "product", item.product)
        spec = self._sources.get(item.source)
        if spec is None:
            note = f"{sanitize(item.source, limit=60)!r} is no source; there are {', '.join(sorted(self._sources))}"
            self._mistakes.add(where, "source", note)
            return None
        if not re.fullmatch(spec.subject_pattern, item.subject):
            note = f"{sanitize(item.subject, limit=80)!r} is not {spec.subject_hint}"
            self._mistakes.add(where, "subject", note)
        if item.mirrors is not None and "mirrors" not in spec.options:
            self._mistakes.add(where, "mirrors", f"source {spec.name} has no such option")
        if spec.family is Family.STARS:
            for field in ("sdk", "seed", "daily_from"):
                if getattr(item, field):
                    self._mistakes.add(where, field, "is for downloads; this source counts stars")
        sdk = item.sdk or spec.sdk
        metric_id = item.id or f"{spec.family.value}:{item.product}:{sdk or spec.name}"
        if not _METRIC_ID.fullmatch(metric_id) or len(metric_id) > _LONGEST_ID:
            note = f"{sanitize(metric_id, limit=80)!r} is no metric id; write it like downloads:lance:python"
            self._mistakes.add(where, "id", note)
        if len(self._mistakes.found) > before:
            return None
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


def parse_address(name: str, text: str) -> str:
    """Return the address of a published folder; raise UsageError that begins with ``name`` for anything else."""
    try:
        return normalize_site_url(text)
    except ValueError as error:
        msg = f"{name}: {sanitize(text, limit=80)!r} {error}"
        raise UsageError(msg) from None
