"""Shared fixtures: simulated services, folders in which commands run, and the stores there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage
from hypothesis import is_hypothesis_test, settings

from cmetrics.domain.days import Span
from cmetrics.domain.observation import Observation
from cmetrics.domain.redaction import isolated_secrets
from cmetrics.domain.run import Run
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from tests import depth
from tests.world import fork_server
from tests.world.services import Services
from tests.world.truth import World

#: The factor by which `-m long` increases the number of examples of property tests.
DEEP = 10
ALWAYS = Span(date(2000, 1, 1), date(2100, 1, 1))
#: The only variables of this process that a command under test inherits.
INHERITED_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
COMMAND = Path(sys.executable).parent / "cmetrics"


def pytest_configure(config: pytest.Config) -> None:
    """Run property tests with many more examples under `-m long`.

    A shell that runs the tests in the background ignores Ctrl-C; commands under test must not inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # On a busy machine any example may take long; the time of a test is bounded elsewhere.
    settings.register_profile("tests", deadline=None)
    settings.load_profile("tests")
    if config.option.markexpr == "long":
        settings.register_profile("deep", deadline=None, max_examples=100 * DEEP)
        settings.load_profile("deep")
        os.environ[depth.VARIABLE] = str(DEEP)


def pytest_itemcollected(item: pytest.Item) -> None:
    if depth.deep(1) > 1 and is_hypothesis_test(getattr(item, "obj", None)):
        item.add_marker("long")


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests() -> Iterator[None]:
    with isolated_secrets():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Do not measure coverage in property tests: hundreds of examples would make the run half as long again."""
    coverage = Coverage.current() if is_hypothesis_test(getattr(item, "obj", None)) else None
    if coverage is None:
        return (yield)
    coverage.stop()
    try:
        return (yield)
    finally:
        coverage.start()


@pytest.fixture
def world() -> World:
    return World.default()


@pytest.fixture
def services(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with Services(world, tmp_path_factory.mktemp("authority")) as running:
        yield running


@dataclass
class Workspace:
    """A folder in which commands are run, and the environment variables that they get."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    #: How commands tell the time; see `tests.world.runtime.build`. Without it, they never sleep.
    runtime: dict[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        inherited = {k: os.environ[k] for k in INHERITED_VARIABLES if k in os.environ}
        return inherited | {"CMETRICS_CACHE": str(self.cache)} | self.env

    @property
    def cache(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-cache")

    def start(self, *args: str) -> fork_server.Process:
        """Start the command in a process forked from one that has imported everything."""
        return fork_server.start(args, cwd=self.folder, env=self.environment, runtime=self.runtime)

    def start_installed(self, *args: str) -> subprocess.Popen[str]:
        """Start the installed command."""
        return subprocess.Popen(
            [str(COMMAND), *args],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args: str, code: int | None = 0, installed: bool = False) -> subprocess.CompletedProcess[str]:
        process = self.start_installed(*args) if installed else self.start(*args)
        out, err = process.communicate(timeout=240)
        done = subprocess.CompletedProcess(args, process.returncode, out, err)
        assert "Traceback" not in err, err
        assert code is None or done.returncode == code, f"exit {done.returncode}\n{out}\n{err}"
        return done

    def json(self, *args: str, code: int | None = 0) -> dict:
        out = self.run(*args, "--json", code=code).stdout
        assert out.count("\n") == 1, "exactly one object on stdout"
        return json.loads(out)

    @property
    def store(self) -> LanceStore:
        return LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(self.folder / "data" / "lancedb")))

    @property
    def runs(self) -> list[Run]:
        """Return the runs, newest first."""
        return self.store.runs(datetime(2000, 1, 1, tzinfo=UTC))

    def rows(self) -> list[Observation]:
        store = self.store
        return store.observations(sorted(store.metric_ids()), ALWAYS)

    def daily(self) -> dict[str, dict[date, int]]:
        """Return all stored values except seeded snapshots."""
        return daily(self.rows())


def daily(rows: list[Observation]) -> dict[str, dict[date, int]]:
    values: dict[str, dict[date, int]] = {}
    for row in rows:
        if not row.is_seed:
            values.setdefault(row.metric_id, {})[row.period_end] = row.value
    return values


@pytest.fixture
def workspace(tmp_path: Path, services: Services) -> Workspace:
    # Commands that never sleep exceed the rate limits of the services.
    services.world.limits = False
    folder = tmp_path / "workspace"
    folder.mkdir()
    return Workspace(folder, services.env())


@pytest.fixture
def offline(tmp_path: Path) -> Workspace:
    """Return a folder whose commands cannot reach any service: the port of the proxy is closed."""
    folder = tmp_path / "offline"
    folder.mkdir()
    return Workspace(folder, {"HTTPS_PROXY": "http://127.0.0.1:9"})


def truth(world: World, rows: list[Observation], *, full: bool = False) -> dict[str, dict[date, int]]:
    """Return the values that a refresh or full backfill of this world stores, except days with a seeded snapshot."""
    seeds = {row.key for row in rows if row.is_seed}
    return {
        metric_id: {day: value for day, value in days.items() if (metric_id, day) not in seeds}
        for metric_id, days in (world.full() if full else world.expected()).items()
    }


def catalog_text(*subjects: tuple[str, str], **extra: str) -> str:
    """Return the text of a cmetrics.toml with one product and these ``(source, subject)`` pairs."""
    lines = ['contact = "https://example.com/contact"', "[[products]]", 'id = "p"', 'title = "P"']
    for source, subject in subjects:
        lines += ["[[metrics]]", 'product = "p"', f'source = "{source}"', f'subject = "{subject}"']
        lines += [f"{key} = {value}" for key, value in extra.items() if source != "github"]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail("no Chromium on this machine; install Debian's package chromium")
    pytest.skip("no Chromium on this machine; install Debian's package chromium")
