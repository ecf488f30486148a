"""Build the site from a store: pages, documents, badges, CSV and Parquet in one folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from cmetrics.analytics.model import Publication
from cmetrics.catalog import Catalog
from cmetrics.charts.plotly_js import plotly_script
from cmetrics.domain.errors import UsageError
from cmetrics.domain.metric import SourceSpec
from cmetrics.export.data_package import (
    DESCRIPTION_FILE,
    EVENTS_FILE,
    ROLLUPS_FILE,
    STATS_CSV,
    STATS_PARQUET,
    data_package,
    events_parquet,
    rollups_parquet,
)
from cmetrics.export.tables import stats_csv
from cmetrics.queries import Queries
from cmetrics.settings import StoreTarget
from cmetrics.site.pages import Site, count_parts
from cmetrics.site.render import prepare_site, render_data, render_parts
from cmetrics.site.second_process import SecondProcess
from cmetrics.site.write import Content, StagedSite, check_folder, staged_site
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import to_parquet

#: The time of a reproducible build in seconds since 1970 (https://reproducible-builds.org/specs/source-date-epoch).
EPOCH_VARIABLE = "SOURCE_DATE_EPOCH"
_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PublishedSite:
    """A site that was written."""

    out: Path
    as_of: date
    #: Size in bytes by path.
    files: Mapping[str, int]


def publish_site(
    target: StoreTarget,
    catalog: Catalog,
    specs: Mapping[str, SourceSpec],
    out: Path,
    *,
    now: datetime,
    url: str | None = None,
    plotly_js: Path | None = None,
    second: SecondProcess | None = None,
) -> PublishedSite:
    """Render the store as of ``now``, and replace the content of ``out`` with the site.

    Pages are rendered by the ``second`` process too, if there is one.
    Raises SiteError, ConfigError or StoreError without changing anything. Only one file is in memory at a time.
    """
    check_folder(out)
    plotly = plotly_script(plotly_js)
    publication = Queries(LanceStore.open(target), catalog, specs, now=now).publication(url)
    site = prepare_site(publication, specs)
    with staged_site(out) as staged, _shared(site, staged, second) as parts:
        staged.write(_render_tables(publication))
        staged.write(render_data(publication, plotly))
        staged.write(render_parts(site, parts))
    return PublishedSite(out, publication.dashboard.as_of, staged.sizes)


def build_time(environ: Mapping[str, str], now: datetime) -> datetime:
    """Return the time of the build in whole seconds: ``SOURCE_DATE_EPOCH`` if it is set, else ``now``."""
    epoch = environ.get(EPOCH_VARIABLE, "").strip()
    if not epoch:
        return now.replace(microsecond=0)
    try:
        moment = datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        moment = None
    if moment is None or not _EARLIEST <= moment < _LATEST:
        msg = f"{EPOCH_VARIABLE}: {epoch!r} is not a number of seconds between 1980 and 2200"
        raise UsageError(msg)
    return moment


@contextmanager
def _shared(site: Site, staged: StagedSite, second: SecondProcess | None) -> Iterator[Iterable[int]]:
    """Provide the parts of the site to render here, while the second process renders the others.

    At the end of the block all parts are staged.
    """
    count = count_parts(site)
    if second is None:
        yield range(count)
        return
    try:
        yield second.share(site, count, staged.folder)
        staged.sizes |= second.result()
    except BaseException:
        # It must not write to a folder that is being removed.
        second.close()
        raise


def _render_tables(publication: Publication) -> Iterator[tuple[str, Content]]:
    board, data = publication.dashboard, publication.rows.to_arrow()
    yield STATS_CSV, stats_csv(data)
    yield STATS_PARQUET, to_parquet(data)
    if (found := publication.findings) is not None:
        yield ROLLUPS_FILE, rollups_parquet(found.insights.rollups)
        yield EVENTS_FILE, events_parquet(found.events)
        yield DESCRIPTION_FILE, data_package(board.marked_title, f"Data up to {board.as_of} (UTC).", publication.url)
