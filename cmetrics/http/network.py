"""Build proxies and certificates for the HTTP client, and check them before the first request."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from functools import partial

import httpx

from cmetrics.domain.errors import UsageError
from cmetrics.domain.sanitize import sanitize
from cmetrics.settings import NetworkSettings, Proxy

_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})
#: The httpx URL pattern that each proxy variable applies to.
_PATTERNS = {"https": "https://", "http": "http://", "all": "all://"}


def tls_context(network: NetworkSettings) -> ssl.SSLContext:
    """Return the trusted certificate authorities: SSL_CERT_FILE or SSL_CERT_DIR, else Mozilla's list.

    Raises UsageError, naming the variable, when they cannot be read.
    """
    if not network.cert_file and not network.cert_dir:
        return httpx.create_ssl_context(trust_env=False)
    name = "SSL_CERT_FILE" if network.cert_file else "SSL_CERT_DIR"
    try:
        if network.cert_file:
            return ssl.create_default_context(cafile=network.cert_file)
        return ssl.create_default_context(capath=network.cert_dir)
    except OSError as error:
        place = sanitize(network.cert_file or network.cert_dir or "", limit=120)
        reason = sanitize(error.strerror or str(error) or type(error).__name__, limit=120)
        msg = f"{name} cannot be used: {place}: {reason}. Set it to a file of certificates in PEM format"
        raise UsageError(msg) from error


def proxy_mounts(
    network: NetworkSettings, context: ssl.SSLContext, limits: httpx.Limits
) -> Mapping[str, httpx.AsyncBaseTransport | None]:
    """Return the transport for each URL pattern; None for patterns that bypass the proxy.

    Raises UsageError for an invalid proxy. The message names the variable but never contains its value.
    """
    bypassed = _bypassed(network.no_proxy)
    if bypassed is None:
        return {}
    mounts: dict[str, httpx.AsyncBaseTransport | None] = {
        _PATTERNS[proxy.scheme]: _transport(proxy, context, limits) for proxy in network.proxies
    }
    return mounts | dict.fromkeys(bypassed)


def _transport(proxy: Proxy, context: ssl.SSLContext, limits: httpx.Limits) -> httpx.AsyncHTTPTransport:
    text = proxy.url.get_secret_value()
    build = partial(httpx.AsyncHTTPTransport, verify=context, limits=limits)
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
        if url.scheme in _SCHEMES and url.host and "@" not in url.path + url.fragment and url.is_absolute_url:
            return build(proxy=httpx.Proxy(url))
    except ImportError as error:
        msg = f"{proxy.variable} is a SOCKS proxy, which needs an extra package: pip install 'httpx[socks]'"
        raise UsageError(msg) from error
    except (ValueError, httpx.InvalidURL):
        # The library's message may contain the password.
        pass
    msg = (
        f"{proxy.variable} is not a valid proxy URL. Use the form http://host:port, and percent-encode "
        "special characters of user and password: # is %23, / is %2F, ? is %3F, @ is %40"
    )
    raise UsageError(msg) from None


def _bypassed(no_proxy: str) -> list[str] | None:
    """Return httpx's patterns for the entries of NO_PROXY, or None when they cover all addresses.

    Networks (``10.0.0.0/8``, ``fd00::/8``) are ignored, because services are addressed by host name.
    Entries that are neither a host name nor an IP address are ignored too.
    """
    patterns = []
    for entry in (part.strip() for part in no_proxy.replace(" ", ",").split(",")):
        if entry == "*":
            return None
        pattern = _pattern(entry)
        if pattern is not None:
            patterns.append(pattern)
    return patterns


def _pattern(entry: str) -> str | None:
    if not entry or ("/" in entry and "://" not in entry):
        return None
    bare = entry.removeprefix("[").removesuffix("]")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        host = entry.removeprefix("*")
        pattern = entry if "://" in entry else f"all://{host}" if host.lower() == "localhost" else f"all://*{host}"
    else:
        pattern = f"all://[{address}]" if address.version == 6 else f"all://{address}"  # noqa: PLR2004  # IPv6
    try:
        httpx.URL(pattern)
    except httpx.InvalidURL:
        return None
    return pattern
