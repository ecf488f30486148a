"""The input of the monthly reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from cmetrics.analytics.columns import SeriesTable
from cmetrics.catalog import Catalog
from cmetrics.domain.metric import Event, SourceSpec
from cmetrics.domain.revision import Revision


@dataclass(frozen=True, slots=True, eq=False)
class ReportInputs:
    """The input of the reports of a store."""

    rows: SeriesTable
    revisions: tuple[Revision, ...]
    catalog: Catalog
    specs: Mapping[str, SourceSpec]
    #: Releases and events of the catalogue.
    events: tuple[Event, ...]
    now: datetime
    as_of: date
