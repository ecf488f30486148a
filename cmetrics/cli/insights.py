"""`cmetrics insights`."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import typer

from cmetrics.cli.options import AsJson, Config, Db, Quiet
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.sanitize import sanitize

if TYPE_CHECKING:
    from cmetrics.analytics.model import Findings

#: The width of a line without a terminal, and the maximum width on one.
PLAIN_WIDTH, WIDEST = 80, 120
#: The maximum number of entries of a section, and of effects per release.
SHOWN = 12
#: The newest events that are shown; `--json` lists all.
EVENTS_SHOWN, EFFECTS_SHOWN = 4, 5
#: The prefix of a text that belongs to the one above it.
_INNER = "\t"
#: The maximum length of a sentence.
_LONGEST = 2000


def insights(
    context: typer.Context,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show changes, releases and projections.

    Prints the same texts and numbers as the site. `--json` prints five documents of the API by name:
    insights, rollups, signals, events, projections.
    """
    from cmetrics.cli.configuration import announce_default_catalog, load_configuration
    from cmetrics.cli.output import print_json, print_result, stdout
    from cmetrics.domain import formats
    from cmetrics.insight_documents import build_all
    from cmetrics.locales import load_formats
    from cmetrics.queries import Queries
    from cmetrics.site.publish import build_time
    from cmetrics.sources import SPECS
    from cmetrics.store.lance_store import LanceStore

    settings, catalog = load_configuration(db, config)
    now = build_time(os.environ, get_runtime(context).clock())
    with formats.use(load_formats(catalog.lang)):
        found = Queries(LanceStore.open(settings.store), catalog, SPECS, now=now).findings()
    announce_default_catalog(settings, catalog, quiet=quiet)()
    if json:
        print_json(build_all(found))
    elif not quiet:
        console = stdout()
        width = min(console.width, WIDEST) if console.is_terminal else PLAIN_WIDTH
        for heading, texts in describe(found):
            for line in (heading, *(bullet for text in texts for bullet in _bullet(text, width))):
                print_result(line)


def describe(found: Findings) -> Iterator[tuple[str, list[str]]]:
    """Yield the headings of the output, each with its texts."""
    insights = found.insights
    yield f"As of {insights.as_of} (UTC)", []
    moved = [*(item.text for item in insights.items)]
    yield from _section("What changed", moved or ["Nothing unusual."])
    told = set(moved)
    yield from _section("Signals", [signal.text for signal in insights.signals if signal.text not in told])
    for direction in dict.fromkeys(mover.direction for mover in insights.movers):
        texts = [mover.text for mover in insights.movers if mover.direction is direction and mover.text not in told]
        yield from _section(f"Movers, {direction.value}", texts)
    yield from _section("Releases and events", _events(found), most=EVENTS_SHOWN * (EFFECTS_SHOWN + 2) + 1)
    notes = reversed(found.notes)
    yield from _section("Notes", [f"{note.day} Note by {note.author}: {note.text}" for note in notes])
    yield from _section("Running month", [projection.text for projection in insights.projections])
    yield from _section("Next milestones", [milestone.text for milestone in insights.milestones])
    yield from _section("Not judged", [omission.text for omission in insights.omissions])


def _events(found: Findings) -> Iterator[str]:
    """Yield the newest events, each followed by the changes of its products' metrics."""
    newest = sorted(found.events, key=lambda event: (event.day, event.label), reverse=True)
    for event in newest[:EVENTS_SHOWN]:
        yield f"{event.day} {event.label}"
        effects = [effect for effect in found.insights.effects if effect.event.identifier == event.identifier]
        for effect in effects[:EFFECTS_SHOWN]:
            yield f"{_INNER}{effect.text}"
        if len(effects) > EFFECTS_SHOWN:
            yield f"{_INNER}and {len(effects) - EFFECTS_SHOWN} more metrics"
    if len(newest) > EVENTS_SHOWN:
        yield f"and {len(newest) - EVENTS_SHOWN} earlier; use `--json` for all"


def _section(title: str, texts: Iterable[str], *, most: int = SHOWN) -> Iterator[tuple[str, list[str]]]:
    """Yield an empty line, a heading and its texts; nothing if there are no texts."""
    texts = list(texts)
    shown = texts[:most]
    if len(texts) > most:
        shown.append(f"and {len(texts) - most} more; use `--json` for all")
    if shown:
        yield "", []
        yield title, shown


def _bullet(text: str, width: int) -> list[str]:
    """Return the lines of a text, at most ``width`` wide unless a word is longer."""
    indent = "      " if text.startswith(_INNER) else "  "
    return textwrap.wrap(
        sanitize(text, limit=_LONGEST),
        width,
        initial_indent=f"{indent}- ",
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
