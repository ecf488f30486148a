"""Messages of runs in the formats of chat services."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.ops.chat import LONGEST, build_body

EVIL = "<!everyone> <@U123> @everyone @here <https://e.example|x> **bold** [x](https://e.example) `a` # b ~~c~~ ||d||"
RUN = {
    "job": "refresh",
    "status": "partial",
    "title": "Mine",
    "rows_inserted": 12,
    "rows_updated": 3,
    "metrics": [{"metric_id": "downloads:p:rust", "error": EVIL}, {"metric_id": "stars:p:github", "error": None}],
    "warnings": ["doubtful"],
}


@pytest.mark.parametrize(
    ("url", "keys"),
    [
        ("https://hooks.slack.com/services/T/B/x", {"text"}),
        ("https://discord.com/api/webhooks/1/x", {"content", "allowed_mentions"}),
        ("https://ptb.discord.com/api/webhooks/1/x?wait=true", {"content", "allowed_mentions"}),
        ("https://discordapp.com/api/webhooks/1/x", {"content", "allowed_mentions"}),
        ("https://discord.com/api/webhooks/1/x/slack", {"text"}),
        ("https://chat.example.com/hooks/x", {*RUN, "text", "content"}),
        ("https://notdiscord.com/x", {*RUN, "text", "content"}),
    ],
)
def test_each_receiver_gets_its_own_format(url: str, keys: set[str]):
    """Slack and Discord get only documented fields."""
    assert set(build_body(url, RUN)) == keys


def test_text_of_a_service_has_no_mentions_or_markup():
    """Slack's brackets, Discord's Markdown and mentions with @ are escaped."""
    body = build_body("https://chat.example.com/x", RUN)
    assert body["text"].startswith("Mine: refresh partial, 12 rows inserted, 3 updated, 1 of 2 metrics failed\n")
    for text in (body["text"], body["content"]):
        assert not re.search(r"@\w", text)
        assert text.endswith("• doubtful")
    assert not set("<>") & set(body["text"])
    assert not re.search(r"(?<!\\)[*_~`|<>#\[\]()]", body["content"].replace("\\\\", ""))
    assert build_body("https://discord.com/x", RUN)["allowed_mentions"] == {"parse": []}


@given(st.lists(st.text(max_size=400), max_size=30), st.text(max_size=300))
def test_a_message_respects_the_limit_of_discord(errors: list[str], title: str):
    """Omitted lines are counted, and no escape sequence is cut."""
    metrics = [{"metric_id": f"downloads:p:{n}", "error": error} for n, error in enumerate(errors)]
    body = build_body("https://chat.example.com/x", RUN | {"metrics": metrics, "title": title})
    for text in (body["text"], body["content"]):
        assert text
        assert len(text) <= LONGEST


def test_a_command_that_could_not_start_is_one_error():
    """The message is the reason."""
    failed = {"job": "pull-data", "status": "failed", "metrics": [], "error": "the branch data is gone"}
    assert build_body("https://hooks.slack.com/x", failed) == {
        "text": "cmetrics: pull-data failed\n• the branch data is gone"
    }
