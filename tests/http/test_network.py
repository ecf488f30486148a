"""Proxies and certificates of the HTTP client."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from cmetrics.domain.errors import UsageError
from cmetrics.http.network import proxy_mounts, tls_context
from cmetrics.settings import NetworkSettings, Proxy

CONTEXT = tls_context(NetworkSettings())


def network(url: str, no_proxy: str = "") -> NetworkSettings:
    return NetworkSettings((Proxy("https", "HTTPS_PROXY", SecretStr(url)),), no_proxy)


def uses_proxy(settings: NetworkSettings, url: str) -> bool:
    """Return whether a client with these settings uses the proxy for this address."""
    client = httpx.AsyncClient(verify=CONTEXT, mounts=proxy_mounts(settings, CONTEXT, httpx.Limits()), trust_env=False)
    return client._transport_for_url(httpx.URL(url)) is not client._transport


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2secret#x@host:3128",
        "http://user:hunter2secret/x@host:3128",
        "http://user:hunter2secret?x@host:3128",
        "http://user:hunter2secret@host:port",
        "http://user:hunter2secret@",
        "user:hunter2secret#@host:1",
        "ftp://user:hunter2secret@host",
        "http://user:hunter2\nsecret@host:1",
    ],
)
def test_an_invalid_proxy_is_named_by_its_variable(url: str):
    """No part of the address is shown, because the parser mistakes the password for the port."""
    with pytest.raises(UsageError, match=r"^HTTPS_PROXY is not a valid proxy URL.*percent-encode") as caught:
        proxy_mounts(network(url), CONTEXT, httpx.Limits())
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://host:3128", "host:3128", "https://user:p%23w@host", "http://[::1]:3128/", "http://u:p@ss@host:1"]
)
def test_a_usable_proxy(url: str):
    """URLs are accepted as by curl and httpx, also without a scheme."""
    assert uses_proxy(network(url), "https://pypistats.org/api")
    assert not uses_proxy(network(url), "http://localhost/hook")


@pytest.mark.parametrize(
    ("no_proxy", "url", "via"),
    [
        ("[::1]", "https://pypistats.org", "proxy"),
        ("[::1]", "https://[::1]/x", "direct"),
        ("::1", "https://[::1]/x", "direct"),
        ("10.0.0.0/8,fd00::/8", "https://pypistats.org", "proxy"),
        ("10.0.0.0/8, fd00::/8 ,pypistats.org", "https://pypistats.org", "direct"),
        (".pypistats.org", "https://api.pypistats.org", "direct"),
        ("*.pypistats.org", "https://api.pypistats.org", "direct"),
        ("stats.org", "https://pypistats.org", "proxy"),
        ("pypistats.org crates.io", "https://crates.io", "direct"),
        ("10.1.2.3", "https://10.1.2.3/x", "direct"),
        ("localhost,,", "https://localhost/x", "direct"),
        ("*", "https://pypistats.org", "direct"),
        ("a:b:c, [, \x00, http://[", "https://pypistats.org", "proxy"),
    ],
)
def test_entries_of_no_proxy(no_proxy: str, url: str, via: str):
    """Valid entries apply, and others are ignored."""
    assert uses_proxy(network("http://host:3128", no_proxy), url) is (via == "proxy")


def test_unreadable_certificates_are_an_error(tmp_path: Path):
    """The error has the variable, the file and the reason."""
    (tmp_path / "no.pem").write_text("none")
    for name in ("absent.pem", "no.pem"):
        with pytest.raises(UsageError, match=rf"^SSL_CERT_FILE cannot be used: \S+{name}: "):
            tls_context(NetworkSettings(cert_file=str(tmp_path / name)))
