"""Thirty nights of the workflow with its shell steps and real git, and the faults of a month.

There are two runners: GitHub's, which starts with an empty disk every night, and a machine with a permanent store and
clone that runs the same steps now and then.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cmetrics.domain.days import utc_now
from cmetrics.domain.run import Job
from cmetrics.export.sync import pull
from cmetrics.ingest.progress import NoProgress
from cmetrics.settings import Settings, StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from tests.conftest import ALWAYS, COMMAND, INHERITED_VARIABLES, catalog_text
from tests.world import faults, fork_server
from tests.world.actions import JobResult, job, run_job
from tests.world.nights import Nights
from tests.world.truth import CRATES, DAY, GITHUB, NPM, World

NIGHTS = 30
SUBJECTS = (("npm", "@lancedb/lancedb"), ("cratesio", "lance"), ("github", "lance-format/lance"))
METRICS = {
    "downloads:p:nodejs": "downloads:lancedb:nodejs",
    "downloads:p:rust": "downloads:lance:rust",
    "stars:p:github": "stars:lance:github",
}
MARK = "refs/cmetrics/last/data"
INSTALLED = frozenset({"Install cmetrics", "Install plotly.js"})
KILLER = """\
#!/bin/sh
# The machine is lost when cmetrics is about to push.
case " $* " in *" push "*) kill -9 $PPID; exit 1;; esac
exec {git} "$@"
"""


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(["git", "-C", folder, *args], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass
class Month:
    """The repository on GitHub, its runner, the other machine, and a person with a clone."""

    root: Path
    nights: Nights
    env: dict[str, str]
    #: The published page of the last night that built one.
    page: Path | None = None
    number: int = 0
    codes: list[str] = field(default_factory=list)

    @property
    def remote(self) -> Path:
        return self.root / "remotes" / "owner" / "name"

    @property
    def private(self) -> Path:
        return self.root / "private"

    @property
    def person(self) -> Path:
        """Return the clone of a person, updated to the current branch."""
        folder = self.root / "person"
        if not folder.exists():
            subprocess.run(["git", "clone", "--quiet", "--branch", "data", self.remote, folder], check=True)
            git(folder, "config", "user.name", "Somebody")
            git(folder, "config", "user.email", "somebody@example.com")
        git(folder, "fetch", "--quiet", "origin")
        git(folder, "checkout", "--quiet", "-B", "data", "origin/data")
        return folder

    def steps(self, folder: Path, *, job_name: str = "collect", **options) -> JobResult:
        folder.mkdir(exist_ok=True)
        (folder / "cmetrics.toml").write_text(catalog_text(*SUBJECTS, daily_from="2020-01-01"))
        now = self.nights.now()
        temp = folder.with_name(f"{folder.name}-temp")
        bundle = temp / "plotly" / "node_modules" / "plotly.js-basic-dist-min" / "plotly-basic.min.js"
        bundle.parent.mkdir(parents=True, exist_ok=True)
        bundle.write_text("/**\n* plotly.js (basic - minified)\n*/\n")
        env = self.env | options.pop("env", {})
        env |= {"NIGHT": now.isoformat(), "SOURCE_DATE_EPOCH": str(int(now.timestamp()))}
        return run_job(
            job(job_name),
            folder,
            temp=temp,
            env=env,
            uses={"pages": {"base_url": "https://owner.example.com/name"}},
            skip=INSTALLED,
            **options,
        )

    def night(self, *, between: tuple[str, Callable[[], object]] | None = None, path: Path | None = None) -> JobResult:
        """Run the job on GitHub on the next day, with an empty disk."""
        self.number += 1
        if self.number > 1:
            self.nights.sleep()
        folder = self.root / f"runner-{self.number}"
        env = {"PATH": f"{path}:{self.env['PATH']}"} if path else {}

        def before(step: str) -> None:
            if between and between[0] == step:
                between[1]()

        ran = self.steps(folder, env=env, before=before)
        self.codes.append(ran.outputs.get("exit-code", ""))
        if ran.ok:
            if self.page:
                shutil.rmtree(self.page.parent)
            self.page = folder / "site"
            assert ran.outcomes["Build site"] == "success"
        else:
            assert not (folder / "site").exists(), "the last page stays published"
            shutil.rmtree(folder)
        return ran

    def good_night(self, **options) -> JobResult:
        ran = self.night(**options)
        assert ran.ok, ran.log
        assert ran.outputs["exit-code"] == "0", ran.log
        return ran

    def alert(self, collected: JobResult) -> tuple[JobResult, list[tuple[str, str]]]:
        """Run the job after a night on another runner. Return its result, and state and title of every issue."""
        folder = self.root / "alert"
        shutil.rmtree(folder, ignore_errors=True)
        ran = self.steps(folder, job_name="alert", needs={"collect": collected.outputs})
        return ran, [(issue["state"], issue["title"]) for issue in self.nights.world.project.issues]

    def elsewhere(self) -> None:
        """Run the same steps on the other machine."""
        ran = self.steps(self.private)
        assert ran.ok, ran.log

    def stored(self) -> dict[str, dict[date, int]]:
        """Return the values on the branch, read without our code."""
        found: dict[str, dict[date, int]] = {}
        for name in git(self.remote, "ls-tree", "--name-only", "data", "stats/").splitlines():
            text = git(self.remote, "show", f"data:{name}")
            for row in csv.DictReader(io.StringIO(text)):
                found.setdefault(row["metric_id"], {})[date.fromisoformat(row["period_end"])] = int(row["value"])
        return found


@pytest.fixture
def month(nights: Nights, tmp_path: Path, services) -> Month:
    root = tmp_path / "month"
    (root / "home").mkdir(parents=True)
    month = Month(root, nights, {})
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", month.remote], check=True)
    fork_server.install(root / "bin")
    inherited = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
    month.env = inherited | {
        "PATH": f"{root / 'bin'}:{os.environ['PATH']}",
        "HOME": str(root / "home"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GITHUB_SERVER_URL": f"file://{root / 'remotes'}",
        "GITHUB_REPOSITORY": "owner/name",
        "CMETRICS_CACHE": str(root / "cache"),
        **services.env(),
    }
    return month


def truth(world: World) -> dict[str, dict[date, int]]:
    expected = world.expected()
    return {metric_id: expected[default_id] for metric_id, default_id in METRICS.items()}


def test_thirty_nights_with_faults_end_with_the_true_values_and_page(month: Month, world: World):
    month.nights.begin(world.today - (NIGHTS - 1) * DAY)
    first = truth(world)
    started = time.monotonic()

    # The first night: there is no branch yet.
    month.good_night()
    assert month.stored().keys() == METRICS.keys()
    month.elsewhere()
    for _ in range(3):
        month.good_night()

    # 5: the other machine pushes between pull and push.
    ran = month.good_night(between=("Push data branch", month.elsewhere))
    assert '"merges": 1' in ran.log
    parents = git(month.remote, "log", "--format=%p", "data").splitlines()
    assert not [line for line in parents if " " in line], "rows are merged, not files"
    month.good_night()

    # 7: a source returns nonsense. The others are stored and published, and the run is partial.
    world.faults = {CRATES: faults.html}
    ran = month.night()
    assert ran.ok, ran.log
    assert ran.outputs["exit-code"] == "3"
    says = run_job(job("partial"), month.root, temp=month.root, env=month.env)
    assert not says.ok
    assert "::error title=Some metrics failed::" in says.log
    # 8: all of them do. Nothing is published, but the failure is recorded.
    world.faults = {CRATES: faults.html, NPM: faults.html, GITHUB: faults.html}
    ran = month.night()
    assert not ran.ok
    assert (ran.outputs["exit-code"], ran.outcomes["Push data branch"]) == ("1", "success")
    assert ",failed," in git(month.remote, "show", "data:history.csv")
    world.faults = {}
    month.good_night()
    # A late value is revised.
    crate = world.crates["lance"]
    crate[world.today - 2 * DAY] += 100
    month.good_night()
    assert ", 1 revised values" in git(month.remote, "log", "-1", "--format=%s", "data")

    # 11: the machine is lost after export and commit, before the push.
    tip = git(month.remote, "rev-parse", "data")
    killers = month.root / "killers"
    killers.mkdir()
    (killers / "git").write_text(KILLER.format(git=shutil.which("git")))
    (killers / "cmetrics").write_text(
        f'#!/bin/sh\ncase $1 in push-data) {COMMAND} "$@"; exit $?;; esac\nexec {month.root}/bin/cmetrics "$@"\n'
    )
    for program in killers.iterdir():
        program.chmod(0o755)
    ran = month.night(path=killers)
    assert ran.stopped, ran.log
    assert git(month.remote, "rev-parse", "data", MARK) == f"{tip}\n{tip}"
    month.good_night()

    # 13: an editor damages a file on the branch, which is rejected with file and line until it is reverted.
    person = month.person
    file = person / "stats" / "downloads-p-rust.csv"
    lines = file.read_text().splitlines(keepends=True)
    lines[41] = lines[41].replace(",20", ",2O", 1)
    file.write_text("".join(lines))
    git(person, "commit", "--quiet", "-am", "Tidy up")
    git(person, "push", "--quiet", "origin", "data")
    ran = month.night()
    assert not ran.ok
    assert ran.outcomes["Pull data branch"] == "failure"
    assert "stats/downloads-p-rust.csv, line 42: " in ran.log
    assert ran.outcomes["Push data branch"] == "skipped"
    # The alert job cannot pull either, and reports that.
    world.project.name = "owner/name"
    alerted, issues = month.alert(ran)
    assert alerted.ok, alerted.log
    assert alerted.outcomes["Pull data branch"] == "failure"
    refused = "cmetrics: the store could not be pulled from the data branch"
    assert issues == [("open", refused)]
    assert "downloads-p-rust.csv, line 42" in world.project.issues[0]["body"]
    git(person, "revert", "--no-edit", "HEAD")
    git(person, "push", "--quiet", "origin", "data")
    alerted, issues = month.alert(month.good_night())
    assert alerted.ok, alerted.log
    assert issues == [("closed", refused)]

    # A rule for all branches is enabled for a night, whose data is not on the branch.
    hook = month.remote / "hooks" / "pre-receive"
    hook.write_text(
        "#!/bin/sh\necho 'error: GH013: Repository rule violations found for refs/heads/data.' >&2\nexit 1\n"
    )
    hook.chmod(0o755)
    ran = month.night()
    assert (ran.ok, ran.outcomes["Push data branch"]) == (False, "failure")
    alerted, issues = month.alert(ran)
    assert alerted.ok, alerted.log
    assert issues[1:] == [("open", "cmetrics: the store could not be pushed to the data branch")]
    assert "Settings → Rules" in world.project.issues[1]["body"]
    hook.unlink()
    alerted, issues = month.alert(month.good_night())
    assert [state for state, _ in issues] == ["closed", "closed"]
    # 15: a file is truncated at the end of a line, which every CSV reader accepts.
    person = month.person
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-5]))
    git(person, "commit", "--quiet", "-am", "Shorter")
    git(person, "push", "--quiet", "origin", "data")
    ran = month.night()
    assert not ran.ok
    assert "downloads-p-rust.csv, line " in ran.log
    assert "the file ends here" in ran.log
    git(person, "revert", "--no-edit", "HEAD")
    git(person, "push", "--quiet", "origin", "data")
    month.good_night()

    # 17: an older branch is pushed by force, which is rejected until it is restored as the message says.
    person = month.person
    tip = git(person, "rev-parse", "data")
    git(person, "push", "--quiet", "--force", "origin", "data~4:refs/heads/data")
    ran = month.night()
    assert not ran.ok
    assert "was replaced by an older or unrelated history" in ran.log
    assert git(month.remote, "rev-parse", "data") == git(person, "rev-parse", "data~4"), "nothing was pushed"
    assert f"git fetch origin {MARK}" in ran.log
    git(person, "fetch", "--quiet", "origin", MARK)
    git(person, "push", "--quiet", "--force", "origin", "FETCH_HEAD:refs/heads/data")
    assert git(month.remote, "rev-parse", "data") == tip
    month.good_night()

    while month.number < NIGHTS - 1:
        month.good_night()
    month.good_night(between=("Push data branch", month.elsewhere))
    assert month.number == NIGHTS
    assert world.today == datetime.now(UTC).date()

    # Expected are all days since the oldest of the first night, with their current values.
    expected = {metric_id: first[metric_id] | days for metric_id, days in truth(world).items()}
    expected["downloads:p:rust"] |= {day: crate[day] for day in expected["downloads:p:rust"]}
    assert month.stored() == expected

    # A store that is restored from the branch equals that of the last night.
    last = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(month.page.parent / "data" / "lancedb")))
    target = StoreTarget(StoreKind.EMBEDDED, str(month.root / "fresh" / "lancedb"))
    pulled = pull(
        Settings(target, None),
        month.root / "fresh" / "ledger",
        remote=str(month.remote),
        branch="data",
        now=utc_now(),
        progress=NoProgress(),
    )
    fresh = LanceStore.open(target)
    ids = sorted(METRICS)
    assert fresh.observations(ids, ALWAYS) == last.observations(ids, ALWAYS)
    assert fresh.definitions() == last.definitions()
    assert fresh.revisions() == last.revisions()
    assert [run for run in fresh.runs() if run.ingestion_run_id != pulled.restored.run_id] == last.runs()
    refreshes = [run for run in fresh.runs() if run.job_name == Job.REFRESH]
    assert {run.status for run in refreshes} == {"success", "partial", "failed"}

    # The page shows the values.
    for metric_id in ids:
        name = metric_id.replace(":", "-")
        document = json.loads((month.page / "api" / "v1" / "series" / f"{name}.json").read_text())
        shown = {date.fromisoformat(point["period_end"]): point["value"] for point in document["points"]}
        assert shown == {day: value for day, value in expected[metric_id].items() if day in shown}
        assert max(shown) == max(expected[metric_id])
    board = json.loads((month.page / "api" / "v1" / "dashboard" / "daily.json").read_text())
    html = (month.page / "index.html").read_text()
    month_before = (world.today.replace(day=1) - DAY).replace(day=1)
    for item in board["groups"][0]["items"]:
        days = expected[item["metric_id"]]
        value = (
            days[max(days)]
            if item["metric_family"] == "stars"
            else sum(v for day, v in days.items() if day.replace(day=1) == month_before)
        )
        assert item["latest_value"] == value
        assert f"{value:,}" in html
    assert "https://owner.example.com/name/" in html
    print(f"\n{NIGHTS} nights in {time.monotonic() - started:.0f} s")
