"""The catalogue of metrics, read from ``cmetrics.toml`` and validated before a run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cmetrics.catalog_file import (
    ID,
    THEME,
    TOP_LEVEL,
    CatalogFile,
    MetricEntry,
    MistakeList,
    decode_toml,
    named_sources,
    normalize_site_url,
)
from cmetrics.domain.errors import ConfigError, Mistake, UsageError
from cmetrics.domain.event import Note, ReleaseRule
from cmetrics.domain.kind import Measure
from cmetrics.domain.license import License
from cmetrics.domain.metric import Event, Metric, Product, SourceSpec, default_id, default_name, slug
from cmetrics.domain.notice import mark
from cmetrics.domain.sanitize import sanitize
from cmetrics.domain.site_theme import DEFAULT_THEME, SiteLink, SiteTheme, build_accent
from cmetrics.logo import parse_logo
from cmetrics.settings import is_file

DEFAULT_PATH = Path(__file__).parent / "default" / "cmetrics.toml"

#: List options of built-in sources, known also where no entry has such a source.
LIST_OPTIONS = frozenset({"include", "exclude"})
_METRIC_ID = re.compile(rf"{ID}(:{ID}){{1,4}}")
_LONGEST_ID = 120


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A valid entry of the catalogue whose source cannot be used."""

    product: str
    source: str
    subject: str
    #: The id that the entry states.
    metric_id: str | None
    reason: str


@dataclass(frozen=True)
class Catalog:
    """Products and metrics in the order of the file, which is also that of the page."""

    path: Path
    title: str
    contact: str
    products: tuple[Product, ...]
    metrics: tuple[Metric, ...]
    #: metric id → file of its seeded snapshots.
    seeds: Mapping[str, Path]
    #: Sorted by day.
    events: tuple[Event, ...] = ()
    #: Sorted by day.
    notes: tuple[Note, ...] = ()
    #: The releases that each product shows, in the order of ``products``.
    release_rules: tuple[ReleaseRule, ...] = ()
    #: The published address of the site, with a trailing slash; None if not set.
    url: str | None = None
    #: Text that marks every page and picture of the site, such as "Sample data"; empty if not set.
    notice: str = ""
    #: The licence of the published data; None if the catalogue states none.
    license: License | None = None
    #: The language of numbers and dates.
    lang: str = "en"
    #: The look of the site.
    theme: SiteTheme = DEFAULT_THEME
    #: Ids that follow from product and source because the entry has no ``id``. `cmetrics.identity`
    #: replaces each by the id that a store has for the same source and subject.
    default_ids: frozenset[str] = frozenset()
    #: Entries whose source cannot be used.
    left_out: tuple[LeftOut, ...] = ()
    #: Default id → the id of the store that replaced it.
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def marked_title(self) -> str:
        """The title, after the notice if there is one."""
        return mark(self.title, self.notice)

    def metric(self, metric_id: str) -> Metric | None:
        """Return the metric with that id, or None."""
        return self._by_id.get(metric_id)

    @cached_property
    def _by_id(self) -> Mapping[str, Metric]:
        return {metric.metric_id: metric for metric in self.metrics}


def load_catalog(path: Path | None, sources: Mapping[str, SourceSpec]) -> Catalog:
    """Return the catalogue in ``path``, or the built-in one for None.

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
    raw = decode_toml(path, data)
    if not raw:
        reason = "is empty; write your metrics into it, or replace it with `cmetrics init --force`"
        raise ConfigError(mistakes=(Mistake(path, None, None, reason),))
    # Only the sources in use are looked up, so that packages with other sources are not imported.
    specs = [sources[name] for name in named_sources(raw) if name in sources]
    list_options = LIST_OPTIONS.union(*(spec.list_options for spec in specs))
    return _Builder(path, CatalogFile(path, raw, list_options), sources).build()


class _Builder:
    """Checks the entries of a file in relation to each other."""

    def __init__(self, path: Path, file: CatalogFile, sources: Mapping[str, SourceSpec]) -> None:
        self._path = path
        self._file = file
        self._sources = sources
        self._mistakes: MistakeList = file.mistakes
        self._default_ids: set[str] = set()
        self._left_out: list[LeftOut] = []
        self._release_rules: dict[str, ReleaseRule] = {}
        self._product_ids = tuple(dict.fromkeys(file.product_ids()))

    def build(self) -> Catalog:
        """Return the catalogue. Raises ConfigError with all mistakes."""
        products = self._products()
        metrics, seeds = self._metrics()
        events, notes = self._events(), self._notes()
        theme = self._theme()
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
            notes=notes,
            release_rules=tuple(self._release_rules.values()),
            url=top.url,
            notice=top.notice or "",
            license=top.license,
            lang=top.lang,
            theme=theme,
            default_ids=frozenset(self._default_ids),
            left_out=tuple(self._left_out),
        )

    def _theme(self) -> SiteTheme:
        entry = self._file.theme()
        if entry is None:
            return DEFAULT_THEME
        logo = None
        if entry.logo is not None:
            try:
                logo = parse_logo((self._path.parent / entry.logo).read_bytes())
            except OSError as error:
                reason = sanitize(error.strerror or str(error))
                self._mistakes.add(THEME, "logo", f"{sanitize(entry.logo, limit=80)!r} cannot be read: {reason}")
            except ValueError as error:
                self._mistakes.add(THEME, "logo", f"{sanitize(entry.logo, limit=80)!r} {sanitize(str(error))}")
        links = tuple(SiteLink(link.text, link.url) for link in entry.links or ())
        return SiteTheme(build_accent(entry.accent, entry.accent_dark), logo, links)

    def _products(self) -> tuple[Product, ...]:
        products: dict[str, Product] = {}
        for where, entry in self._file.products():
            if entry.id in products:
                self._mistakes.add(where, "id", f"{entry.id!r} is used twice")
            products[entry.id] = Product(entry.id, entry.title)
            self._release_rules[entry.id] = ReleaseRule(entry.id, entry.releases, entry.prereleases)
        return tuple(products.values())

    def _metrics(self) -> tuple[tuple[Metric, ...], dict[str, Path]]:
        metrics: list[Metric] = []
        seeds: dict[str, Path] = {}
        taken: dict[str, str] = {}
        subjects: dict[tuple[str, str, str, bool], str] = {}
        used: set[str] = set()
        for where, item in self._file.metrics():
            used.add(item.source)
            metric = self._metric(where, item, taken)
            if metric is None:
                continue
            number = where.partition(" ")[0]
            if metric.slug in taken:
                note = f"{metric.metric_id!r} is already used by {taken[metric.slug]}; set another id for this entry"
                self._mistakes.add(where, "id", note)
            canonical = self._sources[metric.source].canonical
            subject = (metric.source, canonical(metric.subject), metric.measure.value_kind, metric.mirrors)
            if subject in subjects:
                note = f"{metric.subject!r} at {metric.source} is already {subjects[subject]}"
                self._mistakes.add(where, "subject", note)
            taken.setdefault(metric.slug, number)
            subjects.setdefault(subject, number)
            metrics.append(metric)
            if item.id is None:
                self._default_ids.add(metric.metric_id)
            if item.seed:
                seed = self._path.parent / item.seed
                if not is_file(seed):
                    self._mistakes.add(where, "seed", f"file not found: {sanitize(str(seed))}")
                seeds[metric.metric_id] = seed
        self._check_contact(used)
        if self._left_out and not metrics and not self._mistakes.found:
            reason = f"no source can be used: {self._left_out[0].reason}; update or uninstall that package"
            self._mistakes.add(TOP_LEVEL, "metrics", reason)
        return tuple(metrics), seeds

    def _check_contact(self, used: set[str]) -> None:
        """Add a mistake if a source in use refuses the contact in a User-Agent."""
        if self._file.top_level is None:
            return
        for name in sorted(name for name in used if name in self._sources):
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

    def _notes(self) -> tuple[Note, ...]:
        notes: list[Note] = []
        for where, entry in self._file.notes():
            for product in entry.products or ():
                self._check_product(where, "products", product)
            notes.append(Note(entry.date, entry.text, entry.author, tuple(entry.products or self._product_ids)))
        return tuple(sorted(notes, key=lambda note: note.day))

    def _check_product(self, where: str, field: str, product: str) -> None:
        # If there are no products, their section is missing or misspelt, which is reported separately.
        if self._product_ids and product not in self._product_ids:
            note = f"{product!r} is not a product in this file; available: {sanitize(', '.join(self._product_ids))}"
            self._mistakes.add(where, field, note)

    def _measure(self, where: str, item: MetricEntry, spec: SourceSpec) -> Measure:
        """Return what the entry counts; add a mistake if the source does not have the count."""
        if item.count is not None and item.count not in spec.measures:
            known = ", ".join(spec.measures)
            note = f"{sanitize(item.count, limit=60)!r} is not a count of {spec.name}; available: {known}"
            self._mistakes.add(where, "count", note)
        elif spec.refuses_count and (reason := spec.refuses_count(item.subject, item.count or spec.default_count)):
            self._mistakes.add(where, "count", reason)
        return spec.measures.get(item.count or spec.default_count, spec.measure)

    def _check_options(self, where: str, item: MetricEntry, spec: SourceSpec, measure: Measure) -> tuple[str, ...]:
        """Add a mistake for each unsupported field; return the continued subjects in canonical form."""
        if item.mirrors is not None and "mirrors" not in spec.options:
            self._mistakes.add(where, "mirrors", f"source {spec.name} has no such option")
        for name in item.list_options().keys() - spec.list_options:
            self._mistakes.add(where, name, f"source {spec.name} has no such option")
        if not measure.is_flow:
            for name in ("sdk", "seed", "daily_from", "continues"):
                if getattr(item, name):
                    self._mistakes.add(where, name, f"is for daily counts; this entry counts {measure.noun}")
        continues = tuple(spec.canonical(subject) for subject in item.continues or ())
        if continues and (reason := _refuse_continues(item, continues, spec)):
            self._mistakes.add(where, "continues", reason)
        return continues

    def _metric(self, where: str, item: MetricEntry, taken: Collection[str]) -> Metric | None:
        """Return the metric; None if the entry is invalid, with every reason added as a mistake."""
        before = len(self._mistakes.found)
        self._check_product(where, "product", item.product)
        spec = self._sources.get(item.source)
        if spec is None:
            note = f"{sanitize(item.source, limit=60)!r} is not a source; available: {', '.join(sorted(self._sources))}"
            self._mistakes.add(where, "source", note)
            return None
        if spec.unavailable is not None:
            self._left_out.append(LeftOut(item.product, spec.name, item.subject, item.id, spec.unavailable))
            return None
        if not re.fullmatch(spec.subject_pattern, item.subject):
            note = f"{sanitize(item.subject, limit=80)!r} is not {spec.subject_hint}"
            self._mistakes.add(where, "subject", note)
        measure = self._measure(where, item, spec)
        continues = self._check_options(where, item, spec, measure)
        sdk = item.sdk or spec.sdk
        metric_id = item.id or default_id(spec, measure, item.product, sdk)
        plain_name = default_name(spec, measure)
        display_name = item.display_name or plain_name
        if item.id is None and slug(metric_id) in taken:
            # A second package of the same kind in a product, for example after two products were merged.
            metric_id = extend_id(metric_id, item.subject)
            display_name = item.display_name or f"{plain_name} {item.subject}"
        if not is_metric_id(metric_id):
            note = f"{sanitize(metric_id, limit=80)!r} is not a valid metric id; use the form downloads:lance:python"
            self._mistakes.add(where, "id", note)
        if len(self._mistakes.found) > before:
            return None
        return Metric(
            metric_id=metric_id,
            measure=measure,
            count=item.count or spec.default_count,
            product=item.product,
            subject=item.subject,
            sdk=sdk,
            source=spec.name,
            display_name=display_name,
            page_url=spec.page_url(item.subject),
            mirrors=bool(item.mirrors),
            daily_from=item.daily_from,
            continues=continues,
            options=tuple(item.list_options().items()),
        )


def extend_id(metric_id: str, subject: str) -> str:
    """Return the default id of a metric whose plain one, ``metric_id``, belongs to another subject."""
    return f"{metric_id}:{re.sub(r'[^a-z0-9._-]+', '-', subject.lower()).strip('-._')[:60].rstrip('-._')}"


def is_metric_id(text: str) -> bool:
    """Return whether ``text`` can be the id of a metric."""
    return len(text) <= _LONGEST_ID and _METRIC_ID.fullmatch(text) is not None


def _refuse_continues(item: MetricEntry, continues: Collection[str], spec: SourceSpec) -> str | None:
    for subject in item.continues or ():
        if not re.fullmatch(spec.subject_pattern, subject):
            return f"{sanitize(subject, limit=80)!r} is not {spec.subject_hint}"
    return f"{item.subject!r} is the subject itself" if spec.canonical(item.subject) in continues else None


def parse_address(name: str, text: str) -> str:
    """Return the normalized address of a published folder. Raises UsageError that names ``name``."""
    try:
        return normalize_site_url(text)
    except ValueError as error:
        msg = f"{name}: {sanitize(text, limit=80)!r} {error}"
        raise UsageError(msg) from None
