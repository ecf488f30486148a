from __future__ import annotations

from cmetrics.domain.plural import plural


def test_one_and_many():
    assert [plural(n, "metric") for n in (0, 1, 2, 2000)] == ["0 metrics", "1 metric", "2 metrics", "2,000 metrics"]
    assert [plural(n, "retry", "retries") for n in (1, 2)] == ["1 retry", "2 retries"]
