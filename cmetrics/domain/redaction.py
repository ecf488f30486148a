"""Register the secrets of this process, and remove them from text.

Code that reads a secret registers it once. Everything that is printed, stored, sent or published passes
through :func:`redact`, mostly via :func:`cmetrics.domain.sanitize.sanitize`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

REDACTED = "***"

#: Shorter values are not treated as secrets: hiding them would damage unrelated words.
SHORTEST = 4
#: A secret of at least this length is also hidden inside other words.
SHORTEST_INSIDE_WORDS = 6
#: A shorter prefix of a secret at the end of a truncated text does not reveal it.
_SHORTEST_PREFIX = 6
#: Characters at which headers, logs or escapes split a value.
_BREAKS = re.compile(r"[^\x21-\x7e]+")
#: Names of secret query parameters. The values of others (a region, an endpoint) stay readable.
_SECRET_NAME = re.compile(r"key|token|secret|sig|pass|pwd|cred|auth|sas|code", re.IGNORECASE)
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s]+@")


class _Registry:
    """The registered values with all their written forms, and one pattern that finds any of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self._forms: frozenset[str] = frozenset()

    def register(self, value: str) -> None:
        with self._lock:
            if value in self._values or len(value.strip()) < SHORTEST:
                return
            self._values |= {value}
            self._forms |= _forms(value)
            self._pattern = _compile(self._forms)

    def redact(self, text: str) -> str:
        pattern = self._pattern
        if pattern is None or not text:
            return text
        text = pattern.sub(REDACTED, text)
        for value in self._values:
            text = _without_cut_value(text, value)
        return text

    def state(self) -> tuple[frozenset[str], frozenset[str], re.Pattern[str] | None]:
        return self._values, self._forms, self._pattern

    def reset(self, state: tuple[frozenset[str], frozenset[str], re.Pattern[str] | None]) -> None:
        with self._lock:
            self._values, self._forms, self._pattern = state


_REGISTRY = _Registry()


def register_secret(value: str | None) -> None:
    """Hide ``value`` from now on, in every form in which a program may write it.

    These are the value itself, its percent-encoded forms, the escapes of ``repr()`` and JSON, base64
    (as in a basic authentication header) and, for a value with line breaks or other characters that a
    header cannot contain, each of its parts. Values shorter than :data:`SHORTEST` are ignored.
    """
    if value:
        _REGISTRY.register(value)


def register_url_credentials(url: str) -> None:
    """Register the secrets in ``url``: password, user without a password, and keys in its query.

    If the URL cannot be parsed, everything up to the last ``@`` counts as user and password.
    """
    try:
        parts = urlsplit(url)
        is_url = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if is_url:
        userinfo, query = parts.netloc.rpartition("@")[0], parts.query
    else:
        userinfo = url.rpartition("@")[0].partition("://")[2] or url.rpartition("@")[0]
        query = url.partition("?")[2]
    user, colon, password = userinfo.partition(":")
    for secret in (userinfo, password if colon else user):
        register_secret(secret)
        register_secret(unquote(secret))
    # The characters that end the host for a parser, which would take the rest for a port or a path.
    for piece in re.split(r"[/?#@:]", password):
        register_secret(piece)
    for pair in re.split(r"[&;]", query):
        name, _, value = pair.partition("=")
        if _SECRET_NAME.search(name):
            register_secret(value)
            register_secret(unquote(value))


def redact(text: str) -> str:
    """Return ``text`` with every registered secret replaced, and ``user:password@`` of any URL."""
    return _CREDENTIALS_IN_URL.sub(f"{REDACTED}@", _REGISTRY.redact(text))


def redact_document(document: Any) -> Any:
    """Return a JSON document with redacted strings. Keys are not changed."""
    if isinstance(document, str):
        return redact(document)
    if isinstance(document, dict):
        return {key: redact_document(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [redact_document(value) for value in document]
    return document


@contextmanager
def isolated_secrets() -> Iterator[None]:
    """Start without secrets, and discard those registered inside the block; for tests."""
    before = _REGISTRY.state()
    _REGISTRY.reset((frozenset(), frozenset(), None))
    try:
        yield
    finally:
        _REGISTRY.reset(before)


def _forms(value: str) -> frozenset[str]:
    plain = {value, value.strip()}
    plain |= {part for part in _BREAKS.split(value) if part}
    written = set(plain)
    for text in plain:
        raw = text.encode("utf-8", "surrogatepass")
        escaped = {
            repr(text)[1:-1],
            repr(raw)[2:-1],
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
        }
        written |= escaped
        # The repr of a text that contains a repr.
        written |= {form.replace("\\", "\\\\") for form in escaped}
        written |= {quote(raw, safe=""), quote(raw), quote_plus(raw)}
        written.update(_base64_forms(raw))
    return frozenset(form for form in written if len(form) >= SHORTEST)


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Return the forms of ``raw`` inside base64 text, for every alignment."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        # The first and last characters also encode bits of neighbouring bytes, so they are unknown.
        first = (offset * 8 + 5) // 6
        known = (offset + len(raw)) * 8 // 6
        inner = encoded[first:known]
        if len(inner) >= 2 * SHORTEST:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def _compile(forms: frozenset[str]) -> re.Pattern[str]:
    # The longest first, so that a secret that contains another one is replaced as a whole.
    alternatives = [
        re.escape(form) if len(form) >= SHORTEST_INSIDE_WORDS else rf"(?<![0-9A-Za-z]){re.escape(form)}(?![0-9A-Za-z])"
        for form in sorted(forms, key=lambda form: (-len(form), form))
    ]
    return re.compile("|".join(alternatives), re.IGNORECASE)


def _without_cut_value(text: str, value: str) -> str:
    """Replace a prefix of ``value`` at the end of a truncated ``text``."""
    bare = text.rstrip("….'\" ")
    for length in range(min(len(value) - 1, len(bare)), _SHORTEST_PREFIX - 1, -1):
        if bare.endswith(value[:length]):
            return bare[: len(bare) - length] + REDACTED + text[len(bare) :]
    return text
