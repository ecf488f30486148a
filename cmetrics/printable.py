"""Text from outside made fit for a terminal, a log and a table: one line, no secrets, no escapes."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"

# C0, DEL, C1 and the bidirectional and zero-width marks: they move the cursor, recolour, reorder.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
# Without its ESC a colour sequence is harmless and ugly; both go together.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_USERINFO = re.compile(r"(?<=://)[^/\s]+@")


def printable(text: str, *, secrets: Iterable[str] = (), limit: int = 400) -> str:
    """``text`` on one line of at most ``limit`` characters.

    Every secret and every ``user:password@`` of a URL is replaced; control characters are dropped.
    """
    # First what could stand inside a secret and hide it, then the longest secret first.
    text = _UNPRINTABLE.sub(" ", _ESCAPES.sub("", text))
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _USERINFO.sub(f"{HIDDEN}@", text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
