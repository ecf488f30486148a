"""Follow redirects within a service's own host only, so that a token is never sent to another host."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from cmetrics.domain.errors import InvalidResponse

MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})


def redirect_target(response: httpx.Response, base: str, *, where: str, service: str) -> httpx.URL:
    """Return the URL that ``response`` redirects to.

    Raises InvalidResponse unless it has scheme, host and port of ``base``.
    """
    try:
        target = response.url.join(response.headers.get("location", ""))
    except httpx.InvalidURL:
        msg = f"{where} redirects to an invalid URL"
        raise InvalidResponse(msg, service=service, status=response.status_code) from None
    own = urlsplit(base)
    if (target.scheme, target.host, target.port) != (own.scheme, own.hostname, own.port):
        msg = f"{where} redirects to another host, which is not followed"
        raise InvalidResponse(msg, service=service, status=response.status_code)
    return target
