"""The build of a site, and the time of a build."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cmetrics.domain.errors import UsageError
from cmetrics.site.publish import build_time

NOW = datetime(2026, 11, 23, 9, 5, 7, 123, tzinfo=UTC)


def test_build_time_now() -> None:
    """Without the variable, it is the current second."""
    assert build_time({}, NOW) == build_time({"SOURCE_DATE_EPOCH": " "}, NOW) == NOW.replace(microsecond=0)


def test_build_time_named() -> None:
    """The variable has precedence over the clock."""
    assert build_time({"SOURCE_DATE_EPOCH": " 1800000000\n"}, NOW) == datetime(2027, 1, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["x", "1.5", "-1", "0", "315532799", "7258118400", "9" * 30])
def test_build_time_refused(text: str) -> None:
    """An invalid or impossible time is a usage error that names the variable."""
    with pytest.raises(UsageError, match=r"^SOURCE_DATE_EPOCH: "):
        build_time({"SOURCE_DATE_EPOCH": text}, NOW)
