"""The Typer application: global options, and the commands in groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cmetrics.cli.alert import alert
from cmetrics.cli.backfill import backfill
from cmetrics.cli.bootstrap import bootstrap
from cmetrics.cli.build_site import build_site
from cmetrics.cli.create_tables import create_tables
from cmetrics.cli.demo import demo
from cmetrics.cli.doctor import doctor
from cmetrics.cli.exit_codes import WRONG_USAGE
from cmetrics.cli.export import export
from cmetrics.cli.forget import forget
from cmetrics.cli.init import init
from cmetrics.cli.insights import insights
from cmetrics.cli.interruptible import interruptible
from cmetrics.cli.pull_data import pull_data
from cmetrics.cli.push_data import push_data
from cmetrics.cli.refresh import refresh
from cmetrics.cli.rename import rename
from cmetrics.cli.report import report
from cmetrics.cli.restore import restore
from cmetrics.cli.serve_api import serve_api
from cmetrics.cli.status import status
from cmetrics.version import __version__

#: Command groups of `cmetrics --help`, in this order.
GROUPS: Mapping[str, tuple[Callable[..., None], ...]] = {
    "Collect": (init, refresh, backfill),
    "Publish": (build_site, serve_api, report, demo),
    "Monitor": (status, insights, doctor, alert),
    "Store and backup": (export, restore, pull_data, push_data, create_tables, rename, forget, bootstrap),
}

EPILOG = """
\b
Exit codes:
  0    success
  1    failed; nothing usable was stored
  2    wrong usage or configuration
  3    some metrics failed, the others are stored
  130  interrupted

\b
Environment variables (also read from ./.env):
  CMETRICS_DB            store; --db overrides it
  CMETRICS_CONFIG        catalogue; --config overrides it
  CMETRICS_CACHE         folder for archive files
  CMETRICS_SITE_URL      address of the published site
  CMETRICS_ALERTS        `off` disables `cmetrics alert`
  CMETRICS_WEBHOOK_URL   receives the summary of every run
  GITHUB_TOKEN           raises GitHub's request limit
  LANCEDB_API_KEY        key of LanceDB Enterprise
  LANCEDB_HOST_OVERRIDE  address of the cluster
  NO_COLOR               no colours

`cmetrics COMMAND --help` lists the options of a command.
"""


class CommandGroups(TyperGroup):
    """Shows the commands of `--help` in groups, as plain text: importing Rich takes a tenth of a second."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section per group."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        width = max(len(name) for name, _ in commands)
        for title in GROUPS:
            rows = [
                (name.ljust(width), command.get_short_help_str(formatter.width - width - 6))
                for name, command in commands
                if command is not None and getattr(command, "rich_help_panel", None) == title
            ]
            with formatter.section(title):
                formatter.write_dl(rows)


app = typer.Typer(
    name="cmetrics",
    cls=CommandGroups,
    help="Collect SDK downloads and GitHub stars daily, store them permanently, publish them as a site.",
    epilog=EPILOG,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # Typer calls it with the option's value
    if wanted:
        typer.echo(f"cmetrics {__version__}")
        raise typer.Exit


@app.callback()
def main_options(
    ctx: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Handle global options."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help(), err=True)
        raise typer.Exit(WRONG_USAGE)


for _title, _commands in GROUPS.items():
    for _command in _commands:
        app.command(_command.__name__.replace("_", "-"), rich_help_panel=_title)(interruptible(_command))
