from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from types import FrameType, FunctionType

import pytest

from cmetrics.domain.days import DAY, Span
from cmetrics.domain.run import RunStatus
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.progress import NoProgress
from cmetrics.ingest.run import backfill, refresh
from cmetrics.store.lance_store import LanceStore
from tests.world.nights import Nights


def over_midnight(nights: Nights) -> RunContext:
    """Return the context of a run that starts 30 seconds before midnight; its first request is on the next day."""
    before = datetime.combine(nights.world.today, time(23, 59, 30), UTC)
    context = nights.context()
    today = nights.world.today

    async def sleep(seconds: float) -> None:
        if nights.world.today == today:
            nights.sleep()
        await context.sleep(seconds)

    def clock() -> datetime:
        return before if nights.world.today == today else before + timedelta(minutes=1)

    return replace(context, now=before, clock=clock, sleep=sleep)


@pytest.mark.parametrize("job", ["refresh", "backfill"])
def test_a_run_across_midnight_has_one_day(nights: Nights, job: str):
    """Days, rows, revisions and run belong to the day on which the run began."""
    nights.begin(nights.world.today - 9 * DAY)
    nights.refresh()
    nights.sleep()
    context = over_midnight(nights)
    started_on = context.now.date()
    last = started_on - DAY
    summary = refresh(context) if job == "refresh" else backfill(context, Span(last - 9 * DAY, last))
    assert nights.world.today == started_on + DAY
    assert summary.status is RunStatus.SUCCESS
    rows = [row for row in nights.rows() if row.ingestion_run_id == summary.run_id]
    assert rows
    assert {row.observed_at for row in rows} == {context.now}
    assert max(row.period_end for row in rows) == last
    assert {revision.observed_at for revision in nights.store.revisions()} <= {context.now}
    (run,) = [run for run in nights.store.runs() if run.ingestion_run_id == summary.run_id]
    assert run.started_at == context.now
    assert run.finished_at == context.now + timedelta(minutes=1)


def test_progress_is_reported_in_the_order_of_the_protocol(nights: Nights):
    """The plan is reported first, then every metric, and storing last."""
    events = []

    class Recorder(NoProgress):
        def planned(self, requests):
            events.append(f"planned {len(requests)}")

        def fetched(self, metric, outcome):
            events.append("fetched")

        def storing(self):
            events.append("storing")

    refresh(replace(nights.context(), progress=Recorder()))
    assert events == ["planned 7", *["fetched"] * 7, "storing"]


@contextmanager
def interrupt_after(function: FunctionType, times: int = 1) -> Iterator[None]:
    """Raise KeyboardInterrupt when ``function`` returns for the first time, or the ``times``-th time."""
    returns = 0

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal returns
        returns += event == "return" and frame.f_code is function.__code__
        if returns == times:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGINT)

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize(("job", "merge"), [("refresh", 1), ("backfill", 1), ("backfill", 2)])
def test_interrupted_between_merge_and_count(nights: Nights, job: str, merge: int):
    """The row of the run counts what was stored, both in the only merge of a night and in those of a backfill."""
    context = nights.context()
    with pytest.raises(KeyboardInterrupt), interrupt_after(LanceStore.upsert_observations, merge):
        if job == "refresh":
            refresh(context)
        else:
            backfill(context, Span(context.last_day - 300 * DAY, context.last_day), deep=True, store_interval=0.0)
    (run,) = nights.store.runs()
    assert (run.status, run.error_summary) == (RunStatus.FAILED, "interrupted")
    assert run.rows_inserted == len(nights.all_rows()) > 0


def test_interrupted_when_the_result_is_stored(nights: Nights):
    """A run whose result is stored is not recorded as interrupted afterwards."""
    with pytest.raises(KeyboardInterrupt), interrupt_after(LanceStore.save_run, times=2):
        refresh(nights.context())
    (run,) = nights.store.runs()
    assert (run.status, run.error_summary) == (RunStatus.SUCCESS, None)
