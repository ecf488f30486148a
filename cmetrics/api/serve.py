"""Run the API until it is stopped."""

from __future__ import annotations

import copy
import os
import socket

import uvicorn
from fastapi import FastAPI
from uvicorn.config import LOGGING_CONFIG

from cmetrics.domain.errors import UsageError
from cmetrics.domain.sanitize import sanitize


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on ``host`` and ``port``. Port 0 selects a free port.

    Raises UsageError if that is not possible. Uvicorn would log the failure in its own way first.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        # `create_server` appends the address to the reason. A failed name lookup has a negative error number.
        number = getattr(error, "errno", None) or 0
        why = sanitize(os.strerror(number) if number > 0 else str(error), limit=120)
        msg = f"cannot listen on {sanitize(host, limit=80)}:{port}: {why}"
        raise UsageError(msg, hint="choose another address with --host and --port") from error
    # Accepted connections inherit it. Uvicorn writes head and body separately; without this, the kernel delays the
    # body until the client acknowledges the head, which takes 40 ms. asyncio sets the option only for sockets with an
    # explicit protocol number (`_set_nodelay`), and `create_server` gives none.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(app: FastAPI, listener: socket.socket, *, quiet: bool = False) -> None:
    """Serve until Ctrl-C or SIGTERM. Open responses are completed first.

    Prints one line per request on stderr, unless ``quiet``.
    """
    log_config = copy.deepcopy(LOGGING_CONFIG)
    log_config["handlers"]["access"]["stream"] = "ext://sys.stderr"
    config = uvicorn.Config(
        app,
        log_config=log_config,
        log_level="warning" if quiet else None,
        access_log=not quiet,
        timeout_graceful_shutdown=5,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return
