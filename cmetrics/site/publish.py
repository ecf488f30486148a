"""Build the site from a store: pages, documents, badges, CSV and Parquet in one folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path

from cmetrics.analytics.model import Publication
from cmetrics.catalog import Catalog
from cmetrics.charts.plotly_js import plotly_script
from cmetrics.domain import formats
from cmetrics.domain.errors import UsageError
from cmetrics.domain.metric import SourceSpec
from cmetrics.export.data_files import DataTable, build_stats, build_tables, encode_parquet, split_years
from cmetrics.export.data_package import DESCRIPTION_FILE, DataFile, data_package
from cmetrics.export.tables import stats_csv
from cmetrics.locales import load_formats
from cmetrics.memory import release_memory
from cmetrics.queries import Queries
from cmetrics.settings import StoreTarget
from cmetrics.site.page import Site
from cmetrics.site.pages import count_parts
from cmetrics.site.render import month_reports, prepare_site, render_data, render_parts, render_reports
from cmetrics.site.second_process import SecondProcess
from cmetrics.site.write import Content, StagedSite, check_folder, staged_site
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS

#: The time of a reproducible build in seconds since 1970 (https://reproducible-builds.org/specs/source-date-epoch).
EPOCH_VARIABLE = "SOURCE_DATE_EPOCH"
#: The folder of the data files.
_DATA = "data"
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

    Reports are built and rendered by the ``second`` process, if there is one, and pages by both.
    Raises SiteError, ConfigError or StoreError without changing anything. Only one file is in memory at a time.
    """
    check_folder(out)
    plotly = plotly_script(plotly_js)
    with formats.use(load_formats(catalog.lang)):
        queries = Queries(LanceStore.open(target), catalog, specs, now=now)
        contents = queries.contents()
        if second is not None:
            second.build_reports(contents.reports)
        publication = queries.publication(contents, url)
        release_memory()
        site = prepare_site(publication, specs)
        with staged_site(out) as staged:
            # Meanwhile, the second process builds the reports.
            staged.write(_render_tables(publication, specs))
            with _shared(site, publication, staged, second) as pages:
                staged.write(render_data(publication, plotly))
                staged.write(pages)
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
def _shared(
    site: Site,
    publication: Publication,
    staged: StagedSite,
    second: SecondProcess | None,
) -> Iterator[Iterable[tuple[str, Content]]]:
    """Provide the pages and reports to render here, while the second process renders the others.

    At the end of the block all are staged.
    """
    count = count_parts(site)
    if second is None:
        yield chain(render_reports(site, month_reports(publication)), render_parts(site, range(count)))
        return
    try:
        yield render_parts(site, *second.share(site, count, staged.folder))
        staged.sizes |= second.result()
    except BaseException:
        # The second process must not write to a folder that is being removed.
        second.close()
        raise


def _render_tables(publication: Publication, specs: Mapping[str, SourceSpec]) -> Iterator[tuple[str, Content]]:
    """Yield the data files, then their description."""
    data = publication.rows.to_arrow()
    csv = _Digest(stats_csv(data))
    yield f"{_DATA}/stats.csv", csv
    stats = build_stats(data)
    files = [DataFile(["stats.csv"], STATS.name, stats.rows.schema, stats.key, len(data), csv.size, csv.hexdigest)]
    years = []
    for year, rows in split_years(stats, "period_end"):
        years.append(f"stats/{year}.parquet")
        yield f"{_DATA}/{years[-1]}", encode_parquet(rows)
        del rows  # not in memory while the next ones are read
    if years:
        files.append(DataFile(years, STATS.name, stats.rows.schema, stats.key, len(data)))
    for table in chain((stats,), build_tables(publication)):
        content = encode_parquet(table.rows)
        yield f"{_DATA}/{table.name}.parquet", content
        files.append(_describe(table, content))
        del table  # not in memory while the next one is built
    yield DESCRIPTION_FILE, data_package(publication, specs, files)


def _describe(table: DataTable, content: bytes) -> DataFile:
    digest = hashlib.sha256(content).hexdigest()
    return DataFile(
        [f"{table.name}.parquet"], table.name, table.rows.schema, table.key, len(table.rows), len(content), digest
    )


class _Digest:
    """The parts of a file, and their size and SHA-256 once all were read."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts
        self._hash = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self._hash.update(part)
            self.size += len(part)
            yield part

    @property
    def hexdigest(self) -> str:
        """The SHA-256 of the parts read so far."""
        return self._hash.hexdigest()
