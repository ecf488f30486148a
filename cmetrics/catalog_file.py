"""Decode ``cmetrics.toml``, and check each field by itself. Pure.

`cmetrics.catalog` checks the entries in relation to each other.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    create_model,
)
from pydantic_core import ErrorDetails

from cmetrics.domain.errors import ConfigError, Mistake
from cmetrics.domain.event import ReleaseFilter
from cmetrics.domain.license import License, find_license
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import sanitize
from cmetrics.domain.site_theme import check_accent
from cmetrics.locales import languages

ID = r"[a-z0-9][a-z0-9._-]*"
TOP_LEVEL = "top level"
THEME = "theme"

Identifier = Annotated[str, StringConstraints(pattern=rf"^{ID}$", max_length=60)]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
#: The text of a note: longer than a label, but one paragraph.
NoteText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")
]
#: Short enough for badges.
Notice = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")
]
#: A web address. Other schemes, such as javascript:, are not allowed.
WebAddress = Annotated[
    str,
    StringConstraints(
        pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(?:[/?#][\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]*)?$", max_length=500
    ),
]
#: A web address or an email address.
LinkAddress = Annotated[
    str,
    StringConstraints(
        pattern=r"^(?:https?://[A-Za-z0-9.:\[\]-]+(?:[/?#][\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]*)?"
        r"|mailto:[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]+@[A-Za-z0-9.-]+)$",
        max_length=500,
    ),
]
HexColor = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
_FOLDER_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)?")
_LONGEST_ADDRESS = 500


def normalize_site_url(text: str) -> str:
    """Return the address of a published folder with one trailing slash and without ``index.html``.

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
        msg = "contains a user name; remove it, because the address is published"
        raise ValueError(msg)
    if "?" in rest or "#" in rest:
        msg = "contains a query or a fragment; give the address of the folder only"
        raise ValueError(msg)
    if len(address) > _LONGEST_ADDRESS:
        msg = f"is longer than {_LONGEST_ADDRESS} characters"
        raise ValueError(msg)
    if not _FOLDER_ADDRESS.fullmatch(address):
        msg = "contains an invalid character or no host name; percent-encode special characters"
        raise ValueError(msg)
    return f"{address.removesuffix('/index.html').rstrip('/')}/"


#: The address of a folder: neither a query nor a fragment.
FolderAddress = Annotated[str, AfterValidator(normalize_site_url)]


def _parse_license(value: object) -> License:
    """Return the licence that an SPDX identifier or a table with name and address describes."""
    if isinstance(value, str):
        return find_license(value)
    if isinstance(value, dict) and value.keys() == {"name", "url"}:
        try:
            entry = _LicenseEntry.model_validate(value)
        except ValidationError:
            msg = "is not valid: name needs text in quotes, and url an address that begins with http:// or https://"
            raise ValueError(msg) from None
        return License(None, entry.name, entry.url)
    msg = 'is not a licence; write "CC-BY-4.0", or { name = "…", url = "https://…" }'
    raise ValueError(msg)


#: An SPDX identifier, or a table with ``name`` and ``url``.
DataLicense = Annotated[License, BeforeValidator(_parse_license)]
#: Used in an HTTP header and a URL.
AsciiText = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]+$", min_length=3, max_length=200)]

#: The required form of texts, by field.
_FORMS = {
    "accent": "use a colour such as '#1d5ba4'",
    "accent_dark": "use a colour such as '#82bdf2'",
    "links": "use an address that begins with http://, https:// or mailto:",
    "contact": "use one address in ASCII without spaces, such as https://github.com/you/metrics",
    "id": "use lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit",
    "product": "use the id of a product: lower-case letters, digits, '.', '_' and '-'",
    "products": "use ids of products: lower-case letters, digits, '.', '_' and '-'",
    "sdk": "use lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit",
    "url": "use an address that begins with http:// or https://, with special characters percent-encoded",
}


_SECTIONS = frozenset({"products", "metrics", "events", "notes"})


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _LicenseEntry(_Entry):
    name: Text
    url: WebAddress


class ProductEntry(_Entry):
    """One ``[[products]]``."""

    id: Identifier
    title: Text
    #: The releases of its repositories that are shown as events.
    releases: Annotated[ReleaseFilter, Field(strict=False)] = ReleaseFilter.MINOR
    prereleases: bool = False


class MetricEntry(_Entry):
    """One ``[[metrics]]``."""

    id: str | None = None
    product: Identifier
    source: str
    subject: Text
    sdk: Identifier | None = None
    display_name: Text | None = None
    mirrors: bool | None = None
    daily_from: date | None = None
    seed: Text | None = None
    continues: Annotated[list[Text], Field(min_length=1)] | None = None
    count: Text | None = None

    def list_options(self) -> dict[str, tuple[str, ...]]:
        """Return the list options that the entry sets; see `entry_model`."""
        names = type(self).model_fields.keys() - MetricEntry.model_fields.keys()
        return {name: tuple(texts) for name in sorted(names) if (texts := getattr(self, name)) is not None}


def entry_model(list_options: Collection[str]) -> type[MetricEntry]:
    """Return the model of ``[[metrics]]`` with these further fields, each a list of texts."""
    fields: dict[str, Any] = {
        name: (Annotated[list[Text], Field(min_length=1)] | None, None)
        for name in sorted(set(list_options) - MetricEntry.model_fields.keys())
    }
    return create_model("MetricEntry", __base__=MetricEntry, **fields)


class EventEntry(_Entry):
    """One ``[[events]]``."""

    date: date
    label: Text
    url: WebAddress | None = None
    products: Annotated[list[Identifier], Field(min_length=1)] | None = None


class NoteEntry(_Entry):
    """One ``[[notes]]``."""

    date: date
    text: NoteText
    author: Text
    products: Annotated[list[Identifier], Field(min_length=1)] | None = None


class LinkEntry(_Entry):
    """One of the ``links`` of ``[theme]``."""

    text: Annotated[Text, Field(max_length=40)]
    url: LinkAddress


class ThemeEntry(_Entry):
    """The section ``[theme]``."""

    accent: Annotated[HexColor, AfterValidator(check_accent)] | None = None
    accent_dark: Annotated[HexColor, AfterValidator(partial(check_accent, dark=True))] | None = None
    logo: Text | None = None
    links: Annotated[list[LinkEntry], Field(min_length=1, max_length=8)] | None = None


def _check_language(lang: str) -> str:
    if lang != "en" and lang not in (known := languages()):
        msg = f"is not a known language; known are {', '.join(known)}"
        raise ValueError(msg)
    return lang


#: A language whose numbers and dates are known.
Language = Annotated[str, AfterValidator(_check_language)]


class _TopLevel(_Entry):
    title: Text = "Community metrics"
    contact: AsciiText
    url: FolderAddress | None = None
    notice: Notice | None = None
    license: DataLicense | None = None
    #: The language of numbers and dates.
    lang: Language = "en"
    theme: Any = None
    products: Annotated[list[Any], Field(min_length=1)]
    metrics: Annotated[list[Any], Field(min_length=1)]
    events: list[Any] = Field(default_factory=list)
    notes: list[Any] = Field(default_factory=list)


E = TypeVar("E", bound=_Entry)


@dataclass
class MistakeList:
    """Collects the mistakes of one file."""

    file: Path
    found: list[Mistake] = field(default_factory=list)

    def add(self, entry: str | None, field_name: str | None, reason: str) -> None:
        """Add a mistake."""
        self.found.append(Mistake(self.file, entry, field_name, reason))

    def raise_any(self) -> None:
        """Raise ConfigError with all mistakes, if there are any."""
        if self.found:
            raise ConfigError(mistakes=tuple(self.found))


def named_sources(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sources that entries of an unchecked catalogue name."""
    rows = raw.get("metrics")
    names = [row.get("source") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


class CatalogFile:
    """The checked fields of a catalogue. Entries with mistakes are left out, and listed in ``mistakes``."""

    def __init__(self, path: Path, raw: Mapping[str, Any], list_options: Collection[str] = ()) -> None:
        """Check ``raw``. ``list_options`` are the names of the options of sources that are lists of texts."""
        self.mistakes = MistakeList(path)
        self._raw = raw
        self._metric_entry = entry_model(list_options)
        self.top_level = self._check(_TopLevel, TOP_LEVEL, raw)

    def theme(self) -> ThemeEntry | None:
        """Return the section ``[theme]``; None if there is none."""
        if "theme" not in self._raw:
            return None
        return self._check(ThemeEntry, THEME, self._raw["theme"])

    def products(self) -> Iterator[tuple[str, ProductEntry]]:
        """Yield each product with its place in the file."""
        return self._entries("products", ProductEntry)

    def metrics(self) -> Iterator[tuple[str, MetricEntry]]:
        """Yield each metric with its place in the file."""
        return self._entries("metrics", self._metric_entry)

    def events(self) -> Iterator[tuple[str, EventEntry]]:
        """Yield each event with its place in the file."""
        return self._entries("events", EventEntry)

    def notes(self) -> Iterator[tuple[str, NoteEntry]]:
        """Yield each note with its place in the file."""
        return self._entries("notes", NoteEntry)

    def product_ids(self) -> tuple[str, ...]:
        """Return the ids of all products, including those with a mistake in another field."""
        rows = self._section("products")
        return tuple(row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str))

    def _section(self, name: str) -> list[Any]:
        rows = self._raw.get(name)
        return rows if isinstance(rows, list) else []

    def _entries(self, section: str, model: type[E]) -> Iterator[tuple[str, E]]:
        for number, row in enumerate(self._section(section), 1):
            where = f"{section}[{number}]"
            names = [row.get("id"), row.get("subject")] if isinstance(row, dict) else []
            name = next((name for name in names if isinstance(name, str) and name), None)
            where += f" ({sanitize(name, limit=60)})" if name else ""
            if (entry := self._check(model, where, row)) is not None:
                yield where, entry

    def _check(self, model: type[E], where: str, row: object) -> E | None:
        try:
            return model.model_validate(row)
        except ValidationError as error:
            details = error.errors(include_url=False)
        known = list(model.model_fields)
        meant = {}
        for item in details:
            if item["type"] == "extra_forbidden":
                name = str(item["loc"][-1])
                meant[name] = next(iter(difflib.get_close_matches(name, known, n=1)), None)
        for item in details:
            name = ".".join(str(part) for part in item["loc"])
            # A misspelt field also causes a "missing" mistake for the correct name; report only the former.
            if item["type"] == "missing" and name in meant.values():
                continue
            shown = sanitize(name or "(entry)", limit=60)
            self.mistakes.add(where, shown, _reason(item, where, known, meant))
        return None


def decode_toml(path: Path, data: bytes) -> Mapping[str, Any]:
    """Return the content of a TOML file. Accepts a byte order mark and Windows line endings.

    Raises ConfigError for another encoding and for invalid TOML.
    """
    mistakes = MistakeList(path)
    try:
        text = data.decode("utf-8-sig")
        # UTF-16 without a byte order mark is often valid UTF-8, but contains NUL bytes.
        reason = "UTF-16 instead of UTF-8" if "\0" in text else None
    except UnicodeDecodeError as error:
        text = ""
        utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        reason = "UTF-16 instead of UTF-8" if utf16 else f"byte {error.start + 1} is not UTF-8"
    if reason is not None:
        mistakes.add(None, None, f"cannot be read ({reason}); save the file as UTF-8")
        mistakes.raise_any()
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # tomllib does not catch Python's errors for numbers and nesting beyond its limits.
        mistakes.add(None, None, f"not valid TOML: {sanitize(str(error))}{_quotes(text)}")
        raise ConfigError(mistakes=tuple(mistakes.found)) from error


#: A key or value in typographic quotes.
_TYPOGRAPHIC = re.compile(r"""^[^#"'\n]*(?:=\s*[\[{,\s]*|^\s*)[“”„‟‘’‚‛«»″′]""")


def _quotes(text: str) -> str:
    """Return the next step for the first line with typographic quotes."""
    for number, line in enumerate(text.splitlines(), 1):
        if _TYPOGRAPHIC.match(line):
            return f"""; line {number} has typographic quotes: use straight ones (" or ')"""
    return ""


def _reason(item: ErrorDetails, where: str, known: list[str], meant: Mapping[str, str | None]) -> str:
    """Return the mistake in a field in terms of the file, not of pydantic."""
    kind, context = item["type"], item.get("ctx", {})
    name = str(item["loc"][-1]) if item["loc"] else ""
    field_name = next((str(part) for part in item["loc"] if isinstance(part, str)), "")
    if kind == "extra_forbidden":
        return _unknown(item["input"], name, where, known, meant[name])
    if kind == "value_error":
        return f"{_shown(item['input'])} {context['error']}"
    if kind == "string_pattern_mismatch":
        return f"{_shown(item['input'])} is not allowed; {_FORMS.get(field_name, 'remove the control characters')}"
    is_section = where == TOP_LEVEL and name in _SECTIONS
    complete = {
        "missing": f"is missing; add [[{name}]]" if is_section else "is missing",
        "too_short": "needs at least 1 item",
        "string_too_short": f"needs at least {plural(context.get('min_length', 1), 'character')}",
        "string_too_long": f"takes at most {context.get('max_length')} characters",
    }
    needed = {
        "string_type": "needs text in quotes",
        "bool_type": "needs true or false",
        "list_type": f"needs entries written [[{name}]]" if is_section else "needs a list in brackets",
        "model_type": "needs fields",
        "date_type": "needs a date without quotes, such as 2026-01-31",
        "enum": f"needs {context.get('expected', '')}",
    }
    library = item["msg"][:1].lower() + item["msg"][1:]
    return complete.get(kind) or f"{needed.get(kind, library)}, but it is {_shown(item['input'])}"


def _unknown(value: object, name: str, where: str, known: list[str], meant: str | None) -> str:
    is_section = where == TOP_LEVEL and (
        isinstance(value, dict) or (isinstance(value, list) and any(isinstance(row, dict) for row in value))
    )
    kind = f"unknown section {sanitize(name, limit=60)!r}" if is_section else "is not a known field"
    return f"{kind}; did you mean {meant!r}?" if meant else f"{kind}; known are {', '.join(known)}"


def _shown(value: object) -> str:
    try:
        return sanitize(repr(value), limit=80)
    except (ValueError, RecursionError):
        return "a value too large to show"
