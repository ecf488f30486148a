"""Clean untrusted text for terminals, logs and tables: one line, no secrets, no escapes."""

from __future__ import annotations

import re
import unicodedata

from cmetrics.domain.redaction import redact

# C0, DEL, C1, the soft hyphen and the bidirectional and zero-width marks. They can move the cursor, or
# recolour, reorder or hide text.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
# Escape sequences are removed as a whole: without its ESC, a sequence would remain as visible text.
_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")


def sanitize(text: str, *, limit: int = 400) -> str:
    """Return ``text`` on one line of at most ``limit`` characters.

    Registered secrets and ``user:password@`` of URLs are replaced; control characters are dropped.
    """
    # Redact before and after removing characters that may split a secret.
    text = _UNPRINTABLE.sub("", _ESCAPES.sub("", re.sub(r"\s", " ", redact(text))))
    text = " ".join(redact(text).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def isolate(text: str) -> str:
    """Return an external name for use in a sentence. Right-to-left letters must not reorder the text around it.

    Such a name is put between U+2068 and U+2069 (https://www.w3.org/International/articles/inline-bidi-markup/).
    """
    is_rtl = any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)
    return f"\u2068{text}\u2069" if is_rtl else text


def code_span(text: str, *, limit: int = 400) -> str:
    """Return ``text`` as Markdown code: nothing in it is a link, a mention, HTML, a heading or a column.

    The fence is longer than any run of backticks inside (CommonMark, 6.1). A vertical bar ends a table
    cell even inside code and cannot be escaped after a backslash, so it is replaced by a broken bar.
    """
    text = sanitize(text, limit=limit).replace("|", "¦")
    if not text:
        return "–"
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
