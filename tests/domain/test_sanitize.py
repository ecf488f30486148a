from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.redaction import REDACTED, isolated_secrets, register_secret
from cmetrics.domain.sanitize import sanitize


def hide(*secrets: str) -> None:
    for secret in secrets:
        register_secret(secret)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – text", "plain – text"),
        ("two\nlines\r\nand\ttabs", "two lines and tabs"),
        ("  much   room  ", "much room"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://x\x1b\\link", "link"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("bell\x07 null\x00 del\x7f c1\x9b31m", "bell null del c1"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("a\u2028b\u2029c", "a b c"),
        ("日本語 émoji 🎉", "日本語 émoji 🎉"),
        ("", ""),
    ],
)
def test_text_is_one_line_without_control_characters(text, shown):
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pw@host/x", "https://***@host/x"),
        ("https://token@host", "https://***@host"),
        ("https://user:p@ss@w@host/x", "https://***@host/x"),
        ("a https://u:p@h b s3://k:s@bucket", "a https://***@h b s3://***@bucket"),
        ("https://host/@scope/name", "https://host/@scope/name"),
        ("mail@example.com", "mail@example.com"),
    ],
)
def test_credentials_in_urls_are_hidden(text, shown):
    assert sanitize(text) == shown


def test_every_secret_is_hidden():
    text = "Bearer t0ken, key=s3cret&again=t0ken"
    hide("t0ken", "s3cret")
    assert sanitize(text) == "Bearer ***, key=***&again=***"


@pytest.mark.parametrize(
    "between",
    [
        "\x1b[31m",
        "\x1b]0;title\x07",
        "\x1b[0m\x1b[1;31m",
        "\x1bM",
        "\x9b31m",
        "\x1b(B",
        "\x1bP1\x1b\\",
        "\x00",
        "\u200b",
        "\u00ad",
    ],
)
def test_a_secret_with_invisible_characters_is_hidden(between):
    hide("s3cret")
    assert sanitize(f"key=s3c{between}ret&") == "key=***&"


@pytest.mark.parametrize(
    "secrets", [["t0ken", "t0ken-l0ng", "my-t0ken-l0ng"], ["my-t0ken-l0ng", "t0ken-l0ng", "t0ken"]]
)
def test_a_secret_within_another_one_is_hidden_completely(secrets):
    hide(*secrets)
    assert sanitize("a my-t0ken-l0ng b t0ken-l0ng c t0ken") == "a *** b *** c ***"


def test_an_empty_secret_hides_nothing():
    hide("", "other")
    assert sanitize("text") == "text"


def test_a_secret_is_hidden_before_the_text_is_cut():
    hide("s3cret")
    assert "s3cr" not in sanitize("x" * 8 + "s3cret", limit=12)


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [("abcdef", 6, "abcdef"), ("abcdefg", 6, "abcde…"), ("abcd efg", 6, "abcd…")],
)
def test_a_long_text_is_cut_with_an_ellipsis(text, limit, shown):
    assert sanitize(text, limit=limit) == shown


@settings(deadline=None)
@given(text=st.text(), limit=st.integers(1, 50))
def test_any_text_becomes_one_short_line(text, limit):
    shown = sanitize(text, limit=limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Zl", "Zp"}


@settings(deadline=None)
@given(
    secret=st.text("abc123_-", min_size=6, max_size=20),
    parts=st.lists(st.text(st.characters(exclude_characters="\x1b\x9b"), max_size=8), min_size=2, max_size=4),
)
def test_no_secret_is_ever_shown(secret, parts):
    with isolated_secrets():
        hide(secret)
        shown = sanitize(secret.join(parts))
    assert secret not in shown
    assert REDACTED in shown
