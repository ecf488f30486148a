"""`cmetrics serve-api`."""

from __future__ import annotations

from typing import Annotated

import typer

from cmetrics.cli.options import Config, Db, Quiet, whole_number
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.errors import UsageError


def serve_api(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--port",
            metavar="PORT",
            parser=whole_number("--port", "", most=65535),
            help="Port to listen on; 0 chooses a free one.",
        ),
    ] = 8000,
    db: Db = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Serve the store as a JSON API.

    Needs the extra `api`.
    """
    try:
        from cmetrics.api.app import create_app
        from cmetrics.api.serve import listen, serve
    except ImportError as error:
        msg = f"serve-api needs the extra `api` ({error.name} is missing)"
        hint = "pip install 'cmetrics[api]'; in a checkout, uv run --extra api cmetrics serve-api"
        raise UsageError(msg, hint=hint) from None
    from cmetrics.cli.configuration import load_configuration
    from cmetrics.cli.output import print_progress
    from cmetrics.domain import formats
    from cmetrics.locales import load_formats
    from cmetrics.queries import Queries
    from cmetrics.sources import SPECS
    from cmetrics.store.lance_store import LanceStore

    settings, catalog = load_configuration(db, config)
    clock = get_runtime(context).clock
    queries = Queries(LanceStore.open(settings.store), catalog, SPECS, now=clock())
    api = create_app(lambda: queries.at(clock()))
    # Code run by the server inherits the formats.
    with formats.use(load_formats(catalog.lang)), listen(host, port) as listener:
        if not quiet:
            name = f"[{host}]" if ":" in host else host
            print_progress(f"running on http://{name}:{listener.getsockname()[1]} (press Ctrl-C to stop)")
        serve(api, listener, quiet=quiet)
