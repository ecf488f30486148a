"""Run the shell steps of one job of a workflow as GitHub Actions does, with their conditions.

Actions named in `uses:` are not run; the test supplies their outputs and outcomes.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
NIGHTLY = ROOT / ".github" / "workflows" / "nightly.yml"
ACTION = ROOT / "action.yml"

Step = Mapping[str, Any]


def job(name: str, workflow: Path = NIGHTLY) -> dict[str, Any]:
    return yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"][name]


def shell_steps(steps: list[Step]) -> dict[str, str]:
    """Return the scripts by the names of their steps."""
    return {step["name"]: step["run"] for step in steps if "run" in step}


@dataclass
class JobResult:
    """The result of a job."""

    #: The outcome of every step by name or id: success, failure, skipped or stopped.
    outcomes: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    ok: bool = True
    stopped: bool = False


class JobStopped(Exception):
    """The machine was killed during a step."""


def run_job(
    described: Mapping[str, Any],
    folder: Path,
    *,
    temp: Path,
    env: Mapping[str, str],
    inputs: Mapping[str, Any] | None = None,
    uses: Mapping[str, Mapping[str, str]] | None = None,
    needs: Mapping[str, Mapping[str, str]] | None = None,
    skip: frozenset[str] = frozenset(),
    before: Callable[[str], None] = lambda _: None,
) -> JobResult:
    """Run the steps of a job in ``folder`` as a runner does.

    ``uses`` contains the outputs of steps with an id, ``needs`` those of other jobs.
    """
    ran, steps = JobResult(), {}
    context: dict[str, Any] = {
        "secrets": {},
        "vars": {},
        "needs": {name: {"outputs": outputs} for name, outputs in (needs or {}).items()},
        "inputs": inputs or {},
        "github": {"workspace": str(folder), "token": "ghs_of_this_job", "event": {"inputs": inputs or {}}},
        "runner": {"temp": str(temp)},
        "steps": steps,
    }
    context["env"] = {name: _interpolate(value, context, ran) for name, value in described.get("env", {}).items()}
    for step in described["steps"]:
        name = step.get("name", step.get("uses", ""))
        key = step.get("id", name)
        condition = str(step.get("if", "success()"))
        if not re.search(r"\b(always|success|failure|cancelled)\(\)", condition):
            condition = f"success() && ({_strip_expression(condition)})"
        if name in skip:
            outcome, outputs = "success", {}
        elif not _truth(condition, context, ran):
            outcome, outputs = "skipped", {}
        elif "uses" in step:
            outcome, outputs = "success", dict((uses or {}).get(key, {}))
        else:
            before(name)
            try:
                outcome, outputs = _run(step, folder, temp, dict(env), context, ran)
            except JobStopped:
                ran.stopped, ran.ok = True, False
                ran.outcomes[name] = "stopped"
                return ran
        steps[key] = {"outcome": outcome, "outputs": outputs}
        ran.outcomes[name] = outcome
        ran.ok = ran.ok and (outcome != "failure" or step.get("continue-on-error") is True)
    ran.outputs = {name: _interpolate(value, context, ran) for name, value in described.get("outputs", {}).items()}
    return ran


def _run(
    step: Step, folder: Path, temp: Path, env: dict[str, str], context: dict[str, Any], ran: JobResult
) -> tuple[str, dict[str, str]]:
    files = {
        name: temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
    }
    for file in files.values():
        file.write_text("")
    own = {name: _interpolate(value, context, ran) for name, value in step.get("env", {}).items()}
    script = temp / "step.sh"
    script.write_text(step["run"])
    assert "${{" not in step["run"], "expressions may not be written into a script"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
        check=False,
        cwd=folder,
        env=env | context["env"] | own | {name: str(file) for name, file in files.items()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    ran.log += f"== {step['name']}: exit {done.returncode}\n{done.stdout}"
    if done.returncode == 128 + 9:
        raise JobStopped
    outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    return "failure" if done.returncode else "success", outputs


def _strip_expression(text: str) -> str:
    return re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", text, flags=re.DOTALL).strip()


def _interpolate(value: Any, context: dict[str, Any], ran: JobResult) -> str:
    def replaced(match: re.Match[str]) -> str:
        found = _value(match[1], context, ran)
        return {True: "true", False: "false", None: ""}.get(found, str(found))

    return re.sub(r"\$\{\{(.*?)\}\}", replaced, str(value))


def _truth(condition: str, context: dict[str, Any], ran: JobResult) -> bool:
    return bool(_value(_strip_expression(condition), context, ran))


def _value(expression: str, context: dict[str, Any], ran: JobResult) -> Any:
    """Evaluate names, strings, the four status functions, ``format``, ``! == != && ||`` and parentheses."""
    tokens = re.findall(r"'[^']*'|[A-Za-z_][\w.-]*(?:\(\))?|&&|\|\||==|!=|!|,|\(|\)", expression)
    words = {"&&": " and ", "||": " or ", "!": " not ", "(": "(", ")": ")", ",": ",", "==": "==", "!=": "!="}
    words["format"] = "str.format"
    status = {"always()": True, "success()": ran.ok, "failure()": not ran.ok, "cancelled()": False}
    python = ""
    for token in tokens:
        if token in words:
            python += words[token]
        elif token in status:
            python += repr(status[token])
        elif token.startswith("'"):
            python += repr(token[1:-1])
        else:
            found: Any = context
            for part in token.split("."):
                found = found.get(part) if isinstance(found, Mapping) else None
            # An unknown name equals the empty string.
            python += repr("" if found is None else found)
    return eval(python, {"__builtins__": {}, "str": str})
