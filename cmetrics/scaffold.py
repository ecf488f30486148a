"""Create a first cmetrics.toml from a few names: assign them to products, and render the file. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cmetrics.addresses import NameKind
from cmetrics.domain.errors import UsageError
from cmetrics.domain.metric import SourceSpec, default_id, slug
from cmetrics.domain.sanitize import sanitize

#: Affixes by which the package names of one project differ: ``py…``, ``…-rs``, ``lib…``.
_AFFIXES = re.compile(
    r"^(?:python-|py-?|node-|rust-|lib)(?=[a-z0-9]{3})|-(?:python|py|js|ts|node|nodejs|rs|rust|core|client|sdk)$"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Names:
    """The requested subjects, in the order of the page."""

    owners: tuple[str, ...] = ()
    #: Subjects by source, repositories among them.
    subjects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def repositories(self) -> tuple[str, ...]:
        """The repositories whose stars are counted."""
        return self.subjects.get("github", ())

    @property
    def is_empty(self) -> bool:
        """Whether there are no names."""
        return not self.owners and not any(self.subjects.values())

    def plus(self, source: str, subjects: Iterable[str]) -> Names:
        """Return the names with further subjects of a source."""
        return replace(self, subjects={**self.subjects, source: (*self.subjects.get(source, ()), *subjects)})


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric of the file."""

    source: str
    subject: str
    product: str
    #: Only set if two entries of one product and source would have the same id.
    metric_id: str | None = None
    display_name: str | None = None
    #: Only set if the subject lacks the default count of its source.
    count: str | None = None


@dataclass(frozen=True, slots=True)
class Existing:
    """The content of the file to which entries are added."""

    title: str
    contact: str
    #: Titles by id, in the order of the page.
    products: Mapping[str, str]
    #: Source and canonical subject → id of the metric.
    subjects: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Scaffold:
    """A new file, or the entries to add to an existing one."""

    title: str
    contact: str
    #: Id → title, in the order of the page; without those of an existing file.
    products: Mapping[str, str]
    entries: tuple[Entry, ...]
    #: Sources, subjects and ids of requested metrics that the file already contains.
    skipped: tuple[tuple[str, str, str], ...] = ()


def plan_scaffold(
    names: Names,
    specs: Mapping[str, SourceSpec],
    *,
    product: str | None,
    title: str | None,
    contact: str | None,
    existing: Existing | None = None,
) -> Scaffold:
    """Return the file for ``names`` (owners already resolved into repositories), or the additions to ``existing``.

    Raises UsageError for an invalid name or contact.
    """
    subjects = _subjects(names, specs)
    if not subjects:
        msg = "no package or repository given; nothing was written"
        raise UsageError(msg)
    known = existing.subjects if existing else {}
    skipped = tuple(
        (source, subject, known[place])
        for source, subject in subjects
        if (place := (source, specs[source].canonical(subject))) in known
    )
    subjects = [item for item in subjects if item not in {(source, subject) for source, subject, _ in skipped}]
    grouped = _grouped(subjects, names, product, existing)
    there = existing.products if existing else {}
    products: dict[str, str] = {}
    for source, subject, key in grouped:
        if key not in there:
            products.setdefault(key, product.strip() if product else _name_of(_name(source, subject), key))
    who = existing.contact if existing else contact or _contact(names)
    if who is None:
        msg = "--contact is required: an address at which the services can reach you"
        raise UsageError(msg, hint="use an email address, or a URL such as https://github.com/you/metrics")
    if existing is None:
        check_contact(who, {source for source, _ in subjects}, specs)
    # Per product, downloads first, then stars.
    order = [*there, *products]
    grouped.sort(key=lambda item: (order.index(item[2]), item[0] == "github"))
    heading = title or (f"{next(iter(products.values()))} metrics" if len(products) == 1 else "Community metrics")
    return Scaffold(
        existing.title if existing else _plain("--title", heading),
        who,
        products,
        _entries(grouped, specs, () if existing is None else existing.subjects.values()),
        skipped,
    )


_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_URL = re.compile(r"https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:\d+)?(/[\x21-\x7e]*)?")
_LONGEST_CONTACT = 200


def check_contact(contact: str, sources: Iterable[str], specs: Mapping[str, SourceSpec]) -> None:
    """Raise UsageError unless ``contact`` is an email address or a URL that all ``sources`` accept."""
    address = contact.removeprefix("mailto:")
    if len(contact) > _LONGEST_CONTACT or not (_EMAIL.fullmatch(address) or _URL.fullmatch(contact)):
        msg = f"--contact {sanitize(contact, limit=80)!r} is neither an email address nor a URL"
        raise UsageError(msg, hint="services reach you there; write it like https://github.com/you/metrics")
    for source in sorted(set(sources)):
        refuses = specs[source].refuses_contact
        if refuses is not None and (reason := refuses(contact)) is not None:
            msg = f"--contact {sanitize(contact, limit=80)!r}: {reason}"
            raise UsageError(msg)


def _subjects(names: Names, specs: Mapping[str, SourceSpec]) -> list[tuple[str, str]]:
    """Return each subject once, in its first spelling."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for kind in (kind for kind in NameKind if kind.source):
        source, spec = kind.source, specs[kind.source]
        for subject in names.subjects.get(source, ()):
            if not re.fullmatch(spec.subject_pattern, subject):
                msg = f"{kind} {sanitize(subject, limit=80)!r} is not {spec.subject_hint}"
                raise UsageError(msg)
            found.setdefault((source, spec.canonical(subject)), (source, subject))
    return list(found.values())


def _grouped(
    subjects: Sequence[tuple[str, str]], names: Names, product: str | None, existing: Existing | None
) -> list[tuple[str, str, str]]:
    """Return ``(source, subject, product id)``. Repositories create products; packages join one by their name."""
    there = existing.products if existing else {}
    if product is not None:
        titled = (key for key, title in there.items() if title.casefold() == product.strip().casefold())
        key = next(titled, _slug(product))
        return [(source, subject, key) for source, subject in subjects]
    # A repository in the file determines the product of its packages.
    named = [_slug(subject.split("/")[1]) for subject in names.repositories]
    keys = list(dict.fromkeys([*there, *named]))
    only = keys[0] if len(keys) == 1 else None
    owner = _slug(names.owners[0]) if names.owners else None
    placed: dict[tuple[str, str], str] = {}
    for source, subject in subjects:
        if source == "github":
            placed[source, subject] = _slug(subject.split("/")[1])
            continue
        name = _name(source, subject)
        key = _home(name, keys) or only or owner or _first_name(name)
        placed[source, subject] = key
        if key not in keys:
            keys.append(key)
    return [(source, subject, placed[source, subject]) for source, subject in subjects]


def _name(source: str, subject: str) -> str:
    """Return a subject as scope and name, separated by a slash, or as a name alone."""
    if source in {"openvsx", "vscode"}:
        return subject.replace(".", "/", 1)
    # The kind of a subject is not part of its name.
    return (
        re.sub(r"^(?:models|datasets|spaces|cask)/", "", subject) if source in {"huggingface", "homebrew"} else subject
    )


def _home(subject: str, keys: Sequence[str]) -> str | None:
    """Find the product of a package: by name, by name without affixes, by scope, or by longest prefix."""
    scope, _, name = subject.removeprefix("@").rpartition("/")
    words = [_slug(name), _AFFIXES.sub("", _slug(name)), *([_slug(scope)] if scope else [])]
    for word in words:
        if word in keys:
            return word
    begun = [key for key in keys if any(word.startswith(f"{key}-") for word in words)]
    return max(begun, key=len, default=None)


def _first_name(subject: str) -> str:
    scope, _, name = subject.removeprefix("@").rpartition("/")
    return _slug(scope or name)


def _slug(name: str) -> str:
    """Convert a name to an id (see `catalog.Identifier`)."""
    text = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:60].rstrip("-._")
    return text or "product"


def _name_of(subject: str, key: str) -> str:
    """Return the first spelling of the product that differs in case only."""
    parts = subject.removeprefix("@").split("/")
    return next((part for part in reversed(parts) if _slug(part) == key), key)


def _contact(names: Names) -> str | None:
    owner = names.repositories[0] if names.repositories else names.owners[0] if names.owners else None
    return f"https://github.com/{owner}" if owner else None


def _entries(
    grouped: Sequence[tuple[str, str, str]], specs: Mapping[str, SourceSpec], existing_ids: Iterable[str]
) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    taken = {slug(metric_id) for metric_id in existing_ids}
    for source, subject, key in grouped:
        spec = specs[source]
        count = _count(spec, subject)
        plain = default_id(spec, spec.measures[count], key)
        stated = None if count == spec.default_count else count
        if slug(plain) not in taken:
            taken.add(slug(plain))
            entries.append(Entry(source, subject, key, count=stated))
            continue
        metric_id, number = f"{plain}:{_slug(subject)}", 1
        while slug(metric_id) in taken:
            number += 1
            metric_id = f"{plain}:{_slug(subject)}-{number}"
        taken.add(slug(metric_id))
        entries.append(Entry(source, subject, key, metric_id, f"{spec.display_name} {subject}", stated))
    return tuple(entries)


def _count(spec: SourceSpec, subject: str) -> str:
    """Return the first count that the subject has; a space at Hugging Face has only likes."""
    refuses = spec.refuses_count
    return next(
        (count for count in spec.measures if refuses is None or refuses(subject, count) is None), spec.default_count
    )


def _plain(option: str, text: str) -> str:
    if not text.strip() or _CONTROL.search(text):
        msg = f"{option} {sanitize(text, limit=80)!r} cannot be written into the file"
        raise UsageError(msg)
    return text.strip()


_HEAD = """\
# The metrics to collect, and their names on the site. All fields are described in
# https://github.com/lancedb/cmetrics/blob/main/docs/reference/catalogue.md

# The heading of the page.
title = {title}

# Sent to the services in the User-Agent, so that they can contact you about your requests.
contact = {contact}

# The published address of the page. Feed, previews and search engines need absolute URLs.
#url = "https://example.github.io/metrics/"

# The licence under which you publish the data. Check the terms of the services first.
#license = "CC-BY-4.0"
"""

_TAIL = """
# Releases and announcements, shown in the charts of their products, or of all if `products` is not set:
#
# [[events]]
# date = 2026-01-31
# label = "Release 1.0"
# url = "https://example.com/blog/release-1.0"
# products = [{product}]
"""


def render_scaffold(scaffold: Scaffold, specs: Mapping[str, SourceSpec]) -> str:
    """Return the text of a new file."""
    head = _HEAD.format(title=_toml(scaffold.title), contact=_toml(scaffold.contact))
    return head + render_entries(scaffold, specs) + _TAIL.format(product=_toml(scaffold.entries[0].product))


def render_entries(scaffold: Scaffold, specs: Mapping[str, SourceSpec]) -> str:
    """Return the blocks of products and metrics, each after an empty line."""
    parts = [f"\n[[products]]\nid = {_toml(key)}\ntitle = {_toml(name)}\n" for key, name in scaffold.products.items()]
    for entry in scaffold.entries:
        lines = ["", "[[metrics]]"]
        if entry.metric_id:
            lines += [
                "# Several metrics of the same kind in a product need different ids and names.",
                f"id = {_toml(entry.metric_id)}",
            ]
        lines += [
            f"product = {_toml(entry.product)}",
            f"source = {_toml(entry.source)}",
            f"subject = {_toml(entry.subject)}",
        ]
        if entry.count:
            lines.append(f"count = {_toml(entry.count)}")
        if entry.display_name:
            lines.append(f"display_name = {_toml(entry.display_name)}")
        if "mirrors" in specs[entry.source].options:
            lines.append("#mirrors = true   # count mirrors and unknown clients too")
        parts.append("\n".join(lines) + "\n")
    return "".join(parts)


def _toml(text: str) -> str:
    """Quote a text for TOML. A JSON string is a valid TOML basic string unless it contains DEL, which no name does."""
    return json.dumps(text, ensure_ascii=False)
