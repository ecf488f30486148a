from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.redaction import (
    isolated_secrets,
    redact,
    redact_document,
    register_secret,
    register_url_credentials,
)
from cmetrics.domain.sanitize import sanitize

TOKEN = "ghp_S3cretS3cret/+x"


@pytest.mark.parametrize(
    "form",
    [
        TOKEN,
        TOKEN.upper(),
        quote(TOKEN, safe=""),
        quote(TOKEN, safe="").lower(),
        repr(TOKEN),
        repr(TOKEN.encode()),
        json.dumps(TOKEN),
        base64.b64encode(TOKEN.encode()).decode(),
    ],
)
def test_written_forms(form):
    """A secret is found in any form in which a program may write it."""
    register_secret(TOKEN)
    assert redact(f"<{form}>").strip("<>b'\"=") in {"***", "***A", "***Q", "***g", "***w"}


def test_basic_authentication():
    """An echoed header of basic authentication shows no part of the password."""
    register_secret("hunter2secret")
    for user in ("u", "us", "use", "x-access-token"):
        header = base64.b64encode(f"{user}:hunter2secret".encode()).decode()
        shown = redact(f"Basic {header}")
        assert "***" in shown
        encoded = shown.removeprefix("Basic ").partition("***")[0]
        assert "hunt" not in base64.b64decode(encoded + "A" * (-len(encoded) % 4)).decode(errors="replace")


@pytest.mark.parametrize("between", ["\n", "\r\n", "\v", "\x00", "\u200b", "\x7f", "é", "\ud800"])
def test_parts_around_a_control_character(between):
    """No part of a token with a line break or similar is shown, in any form."""
    token = f"ghp_FirstHalf{between}SecondHalf0"
    register_secret(token)
    raw = token.encode("utf-8", "surrogatepass")
    for text in (token, repr(token), repr(raw), f"Illegal header value {raw!r}", repr(repr(raw)), json.dumps(token)):
        shown = sanitize(text)
        assert "FirstHalf" not in shown
        assert "SecondHalf" not in shown


def test_short_values_do_not_hide_words():
    """Three characters are not a secret; five are, except within another word."""
    register_secret("abc")
    register_secret("t0ken")
    assert redact("abc t0ken xt0kenx") == "abc *** xt0kenx"


def test_a_truncated_secret():
    """The beginning of a secret at the end of a truncated text is hidden."""
    register_secret(TOKEN)
    assert redact(f"it says 'Bearer {TOKEN[:12]}'") == "it says 'Bearer ***'"
    assert redact(f"Bearer {TOKEN[:9]}…") == "Bearer ***…"


def test_a_document_keeps_its_keys():
    """Values of JSON are redacted at every depth; keys and numbers are unchanged."""
    register_secret("status-secret")
    document = {"status-secret": ["a status-secret b", {"n": 1, "x": ("status-secret",)}]}
    assert redact_document(document) == {"status-secret": ["a *** b", {"n": 1, "x": ["***"]}]}


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("http://user:hunter2secret#x@proxy:1", ["hunter2secret", "hunter2secret#x"]),
        ("http://user:hunter2/secret0@proxy:1", ["hunter2/secret0", "secret0"]),
        ("http://user:hunter2?secret0@proxy:1", ["hunter2?secret0", "secret0"]),
        ("http://user:hunter@2secret@proxy:1", ["hunter@2secret", "2secret"]),
        ("user:hunter2secret@proxy:1", ["hunter2secret"]),
        ("http://user:hunter2%23secret@proxy:1", ["hunter2%23secret", "hunter2#secret"]),
        ("https://t0kenWithoutUser@host/x.git", ["t0kenWithoutUser"]),
        ("s3://bucket/x?aws_secret_access_key=s3cretKey&region=us-east-1", ["s3cretKey"]),
    ],
)
def test_credentials_of_an_address(url, secrets):
    """Credentials are found even in addresses that no parser accepts."""
    register_url_credentials(url)
    for secret in secrets:
        assert redact(f"({secret})") == "(***)"
    assert not [secret for secret in secrets if secret in redact(f"Invalid port in {url}")]


def test_an_address_without_credentials():
    """Host, path and port of an ordinary address are not secrets."""
    register_url_credentials("https://cluster.example.com:8080/path@1/x")
    assert redact("cluster.example.com 8080 path") == "cluster.example.com 8080 path"


def test_secrets_end_with_their_scope():
    """Secrets of one test are unknown in the next."""
    with isolated_secrets():
        register_secret(TOKEN)
        assert redact(TOKEN) == "***"
    assert redact(TOKEN) == TOKEN


@settings(deadline=None)
@given(
    first=st.text("abc123_-/+%", min_size=6, max_size=20),
    second=st.text("abc123_-/+%", min_size=6, max_size=20),
    between=st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp"]), max_size=2),
    around=st.tuples(st.text(max_size=8), st.text(max_size=8)),
)
def test_no_form_of_any_secret(first, second, between, around):
    """No registered secret is shown, whatever it contains and wherever it occurs."""
    secret = first + between + second
    with isolated_secrets():
        register_secret(secret)
        for form in (secret, repr(secret)[1:-1], repr(secret.encode())[2:-1], quote(secret, safe="")):
            shown = redact(around[0] + form + around[1])
            assert form not in shown
            assert sanitize(around[0] + form + around[1]).count("***") >= 1
