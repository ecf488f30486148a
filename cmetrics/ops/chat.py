"""Format the summary of a run as a chat message for the receiver of the webhook.

Slack answers ``invalid_payload`` or ``no_text`` to a body without ``text`` (docs.slack.dev, incoming webhooks),
Discord ``Cannot send an empty message`` to one without ``content`` (docs.discord.com, Execute Webhook).
Neither documents how it handles unknown fields, so each gets only its own field. All other receivers
get the whole object with both fields; Mattermost, Rocket.Chat and Discord's ``/slack`` addresses read
``text``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import sanitize

#: Discord's limit of ``content``; Slack advises 4,000 for ``text``.
LONGEST = 2000
#: The maximum length of one error, so that several errors fit.
LONGEST_ERROR = 300
MOST_ERRORS = 10
MOST_NEWS = 5
#: Reserved for the line with the number of omitted lines.
ROOM = 40

_SLACK = ("hooks.slack.com", "hooks.slack-gov.com")
_DISCORD = ("discord.com", "discordapp.com")
_MARKDOWN = re.compile(r"([\\`*_~|>#\[\]()])")
#: An invisible character (word joiner); after it, `@everyone` and `@channel` notify nobody.
_ZERO_WIDTH_SPACE = "\u200b"


def build_body(url: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON body for the receiver at ``url``: its own format, or ``document`` with both texts."""
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower(), parts.path.rstrip("/")
    lines = build_lines(document)
    text, content = _join(lines, _escape_slack), _join(lines, _escape_discord)
    is_discord = any(host == name or host.endswith(f".{name}") for name in _DISCORD)
    if host in _SLACK or (is_discord and path.endswith("/slack")):
        return {"text": text}
    if is_discord:
        return {"content": content, "allowed_mentions": {"parse": []}}
    return {**document, "text": text, "content": content}


def build_lines(document: Mapping[str, Any]) -> list[str]:
    """Return a run as lines of plain text: the result, the failures, then new signals and reports."""
    title = sanitize(str(document.get("title", "cmetrics")), limit=100)
    lines = [f"{title}: {document.get('job', 'run')} {document.get('status', '')}".rstrip()]
    metrics = document.get("metrics", ())
    if document.get("error"):
        return [*lines, f"• {sanitize(str(document['error']), limit=LONGEST_ERROR * 3)}"]
    failed = [metric for metric in metrics if metric.get("error")]
    lines[0] += (
        f", {plural(document.get('rows_inserted', 0), 'row')} inserted, {document.get('rows_updated', 0):,} updated"
    )
    if failed:
        lines[0] += f", {len(failed)} of {plural(len(metrics), 'metric')} failed"
    errors = [f"{metric['metric_id']}: {metric['error']}" for metric in failed]
    errors += document.get("warnings", ())
    lines += [f"• {sanitize(error, limit=LONGEST_ERROR)}" for error in errors[:MOST_ERRORS]]
    if len(errors) > MOST_ERRORS:
        lines.append(f"• and {len(errors) - MOST_ERRORS} more")
    news = [signal["text"] for signal in document.get("new_signals", ())]
    news += [f"The report of {month} is final." for month in document.get("new_reports", ())]
    lines += [f"• {sanitize(text, limit=LONGEST_ERROR)}" for text in news[:MOST_NEWS]]
    if len(news) > MOST_NEWS:
        lines.append(f"• and {plural(len(news) - MOST_NEWS, 'more signal')}")
    return lines


def _join(lines: list[str], escape: Callable[[str], str]) -> str:
    """Return as many escaped lines as fit. A line is never truncated inside an escape."""
    text = ""
    for number, line in enumerate(lines):
        rest = f"\n… and {plural(len(lines) - number, 'more line')}"
        more = f"\n{escape(line)}" if number else escape(line)
        if len(text) + len(more) + ROOM > LONGEST:
            return text + rest
        text += more
    return text


def _escape_slack(text: str) -> str:
    """Escape ``text`` so that Slack finds no mention and no link (docs.slack.dev, formatting message text)."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("@", f"@{_ZERO_WIDTH_SPACE}")


def _escape_discord(text: str) -> str:
    """Escape ``text`` so that Discord finds no Markdown and no mention."""
    return _MARKDOWN.sub(r"\\\1", text).replace("<", "\\<").replace("@", f"@{_ZERO_WIDTH_SPACE}")
