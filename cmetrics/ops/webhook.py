"""Send the summary of a run to a webhook. The URL is a secret."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from cmetrics.domain.errors import CmetricsError, UsageError
from cmetrics.http.client import ServiceClient, Timeouts, open_http
from cmetrics.http.service import Policy, Sleep
from cmetrics.ops.chat import build_body
from cmetrics.settings import NetworkSettings

NAME = "CMETRICS_WEBHOOK_URL"
#: Time limit in seconds; a nightly run must not wait longer for a receiver.
TIMEOUTS = Timeouts(connect=5.0, read=10.0, total=10.0)
#: A receiver may get a summary twice and can identify it by its ``run_id``.
TRIES = 2
_LOCAL = {"localhost", "127.0.0.1", "::1"}


def check_address(url: str) -> None:
    """Raise UsageError, without the URL, unless it is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        is_good = bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
        )
        # Accessing the port validates it.
        is_good = is_good and parts.port != 0 and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        is_good = False
    if not is_good:
        msg = f"{NAME} is not an https:// address (http:// is allowed for this machine only)"
        raise UsageError(msg)


def send_summary(
    url: SecretStr, document: Mapping[str, Any], contact: str, network: NetworkSettings, *, sleep: Sleep = asyncio.sleep
) -> str | None:
    """POST ``document`` as JSON or as a chat message. Return None if it was accepted, else the reason.

    Never raises a CmetricsError.
    """
    try:
        address = url.get_secret_value()
        check_address(address)
        body = json.dumps(build_body(address, document), ensure_ascii=False)
        asyncio.run(_send(address, body.encode(), contact, network, sleep))
    except CmetricsError as error:
        return f"the summary was not delivered: {error}"
    return None


async def _send(url: str, content: bytes, contact: str, network: NetworkSettings, sleep: Sleep) -> None:
    policy = Policy(
        f"the webhook of {NAME}",
        url.split("#", 1)[0],
        limit_waits=(5.0,),
        headers={"Content-Type": "application/json"},
        is_private=True,
    )
    async with open_http(contact, TIMEOUTS, network) as http:
        await ServiceClient(http, policy, timeouts=TIMEOUTS, sleep=sleep).send("POST", "", content, tries=TRIES)
