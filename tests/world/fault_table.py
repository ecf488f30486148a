"""Reproduce the effect of every fault: ``python -m tests.world.fault_table`` writes `docs/explanation/faults.md`.

Sockets, services, store and code are real; only pauses are skipped. Each row is a night on which two services fail,
a night on which the other two fail, and a night without a fault, on a store that already has a year of values.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cmetrics.cli.exit_codes import RUN_EXITS
from cmetrics.domain.plural import plural
from cmetrics.domain.run import RunSummary
from tests.conftest import catalog_text, daily
from tests.world import faults, machine_faults
from tests.world.nights import Nights
from tests.world.runtime import fast_clock
from tests.world.services import Fault, Services
from tests.world.truth import CRATES, DAY, GITHUB, NPM, PYPI, World

FILE = Path(__file__).parents[2] / "docs" / "explanation" / "faults.md"
COMMAND = "uv run --group dev python -m tests.world.fault_table"
#: In the past, so that every run gives the same result.
TODAY = date(2026, 11, 20)
SUBJECTS = (("pypistats", "pylance"), ("cratesio", "lance"), ("npm", "@lancedb/lancedb"), ("github", "lancedb/lancedb"))
METRICS = {PYPI: "downloads:p:python", CRATES: "downloads:p:rust", NPM: "downloads:p:nodejs", GITHUB: "stars:p:github"}
#: The same metrics in the default catalogue of the world; its Python metric includes mirrors.
THEIRS = ("downloads:lance:python", "downloads:lance:rust", "downloads:lancedb:nodejs", "stars:lancedb:github")
#: The services that fail on each of the two nights.
HALVES = ((PYPI, NPM), (CRATES, GITHUB))


@dataclass(frozen=True)
class Case:
    """A fault of a service, and how to cause it if a changed response is not enough."""

    fault: Fault | None
    #: The attribute of Services that lists the hosts with this fault.
    hosts: str = ""
    #: Speed up time, because the fault is a missing response.
    slow: bool = False


HTML = "<!DOCTYPE html><html><body>Just a moment...</body></html>"
CASES: dict[str, Case] = {
    "500": Case(faults.server_error),
    "502 with an HTML page": Case(faults.responds_with("<html><h1>502 Bad Gateway</h1></html>", 502, "text/html")),
    "503, Retry-After: 10 s": Case(
        faults.responds_with("503 TEMPORARILY DISABLED", 503, "text/plain", Retry_After="10")
    ),
    "503, Retry-After: 1 h": Case(faults.responds_with("", 503, "text/plain", Retry_After="3600")),
    "401": Case(faults.responds_with('{"message":"Bad credentials"}', 401)),
    "403": Case(faults.responds_with('{"message":"Forbidden"}', 403)),
    "404": Case(faults.responds_with('{"message":"Not Found"}', 404)),
    "429 without Retry-After": Case(faults.responds_with("error code: 1015", 429, "text/plain"), slow=True),
    "429, Retry-After: 2 s, repeatedly": Case(faults.responds_with("slow down", 429, "text/plain", Retry_After="2")),
    "429, Retry-After: 1 h": Case(faults.slow_down_for_an_hour),
    "204 without a body": Case(faults.responds_with("", 204)),
    "host unreachable": Case(None, hosts="unreachable"),
    "certificate of another authority": Case(None, hosts="impostors"),
    "connection reset": Case(faults.reset),
    "no response": Case(faults.hang, slow=True),
    "very slow response": Case(faults.trickle, slow=True),
    "truncated body": Case(faults.truncate),
    "truncated body with a matching Content-Length": Case(faults.half_body),
    "empty body": Case(faults.responds_with("")),
    "HTML page with status 200": Case(faults.html),
    "HTML page declared as JSON": Case(faults.responds_with(HTML)),
    "bare JSON number": Case(faults.bare_number),
    "unexpected JSON structure": Case(faults.other_shape),
    "JSON nested 100,000 levels deep": Case(faults.responds_with("[" * 100_000)),
    "invalid UTF-8": Case(faults.invalid_utf8),
    "counts as strings": Case(faults.wrong_types),
    "negative counts": Case(faults.negative),
    "counts larger than 64 bits": Case(faults.counts_as("9" * 25)),
    "fractional counts": Case(faults.counts_as("1.5")),
    "NaN counts": Case(faults.counts_as("NaN")),
    "null counts": Case(faults.counts_as("null")),
    "duplicate days": Case(faults.duplicate_days),
    "future days": Case(faults.future_days),
    "missing weeks": Case(faults.gaps),
    "no days": Case(faults.no_days),
    "all counts zero": Case(faults.counts_as("0")),
    "response for another package": Case(faults.other_subject),
    "redirect to another host": Case(faults.redirects_elsewhere),
    "redirect into the private network": Case(faults.redirects_to("http://169.254.169.254/latest/meta-data/")),
    "redirect to a file": Case(faults.redirects_to("file:///etc/passwd")),
    "redirect loop": Case(faults.redirect_loop),
    "9 MiB body": Case(faults.endless),
    "64 KB that decompress to 64 MiB": Case(faults.bomb),
    "invalid gzip": Case(faults.responds_with(b"\x1f\x8bnot gzip", Content_Encoding="gzip")),
}


def describe_outcome(summary: RunSummary, metric_id: str) -> str:
    """Return what a run reports about one metric, without parts that the column heading implies."""
    outcome = next(outcome for outcome in summary.metrics if outcome.metric_id == metric_id)
    texts = (*summary.warnings, *summary.anomalies)
    text = outcome.error or "; ".join(text for text in texts if re.search(rf"(^|\W){metric_id}(\W|$)", text))
    if not text:
        return (
            f"{outcome.pending_days} {'day' if outcome.pending_days == 1 else 'days'} pending"
            if outcome.pending_days
            else "–"
        )
    text = text.removeprefix(f"{metric_id}: ")
    text = re.sub(
        r"(pypistats\.org|crates\.io|api\.npmjs\.org|api\.github\.com) /"
        r"\S*?(?=: | redirects| sent| did| ended| lists|$)",
        "…",
        text,
    )
    text = re.sub(
        r"(pypistats\.org|crates\.io|api\.npmjs\.org|api\.github\.com), "
        r"(package [^\s,:]+|crate [^\s,:]+|repository [^\s,:]+|whole registry|all packages)",
        "…",
        text,
    )
    text = re.sub(r" \(_ssl\.c:\d+\)", "", re.sub(r"\d{4}-\d\d-\d\d", "DAY", text))
    text = re.sub(r"version \d+", "a version", text)
    return text.replace("|", "\\|").replace("<", "&lt;")


@dataclass
class StoreCopy:
    """A store, and the values that it should contain."""

    nights: Nights
    expected: dict[str, dict[date, int]]

    def stored(self) -> dict[str, dict[date, int]]:
        return daily(self.nights.all_rows())

    def expect(self) -> None:
        """Add the values that the services show today to the expected ones."""
        truth = self.nights.world.expected()
        for metric_id, other in zip(METRICS.values(), THEIRS, strict=True):
            days = truth[other]
            if metric_id == METRICS[PYPI]:
                days = {day: self.nights.world.pypi["pylance", False][day] for day in days}
            self.expected[metric_id] = self.expected.get(metric_id, {}) | days


class StoreTemplate:
    """A store after its first night, which can be copied any number of times."""

    def __init__(self, services: Services, folder: Path) -> None:
        self._services = services
        self._folder = folder
        self._copies = 0
        self._original = self._first()
        self._world = deepcopy(services.world)

    def _first(self) -> StoreCopy:
        catalog = self._folder / "cmetrics.toml"
        catalog.write_text(catalog_text(*SUBJECTS))
        nights = Nights(self._services.world, self._services, self._folder / "first", catalog)
        nights.begin(TODAY)
        nights.refresh()
        copy = StoreCopy(nights, {})
        copy.expect()
        assert copy.stored() == copy.expected
        return copy

    def copy(self) -> StoreCopy:
        """Return a copy of the store on the morning after the first night, with the world of that day."""
        self._copies += 1
        first, folder = self._original.nights, self._folder / str(self._copies)
        shutil.copytree(first.folder, folder)
        self._services.world = deepcopy(self._world)
        nights = Nights(self._services.world, self._services, folder, first.catalog, dict(first._future_stars))
        return StoreCopy(nights, deepcopy(self._original.expected))


def reproduce(name: str, copy: StoreCopy) -> str:
    """Reproduce one fault and return its row."""
    case, nights = CASES[name], copy.nights
    cells: dict[str, str] = {}
    exits: list[int] = []
    touched: list[str] = []
    for half in HALVES:
        nights.sleep()
        before = nights.all_rows()
        _set(case, nights, half)
        with fast_clock(is_enabled=case.slow):
            summary = nights.refresh()
        _set(Case(None, case.hosts), nights, ())
        exits.append(RUN_EXITS[summary.status])
        after = nights.all_rows()
        run = nights.store.runs()[0]
        failed = [outcome.metric_id for outcome in summary.metrics if outcome.error]
        assert (run.status, run.finished_at) == (summary.status.value, nights.now())
        assert all(f"{metric_id}: " in (run.error_summary or "") for metric_id in failed)
        for host, metric_id in METRICS.items():
            metric_rows = [[row for row in rows if row.metric_id == metric_id] for rows in (before, after)]
            if host in half:
                cells[host] = describe_outcome(summary, metric_id)
                if metric_rows[0] != metric_rows[1]:
                    touched.append(_difference(host, copy, metric_id))
            else:
                outcome = next(outcome for outcome in summary.metrics if outcome.metric_id == metric_id)
                assert outcome.error is None, f"{name}: {metric_id} fails together with other metrics: {outcome.error}"
    nights.sleep()
    nights.refresh()
    copy.expect()
    stored = copy.stored()
    wrong = {
        metric_id: sum(days.get(day) != value for day, value in copy.expected[metric_id].items())
        + len(days.keys() - copy.expected[metric_id].keys())
        for metric_id, days in stored.items()
    }
    healed = "correct" if not any(wrong.values()) else _wrong(wrong)
    exit_codes = " / ".join(map(str, dict.fromkeys(exits)))
    return " | ".join((name, *(cells[host] for host in METRICS), exit_codes, "; ".join(touched) or "unchanged", healed))


def _set(case: Case, nights: Nights, hosts: tuple[str, ...]) -> None:
    nights.world.faults = dict.fromkeys(hosts, case.fault) if case.fault else {}
    if case.hosts:
        setattr(nights.services, case.hosts, set(hosts))


def _difference(host: str, copy: StoreCopy, metric_id: str) -> str:
    """Return whether the values stored despite the fault are correct."""
    truth = copy.expected[metric_id]
    before = StoreCopy(copy.nights, {})
    before.expect()
    stored = copy.stored()[metric_id]
    known = truth | before.expected[metric_id]
    false = sum(known.get(day) != value for day, value in stored.items())
    return f"{host}: {false} wrong" if false else f"{host}: correct values stored"


def _wrong(wrong: dict[str, int]) -> str:
    hosts = {metric_id: host for host, metric_id in METRICS.items()}
    return "; ".join(f"{hosts[metric_id]}: {plural(count, 'day')} wrong" for metric_id, count in wrong.items() if count)


HEAD = f"""# Faults and their effects

What happens when a service, the machine or the store misbehaves. Every row below is reproduced by
`tests/system/test_fault_table.py`; the page is written by `{COMMAND}`.

## Summary

Faults with the same effect share a row. Exit code 3 stands for a night in which two of the four services fail: the
other two are stored as usual.

"""
SERVICE_HEAD = """
## A service misbehaves

Two services fail on one night, and the other two on the next. Values of the other services are stored as usual. In
messages, “…” stands for the service and the request, and “–” means that nothing is reported. The last column compares
the store with the true values, day by day, after one more night without the fault.

"""
COLUMNS = (
    "Fault | pypistats.org | crates.io | api.npmjs.org | api.github.com | Exit code | Stored rows | The next night"
)


TROUBLE_HEAD = """
## The machine or the store misbehaves

In messages, “…” stands for the working directory and DAY for a date or a time. “Restored from an export” means that
the store was recovered as the message says. After a night without Date headers, five more nights pass before the
store is compared.

"""
TROUBLE_COLUMNS = "Fault of the machine | Command | Exit code | Message | Stored rows | The next night"


def table(head: str, rows: list[str]) -> str:
    """Return a Markdown table."""
    rule = "|".join(["---"] * (head.count(" | ") + 1))
    return "\n".join(f"| {line} |" if line is not rule else f"|{rule}|" for line in (head, rule, *rows)) + "\n"


def committed() -> dict[str, str]:
    """Return the rows of the page by their first cell, without those of the summary."""
    text = FILE.read_text(encoding="utf-8").partition(SERVICE_HEAD)[2]
    lines = [line[2:-2] for line in text.splitlines() if line.startswith("| ")]
    return {line.split(" | ")[0]: line for line in lines}


SUMMARY_COLUMNS = "Fault | Exit code | Stored rows | The next night"


def summarize(rows: Iterable[str]) -> str:
    """Return the rows without messages, as a table: faults with the same effect share a row."""
    alike: dict[str, list[str]] = {}
    for row in rows:
        name, *cells = row.split(" | ")
        code, stored, healed = cells[4:7] if name in CASES else (cells[1], *cells[3:5])
        alike.setdefault(f"{code} | {stored} | {healed}", []).append(name)
    return table(SUMMARY_COLUMNS, [f"{'; '.join(names)} | {outcome}" for outcome, names in alike.items()])


def render_page(faults_rows: list[str], trouble_rows: list[str]) -> str:
    """Return the page."""
    summary = summarize([*faults_rows, *trouble_rows])
    services, machines = table(COLUMNS, faults_rows), table(TROUBLE_COLUMNS, trouble_rows)
    return f"{HEAD}{summary}{SERVICE_HEAD}{services}{TROUBLE_HEAD}{machines}"


@contextmanager
def _reached(world: World) -> Iterator[tuple[Services, Path]]:
    """Run services in an environment in which commands reach them. Yield them and a folder."""
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder, Services(world, Path(folder)) as services:
        for name in ("GITHUB_TOKEN", "http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
            os.environ.pop(name, None)
        os.environ.update(services.env())
        try:
            yield services, Path(folder)
        finally:
            os.environ.clear()
            os.environ.update(environment)


@contextmanager
def simulated_services() -> Iterator[StoreTemplate]:
    """Run services that can misbehave, and yield the store to copy."""
    with _reached(World.default(TODAY + 30 * DAY)) as (services, folder):
        yield StoreTemplate(services, folder)


@contextmanager
def machine_template() -> Iterator[machine_faults.MachineTemplate]:
    """Run services for faults of machines, and yield the machine to copy. The command uses the current day."""
    with _reached(World.default()) as (services, folder):
        yield machine_faults.MachineTemplate(services, folder)


def write() -> None:
    """Reproduce every fault and write the page."""
    with simulated_services() as store_template:
        rows = [reproduce(name, store_template.copy()) for name in CASES]
    with machine_template() as template:
        more = [machine_faults.reproduce(name, template.machine()) for name in machine_faults.MACHINE_FAULTS]
    FILE.write_text(render_page(rows, more), encoding="utf-8")


def main(names: list[str]) -> None:
    """Print the rows of ``names``, or write the page."""
    if not names:
        write()
        return
    with simulated_services() as store_template:
        for name in filter(CASES.__contains__, names):
            print(f"| {reproduce(name, store_template.copy())} |")
    with machine_template() as template:
        for name in filter(machine_faults.MACHINE_FAULTS.__contains__, names):
            print(f"| {machine_faults.reproduce(name, template.machine())} |")


if __name__ == "__main__":
    main(sys.argv[1:])
