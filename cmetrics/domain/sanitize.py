"""Text from outside made fit for a terminal, a log and a table: one line, no secrets, no escapes."""

from __future__ import annotations

import re

from cmetrics.domain.redaction import redact

# C0, DEL, C1, the soft hyphen and the bidirectional and zero-width marks: they move the cursor,
# recolour, reorder, or hide.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
# Without its ESC a colour sequence is harmless and ugly; both go together.
_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")


def sanitize(text: str, *, limit: int = 400) -> str:
    """Return ``text`` on one line of at most ``limit`` characters.

    Registered secrets and ``user:password@`` of URLs are replaced; control characters are dropped.
    """
    # Before and after what could stand inside a secret is gone.
    text = _UNPRINTABLE.sub("", _ESCAPES.sub("", re.sub(r"\s", " ", redact(text))))
    text = " ".join(redact(text).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def code_span(text: str, *, limit: int = 400) -> str:
    """``text`` for Markdown, as code: nothing in it is a link, a mention, HTML, a heading or a column.

    The fence is longer than any run of backticks inside (CommonMark, 6.1). A bar ends a cell of a
    table even there, and cannot be escaped behind a backslash of the text; it is drawn as a broken one.
    """
    text = sanitize(text, limit=limit).replace("|", "¦")
    if not text:
        return "–"
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
