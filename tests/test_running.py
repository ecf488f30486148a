"""The image, services, units and scripts in the how-to guides work."""

from __future__ import annotations

import configparser
import fnmatch
import re
import shlex
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from cmetrics.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / "how-to" / name for name in ("schedule.md", "migrate.md")]
RUNNING = PAGES[0].read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", RUNNING, re.MULTILINE | re.DOTALL)
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yml").read_text(encoding="utf-8"))
UNITS = {
    f"cmetrics.{kind}": next(text for block, text in BLOCKS if block == "ini" and f"[{kind.capitalize()}]" in text)
    for kind in ("service", "timer")
}


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    return done.stdout.decode().split()


def copied() -> list[str]:
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return [source for line in lines for source in shlex.split(line)[:-1]]


def test_files_copied_into_the_image_exist():
    files = tracked()
    assert copied()
    for source in copied():
        assert any(path == source or path.startswith(f"{source}/") for path in files), source
    lines = re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines()
    instructions = {line.split()[0] for line in lines if line and not line.startswith("#")}
    assert instructions == {
        *("FROM", "ARG", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "ENTRYPOINT", "CMD")
    }
    project = (ROOT / "pyproject.toml").read_text()
    for needed in re.findall(r'^(?:readme|license-files) = \[?"(.+?)"', project, re.MULTILINE):
        assert needed in copied(), "the build reads it"


def test_the_image_is_complete_and_has_its_own_user():
    """The image has git, the API extra and the Python version of the workflows, but no development tools."""
    assert "install -y --no-install-recommends ca-certificates git" in DOCKERFILE
    assert "/wheel/*.whl)[api]" in DOCKERFILE
    assert not re.search(r"\bdev\b|--group|uv sync", DOCKERFILE)
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["cmetrics"]
    assert last.index("USER cmetrics") > last.rindex("RUN ")
    python = re.search(r'python-version: "(.+)"', (ROOT / ".github/workflows/nightly.yml").read_text())
    assert python is not None
    assert set(re.findall(r"^FROM python:([\d.]+)", DOCKERFILE, re.MULTILINE)) == {python[1]}


def test_the_package_builds_from_the_copied_files(tmp_path: Path):
    """The build of the image works without a container: the wheel has templates, default catalogue and licence."""
    context = tmp_path / "source"
    for path in tracked():
        if path.split("/")[0] in copied():
            (context / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, context / path)
    uv = shutil.which("uv")
    assert uv is not None
    subprocess.run([uv, "build", "--wheel", "--quiet", "--out-dir", tmp_path], cwd=context, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        assert "Provides-Extra: api" in archive.read(metadata).decode()
    for expected in ("cmetrics/default/cmetrics.toml", "cmetrics/templates/", "licenses/LICENSE"):
        assert [name for name in names if expected in name], expected


def test_only_copied_files_are_sent_to_the_build():
    """The virtual environment and the store are excluded. The last matching pattern of `.dockerignore` decides."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]

    def is_sent(path: str) -> bool:
        sent = True
        for rule in rules:
            pattern = rule.removeprefix("!").removeprefix("**/")
            parts = path.split("/")
            names = parts if "**/" in rule else ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
            if any(fnmatch.fnmatchcase(name, pattern) for name in names):
                sent = rule.startswith("!")
        return sent

    sent = {path for path in tracked() if is_sent(path)}
    assert {path.split("/")[0] for path in sent} == set(copied())
    for path in tracked():
        assert (path in sent) == (path.split("/")[0] in copied()), path
    for path in (".venv/bin/python", ".env", "data/lancedb/stats.lance/x", "cmetrics/__pycache__/x.pyc", ".git/HEAD"):
        assert not is_sent(path), path


def test_the_services_share_a_volume():
    """The web server reads what the nightly service writes, and cannot write there."""
    nightly, web = COMPOSE["services"]["nightly"], COMPOSE["services"]["web"]
    assert nightly["build"] == {"context": "."}
    assert nightly["volumes"] == ["data:/data"]
    assert web["volumes"] == ["data:/data:ro"]
    assert COMPOSE["volumes"].keys() == {"data"}
    assert f"-v {COMPOSE['name']}_data:/data" in RUNNING
    assert web["command"][-2:] == ["--root", "/data/site"]
    assert re.search(r"^WORKDIR /data$", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize(
    ("now", "seconds"),
    [("09:22:59", 1), ("09:23:00", 86400), ("09:23:01", 86399), ("00:00:00", 33780), ("23:59:59", 33781)],
)
def test_the_nightly_service_sleeps_until_its_time(tmp_path: Path, now: str, seconds: int):
    """The script of the service is run once in a real shell; after a partial run, it builds the site."""
    (script,) = COMPOSE["services"]["nightly"]["command"]
    assert COMPOSE["services"]["nightly"]["entrypoint"] == ["/bin/sh", "-c"]
    moment = datetime.fromisoformat(f"2026-11-25T{now}").replace(tzinfo=UTC)
    programs = {
        "cmetrics": 'echo "$1" >> calls; test "$1" = refresh && exit 3; exit 0',
        "date": f"echo {int(moment.timestamp())}",
        "sleep": 'echo "$1" >> calls; kill $PPID',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    # Compose reads `$$` as a dollar sign.
    command = ["/bin/sh", "-c", script.replace("$$", "$")]
    subprocess.run(command, cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False, timeout=60)
    assert (tmp_path / "calls").read_text().split() == ["refresh", "build-site", "alert", str(seconds)]


@pytest.mark.parametrize("name", UNITS)
def test_units_are_well_formed(name: str):
    unit = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read_string(UNITS[name])
    assert "Unit" in unit.sections()
    assert {"Service", "Timer"} & set(unit.sections())


def test_systemd_accepts_the_units(tmp_path: Path):
    """`systemd-analyze verify` reports nothing, where it is installed."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze on this machine")
    for name, text in UNITS.items():
        # Use programs and a user that exist on this machine.
        (tmp_path / name).write_text(
            re.sub(r"/srv/cmetrics/(?:nightly|venv\S+)", "/bin/true", text).replace("User=cmetrics", "User=root")
        )
    done = subprocess.run(
        [analyze, "verify", *(tmp_path / name for name in UNITS)], check=False, capture_output=True, text=True
    )
    assert not [line for line in done.stderr.splitlines() if str(tmp_path) in line or "cmetrics." in line], done.stderr
    assert done.returncode == 0, done.stderr


def test_an_alert_follows_every_run_of_the_unit():
    """The unit uses ExecStopPost=, because ExecStartPost= would not run after a failure."""
    assert re.findall(r"^ExecStopPost=-(.+)$", UNITS["cmetrics.service"], re.MULTILINE) == [
        "/srv/cmetrics/venv/bin/cmetrics alert --quiet"
    ]


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "sh"])
def test_scripts_are_well_formed(text: str):
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize(
    ("code", "calls"),
    [(0, "refresh build-site"), (3, "refresh build-site"), (1, "refresh"), (2, "refresh")],
)
def test_the_nightly_script_builds_after_a_partial_run_and_not_after_a_failed_one(
    tmp_path: Path, code: int, calls: str
):
    """The script is saved where the page says, made executable with its command, and run by its path, as cron does."""
    (text,) = [text for kind, text in BLOCKS if text.startswith("#!/bin/sh")]
    (saved,) = re.findall(r"Save this script as `(/srv/cmetrics/\S+)`", RUNNING)
    (executable,) = [text for kind, text in BLOCKS if kind == "sh" and "chmod" in text]
    assert f"ExecStart={saved}\n" in UNITS["cmetrics.service"]
    assert f"* * * {saved}\n" in RUNNING
    stub = tmp_path / "venv" / "bin" / "cmetrics"
    stub.parent.mkdir(parents=True)
    stub.write_text('#!/bin/sh\necho "$1" >> calls\ntest "$1" = refresh && exit $CODE\nexit 0\n')
    stub.chmod(0o755)
    script = Path(saved.replace("/srv/cmetrics", str(tmp_path)))
    script.write_text(text.replace("/srv/cmetrics", str(tmp_path)))
    command = executable.replace("/srv/cmetrics", str(tmp_path)).replace("sudo ", "")
    subprocess.run(["sh", "-e"], input=command, text=True, check=True)
    done = subprocess.run([script], env={"CODE": str(code), "PATH": "/usr/bin:/bin"}, check=False, cwd="/")
    assert done.returncode == code
    assert (tmp_path / "calls").read_text().split() == calls.split()


def test_the_page_installs_all_requirements():
    """A minimal Debian has neither venv nor git, and pip installs the project with git."""
    (install,) = [text for kind, text in BLOCKS if kind == "sh" and "apt-get" in text]
    first, *rest = install.splitlines()
    assert set(first.split()) >= {"python3-venv", "git"}
    assert "-m venv" in "\n".join(rest)
    assert "git+https" in "\n".join(rest)


def test_the_pages_name_only_existing_commands():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        names = set(
            re.findall(r"(?<!-u )cmetrics ([a-z]+(?:-[a-z]+)?)\b(?=[ `\n'])", " ".join(re.findall(r"`[^`]+`", text)))
        )
        assert names
        assert names <= COMMANDS, names - COMMANDS
