"""Running the API until it is told to stop."""

from __future__ import annotations

import copy

import uvicorn
from fastapi import FastAPI
from uvicorn.config import LOGGING_CONFIG

from cmetrics.domain.errors import UsageError


def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve until Ctrl-C or SIGTERM; open answers are finished first.

    One access line per request goes to stderr, like all diagnostics. Raises UsageError when the
    address cannot be had.
    """
    log_config = copy.deepcopy(LOGGING_CONFIG)
    log_config["handlers"]["access"]["stream"] = "ext://sys.stderr"
    config = uvicorn.Config(app, host=host, port=port, log_config=log_config, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    try:
        server.run()
    except KeyboardInterrupt:
        return
    except SystemExit:
        msg = f"cannot listen on {host}:{port}; name another with --host and --port"
        raise UsageError(msg) from None
