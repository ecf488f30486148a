"""The languages whose numbers and dates are known. Their tables come from the Unicode CLDR, see ``locales.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cmetrics.domain.formats import ENGLISH, Formats, from_table

_FILE = Path(__file__).parent / "locales.json"


def languages() -> tuple[str, ...]:
    """Return the known languages (ISO 639-1), sorted."""
    return tuple(sorted({ENGLISH.lang, *_tables()}))


@cache
def load_formats(lang: str) -> Formats:
    """Return the formats of a known language."""
    return ENGLISH if lang == ENGLISH.lang else from_table(_tables()[lang])


@cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    tables: Mapping[str, Mapping[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return tables
