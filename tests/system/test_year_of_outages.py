"""A year with outages of everything ends with complete series and the expected issues."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from cmetrics.domain.days import day_range
from cmetrics.domain.errors import GitError, SourceError
from cmetrics.domain.run import RunStatus
from cmetrics.export.sync import pull, push
from cmetrics.export.tables import read_export
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.progress import NoProgress
from cmetrics.ingest.run import refresh
from cmetrics.ops.send_alert import Results, send_alert
from cmetrics.store.schema import decode_observations
from tests.conftest import catalog_text
from tests.depth import deep
from tests.world import faults
from tests.world.nights import Nights
from tests.world.truth import CRATES, DAY, GITHUB, NPM, PYPI

#: Nights between two runs without an outage; with `-m long`, every night has one.
STEP = 1 if deep(1) > 1 else 30
TOKEN = "ghs_0123456789"
PACKAGE, REPOSITORY = "@lancedb/lancedb", "lance-format/lance"
SUBJECTS = (("npm", PACKAGE), ("cratesio", "lance"), ("pypistats", "pylance"), ("github", REPOSITORY))
DOWNLOADS = {"downloads:p:nodejs": (NPM, 730), "downloads:p:rust": (CRATES, 89), "downloads:p:python": (PYPI, 181)}
HOOK = "#!/bin/sh\necho 'error: GH006: Protected branch update failed for refs/heads/data.' >&2\nexit 1\n"


@dataclass
class Machine:
    """The machine that runs pull, refresh, push and alert every night."""

    nights: Nights
    remote: Path
    #: Distinct warnings in the order of the nights.
    warnings: dict[str, None] = field(default_factory=dict)
    refusals: dict[str, None] = field(default_factory=dict)
    #: `(days since the beginning, action, title)`.
    issues: list[tuple[int, str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begun = self.nights.world.today
        self.result = self.nights.folder / "push.json"

    @property
    def clone(self) -> Path:
        return self.nights.folder / "ledger"

    @property
    def day(self) -> int:
        return (self.nights.world.today - self.begun).days

    def context(self) -> RunContext:
        context = self.nights.context()
        return replace(context, settings=replace(context.settings, github_token=SecretStr(TOKEN)))

    def night(self) -> RunStatus:
        context = self.context()
        now, settings, progress = context.now, context.settings, NoProgress()
        pull(settings, self.clone, remote=str(self.remote), branch=None, now=now, progress=progress)
        summary = refresh(context)
        self.warnings |= dict.fromkeys(summary.warnings)
        document: dict[str, object] = {}
        try:
            push(settings, self.clone, allow_loss=False, now=now, progress=progress, sleep=lambda _: None)
        except GitError as error:
            document = {"error": {"message": error.message, "hint": error.hint, "exit_code": 1}}
        self.result.write_text(json.dumps(document))
        try:
            sent = send_alert(
                settings.store.uri,
                self.nights.catalog,
                results=Results(push=self.result),
                off=False,
                max_age_days=3,
                now=now,
            )
        except SourceError as error:
            self.refusals[str(error)] = None
        else:
            if sent.action != "none":
                self.issues.append((self.day, sent.action.value, sent.title))
        return summary.status

    def live_until(self, day: int, step: int = 1) -> set[RunStatus]:
        """Run every ``step`` nights and on the last one. Return the statuses of the runs."""
        ends = set()
        while self.day < day:
            self.nights.sleep(min(step, day - self.day))
            ends.add(self.night())
        return ends

    def stored(self) -> dict[str, dict[date, int]]:
        """Return the values on the branch."""
        stored: dict[str, dict[date, int]] = {}
        for row in decode_observations(read_export(self.clone).stats):
            stored.setdefault(row.metric_id, {})[row.period_end] = row.value
        return stored


@pytest.fixture
def machine(nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    nights.begin(nights.world.today - 365 * DAY)
    nights.catalog = tmp_path / "cmetrics.toml"
    nights.catalog.write_text(catalog_text(*SUBJECTS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_REPOSITORY", nights.world.project.name)
    monkeypatch.setenv("HOME", str(tmp_path))
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", remote], check=True)
    return Machine(nights, remote)


def test_a_year_of_outages_ends_with_complete_series(machine: Machine):
    """A package, a branch, a token and all services are unavailable for a while; a repository is renamed."""
    world = machine.nights.world
    quiet = {RunStatus.SUCCESS}
    machine.night()
    assert machine.live_until(60, STEP) == quiet

    # The package is removed, and published again after four days.
    package = world.npm.pop(PACKAGE)
    assert machine.live_until(64) == {RunStatus.PARTIAL}
    world.npm[PACKAGE] = package
    assert machine.live_until(65) == quiet
    assert machine.live_until(120, STEP) == quiet

    repository = world.repositories[REPOSITORY]
    repository.full_name = world.renamed[REPOSITORY] = "lance-format/lance-next"
    assert machine.live_until(160, STEP) == quiet

    # A rule rejects the data branch, and is repaired after two nights.
    hook = machine.remote / "hooks" / "pre-receive"
    hook.write_text(HOOK)
    hook.chmod(0o755)
    assert machine.live_until(162) == quiet
    assert machine.stored()["downloads:p:rust"].keys() >= {world.yesterday}, "committed, not pushed"
    hook.unlink()
    assert machine.live_until(163) == quiet
    assert machine.live_until(220, STEP) == quiet

    # The token is revoked: everything is collected without it, but no issue can be opened.
    world.rejected_tokens.add(TOKEN)
    assert machine.live_until(222) == quiet
    world.rejected_tokens.clear()
    assert machine.live_until(260, STEP) == quiet

    # All services are down. On the first nights, the token may not write issues.
    world.project.may_write_issues = False
    world.faults = dict.fromkeys((PYPI, CRATES, NPM), faults.server_error)
    world.faults[GITHUB] = faults.for_path(f"/repos/{REPOSITORY.partition('/')[0]}", faults.server_error)
    assert machine.live_until(263) == {RunStatus.FAILED}
    world.project.may_write_issues = True
    assert machine.live_until(264) == {RunStatus.FAILED}
    world.faults = {}
    assert machine.live_until(265) == quiet
    assert machine.live_until(365, STEP) == quiet

    stale, push_failed = "cmetrics: 1 metric is stale", "cmetrics: the store could not be pushed to the data branch"
    down = "cmetrics: no successful run for 3 nights and 4 metrics are stale"
    assert machine.issues == [
        (63, "opened", stale),
        (65, "closed", None),
        (161, "opened", push_failed),
        (163, "closed", None),
        (264, "opened", down),
        (265, "closed", None),
    ]
    assert [(issue["state"], issue["title"]) for issue in world.project.issues] == [
        ("closed", stale),
        ("closed", push_failed),
        ("closed", down),
    ]
    refused = [text.partition(", response")[0] for text in machine.refusals]
    where = f"api.github.com /repos/{world.project.name}/issues"
    assert refused == [f"{where}: refused (401)", f"{where}: refused (403)"], "with the reason, and once each"
    assert [text.partition(";")[0] for text in machine.warnings] == [
        "stars:p:github: lance-format/lance is now lance-format/lance-next (repository id 700000)",
        "GitHub refused GITHUB_TOKEN (401), so it is no longer sent",
    ]
    check_series(machine)


def check_series(machine: Machine) -> None:
    """Check that store and branch have every day that a source has shown since the first night."""
    world, stored = machine.nights.world, machine.stored()
    truth = {
        "downloads:p:nodejs": world.npm[PACKAGE],
        "downloads:p:rust": world.crates["lance"],
        "downloads:p:python": world.pypi["pylance", False],
    }
    for metric_id, (host, reach) in DOWNLOADS.items():
        first = machine.begun - reach * DAY
        assert stored[metric_id] == {
            day: value
            for day, value in truth[metric_id].items()
            if first <= day < world.today and world.is_published(host, day)
        }, metric_id
    stars = world.repositories[REPOSITORY]
    first = max(stars.created, machine.begun - 730 * DAY)
    assert stored["stars:p:github"] == {day: stars.stars_on(day) for day in day_range(first, world.yesterday)}
    rows = machine.nights.rows()
    assert {(row.metric_id, row.period_end): row.value for row in rows} == {
        (metric_id, day): value for metric_id, days in stored.items() for day, value in days.items()
    }
    assert machine.nights.state().health.last_run is not None
    assert [entry.last_error for entry in machine.nights.state().metrics] == [None] * len(SUBJECTS)
