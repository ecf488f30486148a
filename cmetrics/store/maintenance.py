"""What a table needs after a run, where no cluster does it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from lancedb.index import BTree

#: A nightly run makes two versions, the merge and its compaction. With three kept, the files of the
#: version before the run stay too: who was in the middle of a read finishes it, and a reader that is
#: slower than two runs starts over. More would be paid for in disk: every compaction writes the
#: table anew.
KEPT_VERSIONS: Final = 3
#: From so many rows on, finding one metric by reading all of them costs more than an index: 46 ms
#: against 5 ms at 730,000 rows. Below, the index would be the larger part of the store.
INDEX_FROM_ROWS: Final = 200_000


def optimize(table: Any, *, index: str | None) -> None:
    """Merge small files, drop versions nobody reads any more, and keep a large table's ``index`` column indexed.

    Raises what lancedb raises.
    """
    if index is not None and table.count_rows() >= INDEX_FROM_ROWS and not table.list_indices():
        table.create_index(index, config=BTree())
    table.optimize(cleanup_older_than=_age_of_version(table, KEPT_VERSIONS))


def _age_of_version(table: Any, kept: int) -> timedelta:
    """Return the age of the ``kept``-th newest version; older ones may be removed."""
    stamps: list[datetime] = sorted((version["timestamp"] for version in table.list_versions()), reverse=True)
    if len(stamps) <= kept:
        return timedelta(days=7)
    stamp = stamps[kept - 1]
    age: timedelta = datetime.now(stamp.tzinfo) - stamp
    return max(age, timedelta(milliseconds=1))
